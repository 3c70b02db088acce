use backstay_base::{Error, RecordId, ViolationKind};
use backstay_engine::{Create, Delete, ExplainRequest as Ask, Get, Update, WriteOptions};
use backstay_model::{Collection, CollectionId, Model};
use bytes::Bytes;
use http::Method;

use crate::{Refusal, listing, query};

/// Reads `METHOD /api/…?query` and a body, as `backstay explain` takes them, exactly as the router reads a request.
pub fn parse_request(model: &Model, text: &str, body: Bytes) -> Result<Ask, Refusal> {
    let expected = || {
        let expected = "a method and a path under /api/, such as GET /api/posts?limit=1".to_owned();
        Refusal::malformed("request", ViolationKind::Type { expected })
    };
    let (method, target) = text.trim().split_once(' ').ok_or_else(expected)?;
    let method = Method::from_bytes(method.as_bytes()).map_err(|_| expected())?;
    let (path, query) = target.trim().split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    let path = path.trim().strip_prefix("/api/").ok_or_else(expected)?;
    let target = Target::resolve(model, path)?;
    target.action(&method)?.ask(model, query, body, WriteOptions::default())
}

/// What stands under a path below `/api/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    /// `/api/posts`
    Collection(CollectionId),
    /// `/api/posts:query`
    Query(CollectionId),
    /// `/api/posts/{id}`
    Record(CollectionId, RecordId),
}

impl Target {
    /// Finds what stands under a path: the part of the URL after `/api/`, still encoded.
    pub(crate) fn resolve(model: &Model, path: &str) -> Result<Self, Refusal> {
        let (first, rest) = path.split_once('/').map_or((path, None), |(first, rest)| (first, Some(rest)));
        let segment = |text| query::decode(text, false).map_err(|kind| Refusal::malformed("path", kind));
        let first = segment(first)?;
        let (name, verb) = first.split_once(':').map_or((&*first, None), |(name, verb)| (name, Some(verb)));
        let collection = model.collection_at(name).ok_or_else(|| no_such_path(model, name))?;
        match (verb, rest) {
            (None, None) => Ok(Self::Collection(collection.id)),
            (None, Some(id)) => Self::record(collection, &segment(id)?),
            (Some("query"), None) => Ok(Self::Query(collection.id)),
            (Some("aggregate"), None) => Err(Refusal::NotThereYet("':aggregate' is not there yet; use ':query'")),
            (Some("live"), None) => Err(Refusal::NotThereYet("':live' is not there yet; use ':query', and poll")),
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
        // No record has an id that is not a UUID: it is not found, as any other that does not exist.
        let missing = || Error::NotFound { what: format!("{} with this id; an id is a UUID", collection.name) };
        let id = id.parse().map_err(|_| missing())?;
        Ok(Self::Record(collection.id, id))
    }

    /// The collection it belongs to.
    pub(crate) fn collection(self) -> CollectionId {
        match self {
            Self::Collection(id) | Self::Query(id) | Self::Record(id, _) => id,
        }
    }

    /// What the method does here.
    pub(crate) fn action(self, method: &Method) -> Result<Action, Refusal> {
        let found = match (self, method.as_str()) {
            (Self::Collection(id), "GET" | "HEAD") => Some(Action::List(id)),
            (Self::Collection(id), "POST") => Some(Action::Create(id)),
            (Self::Query(id), "POST") => Some(Action::Query(id)),
            (Self::Record(collection, id), "GET" | "HEAD") => Some(Action::Get(collection, id)),
            (Self::Record(collection, id), "PATCH") => Some(Action::Update(collection, id)),
            (Self::Record(collection, id), "DELETE") => Some(Action::Delete(collection, id)),
            _ => None,
        };
        found.ok_or_else(|| self.refuse(method))
    }

    fn refuse(self, method: &Method) -> Refusal {
        let (allow, detail) = match (self, method.as_str()) {
            (Self::Collection(_), "PATCH" | "DELETE") => {
                (COLLECTION, "changing a collection by a filter is not there yet; change its records one by one")
            }
            (Self::Collection(_), _) => (COLLECTION, "a collection is read with GET and added to with POST"),
            (Self::Query(_), _) => (QUERY, "a query is sent with POST"),
            (Self::Record(..), "PUT") => (RECORD, "replacing a record is not there yet; use PATCH"),
            (Self::Record(..), _) => (RECORD, "a record is read with GET, changed with PATCH and deleted with DELETE"),
        };
        Refusal::Method { allow, detail }
    }
}

/// Methods of a collection, a query and a record.
const COLLECTION: &str = "GET, HEAD, POST, OPTIONS";
const QUERY: &str = "POST, OPTIONS";
const RECORD: &str = "GET, HEAD, PATCH, DELETE, OPTIONS";

/// The methods of what a path below `/api/` looks like, whether it exists or not.
pub(crate) fn allowed(path: &str) -> &'static str {
    match (path.contains('/'), path.contains(':')) {
        (true, _) => RECORD,
        (false, true) => QUERY,
        (false, false) => COLLECTION,
    }
}

/// What a method does to a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Get(CollectionId, RecordId),
    List(CollectionId),
    Query(CollectionId),
    Create(CollectionId),
    Update(CollectionId, RecordId),
    Delete(CollectionId, RecordId),
}

impl Action {
    /// Reads what is asked.
    pub(crate) fn ask(
        self,
        model: &Model,
        query: Option<&str>,
        body: Bytes,
        options: WriteOptions,
    ) -> Result<Ask, Refusal> {
        if let Self::List(id) = self {
            return Ok(Ask::List(listing::from_query(model.collection(id), query)?));
        }
        let select = listing::only(query, if matches!(self, Self::Get(..)) { &["select"] } else { &[] })?;
        Ok(match self {
            Self::Get(collection, id) => Ask::Get(Get { collection, id, select }),
            Self::List(id) | Self::Query(id) => Ask::List(listing::from_body(model.collection(id), &body)?),
            Self::Create(collection) => Ask::Create(Create { collection, body, options }),
            Self::Update(collection, id) => Ask::Update(Update { collection, id, body, options }),
            Self::Delete(collection, id) => Ask::Delete(Delete { collection, id, options }),
        })
    }
}

fn no_such_path(model: &Model, name: &str) -> Refusal {
    let wanted = name.to_ascii_lowercase().replace('_', "-");
    let open = || model.collections.iter().filter(|collection| !collection.system);
    let named = open().find(|collection| collection.name.eq_ignore_ascii_case(name));
    let meant = named.map(|collection| &*collection.path);
    let meant = meant.or_else(|| backstay_base::nearest(&wanted, open().map(|collection| &*collection.path)));
    let hint = meant.map(|path| format!("/api/{path}"));
    Refusal::NoSuchPath { hint }
}
