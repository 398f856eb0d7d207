//! The keys of the issuers whose tokens are believed: from files that the operator names.
//!
//! A file is read at start, and again when a token names a key that it had not, as issuers change their
//! keys: at most once in ten seconds. What cannot be read then leaves the known keys in force.

use std::{
    collections::BTreeMap,
    io::Read as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use portcullis_identity::{IdentityError, IssuerName, KeySet, WebIdentityToken};
use tokio::sync::Mutex;

/// Largest key set, in bytes; issuers have a handful of keys of some hundred bytes each.
const KEY_SET_BYTES_MAX: u64 = 1024 * 1024;

/// How often a file is read again at most.
const REREAD_PERIOD: Duration = Duration::from_secs(10);

/// The keys of every issuer that the operator named.
#[derive(Clone, Debug, Default)]
pub struct OidcKeys(Arc<BTreeMap<IssuerName, Source>>);

/// Why an issuer's keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OidcKeysError {
    /// Not `ISSUER=FILE`.
    #[error(
        "\"{0}\" does not say whose keys are in which file; write ISSUER=FILE, for example \
         https://idp.example.com=/etc/portcullis/idp.json"
    )]
    Form(String),
    /// Keys that would have to be fetched.
    #[error("the keys of {0} are given by a URL, which is not supported yet; save them to a file")]
    Url(IssuerName),
    /// An issuer named twice.
    #[error("the keys of {0} are given more than once")]
    Twice(IssuerName),
    /// A file that cannot be read, or holds no keys.
    #[error("the keys in {}: {why}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        why: String,
    },
}

#[derive(Debug)]
struct Source {
    path: PathBuf,
    held: Mutex<Held>,
}

#[derive(Debug)]
struct Held {
    keys: Arc<KeySet>,
    read: Instant,
}

impl OidcKeys {
    /// Reads the key sets that `given`, each `ISSUER=FILE`, name.
    ///
    /// # Errors
    /// [`OidcKeysError`] for the first that cannot be used: a server that would refuse every token of an
    /// issuer does not start.
    pub fn read(given: &[String]) -> Result<Self, OidcKeysError> {
        let mut sources = BTreeMap::new();
        for text in given {
            let (issuer, path) = split(text)?;
            let keys = Arc::new(read_file(&path)?);
            let held = Mutex::new(Held { keys, read: Instant::now() });
            if sources.insert(issuer.clone(), Source { path, held }).is_some() {
                return Err(OidcKeysError::Twice(issuer));
            }
        }
        Ok(Self(Arc::new(sources)))
    }

    /// That the token is its issuer's.
    ///
    /// # Errors
    /// [`IdentityError::IssuerUnreachable`] for an issuer without keys here;
    /// [`IdentityError::InvalidIdentityToken`] for a key that the issuer has not, and for a signature
    /// that is not its key's.
    pub(crate) async fn prove(&self, token: &WebIdentityToken<'_>) -> Result<(), IdentityError> {
        let unknown = || IdentityError::IssuerUnreachable(token.issuer().clone());
        let source = self.0.get(token.issuer()).ok_or_else(unknown)?;
        let known = source.held.lock().await.keys.clone();
        let proven = match token.is_signed_by(&known) {
            Some(proven) => proven,
            None => {
                token.is_signed_by(&*source.newest().await).ok_or_else(|| token.without_key())?
            }
        };
        if proven { Ok(()) } else { Err(token.without_key()) }
    }
}

impl Source {
    /// The keys after another look into the file, unless the last was a moment ago.
    async fn newest(&self) -> Arc<KeySet> {
        let mut held = self.held.lock().await;
        if held.read.elapsed() >= REREAD_PERIOD {
            held.read = Instant::now();
            let path = self.path.clone();
            match tokio::task::spawn_blocking(move || read_file(&path)).await {
                Ok(Ok(keys)) => held.keys = Arc::new(keys),
                Ok(Err(error)) => tracing::warn!(%error, "known keys of an issuer stay in force"),
                Err(error) => tracing::error!(%error, "reading the keys of an issuer broke off"),
            }
        }
        held.keys.clone()
    }
}

/// The issuer and the file. An issuer has no `=` in its name, a file may.
fn split(text: &str) -> Result<(IssuerName, PathBuf), OidcKeysError> {
    let form = || OidcKeysError::Form(text.to_owned());
    let (issuer, file) = text.split_once('=').ok_or_else(form)?;
    let url = if issuer.contains("://") { issuer.to_owned() } else { format!("https://{issuer}") };
    let issuer = IssuerName::of_url(&url).map_err(|_| form())?;
    if file.is_empty() {
        return Err(form());
    }
    if file.contains("://") {
        return Err(OidcKeysError::Url(issuer));
    }
    Ok((issuer, file.into()))
}

fn read_file(path: &Path) -> Result<KeySet, OidcKeysError> {
    let failed = |why: String| OidcKeysError::File { path: path.into(), why };
    let file = std::fs::File::open(path).map_err(|error| failed(error.to_string()))?;
    let mut text = Vec::new();
    let read = file.take(KEY_SET_BYTES_MAX + 1).read_to_end(&mut text);
    let length = read.map_err(|error| failed(error.to_string()))?;
    if length as u64 > KEY_SET_BYTES_MAX {
        return Err(failed(format!("it is larger than {KEY_SET_BYTES_MAX} bytes")));
    }
    KeySet::parse(&text).map_err(|error| failed(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(given: &[&str], want: &str) {
        let given: Vec<String> = given.iter().map(|text| (*text).to_owned()).collect();
        let got = OidcKeys::read(&given).map(|keys| keys.0.len());
        let got = got.map_or_else(|error| error.to_string(), |count| count.to_string());
        assert!(got.contains(want), "{given:?}: {got}");
    }

    #[test]
    fn keys_are_of_a_file_that_has_some_or_the_server_does_not_start() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let key = r#"{"kty":"RSA","kid":"k","n":"AQAB","e":"AQAB"}"#;
        let good = file("good.json", &format!(r#"{{"keys":[{key}]}}"#));
        let empty = file("empty.json", r#"{"keys":[]}"#);
        let large = file("large.json", &" ".repeat(1024 * 1024 + 1));
        check(&[], "0");
        check(&[&format!("https://idp.example.com={good}")], "1");
        check(&[&format!("idp.example.com/a={good}"), &format!("idp.example.com/b={good}")], "2");
        check(
            &[&format!("idp.example.com={good}"), &format!("https://idp.example.com/={good}")],
            "more than once",
        );
        check(&[&format!("idp.example.com={empty}")], "no RSA");
        check(&[&format!("idp.example.com={large}")], "larger than");
        check(&["idp.example.com=/no/such/file"], "/no/such/file");
        check(&["idp.example.com=https://idp.example.com/keys"], "not supported yet");
        for text in ["", "idp.example.com", "=x", "idp.example.com=", "http://idp.example.com=x"] {
            check(&[text], "write ISSUER=FILE");
        }
    }
}
