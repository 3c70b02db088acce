use std::collections::HashSet;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Instant;

use backstay_base::{
    Action, Caller, Error, Flow, Limit, Memory, Network, Place, RecordId, RequestId, Timestamp, limits,
};
use backstay_model::{Collection, CollectionId, FieldId, Model};
use backstay_scalar::{Value, ValueRef};
use backstay_sql::{DecodeError, IdOrder, Perspective, Row, Statement, StoredPlan, Template};
use backstay_store::{Demand, Freshness, StoreError, Tx};
use futures_util::future::BoxFuture;

use crate::answered::NoAnswer;
use crate::application::CallerClass;
use crate::before::session::Session;
use crate::bind::{Bindings, Question};
use crate::explanation::ExplainedCaller;
use crate::given_ids::GivenIds;
use crate::inner::Inner;
use crate::made::Numbers;
use crate::pending_checks::{Part, PendingChecks};
use crate::pending_hooks::PendingHook;
use crate::pending_sums::PendingSums;
use crate::record::Key;
use crate::recorder::Recorder;
use crate::reference::Reference;
use crate::taken_along::TakenAlong;
use crate::{Answer, Commits, Record, Trace};

/// How a request came.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// Its id.
    pub request: RequestId,
    /// When it began.
    pub now: Timestamp,
    /// The network of the client, if it came through one. It shares the database's time with other networks.
    pub client: Option<Network>,
    /// When it ends in any case. `None`: each of its reads and transactions has the time that a request may take.
    pub deadline: Option<Instant>,
    /// What it may use for its answer.
    pub memory: Memory,
    /// What it commits.
    pub commits: Commits,
    /// How old the state may be that its reads find, each by itself.
    pub freshness: Freshness,
    /// The request's trace.
    pub trace: Trace,
}

/// One request: its caller, its id and the moment at which it began.
#[derive(Debug, Clone)]
pub struct Context {
    caller: Arc<Caller>,
    /// The caller's class. It follows from the caller alone, so that none is made without the other.
    pub(crate) class: Arc<CallerClass>,
    /// The request's id, for answers, logs and the commit log.
    pub request: RequestId,
    /// `now` in rules: when it began, and within a transaction the moment of that.
    pub now: Timestamp,
    client: Option<Network>,
    deadline: Option<Instant>,
    /// What it may use for its answer.
    pub(crate) memory: Memory,
    pub(crate) commits: Commits,
    freshness: Freshness,
    /// How many jobs have led to it, each queued by a change that the one before has made.
    pub(crate) hook_depth: u32,
    trace: Trace,
}

impl Context {
    /// A request of a caller of this class.
    pub(crate) fn with(caller: Arc<Caller>, class: Arc<CallerClass>, arrival: Arrival) -> Self {
        let Arrival { request, now, client, deadline, memory, commits, freshness, trace } = arrival;
        Self { caller, class, request, now, client, deadline, memory, commits, freshness, hook_depth: 0, trace }
    }

    /// The request of a job to which so many other ones have led, each queued by a change that the one before has made.
    #[must_use]
    pub fn of_job(self, depth: u32) -> Self {
        Self { hook_depth: depth, ..self }
    }

    /// The same request, noted in this trace.
    #[must_use]
    pub fn traced(self, trace: Trace) -> Self {
        trace.caller(|| ExplainedCaller::of(&self.caller));
        Self { trace, ..self }
    }

    /// The same request, of which nothing more is noted.
    pub(crate) fn untraced(&self) -> Self {
        Self { trace: Trace::OFF, ..self.clone() }
    }

    /// The request's trace.
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// Whether the caller may see these fields of every record of the collection.
    pub fn sees_all(&self, collection: CollectionId, fields: &[FieldId]) -> bool {
        let rights = &self.class.rights;
        let is_seen = |field: &FieldId| rights.field(collection, *field, Action::Read).allows();
        rights.rule(collection, Action::Search).allows() && fields.iter().all(is_seen)
    }

    /// The same request within a transaction of this moment.
    pub(crate) fn at(&self, now: Timestamp) -> Self {
        Self { now, ..self.clone() }
    }

    /// How the request came.
    pub(crate) fn arrival(&self) -> Arrival {
        let Self { request, now, client, deadline, ref memory, ref commits, freshness, ref trace, .. } = *self;
        let (memory, commits, trace) = (memory.clone(), commits.clone(), trace.clone());
        Arrival { request, now, client, deadline, memory, commits, freshness, trace }
    }

    /// On whose account the request is answered.
    pub(crate) fn flow(&self) -> Flow {
        Flow::of(&self.caller, self.client)
    }

    /// The same for a statement that reads what is answered: a replica may run it if the request allows that.
    pub(crate) fn read_demand(&self) -> Demand {
        Demand { freshness: self.freshness, ..self.demand() }
    }

    /// For whom the store works, and until when.
    pub(crate) fn demand(&self) -> Demand {
        let flow = self.flow();
        match self.deadline {
            Some(deadline) => Demand { deadline, ..Demand::now(flow) },
            None => Demand::now(flow),
        }
    }

    /// The caller.
    pub fn caller(&self) -> &Arc<Caller> {
        &self.caller
    }
}

/// A read that a hook has made, which a transaction makes again.
pub(crate) trait Reread: Send + Sync {
    /// Makes it in a transaction, as the read of another context of the same caller.
    fn again<'r, 'a: 'r, 't: 'r>(
        &'r self,
        cx: &'r mut TxContext<'a, 't>,
        of: &'r Context,
    ) -> BoxFuture<'r, Result<Answer, Error>>;
}

/// What a transaction knows of its hooks.
pub(crate) type HookSession = Session<dyn Reread>;

/// Whose rules apply to a part of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authority {
    /// The caller's: `@allow`, `@readonly` and guards apply.
    Caller,
    /// Backstay's own: they don't. Types, checks, references and uniqueness still apply.
    System,
}

/// What a run of a transaction looks for, because the database doesn't tell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Retry {
    /// It is the first run.
    None,
    /// Which reference leads nowhere: each is looked up.
    VerifyReferences,
    /// Which of several records the database refuses: each is written before the next is looked at.
    SettleEach,
    /// Whether the database would refuse a record, before it is written: see `Transaction::looks_first`.
    LookFirst,
}

/// Where a transaction is: how many writes it has made, if none has failed.
#[derive(Debug, Clone, Copy)]
pub struct Mark(Option<u64>);

impl Mark {
    /// Whether nothing was written between the two, and nothing has failed.
    pub fn is_same(self, other: Self) -> bool {
        matches!((self.0, other.0), (Some(one), Some(other)) if one == other)
    }
}

/// A slug that was made for a new record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MadeSlug {
    pub(crate) collection: CollectionId,
    pub(crate) field: FieldId,
    pub(crate) slug: String,
}

/// What a transaction works with: the caller, the model, the moment and the transaction. Nothing else may be awaited.
pub struct TxContext<'a, 't> {
    pub(crate) engine: &'a Inner,
    pub(crate) cx: &'a Context,
    pub(crate) class: Arc<CallerClass>,
    pub(crate) system: Arc<CallerClass>,
    pub(crate) tx: &'a mut Tx<'t>,
    pub(crate) retry: Retry,
    /// The first violation that the database has found in a write that was staged earlier: the statement or the record at
    /// hand has nothing to do with it.
    pub(crate) violation: Option<StoreError>,
    /// Records and links that it has created or changed for the caller.
    pub(crate) rows_written: usize,
    /// Records that its deletions and restorations have deleted, restored or changed besides those that were named.
    pub(crate) taken_along: usize,
    /// What of it the caller may be told.
    pub(crate) told_along: TakenAlong,
    /// The slugs that it has made because no record had them.
    pub(crate) made_slugs: Vec<MadeSlug>,
    /// What it knows ahead of ids that are given to new records.
    pub(crate) given_ids: GivenIds,
    /// The numbers that it draws, if it may run again and must then draw the same ones.
    pub(crate) numbers: Option<Arc<Numbers>>,
    /// How often the transaction has run before because others took its slugs.
    pub(crate) slug_run: u32,
    /// Stored sums that don't have yet what it has changed.
    pub(crate) sums: PendingSums,
    /// Records of which checks have to be asked before the commit.
    pub(crate) checks: PendingChecks,
    /// Changes that queue jobs.
    pub(crate) hooks: Vec<PendingHook>,
    /// Records that it has locked before it wrote anything.
    pub(crate) held: HashSet<Key>,
    /// The part that is at work.
    pub(crate) part: Part,
    /// `now` for the values that the model gives, if it isn't the moment of the transaction: what a block of an action writes has
    /// the same values each time that it is written.
    pub(crate) given_now: Option<Timestamp>,
    /// The hooks that run before its changes; `None` if the model has none.
    pub(crate) before: Option<Arc<HookSession>>,
    /// What an explanation is made of.
    pub(crate) recorder: Option<Recorder>,
}

impl std::fmt::Debug for TxContext<'_, '_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TxContext").field("cx", &self.cx).finish_non_exhaustive()
    }
}

impl<'a> TxContext<'a, '_> {
    /// The caller.
    pub fn caller(&self) -> &'a Caller {
        self.cx.caller()
    }

    /// The moment of the transaction, which new and changed records bear.
    pub fn now(&self) -> Timestamp {
        self.cx.now
    }

    /// The moments that what it has written so far bears: its own, and after it those of records that it has changed again.
    pub(crate) fn moments(&self) -> RangeInclusive<Timestamp> {
        let more = i64::try_from(self.tx.changes()).unwrap_or(i64::MAX);
        self.now()..=Timestamp::from_micros_saturating(self.now().micros().saturating_add(more))
    }

    /// The application's model.
    pub fn model(&self) -> &'a Model {
        &self.engine.application.model
    }

    /// Refuses a transaction that has to check more records at commit than one may, without those that a deletion or
    /// restoration concerns: it is as large as what it takes along, which has its own limit, and can't be done in smaller parts.
    pub(crate) fn require_few_checks(&self, records: usize) -> Result<(), Error> {
        const MAX: usize = limits::COMMIT_CHECK_RECORDS;
        let what = "the set of records that have to be checked at commit because of this";
        match records > MAX && !self.class.system {
            true => Err(Limit::Size { what, max: MAX as u64, unit: "records" }.into()),
            false => Ok(()),
        }
    }

    /// From now on it is about the record at this place in the request.
    pub(crate) fn turn_to(&mut self, at: &Place) {
        self.part.at = at.clone();
        if let Some(recorder) = &mut self.recorder {
            recorder.about(at);
        }
    }

    /// A new id.
    pub fn next_id(&self) -> RecordId {
        self.engine.next_id()
    }

    /// The record with this id, whatever the caller may see.
    pub async fn get(&mut self, collection: CollectionId, id: RecordId) -> Result<Option<Record>, Error> {
        let plan = self.engine.templates.whole(&self.engine.planner, collection);
        self.read_whole(plan, (collection, id)).await
    }

    /// The same, also if it is in the trash.
    pub(crate) async fn get_stored(&mut self, collection: CollectionId, id: RecordId) -> Result<Option<Record>, Error> {
        let plan = self.engine.templates.whole_stored(&self.engine.planner, collection);
        self.read_whole(plan, (collection, id)).await
    }

    /// The record, live or in the trash, with what must be known of one that goes or loses a reference: large values only if
    /// something else depends on them.
    pub(crate) async fn get_to_remove(
        &mut self,
        collection: &Collection,
        id: RecordId,
    ) -> Result<Option<Record>, Error> {
        let application = &self.engine.application;
        let id_of = collection.id;
        if collection.history.is_some()
            || collection.tree.is_some()
            || !collection.exclusions.is_empty()
            || !collection.mentions.is_empty()
            || !application.sums.counted(id_of).is_empty()
            || application.commit_checks.concern(id_of)
        {
            return self.get_stored(id_of, id).await;
        }
        let plan = self.engine.templates.brief(&self.engine.planner, collection);
        self.read_whole(plan, (id_of, id)).await
    }

    /// The references of a record, live or in the trash; its other values are missing.
    pub(crate) async fn get_references(
        &mut self,
        collection: &Collection,
        id: RecordId,
    ) -> Result<Option<Record>, Error> {
        let plan = self.engine.templates.references(&self.engine.planner, collection);
        self.read_whole(plan, (collection.id, id)).await
    }

    pub(crate) async fn read_whole(
        &mut self,
        plan: &StoredPlan,
        (collection, id): (CollectionId, RecordId),
    ) -> Result<Option<Record>, Error> {
        let statement = self.statement(&plan.template, &self.bindings().id(id), collection);
        let mut found = None;
        let visit = &mut |row: &dyn Row| {
            found = Some(Record::new(plan.layout.read(row)?)?);
            Ok(())
        };
        self.rows(&statement, visit).await?;
        Ok(found)
    }

    /// The record whose fields have these values, whatever the caller may see. Name the fields of a unique index: if several records
    /// match, any one of them is returned.
    pub async fn find(&mut self, collection: CollectionId, by: &[(FieldId, Value)]) -> Result<Option<Record>, Error> {
        let (template, proposed) = self.engine.lookup((collection, Perspective::Live), by);
        let mut overtaken = None;
        loop {
            let bindings = Bindings { proposed: &proposed, ..self.bindings() };
            let Some(id) = self.ids(&template, bindings, collection).await?.first().copied() else { return Ok(None) };
            let record = self.get(collection, id).await?;
            let has_them = |record: &Record| by.iter().all(|(field, value)| record.value(*field) == value);
            // On a server, another transaction can have changed it between the two reads, which may have given the values to another.
            if record.as_ref().is_some_and(has_them) || overtaken == Some(id) {
                return Ok(record);
            }
            overtaken = Some(id);
        }
    }

    /// Ids of records whose to-one relation leads to this record, whatever the caller may see; at most `limit`.
    pub async fn referring(
        &mut self,
        collection: CollectionId,
        field: FieldId,
        to: RecordId,
        limit: u32,
    ) -> Result<Vec<RecordId>, Error> {
        let by = Reference::Field(self.model().field(collection, field));
        let among = (Perspective::Live, IdOrder::Ascending);
        let template = self.engine.templates.referencing(&self.engine.planner, (collection, by), among);
        let bindings = Bindings { limit: u64::from(limit), ..self.bindings().id(to) };
        self.ids(&template, bindings, collection).await
    }

    pub(crate) fn bindings(&self) -> Bindings<'a> {
        Bindings::new(self.cx.caller(), self.cx.now)
    }

    pub(crate) fn class_of(&self, authority: Authority) -> Arc<CallerClass> {
        match authority {
            Authority::Caller => Arc::clone(&self.class),
            Authority::System => Arc::clone(&self.system),
        }
    }

    /// Runs a statement and shows its rows.
    pub(crate) async fn rows(
        &mut self,
        statement: &Statement,
        visit: &mut (dyn FnMut(&dyn Row) -> Result<(), StoreError> + Send),
    ) -> Result<(), Error> {
        let answered = self.tx.rows(statement, visit).await;
        answered.map(|_| ()).map_err(|error| self.failed(error))
    }

    /// What is read of the one row of a statement.
    pub(crate) async fn one_row<T: Send>(
        &mut self,
        statement: &Statement,
        read: impl Fn(&dyn Row) -> Result<T, DecodeError> + Send + Sync,
    ) -> Result<T, Error> {
        let mut answer = None;
        let visit = &mut |row: &dyn Row| {
            answer = Some(read(row)?);
            Ok(())
        };
        self.rows(statement, visit).await?;
        answer.ok_or_else(|| Error::internal(NoAnswer))
    }

    /// The ids in the one column of a statement's rows.
    pub(crate) async fn ids(
        &mut self,
        template: &Template,
        bindings: Bindings<'_>,
        collection: CollectionId,
    ) -> Result<Vec<RecordId>, Error> {
        const ID: usize = 0;
        let statement = self.statement(template, &bindings, collection);
        let mut ids = Vec::new();
        let visit = &mut |row: &dyn Row| {
            match row.value(ID)? {
                ValueRef::Id(id) => ids.push(id.into()),
                _ => return Err(DecodeError { column: ID, expected: "an id" }.into()),
            }
            Ok(())
        };
        self.rows(&statement, visit).await?;
        Ok(ids)
    }

    /// The statement with its values, about a record of this collection.
    pub(crate) fn statement(
        &mut self,
        template: &Template,
        bindings: &Bindings<'_>,
        collection: CollectionId,
    ) -> Statement {
        if let Some(recorder) = &mut self.recorder {
            recorder.statement(template, bindings, (&self.engine.application.model, collection));
        }
        bindings.statement(template)
    }

    /// A statement that keeps whole records, with its values: an explanation doesn't tell these.
    pub(crate) fn whole_statement(
        &mut self,
        template: &Template,
        bindings: &Bindings<'_>,
        collection: CollectionId,
    ) -> Statement {
        if let Some(recorder) = &mut self.recorder {
            recorder.whole_statement(template, bindings, (&self.engine.application.model, collection));
        }
        bindings.statement(template)
    }

    /// The statement of a read with its values.
    pub(crate) fn asked(&mut self, question: &Question<'_>) -> Statement {
        match &mut self.recorder {
            Some(recorder) => recorder.question(&self.engine.application.model, question),
            None => question.bindings.statement(question.template),
        }
    }

    /// Keeps the last version of a record that is going to be deleted.
    pub(crate) fn bury(&mut self, collection: CollectionId, record: &Record) {
        let key = self.engine.store.dependency_keys().record(collection, &record.id().into());
        self.given_ids.forget(key);
        self.tx.bury(key, record.version());
    }

    pub(crate) fn refused(&self, error: StoreError) -> Error {
        self.engine.refused(error)
    }

    /// Where the transaction is now. A record that is refused has left nothing behind if it is still there afterwards, so that
    /// the transaction can go on with others; if it isn't, it can't.
    pub fn mark(&self) -> Mark {
        Mark(self.tx.writes())
    }

    /// Counts rows that are going to be written for the caller.
    pub(crate) fn count_rows(&mut self, rows: usize) -> Result<(), Error> {
        self.rows_written += rows;
        require_few_rows(self.rows_written)
    }

    /// Refuses a transaction that stores more than one may, with the versions that histories keep because of it.
    pub(crate) fn require_few_bytes(&self) -> Result<(), Error> {
        const MAX: usize = limits::WRITE_BYTES;
        match self.tx.written_bytes() > MAX && !self.class.system {
            true => Err(Limit::Size { what: "what the change stores", max: MAX as u64, unit: "bytes" }.into()),
            false => Ok(()),
        }
    }

    /// Runs the staged writes.
    pub async fn settle(&mut self) -> Result<(), Error> {
        let settled = self.tx.settle().await;
        settled.map_err(|error| match error {
            StoreError::TooLarge => self.engine.unwritten(error),
            other => self.failed(other),
        })
    }

    pub(crate) fn failed(&mut self, error: StoreError) -> Error {
        if matches!(error, StoreError::ForeignKey | StoreError::Unique { .. } | StoreError::UniqueIndex { .. }) {
            self.violation.get_or_insert_with(|| error.clone());
        }
        self.engine.refused(error)
    }
}

/// Refuses to create or change this many records and links if one request may not.
pub(crate) fn require_few_rows(rows: usize) -> Result<(), Error> {
    const MAX: usize = limits::WRITE_ROWS;
    match rows > MAX {
        true => Err(Limit::Size { what: "the change", max: MAX as u64, unit: "records and links" }.into()),
        false => Ok(()),
    }
}
