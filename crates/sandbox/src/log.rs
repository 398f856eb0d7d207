//! A worker's log: what it prints, between the START, END and REPORT lines of its events.
//!
//! Only the last 4096 bytes are kept, however much a function prints.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::pipe::PipeFlags;
use tokio::net::unix::pipe::Receiver;
use tokio::task::JoinHandle;

use crate::lock;

/// Bytes of log that a caller can get back. Source: `[doc]` aws-lambda.md §8.1 (last 4 KB).
const TAIL_BYTES: usize = 4096;

/// Bytes that a pipe holds on Linux unless changed (pipe(7)); ours is not changed.
const PIPE_BYTES: usize = 64 * 1024;

/// Bytes read from the pipe at a time.
const READ_BYTES: usize = 16 * 1024;

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

/// The read end of a worker's output, emptied all the time so that no worker blocks on printing.
pub(crate) struct Log {
    pipe: Arc<Pipe>,
    reader: JoinHandle<()>,
}

struct Pipe {
    end: Receiver,
    tail: Mutex<Tail>,
}

impl Drop for Log {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl Log {
    /// Makes the pipe; gives the end that the worker writes to.
    pub(crate) fn open() -> io::Result<(Self, OwnedFd)> {
        let (end, worker_end) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
        // Only this end does not block: the worker's writes shall wait for us, not fail.
        let end = Receiver::from_owned_fd(end)?;
        let pipe = Arc::new(Pipe { end, tail: Mutex::default() });
        let reader = tokio::spawn(Arc::clone(&pipe).read_forever());
        Ok((Self { pipe, reader }, worker_end))
    }

    /// Starts an event's log. What the worker printed before belongs to no event, unless it is
    /// its first: then what it printed while it started stays, before START.
    pub(crate) fn begin(&self, request_id: &str, version: &str, first: bool) {
        self.pipe.drain();
        let mut tail = lock(&self.pipe.tail);
        if !first {
            tail.0.clear();
        }
        tail.push(start_line(request_id, version).as_bytes());
    }

    /// Starts an event's log with START before all that the worker has printed.
    pub(crate) fn begin_before_output(&self, request_id: &str, version: &str) {
        self.pipe.drain();
        let mut tail = lock(&self.pipe.tail);
        let printed = std::mem::take(&mut tail.0);
        tail.push(start_line(request_id, version).as_bytes());
        tail.push(&printed);
    }

    /// Ends an event's log and gives its last bytes, with everything printed until now.
    pub(crate) fn finish(&self, request_id: &str, report: &Report) -> Vec<u8> {
        self.pipe.drain();
        let mut tail = lock(&self.pipe.tail);
        if tail.0.last().is_some_and(|byte| *byte != b'\n') {
            tail.push(b"\n");
        }
        tail.push(format!("END RequestId: {request_id}\n").as_bytes());
        tail.push(report.line(request_id).as_bytes());
        tail.last()
    }
}

fn start_line(request_id: &str, version: &str) -> String {
    format!("START RequestId: {request_id} Version: {version}\n")
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
        let mut tail = lock(&self.tail);
        let bytes = read(&mut buffer)?;
        tail.push(buffer.get(..bytes).unwrap_or_default());
        Ok(bytes)
    }
}

/// The numbers of an event's REPORT line.
pub(crate) struct Report {
    /// From the event's delivery to its answer.
    pub(crate) duration: Duration,
    /// Configured memory in MiB.
    pub(crate) memory_mb: u32,
    /// Most memory that the worker ever held, in KiB.
    pub(crate) peak_kib: u64,
    /// How long the worker took to start, if it started for this event.
    pub(crate) init: Option<Duration>,
}

impl Report {
    /// `[snap]` aws-lambda.md §8.4: the tabs are real, the last one too.
    fn line(&self, request_id: &str) -> String {
        let milliseconds = |duration: Duration| duration.as_secs_f64() * 1000.0;
        let duration = milliseconds(self.duration);
        let billed = self.duration.as_micros().div_ceil(1000);
        let (memory, peak) = (self.memory_mb, self.peak_kib.div_ceil(1024));
        let mut line = format!(
            "REPORT RequestId: {request_id}\tDuration: {duration:.2} ms\tBilled Duration: {billed} ms\t\
             Memory Size: {memory} MB\tMax Memory Used: {peak} MB\t"
        );
        if let Some(init) = self.init {
            line.push_str(&format!("Init Duration: {:.2} ms\t", milliseconds(init)));
        }
        line.push('\n');
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(duration_us: u64, init_us: Option<u64>, want: &str) {
        let init = init_us.map(Duration::from_micros);
        let duration = Duration::from_micros(duration_us);
        let report = Report { duration, memory_mb: 128, peak_kib: 30 * 1024 - 1, init };
        assert_eq!(report.line("r"), want);
    }

    #[test]
    #[rustfmt::skip]
    fn report_reads_as_on_aws() {
        check(1001, Some(100_000), "REPORT RequestId: r\tDuration: 1.00 ms\tBilled Duration: 2 ms\tMemory Size: 128 MB\tMax Memory Used: 30 MB\tInit Duration: 100.00 ms\t\n");
        check(2000, None,          "REPORT RequestId: r\tDuration: 2.00 ms\tBilled Duration: 2 ms\tMemory Size: 128 MB\tMax Memory Used: 30 MB\t\n");
    }

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
}
