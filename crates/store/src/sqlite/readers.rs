use std::path::PathBuf;

use parking_lot::Mutex;

use super::connection::{Mode, SqliteSession};
use crate::{OpenError, StoreError};

/// Connections that are kept for reads on the callers' threads.
const KEPT: usize = 64;

/// Connections for reading that callers borrow on their own threads.
pub(super) struct Readers {
    path: PathBuf,
    idle: Mutex<Idle>,
}

/// Connections that are not in use.
struct Idle {
    /// The most recently used one is borrowed first, for its warm cache. `None`: closed.
    sessions: Option<Vec<SqliteSession>>,
    /// Whether an idle connection keeps its snapshot for the next read.
    keep_snapshots: bool,
}

impl Readers {
    /// Opens the first connection.
    pub(super) fn open(path: PathBuf) -> Result<Self, OpenError> {
        let first = SqliteSession::open(&path, Mode::Reader)?;
        Ok(Self { path, idle: Mutex::new(Idle { sessions: Some(vec![first]), keep_snapshots: true }) })
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

    /// Closes all connections.
    pub(super) fn close(&self) {
        drop(self.idle.lock().sessions.take());
    }
}
