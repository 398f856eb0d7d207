//! `ProvisionedConcurrencyConfig`, a property of aliases and versions.

use std::time::Duration;

use http::Method;
use serde_json::Value;

use super::{only, optional};
use crate::{
    DeployError, Server,
    server::{lambda, part},
};

pub(super) const PROPERTY: &str = "ProvisionedConcurrencyConfig";

/// How long workers may take to be ready.
const READY_MAX: Duration = Duration::from_secs(900);

/// Has as many workers for a version or alias as `new` says, if that is not what `old` says. The
/// function is named as in a path.
pub(super) async fn provide(
    server: &impl Server,
    (function, qualifier): (&str, &str),
    old: &Value,
    new: &Value,
) -> Result<(), DeployError> {
    let (before, after) = (old.get(PROPERTY), new.get(PROPERTY));
    if before == after {
        return Ok(());
    }
    let qualifier = part(qualifier);
    let path =
        format!("/2019-09-30/functions/{function}/provisioned-concurrency?Qualifier={qualifier}");
    let Some(wanted) = after else {
        return lambda(server, Method::DELETE, path, None).await.map(drop);
    };
    let body = only(wanted, &["ProvisionedConcurrentExecutions"]).into();
    lambda(server, Method::PUT, path.clone(), Some(&body)).await?;
    ready(server, path).await
}

/// Waits until the workers of a configuration are there.
async fn ready(server: &impl Server, path: String) -> Result<(), DeployError> {
    let poll = async {
        loop {
            let now = lambda(server, Method::GET, path.clone(), None).await?;
            match optional(&now, "Status").unwrap_or_default() {
                "IN_PROGRESS" => tokio::time::sleep(Duration::from_millis(50)).await,
                "READY" => return Ok(()),
                other => {
                    let why = optional(&now, "StatusReason").unwrap_or(other);
                    let why = format!("the provisioned concurrency failed: {why}");
                    return Err(DeployError::Template(why));
                }
            }
        }
    };
    let late = "the provisioned concurrency is not ready after 15 minutes".to_owned();
    tokio::time::timeout(READY_MAX, poll).await.unwrap_or(Err(DeployError::Template(late)))
}
