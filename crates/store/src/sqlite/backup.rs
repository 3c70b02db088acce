use std::ffi::c_int;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use backstay_base::limits;
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, ErrorCode, OpenFlags, ffi};

use super::check;
use super::connection::{Mode, SqliteSession};
use super::error::store_error;
use super::file::{self, Locks};
use super::pages::PAGE_BYTES;
use super::recognized::recognized;
use super::shared::Shared;
use crate::backup::{Checked, CopyError, CopyProgress, CopyStage, Watch};
use crate::{OpenError, StoreError};

/// Pages that are copied between two looks at whether to go on: 1 MiB.
const PAGES_AT_ONCE: c_int = 256;
/// Pages that are written before the disk has to have them: 32 MiB. If all of them came at the end, the writer's fsyncs would
/// wait for them.
const PAGES_PER_SYNC: i32 = 32 * PAGES_AT_ONCE;

/// Copies the database of a directory that no process has open.
pub(crate) fn back_up_closed(directory: &Path, to: &Path, watch: &mut Watch<'_>) -> Result<Checked, CopyError> {
    let path = file::database(directory);
    let lock = file::lock(directory)?;
    let file = file::check(&path)?;
    file::lock_database(&file, &path)?;
    let _locks = Locks::new(lock, file);
    let (session, format) = recognized(&path, Mode::Reader)?;
    if format.is_none() {
        return Err(CopyError::Damaged { path, finding: "it is empty".to_owned() });
    }
    back_up((session, None), to, watch)
}

/// Copies the database of this file while it is written to.
pub(super) fn back_up_open(
    path: &Path,
    shared: &Shared,
    to: &Path,
    watch: &mut Watch<'_>,
) -> Result<Checked, CopyError> {
    let source = SqliteSession::open(path, Mode::Reader)?;
    back_up((source, Some(shared)), to, watch)
}

/// Copies a database into a file under another name, checks the copy, and gives it its name.
fn back_up(
    (source, shared): (SqliteSession, Option<&Shared>),
    to: &Path,
    watch: &mut Watch<'_>,
) -> Result<Checked, CopyError> {
    let part = Part::begin(to)?;
    let copying = || copy(source, shared, &part, watch);
    // What follows needs nothing of the log.
    let copied = match shared {
        Some(shared) => shared.log_bound.while_copied(copying),
        None => copying(),
    };
    let copied = copied.and_then(|()| settle(&part)).and_then(|()| {
        part.file.sync_all().map_err(|source| part.unwritable(source))?;
        check::check(&part.path, watch)
    });
    match copied {
        Ok(checked) => part.finish().map(|()| checked),
        Err(error) => {
            let error = part.explained(error);
            // What went wrong counts more than a file that can't be removed; the next backup overwrites it.
            drop(fs::remove_file(&part.path));
            Err(error)
        }
    }
}

/// A backup that isn't complete, under a name that no backup has. It is locked while it is written.
struct Part<'a> {
    path: PathBuf,
    to: &'a Path,
    file: File,
}

impl<'a> Part<'a> {
    fn begin(to: &'a Path) -> Result<Self, CopyError> {
        refuse_existing(to)?;
        let mut name = to.as_os_str().to_owned();
        name.push(".part");
        let path = PathBuf::from(name);
        let file = file::owned_by_one().create(true).truncate(false).open(&path);
        let file = file.map_err(|source| CopyError::Write { path: to.to_owned(), source })?;
        let underway = || CopyError::Underway { path: to.to_owned() };
        file::lock_database(&file, &path).map_err(|error| match error {
            OpenError::LockedElsewhere { .. } => underway(),
            error => error.into(),
        })?;
        // The file may have got its final name between being opened and being locked.
        let is_named = match (file::identity_of(&file), file::identity(&path)) {
            (Ok(held), Ok(named)) => held == named,
            (Ok(_), Err(error)) if error.kind() == ErrorKind::NotFound => false,
            (Err(source), _) | (_, Err(source)) => return Err(CopyError::Write { path: to.to_owned(), source }),
        };
        if !is_named {
            return Err(underway());
        }
        let part = Self { path, to, file };
        part.file.set_len(0).map_err(|source| part.unwritable(source))?;
        Ok(part)
    }

    fn finish(self) -> Result<(), CopyError> {
        refuse_existing(self.to)?;
        let named = fs::rename(&self.path, self.to).and_then(|()| file::sync_directory(self.to));
        named.map_err(|source| self.unwritable(source))
    }

    fn unwritable(&self, source: io::Error) -> CopyError {
        CopyError::Write { path: self.to.to_owned(), source }
    }

    /// An error with the operating system's reason if the file can't be written: SQLite doesn't tell that.
    fn explained(&self, error: CopyError) -> CopyError {
        match error {
            CopyError::Store(StoreError::Full) => {
                self.unwritable(self.reason().unwrap_or_else(|| io::ErrorKind::StorageFull.into()))
            }
            CopyError::Store(StoreError::Io(cause)) => match self.reason() {
                Some(source) => self.unwritable(source),
                None => CopyError::Store(StoreError::Io(cause)),
            },
            // The copy, which has just been made, is no use under its own name either.
            CopyError::Damaged { finding, .. } => CopyError::Damaged { path: self.to.to_owned(), finding },
            error => error,
        }
    }

    fn reason(&self) -> Option<io::Error> {
        file::probe(file::directory(self.to), 1).err()
    }
}

fn refuse_existing(to: &Path) -> Result<(), CopyError> {
    match fs::symlink_metadata(to) {
        Ok(_) => Err(CopyError::Exists { path: to.to_owned() }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(source) => Err(CopyError::Write { path: to.to_owned(), source }),
    }
}

/// Copies the pages of one snapshot. The writer goes on, but the write-ahead log can't restart meanwhile.
fn copy(
    mut source: SqliteSession,
    shared: Option<&Shared>,
    part: &Part<'_>,
    watch: &mut Watch<'_>,
) -> Result<(), CopyError> {
    source.begin_snapshot(0)?;
    // A snapshot begins with the first read.
    source.db.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(())).map_err(store_error)?;
    let begun = shared.map_or(0, |shared| shared.wal_pages.load(Ordering::Relaxed));
    let mut target = open(&part.path)?;
    target.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;").map_err(store_error)?;
    let backup = Backup::new(&source.db, &mut target).map_err(store_error)?;
    let mut unsynced = 0;
    loop {
        let step = backup.step(PAGES_AT_ONCE).map_err(write_error)?;
        let progress = backup.progress();
        let done = u64::try_from(progress.pagecount - progress.remaining).unwrap_or(0) * PAGE_BYTES;
        let total = u64::try_from(progress.pagecount).unwrap_or(0) * PAGE_BYTES;
        if let ControlFlow::Break(()) = watch(CopyProgress { stage: CopyStage::Copy, done, total }) {
            return Err(CopyError::Interrupted);
        }
        match step {
            StepResult::Done => return Ok(()),
            StepResult::More => (),
            // Neither file is anybody else's.
            _ => return Err(StoreError::Busy.into()),
        }
        let pages = shared.map_or(0, |shared| shared.wal_pages.load(Ordering::Relaxed)).saturating_sub(begun);
        if u64::from(pages) * PAGE_BYTES > limits::BACKUP_LOG_BYTES {
            return Err(CopyError::Outpaced { mib: limits::BACKUP_LOG_BYTES / (1024 * 1024) });
        }
        unsynced += PAGES_AT_ONCE;
        if unsynced >= PAGES_PER_SYNC {
            unsynced = 0;
            part.file.sync_data().map_err(|source| part.unwritable(source))?;
        }
    }
}

/// Makes the copy one that needs no write-ahead log, and so no second file.
fn settle(part: &Part<'_>) -> Result<(), CopyError> {
    let target = open(&part.path)?;
    let mode: String = target.query_row("PRAGMA journal_mode = DELETE", [], |row| row.get(0)).map_err(write_error)?;
    match mode.as_str() {
        "delete" => target.close().map_err(|(_, error)| write_error(error).into()),
        _ => Err(StoreError::Busy.into()),
    }
}

fn open(path: &Path) -> Result<Connection, CopyError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(path, flags).map_err(|error| store_error(error).into())
}

/// As `store_error`; a file that can't grow counts as a full disk.
fn write_error(error: rusqlite::Error) -> StoreError {
    let code = error.sqlite_error().map(|error| (error.code, error.extended_code));
    match code {
        Some((ErrorCode::DiskFull, _) | (_, ffi::SQLITE_IOERR_WRITE)) => StoreError::Full,
        _ => store_error(error),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Instant;

    use backstay_audit::{ChangeKind, Origin};
    use backstay_base::{Ambient, CallerKind, Flow, RecordId};
    use backstay_model::{CollectionId, SourceFile};
    use futures_util::future::BoxFuture;
    use tempfile::TempDir;

    use super::super::log_bound::Level;
    use super::*;
    use crate::{Change, Demand, OpenOptions, Store, Tx, Work, Writes};

    /// Makes an entry of the commit log.
    struct Entry;

    impl Work for Entry {
        type Output = ();
        type Error = StoreError;

        fn writes(&self) -> Writes {
            Writes::One
        }

        fn demand(&self) -> Demand {
            Demand::now(Flow::SYSTEM)
        }

        fn origin(&self) -> Origin {
            Origin { kind: CallerKind::System, id: None, request: None, transaction: "test".into() }
        }

        fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> BoxFuture<'a, Result<(), StoreError>> {
            let record = RecordId::from_bytes([1; 16]).into();
            let kind = ChangeKind::Create;
            tx.change(Change { collection: CollectionId(0), record, kind, version: 1, fields: Vec::new() });
            Box::pin(std::future::ready(Ok(())))
        }
    }

    #[tokio::test]
    async fn the_log_counts_again_while_a_copy_is_checked() {
        let directory = TempDir::new().expect("a directory");
        let path = file::database(directory.path());
        let text = "extend schema @app(name: \"Test\")\ntype Note @allow(read: \"true\") { title: String! }";
        let model = backstay_model::load(vec![SourceFile::app("app.graphql", text)]).expect("a model").model;
        let options = OpenOptions::new(directory.path());
        let opened = Store::open(&options, &model, Ambient::system(), Arc::new(()));
        let store = opened.expect("a database").store;
        store.write(Arc::new(Entry)).await.expect("an entry");
        let shared = Shared::of_test(100 * PAGE_BYTES);
        let mut levels = Vec::new();
        let mut watch = |progress: CopyProgress| {
            let is_copying = progress.stage == CopyStage::Copy;
            shared.log_bound.on_commit(if is_copying { 100 } else { 200 }, Instant::now());
            levels.push((is_copying, shared.log_bound.level()));
            ControlFlow::Continue(())
        };
        let copied = back_up_open(&path, &shared, &directory.path().join("copy.db"), &mut watch);
        assert!(copied.is_ok(), "{copied:?}");
        levels.dedup();
        assert_eq!(levels, [(true, Level::Free), (false, Level::ReadsWait)]);
    }
}
