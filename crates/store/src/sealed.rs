//! A store whose values under certain prefixes are encrypted, with a key that is kept elsewhere: the
//! files of the store alone do not give them away.
//!
//! A sealed value: format (1 byte), nonce (24 bytes), XChaCha20-Poly1305 ciphertext and tag; it is
//! authenticated together with its key in the store, so that none can be put in another's place.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305, XNonce};
use futures_util::stream;

use crate::contract::{BoxFuture, Entry, PAGE_ENTRIES_MAX, Page, Revision, Store};
use crate::error::{CommitError, StoreError};
use crate::key::Key;
use crate::transaction::{Expectation, Transaction, Write};
use crate::watch::{Batch, Change, Watch};

/// First byte of every sealed value. Values that are not sealed must begin with another.
const FORMAT: u8 = 2;

const NONCE_BYTES: usize = 24;

/// Where the value stands by which a key is known to be the right one. It is put there when no value
/// is left that is not sealed.
const CHECK: &str = "sealed";

/// Most values that are sealed in one transaction.
const SEALED_AT_ONCE: usize = 100;

/// What values are sealed with: 32 bytes of full entropy. `Debug` does not show them.
#[derive(Clone)]
pub struct SealingKey([u8; 32]);

/// No key, or not one that can be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSealingKey {
    /// The text is something else. It is not repeated: it could be a key that lacks a character.
    #[error("a sealing key is base64 of 32 random bytes (openssl rand -base64 32)")]
    Malformed,
    /// The operating system gives no random bytes.
    #[error("the operating system gives no random bytes: {0}")]
    NoRandomness(String),
}

impl SealingKey {
    /// A fresh key.
    ///
    /// # Errors
    /// [`InvalidSealingKey::NoRandomness`].
    pub fn generate() -> Result<Self, InvalidSealingKey> {
        let mut bytes = [0; 32];
        let failed = |error: getrandom::Error| InvalidSealingKey::NoRandomness(error.to_string());
        getrandom::fill(&mut bytes).map_err(failed)?;
        Ok(Self(bytes))
    }

    /// The key as base64: for the file that keeps it, and nothing else.
    #[must_use]
    pub fn expose(&self) -> String {
        STANDARD.encode(self.0)
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&self.0.into())
    }

    fn seal(&self, key: &Key, value: &[u8]) -> Result<Bytes, StoreError> {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(|error| StoreError::Io {
            action: "draw random bytes",
            source: Arc::new(std::io::Error::other(error.to_string())),
        })?;
        let plain = Payload { msg: value, aad: key.as_bytes() };
        #[expect(clippy::expect_used, reason = "fails only beyond 256 GiB of plaintext")]
        let sealed = self.cipher().encrypt(&XNonce::from(nonce), plain).expect("values are short");
        Ok([&[FORMAT][..], &nonce, &sealed].concat().into())
    }

    /// `None` for what this key did not seal for this place.
    fn open(&self, key: &Key, value: &[u8]) -> Option<Bytes> {
        let (nonce, sealed) = value.strip_prefix(&[FORMAT])?.split_first_chunk::<NONCE_BYTES>()?;
        let sealed = Payload { msg: sealed, aad: key.as_bytes() };
        self.cipher().decrypt(&XNonce::from(*nonce), sealed).ok().map(Into::into)
    }
}

impl FromStr for SealingKey {
    type Err = InvalidSealingKey;

    fn from_str(text: &str) -> Result<Self, InvalidSealingKey> {
        let bytes = STANDARD.decode(text.trim()).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or(InvalidSealingKey::Malformed)
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingKey(…)")
    }
}

/// A store in which the values under some prefixes are sealed. All else is as in the store below.
#[derive(Clone)]
pub struct SealedStore {
    store: Arc<dyn Store>,
    key: SealingKey,
    prefixes: &'static [&'static str],
}

/// Whether the values of `store` are sealed with some key already.
///
/// # Errors
/// [`StoreError`] when it cannot be read.
pub async fn is_sealed(store: &dyn Store) -> Result<bool, StoreError> {
    Ok(store.get(&check_key()).await?.is_some())
}

fn check_key() -> Key {
    #[expect(clippy::expect_used, reason = "a short constant")]
    Key::try_from(CHECK).expect("a valid key")
}

impl SealedStore {
    /// Seals and opens the values of `store` under `prefixes` with `key`.
    ///
    /// # Errors
    /// [`StoreError::WrongSealingKey`] when they were sealed with another.
    pub async fn open(
        store: Arc<dyn Store>,
        key: SealingKey,
        prefixes: &'static [&'static str],
    ) -> Result<Self, StoreError> {
        if let Some(check) = store.get(&check_key()).await?
            && key.open(&check.key, &check.value).is_none()
        {
            return Err(StoreError::WrongSealingKey);
        }
        Ok(Self { store, key, prefixes })
    }

    /// Seals what an earlier build stored as it was; answers how many values. Nothing else may write
    /// meanwhile. Interrupted, it goes on where it was when it is called again.
    ///
    /// The old values may lie in the store's files still, as long as the files are not written anew:
    /// do so, then [`finish`](Self::finish).
    ///
    /// # Errors
    /// [`StoreError::WrongSealingKey`] where a value is sealed with another key; [`StoreError`] as of
    /// reading and writing.
    pub async fn seal_all(&self) -> Result<usize, StoreError> {
        let mut sealed = 0;
        for prefix in self.prefixes {
            let prefix = Key::try_from(*prefix)
                .map_err(|error| StoreError::Corrupt { detail: error.to_string() })?;
            let mut after = None;
            loop {
                let page = self.store.range(&prefix, after.as_ref(), PAGE_ENTRIES_MAX).await?;
                sealed += self.seal_entries(&page.entries).await?;
                after = page.entries.last().map(|entry| entry.key.clone());
                if !page.more {
                    break;
                }
            }
        }
        Ok(sealed)
    }

    async fn seal_entries(&self, entries: &[Entry]) -> Result<usize, StoreError> {
        let is_sealed = |entry: &&Entry| entry.value.first() == Some(&FORMAT);
        let mut sealed = entries.iter().filter(is_sealed);
        if sealed.any(|entry| self.key.open(&entry.key, &entry.value).is_none()) {
            return Err(StoreError::WrongSealingKey);
        }
        let plain: Vec<&Entry> = entries.iter().filter(|entry| !is_sealed(entry)).collect();
        for some in plain.chunks(SEALED_AT_ONCE) {
            let mut transaction = Transaction::default();
            for entry in some {
                let key = entry.key.clone();
                transaction.writes.push(Write::Put(key.clone(), entry.value.clone()));
                transaction.expectations.push(Expectation::Unchanged(key, entry.modified));
            }
            self.commit(transaction).await.map_err(of_commit)?;
        }
        Ok(plain.len())
    }

    /// Remembers the key as the right one, from now on.
    ///
    /// # Errors
    /// [`StoreError`] as of writing.
    pub async fn finish(&self) -> Result<(), StoreError> {
        if is_sealed(self.store.as_ref()).await? {
            return Ok(());
        }
        let check = self.key.seal(&check_key(), b"")?;
        let transaction = Transaction {
            expectations: vec![Expectation::Absent(check_key())],
            writes: vec![Write::Put(check_key(), check)],
        };
        self.store.commit(transaction).await.map(drop).map_err(of_commit)
    }

    fn seals(&self, key: &Key) -> bool {
        self.prefixes.iter().any(|prefix| key.as_bytes().starts_with(prefix.as_bytes()))
    }

    /// What cannot be opened stays as it is, and is nothing that anyone can read.
    fn opened(&self, mut entry: Entry) -> Entry {
        if self.seals(&entry.key)
            && let Some(value) = self.key.open(&entry.key, &entry.value)
        {
            entry.value = value;
        }
        entry
    }

    fn opened_batch(&self, batch: Batch) -> Batch {
        if !batch.changes.iter().any(|change| self.seals(change.key())) {
            return batch;
        }
        let opened = batch.changes.iter().cloned().map(|change| match change {
            Change::Put(entry) => Change::Put(self.opened(entry)),
            Change::Delete(key) => Change::Delete(key),
        });
        Batch { revision: batch.revision, changes: opened.collect() }
    }

    fn sealed(&self, mut transaction: Transaction) -> Result<Transaction, StoreError> {
        for write in &mut transaction.writes {
            if let Write::Put(key, value) = write
                && self.seals(key)
            {
                *value = self.key.seal(key, value)?;
            }
        }
        Ok(transaction)
    }
}

/// Nothing else writes while values are sealed.
fn of_commit(error: CommitError) -> StoreError {
    match error {
        CommitError::Store(error) => error,
        CommitError::Conflict => {
            StoreError::Corrupt { detail: "a value changed while it was sealed".to_owned() }
        }
    }
}

impl Store for SealedStore {
    fn get(&self, key: &Key) -> BoxFuture<'_, Result<Option<Entry>, StoreError>> {
        let found = self.store.get(key);
        Box::pin(async move { Ok(found.await?.map(|entry| self.opened(entry))) })
    }

    fn range(
        &self,
        prefix: &Key,
        after: Option<&Key>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Page, StoreError>> {
        let page = self.store.range(prefix, after, limit);
        Box::pin(async move {
            let mut page = page.await?;
            page.entries = page.entries.into_iter().map(|entry| self.opened(entry)).collect();
            Ok(page)
        })
    }

    fn commit(&self, transaction: Transaction) -> BoxFuture<'_, Result<Revision, CommitError>> {
        match self.sealed(transaction) {
            Ok(transaction) => self.store.commit(transaction),
            Err(error) => Box::pin(async { Err(CommitError::Store(error)) }),
        }
    }

    fn watch(&self, after: Revision) -> Result<Watch, StoreError> {
        let (watch, store) = (self.store.watch(after)?, self.clone());
        Ok(Watch::new(stream::unfold((watch, store), |(mut watch, store)| async {
            let batch = watch.next().await.map(|batch| store.opened_batch(batch));
            Some((batch, (watch, store)))
        })))
    }

    fn at_hand(&self, after: Revision) -> Vec<Batch> {
        let batches = self.store.at_hand(after).into_iter();
        batches.map(|batch| self.opened_batch(batch)).collect()
    }
}

impl fmt::Debug for SealedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedStore").field("prefixes", &self.prefixes).finish_non_exhaustive()
    }
}
