//! One of our transactions as statements within an open transaction of SQLite.

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension};

use super::padding;
use crate::contract::{Entry, Revision};
use crate::key::Key;
use crate::transaction::{Expectation, Transaction, Write};
use crate::watch::Change;

/// Whether every expectation holds in the state that the connection sees.
pub(super) fn holds(db: &Connection, transaction: &Transaction) -> rusqlite::Result<bool> {
    for expectation in &transaction.expectations {
        if !expectation.holds(revisions(db, expectation)?) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The `(created, modified)` revisions of the entry that the expectation is about.
fn revisions(
    db: &Connection,
    expectation: &Expectation,
) -> rusqlite::Result<Option<(Revision, Revision)>> {
    let mut select = db.prepare_cached("SELECT created, modified FROM entry WHERE key = ?1")?;
    select.query_row([expectation.key()], |row| Ok((row.get(0)?, row.get(1)?))).optional()
}

/// Makes all writes at this revision; returns what they changed.
pub(super) fn write(
    db: &Connection,
    transaction: &Transaction,
    revision: Revision,
) -> rusqlite::Result<Vec<Change>> {
    let mut changes = Vec::with_capacity(transaction.writes.len());
    for write in &transaction.writes {
        match write {
            Write::Put(key, value) => changes.push(put(db, key, value, revision)?),
            Write::Delete(key) => delete(db, key, &mut changes)?,
            Write::DeletePrefix(prefix) => delete_prefix(db, prefix, &mut changes)?,
        }
    }
    Ok(changes)
}

fn put(db: &Connection, key: &Key, value: &Bytes, modified: Revision) -> rusqlite::Result<Change> {
    let mut upsert = db.prepare_cached(
        "INSERT INTO entry (key, created, modified, size, value) VALUES (?1, ?2, ?2, ?3, ?4)
        ON CONFLICT (key) DO UPDATE
        SET modified = excluded.modified, size = excluded.size, value = excluded.value
        RETURNING created",
    )?;
    let created = upsert.query_row(
        (key, modified, i64::try_from(value.len()).unwrap_or(i64::MAX), padding::pad(value)),
        |row| row.get(0),
    )?;
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
