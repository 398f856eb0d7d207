//! `AWS::Lambda::Permission`.

use http::Method;
use serde_json::Value;

use super::{Made, Of, Row, Site, only};
use crate::{
    DeployError, Server,
    server::{lambda, part},
};

const PROPERTIES: &[&str] = &[
    "Action",
    "EventSourceToken",
    "FunctionName",
    "FunctionUrlAuthType",
    "InvokedViaFunctionUrl",
    "Principal",
    "PrincipalOrgID",
    "SourceAccount",
    "SourceArn",
];

pub(super) const ROW: Row = Row {
    name: "AWS::Lambda::Permission",
    properties: PROPERTIES,
    replacing: PROPERTIES,
    naming: &[],
    attributes: &["Id"],
};

pub(super) async fn create<S: Server>(
    site: &Site<'_, S>,
    properties: &Value,
) -> Result<Made, DeployError> {
    let made = Made::new(site.generated, [("Id", site.generated)]);
    let Of { function, query } = Of::property(properties, "FunctionName")?;
    let path = format!("/2015-03-31/functions/{function}/policy{query}");
    let mut body = only(properties, PROPERTIES);
    body.remove("FunctionName");
    body.insert("StatementId".to_owned(), site.generated.into());
    let body = body.into();
    match lambda(site.server, Method::POST, path.clone(), Some(&body)).await {
        // Of a deployment that ended before it could write it down: no other makes this id.
        Err(error) if error.is_presence() => {
            delete(site.server, &made, properties).await?;
            lambda(site.server, Method::POST, path, Some(&body)).await?;
        }
        answer => drop(answer?),
    }
    Ok(made)
}

pub(super) async fn delete(
    server: &impl Server,
    made: &Made,
    properties: &Value,
) -> Result<(), DeployError> {
    let Of { function, query } = Of::property(properties, "FunctionName")?;
    let id = part(&made.physical);
    let path = format!("/2015-03-31/functions/{function}/policy/{id}{query}");
    lambda(server, Method::DELETE, path, None).await.map(drop)
}

pub(super) async fn find(
    server: &impl Server,
    made: &Made,
    properties: &Value,
) -> Result<bool, DeployError> {
    let Of { function, query } = Of::property(properties, "FunctionName")?;
    let path = format!("/2015-03-31/functions/{function}/policy{query}");
    let answer = lambda(server, Method::GET, path, None).await?;
    Ok(has_statement(&answer, &made.physical))
}

/// Whether the policy of an answer has a statement of this id.
pub(super) fn has_statement(answer: &Value, id: &str) -> bool {
    let policy = answer.get("Policy").and_then(Value::as_str).unwrap_or_default();
    let policy: Value = serde_json::from_str(policy).unwrap_or_default();
    super::items(&policy, "Statement").any(|one| one.get("Sid").is_some_and(|sid| sid == id))
}
