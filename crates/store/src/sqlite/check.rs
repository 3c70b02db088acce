use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use backstay_audit::verify;
use backstay_base::Timestamp;

use super::connection::{Mode, SqliteSession};
use super::error::store_error;
use super::recognized::{completed, recognized};
use crate::backup::{Checked, CopyError, CopyProgress, CopyStage, Watch};
use crate::{OpenError, StoreError, log, setup};

/// Entries of the log that are read at a time.
const ENTRIES: u32 = 256;

/// Reads all of a database that nobody uses: its pages and indexes, its stored model, and its commit log.
pub(super) fn check(path: &Path, watch: &mut Watch<'_>) -> Result<Checked, CopyError> {
    let damaged = |finding: String| CopyError::Damaged { path: path.to_owned(), finding };
    read(path, &damaged, watch).map_err(|error| damage(path, error))
}

/// What an error says of a file that nobody uses: whatever can't be read in it is damaged.
pub(super) fn damage(path: &Path, error: CopyError) -> CopyError {
    let finding = match error {
        CopyError::Store(error) | CopyError::Open(OpenError::Store(error)) => match error {
            StoreError::Corrupt(cause) => cause.to_string(),
            StoreError::Catalog(_) | StoreError::Decode(_) | StoreError::Database(_) => error.to_string(),
            error => return error.into(),
        },
        error => return error,
    };
    CopyError::Damaged { path: path.to_owned(), finding }
}

fn read(path: &Path, damaged: &dyn Fn(String) -> CopyError, watch: &mut Watch<'_>) -> Result<Checked, CopyError> {
    let bytes = fs::metadata(path).map_err(|source| CopyError::Read { path: path.to_owned(), source })?.len();
    let (mut session, contents) = recognized(path, Mode::Reader)?;
    session.lift_limits();
    let found = "PRAGMA integrity_check(1)";
    let found: String = session.db.query_row(found, [], |row| row.get(0)).map_err(store_error)?;
    if found != "ok" {
        return Err(damaged(found));
    }
    let Some(stored) = completed(setup::stored(&mut session, contents))? else {
        return Err(damaged("it is empty".to_owned()));
    };
    let last = check_log(&mut session, damaged, watch)?;
    Ok(Checked { application: stored.application, records: stored.records, last, bytes })
}

/// Reads every entry of the commit log. Returns the place and the moment of the last one.
fn check_log(
    session: &mut SqliteSession,
    damaged: &dyn Fn(String) -> CopyError,
    watch: &mut Watch<'_>,
) -> Result<Option<(u64, Timestamp)>, CopyError> {
    let total = "SELECT coalesce(max(seq), 0) FROM backstay_log";
    let total: i64 = session.db.query_row(total, [], |row| row.get(0)).map_err(store_error)?;
    let (total, mut last) = (total.unsigned_abs(), None);
    loop {
        let mut entries = Vec::new();
        let next = last.map_or(1, |(sequence, _)| sequence + 1);
        session.read(&log::page(next, ENTRIES), &mut |row| {
            entries.push(log::read(row)?);
            Ok(())
        })?;
        if entries.is_empty() {
            return Ok(last);
        }
        for (entry, expected) in entries.iter().zip(next..) {
            if entry.sequence != expected {
                return Err(damaged(format!("entry {expected} of the commit log is missing")));
            }
            let read = verify(&entry.entry, entry.leaf);
            let read = read.map_err(|error| damaged(format!("entry {expected} of the commit log: {error}")))?;
            last = Some((entry.sequence, read.moment));
        }
        let done = last.map_or(0, |(sequence, _)| sequence);
        if let ControlFlow::Break(()) = watch(CopyProgress { stage: CopyStage::Check, done, total }) {
            return Err(CopyError::Interrupted);
        }
    }
}
