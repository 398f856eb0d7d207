//! An event that nobody waits for: when it is tried again, when it is given up, and the record that
//! tells how it ended.
//!
//! Source: `aws-lambda.md §8.6`.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    EventAgeSeconds, EventInvokeConfig, InvalidValue, RecursiveLoop, RetryAttempts, Target,
    event_qualifier,
};

/// Largest payload of an event, in bytes: `aws-lambda.md §8.5`.
pub const EVENT_BYTES_MAX: usize = 1_048_576;

/// An event that was accepted and has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueuedEvent {
    /// The id of the request that brought it; the same on every attempt.
    pub request_id: Box<str>,
    /// Whom it is for, as it was addressed.
    pub target: Target,
    /// When it was accepted.
    pub accepted: Timestamp,
    /// When it may be tried next.
    pub due: Timestamp,
    /// How often the function ran for it.
    pub attempts: u8,
    /// How many functions told each other before it.
    pub hops: u8,
    /// The client context, as JSON.
    pub client_context: Option<Box<str>>,
    /// The trace that it belongs to.
    pub trace_id: Box<str>,
    /// The payload: JSON.
    pub payload: Box<str>,
}

/// How long a failed event waits before its second and third attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryDelays(pub [SignedDuration; 2]);

impl Default for RetryDelays {
    /// One minute, then two (`[doc] §8.6`).
    fn default() -> Self {
        Self([1, 2].map(SignedDuration::from_mins))
    }
}

impl std::str::FromStr for RetryDelays {
    type Err = InvalidValue;

    /// Two whole numbers of seconds, with a comma between.
    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let refusal = || InvalidValue::new("retry delays", text, "two whole numbers of seconds");
        let seconds = |text: &str| text.trim().parse::<u16>().ok().map(i64::from);
        let (second, third) = text.split_once(',').ok_or_else(refusal)?;
        let both = seconds(second).zip(seconds(third)).ok_or_else(refusal)?;
        Ok(Self([both.0, both.1].map(SignedDuration::from_secs)))
    }
}

/// How an event ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// The function answered.
    Success,
    /// The function failed as often as it may.
    RetriesExhausted,
    /// It became too old.
    EventAgeExceeded,
    /// Nothing is reserved for the function, so that it never runs.
    ZeroReservedConcurrency,
}

impl Condition {
    /// As records name it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "Success",
            Self::RetriesExhausted => "RetriesExhausted",
            Self::EventAgeExceeded => "EventAgeExceeded",
            Self::ZeroReservedConcurrency => "ZeroReservedConcurrency",
        }
    }
}

/// What becomes of an event after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It is tried again then.
    Retry(Timestamp),
    /// It has ended.
    Ended(Condition),
}

/// What a function answered to an event.
#[derive(Clone, Copy, Debug)]
pub struct EventAnswer<'a> {
    /// `$LATEST` or a number.
    pub executed_version: &'a str,
    /// `Unhandled` if it failed.
    pub function_error: Option<&'a str>,
    /// What it answered, or the description of its failure; JSON, if the runtime kept to it.
    pub payload: &'a [u8],
}

/// How often and how long the events of a function are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Attempts after the first.
    pub retries: RetryAttempts,
    /// How old an event may become.
    pub age: EventAgeSeconds,
}

impl Patience {
    /// What a configuration says, or the defaults.
    #[must_use]
    pub fn of(config: Option<&EventInvokeConfig>) -> Self {
        Self {
            retries: config
                .and_then(|config| config.retry_attempts)
                .unwrap_or(RetryAttempts::DEFAULT),
            age: config.and_then(|config| config.event_age).unwrap_or(EventAgeSeconds::DEFAULT),
        }
    }
}

impl QueuedEvent {
    /// Whether it is too old to be tried at `now`.
    #[must_use]
    pub fn is_expired(&self, patience: Patience, now: Timestamp) -> bool {
        now.duration_since(self.accepted) > patience.age.duration()
    }

    /// The event after an attempt that failed, and what becomes of it. One that would be too old at
    /// its next attempt is given up now: nothing could happen to it until then.
    #[must_use]
    pub fn after_failure(
        &self,
        patience: Patience,
        delays: RetryDelays,
        now: Timestamp,
    ) -> (Self, Next) {
        let attempts = self.attempts.saturating_add(1);
        let tried = Self { attempts, ..self.clone() };
        let delay = delays.0.get(usize::from(self.attempts)).copied();
        let delay = delay.filter(|_| attempts <= patience.retries.get());
        let Some(delay) = delay else { return (tried, Next::Ended(Condition::RetriesExhausted)) };
        let due = now.saturating_add(delay).unwrap_or(Timestamp::MAX);
        if tried.is_expired(patience, due) {
            return (tried, Next::Ended(Condition::EventAgeExceeded));
        }
        (Self { due, ..tried }, Next::Retry(due))
    }

    /// The event for `destination` that tells how this one ended. `None` where functions have told
    /// each other too often for `recursion`, which is the destination's: they would go on for ever.
    #[must_use]
    pub fn told_to(
        &self,
        destination: &Target,
        recursion: RecursiveLoop,
        request_id: &str,
        record: String,
        now: Timestamp,
    ) -> Option<Self> {
        let hops = recursion.next_round(self.hops)?;
        Some(Self {
            request_id: request_id.into(),
            target: destination.clone(),
            accepted: now,
            due: now,
            attempts: 0,
            hops,
            client_context: None,
            trace_id: self.trace_id.clone(),
            payload: record.into(),
        })
    }

    /// The event for the function that gets what was given up: the same payload, and as `custom`
    /// client context what AWS gives a queue as attributes (`[snap] §8.6`). `None` as for
    /// [`told_to`](Self::told_to).
    #[must_use]
    pub fn dead_letter(
        &self,
        target: &Target,
        recursion: RecursiveLoop,
        request_id: &str,
        (condition, answer): (Condition, Option<EventAnswer<'_>>),
        now: Timestamp,
    ) -> Option<Self> {
        let letter = self.told_to(target, recursion, request_id, self.payload.to_string(), now)?;
        let attributes = serde_json::json!({"custom": {
            "RequestID": self.request_id,
            "ErrorCode": "200",
            "ErrorMessage": error_message(condition, answer),
        }});
        Some(Self { client_context: Some(attributes.to_string().into()), ..letter })
    }

    /// The record of how it ended. An answer that makes it larger than an event may be is left out.
    #[must_use]
    pub fn record(
        &self,
        condition: Condition,
        answer: Option<EventAnswer<'_>>,
        now: Timestamp,
    ) -> String {
        let whole = self.write_record(condition, answer, true, now);
        if whole.len() <= EVENT_BYTES_MAX {
            return whole;
        }
        self.write_record(condition, answer, false, now)
    }

    fn write_record(
        &self,
        condition: Condition,
        answer: Option<EventAnswer<'_>>,
        with_payload: bool,
        now: Timestamp,
    ) -> String {
        let function =
            Target::qualified(self.target.function.clone(), event_qualifier(&self.target));
        let mut record = format!(
            r#"{{"version":"1.0","timestamp":"{}","requestContext":{{"requestId":"{}","functionArn":"{function}","condition":"{}","approximateInvokeCount":{}}},"requestPayload":{}"#,
            now.strftime("%Y-%m-%dT%H:%M:%S.%3fZ"),
            self.request_id,
            condition.as_str(),
            self.attempts,
            self.payload,
        );
        if let Some(answer) = answer {
            let error = answer.function_error.map(|error| format!(r#","functionError":"{error}""#));
            record += &format!(
                r#","responseContext":{{"statusCode":200,"executedVersion":"{}"{}}}"#,
                answer.executed_version,
                error.unwrap_or_default(),
            );
            if with_payload {
                record += r#","responsePayload":"#;
                record += &json(answer.payload);
            }
        }
        record + "}"
    }
}

/// Longest `ErrorMessage` of a dead letter, in characters: AWS cuts at a kilobyte (`[doc]`).
const ERROR_MESSAGE_MAX: usize = 1024;

/// What is asked of a function's description of its failure, however large it is.
#[derive(Deserialize)]
struct Described {
    #[serde(rename = "errorMessage")]
    error_message: String,
}

/// What a function said of its failure, or why it was not run any more.
fn error_message(condition: Condition, answer: Option<EventAnswer<'_>>) -> String {
    let said = answer.and_then(|answer| {
        let said: Described = serde_json::from_slice(answer.payload).ok()?;
        Some(said.error_message.chars().take(ERROR_MESSAGE_MAX).collect())
    });
    said.unwrap_or_else(|| condition.as_str().to_owned())
}

/// The bytes as JSON: as they are, or as a text if they are none.
fn json(bytes: &[u8]) -> String {
    match serde_json::from_slice::<&RawValue>(bytes) {
        Ok(value) => value.get().to_owned(),
        Err(_) => serde_json::Value::from(String::from_utf8_lossy(bytes)).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:lambda:us-east-1:123456789012:function:f";

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn event(attempts: u8) -> QueuedEvent {
        QueuedEvent {
            request_id: "r".into(),
            target: ARN.parse().unwrap(),
            accepted: at(0),
            due: at(0),
            attempts,
            hops: 0,
            client_context: None,
            trace_id: "t".into(),
            payload: r#"{"a":1}"#.into(),
        }
    }

    fn patience(retries: i64, age: i64) -> Patience {
        let retries = RetryAttempts::new(retries).unwrap();
        Patience { retries, age: EventAgeSeconds::new(age).unwrap() }
    }

    #[track_caller]
    fn check(attempts: u8, (retries, age): (i64, i64), now: i64, want: Next) {
        let (tried, next) =
            event(attempts).after_failure(patience(retries, age), RetryDelays::default(), at(now));
        assert_eq!((tried.attempts, next), (attempts + 1, want));
    }

    #[test]
    fn a_failed_event_is_tried_again_within_its_retries_and_its_age() {
        use Condition::{EventAgeExceeded, RetriesExhausted};
        check(0, (2, 21600), 10, Next::Retry(at(70)));
        check(1, (2, 21600), 80, Next::Retry(at(200)));
        check(2, (2, 21600), 300, Next::Ended(RetriesExhausted));
        check(0, (0, 21600), 10, Next::Ended(RetriesExhausted));
        check(1, (1, 21600), 10, Next::Ended(RetriesExhausted));
        check(0, (2, 60), 0, Next::Retry(at(60)));
        check(0, (2, 60), 1, Next::Ended(EventAgeExceeded));
        check(200, (2, 21600), 0, Next::Ended(RetriesExhausted));
    }

    #[test]
    fn an_event_expires_after_its_age() {
        let expired = [60, 61].map(|now| event(0).is_expired(patience(2, 60), at(now)));
        assert_eq!(expired, [false, true]);
    }

    #[test]
    fn a_record_reads_as_on_aws() {
        let answer = EventAnswer {
            executed_version: "$LATEST",
            function_error: Some("Unhandled"),
            payload: br#"{"errorMessage":"no"}"#,
        };
        let got = event(3).record(Condition::RetriesExhausted, Some(answer), at(1));
        let want = r#"{"version":"1.0","timestamp":"1970-01-01T00:00:01.000Z","requestContext":{"requestId":"r","functionArn":"ARN:$LATEST","condition":"RetriesExhausted","approximateInvokeCount":3},"requestPayload":{"a":1},"responseContext":{"statusCode":200,"executedVersion":"$LATEST","functionError":"Unhandled"},"responsePayload":{"errorMessage":"no"}}"#;
        assert_eq!(got, want.replace("ARN", ARN));
        let none = event(0).record(Condition::ZeroReservedConcurrency, None, at(1));
        assert!(none.ends_with(r#""requestPayload":{"a":1}}"#), "{none}");
    }

    #[test]
    fn a_record_is_never_larger_than_an_event() {
        let large = vec![b'1'; EVENT_BYTES_MAX];
        let answer = EventAnswer { executed_version: "1", function_error: None, payload: &large };
        let got = event(1).record(Condition::Success, Some(answer), at(1));
        assert!(got.ends_with(r#""responseContext":{"statusCode":200,"executedVersion":"1"}}"#));
        let text = EventAnswer { payload: b"no \"JSON\"", ..answer };
        let got = event(1).record(Condition::Success, Some(text), at(1));
        assert!(got.ends_with(r#""responsePayload":"no \"JSON\""}"#), "{got}");
    }

    #[test]
    fn functions_do_not_tell_each_other_for_ever() {
        let mut told = event(0);
        let mut count = 0;
        while let Some(next) =
            told.told_to(&told.target, RecursiveLoop::Terminate, "n", String::new(), at(1))
        {
            told = next;
            count += 1;
        }
        assert_eq!(count, 16);
    }
}
