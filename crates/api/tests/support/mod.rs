//! A real server on loopback for one test, and a signed client for it.

use std::{net::SocketAddr, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use portcullis_api::{Server, Settings, State, listen};
use portcullis_catalog::{
    Catalog, UrlRule,
    decisions::{DecisionSettings, Decisions},
    effects::RootKey,
};
use portcullis_identity::Partition;
use portcullis_logs::FunctionLogs;
use portcullis_sandbox::Sandbox;
use portcullis_sigv4::{Credentials, sign};
use portcullis_store::{Blobs, Store, suite::MemoryStore};
use tokio::{net::TcpListener, sync::oneshot};

/// The account of the server's root.
pub(crate) const ACCOUNT: &str = "123456789012";
pub(crate) const REGION: &str = "us-east-1";

/// A server that ends with the value.
pub(crate) struct TestServer {
    pub(crate) address: SocketAddr,
    pub(crate) root: Credentials,
    _folder: tempfile::TempDir,
    _shutdown: oneshot::Sender<()>,
}

/// An answer, whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    /// The body as text.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

/// One request before it is signed.
#[derive(Clone, Debug)]
pub(crate) struct Call<'a> {
    pub(crate) service: &'a str,
    pub(crate) operation: &'a str,
    pub(crate) method: Method,
    pub(crate) path: &'a str,
    pub(crate) body: &'a str,
}

impl TestServer {
    pub(crate) async fn start() -> Self {
        Self::start_on(Arc::new(MemoryStore::new())).await
    }

    pub(crate) async fn start_on(store: Arc<dyn Store>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = credentials("AKIAROOTROOTROOTROOT", "a-secret-that-only-root-has-in-this-test");
        let catalog = Catalog::open(store, Partition::Aws).await.unwrap();
        let key = RootKey {
            id: root.access_key_id.parse().unwrap(),
            secret: root.secret_access_key.parse().unwrap(),
        };
        let account = ACCOUNT.parse().unwrap();
        catalog.start(account, &key, jiff::Timestamp::now()).await.unwrap();
        let settings = Settings {
            region: REGION.parse().unwrap(),
            account,
            url_domain: "localhost".parse().unwrap(),
            url_rule: UrlRule::default(),
            deny_confused_deputy: false,
            oidc_keys: portcullis_api::OidcKeys::default(),
            s3: None,
            retry_delays: portcullis_lambda::RetryDelays::default(),
            account_concurrency: portcullis_lambda::AccountConcurrency::default(),
            code_dir: folder.path().join("unpacked"),
            runtimes_dir: folder.path().join("runtimes"),
        };
        let blobs = Blobs::open(&folder.path().join("code")).unwrap();
        // No test here runs a function; this program could not be the spawner of one.
        let isolation = portcullis_sandbox::Isolation::None;
        let sandbox = portcullis_sandbox::Settings { isolation, ..Default::default() };
        let sandbox = Sandbox::new(sandbox).unwrap();
        let decisions = Decisions::open(DecisionSettings {
            folder: folder.path().join("decisions"),
            file_bytes: 1 << 20,
            files: 2,
            in_memory: 100,
        });
        let logs = FunctionLogs::open(folder.path().join("function-logs"), 1 << 20, 2).unwrap();
        let state = State::new(catalog, blobs, decisions.unwrap(), sandbox, logs, settings);
        let server = Server::new(state);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (shutdown, signal) = oneshot::channel::<()>();
        let limits = listen::Limits::default();
        tokio::spawn(listen::serve(listener, server, limits, async { drop(signal.await) }));
        Self { address, root, _folder: folder, _shutdown: shutdown }
    }

    /// Sends a request, signed unless there are no credentials.
    pub(crate) async fn call(&self, call: &Call<'_>, credentials: Option<&Credentials>) -> Answer {
        let kind = match call.service {
            "iam" | "sts" => "application/x-www-form-urlencoded",
            "organizations" => "application/x-amz-json-1.1",
            _ => "application/json",
        };
        let request = Request::builder()
            .method(call.method.clone())
            .uri(call.path)
            .header(header::HOST, self.address.to_string())
            .header(header::CONTENT_TYPE, kind);
        let request = match call.service {
            "organizations" => {
                let target = format!("AWSOrganizationsV20161128.{}", call.operation);
                request.header("x-amz-target", target)
            }
            _ => request,
        };
        let (mut head, ()) = request.body(()).unwrap().into_parts();
        let body = Bytes::copy_from_slice(call.body.as_bytes());
        if let Some(credentials) = credentials {
            let now = jiff::Timestamp::now();
            sign(&mut head, &body, credentials, REGION, call.service, now).unwrap();
        }
        let stream = tokio::net::TcpStream::connect(self.address).await.unwrap();
        let io = TokioIo::new(stream);
        let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
        tokio::spawn(connection);
        let request = Request::from_parts(head, Full::new(body));
        let (head, body) = sender.send_request(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer { status: head.status, headers: head.headers, body }
    }

    /// One IAM action as `credentials`, which must succeed.
    pub(crate) async fn iam(
        &self,
        action: &str,
        parameters: &str,
        credentials: &Credentials,
    ) -> Answer {
        let body = format!("Action={action}&Version=2010-05-08&{parameters}");
        let call = Call {
            service: "iam",
            operation: action,
            method: Method::POST,
            path: "/",
            body: &body,
        };
        let answer = self.call(&call, Some(credentials)).await;
        assert_eq!(answer.status, 200, "{action}: {}", answer.text());
        answer
    }

    /// A new user of root's account with one inline policy, if any.
    pub(crate) async fn user(&self, name: &str, policy: Option<&str>) -> Credentials {
        let user = format!("UserName={name}");
        self.iam("CreateUser", &user, &self.root).await;
        if let Some(policy) = policy {
            let policy: String = form_urlencode(policy);
            let parameters = format!("{user}&PolicyName=p&PolicyDocument={policy}");
            self.iam("PutUserPolicy", &parameters, &self.root).await;
        }
        let answer = self.iam("CreateAccessKey", &user, &self.root).await;
        let element = |name: &str| {
            let (_, rest) = answer.text().split_once(&format!("<{name}>")).unwrap();
            rest.split_once('<').unwrap().0.to_owned()
        };
        credentials(&element("AccessKeyId"), &element("SecretAccessKey"))
    }
}

pub(crate) fn credentials(id: &str, secret: &str) -> Credentials {
    Credentials {
        access_key_id: id.to_owned(),
        secret_access_key: secret.to_owned(),
        session_token: None,
    }
}

pub(crate) fn form_urlencode(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
