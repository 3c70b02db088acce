//! The history of a record: what each of its changes made of which values, the latest first.

use std::sync::Arc;

use backstay_base::{Action, Error, Memory, Place, ViolationKind, limits};
use backstay_model::{Collection, VersionChange, Versions};
use backstay_scalar::Value;
use backstay_sql::{ColumnRef, HistoryPlan, RecordVersion, Row, SortKey};
use backstay_store::{RowSink, StoreError};
use sha2::{Digest as _, Sha256};

use crate::bind::{Bindings, Question};
use crate::inner::Inner;
use crate::read::{PageSize, Reads, is_too_large, may_at_all, not_found};
use crate::{
    AnswerBuffer, Context, Cursor, EncodeError, Encoder, History, Page, PageEnd, PageOrder, Previous, RecordMember,
    Tag, width,
};

/// The order of a history, by the fields of the collection of versions: its cursors have a value of each key and the id of
/// the version.
pub fn history_order(versions: &Versions) -> [SortKey; 2] {
    [versions.from, Collection::VERSION].map(|field| SortKey::of(ColumnRef::main(field), true))
}

/// The history of a record, which its caller may read of some record, planned.
#[derive(Debug)]
pub(crate) struct PreparedHistory {
    plan: Arc<HistoryPlan>,
    request: History,
}

/// Plans a history.
pub(crate) fn prepare(inner: &Inner, cx: &Context, request: History) -> Result<PreparedHistory, Error> {
    let class = &cx.class;
    let collection = inner.application.model.collection(request.collection);
    may_at_all(&class.rights, cx, collection, Action::History)?;
    if !(1..=limits::PAGE_MAX).contains(&request.limit) {
        let range = format!("a whole number from 1 to {}", limits::PAGE_MAX);
        return Err(Error::malformed(Place::Limit, ViolationKind::Range(range)));
    }
    if request.after.as_ref().is_some_and(|cursor| cursor.values.len() != CURSOR_VALUES) {
        let expected = "a place in the same history".to_owned();
        return Err(Error::malformed(Place::After, ViolationKind::Type { expected }));
    }
    let plan = class.plans.history(&inner.planner, &class.rights, (collection.id, request.after.is_some()));
    width::fits_statement(&plan.template)?;
    Ok(PreparedHistory { plan, request })
}

/// The moment, the number and the id of a version.
const CURSOR_VALUES: usize = 3;

/// A page of the history, in one statement. If its changes are too large for an answer, fewer are read.
pub(crate) async fn history<R: Reads>(
    reads: &mut R,
    (inner, cx): (&Inner, &Context),
    prepared: &PreparedHistory,
    (encoder, size): (&'static dyn Encoder, PageSize),
) -> Result<Page, Error> {
    let PreparedHistory { plan, request } = prepared;
    let model = &inner.application.model;
    let collection = model.collection(request.collection);
    let versions = collection.history.as_ref().map(|history| model.collection(history.versions));
    let (versions, layout) =
        versions.and_then(|of| Some((of, of.versions.as_ref()?))).ok_or_else(|| not_found(collection))?;
    let sort = history_order(layout);
    let mut limit = request.limit;
    loop {
        let bindings = Bindings {
            cursor: request.after.as_ref().map_or(&[], |cursor| &cursor.values),
            // The one after the last says what that one has changed, and that there is another page.
            limit: u64::from(limit) + 1,
            ..Bindings::new(cx.caller(), cx.now).id(request.id)
        };
        let question = Question { template: &plan.template, bindings, collection: collection.id, withheld: false };
        let sink = HistoryPage::new(Arc::clone(plan), (encoder, size), (limit, &cx.memory));
        let read = match reads.rows(question, sink).await {
            (sink, Ok(())) if sink.is_empty() && request.after.is_none() => return Err(not_found(collection)),
            (sink, Ok(())) => sink.finish(&|next| PageEnd {
                order: PageOrder::Records(versions, &sort),
                next,
                previous: Previous::Untold,
                count: None,
            }),
            (_, Err(error)) => Err(error),
        };
        match read {
            Err(error) if is_too_large(&error) && limit > 1 => limit /= 2,
            read => return read,
        }
    }
}

/// Encodes a page of a history.
#[derive(Debug)]
struct HistoryPage {
    plan: Arc<HistoryPlan>,
    encoder: &'static dyn Encoder,
    size: PageSize,
    limit: u32,
    body: AnswerBuffer,
    /// Versions that are in the body.
    written: u32,
    /// One that was read, and is written once the version before it is known.
    waiting: Option<RecordVersion>,
    /// The place of the last one on a page that is full, if there is one after it.
    next: Option<Cursor>,
}

/// Bytes that most pages fit into.
const USUAL_PAGE: usize = 4096;

impl HistoryPage {
    fn new(
        plan: Arc<HistoryPlan>,
        (encoder, size): (&'static dyn Encoder, PageSize),
        (limit, memory): (u32, &Memory),
    ) -> Self {
        let body = AnswerBuffer::new(memory, USUAL_PAGE);
        Self { plan, encoder, size, limit, body, written: 0, waiting: None, next: None }
    }

    fn is_empty(&self) -> bool {
        self.written == 0 && self.waiting.is_none()
    }

    /// The whole page; `end` says what stands after the changes, by where the next page starts.
    fn finish<'e>(mut self, end: &dyn Fn(Option<Cursor>) -> PageEnd<'e>) -> Result<Page, Error> {
        self.body.end();
        if let Some(oldest) = self.waiting.take() {
            self.append(&oldest, None)?;
        }
        if self.written == 0 {
            self.encoder.begin_page(&mut self.body)?;
        }
        self.encoder.end_page(&mut self.body, &end(self.next.take()))?;
        let tag = Tag::of_list(Sha256::new_with_prefix(self.body.as_slice()));
        Ok(Page { tag, body: self.body.finish()? })
    }

    /// Appends a version with what it changed of the one before it. Of the oldest that is kept, nothing is known of the one
    /// before, unless the record was created by it.
    fn append(&mut self, version: &RecordVersion, before: Option<&RecordVersion>) -> Result<(), EncodeError> {
        if self.written == 0 {
            self.body.allow(self.size.most);
            self.encoder.begin_page(&mut self.body)?;
        } else {
            self.body.allow(self.size.share);
            self.encoder.between(&mut self.body)?;
        }
        let is_created = &*version.change == VersionChange::Create.word();
        let mut changes = Vec::new();
        for (place, (field, value)) in self.plan.fields.iter().zip(&version.values).enumerate() {
            let Some(new) = value else { continue };
            let old = match before {
                _ if is_created => Some(&Value::Null),
                Some(before) => before.values[place].as_ref(),
                None => None,
            };
            // If no earlier version is kept, every value that it has counts as a change.
            if old.unwrap_or(&Value::Null) != new {
                let old = old.map(|old| RecordMember::Value("old", old));
                let members = old.into_iter().chain([RecordMember::Value("new", new)]).collect();
                changes.push(RecordMember::Embedded(&field.name, members));
            }
        }
        let (number, at) = (Value::Int(version.version), Value::Timestamp(version.from));
        let (change, kind) = (Value::text(&*version.change), Value::text(&*version.by_kind));
        let by = version.by.map_or(Value::Null, Value::Id);
        let members = [
            RecordMember::Value("version", &number),
            RecordMember::Value("at", &at),
            RecordMember::Value("action", &change),
            RecordMember::Embedded("by", vec![RecordMember::Value("kind", &kind), RecordMember::Value("id", &by)]),
            RecordMember::Embedded("changes", changes),
        ];
        self.encoder.record(&mut self.body, &mut members.into_iter())?;
        self.body.check()?;
        self.written += 1;
        Ok(())
    }
}

impl RowSink for HistoryPage {
    fn begin(&mut self, most: usize) {
        self.body.begin(most);
        (self.written, self.waiting, self.next) = (0, None, None);
    }

    fn row(&mut self, row: &dyn Row) -> Result<(), StoreError> {
        let version = self.plan.read(row)?;
        if let Some(newer) = self.waiting.take() {
            self.append(&newer, Some(&version))?;
            if self.written == self.limit {
                let RecordVersion { from, version, id, .. } = newer;
                self.next = Some(Cursor { values: vec![from.into(), Value::Int(version), Value::Id(id)] });
                return Ok(());
            }
        }
        self.waiting = Some(version);
        Ok(())
    }
}
