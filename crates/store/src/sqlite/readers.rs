use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use parking_lot::Mutex;

use super::connection::{Mode, SqliteSession};
use super::shared::Shared;
use crate::{OpenError, StoreError};

/// Reads that wait for a thread of the pool before new ones are refused.
const QUEUE: usize = 256;
/// Connections that are kept for reads on the callers' threads.
const KEPT: usize = 64;

/// A task for a thread of the pool.
pub(super) type Task = Box<dyn FnOnce(&mut SqliteSession) + Send>;

/// Connections for reading: those that callers borrow on their own threads, and those of the pool's threads.
pub(super) struct Readers {
    path: PathBuf,
    idle: Mutex<Idle>,
    tasks: Mutex<Option<SyncSender<Task>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// Connections that are not in use.
struct Idle {
    /// The most recently used one is borrowed first, for its warm cache. `None`: closed.
    sessions: Option<Vec<SqliteSession>>,
    /// Whether an idle connection keeps its snapshot for the next read.
    keep_snapshots: bool,
}

impl Readers {
    /// Opens one connection and starts this many threads, each with one more.
    pub(super) fn start(path: PathBuf, threads: usize, shared: &Arc<Shared>) -> Result<Self, OpenError> {
        let (sender, receiver) = sync_channel::<Task>(QUEUE);
        let receiver = Arc::new(Mutex::new(receiver));
        let start = |index| {
            let session = SqliteSession::open(&path, Mode::Reader)?;
            let receiver = Arc::clone(&receiver);
            shared.spawn(format!("reader-{index}"), move || serve(session, &receiver)).map_err(OpenError::Thread)
        };
        let threads = (0..threads.max(1)).map(start).collect::<Result<_, OpenError>>()?;
        let first = SqliteSession::open(&path, Mode::Reader)?;
        Ok(Self {
            path,
            idle: Mutex::new(Idle { sessions: Some(vec![first]), keep_snapshots: true }),
            tasks: Mutex::new(Some(sender)),
            threads: Mutex::new(threads),
        })
    }

    /// Runs something on this thread with a connection of its own, on a snapshot that contains at least this many
    /// commits.
    pub(super) fn with<T>(
        &self,
        commits: u64,
        action: impl FnOnce(&mut SqliteSession) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let idle = self.idle.lock().sessions.as_mut().ok_or(StoreError::Closed)?.pop();
        let mut session = match idle {
            Some(session) => session,
            None => SqliteSession::open(&self.path, Mode::Reader)?,
        };
        let result = session.begin_snapshot(commits).and_then(|()| action(&mut session));
        let mut idle = self.idle.lock();
        let ended = if idle.keep_snapshots { Ok(()) } else { session.release_snapshot() };
        if let Some(sessions) = idle.sessions.as_mut()
            && sessions.len() < KEPT
            && ended.is_ok()
        {
            sessions.push(session);
        }
        result
    }

    /// Runs something while no idle connection holds a snapshot, for which the write-ahead log would have to be kept.
    pub(super) fn without_snapshots<T>(&self, action: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
        let ended = {
            let mut idle = self.idle.lock();
            idle.keep_snapshots = false;
            idle.sessions.iter_mut().flatten().try_for_each(SqliteSession::release_snapshot)
        };
        let done = ended.and_then(|()| action());
        self.idle.lock().keep_snapshots = true;
        done
    }

    /// Queues a task for the pool.
    pub(super) fn submit(&self, task: Task) -> Result<(), StoreError> {
        let tasks = self.tasks.lock();
        tasks.as_ref().ok_or(StoreError::Closed)?.try_send(task).map_err(|error| match error {
            TrySendError::Full(_) => StoreError::Busy,
            TrySendError::Disconnected(_) => StoreError::Closed,
        })
    }

    /// Completes the queued tasks, ends the threads and closes all connections.
    pub(super) fn close(&self) {
        drop(self.tasks.lock().take());
        drop(self.idle.lock().sessions.take());
        let threads = std::mem::take(&mut *self.threads.lock());
        for thread in threads {
            // A thread never ends with a panic: see `Shared::spawn`.
            drop(thread.join());
        }
    }
}

fn serve(mut session: SqliteSession, tasks: &Mutex<Receiver<Task>>) {
    loop {
        let task = tasks.lock().recv();
        match task {
            Ok(task) => {
                task(&mut session);
                // A snapshot that cannot be ended makes the next task fail.
                drop(session.release_snapshot());
            }
            Err(_) => return,
        }
    }
}
