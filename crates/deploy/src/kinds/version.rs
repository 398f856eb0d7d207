//! `AWS::Lambda::Version`.

use http::Method;
use serde_json::{Value, json};

use super::{Made, Of, Row, Site, only, provisioned, required};
use crate::{DeployError, Server, server::lambda};

const PROPERTIES: &[&str] = &["CodeSha256", "Description", "FunctionName", provisioned::PROPERTY];

pub(super) const ROW: Row = Row {
    name: "AWS::Lambda::Version",
    properties: PROPERTIES,
    replacing: PROPERTIES,
    naming: &[],
    attributes: &["FunctionArn", "Version"],
};

fn path(made: &Made) -> String {
    let Of { function, query } = Of::named(&made.physical, None);
    format!("/2015-03-31/functions/{function}{query}")
}

pub(super) async fn publish<S: Server>(
    site: &Site<'_, S>,
    properties: &Value,
) -> Result<Made, DeployError> {
    let of = Of::property(properties, "FunctionName")?;
    let path = format!("/2015-03-31/functions/{}/versions", of.function);
    let body = only(properties, &["CodeSha256", "Description"]).into();
    let answer = lambda(site.server, Method::POST, path, Some(&body)).await?;
    let (arn, number) = (required(&answer, "FunctionArn")?, required(&answer, "Version")?);
    let version = (of.function.as_str(), number);
    provisioned::provide(site.server, version, &json!({}), properties).await?;
    Ok(Made::new(arn, [("FunctionArn", arn), ("Version", number)]))
}

pub(super) async fn delete(server: &impl Server, made: &Made) -> Result<(), DeployError> {
    lambda(server, Method::DELETE, path(made), None).await.map(drop)
}

pub(super) async fn find(server: &impl Server, made: &Made) -> Result<bool, DeployError> {
    lambda(server, Method::GET, path(made), None).await.map(|_| true)
}
