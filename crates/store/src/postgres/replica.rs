//! One standby that answers reads. Each read is a transaction whose snapshot must have an entry of the commit log that this process has
//! seen on the primary: this proves that the standby follows the same log, and that it isn't older than it may be.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use backstay_base::limits;
use backstay_sql::Statement;
use deadpool_postgres::{
    Hook, HookError, Manager, ManagerConfig, Object, Pool, PoolError, Runtime, TimeoutType, Timeouts,
};
use futures_util::TryFutureExt as _;
use futures_util::future::{try_join, try_join3};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_postgres::Error;

use super::address::{Address, MARK, mark};
use super::answering::collect;
use super::error::Refusal;
use super::lease::IDENTITY;
use super::passes::LogEnd;
use super::pools::abandon;
use super::sending::Prepared;
use super::session::KEPT_BUFFER_BYTES;
use super::wake::Connecting;
use crate::own::EXPECT_ROWS;
use crate::session::Visit;
use crate::{OpenError, ReadStats, ServerProblem, StoreError};

/// How long a standby may take to connect, and to answer whether its state is fit.
pub(super) const ANSWER_TIMEOUT: Duration = Duration::from_millis(limits::REPLICA_SILENT_MILLIS);

const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
const END: &str = "COMMIT";
/// Whether the session has what it was begun with.
const HAS_MARK: &str = "SELECT current_setting($1::text, TRUE) IS NOT DISTINCT FROM $2::text";

/// What the check of a state finds if it has the entry, if it lacks it, if it is of another database or model, and if it is a
/// primary's.
const FIT: u64 = 1;
const BEHIND: u64 = 0;
const OTHER: u64 = 2;
const PRIMARY: u64 = 3;

/// Fails unless a state is a standby's of the database with the model, and has the entry; place 0 asks for none.
fn check() -> String {
    format!(
        "SELECT {EXPECT_ROWS}(CASE WHEN ({IDENTITY}) IS DISTINCT FROM CAST($1 AS bytea) THEN {OTHER} \
         WHEN CAST($2 AS bigint) > 0 AND NOT EXISTS (SELECT FROM backstay_log WHERE seq = $2 AND leaf = CAST($3 AS bytea)) \
         THEN {BEHIND} WHEN NOT pg_is_in_recovery() THEN {PRIMARY} ELSE {FIT} END, {FIT})"
    )
}

/// A standby.
pub(super) struct Replica {
    address: Address,
    pool: Pool,
    /// The database and its model.
    identity: Vec<u8>,
    check: String,
    is_in_use: AtomicBool,
    /// Why it was left, as the log says it.
    reported: Mutex<Option<String>>,
    /// Something has happened that its state depends on.
    doubted: Notify,
}

/// Why a standby doesn't answer a read.
#[derive(Debug)]
pub(super) enum Declined {
    /// All its connections are taken.
    Busy,
    /// It lacks the entry.
    Behind,
    /// It can't be used.
    Unfit(ServerProblem),
    /// The statement failed, such as because the standby had to apply what the statement was in the way of.
    Failed,
}

impl Replica {
    pub(super) fn new(address: Address, connections: usize, identity: Vec<u8>) -> Result<Self, OpenError> {
        let pool = pool(&address, connections).map_err(|error| address.failed(ServerProblem::Connection(error)))?;
        let (is_in_use, reported, doubted) = (AtomicBool::new(false), Mutex::default(), Notify::new());
        Ok(Self { address, pool, identity, check: check(), is_in_use, reported, doubted })
    }

    pub(super) fn is_in_use(&self) -> bool {
        self.is_in_use.load(Ordering::Relaxed)
    }

    /// Has its state looked at soon.
    pub(super) fn doubt(&self) {
        self.doubted.notify_one();
    }

    /// Waits until that is wanted.
    pub(super) async fn doubted(&self) {
        self.doubted.notified().await;
    }

    /// It is used from now on.
    pub(super) fn join(&self) {
        if !self.is_in_use.swap(true, Ordering::Relaxed) {
            *self.reported.lock() = None;
            tracing::info!(replica = self.address.name(), "the replica answers reads");
        }
    }

    /// It isn't used any more, for this reason.
    pub(super) fn leave(&self, problem: &ServerProblem) {
        self.is_in_use.store(false, Ordering::Relaxed);
        let why = problem.to_string();
        let mut reported = self.reported.lock();
        if reported.as_ref() != Some(&why) {
            let (replica, help) = (self.address.name(), problem.help());
            tracing::warn!(replica, problem = why, help, "the replica isn't used");
            *reported = Some(why);
        }
    }

    pub(super) fn close(&self) {
        self.pool.close();
    }

    /// Whether its state is of the database with the model, and has this entry.
    pub(super) async fn probe(&self, end: LogEnd) -> Result<(), Declined> {
        let mut lent = self.lend(ANSWER_TIMEOUT / 2).await?;
        lent.busy = true;
        let probing = async {
            let client = lent.client()?;
            let check = client.prepare_cached(&self.check).await.map_err(declined)?;
            self.checked(client, &check, end).await
        };
        let probed = timeout(ANSWER_TIMEOUT, probing).await;
        lent.busy = probed.is_err();
        probed.unwrap_or(Err(Declined::Unfit(ServerProblem::Silent)))
    }

    /// Runs one reading statement on a state that has this entry, in one round trip. The inner error is the read's own; `over` is
    /// that of a read that isn't done by then.
    pub(super) async fn read(
        &self,
        end: LogEnd,
        (until, over): (Instant, StoreError),
        (statement, visit): (&Statement, &mut Visit<'_>),
    ) -> Result<Result<ReadStats, StoreError>, Declined> {
        let mut lent = self.lend(Duration::ZERO).await?;
        lent.busy = true;
        let mut largest = 0;
        let answering = async { self.answer((lent.client()?, end), (statement, visit), &mut largest).await };
        let Ok(answered) = timeout_at(until, answering).await else { return Ok(Err(over)) };
        lent.largest = largest;
        // Of a read that was declined by its check, nothing is under way. Rows that nobody wants any more still are.
        lent.busy = matches!(answered, Ok(Err(_)) | Err(Declined::Unfit(_)));
        answered
    }

    async fn answer(
        &self,
        (client, end): (&Object, LogEnd),
        (statement, visit): (&Statement, &mut Visit<'_>),
        largest: &mut usize,
    ) -> Result<Result<ReadStats, StoreError>, Declined> {
        let preparing = try_join(client.prepare_cached(statement.text()), client.prepare_cached(&self.check));
        let (prepared, check) = timeout(ANSWER_TIMEOUT, preparing).await.map_err(silent)?.map_err(declined)?;
        let prepared = Prepared::Named(prepared);
        // Futures are polled in order, and each sends its request when it is first polled.
        let begun = async {
            let begun = client.batch_execute(BEGIN).map_err(declined);
            timeout(ANSWER_TIMEOUT, try_join(begun, self.checked(client, &check, end))).await.map_err(silent)?
        };
        let rows = prepared.rows(client, statement.params()).map_err(declined);
        // The model is asked for once more in a state of its own: tables can change after a snapshot is taken.
        let end = client.batch_execute(END).map_err(declined);
        let mut ending = pin!(try_join(end, self.checked(client, &check, LogEnd::Empty)));
        let end_sent = poll_fn(|context| Poll::Ready(Ok(ending.as_mut().poll(context))));
        let (_, rows, ended) = try_join3(begun, rows, end_sent).await?;
        let answered = match collect(Ok(rows), (statement, visit), largest).await {
            Ok(answered) => answered,
            Err(refusal) if refusal.is_too_large() => Err(StoreError::TooLarge),
            Err(refusal) => return Err(refusal.into()),
        };
        // Whoever wants no more rows doesn't wait for the end, which comes after all of them.
        if answered.is_ok() {
            match ended {
                Poll::Ready(ended) => ended.map(drop)?,
                Poll::Pending => ending.await.map(drop)?,
            }
        }
        Ok(answered.map(|stats| ReadStats { replica: true, ..stats }))
    }

    /// Checks the state that a connection has.
    async fn checked(&self, client: &Object, check: &tokio_postgres::Statement, end: LogEnd) -> Result<(), Declined> {
        let (place, leaf) = match &end {
            LogEnd::Empty => (0, &[][..]),
            LogEnd::At { place, leaf } => (*place, &leaf.as_bytes()[..]),
        };
        client.execute(check, &[&self.identity, &place, &leaf]).await.map(drop).map_err(declined)
    }

    /// A connection, waiting at most so long for a free one.
    async fn lend(&self, wait: Duration) -> Result<Lent<'_>, Declined> {
        let timeouts = Timeouts { wait: Some(wait), create: Some(ANSWER_TIMEOUT), recycle: Some(ANSWER_TIMEOUT) };
        let client = match timeout(ANSWER_TIMEOUT, self.pool.timeout_get(&timeouts)).await.map_err(silent)? {
            Ok(client) => client,
            Err(PoolError::Timeout(TimeoutType::Wait) | PoolError::Closed) => return Err(Declined::Busy),
            Err(PoolError::PostCreateHook(HookError::Message(_))) => {
                return Err(Declined::Unfit(ServerProblem::Pooler));
            }
            Err(PoolError::PostCreateHook(HookError::Backend(error)) | PoolError::Backend(error)) => {
                return Err(Declined::Unfit(self.address.problem(&error)));
            }
            Err(PoolError::Timeout(_) | PoolError::NoRuntimeSpecified) => {
                return Err(Declined::Unfit(ServerProblem::Silent));
            }
        };
        Ok(Lent { replica: self, client: Some(client), busy: false, largest: 0 })
    }
}

impl From<Refusal> for Declined {
    fn from(refusal: Refusal) -> Self {
        match refusal.guarded_rows() {
            Some(BEHIND) => Self::Behind,
            Some(PRIMARY) => Self::Unfit(ServerProblem::NotStandby),
            Some(_) => Self::Unfit(ServerProblem::OtherState),
            None if refusal.is_lost() => Self::Unfit(ServerProblem::Lost),
            None => Self::Failed,
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the form that `map_err` wants")]
fn declined(error: Error) -> Declined {
    Refusal::of(&error).into()
}

fn silent(_: tokio::time::error::Elapsed) -> Declined {
    Declined::Unfit(ServerProblem::Silent)
}

fn pool(address: &Address, connections: usize) -> Result<Pool, String> {
    let (connector, hosts) = (address.connector.clone(), address.hosts.clone());
    let connecting = Connecting { connector, hosts, wake: std::sync::Arc::default() };
    let manager = Manager::from_connect(address.serving(), connecting, ManagerConfig::default());
    let marked = Hook::async_fn(|client: &mut deadpool_postgres::ClientWrapper, _| {
        Box::pin(async move {
            let row = client.query_one(HAS_MARK, &[&MARK, &mark()]).await.map_err(HookError::Backend)?;
            match row.try_get(0) {
                Ok(true) => Ok(()),
                Ok(false) => Err(HookError::message("a pooler is between")),
                Err(error) => Err(HookError::Backend(error)),
            }
        })
    });
    let builder = Pool::builder(manager).max_size(connections).runtime(Runtime::Tokio1).post_create(marked);
    builder.build().map_err(|error| error.to_string())
}

/// A connection during one read.
struct Lent<'r> {
    replica: &'r Replica,
    /// `None` once it is dropped.
    client: Option<Object>,
    /// Whether a statement may be under way: if this is dropped then, the standby is asked to end it.
    busy: bool,
    /// Bytes of the largest row that it has received.
    largest: usize,
}

impl Lent<'_> {
    fn client(&self) -> Result<&Object, Declined> {
        self.client.as_ref().ok_or(Declined::Busy)
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        match self.client.take() {
            Some(client) if self.busy => abandon(client, &self.replica.address.connector),
            Some(client) if self.largest > KEPT_BUFFER_BYTES => drop(Object::take(client)),
            Some(_) | None => {}
        }
    }
}
