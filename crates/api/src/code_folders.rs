//! Unpacked code: one folder a package, named by its digest.
//!
//! A package is unpacked by one caller at a time, however many calls wait for it: each would hold
//! the zip in memory. The same turn is taken to remove a folder, so that none goes while a call
//! relies on it being there.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use portcullis_sandbox::unpack::{self, ZipError};
use portcullis_store::{Blobs, Digest, StoreError};
use sha2::{Digest as _, Sha256};
use tokio::{
    sync::{Mutex, OwnedMutexGuard},
    task::spawn_blocking,
};

/// Packages that are unpacked at the same time, at the most: each is up to 50 MiB in memory.
const TURNS: usize = 8;

/// Why code cannot be made ready.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CodeError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the code package is missing")]
    Missing,
    #[error(transparent)]
    Zip(#[from] ZipError),
    #[error("cannot lay packages over each other: {0}")]
    Overlay(#[from] io::Error),
    #[error("interrupted")]
    Interrupted,
}

/// The folder of all unpacked packages.
pub(crate) struct CodeFolders {
    root: PathBuf,
    turns: [Arc<Mutex<()>>; TURNS],
}

impl CodeFolders {
    pub(crate) fn new(root: PathBuf) -> Self {
        Self { root, turns: Default::default() }
    }

    /// The folder with the package's files, unpacked now if it was not.
    pub(crate) async fn ready(&self, blobs: &Blobs, digest: Digest) -> Result<PathBuf, CodeError> {
        let dir = self.root.join(digest.to_string());
        let turn = self.turn(&digest).await;
        if tokio::fs::try_exists(&dir).await.unwrap_or(false) {
            return Ok(dir);
        }
        let zip = blobs.get(digest).await?.ok_or(CodeError::Missing)?;
        let target = dir.clone();
        let work = spawn_blocking(move || {
            let _turn = turn; // Also when nobody waits for the result any more.
            unpack::unpack(&zip, &target)
        });
        work.await.map_err(|_| CodeError::Interrupted)??;
        Ok(dir)
    }

    /// The folder with these packages laid over each other, the lowest first: made now if it was
    /// not. `None` without packages.
    pub(crate) async fn overlaid(
        &self,
        blobs: &Blobs,
        packages: &[Digest],
    ) -> Result<Option<PathBuf>, CodeError> {
        let Some(folder) = folder_of(packages) else { return Ok(None) };
        if let [one] = packages {
            return Ok(Some(self.ready(blobs, *one).await?));
        }
        let dir = self.root.join(folder.to_string());
        if tokio::fs::try_exists(&dir).await.unwrap_or(false) {
            return Ok(Some(dir));
        }
        let mut layers = Vec::with_capacity(packages.len());
        for package in packages {
            layers.push(self.ready(blobs, *package).await?);
        }
        let (turn, target) = (self.turn(&folder).await, dir.clone());
        let work = spawn_blocking(move || {
            let _turn = turn; // Also when nobody waits for the result any more.
            unpack::overlay(&layers, &target)
        });
        work.await.map_err(|_| CodeError::Interrupted)??;
        Ok(Some(dir))
    }

    /// Removes the folders that were made at least `age` ago and that nobody uses; `is_used` is
    /// asked once nobody can begin to.
    pub(crate) async fn remove_unused(
        &self,
        age: Duration,
        is_used: impl Fn(&Digest, &Path) -> bool,
    ) -> io::Result<()> {
        let root = self.root.clone();
        let old = spawn_blocking(move || older(&root, age)).await.map_err(io::Error::other)??;
        for dir in old {
            let Some(digest) = dir.file_name().and_then(|name| name.to_str()?.parse().ok()) else {
                remove(dir).await?; // What a crash left of an unpacking.
                continue;
            };
            let _turn = self.turn(&digest).await;
            if !is_used(&digest, &dir) {
                remove(dir).await?;
            }
        }
        Ok(())
    }

    async fn turn(&self, digest: &Digest) -> OwnedMutexGuard<()> {
        let [first, ..] = *digest.as_bytes();
        let [default, ..] = &self.turns;
        self.turns.get(usize::from(first) % TURNS).unwrap_or(default).clone().lock_owned().await
    }
}

/// Under what packages that lie over each other are kept, unpacked: one as itself, several as what
/// their digests in this order make. `None` without packages.
pub(crate) fn folder_of(packages: &[Digest]) -> Option<Digest> {
    match packages {
        [] => None,
        [one] => Some(*one),
        several => {
            let mut hash = Sha256::new();
            several.iter().for_each(|package| hash.update(package.as_bytes()));
            Some(Digest::from_bytes(hash.finalize().into()))
        }
    }
}

async fn remove(dir: PathBuf) -> io::Result<()> {
    spawn_blocking(move || unpack::remove(&dir)).await.map_err(io::Error::other)?
}

/// The folders that were made at least `age` ago.
fn older(root: &Path, age: Duration) -> io::Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(root) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut old = Vec::new();
    for entry in entries {
        let entry = entry?;
        let made = match entry.metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue, // just renamed
            metadata => metadata?.modified()?,
        };
        // A folder from the future, by a clock that was set back, is young.
        if SystemTime::now().duration_since(made).is_ok_and(|since| since >= age) {
            old.push(entry.path());
        }
    }
    Ok(old)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use portcullis_store::{Blobs, Digest};
    use tokio::time::timeout;

    use super::CodeFolders;

    /// A stored zip of one empty file, named by `name`.
    async fn package(blobs: &Blobs, name: &str) -> Digest {
        let (name, length) = (name.as_bytes(), u8::try_from(name.len()).unwrap());
        let file = [&[0; 10][..], &[length, 0, 0, 0]].concat();
        let local =
            [&b"PK\x03\x04\x0a\0\0\0\0\0\0\0\0\0"[..], &[0; 12], &file[10..], name].concat();
        let central =
            [&b"PK\x01\x02\x0a\0\x0a\0\0\0\0\0\0\0\0\0"[..], &[0; 12], &file[10..], &[0; 14], name]
                .concat();
        let [size, at] = [&central, &local].map(|part| u32::try_from(part.len()).unwrap());
        let end = [&b"PK\x05\x06\0\0\0\0\x01\0\x01\0"[..], &size.to_le_bytes(), &at.to_le_bytes()];
        let zip = [local, central, end.concat(), vec![0, 0]].concat();
        blobs.put(zip.into()).await.unwrap()
    }

    #[tokio::test]
    async fn a_folder_goes_only_when_it_is_old_and_unused() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(&folder.path().join("blobs")).unwrap();
        let folders = CodeFolders::new(folder.path().join("unpacked"));
        let digest = package(&blobs, "main.py").await;
        folders.remove_unused(Duration::ZERO, |_, _| false).await.unwrap(); // No folder yet.
        let dir = folders.ready(&blobs, digest).await.unwrap();
        assert!(dir.join("main.py").is_file());
        folders.remove_unused(Duration::from_secs(60), |_, _| false).await.unwrap();
        assert!(dir.exists(), "it is young");
        folders
            .remove_unused(Duration::ZERO, |used, at| *used == digest && at == dir)
            .await
            .unwrap();
        assert!(dir.exists(), "it is used");
        let left = dir.with_file_name(".unpack-left");
        std::fs::create_dir(&left).unwrap();
        folders.remove_unused(Duration::ZERO, |_, _| false).await.unwrap();
        assert!(!dir.exists() && !left.exists());
        assert_eq!(folders.ready(&blobs, digest).await.unwrap(), dir, "and comes back");
    }

    /// Each unpacking holds the zip in memory: a burst of calls must not multiply it.
    #[tokio::test]
    async fn a_package_is_unpacked_by_one_caller_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(&folder.path().join("blobs")).unwrap();
        let folders = CodeFolders::new(folder.path().join("unpacked"));
        let digest = package(&blobs, "main.py").await;
        let turn = folders.turn(&digest).await;
        let early = timeout(Duration::from_millis(200), folders.ready(&blobs, digest)).await;
        assert!(early.is_err(), "it must wait for whoever has the turn");
        drop(turn);
        assert!(folders.ready(&blobs, digest).await.unwrap().is_dir());
    }
}
