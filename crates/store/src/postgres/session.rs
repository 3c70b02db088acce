use std::borrow::Cow;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use backstay_base::Timestamp;
use backstay_sql::{Dialect, Param, Statement};
use deadpool_postgres::Object;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join, join_all, join3};
use tokio::time::{Instant as Deadline, timeout_at};

use super::access::Access;
use super::answering::collect;
use super::error::{Guard, Refusal, plain};
use super::pools::Pools;
use super::sending::Prepared;
use super::silence::ANSWER_TIMEOUT;
use crate::idempotency::{self, Remembered};
use crate::log::Append;
use crate::own::own;
use crate::session::{Answer, Before, Pipeline, Session, Staged, Visit, later};
use crate::tx::Pending;
use crate::{ReadStats, StoreError};

/// A connection that has received a larger row is closed: it keeps a buffer of that size.
pub(super) const KEPT_BUFFER_BYTES: usize = 1024 * 1024;

/// What a record must satisfy whose value isn't one of an enum of the database.
const NO_VALUE: &str = "the type of its column, which is an enum there";

/// What stands before a statement with lists in a transaction, and what lets the transaction go on if they are too large.
const BEFORE_LISTS: &str = "SAVEPOINT lists";
const UNDO_LISTS: &str = "ROLLBACK TO lists";

/// One connection and its transaction, which begins with the first statement.
pub(super) struct PostgresSession {
    /// `None` once it is dropped.
    client: Option<Object>,
    pools: Pools,
    begun: bool,
    /// Whether a statement is under way: if this is dropped then, the server is asked to end it.
    busy: bool,
    /// Bytes of the largest row that the connection has received for this.
    largest_row: usize,
    access: Access,
    /// Whether a statement conflicted with another transaction, or the connection was lost before COMMIT.
    may_run_again: bool,
    /// What finds something once another transaction has done the same.
    claim: Option<Statement>,
}

/// A statement of the last round trip, and how many rows it must change.
pub(super) struct Last {
    statement: Statement,
    /// Its text as it is sent.
    text: String,
    guard: Option<Guard>,
}

impl PostgresSession {
    pub(super) async fn take(pools: &Pools, access: Access) -> Result<Self, StoreError> {
        Ok(Self::on(pools.take().await?, pools, access))
    }

    /// A session on this connection.
    pub(super) fn on(client: Object, pools: &Pools, access: Access) -> Self {
        let (client, pools) = (Some(client), pools.clone());
        Self { client, pools, begun: false, busy: false, largest_row: 0, access, may_run_again: false, claim: None }
    }

    pub(super) fn client(&self) -> &Object {
        self.client.as_ref().expect("only dropping takes it")
    }

    pub(super) fn pools(&self) -> &Pools {
        &self.pools
    }

    /// The connection, once there is no transaction.
    pub(super) fn into_client(mut self) -> Option<Object> {
        self.client.take()
    }

    /// Whether it can't write.
    pub(super) fn only_reads(&self) -> bool {
        self.access == Access::Read
    }

    /// Whether the transaction failed for a reason that may be gone when it is run again, and nothing of it is stored.
    pub(super) fn may_run_again(&self) -> bool {
        self.may_run_again
    }

    /// Whether another transaction has done by now what this one failed to do, perhaps because of that one: its unique values
    /// and its state are those that were in the way. To be asked once this one is rolled back.
    pub(super) async fn was_done(&mut self) -> bool {
        let Some(claim) = self.claim.take().filter(|_| !self.begun && !self.busy) else { return false };
        self.read(&claim, &mut |_| Ok(())).await.is_ok_and(|found| found.rows > 0)
    }

    /// Runs a statement by itself, and passes its rows to `visit`.
    pub(super) async fn read(&mut self, statement: &Statement, visit: &mut Visit<'_>) -> Result<ReadStats, StoreError> {
        let prepared = self.prepared(statement.text()).await?;
        let around = self.pools.pooler().map(|pooler| pooler.begin(Access::Read));
        self.busy = true;
        let answered = match around {
            None => self.answer(None, &prepared, (statement, visit)).await,
            Some(begin) => self.answer_whole(&begin, &prepared, (statement, visit)).await,
        };
        // Rows that nobody wants any more are still on their way.
        self.busy = matches!(answered, Ok(Err(_)));
        answered.map_err(|refusal| self.noted(refusal))?
    }

    /// The same within the transaction, which begins in the same round trip.
    async fn read_within(&mut self, statement: &Statement, visit: &mut Visit<'_>) -> Result<ReadStats, StoreError> {
        let prepared = self.prepared(statement.text()).await?;
        let begin = self.beginning();
        self.busy = true;
        let answered = match statement.lists() {
            0 => self.answer(begin.as_deref(), &prepared, (statement, visit)).await,
            _ => self.answer_undoably(begin.as_deref(), &prepared, (statement, visit)).await,
        };
        self.busy = false;
        answered.map_err(|refusal| self.noted(refusal))?
    }

    /// The same where the transaction goes on if the rows are too large.
    async fn answer_undoably(
        &mut self,
        begin: Option<&str>,
        prepared: &Prepared,
        (statement, visit): (&Statement, &mut Visit<'_>),
    ) -> Result<Result<ReadStats, StoreError>, Refusal> {
        let before = format!("{}{BEFORE_LISTS}", begin.map(|begin| format!("{begin}; ")).unwrap_or_default());
        let answered = self.answer(Some(&before), prepared, (statement, visit)).await;
        self.undo_lists(answered).await
    }

    /// Lets the transaction go on if the rows of its last statement were too large. Otherwise the savepoint stays, since its
    /// release would take a round trip.
    async fn undo_lists(
        &self,
        answered: Result<Result<ReadStats, StoreError>, Refusal>,
    ) -> Result<Result<ReadStats, StoreError>, Refusal> {
        if answered.as_ref().is_err_and(Refusal::is_too_large) {
            self.client().batch_execute(UNDO_LISTS).await.map_err(|error| Refusal::of(&error))?;
        }
        answered
    }

    /// The rows of a statement, after one that begins a transaction. The inner error is that of `visit`.
    async fn answer(
        &mut self,
        begin: Option<&str>,
        prepared: &Prepared,
        (statement, visit): (&Statement, &mut Visit<'_>),
    ) -> Result<Result<ReadStats, StoreError>, Refusal> {
        let client = self.client();
        let rows = prepared.rows(client, statement.params());
        let stream = match begin {
            None => rows.await,
            // Futures are polled in order, and each sends its request when it is first polled.
            Some(begin) => match join(client.batch_execute(begin), rows).await {
                (Ok(()), stream) => stream,
                (Err(error), _) => Err(error),
            },
        };
        let mut largest = 0;
        let collected = collect(stream, (statement, visit), &mut largest).await;
        self.largest_row = self.largest_row.max(largest);
        collected
    }

    /// Has the server end a statement that takes too long. `false`: it hasn't answered anything for long.
    pub(super) async fn ends_statement(self, deadline: Deadline) -> bool {
        let until = deadline.min(Deadline::now() + ANSWER_TIMEOUT);
        let answers = async {
            if self.pools.pooler().is_none() {
                let token = self.client().cancel_token();
                // The empty statement comes after whatever is left of the other one.
                return self.pools.cancel(&token).await || self.client().batch_execute("").await.is_ok();
            }
            let pools = self.pools.clone();
            // A pooler ends what a connection is doing with that.
            drop(self);
            pools.answers().await
        };
        // Cut short by the deadline, it says nothing about the server.
        timeout_at(until, answers).await.unwrap_or(until == deadline)
    }

    /// The rows of a statement that is a transaction by itself, in one round trip.
    async fn answer_whole(
        &mut self,
        begin: &str,
        prepared: &Prepared,
        (statement, visit): (&Statement, &mut Visit<'_>),
    ) -> Result<Result<ReadStats, StoreError>, Refusal> {
        let mut largest = 0;
        let collected = {
            let client = self.client();
            let mut ending = pin!(client.batch_execute("COMMIT"));
            let end_sent = poll_fn(|context| Poll::Ready(ending.as_mut().poll(context)));
            // Futures are polled in order, and each sends its request when it is first polled.
            let begun = client.batch_execute(begin);
            let (begun, rows, ended) = join3(begun, prepared.rows(client, statement.params()), end_sent).await;
            let collected = collect(begun.and(rows), (statement, visit), &mut largest).await;
            // Whoever wants no more rows doesn't wait for the end, which comes after all of them.
            if ended.is_pending() && !matches!(collected, Ok(Err(_))) {
                // A transaction that has only read loses nothing; a lost connection isn't used again.
                drop(ending.await);
            }
            collected
        };
        self.largest_row = self.largest_row.max(largest);
        collected
    }

    /// A statement that can be sent on this connection.
    async fn prepared(&mut self, text: &str) -> Result<Prepared, StoreError> {
        if let Some(pooler) = self.pools.pooler() {
            let types = pooler.types(text, self.pools.take_apart()).await?;
            return Ok(Prepared::Unnamed { text: text.to_owned(), types });
        }
        // The server locks the tables that the statement names, and can wait for that.
        self.busy = true;
        let prepared = self.client().prepare_cached(text).await;
        self.busy = false;
        prepared.map(Prepared::Named).map_err(|error| self.failed(&error))
    }

    async fn write(&mut self, statement: &Statement) -> Result<u64, StoreError> {
        if self.access == Access::Read {
            return Err(StoreError::ReadOnly);
        }
        self.ensure_begun().await?;
        let prepared = self.prepared(statement.text()).await?;
        self.busy = true;
        let changed = prepared.changes(self.client(), statement.params()).await;
        self.busy = false;
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
        // Nothing that was done before is done again: its key is looked up ahead of all, if no statement has been sent.
        let known = pending.recall.iter().filter(|_| pending.remembered.is_some()).map(Last::absent);
        let mut statements: Vec<Last> = known.chain(pending.staged.iter().map(Last::staged)).collect();
        statements.extend(pending.remembered.iter().map(|remembered| Last::remembered(remembered, moment)));
        // The last one: the entry's number is drawn after all locks of the transaction.
        statements.extend(append.map(|append| Last::new(append.statement.clone(), None)));
        if self.access == Access::Read && !statements.is_empty() { Err(StoreError::ReadOnly) } else { Ok(statements) }
    }

    /// Sends these statements and COMMIT together, and checks every answer: a COMMIT after a failed statement reports
    /// success and rolls back.
    pub(super) async fn commit_with(&mut self, statements: Vec<Last>) -> Result<(), StoreError> {
        if !self.begun && statements.is_empty() {
            return Ok(());
        }
        let ready = self.ready(statements).await?;
        if self.client().is_closed() {
            return Err(self.noted(Refusal::unsent()));
        }
        let begin = (!self.begun).then(|| match self.pools.pooler() {
            None => Cow::Borrowed("BEGIN"),
            Some(pooler) => pooler.begin(Access::Write).into(),
        });
        self.begun = true;
        self.busy = true;
        let mut sending = self.sending(begin.as_deref(), &ready);
        sending.push(self.client().batch_execute("COMMIT").boxed());
        // Futures are polled in order, and each sends its request when it is first polled.
        let answers = join_all(sending).await;
        self.busy = false;
        let Some((guard, error)) = first_error(begin.is_some(), &ready, answers) else {
            self.begun = false;
            return Ok(());
        };
        Err(if error.is_lost() { StoreError::Unknown(error.into_cause()) } else { self.refused(guard, error) })
    }

    /// What sends the statements, after one that begins the transaction, as soon as it is polled.
    fn sending<'s>(
        &'s self,
        begin: Option<&'s str>,
        ready: &'s [Ready],
    ) -> Vec<BoxFuture<'s, Result<(), tokio_postgres::Error>>> {
        let client = self.client();
        let begin = begin.map(|begin| client.batch_execute(begin).boxed());
        let each = ready.iter().map(|(last, prepared)| {
            prepared.changes(client, last.statement.params()).map(|changed| changed.map(|_| ())).boxed()
        });
        begin.into_iter().chain(each).collect()
    }

    /// Prepares what is sent together.
    async fn ready(&mut self, statements: impl IntoIterator<Item = Last>) -> Result<Vec<Ready>, StoreError> {
        let mut ready = Vec::new();
        for last in statements {
            let prepared = self.prepared(&last.text).await?;
            ready.push((last, prepared));
        }
        Ok(ready)
    }

    /// Prepares what is sent ahead of a statement.
    async fn ready_before(&mut self, Before { unless, staged }: Before<'_>) -> Result<Vec<Ready>, StoreError> {
        if self.access == Access::Read && !staged.is_empty() {
            return Err(StoreError::ReadOnly);
        }
        self.ready(unless.map(Last::absent).into_iter().chain(staged.iter().map(Last::staged))).await
    }

    /// Runs statements that write in one round trip.
    async fn write_all(&mut self, before: Before<'_>) -> Result<(), StoreError> {
        let ready = self.ready_before(before).await?;
        if ready.is_empty() {
            return Ok(());
        }
        let begin = self.beginning();
        self.busy = true;
        let answers = join_all(self.sending(begin.as_deref(), &ready)).await;
        self.busy = false;
        first_error(begin.is_some(), &ready, answers).map_or(Ok(()), |(guard, error)| Err(self.refused(guard, error)))
    }

    /// Runs statements and then one whose rows go to `visit`, in one round trip.
    async fn read_after(
        &mut self,
        before: Before<'_>,
        (statement, visit): (&Statement, &mut Visit<'_>),
    ) -> Result<ReadStats, StoreError> {
        let ready = self.ready_before(before).await?;
        let prepared = self.prepared(statement.text()).await?;
        let begin = self.beginning();
        self.busy = true;
        let mut sending = self.sending(begin.as_deref(), &ready);
        if statement.lists() > 0 {
            sending.push(self.client().batch_execute(BEFORE_LISTS).boxed());
        }
        let answering = prepared.rows(self.client(), statement.params());
        // Futures are polled in order, and each sends its request when it is first polled.
        let (answers, stream) = join(join_all(sending), answering).await;
        let mut largest = 0;
        let answered = collect(stream, (statement, visit), &mut largest).await;
        self.largest_row = self.largest_row.max(largest);
        if let Some((guard, error)) = first_error(begin.is_some(), &ready, answers) {
            self.busy = false;
            return Err(self.refused(guard, error));
        }
        let answered = if statement.lists() > 0 { self.undo_lists(answered).await } else { answered };
        self.busy = false;
        answered.map_err(|refusal| self.noted(refusal))?
    }

    /// What begins the transaction, if it has not begun. It has then.
    fn beginning(&mut self) -> Option<Cow<'static, str>> {
        let begin = (!self.begun).then(|| self.begin_text());
        self.begun = true;
        begin
    }

    /// Why a statement failed that had to change a number of rows.
    fn refused(&mut self, guard: Option<Guard>, refusal: Refusal) -> StoreError {
        match (guard, refusal.guarded_rows()) {
            (Some(guard), Some(found)) => {
                // Another request with the same key was quicker: the next run finds its answer.
                self.may_run_again |= guard.run_again;
                StoreError::StagedRows { expected: guard.expected, found }
            }
            _ => self.noted(refusal),
        }
    }

    /// Rolls the transaction back. A connection on which that fails is closed.
    pub(super) async fn roll_back(&mut self) {
        if self.begun && !self.busy && self.client().batch_execute("ROLLBACK").await.is_ok() {
            self.begun = false;
        }
    }

    /// Begins the transaction unless it is open. Through a pooler, the transaction is open even if this fails.
    pub(super) async fn ensure_begun(&mut self) -> Result<(), StoreError> {
        let Some(begin) = self.beginning() else { return Ok(()) };
        self.busy = true;
        let begun = self.client().batch_execute(&begin).await;
        self.busy = false;
        begun.map_err(|error| self.failed(&error))
    }

    fn begin_text(&self) -> Cow<'static, str> {
        if let Some(pooler) = self.pools.pooler() {
            return pooler.begin(self.access).into();
        }
        Cow::Borrowed(match self.access {
            Access::Read => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            Access::Write => "BEGIN",
            Access::Serializable => "BEGIN ISOLATION LEVEL SERIALIZABLE",
        })
    }

    fn noted(&mut self, refusal: Refusal) -> StoreError {
        if let (Some(pooler), Some(found)) = (self.pools.pooler(), refusal.guarded_rows()) {
            return pooler.refused(found);
        }
        match self.access {
            // The server has become a standby, or lets its users only read.
            Access::Write | Access::Serializable if refusal.is_read_only() => {
                StoreError::Unreachable(refusal.into_cause())
            }
            Access::Write | Access::Serializable if refusal.is_no_value() => {
                StoreError::Check { constraint: NO_VALUE.to_owned() }
            }
            Access::Read | Access::Write | Access::Serializable => refusal.note(&mut self.may_run_again),
        }
    }

    fn failed(&mut self, error: &tokio_postgres::Error) -> StoreError {
        self.noted(Refusal::of(error))
    }
}

/// A statement that can be sent, and the same as the server knows it.
type Ready = (Last, Prepared);

/// The first error among the answers to statements, and what was to guard the one that failed.
fn first_error(
    began: bool,
    ready: &[Ready],
    answers: Vec<Result<(), tokio_postgres::Error>>,
) -> Option<(Option<Guard>, Refusal)> {
    let mut failed = answers.into_iter().enumerate().filter_map(|(at, answer)| Some((at, answer.err()?)));
    let (at, error) = failed.next()?;
    let refused = at.checked_sub(usize::from(began)).and_then(|at| ready.get(at));
    Some((refused.and_then(|(last, _)| last.guard), Refusal::of(&error)))
}

impl Session for PostgresSession {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    fn query<'a>(&'a mut self, statement: &'a Statement, visit: &'a mut Visit<'_>) -> Answer<'a, ReadStats> {
        later(self.read_within(statement, visit))
    }

    fn execute<'a>(&'a mut self, statement: &'a Statement) -> Answer<'a, u64> {
        later(self.write(statement))
    }

    fn lock(&mut self, name: i64) -> Answer<'_, ()> {
        let statement = own("SELECT pg_advisory_xact_lock($1)", vec![Param::Int(name)], &[]);
        later(async move { self.write(&statement).await.map(|_| ()) })
    }

    fn lock_all(&mut self, names: Vec<i64>) -> Answer<'_, ()> {
        // The rows of a function keep their order.
        const LOCK: &str = "SELECT pg_advisory_xact_lock(CAST(name AS bigint)) \
                            FROM jsonb_array_elements_text(CAST(CAST($1 AS text) AS jsonb)) AS names(name)";
        let statement = own(LOCK, vec![Param::Text(format!("{names:?}").into())], &[]);
        later(async move { self.write(&statement).await.map(|_| ()) })
    }

    fn overtaken(&mut self) {
        self.may_run_again = true;
    }

    fn claim(&mut self, done: Option<Statement>) {
        self.claim = done;
    }

    fn pipeline(&mut self) -> Option<&mut dyn Pipeline> {
        Some(self)
    }

    fn query_apart<'a>(
        &'a mut self,
        statement: &'a Statement,
        visit: &'a mut Visit<'_>,
    ) -> Option<Answer<'a, ReadStats>> {
        Some(later(async move {
            if self.access == Access::Read {
                return Err(StoreError::ReadOnly);
            }
            let pools = self.pools.clone();
            let apart = pools.take_apart().await?;
            let client = apart.client()?;
            let prepared = Prepared::Named(client.prepare_cached(statement.text()).await.map_err(plain)?);
            let rows = prepared.rows(client, statement.params()).await;
            let collected = collect(rows, (statement, visit), &mut 0).await;
            apart.end();
            collected.map_err(|refusal| self.noted(refusal))?
        }))
    }
}

impl Pipeline for PostgresSession {
    fn run_staged<'a>(&'a mut self, before: Before<'a>) -> Answer<'a, ()> {
        later(self.write_all(before))
    }

    fn query_after<'a>(
        &'a mut self,
        before: Before<'a>,
        statement: &'a Statement,
        visit: &'a mut Visit<'_>,
    ) -> Answer<'a, ReadStats> {
        later(self.read_after(before, (statement, visit)))
    }
}

impl Last {
    fn new(statement: Statement, guard: Option<Guard>) -> Self {
        let text = statement.text();
        let text = guard.map_or_else(|| text.to_owned(), |guard| guard.apply(text));
        Self { statement, text, guard }
    }

    fn staged(staged: &Staged) -> Self {
        // Another write came between what this one has read and its end: it reads again.
        let guard = staged.expected_rows.map(|expected| Guard { expected, run_again: true });
        Self::new(staged.statement.clone(), guard)
    }

    fn remembered(remembered: &Remembered, moment: Timestamp) -> Self {
        Self::new(idempotency::remember(remembered, moment), Some(Guard { expected: 1, run_again: true }))
    }

    /// A statement that must have no row.
    fn absent(statement: &Statement) -> Self {
        let guard = Guard { expected: 0, run_again: true };
        Self { text: guard.apply_to_rows(statement.text()), statement: statement.clone(), guard: Some(guard) }
    }
}

impl Drop for PostgresSession {
    /// A connection with an open transaction, in the middle of a statement, or with a large buffer does not go back to the
    /// pool.
    fn drop(&mut self) {
        match self.client.take() {
            Some(client) if self.busy => self.pools.abandon(client),
            Some(client) if self.begun || self.largest_row > KEPT_BUFFER_BYTES => drop(Object::take(client)),
            Some(_) | None => {}
        }
    }
}
