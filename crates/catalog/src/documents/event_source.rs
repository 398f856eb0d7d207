//! Event source mappings as they are stored.

use std::{borrow::Cow, collections::BTreeMap};

use portcullis_lambda::{EventSourceMapping, MappingInput, Setting, Settings, Tags};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Document, DocumentError, decode_json, encode_json,
    lambda::{invalid, read},
};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredMapping<'a> {
    arn: Cow<'a, str>,
    function: Cow<'a, str>,
    enabled: bool,
    /// By the names of the API.
    settings: BTreeMap<Cow<'a, str>, Cow<'a, Value>>,
    modified: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    tags: BTreeMap<String, String>,
}

impl Document for EventSourceMapping {
    fn encode(&self) -> Vec<u8> {
        let named = |(setting, value): (Setting, _)| (setting.name().into(), Cow::Borrowed(value));
        encode_json(&StoredMapping {
            arn: self.arn().as_str().into(),
            function: self.function().to_string().into(),
            enabled: self.enabled(),
            settings: self.settings().iter().map(named).collect(),
            modified: self.modified().to_string().into(),
            tags: self.tags().iter().map(|(key, value)| (key.into(), value.into())).collect(),
        })
    }

    fn decode(bytes: &[u8]) -> Result<Self, DocumentError> {
        let stored: StoredMapping<'_> = decode_json(bytes)?;
        let setting = |(name, value): (Cow<'_, str>, Cow<'_, Value>)| {
            let unknown = || invalid("setting", &name);
            Ok((Setting::named(&name).ok_or_else(unknown)?, value.into_owned()))
        };
        let settings: Result<Settings, DocumentError> =
            stored.settings.into_iter().map(setting).collect();
        let input = MappingInput { enabled: Some(stored.enabled), settings: settings? };
        let tags = Tags::new(stored.tags).map_err(|error| invalid("tags", &error))?;
        let modified = read("time of modification", &stored.modified)?;
        let (arn, function) = (read("arn", &stored.arn)?, read("function", &stored.function)?);
        let mapping = Self::create(arn, function, &input, tags, modified);
        mapping.map_err(|error| invalid("event source mapping", &error))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_stored_form_of_an_event_source_mapping_is_fixed() {
        let arn = "arn:aws:lambda:us-east-1:123456789012:event-source-mapping:00000000-0000-0000-0000-000000000007";
        let settings = Settings::from_iter([
            (Setting::EventSourceArn, json!("arn:aws:sqs:us-east-1:1:q")),
            (Setting::FilterCriteria, json!({"Filters": [{"Pattern": "{\"a\":[1]}"}]})),
        ]);
        let input = MappingInput { enabled: Some(false), settings };
        let function = "arn:aws:lambda:us-east-1:123456789012:function:f:prod";
        let tags = Tags::new(BTreeMap::from([("k".into(), "v".into())])).unwrap();
        let time = "2026-01-02T03:04:05Z".parse().unwrap();
        let (arn, function) = (arn.parse().unwrap(), function.parse().unwrap());
        let mapping = EventSourceMapping::create(arn, function, &input, tags, time).unwrap();
        let bytes = mapping.encode();
        let want = r#"{"arn":"arn:aws:lambda:us-east-1:123456789012:event-source-mapping:00000000-0000-0000-0000-000000000007","function":"arn:aws:lambda:us-east-1:123456789012:function:f:prod","enabled":false,"settings":{"BatchSize":10,"EventSourceArn":"arn:aws:sqs:us-east-1:1:q","FilterCriteria":{"Filters":[{"Pattern":"{\"a\":[1]}"}]},"MaximumBatchingWindowInSeconds":0},"modified":"2026-01-02T03:04:05Z","tags":{"k":"v"}}"#;
        assert_eq!(std::str::from_utf8(&bytes[1..]).unwrap(), want);
        assert_eq!(EventSourceMapping::decode(&bytes).unwrap(), mapping);
    }
}
