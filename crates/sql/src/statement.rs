use std::sync::Arc;

use backstay_base::{Date, RecordId, Timestamp};
use backstay_expr::CallerPart;
use backstay_model::FieldId;
use backstay_scalar::Value;
use rust_decimal::Decimal;

use crate::param::Encoding;

/// Which database a statement is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// SQLite 3.51.3 or later, STRICT tables.
    Sqlite,
    /// PostgreSQL 15 or later.
    Postgres,
}

/// What one column of a table or a result holds, whatever the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ColumnType {
    /// SQLite INTEGER 0 or 1; PostgreSQL `boolean`.
    Bool,
    /// INTEGER; `bigint`.
    Int,
    /// REAL; `double precision`.
    Float,
    /// INTEGER, scaled by ten to the power of `scale`; `numeric(18, scale)`.
    Decimal {
        /// Digits after the point.
        scale: u8,
    },
    /// TEXT; `text COLLATE "C"`.
    Text,
    /// BLOB of 16 bytes; `uuid`.
    Id,
    /// INTEGER, microseconds since the epoch; `timestamptz`.
    Timestamp,
    /// TEXT `YYYY-MM-DD`; `date`.
    Date,
    /// TEXT; `jsonb`.
    Json,
    /// A list of scalars: TEXT, a JSON array of elements in the nested form; `jsonb` of the same.
    List,
    /// The rows of a to-many relation as one JSON array of arrays in the nested form. Only in results.
    Nested,
    /// BLOB; `bytea`.
    Bytes,
}

/// A value ready to be bound.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the names are those of ColumnType")]
pub enum Param {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Decimal(Decimal),
    Text(Arc<str>),
    Id(RecordId),
    Timestamp(Timestamp),
    Date(Date),
    Json(Arc<str>),
    Bytes(Arc<[u8]>),
}

/// Where the value of a placeholder comes from when a template is bound.
#[derive(Debug, Clone, PartialEq)]
pub enum Slot {
    /// The id that the operation names.
    Id,
    /// The version that the stored record must have.
    Version,
    /// A field of the proposed record (`this` in create, `new` in update); of `Money` its amount.
    Proposed(FieldId),
    /// The currency of a `Money` field of the proposed record.
    ProposedCurrency(FieldId),
    /// A field of the stored record that the operation has read (`this` where `new` is the proposed one).
    Stored(FieldId),
    /// The currency of a `Money` field of the stored record.
    StoredCurrency(FieldId),
    /// Something of the caller.
    Caller(CallerPart),
    /// The moment at which the operation began.
    Now,
    /// A parameter of the filter.
    Param(u16),
    /// The n-th value of the cursor: the sort keys in order, then the id.
    Cursor(u16),
    /// Rows wanted.
    Limit,
    /// An argument of a statement that has no better name for it, such as the far end of a link.
    Argument(u16),
    /// A constant of the statement.
    Constant(Value),
}

/// A statement without its values: made once per shape, bound for each request.
#[derive(Debug)]
pub struct Template {
    pub(crate) text: Arc<str>,
    pub(crate) slots: Box<[(Slot, Encoding)]>,
    pub(crate) columns: Arc<[ColumnType]>,
    pub(crate) dialect: Dialect,
    pub(crate) tables: usize,
}

impl Template {
    /// How many tables its widest SELECT joins. Databases have a limit for that (SQLite: 64).
    pub fn tables(&self) -> usize {
        self.tables
    }

    /// Puts a value into every placeholder: `value` is asked once for each, in order; never for a constant.
    pub fn bind(&self, mut value: impl FnMut(&Slot) -> Value) -> Statement {
        let bind = |(slot, encoding): &(Slot, Encoding)| match slot {
            Slot::Constant(constant) => encoding.param(constant, self.dialect),
            slot => encoding.param(&value(slot), self.dialect),
        };
        Statement {
            text: Arc::clone(&self.text),
            params: self.slots.iter().map(bind).collect(),
            columns: Arc::clone(&self.columns),
        }
    }

    /// The text, for explanations and tests.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where the values come from, in the order of the placeholders.
    pub fn slots(&self) -> impl Iterator<Item = &Slot> {
        self.slots.iter().map(|(slot, _)| slot)
    }
}

/// A statement with its values, for one database. Opaque to all but `store`.
#[derive(Debug, Clone)]
pub struct Statement {
    text: Arc<str>,
    params: Box<[Param]>,
    columns: Arc<[ColumnType]>,
}

impl Statement {
    /// A statement that `store` writes itself, for its own tables.
    pub fn raw(text: impl Into<Arc<str>>, params: Vec<Param>, columns: impl Into<Arc<[ColumnType]>>) -> Self {
        Self { text: text.into(), params: params.into(), columns: columns.into() }
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The values of the placeholders, in order.
    pub fn params(&self) -> &[Param] {
        &self.params
    }

    /// What the columns of its rows hold.
    pub fn columns(&self) -> &Arc<[ColumnType]> {
        &self.columns
    }
}
