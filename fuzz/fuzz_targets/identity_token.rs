//! Session tokens: whatever is not a token that was made here is refused, also one that was, in any
//! other spelling or with any damage.
//!
//! The input is a token; and, as bytes, the damage to a genuine one (one byte of it by one).
#![no_main]

use std::sync::LazyLock;

use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use portcullis_iam::NoEntities;
use portcullis_identity::{
    AccessKeyId, AccountId, AssumeRole, Caller, InlinePolicies, Issuer, MaxSessionDuration,
    Partition, Role, RoleId, RootIdentity, SessionCredentials, SessionError, SessionKeys,
    SessionMarks, SessionPolicies, SessionSeed, SmallSet, Tags, TrustPolicy,
};

const TRUST: &str = r#"{"Statement":[{"Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"sts:AssumeRole"}]}"#;

static KEYS: LazyLock<SessionKeys> = LazyLock::new(|| SessionKeys::from_material([7; 32]));
static GENUINE: LazyLock<SessionCredentials> = LazyLock::new(genuine);

fuzz_target!(|data: &[u8]| {
    check(str::from_utf8(data).unwrap_or_default());
    let mut damaged = GENUINE.session_token.clone().into_bytes();
    for (byte, damage) in damaged.iter_mut().zip(data) {
        *byte ^= damage;
    }
    check(str::from_utf8(&damaged).unwrap_or_default());
    damaged.truncate(data.len());
    check(str::from_utf8(&damaged).unwrap_or_default());
});

fn check(token: &str) {
    let opened = KEYS.open(token, &GENUINE.access_key_id, now());
    if token == GENUINE.session_token {
        let secret = KEYS.secret(&opened.expect("it is genuine"), &GENUINE.access_key_id);
        assert_eq!(secret, GENUINE.secret_access_key);
    } else {
        assert_eq!(opened, Err(SessionError::Invalid), "{token}");
    }
    let other = AccessKeyId::temporary(account(), [2; 16]);
    assert_eq!(KEYS.open(token, &other, now()), Err(SessionError::Invalid), "{token}");
}

fn now() -> Timestamp {
    Timestamp::from_second(1_767_323_045).expect("a moment of 2026")
}

fn account() -> AccountId {
    "123456789012".parse().expect("an account")
}

fn genuine() -> SessionCredentials {
    let account = account();
    let role = Role {
        account,
        path: "/".parse().expect("a path"),
        name: "deploy".parse().expect("a name"),
        id: RoleId::from_random([2; 17]),
        created: now(),
        description: None,
        max_session_duration: MaxSessionDuration::default(),
        trust_policy: TrustPolicy::new(TRUST, &NoEntities).expect("a trust policy"),
        tags: Tags::default(),
        policies: InlinePolicies::default(),
        attached: SmallSet::default(),
        boundary: None,
    };
    let caller = Caller::root(RootIdentity::new(account, Partition::Aws).into());
    let request = AssumeRole {
        caller: &caller,
        role: &role,
        session_name: &"night-run".parse().expect("a name"),
        duration_seconds: None,
        policies: &SessionPolicies::default(),
        marks: &SessionMarks::default(),
    };
    let access_key_id = AccessKeyId::temporary(account, [1; 16]);
    let seed = SessionSeed { access_key_id, session_id: [3; 16], nonce: [9; 24] };
    Issuer { keys: &KEYS, partition: Partition::Aws, now: now() }
        .assume_role(request, seed)
        .expect("the role can be assumed")
        .credentials
}
