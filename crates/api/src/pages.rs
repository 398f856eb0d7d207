//! Our own pages, which no AWS service has: health, metrics, and code behind a signed link.

use http::{HeaderValue, Method, Response, request::Parts};
use jiff::Timestamp;

use crate::{
    answer::{Body, JSON, empty, response},
    code_link,
    memory::Kind,
    state::State,
};

/// What this server counts of all its clients.
pub(crate) const METRICS: &str = "/_portcullis/metrics";

/// Answers one of our pages; `None` when the path is not one of them.
pub(crate) async fn page(state: &State, head: &Parts) -> Option<Response<Body>> {
    let path = head.uri.path();
    if !path.starts_with("/_portcullis/") {
        return None;
    }
    let is_read = matches!(head.method, Method::GET | Method::HEAD);
    Some(match path {
        "/_portcullis/health" | METRICS if !is_read => empty(405),
        "/_portcullis/health" => health(state),
        METRICS => metrics(state),
        _ if !path.starts_with(code_link::PATH) => return None,
        _ if is_read => code(state, head).await,
        _ => empty(405),
    })
}

/// 200 when calls can be decided on fresh grants and decisions can be kept, else 503.
fn health(state: &State) -> Response<Body> {
    let (status, text) = if !state.catalog.is_live() {
        (503, r#"{"status":"stale"}"#)
    } else if state.decisions.status().failure.is_some() {
        (503, r#"{"status":"decision log cannot be written"}"#)
    } else {
        (200, r#"{"status":"ready"}"#)
    };
    response(status, JSON, text.into())
}

fn metrics(state: &State) -> Response<Body> {
    const OPEN_METRICS: HeaderValue =
        HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    match state.metrics.render(&state.decisions.status()) {
        Ok(text) => response(200, OPEN_METRICS, text.into()),
        Err(_) => empty(500),
    }
}

/// The exact bytes of a code package, for a link of `GetFunction` that is in force.
async fn code(state: &State, head: &Parts) -> Response<Body> {
    const ZIP: HeaderValue = HeaderValue::from_static("application/zip");
    let now = Timestamp::now();
    let Some(digest) = state.links.open(head.uri.path(), head.uri.query(), now) else {
        return response(403, JSON, r#"{"Message":"The link is expired or not valid."}"#.into());
    };
    // What cannot be measured cannot be read either: `get` says why.
    let size = tokio::fs::metadata(state.blobs.path(&digest)).await.map_or(0, |file| file.len());
    let Ok(share) = state.memory.share(Kind::Download, size).await else { return empty(503) };
    match state.blobs.get(digest).await {
        Ok(Some(zip)) => response(200, ZIP, share.held_by(zip)),
        Ok(None) => response(404, JSON, r#"{"Message":"The code is gone."}"#.into()),
        Err(error) => {
            tracing::error!(%error, "a code package cannot be read");
            empty(500)
        }
    }
}
