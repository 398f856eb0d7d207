//! How events are handled, as it is stored.

use std::borrow::Cow;

use portcullis_lambda::{
    Destinations, EventAgeSeconds, EventInvokeConfig, Qualifier, RetryAttempts, Target,
};
use serde::{Deserialize, Serialize};

use super::{
    Document, DocumentError, decode_json, encode_json,
    lambda::{invalid, read},
};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredEventInvoke<'a> {
    function: Cow<'a, str>,
    qualifier: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry_attempts: Option<u8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    event_age_seconds: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    on_success: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    on_failure: Option<Cow<'a, str>>,
    modified: Cow<'a, str>,
}

impl Document for EventInvokeConfig {
    fn encode(&self) -> Vec<u8> {
        let text = |target: &Option<Target>| target.as_ref().map(|it| it.to_string().into());
        encode_json(&StoredEventInvoke {
            function: self.function.as_str().into(),
            qualifier: self.qualifier.to_string().into(),
            retry_attempts: self.retry_attempts.map(RetryAttempts::get),
            event_age_seconds: self.event_age.map(EventAgeSeconds::get),
            on_success: text(&self.destinations.on_success),
            on_failure: text(&self.destinations.on_failure),
            modified: self.modified.to_string().into(),
        })
    }

    fn decode(bytes: &[u8]) -> Result<Self, DocumentError> {
        let stored: StoredEventInvoke<'_> = decode_json(bytes)?;
        let target =
            |text: Option<Cow<'_, str>>| text.map(|text| read("destination", &text)).transpose();
        let retries = stored.retry_attempts.map(|retries| RetryAttempts::new(retries.into()));
        let age = stored.event_age_seconds.map(|age| EventAgeSeconds::new(age.into()));
        Ok(Self {
            function: read("function", &stored.function)?,
            qualifier: Qualifier::parse(&stored.qualifier),
            retry_attempts: retries.transpose().map_err(|why| invalid("retries", &why))?,
            event_age: age.transpose().map_err(|why| invalid("event age", &why))?,
            destinations: Destinations {
                on_success: target(stored.on_success)?,
                on_failure: target(stored.on_failure)?,
            },
            modified: read("time of modification", &stored.modified)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_reads_back_as_it_was_written() {
        let function = "arn:aws:lambda:us-east-1:123456789012:function:f";
        let bare = EventInvokeConfig {
            function: function.parse().unwrap(),
            qualifier: Qualifier::Latest,
            retry_attempts: None,
            event_age: None,
            destinations: Destinations::default(),
            modified: "2026-02-03T04:05:06.000000007Z".parse().unwrap(),
        };
        let whole = EventInvokeConfig {
            qualifier: Qualifier::parse("prod"),
            retry_attempts: Some(RetryAttempts::new(0).unwrap()),
            event_age: Some(EventAgeSeconds::new(21600).unwrap()),
            destinations: Destinations {
                on_success: Some(format!("{function}2:prod").parse().unwrap()),
                on_failure: Some(format!("{function}2").parse().unwrap()),
            },
            ..bare.clone()
        };
        for config in [bare, whole] {
            assert_eq!(EventInvokeConfig::decode(&config.encode()).unwrap(), config);
        }
    }
}
