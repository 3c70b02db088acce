use std::future::Future;
use std::sync::Arc;

use backstay_base::{
    Action, CallerKind, Error, Limit, Memory, Place, RecordId, Unauthenticated, ViolationKind, limits,
};
use backstay_expr::Rights;
use backstay_model::{Collection, CollectionId, Model};
use backstay_scalar::{Search, Value, ValueRef};
use backstay_sql::{DecodeError, ReadPlan, Row, SortKey};
use backstay_store::{RowSink, StoreError};
use sha2::{Digest as _, Sha256};

use crate::application::CallerClass;
use crate::asked::{self, Asked, View};
use crate::bind::{Bindings, Question, Words};
use crate::highlights::Highlighted;
use crate::inner::Inner;
use crate::plans::{ListKey, ListPlan};
use crate::rights::{is_granted, without_grant};
use crate::sink::Collect;
use crate::sought::{check_sought, looks_up_classified};
use crate::{
    AnswerBuffer, Context, Count, Cursor, EncodeError, Encoder, Expression, Filter, Found, Get, List, OfTypes, Page,
    PageEnd, PageOrder, Perspective, Previous, Start, Tag, TxContext, Which, traced,
};

/// Where the statements of a read are run: each by itself, or all in a transaction.
pub(crate) trait Reads: Send {
    /// Runs a statement, hands its rows to the sink, and gives that back.
    fn rows<'r, S: RowSink + 'static>(
        &'r mut self,
        question: Question<'r>,
        sink: S,
    ) -> impl Future<Output = (S, Result<(), Error>)> + Send + 'r;
}

/// Runs each statement by itself.
#[derive(Clone, Copy)]
pub(crate) struct Alone<'e>(pub(crate) &'e Inner, pub(crate) &'e Context);

impl Reads for Alone<'_> {
    async fn rows<'r, S: RowSink + 'static>(&'r mut self, question: Question<'r>, sink: S) -> (S, Result<(), Error>) {
        let Self(inner, cx) = *self;
        let (statement, began) = (question.bindings.statement(question.template), cx.trace().moment());
        let (sink, read) = inner.read(cx.read_demand(), &statement, sink).await;
        if let Some(began) = began {
            traced::statement((inner, cx), &question, (began, &read));
        }
        (sink, read.map(drop))
    }
}

impl Reads for TxContext<'_, '_> {
    async fn rows<'r, S: RowSink + 'static>(
        &'r mut self,
        question: Question<'r>,
        mut sink: S,
    ) -> (S, Result<(), Error>) {
        let statement = self.asked(&question);
        sink.begin(usize::MAX);
        let read = self.rows(&statement, &mut |row: &dyn Row| sink.row(row)).await;
        if read.is_ok() {
            sink.end();
        }
        (sink, read)
    }
}

/// A get that its caller may make, planned.
#[derive(Debug)]
pub(crate) struct PreparedGet {
    plan: Arc<ReadPlan>,
    request: Get,
    /// The values of the parameters in its selection, or in those of the types one after the other.
    params: Vec<Value>,
    /// If it can be a record of several types: the request for each of them that the caller may read, the first included.
    of_types: Option<OfTypes<Get>>,
}

/// A list that its caller may make, planned.
#[derive(Debug)]
pub(crate) struct PreparedList {
    plan: Arc<ListPlan>,
    class: Arc<CallerClass>,
    request: List,
    params: Vec<Value>,
}

/// Plans a get.
pub(crate) fn prepare_get(inner: &Inner, cx: &Context, mut request: Get) -> Result<PreparedGet, Error> {
    let class = &cx.class;
    let collection = inner.application.model.collection(request.collection);
    may_at_all(&class.rights, cx, collection, request.action())?;
    let named = Asked { selection: &request.selection, sort: &[], filter: None };
    asked::past((collection, request.perspective), named, cx.now)?;
    check_selected(&request.params)?;
    check_sought(&request.selection, &request.params)?;
    let mut params = Vec::new();
    if let Which::Key(key) = &request.which {
        key.check(&class.rights, collection)?;
        let too_long = key.fields.iter().zip(&key.values).find(|(_, value)| is_too_long(value));
        too_long.map_or(Ok(()), |(field, _)| {
            Err(too_long_to_compare(Place::Equality(collection.field(*field).name.clone())))
        })?;
        params.extend(key.values.iter().cloned());
    }
    let plan = plan_of((inner, cx), &request)?;
    params.append(&mut request.params);
    Ok(PreparedGet { plan, request, params, of_types: None })
}

/// The plan of a get.
fn plan_of((inner, cx): (&Inner, &Context), get: &Get) -> Result<Arc<ReadPlan>, Error> {
    let view = View { model: &inner.application.model, rights: &cx.class.rights };
    match &get.which {
        Which::Id(_) => cx.class.plans.get(&inner.planner, view, get),
        Which::Key(key) => cx.class.plans.get_by_key(&inner.planner, view, (get, &key.fields)),
    }
}

/// Plans a get of a record of any of several types.
pub(crate) fn prepare_get_of_types(inner: &Inner, cx: &Context, request: OfTypes<Get>) -> Result<PreparedGet, Error> {
    let mut of_types = open_types(request, |get| may_read((inner, cx), (get.collection, get.action())))?;
    for Get { collection, selection, params, perspective, .. } in &of_types.each {
        check_sought(selection, params)?;
        let named = Asked { selection, sort: &[], filter: None };
        asked::past((inner.application.model.collection(*collection), *perspective), named, cx.now)?;
    }
    let view = View { model: &inner.application.model, rights: &cx.class.rights };
    let plan = cx.class.plans.get_of_types(&inner.planner, view, &of_types)?;
    let params: Vec<Value> = of_types.each.iter_mut().flat_map(|get| std::mem::take(&mut get.params)).collect();
    check_selected(&params)?;
    let first = of_types.each.first().cloned().ok_or_else(|| Error::internal(NoTypes))?;
    Ok(PreparedGet { plan, request: first, params, of_types: Some(of_types) })
}

fn may_read((inner, cx): (&Inner, &Context), (collection, action): (CollectionId, Action)) -> Result<(), Error> {
    may_at_all(&cx.class.rights, cx, inner.application.model.collection(collection), action)
}

/// Leaves of a read of several types those that the caller may ask about. Refuses it if there are none.
fn open_types<R>(request: OfTypes<R>, may: impl Fn(&R) -> Result<(), Error>) -> Result<OfTypes<R>, Error> {
    let OfTypes { interface, each } = request;
    let (mut open, mut refused) = (Vec::with_capacity(each.len()), None);
    for request in each {
        match may(&request) {
            Ok(()) => open.push(request),
            Err(error) => refused = refused.or(Some(error)),
        }
    }
    match refused {
        Some(error) if open.is_empty() => Err(error),
        Some(_) | None => Ok(OfTypes { interface, each: open }),
    }
}

/// An interface has at least one type.
#[derive(Debug, thiserror::Error)]
#[error("a read of several types named none")]
struct NoTypes;

impl PreparedGet {
    /// The same with fewer records in nested lists; `None` if none can have fewer.
    fn narrowed(&self, inner: &Inner, cx: &Context) -> Result<Option<Self>, Error> {
        let view = View { model: &inner.application.model, rights: &cx.class.rights };
        let narrowed = |get: &Get| get.selection.narrowed(view.model, get.collection);
        let Some(OfTypes { interface, each }) = &self.of_types else {
            let Some(selection) = narrowed(&self.request) else { return Ok(None) };
            let request = Get { selection, ..self.request.clone() };
            let plan = plan_of((inner, cx), &request)?;
            return Ok(Some(Self { plan, request, params: self.params.clone(), of_types: None }));
        };
        let mut fewer = false;
        let each = each.iter().map(|get| {
            let selection = narrowed(get);
            fewer |= selection.is_some();
            Get { selection: selection.unwrap_or_else(|| get.selection.clone()), ..get.clone() }
        });
        let gets = OfTypes { interface: *interface, each: each.collect() };
        if !fewer {
            return Ok(None);
        }
        let plan = cx.class.plans.get_of_types(&inner.planner, view, &gets)?;
        Ok(Some(Self { plan, request: self.request.clone(), params: self.params.clone(), of_types: Some(gets) }))
    }

    /// What is not found if there is no such record.
    fn missing(&self, model: &Model) -> Error {
        match &self.of_types {
            Some(of_types) => no_record(&model.interface(of_types.interface).name),
            None => none_which(model.collection(self.request.collection), &self.request.which),
        }
    }
}

/// A record as the caller sees it. Nested lists that make it too large for an answer are cut.
pub(crate) async fn get<R: Reads>(
    reads: &mut R,
    (inner, cx): (&Inner, &Context),
    prepared: &PreparedGet,
    encoder: &'static dyn Encoder,
) -> Result<Found, Error> {
    let mut found = record(reads, (inner, cx), prepared, encoder).await;
    let mut narrower: Option<PreparedGet> = None;
    while let Err(error) = &found
        && is_too_large(error)
    {
        let Some(fewer) = narrower.as_ref().unwrap_or(prepared).narrowed(inner, cx)? else { break };
        found = Box::pin(record(reads, (inner, cx), &fewer, encoder)).await;
        narrower = Some(fewer);
    }
    found
}

async fn record<R: Reads>(
    reads: &mut R,
    (inner, cx): (&Inner, &Context),
    prepared: &PreparedGet,
    encoder: &'static dyn Encoder,
) -> Result<Found, Error> {
    let PreparedGet { plan, request, params, of_types: _ } = prepared;
    let as_of = request.perspective.moment();
    let bindings = Bindings { params, as_of, ..Bindings::new(cx.caller(), cx.now) };
    // What a selection compares with may be classified.
    let searches_classified = looks_up_classified(&plan.template, &inner.application.model);
    let (bindings, withheld) = match &request.which {
        Which::Id(id) => (bindings.id(*id), !params.is_empty() || searches_classified),
        Which::Key(key) => {
            let collection = inner.application.model.collection(request.collection);
            let has_params = params.len() > key.values.len();
            (bindings, key.names_classified(collection) || has_params || searches_classified)
        }
    };
    let question = Question { template: &plan.template, bindings, collection: request.collection, withheld };
    let (sink, read) = reads.rows(question, OneRecord::new(Arc::clone(plan), encoder, &cx.memory)).await;
    read?;
    let OneRecord { body, found, id, .. } = sink;
    let (version, tag) = found.ok_or_else(|| prepared.missing(&inner.application.model))?;
    let named = match request.which {
        Which::Id(_) => None,
        Which::Key(_) => id,
    };
    Ok(Found { named, body: body.finish()?, version, tag })
}

/// Plans a list.
pub(crate) fn prepare_list(inner: &Inner, cx: &Context, mut request: List) -> Result<PreparedList, Error> {
    let class = Arc::clone(&cx.class);
    let view = View { model: &inner.application.model, rights: &class.rights };
    may_at_all(&class.rights, cx, view.model.collection(request.collection), request.action())?;
    name_caller(&mut request.filter, (cx, view.model.collection(request.collection)))?;
    check_list(view, cx, &request)?;
    let plan = class.plans.list(ListKey::of(&request), |key| {
        check_named(view, &request)?;
        Ok(ListPlan::new(key, view, &inner.planner))
    })?;
    let params = take_params(&mut request);
    Ok(PreparedList { plan, class, request, params })
}

/// Plans a list of the records of several types.
pub(crate) fn prepare_list_of_types(
    inner: &Inner,
    cx: &Context,
    request: OfTypes<List>,
) -> Result<PreparedList, Error> {
    let class = Arc::clone(&cx.class);
    let view = View { model: &inner.application.model, rights: &class.rights };
    let readable = open_types(request, |list| may_read((inner, cx), (list.collection, list.action())))?;
    // A search finds nothing of a type in which it has no field to look at.
    let OfTypes { interface, each } = open_types(readable, |list| match &list.search {
        Some(_) => asked::searched(view, view.model.collection(list.collection), &Place::Search).map(drop),
        None => Ok(()),
    })?;
    let mut each = each.into_iter().map(|mut list| {
        name_caller(&mut list.filter, (cx, view.model.collection(list.collection)))?;
        Ok::<_, Error>(list)
    });
    let mut first = each.next().ok_or_else(|| Error::internal(NoTypes))??;
    let mut others: Vec<List> = each.collect::<Result<_, _>>()?;
    for list in std::iter::once(&first).chain(&others) {
        if !list.highlight.is_empty() {
            return Err(no_highlight_of_types());
        }
        check_list(view, cx, list)?;
    }
    let plan = class.plans.list(ListKey::of_types(interface, &first, &others), |key| {
        std::iter::once(&first).chain(&others).try_for_each(|list| check_named(view, list))?;
        Ok(ListPlan::new(key, view, &inner.planner))
    })?;
    let mut params = take_params(&mut first);
    params.extend(others.iter_mut().flat_map(|list| std::mem::take(&mut list.params)));
    Ok(PreparedList { plan, class, request: first, params })
}

/// Compares references with the account that calls, where a filter asks for that.
pub(crate) fn name_caller(filter: &mut Filter, (cx, collection): (&Context, &Collection)) -> Result<(), Error> {
    for field in std::mem::take(&mut filter.own) {
        let caller = cx.caller();
        if caller.kind == CallerKind::Anonymous {
            return Err(Unauthenticated::Missing.into());
        }
        let id = caller.id.filter(|_| caller.kind == CallerKind::Account).ok_or_else(|| {
            let problem = "`me` is the account that is signed in".to_owned();
            let kind = ViolationKind::Misused { problem, remedy: "write an id".to_owned() };
            Error::malformed(Place::Equality(collection.field(field).name.clone()), kind)
        })?;
        filter.equals.push((field, Value::Id(id)));
    }
    Ok(())
}

/// Refuses a list whose values can't be answered, whatever its plan.
fn check_list(view: View<'_>, cx: &Context, request: &List) -> Result<(), Error> {
    let collection = view.model.collection(request.collection);
    check(request)?;
    let named = Asked { selection: &request.selection, sort: &request.sort, filter: Some(&request.filter) };
    asked::past((collection, request.perspective), named, cx.now)?;
    check_selected(&request.params)?;
    check_sought(&request.selection, &request.params)?;
    check_values(&request.filter, collection)
}

/// Refuses a list that names what the caller never sees.
fn check_named(view: View<'_>, request: &List) -> Result<(), Error> {
    let collection = view.model.collection(request.collection);
    asked::selection(view, collection.id, &request.selection)?;
    asked::sort(view, collection, &request.sort)?;
    if request.search.is_some() {
        let searched = asked::searched(view, collection, &Place::Search)?;
        if let Some(hidden) = request.highlight.iter().find(|field| !searched.contains(field)) {
            return Err(not_searched(collection, &collection.field(*hidden).name));
        }
    }
    asked::filter(view, collection, &request.filter)
}

/// Takes the values of the filter, of the equalities and of the selection out of a list.
fn take_params(request: &mut List) -> Vec<Value> {
    let equal = std::mem::take(&mut request.filter.equals).into_iter().map(|(_, value)| value);
    let mut params = request.filter.expression.take().map(|expression| expression.params).unwrap_or_default();
    params.extend(equal);
    params.append(&mut request.params);
    params
}

/// Refuses a list that no door should have made.
fn check(list: &List) -> Result<(), Error> {
    if list.search.is_none() && list.sort.contains(&SortKey::rank()) {
        let problem = "only the results of a search have ranks".to_owned();
        let remedy = "send a search, or another order".to_owned();
        return Err(Error::malformed(Place::Sort, ViolationKind::Misused { problem, remedy }));
    }
    if list.search.is_none() && !list.highlight.is_empty() {
        let problem = "only what a search finds can be highlighted".to_owned();
        let remedy = "send a search, or leave out `highlight`".to_owned();
        return Err(Error::malformed(Place::Search, ViolationKind::Misused { problem, remedy }));
    }
    check_search(list.search.as_deref(), list.perspective)?;
    check_page(list.limit, (&list.start, list.sort.len() + 1), &list.filter)
}

/// The refusal of a field in which no search of the caller looks, whether or not there is one of this name.
pub fn not_searched(collection: &Collection, name: &str) -> Error {
    let problem = format!("your search doesn't look in a field `{name}` of {}", collection.name);
    let remedy = "name fields with `@search` that you see in every record".to_owned();
    Error::malformed(Place::part("highlight"), ViolationKind::Misused { problem, remedy })
}

/// The refusal to mark what a search of several types finds.
pub fn no_highlight_of_types() -> Error {
    let problem = "a search of several types doesn't mark what it finds".to_owned();
    let remedy = "leave out `highlight`, or search one of the types".to_owned();
    Error::malformed(Place::part("highlight"), ViolationKind::Misused { problem, remedy })
}

/// Refuses a search of the past.
pub(crate) fn check_search(search: Option<&Search>, perspective: Perspective) -> Result<(), Error> {
    if search.is_some() && perspective.moment().is_some() {
        let problem = "a search finds records as they are now".to_owned();
        let remedy = "leave out the search or the moment of the past".to_owned();
        return Err(Error::malformed(Place::Search, ViolationKind::Misused { problem, remedy }));
    }
    Ok(())
}

/// Refuses a page that no door should have asked for: its places have this many values.
pub(crate) fn check_page(limit: u32, (start, values): (&Start, usize), filter: &Filter) -> Result<(), Error> {
    if !(1..=limits::PAGE_MAX).contains(&limit) {
        let range = format!("a whole number from 1 to {}", limits::PAGE_MAX);
        return Err(Error::malformed(Place::Limit, ViolationKind::Range(range)));
    }
    if start.cursor().is_some_and(|cursor| cursor.values.len() != values || values == 0) {
        let place = if matches!(start, Start::Before(_)) { Place::Before } else { Place::After };
        let expected = "a place in the same order".to_owned();
        return Err(Error::malformed(place, ViolationKind::Type { expected }));
    }
    if start.skipped() > limits::SKIP_MAX.into() {
        let range = format!("a whole number from 0 to {}", limits::SKIP_MAX);
        return Err(Error::malformed(Place::Skip, ViolationKind::Range(range)));
    }
    let expression = filter.expression.as_ref();
    if expression.is_some_and(|expression| expression.params.len() != expression.checked.params.len()) {
        return Err(Error::malformed(Place::Filter, ViolationKind::Required));
    }
    Ok(())
}

/// Refuses values for a selection as `check_values` does.
pub(crate) fn check_selected(params: &[Value]) -> Result<(), Error> {
    if params.iter().any(is_too_long) { Err(too_long(Place::Select)) } else { Ok(()) }
}

fn too_long(at: Place) -> Error {
    let range = format!("a text in a filter has at most {} bytes", limits::FILTER_VALUE_BYTES);
    Error::malformed(at, ViolationKind::Range(range))
}

/// Refuses values that would make each comparison with them long.
pub(crate) fn check_values(filter: &Filter, collection: &Collection) -> Result<(), Error> {
    if let Some((field, _)) = filter.equals.iter().find(|(_, value)| is_too_long(value)) {
        return Err(too_long_to_compare(Place::Equality(collection.field(*field).name.clone())));
    }
    let Some(Expression { checked, params }) = &filter.expression else { return Ok(()) };
    match checked.params.iter().zip(params).find(|(_, value)| is_too_long(value)) {
        Some((param, _)) => Err(too_long_to_compare(Place::Parameter(param.name.to_string()))),
        None => Ok(()),
    }
}

fn too_long_to_compare(at: Place) -> Error {
    let range = format!("a text in a filter has at most {} bytes", limits::FILTER_VALUE_BYTES);
    Error::malformed(at, ViolationKind::Range(range))
}

fn is_too_long(value: &Value) -> bool {
    value.longest() > limits::FILTER_VALUE_BYTES
}

/// How many bytes a page may have.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PageSize {
    /// Of several records.
    pub(crate) share: usize,
    /// Of one record: then nothing is left for what else is answered.
    pub(crate) most: usize,
}

impl PageSize {
    /// Of a page that is the whole answer.
    pub(crate) const WHOLE: Self = Self { share: limits::ANSWER_BYTES, most: limits::ANSWER_BYTES };
}

/// A page of the records that the caller may read, in one statement, or two if they are counted. Records that would make
/// the answer too large are left to the next page, and the nested lists of one that is too large by itself are cut: then
/// the page is read again.
pub(crate) async fn list<R: Reads>(
    reads: &mut R,
    (inner, cx): (&Inner, &Context),
    prepared: &PreparedList,
    (encoder, size): (&'static dyn Encoder, PageSize),
) -> Result<Page, Error> {
    let PreparedList { plan, class, request, params } = prepared;
    let collection = inner.application.model.collection(request.collection);
    let mut bindings = Bindings {
        params,
        cursor: request.start.values(),
        skip: request.start.skipped(),
        as_of: request.perspective.moment(),
        words: Words::Sought(request.search.as_deref()),
        ..Bindings::new(cx.caller(), cx.now)
    };
    let withheld = plan.names_classified;
    let (mut page_plan, mut rows) = (Arc::clone(plan), PageRows::first(request.limit));
    let body = loop {
        bindings.limit = rows.asked();
        let question = Question { template: &page_plan.page.template, bindings, collection: collection.id, withheld };
        let way = Way::of(&request.start);
        let sink = PageBody::new((Arc::clone(&page_plan), way), (encoder, size), (rows, &cx.memory))
            .with_search(request.search.clone());
        match reads.rows(question, sink).await {
            (sink, Ok(())) => break sink,
            (sink, Err(error)) if is_too_large(&error) => {
                rows = if let Some(fewer) = rows.fewer(sink.written) {
                    fewer
                } else {
                    let view = View { model: &inner.application.model, rights: &class.rights };
                    page_plan = Arc::new(page_plan.narrowed(view, &inner.planner).ok_or(error)?);
                    PageRows::first(1)
                };
            }
            (_, Err(error)) => return Err(error),
        }
    };
    let count = if let Some(most) = request.count.most() {
        let template = &plan.count(&inner.planner, &class.rights).template;
        let bindings = Bindings { limit: most + 1, ..bindings };
        Some(count(reads, Question { template, bindings, collection: collection.id, withheld }, most).await?)
    } else {
        None
    };
    let order = PageOrder::Records(collection, &request.sort);
    body.finish(&|next, previous| PageEnd { order, next, previous, count })
}

/// The ids of the records of a list, up to this many, in order.
pub(crate) async fn ids(
    cx: &mut TxContext<'_, '_>,
    prepared: &PreparedList,
    limit: u64,
) -> Result<Vec<RecordId>, Error> {
    let PreparedList { plan, class: _, request, params } = prepared;
    let words = Words::Sought(request.search.as_deref());
    let bindings = Bindings { params, limit, words, ..cx.bindings() };
    let (template, collection, withheld) = (&plan.page.template, request.collection, plan.names_classified);
    let statement = cx.asked(&Question { template, bindings, collection, withheld });
    let mut ids = Vec::new();
    let visit = &mut |row: &dyn Row| {
        ids.extend(plan.cursor_at(row)?.values.last().and_then(Value::as_id));
        Ok(())
    };
    cx.rows(&statement, visit).await?;
    Ok(ids)
}

/// How many records the list would show on all its pages: exactly up to this number.
async fn count<R: Reads>(reads: &mut R, question: Question<'_>, most: u64) -> Result<Count, Error> {
    let sink = Collect::new(|row: &dyn Row| match row.value(0)? {
        ValueRef::Int(count) => u64::try_from(count).map_err(|_| NOT_A_COUNT),
        _ => Err(NOT_A_COUNT),
    });
    let (mut sink, read) = reads.rows(question, sink).await;
    read?;
    let count = sink.found.pop().ok_or_else(|| Error::internal(NOT_A_COUNT))?;
    Ok(Count { value: count.min(most), more: count > most })
}

const NOT_A_COUNT: DecodeError = DecodeError { column: 0, expected: "a number of rows" };

/// Refuses where no record at all could be allowed to callers of this class.
pub(crate) fn may_at_all(rights: &Rights, cx: &Context, collection: &Collection, action: Action) -> Result<(), Error> {
    if !rights.rule(collection.id, action).refuses() {
        return Ok(());
    }
    match cx.caller().kind {
        CallerKind::Anonymous => Err(Unauthenticated::Missing.into()),
        _ if !is_granted(cx.caller().grant.as_deref(), collection, action) => {
            Err(Error::Forbidden { action, what: without_grant(collection) })
        }
        _ => Err(Error::Forbidden { action, what: format!("records of {}", collection.name) }),
    }
}

pub(crate) fn not_found(collection: &Collection) -> Error {
    no_record(&collection.name)
}

/// There is no record with this id or unique key, or the caller doesn't see it.
pub(crate) fn none_which(collection: &Collection, which: &Which) -> Error {
    match which {
        Which::Id(_) => not_found(collection),
        Which::Key(key) => {
            let names: Vec<&str> = key.fields.iter().map(|field| collection.field(*field).name.as_str()).collect();
            Error::NotFound { what: format!("{} with this {}", collection.name, names.join(" and ")) }
        }
    }
}

/// There is no record of the type or interface of this name.
fn no_record(of: &str) -> Error {
    Error::NotFound { what: format!("{of} with this id") }
}

/// Encodes one record.
#[derive(Debug)]
struct OneRecord {
    plan: Arc<ReadPlan>,
    encoder: &'static dyn Encoder,
    body: AnswerBuffer,
    version: Option<i64>,
    /// The record's version and tag, once it was found and is whole.
    found: Option<(i64, Tag)>,
    /// Its id, if the plan is by a unique key.
    id: Option<RecordId>,
}

/// Bytes that most records fit into.
pub(crate) const USUAL_RECORD: usize = 512;

impl OneRecord {
    fn new(plan: Arc<ReadPlan>, encoder: &'static dyn Encoder, memory: &Memory) -> Self {
        Self { plan, encoder, body: AnswerBuffer::new(memory, USUAL_RECORD), version: None, found: None, id: None }
    }
}

impl RowSink for OneRecord {
    fn begin(&mut self, most: usize) {
        self.body.begin(most);
        (self.version, self.found, self.id) = (None, None, None);
    }

    fn row(&mut self, row: &dyn Row) -> Result<(), StoreError> {
        let _received = self.body.hold_row(row)?;
        self.version = version(row, &self.plan)?;
        self.id = id_in(row, &self.plan)?;
        self.encoder.row(&mut self.body, row, &self.plan.output)?;
        Ok(self.body.check()?)
    }

    fn end(&mut self) -> usize {
        self.found = self.version.map(|version| (version, Tag::of_record(version, self.body.as_slice())));
        self.body.as_slice().len()
    }
}

pub(crate) fn version(row: &dyn Row, plan: &ReadPlan) -> Result<Option<i64>, DecodeError> {
    let Some(column) = plan.version else { return Ok(None) };
    match row.value(column)? {
        ValueRef::Int(version) => Ok(Some(version)),
        _ => Err(DecodeError { column, expected: "a version" }),
    }
}

/// The id of the record in a row of a plan by a key.
pub(crate) fn id_in(row: &dyn Row, plan: &ReadPlan) -> Result<Option<RecordId>, DecodeError> {
    let Some(column) = plan.cursor.last().copied() else { return Ok(None) };
    match row.value(column)? {
        ValueRef::Id(id) => Ok(Some(id.into())),
        _ => Err(DecodeError { column, expected: "an id" }),
    }
}

/// How many records a page is to hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PageRows {
    limit: u32,
    /// Whether it is known that there are more, because with more of them the answer was too large.
    more: bool,
}

impl PageRows {
    /// As many as were asked for.
    pub(crate) fn first(limit: u32) -> Self {
        Self { limit, more: false }
    }

    /// How many rows the statement returns: one more than the page tells whether there is another.
    pub(crate) fn asked(self) -> u64 {
        u64::from(self.limit) + u64::from(!self.more)
    }

    /// Those that did fit before the answer was too large; half as many, if the database gave none of them.
    pub(crate) fn fewer(self, fit: u32) -> Option<Self> {
        let half = u32::try_from(self.asked() / 2).unwrap_or(self.limit);
        let limit = if fit > 0 { fit } else { half };
        // Each attempt asks for less than the one before.
        let limit = if self.more { limit.min(self.limit - 1) } else { limit };
        (limit > 0).then_some(Self { limit, more: true })
    }
}

/// How a page is read and what it tells of those around it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Way {
    /// In its order, from the first record.
    FromStart,
    /// In its order, from elsewhere: the place of its first record.
    Onward(Option<Cursor>),
    /// From its last record to its first: the place of its last record, and where each record and what stands between two
    /// begins and ends in the body.
    Backward(Option<Cursor>, Vec<usize>),
}

impl Way {
    pub(crate) fn of(start: &Start) -> Self {
        match start {
            Start::First => Self::FromStart,
            Start::After(_) | Start::Skip(_) => Self::Onward(None),
            Start::Before(_) => Self::Backward(None, Vec::new()),
        }
    }
}

/// Encodes a page.
#[derive(Debug)]
pub(crate) struct PageBody {
    plan: Arc<ListPlan>,
    way: Way,
    encoder: &'static dyn Encoder,
    size: PageSize,
    rows: PageRows,
    /// Records that are in the body.
    pub(crate) written: u32,
    body: AnswerBuffer,
    /// The hash of the records, once all of them are there, and how many bytes they are.
    hashed: (Sha256, usize),
    /// The place of the record that was read last, if the page is full.
    last: Option<Cursor>,
    /// Whether there is one beyond it.
    more: bool,
    /// What is looked for in texts that are answered with what is found in them.
    search: Option<Arc<Search>>,
}

/// Bytes that most pages fit into.
const USUAL_PAGE: usize = 4096;

impl PageBody {
    pub(crate) fn new(
        (plan, way): (Arc<ListPlan>, Way),
        (encoder, size): (&'static dyn Encoder, PageSize),
        (rows, memory): (PageRows, &Memory),
    ) -> Self {
        let (body, hashed) = (AnswerBuffer::new(memory, USUAL_PAGE), (Sha256::new(), 0));
        Self { plan, way, encoder, size, rows, written: 0, body, hashed, last: None, more: rows.more, search: None }
    }

    /// The same with what a search finds in texts, if the plan answers that.
    pub(crate) fn with_search(self, search: Option<Arc<Search>>) -> Self {
        Self { search: search.filter(|_| !self.plan.page.highlights.is_empty()), ..self }
    }

    /// The whole page; `end` says what stands after the records, by where the next page starts and the one before ends.
    pub(crate) fn finish<'e>(mut self, end: &dyn Fn(Option<Cursor>, Previous) -> PageEnd<'e>) -> Result<Page, Error> {
        let beyond = self.last.take().filter(|_| self.more);
        let previous = |place: Option<Cursor>| place.map_or(Previous::None, Previous::Before);
        let (next, previous) = match self.way {
            Way::FromStart => (beyond, Previous::Untold),
            Way::Onward(first) => (beyond, previous(first)),
            Way::Backward(last, _) => (last, previous(beyond)),
        };
        self.body.end();
        if self.written == 0 {
            self.encoder.begin_page(&mut self.body)?;
        }
        self.encoder.end_page(&mut self.body, &end(next, previous))?;
        let (mut hash, hashed) = self.hashed;
        hash.update(&self.body.as_slice()[hashed..]);
        Ok(Page { tag: Tag::of_list(hash), body: self.body.finish()? })
    }

    fn append(&mut self, row: &dyn Row) -> Result<(), EncodeError> {
        let _received = self.body.hold_row(row)?;
        if self.written == 0 {
            self.body.allow(self.size.most);
            self.encoder.begin_page(&mut self.body)?;
        } else {
            self.body.allow(self.size.share);
            self.encoder.between(&mut self.body)?;
        }
        self.note_end();
        let output = &self.plan.page.output;
        match &self.search {
            None => self.encoder.row(&mut self.body, row, output)?,
            Some(search) => {
                let texts = self.plan.page.highlights.iter().copied().zip(self.plan.languages.iter().copied());
                self.encoder.row(&mut self.body, &Highlighted::new(row, search, texts)?, output)?;
            }
        }
        self.note_end();
        self.body.check()
    }

    /// Notes where the body ends at present, if its parts will be turned round.
    fn note_end(&mut self) {
        if let Way::Backward(_, ends) = &mut self.way {
            ends.push(self.body.as_slice().len());
        }
    }

    /// Notes the place of the first row that is read, if the page tells it.
    fn note_first(&mut self, row: &dyn Row) -> Result<(), DecodeError> {
        match &mut self.way {
            Way::FromStart => {}
            Way::Onward(place) | Way::Backward(place, _) => *place = Some(self.plan.cursor_at(row)?),
        }
        Ok(())
    }
}

impl RowSink for PageBody {
    fn begin(&mut self, most: usize) {
        self.body.begin(most);
        self.written = 0;
        self.more = self.rows.more;
        match &mut self.way {
            Way::FromStart => {}
            Way::Onward(place) => *place = None,
            Way::Backward(place, ends) => {
                *place = None;
                ends.clear();
            }
        }
    }

    fn row(&mut self, row: &dyn Row) -> Result<(), StoreError> {
        if self.written == self.rows.limit {
            self.more = true;
            return Ok(());
        }
        if self.written == 0 {
            self.note_first(row)?;
        }
        self.append(row)?;
        self.written += 1;
        if self.written == self.rows.limit {
            self.last = Some(self.plan.cursor_at(row)?);
        }
        Ok(())
    }

    fn end(&mut self) -> usize {
        if let Way::Backward(_, ends) = &self.way {
            self.body.turn_round(ends);
        }
        let body = self.body.as_slice();
        self.hashed = (Sha256::new_with_prefix(body), body.len());
        body.len()
    }
}

/// Whether an answer was refused because of its size.
pub(crate) fn is_too_large(error: &Error) -> bool {
    matches!(error, Error::Limit(Limit::Answer { .. }))
}
