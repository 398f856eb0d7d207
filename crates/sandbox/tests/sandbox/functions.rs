//! What a caller sees of a Python function that runs on AWS's own runtime client.

use crate::common::{
    self, Function, Kept, REQUEST_ID, event, good, invoke, json_of, open_sandbox, sandbox, tail,
};
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn an_event_goes_in_and_its_answer_comes_out() {
    let (sandbox, echo) = (sandbox(), Function::new("def handler(event, context): return event"));
    for payload in [json!({"a": [1, "é😀", null]}), json!(null), json!("x"), json!({})] {
        assert_eq!(good(&invoke(&sandbox, &echo, payload.clone()).await), payload);
    }
}

#[tokio::test]
async fn the_context_is_that_of_the_event() {
    let function = Function::with(
        "import os\n\
         def handler(event, context):\n\
         \x20   return [context.aws_request_id, context.invoked_function_arn, context.function_name,\n\
         \x20       context.function_version, context.memory_limit_in_mb, context.log_group_name,\n\
         \x20       context.client_context.custom, 2000 < context.get_remaining_time_in_millis() <= 3000,\n\
         \x20       os.environ['_X_AMZN_TRACE_ID'], os.getcwd() == os.environ['LAMBDA_TASK_ROOT']]",
        |spec| spec.timeout = Duration::from_secs(3),
    );
    let mut event = event(&json!({}));
    event.client_context = Some("{\n\"custom\": {\"name\": \"é😀\"}}".to_owned());
    let (arn, trace) = (event.invoked_function_arn.clone(), event.trace_id.clone());
    let outcome = sandbox().invoke(&function.spec, event).await.unwrap();
    let want = json!([
        REQUEST_ID, arn, "f", "$LATEST", "128", "/aws/lambda/f", {"name": "é😀"}, true, trace, true
    ]);
    assert_eq!(good(&outcome), want);
}

#[tokio::test]
async fn a_warm_worker_is_reused_and_only_its_first_report_tells_the_start() {
    let function = Function::new(
        "import os\nprint('starting')\ndef handler(event, context):\n    print('hello')\n    return os.getpid()",
    );
    let sandbox = sandbox();
    let first = invoke(&sandbox, &function, json!({})).await;
    let second = invoke(&sandbox, &function, json!({})).await;
    assert_eq!(good(&first), good(&second));
    let log = |init: &str| {
        format!(
            "START RequestId: {REQUEST_ID} Version: $LATEST\nhello\nEND RequestId: {REQUEST_ID}\n\
             REPORT RequestId: {REQUEST_ID}\tDuration: N ms\tBilled Duration: N ms\t\
             Memory Size: N MB\tMax Memory Used: N MB\t{init}\n"
        )
    };
    assert_eq!(
        without_numbers(&tail(&first)),
        format!("starting\n{}", log("Init Duration: N ms\t"))
    );
    assert_eq!(without_numbers(&tail(&second)), log(""));
}

/// Each number that stands before a unit becomes N.
/// However soon it was found, there is a report of it.
#[tokio::test]
async fn a_worker_too_large_from_its_start_tells_its_first_event() {
    let sandbox = sandbox();
    if sandbox.confinement().to_string().contains("`memory` controller") {
        eprintln!("skipped: without control groups memory is limited a process");
        return;
    }
    // Most of it before, so that the start seldom takes long enough beyond the limit to be looked at.
    let source = "X, Y = bytearray(90 << 20), bytearray(48 << 20)\nimport time\n\
                  def handler(event, context): time.sleep(60)";
    for start in 0..4 {
        let function = Function::new(source);
        let outcome = invoke(&sandbox, &function, json!({})).await;
        assert_eq!(json_of(&outcome)["errorType"], "Runtime.ExitError");
        let log = tail(&outcome);
        for want in ["START RequestId: ", "REPORT RequestId: ", "Error Type: Runtime.OutOfMemory"] {
            assert!(log.contains(want), "{start}: no {want} in {log}");
        }
    }
}

fn without_numbers(text: &str) -> String {
    let is_number = |text: &str| text.parse::<f64>().is_ok_and(|number| number > 0.0);
    let words = text.split_inclusive([' ', '\t', '\n']);
    words.map(|word| if is_number(word.trim_end()) { "N " } else { word }).collect()
}

#[tokio::test]
async fn without_log_tail_there_is_none() {
    let function = Function::new("def handler(event, context): return 1");
    let mut event = event(&json!({}));
    event.log_tail = false;
    assert_eq!(sandbox().invoke(&function.spec, event).await.unwrap().log_tail, None);
}

/// Runs `source` once; the failure's type, message and request id.
async fn failure(source: &str) -> (Value, String) {
    let function = Function::with(source, |spec| spec.timeout = Duration::from_secs(1));
    let outcome = invoke(&sandbox(), &function, json!({})).await;
    assert_eq!(outcome.function_error, Some("Unhandled"), "{source}");
    let log = tail(&outcome);
    assert!(log.contains(&format!("START RequestId: {REQUEST_ID} Version: $LATEST\n")), "{log}");
    assert!(log.contains(&format!("\nEND RequestId: {REQUEST_ID}\nREPORT ")), "{log}");
    (json_of(&outcome), log)
}

/// The log of a start that failed: what was printed, that it failed, and only then its event.
#[track_caller]
fn check_failed_start(log: &str, printed: &str, error_type: &str) {
    let (start, event) = log.split_once("INIT_REPORT Init Duration: ").unwrap();
    assert!(start.contains(printed), "{log}");
    let (line, event) = event.split_once('\n').unwrap();
    let told = format!("Status: error\tError Type: {error_type}\t");
    assert!(line.ends_with(&format!(" ms\tPhase: init\t{told}")), "{log}");
    assert!(event.starts_with("START RequestId: "), "{log}");
    assert!(event.ends_with(&format!("\t{told}\n")) && !event.contains("Init Duration"), "{log}");
}

#[track_caller]
fn check(failure: &Value, error_type: &str, message: &str, request_id: Option<&str>) {
    assert_eq!(failure["errorType"], error_type, "{failure}");
    let text = failure["errorMessage"].as_str().unwrap();
    assert!(text.starts_with(message), "{text} does not start with {message}");
    assert_eq!(failure.get("requestId").and_then(Value::as_str), request_id, "{failure}");
}

#[tokio::test]
async fn exceptions_are_described_by_the_runtime() {
    let (failure, log) = failure("def handler(event, context): raise ValueError('no')").await;
    check(&failure, "ValueError", "no", Some(REQUEST_ID));
    assert!(failure["stackTrace"][0].as_str().unwrap().contains("index.py"));
    assert!(log.contains("[ERROR] ValueError: no"), "{log}");
}

#[tokio::test]
#[rustfmt::skip]
async fn a_module_that_cannot_be_imported_has_an_empty_request_id() {
    check(&failure("raise ValueError('no')").await.0,   "ValueError",                "no",                                        Some(""));
    check(&failure("import nonexistent").await.0,       "Runtime.ImportModuleError", "Unable to import module 'index': No module", Some(""));
    check(&failure("def handler(").await.0,             "Runtime.UserCodeSyntaxError", "Syntax error in module 'index'",          Some(""));
    check(&failure("handle = 1").await.0,               "Runtime.HandlerNotFound",   "Handler 'handler' missing on module 'index'", Some(""));
    let (_, log) = failure("print('before')\nraise ValueError('no')").await;
    check_failed_start(&log, "before\n", "Runtime.Unknown");
    check_failed_start(&log, "[ERROR] ValueError: no", "Runtime.Unknown");
    let (_, log) = failure("import nonexistent").await;
    check_failed_start(&log, "[ERROR] Runtime.ImportModuleError: ", "Runtime.ImportModuleError");
}

#[tokio::test]
#[rustfmt::skip]
async fn an_end_without_an_answer_is_told_as_on_aws() {
    let text = |what: &str| format!("RequestId: {REQUEST_ID} Error: Runtime exited {what}");
    let in_handler = |end: &str| format!("import os, sys, signal\ndef handler(event, context): os.write(1, b'last words'), {end}");
    let at_import = |end: &str| format!("import os\nos.write(1, b'last words')\nimport sys, signal\n{end}");
    for (place, between) in [(&in_handler as &dyn Fn(&str) -> String, ""), (&at_import, "INIT_REPORT ")] {
        for (end, what) in [
            ("os._exit(0)",                          "without providing a reason"),
            ("os._exit(3)",                          "with error: exit status 3"),
            ("os.kill(os.getpid(), signal.SIGKILL)", "with error: signal: killed"),
            ("os.kill(os.getpid(), signal.SIGSEGV)", "with error: signal: segmentation fault"),
        ] {
            let (failure, log) = failure(&place(end)).await;
            check(&failure, "Runtime.ExitError", &text(what), None);
            let told = format!("\n{}\nRuntime.ExitError\nEND RequestId: {REQUEST_ID}\n", text(what));
            assert!(log.contains(&told), "{log}");
            assert!(log.contains(&format!("last words\n{between}")), "{log}");
            assert!(log.ends_with("\tStatus: error\tError Type: Runtime.ExitError\t\n"), "{log}");
        }
    }
    check(&failure(&in_handler("sys.exit(0)")).await.0, "Runtime.ExitError", &text("without providing a reason"), None);
}

#[tokio::test]
async fn an_event_that_takes_too_long_ends_with_its_worker() {
    let function = Function::kept(
        Kept::Open,
        "import os, subprocess, time\n\
         def handler(event, context):\n\
         \x20   if event: return os.getpid()\n\
         \x20   child = subprocess.Popen(['sleep', '600'])\n\
         \x20   print(os.getpid(), child.pid)\n\
         \x20   time.sleep(600)",
        |spec| spec.timeout = Duration::from_secs(1),
    );
    let sandbox = open_sandbox();
    let outcome = invoke(&sandbox, &function, json!({})).await;
    let text = format!("RequestId: {REQUEST_ID} Error: Task timed out after 1.00 seconds");
    assert_eq!(json_of(&outcome), json!({"errorType": "Sandbox.Timedout", "errorMessage": text}));
    let log = tail(&outcome);
    let pids: Vec<i64> =
        log.lines().nth(1).unwrap().split(' ').map(|pid| pid.parse().unwrap()).collect();
    let told = format!(
        "Z {REQUEST_ID} Task timed out after 1.00 seconds\n\nEND RequestId: {REQUEST_ID}\n"
    );
    assert!(log.contains(&told) && log.ends_with("\tStatus: timeout\t\n"), "{log}");
    for pid in &pids {
        common::until("the worker's processes end", || !common::is_alive(*pid)).await;
    }
    let next = good(&invoke(&sandbox, &function, json!({"fast": true})).await);
    assert_ne!(next, json!(pids[0]));
}

#[tokio::test]
async fn the_start_does_not_count_against_the_time_out() {
    let function = Function::with(
        "import time\ntime.sleep(1.5)\ndef handler(event, context): return 1",
        |spec| spec.timeout = Duration::from_secs(1),
    );
    assert_eq!(good(&invoke(&sandbox(), &function, json!({})).await), json!(1));
}

#[tokio::test]
async fn an_answer_over_the_limit_fails_and_the_worker_goes_on() {
    let function = Function::new(
        "import os\ndef handler(event, context): return 'a' * event if event else os.getpid()",
    );
    let sandbox = sandbox();
    let pid = good(&invoke(&sandbox, &function, json!(0)).await);
    let outcome = invoke(&sandbox, &function, json!(6_291_556 - 2)).await;
    assert_eq!(outcome.payload.len(), 6_291_556);
    assert_eq!(outcome.function_error, None);
    for length in [6_291_556 - 1, 20_000_000] {
        let outcome = invoke(&sandbox, &function, json!(length)).await;
        check(&json_of(&outcome), "Function.ResponseSizeTooLarge", "Response payload size", None);
    }
    assert_eq!(good(&invoke(&sandbox, &function, json!(0)).await), pid);
}

#[tokio::test]
async fn any_amount_of_output_passes_and_its_end_is_kept() {
    let function = Function::new(
        "def handler(event, context):\n\
         \x20   for n in range(1000): print('x' * 100_000)\n\
         \x20   print('the end')",
    );
    let log = tail(&invoke(&sandbox(), &function, json!({})).await);
    assert_eq!(log.len(), 4096);
    assert!(log.starts_with("xxx"));
    assert!(log.contains(&format!("x\nthe end\nEND RequestId: {REQUEST_ID}\nREPORT ")), "{log}");
}

#[tokio::test]
async fn output_belongs_to_its_event() {
    let function = Function::new("def handler(event, context): print(event, flush=True)");
    let sandbox = sandbox();
    for number in 0..200 {
        let log = tail(&invoke(&sandbox, &function, json!(number)).await);
        assert_eq!(log.lines().nth(1), Some(number.to_string().as_str()), "{log}");
        assert_eq!(log.lines().count(), 4, "{log}");
    }
}

#[tokio::test]
async fn a_start_that_takes_too_long_is_tried_once_more_within_the_event() {
    let limit = Duration::from_millis(1500); // Enough for the interpreter to begin.
    let settings = || portcullis_sandbox::Settings { init_limit: limit, ..common::open_settings() };
    let slow = |seconds: &str, timeout: u64| {
        let source = format!(
            "import time\nopen('starts', 'a').write('x')\ntime.sleep({seconds})\n\
             def handler(event, context): time.sleep(event.get('seconds', 0))"
        );
        Function::kept(Kept::Open, &source, |spec| spec.timeout = Duration::from_secs(timeout))
    };
    for (seconds, timeout, succeeds) in [("1.6", 20, true), ("60", 1, false)] {
        let function = slow(seconds, timeout);
        let sandbox = portcullis_sandbox::Sandbox::new(settings()).unwrap();
        let outcome = invoke(&sandbox, &function, json!({})).await;
        assert_eq!(outcome.function_error.is_none(), succeeds, "{:?}", outcome.payload);
        if !succeeds {
            check(
                &json_of(&outcome),
                "Sandbox.Timedout",
                &format!("RequestId: {REQUEST_ID}"),
                None,
            );
            let log = tail(&outcome);
            let line = log.lines().next().unwrap();
            assert!(
                line.starts_with("INIT_REPORT ")
                    && line.ends_with("\tPhase: invoke\tStatus: timeout\t")
            );
            assert!(log.contains(" Task timed out after 1.00 seconds\n\nEND "), "{log}");
        }
        assert_eq!(std::fs::read_to_string(function.path("starts")).unwrap(), "xx");
        // The second start is in the event's duration, and told nowhere else.
        let log = tail(&outcome);
        let report = log.rsplit_once("REPORT ").unwrap().1;
        let took = report.split_once("Duration: ").unwrap().1.split_once(" ms").unwrap().0;
        assert!(took.parse::<f64>().unwrap() >= 1000.0, "{log}");
        assert!(!report.contains("Init Duration"), "{log}");
    }
    // The start and the handler are within the time, but not both.
    let (function, sandbox) =
        (slow("1.6", 3), portcullis_sandbox::Sandbox::new(settings()).unwrap());
    let outcome = invoke(&sandbox, &function, json!({"seconds": 2.5})).await;
    let text = format!("RequestId: {REQUEST_ID} Error: Task timed out after 3.00 seconds");
    check(&json_of(&outcome), "Sandbox.Timedout", &text, None);
    assert_eq!(
        good(&invoke(&sandbox, &slow("0.1", 30), json!({"seconds": 1.5})).await),
        json!(null)
    );
}
