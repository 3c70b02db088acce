//! The store on SQLite: one thread writes, in groups that share a commit; reads run where they are asked for, and move
//! to a pool of threads when they take long.

mod checkpoint;
mod error;
mod file;
mod group;
mod job;
mod open;
mod readers;
mod row;
mod session;
mod writer;

use std::fmt;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::thread;

use backstay_base::{Ambient, limits};
use backstay_model::Model;
use backstay_sql::Statement;
use parking_lot::{Mutex, RwLock};
use tokio::sync::oneshot;

pub(crate) use session::Session;

use self::checkpoint::Checkpointer;
use self::group::GroupCommit;
use self::job::{Job, WorkJob};
use self::readers::{Readers, StartError};
use self::writer::Writer;
use crate::log::LogFormat;
use crate::{
    Catalog, CommitObserver, LogEntry, OpenError, OpenOptions, Outcome, ReadStats, RowSink, Step, StoreError, Work,
    Writes, log,
};

/// Bytes of rows that a read on the reader pool may bring back.
const MOVED_BYTES: usize = 32 * 1024 * 1024;

/// What the threads of one store share.
pub(crate) struct Shared {
    observer: Arc<dyn CommitObserver>,
    ambient: Ambient,
    log_format: LogFormat,
    on_fatal: Arc<dyn Fn(&StoreError) + Send + Sync>,
    dead: AtomicBool,
    /// Whether the last thing that was to be stored found no space.
    full: AtomicBool,
    /// Commits so far, moved after each COMMIT and before anybody is told of it: a snapshot is good while it stands.
    commits: AtomicU64,
    /// Pages in the write-ahead log after the last commit.
    wal_pages: AtomicU32,
    /// Pages of it that the last checkpoint found written back.
    written_back: AtomicU32,
}

impl Shared {
    /// Ends the store: from now on nothing is acknowledged.
    fn die(&self, error: &StoreError) {
        if !self.dead.swap(true, Ordering::SeqCst) {
            tracing::error!(error = error as &dyn std::error::Error, "the database failed; nothing is stored any more");
            (self.on_fatal)(error);
        }
    }

    /// Commits so far.
    fn commits(&self) -> u64 {
        self.commits.load(Ordering::SeqCst)
    }

    /// Something was committed, here or by another process: snapshots from before are old.
    fn committed(&self) {
        self.commits.fetch_add(1, Ordering::SeqCst);
    }

    /// Tells of a full disk, once each time that it becomes full.
    fn full(&self, is_full: bool) {
        let was_full = self.full.swap(is_full, Ordering::Relaxed);
        if is_full && !was_full {
            tracing::error!("the disk is full; nothing can be stored until there is space again");
        } else if was_full && !is_full {
            tracing::info!("there is space on the disk again");
        }
    }

    /// Ends the store if a statement of this connection met a fatal error.
    fn notice(&self, session: &Session) {
        if let Some(fatal) = session.fatal() {
            self.die(&fatal);
        }
    }
}

/// A database file and the threads that work on it.
pub(crate) struct SqliteStore {
    shared: Arc<Shared>,
    catalog: Catalog,
    readers: Arc<Readers>,
    writer: RwLock<Writer>,
    checkpointer: Mutex<Option<Checkpointer>>,
    /// Held until everything else is closed.
    _lock: File,
}

impl SqliteStore {
    pub(crate) fn open(
        options: &OpenOptions,
        model: &Model,
        ambient: Ambient,
        observer: Arc<dyn CommitObserver>,
    ) -> Result<(Self, Outcome), OpenError> {
        file::make_directory(&options.directory)?;
        let lock = file::lock(&options.directory)?;
        let path = file::database(&options.directory);
        Self::start(&path, lock, options, model, ambient, observer).map_err(|error| match error {
            OpenError::Store(StoreError::Corrupt(source)) => OpenError::Corrupt { path, source },
            error => error,
        })
    }

    fn start(
        path: &Path,
        lock: File,
        options: &OpenOptions,
        model: &Model,
        ambient: Ambient,
        observer: Arc<dyn CommitObserver>,
    ) -> Result<(Self, Outcome), OpenError> {
        let mut database = open::database(path, options, model, &ambient)?;
        let log_format = LogFormat::new(model, &database.catalog, database.feed_key);
        let shared = Arc::new(Shared {
            observer,
            ambient,
            log_format,
            on_fatal: Arc::clone(&options.on_fatal),
            dead: AtomicBool::new(false),
            full: AtomicBool::new(false),
            commits: AtomicU64::new(0),
            wal_pages: AtomicU32::new(0),
            written_back: AtomicU32::new(0),
        });
        let counted = Arc::clone(&shared);
        let count = move |_: &mut rusqlite::hooks::Wal, pages| {
            counted.wal_pages.store(u32::try_from(pages).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        };
        database.session.db.wal_hook(Some(count)).map_err(error::store_error)?;
        let readers = Readers::start(path.to_owned(), options.readers).map_err(|error| match error {
            StartError::Store(error) => OpenError::Store(error),
            StartError::Thread(error) => OpenError::Thread(error),
        })?;
        let readers = Arc::new(readers);
        let checkpointer = Checkpointer::start(checkpoint::session(path)?, Arc::clone(&shared), Arc::clone(&readers))
            .map_err(OpenError::Thread)?;
        let commit = GroupCommit::new(database.session, Arc::clone(&shared), path.to_owned())?;
        let writer = Writer::start(commit, Arc::clone(&shared), checkpointer.waker()).map_err(OpenError::Thread)?;
        let store = Self {
            shared,
            catalog: database.catalog,
            readers,
            writer: RwLock::new(writer),
            checkpointer: Mutex::new(Some(checkpointer)),
            _lock: lock,
        };
        Ok((store, database.outcome))
    }

    pub(crate) fn plan(options: &OpenOptions, model: &Model) -> Result<Vec<Step>, OpenError> {
        open::plan(&file::database(&options.directory), model)
    }

    pub(crate) fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.shared.dead.load(Ordering::SeqCst)
    }

    pub(crate) async fn write<W: Work>(&self, work: Arc<W>) -> Result<W::Output, W::Error> {
        self.alive()?;
        if work.writes() == Writes::None {
            return self.look(work).await;
        }
        let (job, answer) = WorkJob::new(work);
        self.writer.read().submit(Box::new(job))?;
        answer.await.unwrap_or_else(|_| Err(StoreError::Closed.into()))
    }

    /// Runs an operation that only reads: here, and again on the reader pool when it takes too many steps.
    async fn look<W: Work>(&self, work: Arc<W>) -> Result<W::Output, W::Error> {
        let (mut job, answer) = WorkJob::new(work);
        let exhausted = self.with_reader(|session| {
            session.allow(limits::READ_KILO_STEPS);
            look_once(&mut job, session);
            Ok(session.exhausted())
        })?;
        if !exhausted {
            return job.into_result();
        }
        let shared = Arc::clone(&self.shared);
        self.readers.submit(Box::new(move |session| {
            match session.see(shared.commits()) {
                Ok(()) => {
                    session.allow(limits::OPERATION_KILO_STEPS);
                    look_once(&mut job, session);
                }
                Err(error) => job.fail(error),
            }
            shared.notice(session);
            Box::new(job).answer();
        }))?;
        answer.await.unwrap_or_else(|_| Err(StoreError::Closed.into()))
    }

    pub(crate) async fn read(&self, statement: &Statement, sink: &mut dyn RowSink) -> Result<ReadStats, StoreError> {
        self.alive()?;
        sink.begin();
        let read = self.with_reader(|session| {
            session.allow(limits::READ_KILO_STEPS);
            session.read(statement, &mut |row| sink.row(row))
        });
        match read {
            Err(StoreError::StepLimit) => self.read_aside(statement, sink).await,
            read => read,
        }
    }

    pub(crate) async fn read_aside(
        &self,
        statement: &Statement,
        sink: &mut dyn RowSink,
    ) -> Result<ReadStats, StoreError> {
        self.alive()?;
        let (send, receive) = oneshot::channel();
        let (statement, shared) = (statement.clone(), Arc::clone(&self.shared));
        self.readers.submit(Box::new(move |session| {
            session.allow(limits::OPERATION_KILO_STEPS);
            let copied = session.copy(&statement, MOVED_BYTES);
            shared.notice(session);
            // Whoever asked may have gone away.
            drop(send.send(copied));
        }))?;
        let (rows, stats) = receive.await.map_err(|_| StoreError::Closed)??;
        sink.begin();
        for row in &rows {
            sink.row(row)?;
        }
        Ok(ReadStats { moved: true, ..stats })
    }

    pub(crate) fn log(&self, from: u64, limit: u32) -> Result<Vec<LogEntry>, StoreError> {
        self.alive()?;
        self.with_reader(|session| {
            session.allow(limits::OPERATION_KILO_STEPS);
            let mut entries = Vec::new();
            session.rows(&log::page(from, limit), &mut |row| {
                entries.push(log::read(row)?);
                Ok(())
            })?;
            Ok(entries)
        })
    }

    /// Ends what is under way and closes the file. Does nothing on the writer's own thread, which cannot wait for
    /// itself, or a second time.
    pub(crate) fn close(&self) {
        let mut writer = self.writer.write();
        if writer.thread() == Some(thread::current().id()) {
            return;
        }
        self.readers.close();
        writer.close();
        if let Some(checkpointer) = self.checkpointer.lock().take() {
            checkpointer.close();
        }
    }

    fn alive(&self) -> Result<(), StoreError> {
        if self.is_dead() { Err(StoreError::Closed) } else { Ok(()) }
    }

    /// Does something on this thread with a connection for reading.
    fn with_reader<T>(&self, action: impl FnOnce(&mut Session) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.readers.with(self.shared.commits(), |session| {
            let done = action(session);
            self.shared.notice(session);
            done
        })
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").finish_non_exhaustive()
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.close();
    }
}

/// One run of an operation that only reads, in the session's snapshot.
fn look_once<W: Work>(job: &mut WorkJob<W>, session: &mut Session) {
    let origin = job.origin();
    let refused = match job.run(session, &origin) {
        Ok(pending) => !(pending.staged.is_empty() && pending.changes.is_empty() && pending.remembered.is_none()),
        Err(_) => false,
    };
    if refused {
        job.fail(StoreError::ReadOnly);
    }
}
