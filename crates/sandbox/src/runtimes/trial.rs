//! Whether a runtime really runs functions here: one is run, as a server would run it.

use std::error::Error;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::environment::{Facts, standard_environment};
use crate::runtimes::{Family, Runtime, Start};
use crate::{Event, InvokeError, LogFormat, Outcome, Sandbox, WorkerSpec};

/// What a runtime is tried with: the file, its mode, its text, the event, and the answer.
struct Function {
    file: &'static str,
    source: &'static str,
    answer: &'static str,
}

const EVENT: &str = "[1]";

const MEMORY_MB: u32 = 256;

/// Longest that the function may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Why a runtime does not run functions.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    /// The function's code cannot be written.
    #[error("cannot make a function to try it with: {0}")]
    Io(#[from] io::Error),
    /// The sandbox does not start it.
    #[error("no worker of it starts: {}", with_causes(.0))]
    Invoke(#[from] InvokeError),
    /// The function did not do what it should.
    #[error("a function that must work failed: {told}{remedy}")]
    Failed {
        /// What it answered and printed, in whole lines.
        told: String,
        /// A sentence, if there is anything to mend.
        remedy: String,
    },
}

fn with_causes(error: &InvokeError) -> String {
    let causes = std::iter::successors(Some(error as &dyn Error), |error| (*error).source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn function(family: Family) -> Function {
    let (file, source, answer) = match family {
        Family::Python => ("index.py", "def handler(event, context): return event\n", EVENT),
        Family::Node => ("index.mjs", "export const handler = async (event) => event;\n", EVENT),
        // A shell speaks no HTTP; that it runs and ends is what there is to see.
        Family::Provided => (
            "bootstrap",
            "#!/bin/sh\nexit 0\n",
            r#"{"errorType":"Runtime.ExitError","errorMessage":"RequestId: 00000000-0000-4000-8000-000000000000 Error: Runtime exited without providing a reason"}"#,
        ),
    };
    Function { file, source, answer }
}

/// Runs one function of a runtime that is ready.
///
/// # Errors
/// [`TrialError`]: what went wrong.
pub async fn try_out(sandbox: &Sandbox, runtime: &Runtime, name: &str) -> Result<(), TrialError> {
    let function = function(runtime.family());
    let code = tempfile::Builder::new().permissions(Permissions::from_mode(0o755)).tempdir()?;
    let file = code.path().join(function.file);
    fs::write(&file, function.source)?;
    fs::set_permissions(&file, Permissions::from_mode(0o755))?;
    let spec = Arc::new(spec(sandbox, runtime, name, code.path()));
    let outcome = sandbox.invoke(&spec, event()).await?;
    sandbox.retire(&spec);
    if outcome.payload == function.answer {
        Ok(())
    } else {
        Err(TrialError::Failed { told: told(&outcome), remedy: remedy(runtime, name) })
    }
}

/// What to do about a client that was damaged after it had been installed and tried.
fn remedy(runtime: &Runtime, name: &str) -> String {
    let anew = |client: &Path| {
        let client = client.display();
        format!(
            "To fetch its client anew, remove {client} and run `portcullis runtime install {name}`"
        )
    };
    runtime.client_dir().map(anew).unwrap_or_default()
}

/// What the function answered, and what it printed.
fn told(outcome: &Outcome) -> String {
    let log = outcome.log_tail.as_deref().unwrap_or_default();
    let (answer, log) = (String::from_utf8_lossy(&outcome.payload), String::from_utf8_lossy(log));
    format!("{answer}\n{log}")
}

fn spec(sandbox: &Sandbox, runtime: &Runtime, name: &str, code_dir: &Path) -> WorkerSpec {
    let places = sandbox.places(code_dir, None, runtime.client_dir());
    let handler = "index.handler";
    let environment = standard_environment(&Facts {
        function_name: "try",
        version: "$LATEST",
        runtime: name,
        handler,
        memory_mb: MEMORY_MB,
        region: "us-east-1",
        log_group: "/aws/lambda/try",
        log_stream: "try",
        json_log_level: None,
        task_root: &places.task_root,
        layers_root: None,
        runtime_dir: &places.runtime_dir,
        user_variables: &[],
    });
    WorkerSpec {
        id: format!("try-{name}"),
        function: "try".to_owned(),
        version: "$LATEST".to_owned(),
        runtime: runtime.command(&Start {
            handler,
            memory_mb: MEMORY_MB,
            runtime_dir: &places.runtime_dir,
            wrapped: false,
        }),
        code_dir: code_dir.to_owned(),
        layers_dir: None,
        handler: handler.to_owned(),
        environment,
        host: None,
        log: None,
        log_format: LogFormat::Text,
        timeout: TIMEOUT,
        memory_mb: MEMORY_MB,
        ephemeral_mb: 512,
    }
}

fn event() -> Event {
    Event {
        request_id: "00000000-0000-4000-8000-000000000000".to_owned(),
        payload: Bytes::from_static(EVENT.as_bytes()),
        invoked_function_arn: "arn:aws:lambda:us-east-1:000000000000:function:try".to_owned(),
        client_context: None,
        trace_id: "Root=1-00000000-000000000000000000000000;Sampled=0".to_owned(),
        log_tail: true,
        output: None,
    }
}
