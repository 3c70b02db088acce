//! What definitions of tables are written with where the query builder has no words for them.

use crate::Statement;

/// A statement without values.
pub(crate) fn raw(text: String) -> Statement {
    Statement::raw(text, Vec::new(), &[])
}

/// An identifier in double quotes.
pub(crate) fn quoted(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}
