//! A function for `provided.al2023`, with AWS's runtime crate: greets whoever the event names.
//!
//! ```text
//! cargo build --release
//! zip -j function.zip target/release/bootstrap
//! aws lambda create-function --function-name greet --runtime provided.al2023 --handler greet \
//!     --role "$ROLE_ARN" --zip-file fileb://function.zip
//! echo '{"name":"you"}' | aws lambda invoke --function-name greet --payload fileb:///dev/stdin /dev/stdout
//! ```

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    lambda_runtime::run(service_fn(greet)).await
}

async fn greet(event: LambdaEvent<Value>) -> Result<Value, Error> {
    let name = event.payload["name"].as_str().ok_or("the event has no name")?;
    Ok(json!({"greeting": format!("Hello, {name}!"), "by": event.context.env_config.function_name}))
}
