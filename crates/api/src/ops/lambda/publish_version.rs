//! `POST /2015-03-31/functions/{FunctionName}/versions` → 201.

use portcullis_lambda::{PublishRequest, Qualifier};
use portcullis_model::lambda::{
    operation::PublishVersion,
    types::{FunctionConfiguration, PublishVersionInput},
};

use crate::{
    answer::Answer,
    conditions::Parameters,
    context::RequestCx,
    error::ApiError,
    wire::{configuration::unsupported, function::Described},
};

pub(crate) async fn publish_version(
    cx: &RequestCx<'_>,
    input: PublishVersionInput,
) -> Result<Answer<FunctionConfiguration>, ApiError> {
    let none = Parameters::default();
    let permit = cx.function::<PublishVersion>(&input.function_name, None, &none)?;
    let permit = cx.created(permit, &none).await?;
    unsupported(&[(input.publish_to.is_some(), "PublishTo")])?;
    let request = PublishRequest {
        description: input.description,
        code_sha256: input.code_sha256,
        expected: input.revision_id,
    };
    let published = cx.state.catalog.publish_version(permit, &request, cx.now()).await?;
    let described = Described {
        target: &published.target(),
        version: &Qualifier::Version(published.number),
        deployment: &published.deployment,
        region: &cx.state.region,
    };
    Ok(Answer::Output(described.whole()))
}
