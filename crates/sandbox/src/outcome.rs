//! What an event ends with, and the payloads that stand for a function's failures.
//!
//! Source of every text: `[snap]` aws-lambda.md §8.2. Key order is AWS's.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;

use crate::jail::{BOOTSTRAP, LAYERS, TASK_ROOT};
use crate::process::Exit;
use crate::protocol::{Failure, NotExecuted};
use crate::runtime_api::RESPONSE_BYTES_MAX;
use crate::spawner::SpawnError;
use crate::specification::Program;

/// The value of `X-Amz-Function-Error` for everything that a function did not handle.
const UNHANDLED: &str = "Unhandled";

/// How a report calls the end of a worker that had no more memory.
const OUT_OF_MEMORY: &str = "Runtime.OutOfMemory";

/// Why a worker gave no answer, in the words of Lambda's supervisor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// As in the payload and with the reason.
    pub(crate) error_type: &'static str,
    /// As in the report.
    pub(crate) reported_type: &'static str,
    reason: String,
}

impl Fault {
    /// The worker ended before it answered. That it had no more memory shows in the report alone.
    /// Source: as in `records.rs`.
    pub(crate) fn exited(exit: Exit) -> Self {
        let error_type = "Runtime.ExitError";
        let reported_type = if exit == Exit::OutOfMemory { OUT_OF_MEMORY } else { error_type };
        Self { error_type, reported_type, reason: exit.to_string() }
    }

    /// Whether the worker was ended because it had no more memory.
    pub(crate) fn is_out_of_memory(&self) -> bool {
        self.reported_type == OUT_OF_MEMORY
    }

    /// The worker's program does not run: the function's error, if it is its own.
    ///
    /// # Errors
    /// A program of the host does not run.
    pub(crate) fn not_executed(program: &Program, why: &NotExecuted) -> Result<Self, SpawnError> {
        match program {
            Program::Bootstrap => Ok(Self::invalid_entrypoint(why)),
            Program::Host(program) => Err(Failure::of_program(program, why).into()),
        }
    }

    /// The function's own program does not run. Source: the words of Lambda's supervisor, which is
    /// written in Go.
    fn invalid_entrypoint(why: &NotExecuted) -> Self {
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
        let error_type = "Runtime.InvalidEntrypoint";
        Self { error_type, reported_type: error_type, reason }
    }

    /// What is said of the event that there is no answer to.
    pub(crate) fn message(&self, request_id: &str) -> String {
        format!("RequestId: {request_id} Error: {}", self.reason)
    }
}

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

    /// The worker gave no answer.
    pub(crate) fn faulted(request_id: &str, fault: &Fault) -> Self {
        let message = fault.message(request_id);
        Self::described(&json!({"errorType": fault.error_type, "errorMessage": message}))
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

/// What is asked of a runtime's description of its failure, however large it is.
#[derive(Deserialize)]
struct Described {
    #[serde(rename = "errorType")]
    error_type: String,
}

/// The error type of a runtime that says by `description` that it cannot start: its own if it is
/// formed as Lambda's are. Source: the supervisor in AWS's runtime interface emulator.
pub(crate) fn unready_type(description: &[u8]) -> String {
    let said: Option<Described> = serde_json::from_slice(description).ok();
    let said = said.as_ref().map(|said| said.error_type.as_str());
    let is_formed = |name: &&str| {
        let word = name.strip_prefix("Runtime.").or_else(|| name.strip_prefix("Function."));
        word.is_some_and(|word| {
            word.len() > 1
                && word.starts_with(|first: char| first.is_ascii_uppercase())
                && word.bytes().all(|byte| byte.is_ascii_alphabetic())
        })
    };
    said.filter(is_formed).unwrap_or("Runtime.Unknown").to_owned()
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
        check(&Outcome::faulted("r", &Fault::exited(Exit::Code(0))),   r#"{"errorType":"Runtime.ExitError","errorMessage":"RequestId: r Error: Runtime exited without providing a reason"}"#);
        check(&Outcome::faulted("r", &Fault::exited(Exit::Code(127))), r#"{"errorType":"Runtime.ExitError","errorMessage":"RequestId: r Error: Runtime exited with error: exit status 127"}"#);
        check(&Outcome::faulted("r", &Fault::exited(Exit::Signal(9))), r#"{"errorType":"Runtime.ExitError","errorMessage":"RequestId: r Error: Runtime exited with error: signal: killed"}"#);
        check(&Outcome::faulted("r", &Fault::exited(Exit::OutOfMemory)), r#"{"errorType":"Runtime.ExitError","errorMessage":"RequestId: r Error: Runtime exited with error: signal: killed"}"#);
        check(&Outcome::faulted("r", &Fault::invalid_entrypoint(&NotExecuted::Missing)), r#"{"errorType":"Runtime.InvalidEntrypoint","errorMessage":"RequestId: r Error: Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"}"#);
        check(&Outcome::faulted("r", &Fault::invalid_entrypoint(&refused("/var/task/bootstrap", 13))), r#"{"errorType":"Runtime.InvalidEntrypoint","errorMessage":"RequestId: r Error: fork/exec /var/task/bootstrap: permission denied"}"#);
        check(&Outcome::faulted("r", &Fault::invalid_entrypoint(&refused("/opt/bootstrap", 8))), r#"{"errorType":"Runtime.InvalidEntrypoint","errorMessage":"RequestId: r Error: fork/exec /opt/bootstrap: exec format error"}"#);
        check(&Outcome::faulted("r", &Fault::invalid_entrypoint(&refused("/host/code/bootstrap", 2))), r#"{"errorType":"Runtime.InvalidEntrypoint","errorMessage":"RequestId: r Error: fork/exec /var/task/bootstrap: no such file or directory"}"#);
        check(&Outcome::too_large(), r#"{"errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes).","errorType":"Function.ResponseSizeTooLarge"}"#);
    }
    #[test]
    #[rustfmt::skip]
    fn a_start_that_fails_has_a_type_of_lambdas_form() {
        for (description, want) in [
            (r#"{"errorType":"Runtime.ImportModuleError","errorMessage":"m"}"#, "Runtime.ImportModuleError"),
            (r#"{"errorType":"Function.Own"}"#,                                 "Function.Own"),
            (r#"{"errorType":"Exception"}"#,                                    "Runtime.Unknown"),
            (r#"{"errorType":"Runtime.lower"}"#,                                "Runtime.Unknown"),
            (r#"{"errorType":"Runtime.A\tEnd: 1"}"#,                            "Runtime.Unknown"),
            (r#"{"errorType":1}"#,                                              "Runtime.Unknown"),
            ("not JSON",                                                        "Runtime.Unknown"),
        ] {
            assert_eq!(unready_type(description.as_bytes()), want, "{description}");
        }
    }
}
