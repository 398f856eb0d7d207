//! The keys of the issuers whose tokens are believed: from files and URLs that the operator names.
//!
//! A file is read at start, so that a server that would refuse every token of an issuer does not
//! start. A URL is read when the first token of its issuer comes: the server starts whether the
//! issuer is there or not. Both are read again when a token names a key that they had not, as
//! issuers change their keys, and after some minutes, as issuers withdraw them; see [`source`].

mod place;
mod source;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use portcullis_identity::{IdentityError, IssuerName, WebIdentityToken};

use place::{Place, read_file};
use source::Source;

/// The keys of every issuer that the operator named.
#[derive(Clone, Debug, Default)]
pub struct OidcKeys(Arc<BTreeMap<IssuerName, Arc<Source>>>);

/// Why an issuer's keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OidcKeysError {
    /// Neither `ISSUER=FILE` nor `ISSUER=URL`.
    #[error(
        "\"{0}\" does not say whose keys are where; write ISSUER=FILE or ISSUER=URL, for example \
         https://idp.example.com=https://idp.example.com/.well-known/jwks.json"
    )]
    Form(String),
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

impl OidcKeys {
    /// The key sets that `given`, each `ISSUER=FILE` or `ISSUER=URL`, name; files are read.
    ///
    /// # Errors
    /// [`OidcKeysError`] for the first that cannot be used.
    pub fn read(given: &[String]) -> Result<Self, OidcKeysError> {
        let mut sources = BTreeMap::new();
        for text in given {
            let (issuer, place) = split(text)?;
            let source = Arc::new(source(issuer.clone(), place)?);
            if sources.insert(issuer.clone(), source).is_some() {
                return Err(OidcKeysError::Twice(issuer));
            }
        }
        Ok(Self(Arc::new(sources)))
    }

    /// That the token is its issuer's.
    ///
    /// # Errors
    /// [`IdentityError::IssuerUnreachable`] for an issuer without keys here, and for one that could not
    /// be asked; [`IdentityError::InvalidIdentityToken`] for a key that the issuer has not, and for a
    /// signature that is not its key's.
    pub(crate) async fn prove(&self, token: &WebIdentityToken<'_>) -> Result<(), IdentityError> {
        let unknown = || IdentityError::IssuerUnreachable(token.issuer().clone());
        self.0.get(token.issuer()).ok_or_else(unknown)?.prove(token).await
    }
}

fn source(issuer: IssuerName, place: Place) -> Result<Source, OidcKeysError> {
    if place.is_open_to_others() {
        tracing::warn!(%issuer, %place, "keys come by plain http: others may put theirs in between");
    }
    let Place::File(path) = &place else { return Ok(Source::new(issuer, place)) };
    let keys = read_file(path).map_err(|why| OidcKeysError::File { path: path.clone(), why })?;
    Ok(Source::new(issuer, place).with_keys(keys))
}

/// The issuer and where its keys are. An issuer has no `=` in its name, a file or URL may.
fn split(text: &str) -> Result<(IssuerName, Place), OidcKeysError> {
    let form = || OidcKeysError::Form(text.to_owned());
    let (issuer, place) = text.split_once('=').ok_or_else(form)?;
    let url = if issuer.contains("://") { issuer.to_owned() } else { format!("https://{issuer}") };
    let issuer = IssuerName::of_url(&url).map_err(|_| form())?;
    Ok((issuer, Place::parse(place).ok_or_else(form)?))
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
        for text in ["", "idp.example.com", "=x", "idp.example.com=", "http://idp.example.com=x"] {
            check(&[text], "write ISSUER=FILE or ISSUER=URL");
        }
    }

    #[test]
    fn a_server_starts_before_the_issuers_whose_keys_it_fetches() {
        check(
            &["idp.example.com=http://127.0.0.1:1/keys", "a.example.com=https://a.example.com/b=c"],
            "2",
        );
        check(
            &["idp.example.com=https://u:p@idp.example.com/keys"],
            "write ISSUER=FILE or ISSUER=URL",
        );
    }
}
