use std::borrow::Cow;
use std::iter;

use backstay_base::{Error, KeyForm, RecordId, ViolationKind};
use backstay_model::{Addressed, ApiPrefix, Collection, CollectionId, Interface, InterfaceId, Model};
use backstay_rest::decode;
use backstay_scalar::{Scalar, Token};

use crate::endpoint::Pattern;
use crate::{Refusal, astray};

/// What the path of a request names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target<'p> {
    /// Nothing besides its place.
    Fixed,
    /// The code of a problem.
    Problem(&'p str),
    /// The action at this place among those of the model.
    Action(usize),
    /// The path at this place among those of the team's own.
    Own(usize),
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
    /// `/api/posts:aggregate`
    Aggregate(CollectionId),
    /// `/api/posts:export`
    Export(CollectionId),
    /// `/api/posts:changes`
    Changes(CollectionId),
    /// `/api/posts:trash`
    Trash(CollectionId),
    /// `/api/posts/{id}`
    Record(CollectionId, RecordId),
    /// `/api/users/me`: the record of the account that calls
    Own(CollectionId),
    /// `/api/posts:by`
    By(CollectionId),
    /// `/api/posts/{id}:restore`
    Restore(CollectionId, RecordId),
    /// `/api/posts/{id}:purge`
    Purge(CollectionId, RecordId),
    /// `/api/posts/{id}:history`
    History(CollectionId, RecordId),
    /// `/api/site-settings`, of a `@single` type
    Single(CollectionId),
    /// `/api/content`, of an interface
    Types(InterfaceId),
    /// `/api/content:query`
    QueryOfTypes(InterfaceId),
    /// `/api/content/{id}`
    OfTypes(InterfaceId, RecordId),
}

/// Makes what a path names of a record.
type OfRecord = fn(CollectionId, RecordId) -> Records;

const BY: &str = "by";
const TRASH: &str = "trash";
const AGGREGATE: &str = "aggregate";
const EXPORT: &str = "export";
const CHANGES: &str = "changes";
const RESTORE: &str = "restore";
const PURGE: &str = "purge";
const HISTORY: &str = "history";

/// A path below `/api/`, taken apart before anything in it is looked up.
struct Shape<'p> {
    /// `posts` or `posts:query`, decoded.
    first: Cow<'p, str>,
    /// What comes after the first `/`, still percent-encoded.
    rest: Option<&'p str>,
}

impl<'p> Shape<'p> {
    fn of(path: &'p str) -> Result<Self, ViolationKind> {
        let (first, rest) = path.split_once('/').map_or((path, None), |(first, rest)| (first, Some(rest)));
        Ok(Self { first: decode(first, false)?, rest })
    }

    /// The collection's path, and what follows its `:`.
    fn name_and_verb(&self) -> (&str, Option<&str>) {
        self.first.split_once(':').map_or((&*self.first, None), |(name, verb)| (name, Some(verb)))
    }

    /// Its pattern, if it leads to something of an interface.
    fn pattern_of_types(&self) -> Pattern {
        match (self.rest, self.name_and_verb().1) {
            (Some(_), _) => Pattern::OfTypes,
            (None, Some(_)) => Pattern::QueryOfTypes,
            (None, None) => Pattern::Types,
        }
    }

    /// Its pattern, if it leads to something of this collection.
    fn pattern(&self, collection: Option<&Collection>) -> Pattern {
        match (self.rest, self.name_and_verb().1) {
            (Some(rest), _) => match rest.rsplit_once(':') {
                Some((_, RESTORE)) => Pattern::Restore,
                Some((_, PURGE)) => Pattern::Purge,
                Some((_, HISTORY)) => Pattern::History,
                _ => Pattern::Record,
            },
            (None, Some(BY)) => Pattern::By,
            (None, Some(TRASH)) => Pattern::Trash,
            (None, Some(AGGREGATE)) => Pattern::Aggregate,
            (None, Some(EXPORT)) => Pattern::Export,
            (None, Some(CHANGES)) => Pattern::Changes,
            (None, Some(_)) => Pattern::Query,
            (None, None) if collection.is_some_and(|of| Addressed::Single.is_in(of)) => Pattern::Single,
            (None, None) => Pattern::Collection,
        }
    }
}

/// The shape of a path, the part after `/api/`, whether or not something is there; `None` if its percent-encoding is wrong.
pub(crate) fn pattern(model: &Model, path: &str) -> Option<Pattern> {
    let shape = Shape::of(path).ok()?;
    let (name, _) = shape.name_and_verb();
    let collection = model.collection_at(name);
    let is_interface = collection.is_none() && model.interface_at(name).is_some();
    Some(if is_interface { shape.pattern_of_types() } else { shape.pattern(collection) })
}

impl Records {
    /// Reads a path: the part after `/api/`, still percent-encoded.
    pub(crate) fn resolve(model: &Model, path: &str) -> Result<Self, Refusal> {
        let malformed = |kind| Refusal::malformed("path", kind);
        let shape = Shape::of(path).map_err(malformed)?;
        let (name, verb) = shape.name_and_verb();
        let astray = || astray::refusal(model, &model.api.path_of(&shape.first), iter::empty());
        let Some(collection) = model.collection_at(name) else {
            return Self::of_types(model, model.interface_at(name).ok_or_else(astray)?, &shape);
        };
        let pattern = shape.pattern(Some(collection));
        if pattern.addressed().is_some_and(|addressed| !addressed.is_in(collection)) {
            return Err(Refusal::NoSuchPath { hint: Some(model.api.path_of(name)) });
        }
        match (verb, shape.rest) {
            (None, None) if pattern == Pattern::Single => Ok(Self::Single(collection.id)),
            (None, None) => Ok(Self::Collection(collection.id)),
            // A text that is the key of a record names that.
            (None, Some("me")) if model.identity == Some(collection.id) && key_of(collection, "me").is_none() => {
                Ok(Self::Own(collection.id))
            }
            (None, Some(id)) => Self::record((&model.api, collection), id, malformed),
            (Some(BY), None) => Ok(Self::By(collection.id)),
            (Some("query"), None) => Ok(Self::Query(collection.id)),
            (Some(TRASH), None) => Ok(Self::Trash(collection.id)),
            (Some(AGGREGATE), None) => Ok(Self::Aggregate(collection.id)),
            (Some(EXPORT), None) => Ok(Self::Export(collection.id)),
            (Some(CHANGES), None) => Ok(Self::Changes(collection.id)),
            (Some("count"), None) => {
                Err(Refusal::NoSuchPath { hint: Some(model.api.path_of(&format!("{name}:aggregate?select=count"))) })
            }
            (Some("live"), None) => {
                Err(Refusal::NotThereYet("`:live` is not supported yet; poll with `:query` instead"))
            }
            (Some(_), _) => Err(Refusal::NoSuchPath { hint: Some(model.api.path_of(&format!("{name}:query"))) }),
        }
    }

    /// Reads the path of something of an interface, which has records to read and nothing else.
    fn of_types(model: &Model, interface: &Interface, shape: &Shape<'_>) -> Result<Self, Refusal> {
        let here = || model.api.path_of(&interface.path);
        match (shape.name_and_verb().1, shape.rest) {
            (None, None) => Ok(Self::Types(interface.id)),
            (Some("query"), None) => Ok(Self::QueryOfTypes(interface.id)),
            (Some(_), _) => Err(Refusal::NoSuchPath { hint: Some(format!("{}:query", here())) }),
            (None, Some(id)) => {
                let id = decode(id, false).map_err(|kind| Refusal::malformed("path", kind))?;
                if id.is_empty() || id.contains([':', '/']) {
                    return Err(Refusal::NoSuchPath { hint: Some(here()) });
                }
                let missing = || Error::NotFound { what: format!("{} with this id; an id is a UUID", interface.name) };
                Ok(Self::OfTypes(interface.id, key(Scalar::UUID, &id).ok_or_else(missing)?))
            }
        }
    }

    /// What the rest of a path names, still percent-encoded: a `:` of a key is `%3A` where a verb could follow it.
    fn record(
        (api, collection): (&ApiPrefix, &Collection),
        encoded: &str,
        malformed: impl Fn(ViolationKind) -> Refusal,
    ) -> Result<Self, Refusal> {
        let id = &*decode(encoded, false).map_err(&malformed)?;
        if id.is_empty() {
            return Err(Refusal::NoSuchPath { hint: Some(api.path_of(&collection.path)) });
        }
        if id.contains('/') {
            return Err(Refusal::NoSuchPath { hint: None });
        }
        let verb: Option<(&str, Addressed, OfRecord)> = match encoded.rsplit_once(':') {
            Some((id, RESTORE)) => Some((id, Addressed::Trash, Self::Restore)),
            Some((id, PURGE)) => Some((id, Addressed::Trash, Self::Purge)),
            Some((id, HISTORY)) => Some((id, Addressed::History, Self::History)),
            _ => None,
        };
        if let Some((id, addressed, records)) = verb {
            let id = key_of(collection, &decode(id, false).map_err(malformed)?).filter(|_| addressed.is_in(collection));
            let hint = || Some(api.path_of(&collection.path));
            return id.map(|id| records(collection.id, id)).ok_or_else(|| Refusal::NoSuchPath { hint: hint() });
        }
        // No record has an id of another form, so it is not found, like any other that does not exist.
        let form = match collection.key.form() {
            KeyForm::Uuid => "a UUID",
            KeyForm::Int => "a number from 1",
            KeyForm::Text => "a text of 1 to 64 bytes",
        };
        let missing = || Error::NotFound { what: format!("{} with this id; an id is {form}", collection.name) };
        match (key_of(collection, id), id) {
            (Some(id), _) => Ok(Self::Record(collection.id, id)),
            (None, "query") => {
                Err(Refusal::NoSuchPath { hint: Some(api.path_of(&format!("{}:query", collection.path))) })
            }
            (None, _) => Err(missing().into()),
        }
    }

    /// The shape of its path.
    pub(crate) fn pattern(self) -> Pattern {
        match self {
            Self::Collection(_) => Pattern::Collection,
            Self::Query(_) => Pattern::Query,
            Self::Aggregate(_) => Pattern::Aggregate,
            Self::Export(_) => Pattern::Export,
            Self::Changes(_) => Pattern::Changes,
            Self::Trash(_) => Pattern::Trash,
            Self::Record(..) | Self::Own(_) => Pattern::Record,
            Self::By(_) => Pattern::By,
            Self::Restore(..) => Pattern::Restore,
            Self::Purge(..) => Pattern::Purge,
            Self::History(..) => Pattern::History,
            Self::Single(_) => Pattern::Single,
            Self::Types(_) => Pattern::Types,
            Self::QueryOfTypes(_) => Pattern::QueryOfTypes,
            Self::OfTypes(..) => Pattern::OfTypes,
        }
    }

    /// The collections it belongs to: one, or those of an interface.
    pub(crate) fn collections<'r>(&'r self, model: &'r Model) -> &'r [CollectionId] {
        match self {
            Self::Collection(id)
            | Self::Query(id)
            | Self::Aggregate(id)
            | Self::Export(id)
            | Self::Changes(id)
            | Self::Trash(id)
            | Self::Record(id, _)
            | Self::Own(id)
            | Self::By(id)
            | Self::Restore(id, _)
            | Self::Purge(id, _)
            | Self::History(id, _)
            | Self::Single(id) => std::slice::from_ref(id),
            Self::Types(id) | Self::QueryOfTypes(id) | Self::OfTypes(id, _) => &model.interface(*id).types,
        }
    }
}

/// The key in a path, if it can be one of the collection's.
fn key_of(collection: &Collection, text: &str) -> Option<RecordId> {
    key(collection.key.scalar(), text)
}

fn key(scalar: Scalar, text: &str) -> Option<RecordId> {
    scalar.read(Token::Bare(text)).ok().and_then(|key| key.as_id())
}
