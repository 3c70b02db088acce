use std::cell::Cell;
use std::ops::{Deref, DerefMut};

use backstay_base::limits;
use backstay_sql::Statement;
use rusqlite::{CachedStatement, Connection, StatementStatus};

/// Prepared statements that one connection keeps, as long as they have no more than `KEPT_BYTES` together.
const STATEMENTS: usize = 1024;
/// Bytes of memory in the prepared statements that one connection keeps.
const KEPT_BYTES: usize = 8 * 1024 * 1024;

/// The prepared statements that a connection keeps. Clients can send any number of different ones, and only SQLite knows
/// how much memory each has.
#[derive(Debug)]
pub(super) struct KeptStatements {
    /// Bytes of those that were prepared since there was none.
    bytes: Cell<usize>,
}

/// A statement that can be run.
pub(super) enum Prepared<'d> {
    /// One that is kept when this is dropped.
    Kept(CachedStatement<'d>),
    /// One that isn't worth its memory.
    Once(rusqlite::Statement<'d>),
}

impl<'d> Deref for Prepared<'d> {
    type Target = rusqlite::Statement<'d>;

    fn deref(&self) -> &Self::Target {
        match self {
            Self::Kept(statement) => statement,
            Self::Once(statement) => statement,
        }
    }
}

impl DerefMut for Prepared<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        match self {
            Self::Kept(statement) => statement,
            Self::Once(statement) => statement,
        }
    }
}

impl KeptStatements {
    /// Those of a new connection.
    pub(super) fn of(db: &Connection) -> Self {
        db.set_prepared_statement_cache_capacity(STATEMENTS);
        Self { bytes: Cell::new(0) }
    }

    /// Prepares a statement, unless it is kept.
    pub(super) fn prepare<'d>(
        &self,
        db: &'d Connection,
        statement: &Statement,
    ) -> Result<Prepared<'d>, rusqlite::Error> {
        if statement.text().len() > limits::KEPT_STATEMENT_BYTES {
            return db.prepare(statement.text()).map(Prepared::Once);
        }
        let prepared = db.prepare_cached(statement.text())?;
        if prepared.get_status(StatementStatus::Run) == 0 {
            self.count(db, &prepared);
        }
        Ok(Prepared::Kept(prepared))
    }

    /// Counts a statement that was prepared just now; drops all others if they would have too much memory with it.
    fn count(&self, db: &Connection, prepared: &CachedStatement<'_>) {
        // SQLite's counters are signed; this one is never negative.
        let bytes = usize::try_from(prepared.get_status(StatementStatus::MemUsed)).unwrap_or(0);
        let all = self.bytes.get() + bytes;
        if all <= KEPT_BYTES {
            return self.bytes.set(all);
        }
        db.flush_prepared_statement_cache();
        self.bytes.set(bytes);
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::super::connection::{Mode, SqliteSession};
    use super::*;

    #[test]
    fn the_statements_that_a_connection_keeps_have_limited_memory() {
        let directory = TempDir::new().expect("a directory");
        let mut session = SqliteSession::open(&directory.path().join("test.db"), Mode::Writer).expect("a database");
        session.db.execute_batch("CREATE TABLE post (title TEXT) STRICT").expect("a table");
        let run = |session: &mut SqliteSession, text: &str| {
            let statement = Statement::raw(text, vec![], &[backstay_scalar::Storage::Text]);
            session.read(&statement, &mut |_| Ok(())).expect("a read");
        };
        let is_prepared = |session: &SqliteSession, text: &str| {
            session.db.prepare_cached(text).expect("prepared").get_status(StatementStatus::Run) > 0
        };
        let first = "SELECT title FROM post";
        run(&mut session, first);
        assert!(is_prepared(&session, first));
        let long = |number: u32| {
            let terms: Vec<String> = (0..200).map(|term| format!("title = 'a{number}b{term}'")).collect();
            format!("SELECT title FROM post WHERE {}", terms.join(" OR "))
        };
        let mut greatest = 0;
        for number in 0..1000 {
            run(&mut session, &long(number));
            greatest = greatest.max(session.kept.bytes.get());
        }
        assert!(greatest > KEPT_BYTES / 2, "{greatest}: they use memory");
        assert!(greatest <= KEPT_BYTES, "{greatest}");
        assert!(!is_prepared(&session, first), "it was dropped with the others");
        assert!(is_prepared(&session, &long(999)));
        // A statement that is not kept counts nothing.
        let before = session.kept.bytes.get();
        run(&mut session, &format!("SELECT title FROM post WHERE title <> '{}'", "x".repeat(20_000)));
        assert_eq!(session.kept.bytes.get(), before);
    }
}
