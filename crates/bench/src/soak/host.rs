//! What a server holds of its host: processes, descriptors, mounts, control groups and files.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use crate::{Fallible, server::Server};

/// How the names begin of what is kept on purpose in its data folder: the logs of functions, those
/// that were deleted too, the log of decisions, and the store, whose files come and go as it likes.
const KEPT: [&str; 3] = [LOGS, "decisions", "store."];

/// Where the logs of functions are.
const LOGS: &str = "function-logs";

/// How much of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) processes: usize,
    pub(super) descriptors: usize,
    pub(super) mounts: usize,
    pub(super) control_groups: usize,
    pub(super) files: usize,
}

impl Held {
    pub(super) fn by(server: &Server) -> Fallible<Self> {
        let pid = server.process.id();
        let of = |name: &str| PathBuf::from(format!("/proc/{pid}/{name}"));
        Ok(Self {
            processes: server.process.descendants()?.len(),
            descriptors: descriptors(&of("fd"))?,
            mounts: fs::read_to_string(of("mountinfo"))?.lines().count(),
            control_groups: control_groups(pid)?,
            files: files(&server.data_dir)?,
        })
    }

    /// What `later` has more of.
    pub(super) fn grown(&self, later: &Self) -> Vec<String> {
        let rows = [
            ("processes", self.processes, later.processes),
            ("descriptors", self.descriptors, later.descriptors),
            ("mounts", self.mounts, later.mounts),
            ("control groups", self.control_groups, later.control_groups),
            ("files", self.files, later.files),
        ];
        let grown = rows.iter().filter(|(_, before, after)| after > before);
        grown
            .map(|(what, before, after)| format!("{what}: {before} before, {after} after"))
            .collect()
    }
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { processes, descriptors, mounts, control_groups, files } = self;
        write!(
            f,
            "{processes} processes, {descriptors} descriptors, {mounts} mounts, {control_groups} \
             control groups of workers, {files} files"
        )
    }
}

/// Descriptors but those of functions' logs, so many of which stay open as the writer likes.
fn descriptors(folder: &Path) -> Fallible<usize> {
    let mut found = 0;
    for entry in fs::read_dir(folder)? {
        match fs::read_link(entry?.path()) {
            Ok(target) => found += usize::from(!target.iter().any(|part| part == LOGS)),
            // Closed since the folder was read.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(found)
}

/// The control groups of the workers of `pid`, of every controller.
fn control_groups(pid: u32) -> Fallible<usize> {
    let server = format!("/portcullis-{pid}-");
    let mut found = 0;
    let mut folders = vec![PathBuf::from("/sys/fs/cgroup")];
    while let Some(folder) = folders.pop() {
        for below in folders_in(&folder)? {
            let name = below.display().to_string();
            found += usize::from(name.contains(&server) && name.contains("/worker-"));
            folders.push(below);
        }
    }
    Ok(found)
}

fn folders_in(folder: &Path) -> Fallible<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        // Another server's group, which is gone by now.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let folders = entries.flatten().filter(|entry| entry.file_type().is_ok_and(|it| it.is_dir()));
    Ok(folders.map(|entry| entry.path()).collect())
}

fn files(data_dir: &Path) -> Fallible<usize> {
    let mut found = 0;
    let mut folders = vec![data_dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let is_kept =
                KEPT.iter().any(|kept| name.as_encoded_bytes().starts_with(kept.as_bytes()));
            if folder == data_dir && is_kept {
                continue;
            }
            found += 1;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    Ok(found)
}
