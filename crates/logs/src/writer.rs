//! The one thread that writes all functions' logs.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    files::{Files, Rolling},
    functions::{FunctionLog, Shared, count_lines},
};

/// So many logs have their files open.
const OPEN_MAX: usize = 64;

/// How often a lasting failure is logged.
const COMPLAIN: Duration = Duration::from_secs(30);

/// What is kept of the memory that a batch was put together in.
const TEXT_BYTES_KEPT: usize = 1 << 20;

/// The writer.
pub(crate) struct Writer {
    shared: Arc<Shared>,
    rolling: Rolling,
    /// The one that was used last comes last.
    open: Vec<(PathBuf, Files)>,
    text: Vec<u8>,
    complained: Option<Instant>,
}

impl Writer {
    pub(crate) fn new(shared: Arc<Shared>, rolling: Rolling) -> Self {
        Self { shared, rolling, open: Vec::new(), text: Vec::new(), complained: None }
    }

    /// Runs until there is nothing more to write.
    pub(crate) fn run(mut self) {
        let mut changed = Vec::new();
        loop {
            let turn = self.shared.changed.take(None, &mut changed);
            if turn.closed && changed.is_empty() {
                return;
            }
            for log in changed.drain(..) {
                self.write(&log);
            }
        }
    }

    /// Writes what waits of one log. What cannot be written is lost, and counted: a disk that is full
    /// must not fill the memory, too.
    fn write(&mut self, log: &FunctionLog) {
        let taken = log.take();
        let (lost, refused) = (taken.lost, taken.refused);
        taken.write(&mut self.text);
        let mut rest = self.text.as_slice();
        if let Err(error) = append(&mut self.open, self.rolling, &log.folder, &mut rest) {
            let told_of_lost = rest.len() < self.text.len();
            // The line that tells of missing ones stands for all of them.
            let hidden = |missing: u64| missing.saturating_sub(1);
            let before = if told_of_lost { 0 } else { hidden(lost) };
            log.lose(count_lines(rest) + before + hidden(refused));
            self.complain(&error, &log.folder);
        }
        self.text.clear();
        self.text.shrink_to(TEXT_BYTES_KEPT);
    }

    fn complain(&mut self, error: &io::Error, folder: &Path) {
        if self.complained.is_none_or(|last| last.elapsed() >= COMPLAIN) {
            self.complained = Some(Instant::now());
            let folder = folder.display();
            tracing::error!(%error, %folder, "a function's log cannot be written; lines are lost");
        }
    }
}

/// Appends to the log in `folder`. After a failure its files are opened anew, which ends a line that
/// was torn.
fn append(
    open: &mut Vec<(PathBuf, Files)>,
    rolling: Rolling,
    folder: &Path,
    lines: &mut &[u8],
) -> io::Result<()> {
    let at = open.iter().position(|(path, _)| path == folder);
    let known = at.map(|at| open.remove(at).1);
    let mut files = match known {
        Some(files) if !files.is_removed()? => files,
        _ => Files::open(folder, rolling)?,
    };
    files.append(lines)?;
    if open.len() >= OPEN_MAX {
        open.remove(0);
    }
    open.push((folder.to_owned(), files));
    Ok(())
}
