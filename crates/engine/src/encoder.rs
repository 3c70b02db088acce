use std::fmt;

use backstay_base::RecordId;
use backstay_model::Collection;
use backstay_scalar::Value;
use backstay_sql::{Groups, Row, RowOutput, SortKey};

use crate::{AnswerBuffer, Cursor, EncodeError, Upserted};

/// Writes answers in the notation of a door. The engine hands it rows as they come from the database.
pub trait Encoder: fmt::Debug + Send + Sync {
    /// The name of its notation: answers that are kept in one are not shown in another. The first one, JSON, is `json`.
    fn name(&self) -> &'static str;

    /// Appends a record: one row, as its plan says.
    fn row(&self, out: &mut AnswerBuffer, row: &dyn Row, output: &RowOutput) -> Result<(), EncodeError>;

    /// Appends a record that is in memory.
    fn record(
        &self,
        out: &mut AnswerBuffer,
        members: &mut dyn Iterator<Item = RecordMember<'_>>,
    ) -> Result<(), EncodeError>;

    /// Begins the records of a page.
    fn begin_page(&self, out: &mut AnswerBuffer) -> Result<(), EncodeError>;

    /// Ends a page.
    fn end_page(&self, out: &mut AnswerBuffer, end: &PageEnd<'_>) -> Result<(), EncodeError>;

    /// Begins the records that one request made.
    fn begin_records(&self, out: &mut AnswerBuffer) -> Result<(), EncodeError>;

    /// Ends them.
    fn end_records(&self, out: &mut AnswerBuffer) -> Result<(), EncodeError>;

    /// Stands between two records.
    fn between(&self, out: &mut AnswerBuffer) -> Result<(), EncodeError>;

    /// Appends how many records matched a filter, and how many of them were changed or deleted.
    fn counted(&self, out: &mut AnswerBuffer, counted: &Counted) -> Result<(), EncodeError>;

    /// Begins what became of a record, which follows.
    fn begin_upserted(&self, out: &mut AnswerBuffer, upserted: Upserted) -> Result<(), EncodeError>;

    /// Ends it.
    fn end_upserted(&self, out: &mut AnswerBuffer) -> Result<(), EncodeError>;

    /// Stands for a record that was made and that the caller may not read.
    fn unseen(&self, out: &mut AnswerBuffer) -> Result<(), EncodeError>;
}

/// How many records a request by a filter was about.
#[derive(Debug, Clone)]
pub struct Counted {
    /// How many matched, of those that were meant.
    pub matched: usize,
    /// How many of them were changed or deleted.
    pub changed: usize,
    /// Which they are, in order, if the first of those that match were meant.
    pub first: Option<Vec<RecordId>>,
}

/// A member of a record that is in memory.
#[derive(Debug)]
pub enum RecordMember<'r> {
    /// The name of a field and its value.
    Value(&'r str, &'r Value),
    /// The name of a field that holds an embedded value, and the members of that.
    Embedded(&'r str, Vec<RecordMember<'r>>),
    /// A reference to a record of one of several types.
    Reference {
        /// The name of the field.
        name: &'r str,
        /// The name of the record's type.
        of: &'r str,
        /// The record's id.
        id: &'r Value,
    },
}

/// What a page tells after its records.
#[derive(Debug)]
pub struct PageEnd<'p> {
    /// Its order.
    pub order: PageOrder<'p>,
    /// Where the next page starts; `None` after the last record.
    pub next: Option<Cursor>,
    /// Where the page before it ends.
    pub previous: Previous,
    /// How many records there are, if that was asked.
    pub count: Option<Count>,
}

/// The order of a page, by which its places are told from those of other pages.
#[derive(Debug, Clone, Copy)]
pub enum PageOrder<'p> {
    /// Of records of this collection, by these keys and the id.
    Records(&'p Collection, &'p [SortKey]),
    /// Of groups.
    Groups(&'p Groups),
}

/// What a page tells of the one before it.
#[derive(Debug, Clone, PartialEq)]
pub enum Previous {
    /// Nothing: nobody asked where it should start, so there is none.
    Untold,
    /// That there is none.
    None,
    /// That it ends before this place.
    Before(Cursor),
}

/// A number of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// The number, or the limit where there are more.
    pub value: u64,
    /// Whether there are more.
    pub more: bool,
}
