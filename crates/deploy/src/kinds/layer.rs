//! `AWS::Lambda::LayerVersion` and `AWS::Lambda::LayerVersionPermission`.

use http::Method;
use serde_json::Value;

use super::{Made, Row, Site, function::code, only, optional, permission::has_statement, required};
use crate::{
    DeployError, Server,
    server::{lambda, part},
};

const PROPERTIES: &[&str] = &[
    "CompatibleArchitectures",
    "CompatibleRuntimes",
    "Content",
    "Description",
    "LayerName",
    "LicenseInfo",
];

pub(super) const VERSION: Row = Row {
    name: "AWS::Lambda::LayerVersion",
    properties: PROPERTIES,
    replacing: PROPERTIES,
    naming: &[],
    attributes: &["LayerVersionArn"],
};

const GRANT: &[&str] = &["Action", "LayerVersionArn", "OrganizationId", "Principal"];

pub(super) const PERMISSION: Row = Row {
    name: "AWS::Lambda::LayerVersionPermission",
    properties: GRANT,
    replacing: GRANT,
    naming: &[],
    attributes: &["Id"],
};

pub(super) async fn publish<S: Server>(
    site: &Site<'_, S>,
    properties: &Value,
) -> Result<Made, DeployError> {
    let name = optional(properties, "LayerName").unwrap_or(site.generated);
    let path = format!("/2018-10-31/layers/{}/versions", part(name));
    let mut body = only(properties, PROPERTIES);
    body.remove("LayerName");
    body.insert("Content".to_owned(), code(site, properties, "Content")?);
    let answer = lambda(site.server, Method::POST, path, Some(&body.into())).await?;
    let arn = required(&answer, "LayerVersionArn")?;
    Ok(Made::new(arn, [("LayerVersionArn", arn)]))
}

/// The path of the layer version of an ARN.
fn path(arn: &str) -> Result<String, DeployError> {
    match arn.splitn(8, ':').collect::<Vec<_>>().as_slice() {
        ["arn", partition, "lambda", region, account, "layer", name, number] => {
            let layer = format!("arn:{partition}:lambda:{region}:{account}:layer:{name}");
            Ok(format!("/2018-10-31/layers/{}/versions/{}", part(&layer), part(number)))
        }
        _ => Err(DeployError::Template(format!("{arn} is not the ARN of a layer version"))),
    }
}

pub(super) async fn delete(server: &impl Server, made: &Made) -> Result<(), DeployError> {
    lambda(server, Method::DELETE, path(&made.physical)?, None).await.map(drop)
}

pub(super) async fn find(server: &impl Server, made: &Made) -> Result<bool, DeployError> {
    lambda(server, Method::GET, path(&made.physical)?, None).await.map(|_| true)
}

fn policy_path(properties: &Value) -> Result<String, DeployError> {
    Ok(format!("{}/policy", path(required(properties, "LayerVersionArn")?)?))
}

pub(super) async fn grant<S: Server>(
    site: &Site<'_, S>,
    properties: &Value,
) -> Result<Made, DeployError> {
    let made = Made::new(site.generated, [("Id", site.generated)]);
    let mut body = only(properties, &["Action", "OrganizationId", "Principal"]);
    body.insert("StatementId".to_owned(), site.generated.into());
    let (path, body) = (policy_path(properties)?, body.into());
    match lambda(site.server, Method::POST, path.clone(), Some(&body)).await {
        // Of a deployment that ended before it could write it down: no other makes this id.
        Err(error) if error.is_presence() => {
            revoke(site.server, &made, properties).await?;
            lambda(site.server, Method::POST, path, Some(&body)).await?;
        }
        answer => drop(answer?),
    }
    Ok(made)
}

pub(super) async fn revoke(
    server: &impl Server,
    made: &Made,
    properties: &Value,
) -> Result<(), DeployError> {
    let path = format!("{}/{}", policy_path(properties)?, part(&made.physical));
    lambda(server, Method::DELETE, path, None).await.map(drop)
}

pub(super) async fn find_grant(
    server: &impl Server,
    made: &Made,
    properties: &Value,
) -> Result<bool, DeployError> {
    let answer = lambda(server, Method::GET, policy_path(properties)?, None).await?;
    Ok(has_statement(&answer, &made.physical))
}
