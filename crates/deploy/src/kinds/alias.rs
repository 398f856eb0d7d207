//! `AWS::Lambda::Alias`.

use http::Method;
use serde_json::{Map, Value, json};

use super::{Made, Of, Row, Site, function::is_ours, items, only, provisioned, required};
use crate::{
    DeployError, Server,
    server::{lambda, part},
};

pub(super) const ROW: Row = Row {
    name: "AWS::Lambda::Alias",
    properties: &[
        "Description",
        "FunctionName",
        "FunctionVersion",
        "Name",
        provisioned::PROPERTY,
        "RoutingConfig",
    ],
    replacing: &["FunctionName", "Name"],
    naming: &["FunctionName", "Name"],
    attributes: &["AliasArn"],
};

fn path(properties: &Value) -> Result<String, DeployError> {
    let of = Of::property(properties, "FunctionName")?;
    Ok(format!("/2015-03-31/functions/{}/aliases", of.function))
}

fn own_path(properties: &Value) -> Result<String, DeployError> {
    Ok(format!("{}/{}", path(properties)?, part(required(properties, "Name")?)))
}

/// The body of both calls: what is absent has the value that it has when nobody says one.
fn body(properties: &Value) -> Map<String, Value> {
    let mut body = only(properties, &["FunctionVersion", "Name"]);
    let description = properties.get("Description").cloned();
    body.insert("Description".to_owned(), description.unwrap_or_else(|| "".into()));
    let routing = properties.get("RoutingConfig").cloned().unwrap_or_default();
    let weights: Map<String, Value> = items(&routing, "AdditionalVersionWeights")
        .filter_map(|one| {
            Some((
                one.get("FunctionVersion")?.as_str()?.to_owned(),
                one.get("FunctionWeight")?.clone(),
            ))
        })
        .collect();
    body.insert("RoutingConfig".to_owned(), json!({"AdditionalVersionWeights": weights}));
    body
}

fn made(answer: &Value) -> Result<Made, DeployError> {
    Ok(Made::new(required(answer, "AliasArn")?, [("AliasArn", required(answer, "AliasArn")?)]))
}

pub(super) async fn create<S: Server>(
    site: &Site<'_, S>,
    properties: &Value,
) -> Result<Made, DeployError> {
    let body = body(properties).into();
    match lambda(site.server, Method::POST, path(properties)?, Some(&body)).await {
        // Of a deployment that ended before it could write it down: of its function, no other's.
        Err(error) if error.is_presence() => {
            let of = Of::property(properties, "FunctionName")?;
            if !is_ours(site, &of.function).await? {
                return Err(error);
            }
            update(site, &json!({}), properties).await
        }
        answer => {
            let made = made(&answer?)?;
            provide(site, &json!({}), properties).await?;
            Ok(made)
        }
    }
}

async fn provide<S: Server>(
    site: &Site<'_, S>,
    old: &Value,
    new: &Value,
) -> Result<(), DeployError> {
    let of = Of::property(new, "FunctionName")?;
    let alias = (of.function.as_str(), required(new, "Name")?);
    provisioned::provide(site.server, alias, old, new).await
}

pub(super) async fn update<S: Server>(
    site: &Site<'_, S>,
    old: &Value,
    new: &Value,
) -> Result<Made, DeployError> {
    let mut body = body(new);
    body.remove("Name");
    let answer = lambda(site.server, Method::PUT, own_path(new)?, Some(&body.into())).await?;
    provide(site, old, new).await?;
    made(&answer)
}

pub(super) async fn delete(server: &impl Server, properties: &Value) -> Result<(), DeployError> {
    lambda(server, Method::DELETE, own_path(properties)?, None).await.map(drop)
}

pub(super) async fn find(server: &impl Server, properties: &Value) -> Result<bool, DeployError> {
    lambda(server, Method::GET, own_path(properties)?, None).await.map(|_| true)
}
