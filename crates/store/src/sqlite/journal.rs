//! The journal: each group of commits is appended to it and flushed before it is acknowledged.
//!
//! From here the commits go into the database later, many at once. So a commit waits for one flush of
//! its own bytes, whatever the database has to rearrange for it. Once the database has all that is
//! in the journal, the file is filled again from its start.
//!
//! The file is a row of records, one a group, each from the start of a block of 4 KiB: length of the
//! body and its checksum (4 bytes each), the filling that it belongs to (8 bytes), and the body. All
//! numbers are little-endian. The row ends where no whole record of the same filling follows: what a
//! crash left half-written was never acknowledged.
//!
//! It is written past the system's cache, which no one reads it from, where the file system can do
//! so: that takes a tenth less time than a write into the cache and its flush.

use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, IoSlice};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::{Buf, BufMut, Bytes, TryGetError};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::{Errno, retry_on_intr};

use crate::contract::{Entry, Revision};
use crate::error::StoreError;
use crate::folder::{self, private_file};
use crate::key::Key;
use crate::watch::{Batch, Change};

/// The journal within the folder.
const JOURNAL_FILE: &str = "store.journal";

/// How a body is written. Another one is refused.
const FORMAT: u8 = 1;

/// Length, checksum and filling, in bytes.
const HEADER_BYTES: usize = 16;

/// Bytes of a block: what memory, places and lengths of a write past the cache are multiples of, for
/// nearly any disk.
const BLOCK_BYTES: usize = 4096;

/// Blocks in one call of the system: its limit.
const BLOCKS_A_WRITE: usize = 1024;

/// Bytes made ready in the file: more than is appended before the database takes it over.
///
/// Reason: overwriting flushes faster than extending does, since the file's metadata stays as it
/// is.
const RESERVED_BYTES: u64 = 1024 * 1024;

const PUT: u8 = 1;
const DELETE: u8 = 0;

/// A step of an append that a test can hold up or fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Write,
    Flush,
}

/// What a test puts in the way of a step.
pub(crate) type Obstacle = Arc<dyn Fn(Step) -> io::Result<()> + Send + Sync>;

/// Why a group was not appended.
pub(super) enum AppendError {
    /// There is no room for it: nothing of it stays that a recovery would take for a record.
    Full(io::Error),
    /// The disk did not confirm it. It may say so of what follows and not have it, so nothing that
    /// follows could be believed either.
    Unconfirmed(io::Error),
}

impl From<io::Error> for AppendError {
    fn from(error: io::Error) -> Self {
        use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        match error.kind() {
            FileTooLarge | QuotaExceeded | StorageFull => Self::Full(error),
            _ => Self::Unconfirmed(error),
        }
    }
}

/// A piece of a write.
#[derive(Clone)]
#[repr(align(4096))]
struct Block([u8; BLOCK_BYTES]);

/// The file, and where in it the next record goes.
pub(super) struct Journal {
    file: File,
    path: PathBuf,
    end: u64,
    /// Of this filling: no two that the file ever had are alike, so that no record left of an earlier
    /// one is taken for the next of this one.
    filling: u64,
    /// Whether the file was made ready, or the try failed.
    reserved: bool,
    /// The last record's memory, as it is made and as it is written.
    record: Vec<u8>,
    blocks: Vec<Block>,
    obstacle: Option<Obstacle>,
}

impl Journal {
    /// Opens the journal of this folder and gives what is in it, oldest first; `None` if there was
    /// none, after a clean stop. It is filled from its start by the next append: not before the
    /// database has, durably, what was in it.
    pub(super) fn open(folder: &Path) -> Result<(Self, Option<Vec<Batch>>), StoreError> {
        let path = folder.join(JOURNAL_FILE);
        drop(private_file(&path)?);
        let file = open(&path, OFlags::DSYNC | OFlags::DIRECT)
            .or_else(|_| open(&path, OFlags::DSYNC))
            .map_err(folder::failed("open the journal"))?;
        let found = fs::read(&path).map_err(folder::failed("read the journal"))?;
        let left = !found.is_empty();
        let batches = batches(found.into())
            .map_err(|detail| StoreError::Corrupt { detail: format!("the journal: {detail}") })?;
        // Seeded by the system's random numbers.
        let filling = RandomState::new().build_hasher().finish();
        let (record, blocks) = (Vec::new(), Vec::new());
        let (end, reserved, obstacle) = (0, false, None);
        Ok((
            Self { file, path, end, filling, reserved, record, blocks, obstacle },
            left.then_some(batches),
        ))
    }

    /// Puts something in the way of each step from now on.
    #[cfg(feature = "suite")]
    pub(super) fn obstruct(&mut self, obstacle: Obstacle) {
        self.obstacle = Some(obstacle);
    }

    /// Makes a group durable.
    ///
    /// # Errors
    /// [`AppendError`].
    pub(super) fn append(&mut self, batches: &[Batch]) -> Result<(), AppendError> {
        encode(&mut self.record, self.filling, batches);
        fill(&mut self.blocks, &self.record);
        match self.write().map_err(AppendError::from) {
            Ok(()) => {
                self.end += bytes(&self.blocks);
                Ok(())
            }
            Err(AppendError::Full(full)) => {
                self.take_back().map_err(AppendError::Unconfirmed)?;
                Err(AppendError::Full(full))
            }
            unconfirmed => unconfirmed,
        }
    }

    fn write(&self) -> io::Result<()> {
        if u32::try_from(self.record.len()).is_err() {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.step(Step::Write)?;
        write_all_at(&self.file, &self.blocks, self.end)?;
        self.step(Step::Flush)
    }

    /// Removes what was written of a record. A full disk may be told by the flush, after its last
    /// byte; and what stays would take the room that others need.
    fn take_back(&mut self) -> io::Result<()> {
        (self.record, self.blocks, self.reserved) = (Vec::new(), Vec::new(), false);
        self.file.set_len(self.end)?;
        self.file.sync_all()
    }

    fn step(&self, step: Step) -> io::Result<()> {
        self.obstacle.as_ref().map_or(Ok(()), |obstacle| obstacle(step))
    }

    /// Has the next record begin the file anew: the database has what was in it.
    pub(super) fn restart(&mut self) {
        if self.file.metadata().is_ok_and(|file| file.len() > RESERVED_BYTES) {
            (self.record, self.blocks) = (Vec::new(), Vec::new());
            if let Err(error) = self.file.set_len(RESERVED_BYTES) {
                tracing::warn!(%error, "the journal stays longer than it need be");
            }
        }
        self.end = 0;
        self.filling = self.filling.wrapping_add(1);
    }

    /// Whether the file is to be made ready still.
    pub(super) fn wants_room(&self) -> bool {
        !self.reserved
    }

    /// Fills the file up with zeros, flushed: they are no record. A failure costs speed only.
    pub(super) fn reserve(&mut self) {
        self.reserved = true;
        if let Err(error) = self.try_reserve() {
            tracing::warn!(%error, "the journal's file was not made ready");
        }
    }

    fn try_reserve(&self) -> io::Result<()> {
        let length = self.file.metadata()?.len().next_multiple_of(BLOCK_BYTES as u64);
        let missing = RESERVED_BYTES.saturating_sub(length) / BLOCK_BYTES as u64;
        let zeros = vec![Block([0; BLOCK_BYTES]); usize::try_from(missing).unwrap_or_default()];
        write_all_at(&self.file, &zeros, length)?;
        self.file.sync_all()
    }

    /// Removes the file: the database has all of it.
    pub(super) fn remove(self) -> Result<(), StoreError> {
        folder::remove(&self.path).map(drop).map_err(folder::failed("remove the journal"))
    }
}

/// With `DSYNC`, what was written is on the disk when the write returns; with `DIRECT`, past the
/// cache.
fn open(path: &Path, flags: OFlags) -> io::Result<File> {
    OpenOptions::new().write(true).custom_flags(flags.bits().cast_signed()).open(path)
}

/// Fills the blocks with a record; what is left of the last one with zeros.
fn fill(blocks: &mut Vec<Block>, record: &[u8]) {
    blocks.resize(record.len().div_ceil(BLOCK_BYTES), Block([0; BLOCK_BYTES]));
    for (Block(block), piece) in blocks.iter_mut().zip(record.chunks(BLOCK_BYTES)) {
        let (filled, rest) = block.split_at_mut(piece.len());
        filled.copy_from_slice(piece);
        rest.fill(0);
    }
}

fn bytes(blocks: &[Block]) -> u64 {
    size_of_val(blocks) as u64
}

/// Writes past the cache as long as the file system lets us: some open a file so and refuse to write.
fn write_all_at(file: &File, mut blocks: &[Block], mut place: u64) -> io::Result<()> {
    while !blocks.is_empty() {
        let pieces = blocks.iter().take(BLOCKS_A_WRITE).map(|Block(block)| IoSlice::new(block));
        let pieces: Vec<_> = pieces.collect();
        let written = match retry_on_intr(|| rustix::io::pwritev(file, &pieces, place)) {
            Err(Errno::INVAL) if fcntl_getfl(file)?.contains(OFlags::DIRECT) => {
                fcntl_setfl(file, fcntl_getfl(file)? - OFlags::DIRECT)?;
                continue;
            }
            written => written?,
        };
        // A block of which a part was written is written again.
        let (written, rest) = blocks.split_at(written / BLOCK_BYTES);
        if written.is_empty() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        place += bytes(written);
        blocks = rest;
    }
    Ok(())
}

/// Writes the record of a group in place of what is in `record`.
fn encode(record: &mut Vec<u8>, filling: u64, batches: &[Batch]) {
    record.clear();
    record.put_bytes(0, HEADER_BYTES);
    record.put_u8(FORMAT);
    for batch in batches {
        record.put_u64_le(batch.revision.get());
        record.put_u32_le(number(batch.changes.len()));
        for change in &*batch.changes {
            encode_change(record, change);
        }
    }
    let Some((mut header, body)) = record.split_at_mut_checked(HEADER_BYTES) else { return };
    header.put_u32_le(number(body.len()));
    header.put_u32_le(checksum(filling, body));
    header.put_u64_le(filling);
}

fn encode_change(record: &mut Vec<u8>, change: &Change) {
    let (tag, key) = match change {
        Change::Put(entry) => (PUT, &entry.key),
        Change::Delete(key) => (DELETE, key),
    };
    record.put_u8(tag);
    put(record, key.as_bytes());
    if let Change::Put(entry) = change {
        record.put_u64_le(entry.created.get());
        put(record, &entry.value);
    }
}

fn put(record: &mut Vec<u8>, bytes: &[u8]) {
    record.put_u32_le(number(bytes.len()));
    record.put_slice(bytes);
}

/// A length. A record of 4 GiB is not written.
fn number(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

fn checksum(filling: u64, body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&filling.to_le_bytes());
    hasher.update(body);
    hasher.finalize()
}

/// Why a whole record makes no sense.
#[derive(Debug, thiserror::Error)]
enum Damage {
    #[error("a record has format {0}, which this build does not read")]
    Format(u8),
    #[error("a record ends too early")]
    Short(#[from] TryGetError),
    #[error("a record has no change of kind {0}")]
    Kind(u8),
    #[error("a record before others of the same filling is not whole")]
    Middle,
    #[error(transparent)]
    Key(#[from] crate::key::InvalidKey),
}

/// All batches of the first filling in the file.
fn batches(mut file: Bytes) -> Result<Vec<Batch>, Damage> {
    let (mut batches, mut first) = (Vec::new(), None);
    let mut rest = file.clone();
    while let Some((filling, body)) = record(&mut rest)
        && *first.get_or_insert(filling) == filling
    {
        let padding = (HEADER_BYTES + body.len()).wrapping_neg() % BLOCK_BYTES;
        rest.advance(padding.min(rest.len()));
        file = rest.clone();
        decode(body, &mut batches)?;
    }
    if first.is_some_and(|filling| goes_on(&file, filling)) {
        return Err(Damage::Middle);
    }
    Ok(batches)
}

/// Whether a record of this filling begins at one of the blocks: then the row has not ended before
/// it.
fn goes_on(file: &Bytes, filling: u64) -> bool {
    let mut blocks = (0..file.len()).step_by(BLOCK_BYTES).map(|from| file.slice(from..));
    blocks.any(|mut rest| record(&mut rest).is_some_and(|(found, _)| found == filling))
}

/// Takes the next whole record; its filling and body.
fn record(file: &mut Bytes) -> Option<(u64, Bytes)> {
    let length = file.try_get_u32_le().ok().filter(|length| *length > 0)?;
    let (sum, filling) = (file.try_get_u32_le().ok()?, file.try_get_u64_le().ok()?);
    let body = take(file, length).ok()?;
    (checksum(filling, &body) == sum).then_some((filling, body))
}

fn take(bytes: &mut Bytes, length: u32) -> Result<Bytes, TryGetError> {
    let (requested, available) = (length as usize, bytes.len());
    if requested > available {
        return Err(TryGetError { requested, available });
    }
    Ok(bytes.split_to(requested))
}

fn decode(mut body: Bytes, batches: &mut Vec<Batch>) -> Result<(), Damage> {
    match body.try_get_u8()? {
        FORMAT => {}
        other => return Err(Damage::Format(other)),
    }
    while body.has_remaining() {
        let revision = Revision::new(body.try_get_u64_le()?);
        let count = body.try_get_u32_le()?;
        let changes = (0..count).map(|_| decode_change(&mut body, revision));
        batches.push(Batch { revision, changes: changes.collect::<Result<_, _>>()? });
    }
    Ok(())
}

fn decode_change(body: &mut Bytes, modified: Revision) -> Result<Change, Damage> {
    let kind = body.try_get_u8()?;
    let length = body.try_get_u32_le()?;
    let key = Key::new(take(body, length)?)?;
    match kind {
        DELETE => Ok(Change::Delete(key)),
        PUT => {
            let created = Revision::new(body.try_get_u64_le()?);
            let length = body.try_get_u32_le()?;
            Ok(Change::Put(Entry { key, value: take(body, length)?, created, modified }))
        }
        other => Err(Damage::Kind(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(revision: u64, size: usize) -> Batch {
        let (revision, key) = (Revision::new(revision), Key::try_from("a/key").unwrap());
        let value = vec![7; size].into();
        let put = Entry { key: key.clone(), value, created: Revision::new(1), modified: revision };
        let changes = vec![Change::Put(put), Change::Delete(key)];
        Batch { revision, changes: changes.into() }
    }

    fn written(filling: u64, groups: &[&[Batch]]) -> Vec<u8> {
        let mut record = Vec::new();
        let mut written = Vec::new();
        for group in groups {
            encode(&mut record, filling, group);
            written.resize(written.len().next_multiple_of(BLOCK_BYTES), 0);
            written.extend_from_slice(&record);
        }
        written
    }

    fn read(bytes: &[u8]) -> Vec<Batch> {
        batches(Bytes::copy_from_slice(bytes)).unwrap()
    }

    #[test]
    fn what_was_appended_is_read() {
        let all = [batch(1, 0), batch(2, 3000), batch(3, 17)];
        assert_eq!(read(&written(5, &[&all[..1], &all[1..]])), all);
        assert_eq!(read(&[]), []);
        assert_eq!(read(&[0; 5000]), [], "what was made ready");
    }

    #[test]
    fn a_group_that_is_not_whole_is_not_there_and_those_before_it_are() {
        let all = [batch(1, 10), batch(2, 10), batch(3, 10)];
        let first = written(5, &[&all[..1]]).len().next_multiple_of(BLOCK_BYTES);
        let whole = written(5, &[&all[..1], &all[1..]]);
        for end in first..whole.len() {
            assert_eq!(read(&whole[..end]), all[..1], "cut at {end}");
            let mut torn = whole.clone();
            torn[end] ^= 1;
            assert_eq!(read(&torn), all[..1], "changed at {end}");
        }
    }

    #[test]
    fn damage_before_the_end_is_told() {
        let all = [batch(1, 10), batch(2, 5000), batch(3, 10)];
        let whole = written(5, &[&all[..1], &all[1..2], &all[2..]]);
        for at in [BLOCK_BYTES, BLOCK_BYTES + 2000, 2 * BLOCK_BYTES + 7] {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            let refused = batches(damaged.into()).unwrap_err();
            assert!(matches!(refused, Damage::Middle), "{at}: {refused}");
        }
    }

    #[test]
    fn what_an_earlier_filling_left_is_not_read() {
        let (old, new) = ([batch(1, 10), batch(2, 10)], [batch(3, 10)]);
        let mut file = written(5, &[&old[..1], &old[1..]]);
        let begin = written(6, &[&new]);
        file[..begin.len()].copy_from_slice(&begin);
        assert_eq!(read(&file), new);
    }

    #[test]
    fn a_record_that_makes_no_sense_is_refused() {
        for (body, want) in [
            (&[2][..], "format 2"),
            (&[1, 9], "too early"),
            (&[1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 7, 1, 0, 0, 0, b'a'], "kind 7"),
            (&[1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0], "must not be empty"),
            (&[1, 1, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255], "too early"),
        ] {
            let mut file = Vec::new();
            file.put_u32_le(number(body.len()));
            file.put_u32_le(checksum(5, body));
            file.put_u64_le(5);
            file.extend_from_slice(body);
            let refused = batches(file.into()).unwrap_err().to_string();
            assert!(refused.contains(want), "{refused}");
        }
    }
}
