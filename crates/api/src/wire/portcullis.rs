//! The control operations on the wire.

use std::collections::BTreeMap;

use bytes::Bytes;
use portcullis_catalog::{
    Proviso, Snapshot,
    decisions::{Found, RequestId},
};
use portcullis_iam::{
    Explanation, MapContext, PolicyType,
    analysis::{Entry, Style, who_can_text},
    explain::MissingGrant,
};
use portcullis_identity::{AccessKey, KeyStatus};
use portcullis_lambda::{AddPermissionCommand, NARROWING, Target};
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

/// What the commands that mend a denial are made with.
#[derive(Clone, Copy)]
pub(crate) struct Mending<'a> {
    /// Where they are to go.
    pub(crate) origin: &'a str,
    /// What is there to be granted.
    pub(crate) snapshot: &'a Snapshot,
}

impl Mending<'_> {
    /// Whether there is what the grant is made on. Of what is no function it is taken to be.
    fn can_make(self, grant: &MissingGrant) -> bool {
        let target: Option<Target> = match grant.policy_type {
            PolicyType::Resource => grant.resource.parse().ok(),
            _ => None,
        };
        target.is_none_or(|target| {
            let function = self.snapshot.function(&target.function);
            function.is_some_and(|function| function.has(target.qualifier.as_ref()))
        })
    }

    fn command(self, grant: &MissingGrant) -> Option<String> {
        let command = AddPermissionCommand::for_statement(&grant.statement).ok()?;
        Some(command.with_endpoint_url(self.origin).to_string())
    }
}

/// The decisions of a request.
pub(crate) fn decisions(id: &RequestId, found: &[Found], mending: Mending<'_>) -> Bytes {
    let decisions: Vec<_> = found.iter().map(|found| decision(found, mending)).collect();
    json!({"RequestId": id.as_str(), "Decisions": decisions}).to_string().into()
}

fn decision(found: &Found, mending: Mending<'_>) -> Value {
    let mut decision = Map::from_iter([("Record".to_owned(), found.record.clone())]);
    if let Some(decided) = &found.decided
        && let Some(Ok((json, text))) = decided.explain(&NARROWING, |one| told(one, mending))
    {
        decision.insert("Explanation".to_owned(), json);
        decision.insert("Text".to_owned(), text.into());
    }
    Value::Object(decision)
}

/// An explanation for programs and for persons.
fn told(explanation: Explanation<'_>, mending: Mending<'_>) -> (Value, String) {
    let explanation = explanation.without_ways(|grant| mending.can_make(grant));
    let explanation = explanation.with_commands(|grant| mending.command(grant));
    let json = serde_json::to_value(&explanation).unwrap_or_default(); // It is all texts and numbers.
    (json, explanation.text(Style::Plain))
}

/// A supposed call, explained; `proviso` is what that goes by beside the documents.
pub(crate) fn supposed(
    explanation: Explanation<'_>,
    proviso: Option<Proviso>,
    mending: Mending<'_>,
) -> Bytes {
    let (json, text) = told(explanation, mending);
    let mut answer = Map::from_iter([("Explanation".to_owned(), json)]);
    answer.insert("Text".to_owned(), text.into());
    if let Some(proviso) = proviso {
        let member = if proviso.bars() { "Reason" } else { "Assumed" };
        answer.insert(member.to_owned(), proviso.to_string().into());
    }
    Value::Object(answer).to_string().into()
}

/// The condition keys that are supposed; one without values is absent.
pub(crate) fn supposed_keys(given: BTreeMap<String, Vec<String>>) -> MapContext {
    let mut keys = MapContext::new();
    for (key, mut values) in given {
        if let (1, Some(only)) = (values.len(), values.first_mut()) {
            keys.insert(&key, std::mem::take(only));
        } else if !values.is_empty() {
            keys.insert_list(&key, values);
        }
    }
    keys
}

/// Who may do something.
pub(crate) fn entries(entries: &[Entry]) -> Bytes {
    let text = who_can_text(entries, Style::Plain);
    json!({"Entries": entries, "Text": text}).to_string().into()
}
