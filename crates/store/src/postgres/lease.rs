//! Several processes can have a database as long as they have the same model. Each of their connections holds a shared
//! advisory lock; a process that changes the model takes the lock alone first, which fails as long as another one has a
//! connection. So it announces that with another lock: the others close their connections when they see it, and come back when it is
//! gone. A connection that is made then, or after all others were lost, compares which database and model it finds.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::sleep;
use tokio_postgres::Client;

use super::error::plain;
use super::wake;
use crate::StoreError;

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
const IDENTITY: &str = "SELECT value || int8send(coalesce((SELECT max(number) FROM backstay_model), 0)) \
                        FROM backstay_meta WHERE name = 'feed_key'";

/// A process's share of a database.
pub(super) struct Lease {
    identity: Vec<u8>,
    /// Whether the database is another one since, or has another model.
    lost: AtomicBool,
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

/// Lets those with the same model in after `exclude`.
pub(super) async fn admit(client: &Client) -> Result<(), StoreError> {
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
        Ok(Self { identity, lost: AtomicBool::new(false) })
    }

    /// Makes a new connection one of this process. `false`: the database has another model now, and this process has to open it
    /// anew.
    pub(super) async fn join(&self, client: &Client) -> Result<bool, tokio_postgres::Error> {
        let lock = format!("SELECT pg_try_advisory_lock_shared({CLASS})");
        let shared = client.query_one(&lock, &[]).await?.try_get::<_, bool>(0)?;
        let is_ours = shared && client.query_one(IDENTITY, &[]).await?.try_get::<_, Vec<u8>>(0)? == self.identity;
        if !is_ours {
            self.lost.store(true, Ordering::Relaxed);
        }
        Ok(is_ours)
    }

    /// Whether the database has another model.
    pub(super) fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Relaxed)
    }
}
