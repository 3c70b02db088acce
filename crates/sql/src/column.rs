use backstay_model::{Column, ColumnStorage, FieldId};
use backstay_scalar::{Part, Storage, ValueRef};

/// One column of one field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ColumnRef {
    /// The field.
    pub field: FieldId,
    /// Which of its columns.
    pub part: Part,
}

impl ColumnRef {
    /// The main column of a field.
    pub fn main(field: FieldId) -> Self {
        Self { field, part: Part::Main }
    }
}

/// What one column of a result holds, whatever the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ColumnType {
    /// A value, stored as its class says.
    ///
    /// | class | SQLite | PostgreSQL |
    /// |---|---|---|
    /// | `Bool` | INTEGER 0 or 1 | `boolean` |
    /// | `Int` | INTEGER | `bigint` |
    /// | `Float` | REAL | `double precision` |
    /// | `Decimal` | INTEGER, scaled by ten to the power of the scale | `numeric(19, scale)` |
    /// | `Text` | TEXT | `text COLLATE "C"` |
    /// | `Id`, by its form | BLOB of 16 bytes, INTEGER or TEXT | `uuid`, `bigint` or `text COLLATE "C"` |
    /// | `Timestamp` | INTEGER, microseconds since the epoch | `timestamptz` |
    /// | `Date` | TEXT `YYYY-MM-DD` | `date` |
    /// | `Json` | TEXT | `json` |
    /// | `Bytes` | BLOB | `bytea` |
    One(Storage),
    /// A list of values of one class: a JSON array of elements in the nested form, in TEXT or `jsonb`.
    List(Storage),
    /// The rows of a to-many relation as one JSON array of arrays in the nested form. Only in results.
    Nested,
}

impl From<Storage> for ColumnType {
    fn from(storage: Storage) -> Self {
        Self::One(storage)
    }
}

impl From<ColumnStorage> for ColumnType {
    fn from(storage: ColumnStorage) -> Self {
        match storage {
            ColumnStorage::One(storage) => Self::One(storage),
            ColumnStorage::List(storage) => Self::List(storage),
        }
    }
}

impl From<&Column> for ColumnType {
    fn from(column: &Column) -> Self {
        column.storage.into()
    }
}

impl ColumnType {
    /// The type in words, for messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::One(Storage::Bool) => "a truth value",
            Self::One(Storage::Int) => "an integer",
            Self::One(Storage::Float) => "a number",
            Self::One(Storage::Decimal { .. }) => "a decimal number",
            Self::One(Storage::Text) => "a text",
            Self::One(Storage::Id(_)) => "an id",
            Self::One(Storage::Timestamp) => "a moment",
            Self::One(Storage::Date) => "a date",
            Self::One(Storage::Json) => "a document",
            Self::One(Storage::Bytes) => "bytes",
            Self::List(_) => "a list",
            Self::Nested => "nested rows",
        }
    }
}

/// One row of a result, whatever the database.
pub trait Row {
    /// The value in this column, read as the statement's column type says.
    fn value(&self, column: usize) -> Result<ValueRef<'_>, DecodeError>;

    /// Bytes that were allocated for the row as it arrived from a server. A database within the process allocates none.
    fn received_bytes(&self) -> usize {
        0
    }
}

/// A stored value that is not of its column's type: the database was changed by other means.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column {column} holds a value that is not {expected}")]
pub struct DecodeError {
    /// Index in the result.
    pub column: usize,
    /// The type that it should have.
    pub expected: &'static str,
}
