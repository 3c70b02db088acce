//! What a write answers of the records that it wrote: as its caller sees them, in the transaction that wrote them.

use std::borrow::Cow;
use std::sync::Arc;

use backstay_base::{Action, Error, Memory, RecordId};
use backstay_expr::{Rule, truth};
use backstay_model::{CollectionId, Field};
use backstay_scalar::Value;
use backstay_sql::{ReadPlan, Row, Selection};
use bytes::Bytes;

use crate::asked::View;
use crate::bind::{Bindings, InMemory, Question};
use crate::inner::Inner;
use crate::read::{USUAL_RECORD, check_selected, is_too_large};
use crate::sought::check_sought;
use crate::{
    AnswerBuffer, Context, Encoder, Outcome, Record, Shown, Tag, TxContext, Upserted, WriteOptions, Written, embedded,
};

/// How a write answers the records that it wrote.
#[derive(Debug)]
pub(crate) struct Showing {
    pub(crate) encoder: &'static dyn Encoder,
    /// Whether it leaves the records out.
    minimal: bool,
    /// What the request selects of them, planned. Without it, and for a caller who may read none of them, that is every
    /// field of the record's own.
    selected: Option<Box<Selected>>,
}

#[derive(Debug)]
struct Selected {
    plan: Arc<ReadPlan>,
    selection: Selection,
    params: Vec<Value>,
}

impl Showing {
    /// As these options ask, of records of a collection. Refuses a selection that names what the caller never sees, before
    /// anything is written.
    pub(crate) fn new(
        (inner, cx): (&Inner, &Context),
        collection: CollectionId,
        options: &WriteOptions,
        encoder: &'static dyn Encoder,
    ) -> Result<Self, Error> {
        let rights = &cx.class.rights;
        let shown = options.shown.as_ref().filter(|_| !rights.rule(collection, Action::Read).refuses());
        let selected = match shown {
            Some(Shown { selection, params }) => {
                check_selected(params)?;
                check_sought(selection, params)?;
                let view = View { model: &inner.application.model, rights };
                let plan = cx.class.plans.seen_of(&inner.planner, view, (collection, selection))?;
                Some(Box::new(Selected { plan, selection: selection.clone(), params: params.clone() }))
            }
            None => None,
        };
        Ok(Self { encoder, minimal: options.minimal, selected })
    }

    /// Whether it reads more than the record that was written.
    pub(crate) fn is_selected(&self) -> bool {
        self.selected.is_some()
    }
}

/// A buffer for what was written. Its transaction counts the answer when that begins to wait for the commit: until then,
/// a database with one writer has one of them at a time.
pub(crate) fn transient(usual: usize) -> AnswerBuffer {
    AnswerBuffer::new(&Memory::uncounted(), usual)
}

impl TxContext<'_, '_> {
    /// The answer about one record. A minimal one has the tag as well, because it is what the next change needs; the tag is
    /// missing if the record is too large for an answer.
    pub(crate) async fn shown(
        &mut self,
        showing: &Showing,
        (outcome, collection): (Outcome, CollectionId),
        record: &Record,
    ) -> Result<Written, Error> {
        let body = match self.seen(showing, collection, record).await {
            Err(error) if showing.minimal && is_too_large(&error) => None,
            seen => seen?,
        };
        let version = record.version();
        let tag = body.as_ref().map(|body| Tag::of_record(version, body.as_slice()));
        let body = body.filter(|_| !showing.minimal).map(AnswerBuffer::finish).transpose()?;
        Ok(Written { version: Some(version), body, tag, ..Written::of(outcome, vec![record.id()]) })
    }

    /// The answer about records that one request made.
    pub(crate) async fn all_shown(
        &mut self,
        showing: &Showing,
        collection: CollectionId,
        records: &[Record],
    ) -> Result<Written, Error> {
        let body = if showing.minimal { None } else { Some(self.all_seen(showing, collection, records).await?) };
        let ids = records.iter().map(Record::id).collect();
        Ok(Written { body, ..Written::of(Outcome::Created, ids) })
    }

    /// The answer about records that one request made or changed. What became of each is part of it in any case.
    pub(crate) async fn upserts_shown(
        &mut self,
        showing: &Showing,
        collection: CollectionId,
        (all, is_array): (&[(Upserted, Record)], bool),
    ) -> Result<Written, Error> {
        let body = match showing.minimal {
            true => None,
            false => Some(self.upserts_seen(showing, collection, (all, is_array)).await?),
        };
        let ids = all.iter().map(|(_, record)| record.id()).collect();
        let upserted: Vec<Upserted> = all.iter().map(|(upserted, _)| *upserted).collect();
        let created = upserted.contains(&Upserted::Created);
        let version = all.first().filter(|_| !is_array).map(|(_, record)| record.version());
        let outcome = if created { Outcome::Created } else { Outcome::Updated };
        Ok(Written { upserted, version, body, ..Written::of(outcome, ids) })
    }

    /// Whether the caller sees now what was answered about these records.
    pub(crate) async fn shows_still(
        &mut self,
        showing: &Showing,
        collection: CollectionId,
        written: &Written,
    ) -> Result<bool, Error> {
        let mut records = Vec::with_capacity(written.ids.len());
        for id in &written.ids {
            let Some(record) = self.get(collection, *id).await? else { return Ok(false) };
            records.push(record);
        }
        if let (Some(tag), [record]) = (&written.tag, &*records) {
            let now = self.seen(showing, collection, record).await?;
            return Ok(now.is_some_and(|now| Tag::of_record(record.version(), now.as_slice()) == *tag));
        }
        let now = if written.upserted.is_empty() {
            self.all_seen(showing, collection, &records).await?
        } else {
            let all: Vec<(Upserted, Record)> = written.upserted.iter().copied().zip(records).collect();
            self.upserts_seen(showing, collection, (&all, written.version.is_none())).await?
        };
        Ok(written.body.as_ref() == Some(&now))
    }

    async fn all_seen(
        &mut self,
        showing: &Showing,
        collection: CollectionId,
        records: &[Record],
    ) -> Result<Bytes, Error> {
        let encoder = showing.encoder;
        let mut body = transient(USUAL_RECORD * records.len());
        encoder.begin_records(&mut body)?;
        for (index, record) in records.iter().enumerate() {
            if index > 0 {
                encoder.between(&mut body)?;
            }
            self.append_seen(showing, (collection, record), &mut body).await?;
        }
        body.end();
        encoder.end_records(&mut body)?;
        Ok(body.finish()?)
    }

    async fn upserts_seen(
        &mut self,
        showing: &Showing,
        collection: CollectionId,
        (all, is_array): (&[(Upserted, Record)], bool),
    ) -> Result<Bytes, Error> {
        let encoder = showing.encoder;
        let mut body = transient(USUAL_RECORD * all.len());
        if is_array {
            encoder.begin_records(&mut body)?;
        }
        for (index, (upserted, record)) in all.iter().enumerate() {
            if index > 0 {
                encoder.between(&mut body)?;
            }
            encoder.begin_upserted(&mut body, *upserted)?;
            self.append_seen(showing, (collection, record), &mut body).await?;
            encoder.end_upserted(&mut body)?;
        }
        body.end();
        if is_array {
            encoder.end_records(&mut body)?;
        }
        Ok(body.finish()?)
    }

    async fn append_seen(
        &mut self,
        showing: &Showing,
        (collection, record): (CollectionId, &Record),
        body: &mut AnswerBuffer,
    ) -> Result<(), Error> {
        match self.seen(showing, collection, record).await? {
            Some(seen) => body.append(seen.as_slice())?,
            None => showing.encoder.unseen(body)?,
        }
        Ok(body.check()?)
    }

    /// A record that this transaction wrote, as its caller sees it: just as a get would answer it. `None` where the
    /// caller may not read it.
    async fn seen(
        &mut self,
        showing: &Showing,
        collection: CollectionId,
        record: &Record,
    ) -> Result<Option<AnswerBuffer>, Error> {
        if let Some(selected) = &showing.selected {
            return self.selected(showing.encoder, selected, (collection, record.id())).await;
        }
        let collection = self.model().collection(collection);
        let class = Arc::clone(&self.class);
        let rights = &class.rights;
        let read = rights.rule(collection.id, Action::Read);
        let held = collection.fields.iter().filter(|field| field.kind.is_held());
        let seen = held.filter(|field| rights.may_see(collection.id, field.id));
        let fields: Vec<_> = seen.map(|field| (field, rights.field(collection.id, field.id, Action::Read))).collect();
        let needs_store = |rule: &Rule| rule.decided().is_none() && rule.needs_store();
        let is_seen = |field: &Field| field.is_computed_in_answers() && rights.may_see(collection.id, field.id);
        let is_computed = collection.fields.iter().any(is_seen);
        if is_computed || needs_store(read) || fields.iter().any(|(_, rule)| needs_store(rule)) {
            let plan = class.plans.seen(&self.engine.planner, &class.rights, collection.id);
            return self.read_back(showing.encoder, (plan, &[]), (collection.id, record.id())).await;
        }
        let memory = InMemory::of(self.caller(), self.now(), record.values());
        let holds = |rule: &Rule| truth(rule.expr(), &memory).is_true();
        if !holds(read) {
            return Ok(None);
        }
        let shown: Vec<&Field> = fields.iter().filter(|(_, rule)| holds(rule)).map(|(field, _)| *field).collect();
        let mut members = embedded::members(collection, &shown, record.values()).into_iter();
        let mut body = transient(USUAL_RECORD);
        showing.encoder.record(&mut body, &mut members).and_then(|()| body.check())?;
        Ok(Some(body))
    }

    /// What is selected of a record. Nested lists that make it too large for an answer are cut.
    async fn selected(
        &mut self,
        encoder: &'static dyn Encoder,
        selected: &Selected,
        (collection, id): (CollectionId, RecordId),
    ) -> Result<Option<AnswerBuffer>, Error> {
        let class = Arc::clone(&self.class);
        let view = View { model: &self.engine.application.model, rights: &class.rights };
        let (mut plan, mut selection) = (Arc::clone(&selected.plan), Cow::Borrowed(&selected.selection));
        loop {
            let read = self.read_back(encoder, (&plan, &selected.params), (collection, id)).await;
            match &read {
                Err(error) if is_too_large(error) => {}
                Ok(_) | Err(_) => return read,
            }
            let Some(narrowed) = selection.narrowed(view.model, collection) else { return read };
            plan = class.plans.seen_of(&self.engine.planner, view, (collection, &narrowed))?;
            selection = Cow::Owned(narrowed);
        }
    }

    async fn read_back(
        &mut self,
        encoder: &'static dyn Encoder,
        (plan, params): (&ReadPlan, &[Value]),
        (collection, id): (CollectionId, RecordId),
    ) -> Result<Option<AnswerBuffer>, Error> {
        let bindings = Bindings { params, ..self.bindings() }.id(id);
        // What a selection compares with may be classified.
        let withheld = !params.is_empty();
        let statement = self.asked(&Question { template: &plan.template, bindings, collection, withheld });
        let mut body = transient(USUAL_RECORD);
        let mut found = false;
        let encode = &mut |row: &dyn Row| {
            found = true;
            encoder.row(&mut body, row, &plan.output)?;
            Ok(body.check()?)
        };
        self.rows(&statement, encode).await?;
        Ok(found.then_some(body))
    }
}
