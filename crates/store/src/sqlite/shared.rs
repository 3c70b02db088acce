use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

use super::connection::SqliteSession;
use super::log_bound::LogBound;
use crate::job::Job;
use crate::log::LogFormat;
use crate::moment::CommitClock;
use crate::tx::Tx;
use crate::{CommitObserver, OpenOptions, StoreError};

/// What the threads of one database share.
pub(super) struct Shared {
    pub(super) observer: Arc<dyn CommitObserver>,
    pub(super) commit_clock: CommitClock,
    pub(super) log_format: LogFormat,
    on_fatal: Arc<dyn Fn(&StoreError) + Send + Sync>,
    failed: AtomicBool,
    /// Whether the most recent write found the disk full.
    full: AtomicBool,
    /// Commits so far, counted after each COMMIT and before any caller learns of it: a snapshot is current while this
    /// number is the one that it was begun with.
    commits: AtomicU64,
    /// Pages in the write-ahead log after the last commit.
    pub(super) wal_pages: AtomicU32,
    /// Pages of it that the last checkpoint found written back.
    pub(super) written_back: AtomicU32,
    /// How long the write-ahead log may become.
    pub(super) log_bound: Arc<LogBound>,
}

impl Shared {
    pub(super) fn new(
        observer: Arc<dyn CommitObserver>,
        commit_clock: CommitClock,
        log_format: LogFormat,
        options: &OpenOptions,
    ) -> Self {
        Self {
            observer,
            commit_clock,
            log_format,
            on_fatal: Arc::clone(&options.on_fatal),
            failed: AtomicBool::new(false),
            full: AtomicBool::new(false),
            commits: AtomicU64::new(0),
            wal_pages: AtomicU32::new(0),
            written_back: AtomicU32::new(0),
            log_bound: Arc::new(LogBound::new(options.log_bytes)),
        }
    }

    /// Starts a thread of the store. All of them are started here: if one panics, requests would wait for it in vain, so
    /// the store ends.
    pub(super) fn spawn(
        self: &Arc<Self>,
        name: impl Into<String>,
        serve: impl FnOnce() + Send + 'static,
    ) -> io::Result<JoinHandle<()>> {
        let shared = Arc::clone(self);
        thread::Builder::new().name(name.into()).spawn(move || {
            // Nothing that the panic interrupted is used again.
            if catch_unwind(AssertUnwindSafe(serve)).is_err() {
                shared.fail(&StoreError::Panicked);
            }
        })
    }

    /// Ends the store: from now on nothing is acknowledged.
    pub(super) fn fail(&self, error: &StoreError) {
        if !self.failed.swap(true, Ordering::SeqCst) {
            tracing::error!(error = error as &dyn std::error::Error, "the database failed; nothing is stored any more");
            (self.on_fatal)(error);
        }
    }

    /// Whether a fatal error ended the store.
    pub(super) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::SeqCst)
    }

    /// Ends the store if a statement of this connection met a fatal error.
    pub(super) fn check(&self, session: &SqliteSession) {
        if let Some(fatal) = session.fatal() {
            self.fail(&fatal);
        }
    }

    /// Runs a job that only reads in the session's snapshot.
    pub(super) fn run_in_snapshot(&self, job: &mut dyn Job, session: &mut SqliteSession) {
        let wrote = match job.poll_once(Tx::new(session, self.commit_clock.now())) {
            Ok(pending) => !(pending.staged.is_empty() && pending.changes.is_empty() && pending.remembered.is_none()),
            Err(_) => false,
        };
        if wrote {
            job.fail(StoreError::ReadOnly);
        }
    }

    /// Pages in the write-ahead log that are not known to be written back.
    pub(super) fn unwritten_pages(&self) -> u32 {
        let written_back = self.written_back.load(Ordering::Relaxed);
        self.wal_pages.load(Ordering::Relaxed).saturating_sub(written_back)
    }

    /// Commits so far.
    pub(super) fn commits(&self) -> u64 {
        self.commits.load(Ordering::SeqCst)
    }

    /// Records a commit, made here or by another process: snapshots from before it are out of date.
    pub(super) fn count_commit(&self) {
        self.commits.fetch_add(1, Ordering::SeqCst);
    }

    /// Logs that the disk has become full, or that it no longer is.
    pub(super) fn set_full(&self, is_full: bool) {
        let was_full = self.full.swap(is_full, Ordering::Relaxed);
        if is_full && !was_full {
            tracing::error!("the disk is full; nothing can be stored until there is space again");
        } else if was_full && !is_full {
            tracing::info!("there is space on the disk again");
        }
    }
}

#[cfg(test)]
impl Shared {
    /// That of an application without types, whose log may have so many bytes.
    pub(super) fn of_test(log_bytes: u64) -> Self {
        let text = "extend schema @app(name: \"Test\")";
        let loaded = backstay_model::load(vec![backstay_model::SourceFile::app("app.graphql", text)]).expect("a model");
        let mut numbers = crate::catalog::Numbers::default();
        numbers.extend(&loaded.model);
        let catalog = numbers.catalog(&loaded.model).expect("all have numbers");
        let log_format = LogFormat::new(&loaded.model, &catalog, backstay_audit::ModelNumber(1), [0; 32]);
        let options = OpenOptions { log_bytes, ..OpenOptions::new(std::path::Path::new("")) };
        Self::new(Arc::new(()), CommitClock::after(None, Arc::new(backstay_base::SystemClock)), log_format, &options)
    }
}
