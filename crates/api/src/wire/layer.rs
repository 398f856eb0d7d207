//! Layers on the wire: what their operations take, and what they show (`aws-lambda.md §3.5`).

use portcullis_lambda::{CompatibleRuntime, LambdaError, LayerFilter, LayerInput, LayerVersion};
use portcullis_model::lambda::types::{
    Architecture, CompatibleRuntime as WireRuntime, GetLayerVersionResponse,
    LayerVersionContentOutput, LayerVersionsListItem, LayersListItem, PublishLayerVersionInput,
    PublishLayerVersionOutput,
};

use super::function::architecture;
use crate::{context::RequestCx, error::ApiError};

/// What a publisher says of a layer version.
pub(crate) fn notes(input: &PublishLayerVersionInput) -> LayerInput {
    let runtimes = input.compatible_runtimes.iter().flatten();
    let architectures = input.compatible_architectures.iter().flatten();
    LayerInput {
        description: input.description.clone(),
        license_info: input.license_info.clone(),
        compatible_runtimes: runtimes.map(|one| one.as_str().to_owned()).collect(),
        compatible_architectures: architectures.map(|one| one.as_str().to_owned()).collect(),
    }
}

/// What a list is to show.
///
/// # Errors
/// None that can happen: the words are those of the model.
pub(crate) fn filter(
    runtime: Option<WireRuntime>,
    architecture: Option<Architecture>,
) -> Result<LayerFilter, ApiError> {
    let runtime = runtime.map(|one| one.as_str().parse::<CompatibleRuntime>()).transpose();
    let architecture = architecture.map(|one| one.as_str().parse()).transpose();
    Ok(LayerFilter {
        runtime: runtime.map_err(LambdaError::from)?,
        architecture: architecture.map_err(LambdaError::from)?,
    })
}

/// What all answers say of a version, under the same names in three generated types, and what only
/// some say.
macro_rules! described {
    ($output:ident of $version:expr $(, $more:ident: $value:expr)*) => {{
        let LayerVersion { arn, notes, created, .. } = $version;
        let (runtimes, architectures) = (notes.runtimes(), notes.architectures());
        $output {
            layer_version_arn: Some(arn.to_string()),
            version: i64::try_from(arn.number().get()).ok(),
            description: Some(notes.description().to_owned()),
            created_date: Some(created.strftime("%Y-%m-%dT%H:%M:%S.%3f+0000").to_string()),
            compatible_runtimes: given(runtimes, CompatibleRuntime::to_string),
            compatible_architectures: given(architectures, |one| architecture(*one)),
            license_info: notes.license().map(str::to_owned),
            $($more: $value,)*
        }
    }};
}

/// A list that is shown only if something is in it.
fn given<T, U>(list: &[T], show: impl Fn(&T) -> U) -> Option<Vec<U>> {
    (!list.is_empty()).then(|| list.iter().map(show).collect())
}

/// A version as a list shows it: without its content.
pub(crate) fn listed(version: &LayerVersion) -> LayerVersionsListItem {
    described!(LayerVersionsListItem of version)
}

/// A layer as a list shows it, by its newest version.
pub(crate) fn listed_layer(newest: &LayerVersion) -> LayersListItem {
    let layer = newest.arn.layer();
    LayersListItem {
        layer_name: Some(layer.name().to_string()),
        layer_arn: Some(layer.to_string()),
        latest_matching_version: Some(listed(newest)),
    }
}

/// The whole of a version, with a link to its content that is good for ten minutes.
pub(crate) fn whole(cx: &RequestCx<'_>, version: &LayerVersion) -> GetLayerVersionResponse {
    let layer_arn = Some(version.arn.layer().to_string());
    let content = Some(content(cx, version));
    described!(GetLayerVersionResponse of version, layer_arn: layer_arn, content: content)
}

/// The same, for its publisher.
pub(crate) fn published(cx: &RequestCx<'_>, version: &LayerVersion) -> PublishLayerVersionOutput {
    let layer_arn = Some(version.arn.layer().to_string());
    let content = Some(content(cx, version));
    described!(PublishLayerVersionOutput of version, layer_arn: layer_arn, content: content)
}

fn content(cx: &RequestCx<'_>, version: &LayerVersion) -> LayerVersionContentOutput {
    let package = version.content;
    LayerVersionContentOutput {
        location: Some(cx.code_link(&package.sha256)),
        code_sha256: Some(package.sha256.to_string()),
        code_size: i64::try_from(package.size).ok(),
        ..LayerVersionContentOutput::default()
    }
}
