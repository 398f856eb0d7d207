//! OpenID Connect providers as they are stored.

use std::borrow::Cow;

use portcullis_identity::OidcProvider;
use serde::{Deserialize, Serialize};

use super::identity::{StoredTag, read, read_tags, read_time, store_tags};
use super::{Document, DocumentError, decode_json, encode_json};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredOidcProvider<'a> {
    account: Cow<'a, str>,
    issuer: Cow<'a, str>,
    client_ids: Vec<Cow<'a, str>>,
    thumbprints: Vec<Cow<'a, str>>,
    created: Cow<'a, str>,
    tags: Vec<StoredTag<'a>>,
}

impl Document for OidcProvider {
    fn encode(&self) -> Vec<u8> {
        encode_json(&StoredOidcProvider {
            account: self.account.as_str().into(),
            issuer: self.issuer.as_str().into(),
            client_ids: self.client_ids.iter().map(|id| (&**id).into()).collect(),
            thumbprints: self.thumbprints.iter().map(|hash| hash.as_str().into()).collect(),
            created: self.created.to_string().into(),
            tags: store_tags(&self.tags),
        })
    }

    fn decode(bytes: &[u8]) -> Result<Self, DocumentError> {
        let stored: StoredOidcProvider<'_> = decode_json(bytes)?;
        let thumbprints = stored.thumbprints.iter().map(|hash| read("thumbprint", hash));
        Ok(Self {
            account: read("account", &stored.account)?,
            issuer: read("issuer", &stored.issuer)?,
            thumbprints: thumbprints.collect::<Result<_, _>>()?,
            client_ids: stored.client_ids.into_iter().map(|id| id.into_owned().into()).collect(),
            created: read_time(&stored.created)?,
            tags: read_tags(&stored.tags)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use portcullis_identity::{Tag, Tags};

    use super::*;

    #[test]
    fn a_provider_is_stored_as_this_and_read_back() {
        let provider = OidcProvider {
            account: "123456789012".parse().unwrap(),
            issuer: "idp.example.com/a".parse().unwrap(),
            client_ids: vec!["sts.amazonaws.com".into()],
            thumbprints: vec!["ab".repeat(20).parse().unwrap()],
            created: "2026-01-02T03:04:05Z".parse().unwrap(),
            tags: Tags::new(vec![Tag::new("k", "v").unwrap()]).unwrap(),
        };
        let bytes = provider.encode();
        let want = format!(
            r#"{{"account":"123456789012","issuer":"idp.example.com/a","client_ids":["sts.amazonaws.com"],"thumbprints":["{}"],"created":"2026-01-02T03:04:05Z","tags":[{{"key":"k","value":"v"}}]}}"#,
            "ab".repeat(20)
        );
        assert_eq!(std::str::from_utf8(&bytes[1..]).unwrap(), want);
        assert_eq!(OidcProvider::decode(&bytes).unwrap(), provider);
    }
}
