//! Organizations `MoveAccount`: moves an account from one root or unit to another; all three must
//! be permitted.

use portcullis_identity::organization::ContainerId;
use portcullis_model::authorization_of;
use portcullis_model::organizations::{operation::MoveAccount, types::MoveAccountInput};

use crate::{
    answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError,
    wire::organizations::parsed,
};

pub(crate) async fn move_account(
    cx: &RequestCx<'_>,
    input: MoveAccountInput,
) -> Result<Answer<()>, ApiError> {
    let [from, to]: [ContainerId; 2] =
        [parsed(&input.source_parent_id)?, parsed(&input.destination_parent_id)?];
    let permit = cx.organization_part::<MoveAccount, _>(parsed(&input.account_id)?)?;
    for place in [&from, &to] {
        let action = authorization_of::<MoveAccount>().action;
        cx.check(action, &cx.part(place.clone()), &Parameters::default())?;
    }
    cx.state.catalog.move_account(permit, &from, &to).await?;
    Ok(Answer::Output(()))
}
