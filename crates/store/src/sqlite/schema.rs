//! The database's schema, its version, and how connections are opened.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::values::failed;
use crate::error::StoreError;
use crate::folder;

/// Marks the file as ours ("PCLS"), so that another program's database is never written to.
const APPLICATION_ID: i64 = 0x5043_4c53;

/// SQLite's way to the files in which one process has them: the log's index is in memory, and a
/// commit makes no locks, six calls of the system. Another program finds the database locked.
const FILES: &std::ffi::CStr = c"unix-excl";

/// The schema below, with a journal beside it. A change to either needs a new number and a migration.
const SCHEMA_VERSION: u32 = 2;

/// The version before: without a journal, and with a `state.revision` that was the last one only if
/// that had deleted an entry.
const VERSION_WITHOUT_JOURNAL: u32 = 1;

/// How long to wait for a person's `sqlite3` that holds a lock, before the commit is refused.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);

/// Bytes of a page.
///
/// Chosen by measurement: with 4 KiB a 20 KB value takes 1.4 times the time of a 300 B value; with
/// 16 KiB the small one writes twice the bytes for no gain.
const PAGE_SIZE: u32 = 8192;

/// `value` is padded (see [`super::padding`]): its first `size` bytes are the value. The view
/// `entries` is for people: text, without the leading control byte that marks a format.
const SCHEMA: &str = "
CREATE TABLE state (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    revision INTEGER NOT NULL
) STRICT;
INSERT INTO state (id, revision) VALUES (1, 0);
CREATE TABLE entry (
    key BLOB PRIMARY KEY,
    created INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    size INTEGER NOT NULL,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE VIEW entries AS
    SELECT CAST(key AS TEXT) AS key, created, modified, size,
        coalesce(
            CAST(iif(value < x'20', substr(value, 2, size - 1), substr(value, 1, size)) AS TEXT),
            ''
        ) AS value
    FROM entry;
";

/// From [`VERSION_WITHOUT_JOURNAL`] to [`SCHEMA_VERSION`].
const MIGRATION: &str = "
BEGIN IMMEDIATE;
UPDATE state SET revision = max(revision, (SELECT ifnull(max(modified), 0) FROM entry));
PRAGMA user_version = 2;
COMMIT;
";

/// Opens the one connection that writes; makes the database where there is none or an empty one.
pub(super) fn open_writer(database: &Path) -> Result<Connection, StoreError> {
    folder::private_file(database)?;
    let mut connection = open(database, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let found = Found::in_database(&connection).map_err(failed("read the database"))?;
    found.check(database)?;
    if found.is_empty() {
        drop(connection);
        create(database)?;
        connection = open(database, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    }
    prepare(&connection).map_err(failed("prepare the database"))?;
    if found.version == VERSION_WITHOUT_JOURNAL {
        connection
            .execute_batch(MIGRATION)
            .map_err(failed("bring the database to this version"))?;
    }
    Ok(connection)
}

/// Opens one of the connections that read.
pub(super) fn open_reader(database: &Path) -> Result<Connection, StoreError> {
    open(database, OpenFlags::SQLITE_OPEN_READ_ONLY)
}

fn open(database: &Path, mode: OpenFlags) -> Result<Connection, StoreError> {
    // No mutex: a connection is used by one thread at a time.
    let flags = mode | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags_and_vfs(database, flags, FILES);
    let connection = connection.map_err(failed("open the database"))?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(failed("open the database"))?;
    Ok(connection)
}

/// What marks a database as ours and of our version.
struct Found {
    application_id: i64,
    version: u32,
    objects: u32,
}

impl Found {
    fn in_database(connection: &Connection) -> rusqlite::Result<Self> {
        let query = "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_schema)
            FROM pragma_application_id, pragma_user_version";
        connection.query_row(query, [], |row| {
            Ok(Self { application_id: row.get(0)?, version: row.get(1)?, objects: row.get(2)? })
        })
    }

    fn is_empty(&self) -> bool {
        self.application_id == 0 && self.version == 0 && self.objects == 0
    }

    fn check(&self, database: &Path) -> Result<(), StoreError> {
        let found = match (self.application_id, self.version) {
            _ if self.is_empty() => return Ok(()),
            (APPLICATION_ID, VERSION_WITHOUT_JOURNAL | SCHEMA_VERSION) => return Ok(()),
            (APPLICATION_ID, version) => format!("it has schema version {version}"),
            _ => "it was made by another program".to_owned(),
        };
        Err(StoreError::UnknownFormat {
            path: database.to_owned(),
            found,
            supported: SCHEMA_VERSION,
        })
    }
}

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // A commit's `Ok` must survive power loss; NORMAL would flush at checkpoints only.
    connection.pragma_update(None, "synchronous", "FULL")?;
    // The writer chooses the moment, outside of a commit.
    connection.pragma_update(None, "wal_autocheckpoint", 0)
}

/// Makes the database under another name, flushes it once, and only then gives it its own: SQLite
/// would flush it after each of its steps. The name is durable once the folder is flushed.
fn create(database: &Path) -> Result<(), StoreError> {
    let new = beside(database, ".new");
    for leftover in [&new, &log(&new), &index(&new), &log(database), &index(database)] {
        folder::remove(leftover).map_err(folder::failed("remove a file of the data folder"))?;
    }
    let file = folder::private_file(&new)?;
    write_schema(&mut open(&new, OpenFlags::SQLITE_OPEN_READ_WRITE)?)
        .map_err(failed("make the database"))?;
    file.sync_all().map_err(folder::failed("flush the database"))?;
    std::fs::rename(&new, database).map_err(folder::failed("name the database"))
}

fn write_schema(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "page_size", PAGE_SIZE)?; // only before the first write
    connection.pragma_update(None, "synchronous", "OFF")?;
    connection.pragma_update(None, "journal_mode", "MEMORY")?;
    let creation = connection.transaction()?;
    creation.execute_batch(SCHEMA)?;
    creation.pragma_update(None, "application_id", APPLICATION_ID)?;
    creation.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    creation.commit()?;
    // Last: a log that cannot be copied when the connection closes is no error to SQLite.
    connection.pragma_update(None, "journal_mode", "WAL")
}

/// The write-ahead log of a database, where SQLite puts it.
fn log(database: &Path) -> PathBuf {
    beside(database, "-wal")
}

/// The index of the write-ahead log, where SQLite puts it.
fn index(database: &Path) -> PathBuf {
    beside(database, "-shm")
}

fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut path = database.to_owned().into_os_string();
    path.push(suffix);
    path.into()
}
