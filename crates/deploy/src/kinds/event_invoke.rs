//! `AWS::Lambda::EventInvokeConfig`.

use http::Method;
use serde_json::Value;

use super::{Made, Of, Row, Site, function::is_ours, only};
use crate::{DeployError, Server, server::lambda};

pub(super) const ROW: Row = Row {
    name: "AWS::Lambda::EventInvokeConfig",
    properties: &[
        "DestinationConfig",
        "FunctionName",
        "MaximumEventAgeInSeconds",
        "MaximumRetryAttempts",
        "Qualifier",
    ],
    replacing: &["FunctionName", "Qualifier"],
    naming: &["FunctionName", "Qualifier"],
    attributes: &[],
};

const SETTINGS: [&str; 3] =
    ["DestinationConfig", "MaximumEventAgeInSeconds", "MaximumRetryAttempts"];

fn path(properties: &Value) -> Result<String, DeployError> {
    let Of { function, query } = Of::property(properties, "FunctionName")?;
    Ok(format!("/2019-09-25/functions/{function}/event-invoke-config{query}"))
}

/// The API has one operation for the first and for every other configuration.
pub(super) async fn create<S: Server>(
    site: &Site<'_, S>,
    properties: &Value,
) -> Result<Made, DeployError> {
    let of = Of::property(properties, "FunctionName")?;
    match find(site.server, properties).await {
        // Of a deployment that ended before it could write it down: of its function, no other's.
        Ok(_) if !is_ours(site, &of.function).await? => {
            Err(DeployError::Template("the function has such a configuration already".to_owned()))
        }
        Err(error) if !error.is_absence() => Err(error),
        _ => put(site, properties).await,
    }
}

pub(super) async fn put<S: Server>(
    site: &Site<'_, S>,
    properties: &Value,
) -> Result<Made, DeployError> {
    let body = only(properties, &SETTINGS).into();
    lambda(site.server, Method::PUT, path(properties)?, Some(&body)).await?;
    Ok(Made::new(site.generated, []))
}

pub(super) async fn delete(server: &impl Server, properties: &Value) -> Result<(), DeployError> {
    lambda(server, Method::DELETE, path(properties)?, None).await.map(drop)
}

pub(super) async fn find(server: &impl Server, properties: &Value) -> Result<bool, DeployError> {
    lambda(server, Method::GET, path(properties)?, None).await.map(|_| true)
}
