//! Events that wait, as they are stored: what they are in a line of JSON, and behind it the payload
//! as it is, however many quotes it has.

use std::borrow::Cow;

use portcullis_lambda::QueuedEvent;
use serde::{Deserialize, Serialize};

use super::{
    Document, DocumentError, encode_json, json_of,
    lambda::{invalid, read},
};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredEvent<'a> {
    request_id: Cow<'a, str>,
    target: Cow<'a, str>,
    accepted: Cow<'a, str>,
    due: Cow<'a, str>,
    attempts: u8,
    hops: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_context: Option<Cow<'a, str>>,
    trace_id: Cow<'a, str>,
}

impl Document for QueuedEvent {
    fn encode(&self) -> Vec<u8> {
        let mut bytes = encode_json(&StoredEvent {
            request_id: (&*self.request_id).into(),
            target: self.target.to_string().into(),
            accepted: self.accepted.to_string().into(),
            due: self.due.to_string().into(),
            attempts: self.attempts,
            hops: self.hops,
            client_context: self.client_context.as_deref().map(Cow::from),
            trace_id: (&*self.trace_id).into(),
        });
        bytes.push(b'\n');
        bytes.extend_from_slice(self.payload.as_bytes());
        bytes
    }

    fn decode(bytes: &[u8]) -> Result<Self, DocumentError> {
        let bytes = json_of(bytes)?;
        // JSON in one line has no line break of its own.
        let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
        let (head, payload) = bytes.split_at(end);
        let stored: StoredEvent<'_> = serde_json::from_slice(head)?;
        let payload = std::str::from_utf8(payload.get(1..).unwrap_or_default());
        Ok(Self {
            request_id: stored.request_id.into(),
            target: read("target", &stored.target)?,
            accepted: read("time of acceptance", &stored.accepted)?,
            due: read("time of the next attempt", &stored.due)?,
            attempts: stored.attempts,
            hops: stored.hops,
            client_context: stored.client_context.map(Into::into),
            trace_id: stored.trace_id.into(),
            payload: payload.map_err(|error| invalid("payload", &error))?.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_reads_back_as_it_was_written() {
        let event = QueuedEvent {
            request_id: "r".into(),
            target: "arn:aws:lambda:us-east-1:123456789012:function:f:prod".parse().unwrap(),
            accepted: "2026-02-03T04:05:06.000000007Z".parse().unwrap(),
            due: "2026-02-03T04:06:06Z".parse().unwrap(),
            attempts: 1,
            hops: 2,
            client_context: None,
            trace_id: "Root=1\n".into(),
            payload: "{\n \"a\": \"\\\"\"\n}".into(),
        };
        assert_eq!(QueuedEvent::decode(&event.encode()).unwrap(), event);
        let bare = QueuedEvent { client_context: Some("{}".into()), payload: "".into(), ..event };
        assert_eq!(QueuedEvent::decode(&bare.encode()).unwrap(), bare);
    }
}
