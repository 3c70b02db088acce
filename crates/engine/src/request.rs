use backstay_base::RecordId;
use backstay_model::CollectionId;
use bytes::Bytes;
use serde_json::value::RawValue;

use crate::Tag;

/// Anything that can be asked about records.
#[derive(Debug, Clone)]
pub enum Request {
    /// A get.
    Get(Get),
    /// A list.
    List(List),
    /// A create.
    Create(Create),
    /// An update.
    Update(Update),
    /// A delete.
    Delete(Delete),
}

/// Asks for one record.
#[derive(Debug, Clone)]
pub struct Get {
    /// The record's collection.
    pub collection: CollectionId,
    /// The record.
    pub id: RecordId,
    /// The fields to answer, such as `title,author{name}`; all that the caller may read if absent.
    pub select: Option<String>,
}

/// Asks for a page of records.
#[derive(Debug, Clone)]
pub struct List {
    /// Which collection.
    pub collection: CollectionId,
    /// Fields that must equal a value.
    pub equals: Vec<(String, Raw)>,
    /// An expression that must be true.
    pub filter: Option<String>,
    /// Values of the filter's parameters, by their names without `$`.
    pub params: Vec<(String, Raw)>,
    /// Fields to order by, such as `-publishedAt,title`.
    pub sort: Option<String>,
    /// The fields to answer.
    pub select: Option<String>,
    /// Records on the page: 1 to `limits::PAGE_MAX`.
    pub limit: Option<u32>,
    /// Where the page starts: `next` of the page before.
    pub after: Option<String>,
    /// Whether to count the records, exactly up to `limits::COUNT_MAX`.
    pub count: bool,
}

impl List {
    /// The names of its parts, as parameters of a URL; fields are named beside them.
    pub const PARAMETERS: &[&str] = &["filter", "sort", "select", "limit", "after", "count"];

    /// The first page of a collection, in the order of the ids.
    pub fn of(collection: CollectionId) -> Self {
        Self {
            collection,
            equals: Vec::new(),
            filter: None,
            params: Vec::new(),
            sort: None,
            select: None,
            limit: None,
            after: None,
            count: false,
        }
    }
}

/// A value of a parameter, not yet typed.
#[derive(Debug, Clone)]
pub enum Raw {
    /// The text of a URL's parameter.
    Text(String),
    /// A value of a JSON body.
    Json(Box<RawValue>),
}

/// Asks for one new record, or several of which all or none are made.
#[derive(Debug, Clone)]
pub struct Create {
    /// Where.
    pub collection: CollectionId,
    /// A JSON object, or an array of objects.
    pub body: Bytes,
    /// How.
    pub options: WriteOptions,
}

/// Asks to change one record.
#[derive(Debug, Clone)]
pub struct Update {
    /// The record's collection.
    pub collection: CollectionId,
    /// The record.
    pub id: RecordId,
    /// A JSON Merge Patch (RFC 7396): an object of the fields that change; null removes a value.
    pub body: Bytes,
    /// How.
    pub options: WriteOptions,
}

/// Asks to delete one record.
#[derive(Debug, Clone)]
pub struct Delete {
    /// The record's collection.
    pub collection: CollectionId,
    /// The record.
    pub id: RecordId,
    /// How.
    pub options: WriteOptions,
}

/// What a write may carry besides its values.
#[derive(Debug, Clone, Default)]
pub struct WriteOptions {
    /// The same key and request: the same answer, and nothing is done twice.
    pub idempotency_key: Option<String>,
    /// The record must have one of these versions.
    pub if_match: Option<IfMatch>,
    /// Do not answer the record.
    pub minimal: bool,
}

/// Versions that a stored record may have for a write to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IfMatch {
    /// Any, as long as there is a record.
    Any,
    /// One of these.
    Versions(Vec<i64>),
}

/// One record as the caller sees it.
#[derive(Debug, Clone)]
pub struct Found {
    /// A JSON object.
    pub body: Bytes,
    /// The record's version.
    pub version: i64,
    /// The entity tag of the body.
    pub tag: Tag,
}

/// A page of records as the caller sees them.
#[derive(Debug, Clone)]
pub struct Page {
    /// `{"items": […], "next": cursor or null}`, and `"count": {"value": n, "more": bool}` where it was asked for.
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
    /// The record's version now; absent after a delete and where several records were made.
    pub version: Option<i64>,
    /// The record as the caller sees it, or an array of them; absent after a delete, where a minimal answer was asked
    /// for, and where the caller may not read it.
    pub body: Option<Bytes>,
    /// The entity tag of the body, where it is one record.
    pub tag: Option<Tag>,
    /// Whether this is the answer to an earlier request with the same idempotency key.
    pub replayed: bool,
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
}
