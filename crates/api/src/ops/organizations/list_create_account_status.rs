//! Organizations `ListCreateAccountStatus`: the requests for accounts, by id.

use portcullis_identity::organization::CreateAccountRequest;
use portcullis_model::organizations::{
    operation::ListCreateAccountStatus,
    types::{ListCreateAccountStatusInput, ListCreateAccountStatusOutput},
};

use crate::{
    answer::Answer,
    context::RequestCx,
    error::ApiError,
    wire::organizations::{self, Paging},
};

pub(crate) async fn list_create_account_status(
    cx: &RequestCx<'_>,
    input: ListCreateAccountStatusInput,
) -> Result<Answer<ListCreateAccountStatusOutput>, ApiError> {
    let permit = cx.organization::<ListCreateAccountStatus>()?;
    let paging = Paging::new(input.next_token.as_deref(), input.max_results)?;
    let states = input.states.unwrap_or_default();
    let wanted = |one: &CreateAccountRequest| {
        states.is_empty() || states.contains(&organizations::state_of(one))
    };
    let page =
        cx.snapshot.list_create_account_status(permit, wanted, &paging.after, paging.limit)?;
    let status = |(id, one): &(_, _)| organizations::create_account_status(id, one);
    Ok(Answer::Output(ListCreateAccountStatusOutput {
        create_account_statuses: Some(page.entries.iter().map(status).collect()),
        next_token: organizations::next_token(&page, |(id, _)| id.to_string()),
    }))
}
