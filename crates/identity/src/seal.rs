//! Session tokens: claims that only this installation can have written, and only it can read.
//!
//! Nothing about a session is stored. The token is the claims, encrypted and authenticated
//! together with the access key id; the secret is derived from both. So a session survives a
//! restart, holds on every node that has the keys, and a copied store holds none of them.
//!
//! Token: base64 of version (1 byte), nonce (24 bytes), XChaCha20-Poly1305 ciphertext and tag.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac as _};
use jiff::Timestamp;
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use crate::error::InvalidValue;
use crate::ids::{AccessKeyId, SECRET_RANDOM_BYTES, SecretAccessKey};
use crate::session::SessionClaims;

/// Longest token that [`SessionKeys::open`] looks at, in bytes of base64: longer than any that is made.
/// What a token of OpenID Connect says is at most that token, of 20,000 characters of base64: 15,000
/// bytes. All else is under 8 KiB: a session policy of 2,048 characters of two bytes or an escape each.
pub const SESSION_TOKEN_BYTES_MAX: usize = 32 * 1024;

/// First byte of every token that this build writes.
const VERSION: u8 = 1;

/// Bytes of an XChaCha20-Poly1305 nonce: long enough to be drawn at random for ever.
pub(crate) const NONCE_BYTES: usize = 24;

/// Why a session token is not accepted. `Display` is AWS's text (aws-lambda.md §9.4); the error
/// code depends on the service that is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// Not written by these keys for this access key id, or damaged.
    #[error("The security token included in the request is invalid.")]
    Invalid,
    /// Genuine, and over.
    #[error("The security token included in the request is expired")]
    Expired,
}

/// The keys of all sessions of an installation: 32 random bytes, made once, kept in the store.
/// `Debug` does not show them; compared in constant time.
#[derive(Clone)]
pub struct SessionKeys {
    material: [u8; 32],
    seal: [u8; 32],
    secret: [u8; 32],
}

impl SessionKeys {
    /// Derives the keys from key material of full entropy.
    #[must_use]
    pub fn from_material(material: [u8; 32]) -> Self {
        let derive = |purpose: &[u8]| hmac(&material, &[purpose]);
        Self { material, seal: derive(b"session token v1"), secret: derive(b"session secret v1") }
    }

    /// The key material as base64: for the store, and nothing else.
    #[must_use]
    pub fn expose(&self) -> String {
        STANDARD.encode(self.material)
    }

    /// The token of a session. `nonce` must be fresh random bytes.
    pub(crate) fn seal(
        &self,
        claims: &SessionClaims,
        access_key_id: &AccessKeyId,
        nonce: [u8; NONCE_BYTES],
    ) -> String {
        let plain = claims.to_bytes();
        let bound = Payload { msg: &plain, aad: &associated_data(access_key_id) };
        #[expect(clippy::expect_used, reason = "fails only beyond 256 GiB of plaintext")]
        let sealed = self.cipher().encrypt(&XNonce::from(nonce), bound).expect("claims are short");
        let mut token = vec![VERSION];
        token.extend_from_slice(&nonce);
        token.extend_from_slice(&sealed);
        STANDARD.encode(token)
    }

    /// Reads the token of a request that is signed with `access_key_id`. The claims may be believed
    /// once the signature is verified with their [`secret`](Self::secret).
    ///
    /// # Errors
    /// [`SessionError::Invalid`] for anything that these keys did not seal for this access key id;
    /// [`SessionError::Expired`] from the instant of expiry on.
    pub fn open(
        &self,
        token: &str,
        access_key_id: &AccessKeyId,
        now: Timestamp,
    ) -> Result<SessionClaims, SessionError> {
        let claims = self.unseal(token, access_key_id).ok_or(SessionError::Invalid)?;
        if now >= claims.expires { Err(SessionError::Expired) } else { Ok(claims) }
    }

    fn unseal(&self, token: &str, access_key_id: &AccessKeyId) -> Option<SessionClaims> {
        if token.len() > SESSION_TOKEN_BYTES_MAX {
            return None;
        }
        let bytes = STANDARD.decode(token).ok()?;
        let (&version, rest) = bytes.split_first()?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_BYTES>()?;
        if version != VERSION {
            return None;
        }
        let bound = Payload { msg: sealed, aad: &associated_data(access_key_id) };
        let plain = self.cipher().decrypt(&XNonce::from(*nonce), bound).ok()?;
        SessionClaims::from_bytes(&plain)
    }

    /// The secret access key of a session; it is stored nowhere.
    #[must_use]
    pub fn secret(&self, claims: &SessionClaims, access_key_id: &AccessKeyId) -> SecretAccessKey {
        let bytes = hmac(&self.secret, &[&claims.session_id, access_key_id.as_str().as_bytes()]);
        let mut random = [0; SECRET_RANDOM_BYTES];
        random.iter_mut().zip(bytes).for_each(|(place, byte)| *place = byte);
        SecretAccessKey::from_random(random)
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&self.seal.into())
    }
}

/// What a token is authenticated with, beside its claims.
fn associated_data(access_key_id: &AccessKeyId) -> Vec<u8> {
    let mut data = vec![VERSION];
    data.extend_from_slice(access_key_id.as_str().as_bytes());
    data
}

/// HMAC-SHA256 of the parts, one after another; only the last may vary in length.
fn hmac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of 32 bytes");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

impl FromStr for SessionKeys {
    type Err = InvalidValue;

    /// Reads what [`SessionKeys::expose`] wrote.
    ///
    /// # Errors
    /// [`InvalidValue`] when it is not base64 of 32 bytes; its text does not repeat the input.
    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let bytes = STANDARD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
        let invalid = || InvalidValue::new("Session key material is base64 of 32 bytes.");
        bytes.map(Self::from_material).ok_or_else(invalid)
    }
}

impl PartialEq for SessionKeys {
    fn eq(&self, other: &Self) -> bool {
        self.material.ct_eq(&other.material).into()
    }
}

impl Eq for SessionKeys {}

impl fmt::Debug for SessionKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionKeys(…)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::marks::SessionMarks;
    use crate::samples::{account, claims};
    use crate::session::SessionHolder;
    use crate::session_policies::SessionPolicies;

    fn keys() -> SessionKeys {
        SessionKeys::from_material([7; 32])
    }

    fn key_id(random: u8) -> AccessKeyId {
        AccessKeyId::temporary(account(), [random; 16])
    }

    fn token() -> String {
        keys().seal(&claims(), &key_id(1), [9; NONCE_BYTES])
    }

    #[track_caller]
    fn check(token: &str, id: &AccessKeyId, now: &str, want: Result<&SessionClaims, SessionError>) {
        let got = keys().open(token, id, now.parse().unwrap());
        assert_eq!(got.as_ref().map_err(|error| *error), want, "{token} {id} {now}");
    }

    const DURING: &str = "2026-01-02T03:30:00Z";

    #[test]
    #[rustfmt::skip]
    fn a_session_ends_at_its_expiry() {
        check(&token(), &key_id(1), DURING,                           Ok(&claims()));
        check(&token(), &key_id(1), "2026-01-02T04:04:04.999999999Z", Ok(&claims()));
        check(&token(), &key_id(1), "2026-01-02T04:04:05Z",           Err(SessionError::Expired));
        check(&token(), &key_id(1), "2027-01-01T00:00:00Z",           Err(SessionError::Expired));
    }

    #[test]
    #[rustfmt::skip]
    fn a_token_is_of_these_keys_and_this_id_or_invalid() {
        let other_keys = SessionKeys::from_material([8; 32]).seal(&claims(), &key_id(1), [9; 24]);
        let long = "A".repeat(SESSION_TOKEN_BYTES_MAX + 4);
        check(&token(),       &key_id(2), DURING, Err(SessionError::Invalid));
        check(&token(),       &key_id(2), "2027-01-01T00:00:00Z", Err(SessionError::Invalid));
        check(&other_keys,    &key_id(1), DURING, Err(SessionError::Invalid));
        check("",             &key_id(1), DURING, Err(SessionError::Invalid));
        check("AQ==",         &key_id(1), DURING, Err(SessionError::Invalid));
        check("not base64 !", &key_id(1), DURING, Err(SessionError::Invalid));
        check(&long,          &key_id(1), DURING, Err(SessionError::Invalid));
    }

    #[test]
    fn the_largest_claims_fit_a_token() {
        let policy: String = ['"', 'é'].iter().cycle().take(2_048).collect();
        let source = "a".repeat(2_048);
        let name = "n".repeat(64);
        let web_identity = serde_json::json!({
            "issuer": "i".repeat(255),
            "subject": "s".repeat(14_000),
            "audience": "a".repeat(255),
        });
        let large = SessionClaims {
            policies: SessionPolicies::sealed(Some(policy.into()), Vec::new()),
            source: source.into(),
            web_identity: serde_json::from_value(web_identity).unwrap(),
            marks: SessionMarks {
                source_identity: Some(name.parse().unwrap()),
                ..SessionMarks::default()
            },
            holder: SessionHolder::Role {
                name: name.parse().unwrap(),
                id: crate::samples::role().id,
                session: name.parse().unwrap(),
                function: Some("f".repeat(512).into()),
            },
            ..claims()
        };
        let token = keys().seal(&large, &key_id(1), [9; NONCE_BYTES]);
        check(&token, &key_id(1), DURING, Ok(&large));
    }

    #[test]
    fn a_token_shows_nothing_of_its_claims_and_carries_no_secret() {
        let secret = keys().secret(&claims(), &key_id(1));
        let bytes = STANDARD.decode(token()).unwrap();
        let shows = |text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
        assert!(!shows("deploy") && !shows("123456789012") && !shows(secret.expose()));
        assert!(!String::from_utf8(claims().to_bytes()).unwrap().contains(secret.expose()));
        assert_eq!(format!("{:?}", keys()), "SessionKeys(…)");
    }

    #[test]
    fn a_secret_belongs_to_one_session_one_id_and_these_keys() {
        let secret = keys().secret(&claims(), &key_id(1));
        assert_eq!(
            (secret.expose().len(), keys().secret(&claims(), &key_id(1)) == secret),
            (40, true)
        );
        let other = SessionClaims { session_id: [4; 16], ..claims() };
        assert_ne!(keys().secret(&other, &key_id(1)), secret);
        assert_ne!(keys().secret(&claims(), &key_id(2)), secret);
        assert_ne!(SessionKeys::from_material([8; 32]).secret(&claims(), &key_id(1)), secret);
    }

    proptest! {
        #[test]
        fn what_was_sealed_opens_as_itself(
            material: [u8; 32],
            nonce: [u8; NONCE_BYTES],
            session_id: [u8; 16],
            id: [u8; 16],
            identity in crate::samples::any_identity(),
            policy in proptest::option::of(".{0,200}"),
            managed in 0..=10_usize,
        ) {
            let keys = SessionKeys::from_material(material);
            let arn = |n| format!("arn:aws:iam::aws:policy/p{n}").parse().unwrap();
            let managed = (0..managed).map(arn).collect();
            let policies = SessionPolicies::sealed(policy.map(Into::into), managed);
            let claims = SessionClaims { session_id, policies, ..identity.2 };
            let id = AccessKeyId::temporary(account(), id);
            let token = keys.seal(&claims, &id, nonce);
            prop_assert_eq!(keys.open(&token, &id, DURING.parse().unwrap()), Ok(claims));
        }

        #[test]
        fn a_token_with_any_byte_changed_is_refused(place: prop::sample::Index, change in 1u8..=255) {
            let mut bytes = STANDARD.decode(token()).unwrap();
            let place = place.index(bytes.len());
            bytes[place] ^= change;
            check(&STANDARD.encode(bytes), &key_id(1), DURING, Err(SessionError::Invalid));
        }

        #[test]
        fn a_token_with_any_character_changed_is_refused(
            place: prop::sample::Index,
            character in "[ -~]",
        ) {
            let token = token();
            let place = place.index(token.len());
            let mut changed = token.clone();
            changed.replace_range(place..=place, &character);
            prop_assume!(changed != token);
            check(&changed, &key_id(1), DURING, Err(SessionError::Invalid));
        }

        #[test]
        fn a_shortened_token_is_refused(length: prop::sample::Index) {
            let token = token();
            let part = token.get(..length.index(token.len())).unwrap();
            check(part, &key_id(1), DURING, Err(SessionError::Invalid));
        }

        #[test]
        fn exposed_keys_parse_as_themselves(material: [u8; 32]) {
            let keys = SessionKeys::from_material(material);
            prop_assert_eq!(keys.expose().parse::<SessionKeys>().unwrap(), keys);
        }
    }
}
