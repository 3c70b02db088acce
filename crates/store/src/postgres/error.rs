use std::fmt;
use std::sync::Arc;

use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

use crate::{Cause, StoreError};

/// Why the server refused a statement, without the values that its own messages repeat.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    /// Absent where the connection was lost.
    code: Option<SqlState>,
    table: Option<String>,
    constraint: Option<String>,
    /// The columns of a unique index.
    columns: Vec<String>,
    /// The number of changed rows that a `Marker` refused.
    rows: Option<u64>,
}

/// How many rows a statement must change.
#[derive(Debug, Clone, Copy)]
pub(super) struct Marker {
    pub(super) expected: u64,
    /// Whether another number means that the operation should be run again.
    pub(super) run_again: bool,
}

/// Begins the text whose cast to a number makes the server refuse a wrong number of rows.
const ROWS: &str = "rows:";

impl Marker {
    /// The statement, refused by the server itself where it changes another number of rows.
    pub(super) fn guard(self, text: &str) -> String {
        let expected = self.expected;
        format!(
            "WITH staged AS ({text} RETURNING 1) \
             SELECT CASE WHEN count(*) = {expected} THEN 1 ELSE ('{ROWS}' || count(*))::int END FROM staged"
        )
    }
}

impl Refusal {
    pub(super) fn of(error: &Error) -> Self {
        let Some(refused) = error.as_db_error() else {
            return Self { code: None, table: None, constraint: None, columns: Vec::new(), rows: None };
        };
        Self {
            code: Some(refused.code().clone()),
            table: refused.table().map(str::to_owned),
            constraint: refused.constraint().map(str::to_owned),
            columns: refused.detail().map(columns).unwrap_or_default(),
            rows: refused.message().split_once(ROWS).and_then(|(_, rest)| rest.trim_end_matches('"').parse().ok()),
        }
    }

    /// Whether there was no answer.
    pub(super) fn is_lost(&self) -> bool {
        self.code.is_none() || self.code.as_ref().is_some_and(|code| code.code().starts_with("57P"))
    }

    /// The number of rows that this marker refused.
    pub(super) fn rows(&self, _marker: Marker) -> Option<u64> {
        self.rows.filter(|_| self.code == Some(SqlState::INVALID_TEXT_REPRESENTATION))
    }

    /// The store's error; `conflict` is set where another transaction was in the way.
    pub(super) fn note(self, conflict: &mut bool) -> StoreError {
        let Some(code) = self.code.clone() else { return StoreError::Database(self.into_cause()) };
        match code.code() {
            "40001" | "40P01" => {
                *conflict = true;
                StoreError::Busy
            }
            "23505" => {
                let Self { table, columns, .. } = self;
                StoreError::Unique { table: table.unwrap_or_default(), columns }
            }
            "23503" => StoreError::ForeignKey,
            "25P02" => StoreError::Aborted,
            "25006" => StoreError::ReadOnly,
            "53100" => StoreError::Full,
            "57014" => StoreError::StepLimit,
            other if other.starts_with("23") => StoreError::Constraint(self.into_cause()),
            _ => StoreError::Database(self.into_cause()),
        }
    }

    pub(super) fn into_cause(self) -> Cause {
        Arc::new(self)
    }
}

/// The columns that PostgreSQL names in the detail of a unique violation alone: `Key (section, slug)=(…) already
/// exists.`
fn columns(detail: &str) -> Vec<String> {
    let list = detail.strip_prefix("Key (").and_then(|rest| rest.split_once(")=(")).map_or("", |(list, _)| list);
    list.split(", ").filter(|name| !name.is_empty()).map(|name| name.trim_matches('"').to_owned()).collect()
}

/// An error outside of operations.
#[expect(clippy::needless_pass_by_value, reason = "the form that `map_err` wants")]
pub(super) fn plain(error: Error) -> StoreError {
    Refusal::of(&error).note(&mut false)
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(code) = &self.code else { return f.write_str("the connection to PostgreSQL was lost") };
        write!(f, "PostgreSQL answered {}", code.code())?;
        match (&self.table, &self.constraint) {
            (Some(table), Some(constraint)) => write!(f, " for {constraint} of {table}"),
            (Some(table), None) => write!(f, " for {table}"),
            (None, _) => Ok(()),
        }
    }
}

impl std::error::Error for Refusal {}
