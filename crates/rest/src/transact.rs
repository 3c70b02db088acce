//! The body of `POST /transact`: several requests that are answered together.

use backstay_base::{Error, Place, RecordId, Step, Violation, ViolationKind, limits};
use backstay_engine::{
    Answer, Create, Delete, Get, IfMatch, List, Perspective, Refused, Request, Update, WriteOptions,
};
use backstay_model::{Collection, CollectionId};
use bytes::Bytes;
use serde_json::value::RawValue;

use crate::reader::Reader;
use crate::words::{nearest, shorten, unknown};
use crate::{in_body, inputs, json, patch};

/// Several requests, and how each of them is written.
#[derive(Debug)]
pub struct Transaction {
    /// The requests, in their order.
    pub requests: Vec<Request>,
    parts: Parts,
}

/// Where the parts of each request are in the body.
#[derive(Debug, Clone)]
pub struct Parts(Vec<Verb>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Get,
    List,
    Create,
    Update,
    Delete,
}

impl Verb {
    const ALL: [Self; 5] = [Self::Get, Self::List, Self::Create, Self::Update, Self::Delete];

    fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::List => "list",
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }

    /// The members beside the collection.
    fn members(self) -> &'static [&'static str] {
        match self {
            Self::Get => &["id", "select"],
            Self::List => &["query"],
            Self::Create => &["body"],
            Self::Update => &["id", "body", "ifMatch"],
            Self::Delete => &["id", "ifMatch"],
        }
    }
}

impl Transaction {
    /// Reads `{"requests": […]}`, in which each request names its collection by its path: `{"create": "posts", "body": …}`,
    /// `{"update": "posts", "id": …, "body": …}`, `{"delete": "posts", "id": …}`, `{"get": "posts", "id": …}` or
    /// `{"list": "posts", "query": …}`. Collections that are not visible do not exist.
    pub fn read(reader: &Reader, body: &[u8], visible: &dyn Fn(&Collection) -> bool) -> Result<Self, Error> {
        let mut requests = None;
        for (name, raw) in json::members(body)? {
            let wrong = |kind| Err(Error::malformed(Place::member(shorten(&name)), kind));
            match (&*name, requests) {
                ("requests", None) => requests = Some(raw),
                ("requests", Some(_)) => return wrong(ViolationKind::Duplicate),
                (other, _) => return wrong(unknown("member", other, nearest(&["requests"], other))),
            }
        }
        let missing = || Error::malformed(Place::member("requests"), ViolationKind::Required);
        let raw = requests.ok_or_else(missing)?;
        let expected = || ViolationKind::Type { expected: "an array of requests".to_owned() };
        let items = json::items(raw.get()).ok_or_else(|| Error::malformed(Place::member("requests"), expected()))?;
        let mut transaction = Self { requests: Vec::with_capacity(items.len()), parts: Parts(Vec::new()) };
        if items.len() > limits::TRANSACTION_REQUESTS {
            let range = format!("at most {} requests", limits::TRANSACTION_REQUESTS);
            return Err(Error::malformed(Place::member("requests"), ViolationKind::Range(range)));
        }
        for (index, item) in items.into_iter().enumerate() {
            let (verb, request) = one(reader, item, visible).map_err(|error| at_request(error, index))?;
            transaction.parts.0.push(verb);
            transaction.requests.push(request);
        }
        Ok(transaction)
    }

    /// The requests, and what is needed to say where in the body one of them is wrong.
    pub fn split(self) -> (Vec<Request>, Parts) {
        (self.requests, self.parts)
    }
}

impl Parts {
    /// A refusal with its places in the body.
    pub fn place(&self, refused: Refused) -> Refused {
        let Refused { request, error } = refused;
        let error = match request.and_then(|index| Some((index, *self.0.get(index)?))) {
            Some((index, verb)) => at_request(in_request(error, verb), index),
            None => error,
        };
        Refused { request, error }
    }
}

/// `{"results": […]}`: of each request the body that it is answered with by itself, or null.
pub fn results(answers: &[Answer]) -> Bytes {
    let mut out = b"{\"results\":[".to_vec();
    for (index, answer) in answers.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        match (answer.body(), answer) {
            (Some(body), _) => out.extend_from_slice(body),
            // Who made or changed a record and may not read it is told its id.
            (None, Answer::Written(written)) if written.version.is_some() => {
                let id = written.ids.first().map(RecordId::to_string).unwrap_or_default();
                out.extend_from_slice(format!("{{\"id\":\"{id}\"}}").as_bytes());
            }
            (None, Answer::Written(_) | Answer::Found(_) | Answer::Page(_)) => out.extend_from_slice(b"null"),
        }
    }
    out.extend_from_slice(b"]}");
    out.into()
}

/// The members of one request, as they are found.
#[derive(Default)]
struct Found<'r> {
    verb: Option<(Verb, &'r RawValue)>,
    id: Option<&'r RawValue>,
    body: Option<&'r RawValue>,
    select: Option<&'r RawValue>,
    query: Option<&'r RawValue>,
    if_match: Option<&'r RawValue>,
}

fn one(reader: &Reader, raw: &RawValue, visible: &dyn Fn(&Collection) -> bool) -> Result<(Verb, Request), Error> {
    let mut found = Found::default();
    let members = json::members(raw.get().as_bytes())?;
    for (name, value) in &members {
        let wrong = |kind| Err(Error::malformed(Place::member(shorten(name)), kind));
        let verb = Verb::ALL.into_iter().find(|verb| verb.name() == &**name);
        let slot = match (verb, &**name) {
            (Some(verb), _) if found.verb.is_none() => {
                found.verb = Some((verb, value));
                continue;
            }
            (Some(_), _) => return wrong(ViolationKind::Range("one request does one thing; send another".to_owned())),
            (None, "id") => &mut found.id,
            (None, "body") => &mut found.body,
            (None, "select") => &mut found.select,
            (None, "query") => &mut found.query,
            (None, "ifMatch") => &mut found.if_match,
            (None, other) => {
                let known: Vec<&str> = Verb::ALL.map(Verb::name).into_iter().chain(MEMBERS).collect();
                return wrong(unknown("member", other, nearest(&known, other)));
            }
        };
        if slot.replace(value).is_some() {
            return wrong(ViolationKind::Duplicate);
        }
    }
    let Some((verb, path)) = found.verb else {
        let expected = "a request: `create`, `update`, `delete`, `get` or `list` with the path of a collection";
        return Err(Error::malformed(Place::Whole, ViolationKind::Type { expected: expected.to_owned() }));
    };
    if let Some((name, _)) =
        members.iter().find(|(name, _)| **name != *verb.name() && !verb.members().contains(&&**name))
    {
        let kind = ViolationKind::Range(format!("`{}` does not take it", verb.name()));
        return Err(Error::malformed(Place::member(shorten(name)), kind));
    }
    let collection =
        collection(reader, path, visible).map_err(|kind| Error::malformed(Place::member(verb.name()), kind))?;
    Ok((verb, found.into_request(reader, verb, collection)?))
}

const MEMBERS: [&str; 5] = ["id", "body", "select", "query", "ifMatch"];

fn collection(
    reader: &Reader,
    raw: &RawValue,
    visible: &dyn Fn(&Collection) -> bool,
) -> Result<CollectionId, ViolationKind> {
    let expected = "the path of a collection, such as \"posts\"";
    let path = json::text(raw, expected)?.ok_or_else(|| ViolationKind::Type { expected: expected.to_owned() })?;
    let found = reader.model().collection_at(&path).filter(|collection| visible(collection));
    let paths = || reader.model().collections.iter().filter(|collection| visible(collection));
    found.map(|collection| collection.id).ok_or_else(|| {
        let meant = backstay_base::nearest(&path, paths().map(|collection| &*collection.path));
        unknown("collection", &path, meant)
    })
}

impl Found<'_> {
    fn into_request(self, reader: &Reader, verb: Verb, collection: CollectionId) -> Result<Request, Error> {
        let model = reader.model();
        let body = || {
            let missing = || Error::malformed(Place::member("body"), ViolationKind::Required);
            self.body.map(|raw| raw.get().as_bytes()).ok_or_else(missing)
        };
        let within = |error| in_request(error, verb);
        Ok(match verb {
            Verb::Get => {
                let select = self.select.map(|raw| json::text(raw, "a text")).transpose();
                let select = select.map_err(|kind| Error::malformed(Place::member("select"), kind))?.flatten();
                let selection = reader.selection(collection, select.as_deref()).map_err(within)?;
                Request::Get(Get { collection, id: self.id()?, selection, perspective: Perspective::Live })
            }
            Verb::List => Request::List(match self.query {
                Some(query) => reader.list_of_body(collection, query.get().as_bytes()).map_err(within)?,
                None => List::of(collection),
            }),
            Verb::Create => {
                let inputs = inputs(model, collection, body()?).map_err(within)?;
                Request::Create(Create { collection, inputs, options: WriteOptions::default() })
            }
            Verb::Update => {
                let input = patch(model, collection, body()?).map_err(within)?;
                Request::Update(Update { collection, id: self.id()?, input, options: self.options()? })
            }
            Verb::Delete => Request::Delete(Delete { collection, id: self.id()?, options: self.options()? }),
        })
    }

    fn id(&self) -> Result<RecordId, Error> {
        let wrong = |kind| Error::malformed(Place::member("id"), kind);
        let raw = self.id.ok_or_else(|| wrong(ViolationKind::Required))?;
        let expected = "an id, such as \"01890a5d-ac96-774b-bcce-b302099a8057\"";
        let text = json::text(raw, expected).map_err(wrong)?;
        let kind = || ViolationKind::Type { expected: expected.to_owned() };
        text.and_then(|text| text.parse().ok()).ok_or_else(|| wrong(kind()))
    }

    /// `ifMatch`: the version of the record, or its `ETag`, whose first part is the version.
    fn options(&self) -> Result<WriteOptions, Error> {
        let Some(raw) = self.if_match else { return Ok(WriteOptions::default()) };
        let expected = "the record's version, such as 3, or its ETag".to_owned();
        let wrong = || Error::malformed(Place::member("ifMatch"), ViolationKind::Type { expected });
        let text: String = match serde_json::from_str(raw.get()) {
            Ok(text) => text,
            Err(_) => raw.get().to_owned(),
        };
        let text = text.trim_matches('"');
        let version = text.split_once('.').map_or(text, |(version, _)| version);
        let is_plain = !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit());
        let version = version.parse().ok().filter(|_| is_plain).ok_or_else(wrong)?;
        Ok(WriteOptions { if_match: Some(IfMatch::Versions(vec![version])), ..WriteOptions::default() })
    }
}

/// An error of a request with its places in the object that the request is written as.
fn in_request(error: Error, verb: Verb) -> Error {
    let member = match verb {
        Verb::Get => return moved(error, |at| if at == Place::Select { Place::member("select") } else { at }),
        Verb::List => return moved(in_body(error), |at| at.within(Step::Member("query".to_owned()))),
        Verb::Create | Verb::Update => "body",
        Verb::Delete => return error,
    };
    moved(error, |at| at.within(Step::Member(member.to_owned())))
}

/// An error with its places in the whole body.
fn at_request(error: Error, index: usize) -> Error {
    moved(error, |at| at.within(Step::Item(index)).within(Step::Member("requests".to_owned())))
}

fn moved(error: Error, place: impl Fn(Place) -> Place) -> Error {
    let each = |violations: Vec<Violation>| {
        violations.into_iter().map(|violation| Violation::new(place(violation.at), violation.kind)).collect()
    };
    match error {
        Error::Malformed(violations) => Error::Malformed(each(violations)),
        Error::Invalid(violations) => Error::Invalid(each(violations)),
        other => other,
    }
}
