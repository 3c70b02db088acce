use std::path::Path;

use futures_util::FutureExt as _;

use super::connection::{Mode, SqliteSession};
use crate::{OpenError, StoreError, setup};

/// A connection that changes nothing, with the format of Backstay's tables; `None` in an empty database.
pub(super) fn recognized(path: &Path, mode: Mode) -> Result<(SqliteSession, Option<i64>), OpenError> {
    let mut session = SqliteSession::open(path, mode)?;
    let format = completed(setup::recognize(&mut session, &path.display().to_string()))?;
    Ok((session, format))
}

/// The result of a future that awaits nothing but a `SqliteSession`, whose answers are always there.
pub(super) fn completed<T>(future: impl Future<Output = Result<T, OpenError>>) -> Result<T, OpenError> {
    future.now_or_never().unwrap_or(Err(OpenError::Store(StoreError::Pending)))
}
