//! The story of tests/e2e/test_sdks.py, told by the AWS SDK for Rust. Input and output as
//! sdks/javascript/story.mjs.

use std::{error::Error, time::Duration};

use aws_sdk_lambda::{
    client::Waiters as _,
    config::{BehaviorVersion, Credentials, Region, retry::RetryConfig},
    error::{ProvideErrorMetadata, SdkError},
    operation::add_permission::builders::AddPermissionFluentBuilder,
    primitives::Blob,
    types::{FunctionCode, Runtime},
};
use serde_json::{Value, json};

/// How long a function may take to become active.
const SETTLED: Duration = Duration::from_secs(120);

/// How a client of `$service` calls the server as the owner of `$key`.
macro_rules! client {
    ($service:ident, $key:expr) => {
        $service::Client::from_conf(
            $service::Config::builder()
                .behavior_version(BehaviorVersion::latest())
                .endpoint_url(variable("AWS_ENDPOINT_URL"))
                .region(Region::new(variable("AWS_REGION")))
                .credentials_provider(credentials($key))
                .retry_config(RetryConfig::disabled())
                .http_client(aws_smithy_http_client::Builder::new().build_http())
                .build(),
        )
    };
}

fn variable(name: &str) -> String {
    std::env::var(name).expect("the test sets it")
}

fn credentials(key: &Value) -> Credentials {
    let text = |name: &str| key[name].as_str().unwrap_or_default().to_owned();
    Credentials::new(text("key"), text("secret"), None, None, "the test")
}

/// The error that a call must end in.
fn refusal<T, E: ProvideErrorMetadata>(
    answer: Result<T, SdkError<E, aws_sdk_lambda::config::http::HttpResponse>>,
) -> Value {
    let error = answer.err().expect("the call is refused");
    let status = error.raw_response().map(|response| response.status().as_u16());
    json!({"code": error.code(), "message": error.message(), "status": status})
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let told: Value = serde_json::from_reader(std::io::stdin())?;
    let text = |name: &str| told[name].as_str().unwrap_or_default().to_owned();
    let owner = client!(aws_sdk_lambda, &told["owner"]);
    let friend = client!(aws_sdk_lambda, &told["friend"]);
    let iam = client!(aws_sdk_iam, &told["owner"]);
    let name = text("name");

    let trust = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }],
    });
    let role = iam.create_role().role_name(&name).assume_role_policy_document(trust.to_string());
    let role = role.send().await?.role.expect("the answer has the role");
    let created = owner
        .create_function()
        .function_name(&name)
        .role(role.arn)
        .runtime(Runtime::from(text("runtime").as_str()))
        .handler("main.handler")
        .code(FunctionCode::builder().zip_file(Blob::new(decoded(&text("zip")))).build());
    let arn = created.send().await?.function_arn.unwrap_or_default();
    let active = owner.wait_until_function_active_v2().function_name(&name).wait(SETTLED).await;

    let invoke = || friend.invoke().function_name(&arn).payload(Blob::new(r#"{"n":1}"#)).send();
    let grant = || -> AddPermissionFluentBuilder {
        let action = "lambda:InvokeFunction";
        let grant =
            owner.add_permission().function_name(&name).statement_id("friend").action(action);
        grant.principal(text("friendAccount"))
    };
    let before = refusal(invoke().await);
    let statement = grant().send().await?.statement.unwrap_or_default();
    let again = refusal(grant().send().await);
    let answer = invoke().await?.payload.unwrap_or_else(|| Blob::new(""));
    owner.remove_permission().function_name(&name).statement_id("friend").send().await?;
    let after = refusal(invoke().await);

    for timeout in [4, 5] {
        owner.publish_version().function_name(&name).send().await?;
        let update = owner.update_function_configuration().function_name(&name);
        update.timeout(timeout).send().await?;
        owner.wait_until_function_updated_v2().function_name(&name).wait(SETTLED).await?;
    }
    let list = owner.list_versions_by_function().function_name(&name);
    let mut pages = list.into_paginator().page_size(1).send();
    let mut versions = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page?.versions.unwrap_or_default();
        versions.push(page.into_iter().map(|one| one.version).collect::<Vec<_>>());
    }
    let mut pages = iam.list_roles().into_paginator().page_size(2).send();
    let mut roles = 0;
    while let Some(page) = pages.next().await {
        roles += page?.roles.iter().filter(|role| role.role_name == name).count();
    }
    owner.delete_function().function_name(&name).send().await?;
    let gone = refusal(owner.delete_function().function_name(&name).send().await);
    let story = json!({
        "arn": arn,
        "active": active.is_ok(),
        "before": before,
        "statement": serde_json::from_str::<Value>(&statement)?,
        "again": again["code"],
        "answer": serde_json::from_slice::<Value>(answer.as_ref())?,
        "after": after,
        "versions": versions,
        "roles": roles,
        "gone": gone["code"],
    });
    println!("{story}");
    Ok(())
}

/// The bytes of base64, which the SDK can read.
fn decoded(base64: &str) -> Vec<u8> {
    aws_smithy_types::base64::decode(base64).expect("the test sends base64")
}
