//! What Lambda itself writes into a function's log: that an event starts, ends, why it has no answer,
//! and what it took.
//!
//! Source: `[snap]` aws-lambda.md §8.4; of what failed, logs that users of AWS have published, which
//! agree with each other from 2024 on.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Number, Value, json};

use crate::outcome::Fault;

/// How these lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// START, END and REPORT.
    #[default]
    Text,
    /// One JSON object a line, of this level and above.
    Json(SystemLevel),
}

/// The levels of these lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SystemLevel {
    /// That a function has answered, before its report.
    Debug,
    /// The normal course.
    Info,
    /// An event that did not end well.
    Warn,
}

/// How an event ended, for its report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// The function answered.
    Success,
    /// The function said that it failed.
    Failure,
    /// The runtime said that it cannot start: with this type of error.
    Unready(String),
    /// The worker ended, or never began.
    Ended(Fault),
    /// The time was up: this one.
    Timeout(Duration),
}

impl Status {
    /// Whether the worker was ended because it had no more memory.
    pub(crate) fn is_out_of_memory(&self) -> bool {
        matches!(self, Self::Ended(fault) if fault.is_out_of_memory())
    }

    fn word(&self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure | Self::Unready(_) | Self::Ended(_) => "error",
            Self::Timeout(_) => "timeout",
        }
    }

    fn error_type(&self) -> Option<&str> {
        match self {
            Self::Unready(error_type) => Some(error_type),
            Self::Ended(fault) => Some(fault.reported_type),
            Self::Success | Self::Failure | Self::Timeout(_) => None,
        }
    }

    /// The end of a line: told of what did not end by an answer.
    fn told(&self) -> String {
        match (self, self.error_type()) {
            (_, Some(error_type)) => format!("Status: error\tError Type: {error_type}\t"),
            (Self::Timeout(_), None) => "Status: timeout\t".to_owned(),
            (_, None) => String::new(),
        }
    }

    /// Why there is no answer, for whoever reads the log.
    fn reason(&self, request_id: &str) -> String {
        match self {
            Self::Success | Self::Failure | Self::Unready(_) => String::new(),
            Self::Ended(fault) => {
                format!("{}\n{}\n", fault.message(request_id), fault.error_type)
            }
            Self::Timeout(limit) => {
                let (time, seconds) = (time(), limit.as_secs_f64());
                format!("{time} {request_id} Task timed out after {seconds:.2} seconds\n\n")
            }
        }
    }
}

/// When a worker was to start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Before the event that it starts for.
    Init,
    /// Before any event, to be kept ready.
    Provisioned,
    /// Once more, within the event's time.
    Invoke,
}

impl Phase {
    fn word(self) -> &'static str {
        match self {
            Self::Init | Self::Provisioned => "init",
            Self::Invoke => "invoke",
        }
    }

    /// As in the variable `AWS_LAMBDA_INITIALIZATION_TYPE` of such a worker.
    fn initialization(self) -> &'static str {
        match self {
            Self::Init | Self::Invoke => "on-demand",
            Self::Provisioned => "provisioned-concurrency",
        }
    }
}

/// The numbers of an event's report.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    pub(crate) status: Status,
    /// From the event's delivery to its answer.
    pub(crate) duration: Duration,
    /// Configured memory in MiB.
    pub(crate) memory_mb: u32,
    /// Most memory that the worker ever held, in KiB.
    pub(crate) peak_kib: u64,
    /// How long the worker took to start, if it started for this event.
    pub(crate) init: Option<Duration>,
    /// Whether the client left before it had the whole answer, so that no more was taken of it. AWS's
    /// reports have nothing of the kind, as it takes and drops the rest.
    pub(crate) left: bool,
}

impl LogFormat {
    /// The line that an event starts with, if there is one.
    pub(crate) fn start(self, request_id: &str, version: &str) -> String {
        match self {
            Self::Text => format!("START RequestId: {request_id} Version: {version}\n"),
            Self::Json(least) => {
                let record = json!({"requestId": request_id, "version": version});
                platform(least, SystemLevel::Info, "platform.start", &record)
            }
        }
    }

    /// The line about a start that failed.
    pub(crate) fn failed_init(self, phase: Phase, status: &Status, took: Duration) -> String {
        match self {
            Self::Text => {
                let (took, phase, told) = (milliseconds(took), phase.word(), status.told());
                format!("INIT_REPORT Init Duration: {took:.2} ms\tPhase: {phase}\t{told}\n")
            }
            Self::Json(least) => {
                let record = json!({"initializationType": phase.initialization(),
                    "phase": phase.word(), "status": status.word(),
                    "metrics": {"durationMs": rounded(took)}});
                let record = with_error_type(record, status);
                platform(least, SystemLevel::Warn, "platform.initReport", &record)
            }
        }
    }

    /// The lines that an event ends with.
    pub(crate) fn end(self, request_id: &str, report: &Report) -> String {
        match self {
            Self::Text => {
                let (reason, line) = (report.status.reason(request_id), report.line(request_id));
                let left = report.told_left(request_id);
                format!("{left}{reason}END RequestId: {request_id}\n{line}")
            }
            Self::Json(least) => {
                let well = report.status == Status::Success;
                let (done, told) = match well {
                    true => (SystemLevel::Debug, SystemLevel::Info),
                    false => (SystemLevel::Warn, SystemLevel::Warn),
                };
                let mut lines =
                    platform(least, done, "platform.runtimeDone", &report.done(request_id));
                lines += &platform(least, told, "platform.report", &report.record(request_id));
                lines
            }
        }
    }
}

/// One object, or nothing if it is not wanted. The levels: AWS Lambda developer guide, "System log
/// level event mapping".
fn platform(least: SystemLevel, level: SystemLevel, kind: &str, record: &Value) -> String {
    if level < least {
        return String::new();
    }
    format!("{}\n", json!({"time": time(), "type": kind, "record": record}))
}

/// Now, as Lambda writes it.
fn time() -> String {
    Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// `errorType` is a member of records about what failed by one.
fn with_error_type(mut record: Value, status: &Status) -> Value {
    if let (Some(error_type), Some(members)) = (status.error_type(), record.as_object_mut()) {
        members.insert("errorType".to_owned(), error_type.into());
    }
    record
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// Milliseconds with three digits after the point at most.
fn rounded(duration: Duration) -> Value {
    let rounded = (milliseconds(duration) * 1000.0).round() / 1000.0;
    Number::from_f64(rounded).map_or(Value::Null, Value::Number)
}

impl Report {
    /// No more than the function may take. Source: as above.
    fn billed_ms(&self) -> u128 {
        let billed = match self.status {
            Status::Timeout(limit) => self.duration.min(limit),
            _ => self.duration,
        };
        billed.as_micros().div_ceil(1000)
    }

    fn peak_mb(&self) -> u64 {
        self.peak_kib.div_ceil(1024)
    }

    /// `[snap]` aws-lambda.md §8.4: the tabs are real, the last one too.
    fn line(&self, request_id: &str) -> String {
        let duration = milliseconds(self.duration);
        let (billed, memory, peak) = (self.billed_ms(), self.memory_mb, self.peak_mb());
        let mut line = format!(
            "REPORT RequestId: {request_id}\tDuration: {duration:.2} ms\tBilled Duration: {billed} ms\t\
             Memory Size: {memory} MB\tMax Memory Used: {peak} MB\t"
        );
        if let Some(init) = self.init {
            line.push_str(&format!("Init Duration: {:.2} ms\t", milliseconds(init)));
        }
        line + &self.status.told() + "\n"
    }

    /// Why the rest of an answer was not taken, for whoever reads the log.
    fn told_left(&self, request_id: &str) -> String {
        let told =
            || format!("{} {request_id} The client left before the answer's end\n\n", time());
        if self.left { told() } else { String::new() }
    }

    fn with_left(&self, mut record: Value) -> Value {
        if let (true, Some(members)) = (self.left, record.as_object_mut()) {
            members.insert("clientLeft".to_owned(), true.into());
        }
        record
    }

    fn done(&self, request_id: &str) -> Value {
        let metrics = json!({"durationMs": rounded(self.duration)});
        let done =
            json!({"requestId": request_id, "status": self.status.word(), "metrics": metrics});
        self.with_left(with_error_type(done, &self.status))
    }

    fn record(&self, request_id: &str) -> Value {
        let mut metrics = Map::new();
        let mut put = |name: &str, value: Value| drop(metrics.insert(name.to_owned(), value));
        put("durationMs", rounded(self.duration));
        put("billedDurationMs", u64::try_from(self.billed_ms()).unwrap_or(u64::MAX).into());
        put("memorySizeMB", self.memory_mb.into());
        put("maxMemoryUsedMB", self.peak_mb().into());
        if let Some(init) = self.init {
            put("initDurationMs", rounded(init));
        }
        let record =
            json!({"requestId": request_id, "metrics": metrics, "status": self.status.word()});
        self.with_left(with_error_type(record, &self.status))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Exit;

    fn report(status: Status, duration_us: u64, init_us: Option<u64>) -> Report {
        let init = init_us.map(Duration::from_micros);
        let duration = Duration::from_micros(duration_us);
        Report { status, duration, memory_mb: 128, peak_kib: 30 * 1024 - 1, init, left: false }
    }

    fn ended(code: i32) -> Status {
        Status::Ended(Fault::exited(Exit::Code(code)))
    }

    fn out_of_memory() -> Status {
        Status::Ended(Fault::exited(Exit::OutOfMemory))
    }

    /// The lines that an event ends with, without their times.
    #[track_caller]
    fn check(status: Status, duration_us: u64, init_us: Option<u64>, reason: &str, want: &str) {
        let timed = matches!(status, Status::Timeout(_));
        let text = LogFormat::Text.end("r", &report(status, duration_us, init_us));
        let text = if timed { text.split_once("Z ").unwrap().1 } else { &text };
        assert_eq!(text, format!("{reason}END RequestId: r\n{want}"));
    }

    #[test]
    #[rustfmt::skip]
    fn report_reads_as_on_aws() {
        check(Status::Success, 1001, Some(100_000), "", "REPORT RequestId: r\tDuration: 1.00 ms\tBilled Duration: 2 ms\tMemory Size: 128 MB\tMax Memory Used: 30 MB\tInit Duration: 100.00 ms\t\n");
        check(Status::Failure, 2000, None, "", "REPORT RequestId: r\tDuration: 2.00 ms\tBilled Duration: 2 ms\tMemory Size: 128 MB\tMax Memory Used: 30 MB\t\n");
        check(Status::Timeout(Duration::from_secs(3)), 2000, None, "r Task timed out after 3.00 seconds\n\n", "REPORT RequestId: r\tDuration: 2.00 ms\tBilled Duration: 2 ms\tMemory Size: 128 MB\tMax Memory Used: 30 MB\tStatus: timeout\t\n");
        check(Status::Timeout(Duration::from_secs(3)), 3_001_600, None, "r Task timed out after 3.00 seconds\n\n", "REPORT RequestId: r\tDuration: 3001.60 ms\tBilled Duration: 3000 ms\tMemory Size: 128 MB\tMax Memory Used: 30 MB\tStatus: timeout\t\n");
        check(ended(1), 2000, None, "RequestId: r Error: Runtime exited with error: exit status 1\nRuntime.ExitError\n", "REPORT RequestId: r\tDuration: 2.00 ms\tBilled Duration: 2 ms\tMemory Size: 128 MB\tMax Memory Used: 30 MB\tStatus: error\tError Type: Runtime.ExitError\t\n");
        check(out_of_memory(), 2000, None, "RequestId: r Error: Runtime exited with error: signal: killed\nRuntime.ExitError\n", "REPORT RequestId: r\tDuration: 2.00 ms\tBilled Duration: 2 ms\tMemory Size: 128 MB\tMax Memory Used: 30 MB\tStatus: error\tError Type: Runtime.OutOfMemory\t\n");
        check(Status::Unready("Runtime.Unknown".to_owned()), 2000, None, "", "REPORT RequestId: r\tDuration: 2.00 ms\tBilled Duration: 2 ms\tMemory Size: 128 MB\tMax Memory Used: 30 MB\tStatus: error\tError Type: Runtime.Unknown\t\n");
    }

    #[test]
    fn a_report_tells_that_the_client_left() {
        let report = Report { left: true, ..report(Status::Success, 1001, None) };
        let text = LogFormat::Text.end("r", &report);
        let (_, told) = text.split_once("Z ").unwrap();
        assert!(
            told.starts_with(
                "r The client left before the answer's end\n\nEND RequestId: r\nREPORT "
            )
        );
        let json = LogFormat::Json(SystemLevel::Debug).end("r", &report);
        for line in json.lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            assert_eq!(
                (&line["record"]["clientLeft"], &line["record"]["status"]),
                (&json!(true), &json!("success"))
            );
        }
        assert_eq!(json.lines().count(), 2);
    }

    #[test]
    #[rustfmt::skip]
    fn a_failed_start_reads_as_on_aws() {
        let took = Duration::from_micros(10_170);
        for (phase, status, text, record) in [
            (Phase::Init,        Status::Timeout(took),                         "Phase: init\tStatus: timeout\t",                                  json!({"initializationType": "on-demand", "phase": "init", "status": "timeout"})),
            (Phase::Init,        ended(0),                                      "Phase: init\tStatus: error\tError Type: Runtime.ExitError\t",     json!({"initializationType": "on-demand", "phase": "init", "status": "error", "errorType": "Runtime.ExitError"})),
            (Phase::Invoke,      Status::Unready("Runtime.Unknown".to_owned()), "Phase: invoke\tStatus: error\tError Type: Runtime.Unknown\t",     json!({"initializationType": "on-demand", "phase": "invoke", "status": "error", "errorType": "Runtime.Unknown"})),
            (Phase::Provisioned, Status::Timeout(took),                         "Phase: init\tStatus: timeout\t",                                  json!({"initializationType": "provisioned-concurrency", "phase": "init", "status": "timeout"})),
        ] {
            let line = LogFormat::Text.failed_init(phase, &status, took);
            assert_eq!(line, format!("INIT_REPORT Init Duration: 10.17 ms\t{text}\n"));
            let line = LogFormat::Json(SystemLevel::Warn).failed_init(phase, &status, took);
            let mut line: Value = serde_json::from_str(&line).unwrap();
            assert_eq!(line["type"], "platform.initReport");
            let rest = line["record"].as_object_mut().unwrap();
            assert_eq!(rest.remove("metrics"), Some(json!({"durationMs": 10.17})));
            assert_eq!(line["record"], record);
        }
    }

    /// The kinds of the lines, and the record of the last one.
    fn objects(least: SystemLevel, status: Status) -> (Vec<String>, Value) {
        let format = LogFormat::Json(least);
        let text = format.start("r", "1") + &format.end("r", &report(status, 1001, Some(5)));
        let objects: Vec<Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let kinds = objects.iter().map(|one| one["type"].as_str().unwrap().to_owned()).collect();
        (kinds, objects.last().map(|last| last["record"].clone()).unwrap_or_default())
    }

    #[test]
    #[rustfmt::skip]
    fn a_json_log_has_the_lines_of_its_level() {
        let (start, done, report) = ("platform.start", "platform.runtimeDone", "platform.report");
        for (least, status, want) in [
            (SystemLevel::Debug, Status::Success, &[start, done, report][..]),
            (SystemLevel::Info,  Status::Success, &[start, report]),
            (SystemLevel::Info,  Status::Timeout(Duration::ZERO), &[start, done, report]),
            (SystemLevel::Warn,  Status::Success, &[]),
            (SystemLevel::Warn,  Status::Failure, &[done, report]),
        ] {
            assert_eq!(objects(least, status.clone()).0, want, "{least:?} {status:?}");
        }
    }

    #[test]
    fn a_json_report_has_the_numbers() {
        let (_, record) = objects(SystemLevel::Info, ended(1));
        let metrics = json!({"durationMs": 1.001, "billedDurationMs": 2, "memorySizeMB": 128,
            "maxMemoryUsedMB": 30, "initDurationMs": 0.005});
        let failed = json!({"requestId": "r", "metrics": metrics, "status": "error",
            "errorType": "Runtime.ExitError"});
        assert_eq!(record, failed);
    }
}
