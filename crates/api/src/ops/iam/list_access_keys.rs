//! IAM `ListAccessKeys`: the keys of a user, or without a name of the caller, root included.

use portcullis_model::iam::{
    operation::ListAccessKeys,
    types::{ListAccessKeysInput, ListAccessKeysOutput},
};

use crate::{
    answer::Answer,
    context::RequestCx,
    error::ApiError,
    wire::iam::{self, Paging},
};

pub(crate) async fn list_access_keys(
    cx: &RequestCx<'_>,
    input: ListAccessKeysInput,
) -> Result<Answer<ListAccessKeysOutput>, ApiError> {
    let permit = cx.key_holder::<ListAccessKeys>(input.user_name.as_deref())?;
    let paging = Paging::new(input.marker.as_deref(), input.max_items)?;
    let page = cx.snapshot.list_access_keys(permit, &paging.after, paging.limit)?;
    let keys = page.entries.iter().map(|view| iam::listed_access_key(&view.stored));
    Ok(Answer::Output(ListAccessKeysOutput {
        access_key_metadata: keys.collect(),
        is_truncated: Some(page.more),
        marker: iam::next_marker(&page, |view| view.stored.id.to_string()),
    }))
}
