//! The control operations on the wire.

use bytes::Bytes;
use portcullis_catalog::decisions::{Found, RequestId};
use portcullis_identity::{AccessKey, KeyStatus};
use portcullis_model::{
    Timestamp,
    portcullis::types::{self, Status},
};
use serde_json::{Value, json};

/// A new access key, with its secret.
pub(crate) fn access_key(key: &AccessKey) -> types::AccessKey {
    types::AccessKey {
        access_key_id: key.id.to_string(),
        secret_access_key: key.secret.expose().to_owned(),
        status: match key.status {
            KeyStatus::Active => Status::Active,
            KeyStatus::Inactive => Status::Inactive,
        },
        create_date: Timestamp(key.created),
    }
}

/// The decisions of a request.
pub(crate) fn decisions(id: &RequestId, found: &[Found]) -> Bytes {
    let decisions: Vec<_> = found.iter().map(decision).collect();
    json!({"RequestId": id.as_str(), "Decisions": decisions}).to_string().into()
}

fn decision(found: &Found) -> Value {
    json!({"Record": found.record})
}
