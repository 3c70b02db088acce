use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::Shared;
use super::error::store_error;
use super::readers::Readers;
use super::session::{Mode, Session};
use crate::StoreError;

/// Pages that the write-ahead log gains until they are written back: 16 MiB. Each time costs two fsyncs, for which the
/// writer's own must wait.
const WRITE_BACK_PAGES: u32 = 4096;
/// Pages from which on the log is made to start anew, for which the writer waits a moment: 128 MiB.
const RESTART_PAGES: u32 = 32_768;

/// How long a restart of the log waits for readers, and the writer with it. Where they take longer it is tried again
/// after the next pages.
const PATIENCE: Duration = Duration::from_millis(100);

/// Writes the write-ahead log back into the database, on a thread of its own.
pub(super) struct Checkpointer {
    wake: SyncSender<()>,
    thread: JoinHandle<()>,
}

impl Checkpointer {
    /// Starts the thread, which first writes back what an earlier process left in the log.
    pub(super) fn start(session: Session, shared: Arc<Shared>, readers: Arc<Readers>) -> io::Result<Self> {
        let (wake, woken) = sync_channel(1);
        let thread = thread::Builder::new().name("checkpoint".to_owned());
        let thread = thread.spawn(move || serve(&session, &woken, &shared, &readers))?;
        Ok(Self { wake, thread })
    }

    /// What the writer tells after each commit.
    pub(super) fn waker(&self) -> SyncSender<()> {
        self.wake.clone()
    }

    /// Ends the thread. The writer must have dropped its waker.
    pub(super) fn close(self) {
        drop(self.wake);
        drop(self.thread.join());
    }
}

/// Opens the connection that checkpoints run on.
pub(super) fn session(path: &Path) -> Result<Session, StoreError> {
    let session = Session::open(path, Mode::Writer).map_err(store_error)?;
    session.db.busy_timeout(PATIENCE).map_err(store_error)?;
    Ok(session)
}

/// Called by the writer after a group of operations.
pub(super) fn after_commit(shared: &Shared, wake: &SyncSender<()>) {
    wake_from(WRITE_BACK_PAGES, shared, wake);
}

/// Called by the writer when it has had nothing to do for a while: readers find a page faster in the database than in a
/// long log.
pub(super) fn at_rest(shared: &Shared, wake: &SyncSender<()>) {
    wake_from(1, shared, wake);
}

/// Wakes the checkpointer if the log has gained this many pages.
fn wake_from(least: u32, shared: &Shared, wake: &SyncSender<()>) {
    let pages = shared.wal_pages.load(Ordering::Relaxed);
    if pages < shared.written_back.load(Ordering::Relaxed) {
        // The log has started anew.
        shared.written_back.store(0, Ordering::Relaxed);
    }
    if pages.saturating_sub(shared.written_back.load(Ordering::Relaxed)) >= least {
        // One that is already asked for is enough.
        let _already = wake.try_send(());
    }
}

fn serve(session: &Session, woken: &Receiver<()>, shared: &Shared, readers: &Readers) {
    loop {
        match readers.without_snapshots(|| write_back(session, shared)) {
            Ok(()) | Err(StoreError::Busy) => {}
            Err(error) if error.is_fatal() => return shared.die(&error),
            Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "a checkpoint failed"),
        }
        if woken.recv().is_err() {
            return;
        }
    }
}

fn write_back(session: &Session, shared: &Shared) -> Result<(), StoreError> {
    let restart = shared.wal_pages.load(Ordering::Relaxed) >= RESTART_PAGES;
    // Most of the work is done while the writer goes on; a restart then has little left to do.
    checkpoint(session, shared, "PRAGMA wal_checkpoint(PASSIVE)")?;
    if restart { checkpoint(session, shared, "PRAGMA wal_checkpoint(RESTART)") } else { Ok(()) }
}

fn checkpoint(session: &Session, shared: &Shared, command: &str) -> Result<(), StoreError> {
    let written_back: i64 = session.db.query_row(command, [], |row| row.get(2)).map_err(store_error)?;
    shared.written_back.store(u32::try_from(written_back).unwrap_or(0), Ordering::Relaxed);
    Ok(())
}
