//! Documents in files, or on standard input.

use std::{
    cell::Cell,
    fs::File,
    io::{self, Read},
};

use portcullis_simulation::{GivenLevel, GivenText};

use crate::{
    CliError,
    cli::{LevelFile, PolicyFile},
};

/// Largest file that is read, in bytes: some eight times the largest document, for the answers of
/// AWS around one.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// The files of one command. Standard input can be one of them, once.
#[derive(Default)]
pub(crate) struct Files {
    standard_input_is_read: Cell<bool>,
}

impl Files {
    /// Reads a file; its path is the name.
    ///
    /// # Errors
    /// [`CliError::File`] when it cannot be read, is too large, or is not UTF-8.
    pub(crate) fn read(&self, file: &PolicyFile) -> Result<GivenText, CliError> {
        let name = match file {
            PolicyFile::StandardInput => "standard input".to_owned(),
            PolicyFile::Path(path) => path.display().to_string(),
        };
        match self.content(file) {
            Ok(json) => Ok(GivenText { name, json }),
            Err(source) => Err(CliError::File { name, source }),
        }
    }

    fn content(&self, file: &PolicyFile) -> io::Result<String> {
        match file {
            PolicyFile::Path(path) => bounded(File::open(path)?),
            PolicyFile::StandardInput if self.standard_input_is_read.replace(true) => {
                Err(io::Error::other("it can be read only once"))
            }
            PolicyFile::StandardInput => bounded(io::stdin().lock()),
        }
    }

    /// Reads several.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub(crate) fn all<'f>(
        &self,
        files: impl IntoIterator<Item = &'f PolicyFile>,
    ) -> Result<Vec<GivenText>, CliError> {
        files.into_iter().map(|file| self.read(file)).collect()
    }

    /// Reads what is attached to levels.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub(crate) fn levels(&self, files: &[LevelFile]) -> Result<Vec<GivenLevel>, CliError> {
        let read = |LevelFile { level, file }: &LevelFile| {
            let document = file.as_ref().map(|file| self.read(file)).transpose()?;
            Ok(GivenLevel { level: level.clone(), document })
        };
        files.iter().map(read).collect()
    }
}

/// All of a reader's text, without the mark that some editors put before it.
fn bounded(reader: impl Read) -> io::Result<String> {
    let mut text = String::new();
    reader.take(FILE_BYTES_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(io::Error::other(format!("it has more than {FILE_BYTES_MAX} bytes")));
    }
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

#[cfg(test)]
mod tests {
    use super::{FILE_BYTES_MAX, bounded};

    #[test]
    fn a_text_is_read_whole_or_not_at_all() {
        let max = usize::try_from(FILE_BYTES_MAX).unwrap();
        assert_eq!(bounded(&b"\xef\xbb\xbf{}"[..]).unwrap(), "{}");
        assert_eq!(bounded(&vec![b'x'; max][..]).unwrap().len(), max);
        assert!(bounded(&vec![b'x'; max + 1][..]).is_err());
        assert!(bounded(&b"\xff"[..]).is_err());
    }
}
