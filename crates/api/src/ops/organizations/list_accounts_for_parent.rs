//! Organizations `ListAccountsForParent`: the accounts right below a root or unit, by id.

use portcullis_model::organizations::{
    operation::ListAccountsForParent,
    types::{ListAccountsForParentInput, ListAccountsForParentOutput},
};

use crate::{
    answer::Answer,
    context::RequestCx,
    error::ApiError,
    wire::organizations::{self, Paging, Shown, parsed},
};

pub(crate) async fn list_accounts_for_parent(
    cx: &RequestCx<'_>,
    input: ListAccountsForParentInput,
) -> Result<Answer<ListAccountsForParentOutput>, ApiError> {
    let permit = cx.organization_part::<ListAccountsForParent, _>(parsed(&input.parent_id)?)?;
    let paging = Paging::new(input.next_token.as_deref(), input.max_results)?;
    let (view, page) = cx.snapshot.list_accounts_for_parent(permit, &paging.after, paging.limit)?;
    let shown = Shown::new(&cx.snapshot, &view);
    Ok(Answer::Output(ListAccountsForParentOutput {
        accounts: Some(page.entries.iter().map(|(id, one)| shown.account(*id, one)).collect()),
        next_token: organizations::next_token(&page, |(id, _)| id.to_string()),
    }))
}
