use std::sync::Arc;

use backstay_base::{Action, Conflict, Error, RecordId, ViolationKind};
use backstay_expr::{Rule, truth};
use backstay_model::{Collection, CollectionId};
use backstay_sql::Row;
use backstay_store::{KeyClaim, Writes};
use bytes::Bytes;
use futures_util::future::BoxFuture;

use crate::bind::InMemory;
use crate::context::Retry;
use crate::decode::{decode_input, decode_inputs};
use crate::inner::Inner;
use crate::read::may_at_all;
use crate::sink::OneRecord;
use crate::{
    Authority, Context, Create, Delete, IfMatch, Input, Outcome, Record, Tag, Transaction, TxContext, Update, Written,
    encode, remember,
};

/// A write that is ready to run, and its claim on an idempotency key.
pub(crate) struct Prepared<T> {
    pub(crate) transaction: T,
    claim: Option<KeyClaim>,
}

/// Makes one record ready to be created, or several of which all or none are made.
pub(crate) fn create(inner: &Inner, cx: &Context, request: &Create) -> Result<Prepared<CreateRecords>, Error> {
    let collection = admitted(inner, cx, request.collection, Action::Create)?;
    let (inputs, many) = decode_inputs(&inner.application.model, request.collection, &request.body)?;
    if inputs.is_empty() {
        return Err(Error::malformed("", ViolationKind::Range("an array of at least one record".to_owned())));
    }
    let key = request.options.idempotency_key.as_deref();
    let what: [&[u8]; 3] = [b"create", collection.name.as_bytes(), &request.body];
    let claim = key.map(|key| remember::claim(&cx.caller, key, &what)).transpose()?;
    let minimal = request.options.minimal;
    let transaction = CreateRecords { collection: request.collection, inputs, many, minimal, claim: claim.clone() };
    Ok(Prepared { transaction, claim })
}

/// Makes a merge patch of one record ready.
pub(crate) fn update(inner: &Inner, cx: &Context, request: Update) -> Result<Prepared<UpdateRecord>, Error> {
    let Update { collection: id_of_collection, id, body, options } = request;
    let collection = admitted(inner, cx, id_of_collection, Action::Update)?;
    let input = decode_input(&inner.application.model, id_of_collection, &body)?.merging();
    let wanted = remember::wanted(options.if_match.as_ref());
    let what: [&[u8]; 5] = [b"update", collection.name.as_bytes(), id.as_bytes(), &wanted, &body];
    let key = options.idempotency_key.as_deref();
    let claim = key.map(|key| remember::claim(&cx.caller, key, &what)).transpose()?;
    let (if_match, minimal) = (options.if_match, options.minimal);
    let transaction = UpdateRecord { record: (id_of_collection, id), input, if_match, minimal, claim: claim.clone() };
    Ok(Prepared { transaction, claim })
}

/// Makes a deletion ready.
pub(crate) fn delete(inner: &Inner, cx: &Context, request: Delete) -> Result<Prepared<DeleteRecord>, Error> {
    let Delete { collection: id_of_collection, id, options } = request;
    let collection = admitted(inner, cx, id_of_collection, Action::Delete)?;
    let wanted = remember::wanted(options.if_match.as_ref());
    let what: [&[u8]; 4] = [b"delete", collection.name.as_bytes(), id.as_bytes(), &wanted];
    let key = options.idempotency_key.as_deref();
    let claim = key.map(|key| remember::claim(&cx.caller, key, &what)).transpose()?;
    let transaction = DeleteRecord { record: (id_of_collection, id), if_match: options.if_match, claim: claim.clone() };
    Ok(Prepared { transaction, claim })
}

/// The collection, if a rule could allow the caller this action on any of its records.
pub(crate) fn admitted<'i>(
    inner: &'i Inner,
    cx: &Context,
    collection: CollectionId,
    action: Action,
) -> Result<&'i Collection, Error> {
    let collection = &inner.application.model.collection(collection);
    may_at_all(&inner.application.class(&cx.caller).rights, cx, collection, action)?;
    Ok(collection)
}

/// Runs a write while its idempotency key is held.
pub(crate) async fn run<T: Transaction<Answer = Written>>(
    inner: &Arc<Inner>,
    cx: &Context,
    Prepared { transaction, claim }: Prepared<T>,
) -> Result<Written, Error> {
    let _held = claim.as_ref().map(|claim| inner.in_flight.hold(claim)).transpose()?;
    crate::transaction::run(inner, cx, transaction).await
}

pub(crate) struct CreateRecords {
    collection: CollectionId,
    inputs: Vec<Input>,
    /// Whether an array was sent, and is answered.
    many: bool,
    minimal: bool,
    claim: Option<KeyClaim>,
}

impl Transaction for CreateRecords {
    type Answer = Written;

    fn name(&self) -> &'static str {
        "create"
    }

    fn writes(&self) -> Writes {
        match self.inputs.as_slice() {
            [one] if !self.many && one.links.is_empty() => Writes::One,
            _ => Writes::Many,
        }
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<Written, Error>> {
        Box::pin(async move {
            if let Some(written) = cx.replayed(self.claim.as_ref()).await? {
                return Ok(written);
            }
            let records = cx.create_all(self.collection, &self.inputs, self.many).await?;
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
        Error::Conflict(Conflict::Unique { collection, fields, record: None }) => {
            Conflict::Unique { collection, fields, record: Some(index) }.into()
        }
        other => other,
    }
}

pub(crate) struct UpdateRecord {
    record: (CollectionId, RecordId),
    input: Input,
    if_match: Option<IfMatch>,
    minimal: bool,
    claim: Option<KeyClaim>,
}

impl Transaction for UpdateRecord {
    type Answer = Written;

    fn name(&self) -> &'static str {
        "update"
    }

    fn writes(&self) -> Writes {
        if self.input.links.is_empty() { Writes::One } else { Writes::Many }
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<Written, Error>> {
        Box::pin(async move {
            if let Some(written) = cx.replayed(self.claim.as_ref()).await? {
                return Ok(written);
            }
            let if_match = self.if_match.as_ref();
            let input = self.input.clone();
            let record = cx.update(Authority::Caller, self.record, input, if_match).await?;
            let body = cx.seen(self.record.0, &record).await?;
            let written = written(Outcome::Updated, &record, body, self.minimal);
            cx.remember(self.claim.as_ref(), &written)?;
            Ok(written)
        })
    }
}

pub(crate) struct DeleteRecord {
    record: (CollectionId, RecordId),
    if_match: Option<IfMatch>,
    claim: Option<KeyClaim>,
}

impl Transaction for DeleteRecord {
    type Answer = Written;

    fn name(&self) -> &'static str {
        "delete"
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<Written, Error>> {
        Box::pin(async move {
            if let Some(written) = cx.replayed(self.claim.as_ref()).await? {
                return Ok(written);
            }
            cx.delete(Authority::Caller, self.record, self.if_match.as_ref()).await?;
            let written = Written {
                outcome: Outcome::Deleted,
                ids: vec![self.record.1],
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

impl TxContext<'_, '_> {
    /// Makes a record of each input; `many` says whether an error tells of which.
    async fn create_all(
        &mut self,
        collection: CollectionId,
        inputs: &[Input],
        many: bool,
    ) -> Result<Vec<Record>, Error> {
        let mut records = Vec::with_capacity(inputs.len());
        for (index, input) in inputs.iter().enumerate() {
            if let Some(recorder) = self.recorder.as_mut().filter(|_| many) {
                recorder.about(index);
            }
            let mut created = self.create(Authority::Caller, collection, input.clone()).await;
            if created.is_ok() && self.retry == Retry::SettleEach {
                created = self.settle().await.and(created);
            }
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
        let collection = self.model().collection(collection);
        let class = Arc::clone(&self.class);
        let rights = &class.rights;
        let read = rights.rule(collection.id, Action::Read);
        let seen = collection.stored_fields().filter(|field| rights.may_see(collection.id, field.id));
        let fields: Vec<_> = seen.map(|field| (field, rights.field(collection.id, field.id, Action::Read))).collect();
        let needs_store = |rule: &Rule| rule.decided().is_none() && rule.needs_store();
        if needs_store(read) || fields.iter().any(|(_, rule)| needs_store(rule)) {
            return self.read_back(collection, record.id()).await;
        }
        let memory = InMemory { caller: self.caller(), now: self.now(), this: record.values(), new: record.values() };
        let holds = |rule: &Rule| truth(rule.expr(), &memory).is_true();
        if !holds(read) {
            return Ok(None);
        }
        let shown = fields.iter().filter(|(_, rule)| holds(rule));
        let mut body = Vec::with_capacity(512);
        encode::record(&mut body, shown.map(|(field, _)| (field.name.as_str(), record.value(field.id))));
        Ok(Some(body))
    }

    async fn read_back(&mut self, collection: &Collection, id: RecordId) -> Result<Option<Vec<u8>>, Error> {
        let class = Arc::clone(&self.class);
        let plan = class.plans.whole(&self.engine.planner, &class.rights, collection);
        let statement = self.statement(&plan.template, &self.bindings().id(id), collection.id);
        let mut sink = OneRecord::new(plan);
        let visit = &mut |row: &dyn Row| backstay_store::RowSink::row(&mut sink, row);
        self.rows(&statement, visit).await?;
        Ok(sink.version.map(|_| sink.body))
    }
}
