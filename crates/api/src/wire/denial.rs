//! A past denial in the form of AWS's decoded authorization messages: lists are `{"items":[…]}`.

use portcullis_catalog::decisions::{Decided, Found};
use portcullis_iam::Value as Given;
use serde_json::{Value, json};

/// The denial; `None` for what was allowed, of which there is no message.
pub(crate) fn decoded(found: &Found) -> Option<String> {
    let field = |name: &str| found.record.get(name).and_then(Value::as_str);
    let result = field("result").filter(|result| *result != "Allowed")?;
    // What another account's policies ask for stays its own affair.
    let decided = found.decided.as_ref().filter(|decided| decided.question.is_within_account());
    let arn = field("principal").unwrap_or_default();
    let caller = decided.and_then(|decided| decided.question.caller().user_id());
    let message = json!({
        "allowed": false,
        "explicitDeny": result == "ExplicitlyDenied",
        "matchedStatements": list(statement(&found.record).into_iter()),
        "failures": list(std::iter::empty()),
        "context": {
            "principal": {
                "id": caller,
                "name": arn.rsplit('/').next(),
                "arn": arn,
            },
            "action": field("action"),
            "resource": field("resource"),
            "conditions": list(decided.into_iter().flat_map(conditions)),
        },
    });
    Some(message.to_string())
}

/// The statement that denied; of an implicit denial there is none.
fn statement(record: &Value) -> Option<Value> {
    let place = record.get("statement")?;
    Some(json!({
        "statementId": place.get("sid").and_then(Value::as_str).unwrap_or_default(),
        "effect": "DENY",
        "policy": place.get("name").or_else(|| place.get("of")),
    }))
}

/// What resource and request gave of the condition keys that the policies name. A decision that has
/// left the memory has none.
fn conditions(decided: &Decided) -> impl Iterator<Item = Value> {
    decided.question.conditions().map(|(key, given)| {
        let values: Vec<&str> = match &given {
            Given::Single(text) => vec![text],
            Given::Multiple(all) => all.iter().map(|text| &**text).collect(),
        };
        let values = values.into_iter().map(|value| json!({"value": value}));
        json!({"key": key, "values": list(values)})
    })
}

fn list(items: impl Iterator<Item = Value>) -> Value {
    json!({"items": items.collect::<Vec<_>>()})
}
