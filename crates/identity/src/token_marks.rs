//! What the token of an OpenID Connect issuer asks that the session of its bearer be marked with:
//! session tags and a source identity.
//!
//! Source: IAM user guide, "Pass session tags in AWS STS" (both forms of the claim for tags),
//! "Monitor and control actions taken with assumed roles". Not verified: how AWS refuses a claim of
//! another form.

use serde_json::{Map, Value};

use crate::error::IdentityError;
use crate::marks::{SessionMarks, SessionTags};
use crate::tags::{Tag, Tags};

const TAGS: &str = "https://aws.amazon.com/tags";
const SOURCE_IDENTITY: &str = "https://aws.amazon.com/source_identity";

/// The marks that these claims ask for.
///
/// # Errors
/// [`IdentityError::RejectedClaim`] for claims about marks that cannot be followed to the letter:
/// nobody becomes a session that is marked otherwise than its issuer said.
pub(crate) fn marks_of(claims: &Map<String, Value>) -> Result<SessionMarks, IdentityError> {
    let tags = tags_of(claims).ok_or(IdentityError::RejectedClaim(TAGS))?;
    let text = |claim: &Value| claim.as_str()?.parse().ok();
    let source_identity = match claims.get(SOURCE_IDENTITY) {
        Some(claim) => Some(text(claim).ok_or(IdentityError::RejectedClaim(SOURCE_IDENTITY))?),
        None => None,
    };
    Ok(SessionMarks { tags, source_identity })
}

/// `None` for claims that make no tags.
fn tags_of(claims: &Map<String, Value>) -> Option<SessionTags> {
    let (mut tags, mut transitive) = (Vec::new(), Vec::new());
    for (name, claim) in claims {
        match name.strip_prefix(TAGS) {
            Some("") => {
                let claim = claim.as_object()?;
                for (name, value) in claim {
                    match name.as_str() {
                        "principal_tags" => {
                            let all = value.as_object()?.iter();
                            tags.extend(all.map(|(key, value)| (key.as_str(), value)));
                        }
                        "transitive_tag_keys" => transitive.extend(value.as_array()?),
                        _ => return None,
                    }
                }
                claim.get("principal_tags")?;
            }
            Some("/transitive_tag_keys") => transitive.extend(claim.as_array()?),
            Some(rest) if rest.starts_with('/') => {
                tags.push((rest.strip_prefix("/principal_tags/")?, claim));
            }
            _ => {}
        }
    }
    let tags = tags.into_iter().map(|(key, value)| Tag::new(key, single(value)?).ok());
    let tags = Tags::new(tags.collect::<Option<_>>()?).ok()?;
    let transitive = transitive.into_iter().map(|key| Some(key.as_str()?.into()));
    SessionTags::new(tags, transitive.collect::<Option<Vec<_>>>()?).ok()
}

/// A tag's value: a text, alone or as the only one of a list.
fn single(value: &Value) -> Option<&str> {
    match value.as_array().map(Vec::as_slice) {
        Some([only]) => only.as_str(),
        Some(_) => None,
        None => value.as_str(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tags, transitive keys and source identity, as one text; or the claim that is refused.
    #[track_caller]
    fn check(claims: &str, want: Result<&str, &str>) {
        let claims: Map<String, Value> = serde_json::from_str(claims).unwrap();
        let got = marks_of(&claims).map(|marks| {
            let tags = marks.tags.tags().iter().map(|tag| format!("{}={}", tag.key(), tag.value()));
            let kept = marks.tags.transitive().map(|key| format!("+{key}"));
            let source = marks.source_identity.iter().map(|text| format!("for {text}"));
            tags.chain(kept).chain(source).collect::<Vec<_>>().join(" ")
        });
        let got = got.map_err(|error| match error {
            IdentityError::RejectedClaim(claim) => claim,
            other => panic!("{other}"),
        });
        assert_eq!(got, want.map(str::to_owned), "{claims:?}");
    }

    #[test]
    #[rustfmt::skip]
    fn tags_come_in_either_form() {
        check(r#"{"other": 1, "https://aws.amazon.com/tagsome": 1}"#, Ok(""));
        check(r#"{"https://aws.amazon.com/tags": {"principal_tags": {"Cost": "1", "Team": ["red"]},
                                                  "transitive_tag_keys": ["Team"]}}"#, Ok("Cost=1 Team=red +Team"));
        check(r#"{"https://aws.amazon.com/tags/principal_tags/Team": "red",
                  "https://aws.amazon.com/tags/principal_tags/a/b": ["x"],
                  "https://aws.amazon.com/tags/transitive_tag_keys": ["Team", "a/b"],
                  "https://aws.amazon.com/source_identity": "alice"}"#, Ok("Team=red a/b=x +Team +a/b for alice"));
    }

    #[test]
    #[rustfmt::skip]
    fn what_cannot_be_followed_is_refused() {
        for claims in [
            r#"{"https://aws.amazon.com/tags": {}}"#,
            r#"{"https://aws.amazon.com/tags": null}"#,
            r#"{"https://aws.amazon.com/tags": {"principal_tags": {}, "more": 1}}"#,
            r#"{"https://aws.amazon.com/tags": {"principal_tags": {"Team": ["red", "blue"]}}}"#,
            r#"{"https://aws.amazon.com/tags": {"principal_tags": {"Team": []}}}"#,
            r#"{"https://aws.amazon.com/tags": {"principal_tags": {"Team": 1}}}"#,
            r#"{"https://aws.amazon.com/tags": {"principal_tags": {"aws:Team": "red"}}}"#,
            r#"{"https://aws.amazon.com/tags": {"principal_tags": {"Team": "red", "team": "blue"}}}"#,
            r#"{"https://aws.amazon.com/tags": {"principal_tags": {"Team": "red"}, "transitive_tag_keys": ["Cost"]}}"#,
            r#"{"https://aws.amazon.com/tags": {"principal_tags": {"Team": "red"}, "transitive_tag_keys": "Team"}}"#,
            r#"{"https://aws.amazon.com/tags/principal_tags": {"Team": "red"}}"#,
            r#"{"https://aws.amazon.com/tags/other": "red"}"#,
        ] {
            check(claims, Err(TAGS));
        }
        for text in ["1", "\"a\"", "\"a b\"", "null", "[\"alice\"]"] {
            check(&format!(r#"{{"{SOURCE_IDENTITY}": {text}}}"#), Err(SOURCE_IDENTITY));
        }
    }
}
