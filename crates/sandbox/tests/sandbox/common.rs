//! A Python function made from source text, and sandboxes to run it in.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use portcullis_sandbox::environment::{Facts, standard_environment};
use portcullis_sandbox::python::{Python, PythonRuntime};
use portcullis_sandbox::{Event, InvokeError, Isolation, LogFormat, Outcome, RuntimeCommand};
use portcullis_sandbox::{Sandbox, Settings, WorkerSpec};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Longest that a test waits for something that must come.
const PATIENCE: Duration = Duration::from_secs(60);

/// The newest Python of this host with AWS's runtime client, installed once per target folder.
pub(crate) fn python() -> &'static PythonRuntime {
    static PYTHON: OnceLock<PythonRuntime> = OnceLock::new();
    PYTHON.get_or_init(|| std::thread::spawn(prepare).join().unwrap())
}

fn prepare() -> PythonRuntime {
    let python = Python::new(Path::new(env!("CARGO_TARGET_TMPDIR")).join("runtime-clients"));
    let tokio = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut failures = Vec::new();
    for minor in (8..=14).rev() {
        let runtime = format!("python3.{minor}");
        match tokio.block_on(python.prepare(&runtime, |line| eprintln!("{line}"))) {
            Ok(python) => return python,
            Err(error) => failures.push(error.to_string()),
        }
    }
    panic!("no Python to test with: {failures:#?}");
}

/// Whether functions of a test run in jails, as they do for everybody, or without: some tests look at
/// a worker from outside, by its process ids and by files that it writes beside its code.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    Jailed,
    Open,
}

/// A function: its source, in a folder that goes with it.
pub(crate) struct Function {
    pub(crate) spec: Arc<WorkerSpec>,
    pub(crate) code: TempDir,
}

impl Function {
    /// `source` is the module `index`; its handler is `handler`.
    pub(crate) fn new(source: &str) -> Self {
        Self::with(source, |_| {})
    }

    /// For [`open_sandbox`].
    pub(crate) fn open(source: &str) -> Self {
        Self::kept(Kept::Open, source, |_| {})
    }

    pub(crate) fn with(source: &str, change: impl FnOnce(&mut WorkerSpec)) -> Self {
        Self::kept(Kept::Jailed, source, change)
    }

    pub(crate) fn kept(kept: Kept, source: &str, change: impl FnOnce(&mut WorkerSpec)) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let code = TempDir::new().unwrap();
        // As unpacked code is: for everybody to read.
        std::fs::set_permissions(&code, Permissions::from_mode(0o755)).unwrap();
        std::fs::write(code.path().join("index.py"), source).unwrap();
        let mut spec = WorkerSpec {
            id: format!("f-{}", NUMBER.fetch_add(1, Ordering::Relaxed)),
            function: "f".to_owned(),
            version: "$LATEST".to_owned(),
            // Most tests want every worker to start alike; see `zygotes.rs`.
            runtime: RuntimeCommand { zygote: None, ..python().command("index.handler") },
            code_dir: code.path().to_owned(),
            layers_dir: None,
            handler: "index.handler".to_owned(),
            environment: environment(kept, code.path()),
            host: None,
            log: None,
            log_format: LogFormat::Text,
            timeout: Duration::from_secs(30),
            memory_mb: 128,
            ephemeral_mb: 512,
        };
        change(&mut spec);
        Self { spec: Arc::new(spec), code }
    }

    /// With a zygote, which [`forking_sandbox`] has ready.
    pub(crate) fn forked(source: &str, change: impl FnOnce(&mut WorkerSpec)) -> Self {
        Self::with(source, |spec| {
            spec.runtime = python().command("index.handler");
            change(spec);
        })
    }

    /// A runtime of its own instead of AWS's client: `source` speaks the Runtime API itself.
    pub(crate) fn runtime(kept: Kept, source: &str) -> Self {
        Self::kept(kept, source, |spec| spec.runtime.arguments = vec!["index.py".to_owned()])
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.code.path().join(name)
    }
}

fn environment(kept: Kept, code: &Path) -> Vec<(String, String)> {
    let client = &*python().client_dir;
    let (task_root, runtime_dir) = match kept {
        Kept::Jailed => (Path::new("/var/task"), Path::new("/var/runtime")),
        Kept::Open => (code, client),
    };
    standard_environment(&Facts {
        function_name: "f",
        version: "$LATEST",
        runtime: "python3.11",
        handler: "index.handler",
        memory_mb: 128,
        region: "us-east-1",
        log_group: "/aws/lambda/f",
        log_stream: "stream",
        json_log_level: None,
        task_root,
        layers_root: None,
        runtime_dir,
        user_variables: &[],
    })
}

/// Functions run in jails, or not at all.
pub(crate) fn settings() -> Settings {
    let spawner = PathBuf::from(env!("CARGO_BIN_EXE_sandbox-spawner"));
    Settings { starts_max: 2, isolation: Isolation::Full, spawner, ..Settings::default() }
}

/// A sandbox whose zygote is ready.
pub(crate) async fn forking_sandbox() -> Sandbox {
    let sandbox = sandbox();
    sandbox.prewarm(&python().command(""));
    let begin = std::time::Instant::now();
    let who = "import os\ndef handler(event, context): return os.getppid()";
    while good(&invoke(&sandbox, &Function::forked(who, |_| {}), json!({})).await) != json!(0) {
        assert!(begin.elapsed() < PATIENCE, "no zygote");
    }
    sandbox
}

pub(crate) fn open_settings() -> Settings {
    Settings { isolation: Isolation::None, ..settings() }
}

pub(crate) fn open_sandbox() -> Sandbox {
    Sandbox::new(open_settings()).unwrap()
}

pub(crate) fn sandbox() -> Sandbox {
    Sandbox::new(settings()).unwrap()
}

pub(crate) const REQUEST_ID: &str = "8476a536-e9f4-11e8-9739-2dfe598c3fcd";

pub(crate) fn event(payload: &Value) -> Event {
    Event {
        request_id: REQUEST_ID.to_owned(),
        payload: Bytes::from(payload.to_string()),
        invoked_function_arn: "arn:aws:lambda:us-east-1:123456789012:function:f".to_owned(),
        client_context: None,
        trace_id: "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0".to_owned(),
        log_tail: true,
        output: None,
    }
}

pub(crate) async fn invoke(sandbox: &Sandbox, function: &Function, payload: Value) -> Outcome {
    try_invoke(sandbox, function, payload).await.unwrap()
}

pub(crate) async fn try_invoke(
    sandbox: &Sandbox,
    function: &Function,
    payload: Value,
) -> Result<Outcome, InvokeError> {
    let invocation = sandbox.invoke(&function.spec, event(&payload));
    tokio::time::timeout(PATIENCE, invocation).await.expect("no answer")
}

pub(crate) fn json_of(outcome: &Outcome) -> Value {
    serde_json::from_slice(&outcome.payload)
        .unwrap_or_else(|_| panic!("not JSON: {:?}", outcome.payload))
}

pub(crate) fn tail(outcome: &Outcome) -> String {
    String::from_utf8(outcome.log_tail.clone().unwrap()).unwrap()
}

/// The answer of a function that must not have failed.
pub(crate) fn good(outcome: &Outcome) -> Value {
    assert_eq!(outcome.function_error, None, "{:?}\n{}", outcome.payload, tail(outcome));
    json_of(outcome)
}

/// Waits until a condition holds.
pub(crate) async fn until(what: &str, condition: impl Fn() -> bool) {
    let begin = std::time::Instant::now();
    while !condition() {
        assert!(begin.elapsed() < PATIENCE, "never: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

pub(crate) fn is_alive(pid: i64) -> bool {
    // A zombie is no more than a note for its parent.
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit(')').next().unwrap_or_default().starts_with(" Z"))
}
