//! The few shapes of SQL that the crate builds often, over the query builder's tree.

use sea_query::{Alias, Expr as Sql, Func, SelectStatement, Value as Constant};

/// A column of a table that goes by this alias.
pub(crate) fn column(alias: &str, column: &str) -> Sql {
    Sql::col((name(alias), name(column)))
}

/// A name as the query builder takes it: it is quoted.
pub(crate) fn name(text: &str) -> Alias {
    Alias::new(text)
}

/// An integer in the text of the statement.
pub(crate) fn integer(number: i64) -> Sql {
    Sql::Constant(Constant::BigInt(Some(number)))
}

/// A truth value in the text of the statement.
pub(crate) fn boolean(truth: bool) -> Sql {
    Sql::Constant(Constant::Bool(Some(truth)))
}

/// A name from the model, such as that of an enum's value, in the text of the statement.
pub(crate) fn word(text: &str) -> Sql {
    Sql::Constant(Constant::String(Some(text.to_owned())))
}

/// Whether it is the same of every record. An order by that isn't one: to databases, a number there means a column, and PostgreSQL
/// refuses all others.
pub(crate) fn is_constant(sql: &Sql) -> bool {
    matches!(sql, Sql::Constant(_) | Sql::Keyword(_))
}

/// A function of the database.
pub(crate) fn call(function: &'static str, arguments: impl IntoIterator<Item = Sql>) -> Sql {
    Func::cust(function).args(arguments).into()
}

/// `CAST(value AS kind)`.
pub(crate) fn cast(value: Sql, kind: &'static str) -> Sql {
    Func::cast_as(value, kind).into()
}

/// A SELECT as the value of its only column and row.
pub(crate) fn subquery(select: SelectStatement) -> Sql {
    Sql::SubQuery(None, Box::new(select.into()))
}

/// `CASE WHEN condition THEN value END`: null where the condition doesn't hold.
pub(crate) fn only_where(condition: Sql, value: Sql) -> Sql {
    sea_query::CaseStatement::new().case(condition, value).into()
}
