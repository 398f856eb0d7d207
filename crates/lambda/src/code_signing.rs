//! Code-signing configurations: who may have signed the code of a function, and what becomes of code
//! that nobody of them has.
//!
//! No code that arrives here is signed: signing profiles and jobs belong to AWS Signer, which this
//! server does not have. So `Enforce` refuses all new code, and `Warn` lets it pass with a warning.

use std::str::FromStr;

use jiff::Timestamp;

use crate::settings::Description;
use crate::{CodeSigningConfigArn, Conflict, InvalidValue, LambdaError, Tags};

/// Most publishers of a configuration (`[model]` `SigningProfileVersionArns`).
const PUBLISHERS_MAX: usize = 20;

/// What becomes of code that is not signed by an allowed publisher.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UntrustedArtifact {
    /// It is deployed, with a warning (`[doc]`: the default).
    #[default]
    Warn,
    /// It is refused.
    Enforce,
}

impl UntrustedArtifact {
    /// The value on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Warn => "Warn",
            Self::Enforce => "Enforce",
        }
    }
}

impl FromStr for UntrustedArtifact {
    type Err = InvalidValue;
    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let all = [Self::Warn, Self::Enforce];
        let refusal = || InvalidValue::new("code-signing policy", text, "Warn or Enforce");
        all.into_iter().find(|one| one.as_str() == text).ok_or_else(refusal)
    }
}

/// What `CreateCodeSigningConfig` and `UpdateCodeSigningConfig` take; what is not given stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CodeSigningInput {
    /// `Description`.
    pub description: Option<String>,
    /// `AllowedPublishers.SigningProfileVersionArns`.
    pub publishers: Option<Vec<String>>,
    /// `CodeSigningPolicies.UntrustedArtifactOnDeployment`.
    pub untrusted: Option<UntrustedArtifact>,
}

/// A code-signing configuration.
///
/// Invariant: 1 to 20 publishers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeSigningConfig {
    arn: CodeSigningConfigArn,
    description: Option<Description>,
    publishers: Vec<String>,
    untrusted: UntrustedArtifact,
    modified: Timestamp,
    tags: Tags,
}

impl CodeSigningConfig {
    /// A new configuration; also one from its parts, as they were stored.
    ///
    /// # Errors
    /// [`InvalidValue`] for what validation should have refused: a long description, none or too
    /// many publishers.
    pub fn create(
        arn: CodeSigningConfigArn,
        input: CodeSigningInput,
        tags: Tags,
        now: Timestamp,
    ) -> Result<Self, LambdaError> {
        let (description, publishers, modified) = (None, Vec::new(), now);
        let untrusted = UntrustedArtifact::default();
        Self { arn, description, publishers, untrusted, modified, tags }.updated(input, now)
    }

    /// The configuration with what `input` gives.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub fn updated(&self, input: CodeSigningInput, now: Timestamp) -> Result<Self, LambdaError> {
        let description = input.description.map(|text| text.parse()).transpose()?;
        let publishers = input.publishers.unwrap_or_else(|| self.publishers.clone());
        if !(1..=PUBLISHERS_MAX).contains(&publishers.len()) {
            let given = publishers.len().to_string();
            return Err(InvalidValue::new("number of publishers", &given, "1 to 20").into());
        }
        Ok(Self {
            arn: self.arn.clone(),
            description: description.or_else(|| self.description.clone()),
            publishers,
            untrusted: input.untrusted.unwrap_or(self.untrusted),
            modified: now,
            tags: self.tags.clone(),
        })
    }

    /// With other tags.
    #[must_use]
    pub fn tagged(&self, tags: Tags) -> Self {
        Self { tags, ..self.clone() }
    }

    /// Whether unsigned code may be deployed to `function`, be it with a warning.
    ///
    /// # Errors
    /// [`LambdaError::CodeVerificationFailed`].
    pub fn check_unsigned(&self, function: &str) -> Result<(), LambdaError> {
        match self.untrusted {
            UntrustedArtifact::Warn => Ok(()),
            UntrustedArtifact::Enforce => Err(LambdaError::CodeVerificationFailed(function.into())),
        }
    }

    /// Whether it may be deleted, where `functions` use it.
    ///
    /// # Errors
    /// [`Conflict::CodeSigningConfigInUse`].
    pub fn check_deletion(&self, is_used: bool) -> Result<(), LambdaError> {
        match is_used {
            false => Ok(()),
            true => Err(Conflict::CodeSigningConfigInUse(self.arn.clone()).into()),
        }
    }

    /// Its ARN.
    #[must_use]
    pub fn arn(&self) -> &CodeSigningConfigArn {
        &self.arn
    }

    /// Its description, where one was given.
    #[must_use]
    pub fn description(&self) -> Option<&str> {
        self.description.as_ref().map(Description::as_str)
    }

    /// The ARNs of the signing profile versions that are trusted.
    #[must_use]
    pub fn publishers(&self) -> &[String] {
        &self.publishers
    }

    /// What becomes of other code.
    #[must_use]
    pub fn untrusted(&self) -> UntrustedArtifact {
        self.untrusted
    }

    /// When it was made or last changed.
    #[must_use]
    pub fn modified(&self) -> Timestamp {
        self.modified
    }

    /// Its tags.
    #[must_use]
    pub fn tags(&self) -> &Tags {
        &self.tags
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn config(input: CodeSigningInput) -> Result<CodeSigningConfig, LambdaError> {
        let arn = "arn:aws:lambda:us-east-1:123456789012:code-signing-config:csc-0123456789abcdefg";
        CodeSigningConfig::create(arn.parse().unwrap(), input, Tags::default(), at(0))
    }

    fn publishers(count: usize) -> CodeSigningInput {
        let publishers = (0..count).map(|n| format!("arn:aws:signer:::{n}")).collect();
        CodeSigningInput { publishers: Some(publishers), ..CodeSigningInput::default() }
    }

    #[test]
    fn a_configuration_has_one_to_twenty_publishers() {
        for (count, legal) in [(0, false), (1, true), (20, true), (21, false)] {
            assert_eq!(config(publishers(count)).is_ok(), legal, "{count}");
        }
        assert!(config(CodeSigningInput::default()).is_err());
    }

    #[test]
    fn an_update_changes_what_it_names() {
        let untrusted = Some(UntrustedArtifact::Enforce);
        let first = config(CodeSigningInput { untrusted, ..publishers(2) }).unwrap();
        let described = CodeSigningInput { description: Some("d".into()), ..Default::default() };
        let second = first.updated(described, at(9)).unwrap();
        assert_eq!((second.description(), second.untrusted()), (Some("d"), first.untrusted()));
        assert_eq!((second.publishers(), second.modified()), (first.publishers(), at(9)));
    }

    #[test]
    fn unsigned_code_is_refused_where_signatures_are_enforced() {
        let of = |untrusted| CodeSigningInput { untrusted, ..publishers(1) };
        assert_eq!(config(of(None)).unwrap().check_unsigned("f"), Ok(()));
        let enforcing = config(of(Some(UntrustedArtifact::Enforce))).unwrap();
        assert_eq!(
            enforcing.check_unsigned("f").unwrap_err().to_string(),
            "Lambda cannot deploy the function. The function or layer might be signed using a \
             signature that the client is not configured to accept. Check the provided signature \
             for f."
        );
    }
}
