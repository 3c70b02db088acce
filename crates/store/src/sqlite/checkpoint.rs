use std::cell::Cell;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::connection::{Mode, SqliteSession};
use super::error::store_error;
use super::file;
use super::log_bound::Level;
use super::pages::{PAGE_BYTES, RESTART_PAGES};
use super::readers::Readers;
use super::shared::Shared;
use crate::StoreError;

/// Pages by which the write-ahead log grows before they are written back: 16 MiB. Each time costs two fsyncs, which delay
/// those of the writer.
const WRITE_BACK_PAGES: u32 = 4096;
/// Bytes of the log's file that are kept while nothing is written: writing over them costs less than growing the file
/// again.
const KEPT_LOG_BYTES: u64 = WRITE_BACK_PAGES as u64 * PAGE_BYTES;

/// For how many of its checks the writer is idle before the log's file is emptied: an application in use writes again
/// soon, and a commit that makes the file grow takes longer than one that writes over what is there.
const IDLE_CHECKS_BEFORE_REST: u32 = 10;

/// How long a restart of the log waits for readers, blocking the writer. After that it is tried again later.
const RESTART_TIMEOUT: Duration = Duration::from_millis(20);

/// How often a restart is tried while reads or writes wait for it.
const TRY_AGAIN: Duration = Duration::from_millis(20);
/// The same after one that was kept from it: if by a reader, it has held up the writer for `RESTART_TIMEOUT`.
const AFTER_BLOCKED: Duration = Duration::from_millis(80);

/// Why the checkpointer is woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wake {
    /// There is enough to write back.
    Grown,
    /// The writer has nothing to do.
    Idle,
    /// It has had nothing to do for some time.
    Resting,
}

/// The thread that writes the write-ahead log back into the database.
pub(super) struct Checkpointer {
    wake: SyncSender<Wake>,
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
}

/// Wakes the checkpointer when there is enough to write back.
pub(super) struct CheckpointWaker {
    wake: SyncSender<Wake>,
    shared: Arc<Shared>,
    /// How often the writer has been idle since it last wrote.
    idle_checks: Cell<u32>,
}

impl Checkpointer {
    /// Starts the thread, which first writes back what an earlier process left in the log.
    pub(super) fn start(
        session: SqliteSession,
        path: &Path,
        shared: Arc<Shared>,
        readers: Arc<Readers>,
    ) -> io::Result<Self> {
        let (wake, woken) = sync_channel(1);
        let log = Log { session, file: file::write_ahead_log(path), shared: Arc::clone(&shared) };
        let thread = shared.spawn("checkpoint", move || serve(&log, &woken, &readers))?;
        Ok(Self { wake, shared, thread })
    }

    /// What the writer wakes it with.
    pub(super) fn waker(&self) -> CheckpointWaker {
        CheckpointWaker { wake: self.wake.clone(), shared: Arc::clone(&self.shared), idle_checks: Cell::new(0) }
    }

    /// Ends the thread. The writer must have dropped its waker.
    pub(super) fn close(self) {
        drop(self.wake);
        drop(self.thread.join());
    }
}

/// Opens the connection that checkpoints run on.
pub(super) fn session(path: &Path) -> Result<SqliteSession, StoreError> {
    let session = SqliteSession::open(path, Mode::Writer)?;
    session.db.busy_timeout(RESTART_TIMEOUT).map_err(store_error)?;
    Ok(session)
}

impl CheckpointWaker {
    /// Called by the writer after a group.
    pub(super) fn after_commit(&self) {
        self.idle_checks.set(0);
        let pages = self.shared.wal_pages.load(Ordering::Relaxed);
        if pages < self.shared.written_back.load(Ordering::Relaxed) {
            // The log was restarted.
            self.shared.written_back.store(0, Ordering::Relaxed);
        }
        if self.shared.unwritten_pages() >= WRITE_BACK_PAGES || self.shared.log_bound.level() > Level::Free {
            self.wake(Wake::Grown);
        }
    }

    /// Called by the writer when it has been idle for a while.
    pub(super) fn on_idle(&self) {
        let checks = self.idle_checks.get().saturating_add(1);
        self.idle_checks.set(checks);
        self.wake(if checks < IDLE_CHECKS_BEFORE_REST { Wake::Idle } else { Wake::Resting });
    }

    fn wake(&self, why: Wake) {
        // A full channel means that it has been woken already.
        let _already = self.wake.try_send(why);
    }
}

fn serve(log: &Log, woken: &Receiver<Wake>, readers: &Readers) {
    let mut failing = false;
    let mut work = Some(Work::WriteBack);
    loop {
        let done = work.map_or(Ok(Ended::Done), |work| readers.without_snapshots(|| log.run(work)));
        let pause = match done {
            Ok(Ended::Done) => TRY_AGAIN,
            Ok(Ended::Blocked) | Err(_) => AFTER_BLOCKED,
        };
        match done {
            Ok(Ended::Done | Ended::Blocked) => failing = false,
            Err(StoreError::Busy) => {}
            Err(error) if error.is_fatal() => return log.shared.fail(&error),
            // Once is enough: it is tried again and again.
            Err(_) if failing => {}
            Err(error) => {
                failing = true;
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "the write-ahead log could not be written back; it grows until it can");
            }
        }
        work = match log.wait(woken, pause) {
            Ok(work) => work,
            Err(Closed) => return,
        }
    }
}

/// What the checkpointer does with the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Work {
    /// Writes its pages back, as far as readers allow it. The file keeps its size.
    WriteBack,
    /// The same, and has the log begin anew, once no reader needs it.
    Restart,
    /// The same, and empties the file.
    Truncate,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    /// It is done, as far as readers allow it.
    Done,
    /// Readers kept the log from beginning anew, and the writer had to wait meanwhile; or the writer was at work all the time.
    Blocked,
}

/// The write-ahead log.
struct Log {
    session: SqliteSession,
    file: PathBuf,
    shared: Arc<Shared>,
}

/// The writer has ended.
struct Closed;

impl Log {
    /// Waits until there is something to do, and if that is a restart that others wait for, for this long.
    fn wait(&self, woken: &Receiver<Wake>, pause: Duration) -> Result<Option<Work>, Closed> {
        let bound = &self.shared.log_bound;
        if bound.level() == Level::Free {
            return woken.recv().map(|why| self.work(why)).map_err(|_| Closed);
        }
        let until = Instant::now() + pause;
        loop {
            match woken.recv_timeout(until.saturating_duration_since(Instant::now())) {
                // Each commit says so as long as the log is too long.
                Ok(Wake::Grown | Wake::Idle | Wake::Resting) => {}
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => return Err(Closed),
            }
        }
        bound.tick(Instant::now());
        Ok(Some(Work::Restart))
    }

    /// What there is to do. Readers find a page faster in the database than in a long log, so that an idle writer's log is
    /// written back however short it is.
    fn work(&self, why: Wake) -> Option<Work> {
        match why {
            _ if self.shared.log_bound.level() > Level::Free => Some(Work::Restart),
            Wake::Grown if self.shared.wal_pages.load(Ordering::Relaxed) >= RESTART_PAGES => Some(Work::Restart),
            Wake::Grown => Some(Work::WriteBack),
            Wake::Resting if self.bytes() > KEPT_LOG_BYTES => Some(Work::Truncate),
            Wake::Idle | Wake::Resting => (self.shared.unwritten_pages() > 0).then_some(Work::WriteBack),
        }
    }

    /// The size of the file.
    fn bytes(&self) -> u64 {
        // SQLite creates the file with the first write.
        fs::metadata(&self.file).map_or(0, |metadata| metadata.len())
    }

    fn run(&self, work: Work) -> Result<Ended, StoreError> {
        // Most of the work is done while the writer goes on, so that a restart has little left to do.
        let is_all = self.checkpoint("PRAGMA wal_checkpoint(PASSIVE)")?;
        match work {
            // A reader needs the log: waiting for it would only hold up the writer.
            Work::Restart | Work::Truncate if !is_all => Ok(Ended::Done),
            Work::Truncate => self.restart("PRAGMA wal_checkpoint(TRUNCATE)"),
            Work::Restart => self.restart("PRAGMA wal_checkpoint(RESTART)"),
            Work::WriteBack => Ok(Ended::Done),
        }
    }

    fn restart(&self, command: &str) -> Result<Ended, StoreError> {
        if !self.checkpoint(command)? {
            return Ok(Ended::Blocked);
        }
        self.shared.log_bound.on_restart();
        Ok(Ended::Done)
    }

    /// Returns whether all of the log has been written back, and nobody kept it from beginning anew if that was asked for.
    fn checkpoint(&self, command: &str) -> Result<bool, StoreError> {
        let pages = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        let (is_blocked, all, written_back): (bool, i32, i32) =
            self.session.db.query_row(command, [], pages).map_err(|error| self.session.error(error))?;
        // SQLite returns -1 if there is no write-ahead log.
        self.shared.written_back.store(written_back.max(0).unsigned_abs(), Ordering::Relaxed);
        if all == 0 {
            // The file is empty. A commit in this moment is counted again by the next one.
            self.shared.wal_pages.store(0, Ordering::Relaxed);
        }
        Ok(written_back == all && !is_blocked)
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::super::pages::PAGE_BYTES;
    use super::*;

    const BOUND: u32 = 100;

    fn shared() -> Arc<Shared> {
        Arc::new(Shared::of_test(u64::from(BOUND) * PAGE_BYTES))
    }

    #[test]
    fn a_commit_that_makes_the_log_too_long_wakes_the_checkpointer() {
        let (shared, (wake, woken)) = (shared(), sync_channel(1));
        let waker = CheckpointWaker { wake, shared: Arc::clone(&shared), idle_checks: Cell::new(0) };
        let check = |pages: u32, expected: Option<Wake>| {
            shared.wal_pages.store(pages, Ordering::Relaxed);
            shared.log_bound.on_commit(pages, Instant::now());
            waker.after_commit();
            assert_eq!(woken.try_recv().ok(), expected, "{pages} pages");
        };
        // All but the last page are written back.
        shared.written_back.store(BOUND - 1, Ordering::Relaxed);
        check(BOUND - 1, None);
        check(BOUND, Some(Wake::Grown));
        check(BOUND + 1, Some(Wake::Grown));
    }

    #[test]
    fn a_log_that_is_too_long_begins_anew_unless_a_reader_keeps_it() {
        let directory = TempDir::new().expect("a directory");
        let path = directory.path().join("backstay.db");
        let writer = SqliteSession::open(&path, Mode::Writer).expect("a database");
        writer.db.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (a)").expect("a table");
        let shared = shared();
        let log = Log {
            session: session(&path).expect("a connection"),
            file: file::write_ahead_log(&path),
            shared: Arc::clone(&shared),
        };
        let (wake, woken) = sync_channel(1);
        shared.log_bound.on_commit(BOUND, Instant::now());
        wake.try_send(Wake::Idle).expect("there is room");
        assert_eq!(log.work(Wake::Idle), Some(Work::Restart));
        assert_eq!(log.wait(&woken, TRY_AGAIN).ok(), Some(Some(Work::Restart)));

        let reader = SqliteSession::open(&path, Mode::Reader).expect("a connection");
        reader.db.execute_batch("BEGIN; SELECT count(*) FROM t").expect("a read");
        assert_eq!(log.run(Work::Restart).expect("a checkpoint"), Ended::Blocked);
        assert_eq!(shared.log_bound.level(), Level::ReadsWait);
        drop(reader);
        assert_eq!(log.run(Work::Restart).expect("a checkpoint"), Ended::Done);
        assert_eq!(shared.log_bound.level(), Level::Free);
    }
}
