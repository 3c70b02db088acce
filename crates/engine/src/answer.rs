use backstay_base::{Error, Memory, RecordId};
use bytes::Bytes;

use crate::Tag;

/// What a request is answered with, in the notation of its door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The record of a get.
    Found(Found),
    /// The page of a list.
    Page(Page),
    /// What a write did.
    Written(Written),
}

impl Answer {
    /// What was encoded, if anything was.
    pub fn body(&self) -> Option<&Bytes> {
        match self {
            Self::Found(found) => Some(&found.body),
            Self::Page(page) => Some(&page.body),
            Self::Written(written) => written.body.as_ref(),
        }
    }

    /// The same, with what was written counted as memory of its request. What was read is counted already.
    pub(crate) fn kept(self, memory: &Memory) -> Result<Self, Error> {
        let Self::Written(Written { body: Some(body), outcome, ids, upserted, version, tag, replayed }) = self else {
            return Ok(self);
        };
        let body = Some(memory.keep(body)?);
        Ok(Self::Written(Written { outcome, ids, upserted, version, body, tag, replayed }))
    }

    pub(crate) fn bytes(&self) -> usize {
        self.body().map_or(0, Bytes::len)
    }
}

/// A record as the caller sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its id, if the request named it by a unique key.
    pub named: Option<RecordId>,
    /// The record.
    pub body: Bytes,
    /// Its version.
    pub version: i64,
    /// The entity tag of the body.
    pub tag: Tag,
}

/// A page of records as the caller sees them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The records, where the next page starts, and how many there are if that was asked.
    pub body: Bytes,
    /// The entity tag of the body.
    pub tag: Tag,
}

/// What a write did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// What was done.
    pub outcome: Outcome,
    /// The records, in the order of the request.
    pub ids: Vec<RecordId>,
    /// What became of each of them, if the request could create or change it; else nothing.
    pub upserted: Vec<Upserted>,
    /// The record's version now; absent after a delete and where an array of records was sent.
    pub version: Option<i64>,
    /// The record as the caller sees it, or several; absent after a delete, where a minimal answer was asked for, and
    /// where the caller may not read it.
    pub body: Option<Bytes>,
    /// The entity tag of the body, where it is one record.
    pub tag: Option<Tag>,
    /// Whether this is the answer to an earlier request with the same idempotency key.
    pub replayed: bool,
}

impl Written {
    /// What was done to these records, without a word about them.
    pub(crate) fn of(outcome: Outcome, ids: Vec<RecordId>) -> Self {
        Self { outcome, ids, upserted: Vec::new(), version: None, body: None, tag: None, replayed: false }
    }
}

/// What a write did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Records were made.
    Created,
    /// A record was changed, or was already as asked.
    Updated,
    /// A record was deleted.
    Deleted,
    /// Records that match a filter were changed or deleted: the body says how many.
    Counted,
}

/// What became of a record that was to be created unless there is one with its unique key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Upserted {
    /// It was made.
    Created,
    /// The one that was there was changed.
    Updated,
    /// The one that was there was already as asked.
    Unchanged,
}

impl Upserted {
    /// Its name in the notation of doors.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Unchanged => "unchanged",
        }
    }
}

/// Why one of several requests was refused, or all of them were.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{error}")]
pub struct Refused {
    /// Its place among the requests, from 0; `None` if all of them are refused together.
    pub request: Option<usize>,
    /// Whether it was refused while it was completed: places in the error are those of the door.
    pub incomplete: bool,
    /// Why.
    #[source]
    pub error: Error,
}

impl Refused {
    /// All of the requests.
    pub fn whole(error: Error) -> Self {
        Self { request: None, incomplete: false, error }
    }

    /// The one at this place.
    pub fn one(request: usize, error: Error) -> Self {
        Self { request: Some(request), incomplete: false, error }
    }
}
