//! AWS's own test vectors, from the `aws-sigv4` crate's package: every case, both forms.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use http::{HeaderName, HeaderValue, Request, request::Parts};
use jiff::Timestamp;
use serde_json::Value;

use crate::{
    Credentials, SignatureError, SigningKey, body_sha256,
    canonical::{CanonicalRequest, normalize},
    claim, presign, sign,
};

/// A request as a vector writes it: some have paths that no URI may hold.
struct Written {
    method: String,
    path: String,
    query: String,
    headers: http::HeaderMap,
    body: String,
}

impl Written {
    fn read(file: &Path) -> Self {
        let text = read(file);
        let (head, body) = text.split_once("\n\n").unwrap_or((text.trim_end(), ""));
        let head = head.replace("\n ", " "); // Obsolete line folding (RFC 9112 §5.2).
        let mut lines = head.trim_end().lines();
        let (method, rest) = lines.next().unwrap().split_once(' ').unwrap();
        let target = rest.strip_suffix(" HTTP/1.1").unwrap();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut headers = http::HeaderMap::new();
        for line in lines {
            let (name, value) = line.split_once(':').unwrap();
            let name = HeaderName::from_bytes(name.to_lowercase().as_bytes()).unwrap();
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers,
            body: body.to_owned(),
        }
    }

    /// As a server receives it: what a URI may not hold is percent-encoded.
    fn head(&self) -> Parts {
        let separator = if self.query.is_empty() { "" } else { "?" };
        let uri = format!("{}{separator}{}", self.path, self.query);
        let builder = Request::builder().method(self.method.as_str()).uri(uri);
        let mut head = builder.body(()).unwrap().into_parts().0;
        head.headers = self.headers.clone();
        head
    }
}

/// One folder of the suite.
struct Case {
    folder: PathBuf,
    context: Value,
}

/// Where a form keeps its signature, as the suite names its files.
const FORMS: [&str; 2] = ["header", "query"];

impl Case {
    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn text(&self, form: &str, what: &str) -> String {
        read(&self.file(&format!("{form}-{what}.txt")))
    }

    fn string(&self, pointer: &str) -> &str {
        self.context.pointer(pointer).and_then(Value::as_str).unwrap()
    }

    fn is_true(&self, name: &str) -> bool {
        self.context.get(name).and_then(Value::as_bool).unwrap_or(false)
    }

    fn now(&self) -> Timestamp {
        self.string("/timestamp").parse().unwrap()
    }

    fn credentials(&self) -> Credentials {
        let token = self.context.pointer("/credentials/token").and_then(Value::as_str);
        Credentials {
            access_key_id: self.string("/credentials/access_key_id").to_owned(),
            secret_access_key: self.string("/credentials/secret_access_key").to_owned(),
            session_token: token.map(str::to_owned).filter(|_| !self.is_true("omit_session_token")),
        }
    }

    fn key(&self) -> SigningKey {
        let secret = self.string("/credentials/secret_access_key");
        let day = self.now().strftime("%Y%m%d").to_string();
        SigningKey::derive(secret, &day, self.string("/region"), self.string("/service"))
    }

    /// The path that this case signs.
    fn path<'a>(&self, written: &'a Written) -> std::borrow::Cow<'a, str> {
        let path = written.path.as_str();
        if self.is_true("normalize") { normalize(path) } else { path.into() }
    }

    /// These sign a space that no URI can hold: sent as `%20`, it would be signed as `%2520`.
    fn signs_a_bare_space(&self) -> bool {
        self.name().starts_with("get-space-")
    }

    fn name(&self) -> std::borrow::Cow<'_, str> {
        self.folder.file_name().unwrap().to_string_lossy()
    }
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// The package's folder, from cargo itself: it is a dev-dependency of ours. Of this platform's
/// packages only: cargo has not fetched those of others.
fn suite() -> PathBuf {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--offline", "--filter-platform=host-tuple"])
        .arg("--manifest-path")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata.get("packages").and_then(Value::as_array).unwrap();
    let package = packages.iter().find(|package| package["name"] == "aws-sigv4").unwrap();
    let manifest = Path::new(package["manifest_path"].as_str().unwrap());
    manifest.with_file_name("aws-signing-test-suite").join("v4")
}

/// Every folder: those with a context, and those that give a canonical request alone.
fn cases() -> (Vec<Case>, Vec<PathBuf>) {
    let folders: Vec<_> =
        fs::read_dir(suite()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(folders.len() > 30, "the suite has shrunk: {}", folders.len());
    let (whole, bare): (Vec<_>, Vec<_>) =
        folders.into_iter().partition(|folder| folder.join("context.json").exists());
    let case = |folder: PathBuf| {
        let context = serde_json::from_str(&read(&folder.join("context.json"))).unwrap();
        Case { folder, context }
    };
    (whole.into_iter().map(case).collect(), bare)
}

/// The second line from the end of a canonical request.
fn signed_headers(canonical: &str) -> &str {
    canonical.lines().rev().nth(1).unwrap()
}

fn canonical_of(written: &Written, path: std::borrow::Cow<'_, str>, want: &str) -> String {
    let request = CanonicalRequest {
        method: &written.method,
        path,
        query: &written.query,
        headers: &written.headers,
        authority: None,
        signed_headers: signed_headers(want),
        body_sha256: &body_sha256(written.body.as_bytes()),
    };
    String::from_utf8(request.write().unwrap()).unwrap()
}

#[test]
fn canonical_requests_and_signatures_are_those_of_the_suite() {
    let (cases, _) = cases();
    for (case, form) in cases.iter().flat_map(|case| FORMS.map(|form| (case, form))) {
        let name = format!("{} {form}", case.name());
        let mut written = Written::read(&case.file(&format!("{form}-signed-request.txt")));
        if form == "query" && case.is_true("omit_session_token") {
            let token = written.query.split('&').find(|pair| pair.contains("Security-Token"));
            let token = format!("&{}", token.unwrap());
            written.query = written.query.replace(&token, ""); // Added after signing.
        }
        let want = case.text(form, "canonical-request");
        let got = canonical_of(&written, case.path(&written), &want);
        assert_eq!(got, want, "{name}");
        let string_to_sign = case.text(form, "string-to-sign");
        let mut lines = string_to_sign.lines().skip(1);
        let (date, scope) = (lines.next().unwrap(), lines.next().unwrap());
        let signature = case.key().signature(date, scope, got.as_bytes());
        let want = crate::body::parse_hexadecimal(&case.text(form, "signature"));
        assert_eq!(Some(signature), want, "{name}");
    }
}

#[test]
fn cases_without_a_context_give_their_canonical_request() {
    let (_, folders) = cases();
    for folder in folders {
        let mut written = Written::read(&folder.join("request.txt"));
        let want = read(&folder.join("header-canonical-request.txt"));
        let date = want.lines().find_map(|line| line.strip_prefix("x-amz-date:")).unwrap();
        written.headers.insert("x-amz-date", HeaderValue::from_str(date).unwrap());
        assert_eq!(canonical_of(&written, normalize(&written.path), &want), want, "{folder:?}");
    }
}

/// What a server answers to a vector's signed request.
fn answer(case: &Case, written: &Written) -> Result<(), SignatureError> {
    let head = written.head();
    let claim = claim(&head, case.now())?;
    claim.check_scope(&[case.string("/region")], case.string("/service"))?;
    claim.verify(&head, &body_sha256(written.body.as_bytes()), &case.key())
}

#[test]
fn signed_requests_verify_if_they_are_signed_as_we_serve() {
    for (case, form) in cases().0.iter().flat_map(|case| FORMS.map(|form| (case, form))) {
        let name = format!("{} {form}", case.name());
        let mut written = Written::read(&case.file(&format!("{form}-signed-request.txt")));
        written.path = written.path.replace(' ', "%20");
        let other_path = normalize(&written.path) != written.path && !case.is_true("normalize");
        let want = match (case.is_true("omit_session_token"), form) {
            (true, "header") => {
                Err(SignatureError::UnsignedHeader("'X-Amz-Security-Token'".to_owned()))
            }
            (true, _) => Err(SignatureError::Mismatch),
            (false, _) if other_path || case.signs_a_bare_space() => Err(SignatureError::Mismatch),
            (false, _) => Ok(()),
        };
        assert_eq!(answer(case, &written), want, "{name}");
    }
}

#[test]
fn our_signatures_are_those_of_the_suite() {
    let served = |case: &Case| case.is_true("normalize");
    for case in cases().0.into_iter().filter(served) {
        let written = Written::read(&case.file("request.txt"));
        let (credentials, body) = (case.credentials(), written.body.as_bytes());
        let (region, service) = (case.string("/region"), case.string("/service"));
        let mut head = written.head();
        if case.is_true("sign_body") {
            let hash = HeaderValue::from_str(&body_sha256(body)).unwrap();
            head.headers.insert("x-amz-content-sha256", hash);
        }
        sign(&mut head, body, &credentials, region, service, case.now()).unwrap();
        let authorization = head.headers["authorization"].to_str().unwrap();
        let want = case.text("header", "signature");
        let same = !case.signs_a_bare_space();
        assert_eq!(authorization.ends_with(&want), same, "{}", case.name());

        let mut head = written.head();
        presign(&mut head, body, &credentials, region, service, case.now(), 3600).unwrap();
        let want = case.text("query", "signature");
        assert_eq!(head.uri.query().unwrap().ends_with(&want), same, "{}", case.name());
    }
}
