//! Several processes can have a database as long as they have the same model. Each of their connections holds a shared
//! advisory lock; a process that changes the model takes the lock alone first, which fails as long as another one has a
//! connection. So it announces that with another lock: the others close their connections when they see it, and come back when it is
//! gone. A connection that is made then, or after all others were lost, compares which database and model it finds.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::sleep;
use tokio_postgres::{Client, SimpleQueryMessage, SimpleQueryRow};

use super::address::{MARK, mark};
use super::error::plain;
use super::wake;
use crate::{ServerProblem, StoreError};

/// Of the locks in a database; the other number stands for the schema.
const CLASS: &str = "1114329972, hashtext(current_schema())";
/// The lock of the process that does what one of them has to do.
const KEEPER: &str = "1114329973, hashtext(current_schema())";
/// The lock of a process that wants to change the model while others have the database.
const CHANGER: &str = "1114329974, hashtext(current_schema())";
/// How long after each other locks are tried: a process that ended leaves its connections to the server for a moment.
pub(super) const INTERVAL: Duration = Duration::from_millis(20);
/// How often a lock is tried that others don't release.
pub(super) const ATTEMPTS: u32 = 250;
/// The same of a lock that others were asked for: they have to answer the requests that are running first.
pub(super) const ASKED_ATTEMPTS: u32 = 500;
/// How often a lock is tried that a process has while it changes the model.
pub(super) const CHANGE_ATTEMPTS: u32 = 3000;

/// Which database, with which model.
pub(super) const IDENTITY: &str = "SELECT value || int8send(coalesce((SELECT max(number) FROM backstay_model), 0)) \
                        FROM backstay_meta WHERE name = 'feed_key'";

/// What a new connection finds, in one round trip: the lock first, so that what it protects is read under it. How commits are
/// acknowledged is settled for the session: the server's settings can be changed, and be read again, at any time.
fn joining() -> String {
    format!(
        "SELECT pg_try_advisory_lock_shared({CLASS}); \
         SELECT encode(({IDENTITY}), 'hex'), current_setting('{MARK}', TRUE) IS NOT DISTINCT FROM '{mark}', \
         pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean, \
         set_config('synchronous_commit', current_setting('synchronous_commit'), FALSE) = 'off'",
        mark = mark()
    )
}

/// Whether commits on a connection are durable once they are acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Commits {
    /// They are.
    Durable,
    /// They may be durable a moment later.
    Relaxed,
}

/// A process's share of a database.
pub(super) struct Lease {
    identity: Vec<u8>,
    /// Whether the database is another one since, or has another model.
    lost: AtomicBool,
    /// Why the last connection was refused that was.
    refused: Mutex<Option<Arc<ServerProblem>>>,
    /// Whether the log says so.
    told: AtomicBool,
}

/// Takes a lock if that is possible now.
async fn take(client: &Client, function: &str, lock: &str) -> Result<bool, StoreError> {
    let statement = format!("SELECT {function}({lock})");
    client.query_one(&statement, &[]).await.map_err(plain)?.try_get(0).map_err(plain)
}

/// Keeps processes out that would change the model. `false`: one of them is at it.
pub(super) async fn share(client: &Client) -> Result<bool, StoreError> {
    take(client, "pg_try_advisory_lock_shared", CLASS).await
}

/// What takes the lock of `share` for a transaction, if that is possible.
pub(super) fn shared_in_transaction() -> String {
    format!("pg_try_advisory_xact_lock_shared({CLASS})")
}

/// The opposite of `share`.
pub(super) async fn unshare(client: &Client) -> Result<(), StoreError> {
    take(client, "pg_advisory_unlock_shared", CLASS).await.map(|_| ())
}

/// Keeps all others out. `false`: one of them has the database.
pub(super) async fn exclude(client: &Client) -> Result<bool, StoreError> {
    take(client, "pg_try_advisory_lock", CLASS).await
}

/// The same, if the others are gone in a moment.
pub(super) async fn exclude_soon(client: &Client) -> Result<bool, StoreError> {
    for _ in 0..ATTEMPTS {
        if exclude(client).await? {
            return Ok(true);
        }
        sleep(INTERVAL).await;
    }
    Ok(false)
}

/// Lets those with the same model in after `exclude`. Transactions through a pooler lock a table before they see anything: those
/// that have it now will be refused, and those that get it later see the change.
pub(super) async fn admit(client: &Client) -> Result<(), StoreError> {
    let barrier = "BEGIN; LOCK TABLE backstay_meta IN EXCLUSIVE MODE; COMMIT";
    client.batch_execute(barrier).await.map_err(plain)?;
    share(client).await?;
    take(client, "pg_advisory_unlock", CLASS).await.map(|_| ())
}

/// The opposite of `announce`.
pub(super) async fn withdraw(client: &Client) -> Result<(), StoreError> {
    take(client, "pg_advisory_unlock", CHANGER).await.map(|_| ())
}

/// Asks the others to close their connections. `false`: another process does so already.
pub(super) async fn announce(client: &Client) -> Result<bool, StoreError> {
    let announced = take(client, "pg_try_advisory_lock", CHANGER).await?;
    if announced {
        client.batch_execute(wake::NOTIFY).await.map_err(plain)?;
    }
    Ok(announced)
}

/// Whether another process has asked for that, and not changed the model yet.
pub(super) async fn is_announced(client: &Client) -> Result<bool, StoreError> {
    take(client, "pg_try_advisory_xact_lock_shared", CHANGER).await.map(|is_free| !is_free)
}

/// Makes the process of this connection the one that does what one of them has to do, as long as the connection lasts.
/// `false`: it is another one.
pub(super) async fn keep(client: &Client) -> Result<bool, StoreError> {
    take(client, "pg_try_advisory_lock", KEEPER).await
}

impl Lease {
    /// The share of a process with this connection, which holds the shared lock.
    pub(super) async fn begin(client: &Client) -> Result<Self, StoreError> {
        let identity = client.query_one(IDENTITY, &[]).await.map_err(plain)?.try_get(0).map_err(plain)?;
        let lost = AtomicBool::new(false);
        Ok(Self { identity, lost, refused: Mutex::default(), told: AtomicBool::new(false) })
    }

    /// Makes a new connection one of this process. `false`: it can't be one, and `refusal` says why.
    pub(super) async fn join(&self, client: &Client, commits: Commits) -> Result<bool, tokio_postgres::Error> {
        let found = client.simple_query(&joining()).await?;
        let rows: Vec<&SimpleQueryRow> = found.iter().filter_map(row).collect();
        let [lock, state] = rows[..] else { return Ok(self.lose()) };
        let is = |column: usize| state.get(column) == Some("t");
        let problem = if !is(1) {
            Some(ServerProblem::Pooler)
        } else if is(2) {
            Some(ServerProblem::ReadOnly)
        } else if commits == Commits::Durable && is(3) {
            Some(ServerProblem::AsynchronousCommit)
        } else {
            None
        };
        if let Some(problem) = problem {
            self.refuse(problem);
            return Ok(false);
        }
        self.told.store(false, Ordering::Relaxed);
        let is_ours = lock.get(0) == Some("t") && state.get(0).is_some_and(|found| found == hex(&self.identity));
        Ok(is_ours || self.lose())
    }

    /// Which database it is of, with which model.
    pub(super) fn identity(&self) -> &[u8] {
        &self.identity
    }

    pub(super) fn refuse(&self, problem: ServerProblem) {
        if !self.told.swap(true, Ordering::Relaxed) {
            tracing::error!(%problem, help = problem.help(), "the database server is refused");
        }
        *self.refused.lock() = Some(Arc::new(problem));
    }

    /// The database is another's.
    pub(super) fn lose(&self) -> bool {
        self.lost.store(true, Ordering::Relaxed);
        false
    }

    /// Why a connection was refused.
    pub(super) fn refusal(&self) -> StoreError {
        match self.refused.lock().clone() {
            Some(problem) if !self.is_lost() => StoreError::Unreachable(problem),
            Some(_) | None => StoreError::Displaced,
        }
    }

    /// Whether the database has another model.
    pub(super) fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Relaxed)
    }
}

fn row(message: &SimpleQueryMessage) -> Option<&SimpleQueryRow> {
    match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}
