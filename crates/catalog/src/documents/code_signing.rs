//! Code-signing configurations as they are stored.

use std::{borrow::Cow, collections::BTreeMap};

use portcullis_lambda::{CodeSigningConfig, CodeSigningInput, Tags};
use serde::{Deserialize, Serialize};

use super::{
    Document, DocumentError, decode_json, encode_json,
    lambda::{invalid, read},
};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredCodeSigningConfig<'a> {
    arn: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    description: Option<Cow<'a, str>>,
    publishers: Vec<String>,
    untrusted: Cow<'a, str>,
    modified: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    tags: BTreeMap<String, String>,
}

impl Document for CodeSigningConfig {
    fn encode(&self) -> Vec<u8> {
        encode_json(&StoredCodeSigningConfig {
            arn: self.arn().as_str().into(),
            description: self.description().map(Into::into),
            publishers: self.publishers().to_vec(),
            untrusted: self.untrusted().as_str().into(),
            modified: self.modified().to_string().into(),
            tags: self.tags().iter().map(|(key, value)| (key.into(), value.into())).collect(),
        })
    }

    fn decode(bytes: &[u8]) -> Result<Self, DocumentError> {
        let stored: StoredCodeSigningConfig<'_> = decode_json(bytes)?;
        let input = CodeSigningInput {
            description: stored.description.map(Cow::into_owned),
            publishers: Some(stored.publishers),
            untrusted: Some(read("code-signing policy", &stored.untrusted)?),
        };
        let tags = Tags::new(stored.tags).map_err(|error| invalid("tags", &error))?;
        let modified = read("time of modification", &stored.modified)?;
        let config = Self::create(read("arn", &stored.arn)?, input, tags, modified);
        config.map_err(|error| invalid("code-signing configuration", &error))
    }
}

#[cfg(test)]
mod tests {
    use portcullis_lambda::UntrustedArtifact;

    use super::*;

    #[test]
    fn the_stored_form_of_a_code_signing_configuration_is_fixed() {
        let arn = "arn:aws:lambda:us-east-1:123456789012:code-signing-config:csc-0123456789abcdefg";
        let input = CodeSigningInput {
            description: Some("d".into()),
            publishers: Some(vec!["arn:aws:signer:us-east-1:1:/signing-profiles/p/v".into()]),
            untrusted: Some(UntrustedArtifact::Enforce),
        };
        let tags = Tags::new(BTreeMap::from([("k".into(), "v".into())])).unwrap();
        let time = "2026-01-02T03:04:05Z".parse().unwrap();
        let config = CodeSigningConfig::create(arn.parse().unwrap(), input, tags, time).unwrap();
        let bytes = config.encode();
        let want = r#"{"arn":"ARN","description":"d","publishers":["arn:aws:signer:us-east-1:1:/signing-profiles/p/v"],"untrusted":"Enforce","modified":"2026-01-02T03:04:05Z","tags":{"k":"v"}}"#;
        assert_eq!(std::str::from_utf8(&bytes[1..]).unwrap(), want.replace("ARN", arn));
        assert_eq!(CodeSigningConfig::decode(&bytes).unwrap(), config);
    }
}
