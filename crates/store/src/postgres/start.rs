use std::sync::Arc;

use backstay_base::{Secret, Timestamp};
use backstay_model::Model;
use deadpool_postgres::Object;
use tokio::runtime::Handle;

use super::address::Address;
use super::database::PostgresDatabase;
use super::lease::Lease;
use super::pools::Pools;
use super::session::{Access, PostgresSession};
use crate::copy::Held;
use crate::database::OpenDatabase;
use crate::moment::CommitClock;
use crate::session::{Contents, Object as Stored, SchemaSession as _};
use crate::setup::{self, Opening, Prepared};
use crate::{OpenError, ServerProblem, Step};

/// Opens the database that a URL or a libpq connection string names.
pub(crate) fn open(opening: &Opening<'_>, url: &Secret) -> Result<OpenDatabase, OpenError> {
    let address = Address::read(url)?;
    block_on(async {
        let (mut session, contents) = look(&address).await?;
        if !Lease::exclude(session.client()).await? {
            return Err(address.failed(ServerProblem::InUse));
        }
        // Whoever had it may have changed it until now.
        let contents = match contents {
            Contents::Nothing => recognized(&address, &mut session).await?,
            contents @ (Contents::Backstay { .. } | Contents::Foreign) => contents,
        };
        let Prepared { catalog, log_format, last, outcome } = opening.prepare(&mut session, contents).await?;
        let lease = Arc::new(Lease::begin(session.client(), Arc::clone(&opening.options.on_fatal)).await?);
        let pools = Pools::new(&address, opening.options.connections, Some(&lease))?;
        let keys = log_format.keys.clone();
        let last_moment = last.map(|last| last.moment);
        let commit_clock = CommitClock::after(last_moment, Arc::clone(&opening.ambient.clock));
        let observer = Arc::clone(&opening.observer);
        let first = session.into_client().map(Object::take);
        let ambience = (commit_clock, Arc::clone(&opening.ambient.entropy));
        let database = Box::new(PostgresDatabase::new((pools, first, lease), log_format, observer, ambience));
        Ok(OpenDatabase { database, catalog, keys, last_moment, outcome })
    })
}

/// The steps that `open` would take to make the database fit the model.
pub(crate) fn plan(url: &Secret, (model, now): (&Model, Timestamp)) -> Result<Vec<Step>, OpenError> {
    let address = Address::read(url)?;
    block_on(async {
        // It reads alone, but for temporary tables.
        let (mut session, contents) = look(&address).await?;
        setup::plan(&mut session, contents, (model, now)).await
    })
}

/// Whether the database has Backstay's tables.
pub(crate) fn exists(url: &Secret) -> Result<bool, OpenError> {
    let address = Address::read(url)?;
    block_on(async { look(&address).await.map(|(_, contents)| matches!(contents, Contents::Backstay { .. })) })
}

/// What the database holds, whatever model it was opened with.
pub(crate) fn stored(url: &Secret) -> Result<Option<setup::Stored>, OpenError> {
    let address = Address::read(url)?;
    block_on(async {
        let (mut session, contents) = look(&address).await?;
        setup::stored(&mut session, contents).await
    })
}

/// Drops Backstay's tables, all that the database holds. Refuses a database that another process uses.
pub(crate) fn delete(url: &Secret) -> Result<(), OpenError> {
    let address = Address::read(url)?;
    block_on(async {
        let (mut session, contents) = look(&address).await?;
        if !Lease::exclude(session.client()).await? {
            return Err(address.failed(ServerProblem::InUse));
        }
        if !matches!(contents, Contents::Backstay { .. }) {
            return Ok(());
        }
        let tables = session.objects().await?;
        let names = tables.iter().filter_map(|object| match object {
            Stored::Table(name) => Some(format!("\"{}\"", name.replace('"', "\"\""))),
            Stored::Column(..) | Stored::Index(_) => None,
        });
        let names: Vec<String> = names.collect();
        let drop = format!("DROP TABLE {} CASCADE", names.join(", "));
        session.client().batch_execute(&drop).await.map_err(super::error::plain)?;
        Ok(())
    })
}

/// A database that is to be copied, as it is at one moment. No other process can use it meanwhile.
pub(crate) fn copy_from(url: &Secret) -> Result<Held, OpenError> {
    held(url, Access::Read)
}

/// The place of a copy.
pub(crate) fn copy_to(url: &Secret) -> Result<Held, OpenError> {
    held(url, Access::Write)
}

fn held(url: &Secret, access: Access) -> Result<Held, OpenError> {
    let address = Address::read(url)?;
    block_on(async {
        let pools = Pools::new(&address, 1, None)?;
        let client = pools.first().await.map_err(|error| address.refused(error))?;
        address.check(&client).await?;
        if !Lease::exclude(&client).await? {
            return Err(address.failed(ServerProblem::InUse));
        }
        Ok(Held { session: Box::new(PostgresSession::on(client, &pools, access)), files: Vec::new() })
    })
}

/// Connects to a database and finds out whose it is.
async fn look(address: &Address) -> Result<(PostgresSession, Contents), OpenError> {
    let pools = Pools::new(address, 1, None)?;
    let first = pools.first().await.map_err(|error| address.refused(error))?;
    address.check(&first).await?;
    let mut session = PostgresSession::on(first, &pools, Access::Write);
    let contents = recognized(address, &mut session).await?;
    Ok((session, contents))
}

async fn recognized(address: &Address, session: &mut PostgresSession) -> Result<Contents, OpenError> {
    setup::recognize(session, address.name()).await.map_err(|error| match error {
        OpenError::NotOurs { .. } => address.failed(ServerProblem::Foreign),
        error => error,
    })
}

/// Completes a future on this thread, on the runtime that the connections will be used from.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::task::block_in_place(|| Handle::current().block_on(future))
}
