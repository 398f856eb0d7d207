//! Workers that are forked from a zygote: as those that are started, but sooner.

use crate::common::{
    Function, forking_sandbox, good, invoke, is_alive, json_of, sandbox, tail, try_invoke, until,
};
use crate::jail::LOOK;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::time::Duration;

/// Everything of a worker that its start decides, but for what each worker has of its own.
const LOOK_MORE: &str = r"
import os, sys, signal, locale, resource, logging
def more(event, context):
    found = look(event, context)
    del found['environment'], found['parent death signal']
    status = dict(line.rstrip('\n').split(':\t', 1) for line in open('/proc/self/status') if ':\t' in line)
    names = ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb', 'Seccomp', 'Groups', 'Umask', 'SigIgn', 'SigCgt']
    limits = [name for name in dir(resource) if name.startswith('RLIMIT_')]
    return found, dict(
        variables=sorted(os.environ.items()), path=sys.path, arguments=sys.argv, executable=sys.executable,
        encoding=[sys.stdout.encoding, sys.getfilesystemencoding(), locale.getpreferredencoding()],
        status={name: status[name].strip() for name in names},
        limits={name: resource.getrlimit(getattr(resource, name)) for name in limits},
        levels=[logging.getLogger().level, len(logging.getLogger().handlers)],
        files=[os.path.exists('/proc/self/mem'), os.access('/proc/self/fd', os.R_OK), os.listdir('/tmp')],
    )
handler = more
";

#[tokio::test]
async fn a_forked_worker_is_as_one_that_was_started() {
    let source = format!("{LOOK}{LOOK_MORE}");
    let forking = forking_sandbox().await;
    for user in [
        &[][..],
        &[("MINE", "1"), ("PYTHONPATH", "/var/task/lib:/var/runtime"), ("TZ", "Asia/Tokyo")],
    ] {
        let change = |spec: &mut portcullis_sandbox::WorkerSpec| {
            for (name, value) in user {
                spec.environment.retain(|(other, _)| other != name);
                spec.environment.push(((*name).to_owned(), (*value).to_owned()));
            }
        };
        let started = good(&invoke(&sandbox(), &Function::with(&source, change), json!({})).await);
        let forked = good(&invoke(&forking, &Function::forked(&source, change), json!({})).await);
        assert_eq!(forked, started, "{user:?}");
    }
}

#[tokio::test]
async fn a_forked_worker_that_ends_at_once_is_told_as_such() {
    let sandbox = forking_sandbox().await;
    for _ in 0..40 {
        let function = Function::forked("import os; os._exit(3)", |_| {});
        let outcome = invoke(&sandbox, &function, json!({})).await;
        let told = json_of(&outcome);
        assert!(told["errorMessage"].as_str().unwrap().ends_with("exit status 3"), "{told}");
    }
}

const PARENT: &str = "import os\ndef handler(event, context): return os.getppid()";

#[tokio::test]
async fn what_is_read_at_the_start_makes_a_usual_start() {
    let sandbox = forking_sandbox().await;
    for (name, value, forked) in [
        ("MINE", "1", true),
        ("PYTHONHASHSEED", "0", false),
        ("LD_PRELOAD", "", false),
        ("LD_LIBRARY_PATH", "/opt/lib", false),
        ("LANG", "C", false),
        ("LC_ALL", "C.UTF-8", false),
        ("PYTHONPATH", "/opt/python:/var/runtime", true),
    ] {
        let function = Function::forked(PARENT, |spec| {
            spec.environment.retain(|(other, _)| other != name);
            spec.environment.push((name.to_owned(), value.to_owned()));
        });
        let parent = good(&invoke(&sandbox, &function, json!({})).await);
        assert_eq!(parent, json!(if forked { 0 } else { 1 }), "{name}");
    }
}

#[tokio::test]
async fn forked_workers_share_no_randomness() {
    let function = || {
        Function::forked(
            "import random, uuid, os, secrets, ssl, tempfile\n\
             def handler(event, context):\n\
             \x20   return [random.random(), str(uuid.uuid4()), secrets.token_hex(8), os.urandom(8).hex(),\n\
             \x20       ssl.RAND_bytes(8).hex(), next(tempfile._get_candidate_names())]",
            |_| {},
        )
    };
    let sandbox = forking_sandbox().await;
    let one = good(&invoke(&sandbox, &function(), json!({})).await);
    let other = good(&invoke(&sandbox, &function(), json!({})).await);
    for (one, other) in one.as_array().unwrap().iter().zip(other.as_array().unwrap()) {
        assert_ne!(one, other);
    }
}

/// Looks for text in all of a worker's own memory. The text comes backwards, so that looking for it
/// does not put it there.
const SEARCH: &str = r"
import os
def handler(event, context):
    found = 0
    with open('/proc/self/maps') as maps, open('/proc/self/mem', 'rb', 0) as memory:
        for line in maps:
            begin, end = (int(number, 16) for number in line.split()[0].split('-'))
            if line.split()[1].startswith('r') and '[v' not in line:
                memory.seek(begin)
                backwards = memory.read(end - begin)[::-1]
                found += backwards.count(event.encode())
    return [os.getppid(), found > 0]
";

#[tokio::test]
async fn a_forked_worker_finds_nothing_of_another_in_its_memory() {
    let sandbox = forking_sandbox().await;
    let with_secret = || {
        // Many of many sizes: memory that is used again for the next worker may hide a few.
        Function::forked(SEARCH, |spec| {
            for number in 0..64 {
                let value = format!("ytfihsuoicilam-3141592653{}", "x".repeat(8 * number));
                spec.environment.push((format!("SECRET{number}"), value));
            }
        })
    };
    let backwards = json!("3562951413-malicioushifty");
    let own = with_secret();
    assert_eq!(good(&invoke(&sandbox, &own, backwards.clone()).await), json!([0, true]));
    for _ in 0..5 {
        invoke(&sandbox, &with_secret(), json!("")).await;
        let other = Function::forked(SEARCH, |_| {});
        assert_eq!(good(&invoke(&sandbox, &other, backwards.clone()).await), json!([0, false]));
    }
}

#[tokio::test]
#[rustfmt::skip]
async fn a_forked_worker_ends_as_one_that_was_started() {
    let sandbox = forking_sandbox().await;
    let in_handler = |end: &str| format!("import os, sys, signal, time\ndef handler(event, context): {end}");
    for (source, message) in [
        (in_handler("os._exit(3)"),                          "exit status 3"),
        (in_handler("sys.exit(4)"),                          "exit status 4"),
        (in_handler("os.kill(os.getpid(), signal.SIGKILL)"), "signal: killed"),
        (in_handler("os.kill(os.getpid(), signal.SIGSEGV)"), "signal: segmentation fault"),
        (in_handler("os.abort()"),                           "signal: aborted"),
        (in_handler("time.sleep(60)"),                       "Task timed out after 1.00 seconds"),
        ("import os; os._exit(5)".to_owned(),                "exit status 5"),
        ("import nonexistent".to_owned(),                    "Unable to import module 'index'"),
    ] {
        let function = Function::forked(&source, |spec| spec.timeout = Duration::from_secs(1));
        let outcome = invoke(&sandbox, &function, json!({})).await;
        let text = json_of(&outcome)["errorMessage"].as_str().unwrap().to_owned();
        assert!(text.contains(message), "{source}: {text}");
    }
}

#[tokio::test]
async fn a_forked_worker_logs_as_configured() {
    let function = Function::forked(
        "import logging\ndef handler(event, context): logging.getLogger().error('trouble')",
        |spec| {
            for (name, value) in
                [("AWS_LAMBDA_LOG_FORMAT", "JSON"), ("AWS_LAMBDA_LOG_LEVEL", "INFO")]
            {
                spec.environment.push((name.to_owned(), value.to_owned()));
            }
        },
    );
    let log = tail(&invoke(&forking_sandbox().await, &function, json!({})).await);
    let line = log.lines().find(|line| line.contains("trouble")).unwrap();
    let line: Value = serde_json::from_str(line).unwrap();
    assert_eq!((&line["level"], &line["message"]), (&json!("ERROR"), &json!("trouble")));
}

/// The processes below this one that are zygotes.
fn zygotes() -> Vec<i64> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<i64>().ok());
    let is_ours = |pid: &i64| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let parent = stat.rsplit(')').next().unwrap_or_default().split_whitespace().nth(1);
        let parent = parent.unwrap_or_default();
        let of = |pid: &str, file: &str| std::fs::read_to_string(format!("/proc/{pid}/{file}"));
        of(&pid.to_string(), "cmdline").is_ok_and(|line| line.contains("A zygote:"))
            && of(parent, "cmdline").is_ok_and(|line| line.contains("__spawner"))
            && of(parent, "stat").is_ok_and(|stat| {
                stat.rsplit(')').next().unwrap().split_whitespace().nth(1).unwrap()
                    == std::process::id().to_string()
            })
    };
    pids.filter(is_ours).collect()
}

/// Alone in its process: other tests have zygotes, too. Not a test of its own.
#[tokio::test]
async fn zygote_that_hangs_and_is_killed() {
    if std::env::var_os("SANDBOX_TEST_KILLED_ZYGOTE").is_none() {
        return;
    }
    let (sandbox, function) = (forking_sandbox().await, Function::forked(PARENT, |_| {}));
    assert_eq!(good(&invoke(&sandbox, &function, json!({})).await), json!(0));
    let zygote = zygotes();
    assert_eq!(zygote.len(), 1);
    let pid = Pid::from_raw(i32::try_from(zygote[0]).unwrap()).unwrap();
    // While it does not answer, workers start without it; what it was asked for it lets be.
    kill_process(pid, Signal::STOP).unwrap();
    let parent = good(&invoke(&sandbox, &Function::forked(PARENT, |_| {}), json!({})).await);
    assert_eq!(parent, json!(1));
    kill_process(pid, Signal::CONT).unwrap();
    let again = Function::forked(PARENT, |_| {});
    assert_eq!(good(&invoke(&sandbox, &again, json!({})).await), json!(0));
    kill_process(pid, Signal::KILL).unwrap();
    until("the zygote ends", || !is_alive(zygote[0])).await;
    // Its worker goes on, and can be ended.
    assert_eq!(good(&invoke(&sandbox, &function, json!({})).await), json!(0));
    sandbox.retire(&function.spec);
    // Others are started, and forked again once there is another zygote.
    let begin = std::time::Instant::now();
    while good(&invoke(&sandbox, &Function::forked(PARENT, |_| {}), json!({})).await) != json!(0) {
        assert!(begin.elapsed() < Duration::from_secs(60));
    }
    assert_ne!(zygotes(), zygote);
    let exits = Function::forked("import os\ndef handler(e, c): os._exit(3)", |_| {});
    let outcome = try_invoke(&sandbox, &exits, json!({})).await.unwrap();
    assert!(json_of(&outcome)["errorMessage"].as_str().unwrap().contains("exit status 3"));
    sandbox.shutdown(Duration::ZERO).await;
    assert_eq!(zygotes(), Vec::<i64>::new());
    println!("done");
}

#[tokio::test]
async fn a_zygote_that_hangs_is_not_waited_for_and_one_that_is_killed_is_replaced() {
    let this = std::env::current_exe().unwrap();
    let arguments = ["--exact", "zygotes::zygote_that_hangs_and_is_killed", "--nocapture"];
    let run = std::process::Command::new(this)
        .args(arguments)
        .env("SANDBOX_TEST_KILLED_ZYGOTE", "")
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(run.status.success() && output.contains("done"), "{output}");
}
