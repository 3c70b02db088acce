//! The spike on PostgreSQL: shows that the same operations run there. Each has a pooled connection and a transaction at
//! READ COMMITTED; what it stages goes out with COMMIT in one round trip. Places in the commit log are gap-free because
//! an advisory lock, taken as the last thing before the entry is written, is held until the commit is visible.

mod error;
mod numeric;
mod param;
mod row;
mod session;

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use backstay_base::Ambient;
use backstay_model::Model;
use backstay_sql::{Dialect, Statement, schema};
use deadpool_postgres::{Manager, ManagerConfig, Pool};
use futures_util::FutureExt;
use tokio_postgres::NoTls;

pub(crate) use self::session::Session;
use crate::catalog::Numbers;
use crate::log::{self, LogFormat};
use crate::tx::{Tx, TxSession};
use crate::{
    Catalog, CommitObserver, LogEntry, OpenError, ReadStats, RowSink, StoreError, Work, Writes, own, snapshot,
};

/// Connections at the most.
const CONNECTIONS: usize = 16;
/// Runs of one operation before a conflict with others is told to the caller.
const RUNS: usize = 8;

/// A PostgreSQL database.
pub(crate) struct PostgresStore {
    pool: Pool,
    catalog: Catalog,
    log_format: LogFormat,
    observer: Arc<dyn CommitObserver>,
}

impl PostgresStore {
    pub(crate) async fn open(
        config: &str,
        model: &Model,
        ambient: Ambient,
        observer: Arc<dyn CommitObserver>,
    ) -> Result<Self, OpenError> {
        let config: tokio_postgres::Config = config.parse().map_err(error::plain)?;
        let manager = Manager::from_config(config, NoTls, ManagerConfig::default());
        let pool = Pool::builder(manager).max_size(CONNECTIONS).build();
        let pool = pool.map_err(|error| StoreError::Database(Arc::new(error)))?;
        let mut numbers = Numbers::default();
        let mut statements = own::create(Dialect::Postgres);
        statements.extend(schema::create(model, Dialect::Postgres));
        statements.extend(numbers.extend(model));
        statements.extend(snapshot::keep(model, 1, ambient.clock.now()));
        let mut session = Session::take(&pool, false).await?;
        for statement in &statements {
            session.execute(statement).await?;
        }
        session.commit(&[]).await?;
        let catalog = numbers.catalog(model)?;
        let mut feed_key = [0; 32];
        ambient.entropy.fill(&mut feed_key);
        let log_format = LogFormat::new(model, &catalog, feed_key);
        Ok(Self { pool, catalog, log_format, observer })
    }

    pub(crate) fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    pub(crate) async fn write<W: Work>(&self, work: Arc<W>) -> Result<W::Output, W::Error> {
        let mut run = 1;
        loop {
            let mut session = Session::take(&self.pool, work.writes() == Writes::None).await?;
            match self.run(work.as_ref(), &mut session).await {
                Ok(output) => return Ok(output),
                Err(error) => {
                    session.roll_back().await;
                    if !session.may_run_again() || run == RUNS {
                        return Err(error);
                    }
                }
            }
            run += 1;
        }
    }

    async fn run<W: Work>(&self, work: &W, session: &mut Session) -> Result<W::Output, W::Error> {
        let origin = work.origin();
        let mut tx = Tx::new(TxSession::Postgres(session), origin.moment);
        // A panic leaves nothing behind that is used again: the transaction is rolled back.
        let ended = AssertUnwindSafe(work.run(&mut tx)).catch_unwind().await;
        let output = ended.unwrap_or_else(|_| Err(StoreError::Panicked.into()))?;
        let pending = tx.finish();
        let statements = session.left_to_do(&pending, &origin, &self.log_format)?;
        if !pending.changes.is_empty() {
            self.observer.before_commit(&pending.changes);
        }
        session.commit(&statements).await?;
        if !pending.changes.is_empty() {
            self.observer.after_commit(&pending.changes);
        }
        Ok(output)
    }

    pub(crate) async fn read(&self, statement: &Statement, sink: &mut dyn RowSink) -> Result<ReadStats, StoreError> {
        let mut session = Session::take(&self.pool, true).await?;
        sink.begin();
        let rows = session.query(statement, &mut |row| sink.row(row)).await?;
        Ok(ReadStats { rows, ..ReadStats::default() })
    }

    pub(crate) async fn log(&self, from: u64, limit: u32) -> Result<Vec<LogEntry>, StoreError> {
        let mut session = Session::take(&self.pool, true).await?;
        let mut entries = Vec::new();
        let visit: &mut own::Visit<'_> = &mut |row| {
            entries.push(log::read(row)?);
            Ok(())
        };
        session.query(&log::page(from, limit), visit).await?;
        Ok(entries)
    }

    pub(crate) fn close(&self) {
        self.pool.close();
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").finish_non_exhaustive()
    }
}
