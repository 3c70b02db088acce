use std::fmt;
use std::path::Path;
use std::sync::Arc;

use backstay_sql::{Dialect, Statement};

use super::session::{Pools, PostgresSession};
use crate::backup::{Checked, CopyError, Watch};
use crate::database::Database;
use crate::job::Job;
use crate::log::LogFormat;
use crate::moment::CommitClock;
use crate::read::LongRead;
use crate::session::{Answer, OwnRow, Visit, later};
use crate::tx::Tx;
use crate::{CommitObserver, Committed, Demand, ReadStats, RowSink, StoreError, Writes};

/// Runs of one job before a conflict with other transactions becomes its error.
const RUNS: usize = 8;

/// A PostgreSQL database.
pub(super) struct PostgresDatabase {
    pools: Pools,
    log_format: LogFormat,
    observer: Arc<dyn CommitObserver>,
    /// Moments increase among the transactions of this process. Those of several processes, and of transactions that
    /// overlap, can be in another order than their places in the log.
    commit_clock: CommitClock,
}

impl PostgresDatabase {
    pub(super) fn new(
        pools: Pools,
        log_format: LogFormat,
        observer: Arc<dyn CommitObserver>,
        commit_clock: CommitClock,
    ) -> Self {
        Self { pools, log_format, observer, commit_clock }
    }

    async fn run_to_end(&self, mut job: Box<dyn Job>) -> Result<(), StoreError> {
        let read_only = job.writes() == Writes::None;
        for run in 1..=RUNS {
            let mut session = PostgresSession::take(&self.pools, read_only).await?;
            if self.run_once(job.as_mut(), &mut session).await {
                break;
            }
            session.roll_back().await;
            if !session.may_run_again() || run == RUNS {
                break;
            }
        }
        job.answer();
        Ok(())
    }

    /// Runs a job once; returns whether it was committed. If not, the job keeps the error.
    async fn run_once(&self, job: &mut dyn Job, session: &mut PostgresSession) -> bool {
        let moment = match job.writes() {
            Writes::None => Ok(self.commit_clock.now()),
            Writes::One | Writes::Many => self.commit_clock.next(),
        };
        let Ok(moment) = moment.map_err(|error| job.fail(error)) else { return false };
        let Ok(pending) = job.run(Tx::new(session, moment)).await else { return false };
        let origin = job.origin();
        let committed = async {
            let append =
                (!pending.changes.is_empty()).then(|| self.log_format.append_next(moment, &origin, &pending.changes));
            let statements = session.left_to_do(&pending, append.as_ref(), moment)?;
            let committed = append.as_ref().map(|append| Committed { changes: &pending.changes, keys: &append.keys });
            if let Some(committed) = committed {
                self.observer.before_commit(committed);
            }
            session.commit_with(&statements).await?;
            if let Some(committed) = committed {
                self.observer.after_commit(committed);
            }
            Ok(())
        };
        committed.await.map_err(|error| job.fail(error)).is_ok()
    }

    async fn read_rows(&self, statement: &Statement, sink: &mut dyn RowSink) -> Result<ReadStats, StoreError> {
        let mut session = PostgresSession::take(&self.pools, true).await?;
        sink.begin(usize::MAX);
        let stats = session.read(statement, &mut |row: &dyn OwnRow| sink.row(row)).await?;
        sink.end();
        Ok(stats)
    }

    async fn read_own_rows(&self, statement: &Statement, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        let mut session = PostgresSession::take(&self.pools, true).await?;
        session.read(statement, visit).await.map(|_| ())
    }
}

impl Database for PostgresDatabase {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    fn run(&self, job: Box<dyn Job>) -> Answer<'_, ()> {
        later(self.run_to_end(job))
    }

    // The server schedules statements itself, so flows take no turns here; a share of the pool's connections for each of
    // them belongs where connections are taken.
    fn read<'a>(
        &'a self,
        _demand: Demand,
        statement: &'a Statement,
        sink: &'a mut dyn RowSink,
    ) -> Answer<'a, Option<ReadStats>> {
        later(async { self.read_rows(statement, sink).await.map(Some) })
    }

    fn read_long(&self, mut read: Box<dyn LongRead>) -> Answer<'_, ()> {
        later(async move {
            let (statement, sink) = read.parts();
            let outcome = self.read_rows(statement, sink).await;
            read.ended(outcome);
            Ok(())
        })
    }

    fn take_turn(&self, _demand: Demand, work: Box<dyn FnOnce() + Send>) -> Answer<'_, ()> {
        later(async move { tokio::task::spawn_blocking(work).await.map_err(|_| StoreError::Closed) })
    }

    fn read_own<'a>(&'a self, statement: &'a Statement, visit: &'a mut Visit<'_>) -> Answer<'a, ()> {
        later(self.read_own_rows(statement, visit))
    }

    fn back_up(&self, _to: &Path, _watch: &mut Watch<'_>) -> Result<Checked, CopyError> {
        Err(CopyError::OnServer)
    }

    fn has_failed(&self) -> bool {
        // Every connection fails for itself, and the pool replaces it.
        false
    }

    fn close(&self) {
        self.pools.usual.close();
        self.pools.apart.close();
    }
}

impl fmt::Debug for PostgresDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresDatabase").finish_non_exhaustive()
    }
}
