//! Immutable files named by their content, for what is too large for a value (code packages).
//!
//! `FOLDER/ab/abcdef…`: 256 folders by the digest's first byte, so that none grows too large. A
//! file under its final name is whole: it is written and flushed under a temporary name first.

use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use tempfile::NamedTempFile;
use tokio::task::spawn_blocking;

use crate::digest::Digest;
use crate::error::StoreError;
use crate::folder::{self, failed};

/// Where files are written before they get their name. What a crash leaves there is removed when
/// the folder is opened next.
const TEMPORARY: &str = "tmp";

/// A folder of content-addressed files. Cloning is cheap; all methods need a tokio runtime.
///
/// Promised: after `put` the bytes survive power loss; `get` returns the bytes of that digest or an
/// error, never others. One process at a time may have the folder open (the store's lock in the
/// data folder sees to it): opening removes the temporary files of whoever came before.
#[derive(Clone, Debug)]
pub struct Blobs {
    folder: Arc<Path>,
    /// Held while a file gets its name or loses it, so that no blob is removed that was just put.
    naming: Arc<Mutex<()>>,
}

/// One stored file, as [`Blobs::list`] sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blob {
    /// Of its content; its name.
    pub digest: Digest,
    /// Bytes.
    pub size: u64,
    /// Time since the last put of these bytes; zero when the clock went back since.
    pub age: Duration,
}

impl Blobs {
    /// Opens the folder, making it if need be, and removes leftover temporary files.
    ///
    /// # Errors
    /// [`StoreError::Io`] when the folder cannot be made or cleaned.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let temporary = folder.join(TEMPORARY);
        folder::make(&temporary)?;
        for leftover in fs::read_dir(&temporary).map_err(failed("read the blobs folder"))? {
            let leftover = leftover.map_err(failed("read the blobs folder"))?;
            folder::remove(&leftover.path()).map_err(failed("remove a leftover blob"))?;
        }
        folder::flush(folder).map_err(failed("flush the blobs folder"))?;
        Ok(Self { folder: folder.into(), naming: Arc::default() })
    }

    /// Stores the bytes, unless they are there, and returns their digest. `Ok` means durable.
    ///
    /// Putting the same bytes again (at the same time, too) is harmless and makes them young again,
    /// so that a garbage collection by age keeps them; bytes damaged on disk are replaced.
    ///
    /// # Errors
    /// [`StoreError::Io`]: the bytes are not stored, or not durably so; no part of them is.
    pub async fn put(&self, bytes: Bytes) -> Result<Digest, StoreError> {
        self.blocking("store a blob", move |blobs| {
            let digest = Digest::of(&bytes);
            blobs.write(&digest, &bytes).map(|()| digest)
        })
        .await
    }

    /// The bytes of this digest, verified; `None` when they are not stored.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the file holds other bytes; [`StoreError::Io`] when it cannot be
    /// read.
    pub async fn get(&self, digest: Digest) -> Result<Option<Bytes>, StoreError> {
        let read = self.blocking("read a blob", move |blobs| blobs.read(&digest)).await?;
        match read {
            Some(bytes) if Digest::of(&bytes) != digest => {
                Err(StoreError::Corrupt { detail: format!("blob {digest} holds other bytes") })
            }
            read => Ok(read),
        }
    }

    /// Where the file of this digest is, or would be. Whoever reads it there verifies it himself.
    #[must_use]
    pub fn path(&self, digest: &Digest) -> PathBuf {
        let name = digest.to_string();
        self.shard(digest).join(name)
    }

    /// Removes the bytes of this digest unless they were put within the last `age`; returns
    /// whether they were removed. A put at the same time comes before, and keeps them, or after,
    /// and stores them anew.
    ///
    /// Not promised: that they stay removed after power loss. Whoever holds the file open keeps it.
    ///
    /// # Errors
    /// [`StoreError::Io`] when the file cannot be removed.
    pub async fn remove_older(&self, digest: Digest, age: Duration) -> Result<bool, StoreError> {
        self.blocking("remove a blob", move |blobs| {
            let path = blobs.path(&digest);
            let _naming = blobs.naming.lock().unwrap_or_else(PoisonError::into_inner);
            match fs::metadata(&path) {
                Ok(metadata) if age_of(&metadata)? >= age => folder::remove(&path),
                Ok(_) => Ok(false),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
                Err(error) => Err(error),
            }
        })
        .await
    }

    /// All stored files, in the order of their digests, with their ages. Other files are left out.
    ///
    /// # Errors
    /// [`StoreError::Io`] when a folder cannot be read.
    pub async fn list(&self) -> Result<Vec<Blob>, StoreError> {
        self.blocking("list the blobs", move |blobs| {
            let mut found = Vec::new();
            for shard in fs::read_dir(&blobs.folder)? {
                let shard = shard?.path();
                if shard.is_dir() {
                    list_shard(&shard, &mut found)?;
                }
            }
            found.sort_unstable_by_key(|blob: &Blob| blob.digest);
            Ok(found)
        })
        .await
    }

    fn shard(&self, digest: &Digest) -> PathBuf {
        let [first, ..] = digest.as_bytes();
        self.folder.join(format!("{first:02x}"))
    }

    fn read(&self, digest: &Digest) -> io::Result<Option<Bytes>> {
        match fs::read(self.path(digest)) {
            Ok(bytes) => Ok(Some(bytes.into())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Content, then name, then the name's folder: each durable before the next relies on it.
    fn write(&self, digest: &Digest, bytes: &[u8]) -> io::Result<()> {
        let mut file = NamedTempFile::new_in(self.folder.join(TEMPORARY))?; // mode 0600
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        let shard = self.shard(digest);
        self.make_shard(&shard)?;
        let naming = self.naming.lock().unwrap_or_else(PoisonError::into_inner);
        file.persist(self.path(digest))?;
        drop(naming);
        folder::flush(&shard)
    }

    fn make_shard(&self, shard: &Path) -> io::Result<()> {
        match fs::create_dir(shard) {
            Ok(()) => fs::set_permissions(shard, Permissions::from_mode(0o700))?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        folder::flush(&self.folder) // also when a concurrent put made it and has not flushed yet
    }

    async fn blocking<T: Send + 'static>(
        &self,
        action: &'static str,
        work: impl FnOnce(&Self) -> io::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let blobs = self.clone();
        let done = spawn_blocking(move || work(&blobs).map_err(failed(action))).await;
        done.unwrap_or_else(|lost| Err(StoreError::Unavailable { source: Arc::new(lost) }))
    }
}

fn list_shard(shard: &Path, found: &mut Vec<Blob>) -> io::Result<()> {
    for file in fs::read_dir(shard)? {
        let file = file?;
        let Some(digest) = file.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        let metadata = match file.metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue, // just removed
            metadata => metadata?,
        };
        found.push(Blob { digest, size: metadata.len(), age: age_of(&metadata)? });
    }
    Ok(())
}

/// Time since the file was last written; zero when the clock went back since.
fn age_of(metadata: &fs::Metadata) -> io::Result<Duration> {
    Ok(SystemTime::now().duration_since(metadata.modified()?).unwrap_or_default())
}
