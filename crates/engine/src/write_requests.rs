mod roots;

use backstay_base::{
    Action, Caller, CallerKind, Error, Limit, Place, Unauthenticated, Violation, ViolationKind, limits,
};
use backstay_model::{Collection, CollectionId, Field, FieldId, Model};
use backstay_store::{KeyClaim, Writes};

use crate::context::require_few_rows;
use crate::holding::ToHold;
use crate::inner::Inner;
use crate::matching;
use crate::read::{self, PreparedList, USUAL_RECORD, may_at_all};
use crate::record::Key;
use crate::remember::Keyed;
use crate::showing::{Showing, transient};
use crate::taken_along::Way;
use crate::{
    Authority, Context, Counted, Create, Encoder, IfMatch, Input, Inputs, MatchingAct, OfMatching, OfRecord, Outcome,
    Reach, Record, RecordAct, Replace, RequestKind, TxContext, Update, Upserted, Which, Written, children, exclusions,
    remember, summing,
};

pub(crate) use roots::Root;

/// A write that its caller may make on some record, and its claim on an idempotency key.
#[derive(Debug)]
pub(crate) struct PreparedWrite {
    work: Work,
    pub(crate) claim: Option<KeyClaim>,
    showing: Showing,
    /// Whether it writes more than a row, or something follows from it that can be refused: stored sums of other records,
    /// checks at commit, counters of sequences, or hooks before the change.
    writes_more: bool,
}

#[derive(Debug)]
enum Work {
    Create { collection: CollectionId, inputs: Inputs },
    Upsert { collection: CollectionId, key: Vec<FieldId>, inputs: Inputs },
    Update { record: (CollectionId, Which), input: Input, if_match: Option<IfMatch> },
    Replace { record: (CollectionId, Which), input: Input, if_match: Option<IfMatch> },
    OfRecord { act: RecordAct, record: (CollectionId, Which), if_match: Option<IfMatch> },
    OfMatching { act: MatchingAct, collection: CollectionId, list: Box<PreparedList>, reach: Reach, dry_run: bool },
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
    let showing = Showing::new((inner, cx), id, &options, encoder)?;
    let work = match on_conflict {
        Some(key) => Work::Upsert { collection: id, key, inputs },
        None => Work::Create { collection: id, inputs },
    };
    Ok(PreparedWrite { work, claim, showing, writes_more })
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
    let showing = Showing::new((inner, cx), collection, &options, encoder)?;
    let work = Work::Update { record: (collection, which), input, if_match: options.if_match };
    Ok(PreparedWrite { work, claim, showing, writes_more })
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
    require_few_rows(input.rows())?;
    children_admitted(inner, cx, collection, &input)?;
    let named = which.words(of);
    let what = Keyed::Replace(&of.name, &named, options.if_match.as_ref());
    let claim = remember::claim(cx.caller(), options.idempotency.as_ref(), what)?;
    let showing = Showing::new((inner, cx), collection, &options, encoder)?;
    let work = Work::Replace { record: (collection, which), input, if_match: options.if_match };
    Ok(PreparedWrite { work, claim, showing, writes_more: true })
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
    let showing = Showing::new((inner, cx), collection, &options, encoder)?;
    let work = Work::OfRecord { act, record: (collection, which), if_match: options.if_match };
    Ok(PreparedWrite { work, claim, showing, writes_more })
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
    let OfMatching { act, collection, filter: _, reach, dry_run, options } = request;
    if dry_run && options.idempotency.is_some() {
        let range = "a dry run changes nothing; a key is only for requests that do".to_owned();
        return Err(Error::malformed(Place::part("idempotency-key"), ViolationKind::Range(range)));
    }
    let what = Keyed::OfMatching(act.verb(), name);
    let claim = remember::claim(cx.caller(), options.idempotency.as_ref(), what)?;
    let showing = Showing::new((inner, cx), collection, &options, encoder)?;
    let work = Work::OfMatching { act, collection, list, reach, dry_run };
    Ok(PreparedWrite { work, claim, showing, writes_more: true })
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
        || application.policy.hooks.before(collection).is_some()
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

    /// What it creates, if it creates records alone.
    pub(crate) fn created(&self) -> Option<(CollectionId, &[Input])> {
        match &self.work {
            Work::Create { collection, inputs } => Some((*collection, inputs.as_slice())),
            Work::Upsert { .. }
            | Work::Update { .. }
            | Work::Replace { .. }
            | Work::OfRecord { .. }
            | Work::OfMatching { .. } => None,
        }
    }

    /// The record that it changes, if it names that by its id, and what is sent for it.
    pub(crate) fn known(&self) -> Option<(Key, Option<&Input>)> {
        let (collection, which, input) = match &self.work {
            Work::Update { record, input, .. } | Work::Replace { record, input, .. } => {
                (record.0, &record.1, Some(input))
            }
            Work::OfRecord { record, .. } => (record.0, &record.1, None),
            Work::Create { .. } | Work::Upsert { .. } | Work::OfMatching { .. } => return None,
        };
        match which {
            Which::Id(id) => Some(((collection, *id), input)),
            Which::Key(_) => None,
        }
    }

    /// How it answers.
    pub(crate) fn showing(&self) -> &Showing {
        &self.showing
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

    /// Whether it reads records that it doesn't write: it finds them by a filter, or answers what they lead to.
    pub(crate) fn reads(&self) -> bool {
        matches!(self.work, Work::OfMatching { .. }) || self.showing.is_selected()
    }

    /// Whether it is undone after it was answered.
    pub(crate) fn is_dry_run(&self) -> bool {
        matches!(self.work, Work::OfMatching { dry_run: true, .. })
    }

    /// Whether it deletes records, and is not undone.
    pub(crate) fn deletes(&self) -> bool {
        match &self.work {
            Work::OfRecord { act, .. } => !matches!(act, RecordAct::Restore(_)),
            Work::OfMatching { act, dry_run, .. } => matches!(act, MatchingAct::Delete) && !dry_run,
            Work::Create { .. } | Work::Upsert { .. } | Work::Update { .. } | Work::Replace { .. } => false,
        }
    }

    /// Where the records go that it deletes, if it does.
    pub(crate) fn way(&self, model: &Model) -> Option<Way> {
        let is_purge = matches!(&self.work, Work::OfRecord { act: RecordAct::Purge, .. });
        let has_trash = model.collection(self.collection()).trash.is_some();
        self.deletes().then_some(if has_trash && !is_purge { Way::Trash } else { Way::Gone })
    }

    /// Does it in a transaction, or gives the answer that is kept under its key.
    pub(crate) async fn run(&self, cx: &mut TxContext<'_, '_>) -> Result<Written, Error> {
        let done = self.carry_out(cx).await.map_err(|refusal| invitation(refusal, cx.caller()));
        if self.reads() { done } else { done.map_err(of_write) }
    }

    /// The answer that is kept under its key.
    pub(crate) async fn recalled(&self, cx: &mut TxContext<'_, '_>) -> Result<Option<Written>, Error> {
        cx.replayed(self.claim.as_ref(), self.collection(), &self.showing).await
    }

    /// The same, unless that is looked up later.
    async fn recalled_first(&self, cx: &mut TxContext<'_, '_>) -> Result<Option<Written>, Error> {
        if cx.recall_later(self.claim.as_ref()) { Ok(None) } else { self.recalled(cx).await }
    }

    async fn carry_out(&self, cx: &mut TxContext<'_, '_>) -> Result<Written, Error> {
        let showing = &self.showing;
        if let Some(written) = self.recalled_first(cx).await? {
            return Ok(written);
        }
        let written = match &self.work {
            Work::Create { collection, inputs: Inputs::One(input) } => {
                let record = cx.create(Authority::Caller, *collection, input.clone()).await?;
                cx.shown(showing, (Outcome::Created, *collection), &record).await?
            }
            Work::Create { collection, inputs: Inputs::Many(inputs) } => {
                let records = cx.create_all(*collection, inputs).await?;
                cx.all_shown(showing, *collection, &records).await?
            }
            Work::Upsert { collection, key, inputs } => {
                let all = cx.upsert_all((*collection, key), inputs).await?;
                let is_array = matches!(inputs, Inputs::Many(_));
                cx.upserts_shown(showing, *collection, (&all, is_array)).await?
            }
            Work::Update { record: (collection, which), input, if_match } => {
                let record = (*collection, cx.addressed(Authority::Caller, *collection, which).await?);
                let changed = cx.update(Authority::Caller, record, input.clone(), if_match.as_ref()).await?;
                cx.shown(showing, (Outcome::Updated, *collection), &changed).await?
            }
            Work::Replace { record: (collection, which), input, if_match } => {
                let record = (*collection, which);
                let (outcome, record) = cx.replace(record, input.clone(), if_match.as_ref()).await?;
                cx.shown(showing, (outcome, *collection), &record).await?
            }
            Work::OfRecord { act, record: (collection, which), if_match } => {
                let record = (*collection, cx.addressed(Authority::Caller, *collection, which).await?);
                let done = cx.carry_out(Authority::Caller, act, record, if_match.as_ref()).await?;
                match act {
                    RecordAct::Delete | RecordAct::Purge => Written::of(Outcome::Deleted, vec![record.1]),
                    RecordAct::Restore(_) => cx.shown(showing, (Outcome::Updated, *collection), &done).await?,
                }
            }
            Work::OfMatching { act, collection, list, reach, dry_run: _ } => {
                let counted = matching::carry_out(cx, act, *collection, (&**list, reach)).await?;
                self.counted(&counted)?
            }
        };
        cx.remember(self.claim.as_ref(), &written, showing.encoder)?;
        Ok(written)
    }

    /// What is answered of all records that match a filter.
    fn counted(&self, counted: &Counted) -> Result<Written, Error> {
        let mut body = transient(USUAL_RECORD);
        self.showing.encoder.counted(&mut body, counted)?;
        Ok(Written { body: Some(body.finish()?), ..Written::of(Outcome::Counted, vec![]) })
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

impl TxContext<'_, '_> {
    /// Makes a record of each input.
    async fn create_all(&mut self, collection: CollectionId, inputs: &[Input]) -> Result<Vec<Record>, Error> {
        let series = exclusions::series(self, self.model().collection(collection), inputs);
        exclusions::hold(self, series).await?;
        let mut to_hold = ToHold::default();
        for input in inputs {
            self.hold_owners(collection, input, &mut to_hold);
        }
        self.hold(to_hold).await?;
        self.expect_ids(collection, inputs.iter()).await?;
        let mut records = Vec::with_capacity(inputs.len());
        for (index, input) in inputs.iter().enumerate() {
            self.part.at = Place::item(index);
            if let Some(recorder) = &mut self.recorder {
                recorder.about(&self.part.at);
            }
            match self.make(Authority::Caller, collection, input.clone()).await {
                Ok(record) => records.push(record),
                Err(_) if self.awaits_hooks() => {}
                Err(error) => return Err(error),
            }
        }
        self.require_hooks()?;
        self.part.at = Place::Whole;
        summing::follow(self).await?;
        Ok(records)
    }

    /// Makes a record of each input, or changes the one with the same key.
    async fn upsert_all(
        &mut self,
        (collection, key): (CollectionId, &[FieldId]),
        inputs: &Inputs,
    ) -> Result<Vec<(Upserted, Record)>, Error> {
        let is_array = matches!(inputs, Inputs::Many(_));
        if is_array {
            self.hold_by_key((collection, key), inputs.as_slice()).await?;
            self.expect_ids(collection, inputs.as_slice().iter()).await?;
        }
        let mut all = Vec::with_capacity(inputs.as_slice().len());
        for (index, input) in inputs.as_slice().iter().enumerate() {
            if is_array {
                self.part.at = Place::item(index);
                if let Some(recorder) = &mut self.recorder {
                    recorder.about(&self.part.at);
                }
            }
            match self.upsert((collection, key), input.clone()).await {
                Ok(one) => all.push(one),
                Err(_) if self.awaits_hooks() => {}
                Err(error) => return Err(error),
            }
        }
        self.require_hooks()?;
        self.part.at = Place::Whole;
        summing::follow(self).await?;
        Ok(all)
    }
}
