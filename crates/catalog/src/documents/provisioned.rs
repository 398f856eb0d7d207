//! Provisioned concurrency, as it is stored.

use std::borrow::Cow;

use portcullis_lambda::{ProvisionedCalls, ProvisionedConcurrency, Qualifier};
use serde::{Deserialize, Serialize};

use super::{
    Document, DocumentError, decode_json, encode_json,
    lambda::{invalid, read},
};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredProvisioned<'a> {
    function: Cow<'a, str>,
    qualifier: Cow<'a, str>,
    requested: u32,
    modified: Cow<'a, str>,
}

impl Document for ProvisionedConcurrency {
    fn encode(&self) -> Vec<u8> {
        encode_json(&StoredProvisioned {
            function: self.function.as_str().into(),
            qualifier: self.qualifier.to_string().into(),
            requested: self.requested.get(),
            modified: self.modified.to_string().into(),
        })
    }

    fn decode(bytes: &[u8]) -> Result<Self, DocumentError> {
        let stored: StoredProvisioned<'_> = decode_json(bytes)?;
        let requested = ProvisionedCalls::new(stored.requested.into());
        Ok(Self {
            function: read("function", &stored.function)?,
            qualifier: Qualifier::parse(&stored.qualifier),
            requested: requested.map_err(|why| invalid("provisioned concurrency", &why))?,
            modified: read("time of modification", &stored.modified)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_reads_back_as_it_was_written() {
        for (qualifier, requested) in [("7", 1), ("prod", i64::from(i32::MAX))] {
            let config = ProvisionedConcurrency {
                function: "arn:aws:lambda:us-east-1:123456789012:function:f".parse().unwrap(),
                qualifier: Qualifier::parse(qualifier),
                requested: ProvisionedCalls::new(requested).unwrap(),
                modified: "2026-02-03T04:05:06.000000007Z".parse().unwrap(),
            };
            assert_eq!(ProvisionedConcurrency::decode(&config.encode()).unwrap(), config);
        }
    }
}
