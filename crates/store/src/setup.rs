use std::sync::Arc;

use backstay_audit::{Entry, ModelNumber};
use backstay_base::{Ambient, Timestamp};
use backstay_model::{Collection, CollectionId, Model, Pairing, SourceFile, load_stored};
use backstay_scalar::Storage;
use backstay_sql::{Models, Param, Statement, paired, schema};

#[cfg(feature = "postgres")]
use crate::Migration;
use crate::catalog::Numbers;
use crate::log::{self, LogFormat, Place};
use crate::migration::{self, Bridge};
use crate::own::{self, array, own};
use crate::session::{Contents, Object, OwnRow, SchemaSession};
use crate::snapshot::{self, Snapshot};
use crate::{Catalog, CommitObserver, DependencyKeys, OpenError, OpenOptions, Outcome, Step, StoreError, tombstones};

/// What a database is opened with.
pub(crate) struct Opening<'a> {
    pub(crate) options: &'a OpenOptions,
    pub(crate) model: &'a Model,
    pub(crate) ambient: Ambient,
    pub(crate) observer: Arc<dyn CommitObserver>,
}

/// A database that fits the model.
pub(crate) struct Prepared {
    pub(crate) catalog: Catalog,
    pub(crate) log_format: LogFormat,
    /// The last entry of the commit log, if there is one.
    pub(crate) last: Option<Place>,
    pub(crate) outcome: Outcome,
}

/// The format of Backstay's tables in the database; `None` in an empty one. Refuses one that is not Backstay's, in a newer
/// format or an unfinished copy. `database` names it in errors.
pub(crate) async fn recognize(session: &mut dyn SchemaSession, database: &str) -> Result<Option<i64>, OpenError> {
    let known = own::format(session.dialect());
    match session.contents().await? {
        Contents::Nothing => Ok(None),
        Contents::Foreign => Err(OpenError::NotOurs { database: database.to_owned() }),
        Contents::UnfinishedCopy => Err(OpenError::UnfinishedCopy { database: database.to_owned() }),
        Contents::Backstay { format } if format > known => {
            Err(OpenError::Newer { database: database.to_owned(), found: format, known })
        }
        Contents::Backstay { format } => Ok(Some(format)),
    }
}

impl Opening<'_> {
    /// Creates the tables, or makes those that exist fit the model, in one transaction.
    pub(crate) async fn prepare(
        &self,
        session: &mut dyn SchemaSession,
        format: Option<i64>,
    ) -> Result<Prepared, OpenError> {
        session.begin().await?;
        let prepared = match self.prepare_within(session, format).await {
            Ok(prepared) => session.commit().await.map(|()| prepared).map_err(OpenError::from),
            Err(error) => Err(error),
        };
        if prepared.is_err() {
            session.roll_back().await?;
        }
        prepared
    }

    async fn prepare_within(
        &self,
        session: &mut dyn SchemaSession,
        format: Option<i64>,
    ) -> Result<Prepared, OpenError> {
        let functions = own::functions(session.dialect());
        run(session, &functions).await?;
        let outcome = match format {
            Some(format) => self.adapt(session, format).await?,
            None => self.create(session).await?,
        };
        verify(session, self.model).await?;
        let catalog = Numbers::stored(session).await?.catalog(self.model)?;
        let feed_key = feed_key(session).await?;
        let number = newest(session).await?.number;
        let log_format = LogFormat::new(self.model, &catalog, number, feed_key);
        let last = last_place(session).await?;
        Ok(Prepared { catalog, log_format, last, outcome })
    }

    async fn create(&self, session: &mut dyn SchemaSession) -> Result<Outcome, OpenError> {
        let mut statements = own::create(session.dialect());
        statements.extend(schema::create(self.model, session.dialect()));
        run(session, &statements).await?;
        begin_history(session, (self.model, &self.ambient)).await?;
        Ok(Outcome::Created)
    }

    /// Makes an existing database fit the model, or says why that is impossible.
    async fn adapt(&self, session: &mut dyn SchemaSession, format: i64) -> Result<Outcome, OpenError> {
        let mut steps = Vec::new();
        if let Some(upgrade) = own::upgrade(format, session.dialect()) {
            run(session, &upgrade).await?;
            if format < 5 {
                let stored = newest(session).await?;
                let stored = stored_model(session, stored).await?;
                let renew = schema::renew_version_indexes(&stored, session.dialect());
                run(session, &renew).await?;
            }
            session.set_format(own::format(session.dialect())).await?;
            steps.push(migration::upgrade(&upgrade));
        }
        session.settle_log().await?;
        let stored = newest(session).await?;
        if stored.hash != snapshot::hash(self.model) {
            steps.extend(self.migrate(session, stored).await?);
        } else if steps.is_empty() {
            return Ok(Outcome::Unchanged);
        }
        Ok(Outcome::Migrated(steps))
    }

    async fn migrate(&self, session: &mut dyn SchemaSession, stored: Snapshot) -> Result<Vec<Step>, OpenError> {
        let old = stored_model(session, stored).await?;
        let pairing = paired(&old, self.model);
        let models = Models {
            old: &old,
            new: self.model,
            pairing: &pairing,
            dialect: session.dialect(),
            now: self.ambient.clock.now(),
        };
        let bridge = Bridge::new(models);
        let route = bridge.route();
        let planned = migration::plan(session, &route).await?;
        if let Some(refused) = migration::refused(&planned, self.options.migration) {
            return Err(refused);
        }
        let mut numbers = Numbers::stored(session).await?;
        migration::carry_out(session, &route, &planned, &self.options.on_progress).await?;
        run(session, &numbers.follow(&old, self.model, &pairing)).await?;
        run(session, &numbers.extend(self.model)).await?;
        let catalog = numbers.catalog(self.model)?;
        self.recover_versions(session, (&old, &pairing), &catalog).await?;
        migration::recount(session, (self.model, bridge.succession()), &catalog).await?;
        let number = ModelNumber(stored.number.0 + 1);
        run(session, &snapshot::keep(self.model, number, models.now)).await?;
        Ok(planned.into_iter().map(|planned| planned.step).collect())
    }
}

impl Opening<'_> {
    /// Looks up the last versions of deleted records whose ids clients can give from now on.
    async fn recover_versions(
        &self,
        session: &mut dyn SchemaSession,
        (old, pairing): (&Model, &Pairing),
        catalog: &Catalog,
    ) -> Result<(), StoreError> {
        let was_given = |new: CollectionId| pairing.collection(new).map(|before| old.collection(before).key.given);
        let begin = |after: &&Collection| after.key.given && was_given(after.id) == Some(false);
        let begin = self.model.collections.iter().filter(begin);
        let types = begin.map(|collection| (catalog.type_number(collection.id), collection.id)).collect();
        let keys = DependencyKeys::new(self.model, catalog, feed_key(session).await?);
        tombstones::recover(session, &keys, &types).await
    }
}

/// Records the first model of a database whose tables are there.
pub(crate) async fn begin_history(
    session: &mut dyn SchemaSession,
    (model, ambient): (&Model, &Ambient),
) -> Result<(), StoreError> {
    let mut feed_key = [0; 32];
    ambient.entropy.fill(&mut feed_key);
    let mut statements = Numbers::default().extend(model);
    statements.extend(snapshot::keep(model, ModelNumber(1), ambient.clock.now()));
    statements.push(own(
        "INSERT INTO backstay_meta (name, value) VALUES ('feed_key', $1)",
        vec![Param::Bytes(feed_key.as_slice().into())],
        &[],
    ));
    run(session, &statements).await?;
    session.set_format(own::format(session.dialect())).await
}

/// The steps that opening would take, without taking them.
pub(crate) async fn plan(
    session: &mut dyn SchemaSession,
    format: Option<i64>,
    (model, now): (&Model, Timestamp),
) -> Result<Vec<Step>, OpenError> {
    let dialect = session.dialect();
    let Some(format) = format else { return Ok(vec![migration::creation(model, dialect)]) };
    let upgrade = own::upgrade(format, dialect);
    let mut steps: Vec<Step> = upgrade.into_iter().map(|upgrade| migration::upgrade(&upgrade)).collect();
    let planned = planned(session, (model, now)).await?;
    steps.extend(planned.into_iter().map(|planned| planned.step));
    Ok(steps)
}

/// Why a migration to this model would be refused, as far as that can be known while others write.
#[cfg(feature = "postgres")]
pub(crate) async fn refused(
    session: &mut dyn SchemaSession,
    model: (&Model, Timestamp),
    migration: Migration,
) -> Result<Option<OpenError>, OpenError> {
    Ok(migration::refused(&planned(session, model).await?, migration))
}

/// What makes an existing database fit the model, without doing it.
async fn planned(
    session: &mut dyn SchemaSession,
    (model, now): (&Model, Timestamp),
) -> Result<Vec<migration::Planned>, OpenError> {
    let (dialect, mut planned) = (session.dialect(), Vec::new());
    session.begin().await?;
    run(session, &own::functions(dialect)).await?;
    let stored = newest(session).await?;
    if stored.hash != snapshot::hash(model) {
        let old = stored_model(session, stored).await?;
        let pairing = paired(&old, model);
        let models = Models { old: &old, new: model, pairing: &pairing, dialect, now };
        let bridge = Bridge::new(models);
        planned = migration::plan(session, &bridge.route()).await?;
    }
    session.roll_back().await?;
    Ok(planned)
}

/// What a database holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stored {
    /// An application's records.
    Records(Records),
    /// The beginning of a copy.
    UnfinishedCopy,
}

/// Which application's records a database holds, and how many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Records {
    /// The application's name in the stored model.
    pub application: String,
    /// Records of the application's types, without Backstay's own.
    pub count: u64,
}

/// What is stored; `None` in an empty database. `database` names it in errors.
pub(crate) async fn stored(session: &mut dyn SchemaSession, database: &str) -> Result<Option<Stored>, OpenError> {
    match recognize(session, database).await {
        Ok(Some(_)) => records(session).await.map(Stored::Records).map(Some),
        Ok(None) => Ok(None),
        Err(OpenError::UnfinishedCopy { .. }) => Ok(Some(Stored::UnfinishedCopy)),
        Err(error) => Err(error),
    }
}

/// The records in Backstay's tables.
pub(crate) async fn records(session: &mut dyn SchemaSession) -> Result<Records, OpenError> {
    session.begin().await?;
    let newest = newest(session).await?;
    let model = stored_model(session, newest).await?;
    let mut records = 0;
    for collection in model.collections.iter().filter(|collection| !collection.system) {
        // Names of tables consist of letters, digits and `_`.
        let count = own(&format!("SELECT count(*) FROM \"{}\"", collection.table), vec![], &[Storage::Int]);
        let visit = &mut |row: &dyn OwnRow| {
            records += u64::try_from(own::int(row, 0)?).map_err(|_| StoreError::Catalog("sqlite_schema"))?;
            Ok(())
        };
        session.query(&count, visit).await?;
    }
    session.roll_back().await?;
    Ok(Records { application: model.name, count: records })
}

/// Missing objects that an error names at most.
const NAMED_MISSING: usize = 10;

/// Refuses a database that lacks something the model stores, before a request runs into it.
pub(crate) async fn verify(session: &mut dyn SchemaSession, model: &Model) -> Result<(), OpenError> {
    let found = session.objects().await?;
    let mut missing = Vec::new();
    for table in schema::expected(model, session.dialect()) {
        if !found.contains(&Object::Table(table.name.clone())) {
            missing.push(format!("table {}", table.name));
            continue;
        }
        for column in table.columns {
            if !found.contains(&Object::Column(table.name.clone(), column.clone())) {
                missing.push(format!("column {}.{column}", table.name));
            }
        }
        for index in table.indexes {
            if !found.contains(&Object::Index(index.clone())) {
                missing.push(format!("index {index}"));
            }
        }
    }
    missing.truncate(NAMED_MISSING);
    if missing.is_empty() { Ok(()) } else { Err(OpenError::Changed { missing }) }
}

/// The model that the database was opened with last.
pub(crate) async fn newest(session: &mut dyn SchemaSession) -> Result<Snapshot, OpenError> {
    let mut newest = None;
    let visit = &mut |row: &dyn OwnRow| {
        newest = Some(snapshot::read(row)?);
        Ok(())
    };
    session.query(&snapshot::newest(), visit).await?;
    newest.ok_or(OpenError::Store(StoreError::Catalog("backstay_model")))
}

/// The same as a model.
pub(crate) async fn stored_model(session: &mut dyn SchemaSession, stored: Snapshot) -> Result<Model, OpenError> {
    let mut files: Vec<SourceFile> = Vec::new();
    let visit = &mut |row: &dyn OwnRow| {
        files.push(snapshot::read_file(row)?);
        Ok(())
    };
    session.query(&snapshot::files(stored.number), visit).await?;
    load_stored(files).map(|loaded| loaded.model).map_err(|_| OpenError::OldModel)
}

/// The key of dependency keys.
pub(crate) async fn feed_key(session: &mut dyn SchemaSession) -> Result<[u8; 32], StoreError> {
    let query = own("SELECT value FROM backstay_meta WHERE name = 'feed_key'", vec![], &[Storage::Bytes]);
    let mut key = None;
    let visit = &mut |row: &dyn OwnRow| {
        key = Some(array(row, 0)?);
        Ok(())
    };
    session.query(&query, visit).await?;
    key.ok_or(StoreError::Catalog("backstay_meta"))
}

/// The place of the log's last entry, with a moment that none of the entries before it exceeds.
async fn last_place(session: &mut dyn SchemaSession) -> Result<Option<Place>, StoreError> {
    let Some((last, entry)) = place(session, &log::last()).await? else { return Ok(None) };
    if entry.model.is_some() {
        return Ok(Some(last));
    }
    let latest = place(session, &log::latest()).await?;
    Ok(latest.map(|(latest, _)| Place { moment: latest.moment, ..last }))
}

async fn place(session: &mut dyn SchemaSession, statement: &Statement) -> Result<Option<(Place, Entry)>, StoreError> {
    let mut found = None;
    let visit = &mut |row: &dyn OwnRow| {
        found = Some(log::read_place(row)?);
        Ok(())
    };
    session.query(statement, visit).await?;
    Ok(found)
}

/// Runs statements in their order.
pub(crate) async fn run(session: &mut dyn SchemaSession, statements: &[Statement]) -> Result<(), StoreError> {
    for statement in statements {
        session.execute(statement).await?;
    }
    Ok(())
}
