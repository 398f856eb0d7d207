//! The key that the secrets in the store are sealed with: given, or made once and kept in the data
//! folder, mode 0600, beside the store.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::Arc,
};

use portcullis_catalog::address::SEALED;
use portcullis_store::{
    InvalidSealingKey, SealedStore, SealingKey, SqliteStore, StoreError, is_sealed,
};

use crate::root_credentials::write_durably;

/// File name in the data folder.
const FILE: &str = "sealing-key";

/// Where the key comes from.
#[derive(Clone, Debug, Default)]
pub(crate) enum SealingKeySource {
    /// From the data folder, where it is made at the first start.
    #[default]
    DataFolder,
    /// From a file that somebody else keeps.
    File(PathBuf),
    /// Given itself.
    Given(SealingKey),
}

/// Why the secrets in the store cannot be sealed and opened. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SealingError {
    /// The store has sealed secrets and the key is not there.
    #[error(
        "the secrets in the store are sealed, and their key is missing: {0} is not there; put it \
         back, or give the key with --sealing-key-file or PORTCULLIS_SEALING_KEY"
    )]
    Missing(PathBuf),
    /// The file of the key cannot be read or written.
    #[error("cannot use the sealing key in {path}: {source}")]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file of the key holds something else.
    #[error("cannot use the sealing key in {path}: {source}")]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// What a key is.
        source: InvalidSealingKey,
    },
    /// No key can be made.
    #[error("cannot make a sealing key: {0}")]
    Made(#[from] InvalidSealingKey),
    /// The store failed, or was sealed with another key.
    #[error("cannot open the store: {0}")]
    Store(#[from] StoreError),
}

/// Opens the store of a data folder, its secrets sealed. What an earlier build stored as it was is
/// sealed first, and its files are written anew.
///
/// # Errors
/// [`SealingError`].
pub(crate) async fn open(
    data_dir: &Path,
    source: &SealingKeySource,
) -> Result<(Arc<SqliteStore>, SealedStore), SealingError> {
    let store = Arc::new(SqliteStore::open(data_dir)?);
    let key = key(data_dir, source, is_sealed(&*store).await?)?;
    let sealed = SealedStore::open(store.clone(), key.clone(), &SEALED).await?;
    if is_sealed(&*store).await? {
        return Ok((store, sealed));
    }
    let store = match sealed.seal_all().await? {
        0 if store.is_new() => store,
        values => {
            tracing::info!(
                values,
                "sealed the secrets of an earlier build; writing the store anew"
            );
            drop(sealed);
            store.close().await;
            drop(store);
            SqliteStore::rewrite(data_dir)?;
            Arc::new(SqliteStore::open(data_dir)?)
        }
    };
    let sealed = SealedStore::open(store.clone(), key, &SEALED).await?;
    sealed.finish().await?;
    Ok((store, sealed))
}

/// The key; a new one only for a store that no key is the key of yet.
fn key(
    data_dir: &Path,
    source: &SealingKeySource,
    is_sealed: bool,
) -> Result<SealingKey, SealingError> {
    let kept = data_dir.join(FILE);
    match source {
        SealingKeySource::Given(key) => Ok(key.clone()),
        SealingKeySource::File(path) => read(path),
        SealingKeySource::DataFolder => match read(&kept) {
            Err(SealingError::File { source, .. }) if source.kind() == ErrorKind::NotFound => {
                if is_sealed {
                    Err(SealingError::Missing(kept))
                } else {
                    make(kept)
                }
            }
            other => other,
        },
    }
}

fn read(path: &Path) -> Result<SealingKey, SealingError> {
    let failed = |source| SealingError::File { path: path.to_owned(), source };
    let text = fs::read_to_string(path).map_err(failed)?;
    text.parse().map_err(|source| SealingError::Malformed { path: path.to_owned(), source })
}

fn make(path: PathBuf) -> Result<SealingKey, SealingError> {
    let key = SealingKey::generate()?;
    write_durably(&path, format!("{}\n", key.expose()).as_bytes())
        .map_err(|source| SealingError::File { path, source })?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::{FILE, SealingError, SealingKeySource, key};

    #[test]
    fn a_key_is_made_once_and_private_and_never_for_a_store_that_has_one() {
        let folder = tempfile::tempdir().unwrap();
        let source = SealingKeySource::DataFolder;
        assert!(matches!(key(folder.path(), &source, true), Err(SealingError::Missing(_))));
        let made = key(folder.path(), &source, false).unwrap();
        let mode = std::fs::metadata(folder.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        for sealed in [true, false] {
            assert_eq!(key(folder.path(), &source, sealed).unwrap().expose(), made.expose());
        }
        std::fs::write(folder.path().join(FILE), "no key").unwrap();
        let refused = key(folder.path(), &source, false).unwrap_err();
        assert!(matches!(refused, SealingError::Malformed { .. }), "{refused}");
        assert!(!refused.to_string().contains("no key"), "{refused}");
        let elsewhere = SealingKeySource::File(folder.path().join("missing"));
        assert!(matches!(key(folder.path(), &elsewhere, false), Err(SealingError::File { .. })));
    }
}
