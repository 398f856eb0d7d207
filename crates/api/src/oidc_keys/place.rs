//! Where an issuer's keys are: in a file, or behind a URL; and how a key set is read from there.
//!
//! A URL is the operator's word, and nothing leads away from it: no other host by redirect, no
//! proxy, no credentials. What is read is bounded in time and size, whoever answers.

use std::{error::Error, fmt, io::Read as _, path::PathBuf, time::Duration};

use portcullis_identity::KeySet;
use reqwest::{Client, Response, StatusCode, Url, header, redirect};

/// Largest key set, in bytes; issuers have a handful of keys of some hundred bytes each.
pub(super) const KEY_SET_BYTES_MAX: usize = 1024 * 1024;
/// Longest time for an issuer's whole answer.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(5);
/// Longest time until an issuer's host is reached.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(2);
/// Most redirects, each within the host.
const REDIRECTS_MAX: usize = 3;

/// Where keys are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In a file.
    File(PathBuf),
    /// Behind a URL, `https` or `http`, without credentials in it.
    Url(Url),
}

/// Why keys could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Failure {
    /// Nobody answers, or not in time, or that now is not the time: it may pass by itself.
    #[error("no answer: {0}")]
    Unreachable(String),
    /// What is there is no key set.
    #[error("{0}")]
    Unusable(String),
}

impl Place {
    /// The place that `text` names: a URL if it has a scheme, or else a file. `None` for a URL that
    /// nothing is fetched from.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if !text.contains("://") {
            return (!text.is_empty()).then(|| Self::File(text.into()));
        }
        let url = Url::parse(text).ok()?;
        let bare = url.username().is_empty() && url.password().is_none();
        (bare && matches!(url.scheme(), "http" | "https") && url.has_host())
            .then_some(Self::Url(url))
    }

    /// Whether others on the way could answer instead of the issuer.
    pub(super) fn is_open_to_others(&self) -> bool {
        let Self::Url(url) = self else { return false };
        let host = url.host_str().unwrap_or_default();
        let address = host.trim_start_matches('[').trim_end_matches(']');
        let local = address.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback());
        url.scheme() == "http" && !local && host != "localhost"
    }

    /// The key set that is there now.
    pub(super) async fn read(&self) -> Result<KeySet, Failure> {
        match self {
            Self::Url(url) => fetch(url).await,
            Self::File(path) => {
                let path = path.clone();
                blocking(move || read_file(&path).map_err(Failure::Unusable)).await
            }
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Url(url) => url.fmt(f),
        }
    }
}

/// The key set of a file, or why it has none.
pub(super) fn read_file(path: &std::path::Path) -> Result<KeySet, String> {
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    let mut text = Vec::new();
    let read = file.take(KEY_SET_BYTES_MAX as u64 + 1).read_to_end(&mut text);
    if read.map_err(|error| error.to_string())? > KEY_SET_BYTES_MAX {
        return Err(too_large());
    }
    KeySet::parse(&text).map_err(|error| error.to_string())
}

async fn fetch(url: &Url) -> Result<KeySet, Failure> {
    let client = blocking(client).await?;
    let request = client.get(url.clone()).header(header::ACCEPT, "application/json");
    let response = request.send().await.map_err(|error| failure(&error))?;
    match response.status() {
        StatusCode::OK => {}
        status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
            return Err(Failure::Unreachable(format!("the issuer answers {status}")));
        }
        status => return Err(Failure::Unusable(format!("the issuer answers {status}"))),
    }
    let text = body(response).await?;
    KeySet::parse(&text).map_err(|error| Failure::Unusable(error.to_string()))
}

/// A client for one fetch: they are minutes apart, and so it takes the certificates that the system
/// trusts by then.
fn client() -> Result<Client, Failure> {
    let built = Client::builder()
        .no_proxy()
        .redirect(redirect::Policy::custom(within_host))
        .referer(false)
        .connect_timeout(CONNECT_TIME_MAX)
        .timeout(ANSWER_TIME_MAX)
        .user_agent(concat!("portcullis/", env!("CARGO_PKG_VERSION")))
        .build();
    built.map_err(|error| failure(&error))
}

fn within_host(attempt: redirect::Attempt<'_>) -> redirect::Action {
    let asked = attempt.previous();
    let is_there = asked.first().is_some_and(|url| url.origin() == attempt.url().origin());
    if !is_there {
        return attempt.error("the issuer refers to another host");
    }
    if asked.len() > REDIRECTS_MAX {
        return attempt.error("the issuer refers on and on");
    }
    attempt.follow()
}

/// The whole body, as far as it may go.
async fn body(mut response: Response) -> Result<Vec<u8>, Failure> {
    let mut text = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| failure(&error))? {
        if text.len() + chunk.len() > KEY_SET_BYTES_MAX {
            return Err(Failure::Unusable(too_large()));
        }
        text.extend_from_slice(&chunk);
    }
    Ok(text)
}

fn too_large() -> String {
    format!("it is larger than {KEY_SET_BYTES_MAX} bytes")
}

/// What an error of the client says, with its causes, which tell more than it does.
fn failure(error: &reqwest::Error) -> Failure {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    if error.is_redirect() { Failure::Unusable(text) } else { Failure::Unreachable(text) }
}

/// Runs what would block the thread elsewhere.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(Failure::Unreachable(error.to_string())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, want: Option<&str>, open: bool) {
        let got = Place::parse(text);
        let kind = got.as_ref().map(|place| match place {
            Place::File(_) => "file",
            Place::Url(_) => "url",
        });
        assert_eq!(kind, want, "{text}");
        assert_eq!(got.is_some_and(|place| place.is_open_to_others()), open, "{text}");
    }

    #[test]
    #[rustfmt::skip]
    fn a_place_is_a_file_or_a_url_of_http() {
        check("keys.json",                          Some("file"), false);
        check("/etc/keys=1.json",                   Some("file"), false);
        check("https://idp.example.com/jwks?a=b",   Some("url"),  false);
        check("HTTPS://idp.example.com",            Some("url"),  false);
        check("http://127.0.0.1:8080/jwks",         Some("url"),  false);
        check("http://[::1]/jwks",                  Some("url"),  false);
        check("http://localhost/jwks",              Some("url"),  false);
        check("http://idp.example.com/jwks",        Some("url"),  true);
        check("http://localhost.example.com/jwks",  Some("url"),  true);
        check("",                                   None,         false);
        check("file:///etc/keys.json",              None,         false);
        check("ftp://idp.example.com/keys",         None,         false);
        check("https://",                           None,         false);
        check("https://user@idp.example.com/",      None,         false);
        check("https://:secret@idp.example.com/",   None,         false);
        check("https://idp.example.com:99999/",     None,         false);
    }
}
