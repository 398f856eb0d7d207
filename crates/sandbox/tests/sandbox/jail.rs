//! What a worker finds around itself: nothing of the server.

use std::fs::File;

use crate::common::{Function, good, invoke, sandbox};
use rustix::io::FdFlags;
use serde_json::{Value, json};

/// Everything that a process can tell about itself, before and after its first import.
pub(crate) const LOOK: &str = r"
import ctypes, os, resource
def look(event, context):
    status = dict(line.split(':\t', 1) for line in open('/proc/self/status'))
    signal = ctypes.c_int()
    ctypes.CDLL(None).prctl(2, ctypes.byref(signal), 0, 0, 0)
    fds = {}
    for fd in range(1024):
        try: fds[fd] = os.readlink(f'/proc/self/fd/{fd}')
        except FileNotFoundError: pass
    return {
        'environment': sorted(filter(None, open('/proc/self/environ').read().split('\0'))),
        'fds': {fd: target.split(':')[0] for fd, target in fds.items()},
        'pid': os.getpid(), 'group': os.getpgrp(), 'session': os.getsid(0),
        'folder': os.getcwd(),
        'no new privileges': status['NoNewPrivs'].strip(),
        'blocked signals': int(status['SigBlk'], 16),
        'parent death signal': signal.value,
        'core': resource.getrlimit(resource.RLIMIT_CORE),
        'files': resource.getrlimit(resource.RLIMIT_NOFILE),
    }
handler = look
";

async fn look(function: &Function) -> Value {
    good(&invoke(&sandbox(), function, json!({})).await)
}

#[tokio::test]
async fn a_worker_has_exactly_the_environment_of_its_spec() {
    let function = Function::with(LOOK, |spec| {
        spec.environment.push(("EMPTY".to_owned(), String::new()));
        spec.environment.push(("EQUALS".to_owned(), "a=b\nc".to_owned()));
    });
    let found = look(&function).await;
    let mut want: Vec<_> =
        function.spec.environment.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let found = found["environment"].as_array().unwrap();
    let found: Vec<_> = found.iter().map(|variable| variable.as_str().unwrap()).collect();
    let api = found.iter().find(|variable| variable.starts_with("AWS_LAMBDA_RUNTIME_API="));
    assert!(api.unwrap().starts_with("AWS_LAMBDA_RUNTIME_API=127.0.0.1:"));
    want.push((*api.unwrap()).to_owned());
    want.sort();
    assert_eq!(found, want);
}

#[tokio::test]
async fn a_worker_has_no_descriptor_of_the_server() {
    // As a careless library would: not close-on-exec, at a low and at a high number.
    let secret = File::open("/etc/hostname").unwrap();
    rustix::io::fcntl_setfd(&secret, FdFlags::empty()).unwrap();
    let high = rustix::io::fcntl_dupfd_cloexec(&secret, 500).unwrap();
    rustix::io::fcntl_setfd(&high, FdFlags::empty()).unwrap();
    let found = look(&Function::new(LOOK)).await;
    let fds = found["fds"].as_object().unwrap();
    assert_eq!(fds["0"], "/dev/null");
    assert_eq!((&fds["1"], &fds["2"]), (&json!("pipe"), &json!("pipe")));
    // The runtime client's own connection, and what it opened itself.
    let others: Vec<_> = fds.iter().filter(|(fd, _)| fd.len() > 1 || fd.as_str() > "2").collect();
    assert!(
        others.iter().all(|(_, target)| **target == "socket" || **target == "anon_inode"),
        "{fds:?}"
    );
    assert!(others.len() <= 4, "{fds:?}");
}

#[tokio::test]
async fn a_worker_leads_its_own_session_without_ways_to_more_rights() {
    let function = Function::new(LOOK);
    let found = look(&function).await;
    assert_eq!(found["pid"], found["group"]);
    assert_eq!(found["pid"], found["session"]);
    assert_eq!(found["folder"], "/var/task");
    assert_eq!(found["no new privileges"], "1");
    assert_eq!(found["blocked signals"], 0);
    assert_eq!(found["parent death signal"], 9);
    assert_eq!(found["core"], json!([1, 1]));
    assert_eq!(found["files"], json!([1024, 1024]));
}

#[tokio::test]
async fn code_comes_before_the_runtime_client_and_leaves_no_traces() {
    let function = Function::new(
        "import sys, helper\ndef handler(event, context): return [sys.path[0], helper.__file__]",
    );
    std::fs::write(function.path("helper.py"), "").unwrap();
    let found = good(&invoke(&sandbox(), &function, json!({})).await);
    assert_eq!(found, json!(["/var/task", "/var/task/helper.py"]));
    assert!(!function.path("__pycache__").exists());
}
