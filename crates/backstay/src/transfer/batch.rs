use std::path::PathBuf;

use backstay_base::Error;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::records::words;

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
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Batch {
    /// The name by which the database knows how far the import is.
    pub import: String,
    /// The type of the records, by its name.
    pub collection: String,
    /// How many rows the import is past already.
    pub from: u64,
    /// How many of them were refused; all of those are in the file of errors.
    pub refused: u64,
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
    /// Which record of the file it is, from 1, if another one begins on its line before it.
    #[serde(default)]
    pub record: Option<u64>,
    /// A digest of the file up to its end.
    pub digest: String,
    /// What is in it.
    pub content: Content,
}

impl BatchRow {
    /// Why it is refused.
    pub(super) fn refused(&self, error: &Error) -> RefusedRow {
        let words = words(error);
        let error = match self.record {
            Some(record) => format!("record {record}: {words}"),
            None => words,
        };
        RefusedRow { line: self.line, error }
    }
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
    /// Rows that the import is past now: all, or those up to where it stops, or up to where the file of errors has to be
    /// written first.
    pub rows: u64,
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
    /// Adds what became of other rows. `rows` are those of the last batch. Returns the rows that were refused.
    pub(crate) fn add(&mut self, other: Self) -> Vec<RefusedRow> {
        let Self { rows, created, updated, unchanged, refused } = other;
        self.rows = rows;
        self.created += created;
        self.updated += updated;
        self.unchanged += unchanged;
        refused
    }
}

/// A row that was refused, as it is in the file of errors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RefusedRow {
    /// Why.
    pub error: String,
    /// Its line, from 1.
    pub line: u64,
}

impl RefusedRow {
    /// The line that it has in the file of errors.
    pub(crate) fn line(&self) -> String {
        format!("{}\n", json!({ "line": self.line, "error": self.error }))
    }

    /// Reads such a line.
    pub(crate) fn read(line: &str) -> serde_json::Result<Self> {
        serde_json::from_str(line)
    }
}
