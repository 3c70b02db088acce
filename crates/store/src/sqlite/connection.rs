use std::cell::{Cell, OnceCell};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use backstay_base::limits;
use backstay_sql::{Dialect, Extent, Statement};
use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags, StatementStatus, ffi};

use super::allowance::{Allowance, Hold, STEPS_PER_LOOK};
use super::document_functions;
use super::error::store_error;
use super::file;
use super::functions;
use super::log_bound::LogBound;
use super::pages::{LARGEST_KEPT_LOG_BYTES, PAGE_BYTES};
use super::row::{Bound, SqliteRow};
use super::statements::{KeptStatements, Prepared};
use crate::interest::Interest;
use crate::session::{Answer, Pipeline, Session, Visit, at_once};
use crate::{ReadStats, StoreError};

/// Bytes of the largest value or row; a nested list is one value.
const LARGEST_VALUE: i32 = limits::STORED_VALUE_BYTES;
/// Pages that a statement uses to write a small record and its places in indexes.
const PAGES_PER_WRITE: u32 = 30;
/// KiB of pages that one connection keeps in memory.
const CACHE_KIB: u32 = 16 * 1024;
/// SQLite's `busy_timeout`: milliseconds to wait for another process's lock.
const BUSY_MS: u32 = 5000;

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// The one that writes.
    Writer,
    /// One that only reads: a statement that writes is refused.
    Reader,
    /// One that finds out what a migration would do: it writes temporary tables alone.
    Planner,
}

/// One connection with all the settings that Backstay relies on, and its remaining step budget.
#[derive(Debug)]
pub(crate) struct SqliteSession {
    pub(super) db: Connection,
    directory: PathBuf,
    allowance: Arc<Allowance>,
    mode: Mode,
    fatal: OnceCell<StoreError>,
    pub(super) kept: KeptStatements,
    /// Whether a statement found the disk full since `take_full` was last called.
    full: Cell<bool>,
    /// Whether the work at hand was interrupted because it held the writer for too long.
    preempted: Cell<bool>,
    /// How many pages the work at hand may still use in a commit that it shares; `None` in one of its own.
    shared_pages: Cell<Option<u32>>,
    /// The number of commits when the open snapshot was begun; see `begin_snapshot`.
    snapshot: Option<u64>,
}

impl SqliteSession {
    pub(super) fn open(path: &Path, mode: Mode) -> Result<Self, StoreError> {
        Self::connect(path, mode).map_err(store_error)
    }

    fn connect(path: &Path, mode: Mode) -> Result<Self, rusqlite::Error> {
        let create = if mode == Mode::Writer { OpenFlags::SQLITE_OPEN_CREATE } else { OpenFlags::empty() };
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | create;
        let mut db = Connection::open_with_flags(path, flags)?;
        // Without QPSG a statement whose plan depends on a bound value is prepared again whenever the value changes.
        db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        db.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        db.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
        db.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
        db.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
        db.set_limit(Limit::SQLITE_LIMIT_LENGTH, LARGEST_VALUE)?;
        let kept = KeptStatements::of(&db);
        let allowance = Arc::new(Allowance::new());
        let (watched, charged) = (Arc::clone(&allowance), Arc::clone(&allowance));
        backstay_meter::on_progress(&mut db, STEPS_PER_LOOK.into(), move |pages| watched.look(pages))?;
        let charge = move |bytes| charged.is_used_up_by(bytes);
        functions::register(&db, charge.clone())?;
        document_functions::register(&db, charge)?;
        db.execute_batch(&format!(
            "PRAGMA busy_timeout = {BUSY_MS}; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
             PRAGMA wal_autocheckpoint = 0; PRAGMA journal_size_limit = {LARGEST_KEPT_LOG_BYTES}; \
             PRAGMA temp_store = MEMORY; PRAGMA cache_size = -{CACHE_KIB}; PRAGMA secure_delete = ON;"
        ))?;
        if mode == Mode::Reader {
            db.execute_batch("PRAGMA query_only = ON;")?;
        }
        let directory = file::directory(path).to_owned();
        Ok(Self {
            db,
            directory,
            allowance,
            mode,
            fatal: OnceCell::new(),
            kept,
            full: Cell::new(false),
            preempted: Cell::new(false),
            shared_pages: Cell::new(None),
            snapshot: None,
        })
    }

    /// What it is for.
    pub(super) fn mode(&self) -> Mode {
        self.mode
    }

    /// Reads from a snapshot that contains at least this many commits. The open snapshot is kept while nothing has been
    /// committed since: beginning and ending one takes locks in shared memory that readers contend for.
    pub(super) fn begin_snapshot(&mut self, commits: u64) -> Result<(), StoreError> {
        if self.snapshot == Some(commits) && !self.db.is_autocommit() {
            return Ok(());
        }
        self.release_snapshot()?;
        self.command("BEGIN")?;
        self.snapshot = Some(commits);
        Ok(())
    }

    /// Ends the snapshot, for which the write-ahead log has to be kept.
    pub(super) fn release_snapshot(&mut self) -> Result<(), StoreError> {
        self.snapshot = None;
        // Beginning the next snapshot must not be interrupted either, by what the last statement has used up.
        self.lift_limits();
        if self.db.is_autocommit() {
            return Ok(());
        }
        self.command("COMMIT")
    }

    /// Lets other threads go first from now on, again and again while a statement runs.
    pub(super) fn give_way(&self) {
        self.allowance.begin_to_give_way();
    }

    /// From now on, what runs for somebody ends when the write-ahead log must begin anew.
    pub(super) fn end_for_log(&self, bound: Arc<LogBound>) {
        self.allowance.end_for_log(bound);
    }

    /// Limits what follows to this many thousand steps, and to what ends by the deadline.
    pub(super) fn limit(&mut self, kilo_steps: u32, deadline: Instant) {
        self.allowance.limit(kilo_steps, deadline);
    }

    /// The same, and ends what follows when nobody waits for it any more.
    pub(super) fn work_for(&mut self, interest: &Interest, kilo_steps: u32) {
        self.allowance.limit_work(kilo_steps, interest, None);
    }

    /// The same, and ends what follows when it holds the writer for too long.
    pub(super) fn write_for(&mut self, interest: &Interest, kilo_steps: u32, hold: Option<Hold>) {
        self.preempted.set(false);
        self.allowance.limit_work(kilo_steps, interest, hold);
    }

    /// Bounds what the work that follows may change, if it must be possible to undo it alone.
    pub(super) fn share_commit(&self, shares: bool) {
        self.shared_pages.set(shares.then_some(limits::SHARED_PAGES));
    }

    /// Lifts the limits for what follows, such as opening, migrating and committing.
    pub(super) fn lift_limits(&self) {
        self.allowance.lift();
    }

    /// Whether a statement was stopped because it had used up the step budget.
    pub(super) fn exhausted(&self) -> bool {
        self.allowance.is_exhausted()
    }

    /// Whether the work since `write_for` was interrupted because it held the writer for too long.
    pub(super) fn preempted(&self) -> bool {
        self.preempted.get()
    }

    /// Keeps the file from growing beyond this size.
    pub(super) fn limit_size(&self, bytes: u64) -> Result<(), StoreError> {
        let pages = bytes / PAGE_BYTES;
        self.db.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(())).map_err(store_error)
    }

    /// Runs a statement, within a transaction or not, and passes its rows to `visit`.
    pub(super) fn read(&mut self, statement: &Statement, visit: &mut Visit<'_>) -> Result<ReadStats, StoreError> {
        let charged = self.allowance.charged();
        self.allowance.begin_read(backstay_meter::used(&self.db), statement.searches());
        let mut prepared = self.prepare(statement)?;
        let mut stats = ReadStats::default();
        let _larger = LargestValue::of(&self.db, statement.lists()).map_err(|error| self.failed(error))?;
        {
            let mut rows = prepared.raw_query();
            while let Some(row) = rows.next().map_err(|error| self.failed(error))? {
                let row = SqliteRow::new(row, statement.columns());
                visit(&row)?;
                stats.rows += 1;
                self.charge_row(row.taken())?;
            }
        }
        self.charge_row(0)?;
        // The counters are 32 bits wide and signed; one that has overflowed is worth nothing.
        let counter = |status| u64::try_from(prepared.reset_status(status)).unwrap_or(0);
        stats.steps = counter(StatementStatus::VmStep) + self.allowance.charged() - charged;
        stats.scanned = counter(StatementStatus::FullscanStep);
        Ok(stats)
    }

    /// Charges what a row took that steps don't show: the bytes of its values, and the pages on the way to them.
    fn charge_row(&self, bytes: usize) -> Result<(), StoreError> {
        let by_pages = self.allowance.is_used_up_by_pages(backstay_meter::used(&self.db));
        match self.allowance.is_used_up_by(bytes) || by_pages {
            true => Err(self.interrupted(self.allowance.reason())),
            false => Ok(()),
        }
    }

    /// Runs a statement that writes, within a transaction or not; returns how many rows it changed.
    pub(super) fn write(&mut self, statement: &Statement) -> Result<u64, StoreError> {
        if self.mode == Mode::Reader {
            return Err(StoreError::ReadOnly);
        }
        self.allowance.begin_write();
        let mut prepared = self.prepare(statement)?;
        let before = backstay_meter::used(&self.db);
        let changed = prepared.raw_execute().map_err(|error| self.failed(error))?;
        self.count_shared(backstay_meter::used(&self.db).wrapping_sub(before))?;
        Ok(changed as u64)
    }

    /// Counts the pages that a statement has used to write.
    fn count_shared(&self, pages: u32) -> Result<(), StoreError> {
        let Some(left) = self.shared_pages.get() else { return Ok(()) };
        self.shared_pages.set(left.checked_sub(pages.saturating_sub(PAGES_PER_WRITE)));
        match self.shared_pages.get() {
            Some(_) => Ok(()),
            None => Err(self.interrupted(StoreError::HoldLimit)),
        }
    }

    /// As `write`, but only within a transaction.
    pub(super) fn write_within(&mut self, statement: &Statement) -> Result<u64, StoreError> {
        self.require_transaction()?;
        self.write(statement)
    }

    /// After some errors SQLite has rolled the transaction back by itself: a write would then be durable at once and
    /// alone. Between statements that are too short to be interrupted, time can run out as well.
    fn require_transaction(&self) -> Result<(), StoreError> {
        if self.db.is_autocommit() {
            return Err(StoreError::Aborted);
        }
        self.allowance.over().map_or(Ok(()), |error| Err(self.interrupted(error)))
    }

    fn interrupted(&self, error: StoreError) -> StoreError {
        if matches!(error, StoreError::HoldLimit) {
            self.preempted.set(true);
        }
        error
    }

    /// The fatal error, if a statement met one.
    pub(super) fn fatal(&self) -> Option<StoreError> {
        self.fatal.get().cloned()
    }

    /// Whether a statement found the disk full since this was last called.
    pub(super) fn take_full(&self) -> bool {
        self.full.take()
    }

    /// Runs a statement without parameters or rows, such as `COMMIT`.
    pub(super) fn command(&self, text: &'static str) -> Result<(), StoreError> {
        let done = self.db.prepare_cached(text).and_then(|mut command| command.raw_execute());
        done.map_err(|error| self.error(error))?;
        Ok(())
    }

    fn prepare(&self, statement: &Statement) -> Result<Prepared<'_>, StoreError> {
        let text = statement.text();
        // Those that are kept are short, and seldom prepared.
        if text.len() > limits::KEPT_STATEMENT_BYTES && self.allowance.is_used_up_by_statement(text.len()) {
            return Err(self.interrupted(self.allowance.reason()));
        }
        let mut prepared = self.kept.prepare(&self.db, statement).map_err(|error| self.failed(error))?;
        for (index, param) in (1_usize..).zip(statement.params()) {
            prepared.raw_bind_parameter(index, Bound(param)).map_err(|error| self.failed(error))?;
        }
        Ok(prepared)
    }

    /// An error of SQLite as the store's. A write that failed because the user's quota is used up counts as a full disk,
    /// as SQLite itself treats a disk without space: nothing of it is in the database.
    pub(super) fn error(&self, error: rusqlite::Error) -> StoreError {
        let write_failed = error.sqlite_error().is_some_and(|error| error.extended_code == ffi::SQLITE_IOERR_WRITE);
        if write_failed && file::is_full(&self.directory) {
            return StoreError::Full;
        }
        match store_error(error) {
            StoreError::StepLimit => self.interrupted(self.allowance.reason()),
            error => error,
        }
    }

    fn failed(&self, error: rusqlite::Error) -> StoreError {
        let read_only = error.sqlite_error_code() == Some(rusqlite::ErrorCode::ReadOnly);
        if read_only && self.mode == Mode::Reader {
            return StoreError::ReadOnly;
        }
        let error = self.error(error);
        if matches!(error, StoreError::Full) {
            self.full.set(true);
        }
        if error.is_fatal() {
            // The first one counts.
            self.fatal.get_or_init(|| error.clone());
        }
        error
    }
}

/// A lower limit for values while a statement runs.
struct LargestValue<'d>(Option<&'d Connection>);

impl<'d> LargestValue<'d> {
    /// One value for each of these nested lists can be in memory at a time.
    fn of(db: &'d Connection, lists: usize) -> Result<Self, rusqlite::Error> {
        if lists <= 1 {
            return Ok(Self(None));
        }
        let bytes = i32::try_from(Extent { lists, ..Extent::default() }.list_bytes()).unwrap_or(LARGEST_VALUE);
        db.set_limit(Limit::SQLITE_LIMIT_LENGTH, bytes)?;
        Ok(Self(Some(db)))
    }
}

impl Drop for LargestValue<'_> {
    fn drop(&mut self) {
        if let Some(db) = self.0 {
            // It fails only for a limit that SQLite doesn't have.
            drop(db.set_limit(Limit::SQLITE_LIMIT_LENGTH, LARGEST_VALUE));
        }
    }
}

impl Session for SqliteSession {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn query<'a>(&'a mut self, statement: &'a Statement, visit: &'a mut Visit<'_>) -> Answer<'a, ReadStats> {
        at_once(self.require_transaction().and_then(|()| self.read(statement, visit)))
    }

    fn execute<'a>(&'a mut self, statement: &'a Statement) -> Answer<'a, u64> {
        at_once(self.write_within(statement))
    }

    /// There is no other transaction that writes.
    fn lock(&mut self, _: i64) -> Answer<'_, ()> {
        at_once(self.require_transaction())
    }

    fn lock_all(&mut self, _: Vec<i64>) -> Answer<'_, ()> {
        at_once(self.require_transaction())
    }

    /// No other transaction can have changed anything meanwhile.
    fn overtaken(&mut self) {}

    /// Nor can one do meanwhile what this one has found undone.
    fn claim(&mut self, _: Option<Statement>) {}

    /// Statements are run where they are made.
    fn pipeline(&mut self) -> Option<&mut dyn Pipeline> {
        None
    }

    fn query_apart<'a>(&'a mut self, _: &'a Statement, _: &'a mut Visit<'_>) -> Option<Answer<'a, ReadStats>> {
        None
    }
}

#[cfg(test)]
mod tests {
    use backstay_base::RecordId;
    use backstay_sql::Param;
    use tempfile::TempDir;

    use super::*;

    /// A membership rule as the planner writes it: the plan could depend on the bound value.
    const RULE: &str = "SELECT title FROM post WHERE (state = 'PUBLISHED' OR EXISTS (SELECT 1 FROM member m \
                        WHERE m.section = post.section AND m.account = ?1 AND m.role LIKE ?2)) AND id = ?3";

    fn session(directory: &TempDir) -> SqliteSession {
        let path = directory.path().join("test.db");
        let writer = SqliteSession::open(&path, Mode::Writer).expect("a database");
        let tables = "CREATE TABLE post (id BLOB PRIMARY KEY, title TEXT, state TEXT, section INTEGER) STRICT;
            CREATE TABLE member (section INTEGER, account BLOB, role TEXT) STRICT;
            CREATE INDEX by_state ON post (state); CREATE INDEX by_role ON member (role, account);
            INSERT INTO post SELECT randomblob(16), 'x', iif(value % 9, 'DRAFT', 'PUBLISHED'), value % 7
              FROM generate_series(1, 500);
            INSERT INTO member SELECT value % 7, randomblob(16), 'EDITOR' || value FROM generate_series(1, 500);
            ANALYZE;";
        let tables = tables.replace("generate_series(1, 500)", "(WITH RECURSIVE s(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM s WHERE value < 500) SELECT value FROM s)");
        writer.db.execute_batch(&tables).expect("tables");
        writer
    }

    /// How often the rule's statement was prepared again in 50 executions with changing values.
    fn prepared_again(session: &mut SqliteSession) -> i32 {
        for round in 0..50_u8 {
            let id = Param::Id(RecordId::from_bytes([round; 16]));
            let role = Param::Text(if round % 2 == 0 { "E%".into() } else { "%x".into() });
            let statement = Statement::raw(RULE, vec![id.clone(), role, id], &[backstay_scalar::Storage::Text]);
            session.read(&statement, &mut |_| Ok(())).expect("a read");
        }
        let prepared = session.db.prepare_cached(RULE).expect("prepared");
        assert_eq!(prepared.get_status(StatementStatus::Run), 50);
        prepared.get_status(StatementStatus::RePrepare)
    }

    #[test]
    fn statements_are_prepared_once_whatever_is_bound() {
        let directory = TempDir::new().expect("a directory");
        let mut session = session(&directory);
        assert_eq!(prepared_again(&mut session), 0);
        session.db.flush_prepared_statement_cache();
        session.db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, false).expect("a setting");
        assert!(prepared_again(&mut session) > 10, "the statement is one for which it matters");
    }

    #[test]
    fn a_write_that_fails_is_fatal_unless_there_is_no_space() {
        let directory = TempDir::new().expect("a directory");
        let session = session(&directory);
        let error = |code| session.error(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None));
        assert!(matches!(error(ffi::SQLITE_IOERR_WRITE), StoreError::Io(_)), "the directory has space");
        assert!(matches!(error(ffi::SQLITE_IOERR_FSYNC), StoreError::Io(_)));
        assert!(matches!(error(ffi::SQLITE_FULL), StoreError::Full));
    }

    #[test]
    fn connections_have_the_settings_that_everything_relies_on() {
        let directory = TempDir::new().expect("a directory");
        drop(session(&directory));
        for mode in [Mode::Writer, Mode::Reader] {
            let session = SqliteSession::open(&directory.path().join("test.db"), mode).expect("a database");
            let number = |text: &str| -> i64 { session.db.query_row(text, [], |row| row.get(0)).expect("a setting") };
            assert_eq!(number("PRAGMA synchronous"), 2);
            assert_eq!(number("PRAGMA foreign_keys"), 1);
            assert_eq!(number("PRAGMA trusted_schema"), 0);
            assert_eq!(number("PRAGMA wal_autocheckpoint"), 0);
            assert_eq!(number("PRAGMA journal_size_limit"), 128 * 1024 * 1024);
            // What is deleted is overwritten.
            assert_eq!(number("PRAGMA secure_delete"), 1);
            assert_eq!(number("PRAGMA query_only"), i64::from(mode == Mode::Reader));
            assert!(session.db.db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG).expect("a setting"));
            assert!(session.db.db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE).expect("a setting"));
        }
    }
}
