//! What the steps of a verification cost: `cargo bench -p portcullis-sigv4`.
#![expect(clippy::expect_used, reason = "a bench that cannot start has nothing to measure")]

use divan::{Bencher, black_box};
use http::{Request, request::Parts};
use jiff::Timestamp;
use portcullis_sigv4::{Credentials, EMPTY_BODY_SHA256, SigningKey, body_sha256, claim, sign};

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

fn main() {
    divan::main();
}

fn now() -> Timestamp {
    Timestamp::from_second(1_440_938_160).expect("a moment in 2015")
}

fn key() -> SigningKey {
    SigningKey::derive(SECRET, "20150830", "us-east-1", "lambda")
}

/// `GetPolicy` as boto3 sends it.
fn get_policy() -> Parts {
    let path = "/2015-03-31/functions/my-function/policy?Qualifier=prod";
    let builder = Request::get(path)
        .header("host", "127.0.0.1:4566")
        .header("accept-encoding", "identity")
        .header("user-agent", "Boto3/1.40 md/Botocore#1.40 ua/2.1 os/linux md/arch#x86_64")
        .header("amz-sdk-invocation-id", "0d2b4b1e-4ad8-4e3c-8d7a-5f5ad5e7a1a0")
        .header("amz-sdk-request", "attempt=1");
    let mut head = builder.body(()).expect("a request").into_parts().0;
    let credentials = Credentials {
        access_key_id: "AKIDEXAMPLE".to_owned(),
        secret_access_key: SECRET.to_owned(),
        session_token: None,
    };
    sign(&mut head, b"", &credentials, "us-east-1", "lambda", now()).expect("signed");
    head
}

#[divan::bench]
fn small_get(bencher: Bencher<'_, '_>) {
    let (head, key, now) = (get_policy(), key(), now());
    bencher.bench_local(|| {
        let claim = claim(black_box(&head), now).expect("a claim");
        claim.check_scope(&["us-east-1"], "lambda").expect("in scope");
        claim.verify(&head, EMPTY_BODY_SHA256, &key).expect("verified");
    });
}

#[divan::bench]
fn claim_only(bencher: Bencher<'_, '_>) {
    let (head, now) = (get_policy(), now());
    bencher.bench_local(|| claim(black_box(&head), now));
}

#[divan::bench]
fn verify_only(bencher: Bencher<'_, '_>) {
    let (head, key) = (get_policy(), key());
    let claim = claim(&head, now()).expect("a claim");
    bencher.bench_local(|| claim.verify(black_box(&head), EMPTY_BODY_SHA256, &key));
}

#[divan::bench]
fn derive_key() -> SigningKey {
    SigningKey::derive(black_box(SECRET), "20150830", "us-east-1", "lambda")
}

#[divan::bench(args = [1_000, 20_000, 1_000_000])]
fn hash_body(bencher: Bencher<'_, '_>, bytes: usize) {
    let body = vec![7; bytes];
    bencher.bench_local(|| body_sha256(black_box(&body)));
}

#[divan::bench]
fn sign_small_get(bencher: Bencher<'_, '_>) {
    bencher.bench_local(get_policy);
}
