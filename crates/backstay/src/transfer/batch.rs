use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// An import that begins, or goes on where it was.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ImportStart {
    /// The name by which the database knows how far it is.
    pub import: String,
    /// The file, for messages.
    pub file: PathBuf,
    /// The type of the records, by its name, or the last part of its path.
    pub collection: String,
    /// The names of the columns, if the file is a table.
    pub columns: Vec<String>,
    /// What becomes of the records.
    pub mode: Mode,
    /// Whether it begins anew.
    pub anew: bool,
}

/// Some records of a file, to be written in one commit or a few.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Batch {
    /// The name by which the database knows how far the import is.
    pub import: String,
    /// The type of the records, by its name.
    pub collection: String,
    /// How many rows the import is past already.
    pub from: u64,
    /// What becomes of the records.
    pub mode: Mode,
    /// The names of the columns, if the rows are cells.
    #[serde(default)]
    pub columns: Vec<String>,
    /// The rows, in order.
    pub rows: Vec<BatchRow>,
    /// Whether the rows after one that is refused are written all the same.
    pub skip: bool,
    /// Whether nothing is kept of it.
    pub dry_run: bool,
}

/// One row of a file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BatchRow {
    /// Its line, from 1.
    pub line: u64,
    /// A digest of the file up to its end.
    pub digest: String,
    /// What is in it.
    pub content: Content,
}

/// What is in a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Content {
    /// A record as JSON.
    Record(String),
    /// A row of a table; `None`: there is nothing in the cell, not even quotes.
    Cells(Vec<Option<String>>),
    /// Something that can't be read, and why.
    Broken(String),
}

/// What becomes of the records of an import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Mode {
    /// They are created.
    Create,
    /// Those with the same values of these fields are changed, the others created.
    Update(Vec<String>),
    /// They are created as they are in another database, without these members, which lead to records that come later.
    Carry(Vec<String>),
    /// They get these members, now that all records are there.
    Relate(Vec<String>),
}

/// What became of a batch.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Imported {
    /// Records that were created.
    pub created: u64,
    /// Records that were changed.
    pub updated: u64,
    /// Records that were already as the file says.
    pub unchanged: u64,
    /// Rows that were refused, in order.
    pub refused: Vec<RefusedRow>,
}

impl Imported {
    /// Adds what became of other rows.
    pub(crate) fn add(&mut self, other: Self) {
        let Self { created, updated, unchanged, refused } = other;
        self.created += created;
        self.updated += updated;
        self.unchanged += unchanged;
        self.refused.extend(refused);
    }
}

/// A row that was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RefusedRow {
    /// Its line, from 1.
    pub line: u64,
    /// Why.
    pub error: String,
}
