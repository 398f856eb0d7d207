//! A worker's log: what it prints, between the lines that Lambda writes about its events.
//!
//! The last 4096 bytes are kept for the caller, however much a function prints. All of it goes to
//! the function's log, if it has one, in whole lines: other workers write to the same one.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use portcullis_logs::{FunctionLog, Later, Part};
use rustix::pipe::PipeFlags;
use tokio::net::unix::pipe::Receiver;
use tokio::task::JoinHandle;

use crate::lock;
use crate::process::Process;
use crate::records::{LogFormat, Phase, Report, Status};

/// Bytes of log that a caller can get back. Source: `[doc]` aws-lambda.md §8.1 (last 4 KB).
const TAIL_BYTES: usize = 4096;

/// Bytes that a pipe holds on Linux unless changed (pipe(7)); ours is not changed.
const PIPE_BYTES: usize = 64 * 1024;

/// Bytes read from the pipe at a time.
const READ_BYTES: usize = 16 * 1024;

/// Longest line in a function's log; a longer one goes on in another. Source: `[doc]` CloudWatch
/// Logs quotas, "Event size".
const LINE_BYTES_MAX: usize = 256 * 1024;

/// The end of a text of any length.
#[derive(Default)]
struct Tail(Vec<u8>);

impl Tail {
    fn push(&mut self, bytes: &[u8]) {
        let start = bytes.len().saturating_sub(TAIL_BYTES);
        self.0.extend_from_slice(bytes.get(start..).unwrap_or_default());
        // Twice the length, so that the kept part moves seldom.
        if self.0.len() > 2 * TAIL_BYTES {
            self.0.drain(..self.0.len() - TAIL_BYTES);
        }
    }

    fn last(&self) -> Vec<u8> {
        let start = self.0.len().saturating_sub(TAIL_BYTES);
        self.0.get(start..).unwrap_or_default().to_vec()
    }
}

/// What goes to the function's log. Its last line is lost if it has not ended when this is dropped.
struct Lines {
    log: Arc<FunctionLog>,
    /// The line that has not ended.
    open: Vec<u8>,
}

impl Lines {
    fn push(&mut self, mut bytes: &[u8]) {
        if let Some(last) = memchr::memrchr(b'\n', bytes) {
            let (ended, rest) = bytes.split_at(last + 1);
            self.open.extend_from_slice(ended);
            self.send();
            bytes = rest;
        }
        self.open.extend_from_slice(bytes);
        if self.open.len() >= LINE_BYTES_MAX {
            self.end_line();
        }
    }

    fn end_line(&mut self) {
        if !self.open.is_empty() {
            self.open.push(b'\n');
            self.send();
        }
    }

    fn send(&mut self) {
        self.log.append(Part::Lines(std::mem::take(&mut self.open)));
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.end_line();
    }
}

/// What was printed, for all who want it.
struct Printed {
    tail: Tail,
    lines: Option<Lines>,
}

impl Printed {
    fn push(&mut self, bytes: &[u8]) {
        self.tail.push(bytes);
        if let Some(lines) = &mut self.lines {
            lines.push(bytes);
        }
    }

    /// What Lambda writes starts on a line of its own.
    fn end_line(&mut self) {
        if self.tail.0.last().is_some_and(|byte| *byte != b'\n') {
            self.tail.push(b"\n");
        }
        if let Some(lines) = &mut self.lines {
            lines.end_line();
        }
    }
}

/// The read end of a worker's output, emptied all the time so that no worker blocks on printing.
pub(crate) struct Log {
    pipe: Arc<Pipe>,
    format: LogFormat,
    /// Whether it goes to a function's log.
    is_kept: bool,
    reader: JoinHandle<()>,
}

struct Pipe {
    end: Receiver,
    printed: Mutex<Printed>,
}

impl Drop for Log {
    fn drop(&mut self) {
        self.reader.abort();
        // What the worker printed last, such as why it ended.
        self.pipe.drain();
    }
}

impl Log {
    /// Makes the pipe; gives the end that the worker writes to. All goes to `log`, if there is one.
    pub(crate) fn open(
        log: Option<Arc<FunctionLog>>,
        format: LogFormat,
    ) -> io::Result<(Self, OwnedFd)> {
        let (end, worker_end) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
        // Only this end does not block: the worker's writes shall wait for us, not fail.
        let end = Receiver::from_owned_fd(end)?;
        let is_kept = log.is_some();
        let lines = log.map(|log| Lines { log, open: Vec::new() });
        let printed = Mutex::new(Printed { tail: Tail::default(), lines });
        let pipe = Arc::new(Pipe { end, printed });
        let reader = tokio::spawn(Arc::clone(&pipe).read_forever());
        Ok((Self { pipe, format, is_kept, reader }, worker_end))
    }

    /// Starts an event's log. What the worker printed before belongs to no event, unless it is
    /// its first: then what it printed while it started stays, before START.
    pub(crate) fn begin(&self, request_id: &str, version: &str, first: bool) {
        self.pipe.drain();
        let mut printed = lock(&self.pipe.printed);
        printed.end_line();
        if !first {
            printed.tail.0.clear();
        }
        printed.push(self.format.start(request_id, version).as_bytes());
    }

    /// Writes that the worker's start failed, behind what it printed meanwhile.
    pub(crate) fn fail_init(&self, phase: Phase, status: &Status, took: Duration) {
        self.pipe.drain();
        let mut printed = lock(&self.pipe.printed);
        printed.end_line();
        printed.push(self.format.failed_init(phase, status, took).as_bytes());
    }

    /// Ends an event's log and gives its last bytes, with everything printed until now.
    pub(crate) fn finish(&self, request_id: &str, report: &Report) -> Vec<u8> {
        self.pipe.drain();
        let mut printed = lock(&self.pipe.printed);
        printed.end_line();
        printed.push(self.format.end(request_id, report).as_bytes());
        printed.tail.last()
    }

    /// Ends an event's log for which no caller waits. The function's log asks `peak` for the memory
    /// when it is written, which takes longer than all else here.
    pub(crate) fn finish_later(&self, request_id: &str, report: Report, peak: &Arc<Peak>) {
        if !self.is_kept {
            return;
        }
        self.pipe.drain();
        let (format, ended) = (self.format, Instant::now());
        let mut printed = lock(&self.pipe.printed);
        let Some(lines) = &mut printed.lines else { return };
        lines.end_line();
        let (request_id, peak) = (request_id.to_owned(), Arc::clone(peak));
        let end = End { format, request_id, report, peak, ended };
        lines.log.append(Part::Later(Box::new(end)));
    }
}

/// The lines that an event ends with, before they are written.
struct End {
    format: LogFormat,
    request_id: String,
    report: Report,
    peak: Arc<Peak>,
    ended: Instant,
}

impl Later for End {
    fn write(&self, text: &mut Vec<u8>) {
        let report = Report { peak_kib: self.peak.since(self.ended), ..self.report.clone() };
        text.extend_from_slice(self.format.end(&self.request_id, &report).as_bytes());
    }

    fn bytes(&self) -> usize {
        END_BYTES
    }
}

/// About as long is what an event's log ends with.
const END_BYTES: usize = 300;

/// The most memory that a worker ever held.
pub(crate) struct Peak {
    process: Weak<Process>,
    start: Instant,
    kib: AtomicU64,
    /// When it was read, in nanoseconds after `start`; 0 if it never was.
    read: AtomicU64,
}

impl Peak {
    pub(crate) fn of(process: &Arc<Process>) -> Self {
        let (kib, read) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { process: Arc::downgrade(process), start: Instant::now(), kib, read }
    }

    /// In KiB, as it is now; of a worker that is gone, as it was last.
    pub(crate) fn now(&self) -> u64 {
        let now = self.start.elapsed();
        if let Some(kib) = self.process.upgrade().and_then(|process| process.peak_memory_kib()) {
            self.kib.store(kib, Ordering::Relaxed);
        }
        let now = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
        self.read.store(now, Ordering::Relaxed);
        self.kib.load(Ordering::Relaxed)
    }

    /// The worker, which is gone, held all that it could.
    pub(crate) fn was(&self, kib: u64) {
        self.kib.store(kib, Ordering::Relaxed);
    }

    /// As it was at some time after `ended`: many events share one reading.
    fn since(&self, ended: Instant) -> u64 {
        let ended = ended.duration_since(self.start).as_nanos();
        if u128::from(self.read.load(Ordering::Relaxed)) > ended {
            return self.kib.load(Ordering::Relaxed);
        }
        self.now()
    }
}

impl Pipe {
    async fn read_forever(self: Arc<Self>) {
        while self.end.readable().await.is_ok() {
            match self.read(|buffer| self.end.try_read(buffer)) {
                Ok(bytes) if bytes > 0 => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Ok(_) | Err(_) => return,
            }
        }
    }

    /// Takes in what the pipe holds now, without waiting, whether or not the runtime has noticed
    /// it yet. What was written before this call is at most one pipe full, so a worker that never
    /// stops printing cannot hold us here.
    fn drain(&self) {
        let mut taken = 0;
        while taken < PIPE_BYTES {
            let read = |buffer: &mut [u8]| {
                let read = || rustix::io::read(self.end.as_fd(), &mut *buffer);
                Ok(rustix::io::retry_on_intr(read)?)
            };
            match self.read(read) {
                Ok(0) | Err(_) => return,
                Ok(bytes) => taken += bytes,
            }
        }
    }

    /// Reads once. The lock is held from the read to the push, so that two readers keep the order.
    fn read(&self, read: impl FnOnce(&mut [u8]) -> io::Result<usize>) -> io::Result<usize> {
        let mut buffer = [0; READ_BYTES];
        let mut printed = lock(&self.printed);
        let bytes = read(&mut buffer)?;
        printed.push(buffer.get(..bytes).unwrap_or_default());
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tail_keeps_the_end_of_any_text() {
        for (chunk, count) in [(1, 10_000), (4096, 3), (5000, 2), (100_000, 1), (3, 5)] {
            let mut tail = Tail::default();
            let text: Vec<u8> =
                (0..chunk * count).map(|n| u8::try_from(n % 251).unwrap()).collect();
            text.chunks(chunk).for_each(|part| tail.push(part));
            assert_eq!(tail.last(), text[text.len().saturating_sub(TAIL_BYTES)..]);
            assert!(tail.0.len() <= 3 * TAIL_BYTES);
        }
    }

    /// A function's log gets whole lines, however its output was cut when it was read.
    #[test]
    fn lines_are_whole_however_they_come() {
        let long = "y".repeat(2 * LINE_BYTES_MAX + 5);
        let printed = format!("a\n\nb c\n{long}\nlast");
        for chunk in [1, 2, 1000, LINE_BYTES_MAX + 1, printed.len()] {
            let folder = tempfile::TempDir::new().unwrap();
            let logs =
                portcullis_logs::FunctionLogs::open(folder.path().to_owned(), 1 << 30, 1).unwrap();
            let mut lines = Lines { log: logs.of("1", "f"), open: Vec::new() };
            printed.as_bytes().chunks(chunk).for_each(|part| lines.push(part));
            drop(lines);
            logs.close(Duration::from_secs(30));
            let file = folder.path().join("1/f/0000000001.log");
            let text = std::fs::read_to_string(file).unwrap();
            assert!(text.starts_with("a\n\nb c\ny") && text.ends_with("last\n"), "{chunk}");
            assert_eq!(text.matches('y').count(), long.len(), "{chunk}");
        }
    }
}
