use backstay_base::limits;
use backstay_scalar::ValueRef;
use backstay_sql::{DecodeError, ReadPlan, Row};
use backstay_store::{RowSink, StoreError};

use crate::list_plan::ListPlan;
use crate::{Cursor, Encoder, PageEnd};

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

/// Encodes one record.
#[derive(Debug)]
pub(crate) struct OneRecord<'p> {
    plan: &'p ReadPlan,
    encoder: &'static dyn Encoder,
    pub(crate) body: Vec<u8>,
    /// The record's version, once it was found.
    pub(crate) version: Option<i64>,
}

/// Bytes that most records fit into.
const USUAL_BODY: usize = 512;

impl<'p> OneRecord<'p> {
    pub(crate) fn new(plan: &'p ReadPlan, encoder: &'static dyn Encoder) -> Self {
        Self { plan, encoder, body: Vec::with_capacity(USUAL_BODY), version: None }
    }
}

impl RowSink for OneRecord<'_> {
    fn begin(&mut self) {
        self.body.clear();
        self.version = None;
    }

    fn row(&mut self, row: &dyn Row) -> Result<(), StoreError> {
        self.version = version(row, self.plan)?;
        self.encoder.row(&mut self.body, row, &self.plan.output)?;
        within_answer(&self.body)
    }
}

fn version(row: &dyn Row, plan: &ReadPlan) -> Result<Option<i64>, DecodeError> {
    let Some(column) = plan.version else { return Ok(None) };
    match row.value(column)? {
        ValueRef::Int(version) => Ok(Some(version)),
        _ => Err(DecodeError { column, expected: "a version" }),
    }
}

/// Encodes a page.
#[derive(Debug)]
pub(crate) struct PageBody<'p> {
    plan: &'p ListPlan,
    encoder: &'static dyn Encoder,
    limit: u32,
    rows: u32,
    body: Vec<u8>,
    /// The place of the last record on a page that is full.
    last: Option<Cursor>,
    /// Whether there is a record after it.
    more: bool,
}

/// Bytes that most pages fit into.
const USUAL_PAGE: usize = 4096;

impl<'p> PageBody<'p> {
    pub(crate) fn new(plan: &'p ListPlan, encoder: &'static dyn Encoder, limit: u32) -> Self {
        let mut body = Vec::with_capacity(USUAL_PAGE);
        encoder.begin_page(&mut body);
        Self { plan, encoder, limit, rows: 0, body, last: None, more: false }
    }

    /// The whole page; `end` says what stands after the records, by where the next page starts.
    pub(crate) fn finish<'e>(mut self, end: &dyn Fn(Option<Cursor>) -> PageEnd<'e>) -> Vec<u8> {
        let next = self.last.take().filter(|_| self.more);
        self.encoder.end_page(&mut self.body, &end(next));
        self.body
    }
}

impl RowSink for PageBody<'_> {
    fn begin(&mut self) {
        self.body.clear();
        self.encoder.begin_page(&mut self.body);
        self.rows = 0;
        self.more = false;
    }

    fn row(&mut self, row: &dyn Row) -> Result<(), StoreError> {
        if self.rows == self.limit {
            self.more = true;
            return Ok(());
        }
        if self.rows > 0 {
            self.encoder.between(&mut self.body);
        }
        self.rows += 1;
        self.encoder.row(&mut self.body, row, &self.plan.page.output)?;
        within_answer(&self.body)?;
        if self.rows == self.limit {
            self.last = Some(self.plan.cursor_after(row)?);
        }
        Ok(())
    }
}

/// Refuses an answer that has become too large.
fn within_answer(body: &[u8]) -> Result<(), StoreError> {
    if body.len() > limits::ANSWER_BYTES { Err(StoreError::TooLarge) } else { Ok(()) }
}
