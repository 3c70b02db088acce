use std::fmt;
use std::io::{self, ErrorKind};
use std::sync::Arc;

use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

use super::silence::Heard;
use crate::own::{EXPECT_ROWS, UNEXPECTED_ROWS};
use crate::server_functions::TOO_LARGE;
use crate::{Cause, StoreError};

/// The SQLSTATE of a text that the server can't build.
const PROGRAM_LIMIT_EXCEEDED: &str = "54000";
/// Of a lock that wasn't to be had within `lock_timeout`.
const LOCK_NOT_AVAILABLE: &str = "55P03";
/// Of a server that has no free connection, and of one that is starting or stopping.
const TOO_MANY_CONNECTIONS: &str = "53300";
const CANNOT_CONNECT_NOW: &str = "57P03";
/// The severity of what ends a connection, as poolers write it, and servers without translations.
const FATAL: &str = "FATAL";
/// Of a transaction that must not write.
const READ_ONLY_TRANSACTION: &str = "25006";
/// What reads the values of enums in the server.
const READS_ENUM: &str = "enum_in";
/// Of a text that isn't a value of a type.
const INVALID_TEXT_REPRESENTATION: &str = "22P02";
/// Of a right that the user lacks.
const INSUFFICIENT_PRIVILEGE: &str = "42501";

/// Why the server refused a statement, without its message, which repeats values.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    /// Absent if the server didn't say it.
    code: Option<SqlState>,
    /// Whether the connection was lost.
    lost: bool,
    table: Option<String>,
    constraint: Option<String>,
    detail: Option<String>,
    /// Whether the server has read a text as a value of an enum.
    of_enum: bool,
}

/// How many rows a statement that is sent together with COMMIT must change.
#[derive(Debug, Clone, Copy)]
pub(super) struct Guard {
    pub(super) expected: u64,
    /// Whether any other number means that the transaction should be run again.
    pub(super) run_again: bool,
}

impl Guard {
    /// The statement, for which the server raises an error if it changes another number of rows: COMMIT is already on its
    /// way when that number would arrive here.
    pub(super) fn apply(self, text: &str) -> String {
        let expected = self.expected;
        format!("WITH staged AS ({text} RETURNING 1) SELECT {EXPECT_ROWS}(count(*), {expected}) FROM staged")
    }

    /// The same of a statement that reads.
    pub(super) fn apply_to_rows(self, text: &str) -> String {
        let expected = self.expected;
        format!("SELECT {EXPECT_ROWS}(count(*), {expected}) FROM ({text}) AS found")
    }
}

impl Refusal {
    pub(super) fn of(error: &Error) -> Self {
        let Some(refused) = error.as_db_error() else {
            let io = std::error::Error::source(error).is_some_and(<dyn std::error::Error>::is::<io::Error>);
            return Self { lost: error.is_closed() || io, ..Self::unsent() };
        };
        let code = refused.code().code();
        Self {
            // The server ended the connection, at an administrator's request or because the transaction was idle for too long; or
            // a pooler did, which has one code for all that it refuses.
            lost: code.starts_with("57P") || code == "25P03" || refused.severity() == FATAL,
            code: Some(refused.code().clone()),
            table: refused.table().map(str::to_owned),
            constraint: refused.constraint().map(str::to_owned),
            detail: refused.detail().map(str::to_owned),
            of_enum: refused.routine() == Some(READS_ENUM),
        }
    }

    /// Of a statement that can't be sent, because the connection is known to be lost.
    pub(super) fn unsent() -> Self {
        Self { code: None, lost: true, table: None, constraint: None, detail: None, of_enum: false }
    }

    /// Whether the server lets nobody write.
    pub(super) fn is_read_only(&self) -> bool {
        self.has(READ_ONLY_TRANSACTION)
    }

    /// Whether a value isn't one of an enum of the database, as a column of an adopted table can have it.
    pub(super) fn is_no_value(&self) -> bool {
        self.of_enum && self.has(INVALID_TEXT_REPRESENTATION)
    }

    /// Whether the user lacks a right.
    pub(super) fn is_forbidden(&self) -> bool {
        self.has(INSUFFICIENT_PRIVILEGE)
    }

    fn has(&self, code: &str) -> bool {
        self.code.as_ref().is_some_and(|known| known.code() == code)
    }

    /// Whether it isn't known what the server did.
    pub(super) fn is_lost(&self) -> bool {
        self.lost || self.code.is_none()
    }

    /// Whether what was to be read is too large.
    pub(super) fn is_too_large(&self) -> bool {
        self.code.as_ref().is_some_and(|code| matches!(code.code(), TOO_LARGE | PROGRAM_LIMIT_EXCEEDED))
    }

    /// The number of rows that a guard refused.
    pub(super) fn guarded_rows(&self) -> Option<u64> {
        self.detail.as_ref().filter(|_| self.has(UNEXPECTED_ROWS)).and_then(|rows| rows.parse().ok())
    }

    /// The store's error; sets `may_run_again` if another transaction was in the way, or the connection was lost.
    pub(super) fn note(self, may_run_again: &mut bool) -> StoreError {
        if self.lost {
            *may_run_again = true;
            return StoreError::Unreachable(self.into_cause());
        }
        let Some(code) = self.code.clone() else { return StoreError::Database(self.into_cause()) };
        match code.code() {
            "40001" | "40P01" => {
                *may_run_again = true;
                StoreError::Busy
            }
            "23505" => {
                let columns = self.detail.as_deref().and_then(columns);
                match (self.table.clone(), columns) {
                    (Some(table), Some(columns)) => StoreError::Unique { table, columns },
                    _ => StoreError::Constraint(self.into_cause()),
                }
            }
            "23503" => StoreError::ForeignKey,
            "23514" | "23P01" => match self.constraint.clone() {
                Some(constraint) => StoreError::Check { constraint },
                None => StoreError::Constraint(self.into_cause()),
            },
            "25P02" => StoreError::Aborted,
            READ_ONLY_TRANSACTION => StoreError::ReadOnly,
            "53100" => StoreError::Full,
            LOCK_NOT_AVAILABLE => StoreError::Locked,
            "57014" => StoreError::TimeLimit,
            TOO_LARGE | PROGRAM_LIMIT_EXCEEDED => StoreError::TooLarge,
            other if other.starts_with("23") => StoreError::Constraint(self.into_cause()),
            _ => StoreError::Database(self.into_cause()),
        }
    }

    pub(super) fn into_cause(self) -> Cause {
        Arc::new(self)
    }
}

/// The columns of a unique index, which PostgreSQL names only in the detail: `Key (section, slug)=(…) already exists.`
fn columns(detail: &str) -> Option<Vec<String>> {
    let (list, _) = detail.strip_prefix("Key (")?.split_once(")=(")?;
    Some(list.split(", ").map(|name| name.trim_matches('"').to_owned()).collect())
}

/// Whether the server may have a connection in a moment.
pub(super) fn is_crowded(error: &Error) -> bool {
    let code = error.as_db_error().map(|refused| refused.code().code());
    matches!(code, Some(TOO_MANY_CONNECTIONS | CANNOT_CONNECT_NOW))
}

/// What a connection that can't be made has heard of the server.
pub(super) fn heard(error: &Error) -> Heard {
    if error.as_db_error().is_some() {
        return Heard::Answer;
    }
    let source = std::error::Error::source(error);
    source.and_then(|source| source.downcast_ref::<io::Error>()).map_or(Heard::Unclear, |error| heard_by(error.kind()))
}

fn heard_by(kind: ErrorKind) -> Heard {
    match kind {
        ErrorKind::ConnectionRefused => Heard::Answer,
        // What connecting to a powered-off machine on the local network returns once its ARP entry has expired.
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable | ErrorKind::NetworkDown | ErrorKind::TimedOut => {
            Heard::Nothing
        }
        _ => Heard::Unclear,
    }
}

/// The driver's error of a host that `target_session_attrs` leaves out; the operating system's of this kind have numbers.
pub(super) fn is_other_role(error: &Error) -> bool {
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<io::Error>());
    source.is_some_and(|error| error.kind() == ErrorKind::PermissionDenied && error.raw_os_error().is_none())
}

/// The error of a connection that can't be made.
pub(super) fn unreachable(error: &Error) -> StoreError {
    StoreError::Unreachable(Refusal::of(error).into_cause())
}

/// An error outside of a transaction.
#[expect(clippy::needless_pass_by_value, reason = "the form that `map_err` wants")]
pub(super) fn plain(error: Error) -> StoreError {
    Refusal::of(&error).note(&mut false)
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(code) = &self.code else {
            return f.write_str(if self.lost {
                "the connection to PostgreSQL was lost"
            } else {
                "the answer of PostgreSQL can't be read"
            });
        };
        write!(f, "PostgreSQL answered {}", code.code())?;
        match (&self.table, &self.constraint) {
            (Some(table), Some(constraint)) => write!(f, " for {constraint} of {table}"),
            (Some(table), None) => write!(f, " for {table}"),
            (None, _) => Ok(()),
        }
    }
}

impl std::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_that_is_off_has_not_answered() {
        let check = |kind: ErrorKind, expected: Heard| assert_eq!(heard_by(kind), expected, "{kind}");
        check(ErrorKind::ConnectionRefused, Heard::Answer);
        check(ErrorKind::HostUnreachable, Heard::Nothing);
        check(ErrorKind::NetworkUnreachable, Heard::Nothing);
        check(ErrorKind::TimedOut, Heard::Nothing);
        check(ErrorKind::PermissionDenied, Heard::Unclear);
        check(ErrorKind::NotFound, Heard::Unclear);
    }
}
