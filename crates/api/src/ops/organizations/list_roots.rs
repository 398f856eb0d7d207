//! Organizations `ListRoots`: the root of the organization: there is one.

use portcullis_model::organizations::{
    operation::ListRoots,
    types::{ListRootsInput, ListRootsOutput},
};

use crate::{
    answer::Answer,
    context::RequestCx,
    error::ApiError,
    wire::organizations::{Paging, Shown},
};

pub(crate) async fn list_roots(
    cx: &RequestCx<'_>,
    input: ListRootsInput,
) -> Result<Answer<ListRootsOutput>, ApiError> {
    let permit = cx.organization::<ListRoots>()?;
    Paging::new(input.next_token.as_deref(), input.max_results)?;
    let view = cx.snapshot.list_roots(permit)?;
    let roots = Some(vec![Shown::new(&cx.snapshot, &view).root()]);
    Ok(Answer::Output(ListRootsOutput { roots, next_token: None }))
}
