//! `AWS::Lambda::Function`.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use http::Method;
use serde_json::{Map, Value, json};

use super::{Made, Row, STACK_TAG, Site, all_tags, only, optional, required, retag};
use crate::{
    DeployError, Server,
    archive::zip_of,
    server::{lambda, part},
};

pub(super) const ROW: Row = Row {
    name: "AWS::Lambda::Function",
    properties: &[
        "Architectures",
        "Code",
        "CodeSigningConfigArn",
        "DeadLetterConfig",
        "Description",
        "Environment",
        "EphemeralStorage",
        "FunctionName",
        "Handler",
        "KmsKeyArn",
        "Layers",
        "LoggingConfig",
        "MemorySize",
        "PackageType",
        "RecursiveLoop",
        "ReservedConcurrentExecutions",
        "Role",
        "Runtime",
        "SnapStart",
        "Tags",
        "Timeout",
        "TracingConfig",
        "VpcConfig",
    ],
    replacing: &["FunctionName", "PackageType"],
    naming: &["FunctionName"],
    attributes: &["Arn"],
};

/// What both CreateFunction and UpdateFunctionConfiguration take under its own name.
const CONFIGURATION: [&str; 14] = [
    "DeadLetterConfig",
    "Description",
    "Environment",
    "EphemeralStorage",
    "Handler",
    "Layers",
    "LoggingConfig",
    "MemorySize",
    "Role",
    "Runtime",
    "SnapStart",
    "Timeout",
    "TracingConfig",
    "VpcConfig",
];

/// How long a function may take to become active, or its change to be done.
const SETTLED_MAX: Duration = Duration::from_secs(300);

/// How long it waits before it looks again.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

fn path(name: &str) -> String {
    format!("/2015-03-31/functions/{}", part(name))
}

fn made(answer: &Value) -> Result<Made, DeployError> {
    let arn = required(answer, "FunctionArn")?;
    Ok(Made::new(required(answer, "FunctionName")?, [("Arn", arn)]))
}

/// `Code` or `Content` as the API takes it: a zip of the disk or of inline code as bytes, else an
/// object in a bucket.
pub(super) fn code<S>(
    site: &Site<'_, S>,
    properties: &Value,
    name: &str,
) -> Result<Value, DeployError> {
    let code = properties.get(name).unwrap_or(&Value::Null);
    let text = |member| optional(code, member);
    if let Some(inline) = text("ZipFile") {
        let zip = zip_of([(inline_name(properties)?, inline.as_bytes().to_vec(), false)])?;
        return Ok(json!({"ZipFile": BASE64_STANDARD.encode(zip)}));
    }
    let (bucket, key) = (text("S3Bucket").unwrap_or_default(), text("S3Key").unwrap_or_default());
    match site.artifacts.zip(bucket, key) {
        Some(zip) => Ok(json!({"ZipFile": BASE64_STANDARD.encode(zip)})),
        None => Ok(code.clone()),
    }
}

/// The name that inline code has in its zip.
fn inline_name(properties: &Value) -> Result<&'static str, DeployError> {
    match optional(properties, "Runtime").unwrap_or_default() {
        runtime if runtime.starts_with("python") => Ok("index.py"),
        runtime if runtime.starts_with("nodejs") => Ok("index.js"),
        other => {
            let why = format!("code within a template is for Python and Node.js, not {other:?}");
            Err(DeployError::Template(why))
        }
    }
}

fn configuration(properties: &Value) -> Map<String, Value> {
    let mut configuration = only(properties, &CONFIGURATION);
    if let Some(key) = properties.get("KmsKeyArn") {
        configuration.insert("KMSKeyArn".to_owned(), key.clone());
    }
    configuration
}

pub(super) async fn create<S: Server>(
    site: &Site<'_, S>,
    properties: &Value,
) -> Result<Made, DeployError> {
    let name = optional(properties, "FunctionName").unwrap_or(site.generated);
    let mut body = configuration(properties);
    body.extend(only(properties, &["Architectures", "CodeSigningConfigArn", "PackageType"]));
    body.insert("FunctionName".to_owned(), name.into());
    body.insert("Code".to_owned(), code(site, properties, "Code")?);
    body.insert("Tags".to_owned(), json!(all_tags(site, properties)));
    let (path, body) = ("/2015-03-31/functions".to_owned(), body.into());
    match lambda(site.server, Method::POST, path, Some(&body)).await {
        Err(error) if error.is_presence() && is_ours(site, &part(name)).await? => {
            let made = made(&settled(site.server, name).await?)?;
            update(site, &made, &json!({}), properties).await
        }
        answer => {
            let made = made(&answer?)?;
            settled(site.server, name).await?;
            settings(site.server, name, &json!({}), properties).await?;
            Ok(made)
        }
    }
}

/// Whether a function, named as in a path, was made by this stack: also in a deployment that could
/// not write it down.
pub(super) async fn is_ours<S: Server>(
    site: &Site<'_, S>,
    function: &str,
) -> Result<bool, DeployError> {
    let path = format!("/2015-03-31/functions/{function}");
    let found = lambda(site.server, Method::GET, path, None).await?;
    Ok(found.pointer("/Tags").and_then(|tags| optional(tags, STACK_TAG)) == Some(site.stack))
}

/// The configuration once nothing is being done to the function.
async fn settled(server: &impl Server, name: &str) -> Result<Value, DeployError> {
    let path = format!("{}/configuration", path(name));
    let poll = async {
        loop {
            let now = lambda(server, Method::GET, path.clone(), None).await?;
            let is = |member, state| optional(&now, member) == Some(state);
            if is("State", "Failed") || is("LastUpdateStatus", "Failed") {
                let reason = ["StateReason", "LastUpdateStatusReason"];
                let reason = reason.iter().find_map(|member| optional(&now, member));
                let reason = reason.unwrap_or("the server does not say why");
                return Err(DeployError::Template(format!("the function failed: {reason}")));
            }
            if !is("State", "Pending") && !is("LastUpdateStatus", "InProgress") {
                return Ok(now);
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    };
    tokio::time::timeout(SETTLED_MAX, poll).await.unwrap_or_else(|_| Err(never_active()))
}

fn never_active() -> DeployError {
    DeployError::Template("the function is not active after five minutes".to_owned())
}

/// Puts a part of a function, and waits until that is done. What somebody else does to the function
/// just then, another deployment for one, is waited for first.
async fn change(
    server: &impl Server,
    name: &str,
    which: &str,
    body: &Value,
) -> Result<(), DeployError> {
    let put = async {
        loop {
            let path = format!("{}/{which}", path(name));
            let answer = lambda(server, Method::PUT, path, Some(body)).await;
            if !answer.as_ref().is_err_and(DeployError::is_busy) {
                answer?;
                return settled(server, name).await.map(drop);
            }
            settled(server, name).await?;
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    };
    tokio::time::timeout(SETTLED_MAX, put).await.unwrap_or_else(|_| Err(never_active()))
}

/// What a property that is no longer there goes back to.
fn usual(name: &str) -> Option<Value> {
    match name {
        "DeadLetterConfig" => Some(json!({"TargetArn": ""})),
        "Description" | "KMSKeyArn" => Some(json!("")),
        "Environment" => Some(json!({"Variables": {}})),
        "EphemeralStorage" => Some(json!({"Size": 512})),
        "Layers" => Some(json!([])),
        "LoggingConfig" => Some(json!({"LogFormat": "Text"})),
        "MemorySize" => Some(json!(128)),
        "SnapStart" => Some(json!({"ApplyOn": "None"})),
        "Timeout" => Some(json!(3)),
        "TracingConfig" => Some(json!({"Mode": "PassThrough"})),
        "VpcConfig" => Some(json!({"SubnetIds": [], "SecurityGroupIds": []})),
        _ => None,
    }
}

pub(super) async fn update<S: Server>(
    site: &Site<'_, S>,
    made: &Made,
    old: &Value,
    new: &Value,
) -> Result<Made, DeployError> {
    let (server, name) = (site.server, made.physical.as_str());
    let (before, mut after) = (configuration(old), configuration(new));
    for gone in before.keys().filter(|name| !new_has(new, name)) {
        after.insert(gone.clone(), usual(gone).unwrap_or_default());
    }
    after.retain(|name, value| before.get(name) != Some(value));
    if !after.is_empty() {
        change(server, name, "configuration", &after.into()).await?;
    }
    let code_of = |properties: &Value| only(properties, &["Architectures", "Code"]);
    let inline = code_of(new).get("Code").is_some_and(|code| code.get("ZipFile").is_some());
    // Inline code's file is named after the runtime.
    if code_of(old) != code_of(new) || inline && old.get("Runtime") != new.get("Runtime") {
        let mut body = only(new, &["Architectures"]);
        body.extend(code(site, new, "Code")?.as_object().cloned().unwrap_or_default());
        change(server, name, "code", &body.into()).await?;
    }
    settings(server, name, old, new).await?;
    let arn = made.attributes.get("Arn").and_then(Value::as_str).unwrap_or_default();
    retag(site, arn, old, new).await?;
    Ok(made.clone())
}

/// Whether there is a property, by the API's name of it.
fn new_has(properties: &Value, name: &str) -> bool {
    properties.get(if name == "KMSKeyArn" { "KmsKeyArn" } else { name }).is_some()
}

/// Properties that are put by an operation and taken away by another: the name, and where, by the
/// version of the API.
const PUT_OR_DELETED: [(&str, &str, &str); 2] = [
    ("ReservedConcurrentExecutions", "2017-10-31", "concurrency"),
    ("CodeSigningConfigArn", "2020-06-30", "code-signing-config"),
];

/// What has operations of its own: reserved concurrency, code signing, and loops.
async fn settings(
    server: &impl Server,
    name: &str,
    old: &Value,
    new: &Value,
) -> Result<(), DeployError> {
    let changed = |property| (new.get(property) != old.get(property)).then(|| new.get(property));
    for (property, version, place) in PUT_OR_DELETED {
        let path = format!("/{version}/functions/{}/{place}", part(name));
        match changed(property) {
            Some(Some(value)) => {
                let body = json!({property: value});
                lambda(server, Method::PUT, path, Some(&body)).await?;
            }
            Some(None) => drop(lambda(server, Method::DELETE, path, None).await?),
            None => {}
        }
    }
    if let Some(recursive) = changed("RecursiveLoop") {
        let path = format!("/2024-08-31/functions/{}/recursion-config", part(name));
        let body =
            json!({"RecursiveLoop": recursive.cloned().unwrap_or_else(|| "Terminate".into())});
        lambda(server, Method::PUT, path, Some(&body)).await?;
    }
    Ok(())
}

pub(super) async fn delete(server: &impl Server, made: &Made) -> Result<(), DeployError> {
    lambda(server, Method::DELETE, path(&made.physical), None).await.map(drop)
}

pub(super) async fn find(server: &impl Server, made: &Made) -> Result<bool, DeployError> {
    let path = format!("{}/configuration", path(&made.physical));
    lambda(server, Method::GET, path, None).await.map(|_| true)
}
