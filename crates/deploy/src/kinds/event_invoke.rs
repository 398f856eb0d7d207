//! `AWS::Lambda::EventInvokeConfig`.

use http::Method;
use serde_json::Value;

use super::{Made, Of, Row, Site, only};
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
};

const SETTINGS: [&str; 3] =
    ["DestinationConfig", "MaximumEventAgeInSeconds", "MaximumRetryAttempts"];

fn path(properties: &Value) -> Result<String, DeployError> {
    let Of { function, query } = Of::property(properties, "FunctionName")?;
    Ok(format!("/2019-09-25/functions/{function}/event-invoke-config{query}"))
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
