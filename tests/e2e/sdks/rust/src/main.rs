//! The story of tests/e2e/test_sdks.py, told by the AWS SDK for Rust. Input and output as
//! sdks/javascript/story.mjs, but that the role is given and no roles are listed: building the SDK of
//! IAM would take longer than all other tests.

use std::{error::Error, time::Duration};

use aws_sdk_lambda::{
    Client, Config,
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

fn client(key: &Value) -> Client {
    let text = |name: &str| key[name].as_str().unwrap_or_default().to_owned();
    let credentials = Credentials::new(text("key"), text("secret"), None, None, "the test");
    let variable = |name| std::env::var(name).expect("the test sets it");
    Client::from_conf(
        Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(variable("AWS_ENDPOINT_URL"))
            .region(Region::new(variable("AWS_REGION")))
            .credentials_provider(credentials)
            .retry_config(RetryConfig::disabled())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build(),
    )
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
    let (owner, friend, name) = (client(&told["owner"]), client(&told["friend"]), text("name"));

    let created = owner
        .create_function()
        .function_name(&name)
        .role(text("role"))
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
        "gone": gone["code"],
    });
    println!("{story}");
    Ok(())
}

/// The bytes of base64, which the SDK can read.
fn decoded(base64: &str) -> Vec<u8> {
    aws_smithy_types::base64::decode(base64).expect("the test sends base64")
}
