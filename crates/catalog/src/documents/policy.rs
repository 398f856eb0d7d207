//! Managed policies and their versions as they are stored.

use std::borrow::Cow;

use portcullis_identity::{ManagedPolicy, PolicyOwner, PolicyVersion};
use serde::{Deserialize, Serialize};

use super::identity::{StoredTag, read, read_tags, read_time, store_tags};
use super::{Document, DocumentError, decode_json, encode_json};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredManagedPolicy<'a> {
    owner: Cow<'a, str>,
    path: Cow<'a, str>,
    name: Cow<'a, str>,
    id: Cow<'a, str>,
    created: Cow<'a, str>,
    updated: Cow<'a, str>,
    description: Option<Cow<'a, str>>,
    tags: Vec<StoredTag<'a>>,
    default_version: Cow<'a, str>,
    latest_version: Cow<'a, str>,
}

impl Document for ManagedPolicy {
    fn encode(&self) -> Vec<u8> {
        encode_json(&StoredManagedPolicy {
            owner: self.owner.to_string().into(),
            path: self.path.as_str().into(),
            name: self.name.as_str().into(),
            id: self.id.as_str().into(),
            created: self.created.to_string().into(),
            updated: self.updated.to_string().into(),
            description: self.description.as_deref().map(Into::into),
            tags: store_tags(&self.tags),
            default_version: self.default_version.to_string().into(),
            latest_version: self.latest_version.to_string().into(),
        })
    }

    fn decode(bytes: &[u8]) -> Result<Self, DocumentError> {
        let stored: StoredManagedPolicy<'_> = decode_json(bytes)?;
        Ok(Self {
            owner: PolicyOwner::Account(read("owner", &stored.owner)?),
            path: read("path", &stored.path)?,
            name: read("name", &stored.name)?,
            id: read("id", &stored.id)?,
            created: read_time(&stored.created)?,
            updated: read("updated", &stored.updated)?,
            description: stored.description.map(Into::into),
            tags: read_tags(&stored.tags)?,
            default_version: read("default_version", &stored.default_version)?,
            latest_version: read("latest_version", &stored.latest_version)?,
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredPolicyVersion<'a> {
    id: Cow<'a, str>,
    document: Cow<'a, str>,
    created: Cow<'a, str>,
}

impl Document for PolicyVersion {
    fn encode(&self) -> Vec<u8> {
        encode_json(&StoredPolicyVersion {
            id: self.id.to_string().into(),
            document: self.document.as_ref().into(),
            created: self.created.to_string().into(),
        })
    }

    fn decode(bytes: &[u8]) -> Result<Self, DocumentError> {
        let stored: StoredPolicyVersion<'_> = decode_json(bytes)?;
        Ok(Self {
            id: read("id", &stored.id)?,
            document: stored.document.into(),
            created: read_time(&stored.created)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fmt;

    use portcullis_identity::{Tag, Tags};

    use super::*;

    /// The golden bytes of a value: what it encodes to, and what decodes to it, for ever.
    #[track_caller]
    fn check_golden<T: Document + PartialEq + fmt::Debug>(value: &T, json: &str) {
        let golden = [b"\x01", json.as_bytes()].concat();
        assert_eq!(String::from_utf8(value.encode()).unwrap(), format!("\x01{json}"));
        assert_eq!(T::decode(&golden).unwrap(), *value);
    }

    #[track_caller]
    fn check_refused<T: Document + fmt::Debug>(json: &str, why: &str) {
        let error = T::decode(&[b"\x01", json.as_bytes()].concat()).unwrap_err().to_string();
        assert!(error.contains(why), "{json}: {error}");
    }

    const POLICY: &str = r#"{"owner":"123456789012","path":"/team/","name":"Readers","id":"ANPAJQABLZS4A3QDU576Q","created":"2026-01-02T03:04:05Z","updated":"2026-01-03T03:04:05Z","description":"What it is for","tags":[{"key":"Team","value":"red"}],"default_version":"v2","latest_version":"v3"}"#;
    const VERSION: &str = r#"{"id":"v2","document":"{\"a\": 1}","created":"2026-01-02T03:04:05Z"}"#;

    fn policy() -> ManagedPolicy {
        ManagedPolicy {
            owner: PolicyOwner::Account("123456789012".parse().unwrap()),
            path: "/team/".parse().unwrap(),
            name: "Readers".parse().unwrap(),
            id: "ANPAJQABLZS4A3QDU576Q".parse().unwrap(),
            created: "2026-01-02T03:04:05Z".parse().unwrap(),
            updated: "2026-01-03T03:04:05Z".parse().unwrap(),
            description: Some("What it is for".into()),
            tags: Tags::new(vec![Tag::new("Team", "red").unwrap()]).unwrap(),
            default_version: "v2".parse().unwrap(),
            latest_version: "v3".parse().unwrap(),
        }
    }

    #[test]
    fn stored_forms_stay_as_they_are() {
        check_golden(&policy(), POLICY);
        let bare = ManagedPolicy { description: None, ..policy() };
        check_golden(&bare, &POLICY.replace(r#""What it is for""#, "null"));
        let version = PolicyVersion {
            id: "v2".parse().unwrap(),
            document: "{\"a\": 1}".into(),
            created: policy().created,
        };
        check_golden(&version, VERSION);
    }

    #[test]
    #[rustfmt::skip]
    fn a_document_with_an_invalid_member_is_refused_by_its_name() {
        check_refused::<ManagedPolicy>(&POLICY.replace("123456789012", "aws"), "invalid owner");
        check_refused::<ManagedPolicy>(&POLICY.replace("ANPA", "AIDA"),        "invalid id");
        check_refused::<ManagedPolicy>(&POLICY.replace("v2", "2"),             "invalid default_version");
        check_refused::<ManagedPolicy>(&POLICY.replace("v3", "v0"),            "invalid latest_version");
        check_refused::<PolicyVersion>(&VERSION.replace("v2", ""),             "invalid id");
    }
}
