use backstay_base::limits;
use backstay_sql::{DecodeError, ReadPlan, Row};
use backstay_store::{RowSink, StoreError};

use crate::encode;

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
    fn begin(&mut self) {
        self.found.clear();
    }

    fn row(&mut self, row: &dyn Row) -> Result<(), StoreError> {
        self.found.push((self.read)(row)?);
        Ok(())
    }
}

/// Writes one record as JSON.
#[derive(Debug)]
pub(crate) struct OneRecord<'p> {
    plan: &'p ReadPlan,
    pub(crate) body: Vec<u8>,
    /// The record's version, once it was found.
    pub(crate) version: Option<i64>,
}

/// Bytes that most records fit into.
const USUAL_BODY: usize = 512;

impl<'p> OneRecord<'p> {
    pub(crate) fn new(plan: &'p ReadPlan) -> Self {
        Self { plan, body: Vec::with_capacity(USUAL_BODY), version: None }
    }
}

impl RowSink for OneRecord<'_> {
    fn begin(&mut self) {
        self.body.clear();
        self.version = None;
    }

    fn row(&mut self, row: &dyn Row) -> Result<(), StoreError> {
        self.version = version(row, self.plan)?;
        encode::object(&mut self.body, row, &self.plan.output)?;
        within_answer(&self.body)
    }
}

/// Refuses an answer that has become too large.
pub(crate) fn within_answer(body: &[u8]) -> Result<(), StoreError> {
    if body.len() > limits::ANSWER_BYTES { Err(StoreError::TooLarge) } else { Ok(()) }
}

fn version(row: &dyn Row, plan: &ReadPlan) -> Result<Option<i64>, DecodeError> {
    let Some(column) = plan.version else { return Ok(None) };
    match row.value(column)? {
        backstay_scalar::ValueRef::Int(version) => Ok(Some(version)),
        _ => Err(DecodeError { column, expected: "a version" }),
    }
}
