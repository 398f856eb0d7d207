//! What stands before the statements of a policy: its version and its id.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::InvalidValue;

/// The version of the policy language that a document is written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PolicyVersion {
    /// `2012-10-17`: `${…}` are variables.
    #[default]
    V2012,
    /// `2008-10-17`.
    V2008,
    /// None is written; it counts as `2008-10-17`.
    Absent,
}

impl PolicyVersion {
    /// As the document has it.
    #[must_use]
    pub fn as_str(self) -> Option<&'static str> {
        match self {
            Self::V2012 => Some("2012-10-17"),
            Self::V2008 => Some("2008-10-17"),
            Self::Absent => None,
        }
    }

    /// Reads what a document has.
    ///
    /// # Errors
    /// [`InvalidValue`] for a text that is no version.
    pub fn parse(text: Option<&str>) -> Result<Self, InvalidValue> {
        let all = [Self::V2012, Self::V2008, Self::Absent];
        let refusal = || {
            InvalidValue::new("policy version", text.unwrap_or_default(), "2012-10-17, 2008-10-17")
        };
        all.into_iter().find(|one| one.as_str() == text).ok_or_else(refusal)
    }
}

/// Version and id of a policy. By default those that `AddPermission` writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyHead {
    /// The version.
    pub version: PolicyVersion,
    /// The `Id`, if it has one.
    pub id: Option<Box<str>>,
}

impl Default for PolicyHead {
    fn default() -> Self {
        Self { version: PolicyVersion::default(), id: Some(DEFAULT_ID.into()) }
    }
}

/// The id of a policy that `AddPermission` began (`[snap] aws-lambda.md §2.1`).
const DEFAULT_ID: &str = "default";

/// The start of a policy that `AddPermission` began.
const DEFAULT_HEAD: &str = r#"{"Version":"2012-10-17","Id":"default","Statement":["#;

impl PolicyHead {
    /// The start of the document, compact, up to its first statement.
    #[must_use]
    pub fn json(&self) -> Cow<'static, str> {
        if self.version == PolicyVersion::V2012 && self.id.as_deref() == Some(DEFAULT_ID) {
            return Cow::Borrowed(DEFAULT_HEAD);
        }
        let member =
            |name: &str, value: &str| format!("\"{name}\":{},", serde_json::Value::from(value));
        let version = self.version.as_str().map(|version| member("Version", version));
        let id = self.id.as_deref().map(|id| member("Id", id));
        let (version, id) = (version.unwrap_or_default(), id.unwrap_or_default());
        Cow::Owned(format!("{{{version}{id}\"Statement\":["))
    }
}

/// A document as it was written, its statements as texts.
pub(super) struct Written<'a> {
    pub(super) version: PolicyVersion,
    pub(super) id: Option<Box<str>>,
    pub(super) statements: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Elements<'a> {
    #[serde(borrow)]
    version: Option<Cow<'a, str>>,
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    statement: &'a RawValue,
}

impl<'a> Written<'a> {
    /// Takes apart what the policy engine has found to be a document.
    pub(super) fn read(json: &'a str) -> Result<Self, Box<dyn std::error::Error>> {
        let elements: Elements<'a> = serde_json::from_str(json)?;
        let statements = match elements.statement.get().starts_with('[') {
            true => serde_json::from_str(elements.statement.get())?,
            false => vec![elements.statement],
        };
        let version = PolicyVersion::parse(elements.version.as_deref())?;
        Ok(Self { version, id: elements.id.map(|id| id.as_ref().into()), statements })
    }
}
