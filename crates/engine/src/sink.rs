use backstay_sql::{DecodeError, Row};
use backstay_store::{RowSink, StoreError};

/// Keeps what is made of each row.
#[derive(Debug)]
pub(crate) struct Collect<T, F> {
    read: F,
    pub(crate) found: Vec<T>,
}

impl<T, F: FnMut(&dyn Row) -> Result<T, DecodeError>> Collect<T, F> {
    pub(crate) fn new(read: F) -> Self {
        Self { read, found: Vec::new() }
    }
}

impl<T: Send, F: FnMut(&dyn Row) -> Result<T, DecodeError> + Send> RowSink for Collect<T, F> {
    fn begin(&mut self, _: usize) {
        self.found.clear();
    }

    fn row(&mut self, row: &dyn Row) -> Result<(), StoreError> {
        self.found.push((self.read)(row)?);
        Ok(())
    }
}
