use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use backstay_audit::Tree;
use backstay_base::Timestamp;

use super::connection::{Mode, SqliteSession};
use super::error::store_error;
use super::recognized::{completed, recognized};
use crate::backup::{Checked, CopyError, CopyProgress, CopyStage, Watch};
use crate::log_check::{self, LogCheck, VerifiedLog};
use crate::{OpenError, StoreError, log, pruning, setup};

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
    let (mut session, format) = recognized(path, Mode::Reader)?;
    session.lift_limits();
    let found = "PRAGMA integrity_check(1)";
    let found: String = session.db.query_row(found, [], |row| row.get(0)).map_err(store_error)?;
    if found != "ok" {
        return Err(damaged(found));
    }
    if format.is_none() {
        return Err(damaged("it is empty".to_owned()));
    }
    let stored = completed(setup::records(&mut session))?;
    let last = check_log(&mut session, damaged, watch)?;
    Ok(Checked { application: stored.application, records: stored.count, last, bytes })
}

/// Reads every entry of the commit log. Returns the place and the moment of the last one.
fn check_log(
    session: &mut SqliteSession,
    damaged: &dyn Fn(String) -> CopyError,
    watch: &mut Watch<'_>,
) -> Result<Option<(u64, Timestamp)>, CopyError> {
    let total = "SELECT coalesce(max(seq), 0) FROM backstay_log";
    let total: i64 = session.db.query_row(total, [], |row| row.get(0)).map_err(store_error)?;
    let mut pruned = Tree::default();
    session.read(&pruning::pruned(), &mut |row| {
        pruned = pruning::read_pruned(row)?;
        Ok(())
    })?;
    let mut check = LogCheck::new(pruned, None);
    loop {
        let mut entries = Vec::new();
        session.read(&log::page(check.next(), log_check::ENTRIES), &mut |row| {
            entries.push(log::read(row)?);
            Ok(())
        })?;
        if entries.is_empty() {
            let VerifiedLog { entries, last, .. } = check.end();
            return Ok(last.map(|moment| (entries, moment)));
        }
        entries.iter().try_for_each(|entry| check.take(entry)).map_err(damaged)?;
        let progress = CopyProgress { stage: CopyStage::Check, done: check.next() - 1, total: total.unsigned_abs() };
        if let ControlFlow::Break(()) = watch(progress) {
            return Err(CopyError::Interrupted);
        }
    }
}
