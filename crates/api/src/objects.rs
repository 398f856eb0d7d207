//! Code packages in an S3-compatible store: who may have which read, and their bytes.
//!
//! The server reads with the operator's keys, for anybody. So it is not the keys that decide but the
//! caller's own permission, as on AWS: `s3:GetObject` on the object, by the caller's policies. A
//! bucket belongs to the operator's account unless the operator says to which other, and has no
//! policy of its own here: nobody of another account reads it, nor its root.

mod refusal;

use std::{collections::BTreeMap, str::FromStr, time::Duration};

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use object_store::{
    BackoffConfig, ClientOptions, Error, GetOptions, ObjectStore as _, RetryConfig,
    aws::{AmazonS3, AmazonS3Builder},
    path::Path,
};
use portcullis_catalog::S3ObjectResource;
use portcullis_identity::AccountId;
use portcullis_lambda::{
    InvalidParameter, LambdaError, ObjectDenied, S3Object, UNZIPPED_BYTES_MAX, is_bucket,
};
use portcullis_sigv4::Credentials;
use tokio::time::timeout;

use crate::{
    conditions::Parameters,
    context::RequestCx,
    error::ApiError,
    memory::{Kind, Memory},
    objects::refusal::{Refusal, TellingConnector, told},
};

/// How long an object may take from the first try to its last byte: less than the SDKs wait for an
/// answer.
const PATIENCE: Duration = Duration::from_secs(50);

/// How long a connection to the store may take.
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);

/// How often what may pass (a broken connection, a 5xx) is tried again, and for how long.
const RETRIES: RetryConfig = RetryConfig {
    backoff: BackoffConfig {
        init_backoff: Duration::from_millis(100),
        max_backoff: Duration::from_secs(2),
        base: 2.0,
    },
    max_retries: 2,
    retry_timeout: Duration::from_secs(10),
};

/// The store that the operator names.
#[derive(Clone, Debug)]
pub struct S3Settings {
    /// Where it is.
    pub endpoint: S3Endpoint,
    /// The region that requests are signed for.
    pub region: String,
    /// The keys to read with.
    pub credentials: Credentials,
    /// Whose buckets are whose.
    pub owners: BucketOwners,
}

/// Why the store cannot be used as it is named.
#[derive(Debug, thiserror::Error)]
pub enum S3Error {
    /// No place to send requests to.
    #[error("\"{0}\" is no endpoint; write http://HOST[:PORT] or https://HOST[:PORT]")]
    Endpoint(String),
    /// No bucket and its account.
    #[error(
        "\"{0}\" does not say whose bucket it is; write BUCKET=ACCOUNT, for example \
         their-code=223456789012"
    )]
    Owner(String),
    /// A bucket named twice.
    #[error("the bucket {0} is given more than once")]
    Twice(String),
}

/// Where a store is: a scheme and an authority. Buckets are the first part of the path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct S3Endpoint(Box<str>);

impl FromStr for S3Endpoint {
    type Err = S3Error;
    fn from_str(text: &str) -> Result<Self, S3Error> {
        let wrong = || S3Error::Endpoint(text.to_owned());
        let uri: http::Uri = text.parse().map_err(|_| wrong())?;
        let has_scheme = matches!(uri.scheme_str(), Some("http" | "https"));
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'));
        match uri.path_and_query().map_or("/", |rest| rest.as_str()) {
            "/" if has_scheme && authority.is_some() => Ok(Self(text.trim_end_matches('/').into())),
            _ => Err(wrong()),
        }
    }
}

impl S3Endpoint {
    fn is_encrypted(&self) -> bool {
        self.0.starts_with("https:")
    }
}

/// The buckets that belong to other accounts than the operator's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BucketOwners(BTreeMap<Box<str>, AccountId>);

impl BucketOwners {
    /// Reads `given`, each `BUCKET=ACCOUNT`.
    ///
    /// # Errors
    /// [`S3Error`] for the first that says nothing, or says it again.
    pub fn read(given: &[String]) -> Result<Self, S3Error> {
        let mut owners = BTreeMap::new();
        for text in given {
            let wrong = || S3Error::Owner(text.clone());
            let (bucket, account) = text.split_once('=').ok_or_else(wrong)?;
            let account = account.parse().map_err(|_| wrong())?;
            if !is_bucket(bucket) {
                return Err(wrong());
            }
            if owners.insert(bucket.into(), account).is_some() {
                return Err(S3Error::Twice(bucket.to_owned()));
            }
        }
        Ok(Self(owners))
    }

    fn of(&self, bucket: &str) -> Option<AccountId> {
        self.0.get(bucket).copied()
    }
}

/// The store, of which nothing is opened before something is read.
pub(crate) struct Objects(S3Settings);

/// An object that the caller may have read; only [`Objects::permitted`] makes one.
struct Readable(S3Object);

/// The bytes of an object that a request names as its code.
///
/// # Errors
/// [`LambdaError::NoS3Endpoint`]; [`ApiError::ObjectDenied`]; what S3 says; and an object that is too
/// large. Nothing has changed then.
pub(crate) async fn read(cx: &RequestCx<'_>, object: S3Object) -> Result<Bytes, ApiError> {
    let objects = cx.state.objects.as_ref().ok_or(LambdaError::NoS3Endpoint)?;
    let readable = objects.permitted(cx, object)?;
    objects.fetch(readable, &cx.state.memory, PATIENCE).await
}

impl Objects {
    pub(crate) fn new(settings: S3Settings) -> Self {
        Self(settings)
    }

    /// Asks for the caller's permission to read, of which AWS tells as if S3 had refused.
    fn permitted(&self, cx: &RequestCx<'_>, object: S3Object) -> Result<Readable, ApiError> {
        let action = match object.version() {
            Some(_) => "s3:GetObjectVersion",
            None => "s3:GetObject",
        };
        let account = self.0.owners.of(object.bucket()).unwrap_or(cx.state.account);
        let resource = S3ObjectResource::new(cx.state.partition, &object, account);
        let parameters = Parameters::default().with("s3:versionid", object.version());
        match cx.check(action, &resource, &parameters) {
            Ok(()) => Ok(Readable(object)),
            Err(ApiError::Denied(denial)) => Err(ApiError::ObjectDenied {
                is_explainable: denial.is_within_account,
                refusal: ObjectDenied { object, message: denial.to_string().into() },
            }),
            Err(other) => Err(other),
        }
    }

    /// The bytes, within `patience`.
    async fn fetch(
        &self,
        Readable(object): Readable,
        memory: &Memory,
        patience: Duration,
    ) -> Result<Bytes, ApiError> {
        let late = || {
            tracing::warn!(%object, "an object did not arrive in time");
            told("RequestTimeout", "The object did not arrive in time.")
        };
        let whole = self.fetch_whole(&object, memory);
        timeout(patience, whole).await.unwrap_or_else(|_| Err(late()))
    }

    async fn fetch_whole(&self, object: &S3Object, memory: &Memory) -> Result<Bytes, ApiError> {
        let path = path(object)?;
        let bucket = self.bucket(object.bucket()).map_err(ApiError::internal)?;
        let version = object.version().map(str::to_owned);
        let options = GetOptions { version, ..GetOptions::default() };
        let found = bucket.get_opts(&path, options).await;
        let found = found.map_err(|error| failed(object, &error, UNANSWERED))?;
        let size = found.meta.size;
        if size > UNZIPPED_BYTES_MAX {
            return Err(LambdaError::from(InvalidParameter::UnzippedTooLarge).into());
        }
        let share = memory.share(Kind::Object, size).await?;
        let mut bytes = Vec::with_capacity(usize::try_from(size).map_err(ApiError::internal)?);
        let mut parts = found.into_stream();
        let broken = |error| failed(object, &error, INCOMPLETE);
        while let Some(part) = parts.try_next().await.map_err(broken)? {
            bytes.extend_from_slice(&part);
        }
        Ok(share.held_by(bytes.into()))
    }

    /// A client of one bucket. It is not kept: code is deployed rarely.
    fn bucket(&self, name: &str) -> Result<AmazonS3, Error> {
        let S3Settings { endpoint, region, credentials, .. } = &self.0;
        let options = ClientOptions::new()
            .with_allow_http(!endpoint.is_encrypted())
            .with_connect_timeout(CONNECT_PATIENCE)
            .with_timeout(PATIENCE);
        AmazonS3Builder::new()
            .with_endpoint(&*endpoint.0)
            .with_region(region)
            .with_bucket_name(name)
            .with_access_key_id(&credentials.access_key_id)
            .with_secret_access_key(&credentials.secret_access_key)
            .with_client_options(options)
            .with_http_connector(TellingConnector)
            .with_retry(RETRIES)
            .build()
    }
}

/// What a caller is told, code and message, where nothing of S3's own explains it.
const UNANSWERED: (&str, &str) = ("ServiceUnavailable", "The store did not answer.");
const INCOMPLETE: (&str, &str) = ("IncompleteBody", "The object did not arrive whole.");

/// How the caller is told of an error, and the operator more.
fn failed(object: &S3Object, error: &Error, otherwise: (&str, &str)) -> ApiError {
    tracing::warn!(%object, error = ?error.to_string(), "an object could not be read");
    let (code, message) = otherwise;
    Refusal::within(error).map_or_else(|| told(code, message), |refusal| refusal.told(object))
}

/// The key as a path, which must be the very key that was permitted.
fn path(object: &S3Object) -> Result<Path, LambdaError> {
    let path = Path::parse(object.key()).ok().filter(|path| path.as_ref() == object.key());
    path.ok_or(LambdaError::Unsupported {
        what: "an S3Key that begins or ends with a slash, or has control characters or an empty, . \
               or .. part",
    })
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    use super::*;

    /// What is told, after `patience` at the latest, of an object whose store answers every request
    /// with `answer`, and then with silence.
    async fn told_of(answer: &'static str, patience: Duration) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let serving = tokio::spawn(async move {
            let mut open = Vec::new();
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let asked = stream.read(&mut [0; 4096]).await.unwrap();
                assert!(asked > 0);
                stream.write_all(answer.as_bytes()).await.unwrap();
                open.push(stream);
            }
        });
        let objects = Objects::new(S3Settings {
            endpoint: endpoint.parse().unwrap(),
            region: "us-east-1".to_owned(),
            credentials: Credentials {
                access_key_id: "AKIA".to_owned(),
                secret_access_key: "secret".to_owned(),
                session_token: None,
            },
            owners: BucketOwners::default(),
        });
        let object = S3Object::new(Some("code".into()), Some("f.zip".into()), None).unwrap();
        let read = objects.fetch(Readable(object), &Memory::default(), patience).await;
        serving.abort();
        read.map_or_else(|error| error.to_string(), |bytes| format!("{} bytes", bytes.len()))
    }

    #[tokio::test]
    async fn an_object_comes_whole_and_in_time_or_not_at_all() {
        let (short, long) = (Duration::from_millis(300), Duration::from_secs(600));
        let whole = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab";
        assert_eq!(told_of(whole, long).await, "2 bytes");
        let late = "Error occurred while GetObject. S3 Error Code: RequestTimeout. S3 Error Message: \
                    The object did not arrive in time.";
        for slow in ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab"] {
            assert_eq!(told_of(slow, short).await, late, "{slow:?}");
        }
        let large = "HTTP/1.1 200 OK\r\nContent-Length: 262144001\r\n\r\n";
        assert_eq!(
            told_of(large, long).await,
            "Unzipped size must be smaller than 262144000 bytes"
        );
    }

    #[test]
    fn the_key_that_is_read_is_the_key_that_was_permitted() {
        let path = |key: &str| {
            path(&S3Object::new(Some("code".into()), Some(key.into()), None).unwrap()).ok()
        };
        for key in ["f.zip", "a/b c/*?${x}%2e%41\u{fc}.zip", "...", "a/.b", "~#+&="] {
            assert_eq!(path(key).unwrap().as_ref(), key);
        }
        for key in ["/f.zip", "f.zip/", "a//b", ".", "..", "a/../b", "a/.", "a\nb"] {
            assert_eq!(path(key), None, "{key:?}");
        }
    }
}
