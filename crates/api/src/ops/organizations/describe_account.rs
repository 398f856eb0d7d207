//! Organizations `DescribeAccount`: an account of the organization.

use portcullis_model::organizations::{
    operation::DescribeAccount,
    types::{DescribeAccountInput, DescribeAccountOutput},
};

use crate::{
    answer::Answer,
    context::RequestCx,
    error::ApiError,
    wire::organizations::{Shown, parsed},
};

pub(crate) async fn describe_account(
    cx: &RequestCx<'_>,
    input: DescribeAccountInput,
) -> Result<Answer<DescribeAccountOutput>, ApiError> {
    let permit = cx.organization_part::<DescribeAccount, _>(parsed(&input.account_id)?)?;
    let (view, id) = cx.snapshot.describe_account(permit)?;
    let shown = Shown::new(&cx.snapshot, &view);
    let account = view.stored.members.get(&id).map(|member| shown.account(id, member));
    Ok(Answer::Output(DescribeAccountOutput { account }))
}
