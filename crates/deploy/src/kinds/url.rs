//! `AWS::Lambda::Url`.

use http::Method;
use serde_json::{Map, Value, json};

use super::{Made, Of, Row, Site, function::is_ours, only, required};
use crate::{DeployError, Server, server::lambda};

pub(super) const ROW: Row = Row {
    name: "AWS::Lambda::Url",
    properties: &["AuthType", "Cors", "InvokeMode", "Qualifier", "TargetFunctionArn"],
    replacing: &["Qualifier", "TargetFunctionArn"],
    naming: &["TargetFunctionArn", "Qualifier"],
    attributes: &["FunctionArn", "FunctionUrl"],
};

fn path(properties: &Value) -> Result<String, DeployError> {
    let Of { function, query } = Of::property(properties, "TargetFunctionArn")?;
    Ok(format!("/2021-10-31/functions/{function}/url{query}"))
}

fn body(properties: &Value) -> Map<String, Value> {
    only(properties, &["AuthType", "Cors", "InvokeMode"])
}

fn made(answer: &Value) -> Result<Made, DeployError> {
    let arn = required(answer, "FunctionArn")?;
    let url = required(answer, "FunctionUrl")?;
    Ok(Made::new(arn, [("FunctionArn", arn), ("FunctionUrl", url)]))
}

pub(super) async fn create<S: Server>(
    site: &Site<'_, S>,
    properties: &Value,
) -> Result<Made, DeployError> {
    let body = body(properties).into();
    match lambda(site.server, Method::POST, path(properties)?, Some(&body)).await {
        // Of a deployment that ended before it could write it down: of its function, no other's.
        Err(error) if error.is_presence() => {
            let of = Of::property(properties, "TargetFunctionArn")?;
            if !is_ours(site, &of.function).await? {
                return Err(error);
            }
            update(site, &Made::default(), properties).await
        }
        answer => made(&answer?),
    }
}

pub(super) async fn update<S: Server>(
    site: &Site<'_, S>,
    _: &Made,
    properties: &Value,
) -> Result<Made, DeployError> {
    let mut body = body(properties);
    body.entry("Cors").or_insert_with(|| json!({}));
    body.entry("InvokeMode").or_insert_with(|| "BUFFERED".into());
    made(&lambda(site.server, Method::PUT, path(properties)?, Some(&body.into())).await?)
}

pub(super) async fn delete(server: &impl Server, properties: &Value) -> Result<(), DeployError> {
    lambda(server, Method::DELETE, path(properties)?, None).await.map(drop)
}

pub(super) async fn find(server: &impl Server, properties: &Value) -> Result<bool, DeployError> {
    lambda(server, Method::GET, path(properties)?, None).await.map(|_| true)
}
