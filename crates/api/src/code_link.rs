//! Links to a function's code: for whoever `GetFunction` gave one, for ten minutes.
//!
//! `/_portcullis/code/SHA256?Expires=EPOCH&Signature=HEX`. The signature binds path and time to a
//! key that only this installation has; the link names content, so it always gives the exact bytes
//! that it was made for.

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use portcullis_catalog::Catalog;
use portcullis_lambda::CodeSha256;
use portcullis_store::Digest;
use sha2::Sha256;

/// How long a link works, in seconds. Source: GetFunction reference, "valid for 10 minutes".
const LIFE_SECONDS: i64 = 600;

/// Where the links point to.
pub(crate) const PATH: &str = "/_portcullis/code/";

/// The key that links are signed with.
pub(crate) struct LinkKey(Hmac<Sha256>);

impl LinkKey {
    /// Derived from the installation's session keys, so that links survive a restart.
    pub(crate) fn of(catalog: &Catalog) -> Self {
        let keys = catalog.load().session_keys().map(|keys| keys.expose());
        let material = keys.unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
        Self::new(&format!("code link v1 {material}"))
    }

    fn new(material: &str) -> Self {
        #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
        Self(Hmac::new_from_slice(material.as_bytes()).expect("any length is a key"))
    }

    /// Path and query of a link to `code`.
    pub(crate) fn link(&self, code: &CodeSha256, now: Timestamp) -> String {
        let expires = now.as_second().saturating_add(LIFE_SECONDS);
        let digest = Digest::from_bytes(*code.as_bytes());
        let signature = hex(&self.mac(&digest, expires).finalize().into_bytes());
        format!("{PATH}{digest}?Expires={expires}&Signature={signature}")
    }

    /// The code that a link stands for; `None` if it is expired, or not ours.
    pub(crate) fn open(&self, path: &str, query: Option<&str>, now: Timestamp) -> Option<Digest> {
        let digest: Digest = path.strip_prefix(PATH)?.parse().ok()?;
        let (expires, signature) = query?.strip_prefix("Expires=")?.split_once("&Signature=")?;
        let expires: i64 = expires.parse().ok()?;
        let proof = unhex(signature)?;
        let ours = self.mac(&digest, expires).verify_slice(&proof).is_ok();
        (ours && now.as_second() <= expires).then_some(digest)
    }

    fn mac(&self, digest: &Digest, expires: i64) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(format!("{digest} {expires}").as_bytes());
        mac
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    text.as_bytes().chunks(2).map(pair).collect()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use portcullis_lambda::CodePackage;

    use super::{LIFE_SECONDS, LinkKey};

    #[test]
    fn a_link_works_for_ten_minutes_and_only_as_it_is() {
        let key = LinkKey::new("k");
        let code = CodePackage::of(b"zip", 0);
        let at = |second| Timestamp::from_second(second).unwrap();
        let link = key.link(&code.sha256, at(1000));
        let (path, query) = link.split_once('?').unwrap();
        let open = |path: &str, query: &str, second| key.open(path, Some(query), at(second));
        assert!(open(path, query, 1000).is_some());
        assert!(open(path, query, 1000 + LIFE_SECONDS).is_some());
        assert!(open(path, query, 1001 + LIFE_SECONDS).is_none(), "expired");
        assert!(key.open(path, None, at(1000)).is_none(), "no signature");
        let later = query.replace("Expires=1600", "Expires=9600");
        assert!(open(path, &later, 1000).is_none(), "a longer life than was signed");
        let other = path.replace(|c: char| c.is_ascii_digit(), "0");
        assert!(open(&other, query, 1000).is_none(), "other code");
        assert!(LinkKey::new("other").open(path, Some(query), at(1000)).is_none(), "other key");
        for broken in ["Expires=", "Expires=x&Signature=", "Expires=1600&Signature=zz", "é"] {
            assert!(open(path, broken, 1000).is_none(), "{broken}");
        }
    }
}
