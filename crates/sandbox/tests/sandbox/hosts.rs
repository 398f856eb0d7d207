//! What a worker has of its own, and what it reaches beside its Runtime API.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use portcullis_sandbox::{Answering, Host, Own, Sandbox, WorkerSpec};
use serde_json::{Value, json};

use crate::common::{self, Function, Kept, good, invoke, until};

/// Gives each worker its number, and echoes paths.
#[derive(Clone, Default)]
struct Echo {
    started: Arc<AtomicUsize>,
    /// One strong reference a living worker, and this.
    living: Arc<()>,
}

impl Host for Echo {
    fn provide(&self) -> Own {
        let number = self.started.fetch_add(1, Ordering::Relaxed).to_string();
        let own = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        Own {
            environment: vec![own("NUMBER", &number), own("TZ", "own")],
            held: Some(Box::new(self.living.clone())),
        }
    }

    fn answer(&self, request: Request<Incoming>) -> Answering {
        let text = format!("{} {}", request.method(), request.uri().path());
        Box::pin(async move { Response::new(Either::Left(Full::new(Bytes::from(text)))) })
    }
}

const ASKS: &str = "
import os, urllib.error, urllib.request
def get(path):
    try:
        with urllib.request.urlopen(os.environ['AWS_ENDPOINT_URL'] + path) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code
def handler(event, context):
    if 'path' in event: return get(event['path'])
    return [os.environ.get(name) for name in event['names']]
";

fn function(kept: Kept, host: &Echo, change: impl FnOnce(&mut WorkerSpec)) -> Function {
    Function::kept(kept, ASKS, |spec| {
        spec.host = Some(Arc::new(host.clone()));
        change(spec);
    })
}

async fn ask(sandbox: &Sandbox, function: &Function, event: Value) -> Value {
    good(&invoke(sandbox, function, event).await)
}

#[tokio::test]
async fn a_worker_reaches_its_host_where_its_runtime_api_is() {
    for (kept, sandbox) in [(Kept::Jailed, common::sandbox()), (Kept::Open, common::open_sandbox())]
    {
        let function = function(kept, &Echo::default(), |_| {});
        for (path, want) in [
            ("/2015-03-31/functions", json!("GET /2015-03-31/functions")),
            ("/2018-06-01/layers", json!("GET /2018-06-01/layers")),
            ("/2018-06-01/runtime/none", json!(404)),
        ] {
            assert_eq!(ask(&sandbox, &function, json!({"path": path})).await, want, "{path}");
        }
    }
}

#[tokio::test]
async fn a_worker_without_host_reaches_nobody() {
    let (sandbox, function) = (common::sandbox(), Function::new(ASKS));
    let names = json!({"names": ["AWS_ENDPOINT_URL", "NUMBER"]});
    assert_eq!(ask(&sandbox, &function, names).await, json!([null, null]));
}

#[tokio::test]
async fn a_function_keeps_an_endpoint_of_its_own() {
    let function = function(Kept::Jailed, &Echo::default(), |spec| {
        spec.environment.push(("AWS_ENDPOINT_URL".to_owned(), "http://elsewhere".to_owned()));
    });
    let names = json!({"names": ["AWS_ENDPOINT_URL"]});
    assert_eq!(ask(&common::sandbox(), &function, names).await, json!(["http://elsewhere"]));
}

#[tokio::test]
async fn what_a_worker_has_of_its_own_wins_and_goes_with_it() {
    let (sandbox, host) = (common::open_sandbox(), Echo::default());
    let function = function(Kept::Open, &host, |_| {});
    let names = json!({"names": ["NUMBER", "TZ"]});
    for _ in 0..2 {
        assert_eq!(ask(&sandbox, &function, names.clone()).await, json!(["0", "own"]));
    }
    // The worker's, that of the host in the spec, and ours.
    assert_eq!(Arc::strong_count(&host.living), 3);
    sandbox.retire(&function.spec);
    until("nothing is held for the worker", || Arc::strong_count(&host.living) == 2).await;
    assert_eq!(ask(&sandbox, &function, names).await, json!(["1", "own"]));
}

#[tokio::test]
async fn an_old_worker_takes_no_other_event() {
    let settings =
        portcullis_sandbox::Settings { age_max: Duration::ZERO, ..common::open_settings() };
    let (sandbox, host) = (Sandbox::new(settings).unwrap(), Echo::default());
    let function = function(Kept::Open, &host, |_| {});
    for number in ["0", "1", "2"] {
        let names = json!({"names": ["NUMBER"]});
        assert_eq!(ask(&sandbox, &function, names).await, json!([number]));
    }
}
