use std::sync::Arc;
use std::time::{Duration, Instant};

use backstay_base::limits;
use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Object, Pool, PoolError, Runtime, TimeoutType};
use tokio::time::{sleep, timeout};
use tokio_postgres::config::SslMode;
use tokio_postgres::{CancelToken, Client, Config};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::address::Address;
use super::error::{heard, is_crowded, is_other_role, plain, unreachable};
use super::hosts;
use super::lease::{Commits, Lease};
use super::pooler::Pooler;
use super::silence::{Heard, silent_server};
use super::wake::{Connecting, Wake};
use crate::{OpenError, ServerProblem, StoreError};

/// For statements that commit by themselves within a transaction.
const CONNECTIONS_APART: usize = 2;
/// One in so many connections is for reads alone.
const READERS_SHARE: usize = 4;
/// How long the server may take to end what a connection is doing.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(5);
/// How long after each other a server without a free connection is asked for one, at first and at last.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LAST_PAUSE: Duration = Duration::from_millis(500);
const CONNECTION_WAIT: Duration = Duration::from_secs(limits::CONNECTION_WAIT_SECONDS);
/// Statements that a connection keeps prepared, before it forgets all of them.
const KEPT_STATEMENTS: usize = 1000;

/// The connections to a database.
#[derive(Clone)]
pub(super) struct Pools {
    /// Each for one transaction at a time.
    usual: Pool,
    /// For statements that commit by themselves while a transaction waits for them: with all others in transactions, none of
    /// those would become free.
    apart: Pool,
    /// For following the log.
    following: Pool,
    connector: MakeRustlsConnect,
    /// Whether the server is asked about TLS first on each connection.
    negotiates_tls: bool,
    /// What notifications on any of them wake.
    wake: Arc<Wake>,
    lease: Option<Arc<Lease>>,
    /// What transactions go through instead of `usual`.
    pooler: Option<Arc<Pooler>>,
    /// How long anybody waits for a connection.
    wait_timeout: Duration,
    /// Whether the address names a single host.
    has_one_host: bool,
}

/// A connection for a statement that commits by itself. If that hasn't ended when this is dropped, the server is asked to end it, and
/// the connection isn't used again.
pub(super) struct Apart<'p> {
    pools: &'p Pools,
    /// `None` once it is dropped.
    client: Option<Object>,
}

impl Apart<'_> {
    pub(super) fn client(&self) -> Result<&Object, StoreError> {
        self.client.as_ref().ok_or(StoreError::Closed)
    }

    /// The statement has ended.
    pub(super) fn end(mut self) {
        self.client = None;
    }
}

impl Drop for Apart<'_> {
    fn drop(&mut self) {
        if let Some(client) = self.client.take() {
            self.pools.abandon(client);
        }
    }
}

impl Pools {
    /// Pools of connections that belong to a lease, or to none as long as the database is being opened or looked at.
    pub(super) fn new(
        address: &Address,
        connections: usize,
        (lease, wake): (Option<&Arc<Lease>>, Arc<Wake>),
    ) -> Result<Self, StoreError> {
        let pool = |(config, commits): (Config, Commits), connections| {
            let (connector, hosts) = (address.connector.clone(), address.hosts.clone());
            let connecting = Connecting { connector, hosts, wake: Arc::clone(&wake) };
            let member = lease.map(|lease| (Arc::clone(lease), commits));
            pool((config, connecting), connections, member)
        };
        let usual = match lease {
            None => address.config.clone(),
            Some(_) => address.serving(),
        };
        Ok(Self {
            usual: pool((usual, Commits::Durable), connections)?,
            apart: pool((address.relaxed(), Commits::Relaxed), CONNECTIONS_APART)?,
            following: pool((address.relaxed(), Commits::Relaxed), 1)?,
            connector: address.connector.clone(),
            negotiates_tls: address.config.get_ssl_mode() != SslMode::Disable,
            wake,
            lease: lease.cloned(),
            pooler: None,
            wait_timeout: connecting_time(&address.config).max(CONNECTION_WAIT),
            has_one_host: hosts::count(&address.config) == 1,
        })
    }

    /// The same with transactions through a pooler, before the server of this connection.
    pub(super) async fn through(
        mut self,
        pooler: &Address,
        (client, lease): (&Client, &Arc<Lease>),
    ) -> Result<Self, OpenError> {
        let (connector, hosts) = (pooler.connector.clone(), pooler.hosts.clone());
        let connecting = Connecting { connector, hosts, wake: Arc::default() };
        let connections = self.usual.status().max_size;
        let pool = pool((pooler.config.clone(), connecting), connections, None)?;
        let pooler_of = Pooler::before(client, (pool, lease)).await?;
        pooler_of.check(pooler).await?;
        self.pooler = Some(Arc::new(pooler_of));
        Ok(self)
    }

    /// What transactions go through, if they don't go to the server itself.
    pub(super) fn pooler(&self) -> Option<&Pooler> {
        self.pooler.as_deref()
    }

    /// What notifications wake.
    pub(super) fn wake(&self) -> &Arc<Wake> {
        &self.wake
    }

    /// How many connections may be in transactions that write: the rest is left to reads.
    pub(super) fn writers(&self) -> usize {
        let all = self.usual.status().max_size;
        (all - all.div_ceil(READERS_SHARE)).max(1)
    }

    /// A connection for a transaction.
    pub(super) async fn take(&self) -> Result<Object, StoreError> {
        let pool = self.pooler.as_ref().map_or(&self.usual, |pooler| pooler.pool());
        self.taken(self.get(pool).await)
    }

    /// A connection for a statement that commits by itself.
    pub(super) async fn take_apart(&self) -> Result<Apart<'_>, StoreError> {
        let client = Some(self.taken(self.get(&self.apart).await)?);
        Ok(Apart { pools: self, client })
    }

    /// Whether an empty statement is answered where transactions are carried out.
    pub(super) async fn answers(&self) -> bool {
        match self.take().await {
            Ok(client) => {
                let asking = Apart { pools: self, client: Some(client) };
                let is_answered = match asking.client() {
                    Ok(client) => client.batch_execute("").await.is_ok(),
                    Err(_) => false,
                };
                asking.end();
                is_answered
            }
            // A server without a connection to spare has answered.
            Err(error) => matches!(error, StoreError::Busy),
        }
    }

    /// A connection for following the log, and what was heard of the server. One without a connection to spare has answered, so
    /// that nothing is tried again here.
    pub(super) async fn take_following(&self) -> (Result<Object, StoreError>, Heard) {
        let got = timeout(self.wait_timeout, self.following.get()).await;
        let got = got.unwrap_or_else(|_| Err(timed_out(&self.following)));
        let heard = match heard_of(&got) {
            // Of several hosts, only what the last one said is known.
            Heard::Answer if got.is_err() && !self.has_one_host => Heard::Unclear,
            heard => heard,
        };
        (self.taken(got), heard)
    }

    /// A connection, or why there is none as the pool has it.
    pub(super) async fn first(&self) -> Result<Object, PoolError> {
        self.get(&self.usual).await
    }

    /// A connection of this pool within `wait_timeout`.
    async fn get(&self, pool: &Pool) -> Result<Object, PoolError> {
        timeout(self.wait_timeout, get_with_retry(pool)).await.unwrap_or_else(|_| Err(timed_out(pool)))
    }

    fn taken(&self, got: Result<Object, PoolError>) -> Result<Object, StoreError> {
        let client = got.map_err(|error| match error {
            PoolError::Backend(error) if is_other_role(&error) => match &self.lease {
                None => unreachable(&error),
                Some(lease) => {
                    lease.refuse(ServerProblem::ReadOnly);
                    lease.refusal()
                }
            },
            PoolError::Backend(error) => unreachable(&error),
            PoolError::PostCreateHook(HookError::Backend(error)) => plain(error),
            PoolError::PostCreateHook(HookError::Message(_)) => {
                self.lease.as_ref().map_or(StoreError::Closed, |lease| lease.refusal())
            }
            PoolError::Closed => StoreError::Closed,
            // All connections are taken, and none became free.
            PoolError::Timeout(TimeoutType::Wait) => StoreError::Busy,
            PoolError::Timeout(TimeoutType::Create | TimeoutType::Recycle) => silent_server(),
            error @ PoolError::NoRuntimeSpecified => StoreError::Unreachable(Arc::new(error)),
        })?;
        if client.statement_cache.size() > KEPT_STATEMENTS {
            client.statement_cache.clear();
        }
        Ok(client)
    }

    /// Closes the connections that nobody uses now: those to a silent server may lead nowhere once there is one that answers.
    pub(super) fn close_idle(&self) {
        let pooler = self.pooler.as_ref().map(|pooler| pooler.pool());
        for pool in [&self.usual, &self.apart].into_iter().chain(pooler) {
            drop(pool.retain(|_, _| false));
        }
    }

    /// Ends what a connection is doing, and then the connection. Poolers get no cancel request: they end their own connection to the
    /// server with the client's, and `PgBouncer` 1.18 crashes on a cancel request whose sender doesn't wait.
    pub(super) fn abandon(&self, client: Object) {
        match &self.pooler {
            None => abandon(client, &self.connector),
            Some(_) => drop(Object::take(client)),
        }
    }

    /// Asks the server to end what a connection is doing, which then fails. Returns whether the server has answered: it does
    /// when TLS is negotiated. Without that, the operating system accepts the request. Poolers get no cancel request, see `abandon`.
    pub(super) async fn cancel(&self, connection: &CancelToken) -> bool {
        if self.pooler.is_some() {
            return false;
        }
        // If the server can't be reached for this, it isn't for what follows.
        let is_sent = connection.cancel_query(self.connector.clone()).await.is_ok();
        is_sent && self.negotiates_tls
    }

    pub(super) fn close(&self) {
        self.usual.close();
        if let Some(pooler) = &self.pooler {
            pooler.pool().close();
        }
        self.apart.close();
        self.following.close();
    }
}

/// Ends what a connection is doing, and then the connection.
pub(super) fn abandon(client: Object, connector: &MakeRustlsConnect) {
    let client = Object::take(client);
    let (token, connector) = (client.cancel_token(), connector.clone());
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
    runtime.spawn(async move {
        // If the server can't be reached for this either, it notices that the connection has ended.
        drop(timeout(CANCEL_TIMEOUT, token.cancel_query(connector)).await);
        drop(client);
    });
}

/// How long a connection may take until it is ready: as long as each of the hosts may take.
fn connecting_time(config: &Config) -> Duration {
    let hosts = u32::try_from(hosts::count(config)).unwrap_or(u32::MAX).max(1);
    hosts::connect_timeout(config).saturating_mul(hosts)
}

/// The error of a pool that gave no connection in time.
fn timed_out(pool: &Pool) -> PoolError {
    let status = pool.status();
    let all_taken = status.available == 0 && status.size == status.max_size;
    PoolError::Timeout(if all_taken { TimeoutType::Wait } else { TimeoutType::Create })
}

/// What was heard of the server when a connection was to be got.
fn heard_of(got: &Result<Object, PoolError>) -> Heard {
    match got {
        Ok(_) | Err(PoolError::PostCreateHook(HookError::Message(_))) => Heard::Answer,
        Err(PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error))) => heard(error),
        Err(PoolError::Timeout(_)) => Heard::Nothing,
        Err(PoolError::Closed | PoolError::NoRuntimeSpecified) => Heard::Unclear,
    }
}

/// A connection. Waits for one if the server has none to spare now: others give theirs back, and so do requests of this process.
async fn get_with_retry(pool: &Pool) -> Result<Object, PoolError> {
    let (begun, mut pause) = (Instant::now(), FIRST_PAUSE);
    loop {
        match pool.get().await {
            Err(PoolError::Backend(error)) if is_crowded(&error) && begun.elapsed() < CONNECTION_WAIT => {
                sleep(pause).await;
                pause = LAST_PAUSE.min(pause * 2);
            }
            got => return got,
        }
    }
}

fn pool(
    (config, connecting): (Config, Connecting),
    connections: usize,
    member: Option<(Arc<Lease>, Commits)>,
) -> Result<Pool, StoreError> {
    let ready = connecting_time(&config);
    let manager = Manager::from_connect(config, connecting, ManagerConfig::default());
    let mut builder = Pool::builder(manager).max_size(connections);
    builder = builder.runtime(Runtime::Tokio1).create_timeout(Some(ready));
    if let Some((lease, commits)) = member {
        builder = builder.post_create(Hook::async_fn(move |client, _| {
            let lease = Arc::clone(&lease);
            Box::pin(async move {
                match lease.join(client, commits).await {
                    Ok(true) => Ok(()),
                    // The lease knows why.
                    Ok(false) => Err(HookError::message("refused")),
                    Err(error) => Err(HookError::Backend(error)),
                }
            })
        }));
    }
    builder.build().map_err(|error| StoreError::Database(Arc::new(error)))
}
