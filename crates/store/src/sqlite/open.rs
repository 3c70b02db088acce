use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use backstay_base::Ambient;
use backstay_model::{Model, SourceFile, load};
use backstay_scalar::Storage;
use backstay_sql::{Dialect, Param, Statement, schema};
use rusqlite::ErrorCode;

use super::error::store_error;
use super::file;
use super::session::{Mode, Session};
use crate::catalog::Numbers;
use crate::migration::{self, Planned};
use crate::own::{self, APPLICATION_ID, FORMAT, array, own};
use crate::snapshot::{self, Snapshot};
use crate::{Catalog, Migration, OpenError, OpenOptions, Outcome, Step, StoreError};

/// The least version of SQLite: earlier ones can damage a database when the write-ahead log starts anew.
const SQLITE_AT_LEAST: i32 = 3_051_003;

/// A database that fits the model.
pub(super) struct Database {
    pub(super) session: Session,
    pub(super) catalog: Catalog,
    pub(super) feed_key: [u8; 32],
    pub(super) outcome: Outcome,
}

/// Opens the file, which nobody else has open, and makes it fit the model.
pub(super) fn database(
    path: &Path,
    options: &OpenOptions,
    model: &Model,
    ambient: &Ambient,
) -> Result<Database, OpenError> {
    check_sqlite()?;
    file::check(path)?;
    let mut session = Session::open(path, Mode::Writer).map_err(|error| refused(path, error))?;
    let fresh = is_fresh(&session, path)?;
    let mode: String = session
        .db
        .query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))
        .map_err(|error| refused(path, error))?;
    if mode != "wal" {
        return Err(OpenError::FileSystem { path: path.to_owned() });
    }
    if let Some(pages) = options.max_pages {
        session.db.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(())).map_err(store_error)?;
    }
    let outcome = if fresh {
        create(&mut session, model, ambient)?;
        Outcome::Created
    } else {
        adapt(&mut session, options.migration, model, ambient)?
    };
    verify(&session, model)?;
    let catalog = numbers(&mut session)?.catalog(model)?;
    let feed_key = feed_key(&mut session)?;
    Ok(Database { session, catalog, feed_key, outcome })
}

/// What `database` would do to the file, without doing it.
pub(super) fn plan(path: &Path, model: &Model) -> Result<Vec<Step>, OpenError> {
    check_sqlite()?;
    let creation = || vec![migration::creation(&own::create(Dialect::Sqlite), &schema::create(model, Dialect::Sqlite))];
    if !path.exists() {
        return Ok(creation());
    }
    file::check(path)?;
    let mut session = Session::open(path, Mode::Reader).map_err(|error| refused(path, error))?;
    if is_fresh(&session, path)? {
        return Ok(creation());
    }
    let stored = newest(&mut session)?;
    if stored.hash == snapshot::hash(model) {
        return Ok(Vec::new());
    }
    let old = stored_model(&mut session, stored)?;
    Ok(migration::plan(&old, model, Dialect::Sqlite).into_iter().map(|planned| planned.step).collect())
}

fn check_sqlite() -> Result<(), OpenError> {
    if rusqlite::version_number() < SQLITE_AT_LEAST {
        return Err(OpenError::Sqlite { found: rusqlite::version() });
    }
    Ok(())
}

/// Whether nothing was ever stored in the file; refuses one that is not ours or too new.
fn is_fresh(session: &Session, path: &Path) -> Result<bool, OpenError> {
    let number = |text: &str| -> Result<i64, OpenError> {
        session.db.query_row(text, [], |row| row.get(0)).map_err(|error| refused(path, error))
    };
    let application = number("PRAGMA application_id")?;
    let format = number("PRAGMA user_version")?;
    let tables = number("SELECT count(*) FROM sqlite_schema")?;
    if application != APPLICATION_ID {
        // A server that was killed in its first moments leaves an empty database behind.
        let empty = application == 0 && format == 0 && tables == 0;
        return if empty { Ok(true) } else { Err(OpenError::NotOurs { path: path.to_owned() }) };
    }
    if format > FORMAT {
        return Err(OpenError::Newer { path: path.to_owned(), found: format, known: FORMAT });
    }
    Ok(false)
}

fn create(session: &mut Session, model: &Model, ambient: &Ambient) -> Result<(), OpenError> {
    let mut feed_key = [0; 32];
    ambient.entropy.fill(&mut feed_key);
    let mut statements = own::create(Dialect::Sqlite);
    statements.extend(schema::create(model, Dialect::Sqlite));
    statements.extend(Numbers::default().extend(model));
    statements.extend(snapshot::keep(model, 1, ambient.clock.now()));
    statements.push(own(
        "INSERT INTO backstay_meta (name, value) VALUES ('feed_key', $1)",
        vec![Param::Bytes(feed_key.as_slice().into())],
        &[],
    ));
    in_transaction(session, |session| {
        let marks = format!("PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {FORMAT}");
        session.db.execute_batch(&marks).map_err(store_error)?;
        run(session, &statements)?;
        Ok(())
    })
}

/// Makes an existing database fit the model, or says why it does not.
fn adapt(session: &mut Session, migration: Migration, model: &Model, ambient: &Ambient) -> Result<Outcome, OpenError> {
    let stored = newest(session)?;
    if stored.hash == snapshot::hash(model) {
        return Ok(Outcome::Unchanged);
    }
    let old = stored_model(session, stored)?;
    let planned = migration::plan(&old, model, Dialect::Sqlite);
    let mut refused = migration::refused(&planned);
    if migration == Migration::Refuse {
        refused = planned.iter().map(|planned| planned.step.words.clone()).collect();
    }
    if !refused.is_empty() {
        return Err(OpenError::Migration { refused });
    }
    let mut numbers = numbers(session)?;
    in_transaction(session, |session| {
        for planned in &planned {
            run(session, &planned.statements).map_err(|error| obstacle(planned, error))?;
        }
        run(session, &numbers.extend(model))?;
        run(session, &snapshot::keep(model, stored.number + 1, ambient.clock.now()))?;
        Ok(())
    })?;
    Ok(Outcome::Migrated(planned.into_iter().map(|planned| planned.step).collect()))
}

/// Missing things that are named at the most.
const NAMED_MISSING: usize = 10;

/// Refuses a database that lacks what the model stores, before a request meets it.
fn verify(session: &Session, model: &Model) -> Result<(), OpenError> {
    const COLUMNS: &str = "SELECT 'column', m.name || '.' || p.name FROM sqlite_schema AS m, pragma_table_info(m.name) AS p \
                           WHERE m.type = 'table' UNION ALL SELECT type, name FROM sqlite_schema";
    let mut found = HashSet::new();
    let mut statement = session.db.prepare(COLUMNS).map_err(store_error)?;
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next().map_err(store_error)? {
        let (kind, name): (String, String) = row.try_into().map_err(store_error)?;
        found.insert(format!("{kind} {name}"));
    }
    let mut missing = Vec::new();
    for table in schema::expected(model) {
        let own = format!("table {}", table.name);
        if !found.contains(&own) {
            missing.push(own);
            continue;
        }
        let columns = table.columns.iter().map(|column| format!("column {}.{column}", table.name));
        let indexes = table.indexes.iter().map(|index| format!("index {index}"));
        missing.extend(columns.chain(indexes).filter(|thing| !found.contains(thing)));
    }
    missing.truncate(NAMED_MISSING);
    if missing.is_empty() { Ok(()) } else { Err(OpenError::Changed { missing }) }
}

/// Why a step failed: a unique index that stored records refuse is the model's matter, not the database's.
fn obstacle(planned: &Planned, error: StoreError) -> OpenError {
    match (&planned.unique_index, error) {
        (Some((collection, index)), StoreError::Unique { columns, .. }) => {
            let refused = format!(
                "the unique index '{index}' of {collection} cannot be made, because stored records have the same {}; \
                 make them differ first",
                columns.join(" and ")
            );
            OpenError::Migration { refused: vec![refused] }
        }
        (_, error) => OpenError::Store(error),
    }
}

fn newest(session: &mut Session) -> Result<Snapshot, OpenError> {
    let mut newest = None;
    session.rows(&snapshot::newest(), &mut |row| {
        newest = Some(snapshot::read(row)?);
        Ok(())
    })?;
    newest.ok_or(OpenError::Store(StoreError::Catalog("backstay_model")))
}

fn stored_model(session: &mut Session, stored: Snapshot) -> Result<Model, OpenError> {
    let mut files: Vec<SourceFile> = Vec::new();
    session.rows(&snapshot::files(stored.number), &mut |row| {
        files.push(snapshot::read_file(row)?);
        Ok(())
    })?;
    load(files).map(|loaded| loaded.model).map_err(|_| OpenError::Migration {
        refused: vec![
            "this Backstay no longer understands the stored model; start the Backstay that wrote it once more with \
             the new model, then this one"
                .to_owned(),
        ],
    })
}

fn numbers(session: &mut Session) -> Result<Numbers, StoreError> {
    let mut numbers = Numbers::default();
    session.rows(&Numbers::query(), &mut |row| numbers.add(row))?;
    Ok(numbers)
}

fn feed_key(session: &mut Session) -> Result<[u8; 32], StoreError> {
    let query = own("SELECT value FROM backstay_meta WHERE name = 'feed_key'", vec![], &[Storage::Bytes]);
    let mut key = None;
    session.rows(&query, &mut |row| {
        key = Some(array(row, 0)?);
        Ok(())
    })?;
    key.ok_or(StoreError::Catalog("backstay_meta"))
}

fn in_transaction(
    session: &mut Session,
    action: impl FnOnce(&mut Session) -> Result<(), OpenError>,
) -> Result<(), OpenError> {
    session.command("BEGIN IMMEDIATE").map_err(store_error)?;
    let done = action(session).and_then(|()| Ok(session.command("COMMIT").map_err(store_error)?));
    if done.is_err() && !session.db.is_autocommit() {
        session.command("ROLLBACK").map_err(store_error)?;
    }
    done
}

fn run(session: &mut Session, statements: &[Statement]) -> Result<(), StoreError> {
    statements.iter().try_for_each(|statement| session.execute(statement).map(|_| ()))
}

/// Why SQLite does not open the file.
fn refused(path: &Path, error: rusqlite::Error) -> OpenError {
    let path = path.to_owned();
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            OpenError::Corrupt { path, source: Arc::new(error) }
        }
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => OpenError::ReadOnly { path },
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => OpenError::Locked { path },
        _ => OpenError::Store(store_error(error)),
    }
}
