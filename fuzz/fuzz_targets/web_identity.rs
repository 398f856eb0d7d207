//! Tokens and key sets of OpenID Connect issuers: any bytes are read or refused, and no token is
//! proven by keys that did not sign it.
//!
//! The input is a key set, a line break, and a token.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis_identity::{KeySet, WebIdentityToken};

const KEYS: &str = r#"{"keys":[{"kty":"EC","crv":"P-256",
    "x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}"#;

fuzz_target!(|data: &[u8]| {
    let mut parts = data.splitn(2, |byte| *byte == b'\n');
    let (keys, token) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let token = str::from_utf8(token).unwrap_or_default();
    let Ok(token) = WebIdentityToken::parse(token) else { return };
    if let Ok(keys) = KeySet::parse(keys) {
        let _ = token.is_signed_by(&keys);
    }
    let known = KeySet::parse(KEYS.as_bytes()).expect("a key set");
    assert_ne!(token.is_signed_by(&known), Some(true), "nothing here signs");
});
