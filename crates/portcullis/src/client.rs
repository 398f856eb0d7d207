//! A small signed HTTP client: how the command line and the quickstart talk to a server.
//!
//! One connection a request, HTTP/1.1 without TLS: the server that it talks to is this program's.

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, Uri, header};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use portcullis_sigv4::{Credentials, SigningError, sign};
use tokio::net::TcpStream;

/// Where a server listens: `http://HOST:PORT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    authority: String,
}

/// Why a call got no answer. An answer of any status is not an error here.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    /// Not `http://HOST[:PORT]`.
    #[error("'{0}' is not an endpoint URL of the form http://HOST:PORT")]
    Endpoint(String),
    /// The request cannot be built (a header or path with illegal characters).
    #[error("the request is malformed: {0}")]
    Request(#[from] http::Error),
    /// The request cannot be signed.
    #[error("the request cannot be signed: {0}")]
    Sign(#[from] SigningError),
    /// Nobody listens there.
    #[error("cannot connect to {authority}: {source} (is `portcullis serve` running there?)")]
    Connect {
        /// Host and port.
        authority: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The connection broke before the answer was whole.
    #[error("the server did not answer: {0}")]
    Http(#[from] hyper::Error),
}

impl std::str::FromStr for Endpoint {
    type Err = ClientError;

    fn from_str(text: &str) -> Result<Self, ClientError> {
        let bad = || ClientError::Endpoint(text.to_owned());
        let uri: Uri = text.parse().map_err(|_| bad())?;
        let authority = uri.authority().ok_or_else(bad)?;
        if uri.scheme_str() != Some("http") || !matches!(uri.path(), "" | "/") {
            return Err(bad());
        }
        let port = authority.port_u16().unwrap_or(80);
        Ok(Self { authority: format!("{}:{port}", authority.host()) })
    }
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "http://{}", self.authority)
    }
}

/// A caller's side of the wire: endpoint, region and, unless the calls are to be unsigned, a key.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) endpoint: Endpoint,
    pub(crate) region: String,
    pub(crate) credentials: Option<Credentials>,
}

impl Client {
    /// The same endpoint, called with another key, or unsigned.
    pub(crate) fn with(&self, credentials: Option<Credentials>) -> Self {
        Self { credentials, ..self.clone() }
    }

    /// Sends one request, signed for `service`, and reads the whole answer.
    ///
    /// # Errors
    /// [`ClientError`] when there is no answer.
    pub(crate) async fn call(
        &self,
        service: &str,
        method: Method,
        path: &str,
        headers: &[(&'static str, &str)],
        body: impl Into<Bytes>,
    ) -> Result<Response<Bytes>, ClientError> {
        let body = body.into();
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, &self.endpoint.authority)
            .header(header::USER_AGENT, concat!("portcullis/", env!("CARGO_PKG_VERSION")));
        for (name, value) in headers {
            request =
                request.header(*name, HeaderValue::from_str(value).map_err(http::Error::from)?);
        }
        let (mut head, ()) = request.body(())?.into_parts();
        if let Some(credentials) = &self.credentials {
            sign(&mut head, &body, credentials, &self.region, service, jiff::Timestamp::now())?;
        }
        self.send(Request::from_parts(head, Full::new(body))).await
    }

    /// Sends a request as it is.
    async fn send(&self, request: Request<Full<Bytes>>) -> Result<Response<Bytes>, ClientError> {
        let authority = &self.endpoint.authority;
        let stream = TcpStream::connect(authority)
            .await
            .map_err(|source| ClientError::Connect { authority: authority.clone(), source })?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let connection = tokio::spawn(connection);
        let (head, body) = sender.send_request(request).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        connection.abort();
        Ok(Response::from_parts(head, body))
    }
}

#[cfg(test)]
mod tests {
    use super::Endpoint;

    #[track_caller]
    fn check(text: &str, want: Option<&str>) {
        let got = text.parse::<Endpoint>().ok().map(|endpoint| endpoint.to_string());
        assert_eq!(got.as_deref(), want, "{text}");
    }

    #[test]
    fn an_endpoint_is_scheme_host_and_port() {
        check("http://127.0.0.1:4566", Some("http://127.0.0.1:4566"));
        check("http://localhost:4566/", Some("http://localhost:4566"));
        check("http://localhost", Some("http://localhost:80"));
        check("https://localhost:4566", None);
        check("localhost:4566", None);
        check("http://localhost:4566/path", None);
        check("", None);
    }
}
