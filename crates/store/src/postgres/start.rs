use std::sync::Arc;

use backstay_base::{Secret, Timestamp};
use backstay_model::Model;
use backstay_sql::Dialect;
use deadpool_postgres::Object;
use tokio::runtime::Handle;
use tokio::time::sleep;
use tokio_postgres::Client;

use super::access::Access;
use super::address::Address;
use super::database::PostgresDatabase;
use super::error::plain;
use super::follower::Follower;
use super::lease::{self, Lease};
use super::pools::Pools;
use super::replicas::Replicas;
use super::sequencer::Sequencer;
use super::session::PostgresSession;
use crate::copy::Held;
use crate::database::OpenDatabase;
use crate::moment::CommitClock;
use crate::session::{Contents, Object as Stored, OwnRow, SchemaSession as _};
use crate::setup::{self, Opening, Prepared};
use crate::{Migration, OpenError, ServerProblem, Step, StoreError, own, snapshot};

/// Opens the database that a URL or a libpq connection string names.
pub(crate) fn open(opening: &Opening<'_>, url: &Secret) -> Result<OpenDatabase, OpenError> {
    let address = Address::read(url)?;
    reach(&address, async {
        let (mut session, _) = look(&address).await?;
        let (format, entered) = enter(&mut session, (opening, &address)).await?;
        let Prepared { catalog, log_format, last, outcome } = opening.prepare(&mut session, format).await?;
        match entered {
            Entered::Alone { announced } => {
                lease::admit(session.client()).await?;
                if announced {
                    lease::withdraw(session.client()).await?;
                }
            }
            Entered::Shared => {}
        }
        let lease = Arc::new(Lease::begin(session.client()).await?);
        let wake = Arc::clone(session.pools().wake());
        let pools = Pools::new(&address, opening.options.connections, (Some(&lease), Arc::clone(&wake)))?;
        let pools = match &opening.options.pooler {
            None => pools,
            Some(pooler) => pools.through(&Address::of_pooler(pooler)?, (session.client(), &lease)).await?,
        };
        let keys = log_format.keys.clone();
        let last_moment = last.map(|last| last.moment);
        let commit_clock = Arc::new(CommitClock::after(last_moment, Arc::clone(&opening.ambient.clock)));
        let observer = Arc::clone(&opening.observer);
        let follower = Arc::new(Follower::new(Arc::clone(&observer), (Arc::clone(&commit_clock), wake)));
        let first = session.into_client().map(Object::take).ok_or(StoreError::Closed)?;
        let place = last.map_or(0, |last| last.sequence);
        let following = tokio::spawn(Arc::clone(&follower).follow((first, pools.clone()), place)).abort_handle();
        let replicas = match &opening.options.replicas[..] {
            [] => None,
            urls => Some(Replicas::new(urls, (opening.options.connections, lease.identity()), &follower)?),
        };
        let ambience = (commit_clock, Arc::clone(&opening.ambient.entropy));
        let database = Box::new(PostgresDatabase::new(
            (pools, replicas, lease),
            (follower, following),
            (log_format, observer),
            ambience,
        ));
        Ok(OpenDatabase { database, catalog, keys, last_moment, outcome })
    })
}

/// How a database is entered while it is opened.
enum Entered {
    /// Beside others with the same model.
    Shared,
    /// Alone, to change it.
    Alone {
        /// Whether others had to be asked for it.
        announced: bool,
    },
}

/// Waits until the database can be opened: beside others if it has the model already, otherwise alone, which others that have it
/// are asked for. What it holds can have changed until then.
async fn enter(
    session: &mut PostgresSession,
    (opening, address): (&Opening<'_>, &Address),
) -> Result<(Option<i64>, Entered), OpenError> {
    let (mut refused, mut awaited, mut announced) = (0, 0, false);
    while refused < lease::ASKED_ATTEMPTS && awaited < lease::CHANGE_ATTEMPTS {
        let fits = fits(session, (opening, address)).await?;
        if !fits && lease::exclude(session.client()).await? {
            return Ok((recognized(address, session).await?, Entered::Alone { announced }));
        }
        if !fits && !announced {
            announced = announce(session, (opening, address)).await?;
        }
        if fits && announced {
            // Another process has changed it just so.
            lease::withdraw(session.client()).await?;
            announced = false;
        }
        if announced {
            refused += 1;
        } else if lease::is_announced(session.client()).await? {
            awaited += 1;
        } else if lease::share(session.client()).await? {
            if fits && self::fits(session, (opening, address)).await? {
                return Ok((Some(own::format(Dialect::Postgres)), Entered::Shared));
            }
            lease::unshare(session.client()).await?;
            refused += 1;
        } else {
            awaited += 1;
        }
        sleep(lease::INTERVAL).await;
    }
    Err(address.failed(ServerProblem::InUse))
}

/// Asks the others that have the database to let this process change its model, unless that would be in vain. `false`: it can't be
/// asked for now.
async fn announce(
    session: &mut PostgresSession,
    (opening, address): (&Opening<'_>, &Address),
) -> Result<bool, OpenError> {
    // While this is held, nobody else changes the model.
    if !lease::share(session.client()).await? {
        return Ok(false);
    }
    if recognized(address, session).await?.is_some() {
        require_worthwhile(session, (opening, address)).await?;
    }
    lease::unshare(session.client()).await?;
    if opening.options.migration == Migration::Refuse {
        return Ok(false);
    }
    Ok(lease::announce(session.client()).await?)
}

/// Refuses a model that the others don't have to stop for.
async fn require_worthwhile(
    session: &mut PostgresSession,
    (opening, address): (&Opening<'_>, &Address),
) -> Result<(), OpenError> {
    if is_outdated(session, opening).await? {
        return Err(address.failed(ServerProblem::Outdated));
    }
    if opening.options.migration == Migration::Refuse {
        return Ok(());
    }
    let model = (opening.model, opening.ambient.clock.now());
    let refused = setup::refused(session, model, opening.options.migration).await?;
    refused.map_or(Ok(()), Err)
}

/// Whether the database had this model before, and has a newer one. Only whoever says so goes back to it while others serve
/// the newer one.
async fn is_outdated(session: &mut PostgresSession, opening: &Opening<'_>) -> Result<bool, OpenError> {
    if let Migration::Apply { .. } = opening.options.migration {
        return Ok(false);
    }
    let newest = setup::newest(session).await?.number;
    let mut before = None;
    let visit = &mut |row: &dyn OwnRow| {
        before = Some(snapshot::read(row)?.number);
        Ok(())
    };
    session.read(&snapshot::with_hash(snapshot::hash(opening.model)), visit).await?;
    Ok(before.is_some_and(|before| before < newest))
}

/// Whether the database has this model and is in the newest format.
async fn fits(session: &mut PostgresSession, (opening, address): (&Opening<'_>, &Address)) -> Result<bool, OpenError> {
    if recognized(address, session).await? != Some(own::format(Dialect::Postgres)) {
        return Ok(false);
    }
    let mut newest = None;
    let visit = &mut |row: &dyn OwnRow| {
        newest = Some(snapshot::read(row)?);
        Ok(())
    };
    session.read(&snapshot::newest(), visit).await?;
    Ok(newest.is_some_and(|newest| newest.hash == snapshot::hash(opening.model)))
}

/// The steps that `open` would take to make the database fit the model.
pub(crate) fn plan(url: &Secret, (model, now): (&Model, Timestamp)) -> Result<Vec<Step>, OpenError> {
    let address = Address::read(url)?;
    reach(&address, async {
        // It reads alone, but for temporary tables.
        let (mut session, format) = look(&address).await?;
        setup::plan(&mut session, format, (model, now)).await
    })
}

/// Whether the database has Backstay's tables.
pub(crate) fn exists(url: &Secret) -> Result<bool, OpenError> {
    let address = Address::read(url)?;
    reach(&address, async { look(&address).await.map(|(_, format)| format.is_some()) })
}

/// What the database holds, whatever model it was opened with.
pub(crate) fn stored(url: &Secret) -> Result<Option<setup::Stored>, OpenError> {
    let address = Address::read(url)?;
    reach(&address, async {
        let mut session = connect(&address).await?;
        setup::stored(&mut session, address.name()).await.map_err(|error| named(&address, error))
    })
}

/// Drops Backstay's tables, all that the database holds. Refuses a database that another process uses.
pub(crate) fn delete(url: &Secret) -> Result<(), OpenError> {
    let address = Address::read(url)?;
    reach(&address, async {
        let mut session = connect(&address).await?;
        if !lease::exclude_soon(session.client()).await? {
            return Err(address.failed(ServerProblem::InUse));
        }
        match session.contents().await? {
            Contents::Nothing => return Ok(()),
            Contents::Foreign => return Err(address.failed(ServerProblem::Foreign)),
            Contents::Backstay { .. } | Contents::UnfinishedCopy => {}
        }
        let tables = session.objects().await?;
        if tables.contains(&Stored::Table("backstay_adopted".to_owned())) {
            return Err(address.failed(ServerProblem::Adopted));
        }
        let names = tables.iter().filter_map(|object| match object {
            Stored::Table(name) => Some(format!("\"{}\"", name.replace('"', "\"\""))),
            Stored::Column(..) | Stored::Index(_) | Stored::Reference(..) | Stored::Dependent(..) => None,
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
    reach(&address, async {
        let pools = Pools::new(&address, 1, (None, Arc::default()))?;
        let client = pools.first().await.map_err(|error| address.refused(error))?;
        address.check(&client).await?;
        if !lease::exclude_soon(&client).await? {
            return Err(address.failed(ServerProblem::InUse));
        }
        if access == Access::Read {
            settle_what_was_left(&client).await?;
        }
        Ok(Held { session: Box::new(PostgresSession::on(client, &pools, access)), files: Vec::new() })
    })
}

/// Lets the log have the entries of servers that ended before they could.
async fn settle_what_was_left(client: &Client) -> Result<(), StoreError> {
    let stages = "SELECT to_regclass('backstay_staged') IS NOT NULL";
    let stages: bool = client.query_one(stages, &[]).await.map_err(plain)?.try_get(0).map_err(plain)?;
    if stages { Sequencer::settle(client).await } else { Ok(()) }
}

/// Connects to a database and finds out whether it is Backstay's, and in which format.
async fn look(address: &Address) -> Result<(PostgresSession, Option<i64>), OpenError> {
    let mut session = connect(address).await?;
    let format = recognized(address, &mut session).await?;
    Ok((session, format))
}

async fn connect(address: &Address) -> Result<PostgresSession, OpenError> {
    let pools = Pools::new(address, 1, (None, Arc::default()))?;
    let first = pools.first().await.map_err(|error| address.refused(error))?;
    address.check(&first).await?;
    Ok(PostgresSession::on(first, &pools, Access::Write))
}

async fn recognized(address: &Address, session: &mut PostgresSession) -> Result<Option<i64>, OpenError> {
    setup::recognize(session, address.name()).await.map_err(|error| named(address, error))
}

/// The same error in the words for servers.
fn named(address: &Address, error: OpenError) -> OpenError {
    match error {
        OpenError::NotOurs { .. } => address.failed(ServerProblem::Foreign),
        error => error,
    }
}

/// Completes what opens a database.
fn reach<T>(address: &Address, opening: impl Future<Output = Result<T, OpenError>>) -> Result<T, OpenError> {
    address.opened(block_on(opening))
}

/// Completes a future on this thread, on the runtime that the connections will be used from.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::task::block_in_place(|| Handle::current().block_on(future))
}
