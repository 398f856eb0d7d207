//! The grammar of filter patterns: which events a mapping hands over.
//!
//! Source: the guide, "Filter rule syntax". A pattern is an object whose leaves are lists of what a
//! value may be. It is checked whole, and applied to nothing: no events arrive here.

use serde_json::{Map, Value};

/// How deep a pattern is followed.
const DEPTH_MAX: usize = 64;

/// Comparisons of `numeric`.
const COMPARISONS: [&str; 5] = ["=", "<", "<=", ">", ">="];

/// Whether a text is a filter pattern.
pub(super) fn is_pattern(text: &str) -> bool {
    match serde_json::from_str(text) {
        Ok(Value::Object(members)) => is_object_pattern(&members, DEPTH_MAX),
        _ => false,
    }
}

fn is_object_pattern(members: &Map<String, Value>, depth: usize) -> bool {
    !members.is_empty()
        && depth > 0
        && members.iter().all(|(name, value)| match value {
            Value::Object(inner) => is_object_pattern(inner, depth - 1),
            Value::Array(choices) if name == "$or" => is_alternatives(choices, depth - 1),
            Value::Array(choices) => !choices.is_empty() && choices.iter().all(is_choice),
            _ => false,
        })
}

/// `$or`: two patterns or more.
fn is_alternatives(choices: &[Value], depth: usize) -> bool {
    let is_one = |choice: &Value| {
        choice.as_object().is_some_and(|members| is_object_pattern(members, depth))
    };
    choices.len() > 1 && choices.iter().all(is_one)
}

/// A value to be equal to, or an object of one rule.
fn is_choice(choice: &Value) -> bool {
    match choice {
        Value::Array(_) => false,
        Value::Object(rule) => {
            let mut members = rule.iter();
            let (Some((name, operand)), None) = (members.next(), members.next()) else {
                return false;
            };
            is_rule(name, operand)
        }
        _ => true,
    }
}

fn is_rule(name: &str, operand: &Value) -> bool {
    match name {
        "exists" => operand.is_boolean(),
        "prefix" | "suffix" => operand.is_string() || is_caseless(operand),
        "equals-ignore-case" => operand.is_string(),
        "numeric" => operand.as_array().is_some_and(|parts| is_numeric(parts)),
        "anything-but" => is_excluded(operand),
        _ => false,
    }
}

/// `{"equals-ignore-case": "text"}` as the operand of another rule.
fn is_caseless(operand: &Value) -> bool {
    let Some(rule) = operand.as_object() else { return false };
    rule.len() == 1 && rule.get("equals-ignore-case").is_some_and(Value::is_string)
}

/// One comparison, or a range of two.
fn is_numeric(parts: &[Value]) -> bool {
    matches!(parts.len(), 2 | 4)
        && parts.iter().enumerate().all(|(at, part)| match at % 2 {
            0 => part.as_str().is_some_and(|text| COMPARISONS.contains(&text)),
            _ => part.is_number(),
        })
}

/// A value, several of one kind, or the beginning or end of a text.
fn is_excluded(operand: &Value) -> bool {
    match operand {
        Value::String(_) | Value::Number(_) => true,
        Value::Array(values) => {
            !values.is_empty()
                && (values.iter().all(Value::is_string) || values.iter().all(Value::is_number))
        }
        Value::Object(rule) => {
            let mut members = rule.iter();
            let texts = |text: &Value| {
                text.is_string()
                    || text.as_array().is_some_and(|texts| texts.iter().all(Value::is_string))
            };
            match (members.next(), members.next()) {
                (Some((name, text)), None) => {
                    ["prefix", "suffix", "equals-ignore-case"].contains(&name.as_str())
                        && texts(text)
                }
                _ => false,
            }
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::is_pattern;

    #[test]
    fn what_is_a_pattern() {
        for pattern in [
            r#"{"a":["b"]}"#,
            r#"{"a":{"b":[1,null,true,""]}}"#,
            r#"{"a":[{"prefix":"x"},{"suffix":"y"},{"exists":false}]}"#,
            r#"{"a":[{"numeric":[">",0,"<=",10]}]}"#,
            r#"{"a":[{"numeric":["=",3]}],"b":[{"anything-but":["x","y"]}]}"#,
            r#"{"a":[{"anything-but":{"prefix":"x"}},{"equals-ignore-case":"z"}]}"#,
            r#"{"$or":[{"a":["b"]},{"c":[1]}]}"#,
        ] {
            assert!(is_pattern(pattern), "{pattern}");
        }
    }

    #[test]
    fn what_is_none() {
        for pattern in [
            "",
            "x",
            "[]",
            "{}",
            r#"{"a":"b"}"#,
            r#"{"a":[]}"#,
            r#"{"a":{}}"#,
            r#"{"a":{"prefix":"us-"}}"#,
            r#"{"a":[["b"]]}"#,
            r#"{"a":[{}]}"#,
            r#"{"a":[{"wish":"x"}]}"#,
            r#"{"a":[{"exists":"yes"}]}"#,
            r#"{"a":[{"numeric":[">"]}]}"#,
            r#"{"a":[{"numeric":["~",1]}]}"#,
            r#"{"a":[{"prefix":"x","suffix":"y"}]}"#,
            r#"{"a":[{"anything-but":[]}]}"#,
            r#"{"$or":[{"a":["b"]}]}"#,
            r#"{"a":["b"]} "#.trim_end_matches("} "),
        ] {
            assert!(!is_pattern(pattern), "{pattern}");
        }
        let deep = format!("{}[1]{}", r#"{"a":"#.repeat(100), "}".repeat(100));
        assert!(!is_pattern(&deep));
    }
}
