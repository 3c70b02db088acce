use std::collections::HashSet;

use super::connection::{Mode, SqliteSession};
use super::error::store_error;
use crate::StoreError;
use crate::session::{Answer, Contents, Object, SchemaSession, at_once};

/// SQLite's `application_id` of a database of Backstay: "`BkSt`".
const APPLICATION_ID: i64 = 0x426B_5374;

/// The columns of all tables, then all tables and indexes: kind, name, column.
const OBJECTS: &str = "SELECT 'column', m.name, p.name FROM sqlite_schema AS m, pragma_table_info(m.name) AS p \
                       WHERE m.type = 'table' UNION ALL SELECT type, name, '' FROM sqlite_schema";

impl SchemaSession for SqliteSession {
    fn contents(&mut self) -> Answer<'_, Contents> {
        at_once(contents(self))
    }

    fn set_format(&mut self, format: i64) -> Answer<'_, ()> {
        let marks = format!("PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {format}");
        at_once(self.db.execute_batch(&marks).map_err(store_error))
    }

    fn settle_log(&mut self) -> Answer<'_, ()> {
        // Entries have their places when they are committed.
        at_once(Ok(()))
    }

    fn objects(&mut self) -> Answer<'_, HashSet<Object>> {
        at_once(objects(self).map_err(store_error))
    }

    fn begin(&mut self) -> Answer<'_, ()> {
        self.lift_limits();
        // Neither setting can be changed within a transaction. Tables are replaced while others refer to them, and what is
        // sorted for an index can be larger than the memory.
        let set = self.db.execute_batch("PRAGMA foreign_keys = OFF; PRAGMA temp_store = FILE;").map_err(store_error);
        let begun = match self.mode() {
            Mode::Writer => "BEGIN IMMEDIATE",
            Mode::Reader | Mode::Planner => "BEGIN",
        };
        at_once(set.and_then(|()| self.command(begun)))
    }

    fn commit(&mut self) -> Answer<'_, ()> {
        at_once(self.command("COMMIT").and_then(|()| settle(self)))
    }

    fn roll_back(&mut self) -> Answer<'_, ()> {
        let ended = if self.db.is_autocommit() { Ok(()) } else { self.command("ROLLBACK") };
        at_once(ended.and_then(|()| settle(self)))
    }
}

/// The settings outside of a change of the schema.
fn settle(session: &SqliteSession) -> Result<(), StoreError> {
    session.db.execute_batch("PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;").map_err(store_error)
}

fn contents(session: &SqliteSession) -> Result<Contents, StoreError> {
    let number = |text: &str| -> Result<i64, StoreError> {
        session.db.query_row(text, [], |row| row.get(0)).map_err(store_error)
    };
    let application = number("PRAGMA application_id")?;
    let format = number("PRAGMA user_version")?;
    let tables = number("SELECT count(*) FROM sqlite_schema")?;
    Ok(match application {
        APPLICATION_ID => Contents::of_format(format),
        // A server that was killed in its first moments leaves an empty database behind.
        0 if format == 0 && tables == 0 => Contents::Nothing,
        _ => Contents::Foreign,
    })
}

fn objects(session: &SqliteSession) -> Result<HashSet<Object>, rusqlite::Error> {
    let mut found = HashSet::new();
    let mut statement = session.db.prepare(OBJECTS)?;
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next()? {
        let (kind, name, column): (String, String, String) = row.try_into()?;
        match kind.as_str() {
            "column" => found.insert(Object::Column(name, column)),
            "index" => found.insert(Object::Index(name)),
            "table" => found.insert(Object::Table(name)),
            // Views and triggers are not Backstay's.
            _ => continue,
        };
    }
    Ok(found)
}
