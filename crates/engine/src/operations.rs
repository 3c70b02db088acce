use std::sync::Arc;

use backstay_base::{Action, Error, RecordId, ViolationKind};
use backstay_expr::Rule;
use backstay_model::{Collection, CollectionId};
use backstay_sql::{RecordSource, Row};
use backstay_store::{KeyClaim, Writes};
use bytes::Bytes;
use futures_util::future::BoxFuture;

use crate::decode::{decode_draft, decode_drafts};
use crate::engine::{Engine, Inner};
use crate::read::may_at_all;
use crate::sink::OneRecord;
use crate::{
    Authority, Context, Create, Delete, Draft, IfMatch, OpContext, Operation, Outcome, Record, Tag, Update, Written,
    encode, remember,
};

impl Engine {
    /// Makes one record, or several of which all or none are made.
    pub async fn create(&self, cx: &Context, request: Create) -> Result<Written, Error> {
        let model = self.model();
        let collection = model.collection(request.collection);
        may_at_all(&self.inner.application.class(&cx.caller).rights, cx, collection, Action::Create)?;
        let (drafts, many) = decode_drafts(model, request.collection, &request.body)?;
        if drafts.is_empty() {
            return Err(Error::malformed("", ViolationKind::Range("an array of at least one record".to_owned())));
        }
        let key = request.options.idempotency_key.as_deref();
        let what: [&[u8]; 3] = [b"create", collection.name.as_bytes(), &request.body];
        let claim = key.map(|key| remember::claim(&cx.caller, key, &what)).transpose()?;
        let minimal = request.options.minimal;
        let operation = CreateRecords { collection: request.collection, drafts, many, minimal, claim: claim.clone() };
        self.run_held(cx, claim.as_ref(), operation).await
    }

    /// Changes one record by a merge patch.
    pub async fn update(&self, cx: &Context, request: Update) -> Result<Written, Error> {
        let model = self.model();
        let collection = model.collection(request.collection);
        may_at_all(&self.inner.application.class(&cx.caller).rights, cx, collection, Action::Update)?;
        let draft = decode_draft(model, request.collection, &request.body)?.merging();
        let options = request.options;
        let wanted = remember::wanted(options.if_match.as_ref());
        let what: [&[u8]; 5] =
            [b"update", collection.name.as_bytes(), request.id.as_bytes(), wanted.as_bytes(), &request.body];
        let key = options.idempotency_key.as_deref();
        let claim = key.map(|key| remember::claim(&cx.caller, key, &what)).transpose()?;
        let operation = UpdateRecord {
            collection: request.collection,
            id: request.id,
            draft,
            if_match: options.if_match,
            minimal: options.minimal,
            claim: claim.clone(),
        };
        self.run_held(cx, claim.as_ref(), operation).await
    }

    /// Deletes one record.
    pub async fn delete(&self, cx: &Context, request: Delete) -> Result<Written, Error> {
        let collection = self.model().collection(request.collection);
        may_at_all(&self.inner.application.class(&cx.caller).rights, cx, collection, Action::Delete)?;
        let options = request.options;
        let wanted = remember::wanted(options.if_match.as_ref());
        let what: [&[u8]; 4] = [b"delete", collection.name.as_bytes(), request.id.as_bytes(), wanted.as_bytes()];
        let key = options.idempotency_key.as_deref();
        let claim = key.map(|key| remember::claim(&cx.caller, key, &what)).transpose()?;
        let operation = DeleteRecord {
            collection: request.collection,
            id: request.id,
            if_match: options.if_match,
            claim: claim.clone(),
        };
        self.run_held(cx, claim.as_ref(), operation).await
    }

    /// Runs an operation while its idempotency key is held.
    async fn run_held<O: Operation<Answer = Written>>(
        &self,
        cx: &Context,
        claim: Option<&KeyClaim>,
        operation: O,
    ) -> Result<Written, Error> {
        let _held = claim.map(|claim| self.inner.hold(claim)).transpose()?;
        self.run(cx, operation).await
    }
}

struct CreateRecords {
    collection: CollectionId,
    drafts: Vec<Draft>,
    /// Whether an array was sent, and is answered.
    many: bool,
    minimal: bool,
    claim: Option<KeyClaim>,
}

impl Operation for CreateRecords {
    type Answer = Written;

    fn name(&self) -> &'static str {
        "create"
    }

    fn writes(&self) -> Writes {
        match self.drafts.as_slice() {
            [one] if one.links.is_empty() => Writes::One,
            _ => Writes::Many,
        }
    }

    fn run<'a>(&'a self, cx: &'a mut OpContext<'_, '_>) -> BoxFuture<'a, Result<Written, Error>> {
        Box::pin(async move {
            if let Some(written) = cx.replayed(self.claim.as_ref()).await? {
                return Ok(written);
            }
            let records = cx.create_all(self.collection, &self.drafts, self.many).await?;
            let written = cx.created(self.collection, &records, self.many, self.minimal).await?;
            cx.remember(self.claim.as_ref(), &written)?;
            Ok(written)
        })
    }
}

/// The violations of one record as those of the array that it is in.
fn within(error: Error, index: usize) -> Error {
    match error {
        Error::Invalid(mut violations) => {
            for violation in &mut violations {
                violation.at.insert_str(0, &format!("/{index}"));
            }
            Error::Invalid(violations)
        }
        Error::Forbidden { action, what } => Error::Forbidden { action, what: format!("{what} (record {index})") },
        other => other,
    }
}

struct UpdateRecord {
    collection: CollectionId,
    id: RecordId,
    draft: Draft,
    if_match: Option<IfMatch>,
    minimal: bool,
    claim: Option<KeyClaim>,
}

impl Operation for UpdateRecord {
    type Answer = Written;

    fn name(&self) -> &'static str {
        "update"
    }

    fn writes(&self) -> Writes {
        if self.draft.links.is_empty() { Writes::One } else { Writes::Many }
    }

    fn run<'a>(&'a self, cx: &'a mut OpContext<'_, '_>) -> BoxFuture<'a, Result<Written, Error>> {
        Box::pin(async move {
            if let Some(written) = cx.replayed(self.claim.as_ref()).await? {
                return Ok(written);
            }
            let if_match = self.if_match.as_ref();
            let draft = self.draft.clone();
            let record = cx.update(Authority::Caller, self.collection, self.id, draft, if_match).await?;
            let body = cx.seen(self.collection, &record).await?;
            let written = written(Outcome::Updated, &record, body, self.minimal);
            cx.remember(self.claim.as_ref(), &written)?;
            Ok(written)
        })
    }
}

struct DeleteRecord {
    collection: CollectionId,
    id: RecordId,
    if_match: Option<IfMatch>,
    claim: Option<KeyClaim>,
}

impl Operation for DeleteRecord {
    type Answer = Written;

    fn name(&self) -> &'static str {
        "delete"
    }

    fn run<'a>(&'a self, cx: &'a mut OpContext<'_, '_>) -> BoxFuture<'a, Result<Written, Error>> {
        Box::pin(async move {
            if let Some(written) = cx.replayed(self.claim.as_ref()).await? {
                return Ok(written);
            }
            cx.delete(Authority::Caller, self.collection, self.id, self.if_match.as_ref()).await?;
            let written = Written {
                outcome: Outcome::Deleted,
                ids: vec![self.id],
                version: None,
                body: None,
                tag: None,
                replayed: false,
            };
            cx.remember(self.claim.as_ref(), &written)?;
            Ok(written)
        })
    }
}

/// A minimal answer has the tag as well: it is what the next change needs.
fn written(outcome: Outcome, record: &Record, body: Option<Vec<u8>>, minimal: bool) -> Written {
    let version = record.version();
    let tag = body.as_ref().map(|body| Tag::of_record(version, body));
    let body = body.filter(|_| !minimal).map(Bytes::from);
    Written { outcome, ids: vec![record.id()], version: Some(version), body, tag, replayed: false }
}

impl OpContext<'_, '_> {
    /// Makes a record of each draft; `many` says whether an error tells of which.
    pub(crate) async fn create_all(
        &mut self,
        collection: CollectionId,
        drafts: &[Draft],
        many: bool,
    ) -> Result<Vec<Record>, Error> {
        let mut records = Vec::with_capacity(drafts.len());
        for (index, draft) in drafts.iter().enumerate() {
            let created = self.create(Authority::Caller, collection, draft.clone()).await;
            records.push(created.map_err(|error| if many { within(error, index) } else { error })?);
        }
        Ok(records)
    }

    async fn created(
        &mut self,
        collection: CollectionId,
        records: &[Record],
        many: bool,
        minimal: bool,
    ) -> Result<Written, Error> {
        if let ([record], false) = (records, many) {
            let body = self.seen(collection, record).await?;
            return Ok(written(Outcome::Created, record, body, minimal));
        }
        let ids = records.iter().map(Record::id).collect();
        let mut body = None;
        if !minimal {
            let mut items = vec![b'['];
            for (index, record) in records.iter().enumerate() {
                if index > 0 {
                    items.push(b',');
                }
                items.extend(self.seen(collection, record).await?.unwrap_or_else(|| b"null".to_vec()));
            }
            items.push(b']');
            body = Some(Bytes::from(items));
        }
        Ok(Written { outcome: Outcome::Created, ids, version: None, body, tag: None, replayed: false })
    }

    /// A record that this operation wrote, as its caller sees it: just as a get would answer it. `None` where the
    /// caller may not read it.
    async fn seen(&mut self, collection: CollectionId, record: &Record) -> Result<Option<Vec<u8>>, Error> {
        let collection = self.engine.application.model.collection(collection);
        let class = Arc::clone(&self.class);
        let (rights, of) = (&class.rights, collection.id);
        let read = rights.rule(of, Action::Read);
        let fields: Vec<_> = collection.stored_fields().filter(|field| rights.may_see(of, field.id)).collect();
        let needs_store = |rule: &Rule| rule.decided().is_none() && rule.needs_store();
        if needs_store(read) || fields.iter().any(|field| needs_store(rights.field(of, field.id, Action::Read))) {
            return self.read_back(collection, record.id()).await;
        }
        let values = record.values();
        let mut shown = Vec::with_capacity(fields.len());
        if !self.decide(read, of, RecordSource::Proposed, &[], values).await?.is_true() {
            return Ok(None);
        }
        for field in fields {
            let rule = rights.field(of, field.id, Action::Read);
            if self.decide(rule, of, RecordSource::Proposed, &[], values).await?.is_true() {
                shown.push((field.name.as_str(), record.value(field.id)));
            }
        }
        let mut body = Vec::with_capacity(512);
        encode::record(&mut body, shown.into_iter());
        Ok(Some(body))
    }

    async fn read_back(&mut self, collection: &Collection, id: RecordId) -> Result<Option<Vec<u8>>, Error> {
        let class = Arc::clone(&self.class);
        let engine: &Inner = self.engine;
        let plan = class.plans.whole(&engine.planner, &class.rights, collection);
        let statement = self.statement(&plan.template, &self.bindings().id(id), collection.id);
        let mut sink = OneRecord::new(plan);
        let visit = &mut |row: &dyn Row| backstay_store::RowSink::row(&mut sink, row);
        self.rows(&statement, visit).await?;
        Ok(sink.version.map(|_| sink.body))
    }
}
