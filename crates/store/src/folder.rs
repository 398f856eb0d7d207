//! Folders and files that only their owner may read, and the lock that keeps a second process out.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;

use crate::error::StoreError;

/// Only the owner enters a folder that we make.
const FOLDER_MODE: u32 = 0o700;

/// Only the owner reads and writes a file that we make: values hold secrets.
const FILE_MODE: u32 = 0o600;

/// Turns an I/O error into ours: `.map_err(failed("open the database"))`.
pub(crate) fn failed(action: &'static str) -> impl FnOnce(io::Error) -> StoreError {
    move |error| StoreError::Io { action, source: Arc::new(error) }
}

/// Makes the folder and its parents; one that is there stays as it is.
pub(crate) fn make(folder: &Path) -> Result<(), StoreError> {
    let made = DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder);
    made.map_err(failed("make the data folder"))
}

/// Opens the file, making it if need be, and closes it to others.
pub(crate) fn private_file(path: &Path) -> Result<File, StoreError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(FILE_MODE);
    let file = options.open(path).map_err(failed("open a file of the data folder"))?;
    let closed = file.set_permissions(Permissions::from_mode(FILE_MODE));
    closed.map_err(failed("set the mode of a file of the data folder"))?;
    Ok(file)
}

/// Makes the names in the folder durable: a new file is there after power loss only once its
/// folder was flushed.
pub(crate) fn flush(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Holds a folder for one handle alone. The kernel lets go when the process ends, even by
/// `kill -9`.
pub(crate) struct Lock(File);

/// Takes the lock of this folder.
pub(crate) fn lock(folder: &Path) -> Result<Lock, StoreError> {
    let file = private_file(&folder.join("store.lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(Lock(file)),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse { folder: folder.to_owned() }),
        Err(TryLockError::Error(error)) => Err(failed("lock the data folder")(error)),
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Not by closing the file: a child process that was forked and has not yet executed its
        // program shares it, and would keep the lock.
        if let Err(error) = self.0.unlock() {
            tracing::warn!(%error, "the data folder was not unlocked");
        }
    }
}

/// Removes a file; one that is not there is no error. Returns whether it was.
pub(crate) fn remove(path: &Path) -> io::Result<bool> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
