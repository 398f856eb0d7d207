//! Who gets a worker, and how workers live and end.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::common::{
    self, Function, Kept, good, invoke, is_alive, open_sandbox, sandbox, try_invoke, until,
};
use portcullis_sandbox::{
    InvokeError, Outcome, Program, Progress, ProvisionFailure, Sandbox, Settings, WorkerSpec,
};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

/// Answers with its process; `{"wait": NAME}` first waits until a file of that name is there, and
/// says by `NAME.waiting` that it does.
const WAITS: &str = "
import os, time
def handler(event, context):
    name = event.get('wait')
    if name:
        open(name + '.waiting', 'w').close()
        while not os.path.exists(name): time.sleep(0.001)
    if 'record' in event:
        with open('record', 'a') as record: record.write(event['record'])
    return os.getpid()
";

fn with(change: impl FnOnce(&mut Settings)) -> Sandbox {
    let mut settings = common::open_settings();
    change(&mut settings);
    Sandbox::new(settings).unwrap()
}

/// An event that waits for `name` on a worker of the function; returns once it does.
async fn waiting(sandbox: &Sandbox, function: &Arc<Function>, name: &str) -> JoinHandle<Outcome> {
    let task = start(sandbox, function, json!({"wait": name}));
    let file = function.path(&format!("{name}.waiting"));
    until("the event runs", || file.exists()).await;
    task
}

fn start(sandbox: &Sandbox, function: &Arc<Function>, payload: Value) -> JoinHandle<Outcome> {
    let (sandbox, function) = (sandbox.clone(), Arc::clone(function));
    tokio::spawn(async move { invoke(&sandbox, &function, payload).await })
}

fn release(function: &Function, name: &str) {
    std::fs::write(function.path(name), "").unwrap();
}

async fn pid(sandbox: &Sandbox, function: &Function) -> i64 {
    good(&invoke(sandbox, function, json!({})).await).as_i64().unwrap()
}

#[tokio::test]
async fn an_event_runs_to_its_end_when_its_caller_goes_away() {
    let sandbox = with(|settings| settings.workers_max = 1);
    let function = Arc::new(Function::open(WAITS));
    let worker = pid(&sandbox, &function).await;
    let payload = json!({"wait": "go", "record": "x"});
    let caller = start(&sandbox, &function, payload);
    until("the event runs", || function.path("go.waiting").exists()).await;
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    release(&function, "go");
    assert_eq!(pid(&sandbox, &function).await, worker);
    assert_eq!(std::fs::read_to_string(function.path("record")).unwrap(), "x");
}

#[tokio::test]
async fn events_at_a_time_have_workers_of_their_own_and_the_last_used_is_reused() {
    let (sandbox, function) = (open_sandbox(), Arc::new(Function::open(WAITS)));
    let first = waiting(&sandbox, &function, "a").await;
    let second = waiting(&sandbox, &function, "b").await;
    release(&function, "a");
    let first = good(&first.await.unwrap());
    release(&function, "b");
    let second = good(&second.await.unwrap());
    assert_ne!(first, second);
    for _ in 0..3 {
        assert_eq!(json!(pid(&sandbox, &function).await), second);
    }
}

#[tokio::test]
async fn one_event_more_than_the_limit_is_throttled() {
    let sandbox = with(|settings| settings.concurrency_limit = 1);
    let function = Arc::new(Function::open(WAITS));
    for name in ["a", "b"] {
        let running = waiting(&sandbox, &function, name).await;
        let refused = try_invoke(&sandbox, &function, json!({})).await;
        assert!(matches!(refused, Err(InvokeError::Throttled)), "{refused:?}");
        release(&function, name);
        good(&running.await.unwrap());
    }
}

#[tokio::test]
async fn events_wait_for_a_place_and_are_served_in_order() {
    let sandbox = with(|settings| settings.workers_max = 1);
    let function = Arc::new(Function::open(WAITS));
    let first = waiting(&sandbox, &function, "a").await;
    let mut queue = Vec::new();
    for record in ["1", "2", "3", "4", "5"] {
        queue.push(start(&sandbox, &function, json!({"record": record})));
        // Tasks of a current-thread runtime run in the order of their start.
        tokio::task::yield_now().await;
    }
    release(&function, "a");
    let worker = good(&first.await.unwrap());
    for waiting in queue {
        assert_eq!(good(&waiting.await.unwrap()), worker);
    }
    assert_eq!(std::fs::read_to_string(function.path("record")).unwrap(), "12345");
}

#[tokio::test]
async fn a_version_with_many_events_does_not_keep_another_waiting() {
    const EVENTS: usize = 12;
    let sandbox = with(|settings| settings.starts_max = 1);
    let (busy, quiet) = (Arc::new(Function::open(WAITS)), Arc::new(Function::open(WAITS)));
    let names: Vec<String> = (0..EVENTS).map(|number| number.to_string()).collect();
    let events: Vec<_> =
        names.iter().map(|name| start(&sandbox, &busy, json!({"wait": name}))).collect();
    tokio::task::yield_now().await;
    pid(&sandbox, &quiet).await;
    let run = |name: &&String| busy.path(&format!("{name}.waiting")).exists();
    let running = names.iter().filter(run).count();
    assert!(running < EVENTS / 2, "{running} of {EVENTS} that came before have begun");
    names.iter().for_each(|name| release(&busy, name));
    for event in events {
        good(&event.await.unwrap());
    }
}

#[tokio::test]
async fn an_idle_worker_makes_place_for_another_version() {
    let sandbox = with(|settings| settings.workers_max = 1);
    let (one, other) = (Function::open(WAITS), Function::open(WAITS));
    let first = pid(&sandbox, &one).await;
    let second = pid(&sandbox, &other).await;
    assert!(!is_alive(first) && is_alive(second));
    assert_ne!(pid(&sandbox, &one).await, first);
}

#[tokio::test]
async fn two_busy_versions_share_one_place() {
    let sandbox = with(|settings| settings.workers_max = 1);
    let functions = [Arc::new(Function::open(WAITS)), Arc::new(Function::open(WAITS))];
    let mut events = Vec::new();
    for number in 0..20 {
        events.push(start(&sandbox, &functions[number % 2], json!({})));
    }
    for event in events {
        good(&event.await.unwrap());
    }
}

/// Each goes on for a second at least, where one of its events waits.
#[tokio::test]
async fn no_start_is_for_one_event_only() {
    let sandbox = with(|settings| settings.workers_max = 1);
    let code = "import os, time\ndef handler(event, context):\n    time.sleep(0.02)\n    return os.getpid()";
    let functions = [Arc::new(Function::open(code)), Arc::new(Function::open(code))];
    let begun = Instant::now();
    let events = (0..150).map(|number| start(&sandbox, &functions[number % 2], json!({})));
    let events: Vec<_> = events.collect();
    let mut workers = BTreeSet::new();
    for event in events {
        workers.insert(good(&event.await.unwrap()).as_i64().unwrap());
    }
    // The last one ends as soon as none of its events waits.
    assert!(workers.len() as u64 <= begun.elapsed().as_secs() + 2, "{workers:?}");
}

#[tokio::test]
async fn more_workers_than_there_are_places_for_are_not_promised() {
    let sandbox = with(|settings| settings.workers_max = 3);
    let (one, other) = (Function::open(WAITS), Function::open(WAITS));
    let provisioned = sandbox.provision(&one.spec, 3);
    let short = Some(ProvisionFailure::Places);
    until("two of three are ready", || {
        provisioned.progress() == Progress { allocated: 2, available: 2, failure: short }
    })
    .await;
    assert!(is_alive(pid(&sandbox, &other).await), "the third place is for those of events");
    provisioned.resize(2);
    until("that is enough", || provisioned.progress().failure.is_none()).await;
}

#[tokio::test]
async fn a_retired_version_ends_idle_workers_now_and_running_ones_after_their_event() {
    let (sandbox, function) = (open_sandbox(), Arc::new(Function::open(WAITS)));
    let running = waiting(&sandbox, &function, "a").await;
    let idle = pid(&sandbox, &function).await;
    sandbox.retire(&function.spec);
    until("the idle worker ends", || !is_alive(idle)).await;
    release(&function, "a");
    let worker = good(&running.await.unwrap()).as_i64().unwrap();
    until("the other worker ends", || !is_alive(worker)).await;
    // Whoever made the same again has workers to keep.
    let again = Arc::new(WorkerSpec::clone(&function.spec));
    let call = || sandbox.invoke(&again, common::event(&json!({})));
    let next = good(&call().await.unwrap());
    assert!(next != json!(worker) && next != json!(idle));
    assert_eq!(good(&call().await.unwrap()), next);
}

/// Callers that had the old version when it was replaced, and wait for a place or come late.
#[tokio::test]
async fn a_retired_version_serves_who_still_has_it_and_keeps_no_worker() {
    let sandbox = with(|settings| settings.workers_max = 1);
    let function = Arc::new(Function::open(WAITS));
    let running = waiting(&sandbox, &function, "a").await;
    let mut queue = Vec::new();
    for _ in 0..3 {
        queue.push(start(&sandbox, &function, json!({})));
        tokio::task::yield_now().await;
    }
    sandbox.retire(&function.spec);
    release(&function, "a");
    let worker = good(&running.await.unwrap());
    for waiting in queue {
        assert_eq!(good(&waiting.await.unwrap()), worker);
    }
    until("the worker ends", || !is_alive(worker.as_i64().unwrap())).await;
    for _ in 0..2 {
        let late = pid(&sandbox, &function).await;
        until("the late one's worker ends", || !is_alive(late)).await;
    }
}

#[tokio::test]
async fn an_idle_worker_ends_after_its_grace() {
    let sandbox = with(|settings| settings.idle_grace = Duration::from_millis(100));
    let function = Function::open(WAITS);
    for _ in 0..2 {
        let worker = pid(&sandbox, &function).await;
        until("the idle worker ends", || !is_alive(worker)).await;
    }
}

#[tokio::test]
async fn a_worker_that_dies_while_idle_fails_no_event() {
    let (sandbox, function) = (open_sandbox(), Function::open(WAITS));
    let mut last = pid(&sandbox, &function).await;
    for notice in [true, false, true, false] {
        let victim = rustix::process::Pid::from_raw(i32::try_from(last).unwrap()).unwrap();
        rustix::process::kill_process(victim, rustix::process::Signal::KILL).unwrap();
        if notice {
            until("the worker is reaped", || !std::fs::exists(format!("/proc/{last}")).unwrap())
                .await;
        } else {
            // Without a pause for the sandbox's tasks, which share this thread.
            while is_alive(last) {}
        }
        let next = pid(&sandbox, &function).await;
        assert_ne!(next, last);
        last = next;
    }
}

#[tokio::test]
async fn a_worker_that_always_ends_after_its_answer_fails_no_event_and_does_not_spin() {
    let function = Function::runtime(
        Kept::Open,
        &runtime_script(
            "
open('starts', 'a').write('x')
id = next_event()[1]
post('invocation/' + id + '/response', b'1')
",
        ),
    );
    let sandbox = open_sandbox();
    for _ in 0..5 {
        good(&invoke(&sandbox, &function, json!({})).await);
    }
    assert_eq!(std::fs::read_to_string(function.path("starts")).unwrap().len(), 5);
}

#[tokio::test]
async fn a_worker_that_never_answers_starts_once_an_event() {
    let function = Function::runtime(Kept::Open, "open('starts', 'a').write('x')");
    let sandbox = open_sandbox();
    for count in 1..4 {
        let outcome = invoke(&sandbox, &function, json!({})).await;
        assert_eq!(common::json_of(&outcome)["errorType"], "Runtime.ExitError");
        assert_eq!(std::fs::read_to_string(function.path("starts")).unwrap().len(), count);
    }
}

/// A runtime client of a few lines, before `script`.
fn runtime_script(script: &str) -> String {
    format!(
        "
import http.client, os, sys
connection = http.client.HTTPConnection(os.environ['AWS_LAMBDA_RUNTIME_API'])
def call(method, path, body=None):
    connection.request(method, '/2018-06-01/runtime/' + path, body)
    response = connection.getresponse()
    return response.status, response.read(), response.headers
def post(path, body): return call('POST', path, body)[:2]
def next_event():
    status, body, headers = call('GET', 'invocation/next')
    return status, headers.get('Lambda-Runtime-Aws-Request-Id'), body, headers
{script}"
    )
}

#[tokio::test]
async fn a_runtime_out_of_step_is_refused_and_can_go_on() {
    let function = Function::runtime(
        Kept::Open,
        &runtime_script(
            "
import json
seen = [post('invocation/nobody/response', b'1')[0]]
status, id, body, headers = next_event()
seen += [post('init/error', b'{}')[0], post('invocation/nobody/error', b'{}')[0]]
seen += [next_event()[0], call('GET', 'nonsense')[0], call('GET', '/elsewhere')[0]]
text = json.loads(post('invocation/nobody/response', b'x' * 10_000_000)[1])
answer = json.dumps([status, headers['Content-Type'], json.loads(body), seen, text]).encode()
post('invocation/' + id + '/response', answer)
next_event()
",
        ),
    );
    let text = json!({"errorMessage": "Invalid request ID", "errorType": "InvalidRequestID"});
    let want = json!([200, "application/json", {"a": 1}, [400, 403, 400, 403, 404, 404], text]);
    assert_eq!(good(&invoke(&sandbox(), &function, json!({"a": 1})).await), want);
}

#[tokio::test]
async fn a_program_that_cannot_run_is_the_hosts_failure() {
    for (kept, sandbox) in [(Kept::Jailed, sandbox()), (Kept::Open, open_sandbox())] {
        let no_program = Function::kept(kept, "", |spec| {
            spec.runtime.program = Program::Host("/nonexistent".into());
        });
        let no_folder = Function::kept(kept, "", |spec| spec.code_dir = "/nonexistent".into());
        let nul = Function::kept(kept, "", |spec| spec.environment.push(("A".into(), "\0".into())));
        let folder = if kept == Kept::Jailed { "open_tree(/nonexistent)" } else { "chdir" };
        for (function, want) in [
            (&no_program, "a new worker failed at `execve(/nonexistent)`"),
            (&no_folder, &format!("a new worker failed at `{folder}`")),
            (&nul, "a worker's program, arguments and environment must not hold a NUL byte"),
        ] {
            let error = try_invoke(&sandbox, function, json!({})).await.unwrap_err();
            assert_eq!(std::error::Error::source(&error).unwrap().to_string(), want);
        }
    }
}

#[tokio::test]
async fn shutdown_lets_events_finish_and_leaves_no_process() {
    let (sandbox, function) = (open_sandbox(), Arc::new(Function::open(WAITS)));
    let running = waiting(&sandbox, &function, "a").await;
    let idle = pid(&sandbox, &function).await;
    let shutdown = {
        let sandbox = sandbox.clone();
        tokio::spawn(async move { sandbox.shutdown(Duration::from_secs(60)).await })
    };
    loop {
        match try_invoke(&sandbox, &function, json!({})).await {
            Err(InvokeError::ShuttingDown) => break,
            other => drop(other.unwrap()),
        }
    }
    assert!(!shutdown.is_finished());
    release(&function, "a");
    let worker = good(&running.await.unwrap()).as_i64().unwrap();
    shutdown.await.unwrap();
    assert!(!is_alive(idle) && !is_alive(worker));
}

#[tokio::test]
async fn shutdown_ends_what_does_not_finish_within_the_grace() {
    let function = Arc::new(Function::open(
        "
import os, signal, subprocess
def handler(event, context):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen(['sleep', '600'])
    with open('pids.new', 'w') as pids: pids.write(f'{os.getpid()} {child.pid}')
    os.rename('pids.new', 'pids')
    while True: signal.pause()
",
    ));
    let sandbox = with(|settings| settings.workers_max = 1);
    let running = {
        let (sandbox, function) = (sandbox.clone(), Arc::clone(&function));
        tokio::spawn(async move { try_invoke(&sandbox, &function, json!({})).await })
    };
    until("the event runs", || function.path("pids").exists()).await;
    let queued = {
        let (sandbox, function) = (sandbox.clone(), Arc::clone(&function));
        tokio::spawn(async move { try_invoke(&sandbox, &function, json!({})).await })
    };
    tokio::task::yield_now().await;
    sandbox.shutdown(Duration::ZERO).await;
    for event in [running, queued] {
        let ended = event.await.unwrap();
        assert!(matches!(ended, Err(InvokeError::ShuttingDown)), "{ended:?}");
    }
    for pid in std::fs::read_to_string(function.path("pids")).unwrap().split(' ') {
        let pid = pid.parse().unwrap();
        until("the process ends", || !is_alive(pid)).await;
    }
}

#[tokio::test]
async fn dropping_the_last_handle_ends_idle_workers() {
    let (sandbox, function) = (open_sandbox(), Function::open(WAITS));
    let worker = pid(&sandbox, &function).await;
    drop(sandbox);
    until("the worker ends", || !is_alive(worker)).await;
}

/// Says that this process is the other half of `workers_end_with_a_server_that_is_killed`.
const KILLED_SERVER: &str = "SANDBOX_TEST_KILLED_SERVER";

/// Not a test of its own: the server of the next one, in another process.
#[tokio::test]
async fn server_that_is_killed() {
    if std::env::var_os(KILLED_SERVER).is_none() {
        return;
    }
    let (sandbox, function) = (open_sandbox(), Arc::new(Function::open(WAITS)));
    let _running = waiting(&sandbox, &function, "never").await;
    println!("worker {}", pid(&sandbox, &function).await);
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn workers_end_with_a_server_that_is_killed() {
    use std::io::{BufRead, BufReader};
    let this = std::env::current_exe().unwrap();
    let arguments = ["--exact", "workers::server_that_is_killed", "--nocapture"];
    let mut server = Command::new(this)
        .args(arguments)
        .env(KILLED_SERVER, "")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let words =
        |line: String| line.split_once("worker ").map(|(_, pid)| pid.parse::<i64>().unwrap());
    let idle = lines.map_while(Result::ok).find_map(words).unwrap();
    // The spawner, two keepers and their workers.
    let mut processes = children_of(i64::from(server.id()));
    for _ in 0..2 {
        processes.extend(processes.clone().into_iter().flat_map(children_of));
        processes.sort_unstable();
        processes.dedup();
    }
    assert!(processes.contains(&idle) && processes.len() == 5, "{processes:?}");
    server.kill().unwrap();
    server.wait().unwrap();
    for process in processes {
        until("the process ends", || !is_alive(process)).await;
    }
}

fn children_of(parent: i64) -> Vec<i64> {
    let tasks = std::fs::read_dir(format!("/proc/{parent}/task")).unwrap();
    let children = tasks.map(|task| task.unwrap().path().join("children"));
    let children = children.map(|file| std::fs::read_to_string(file).unwrap());
    children
        .flat_map(|list| {
            list.split_whitespace().map(|pid| pid.parse().unwrap()).collect::<Vec<_>>()
        })
        .collect()
}
