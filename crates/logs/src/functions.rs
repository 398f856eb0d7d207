//! The logs of a server's functions: what they print waits in memory for the one thread that writes
//! it, and what there is no room for is counted.
//!
//! Nobody ever waits for a log, so that no function is slower for a slow disk.

use std::{
    collections::HashMap,
    fmt, fs,
    io::{self, ErrorKind},
    mem,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, SystemTime},
};

use crate::{files::Rolling, gathering::Gathering, writer::Writer};

/// What waits of one function's log, in bytes: a second's output of a function that prints all the
/// time, on a disk that takes 8 MB a second.
const WAITING_BYTES_MAX: usize = 8 << 20;

/// What waits of all logs together.
const ALL_WAITING_BYTES_MAX: usize = 64 << 20;

/// So much of one log is written without waiting for more.
const HURRY_BYTES: usize = 1 << 20;

/// A part of a log that takes time to make: the writer has it made.
pub trait Later: Send {
    /// Appends whole lines, of about [`Later::bytes`].
    fn write(&self, text: &mut Vec<u8>);

    /// About how long it becomes.
    fn bytes(&self) -> usize;
}

/// A part of a log.
pub enum Part {
    /// Whole lines, each ended by a line feed.
    Lines(Vec<u8>),
    /// One line that is still to be made.
    Later(Box<dyn Later>),
}

impl Part {
    fn bytes(&self) -> usize {
        match self {
            Self::Lines(text) => text.len(),
            Self::Later(later) => later.bytes(),
        }
    }

    fn lines(&self) -> u64 {
        match self {
            Self::Lines(text) => count_lines(text),
            Self::Later(_) => 1,
        }
    }

    fn write(self, text: &mut Vec<u8>) {
        match self {
            Self::Lines(lines) => text.extend_from_slice(&lines),
            Self::Later(later) => later.write(text),
        }
    }
}

/// How many lines a text has.
pub(crate) fn count_lines(text: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', text).count() as u64
}

/// The logs of all functions of a server. Its writer ends when it is dropped, or closed.
#[derive(Debug)]
pub struct FunctionLogs {
    folder: PathBuf,
    shared: Arc<Shared>,
    known: Mutex<HashMap<PathBuf, Weak<FunctionLog>>>,
    /// Nothing ever comes; cut off when the writer has ended.
    writer: Mutex<mpsc::Receiver<()>>,
}

/// What the logs share with their writer.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    /// The logs that have something to be written, each once.
    pub(crate) changed: Gathering<Arc<FunctionLog>>,
    /// What waits of all of them.
    waiting_bytes: AtomicUsize,
}

impl FunctionLogs {
    /// The names of the files in a log's folder end with this.
    pub const EXTENSION: &str = "log";

    /// Starts the writer of the logs in `folder`, which is made when the first one is.
    ///
    /// # Errors
    /// What the system says of the thread.
    pub fn open(folder: PathBuf, file_bytes_max: u64, files_max: u64) -> io::Result<Self> {
        let rolling = Rolling { extension: Self::EXTENSION, file_bytes_max, files_max };
        let shared = Arc::new(Shared::default());
        let writer = Writer::new(Arc::clone(&shared), rolling);
        let (ends, end) = mpsc::channel();
        thread::Builder::new().name("function-logs".to_owned()).spawn(move || {
            writer.run();
            drop(ends);
        })?;
        Ok(Self { folder, shared, known: Mutex::default(), writer: Mutex::new(end) })
    }

    /// The folder of a function's log below that of all.
    ///
    /// Both words become names of folders: twelve digits, and a valid name.
    #[must_use]
    pub fn folder(all: &Path, account: &str, function: &str) -> PathBuf {
        all.join(account).join(function)
    }

    /// A function's log, the same for everybody who has it.
    #[must_use]
    pub fn of(&self, account: &str, function: &str) -> Arc<FunctionLog> {
        let folder = Self::folder(&self.folder, account, function);
        let mut known = lock(&self.known);
        if let Some(log) = known.get(&folder).and_then(Weak::upgrade) {
            return log;
        }
        known.retain(|_, log| log.strong_count() > 0);
        let (buffer, shared) = (Mutex::default(), Arc::clone(&self.shared));
        let log = Arc::new(FunctionLog { folder: folder.clone(), buffer, shared });
        known.insert(folder, Arc::downgrade(&log));
        log
    }

    /// Removes the logs that nobody claims and that nothing was written to for `age`.
    ///
    /// # Errors
    /// What the system says of the folders.
    pub fn remove_unclaimed(
        &self,
        age: Duration,
        is_claimed: impl Fn(&str, &str) -> bool,
    ) -> io::Result<()> {
        for account in folders_in(&self.folder)? {
            for function in folders_in(&account)? {
                let claimed = is_claimed(name(&account), name(&function));
                if !claimed && is_older(&function, age)? {
                    fs::remove_dir_all(&function)?;
                    tracing::info!(folder = %function.display(), "removed a deleted function's log");
                }
            }
        }
        Ok(())
    }

    /// Writes what waits, and ends; waits for that, but not longer than `at_most`.
    pub fn close(&self, at_most: Duration) {
        self.shared.changed.close();
        let end = lock(&self.writer).recv_timeout(at_most);
        if end == Err(mpsc::RecvTimeoutError::Timeout) {
            tracing::error!("functions' logs were not closed in time; their ends may be missing");
        }
    }
}

impl Drop for FunctionLogs {
    fn drop(&mut self) {
        self.shared.changed.close();
    }
}

/// The folders in a folder; none if there is none.
fn folders_in(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut folders = Vec::new();
    for entry in entries {
        let entry = entry?;
        folders.extend(entry.file_type()?.is_dir().then(|| entry.path()));
    }
    Ok(folders)
}

fn name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

/// Whether all files in a folder, and it itself, have not changed for `age`.
fn is_older(folder: &Path, age: Duration) -> io::Result<bool> {
    let mut newest = fs::metadata(folder)?.modified()?;
    for entry in fs::read_dir(folder)? {
        newest = newest.max(entry?.metadata()?.modified()?);
    }
    Ok(SystemTime::now().duration_since(newest).is_ok_and(|since| since >= age))
}

/// One function's log.
pub struct FunctionLog {
    pub(crate) folder: PathBuf,
    buffer: Mutex<Buffer>,
    shared: Arc<Shared>,
}

impl fmt::Debug for FunctionLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FunctionLog").field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// What is not written yet.
#[derive(Default)]
struct Buffer {
    parts: Vec<Part>,
    bytes: usize,
    /// Lines before the parts that were lost, and that the log does not tell of yet.
    lost: u64,
    /// Lines after the parts that there was no room for.
    refused: u64,
    /// Whether the writer knows that there is something.
    is_listed: bool,
}

/// What the writer takes of a log.
pub(crate) struct Taken {
    parts: Vec<Part>,
    pub(crate) lost: u64,
    pub(crate) refused: u64,
}

impl Taken {
    /// The whole text, with a line where some are missing.
    pub(crate) fn write(self, text: &mut Vec<u8>) {
        notice(self.lost, text);
        self.parts.into_iter().for_each(|part| part.write(text));
        notice(self.refused, text);
    }
}

/// What a log says where lines are missing, in the form that AWS's telemetry has for it.
fn notice(missing: u64, text: &mut Vec<u8>) {
    if missing > 0 {
        let time = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ");
        let line = format!(
            "{{\"time\":\"{time}\",\"type\":\"platform.logsDropped\",\"record\":{{\"reason\":\"The \
             log could not be written fast enough.\",\"droppedRecords\":{missing}}}}}\n"
        );
        text.extend_from_slice(line.as_bytes());
    }
}

impl FunctionLog {
    /// Appends a part, or counts its lines as missing. Never waits.
    pub fn append(self: &Arc<Self>, part: Part) {
        let bytes = part.bytes();
        let mut buffer = lock(&self.buffer);
        if buffer.bytes + bytes > WAITING_BYTES_MAX || !self.shared.take_room(bytes) {
            buffer.refused += part.lines();
        } else {
            buffer.bytes += bytes;
            buffer.parts.push(part);
        }
        let hurry = buffer.bytes >= HURRY_BYTES && buffer.bytes - bytes < HURRY_BYTES;
        let is_news = !mem::replace(&mut buffer.is_listed, true);
        drop(buffer);
        if is_news {
            self.shared.changed.push(Arc::clone(self));
        }
        if hurry {
            self.shared.changed.hurry();
        }
    }

    /// Takes what waits.
    pub(crate) fn take(&self) -> Taken {
        let Buffer { parts, bytes, lost, refused, .. } = mem::take(&mut *lock(&self.buffer));
        self.shared.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
        Taken { parts, lost, refused }
    }

    /// These lines were taken and not written.
    pub(crate) fn lose(&self, lines: u64) {
        lock(&self.buffer).lost += lines;
    }
}

impl Shared {
    /// Takes room for so many bytes, if there is any.
    fn take_room(&self, bytes: usize) -> bool {
        let before = self.waiting_bytes.fetch_add(bytes, Ordering::Relaxed);
        let fits = before.saturating_add(bytes) <= ALL_WAITING_BYTES_MAX;
        if !fits {
            self.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
        }
        fits
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Each change is one step, so that a panic leaves nothing half-done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
