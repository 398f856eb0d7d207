//! What a stack consists of, as its last deployment left it: kept on the server, in a layer whose
//! versions follow each other (docs/decisions/013).

use std::{io::Read as _, str::FromStr};

use base64::{Engine, prelude::BASE64_STANDARD};
use http::Method;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    Change, DeployError, Server, Step,
    archive::{digest, zip_of},
    kinds::{Kind, Made},
    server::{download, lambda, part},
};

/// The name of a stack: what its resources' names begin with.
///
/// Invariant: 1 to 100 letters, digits and hyphens, the first a letter.
/// Source: CloudFormation, CreateStack, which allows 128.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StackName(String);

impl FromStr for StackName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let letters = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let first = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic());
        if letters && first && text.len() <= 100 {
            return Ok(Self(text.to_owned()));
        }
        Err(format!("{text:?} is not 1 to 100 letters, digits and hyphens, the first a letter"))
    }
}

impl StackName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A name of a resource: at most 64 characters, the same for the same resource always.
    pub(crate) fn generated(&self, logical: &str) -> String {
        let both = format!("{self}-{logical}");
        let unique = digest(format!("{self}/{logical}").as_bytes());
        let readable: String = both.chars().take(51).collect();
        format!("{readable}-{}", unique.get(..12).unwrap_or_default())
    }

    fn layer(&self) -> String {
        format!("/2018-10-31/layers/{}/versions", part(&format!("portcullis-stack-{self}")))
    }
}

impl std::fmt::Display for StackName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// The resources of a stack, in the order in which they were made.
#[derive(Clone, Debug, Default)]
pub struct StackRecord {
    pub(crate) resources: IndexMap<String, Kept>,
    /// The version of the layer that this is.
    version: Option<u64>,
}

/// A resource that was made.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Kept {
    #[serde(rename = "Type")]
    kind: String,
    physical_id: String,
    properties: Value,
    attributes: std::collections::BTreeMap<String, Value>,
    pub(crate) retain: bool,
}

impl Kept {
    pub(crate) fn new(kind: Kind, made: Made, properties: Value, retain: bool) -> Self {
        let Made { physical, attributes } = made;
        let kind = kind.name().to_owned();
        Self { kind, physical_id: physical, properties, attributes, retain }
    }

    pub(crate) fn type_name(&self) -> &str {
        &self.kind
    }

    pub(crate) fn properties(&self) -> &Value {
        &self.properties
    }

    pub(crate) fn kind(&self) -> Result<Kind, DeployError> {
        let unknown = || DeployError::Template(format!("{} is not served", self.kind));
        Kind::named(&self.kind).ok_or_else(unknown)
    }

    pub(crate) fn made(&self) -> Made {
        Made { physical: self.physical_id.clone(), attributes: self.attributes.clone() }
    }

    /// The value of `Ref`, or of `Fn::GetAtt` with this name.
    pub(crate) fn attribute(&self, name: Option<&str>) -> Option<Value> {
        match name {
            None => Some(self.physical_id.clone().into()),
            Some(name) => self.attributes.get(name).cloned(),
        }
    }
}

/// What is between the name of a resource and what names its predecessor.
const REPLACED: &str = " (replaced ";

/// The file in the layer.
const FILE: &str = "stack.json";

impl StackRecord {
    /// Reads the record of a stack; an empty one when it was never deployed.
    ///
    /// # Errors
    /// [`DeployError`] when the server refuses, or the layer is not one of ours.
    pub async fn load(server: &impl Server, stack: &StackName) -> Result<Self, DeployError> {
        let path = format!("{}?MaxItems=1", stack.layer());
        let listed = lambda(server, Method::GET, path, None).await;
        let listed = match listed {
            Err(error) if error.is_absence() => return Ok(Self::default()),
            listed => listed?,
        };
        let Some(version) = listed.pointer("/LayerVersions/0/Version").and_then(Value::as_u64)
        else {
            return Ok(Self::default());
        };
        // Only another deployment removes what was just listed.
        let taken = |error: DeployError| match error.is_absence() {
            true => DeployError::Concurrent(stack.to_string()),
            false => error,
        };
        let path = format!("{}/{version}", stack.layer());
        let layer = lambda(server, Method::GET, path, None).await.map_err(taken)?;
        let strange = || DeployError::Answer("GetLayerVersion".to_owned());
        let location = layer.pointer("/Content/Location").and_then(Value::as_str);
        let location = location.ok_or_else(strange)?;
        let zip = download(server, location).await.map_err(taken)?;
        let mut archive = zip::ZipArchive::new(std::io::Cursor::new(zip))?;
        let mut text = String::new();
        archive.by_name(FILE)?.read_to_string(&mut text).map_err(zip::result::ZipError::from)?;
        let resources = serde_json::from_str(&text).map_err(|_| strange())?;
        Ok(Self { resources, version: Some(version) })
    }

    /// Keeps what has a successor, until it is deleted: under a name that no template can give.
    pub(crate) fn leave(&mut self, name: &str, mut kept: Kept) {
        kept.retain = false;
        self.resources.insert(format!("{name}{REPLACED}{})", kept.physical_id), kept);
    }

    /// The deletions of what has a successor, the last first.
    pub(crate) fn replaced(&self) -> Vec<Step> {
        let left = self.resources.iter().rev().filter(|(name, _)| name.contains(REPLACED));
        let step = |(name, kept): (&String, &Kept)| Step {
            name: name.clone(),
            kind: kept.kind.clone(),
            change: Change::Delete,
            remark: None,
        };
        left.map(step).collect()
    }

    /// Writes the record as a new version, and removes those before.
    ///
    /// # Errors
    /// [`DeployError::Concurrent`] when somebody else wrote meanwhile; also as [`Self::load`].
    pub(crate) async fn save(
        &mut self,
        server: &impl Server,
        stack: &StackName,
    ) -> Result<(), DeployError> {
        let text = json!(self.resources).to_string();
        let zip = zip_of([(FILE, text.into_bytes(), false)])?;
        let body = json!({
            "Description": format!("The resources of the stack {stack}: for `portcullis deploy`."),
            "Content": {"ZipFile": BASE64_STANDARD.encode(zip)},
        });
        let published = lambda(server, Method::POST, stack.layer(), Some(&body)).await?;
        let number = published.get("Version").and_then(Value::as_u64);
        let number = number.ok_or_else(|| DeployError::Answer("PublishLayerVersion".to_owned()))?;
        let remove =
            |number| lambda(server, Method::DELETE, format!("{}/{number}", stack.layer()), None);
        // A number is never given again: that one is not the next tells nothing.
        let mut others = Self::versions(server, stack).await?;
        others.retain(|other| *other != number);
        if others.iter().any(|other| *other > self.version.unwrap_or(0)) {
            remove(number).await?;
            return Err(DeployError::Concurrent(stack.to_string()));
        }
        for other in others {
            remove(other).await?;
        }
        self.version = Some(number);
        Ok(())
    }

    /// Removes the record of a stack that has no resources left, with what a deployment that was
    /// killed may have left of it.
    pub(crate) async fn remove(
        self,
        server: &impl Server,
        stack: &StackName,
    ) -> Result<(), DeployError> {
        if self.version.is_none() {
            return Ok(());
        }
        for version in Self::versions(server, stack).await? {
            let path = format!("{}/{version}", stack.layer());
            lambda(server, Method::DELETE, path, None).await?;
        }
        Ok(())
    }

    /// The versions of the record that are there, the newest first.
    async fn versions(server: &impl Server, stack: &StackName) -> Result<Vec<u64>, DeployError> {
        let listed = lambda(server, Method::GET, stack.layer(), None).await?;
        let versions = listed.get("LayerVersions").and_then(Value::as_array);
        let number = |one: &Value| one.get("Version").and_then(Value::as_u64);
        Ok(versions.into_iter().flatten().filter_map(number).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::StackName;

    #[test]
    fn a_stack_name_is_letters_digits_and_hyphens() {
        for (text, want) in [
            ("a", true),
            ("My-Stack-1", true),
            ("", false),
            ("1a", false),
            ("a_b", false),
            ("a.b", false),
        ] {
            assert_eq!(text.parse::<StackName>().is_ok(), want, "{text}");
        }
        assert!("a".repeat(101).parse::<StackName>().is_err());
    }

    #[test]
    fn a_generated_name_fits_and_is_of_one_resource() {
        let stack: StackName = "s".repeat(100).parse().unwrap();
        let (one, other) = (stack.generated("A"), stack.generated("B"));
        assert!(one != other && one.len() == 64, "{one} {other}");
        assert_eq!(one, stack.generated("A"));
    }
}
