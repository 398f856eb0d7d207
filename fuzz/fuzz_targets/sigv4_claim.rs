//! Signatures: what any request claims is read or refused, and a request that was signed here, in
//! header or query, verifies with its body and with no other.
#![no_main]

use http::header::{AUTHORIZATION, DATE, HOST};
use http::request::Parts;
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use portcullis_sigv4::{Claim, Credentials, SigningKey, body_sha256, claim, presign, sign};

const REGION: &str = "us-east-1";
const SERVICE: &str = "lambda";

fuzz_target!(|data: &[u8]| {
    let Some((head, body)) = portcullis_fuzz::request(data) else { return };
    let now = Timestamp::from_second(1_440_938_160).expect("a moment of 2015");
    match claim(&head, now) {
        Ok(claim) => check_foreign(&head, body, &claim),
        Err(error) => assert!(!error.to_string().is_empty() && !error.code().is_empty()),
    }
    check_signed(&head, body, now);
});

/// Whoever signed it had no key of ours.
fn check_foreign(head: &Parts, body: &[u8], claim: &Claim) {
    assert!(claim.signs_header("host") && !claim.access_key_id().is_empty());
    let _ = claim.check_scope(&[REGION], SERVICE);
    assert!(claim.verify(head, &body_sha256(body), &key(claim)).is_err());
}

fn check_signed(head: &Parts, body: &[u8], now: Timestamp) {
    let query = head.uri.query().unwrap_or_default();
    // A query that may speak of signatures itself is for the first half of this target.
    if !head.uri.path().starts_with('/') || query.contains("X-Amz-") || query.contains('%') {
        return;
    }
    let mut unsigned = head.clone();
    for given in [AUTHORIZATION.as_str(), DATE.as_str(), "x-amz-date", "x-amz-security-token"] {
        unsigned.headers.remove(given);
    }
    unsigned.headers.remove("x-amz-content-sha256");
    if unsigned.headers.get_all(HOST).iter().count() != 1 {
        unsigned.headers.insert(HOST, "localhost:9001".parse().expect("a host"));
    }
    for session_token in [None, Some("token/+=".to_owned())] {
        let credentials = credentials(session_token);
        let mut head = unsigned.clone();
        sign(&mut head, body, &credentials, REGION, SERVICE, now).expect("it has a host");
        check_verifies(&head, body, &credentials, now);
        let mut head = unsigned.clone();
        if presign(&mut head, body, &credentials, REGION, SERVICE, now, 60).is_ok() {
            check_verifies(&head, body, &credentials, now);
        }
    }
}

fn check_verifies(head: &Parts, body: &[u8], credentials: &Credentials, now: Timestamp) {
    let claim = match claim(head, now) {
        Ok(claim) => claim,
        // The one limit that a signer does not know: the length of the header.
        Err(error) if error.to_string().contains("is longer than") => return,
        Err(error) => panic!("{error}: {head:?}"),
    };
    assert_eq!(claim.session_token(), credentials.session_token.as_deref());
    claim.check_scope(&[REGION], SERVICE).expect("the scope that was signed for");
    let key = key(&claim);
    claim
        .verify(head, &body_sha256(body), &key)
        .unwrap_or_else(|error| panic!("{error}: {head:?}"));
    let other = [body, b"."].concat();
    assert!(claim.verify(head, &body_sha256(&other), &key).is_err(), "another body");
    let mut other = head.clone();
    other.method = http::Method::from_bytes(b"OTHER").expect("a method");
    assert!(claim.verify(&other, &body_sha256(body), &key).is_err() || head.method == other.method);
}

fn credentials(session_token: Option<String>) -> Credentials {
    Credentials {
        access_key_id: "AKIDEXAMPLE".to_owned(),
        secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned(),
        session_token,
    }
}

fn key(claim: &Claim) -> SigningKey {
    let scope = claim.scope();
    let secret = credentials(None).secret_access_key;
    SigningKey::derive(&secret, scope.date(), scope.region(), scope.service())
}
