use std::iter;

use backstay_base::{Error, RecordId};
use backstay_model::{Collection, CollectionId, Model};
use backstay_rest::decode;

use crate::{Refusal, astray};

/// What the path of a request names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target<'p> {
    /// Nothing besides its place.
    Fixed,
    /// The code of a problem.
    Problem(&'p str),
    /// Something below `/api/`.
    Records(Records),
}

/// What a path below `/api/` names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Records {
    /// `/api/posts`
    Collection(CollectionId),
    /// `/api/posts:query`
    Query(CollectionId),
    /// `/api/posts/{id}`
    Record(CollectionId, RecordId),
}

impl Records {
    /// Reads a path: the part after `/api/`, still percent-encoded.
    pub(crate) fn resolve(model: &Model, path: &str) -> Result<Self, Refusal> {
        let (first, rest) = path.split_once('/').map_or((path, None), |(first, rest)| (first, Some(rest)));
        let segment = |text| decode(text, false).map_err(|kind| Refusal::malformed("path", kind));
        let first = segment(first)?;
        let (name, verb) = first.split_once(':').map_or((&*first, None), |(name, verb)| (name, Some(verb)));
        let astray = || astray::refusal(model, &format!("/api/{first}"), iter::empty());
        let collection = model.collection_at(name).ok_or_else(astray)?;
        match (verb, rest) {
            (None, None) => Ok(Self::Collection(collection.id)),
            (None, Some(id)) => Self::record(collection, &segment(id)?),
            (Some("query"), None) => Ok(Self::Query(collection.id)),
            (Some("aggregate"), None) => Err(Refusal::NotThereYet("`:aggregate` is not supported yet; use `:query`")),
            (Some("live"), None) => {
                Err(Refusal::NotThereYet("`:live` is not supported yet; poll with `:query` instead"))
            }
            (Some(_), _) => Err(Refusal::NoSuchPath { hint: Some(format!("/api/{name}:query")) }),
        }
    }

    fn record(collection: &Collection, id: &str) -> Result<Self, Refusal> {
        if id.is_empty() {
            return Err(Refusal::NoSuchPath { hint: Some(format!("/api/{}", collection.path)) });
        }
        if id.contains('/') {
            return Err(Refusal::NoSuchPath { hint: None });
        }
        // No record has an id that is not a UUID, so it is not found, like any other that does not exist.
        let missing = || Error::NotFound { what: format!("{} with this id; an id is a UUID", collection.name) };
        let id = id.parse().map_err(|_| match id {
            "query" => Refusal::NoSuchPath { hint: Some(format!("/api/{}:query", collection.path)) },
            _ => missing().into(),
        })?;
        Ok(Self::Record(collection.id, id))
    }

    /// The collection it belongs to.
    pub(crate) fn collection(self) -> CollectionId {
        match self {
            Self::Collection(id) | Self::Query(id) | Self::Record(id, _) => id,
        }
    }
}
