use backstay_sql::Row;

use crate::StoreError;

/// Takes the rows of a read.
pub trait RowSink: Send {
    /// Comes before the first row, and again when a read that exceeded the step budget of its thread is repeated
    /// elsewhere: rows taken so far must be discarded.
    fn begin(&mut self);
    /// The next row. An error ends the read.
    fn row(&mut self, row: &dyn Row) -> Result<(), StoreError>;
}

/// What a read cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReadStats {
    /// Rows that were returned.
    pub rows: u64,
    /// Steps that count against the step budget; 0 if the database doesn't count them.
    pub steps: u64,
    /// Rows that were visited by scanning a table without an index; 0 if the database doesn't count them.
    pub scanned: u64,
    /// Whether it ran on the reader pool.
    pub moved: bool,
}
