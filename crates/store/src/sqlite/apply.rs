//! What commits left at their keys, as statements within an open transaction of SQLite.

use rusqlite::Connection;

use super::overlay::Overlay;
use super::padding;
use crate::contract::{Entry, Revision};
use crate::key::Key;

/// Brings the database to the state after these batches, the last of which has this revision.
pub(super) fn apply(
    db: &Connection,
    batches: &Overlay,
    revision: Revision,
) -> rusqlite::Result<()> {
    for (key, entry) in batches.entries() {
        match entry {
            Some(entry) => put(db, entry)?,
            None => delete(db, key)?,
        }
    }
    record(db, revision)
}

/// Replaces the whole row: one that tells what it found (`RETURNING`) would build a table for it.
fn put(db: &Connection, entry: &Entry) -> rusqlite::Result<()> {
    let mut replace = db.prepare_cached(
        "REPLACE INTO entry (key, created, modified, size, value) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    let Entry { key, value, created, modified } = entry;
    let size = i64::try_from(value.len()).unwrap_or(i64::MAX);
    replace.execute((key, created, modified, size, padding::pad(value))).map(drop)
}

fn delete(db: &Connection, key: &Key) -> rusqlite::Result<()> {
    db.prepare_cached("DELETE FROM entry WHERE key = ?1")?.execute([key]).map(drop)
}

/// Says which revision the database is at.
pub(super) fn record(db: &Connection, revision: Revision) -> rusqlite::Result<()> {
    db.prepare_cached("UPDATE state SET revision = ?1")?.execute([revision]).map(drop)
}
