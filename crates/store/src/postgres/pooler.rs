//! Transactions through a pooler that gives each of them any of its connections to the server (the transaction mode of `PgBouncer`).
//! Nothing lasts from one to the next there: each transaction sets what a session would have set, and its statements have no
//! names. What needs a session (the lease, the follower, statements apart) has connections of its own, to the server itself.
//!
//! A connection to the server holds the lock that keeps others from changing the model; a transaction here takes it for
//! itself, and compares which database and model it finds. So that its snapshot can't be older than a change whose lock it comes
//! after, it locks a table before it has one, and whoever changed the model waits once for all who have that table.

use std::collections::HashMap;
use std::sync::Arc;

use backstay_base::limits;
use deadpool_postgres::Pool;
use parking_lot::Mutex;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, SimpleQueryMessage};

use super::access::Access;
use super::address::{Address, MARK};
use super::error::{Refusal, plain};
use super::lease::{self, Lease};
use super::pools::Apart;
use crate::own::EXPECT_ROWS;
use crate::{OpenError, ServerProblem, StoreError};

/// Texts whose parameter types are remembered, before all are forgotten.
const KEPT_TYPES: usize = 10_000;
/// What the check of a transaction counts if it is as it should be, if the model or the database is another one, and if nobody may
/// write on the server.
const AS_EXPECTED: u64 = 1;
const CHANGED: u64 = 0;
const STANDBY: u64 = 2;

/// What a session on the server has set, as calls that set it for a transaction. Those that a pooler can't have are left out:
/// the name of the program, the protocol's encoding and what is about the connection.
const SETTINGS: &str = "SELECT string_agg(format('set_config(%L, %L, TRUE)', name, setting), ', ' ORDER BY name), \
                        format('%I', current_schema()) FROM pg_settings \
                        WHERE name IN ('search_path', 'synchronous_commit') \
                        OR source = 'client' AND context IN ('user', 'superuser') AND name NOT LIKE 'tcp%' \
                        AND name NOT IN ('application_name', 'client_encoding', 'lock_timeout', $1)";

/// How transactions go through a pooler.
pub(super) struct Pooler {
    pool: Pool,
    lease: Arc<Lease>,
    /// What follows BEGIN in each transaction.
    preamble: String,
    /// The types of parameters by the texts of statements.
    types: Mutex<HashMap<String, Arc<[Type]>>>,
}

impl Pooler {
    /// A pooler before the server of this connection.
    pub(super) async fn before(client: &Client, (pool, lease): (Pool, &Arc<Lease>)) -> Result<Self, StoreError> {
        let row = client.query_one(SETTINGS, &[&MARK]).await.map_err(plain)?;
        let (settings, schema): (String, String) = (row.try_get(0).map_err(plain)?, row.try_get(1).map_err(plain)?);
        let preamble = format!(
            "LOCK TABLE {schema}.backstay_meta IN ROW SHARE MODE; \
             SELECT {settings}, set_config('lock_timeout', '{}s', TRUE); \
             SELECT {EXPECT_ROWS}(CASE WHEN pg_is_in_recovery() THEN {STANDBY} WHEN NOT {} THEN {CHANGED} \
             WHEN encode(({}), 'hex') = '{}' THEN {AS_EXPECTED} ELSE {CHANGED} END, {AS_EXPECTED})",
            limits::LOCK_SECONDS,
            lease::shared_in_transaction(),
            lease::IDENTITY,
            lease::hex(lease.identity()),
        );
        Ok(Self { pool, lease: Arc::clone(lease), preamble, types: Mutex::default() })
    }

    pub(super) fn pool(&self) -> &Pool {
        &self.pool
    }

    /// What begins a transaction.
    pub(super) fn begin(&self, access: Access) -> String {
        let begin = match access {
            Access::Read => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            Access::Write => "BEGIN ISOLATION LEVEL READ COMMITTED",
            Access::Serializable => "BEGIN ISOLATION LEVEL SERIALIZABLE",
        };
        format!("{begin}; {}", self.preamble)
    }

    /// The error of a transaction that finds something else than it expects.
    pub(super) fn refused(&self, found: u64) -> StoreError {
        if found == STANDBY {
            self.lease.refuse(ServerProblem::ReadOnly);
        } else {
            self.lease.lose();
        }
        self.lease.refusal()
    }

    /// The types of a statement's parameters, which the server says on a connection of its own.
    pub(super) async fn types(
        &self,
        text: &str,
        server: impl Future<Output = Result<Apart<'_>, StoreError>>,
    ) -> Result<Arc<[Type]>, StoreError> {
        if let Some(known) = self.types.lock().get(text) {
            return Ok(Arc::clone(known));
        }
        let apart = server.await?;
        let prepared = apart.client()?.prepare(text).await;
        apart.end();
        let statement = prepared.map_err(plain)?;
        let types: Arc<[Type]> = statement.params().into();
        let mut known = self.types.lock();
        if known.len() >= KEPT_TYPES {
            known.clear();
        }
        known.insert(text.to_owned(), Arc::clone(&types));
        Ok(types)
    }

    /// Refuses an address that doesn't lead to the database.
    pub(super) async fn check(&self, address: &Address) -> Result<(), OpenError> {
        let client = self.pool.get().await.map_err(|error| address.refused(error))?;
        let begun = client.simple_query(&self.begin(Access::Read)).await;
        // Sent by itself: it must reach the connection to the server that the transaction was begun on.
        let answered = match begun {
            Ok(_) => client.simple_query("COMMIT").await,
            Err(error) => Err(error),
        };
        answered.map(|_: Vec<SimpleQueryMessage>| ()).map_err(|error| match Refusal::of(&error).guarded_rows() {
            Some(STANDBY) => address.failed(ServerProblem::ReadOnly),
            None if Refusal::of(&error).is_lost() => address.failed(address.problem(&error)),
            // Without Backstay's tables, it isn't the database.
            Some(_) | None => address.failed(ServerProblem::Elsewhere),
        })
    }
}
