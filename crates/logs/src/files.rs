//! The files of one log: lines are appended to the newest, which is followed by another when it is
//! full; the oldest are removed.
//!
//! A file's name is its number, so that names sort by age. Nothing but its end is ever written: a
//! line that a crash tore stays, ended where it was torn.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io::{self, BufRead, BufReader, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::{
        DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
    },
    path::{Path, PathBuf},
};

use rustix::fs::{Advice, fadvise};

/// Only the owner enters the folder, and reads or writes the files.
const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// How much of a file is looked through at a time.
const READ_BYTES: usize = 1024 * 1024;

/// How the files of a log are named, and when they follow each other.
#[derive(Clone, Copy, Debug)]
pub struct Rolling {
    /// What the files' names end with, without the dot.
    pub extension: &'static str,
    /// A file takes lines up to so many bytes, but at least one line.
    pub file_bytes_max: u64,
    /// So many are kept, the one that is written to included; at least 1.
    pub files_max: u64,
}

/// The log's files, open for appending.
#[derive(Debug)]
pub struct Files {
    folder: PathBuf,
    rolling: Rolling,
    /// The number of the newest, which is open.
    number: u64,
    file: File,
    bytes: u64,
    /// Whether the last byte that was written is not the end of a line.
    within_line: bool,
}

impl Files {
    /// Opens the newest file in `folder`, or a first one.
    ///
    /// # Errors
    /// What the system says of the folder or the file.
    pub fn open(folder: &Path, rolling: Rolling) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder)?;
        fs::set_permissions(folder, Permissions::from_mode(FOLDER_MODE))?;
        let number = numbers(folder, rolling.extension)?.into_iter().max().unwrap_or(1);
        let (file, bytes) = open(&path(folder, number, rolling.extension))?;
        let folder = folder.to_owned();
        let mut files = Self { folder, rolling, number, file, bytes, within_line: false };
        files.end_torn_line()?;
        files.remove_old();
        Ok(files)
    }

    /// A process that was killed while it wrote may have left half a line.
    fn end_torn_line(&mut self) -> io::Result<()> {
        if self.bytes == 0 {
            return Ok(());
        }
        let mut last = [0];
        self.file.seek(SeekFrom::End(-1))?;
        self.file.read_exact(&mut last)?;
        if last != *b"\n" {
            self.write_all(&mut &b"\n"[..])?;
        }
        Ok(())
    }

    /// Appends `lines`, each ended by a line feed, and takes from them what is written.
    ///
    /// # Errors
    /// What the system says. The rest of `lines` is to be appended by another call, which goes on
    /// where this one stopped, be it within a line.
    pub fn append(&mut self, lines: &mut &[u8]) -> io::Result<()> {
        while !lines.is_empty() {
            let mut part = self.fitting(lines);
            if part.is_empty() {
                self.roll()?;
                continue;
            }
            let whole = part.len();
            let written = self.write_all(&mut part);
            *lines = lines.get(whole - part.len()..).unwrap_or_default();
            written?;
        }
        Ok(())
    }

    /// The lines that the open file still takes: none if another is due.
    fn fitting<'a>(&self, lines: &'a [u8]) -> &'a [u8] {
        let first = end_of_line(lines);
        let room = usize::try_from(self.rolling.file_bytes_max.saturating_sub(self.bytes));
        let room = lines.get(..room.unwrap_or(usize::MAX)).unwrap_or(lines);
        let last = room.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let must = if self.within_line || self.bytes == 0 { first } else { 0 };
        lines.get(..last.max(must)).unwrap_or(lines)
    }

    /// Writes `bytes`, and takes from them what is written.
    fn write_all(&mut self, bytes: &mut &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.file.write(bytes) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => {
                    let (written, rest) = bytes.split_at_checked(count).unwrap_or((bytes, &[]));
                    self.within_line = written.last() != Some(&b'\n');
                    self.bytes += written.len() as u64;
                    *bytes = rest;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Goes on in a new file.
    fn roll(&mut self) -> io::Result<()> {
        self.file.sync_data()?;
        (self.file, self.bytes) = open(&self.path(self.number + 1))?;
        self.number += 1;
        self.within_line = false;
        File::open(&self.folder)?.sync_all()?;
        self.remove_old();
        Ok(())
    }

    /// Removes files beyond those to keep. What cannot be removed is tried again at the next turn.
    fn remove_old(&self) {
        let oldest = self.number.saturating_sub(self.rolling.files_max.saturating_sub(1));
        let all = numbers(&self.folder, self.rolling.extension).unwrap_or_default();
        for path in all.into_iter().filter(|number| *number < oldest).map(|it| self.path(it)) {
            if let Err(error) = fs::remove_file(&path) {
                tracing::warn!(%error, path = %path.display(), "an old log file is not removed");
            }
        }
    }

    fn path(&self, number: u64) -> PathBuf {
        path(&self.folder, number, self.rolling.extension)
    }

    /// Whether somebody removed the file that is written to.
    ///
    /// # Errors
    /// What the system says.
    pub fn is_removed(&self) -> io::Result<bool> {
        Ok(self.file.metadata()?.nlink() == 0)
    }

    /// Makes what was written survive a loss of power.
    ///
    /// A file that somebody removed meanwhile is followed by a new one.
    ///
    /// # Errors
    /// What the system says.
    pub fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()?;
        // Seldom read again: what follows takes the same memory, instead of ever more of it.
        let _ = fadvise(&self.file, 0, None, Advice::DontNeed); // It is but advice.
        if self.is_removed()? {
            let path = self.path(self.number);
            tracing::error!(path = %path.display(), "the open file of a log was removed");
            self.roll()?;
        }
        Ok(())
    }
}

/// The lines in the files of `folder` that contain `needle`, the oldest first; of neighbouring files
/// only: what has the same needle was written within a short time.
///
/// Takes time in proportion to the size of the log.
///
/// # Errors
/// What the system says of the folder or its files.
pub fn lines_with(folder: &Path, extension: &str, needle: &str) -> io::Result<Vec<String>> {
    let finder = memchr::memmem::Finder::new(needle);
    let mut numbers = numbers(folder, extension)?;
    numbers.sort_unstable_by(|a, b| b.cmp(a));
    let mut found = Vec::new();
    for number in numbers {
        let earlier = match File::open(path(folder, number, extension)) {
            Ok(file) => lines_of(file, &finder)?,
            Err(error) if error.kind() == ErrorKind::NotFound => break, // Removed meanwhile.
            Err(error) => return Err(error),
        };
        if earlier.is_empty() && !found.is_empty() {
            break;
        }
        found.splice(..0, earlier);
    }
    Ok(found)
}

fn lines_of(file: File, finder: &memchr::memmem::Finder<'_>) -> io::Result<Vec<String>> {
    let mut reader = BufReader::with_capacity(READ_BYTES, file);
    let (mut line, mut found) = (Vec::new(), Vec::new());
    while reader.read_until(b'\n', &mut line)? > 0 {
        if finder.find(&line).is_some() {
            found.push(String::from_utf8_lossy(&line).trim_end().to_owned());
        }
        line.clear();
    }
    Ok(found)
}

fn end_of_line(lines: &[u8]) -> usize {
    memchr::memchr(b'\n', lines).map_or(lines.len(), |at| at + 1)
}

pub(crate) fn path(folder: &Path, number: u64, extension: &str) -> PathBuf {
    folder.join(file_name(number, extension))
}

fn file_name(number: u64, extension: &str) -> String {
    format!("{number:010}.{extension}")
}

/// The numbers of the files that are there; other files are not ours.
pub(crate) fn numbers(folder: &Path, extension: &str) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let name = Path::new(&name);
        let stem = name.file_stem().and_then(|stem| stem.to_str());
        let number = stem.and_then(|stem| stem.parse().ok());
        let is_ours = |number: &u64| Path::new(&file_name(*number, extension)) == name;
        numbers.extend(number.filter(is_ours));
    }
    Ok(numbers)
}

/// Opens a file for appending, and says how long it is.
fn open(path: &Path) -> io::Result<(File, u64)> {
    let mut options = OpenOptions::new();
    let file = options.read(true).append(true).create(true).mode(FILE_MODE).open(path)?;
    file.set_permissions(Permissions::from_mode(FILE_MODE))?;
    let bytes = file.metadata()?.len();
    Ok((file, bytes))
}

#[cfg(test)]
mod tests;
