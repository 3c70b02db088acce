//! The body of `POST /transact`: several requests that are answered together.

use std::borrow::Cow;
use std::sync::Arc;

use backstay_base::{Error, Place, RecordId, Step, Violation, ViolationKind, limits, nearest};
use backstay_engine::{
    Aggregate, Context, Create, Engine, IfMatch, Input, List, MatchingAct, MatchingVerb, OfMatching, OfRecord,
    RecordAct, RecordVerb, Refused, Replace, Request, RequestKind, Tag, Update, Which, WriteOptions,
};
use backstay_model::{Addressed, Collection, CollectionId, FieldId, InterfaceId};
use backstay_scalar::{Scalar, Token};
use bytes::Bytes;
use serde_json::value::RawValue;

use crate::filter::few_params;
use crate::list::{NULL_PARAMETER, pairs};
use crate::matching::unfiltered;
use crate::parameter::AS_OF;
use crate::reader::Reader;
use crate::words::{shorten, unknown};
use crate::{GetWords, Matching, in_body, inputs, json, patch, replacement, upserts};

/// Several requests, and how each of them is written.
#[derive(Debug)]
pub struct Batch {
    /// The requests, in their order.
    pub requests: Vec<Request>,
    parts: Parts,
}

/// Where the parts of each request are in the body.
#[derive(Debug, Clone)]
pub struct Parts(Vec<RequestKind>);

/// A member of a request beside its collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Member {
    /// The record.
    Id,
    /// The record, by a unique key.
    By,
    /// What is sent.
    Body,
    /// What is answered of a record.
    Select,
    /// The values of the parameters in that.
    Params,
    /// Which records are listed.
    Query,
    /// The version that the record must have.
    IfMatch,
    /// That there must be no record.
    IfNoneMatch,
    /// The unique key of records that are changed instead of created.
    OnConflict,
    /// The moment as of which the record is read.
    AsOf,
}

impl Member {
    /// Every member.
    const ALL: [Self; 10] = [
        Self::Id,
        Self::By,
        Self::Body,
        Self::Select,
        Self::Params,
        Self::Query,
        Self::IfMatch,
        Self::IfNoneMatch,
        Self::OnConflict,
        Self::AsOf,
    ];

    /// The members that a request of this kind takes.
    pub const fn of(kind: RequestKind) -> &'static [Self] {
        match kind {
            RequestKind::Get => &[Self::Id, Self::By, Self::Select, Self::Params, Self::AsOf],
            RequestKind::History => &[Self::Id, Self::Query],
            RequestKind::List | RequestKind::Aggregate | RequestKind::OfMatching(MatchingVerb::Delete) => {
                &[Self::Query]
            }
            RequestKind::Create => &[Self::Body, Self::OnConflict, Self::Select, Self::Params],
            RequestKind::OfMatching(MatchingVerb::Update) => &[Self::Query, Self::Body],
            RequestKind::Update => &[Self::Id, Self::By, Self::Body, Self::IfMatch, Self::Select, Self::Params],
            RequestKind::Replace => {
                &[Self::Id, Self::By, Self::Body, Self::IfMatch, Self::IfNoneMatch, Self::Select, Self::Params]
            }
            RequestKind::OfRecord(RecordVerb::Restore) => {
                &[Self::Id, Self::Body, Self::IfMatch, Self::Select, Self::Params]
            }
            RequestKind::OfRecord(RecordVerb::Delete) => &[Self::Id, Self::By, Self::IfMatch],
            RequestKind::OfRecord(RecordVerb::Purge) => &[Self::Id, Self::IfMatch],
        }
    }

    /// Its name in the request.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::By => "by",
            Self::Body => "body",
            Self::Select => "select",
            Self::Params => "params",
            Self::Query => "query",
            Self::IfMatch => "ifMatch",
            Self::IfNoneMatch => "ifNoneMatch",
            Self::OnConflict => Reader::ON_CONFLICT,
            Self::AsOf => AS_OF,
        }
    }
}

/// Requests that are read each by itself: how each is written and what it is, or what is wrong with it.
pub type Separate = Vec<Result<(RequestKind, Request), Error>>;

impl Batch {
    /// Reads `{"requests": […]}`, in which each request names its collection by its path: `{"create": "posts", "body": …}`,
    /// `{"update": "posts", "id": …, "body": …}`, `{"delete": "posts", "id": …}`, `{"get": "posts", "id": …}`,
    /// `{"restore": "posts", "id": …, "body": …}`, `{"history": "posts", "id": …}`, `{"list": "posts", "query": …}` or
    /// `{"aggregate": "posts", "query": …}`. Collections that are not visible do not exist. What is wrong with any of the
    /// requests is reported together.
    pub fn read(reader: &Reader, body: &[u8], visible: &dyn Fn(&Collection) -> bool) -> Result<Self, Refused> {
        let whole = |error| Refused { request: None, error };
        let mut batch = Self { requests: Vec::new(), parts: Parts(Vec::new()) };
        let mut wrong: Vec<(usize, Error)> = Vec::new();
        for (index, read) in Self::read_each(reader, body, visible).map_err(whole)?.into_iter().enumerate() {
            match read {
                Ok((kind, request)) => {
                    batch.parts.0.push(kind);
                    batch.requests.push(request);
                }
                Err(error) => wrong.push((index, error)),
            }
        }
        match wrong.len() {
            0 => Ok(batch),
            1 => {
                let (request, error) = wrong.swap_remove(0);
                Err(Refused { request: Some(request), error })
            }
            _ => Err(whole(together(wrong.into_iter().map(|(_, error)| error)))),
        }
    }

    /// Reads the same requests, each by itself: how it is written and what it is, or what is wrong with it.
    pub fn read_each(reader: &Reader, body: &[u8], visible: &dyn Fn(&Collection) -> bool) -> Result<Separate, Error> {
        let read = |(index, item)| one(reader, item, visible).map_err(|error| at_request(error, index));
        Ok(items(body)?.into_iter().enumerate().map(read).collect())
    }

    /// Reads what this caller sent; what takes long to read waits for its turn among long reads.
    pub async fn read_in_turn(
        engine: &Engine,
        reader: &Arc<Reader>,
        cx: &Context,
        body: Bytes,
    ) -> Result<Self, Refused> {
        let read = in_turn((engine, reader), cx, body, Self::read).await;
        read.map_err(|error| Refused { request: None, error })?
    }

    /// The same of requests that are read each by itself.
    pub async fn read_each_in_turn(
        engine: &Engine,
        reader: &Arc<Reader>,
        cx: &Context,
        body: Bytes,
    ) -> Result<Separate, Error> {
        in_turn((engine, reader), cx, body, Self::read_each).await?
    }

    /// Whether reading this body can take long: the filters of its lists are long and aren't known yet.
    pub(crate) fn takes_long(reader: &Reader, body: &[u8]) -> bool {
        let unknown = |item: &&RawValue| unknown_bytes(reader, item).unwrap_or(0);
        body.len() > limits::LONG_FILTER_BYTES
            && items(body).is_ok_and(|items| items.iter().map(unknown).sum::<usize>() > limits::LONG_FILTER_BYTES)
    }

    /// Has writes not answer their records.
    pub fn minimal(&mut self) {
        for options in self.requests.iter_mut().filter_map(Request::options_mut) {
            options.minimal = true;
        }
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
            Some((index, kind)) => place((index, kind), error),
            None => error,
        };
        Refused { request, error }
    }
}

/// A way to read a body for a caller to whom these collections are visible.
type Reading<T> = fn(&Reader, &[u8], &dyn Fn(&Collection) -> bool) -> T;

/// Reads what a caller sent in this way, if need be in turn.
async fn in_turn<T: Send + 'static>(
    (engine, reader): (&Engine, &Arc<Reader>),
    cx: &Context,
    body: Bytes,
    read: Reading<T>,
) -> Result<T, Error> {
    let takes_long = Batch::takes_long(reader, &body);
    let (served, reader, caller) = (engine.clone(), Arc::clone(reader), Arc::clone(cx.caller()));
    let read = move || {
        let visible = |collection: &Collection| served.exists_for(&caller, collection);
        read(&reader, &body, &visible)
    };
    if takes_long { engine.take_turn(cx, read).await } else { Ok(read()) }
}

/// The refusal of a request that is written in this way, with its places in the body.
pub fn place((index, kind): (usize, RequestKind), error: Error) -> Error {
    at_request(in_request(error, kind), index)
}

/// The requests in a body, not yet read.
fn items(body: &[u8]) -> Result<Vec<&RawValue>, Error> {
    let form = "write {\"requests\": [{\"create\": \"posts\", \"body\": {…}}, …]}";
    let expected = || Error::malformed(Place::Whole, ViolationKind::Type { expected: format!("an object; {form}") });
    if body.trim_ascii_start().starts_with(b"[") {
        return Err(expected());
    }
    let mut requests = None;
    for (name, raw) in json::members(body)? {
        let wrong = |kind| Err(Error::malformed(Place::member(shorten(&name)), kind));
        match (&*name, requests) {
            ("requests", None) => requests = Some(raw),
            ("requests", Some(_)) => return wrong(ViolationKind::Duplicate),
            (other, _) => {
                let problem = format!("unknown member `{}`", shorten(other));
                return wrong(ViolationKind::Misused { problem, remedy: form.to_owned() });
            }
        }
    }
    let at = || Place::member("requests");
    let raw = requests.ok_or_else(|| Error::malformed(at(), ViolationKind::Required))?;
    if !raw.get().starts_with('[') {
        return Err(Error::malformed(at(), ViolationKind::Type { expected: "an array of requests".to_owned() }));
    }
    let items = json::few_items(raw.get(), limits::TRANSACTION_REQUESTS)?;
    if items.is_empty() || items.len() > limits::TRANSACTION_REQUESTS {
        let range = format!("expected 1 to {} requests", limits::TRANSACTION_REQUESTS);
        return Err(Error::malformed(at(), ViolationKind::Range(range)));
    }
    Ok(items)
}

/// Bytes of the expressions that a request brings in its query or its selection, and that aren't known yet.
fn unknown_bytes(reader: &Reader, item: &RawValue) -> Option<usize> {
    let members = json::members(item.get().as_bytes()).ok()?;
    let member = |name: &str| members.iter().find(|(known, _)| known == name).map(|(_, raw)| *raw);
    let model = reader.model();
    let (kind, path) = RequestKind::ALL.into_iter().find_map(|kind| Some((kind, member(kind.name())?)))?;
    let path: String = serde_json::from_str(path.get()).ok()?;
    let (collection, interface) = (model.collection_at(&path), model.interface_at(&path));
    // What is asked of several types is read once for each.
    let of_types = |sent: &str| interface.map(|interface| sent.len() * interface.types.len());
    let query = || member(Member::Query.name()).map(RawValue::get);
    match kind {
        RequestKind::List | RequestKind::OfMatching(_) => match collection {
            Some(collection) => Some(reader.unknown_bytes_of(collection.id, query()?.as_bytes())),
            None => of_types(query()?),
        },
        RequestKind::Aggregate => {
            let collection = collection?;
            Some(reader.unknown_bytes_of_aggregate(collection.id, query()?.as_bytes()))
        }
        RequestKind::Get
        | RequestKind::Create
        | RequestKind::Update
        | RequestKind::Replace
        | RequestKind::OfRecord(_)
        | RequestKind::History => {
            let select: String = serde_json::from_str(member(Member::Select.name())?.get()).ok()?;
            match collection {
                Some(collection) => Some(reader.unknown_bytes_of_select(collection.id, Some(&select))),
                None => of_types(&select),
            }
        }
    }
}

/// Several errors as one: of form if one of them is, with all that they say up to the limit.
fn together(errors: impl Iterator<Item = Error>) -> Error {
    let (mut violations, mut malformed, mut other) = (Vec::new(), false, None);
    for error in errors {
        match error {
            Error::Malformed(more) => {
                malformed = true;
                violations.extend(more);
            }
            Error::Invalid(more) => violations.extend(more),
            error => other = other.or(Some(error)),
        }
    }
    violations.truncate(limits::VIOLATIONS);
    match other {
        Some(error) if violations.is_empty() => error,
        _ if malformed => Error::Malformed(violations),
        _ => Error::Invalid(violations),
    }
}

/// The members of one request, as they are found.
#[derive(Default)]
struct Found<'r> {
    kind: Option<(RequestKind, &'r RawValue)>,
    id: Option<&'r RawValue>,
    by: Option<&'r RawValue>,
    body: Option<&'r RawValue>,
    select: Option<&'r RawValue>,
    params: Option<&'r RawValue>,
    query: Option<&'r RawValue>,
    if_match: Option<&'r RawValue>,
    if_none_match: Option<&'r RawValue>,
    on_conflict: Option<&'r RawValue>,
    as_of: Option<&'r RawValue>,
}

fn one(
    reader: &Reader,
    raw: &RawValue,
    visible: &dyn Fn(&Collection) -> bool,
) -> Result<(RequestKind, Request), Error> {
    let mut found = Found::default();
    let members = json::members(raw.get().as_bytes())?;
    for (name, value) in &members {
        let wrong = |kind| Err(Error::malformed(Place::member(shorten(name)), kind));
        let named = RequestKind::ALL.into_iter().find(|kind| kind.name() == &**name);
        let member = Member::ALL.into_iter().find(|member| member.name() == &**name);
        let slot = match (named, member) {
            (Some(kind), _) if found.kind.is_none() => {
                found.kind = Some((kind, value));
                continue;
            }
            (Some(second), _) => {
                let first = found.kind.map_or("", |(kind, _)| kind.name());
                let problem = format!("a request has one action, but this one has `{first}` and `{}`", second.name());
                return wrong(ViolationKind::Misused { problem, remedy: "split it in two".to_owned() });
            }
            (None, Some(Member::Id)) => &mut found.id,
            (None, Some(Member::By)) => &mut found.by,
            (None, Some(Member::Body)) => &mut found.body,
            (None, Some(Member::Select)) => &mut found.select,
            (None, Some(Member::Params)) => &mut found.params,
            (None, Some(Member::Query)) => &mut found.query,
            (None, Some(Member::IfMatch)) => &mut found.if_match,
            (None, Some(Member::IfNoneMatch)) => &mut found.if_none_match,
            (None, Some(Member::OnConflict)) => &mut found.on_conflict,
            (None, Some(Member::AsOf)) => &mut found.as_of,
            (None, None) => return wrong(unknown_member(action(&members), name)),
        };
        if slot.replace(value).is_some() {
            return wrong(ViolationKind::Duplicate);
        }
    }
    let Some((kind, path)) = found.kind else {
        let expected = "an action and a collection, such as {\"create\": \"posts\", \"body\": {…}}".to_owned();
        return Err(Error::malformed(Place::Whole, ViolationKind::Type { expected }));
    };
    let taken = || Member::of(kind).iter().map(|member| member.name());
    if let Some((name, _)) =
        members.iter().find(|(name, _)| **name != *kind.name() && taken().all(|taken| *taken != **name))
    {
        let remedy = match (kind, &**name) {
            (RequestKind::Get | RequestKind::List, "body") | (RequestKind::Get, "query") => "leave it out".to_owned(),
            (RequestKind::List | RequestKind::Aggregate, "select" | "params" | "group" | "having") => {
                format!("write it in `query`: {{\"query\": {{\"{name}\": …}}}}")
            }
            (RequestKind::Create, "id") => "leave it out; Backstay assigns the id of a new record".to_owned(),
            (_, "query") if let Some(remedy) = instead_of_filter(kind) => remedy.to_owned(),
            _ => format!("it takes `{}`", taken().collect::<Vec<_>>().join("`, `")),
        };
        let misused = ViolationKind::Misused { problem: format!("`{}` has no `{name}`", kind.name()), remedy };
        return Err(Error::malformed(Place::member(shorten(name)), misused));
    }
    let at = || Place::member(kind.name());
    match addressed(reader, path, visible).map_err(|wrong| Error::malformed(at(), wrong))? {
        Named::Collection(collection) => {
            check_kind(reader, collection, (kind, found.id.is_some() || found.by.is_some()))?;
            Ok((kind, found.into_request(reader, kind, collection)?))
        }
        Named::Interface(interface) => Ok((kind, found.into_read_of_types(reader, kind, interface)?)),
    }
}

/// What the path in a request names.
enum Named {
    Collection(CollectionId),
    Interface(InterfaceId),
}

/// Refuses what the collection has no record for: another one of a `@single` type, one in a trash that there isn't.
fn check_kind(
    reader: &Reader,
    collection: CollectionId,
    (kind, names_record): (RequestKind, bool),
) -> Result<(), Error> {
    let collection = reader.model().collection(collection);
    let (name, is_single) = (&collection.name, Addressed::Single.is_in(collection));
    let addressed = kind.addresses().iter().find(|addressed| addressed.is_in(collection));
    let (member, problem, remedy) = match addressed {
        Some(Addressed::Single) if names_record => ("id", "has exactly one record", "leave `id` out"),
        Some(_) => return Ok(()),
        None if is_single => (kind.name(), "has exactly one record", "read it with `get`, change it with `update`"),
        None if kind == RequestKind::History => (kind.name(), "has no history", "only types with `@history` have one"),
        None => (kind.name(), "has no trash", "what was deleted is gone"),
    };
    let misused = ViolationKind::Misused { problem: format!("{name} {problem}"), remedy: remedy.to_owned() };
    Err(Error::malformed(Place::member(member), misused))
}

/// What other systems call the members, and ours.
const ELSEWHERE: &[(&[&str], &str)] = &[
    (&["insert", "post", "add", "new"], "write `create`"),
    (&["patch", "change"], "write `update`"),
    (&["put"], "write `replace`"),
    (&["upsert"], "write `create`, with the unique key in `onConflict`"),
    (&["on_conflict", "on_duplicate"], "write `onConflict`"),
    (&["remove", "destroy"], "write `delete`"),
    (&["undelete", "recover", "untrash"], "write `restore`"),
    (&["versions", "changes", "revisions", "audit"], "write `history`"),
    (&["as_of", "at", "validAt"], "write `asOf`"),
    (&["read", "find", "fetch"], "write `get` or `list`"),
    (&["data", "values", "record", "attributes", "object"], "write `body`"),
    (
        &["filter", "where", "sort", "order", "limit", "after", "before", "skip", "count", "group", "having"],
        "put it into `query`: {\"list\": \"posts\", \"query\": {\"limit\": 1}}",
    ),
    (&["fields", "columns"], "write `select`"),
    (&["etag", "version", "if_match", "if-match"], "write `ifMatch`"),
    (&["if_none_match", "if-none-match"], "write `ifNoneMatch`"),
    (&["headers"], "write `If-Match` as `ifMatch`; other headers are those of the whole transaction"),
    (
        &["method", "url", "path", "op", "operation", "collection", "type"],
        "write {\"create\": \"posts\", \"body\": {…}}",
    ),
    (&["as", "ref", "$ref", "$id", "name"], "a request can't refer to another one yet"),
];

/// What a request asks for, wherever among its members that is.
fn action(members: &[(Cow<'_, str>, &RawValue)]) -> Option<RequestKind> {
    RequestKind::ALL.into_iter().find(|kind| members.iter().any(|(name, _)| kind.name() == &**name))
}

/// What to write instead of a filter in a request that is about one record; `None` if it isn't.
fn instead_of_filter(kind: RequestKind) -> Option<&'static str> {
    match kind {
        RequestKind::Get => Some("write `by`, or use `list`"),
        RequestKind::Update => Some("write `by`, or use `updateAll`"),
        RequestKind::OfRecord(RecordVerb::Delete) => Some("write `by`, or use `deleteAll`"),
        RequestKind::Replace => Some("write `by`"),
        RequestKind::OfRecord(RecordVerb::Restore | RecordVerb::Purge) => Some("write `id`"),
        RequestKind::List
        | RequestKind::Create
        | RequestKind::OfMatching(_)
        | RequestKind::History
        | RequestKind::Aggregate => None,
    }
}

fn unknown_member(kind: Option<RequestKind>, name: &str) -> ViolationKind {
    let lower = name.to_ascii_lowercase();
    if let Some(remedy) = kind.and_then(instead_of_filter)
        && ["filter", "where"].contains(&&*lower)
    {
        let problem = format!("unknown member `{}`", shorten(name));
        return ViolationKind::Misused { problem, remedy: remedy.to_owned() };
    }
    let remedy = ELSEWHERE.iter().find(|(names, _)| names.contains(&&*lower)).map(|(_, remedy)| *remedy);
    if let Some(remedy) = remedy {
        let problem = format!("unknown member `{}`", shorten(name));
        return ViolationKind::Misused { problem, remedy: remedy.to_owned() };
    }
    let names = RequestKind::ALL.map(RequestKind::name).into_iter().chain(Member::ALL.map(Member::name));
    unknown("member", name, nearest(name, names))
}

fn addressed(reader: &Reader, raw: &RawValue, visible: &dyn Fn(&Collection) -> bool) -> Result<Named, ViolationKind> {
    let expected = "the path of a collection, such as \"posts\"";
    let path = json::text(raw, expected)?.ok_or_else(|| ViolationKind::Type { expected: expected.to_owned() })?;
    let found = reader.model().collection_at(&path).filter(|collection| visible(collection));
    if let Some(rest) = path.strip_prefix("/api/").or_else(|| path.strip_prefix('/')) {
        let remedy = format!("write only the collection's path: \"{}\"", shorten(rest));
        return Err(ViolationKind::Misused { problem: "this is a path from the root".to_owned(), remedy });
    }
    if let Some((first, _)) = path.split_once('/') {
        let remedy = format!("write \"{}\" here, and the id in `id`", shorten(first));
        return Err(ViolationKind::Misused { problem: "this is the path of a record".to_owned(), remedy });
    }
    let of_interface = || reader.model().interface_at(&path).map(|interface| Named::Interface(interface.id));
    let paths = || reader.model().collections.iter().filter(|collection| visible(collection));
    found.map(|collection| Named::Collection(collection.id)).or_else(of_interface).ok_or_else(|| {
        let meant = backstay_base::nearest(&path, paths().map(|collection| &*collection.path));
        unknown("collection", &path, meant)
    })
}

impl Found<'_> {
    fn into_request(self, reader: &Reader, kind: RequestKind, collection: CollectionId) -> Result<Request, Error> {
        let model = reader.model();
        let body = || {
            let missing = || Error::malformed(Place::member("body"), ViolationKind::Required);
            self.body.map(|raw| raw.get().as_bytes()).ok_or_else(missing)
        };
        let within = |error| in_request(error, kind);
        Ok(match kind {
            RequestKind::Get => {
                let words = self.words()?;
                let record = (collection, self.which(reader, collection)?);
                Request::Get(reader.get(record, &words).map_err(within)?)
            }
            RequestKind::List => Request::List(match self.query {
                Some(query) => reader.list_of_body(collection, query.get().as_bytes()).map_err(within)?,
                None => List::of(collection),
            }),
            RequestKind::History => {
                let record = (collection, self.id(reader, collection)?);
                Request::History(reader.history_of_body(record, self.query).map_err(within)?)
            }
            RequestKind::Aggregate => Request::Aggregate(self.groups(reader, collection).map_err(within)?),
            RequestKind::Create => {
                let on_conflict = self.key(reader, collection)?;
                let read = if on_conflict.is_some() { upserts } else { inputs };
                let inputs = read(model, collection, body()?).map_err(within)?;
                Request::Create(Create { collection, inputs, on_conflict, options: self.options(reader, collection)? })
            }
            RequestKind::Update => {
                let input = patch(model, collection, body()?).map_err(within)?;
                let (which, options) = (self.which(reader, collection)?, self.options(reader, collection)?);
                Request::Update(Update { collection, which, input, options })
            }
            RequestKind::OfMatching(verb) => {
                let raw = self.query.ok_or_else(|| {
                    Error::malformed(Place::member("query"), unfiltered("write {\"query\": {\"filter\": \"true\"}}"))
                })?;
                let matching = reader.matching_of_body(collection, raw.get().as_bytes());
                let sent = |error| moved(error, |at| at.within(Step::Member(Member::Body.name().to_owned())));
                let Matching { filter, limit, dry_run } = matching.map_err(in_query)?;
                let act = match verb {
                    MatchingVerb::Update => MatchingAct::Update(patch(model, collection, body()?).map_err(sent)?),
                    MatchingVerb::Delete => MatchingAct::Delete,
                };
                let options = WriteOptions::default();
                Request::OfMatching(OfMatching { act, collection, filter, limit, dry_run, options })
            }
            RequestKind::Replace => {
                let input = replacement(model, collection, body()?).map_err(within)?;
                let (which, options) = (self.which(reader, collection)?, self.options(reader, collection)?);
                Request::Replace(Replace { collection, which, input, options })
            }
            RequestKind::OfRecord(verb) => {
                let act = match (verb, self.body) {
                    (RecordVerb::Delete, _) => RecordAct::Delete,
                    (RecordVerb::Purge, _) => RecordAct::Purge,
                    (RecordVerb::Restore, None) => RecordAct::Restore(Input::new()),
                    (RecordVerb::Restore, Some(raw)) => {
                        RecordAct::Restore(patch(model, collection, raw.get().as_bytes()).map_err(within)?)
                    }
                };
                let which = self.which(reader, collection)?;
                Request::OfRecord(OfRecord { act, collection, which, options: self.options(reader, collection)? })
            }
        })
    }

    /// Groups, from `query`.
    fn groups(&self, reader: &Reader, collection: CollectionId) -> Result<Aggregate, Error> {
        reader.aggregate_of_body(collection, self.query.map_or("{}", RawValue::get).as_bytes())
    }

    /// A read of the types of an interface. Nothing else can be asked of several types.
    fn into_read_of_types(self, reader: &Reader, kind: RequestKind, interface: InterfaceId) -> Result<Request, Error> {
        let within = |error| in_request(error, kind);
        Ok(match kind {
            RequestKind::Get => {
                let words = self.words()?;
                let record = (interface, self.named_id(Scalar::UUID)?);
                Request::GetOfTypes(reader.get_of_types(record, &words).map_err(within)?)
            }
            RequestKind::List => {
                let query = self.query.map_or("{}", RawValue::get);
                Request::ListOfTypes(reader.list_of_types_of_body(interface, query.as_bytes()).map_err(within)?)
            }
            RequestKind::Create
            | RequestKind::Update
            | RequestKind::Replace
            | RequestKind::OfRecord(_)
            | RequestKind::OfMatching(_)
            | RequestKind::History
            | RequestKind::Aggregate => {
                let name = &reader.model().interface(interface).name;
                let problem = format!("{name} is an interface, whose records can only be read with `get` and `list`");
                let remedy = "write the path of the record's type".to_owned();
                return Err(Error::malformed(Place::member(kind.name()), ViolationKind::Misused { problem, remedy }));
            }
        })
    }

    /// `select`, `params` and `asOf`.
    fn words(&self) -> Result<GetWords<'_>, Error> {
        let text = |raw: Option<&RawValue>, member: Member| {
            let text = raw.map(|raw| json::text(raw, "a text")).transpose();
            text.map(Option::flatten).map_err(|kind| Error::malformed(Place::member(member.name()), kind))
        };
        let (select, as_of) = (text(self.select, Member::Select)?, text(self.as_of, Member::AsOf)?);
        let (mut params, at) = (Vec::new(), Place::member(Member::Params.name()));
        let mut wrong = self.params.map_or_else(Vec::new, |raw| pairs(&at, raw, NULL_PARAMETER, &mut params));
        wrong.extend(few_params(&params).err().map(|kind| Violation::new(at, kind)));
        if !wrong.is_empty() {
            return Err(Error::Malformed(wrong));
        }
        Ok(GetWords { select: select.map(Cow::Owned), params, as_of: as_of.map(Cow::Owned) })
    }

    /// The record that `id` or `by` names.
    fn which(&self, reader: &Reader, collection: CollectionId) -> Result<Which, Error> {
        let Some(by) = self.by else {
            if self.id.is_none() && reader.single(collection).is_none() {
                let problem = "the request doesn't say which record it is about".to_owned();
                let misused = ViolationKind::Misused { problem, remedy: "write `id` or `by`".to_owned() };
                return Err(Error::malformed(Place::member("id"), misused));
            }
            return self.id(reader, collection).map(Which::Id);
        };
        if self.id.is_some() {
            let problem = "`id` and `by` both name the record".to_owned();
            let misused = ViolationKind::Misused { problem, remedy: "leave one of them out".to_owned() };
            return Err(Error::malformed(Place::member("by"), misused));
        }
        reader
            .key_of_body(collection, by)
            .map_err(|error| moved(error, |at| in_key(at).within(Step::Member("by".to_owned()))))
    }

    fn id(&self, reader: &Reader, collection: CollectionId) -> Result<RecordId, Error> {
        match reader.single(collection) {
            Some(id) => Ok(id),
            None => self.named_id(reader.model().collection(collection).key.scalar()),
        }
    }

    fn named_id(&self, key: Scalar) -> Result<RecordId, Error> {
        let wrong = |kind| Error::malformed(Place::member("id"), kind);
        let raw = self.id.ok_or_else(|| wrong(ViolationKind::Required))?;
        let id = key.read(Token::Json(raw.get())).map_err(|problem| wrong(problem.into()))?;
        id.as_id().ok_or_else(|| wrong(ViolationKind::Required))
    }

    /// `onConflict`: the comma-separated fields of a unique key.
    fn key(&self, reader: &Reader, collection: CollectionId) -> Result<Option<Vec<FieldId>>, Error> {
        let Some(raw) = self.on_conflict else { return Ok(None) };
        let wrong = |kind| Error::malformed(Place::member(Member::OnConflict.name()), kind);
        let expected = "the fields of a unique key in a string, such as \"sku\" or \"room,number\"";
        let names = json::text(raw, expected).map_err(wrong)?;
        names.map(|names| reader.key_named(collection, &names)).transpose().map_err(wrong)
    }

    fn options(&self, reader: &Reader, collection: CollectionId) -> Result<WriteOptions, Error> {
        let shown = reader.shown(collection, &self.words()?).map_err(in_selection)?;
        let if_match = match (self.version()?, self.absent()?) {
            (Some(_), Some(_)) => {
                let problem = "`ifMatch` wants a record, and `ifNoneMatch` wants none".to_owned();
                let misused = ViolationKind::Misused { problem, remedy: "leave one of them out".to_owned() };
                return Err(Error::malformed(Place::member(Member::IfNoneMatch.name()), misused));
            }
            (wanted, absent) => wanted.or(absent),
        };
        Ok(WriteOptions { if_match, shown, ..WriteOptions::default() })
    }

    /// `ifNoneMatch`: `*` for no record, or null.
    fn absent(&self) -> Result<Option<IfMatch>, Error> {
        let Some(raw) = self.if_none_match.filter(|raw| raw.get() != "null") else { return Ok(None) };
        match serde_json::from_str::<String>(raw.get()) {
            Ok(text) if text == "*" => Ok(Some(IfMatch::Absent)),
            Ok(_) | Err(_) => {
                let range = "only `\"*\"` is supported, which creates the record only if there is none".to_owned();
                Err(Error::malformed(Place::member(Member::IfNoneMatch.name()), ViolationKind::Range(range)))
            }
        }
    }

    /// `ifMatch`: the version of the record, its `ETag`, `*` for any version, or null.
    fn version(&self) -> Result<Option<IfMatch>, Error> {
        let Some(raw) = self.if_match.filter(|raw| raw.get() != "null") else { return Ok(None) };
        let wrong = |kind| Error::malformed(Place::member(Member::IfMatch.name()), kind);
        Ok(Some(match serde_json::from_str::<String>(raw.get()) {
            Ok(text) if text == "*" => IfMatch::Any,
            Ok(text) if text.starts_with("W/") => {
                let range = "a weak tag (`W/…`) never matches; send it without `W/`".to_owned();
                return Err(wrong(ViolationKind::Range(range)));
            }
            Ok(text) => {
                let tag = text.strip_prefix('"').map_or(Some(&*text), |rest| rest.strip_suffix('"'));
                let version = tag.and_then(Tag::version_in).ok_or_else(|| wrong(version_expected()))?;
                IfMatch::Versions(vec![version])
            }
            Err(_) => {
                let version = raw.get().parse().ok().filter(|version: &i64| *version >= 0);
                IfMatch::Versions(vec![version.ok_or_else(|| wrong(version_expected()))?])
            }
        }))
    }
}

fn version_expected() -> ViolationKind {
    ViolationKind::Type { expected: "the record's version, such as 3, or its ETag".to_owned() }
}

/// An error of a request with its places in the object that the request is written as.
fn in_request(error: Error, kind: RequestKind) -> Error {
    let is_by_key = |violation: &Violation| matches!(violation.at, Place::Equality(_));
    let names_records = Member::of(kind).contains(&Member::By);
    if let Error::Malformed(violations) = &error
        && names_records
        && violations.iter().any(is_by_key)
    {
        return moved(error, |at| in_key(at).within(Step::Member(Member::By.name().to_owned())));
    }
    let member = match kind {
        RequestKind::Get => {
            return in_selection(error);
        }
        RequestKind::List | RequestKind::History | RequestKind::Aggregate => {
            return in_query(in_body(error));
        }
        // Of the filter alone: what is sent is placed where it is read.
        RequestKind::OfMatching(_) if matches!(error, Error::Malformed(_)) => return in_query(in_body(error)),
        RequestKind::Create
        | RequestKind::Update
        | RequestKind::Replace
        | RequestKind::OfMatching(_)
        | RequestKind::OfRecord(RecordVerb::Restore) => "body",
        RequestKind::OfRecord(RecordVerb::Delete | RecordVerb::Purge) => return error,
    };
    moved(error, |at| match at {
        Place::Select | Place::Parameter(_) => of_selection(at),
        at => at.within(Step::Member(member.to_owned())),
    })
}

/// An error with its places in the members that say what is answered of a record.
fn in_selection(error: Error) -> Error {
    moved(error, of_selection)
}

fn of_selection(at: Place) -> Place {
    match at {
        Place::Select => Place::member(Member::Select.name()),
        Place::AsOf => Place::member(Member::AsOf.name()),
        Place::Parameter(name) => Place::member(Member::Params.name()).then(Step::Member(name)),
        at => at,
    }
}

/// An error with its places in the query of a request.
fn in_query(error: Error) -> Error {
    moved(error, |at| at.within(Step::Member("query".to_owned())))
}

/// A place in a unique key, as one in the object that it is written as.
fn in_key(at: Place) -> Place {
    match at {
        Place::Equality(name) => Place::member(name),
        Place::Part(_) => Place::Whole,
        at => at,
    }
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
