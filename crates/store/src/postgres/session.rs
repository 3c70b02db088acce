use std::pin::pin;
use std::sync::Arc;

use backstay_base::Timestamp;
use backstay_sql::{Dialect, Param, Statement};
use deadpool_postgres::{Object, Pool};
use futures_util::future::{BoxFuture, join_all};
use futures_util::{FutureExt, TryStreamExt};
use tokio_postgres::RowStream;

use super::error::{Guard, Refusal, plain};
use super::param::Bound;
use super::row::PostgresRow;
use crate::idempotency::{self, Remembered};
use crate::log::Append;
use crate::own::own;
use crate::session::{Answer, Session, Visit, later};
use crate::tx::{Pending, Staged};
use crate::{ReadStats, StoreError};

/// The advisory lock under which places in the commit log are assigned: "`BkSt`", "log".
const LOG_LOCK: &str = "SELECT pg_advisory_xact_lock(1114329972, 7106407)";

/// The connections to a database.
#[derive(Clone)]
pub(super) struct Pools {
    /// Each for one transaction at a time.
    pub(super) usual: Pool,
    /// For statements that commit by themselves while a transaction waits for them: with all others in transactions, none of
    /// those would become free.
    pub(super) apart: Pool,
}

/// One connection and its transaction, which begins with the first statement.
pub(super) struct PostgresSession {
    client: Object,
    apart: Pool,
    begun: bool,
    read_only: bool,
    /// Whether a statement conflicted with another transaction.
    conflict: bool,
}

/// A statement of the last round trip, and how many rows it must change.
pub(super) struct Last {
    statement: Statement,
    guard: Option<Guard>,
}

impl PostgresSession {
    pub(super) async fn take(pools: &Pools, read_only: bool) -> Result<Self, StoreError> {
        let client = pools.usual.get().await.map_err(|error| StoreError::Database(Arc::new(error)))?;
        Ok(Self { client, apart: pools.apart.clone(), begun: false, read_only, conflict: false })
    }

    /// Whether the transaction failed because of a conflict that may be gone when it is run again.
    pub(super) fn may_run_again(&self) -> bool {
        self.conflict
    }

    /// Runs a statement, within a transaction or not, and passes its rows to `visit`.
    pub(super) async fn read(&mut self, statement: &Statement, visit: &mut Visit<'_>) -> Result<ReadStats, StoreError> {
        let prepared = self.client.prepare_cached(statement.text()).await;
        let prepared = prepared.map_err(|error| self.failed(&error))?;
        let params = statement.params().iter().map(Bound);
        let stream = self.client.query_raw(&prepared, params).await;
        collect(stream.map_err(|error| Refusal::of(&error)), (statement, visit), &mut self.conflict).await
    }

    async fn write(&mut self, statement: &Statement) -> Result<u64, StoreError> {
        if self.read_only {
            return Err(StoreError::ReadOnly);
        }
        self.ensure_begun().await?;
        let prepared = self.client.prepare_cached(statement.text()).await;
        let prepared = prepared.map_err(|error| self.failed(&error))?;
        let changed = self.client.execute_raw(&prepared, statement.params().iter().map(Bound)).await;
        changed.map_err(|error| self.failed(&error))
    }

    /// What a job that succeeded left to be done, in order: staged writes, the idempotency record, the log entry.
    pub(super) fn left_to_do(
        &self,
        pending: &Pending,
        append: Option<&Append>,
        moment: Timestamp,
    ) -> Result<Vec<Last>, StoreError> {
        if pending.failed {
            return Err(StoreError::Aborted);
        }
        let mut statements: Vec<Last> = pending.staged.iter().map(Last::staged).collect();
        statements.extend(pending.remembered.iter().map(|remembered| Last::remembered(remembered, moment)));
        if let Some(append) = append {
            statements.push(Last { statement: own(LOG_LOCK, vec![], &[]), guard: None });
            statements.push(Last { statement: append.statement.clone(), guard: None });
        }
        if self.read_only && !statements.is_empty() { Err(StoreError::ReadOnly) } else { Ok(statements) }
    }

    /// Sends these statements and COMMIT together, and checks every answer: a COMMIT after a failed statement reports
    /// success and rolls back.
    pub(super) async fn commit_with(&mut self, statements: &[Last]) -> Result<(), StoreError> {
        if !self.begun && statements.is_empty() {
            return Ok(());
        }
        let mut prepared = Vec::with_capacity(statements.len());
        for last in statements {
            let ready = self.client.prepare_cached(&last.text()).await;
            prepared.push(ready.map_err(|error| self.failed(&error))?);
        }
        let begin = !self.begun;
        self.begun = true;
        let answers = self.send(begin, statements.iter().zip(&prepared)).await;
        let first_error =
            answers.into_iter().enumerate().find_map(|(at, answer)| answer.err().map(|error| (at, error)));
        let Some((at, error)) = first_error else {
            self.begun = false;
            return Ok(());
        };
        let refused = at.checked_sub(usize::from(begin)).and_then(|at| statements.get(at));
        Err(self.refused(refused.and_then(|last| last.guard), &error))
    }

    /// Sends BEGIN if the transaction has not begun, the statements and COMMIT in one round trip; returns their answers.
    async fn send(
        &self,
        begin: bool,
        statements: impl Iterator<Item = (&Last, &tokio_postgres::Statement)>,
    ) -> Vec<Result<(), tokio_postgres::Error>> {
        let client = &self.client;
        let mut answers: Vec<BoxFuture<'_, _>> = Vec::new();
        if begin {
            answers.push(client.batch_execute("BEGIN").boxed());
        }
        for (last, ready) in statements {
            let params = last.statement.params().iter().map(Bound);
            answers.push(client.execute_raw(ready, params).map(|changed| changed.map(|_| ())).boxed());
        }
        answers.push(client.batch_execute("COMMIT").boxed());
        // Futures are polled in order, and each sends its request when it is first polled.
        join_all(answers).await
    }

    /// Why the last round trip failed, by its first error.
    fn refused(&mut self, guard: Option<Guard>, error: &tokio_postgres::Error) -> StoreError {
        let refusal = Refusal::of(error);
        match (guard, refusal.guarded_rows()) {
            _ if refusal.is_lost() => StoreError::Unknown(refusal.into_cause()),
            (Some(guard), Some(found)) => {
                // Another request with the same key was quicker: the next run finds its answer.
                self.conflict |= guard.run_again;
                StoreError::StagedRows { expected: guard.expected, found }
            }
            _ => refusal.note(&mut self.conflict),
        }
    }

    /// Rolls the transaction back. A connection on which that fails is closed.
    pub(super) async fn roll_back(&mut self) {
        if self.begun && self.client.batch_execute("ROLLBACK").await.is_ok() {
            self.begun = false;
        }
    }

    /// Begins the transaction unless it is open.
    pub(super) async fn ensure_begun(&mut self) -> Result<(), StoreError> {
        if self.begun {
            return Ok(());
        }
        let begin = if self.read_only { "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" } else { "BEGIN" };
        self.client.batch_execute(begin).await.map_err(plain)?;
        self.begun = true;
        Ok(())
    }

    fn failed(&mut self, error: &tokio_postgres::Error) -> StoreError {
        Refusal::of(error).note(&mut self.conflict)
    }
}

/// Passes the rows of an answer to `visit`.
async fn collect(
    answer: Result<RowStream, Refusal>,
    (statement, visit): (&Statement, &mut Visit<'_>),
    conflict: &mut bool,
) -> Result<ReadStats, StoreError> {
    let mut stream = pin!(answer.map_err(|refusal| refusal.note(conflict))?);
    let mut stats = ReadStats::default();
    loop {
        let next = stream.try_next().await;
        let Some(row) = next.map_err(|error| Refusal::of(&error).note(conflict))? else { break };
        visit(&PostgresRow { row: &row, columns: statement.columns() })?;
        stats.rows += 1;
    }
    Ok(stats)
}

impl Session for PostgresSession {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    fn query<'a>(&'a mut self, statement: &'a Statement, visit: &'a mut Visit<'_>) -> Answer<'a, ReadStats> {
        later(async move {
            self.ensure_begun().await?;
            self.read(statement, visit).await
        })
    }

    fn execute<'a>(&'a mut self, statement: &'a Statement) -> Answer<'a, u64> {
        later(self.write(statement))
    }

    fn lock(&mut self, name: i64) -> Answer<'_, ()> {
        let statement = own("SELECT pg_advisory_xact_lock($1)", vec![Param::Int(name)], &[]);
        later(async move { self.write(&statement).await.map(|_| ()) })
    }

    fn query_apart<'a>(
        &'a mut self,
        statement: &'a Statement,
        visit: &'a mut Visit<'_>,
    ) -> Option<Answer<'a, ReadStats>> {
        Some(later(async move {
            if self.read_only {
                return Err(StoreError::ReadOnly);
            }
            let client = self.apart.get().await.map_err(|error| StoreError::Database(Arc::new(error)))?;
            let prepared = client.prepare_cached(statement.text()).await.map_err(plain)?;
            let rows = client.query_raw(&prepared, statement.params().iter().map(Bound)).await;
            collect(rows.map_err(|error| Refusal::of(&error)), (statement, visit), &mut self.conflict).await
        }))
    }
}

impl Last {
    fn staged(staged: &Staged) -> Self {
        let guard = staged.expected_rows.map(|expected| Guard { expected, run_again: false });
        Self { statement: staged.statement.clone(), guard }
    }

    fn remembered(remembered: &Remembered, moment: Timestamp) -> Self {
        let statement = idempotency::remember(remembered, moment);
        Self { statement, guard: Some(Guard { expected: 1, run_again: true }) }
    }

    /// The text as it is sent.
    fn text(&self) -> String {
        let text = self.statement.text();
        self.guard.map_or_else(|| text.to_owned(), |guard| guard.apply(text))
    }
}

impl Drop for PostgresSession {
    /// A connection with an open transaction does not go back to the pool.
    fn drop(&mut self) {
        if self.begun {
            self.client.__private_api_close();
        }
    }
}
