use std::path::Path;

use super::connection::{Mode, SqliteSession};
use super::error::store_error;
use super::file;
use crate::OpenError;
use crate::backup::CopyError;
use crate::copy::Held;

/// The database of a directory, which is to be copied. Nobody else can open it meanwhile.
pub(crate) fn copy_from(directory: &Path) -> Result<Held, CopyError> {
    let path = file::database(directory);
    if !path.exists() {
        return Err(CopyError::Empty { database: directory.display().to_string() });
    }
    Ok(held(directory, Mode::Reader)?)
}

/// The database of a directory, which is made if it isn't there, as the place of a copy.
pub(crate) fn copy_to(directory: &Path) -> Result<Held, CopyError> {
    file::make_directory(directory)?;
    Ok(held(directory, Mode::Writer)?)
}

fn held(directory: &Path, mode: Mode) -> Result<Held, OpenError> {
    let lock = file::lock(directory)?;
    let path = file::database(directory);
    let database = file::check(&path)?;
    file::lock_database(&database, &path)?;
    let session = SqliteSession::open(&path, mode)?;
    if mode == Mode::Writer {
        let mode: String =
            session.db.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)).map_err(store_error)?;
        if mode != "wal" {
            return Err(OpenError::FileSystem { path });
        }
    }
    Ok(Held { session: Box::new(session), files: vec![lock, database] })
}
