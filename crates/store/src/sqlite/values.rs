//! Our types as SQLite values, and SQLite's errors as ours.

use std::sync::Arc;

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, Error, ErrorCode};

use crate::contract::Revision;
use crate::error::StoreError;
use crate::key::Key;

impl ToSql for Key {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        self.as_bytes().to_sql()
    }
}

impl FromSql for Key {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Self::new(value.as_blob()?.to_vec()).map_err(FromSqlError::other)
    }
}

impl ToSql for Revision {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let number = i64::try_from(self.get());
        number.map(ToSqlOutput::from).map_err(|e| Error::ToSqlConversionFailure(Box::new(e)))
    }
}

impl FromSql for Revision {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let number = value.as_i64()?;
        u64::try_from(number).map(Self::new).map_err(|_| FromSqlError::OutOfRange(number))
    }
}

/// The revision of the state that this connection sees.
pub(super) fn revision(connection: &Connection) -> rusqlite::Result<Revision> {
    connection.prepare_cached("SELECT revision FROM state")?.query_row([], |row| row.get(0))
}

/// Turns an error of SQLite into ours; damage is told apart from refusal.
pub(super) fn failed(action: &'static str) -> impl FnOnce(Error) -> StoreError {
    move |error| {
        if is_damage(&error) {
            StoreError::Corrupt { detail: format!("cannot {action}: {error}") }
        } else {
            StoreError::Io { action, source: Arc::new(error) }
        }
    }
}

fn is_damage(error: &Error) -> bool {
    match error {
        Error::FromSqlConversionFailure(..)
        | Error::IntegralValueOutOfRange(..)
        | Error::InvalidColumnType(..)
        | Error::QueryReturnedNoRows => true,
        other => matches!(
            other.sqlite_error_code(),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
        ),
    }
}
