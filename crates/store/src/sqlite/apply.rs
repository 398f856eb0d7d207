//! One of our transactions as statements within an open transaction of SQLite.

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension};

use super::padding;
use crate::contract::{Entry, Revision};
use crate::key::Key;
use crate::transaction::{Transaction, Write};
use crate::watch::Change;

/// The revisions that created an entry and last put it.
type Stamps = (Revision, Revision);

/// What stands at the keys that a transaction expects something of.
pub(super) struct Found<'t>(Vec<(&'t Key, Option<Stamps>)>);

/// Looks for what the transaction expects in the state that the connection sees; nothing if not all
/// of it holds.
pub(super) fn check<'t>(
    db: &Connection,
    transaction: &'t Transaction,
) -> rusqlite::Result<Option<Found<'t>>> {
    let mut found = Vec::with_capacity(transaction.expectations.len());
    for expectation in &transaction.expectations {
        let stamps = stamps(db, expectation.key())?;
        if !expectation.holds(stamps) {
            return Ok(None);
        }
        found.push((expectation.key(), stamps));
    }
    Ok(Some(Found(found)))
}

fn stamps(db: &Connection, key: &Key) -> rusqlite::Result<Option<Stamps>> {
    let mut select = db.prepare_cached("SELECT created, modified FROM entry WHERE key = ?1")?;
    select.query_row([key], |row| Ok((row.get(0)?, row.get(1)?))).optional()
}

impl Found<'_> {
    /// When the entry at `key` was created, if there is one: asked only if nothing was expected of
    /// it.
    fn created(&self, db: &Connection, key: &Key) -> rusqlite::Result<Option<Revision>> {
        let known = self.0.iter().find(|(seen, _)| *seen == key);
        let stamps = known.map_or_else(|| stamps(db, key), |(_, stamps)| Ok(*stamps))?;
        Ok(stamps.map(|(created, _)| created))
    }
}

/// Makes all writes at this revision, in the state in which `found` was found; returns what they
/// changed.
pub(super) fn write(
    db: &Connection,
    transaction: &Transaction,
    found: &Found<'_>,
    revision: Revision,
) -> rusqlite::Result<Vec<Change>> {
    let mut changes = Vec::with_capacity(transaction.writes.len());
    for write in &transaction.writes {
        match write {
            Write::Put(key, value) => {
                let created = found.created(db, key)?.unwrap_or(revision);
                changes.push(put(db, key, value, created, revision)?);
            }
            Write::Delete(key) => delete(db, key, &mut changes)?,
            Write::DeletePrefix(prefix) => delete_prefix(db, prefix, &mut changes)?,
        }
    }
    Ok(changes)
}

/// Replaces the whole row: one that tells what it found (`RETURNING`) would build a table for it.
fn put(
    db: &Connection,
    key: &Key,
    value: &Bytes,
    created: Revision,
    modified: Revision,
) -> rusqlite::Result<Change> {
    let mut replace = db.prepare_cached(
        "REPLACE INTO entry (key, created, modified, size, value) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    let size = i64::try_from(value.len()).unwrap_or(i64::MAX);
    replace.execute((key, created, modified, size, padding::pad(value)))?;
    Ok(Change::Put(Entry { key: key.clone(), value: value.clone(), created, modified }))
}

fn delete(db: &Connection, key: &Key, changes: &mut Vec<Change>) -> rusqlite::Result<()> {
    if db.prepare_cached("DELETE FROM entry WHERE key = ?1")?.execute([key])? > 0 {
        changes.push(Change::Delete(key.clone()));
    }
    Ok(())
}

fn delete_prefix(db: &Connection, prefix: &Key, changes: &mut Vec<Change>) -> rusqlite::Result<()> {
    let mut delete =
        db.prepare_cached("DELETE FROM entry WHERE key >= ?1 AND key < ?2 RETURNING key")?;
    for key in delete.query_map((prefix, prefix.end_of_prefix()), |row| row.get(0))? {
        changes.push(Change::Delete(key?));
    }
    Ok(())
}

/// Records the revision, in the transaction that deletes an entry and so might take the last trace
/// of an earlier revision with it. See [`super::values::revision`].
pub(super) fn record(db: &Connection, revision: Revision) -> rusqlite::Result<()> {
    db.prepare_cached("UPDATE state SET revision = ?1")?.execute([revision]).map(drop)
}
