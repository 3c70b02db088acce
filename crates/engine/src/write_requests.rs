use std::sync::Arc;

use backstay_base::{
    Action, Caller, CallerKind, Error, Limit, Memory, Place, RecordId, Unauthenticated, Violation, ViolationKind,
    limits,
};
use backstay_expr::{Rule, truth};
use backstay_model::{Collection, CollectionId, Field, FieldId};
use backstay_sql::Row;
use backstay_store::{KeyClaim, Writes};
use bytes::Bytes;

use crate::bind::InMemory;
use crate::context::require_few_rows;
use crate::inner::Inner;
use crate::matching::{self, Counted};
use crate::read::{self, PreparedList, USUAL_RECORD, is_too_large, may_at_all};
use crate::remember::Keyed;
use crate::{
    AnswerBuffer, Authority, Context, Create, Encoder, IfMatch, Input, Inputs, MatchingAct, OfMatching, OfRecord,
    Outcome, Record, RecordAct, Replace, RequestKind, Tag, TxContext, Update, Upserted, Which, Written, children,
    embedded, remember, summing,
};

/// A write that its caller may make on some record, and its claim on an idempotency key.
#[derive(Debug)]
pub(crate) struct PreparedWrite {
    work: Work,
    pub(crate) claim: Option<KeyClaim>,
    encoder: &'static dyn Encoder,
    /// Whether it writes more than a row, or something follows from it that can be refused: stored sums of other records,
    /// checks at commit, or counters of sequences.
    writes_more: bool,
}

#[derive(Debug)]
enum Work {
    Create { collection: CollectionId, inputs: Inputs, minimal: bool },
    Upsert { collection: CollectionId, key: Vec<FieldId>, inputs: Inputs, minimal: bool },
    Update { record: (CollectionId, Which), input: Input, if_match: Option<IfMatch>, minimal: bool },
    Replace { record: (CollectionId, Which), input: Input, if_match: Option<IfMatch>, minimal: bool },
    OfRecord { act: RecordAct, record: (CollectionId, Which), if_match: Option<IfMatch>, minimal: bool },
    OfMatching { act: MatchingAct, collection: CollectionId, list: Box<PreparedList>, limit: u32, dry_run: bool },
}

/// Prepares a create of one record, or of several, all of which are created or none.
pub(crate) fn create(
    inner: &Inner,
    cx: &Context,
    request: Create,
    encoder: &'static dyn Encoder,
) -> Result<PreparedWrite, Error> {
    let Create { collection: id, inputs, on_conflict, options } = request;
    let collection = admitted(inner, cx, id, Action::Create)?;
    let records = inputs.as_slice().len();
    if records == 0 {
        let kind = ViolationKind::Range("an array of at least one record".to_owned());
        return Err(Error::malformed(Place::Whole, kind));
    }
    if records > limits::BATCH_RECORDS {
        return Err(Limit::Size { what: "the array", max: limits::BATCH_RECORDS as u64, unit: "records" }.into());
    }
    // Before it waits for the writer.
    require_few_rows(inputs.as_slice().iter().map(Input::rows).sum())?;
    inputs.as_slice().iter().try_for_each(|input| children_admitted(inner, cx, id, input))?;
    let names: Vec<&str> = on_conflict.iter().flatten().map(|field| collection.field(*field).name.as_str()).collect();
    let what =
        if on_conflict.is_some() { Keyed::Upsert(&collection.name, &names) } else { Keyed::Create(&collection.name) };
    let claim = remember::claim(cx.caller(), options.idempotency.as_ref(), what)?;
    let writes_more = writes_more(inner, id);
    let minimal = options.minimal;
    let work = match on_conflict {
        Some(key) => Work::Upsert { collection: id, key, inputs, minimal },
        None => Work::Create { collection: id, inputs, minimal },
    };
    Ok(PreparedWrite { work, claim, encoder, writes_more })
}

/// Prepares an update of one record.
pub(crate) fn update(
    inner: &Inner,
    cx: &Context,
    request: Update,
    encoder: &'static dyn Encoder,
) -> Result<PreparedWrite, Error> {
    let Update { collection, which, input, options } = request;
    let of = admitted(inner, cx, collection, Action::Update)?;
    require_few_rows(input.rows())?;
    children_admitted(inner, cx, collection, &input)?;
    let writes_more = writes_more(inner, collection);
    let named = which.words(of);
    let what = Keyed::Update(&of.name, &named, options.if_match.as_ref());
    let claim = remember::claim(cx.caller(), options.idempotency.as_ref(), what)?;
    let (if_match, minimal) = (options.if_match, options.minimal);
    let work = Work::Update { record: (collection, which), input, if_match, minimal };
    Ok(PreparedWrite { work, claim, encoder, writes_more })
}

/// Prepares a replacement of one record, or its creation.
pub(crate) fn replace(
    inner: &Inner,
    cx: &Context,
    request: Replace,
    encoder: &'static dyn Encoder,
) -> Result<PreparedWrite, Error> {
    let Replace { collection, which, input, options } = request;
    let of = admitted(inner, cx, collection, Action::Update)
        .or_else(|refusal| admitted(inner, cx, collection, Action::Create).map_err(|_| refusal))?;
    let named = which.words(of);
    let what = Keyed::Replace(&of.name, &named, options.if_match.as_ref());
    let claim = remember::claim(cx.caller(), options.idempotency.as_ref(), what)?;
    let (if_match, minimal) = (options.if_match, options.minimal);
    let work = Work::Replace { record: (collection, which), input, if_match, minimal };
    Ok(PreparedWrite { work, claim, encoder, writes_more: true })
}

/// Prepares what is done with one stored record.
pub(crate) fn of_record(
    inner: &Inner,
    cx: &Context,
    request: OfRecord,
    encoder: &'static dyn Encoder,
) -> Result<PreparedWrite, Error> {
    let OfRecord { act, collection, which, options } = request;
    if let RecordAct::Restore(input) = &act
        && let Some((relation, _)) = input.children.first()
    {
        let at = inner.application.model.field(collection, *relation).place();
        return Err(Error::invalid(at, ViolationKind::ReadOnly("restore the record first, then change these")));
    }
    let of = admitted(inner, cx, collection, act.verb().action())?;
    let writes_more = writes_more(inner, collection);
    let named = which.words(of);
    let what = Keyed::OfRecord(act.verb(), (&of.name, &named), options.if_match.as_ref());
    let claim = remember::claim(cx.caller(), options.idempotency.as_ref(), what)?;
    let (if_match, minimal) = (options.if_match, options.minimal);
    let work = Work::OfRecord { act, record: (collection, which), if_match, minimal };
    Ok(PreparedWrite { work, claim, encoder, writes_more })
}

/// Prepares what is done with all records that match a filter.
pub(crate) fn of_matching(
    inner: &Inner,
    cx: &Context,
    request: OfMatching,
    encoder: &'static dyn Encoder,
) -> Result<PreparedWrite, Error> {
    let name = &admitted(inner, cx, request.collection, request.act.verb().action())?.name;
    let list = Box::new(read::prepare_list(inner, cx, request.list())?);
    let OfMatching { act, collection, filter: _, limit, dry_run, options } = request;
    if dry_run && options.idempotency.is_some() {
        let range = "a dry run changes nothing; a key is only for requests that do".to_owned();
        return Err(Error::malformed(Place::part("idempotency-key"), ViolationKind::Range(range)));
    }
    let what = Keyed::OfMatching(act.verb(), name);
    let claim = remember::claim(cx.caller(), options.idempotency.as_ref(), what)?;
    let work = Work::OfMatching { act, collection, list, limit, dry_run };
    Ok(PreparedWrite { work, claim, encoder, writes_more: true })
}

/// Refuses children that no rule could let the caller write, before anything is written.
fn children_admitted(inner: &Inner, cx: &Context, of: CollectionId, input: &Input) -> Result<(), Error> {
    for (relation, sent) in &input.children {
        let listed = inner.application.model.field(of, *relation).kind.children();
        let (target, _) = listed.ok_or_else(|| Error::internal(children::NoChildren))?;
        for child in &sent.each {
            let mut refused = Ok(());
            for action in children::actions(&child.act) {
                refused = admitted(inner, cx, target, *action).map(drop);
                if refused.is_ok() {
                    break;
                }
            }
            refused?;
            if let Some(input) = child.act.input() {
                children_admitted(inner, cx, target, input)?;
            }
        }
    }
    Ok(())
}

/// Whether records of the collection count in stored sums, checks at commit depend on them, or they are numbered.
fn writes_more(inner: &Inner, collection: CollectionId) -> bool {
    let application = &inner.application;
    let is_numbered = |field: &Field| field.sequence.is_some();
    !application.sums.counted(collection).is_empty()
        || application.commit_checks.concern(collection)
        || application.model.collection(collection).fields.iter().any(is_numbered)
}

/// The collection, if a rule could allow the caller this action on any of its records.
pub(crate) fn admitted<'i>(
    inner: &'i Inner,
    cx: &Context,
    collection: CollectionId,
    action: Action,
) -> Result<&'i Collection, Error> {
    let collection = &inner.application.model.collection(collection);
    may_at_all(&cx.class.rights, cx, collection, action)?;
    Ok(collection)
}

impl PreparedWrite {
    /// Its name in the commit log.
    pub(crate) fn name(&self) -> &'static str {
        let kind = match self.work {
            Work::Create { .. } | Work::Upsert { .. } => RequestKind::Create,
            Work::Update { .. } => RequestKind::Update,
            Work::Replace { .. } => RequestKind::Replace,
            Work::OfRecord { ref act, .. } => RequestKind::OfRecord(act.verb()),
            Work::OfMatching { ref act, .. } => RequestKind::OfMatching(act.verb()),
        };
        kind.name()
    }

    /// The collection that it is about.
    pub(crate) fn collection(&self) -> CollectionId {
        match &self.work {
            Work::Create { collection, .. } | Work::Upsert { collection, .. } | Work::OfMatching { collection, .. } => {
                *collection
            }
            Work::Update { record, .. } | Work::Replace { record, .. } | Work::OfRecord { record, .. } => record.0,
        }
    }

    /// How much it may write.
    pub(crate) fn writes(&self) -> Writes {
        match &self.work {
            Work::Create { inputs: Inputs::One(input), .. } | Work::Update { input, .. }
                if input.has_one_row() && !self.writes_more =>
            {
                Writes::One
            }
            Work::Create { .. }
            | Work::Upsert { .. }
            | Work::Update { .. }
            | Work::Replace { .. }
            | Work::OfRecord { .. }
            | Work::OfMatching { .. } => Writes::Many,
        }
    }

    /// Whether it finds the records itself, by a filter.
    pub(crate) fn reads(&self) -> bool {
        matches!(self.work, Work::OfMatching { .. })
    }

    /// Whether it is undone after it was answered.
    pub(crate) fn is_dry_run(&self) -> bool {
        matches!(self.work, Work::OfMatching { dry_run: true, .. })
    }

    /// Does it in a transaction, or gives the answer that is kept under its key.
    pub(crate) async fn run(&self, cx: &mut TxContext<'_, '_>) -> Result<Written, Error> {
        let done = self.carry_out(cx).await.map_err(|refusal| invitation(refusal, cx.caller()));
        if self.reads() { done } else { done.map_err(of_write) }
    }

    async fn carry_out(&self, cx: &mut TxContext<'_, '_>) -> Result<Written, Error> {
        if let Some(written) = cx.replayed(self.claim.as_ref(), self.collection(), self.encoder).await? {
            return Ok(written);
        }
        let written = match &self.work {
            Work::Create { collection, inputs: Inputs::One(input), minimal } => {
                let record = cx.create(Authority::Caller, *collection, input.clone()).await?;
                let body = cx.shown(*collection, &record, (self.encoder, *minimal)).await?;
                written(Outcome::Created, &record, body, *minimal)?
            }
            Work::Create { collection, inputs: Inputs::Many(inputs), minimal } => {
                let records = cx.create_all(*collection, inputs).await?;
                let body = if *minimal { None } else { Some(cx.all_seen(*collection, &records, self.encoder).await?) };
                let ids = records.iter().map(Record::id).collect();
                Written { outcome: Outcome::Created, ids, version: None, body, tag: None, replayed: false }
            }
            Work::Upsert { collection, key, inputs, minimal } => {
                cx.upsert_all((*collection, key), inputs, (self.encoder, *minimal)).await?
            }
            Work::Update { record: (collection, which), input, if_match, minimal } => {
                let record = (*collection, cx.addressed(Authority::Caller, *collection, which).await?);
                let changed = cx.update(Authority::Caller, record, input.clone(), if_match.as_ref()).await?;
                let body = cx.shown(record.0, &changed, (self.encoder, *minimal)).await?;
                written(Outcome::Updated, &changed, body, *minimal)?
            }
            Work::Replace { record: (collection, which), input, if_match, minimal } => {
                let record = (*collection, which);
                let (outcome, record) = cx.replace(record, input.clone(), if_match.as_ref()).await?;
                let body = cx.shown(*collection, &record, (self.encoder, *minimal)).await?;
                written(outcome, &record, body, *minimal)?
            }
            Work::OfRecord { act, record: (collection, which), if_match, minimal } => {
                let record = (*collection, cx.addressed(Authority::Caller, *collection, which).await?);
                let done = cx.carry_out(Authority::Caller, act, record, if_match.as_ref()).await?;
                match act {
                    RecordAct::Delete | RecordAct::Purge => gone(record.1),
                    RecordAct::Restore(_) => {
                        let body = cx.shown(record.0, &done, (self.encoder, *minimal)).await?;
                        written(Outcome::Updated, &done, body, *minimal)?
                    }
                }
            }
            Work::OfMatching { act, collection, list, limit, dry_run: _ } => {
                let Counted { matched, changed } = matching::carry_out(cx, act, *collection, (&**list, *limit)).await?;
                let mut body = transient(USUAL_RECORD);
                self.encoder.counted(&mut body, matched, changed)?;
                let body = Some(body.finish()?);
                Written { outcome: Outcome::Counted, ids: vec![], version: None, body, tag: None, replayed: false }
            }
        };
        cx.remember(self.claim.as_ref(), &written, self.encoder)?;
        Ok(written)
    }
}

/// Turns a refusal that signing in could lift into an invitation to sign in, for anonymous callers.
fn invitation(refusal: Error, caller: &Caller) -> Error {
    let of_account = |violation: &Violation| violation.kind == ViolationKind::NotAnAccount;
    let could_help = match &refusal {
        Error::Forbidden { .. } | Error::ForbiddenAfterwards { .. } | Error::TransitionRefused(_) => true,
        Error::Invalid(violations) => violations.iter().any(of_account),
        _ => false,
    };
    if could_help && caller.kind == CallerKind::Anonymous { Unauthenticated::Missing.into() } else { refusal }
}

/// What a write costs is due to what the model asks of it: it has no filter that could be narrowed.
fn of_write(refusal: Error) -> Error {
    match refusal {
        Error::Limit(Limit::Cost) => Limit::WriteCost.into(),
        other => other,
    }
}

fn gone(id: RecordId) -> Written {
    Written { outcome: Outcome::Deleted, ids: vec![id], version: None, body: None, tag: None, replayed: false }
}

/// A minimal answer has the tag as well: it is what the next change needs.
fn written(outcome: Outcome, record: &Record, body: Option<AnswerBuffer>, minimal: bool) -> Result<Written, Error> {
    let version = record.version();
    let tag = body.as_ref().map(|body| Tag::of_record(version, body.as_slice()));
    let body = body.filter(|_| !minimal).map(AnswerBuffer::finish).transpose()?;
    Ok(Written { outcome, ids: vec![record.id()], version: Some(version), body, tag, replayed: false })
}

/// A buffer for what was written. Its transaction counts the answer when that begins to wait for the commit: until then,
/// a database with one writer has one of them at a time.
fn transient(usual: usize) -> AnswerBuffer {
    AnswerBuffer::new(&Memory::uncounted(), usual)
}

impl TxContext<'_, '_> {
    /// Makes a record of each input.
    async fn create_all(&mut self, collection: CollectionId, inputs: &[Input]) -> Result<Vec<Record>, Error> {
        let mut records = Vec::with_capacity(inputs.len());
        for (index, input) in inputs.iter().enumerate() {
            self.part.at = Place::item(index);
            if let Some(recorder) = &mut self.recorder {
                recorder.about(&self.part.at);
            }
            records.push(self.make(Authority::Caller, collection, input.clone()).await?);
        }
        self.part.at = Place::Whole;
        summing::follow(self).await?;
        Ok(records)
    }

    /// Makes a record of each input, or changes the one with the same key.
    async fn upsert_all(
        &mut self,
        (collection, key): (CollectionId, &[FieldId]),
        inputs: &Inputs,
        (encoder, minimal): (&'static dyn Encoder, bool),
    ) -> Result<Written, Error> {
        let is_array = matches!(inputs, Inputs::Many(_));
        let mut all = Vec::with_capacity(inputs.as_slice().len());
        for (index, input) in inputs.as_slice().iter().enumerate() {
            if is_array {
                self.part.at = Place::item(index);
                if let Some(recorder) = &mut self.recorder {
                    recorder.about(&self.part.at);
                }
            }
            all.push(self.upsert((collection, key), input.clone()).await?);
        }
        self.part.at = Place::Whole;
        summing::follow(self).await?;
        let created = all.iter().any(|(upserted, _)| *upserted == Upserted::Created);
        let body = if minimal { None } else { Some(self.upserted(collection, (&all, is_array), encoder).await?) };
        let ids = all.iter().map(|(_, record)| record.id()).collect();
        let outcome = if created { Outcome::Created } else { Outcome::Updated };
        Ok(Written { outcome, ids, version: None, body, tag: None, replayed: false })
    }

    async fn upserted(
        &mut self,
        collection: CollectionId,
        (all, is_array): (&[(Upserted, Record)], bool),
        encoder: &'static dyn Encoder,
    ) -> Result<Bytes, Error> {
        let mut body = transient(USUAL_RECORD * all.len());
        if is_array {
            encoder.begin_records(&mut body)?;
        }
        for (index, (upserted, record)) in all.iter().enumerate() {
            if index > 0 {
                encoder.between(&mut body)?;
            }
            encoder.begin_upserted(&mut body, *upserted)?;
            match self.seen(collection, record, encoder).await? {
                Some(seen) => body.append(seen.as_slice()),
                None => encoder.unseen(&mut body),
            }
            .and_then(|()| body.check())?;
            encoder.end_upserted(&mut body)?;
        }
        body.end();
        if is_array {
            encoder.end_records(&mut body)?;
        }
        Ok(body.finish()?)
    }

    /// The records that one request made, as the caller sees them.
    async fn all_seen(
        &mut self,
        collection: CollectionId,
        records: &[Record],
        encoder: &'static dyn Encoder,
    ) -> Result<Bytes, Error> {
        let mut body = transient(USUAL_RECORD * records.len());
        encoder.begin_records(&mut body)?;
        for (index, record) in records.iter().enumerate() {
            if index > 0 {
                encoder.between(&mut body)?;
            }
            let appended = match self.seen(collection, record, encoder).await? {
                Some(seen) => body.append(seen.as_slice()),
                None => encoder.unseen(&mut body),
            };
            appended.and_then(|()| body.check())?;
        }
        body.end();
        encoder.end_records(&mut body)?;
        Ok(body.finish()?)
    }

    /// A record that this transaction wrote, for its answer. Of a minimal answer only the tag is missing if the record is
    /// too large for an answer.
    async fn shown(
        &mut self,
        collection: CollectionId,
        record: &Record,
        (encoder, minimal): (&'static dyn Encoder, bool),
    ) -> Result<Option<AnswerBuffer>, Error> {
        match self.seen(collection, record, encoder).await {
            Err(error) if minimal && is_too_large(&error) => Ok(None),
            seen => seen,
        }
    }

    /// A record that this transaction wrote, as its caller sees it: just as a get would answer it. `None` where the
    /// caller may not read it.
    async fn seen(
        &mut self,
        collection: CollectionId,
        record: &Record,
        encoder: &'static dyn Encoder,
    ) -> Result<Option<AnswerBuffer>, Error> {
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
            return self.read_back(collection.id, record.id(), encoder).await;
        }
        let memory = InMemory::of(self.caller(), self.now(), record.values());
        let holds = |rule: &Rule| truth(rule.expr(), &memory).is_true();
        if !holds(read) {
            return Ok(None);
        }
        let shown: Vec<&Field> = fields.iter().filter(|(_, rule)| holds(rule)).map(|(field, _)| *field).collect();
        let mut members = embedded::members(collection, &shown, record.values()).into_iter();
        let mut body = transient(USUAL_RECORD);
        encoder.record(&mut body, &mut members).and_then(|()| body.check())?;
        Ok(Some(body))
    }

    /// The tag of a record as its caller sees it now.
    pub(crate) async fn tag_now(
        &mut self,
        collection: CollectionId,
        id: RecordId,
        encoder: &'static dyn Encoder,
    ) -> Result<Option<Tag>, Error> {
        let Some(record) = self.get(collection, id).await? else { return Ok(None) };
        let body = self.seen(collection, &record, encoder).await?;
        Ok(body.map(|body| Tag::of_record(record.version(), body.as_slice())))
    }

    async fn read_back(
        &mut self,
        collection: CollectionId,
        id: RecordId,
        encoder: &'static dyn Encoder,
    ) -> Result<Option<AnswerBuffer>, Error> {
        let class = Arc::clone(&self.class);
        let plan = class.plans.seen(&self.engine.planner, &class.rights, collection);
        let statement = self.statement(&plan.template, &self.bindings().id(id), collection);
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
