//! Past decisions, as the owner of the resource may see them.

use portcullis_iam::PolicyType;
use portcullis_identity::AccountId;
use serde_json::{Map, Value};

use super::{
    line,
    record::{Decided, RequestId},
};

/// A past decision about a resource of the account that asks.
#[derive(Debug)]
pub struct Found {
    /// The record, as a JSON object with the fields of the log's lines.
    pub record: Value,
    /// The decision with all that decided it, if it is still in memory.
    pub decided: Option<Decided>,
}

impl Found {
    pub(crate) fn in_memory(decided: Decided, owner: AccountId) -> Option<Self> {
        let mut line = Vec::new();
        line::write(&decided, &mut line);
        let record = for_owner(serde_json::from_slice(&line).ok()?, owner)?;
        Some(Self { record, decided: Some(decided) })
    }

    /// `line` contains the id; that it is the line's request's is yet to be seen.
    pub(crate) fn in_log(line: &str, id: &RequestId, owner: AccountId) -> Option<Self> {
        let record = serde_json::from_str(line)
            .ok()
            .filter(|record| text(record, "requestId") == Some(id.as_str()))?;
        Some(Self { record: for_owner(record, owner)?, decided: None })
    }
}

/// The record, if the resource is of `owner`; without what is only for the caller's own account when
/// the caller is of another: its keys, and what its policies say.
fn for_owner(mut record: Map<String, Value>, owner: AccountId) -> Option<Value> {
    if text(&record, "resourceAccount") != Some(owner.as_str()) {
        return None;
    }
    if text(&record, "account") != Some(owner.as_str()) {
        record.shift_remove("accessKeyId");
        if text(&record, "policyType") != Some(&PolicyType::Resource.to_string()) {
            record.shift_remove("statement");
        }
    }
    Some(Value::Object(record))
}

fn text<'a>(record: &'a Map<String, Value>, field: &str) -> Option<&'a str> {
    record.get(field).and_then(Value::as_str)
}
