//! Whom a function's events are sent to when they are given up: `DeadLetterConfig`.
//!
//! AWS knows queues and topics there. This build has neither, and refuses them by name; it takes
//! functions instead, which is an extension of its own.

use std::str::FromStr;

use crate::{FunctionArn, InvalidParameter, LambdaError, Target};

/// Services that AWS can send dead letters to, and this build cannot.
const OTHER_SERVICES: [&str; 2] = ["sqs", "sns"];

/// `DeadLetterConfig.TargetArn` as a request gives it: a function, or none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeadLetters(Option<Target>);

impl FromStr for DeadLetters {
    type Err = LambdaError;

    /// # Errors
    /// [`LambdaError::Unsupported`] for queues and topics; [`InvalidParameter::DestinationMissing`]
    /// for what is no function either.
    fn from_str(text: &str) -> Result<Self, LambdaError> {
        if text.is_empty() {
            return Ok(Self(None));
        }
        let service = text.split(':').nth(2).unwrap_or_default();
        if OTHER_SERVICES.contains(&service) {
            return Err(LambdaError::Unsupported {
                what: "DeadLetterConfig with targets that are not functions",
            });
        }
        let target = text.parse().map_err(|_| InvalidParameter::DestinationMissing(text.into()))?;
        Ok(Self(Some(target)))
    }
}

impl DeadLetters {
    /// The function that gets them, if there is one.
    #[must_use]
    pub fn target(&self) -> Option<&Target> {
        self.0.as_ref()
    }

    /// Whether `function` may send its dead letters there; `exists` says whether a function is there.
    ///
    /// # Errors
    /// [`InvalidParameter::OwnDestination`], [`InvalidParameter::DestinationMissing`].
    pub fn check(
        &self,
        function: &FunctionArn,
        exists: impl Fn(&FunctionArn) -> bool,
    ) -> Result<(), LambdaError> {
        let Some(target) = &self.0 else { return Ok(()) };
        if target.function == *function {
            return Err(InvalidParameter::OwnDestination.into());
        }
        if target.function.region() != function.region() || !exists(&target.function) {
            return Err(InvalidParameter::DestinationMissing(target.to_string().into()).into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:lambda:us-east-1:123456789012:function:f";
    const OTHER: &str = "arn:aws:lambda:us-east-1:123456789012:function:other";

    #[track_caller]
    fn check(text: &str, want: Result<Option<&str>, &str>) {
        let read = text.parse::<DeadLetters>().and_then(|letters| {
            letters.check(&ARN.parse().unwrap(), |function| function.as_str() == OTHER)?;
            Ok(letters.target().map(Target::to_string))
        });
        let got = read.map_err(|error| error.to_string());
        assert_eq!(got, want.map(|it| it.map(str::to_owned)).map_err(str::to_owned), "{text}");
    }

    #[test]
    #[rustfmt::skip]
    fn dead_letters_go_to_another_function_that_exists() {
        let unsupported = "Portcullis does not support DeadLetterConfig with targets that are not functions yet.";
        let invalid = |arn: &str| format!("The destination ARN {arn} is invalid.");
        let elsewhere = "arn:aws:lambda:us-west-2:123456789012:function:other";
        check("", Ok(None));
        check(OTHER, Ok(Some(OTHER)));
        check(&format!("{OTHER}:prod"), Ok(Some(&format!("{OTHER}:prod"))));
        check("arn:aws:sqs:us-east-1:123456789012:q", Err(unsupported));
        check("arn:aws:sns:us-east-1:123456789012:t", Err(unsupported));
        check(ARN, Err("You can't specify the function as a destination for itself."));
        check(elsewhere, Err(&invalid(elsewhere)));
        check(&format!("{ARN}2"), Err(&invalid(&format!("{ARN}2"))));
        check("arn:aws:iam::123456789012:role/r", Err(&invalid("arn:aws:iam::123456789012:role/r")));
    }
}
