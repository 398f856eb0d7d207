//! What becomes of events that nobody waits for: how often and how long they are tried, and which
//! function is told how they ended.
//!
//! Source: `aws-lambda.md §8.6`. A function has one configuration of its own, and one for each
//! version and alias; publishing a version copies none.

use jiff::{SignedDuration, Timestamp};

use crate::{FunctionArn, InvalidParameter, InvalidValue, LambdaError, Qualifier, Target};

/// Services that AWS can tell how an event ended, and this build cannot.
const OTHER_SERVICES: [&str; 5] = ["sqs", "sns", "events", "s3", "s3express"];

/// How often an event is tried again after the function failed: 0 to 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RetryAttempts(u8);

impl RetryAttempts {
    /// What a function has that does not say (`[doc] §8.6`).
    pub const DEFAULT: Self = Self(2);

    /// Checks a number of retries.
    ///
    /// # Errors
    /// [`InvalidValue`] outside 0 to 2.
    pub fn new(retries: i64) -> Result<Self, InvalidValue> {
        let refusal = || InvalidValue::new("retry attempts", &retries.to_string(), "0 to 2");
        let legal = u8::try_from(retries).ok().filter(|retries| *retries <= 2);
        legal.map(Self).ok_or_else(refusal)
    }

    /// The retries.
    #[must_use]
    pub fn get(self) -> u8 {
        self.0
    }
}

/// How old an event may become before it is given up: whole seconds, 60 to 21600.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventAgeSeconds(u16);

impl EventAgeSeconds {
    /// What a function has that does not say: six hours (`[doc] §8.6`).
    pub const DEFAULT: Self = Self(21600);

    /// Checks an age.
    ///
    /// # Errors
    /// [`InvalidValue`] outside 60 to 21600.
    pub fn new(seconds: i64) -> Result<Self, InvalidValue> {
        let refusal =
            || InvalidValue::new("event age", &seconds.to_string(), "60 to 21600 seconds");
        let legal = u16::try_from(seconds).ok().filter(|age| (60..=21600).contains(age));
        legal.map(Self).ok_or_else(refusal)
    }

    /// The seconds.
    #[must_use]
    pub fn get(self) -> u16 {
        self.0
    }

    /// The same as a span of time.
    #[must_use]
    pub fn duration(self) -> SignedDuration {
        SignedDuration::from_secs(self.0.into())
    }
}

/// Where records of ended events go: functions, or nowhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Destinations {
    /// Records of events that the function answered.
    pub on_success: Option<Target>,
    /// Records of events that were given up.
    pub on_failure: Option<Target>,
}

/// `DestinationConfig` as a request gives it; an empty text is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DestinationsInput {
    /// `OnSuccess.Destination`
    pub on_success: Option<String>,
    /// `OnFailure.Destination`
    pub on_failure: Option<String>,
}

impl DestinationsInput {
    /// Reads the destinations of `function`; `exists` says whether a function is there.
    ///
    /// # Errors
    /// [`InvalidParameter::DestinationsInvalid`], [`InvalidParameter::DestinationMissing`],
    /// [`InvalidParameter::OwnDestination`]; [`LambdaError::Unsupported`] for other services.
    pub fn read(
        &self,
        function: &FunctionArn,
        exists: impl Fn(&FunctionArn) -> bool,
    ) -> Result<Destinations, LambdaError> {
        let read = |text: &Option<String>| match text.as_deref() {
            None | Some("") => Ok(None),
            Some(text) => self.read_one(text, function, &exists).map(Some),
        };
        let (on_failure, on_success) = (read(&self.on_failure)?, read(&self.on_success)?);
        Ok(Destinations { on_success, on_failure })
    }

    fn read_one(
        &self,
        text: &str,
        function: &FunctionArn,
        exists: impl Fn(&FunctionArn) -> bool,
    ) -> Result<Target, LambdaError> {
        let service = text.split(':').nth(2).unwrap_or_default();
        if OTHER_SERVICES.contains(&service) {
            return Err(LambdaError::Unsupported { what: "destinations that are not functions" });
        }
        if service != "lambda" {
            return Err(InvalidParameter::DestinationsInvalid(self.shown()).into());
        }
        let missing = || InvalidParameter::DestinationMissing(text.into());
        let target: Target = text.parse().map_err(|_| missing())?;
        if target.function == *function {
            return Err(InvalidParameter::OwnDestination.into());
        }
        if target.function.region() != function.region() || !exists(&target.function) {
            return Err(missing().into());
        }
        Ok(target)
    }

    /// As AWS's message shows it.
    fn shown(&self) -> Box<str> {
        let part = |name, text: &Option<String>| {
            let text = text.as_deref().filter(|text| !text.is_empty());
            text.map_or_else(|| "null".to_owned(), |text| format!("{name}(destination={text})"))
        };
        let on_success = part("OnSuccess", &self.on_success);
        let on_failure = part("OnFailure", &self.on_failure);
        format!("DestinationConfig(onSuccess={on_success}, onFailure={on_failure})").into()
    }
}

/// What `PutFunctionEventInvokeConfig` and `UpdateFunctionEventInvokeConfig` ask for; the latter
/// leaves what is `None` as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventInvokeInput {
    /// `MaximumRetryAttempts`
    pub retry_attempts: Option<RetryAttempts>,
    /// `MaximumEventAgeInSeconds`
    pub event_age: Option<EventAgeSeconds>,
    /// `DestinationConfig`, whole.
    pub destinations: Option<DestinationsInput>,
}

impl EventInvokeInput {
    /// Whether it asks for anything. Comes before any look-up.
    ///
    /// # Errors
    /// [`InvalidParameter::NoEventInvokeSetting`].
    pub fn check(&self) -> Result<(), LambdaError> {
        if *self == Self::default() {
            return Err(InvalidParameter::NoEventInvokeSetting.into());
        }
        Ok(())
    }
}

/// How events for a function, or one version or alias of it, are handled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventInvokeConfig {
    /// The function.
    pub function: FunctionArn,
    /// `$LATEST`, a version or an alias.
    pub qualifier: Qualifier,
    /// How often events are tried again, if it says so.
    pub retry_attempts: Option<RetryAttempts>,
    /// How old events may become, if it says so.
    pub event_age: Option<EventAgeSeconds>,
    /// Who is told how events ended.
    pub destinations: Destinations,
    /// When it was last changed.
    pub modified: Timestamp,
}

impl EventInvokeConfig {
    /// `PutFunctionEventInvokeConfig`: this and nothing of an earlier one.
    ///
    /// # Errors
    /// Those of [`DestinationsInput::read`].
    pub fn put(
        target: &Target,
        input: &EventInvokeInput,
        exists: impl Fn(&FunctionArn) -> bool,
        now: Timestamp,
    ) -> Result<Self, LambdaError> {
        let none = Self {
            function: target.function.clone(),
            qualifier: event_qualifier(target),
            retry_attempts: None,
            event_age: None,
            destinations: Destinations::default(),
            modified: now,
        };
        none.update(input, exists, now)
    }

    /// `UpdateFunctionEventInvokeConfig`.
    ///
    /// # Errors
    /// Those of [`DestinationsInput::read`].
    pub fn update(
        &self,
        input: &EventInvokeInput,
        exists: impl Fn(&FunctionArn) -> bool,
        now: Timestamp,
    ) -> Result<Self, LambdaError> {
        let read = |input: &DestinationsInput| input.read(&self.function, &exists);
        let destinations = input.destinations.as_ref().map(read).transpose()?;
        Ok(Self {
            retry_attempts: input.retry_attempts.or(self.retry_attempts),
            event_age: input.event_age.or(self.event_age),
            destinations: destinations.unwrap_or_else(|| self.destinations.clone()),
            modified: now,
            ..self.clone()
        })
    }

    /// What it is of, as answers name it: always qualified.
    #[must_use]
    pub fn target(&self) -> Target {
        Target::qualified(self.function.clone(), self.qualifier.clone())
    }
}

/// Whose configuration counts for a target: its qualifier's, or that of `$LATEST` without one.
#[must_use]
pub fn event_qualifier(target: &Target) -> Qualifier {
    target.qualifier.clone().unwrap_or(Qualifier::Latest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:lambda:us-east-1:123456789012:function:f";
    const OTHER: &str = "arn:aws:lambda:us-east-1:123456789012:function:other";

    fn read(on_success: &str, on_failure: &str) -> Result<Destinations, LambdaError> {
        let some = |text: &str| Some(text.to_owned()).filter(|text| text != "-");
        let input =
            DestinationsInput { on_success: some(on_success), on_failure: some(on_failure) };
        input.read(&ARN.parse().unwrap(), |function| function.as_str() == OTHER)
    }

    #[track_caller]
    fn check_refused(on_success: &str, on_failure: &str, want: &str) {
        assert_eq!(read(on_success, on_failure).unwrap_err().to_string(), want);
    }

    #[test]
    #[rustfmt::skip]
    fn destinations_are_other_functions_that_exist() {
        let sqs = "arn:aws:sqs:us-east-1:123456789012:q";
        let missing = "arn:aws:lambda:us-east-1:123456789012:function:missing";
        let iam = "arn:aws:iam::123456789012:role/r";
        check_refused("-", missing, &format!("The destination ARN {missing} is invalid."));
        check_refused("arn:aws:lambda:us-east-1:123456789012:layer:l:1", "-", "The destination ARN arn:aws:lambda:us-east-1:123456789012:layer:l:1 is invalid.");
        check_refused("arn:aws:lambda:us-west-2:123456789012:function:other", "-", "The destination ARN arn:aws:lambda:us-west-2:123456789012:function:other is invalid.");
        check_refused("-", &format!("{ARN}:prod"), "You can't specify the function as a destination for itself.");
        check_refused(iam, "-", &format!("The provided destination config DestinationConfig(onSuccess=OnSuccess(destination={iam}), onFailure=null) is invalid."));
        check_refused("", iam, &format!("The provided destination config DestinationConfig(onSuccess=null, onFailure=OnFailure(destination={iam})) is invalid."));
        check_refused(OTHER, sqs, "Portcullis does not support destinations that are not functions yet.");
        assert_eq!(read("-", "").unwrap(), Destinations::default());
        let got = read(&format!("{OTHER}:prod"), OTHER).unwrap();
        assert_eq!(got.on_success.unwrap().to_string(), format!("{OTHER}:prod"));
        assert_eq!(got.on_failure.unwrap().to_string(), OTHER);
    }

    #[test]
    fn put_replaces_and_update_merges() {
        let now = |second| Timestamp::from_second(second).unwrap();
        let target = Target::unqualified(ARN.parse().unwrap());
        let some = EventInvokeInput {
            retry_attempts: Some(RetryAttempts::new(1).unwrap()),
            ..EventInvokeInput::default()
        };
        let age = EventInvokeInput {
            event_age: Some(EventAgeSeconds::new(60).unwrap()),
            ..EventInvokeInput::default()
        };
        let first = EventInvokeConfig::put(&target, &some, |_| true, now(1)).unwrap();
        assert_eq!(first.target().to_string(), format!("{ARN}:$LATEST"));
        let merged = first.update(&age, |_| true, now(2)).unwrap();
        assert_eq!((merged.retry_attempts, merged.event_age), (some.retry_attempts, age.event_age));
        let replaced = EventInvokeConfig::put(&target, &age, |_| true, now(3)).unwrap();
        assert_eq!((replaced.retry_attempts, replaced.modified), (None, now(3)));
        let nothing = EventInvokeInput::default().check().unwrap_err();
        assert_eq!(nothing, InvalidParameter::NoEventInvokeSetting.into());
    }

    #[test]
    fn limits_are_those_of_the_model() {
        let legal = |got: [bool; 4], want| assert_eq!(got, want);
        legal([-1, 0, 2, 3].map(|n| RetryAttempts::new(n).is_ok()), [false, true, true, false]);
        let ages = [59, 60, 21600, 21601].map(|n| EventAgeSeconds::new(n).is_ok());
        legal(ages, [false, true, true, false]);
    }
}
