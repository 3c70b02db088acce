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
        ErrorCode::SystemIoFailure | ErrorCode::CannotOpen | ErrorCode::ReadOnly => StoreError::Io(Arc::new(error)),
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => StoreError::Corrupt(Arc::new(error)),
        _ => StoreError::Database(Arc::new(error)),
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

/// SQLite names the columns in its message alone: `UNIQUE constraint failed: post.section, post.slug`.
fn unique(error: &rusqlite::Error) -> Option<StoreError> {
    let rusqlite::Error::SqliteFailure(_, Some(message)) = error else { return None };
    let (_, list) = message.split_once("constraint failed: ")?;
    let mut table = None;
    let mut columns = Vec::new();
    for part in list.split(", ") {
        let (of, column) = part.split_once('.')?;
        table = Some(of.to_owned());
        columns.push(column.to_owned());
    }
    Some(StoreError::Unique { table: table?, columns })
}
