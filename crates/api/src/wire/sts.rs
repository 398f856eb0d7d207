//! Sessions on the wire: what several operations of STS take and give.

use portcullis_catalog::effects::SessionSettings;
use portcullis_identity::{Bearer, SESSION_POLICY_CHARACTERS_MAX, SessionCredentials};
use portcullis_model::{Timestamp, sts::types::Credentials};

use crate::context::RequestCx;

/// What was asked for; the model's constraints hold, so that no duration is negative.
pub(crate) fn settings(seconds: Option<i32>, policy: Option<&str>) -> SessionSettings<'_> {
    SessionSettings { duration_seconds: duration(seconds), policy }
}

/// A duration that the model's constraints hold for.
pub(crate) fn duration(seconds: Option<i32>) -> Option<u32> {
    seconds.and_then(|seconds| u32::try_from(seconds).ok())
}

/// The caller with the key that it signed with.
pub(crate) fn bearer<'a>(cx: &'a RequestCx<'_>) -> Bearer<'a> {
    Bearer { caller: cx.caller(), key: cx.authenticated.access_key_id.as_ref() }
}

/// Whether a list has members.
pub(crate) fn is_given<T>(list: Option<&Vec<T>>) -> bool {
    list.is_some_and(|list| !list.is_empty())
}

/// The credentials as the client gets them: once, and nowhere else.
pub(crate) fn credentials(credentials: SessionCredentials) -> Credentials {
    Credentials {
        access_key_id: credentials.access_key_id.to_string(),
        secret_access_key: credentials.secret_access_key.expose().to_owned(),
        session_token: credentials.session_token,
        expiration: Timestamp(credentials.expiration),
    }
}

/// How much of its limit a session policy takes. Ours is not packed: its characters count.
pub(crate) fn percent_of_limit(policy: &str) -> Option<i32> {
    let percent = (policy.chars().count() * 100).div_ceil(SESSION_POLICY_CHARACTERS_MAX);
    i32::try_from(percent).ok()
}
