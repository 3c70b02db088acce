//! A database has one process at a time, for what processes remember of it isn't shared yet. Each of its connections
//! holds a shared advisory lock; a process that opens the database takes the lock alone first, which fails as long as
//! another one has a connection, and writes down whose the database is. A connection that is made later, after all
//! others were lost, compares that.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::sleep;
use tokio_postgres::Client;

use super::error::plain;
use crate::StoreError;

/// Of the locks in a database; the other number stands for the schema.
const CLASS: &str = "1114329972";
/// How often a lock that another process has is asked for, a tenth of a second apart: a process that ended leaves its
/// connections to the server for a moment.
const ATTEMPTS: u32 = 50;
const INTERVAL: Duration = Duration::from_millis(100);

/// Whose a database is.
pub(super) struct Lease {
    owner: Vec<u8>,
    /// Whether another process has opened the database since.
    lost: AtomicBool,
    on_lost: Arc<dyn Fn(&StoreError) + Send + Sync>,
}

impl Lease {
    /// Waits until no other process has the database, and keeps others out until this connection ends or `begin` lets them
    /// in to be refused. `false`: another process has it.
    pub(super) async fn exclude(client: &Client) -> Result<bool, StoreError> {
        for attempt in 1..=ATTEMPTS {
            let lock = format!("SELECT pg_try_advisory_lock({CLASS}, hashtext(current_schema()))");
            if client.query_one(&lock, &[]).await.map_err(plain)?.try_get(0).map_err(plain)? {
                return Ok(true);
            }
            if attempt < ATTEMPTS {
                sleep(INTERVAL).await;
            }
        }
        Ok(false)
    }

    /// Makes the database that of this process. The connection must be kept.
    pub(super) async fn begin(
        client: &Client,
        on_lost: Arc<dyn Fn(&StoreError) + Send + Sync>,
    ) -> Result<Self, StoreError> {
        let claim = "INSERT INTO backstay_meta (name, value) VALUES ('owner', uuid_send(gen_random_uuid())) \
                     ON CONFLICT (name) DO UPDATE SET value = excluded.value RETURNING value";
        let owner = client.query_one(claim, &[]).await.map_err(plain)?.try_get(0).map_err(plain)?;
        let share = format!(
            "SELECT pg_advisory_lock_shared({CLASS}, hashtext(current_schema())), \
             pg_advisory_unlock({CLASS}, hashtext(current_schema()))"
        );
        client.batch_execute(&share).await.map_err(plain)?;
        Ok(Self { owner, lost: AtomicBool::new(false), on_lost })
    }

    /// Makes a new connection one of this process. `false`: the database is another's now, which ends this process.
    pub(super) async fn join(&self, client: &Client) -> Result<bool, tokio_postgres::Error> {
        let share = format!("SELECT pg_try_advisory_lock_shared({CLASS}, hashtext(current_schema()))");
        let owner = "SELECT value FROM backstay_meta WHERE name = 'owner'";
        let shared = client.query_one(&share, &[]).await?.try_get::<_, bool>(0)?;
        let is_ours = shared && client.query_one(owner, &[]).await?.try_get::<_, Vec<u8>>(0)? == self.owner;
        if !is_ours && !self.lost.swap(true, Ordering::Relaxed) {
            (self.on_lost)(&StoreError::Displaced);
        }
        Ok(is_ours)
    }

    /// Whether the database is another's.
    pub(super) fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Relaxed)
    }
}
