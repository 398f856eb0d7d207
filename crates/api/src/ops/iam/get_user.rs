//! IAM `GetUser`: a user, or without a name the caller, root included.

use portcullis_catalog::effects::ShownUser;
use portcullis_model::iam::{
    operation::GetUser,
    types::{GetUserInput, GetUserOutput},
};

use crate::{answer::Answer, context::RequestCx, error::ApiError, wire::iam};

pub(crate) async fn get_user(
    cx: &RequestCx<'_>,
    input: GetUserInput,
) -> Result<Answer<GetUserOutput>, ApiError> {
    let permit = cx.key_holder::<GetUser>(input.user_name.as_deref())?;
    let user = match cx.snapshot.get_user(permit)? {
        ShownUser::User(view) => iam::user(&view.stored, cx.state.partition),
        ShownUser::Root(account) => iam::root(&account, cx.state.partition),
    };
    Ok(Answer::Output(GetUserOutput { user }))
}
