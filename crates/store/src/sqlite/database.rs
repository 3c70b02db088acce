use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use backstay_base::{Flow, limits};
use backstay_sql::{Dialect, Statement};
use parking_lot::{Mutex, RwLock};
use tokio::sync::oneshot;

use super::backup;
use super::checkpoint::Checkpointer;
use super::connection::SqliteSession;
use super::file::Locks;
use super::long_reads::LongReads;
use super::pool::{Pool, Task};
use super::readers::Readers;
use super::shared::Shared;
use super::writer::Writer;
use crate::backup::{Checked, CopyError, Watch};
use crate::database::Database;
use crate::interest::Interest;
use crate::job::Job;
use crate::read::LongRead;
use crate::session::{Answer, Visit, at_once, later};
use crate::{CommitId, Demand, ReadStats, ReplicaCount, RowSink, StoreError, Writes};

/// A database file and the threads that work on it.
pub(crate) struct SqliteDatabase {
    path: PathBuf,
    shared: Arc<Shared>,
    readers: Arc<Readers>,
    pool: Pool,
    long_reads: Arc<LongReads>,
    writer: RwLock<Writer>,
    checkpointer: Mutex<Option<Checkpointer>>,
    /// Held until everything else is closed.
    _locks: Locks,
}

impl SqliteDatabase {
    pub(super) fn new(
        (path, shared): (&Path, Arc<Shared>),
        (readers, pool): (Arc<Readers>, Pool),
        writer: Writer,
        checkpointer: Checkpointer,
        locks: Locks,
    ) -> Self {
        let (writer, checkpointer) = (RwLock::new(writer), Mutex::new(Some(checkpointer)));
        let long_reads = Arc::new(LongReads::new());
        let path = path.to_owned();
        Self { path, shared, readers, pool, long_reads, writer, checkpointer, _locks: locks }
    }

    fn submit(&self, job: Box<dyn Job>) -> Result<(), StoreError> {
        self.require_running()?;
        match job.writes() {
            Writes::None => self.run_reading(job),
            Writes::One | Writes::Many | Writes::Serializable => self.writer.read().submit(job),
        }
    }

    /// Runs a job that only reads: here, and again on the reader pool if it takes too many steps.
    fn run_reading(&self, mut job: Box<dyn Job>) -> Result<(), StoreError> {
        let shared = Arc::clone(&self.shared);
        let exhausted = self.with_reader(|session| {
            session.limit(limits::READ_KILO_STEPS, job.interest().deadline());
            self.shared.run_in_snapshot(job.as_mut(), session);
            Ok(session.exhausted())
        })?;
        if !exhausted {
            job.answer();
            return Ok(());
        }
        self.pool.submit(Task::read(job.interest().clone(), move |session| {
            match session.begin_snapshot(shared.commits()) {
                Ok(()) => {
                    session.work_for(job.interest(), job.kilo_steps());
                    shared.run_in_snapshot(job.as_mut(), session);
                }
                Err(error) => job.fail(error),
            }
            shared.check(session);
            job.answer();
        }))
    }

    /// Reads on this thread, unless that takes too long or did so the last time.
    fn read_here(
        &self,
        demand: Demand,
        statement: &Statement,
        sink: &mut dyn RowSink,
    ) -> Result<Option<ReadStats>, StoreError> {
        self.require_running()?;
        if statement.reads_whole() || self.long_reads.has(demand.flow, statement) {
            return Ok(None);
        }
        let read = self.with_reader(|session| {
            session.limit(limits::READ_KILO_STEPS, demand.deadline);
            take_all(session, statement, (sink, limits::READ_BYTES))
        });
        match read {
            Ok((stats, _)) => Ok(Some(stats)),
            Err(StoreError::StepLimit | StoreError::LargeRead) => {
                self.long_reads.add(demand.flow, statement);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Reads on the reader pool.
    fn read_pooled(&self, mut read: Box<dyn LongRead>) -> Result<(), StoreError> {
        self.require_running()?;
        let (shared, long_reads) = (Arc::clone(&self.shared), Arc::clone(&self.long_reads));
        self.pool.submit(Task::read(read.interest().clone(), move |session| {
            session.work_for(read.interest(), limits::TRANSACTION_KILO_STEPS);
            let flow = read.interest().flow();
            let (statement, sink) = read.parts();
            // Nothing that a panic of the sink interrupts is used again.
            let taken = catch_unwind(AssertUnwindSafe(|| take_all(session, statement, (sink, usize::MAX))));
            let outcome = taken.unwrap_or(Err(StoreError::Panicked));
            shared.check(session);
            let outcome = outcome.map(|(stats, bytes)| {
                long_reads.ran(flow, statement, stats, bytes);
                ReadStats { moved: true, ..stats }
            });
            read.ended(outcome);
        }))
    }

    /// Does this on the reader pool.
    async fn work_pooled(&self, demand: Demand, work: Box<dyn FnOnce() + Send>) -> Result<(), StoreError> {
        self.require_running()?;
        let (send, receive) = oneshot::channel();
        let interest = Interest::new(demand);
        let _waiting = interest.waiting();
        self.pool.submit(Task::work(interest.clone(), move || {
            // A panic fails this work alone: nothing of the database is concerned.
            let done = catch_unwind(AssertUnwindSafe(work)).map_err(|_| StoreError::Panicked);
            // The caller may have gone away.
            drop(send.send(done));
        }))?;
        receive.await.map_err(|_| StoreError::Closed)?
    }

    fn require_running(&self) -> Result<(), StoreError> {
        if self.shared.has_failed() { Err(StoreError::Closed) } else { Ok(()) }
    }

    /// Uses a connection for reading on this thread.
    fn with_reader<T>(
        &self,
        action: impl FnOnce(&mut SqliteSession) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.readers.with(self.shared.commits(), |session| {
            let done = action(session);
            self.shared.check(session);
            done
        })
    }

    /// Does nothing on the writer's own thread, which cannot wait for itself, or a second time.
    fn shut_down(&self) {
        let mut writer = self.writer.write();
        if writer.thread() == Some(thread::current().id()) {
            return;
        }
        self.pool.close();
        self.readers.close();
        writer.close();
        if let Some(checkpointer) = self.checkpointer.lock().take() {
            checkpointer.close();
        }
    }
}

/// Hands the rows of a statement to a sink, which may make this many bytes of them; how many it made.
fn take_all(
    session: &mut SqliteSession,
    statement: &Statement,
    (sink, most): (&mut dyn RowSink, usize),
) -> Result<(ReadStats, usize), StoreError> {
    sink.begin(most);
    let stats = session.read(statement, &mut |row| sink.row(row))?;
    Ok((stats, sink.end()))
}

impl Database for SqliteDatabase {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn run(&self, job: Box<dyn Job>) -> Answer<'_, ()> {
        at_once(self.submit(job))
    }

    fn read<'a>(
        &'a self,
        demand: Demand,
        statement: &'a Statement,
        sink: &'a mut dyn RowSink,
    ) -> Answer<'a, Option<ReadStats>> {
        at_once(self.read_here(demand, statement, sink))
    }

    fn read_long(&self, read: Box<dyn LongRead>) -> Answer<'_, ()> {
        at_once(self.read_pooled(read))
    }

    fn take_turn(&self, demand: Demand, work: Box<dyn FnOnce() + Send>) -> Answer<'_, ()> {
        later(self.work_pooled(demand, work))
    }

    fn read_own<'a>(&'a self, statement: &'a Statement, visit: &'a mut Visit<'_>) -> Answer<'a, ()> {
        at_once(self.require_running().and_then(|()| {
            self.with_reader(|session| {
                session.limit(limits::TRANSACTION_KILO_STEPS, Demand::now(Flow::SYSTEM).deadline);
                session.read(statement, visit).map(|_| ())
            })
        }))
    }

    fn settle_log(&self) -> Answer<'_, ()> {
        // Entries have their places when they are committed.
        at_once(Ok(()))
    }

    fn reach(&self, _commit: CommitId) -> Answer<'_, Instant> {
        // No other process can have made it, and nothing that is remembered outlasts it.
        at_once(Ok(Instant::now()))
    }

    fn wrote(&self, _flow: Flow) {}

    fn replicas(&self) -> ReplicaCount {
        ReplicaCount::default()
    }

    fn is_current(&self) -> bool {
        true
    }

    fn must_yield(&self) -> bool {
        false
    }

    fn is_keeper(&self) -> bool {
        true
    }

    fn back_up(&self, to: &Path, watch: &mut Watch<'_>) -> Result<Checked, CopyError> {
        self.require_running()?;
        backup::back_up_open(&self.path, &self.shared, to, watch)
    }

    fn has_failed(&self) -> bool {
        self.shared.has_failed()
    }

    fn close(&self) {
        self.shut_down();
    }
}

impl fmt::Debug for SqliteDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteDatabase").finish_non_exhaustive()
    }
}

impl Drop for SqliteDatabase {
    fn drop(&mut self) {
        self.shut_down();
    }
}
