//! From the model's names to Rust's.

use std::collections::{BTreeMap, BTreeSet};

use super::model::{Merged, Operation};

/// `KMSKeyArn` → `kms_key_arn`, `S3Bucket` → `s3_bucket`.
pub(crate) fn snake(name: &str) -> String {
    let characters: Vec<char> = name.chars().collect();
    let mut out = String::new();
    for (index, current) in characters.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|before| characters.get(before));
        let after = characters.get(index.saturating_add(1));
        if current.is_uppercase() && starts_word(before, after) {
            out.push('_');
        }
        out.extend(current.to_lowercase());
    }
    out
}

/// Whether an upper-case letter between these two starts a word.
fn starts_word(before: Option<&char>, after: Option<&char>) -> bool {
    before.is_some_and(|before| {
        !before.is_uppercase() || after.is_some_and(|after| after.is_lowercase())
    })
}

/// The field of a member; a keyword is escaped.
pub(crate) fn field(name: &str) -> String {
    let field = snake(name);
    match field.as_str() {
        "type" | "ref" | "match" | "move" | "use" | "where" => format!("r#{field}"),
        _ => field,
    }
}

/// `FunctionName` → `FUNCTION_NAME`.
pub(crate) fn constant(name: &str) -> String {
    snake(name).to_uppercase()
}

/// Whether serde's `PascalCase` rule makes `name` of its field.
pub(crate) fn is_pascal_of_field(name: &str) -> bool {
    let words = snake(name).split('_').map(capitalize).collect::<String>();
    words == name
}

/// `userNameType` → `UserNameType`.
pub(crate) fn capitalize(name: &str) -> String {
    let mut characters = name.chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string());
    first.unwrap_or_default() + characters.as_str()
}

/// The variant of an enum value: `AWS_IAM` → `AwsIam`, `x86_64` → `X86_64`.
pub(crate) fn variant(value: &str) -> String {
    let mut out = String::new();
    for word in value.split(|character: char| !character.is_ascii_alphanumeric()) {
        let has_lower = word.chars().any(|character| character.is_lowercase());
        let word = if has_lower { word.to_owned() } else { word.to_lowercase() };
        let digit = |at: Option<char>| at.is_some_and(|character| character.is_ascii_digit());
        if digit(out.chars().last()) && digit(word.chars().next()) {
            out.push('_');
        }
        out.push_str(&capitalize(&word));
    }
    out
}

/// The Rust type of every structure and closed enum: `AddPermissionInput`, `FunctionConfiguration`.
///
/// An input is named after its operation; so is an output that no other operation has and whose
/// model name says only that it is an answer.
pub(crate) fn types(merged: &Merged) -> BTreeMap<String, String> {
    let shared = shared_outputs(merged);
    let mut names: BTreeMap<String, String> =
        merged.model.shapes.keys().map(|name| (name.clone(), capitalize(name))).collect();
    for (name, operation) in merged.served() {
        if let Some(input) = &operation.input {
            names.insert(input.clone(), format!("{name}Input"));
        }
        if let Some(output) = own_output(operation).filter(|output| !shared.contains(*output)) {
            names.insert(output.to_owned(), format!("{name}Output"));
        }
    }
    names
}

fn own_output(operation: &Operation) -> Option<&str> {
    operation.output.as_deref().filter(|output| output.ends_with("Response"))
}

fn shared_outputs(merged: &Merged) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    let outputs = merged.served().filter_map(|(_, operation)| operation.output.clone());
    outputs.filter(|output| !seen.insert(output.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[rustfmt::skip]
    fn names_follow_rusts_conventions() {
        let rows = [
            ("FunctionName",   "function_name"),
            ("KMSKeyArn",      "kms_key_arn"),
            ("PrincipalOrgID", "principal_org_id"),
            ("S3Bucket",       "s3_bucket"),
            ("CodeSha256",     "code_sha256"),
            ("userNameType",   "user_name_type"),
        ];
        for (name, want) in rows {
            assert_eq!(snake(name), want);
        }
        assert!(is_pascal_of_field("FunctionName"));
        assert!(!is_pascal_of_field("KMSKeyArn"));
    }

    #[test]
    #[rustfmt::skip]
    fn variants_follow_rusts_conventions() {
        let rows = [
            ("AWS_IAM",                   "AwsIam"),
            ("NONE",                      "None"),
            ("x86_64",                    "X86_64"),
            ("PassThrough",               "PassThrough"),
            ("FunctionError.InitTimeout", "FunctionErrorInitTimeout"),
        ];
        for (value, want) in rows {
            assert_eq!(variant(value), want);
        }
    }
}
