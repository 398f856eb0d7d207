//! Files of runtime clients that come with this program.

use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// A file by its name and its text.
pub(crate) type ClientFile = (&'static str, &'static str);

/// Writes a file into `dir`, unless it is there: whole or not at all, for everybody to read.
///
/// # Errors
/// Those of the file system.
pub(crate) fn write((name, text): ClientFile, dir: &Path) -> io::Result<()> {
    let file = dir.join(name);
    if fs::read_to_string(&file).is_ok_and(|there| there == text) {
        return Ok(());
    }
    fs::create_dir_all(dir)?;
    fs::set_permissions(dir, Permissions::from_mode(0o755))?;
    let mut written = tempfile::NamedTempFile::new_in(dir)?;
    written.write_all(text.as_bytes())?;
    written.as_file().set_permissions(Permissions::from_mode(0o644))?;
    written.persist(file)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_written_once_and_again_when_it_differs() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("client");
        for there in [None, Some("other"), Some("text")] {
            if let Some(there) = there {
                fs::write(dir.join("name"), there).unwrap();
            }
            write(("name", "text"), &dir).unwrap();
            assert_eq!(fs::read_to_string(dir.join("name")).unwrap(), "text");
            assert_eq!(fs::read_dir(&dir).unwrap().count(), 1);
        }
    }
}
