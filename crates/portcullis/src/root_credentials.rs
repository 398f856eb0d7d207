//! The root credentials of the default account in the data folder: made once, mode 0600.

use std::{
    fs::{self, OpenOptions},
    io::{ErrorKind, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use portcullis_sigv4::Credentials;
use serde_json::{Value, json};

/// File name in the data folder.
const FILE: &str = "root-credentials.json";

/// Why there are no root credentials.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RootCredentialsError {
    /// The file cannot be read or written.
    #[error(
        "cannot use {path}: {source}; give credentials as AWS_ACCESS_KEY_ID and \
         AWS_SECRET_ACCESS_KEY, or name the server's --data-dir"
    )]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is there and is not ours.
    #[error("{0} does not hold root credentials")]
    Malformed(PathBuf),
}

/// Reads the credentials that [`write`] kept.
///
/// # Errors
/// [`RootCredentialsError`] when the file is missing, unreadable or not what `write` wrote.
pub(crate) fn read(data_dir: &Path) -> Result<Credentials, RootCredentialsError> {
    let path = data_dir.join(FILE);
    let text = fs::read_to_string(&path)
        .map_err(|source| RootCredentialsError::File { path: path.clone(), source })?;
    of_text(&text).ok_or(RootCredentialsError::Malformed(path))
}

/// The credentials in a file's text: JSON with `AccessKeyId` and `SecretAccessKey`.
pub(crate) fn of_text(text: &str) -> Option<Credentials> {
    let parsed: Value = serde_json::from_str(text).ok()?;
    let member = |name: &str| parsed.get(name)?.as_str().map(str::to_owned);
    Some(Credentials {
        access_key_id: member("AccessKeyId")?,
        secret_access_key: member("SecretAccessKey")?,
        session_token: None,
    })
}

/// Reads the credentials, or `None` when there is no file yet.
///
/// # Errors
/// As [`read`], but for the missing file.
pub(crate) fn read_if_any(data_dir: &Path) -> Result<Option<Credentials>, RootCredentialsError> {
    match read(data_dir) {
        Err(RootCredentialsError::File { source, .. }) if source.kind() == ErrorKind::NotFound => {
            Ok(None)
        }
        other => other.map(Some),
    }
}

/// Keeps `credentials` in the data folder, durable, readable by the owner only.
///
/// # Errors
/// [`RootCredentialsError::File`] when it cannot be written; an older file stands unchanged then.
pub(crate) fn write(
    data_dir: &Path,
    credentials: &Credentials,
) -> Result<(), RootCredentialsError> {
    let path = data_dir.join(FILE);
    let content = json!({
        "AccessKeyId": credentials.access_key_id,
        "SecretAccessKey": credentials.secret_access_key,
    });
    write_durably(&path, format!("{content:#}\n").as_bytes())
        .map_err(|source| RootCredentialsError::File { path, source })
}

/// Temporary file, sync, rename, sync of the folder: the file is whole or not there.
pub(crate) fn write_durably(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let draft = path.with_extension("draft");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(&draft)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    path.parent().map_or(Ok(()), |folder| fs::File::open(folder)?.sync_all())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use portcullis_sigv4::Credentials;

    use super::{FILE, read, read_if_any, write};

    #[test]
    fn what_is_written_is_read_back_and_is_private() {
        let folder = tempfile::tempdir().unwrap();
        assert!(read_if_any(folder.path()).unwrap().is_none());
        let credentials = Credentials {
            access_key_id: "AKIAROOT".into(),
            secret_access_key: "secret".into(),
            session_token: None,
        };
        write(folder.path(), &credentials).unwrap();
        assert_eq!(read(folder.path()).unwrap().secret_access_key, "secret");
        let mode = std::fs::metadata(folder.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_damaged_file_is_an_error_and_not_a_missing_one() {
        let folder = tempfile::tempdir().unwrap();
        for content in ["", "{}", "[]", r#"{"AccessKeyId":1}"#] {
            std::fs::write(folder.path().join(FILE), content).unwrap();
            assert!(read_if_any(folder.path()).is_err(), "{content}");
        }
    }
}
