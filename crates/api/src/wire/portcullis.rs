//! The control operations on the wire.

use bytes::Bytes;
use portcullis_catalog::decisions::{Found, RequestId};
use portcullis_iam::{Explanation, analysis::Style, explain::MissingGrant};
use portcullis_identity::{AccessKey, KeyStatus};
use portcullis_lambda::{AddPermissionCommand, NARROWING};
use portcullis_model::{
    Timestamp,
    portcullis::types::{self, Status},
};
use serde_json::{Map, Value, json};

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

/// The decisions of a request; `origin` is where the commands that mend them are to go.
pub(crate) fn decisions(id: &RequestId, found: &[Found], origin: &str) -> Bytes {
    let decisions: Vec<_> = found.iter().map(|found| decision(found, origin)).collect();
    json!({"RequestId": id.as_str(), "Decisions": decisions}).to_string().into()
}

fn decision(found: &Found, origin: &str) -> Value {
    let mut decision = Map::from_iter([("Record".to_owned(), found.record.clone())]);
    if let Some(decided) = &found.decided
        && let Some(Ok((json, text))) = decided.explain(&NARROWING, |one| told(one, origin))
    {
        decision.insert("Explanation".to_owned(), json);
        decision.insert("Text".to_owned(), text.into());
    }
    Value::Object(decision)
}

/// An explanation for programs and for persons.
fn told(explanation: Explanation<'_>, origin: &str) -> (Value, String) {
    let explanation = explanation.with_commands(|grant| command(grant, origin));
    let json = serde_json::to_value(&explanation).unwrap_or_default(); // It is all texts and numbers.
    (json, explanation.text(Style::Plain))
}

fn command(grant: &MissingGrant, origin: &str) -> Option<String> {
    let command = AddPermissionCommand::for_statement(&grant.statement).ok()?;
    Some(command.with_endpoint_url(origin).to_string())
}
