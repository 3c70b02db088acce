//! Statements that make the tables of another program those of a model. PostgreSQL alone; none has parameters, and none
//! writes a row anew.

use backstay_model::Link;
use backstay_scalar::Storage;

use crate::definition::{quoted, raw};
use crate::schema::reverse_index;
use crate::{Dialect, Statement};

/// Lets the values of an enum be compared with texts, and be written as such.
pub fn convert_enum(name: &str) -> Vec<Statement> {
    let name = quoted(name);
    vec![
        raw(format!("CREATE CAST ({name} AS text) WITH INOUT AS IMPLICIT")),
        raw(format!("CREATE CAST (text AS {name}) WITH INOUT AS ASSIGNMENT")),
    ]
}

/// Keeps others from the tables until the transaction ends, or fails after so many seconds.
pub fn lock(tables: &[&str], seconds: u64) -> Vec<Statement> {
    let mut statements = vec![raw(format!("SET LOCAL lock_timeout = '{seconds}s'"))];
    if !tables.is_empty() {
        let tables: Vec<String> = tables.iter().map(|table| quoted(table)).collect();
        statements.push(raw(format!("LOCK TABLE ONLY {} IN ACCESS EXCLUSIVE MODE", tables.join(", ONLY "))));
    }
    statements
}

/// A column that every record has and the table of another program doesn't: rows get a value without being written, and
/// so do those that other programs insert.
pub fn add_moment(table: &str, column: &str) -> Statement {
    let [table, column] = [table, column].map(quoted);
    raw(format!("ALTER TABLE {table} ADD COLUMN {column} timestamptz NOT NULL DEFAULT now()"))
}

/// The same of the version.
pub fn add_version(table: &str, column: &str) -> Statement {
    let [table, column] = [table, column].map(quoted);
    raw(format!("ALTER TABLE {table} ADD COLUMN {column} bigint NOT NULL DEFAULT 1"))
}

/// Makes a column one of texts that are compared byte by byte. Its indexes are built again.
pub fn to_text(table: &str, column: &str) -> Statement {
    let [table, column] = [table, column].map(quoted);
    raw(format!("ALTER TABLE {table} ALTER COLUMN {column} TYPE text COLLATE \"C\""))
}

/// Makes a column of moments in UTC one of moments with a time zone. In a session whose time zone is UTC, no row changes.
pub fn to_moment(table: &str, column: &str) -> Statement {
    let [table, column] = [table, column].map(quoted);
    raw(format!("ALTER TABLE {table} ALTER COLUMN {column} TYPE timestamptz"))
}

/// Has a foreign key checked by each statement.
pub fn check_at_once(table: &str, reference: &str) -> Statement {
    let [table, reference] = [table, reference].map(quoted);
    raw(format!("ALTER TABLE {table} ALTER CONSTRAINT {reference} NOT DEFERRABLE"))
}

/// Removes a constraint. What rests on it is in the way.
pub fn drop_constraint(table: &str, constraint: &str) -> Statement {
    let [table, constraint] = [table, constraint].map(quoted);
    raw(format!("ALTER TABLE {table} DROP CONSTRAINT {constraint}"))
}

/// The highest number in a column; 0 in an empty table.
pub fn highest(table: &str, column: &str) -> Statement {
    let [table, column] = [table, column].map(quoted);
    Statement::raw(format!("SELECT coalesce(max({column}), 0)::bigint FROM {table}"), Vec::new(), &[Storage::Int])
}

/// What a value of a column can be that no field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misfit {
    /// A moment outside of the years 1 to 9999.
    Moment,
    /// A day outside of them.
    Day,
    /// A number that isn't finite.
    NotFinite,
    /// A number that no record can have as its key.
    KeyNumber,
    /// A text that no record can have as its key.
    KeyText,
    /// A text with more characters than so many.
    Longer(u32),
}

impl Misfit {
    fn condition(self, column: &str) -> String {
        match self {
            // The server shifts what it compares a moment without a time zone with, so both are compared as such.
            Self::Moment => format!(
                "{column}::timestamp NOT BETWEEN '0001-01-01'::timestamp AND '9999-12-30 22:00:00.999999'::timestamp"
            ),
            Self::Day => format!("{column} NOT BETWEEN '0001-01-01'::date AND '9999-12-31'::date"),
            Self::NotFinite => format!("{column}::text IN ('NaN', 'Infinity', '-Infinity')"),
            Self::KeyNumber => format!("{column} NOT BETWEEN 1 AND 999999999999998"),
            Self::KeyText => format!(
                "octet_length({column}::text) NOT BETWEEN 1 AND 64 OR {column}::text ~ '[/[:cntrl:]]|^[[:space:]]|[[:space:]]$' \
                 OR {column}::text IN ('.', '..') OR {column}::text IS NOT NORMALIZED"
            ),
            Self::Longer(characters) => format!("char_length({column}::text) > {characters}"),
        }
    }
}

/// How many rows of a table have such values, one number for each question.
pub fn misfits(table: &str, questions: &[(String, Misfit)]) -> Statement {
    let counts: Vec<String> = questions
        .iter()
        .map(|(column, misfit)| format!("count(*) FILTER (WHERE {})", misfit.condition(&quoted(column))))
        .collect();
    let columns = vec![Storage::Int; questions.len()];
    Statement::raw(format!("SELECT {} FROM {}", counts.join(", "), quoted(table)), Vec::new(), &columns)
}

/// The index of a table of links from the far end to the near one.
pub fn reverse(link: &Link) -> Statement {
    raw(Dialect::Postgres.schema(&reverse_index(link, Dialect::Postgres)))
}
