//! The control operations on the wire.

use portcullis_identity::{AccessKey, KeyStatus};
use portcullis_model::{
    Timestamp,
    portcullis::types::{self, Status},
};

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
