use std::sync::Arc;

use backstay_model::Model;
use backstay_scalar::Value;
use sea_query::{
    Alias, BinOper, Expr as Sql, ExprTrait, Func, PostgresQueryBuilder, QueryStatementWriter, SelectStatement,
    SqliteQueryBuilder, Value as Constant,
};

use crate::frame::Frame;
use crate::param::Encoding;
use crate::{ColumnType, Dialect, Slot, Template};

/// A statement under construction: its placeholders, its tables, and what the dialects write differently.
///
/// The query builder gets a placeholder as a number, the index of its slot. The numbers come back in the order of the
/// placeholders, whatever the order in which the parts were made.
#[derive(Debug)]
pub(crate) struct Builder<'p> {
    pub(crate) model: &'p Model,
    pub(crate) dialect: Dialect,
    pub(crate) frames: Vec<Frame>,
    slots: Vec<(Slot, Encoding)>,
    aliases: usize,
    /// Tables of the widest SELECT that is written.
    pub(crate) widest: usize,
}

impl<'p> Builder<'p> {
    pub(crate) fn new(model: &'p Model, dialect: Dialect) -> Self {
        Self { model, dialect, frames: Vec::new(), slots: Vec::new(), aliases: 0, widest: 0 }
    }

    /// A name for a table that no other in the statement has.
    pub(crate) fn alias(&mut self) -> Arc<str> {
        self.aliases += 1;
        format!("t{}", self.aliases).into()
    }

    /// A placeholder.
    pub(crate) fn slot(&mut self, slot: Slot, encoding: Encoding) -> Sql {
        let marker = self.marker(slot, encoding);
        match self.dialect {
            Dialect::Sqlite => marker,
            Dialect::Postgres => {
                let typed = Func::cast_as(marker, postgres_type(encoding.column())).into();
                if encoding.column() == ColumnType::Text { collate_c(typed) } else { typed }
            }
        }
    }

    fn marker(&mut self, slot: Slot, encoding: Encoding) -> Sql {
        Sql::Value(Constant::BigInt(Some(self.index(slot, encoding))))
    }

    fn index(&mut self, slot: Slot, encoding: Encoding) -> i64 {
        self.slots.push((slot, encoding));
        i64::try_from(self.slots.len() - 1).unwrap_or(i64::MAX)
    }

    /// Limits a select to the number in a slot.
    pub(crate) fn limit(&mut self, select: &mut SelectStatement, slot: Slot) {
        let index = self.index(slot, Encoding::Column(ColumnType::Int));
        select.limit(index.unsigned_abs());
    }

    /// Keeps a subquery from being merged into the one around it (PostgreSQL: `OFFSET 0`).
    pub(crate) fn keep_apart(&mut self, select: &mut SelectStatement) {
        let index = self.index(Slot::Constant(Value::Int(0)), Encoding::Column(ColumnType::Int));
        select.offset(index.unsigned_abs());
    }

    /// The finished statement.
    pub(crate) fn finish(self, statement: &impl QueryStatementWriter, columns: Vec<ColumnType>) -> Template {
        let (text, values) = match self.dialect {
            Dialect::Sqlite => statement.build(SqliteQueryBuilder),
            Dialect::Postgres => statement.build(PostgresQueryBuilder),
        };
        let slots = values.0.iter().filter_map(|value| self.marked(value)).collect();
        Template { text: text.into(), slots, columns: columns.into(), dialect: self.dialect, tables: self.widest }
    }

    fn marked(&self, value: &Constant) -> Option<(Slot, Encoding)> {
        let index = match value {
            Constant::BigInt(index) => index.and_then(|index| usize::try_from(index).ok()),
            Constant::BigUnsigned(index) => index.and_then(|index| usize::try_from(index).ok()),
            _ => None,
        };
        let slot = index.and_then(|index| self.slots.get(index));
        debug_assert!(slot.is_some(), "every bound value is a slot's index");
        slot.cloned()
    }
}

/// The type of a column or parameter on PostgreSQL.
pub(crate) fn postgres_type(column: ColumnType) -> &'static str {
    match column {
        ColumnType::Bool => "boolean",
        ColumnType::Int => "bigint",
        ColumnType::Float => "double precision",
        ColumnType::Decimal { .. } => "numeric",
        ColumnType::Text => "text",
        ColumnType::Id => "uuid",
        ColumnType::Timestamp => "timestamptz",
        ColumnType::Date => "date",
        ColumnType::Json | ColumnType::List => "jsonb",
        ColumnType::Nested => "json",
        ColumnType::Bytes => "bytea",
    }
}

/// Text compared by code point on PostgreSQL.
pub(crate) fn collate_c(text: Sql) -> Sql {
    text.binary(BinOper::Custom("COLLATE"), Sql::col("C"))
}

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

/// A function of the database.
pub(crate) fn call(function: &'static str, arguments: impl IntoIterator<Item = Sql>) -> Sql {
    Func::cust(function).args(arguments).into()
}

/// `CAST(value AS kind)`.
pub(crate) fn cast(value: Sql, kind: &'static str) -> Sql {
    Func::cast_as(value, kind).into()
}
