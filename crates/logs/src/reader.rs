//! Reads a log from its oldest file to its end, and on as it grows.

use std::{
    fs::File,
    io::{self, ErrorKind, Read as _},
    path::{Path, PathBuf},
};

use crate::files::{numbers, path};

/// A place in a log.
#[derive(Debug)]
pub struct Reader {
    folder: PathBuf,
    extension: &'static str,
    /// The file that is read, and its number.
    current: Option<(u64, File)>,
    /// Whether a later file was seen: nothing is written to the current one any more.
    is_followed: bool,
}

impl Reader {
    /// The beginning of the log in `folder`, which need not be there yet.
    #[must_use]
    pub fn new(folder: &Path, extension: &'static str) -> Self {
        Self { folder: folder.to_owned(), extension, current: None, is_followed: false }
    }

    /// Reads what comes next; 0 when there is nothing more now.
    ///
    /// Where files were removed before they were read, what they held is left out.
    ///
    /// # Errors
    /// What the system says of the folder or a file.
    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some((_, file)) = &mut self.current {
                let bytes = file.read(buffer)?;
                if bytes > 0 {
                    return Ok(bytes);
                }
            }
            let Some(next) = self.next()? else { return Ok(0) };
            // What was written before the later file came has to be read first.
            if self.current.is_none() || self.is_followed {
                self.open(next)?;
            } else {
                self.is_followed = true;
            }
        }
    }

    /// The file after the current one; the first one if the log was removed and begun anew.
    fn next(&self) -> io::Result<Option<u64>> {
        let numbers = match numbers(&self.folder, self.extension) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            numbers => numbers?,
        };
        let Some((current, _)) = &self.current else { return Ok(numbers.into_iter().min()) };
        let later = numbers.iter().filter(|number| *number > current).min();
        let anew = numbers.iter().filter(|_| !numbers.contains(current)).min();
        Ok(later.or(anew).copied())
    }

    fn open(&mut self, number: u64) -> io::Result<()> {
        self.is_followed = false;
        match File::open(path(&self.folder, number, self.extension)) {
            Ok(file) => self.current = Some((number, file)),
            // Removed meanwhile: the next look at the folder shows what is there.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }
}
