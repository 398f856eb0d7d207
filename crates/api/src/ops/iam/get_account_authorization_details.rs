//! IAM `GetAccountAuthorizationDetails`: users, groups, roles and policies of the caller's account,
//! each with everything that hangs on it.

use portcullis_catalog::effects::AccountDetail;
use portcullis_model::iam::{
    operation::GetAccountAuthorizationDetails,
    types::{
        EntityType, GetAccountAuthorizationDetailsInput, GetAccountAuthorizationDetailsOutput,
    },
};

use crate::{
    answer::Answer,
    context::RequestCx,
    error::ApiError,
    wire::{
        iam::{self, Paging},
        iam_account,
    },
};

pub(crate) async fn get_account_authorization_details(
    cx: &RequestCx<'_>,
    input: GetAccountAuthorizationDetailsInput,
) -> Result<Answer<GetAccountAuthorizationDetailsOutput>, ApiError> {
    let permit = cx.whole_account::<GetAccountAuthorizationDetails>()?;
    let paging = Paging::new(input.marker.as_deref(), input.max_items)?;
    let kinds = input.filter.unwrap_or_default();
    let wanted = |detail: &AccountDetail| kinds.is_empty() || kinds.contains(&kind(detail));
    let (after, limit) = (&paging.after, paging.limit);
    let page = cx.snapshot.get_account_authorization_details(permit, wanted, after, limit);
    let shown = iam_account::Details { snapshot: &cx.snapshot, partition: cx.state.partition };
    Ok(Answer::Output(GetAccountAuthorizationDetailsOutput {
        is_truncated: Some(page.more),
        marker: iam::next_marker(&page, AccountDetail::place),
        ..shown.of(&page.entries)
    }))
}

fn kind(detail: &AccountDetail) -> EntityType {
    match detail {
        AccountDetail::User(_) => EntityType::User,
        AccountDetail::Group(_) => EntityType::Group,
        AccountDetail::Role(_) => EntityType::Role,
        AccountDetail::OwnPolicy(_) => EntityType::LocalManagedPolicy,
        AccountDetail::AwsPolicy(_) => EntityType::AWSManagedPolicy,
    }
}
