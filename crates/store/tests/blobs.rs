//! Laws of the content-addressed files.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use bytes::Bytes;
use portcullis_store::{Blobs, Digest, StoreError};
use tempfile::TempDir;
use tokio::task::JoinSet;

fn open() -> (Blobs, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (Blobs::open(&folder.path().join("blobs")).unwrap(), folder)
}

async fn digests(blobs: &Blobs) -> Vec<Digest> {
    blobs.list().await.unwrap().into_iter().map(|blob| blob.digest).collect()
}

#[tokio::test]
async fn what_was_put_is_got_by_its_digest() {
    let (blobs, _folder) = open();
    for bytes in [Bytes::new(), Bytes::from_static(b"abc"), Bytes::from(vec![7; 1 << 20])] {
        let digest = blobs.put(bytes.clone()).await.unwrap();
        assert_eq!(digest, Digest::of(&bytes));
        assert!(blobs.get(digest).await.unwrap().unwrap() == bytes);
        assert!(fs::read(blobs.path(&digest)).unwrap() == bytes);
    }
    assert_eq!(blobs.get(Digest::of(b"never put")).await.unwrap(), None);
}

#[tokio::test]
async fn putting_the_same_bytes_many_times_at_once_stores_them_once() {
    let (blobs, folder) = open();
    let mut tasks = JoinSet::new();
    for n in 0..32u8 {
        let blobs = blobs.clone();
        tasks.spawn(async move { blobs.put(vec![n % 2; 10_000].into()).await.unwrap() });
    }
    tasks.join_all().await;
    assert_eq!(digests(&blobs).await.len(), 2);
    assert_eq!(fs::read_dir(folder.path().join("blobs/tmp")).unwrap().count(), 0);
}

#[tokio::test]
async fn other_bytes_are_never_returned_and_a_put_heals_them() {
    let (blobs, _folder) = open();
    let digest = blobs.put("abc".into()).await.unwrap();
    for damaged in ["abd", "ab", ""] {
        fs::write(blobs.path(&digest), damaged).unwrap();
        assert!(matches!(blobs.get(digest).await, Err(StoreError::Corrupt { .. })));
        blobs.put("abc".into()).await.unwrap();
        assert_eq!(blobs.get(digest).await.unwrap().unwrap(), "abc");
    }
}

#[tokio::test]
async fn a_removed_blob_is_gone_and_removing_it_again_is_harmless() {
    let (blobs, _folder) = open();
    let digest = blobs.put("abc".into()).await.unwrap();
    let (now, hour) = (Duration::ZERO, Duration::from_secs(3600));
    assert!(!blobs.remove_older(digest, hour).await.unwrap(), "it is young");
    assert!(blobs.remove_older(digest, now).await.unwrap());
    assert!(!blobs.remove_older(digest, now).await.unwrap());
    assert_eq!(blobs.get(digest).await.unwrap(), None);
    assert_eq!(digests(&blobs).await, []);
}

#[tokio::test]
async fn a_list_tells_size_and_time_since_the_last_put() {
    let (blobs, _folder) = open();
    let digest = blobs.put("abc".into()).await.unwrap();
    let file = fs::File::options().write(true).open(blobs.path(&digest)).unwrap();
    let hour = Duration::from_secs(3600);
    file.set_modified(std::time::SystemTime::now() - hour).unwrap();
    let [old] = blobs.list().await.unwrap()[..] else { unreachable!() };
    assert_eq!((old.digest, old.size), (digest, 3));
    assert!(old.age >= hour);
    blobs.put("abc".into()).await.unwrap();
    let [young] = blobs.list().await.unwrap()[..] else { unreachable!() };
    assert!(young.age < hour);
}

#[tokio::test]
async fn leftovers_of_a_crash_are_removed_and_strange_files_left_out() {
    let (blobs, folder) = open();
    let digest = blobs.put("abc".into()).await.unwrap();
    let root = folder.path().join("blobs");
    let shard = blobs.path(&digest).parent().unwrap().to_owned();
    for strange in [root.join("tmp/.half"), root.join("note"), shard.join("note")] {
        fs::write(strange, "x").unwrap();
    }
    let blobs = Blobs::open(&root).unwrap();
    assert!(!root.join("tmp/.half").exists());
    assert!(root.join("note").exists());
    assert_eq!(digests(&blobs).await, [digest]);
}

#[tokio::test]
async fn only_the_owner_reads_a_blob() {
    let (blobs, folder) = open();
    let path = blobs.path(&blobs.put("abc".into()).await.unwrap());
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    assert_eq!(mode(&folder.path().join("blobs")), 0o700);
}
