//! Organizations `ListAccounts`: the accounts of the organization, by id.

use portcullis_model::organizations::{
    operation::ListAccounts,
    types::{ListAccountsInput, ListAccountsOutput},
};

use crate::{
    answer::Answer,
    context::RequestCx,
    error::ApiError,
    wire::organizations::{self, Paging, Shown},
};

pub(crate) async fn list_accounts(
    cx: &RequestCx<'_>,
    input: ListAccountsInput,
) -> Result<Answer<ListAccountsOutput>, ApiError> {
    let permit = cx.organization::<ListAccounts>()?;
    let paging = Paging::new(input.next_token.as_deref(), input.max_results)?;
    let (view, page) = cx.snapshot.list_accounts(permit, &paging.after, paging.limit)?;
    let shown = Shown::new(&cx.snapshot, &view);
    Ok(Answer::Output(ListAccountsOutput {
        accounts: Some(page.entries.iter().map(|(id, one)| shown.account(*id, one)).collect()),
        next_token: organizations::next_token(&page, |(id, _)| id.to_string()),
    }))
}
