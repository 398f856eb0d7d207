//! What an event ends with, and the payloads that stand for a function's failures.
//!
//! Source of every text: `[snap]` aws-lambda.md §8.2. Key order is AWS's.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;

use crate::jail::{BOOTSTRAP, LAYERS, TASK_ROOT};
use crate::process::Exit;
use crate::protocol::NotExecuted;
use crate::runtime_api::RESPONSE_BYTES_MAX;

/// The value of `X-Amz-Function-Error` for everything that a function did not handle.
const UNHANDLED: &str = "Unhandled";

/// The error type of a worker that ended before it answered.
pub(crate) const EXIT_ERROR: &str = "Runtime.ExitError";

/// The error type of a function whose program cannot be executed.
pub(crate) const INVALID_ENTRYPOINT: &str = "Runtime.InvalidEntrypoint";

/// How one event ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The function's answer, or the description of its failure.
    pub payload: Bytes,
    /// `Unhandled` if the function failed.
    pub function_error: Option<&'static str>,
    /// The last 4096 bytes of the event's log, not yet base64, if the event asked for them.
    pub log_tail: Option<Vec<u8>>,
}

impl Outcome {
    /// The function answered.
    pub(crate) fn answered(payload: Bytes) -> Self {
        Self { payload, function_error: None, log_tail: None }
    }

    /// The function or its runtime said that it failed; `payload` is its own description.
    pub(crate) fn failed(payload: Bytes) -> Self {
        Self { payload, function_error: Some(UNHANDLED), log_tail: None }
    }

    /// The event ran longer than its function may.
    pub(crate) fn timed_out(request_id: &str, timeout: Duration) -> Self {
        let seconds = timeout.as_secs_f64();
        let message =
            format!("RequestId: {request_id} Error: Task timed out after {seconds:.2} seconds");
        Self::described(&json!({"errorType": "Sandbox.Timedout", "errorMessage": message}))
    }

    /// The worker ended before it answered.
    pub(crate) fn exited(request_id: &str, exit: Exit) -> Self {
        let message = format!("RequestId: {request_id} Error: {exit}");
        Self::described(&json!({"errorType": EXIT_ERROR, "errorMessage": message}))
    }

    /// The function's own program does not run. Source: the words of Lambda's supervisor, which is
    /// written in Go.
    pub(crate) fn invalid_entrypoint(request_id: &str, why: &NotExecuted) -> Self {
        let bootstrap = |folder: &str| format!("{folder}/{BOOTSTRAP}");
        let (code, layers) = (bootstrap(TASK_ROOT), bootstrap(LAYERS));
        let reason = match why {
            NotExecuted::Missing => {
                format!("Couldn't find valid bootstrap(s): [{code} {layers}]")
            }
            NotExecuted::Refused { program, errno } => {
                let program = if *program == *layers { layers } else { code };
                format!("fork/exec {program}: {}", error_words(*errno))
            }
        };
        let message = format!("RequestId: {request_id} Error: {reason}");
        Self::described(&json!({"errorType": INVALID_ENTRYPOINT, "errorMessage": message}))
    }

    /// The answer is longer than AWS carries.
    pub(crate) fn too_large() -> Self {
        let message = format!(
            "Response payload size exceeded maximum allowed payload size ({RESPONSE_BYTES_MAX} bytes)."
        );
        Self::described(
            &json!({"errorMessage": message, "errorType": "Function.ResponseSizeTooLarge"}),
        )
    }

    fn described(description: &serde_json::Value) -> Self {
        Self::failed(Bytes::from(description.to_string()))
    }
}

/// A reason in the words of Go's `syscall.Errno.Error`: those of the C library in small letters.
fn error_words(errno: i32) -> String {
    let words = io::Error::from_raw_os_error(errno).to_string();
    let words = words.strip_suffix(&format!(" (os error {errno})")).unwrap_or(&words);
    words.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(program: &str, errno: i32) -> NotExecuted {
        NotExecuted::Refused { program: program.into(), errno }
    }

    #[track_caller]
    fn check(outcome: &Outcome, payload: &str) {
        assert_eq!(outcome.payload, payload);
        assert_eq!(outcome.function_error, Some("Unhandled"));
    }

    #[test]
    #[rustfmt::skip]
    fn failures_read_as_on_aws() {
        check(&Outcome::timed_out("r", Duration::from_secs(1)), r#"{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: r Error: Task timed out after 1.00 seconds"}"#);
        check(&Outcome::exited("r", Exit::Code(0)),   r#"{"errorType":"Runtime.ExitError","errorMessage":"RequestId: r Error: Runtime exited without providing a reason"}"#);
        check(&Outcome::exited("r", Exit::Code(127)), r#"{"errorType":"Runtime.ExitError","errorMessage":"RequestId: r Error: Runtime exited with error: exit status 127"}"#);
        check(&Outcome::exited("r", Exit::Signal(9)), r#"{"errorType":"Runtime.ExitError","errorMessage":"RequestId: r Error: Runtime exited with error: signal: killed"}"#);
        check(&Outcome::invalid_entrypoint("r", &NotExecuted::Missing), r#"{"errorType":"Runtime.InvalidEntrypoint","errorMessage":"RequestId: r Error: Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"}"#);
        check(&Outcome::invalid_entrypoint("r", &refused("/var/task/bootstrap", 13)), r#"{"errorType":"Runtime.InvalidEntrypoint","errorMessage":"RequestId: r Error: fork/exec /var/task/bootstrap: permission denied"}"#);
        check(&Outcome::invalid_entrypoint("r", &refused("/opt/bootstrap", 8)), r#"{"errorType":"Runtime.InvalidEntrypoint","errorMessage":"RequestId: r Error: fork/exec /opt/bootstrap: exec format error"}"#);
        check(&Outcome::invalid_entrypoint("r", &refused("/host/code/bootstrap", 2)), r#"{"errorType":"Runtime.InvalidEntrypoint","errorMessage":"RequestId: r Error: fork/exec /var/task/bootstrap: no such file or directory"}"#);
        check(&Outcome::too_large(), r#"{"errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes).","errorType":"Function.ResponseSizeTooLarge"}"#);
    }
}
