//! Which table becomes which collection. What isn't here stays as it is.

use backstay_sql::adopt::Misfit;

/// What of a schema becomes part of a model.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Adoption {
    /// Tables that become collections.
    pub tables: Vec<AdoptedTable>,
    /// Tables that become the links of many-to-many relations.
    pub links: Vec<AdoptedLink>,
    /// Enums whose values have to convert to texts and back.
    pub enums: Vec<String>,
    /// The stored values that decided on that.
    pub counted: Vec<CountedMisfits>,
}

/// What was asked about the values of a table, and the answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountedMisfits {
    /// The table.
    pub table: String,
    /// The columns, and what no value of them may be.
    pub questions: Vec<(String, Misfit)>,
    /// How many rows have such a value, for each question.
    pub rows: Vec<i64>,
}

/// A table that becomes a collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdoptedTable {
    /// The table.
    pub table: String,
    /// The collection.
    pub collection: String,
    /// Columns that become fields, the key's among them.
    pub columns: Vec<AdoptedColumn>,
    /// Columns that stay and have to make room for one of Backstay's own, with the names that they get.
    pub moved: Vec<(String, String)>,
    /// Foreign keys that become relations, by name.
    pub references: Vec<String>,
    /// Indexes that the model's replace, by name: unique ones and others.
    pub replaced: Vec<String>,
}

/// A column that becomes a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdoptedColumn {
    /// The column.
    pub column: String,
    /// The field.
    pub field: String,
    /// The type that it gets; `None` if it keeps its own.
    pub retyped: Option<Retyped>,
}

/// A change of type that writes no row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retyped {
    /// To texts that are compared byte by byte.
    Text,
    /// From a moment without a time zone, which is taken as UTC, to one with it.
    Moment,
}

/// A table that becomes the links of a relation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdoptedLink {
    /// The table.
    pub table: String,
    /// The collection whose field declares the relation.
    pub collection: String,
    /// That field.
    pub field: String,
    /// The column of its records, and its foreign key.
    pub near: (String, String),
    /// The column of the records at the other end, and its foreign key.
    pub far: (String, String),
}
