use backstay_scalar::Storage;
use sea_query::{Expr as Sql, SelectStatement};

use crate::tree::{boolean, name};
use crate::{ColumnType, Dialect};

/// The columns of a SELECT; a column of a table is there once.
#[derive(Debug, Default)]
pub(crate) struct Columns(Vec<(Sql, ColumnType)>);

impl Columns {
    /// The index of this column, which is added where it is not there.
    pub(crate) fn push(&mut self, sql: Sql, kind: impl Into<ColumnType>) -> usize {
        let kind = kind.into();
        let shared = matches!(sql, Sql::Column(_));
        let there = self.0.iter().position(|(other, of)| shared && *of == kind && *other == sql);
        there.unwrap_or_else(|| {
            self.0.push((sql, kind));
            self.0.len() - 1
        })
    }

    /// The index of a column that no other value shares.
    pub(crate) fn push_apart(&mut self, sql: Sql, kind: impl Into<ColumnType>) -> usize {
        self.0.push((sql, kind.into()));
        self.0.len() - 1
    }

    /// The columns with their types, in order.
    pub(crate) fn into_inner(self) -> Vec<(Sql, ColumnType)> {
        self.0
    }

    /// Makes them the columns of the SELECT; gives their types. Nested rows leave the database as text.
    pub(crate) fn select_into(self, dialect: Dialect, select: &mut SelectStatement) -> Vec<ColumnType> {
        let mut types = Vec::with_capacity(self.0.len());
        for (sql, kind) in self.at_least_one() {
            select.expr(dialect.result(sql, kind));
            types.push(kind);
        }
        types
    }

    /// The same, as columns of a subquery: `c0`, `c1`, …
    pub(crate) fn name_into(self, select: &mut SelectStatement) -> Vec<ColumnType> {
        let mut types = Vec::with_capacity(self.0.len());
        for (index, (sql, kind)) in self.at_least_one().into_iter().enumerate() {
            select.expr_as(sql, name(&format!("c{index}")));
            types.push(kind);
        }
        types
    }

    /// A row that nothing is answered of is still a row.
    fn at_least_one(mut self) -> Vec<(Sql, ColumnType)> {
        if self.0.is_empty() {
            self.0.push((boolean(true), Storage::Bool.into()));
        }
        self.0
    }
}
