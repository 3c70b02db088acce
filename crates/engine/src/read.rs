use std::sync::Arc;

use backstay_base::{Action, CallerKind, Error, Unauthenticated, ViolationKind, limits};
use backstay_expr::Rights;
use backstay_model::Collection;
use backstay_scalar::{Value, ValueRef, quote};
use backstay_sql::{DecodeError, ReadPlan, Row, Template};
use backstay_store::{ReadStats, RowSink, StoreError};
use bytes::Bytes;

use crate::application::CallerClass;
use crate::bind::Bindings;
use crate::cursor::Cursor;
use crate::inner::Inner;
use crate::query::{self, ListPlan};
use crate::rights::{is_granted, without_grant};
use crate::sink::{Collect, OneRecord, within_answer};
use crate::{Context, Found, Get, List, Page, Tag, encode, select};

/// A record as the caller sees it.
pub(crate) async fn get(
    inner: &Inner,
    cx: &Context,
    request: Get,
    record: &mut (dyn FnMut(&Executed<'_>) + Send),
) -> Result<Found, Error> {
    let collection = inner.application.model.collection(request.collection);
    let class = inner.application.class(&cx.caller);
    may_at_all(&class.rights, cx, collection, Action::Get)?;
    let plan = inner.get_plan(&class, collection, request.select)?;
    let bindings = Bindings::new(&cx.caller, cx.now).id(request.id);
    let mut sink = OneRecord::new(&plan);
    let stats = inner.read(&bindings.statement(&plan.template), &mut sink).await?;
    record(&Executed { template: &plan.template, bindings, collection, withheld: false, stats });
    let OneRecord { body, version, .. } = sink;
    let version = version.ok_or_else(|| not_found(collection))?;
    let tag = Tag::of_record(version, &body);
    Ok(Found { body: Bytes::from(body), version, tag })
}

/// A page of the records that the caller may read.
pub(crate) async fn list(
    inner: &Inner,
    cx: &Context,
    request: List,
    record: &mut (dyn FnMut(&Executed<'_>) + Send),
) -> Result<Page, Error> {
    let class = inner.application.class(&cx.caller);
    let prepared = inner.prepare_list(cx, &class, &request)?;
    let (template, bindings) = (&prepared.plan.page.template, prepared.bindings(cx));
    let mut sink = PageBody::new(&prepared.plan, prepared.limit);
    let stats = inner.read(&bindings.statement(template), &mut sink).await?;
    let (collection, withheld) =
        (inner.application.model.collection(request.collection), prepared.plan.names_classified);
    record(&Executed { template, bindings, collection, withheld, stats });
    let count = match request.count {
        true => Some(inner.count(cx, &class, (collection, &prepared), record).await?),
        false => None,
    };
    let body = sink.finish(&prepared.order, count);
    Ok(Page { tag: Tag::of_list(&body), body: Bytes::from(body) })
}

/// A statement of a read that was run, for an explanation.
pub(crate) struct Executed<'e> {
    pub(crate) template: &'e Template,
    pub(crate) bindings: Bindings<'e>,
    pub(crate) collection: &'e Collection,
    /// Whether the values that the request brought may be classified.
    pub(crate) withheld: bool,
    pub(crate) stats: ReadStats,
}

/// A list whose parameters are all checked.
#[derive(Debug)]
pub(crate) struct PreparedList {
    pub(crate) plan: Arc<ListPlan>,
    params: Vec<Value>,
    cursor: Vec<Value>,
    limit: u32,
    /// The text that the cursor's order is known by.
    order: String,
}

impl PreparedList {
    pub(crate) fn bindings<'b>(&'b self, cx: &'b Context) -> Bindings<'b> {
        Bindings {
            params: &self.params,
            cursor: &self.cursor,
            // One more than the page tells whether there is another.
            limit: u64::from(self.limit) + 1,
            ..Bindings::new(&cx.caller, cx.now)
        }
    }
}

impl Inner {
    pub(crate) fn get_plan(
        &self,
        class: &CallerClass,
        collection: &Collection,
        select: Option<String>,
    ) -> Result<Arc<ReadPlan>, Error> {
        let Some(text) = select else {
            return Ok(Arc::clone(class.plans.whole(&self.planner, &class.rights, collection)));
        };
        class.plans.get(&self.planner, &class.rights, (collection.id, text), |text| {
            select::selection(text, collection, &self.application.model, &class.rights)
        })
    }

    pub(crate) fn prepare_list(
        &self,
        cx: &Context,
        class: &CallerClass,
        request: &List,
    ) -> Result<PreparedList, Error> {
        let model = &self.application.model;
        let collection = model.collection(request.collection);
        may_at_all(&class.rights, cx, collection, Action::Search)?;
        let limit = request.limit.unwrap_or(limits::PAGE_DEFAULT);
        if !(1..=limits::PAGE_MAX).contains(&limit) {
            let range = format!("a whole number from 1 to {}", limits::PAGE_MAX);
            return Err(Error::malformed("limit", ViolationKind::Range(range)));
        }
        let order = request.sort.clone().unwrap_or_default();
        let sort = match request.sort.as_deref() {
            Some(text) => query::sort_keys(text, collection, &class.rights)?,
            None => Vec::new(),
        };
        let cursor = match &request.after {
            Some(word) => {
                let kinds = query::cursor_kinds(&sort, collection, model);
                Some(Cursor::decode(word, &order, &kinds)?)
            }
            None => None,
        };
        let equalities = query::equalities(request, collection, model, &class.rights)?;
        if request.filter.is_none() && !request.params.is_empty() {
            let kind = ViolationKind::Range("there is no filter that names it".to_owned());
            return Err(Error::malformed(format!("${}", crate::decode::shorten(&request.params[0].0)), kind));
        }
        let key = query::key(request, &equalities, &sort, cursor.as_ref().map(Cursor::nulls));
        let plan = class.plans.list(key, |key| query::plan(key, model, &class.rights, &self.planner))?;
        let mut params = query::params(request, &plan.params, model)?;
        params.extend(equalities.into_iter().map(|(_, value)| value));
        Ok(PreparedList { plan, params, cursor: cursor.map(|cursor| cursor.values).unwrap_or_default(), limit, order })
    }

    /// How many records the list would show on all its pages: exactly up to the limit, then one more.
    async fn count(
        &self,
        cx: &Context,
        class: &CallerClass,
        (collection, list): (&Collection, &PreparedList),
        record: &mut (dyn FnMut(&Executed<'_>) + Send),
    ) -> Result<u64, Error> {
        let plan = list.plan.count(&self.planner, &class.rights);
        let bindings = Bindings { limit: limits::COUNT_MAX + 1, ..list.bindings(cx) };
        let mut sink = Collect::new(|row: &dyn Row| match row.value(0)? {
            ValueRef::Int(count) => u64::try_from(count).map_err(|_| NOT_A_COUNT),
            _ => Err(NOT_A_COUNT),
        });
        let stats = self.read(&bindings.statement(&plan.template), &mut sink).await?;
        let withheld = list.plan.names_classified;
        record(&Executed { template: &plan.template, bindings, collection, withheld, stats });
        sink.found.pop().ok_or_else(|| Error::internal(NOT_A_COUNT))
    }
}

const NOT_A_COUNT: DecodeError = DecodeError { column: 0, expected: "a number of rows" };

/// Refuses where no record at all could be allowed to callers of this class.
pub(crate) fn may_at_all(rights: &Rights, cx: &Context, collection: &Collection, action: Action) -> Result<(), Error> {
    if !rights.rule(collection.id, action).refuses() {
        return Ok(());
    }
    match cx.caller.kind {
        CallerKind::Anonymous => Err(Unauthenticated::Missing.into()),
        _ if !is_granted(cx.caller.grant.as_deref(), collection, action) => {
            Err(Error::Forbidden { action, what: without_grant(collection) })
        }
        _ => Err(Error::Forbidden { action, what: format!("records of {}", collection.name) }),
    }
}

pub(crate) fn not_found(collection: &Collection) -> Error {
    Error::NotFound { what: format!("{} with this id", collection.name) }
}

/// Writes a page as JSON.
struct PageBody<'p> {
    plan: &'p ListPlan,
    limit: u32,
    rows: u32,
    body: Vec<u8>,
    /// The cursor's values of the last record on the page.
    last: Vec<Value>,
    more: bool,
}

const OPENING: &[u8] = b"{\"items\":[";

impl<'p> PageBody<'p> {
    fn new(plan: &'p ListPlan, limit: u32) -> Self {
        Self { plan, limit, rows: 0, body: Vec::with_capacity(4096), last: Vec::new(), more: false }
    }

    fn finish(mut self, order: &str, count: Option<u64>) -> Vec<u8> {
        if self.body.is_empty() {
            self.body.extend_from_slice(OPENING);
        }
        self.body.extend_from_slice(b"],\"next\":");
        if self.more {
            quote(&mut self.body, &Cursor { values: self.last }.encode(order));
        } else {
            self.body.extend_from_slice(b"null");
        }
        if let Some(count) = count {
            let (value, more) = (count.min(limits::COUNT_MAX), count > limits::COUNT_MAX);
            self.body.extend_from_slice(format!(",\"count\":{{\"value\":{value},\"more\":{more}}}").as_bytes());
        }
        self.body.push(b'}');
        self.body
    }
}

impl RowSink for PageBody<'_> {
    fn begin(&mut self) {
        self.body.clear();
        self.body.extend_from_slice(OPENING);
        self.rows = 0;
        self.more = false;
    }

    fn row(&mut self, row: &dyn Row) -> Result<(), StoreError> {
        if self.rows == self.limit {
            self.more = true;
            return Ok(());
        }
        if self.rows > 0 {
            self.body.push(b',');
        }
        self.rows += 1;
        encode::object(&mut self.body, row, &self.plan.page.output)?;
        within_answer(&self.body)?;
        if self.rows == self.limit {
            self.last = self.plan.place_of(row)?;
        }
        Ok(())
    }
}
