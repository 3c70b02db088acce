use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};

use parking_lot::Mutex;

use super::error::store_error;
use super::session::{Mode, Session};
use crate::StoreError;

/// Reads that wait for a thread of the pool before new ones are refused.
const QUEUE: usize = 256;
/// Connections that are kept for reads on the callers' threads.
const KEPT: usize = 64;

/// Something to be done on a thread of the pool.
pub(super) type Task = Box<dyn FnOnce(&mut Session) + Send>;

/// Connections for reading: those that the callers' own threads borrow, and those of the pool's threads.
pub(super) struct Readers {
    path: PathBuf,
    idle: Mutex<Idle>,
    tasks: Mutex<Option<SyncSender<Task>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// Connections that nobody uses at this moment.
struct Idle {
    /// The one that was used last is taken first, for its warm cache. `None`: closed.
    sessions: Option<Vec<Session>>,
    /// Whether a snapshot is kept for the next read.
    keep_snapshots: bool,
}

impl Readers {
    /// Opens one connection and starts this many threads, each with one more.
    pub(super) fn start(path: PathBuf, threads: usize) -> Result<Self, StartError> {
        let (sender, receiver) = sync_channel::<Task>(QUEUE);
        let receiver = Arc::new(Mutex::new(receiver));
        let start = |index| {
            let session = Session::open(&path, Mode::Reader).map_err(|error| StartError::Store(store_error(error)))?;
            let receiver = Arc::clone(&receiver);
            let thread = thread::Builder::new().name(format!("reader-{index}"));
            thread.spawn(move || serve(session, &receiver)).map_err(StartError::Thread)
        };
        let threads = (0..threads.max(1)).map(start).collect::<Result<_, _>>()?;
        let first = Session::open(&path, Mode::Reader).map_err(|error| StartError::Store(store_error(error)))?;
        Ok(Self {
            path,
            idle: Mutex::new(Idle { sessions: Some(vec![first]), keep_snapshots: true }),
            tasks: Mutex::new(Some(sender)),
            threads: Mutex::new(threads),
        })
    }

    /// Does something at once with a connection of its own, on a snapshot with at least this many commits in it.
    pub(super) fn with<T>(
        &self,
        commits: u64,
        action: impl FnOnce(&mut Session) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let idle = self.idle.lock().sessions.as_mut().ok_or(StoreError::Closed)?.pop();
        let mut session = match idle {
            Some(session) => session,
            None => Session::open(&self.path, Mode::Reader).map_err(store_error)?,
        };
        let result = session.see(commits).and_then(|()| action(&mut session));
        let mut idle = self.idle.lock();
        let ended = if idle.keep_snapshots { Ok(()) } else { session.look_away() };
        if let Some(sessions) = idle.sessions.as_mut()
            && sessions.len() < KEPT
            && ended.is_ok()
        {
            sessions.push(session);
        }
        result
    }

    /// Does something while no idle connection holds a snapshot, which the write-ahead log would have to be kept for.
    pub(super) fn without_snapshots<T>(&self, action: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
        let ended = {
            let mut idle = self.idle.lock();
            idle.keep_snapshots = false;
            idle.sessions.iter_mut().flatten().try_for_each(Session::look_away)
        };
        let done = ended.and_then(|()| action());
        self.idle.lock().keep_snapshots = true;
        done
    }

    /// Has something done by a thread of the pool.
    pub(super) fn submit(&self, task: Task) -> Result<(), StoreError> {
        let tasks = self.tasks.lock();
        tasks.as_ref().ok_or(StoreError::Closed)?.try_send(task).map_err(|error| match error {
            TrySendError::Full(_) => StoreError::Busy,
            TrySendError::Disconnected(_) => StoreError::Closed,
        })
    }

    /// Ends the threads when they have done what waits, and closes all connections.
    pub(super) fn close(&self) {
        drop(self.tasks.lock().take());
        drop(self.idle.lock().sessions.take());
        let threads = std::mem::take(&mut *self.threads.lock());
        for thread in threads {
            // A thread of the pool that panicked has told so; the others must end nevertheless.
            drop(thread.join());
        }
    }
}

/// Why the readers could not be started.
pub(super) enum StartError {
    Store(StoreError),
    Thread(io::Error),
}

fn serve(mut session: Session, tasks: &Mutex<Receiver<Task>>) {
    loop {
        let task = tasks.lock().recv();
        match task {
            Ok(task) => {
                task(&mut session);
                // One that cannot be ended has been noticed by the task, or is by the next.
                drop(session.look_away());
            }
            Err(_) => return,
        }
    }
}
