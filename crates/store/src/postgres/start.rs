use std::sync::Arc;

use backstay_base::{Secret, Timestamp};
use backstay_model::Model;
use deadpool_postgres::{Manager, ManagerConfig, Pool};
use tokio::runtime::Handle;
use tokio_postgres::NoTls;

use super::database::PostgresDatabase;
use super::error;
use super::session::{Pools, PostgresSession};
use crate::database::OpenDatabase;
use crate::moment::CommitClock;
use crate::setup::{self, Opening, Prepared};
use crate::{OpenError, Step, StoreError};

/// What errors call the database; its URL may hold a password.
const NAME: &str = "the PostgreSQL database";
/// Connections at most.
const CONNECTIONS: usize = 16;
/// Beside these, for statements that commit by themselves within a transaction.
const CONNECTIONS_APART: usize = 2;

/// Opens the database that a URL or a libpq connection string names.
pub(crate) fn open(opening: &Opening<'_>, url: &Secret) -> Result<OpenDatabase, OpenError> {
    let pools = pools(url)?;
    let Prepared { catalog, log_format, last, outcome } = block_on(async {
        let mut session = PostgresSession::take(&pools, false).await?;
        let contents = setup::recognize(&mut session, NAME).await?;
        opening.prepare(&mut session, contents).await
    })?;
    let keys = log_format.keys.clone();
    let last_moment = last.map(|last| last.moment);
    let commit_clock = CommitClock::after(last_moment, Arc::clone(&opening.ambient.clock));
    let observer = Arc::clone(&opening.observer);
    let database = Box::new(PostgresDatabase::new(pools, log_format, observer, commit_clock));
    Ok(OpenDatabase { database, catalog, keys, last_moment, outcome })
}

/// The steps that `open` would take to make the database fit the model.
pub(crate) fn plan(url: &Secret, (model, now): (&Model, Timestamp)) -> Result<Vec<Step>, OpenError> {
    let pools = pools(url)?;
    block_on(async {
        // It reads alone, but for temporary tables.
        let mut session = PostgresSession::take(&pools, false).await?;
        let contents = setup::recognize(&mut session, NAME).await?;
        setup::plan(&mut session, contents, (model, now)).await
    })
}

fn pools(url: &Secret) -> Result<Pools, StoreError> {
    let config: tokio_postgres::Config = url.expose().parse().map_err(error::plain)?;
    let mut apart = config.clone();
    // Whatever needs what it wrote is durable only after it.
    let options = config.get_options().map_or_else(String::new, |options| format!("{options} "));
    apart.options(format!("{options}-c synchronous_commit=off"));
    Ok(Pools { usual: pool(config, CONNECTIONS)?, apart: pool(apart, CONNECTIONS_APART)? })
}

fn pool(config: tokio_postgres::Config, connections: usize) -> Result<Pool, StoreError> {
    let manager = Manager::from_config(config, NoTls, ManagerConfig::default());
    let pool = Pool::builder(manager).max_size(connections).build();
    pool.map_err(|error| StoreError::Database(Arc::new(error)))
}

/// Completes a future on this thread, on the runtime that the connections will be used from.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::task::block_in_place(|| Handle::current().block_on(future))
}
