use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use backstay_base::Timestamp;
use backstay_model::Model;
use backstay_sql::Dialect;

use super::checkpoint::{self, Checkpointer};
use super::connection::{Mode, SqliteSession};
use super::database::SqliteDatabase;
use super::error::store_error;
use super::file::{self, Locks};
use super::group::GroupCommit;
use super::pool::Pool;
use super::readers::Readers;
use super::recognized::{completed, recognized};
use super::shared::Shared;
use super::writer::Writer;
use crate::database::OpenDatabase;
use crate::moment::CommitClock;
use crate::setup::{self, Opening, Prepared, Stored};
use crate::{OpenError, Step, StoreError, migration};

/// The oldest usable version of SQLite: earlier ones can damage a database when the write-ahead log is restarted.
const SQLITE_AT_LEAST: i32 = 3_051_003;

/// Opens the database of a data directory.
pub(crate) fn open(opening: &Opening<'_>, directory: &Path) -> Result<OpenDatabase, OpenError> {
    check_sqlite()?;
    file::make_directory(directory)?;
    let lock = file::lock(directory)?;
    let path = file::database(directory);
    start(opening, &path, lock).map_err(|error| explained(error, &path, opening.options.readers))
}

/// Files that one connection has open: the database, its write-ahead log and the index of that.
const FILES_PER_CONNECTION: usize = 3;
/// Connections besides those of the reader pool: of the writer, of the checkpointer and for reads on other threads.
const OTHER_CONNECTIONS: usize = 3;

/// An error with its true cause: SQLite reports a full disk, missing permissions and too few open files alike.
fn explained(error: OpenError, path: &Path, readers: usize) -> OpenError {
    let directory = file::directory(path);
    match error {
        OpenError::Store(StoreError::Corrupt(source)) => OpenError::Corrupt { path: path.to_owned(), source },
        OpenError::Store(StoreError::Busy) => OpenError::Locked { path: directory.to_owned() },
        OpenError::Store(StoreError::Io(_) | StoreError::Full)
        | OpenError::Unwritable { .. }
        | OpenError::Thread(_) => {
            match (file::probe(directory, FILES_PER_CONNECTION * (readers + OTHER_CONNECTIONS)), error) {
                (Err(cause), _) => file::unusable(directory, cause),
                (Ok(()), OpenError::Store(StoreError::Full)) => {
                    file::unusable(directory, std::io::Error::from(std::io::ErrorKind::StorageFull))
                }
                (Ok(()), error) => error,
            }
        }
        error => error,
    }
}

fn start(opening: &Opening<'_>, path: &Path, lock: File) -> Result<OpenDatabase, OpenError> {
    let file = file::check(path)?;
    file::lock_database(&file, path)?;
    let locks = Locks::new(lock, file);
    let (mut session, prepared) = prepare(opening, path)?;
    let Prepared { catalog, log_format, last, outcome } = prepared;
    let options = opening.options;
    let observer = Arc::clone(&opening.observer);
    let keys = log_format.keys.clone();
    let last_moment = last.map(|last| last.moment);
    let commit_clock = CommitClock::after(last_moment, Arc::clone(&opening.ambient.clock));
    let shared = Shared::new(observer, commit_clock, log_format, options);
    let shared = Arc::new(shared);
    count_wal_pages(&mut session, &shared)?;
    let readers = Arc::new(Readers::open(path.to_owned())?);
    let pool = Pool::start(path, options.readers, &shared)?;
    let checkpointer = Checkpointer::start(checkpoint::session(path)?, path, Arc::clone(&shared), Arc::clone(&readers))
        .map_err(OpenError::Thread)?;
    let commit = GroupCommit::new(session, Arc::clone(&shared), path.to_owned(), last)?;
    let writer = Writer::start(commit, &shared, checkpointer.waker()).map_err(OpenError::Thread)?;
    let database = Box::new(SqliteDatabase::new((path, shared), (readers, pool), writer, checkpointer, locks));
    Ok(OpenDatabase { database, catalog, keys, last_moment, outcome })
}

/// Opens the file, which no other process has open, and makes it fit the model.
fn prepare(opening: &Opening<'_>, path: &Path) -> Result<(SqliteSession, Prepared), OpenError> {
    let mut session = SqliteSession::open(path, Mode::Writer)?;
    let format = completed(setup::recognize(&mut session, &path.display().to_string()))?;
    let mode: String = session.db.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)).map_err(store_error)?;
    if mode != "wal" {
        return Err(OpenError::FileSystem { path: path.to_owned() });
    }
    if let Some(bytes) = opening.options.max_bytes {
        session.limit_size(bytes)?;
    }
    let prepared = completed(opening.prepare(&mut session, format))?;
    Ok((session, prepared))
}

/// Whether a data directory holds a database.
pub(crate) fn exists(directory: &Path) -> bool {
    file::database(directory).exists()
}

/// The steps that `open` would take to make the database of a directory fit the model.
pub(crate) fn plan(directory: &Path, (model, now): (&Model, Timestamp)) -> Result<Vec<Step>, OpenError> {
    check_sqlite()?;
    if !exists(directory) {
        return Ok(vec![migration::creation(model, Dialect::Sqlite)]);
    }
    let path = file::database(directory);
    let planned = || {
        let _file = file::check(&path)?;
        let (mut session, format) = recognized(&path, Mode::Planner)?;
        completed(setup::plan(&mut session, format, (model, now)))
    };
    planned().map_err(|error| explained(error, &path, 0))
}

/// What the database of a directory holds.
pub(crate) fn stored(directory: &Path) -> Result<Option<Stored>, OpenError> {
    if !exists(directory) {
        return Ok(None);
    }
    let path = file::database(directory);
    let read = || {
        let _file = file::check(&path)?;
        let mut session = SqliteSession::open(&path, Mode::Reader)?;
        completed(setup::stored(&mut session, &path.display().to_string()))
    };
    read().map_err(|error| explained(error, &path, 0))
}

/// Deletes the database of a directory. The lock file stays: another process may be about to lock it.
pub(crate) fn delete(directory: &Path) -> Result<(), OpenError> {
    let path = file::database(directory);
    if !exists(directory) {
        return Ok(());
    }
    let _lock = file::lock(directory)?;
    let file = file::check(&path)?;
    file::lock_database(&file, &path)?;
    let ours = recognized(&path, Mode::Reader).map(drop).or_else(|error| match error {
        OpenError::UnfinishedCopy { .. } => Ok(()),
        error => Err(explained(error, &path, 0)),
    });
    ours.and_then(|()| file::delete(&path))
}

/// Keeps count of the pages in the write-ahead log.
fn count_wal_pages(session: &mut SqliteSession, shared: &Arc<Shared>) -> Result<(), StoreError> {
    let shared = Arc::clone(shared);
    let count = move |_: &mut rusqlite::hooks::Wal, pages: i32| {
        // A negative number of pages does not occur.
        shared.wal_pages.store(pages.unsigned_abs(), Ordering::Relaxed);
        shared.log_bound.on_commit(pages.unsigned_abs(), Instant::now());
        Ok(())
    };
    session.db.wal_hook(Some(count)).map_err(store_error)
}

fn check_sqlite() -> Result<(), OpenError> {
    if rusqlite::version_number() < SQLITE_AT_LEAST {
        return Err(OpenError::Sqlite { found: rusqlite::version() });
    }
    Ok(())
}
