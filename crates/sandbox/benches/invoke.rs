//! What the sandbox costs: a warm call against the bare Runtime API loop on the same
//! HTTP library, with the same runtime client and handler, and the start of a worker in a small and in a big server.
//!
//! `cargo bench -p portcullis-sandbox --bench invoke`. Medians of five runs; the two sides take
//! turns within each run, so that what else the machine does falls on both. Targets: ratio of warm
//! calls at most 1.3, of starts at most 1.3.
#![expect(clippy::print_stdout, reason = "a bench prints")]

use std::error::Error;
use std::hint::black_box;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use portcullis_sandbox::environment::{Facts, standard_environment};
use portcullis_sandbox::python::{Python, PythonRuntime};
use portcullis_sandbox::{
    Event, Isolation, LogFormat, Program, RuntimeCommand, Sandbox, Settings, WorkerSpec,
};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

type Fallible<T> = Result<T, Box<dyn Error>>;

const RUNS: usize = 5;
const TURNS: u32 = 20;
const CALLS: u32 = 200;
const STARTS: u32 = 100;
const BALLAST_BYTES: usize = 2 << 30;
const PAYLOAD: &str = r#"{"key1":"value1","key2":"value2","key3":"value3"}"#;

fn main() -> Fallible<()> {
    let tokio = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let python = tokio.block_on(prepare())?;
    let code = tempfile::tempdir()?;
    std::fs::set_permissions(&code, std::fs::Permissions::from_mode(0o755))?;
    std::fs::write(code.path().join("index.py"), "def handler(event, context): return event")?;
    let spec = Arc::new(spec(&python, code.path()));
    let spawner = Path::new(env!("CARGO_BIN_EXE_sandbox-spawner")).to_owned();
    let settings = Settings { spawner, isolation: Isolation::Full, ..Settings::default() };
    let sandbox = tokio.block_on(async { Sandbox::new(settings) })?;
    let mut bare = tokio.block_on(BareLoop::start(&python, code.path()))?;
    let (mut bare_runs, mut sandbox_runs) = (Vec::new(), Vec::new());
    for _ in 0..=RUNS {
        let (mut bare_time, mut sandbox_time) = (Duration::ZERO, Duration::ZERO);
        for _ in 0..TURNS {
            bare_time += tokio.block_on(bare.run())?;
            sandbox_time += tokio.block_on(calls(&sandbox, &spec))?;
        }
        bare_runs.push(bare_time / TURNS);
        sandbox_runs.push(sandbox_time / TURNS);
    }
    report("warm call", "bare loop", &bare_runs, "sandbox", &sandbox_runs);
    bare.worker.kill()?;
    let (mut small_runs, mut big_runs) = (Vec::new(), Vec::new());
    for _ in 0..=RUNS {
        small_runs.push(tokio.block_on(starts(&sandbox, &spec))?);
        let ballast = black_box(vec![1_u8; BALLAST_BYTES]);
        big_runs.push(tokio.block_on(starts(&sandbox, &spec))?);
        drop(ballast);
    }
    report("start and end of /bin/true", "small server", &small_runs, "2 GiB server", &big_runs);
    tokio.block_on(sandbox.shutdown(Duration::ZERO));
    Ok(())
}

async fn prepare() -> Fallible<PythonRuntime> {
    let python = Python::new(Path::new(env!("CARGO_TARGET_TMPDIR")).join("runtime-clients"));
    let mut last = None;
    for minor in (8..=14).rev() {
        match python.prepare(&format!("python3.{minor}"), |line| println!("{line}")).await {
            Ok(runtime) => return Ok(runtime),
            Err(error) => last = Some(error),
        }
    }
    Err(last.map_or("no Python".into(), Into::into))
}

/// A worker's environment, with the code and the runtime client at these places.
fn environment(task_root: &Path, runtime_dir: &Path) -> Vec<(String, String)> {
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

fn spec(python: &PythonRuntime, code: &Path) -> WorkerSpec {
    let environment = environment(Path::new("/var/task"), Path::new("/var/runtime"));
    WorkerSpec {
        id: "f".to_owned(),
        function: "f".to_owned(),
        version: "$LATEST".to_owned(),
        runtime: python.command("index.handler"),
        code_dir: code.to_owned(),
        layers_dir: None,
        handler: "index.handler".to_owned(),
        environment,
        host: None,
        log: None,
        log_format: LogFormat::Text,
        timeout: Duration::from_secs(30),
        memory_mb: 128,
        ephemeral_mb: 512,
    }
}

fn event() -> Event {
    Event {
        request_id: "8476a536-e9f4-11e8-9739-2dfe598c3fcd".to_owned(),
        payload: Bytes::from_static(PAYLOAD.as_bytes()),
        invoked_function_arn: "arn:aws:lambda:us-east-1:123456789012:function:f".to_owned(),
        client_context: None,
        trace_id: "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0".to_owned(),
        log_tail: false,
        output: None,
    }
}

/// Time of one warm call, as a server makes it: from a task of a multi-threaded runtime.
async fn calls(sandbox: &Sandbox, spec: &Arc<WorkerSpec>) -> Fallible<Duration> {
    let (sandbox, spec) = (sandbox.clone(), Arc::clone(spec));
    let run = tokio::spawn(async move {
        let begin = Instant::now();
        for _ in 0..CALLS {
            let outcome = sandbox.invoke(&spec, event()).await;
            if !outcome.is_ok_and(|outcome| outcome.function_error.is_none()) {
                return None;
            }
        }
        Some(begin.elapsed() / CALLS)
    });
    run.await?.ok_or_else(|| "a call failed".into())
}

/// Time of one start, of a program that ends at once.
async fn starts(sandbox: &Sandbox, spec: &WorkerSpec) -> Fallible<Duration> {
    let program = Program::Host("/bin/true".into());
    let runtime = RuntimeCommand { program, arguments: vec![], ..spec.runtime.clone() };
    let spec = Arc::new(WorkerSpec { id: "true".to_owned(), runtime, ..spec.clone() });
    let begin = Instant::now();
    for _ in 0..STARTS {
        sandbox.invoke(&spec, event()).await?;
    }
    Ok(begin.elapsed() / STARTS)
}

/// The least that a Runtime API can be on the same HTTP library and runtime: every `next` gets the
/// event at once, every answer is read and counted.
struct BareLoop {
    worker: Child,
    /// Events that may still be given out, and answers that came.
    given: Arc<Semaphore>,
    answered: Arc<Semaphore>,
}

impl BareLoop {
    async fn start(python: &PythonRuntime, code: &Path) -> Fallible<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        let (given, answered) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        tokio::spawn(serve(listener, Arc::clone(&given), Arc::clone(&answered)));
        let command = python.command("index.handler");
        let worker = Command::new(&python.interpreter)
            .args(&command.arguments)
            .env_clear()
            .envs(environment(code, &python.client_dir))
            .env("AWS_LAMBDA_RUNTIME_API", address)
            .current_dir(code)
            .stdin(Stdio::null())
            .spawn()?;
        Ok(Self { worker, given, answered })
    }

    /// Time of one event.
    async fn run(&self) -> Fallible<Duration> {
        let begin = Instant::now();
        self.given.add_permits(usize::try_from(CALLS)?);
        self.answered.acquire_many(CALLS).await?.forget();
        Ok(begin.elapsed() / CALLS)
    }
}

async fn serve(listener: TcpListener, given: Arc<Semaphore>, answered: Arc<Semaphore>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (given, answered) = (Arc::clone(&given), Arc::clone(&answered));
        let service = service_fn(move |request: Request<Incoming>| {
            let (given, answered) = (Arc::clone(&given), Arc::clone(&answered));
            async move {
                if request.method() == Method::GET {
                    given.acquire().await?.forget();
                    return next_answer();
                }
                black_box(request.into_body().collect().await?.to_bytes());
                answered.add_permits(1);
                Ok(Response::builder().status(202).body(Full::default())?)
            }
        });
        let _ = stream.set_nodelay(true);
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

fn next_answer() -> Result<Response<Full<Bytes>>, Box<dyn Error + Send + Sync>> {
    let event = event();
    let response = Response::builder()
        .header("Content-Type", "application/json")
        .header("Lambda-Runtime-Aws-Request-Id", event.request_id)
        .header("Lambda-Runtime-Deadline-Ms", "1800000000000")
        .header("Lambda-Runtime-Invoked-Function-Arn", event.invoked_function_arn)
        .header("Lambda-Runtime-Trace-Id", event.trace_id);
    Ok(response.body(Full::new(event.payload))?)
}

/// Prints both medians, and their ratio. The first run of each only warms up.
fn report(what: &str, base_name: &str, base: &[Duration], name: &str, runs: &[Duration]) {
    let median = |runs: &[Duration]| {
        let mut runs = runs.iter().skip(1).copied().collect::<Vec<_>>();
        runs.sort();
        runs.get(runs.len() / 2).copied().unwrap_or_default()
    };
    let (base, runs) = (median(base), median(runs));
    let ratio = runs.as_secs_f64() / base.as_secs_f64();
    println!("{what}: {base_name} {base:.1?}, {name} {runs:.1?}, ratio {ratio:.2}");
}
