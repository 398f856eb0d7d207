//! `POST /2020-04-22/code-signing-configs` → 201.

use portcullis_catalog::{CodeSigningConfigResource, WholeAccount};
use portcullis_lambda::{CodeSigningConfigArn, LambdaError, Tags};
use portcullis_model::lambda::types::{
    CreateCodeSigningConfigInput, CreateCodeSigningConfigOutput,
};

use super::shared;
use crate::{
    answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError, wire::code_signing,
};

pub(crate) async fn create_code_signing_config(
    cx: &RequestCx<'_>,
    input: CreateCodeSigningConfigInput,
) -> Result<Answer<CreateCodeSigningConfigOutput>, ApiError> {
    let random = uuid::Uuid::new_v4();
    let parameters = Parameters::default().creating(input.tags.iter().flat_map(shared::pairs));
    let permit = cx.authorize(WholeAccount(cx.account()), &parameters)?;
    if input.tags.as_ref().is_some_and(|tags| !tags.is_empty()) {
        let account = cx.account().as_str().parse().map_err(LambdaError::from)?;
        let arn = CodeSigningConfigArn::new(&cx.state.region, &account, random);
        cx.check("lambda:TagResource", &CodeSigningConfigResource(arn), &parameters)?;
    }
    let tags = Tags::new(input.tags.clone().unwrap_or_default())?;
    let place = (&cx.state.region, random);
    let asked = (code_signing::create(input), tags);
    let config =
        cx.state.catalog.create_code_signing_config(permit, place, asked, cx.now()).await?;
    Ok(Answer::Output(CreateCodeSigningConfigOutput {
        code_signing_config: code_signing::shown(&config),
    }))
}
