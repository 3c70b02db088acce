use std::sync::Arc;

use rusqlite::{ErrorCode, ffi};

use crate::StoreError;

/// SQLite's error as the store's.
pub(super) fn store_error(error: rusqlite::Error) -> StoreError {
    let Some(failure) = error.sqlite_error().copied() else { return StoreError::Database(Arc::new(error)) };
    match failure.code {
        ErrorCode::ConstraintViolation => constraint(error, failure.extended_code),
        ErrorCode::OperationInterrupted => StoreError::StepLimit,
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => StoreError::Busy,
        ErrorCode::TooBig => StoreError::TooLarge,
        ErrorCode::DiskFull => StoreError::Full,
        ErrorCode::SystemIoFailure | ErrorCode::CannotOpen | ErrorCode::ReadOnly => {
            StoreError::Io(Arc::new(IoFailure { attempt: attempt(failure.extended_code), source: error }))
        }
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => StoreError::Corrupt(Arc::new(error)),
        _ => StoreError::Database(Arc::new(error)),
    }
}

/// What the disk did not do.
#[derive(Debug, thiserror::Error)]
#[error("{attempt} failed")]
struct IoFailure {
    attempt: &'static str,
    #[source]
    source: rusqlite::Error,
}

/// What SQLite attempted when it met an error of this extended code.
fn attempt(extended: i32) -> &'static str {
    match extended {
        ffi::SQLITE_IOERR_READ | ffi::SQLITE_IOERR_SHORT_READ => "reading a file of the database",
        ffi::SQLITE_IOERR_WRITE => "writing a file of the database",
        ffi::SQLITE_IOERR_FSYNC | ffi::SQLITE_IOERR_DIR_FSYNC => "flushing a file of the database to the disk",
        ffi::SQLITE_IOERR_TRUNCATE => "changing the size of a file of the database",
        ffi::SQLITE_IOERR_SHMOPEN | ffi::SQLITE_IOERR_SHMSIZE | ffi::SQLITE_IOERR_SHMMAP => {
            "sharing the index of the write-ahead log"
        }
        _ => "opening or using a file of the database",
    }
}

fn constraint(error: rusqlite::Error, extended: i32) -> StoreError {
    match extended {
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => StoreError::ForeignKey,
        ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID => {
            unique(&error).unwrap_or_else(|| StoreError::Constraint(Arc::new(error)))
        }
        _ => StoreError::Constraint(Arc::new(error)),
    }
}

/// SQLite names the columns only in its message: `UNIQUE constraint failed: post.section, post.slug`. Of an index over
/// expressions it names the index: `UNIQUE constraint failed: index 'ux_post__slug__null'`.
fn unique(error: &rusqlite::Error) -> Option<StoreError> {
    let rusqlite::Error::SqliteFailure(_, Some(message)) = error else { return None };
    let (_, list) = message.split_once("constraint failed: ")?;
    if let Some(index) = list.strip_prefix("index '").and_then(|rest| rest.strip_suffix('\'')) {
        return Some(StoreError::UniqueIndex { index: index.to_owned() });
    }
    let mut table = None;
    let mut columns = Vec::new();
    for part in list.split(", ") {
        let (of, column) = part.split_once('.')?;
        table = Some(of.to_owned());
        columns.push(column.to_owned());
    }
    Some(StoreError::Unique { table: table?, columns })
}
