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
    /// The one that was used last is taken first, for its warm cache. `None`: closed.
    idle: Mutex<Option<Vec<Session>>>,
    tasks: Mutex<Option<SyncSender<Task>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
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
            idle: Mutex::new(Some(vec![first])),
            tasks: Mutex::new(Some(sender)),
            threads: Mutex::new(threads),
        })
    }

    /// Does something at once with a connection of its own.
    pub(super) fn with<T>(&self, action: impl FnOnce(&mut Session) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let idle = self.idle.lock().as_mut().ok_or(StoreError::Closed)?.pop();
        let mut session = match idle {
            Some(session) => session,
            None => Session::open(&self.path, Mode::Reader).map_err(store_error)?,
        };
        let result = action(&mut session);
        if let Some(idle) = self.idle.lock().as_mut()
            && idle.len() < KEPT
        {
            idle.push(session);
        }
        result
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
        drop(self.idle.lock().take());
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
            Ok(task) => task(&mut session),
            Err(_) => return,
        }
    }
}
