//! Derived signing keys.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use crate::{ALGORITHM, body::hexadecimal, scope::TERMINATOR};

/// A key derived from a secret for one day, region and service.
///
/// Deriving costs ten times what using it does: keep it. It holds no secret that outlives its
/// day. `Debug` prints none of it.
#[derive(Clone)]
pub struct SigningKey(Hmac<Sha256>);

impl SigningKey {
    /// Derives the key for `date` (`YYYYMMDD`), `region` and `service`, as the scope names them.
    #[must_use]
    pub fn derive(secret: &str, date: &str, region: &str, service: &str) -> Self {
        let mut key = hmac(&[b"AWS4", secret.as_bytes()].concat());
        for part in [date, region, service, TERMINATOR] {
            key.update(part.as_bytes());
            key = hmac(&key.finalize().into_bytes());
        }
        Self(key)
    }

    /// Signs a canonical request: hashes it, and authenticates the string to sign.
    pub(crate) fn signature(&self, date: &str, scope: &str, canonical: &[u8]) -> [u8; 32] {
        let mut mac = self.0.clone();
        for part in [ALGORITHM, "\n", date, "\n", scope, "\n"] {
            mac.update(part.as_bytes());
        }
        mac.update(&hexadecimal(&Sha256::digest(canonical).into()));
        mac.finalize().into_bytes().into()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(..)")
    }
}

#[expect(clippy::expect_used, reason = "HMAC takes keys of every length (RFC 2104 §2)")]
fn hmac(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("a key of any length")
}
