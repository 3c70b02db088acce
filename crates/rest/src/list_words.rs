use std::borrow::Cow;

use backstay_engine::Counting;
use backstay_model::CollectionId;
use backstay_scalar::Token;
use serde_json::value::RawValue;

/// A list as it is written, its values not yet typed.
#[derive(Debug, Clone)]
pub struct ListWords<'w> {
    /// Which collection.
    pub collection: CollectionId,
    /// Fields that must equal a value.
    pub equals: Vec<(String, Raw<'w>)>,
    /// An expression that must be true.
    pub filter: Option<Cow<'w, str>>,
    /// Words to search for.
    pub search: Option<Cow<'w, str>>,
    /// Fields whose texts are answered with what the search finds in them, such as `title,body`.
    pub highlight: Option<Cow<'w, str>>,
    /// Values of the filter's parameters, by their names without `$`.
    pub params: Vec<(String, Raw<'w>)>,
    /// Fields to order by, such as `-publishedAt,title`.
    pub sort: Option<Cow<'w, str>>,
    /// What to answer, such as `title,author{name}`.
    pub select: Option<Cow<'w, str>>,
    /// Records on the page.
    pub limit: Option<u32>,
    /// Where the page starts: `next` of the page before.
    pub after: Option<Cow<'w, str>>,
    /// Where it ends: `prev` of the page after.
    pub before: Option<Cow<'w, str>>,
    /// How many records are left out before the page.
    pub skip: Option<u32>,
    /// Whether to count the records.
    pub count: Counting,
    /// The moment as of which the records are read.
    pub as_of: Option<Cow<'w, str>>,
}

/// A value, not yet typed.
#[derive(Debug, Clone)]
pub enum Raw<'w> {
    /// The text of a URL's parameter.
    Text(Cow<'w, str>),
    /// A value of a JSON body.
    Json(&'w RawValue),
}

impl Raw<'_> {
    pub(crate) fn token(&self) -> Token<'_> {
        match self {
            Raw::Text(text) => Token::Bare(text),
            Raw::Json(json) => Token::Json(json.get()),
        }
    }
}

impl ListWords<'_> {
    /// The first page of a collection.
    pub fn of(collection: CollectionId) -> Self {
        Self {
            collection,
            equals: Vec::new(),
            filter: None,
            search: None,
            highlight: None,
            params: Vec::new(),
            sort: None,
            select: None,
            limit: None,
            after: None,
            before: None,
            skip: None,
            count: Counting::None,
            as_of: None,
        }
    }
}
