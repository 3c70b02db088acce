use backstay_sql::Row;

use crate::StoreError;

/// Takes the rows of a read.
pub trait RowSink: Send {
    /// Comes before the first row, and again when a read that went past the step limit of its thread is run a second
    /// time elsewhere: rows taken so far must be forgotten.
    fn begin(&mut self);
    /// The next row. An error ends the read.
    fn row(&mut self, row: &dyn Row) -> Result<(), StoreError>;
}

/// What a read cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReadStats {
    /// Rows that were answered.
    pub rows: u64,
    /// Steps of the database's virtual machine; 0 where the database does not tell.
    pub steps: u64,
    /// Rows that were visited by walking through a table without an index; 0 where the database does not tell.
    pub scanned: u64,
    /// Whether it ran on the reader pool.
    pub moved: bool,
}
