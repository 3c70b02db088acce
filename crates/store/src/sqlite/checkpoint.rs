use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use super::connection::{Mode, SqliteSession};
use super::error::store_error;
use super::readers::Readers;
use super::shared::Shared;
use crate::StoreError;

/// Pages by which the write-ahead log grows before they are written back: 16 MiB. Each time costs two fsyncs, which delay
/// those of the writer.
const WRITE_BACK_PAGES: u32 = 4096;
/// Pages from which on the log is restarted, which briefly blocks the writer: 128 MiB.
const RESTART_PAGES: u32 = 32_768;

/// How long a restart of the log waits for readers, blocking the writer. After that it is tried again later.
const RESTART_TIMEOUT: Duration = Duration::from_millis(100);

/// The thread that writes the write-ahead log back into the database.
pub(super) struct Checkpointer {
    wake: SyncSender<()>,
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
}

/// Wakes the checkpointer when there is enough to write back.
pub(super) struct CheckpointWaker {
    wake: SyncSender<()>,
    shared: Arc<Shared>,
}

impl Checkpointer {
    /// Starts the thread, which first writes back what an earlier process left in the log.
    pub(super) fn start(session: SqliteSession, shared: Arc<Shared>, readers: Arc<Readers>) -> io::Result<Self> {
        let (wake, woken) = sync_channel(1);
        let state = Arc::clone(&shared);
        let thread = shared.spawn("checkpoint", move || serve(&session, &woken, &state, &readers))?;
        Ok(Self { wake, shared, thread })
    }

    /// What the writer wakes it with.
    pub(super) fn waker(&self) -> CheckpointWaker {
        CheckpointWaker { wake: self.wake.clone(), shared: Arc::clone(&self.shared) }
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
        self.wake_from(WRITE_BACK_PAGES);
    }

    /// Called by the writer when it has been idle for a while: readers find a page faster in the database than in a long
    /// log.
    pub(super) fn on_idle(&self) {
        self.wake_from(1);
    }

    /// Wakes the checkpointer if the log has grown by this many pages.
    fn wake_from(&self, least: u32) {
        let pages = self.shared.wal_pages.load(Ordering::Relaxed);
        if pages < self.shared.written_back.load(Ordering::Relaxed) {
            // The log was restarted.
            self.shared.written_back.store(0, Ordering::Relaxed);
        }
        if pages.saturating_sub(self.shared.written_back.load(Ordering::Relaxed)) >= least {
            // A full channel means that it has been woken already.
            let _already = self.wake.try_send(());
        }
    }
}

fn serve(session: &SqliteSession, woken: &Receiver<()>, shared: &Shared, readers: &Readers) {
    let mut failing = false;
    loop {
        match readers.without_snapshots(|| write_back(session, shared)) {
            Ok(()) => failing = false,
            Err(StoreError::Busy) => {}
            Err(error) if error.is_fatal() => return shared.fail(&error),
            // Once is enough: it is tried again and again.
            Err(_) if failing => {}
            Err(error) => {
                failing = true;
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "the write-ahead log could not be written back; it grows until it can");
            }
        }
        if woken.recv().is_err() {
            return;
        }
    }
}

fn write_back(session: &SqliteSession, shared: &Shared) -> Result<(), StoreError> {
    let restart = shared.wal_pages.load(Ordering::Relaxed) >= RESTART_PAGES;
    // Most of the work is done while the writer goes on, so that the restart has little left to do.
    checkpoint(session, shared, "PRAGMA wal_checkpoint(PASSIVE)")?;
    if restart { checkpoint(session, shared, "PRAGMA wal_checkpoint(RESTART)") } else { Ok(()) }
}

fn checkpoint(session: &SqliteSession, shared: &Shared, command: &str) -> Result<(), StoreError> {
    let written_back: i32 =
        session.db.query_row(command, [], |row| row.get(2)).map_err(|error| session.error(error))?;
    // SQLite returns -1 if there is no write-ahead log.
    shared.written_back.store(written_back.max(0).unsigned_abs(), Ordering::Relaxed);
    Ok(())
}
