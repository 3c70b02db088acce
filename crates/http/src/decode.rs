//! Paths, queries, headers and bodies into requests to the engine.

use std::sync::Arc;

use backstay_base::{Action, Caller, CallerKind, Error, Place, RecordId, Unauthenticated, ViolationKind, limits};
use backstay_engine::{
    Context, Create, Input, List, MatchingAct, OfMatching, OfRecord, Perspective, RecordAct, Replace, Request, Shown,
    Update, Which, WriteOptions,
};
use backstay_model::{CollectionId, Model};
use backstay_rest::{Matching, Reader, inputs, is_of_past, patch, replacement, upserts};
use bytes::Bytes;
use http::Method;

use crate::admission::Admitted;
use crate::endpoint::{Endpoint, Handler, Presence, RecordRequest};
use crate::state::State;
use crate::target::{Records, Target};
use crate::write_headers::WriteHeaders;
use crate::{Refusal, body, endpoints, parameters};

/// What an admitted request asks of records, if its caller may ask that of any record at all.
pub(crate) async fn request(
    admitted: &mut Admitted<'_>,
    context: &Context,
    kind: RecordRequest,
) -> Result<Request, Refusal> {
    let Target::Records(records) = admitted.target() else { return Err(mismatch()) };
    let state = admitted.state();
    let query = admitted.head().query();
    // The past has a rule of its own.
    let (model, engine) = (state.engine.model(), &state.engine);
    let collections = records.collections(model);
    let has_past = collections.iter().all(|collection| model.collection(*collection).history.is_some());
    let of_past = has_past
        && matches!(kind, RecordRequest::Get | RecordRequest::List | RecordRequest::Aggregate)
        && is_of_past(query);
    let action = if of_past { Action::History } else { kind.action() };
    let admitted_some = engine.admit_some(context, collections, action);
    // A replacement may create the record.
    match (admitted_some, kind) {
        (Err(refusal), RecordRequest::Replace) => {
            engine.admit_some(context, collections, Action::Create).map_err(|_| refusal)?;
        }
        (admitted, _) => admitted?,
    }
    let records = match records {
        Records::Own(collection) => Records::Record(collection, own(context, &model.collection(collection).name)?),
        records => records,
    };
    let headers = admitted.write_headers()?;
    let sent = Sent { query, body: admitted.take_body(), headers, me: account(context.caller()) };
    let reader = Arc::clone(&state.reader);
    let collection = match collections {
        &[collection] if !records.pattern().is_of_types() => collection,
        _ => return read_of_types(state, context, (kind, records), sent).await,
    };
    let of_matching = matches!(kind, RecordRequest::UpdateAll | RecordRequest::DeleteAll);
    if of_matching && reader.query_takes_long(collection, query) {
        // What its filter means is known afterwards.
        let (reader, query) = (Arc::clone(&reader), query.map(str::to_owned));
        engine.take_turn(context, move || reader.matching_of_query(collection, query.as_deref()).map(drop)).await??;
    }
    let list = match (kind, sent) {
        (RecordRequest::List | RecordRequest::Trash, Sent { query, .. })
            if reader.query_takes_long(collection, query) =>
        {
            let query = query.map(str::to_owned);
            engine.take_turn(context, move || reader.list_of_query(collection, query.as_deref())).await?
        }
        (RecordRequest::Query, Sent { body, .. }) if reader.body_takes_long(collection, &body) => {
            engine.take_turn(context, move || reader.list_of_body(collection, &body)).await?
        }
        (RecordRequest::Aggregate, Sent { query, .. }) if reader.aggregate_query_takes_long(collection, query) => {
            let query = query.map(str::to_owned);
            let read = move || reader.aggregate_of_query(collection, query.as_deref());
            return Ok(Request::Aggregate(engine.take_turn(context, read).await??));
        }
        (RecordRequest::AggregateQuery, Sent { body, .. }) if reader.aggregate_body_takes_long(collection, &body) => {
            let read = move || reader.aggregate_of_body(collection, &body);
            return Ok(Request::Aggregate(engine.take_turn(context, read).await??));
        }
        (_, sent) if sent.body.len() >= limits::LONG_BODY_BYTES => {
            let Sent { query, body, headers, me } = sent;
            let query = query.map(str::to_owned);
            let read = move || Sent { query: query.as_deref(), body, headers, me }.into_request(&reader, kind, records);
            return engine.take_turn(context, read).await?;
        }
        (_, sent) => return sent.into_request(&state.reader, kind, records),
    };
    Ok(Request::List(list_in(kind, list?)?))
}

/// Reads a body of so many bytes. A large one is read in turn, on a thread for long work.
pub(crate) async fn read_in_turn<T: Send + 'static>(
    (state, context): (&State, &Context),
    bytes: usize,
    read: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    if bytes < limits::LONG_BODY_BYTES { Ok(read()) } else { state.engine.take_turn(context, read).await }
}

/// A request that is written down may be nobody's.
fn nobody(path: &str) -> Refusal {
    let problem = "`me` is the account that is signed in, and nobody is here".to_owned();
    let misused = ViolationKind::Misused { problem, remedy: format!("write the id: {path}/…") };
    Refusal::malformed("path", misused)
}

/// The account that calls, if it is one.
fn account(caller: &Caller) -> Option<RecordId> {
    caller.id.filter(|_| caller.kind == CallerKind::Account)
}

/// The id of the account that calls.
fn own(context: &Context, name: &str) -> Result<RecordId, Error> {
    let caller = context.caller();
    match (account(caller), caller.kind) {
        (Some(id), _) => Ok(id),
        (None, CallerKind::Anonymous) => Err(Unauthenticated::Missing.into()),
        (None, _) => {
            Err(Error::NotFound { what: format!("{name} with this id: `me` is the account that is signed in") })
        }
    }
}

/// A read of the types of an interface. A long one is read in turn, because each type reads the filter.
async fn read_of_types(
    state: &State,
    context: &Context,
    (kind, records): (RecordRequest, Records),
    sent: Sent<'_>,
) -> Result<Request, Refusal> {
    let reader = Arc::clone(&state.reader);
    let Sent { query, body, headers: _, me: _ } = sent;
    if query.map_or(0, str::len).max(body.len()) <= limits::LONG_FILTER_BYTES {
        return of_types(&reader, kind, records, (query, &body));
    }
    let query = query.map(str::to_owned);
    let read = move || of_types(&reader, kind, records, (query.as_deref(), &body));
    state.engine.take_turn(context, read).await?
}

/// A read of the types of an interface, from its query or its body.
fn of_types(
    reader: &Reader,
    kind: RecordRequest,
    records: Records,
    (query, body): (Option<&str>, &[u8]),
) -> Result<Request, Refusal> {
    use RecordRequest as Kind;
    Ok(match (kind, records) {
        (Kind::Get, Records::OfTypes(interface, id)) => {
            Request::GetOfTypes(reader.get_of_types_of_query((interface, id), query)?)
        }
        (Kind::List, Records::Types(interface)) => {
            Request::ListOfTypes(reader.list_of_types_of_query(interface, query)?)
        }
        (Kind::Query, Records::QueryOfTypes(interface)) => {
            Request::ListOfTypes(reader.list_of_types_of_body(interface, body)?)
        }
        _ => return Err(mismatch()),
    })
}

/// A list in the version of the data in which this kind asks for it.
fn list_in(kind: RecordRequest, list: List) -> Result<List, Error> {
    match (kind, list.perspective) {
        (RecordRequest::Trash, Perspective::AsOf(_)) => {
            let (problem, remedy) = ("the trash has no past".to_owned(), "leave out `asOf`".to_owned());
            Err(Error::malformed(Place::AsOf, ViolationKind::Misused { problem, remedy }))
        }
        (RecordRequest::Trash, Perspective::Live | Perspective::Trash) => {
            Ok(List { perspective: Perspective::Trash, ..list })
        }
        _ => Ok(list),
    }
}

/// Reads `METHOD /api/…?query` and a body, as `backstay explain` takes them: as a request over HTTP with only the headers
/// that it must have. If the request needs no body, a body of `null` counts as none.
pub fn parse_request(reader: &Reader, (text, body): (&str, Bytes), caller: &Caller) -> Result<Request, Refusal> {
    let Line { records, kind, endpoint, query } = Line::read(reader.model(), text)?;
    let me = account(caller);
    let records = match (records, me) {
        (Records::Own(collection), Some(id)) => Records::Record(collection, id),
        (records, _) => records,
    };
    let body = if !needs_body(endpoint) && &*body == b"null" { Bytes::new() } else { body };
    if endpoint.body.is_none() && !body.is_empty() {
        return Err(body::unwanted());
    }
    parameters::single(query, endpoint.parameters)?;
    Sent { query, body, headers: WriteHeaders::default(), me }.into_request(reader, kind, records)
}

/// Whether a request, written as for `explain`, must have a body.
pub fn carries_body(model: &Model, text: &str) -> bool {
    query_of_transact(text).is_ok_and(|query| query.is_some())
        || Line::read(model, text).is_ok_and(|line| needs_body(line.endpoint))
}

/// The query of `POST /transact`, if this is what is written.
pub(crate) fn query_of_transact(request: &str) -> Result<Option<&str>, Refusal> {
    let Some((method, target)) = request.trim().split_once(' ') else { return Ok(None) };
    let (path, query) = target.trim().split_once('?').unwrap_or((target.trim(), ""));
    match (path, method) {
        (TRANSACT, "POST") => Ok(Some(query)),
        (TRANSACT, _) => {
            let expected = "POST /transact, with the requests as its body".to_owned();
            Err(Refusal::malformed("request", ViolationKind::Type { expected }))
        }
        _ => Ok(None),
    }
}

const TRANSACT: &str = "/transact";

fn needs_body(endpoint: &Endpoint) -> bool {
    endpoint.body.is_some_and(|rule| rule.presence == Presence::Required)
}

/// `METHOD /api/…?query`.
struct Line<'t> {
    records: Records,
    kind: RecordRequest,
    endpoint: &'static Endpoint,
    query: Option<&'t str>,
}

impl<'t> Line<'t> {
    fn read(model: &Model, text: &'t str) -> Result<Self, Refusal> {
        let expected = || {
            let (prefix, example) = (model.api.as_str(), model.api.path_of("posts"));
            let expected = format!("a method and a path below {prefix}, such as GET {example}?limit=1");
            Refusal::malformed("request", ViolationKind::Type { expected })
        };
        let (method, target) = text.trim().split_once(' ').ok_or_else(expected)?;
        let method = Method::from_bytes(method.as_bytes()).map_err(|_| expected())?;
        let target = target.trim();
        let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
        let records = Records::resolve(model, model.api.below(path.trim()).ok_or_else(expected)?)?;
        let endpoint = endpoints::route_of(records.pattern()).endpoint(&method)?;
        let Handler::Record(kind) = endpoint.handler else { return Err(expected()) };
        Ok(Self { records, kind, endpoint, query })
    }
}

/// What a request carries besides its path and method.
struct Sent<'q> {
    query: Option<&'q str>,
    body: Bytes,
    headers: WriteHeaders,
    /// The account that calls.
    me: Option<RecordId>,
}

impl Sent<'_> {
    fn into_request(self, reader: &Reader, kind: RecordRequest, records: Records) -> Result<Request, Refusal> {
        use RecordRequest as Kind;
        let (Self { query, body, headers, me }, model) = (self, reader.model());
        if matches!(records, Records::Types(_) | Records::QueryOfTypes(_) | Records::OfTypes(..)) {
            return of_types(reader, kind, records, (query, &body));
        }
        let records = named(reader, records)?;
        let record = one_record(reader, (kind, records), query, me)?;
        if let Some((collection, which, shown)) = record {
            let (options, sent) = (headers.with((query, body.clone()), shown), &body);
            return write(model, kind, (collection, which), (sent, options));
        }
        Ok(match (kind, records) {
            (Kind::Get, Records::By(collection)) => Request::Get(reader.get_by_query(collection, query, me)?),
            (Kind::Get, Records::Record(collection, id)) => Request::Get(reader.get_of_query((collection, id), query)?),
            (Kind::List, Records::Collection(collection)) | (Kind::Trash, Records::Trash(collection)) => {
                Request::List(list_in(kind, reader.list_of_query(collection, query)?)?)
            }
            (Kind::Export, Records::Export(of)) => Request::List(reader.first_of_export(of, query)?.0),
            (Kind::Query, Records::Query(collection)) => Request::List(reader.list_of_body(collection, &body)?),
            (Kind::Aggregate, Records::Aggregate(of)) => Request::Aggregate(reader.aggregate_of_query(of, query)?),
            (Kind::AggregateQuery, Records::Aggregate(of)) => Request::Aggregate(reader.aggregate_of_body(of, &body)?),
            (Kind::Changes, Records::Changes(of)) => Request::List(reader.changes_of_query(of, query)?.live),
            (Kind::Create, Records::Collection(collection)) => {
                let (on_conflict, shown) = reader.create_of_query(collection, query)?;
                let read = if on_conflict.is_some() { upserts } else { inputs };
                let inputs = read(model, collection, &body)?;
                let options = headers.with((query, body), shown);
                Request::Create(Create { collection, inputs, on_conflict, options })
            }
            (Kind::UpdateAll, Records::Collection(collection)) => {
                let act = MatchingAct::Update(patch(model, collection, &body)?);
                Request::OfMatching(of_matching(reader, (collection, act), query, headers.with((None, body), None))?)
            }
            (Kind::DeleteAll, Records::Collection(collection)) => {
                let of = (collection, MatchingAct::Delete);
                Request::OfMatching(of_matching(reader, of, query, headers.with((None, body), None))?)
            }
            (Kind::Restore, Records::Restore(collection, id)) => {
                let input = if body.is_empty() { Input::new() } else { patch(model, collection, &body)? };
                let shown = reader.shown_of_query(collection, query)?;
                of_record(RecordAct::Restore(input), (collection, id), headers.with((query, body), shown))
            }
            (Kind::Purge, Records::Purge(collection, id)) => {
                of_record(RecordAct::Purge, (collection, id), headers.with((None, body), None))
            }
            (Kind::History, Records::History(collection, id)) => {
                Request::History(reader.history_of_query((collection, id), query)?)
            }
            (
                Kind::Get
                | Kind::List
                | Kind::Query
                | Kind::Aggregate
                | Kind::AggregateQuery
                | Kind::Export
                | Kind::Changes
                | Kind::Create
                | Kind::Update
                | Kind::Replace
                | Kind::Delete
                | Kind::UpdateAll
                | Kind::DeleteAll
                | Kind::Trash
                | Kind::Restore
                | Kind::Purge
                | Kind::History,
                _,
            ) => return Err(mismatch()),
        })
    }
}

/// The same records, with the id of one that its type or the caller names.
fn named(reader: &Reader, records: Records) -> Result<Records, Refusal> {
    match records {
        Records::Single(collection) => Ok(Records::Record(collection, reader.single(collection).ok_or_else(mismatch)?)),
        Records::Own(collection) => {
            Err(nobody(&reader.model().api.path_of(&reader.model().collection(collection).path)))
        }
        Records::Collection(_)
        | Records::Query(_)
        | Records::Aggregate(_)
        | Records::Export(_)
        | Records::Changes(_)
        | Records::Trash(_)
        | Records::Record(..)
        | Records::By(_)
        | Records::Restore(..)
        | Records::Purge(..)
        | Records::History(..)
        | Records::Types(_)
        | Records::QueryOfTypes(_)
        | Records::OfTypes(..) => Ok(records),
    }
}

fn of_record(act: RecordAct, (collection, id): (CollectionId, RecordId), options: WriteOptions) -> Request {
    Request::OfRecord(OfRecord { act, collection, which: id.into(), options })
}

/// What is done with the records that a query names. A key knows it by its query too.
fn of_matching(
    reader: &Reader,
    (collection, act): (CollectionId, MatchingAct),
    query: Option<&str>,
    mut options: WriteOptions,
) -> Result<OfMatching, Error> {
    let Matching { filter, reach, dry_run } = reader.matching_of_query(collection, query)?;
    if let Some(idempotency) = &mut options.idempotency {
        // Neither contains NUL.
        let parts = [query.unwrap_or_default().as_bytes(), &idempotency.sent];
        idempotency.sent = parts.join(&0).into();
    }
    Ok(OfMatching { act, collection, filter, reach, dry_run, options })
}

/// The record that a write is about, if it is about one, and what it answers of it.
fn one_record(
    reader: &Reader,
    (kind, records): (RecordRequest, Records),
    query: Option<&str>,
    me: Option<RecordId>,
) -> Result<Option<(CollectionId, Which, Option<Shown>)>, Error> {
    use RecordRequest as Kind;
    Ok(match (records, kind) {
        (Records::Record(..) | Records::By(_), Kind::Get) => None,
        (Records::Record(collection, id), Kind::Delete) => Some((collection, id.into(), None)),
        (Records::Record(collection, id), _) => {
            Some((collection, id.into(), reader.shown_of_query(collection, query)?))
        }
        (Records::By(collection), Kind::Delete) => {
            Some((collection, reader.key_of_query(collection, query, me)?, None))
        }
        (Records::By(collection), _) => {
            let (which, shown) = reader.write_by_query(collection, query, me)?;
            Some((collection, which, shown))
        }
        _ => None,
    })
}

/// A write of one record, from its body.
fn write(
    model: &Model,
    kind: RecordRequest,
    (collection, which): (CollectionId, Which),
    (body, options): (&[u8], WriteOptions),
) -> Result<Request, Refusal> {
    Ok(match kind {
        RecordRequest::Update => {
            Request::Update(Update { collection, which, input: patch(model, collection, body)?, options })
        }
        RecordRequest::Replace => {
            Request::Replace(Replace { collection, which, input: replacement(model, collection, body)?, options })
        }
        RecordRequest::Delete => Request::OfRecord(OfRecord { act: RecordAct::Delete, collection, which, options }),
        RecordRequest::Get
        | RecordRequest::List
        | RecordRequest::Query
        | RecordRequest::Aggregate
        | RecordRequest::AggregateQuery
        | RecordRequest::Export
        | RecordRequest::Changes
        | RecordRequest::Create
        | RecordRequest::UpdateAll
        | RecordRequest::DeleteAll
        | RecordRequest::Trash
        | RecordRequest::Restore
        | RecordRequest::Purge
        | RecordRequest::History => return Err(mismatch()),
    })
}

/// The table has a row for records at a path that names none.
fn mismatch() -> Refusal {
    #[derive(Debug, thiserror::Error)]
    #[error("a request for records was admitted at a path of another kind")]
    struct Mismatch;
    Error::internal(Mismatch).into()
}
