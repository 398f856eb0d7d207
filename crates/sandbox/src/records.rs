//! What Lambda itself writes into a function's log: that an event starts, ends, and what it took.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Number, Value, json};

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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// The function answered.
    Success,
    /// The function or its runtime said that it failed.
    Failure,
    /// The worker ended, or never began: with this type of error.
    Ended(&'static str),
    /// The time was up.
    Timeout,
}

impl Status {
    fn word(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure | Self::Ended(_) => "error",
            Self::Timeout => "timeout",
        }
    }
}

/// The numbers of an event's report.
#[derive(Clone, Copy, Debug)]
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

    /// The lines that an event ends with.
    pub(crate) fn end(self, request_id: &str, report: &Report) -> String {
        match self {
            Self::Text => format!("END RequestId: {request_id}\n{}", report.line(request_id)),
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
    let time = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
    format!("{}\n", json!({"time": time, "type": kind, "record": record}))
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
    fn billed_ms(&self) -> u128 {
        self.duration.as_micros().div_ceil(1000)
    }

    fn peak_mb(&self) -> u64 {
        self.peak_kib.div_ceil(1024)
    }

    /// `[snap]` aws-lambda.md §8.4: the tabs are real, the last one too. The status is told of what
    /// did not end by an answer.
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
        match self.status {
            Status::Success | Status::Failure => {}
            Status::Ended(error_type) => {
                line.push_str(&format!("Status: error\tError Type: {error_type}\t"));
            }
            Status::Timeout => line.push_str("Status: timeout\t"),
        }
        line.push('\n');
        line
    }

    fn done(&self, request_id: &str) -> Value {
        let metrics = json!({"durationMs": rounded(self.duration)});
        json!({"requestId": request_id, "status": self.status.word(), "metrics": metrics})
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
        json!({"requestId": request_id, "metrics": metrics, "status": self.status.word()})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(status: Status, duration_us: u64, init_us: Option<u64>) -> Report {
        let init = init_us.map(Duration::from_micros);
        let duration = Duration::from_micros(duration_us);
        Report { status, duration, memory_mb: 128, peak_kib: 30 * 1024 - 1, init }
    }

    #[track_caller]
    fn check(status: Status, duration_us: u64, init_us: Option<u64>, want: &str) {
        let text = LogFormat::Text.end("r", &report(status, duration_us, init_us));
        assert_eq!(text, format!("END RequestId: r\n{want}"));
    }

    #[test]
    #[rustfmt::skip]
    fn report_reads_as_on_aws() {
        check(Status::Success, 1001, Some(100_000), "REPORT RequestId: r\tDuration: 1.00 ms\tBilled Duration: 2 ms\tMemory Size: 128 MB\tMax Memory Used: 30 MB\tInit Duration: 100.00 ms\t\n");
        check(Status::Failure, 2000, None,          "REPORT RequestId: r\tDuration: 2.00 ms\tBilled Duration: 2 ms\tMemory Size: 128 MB\tMax Memory Used: 30 MB\t\n");
        check(Status::Timeout, 2000, None,          "REPORT RequestId: r\tDuration: 2.00 ms\tBilled Duration: 2 ms\tMemory Size: 128 MB\tMax Memory Used: 30 MB\tStatus: timeout\t\n");
        check(Status::Ended("Runtime.ExitError"), 2000, None,          "REPORT RequestId: r\tDuration: 2.00 ms\tBilled Duration: 2 ms\tMemory Size: 128 MB\tMax Memory Used: 30 MB\tStatus: error\tError Type: Runtime.ExitError\t\n");
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
            (SystemLevel::Info,  Status::Timeout, &[start, done, report]),
            (SystemLevel::Warn,  Status::Success, &[]),
            (SystemLevel::Warn,  Status::Failure, &[done, report]),
        ] {
            assert_eq!(objects(least, status).0, want, "{least:?} {status:?}");
        }
    }

    #[test]
    fn a_json_report_has_the_numbers() {
        let (_, record) = objects(SystemLevel::Info, Status::Ended("Runtime.ExitError"));
        let metrics = json!({"durationMs": 1.001, "billedDurationMs": 2, "memorySizeMB": 128,
            "maxMemoryUsedMB": 30, "initDurationMs": 0.005});
        assert_eq!(record, json!({"requestId": "r", "metrics": metrics, "status": "error"}));
    }
}
