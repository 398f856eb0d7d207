//! Whether the conditions of a statement hold: iam.md §5.1 to §5.5.

use serde_json::Value;

use super::values::{compare, is_missing};
use super::{Keys, texts};

/// All operators and all keys.
pub(super) fn hold(block: &Value, keys: &Keys, variables: bool) -> bool {
    let Some(block) = block.as_object() else { return true };
    block.iter().all(|(operator, conditions)| {
        let mut conditions = conditions.as_object().unwrap().iter();
        conditions.all(|(key, values)| holds(operator, key, &texts(values), keys, variables))
    })
}

/// The pseudo-code of §5.3.
fn holds(operator: &str, key: &str, policy: &[String], keys: &Keys, variables: bool) -> bool {
    let lower = operator.to_lowercase();
    let (set, base) = lower.split_once(':').unwrap_or(("", &lower));
    let (base, if_exists) = match base.strip_suffix("ifexists") {
        None => (base, false),
        Some(base) => (base, true),
    };
    let negated = base.contains("not");
    let base = base.replace("not", "");
    let value = keys.get(&key.to_lowercase()).filter(|value| !is_missing(value));
    if base == "null" {
        let missing = if value.is_none() { "true" } else { "false" };
        return policy.iter().any(|text| text.to_ascii_lowercase() == missing);
    }
    let Some(value) = value else {
        return if_exists || set == "forallvalues" || (set.is_empty() && negated);
    };
    let one = |x: &String| {
        let results: Vec<Option<bool>> =
            policy.iter().map(|p| compare(&base, p, x, keys, variables)).collect();
        if negated {
            results.iter().all(|result| *result == Some(false))
        } else {
            results.contains(&Some(true))
        }
    };
    match (set, value) {
        ("forallvalues", value) => texts(value).iter().all(one),
        ("foranyvalue", value) => texts(value).iter().any(one),
        (_, Value::Array(_)) => false, // §5.4
        (_, value) => one(&texts(value)[0]),
    }
}
