//! `POST /2015-03-31/functions/{FunctionName}/policy` → 201.

use portcullis_lambda::{Grant, GrantInput, LambdaError, Statement};
use portcullis_model::lambda::{
    operation::AddPermission,
    types::{AddPermissionInput, AddPermissionOutput},
};

use crate::{
    answer::Answer, conditions::Parameters, context::RequestCx, doubts::Doubts, error::ApiError,
};

pub(crate) async fn add_permission(
    cx: &RequestCx<'_>,
    input: AddPermissionInput,
) -> Result<Answer<AddPermissionOutput>, ApiError> {
    let url_auth_type = input.function_url_auth_type.map(|kind| kind.as_str());
    let parameters = Parameters::default()
        .with("lambda:principal", Some(input.principal.as_str()))
        .with("lambda:functionurlauthtype", url_auth_type);
    let qualifier = input.qualifier.as_deref();
    let permit = cx.function::<AddPermission>(&input.function_name, qualifier, &parameters)?;
    let expected = input.revision_id.clone();
    let grant = Grant::try_from(&requested(input)).map_err(LambdaError::from)?;
    let objection = |statement: &Statement| match cx.state.deny_confused_deputy {
        true => Doubts::of([statement]).refuse_open_grant(),
        false => Ok(()),
    };
    let (catalog, expected) = (&cx.state.catalog, expected.as_deref());
    let statement = catalog.add_permission(permit, &grant, expected, objection).await?;
    let output = AddPermissionOutput { statement: Some(statement.json().to_owned()) };
    let sid = statement.sid().unwrap_or_default();
    Ok(Answer::Doubtful(output, Doubts::of([&statement]).warn(cx, sid)))
}

/// The members that make the statement.
fn requested(input: AddPermissionInput) -> GrantInput {
    GrantInput {
        statement_id: input.statement_id,
        action: input.action,
        principal: input.principal,
        source_arn: input.source_arn,
        source_account: input.source_account,
        event_source_token: input.event_source_token,
        principal_org_id: input.principal_org_id,
        function_url_auth_type: input.function_url_auth_type.map(|kind| kind.as_str().to_owned()),
        invoked_via_function_url: input.invoked_via_function_url,
    }
}
