use std::fmt;
use std::sync::{Arc, OnceLock};

use backstay_base::{
    Action, Ambient, Caller, Error, IdSource, KeyForm, Memory, RecordId, RequestId, Timestamp, limits,
};
use backstay_live::Seen;
use backstay_model::{Collection, CollectionId, FieldId, FieldKind, Model, Returned};
use backstay_scalar::{Value, ValueRef};
use backstay_sql::{DecodeError, IdOrder, Perspective, Planner, Row, Template};
use backstay_store::{Freshness, OpenError, OpenOptions, Opened, Outcome, Step, Store, StoreError, Stored};
use futures_util::future::Either;
use futures_util::lock::Mutex;

use crate::before::Hooks;
use crate::before::runner::KeptRunner;
use crate::bind::Bindings;
use crate::call_rates::CallRates;
use crate::in_flight::InFlight;
use crate::inner::{self, Inner};
use crate::observer::{self, ChangeWatch, Dependency, Published, Publisher};
use crate::sink::Collect;
use crate::templates::{LinkStatement, Templates};
use crate::{
    Act, Answer, Application, Arrival, Asked, Commits, Context, Encoder, ExplainedCaller, Explanation, Inspector,
    Notation, Procedure, Procedures, Record, Refused, Request, Requests, Singles, Sizes, Trace, Transaction, act,
    answering, each, explain, prepared, transaction, write_requests,
};

/// A running application. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    pub(crate) inner: Arc<Inner>,
    /// What carries out the actions of the model.
    procedures: Arc<OnceLock<Arc<dyn Procedures>>>,
    inspector: Arc<OnceLock<Inspector>>,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("model", &self.model().name).finish_non_exhaustive()
    }
}

impl Engine {
    /// Opens the application's database, creating or migrating it as the options say. Blocks.
    pub fn open(
        application: Application,
        options: &OpenOptions,
        ambient: Ambient,
    ) -> Result<(Self, Outcome), OpenError> {
        let published = Published::default();
        let publisher = Arc::new(Publisher::new(published.clone()));
        let model = Arc::clone(&application.model);
        let Opened { store, outcome } = Store::open(options, &model, ambient.clone(), publisher)?;
        let ids = store.last_moment().map_or_else(IdSource::default, IdSource::after);
        let inner = Inner {
            planner: Planner::new(Arc::clone(&model), store.dialect()),
            templates: Templates::new(&model),
            application,
            store,
            ambient,
            in_flight: InFlight::default(),
            call_rates: CallRates::default(),
            queue: OnceLock::new(),
            hook_runner: OnceLock::new(),
            refreshing: Mutex::default(),
            ids,
            published,
            singles: OnceLock::new(),
        };
        let engine = Self { inner: Arc::new(inner), procedures: Arc::default(), inspector: Arc::default() };
        match engine.open_singles() {
            Ok(singles) => {
                engine.inner.singles.get_or_init(|| singles);
                Ok((engine, outcome))
            }
            Err(error) => {
                engine.close();
                Err(error)
            }
        }
    }

    /// Sets the inspector. Later calls have no effect.
    pub fn set_inspector(&self, inspector: Inspector) {
        let _ = self.inspector.set(inspector);
    }

    /// The inspector.
    pub fn inspector(&self) -> &Inspector {
        self.inspector.get_or_init(Inspector::default)
    }

    /// The steps that opening with this application would take; none for an unchanged model.
    pub fn plan_migration(
        application: &Application,
        options: &OpenOptions,
        ambient: &Ambient,
    ) -> Result<Vec<Step>, OpenError> {
        Store::plan_migration(options, &application.model, ambient)
    }

    /// Whether there is a database at the location of these options already.
    pub fn database_exists(options: &OpenOptions) -> Result<bool, OpenError> {
        Store::exists(&options.location)
    }

    /// What the database at the location of these options holds, whatever model it was opened with; `None` if there is
    /// none or it is empty.
    pub fn stored(options: &OpenOptions) -> Result<Option<Stored>, OpenError> {
        Store::stored(&options.location)
    }

    /// Deletes the database at the location of these options. Refuses one that another process uses, or that is not
    /// Backstay's.
    pub fn delete_database(options: &OpenOptions) -> Result<(), OpenError> {
        Store::delete(&options.location)
    }

    /// Refuses a caller to whom no rule could allow this action on any record of the collection. Requests are refused in
    /// the same way when they are answered; a door asks before it reads what was sent.
    pub fn admit(&self, cx: &Context, collection: CollectionId, action: Action) -> Result<(), Error> {
        write_requests::admitted(&self.inner, cx, collection, action).map(drop)
    }

    /// The same of several collections, if the caller may do it in none of them.
    pub fn admit_some(&self, cx: &Context, collections: &[CollectionId], action: Action) -> Result<(), Error> {
        let mut refused = Ok(());
        for collection in collections {
            match (self.admit(cx, *collection, action), &refused) {
                (Ok(()), _) => return Ok(()),
                (Err(error), Ok(())) => refused = Err(error),
                (Err(_), Err(_)) => {}
            }
        }
        refused
    }

    /// Does work that can keep a processor busy, such as reading a long filter, in turn with the long reads of this caller
    /// and of others.
    pub async fn take_turn<T: Send + 'static>(
        &self,
        cx: &Context,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        self.inner.take_turn(cx.demand(), work).await
    }

    /// Answers a request, in the notation of this encoder: a read in one statement (a list that counts in two), a write in
    /// one commit, when that is durable. A record that the caller may not read does not exist for the caller.
    pub fn answer(
        &self,
        cx: &Context,
        request: Request,
        encoder: &'static dyn Encoder,
    ) -> impl Future<Output = Result<Answer, Error>> + Send {
        if !cx.trace().is_on() {
            return Either::Left(answering::answer(&self.inner, cx, request, encoder));
        }
        Either::Right(Box::pin(async move {
            explain::note(&self.inner, cx, &request).await;
            answering::answer(&self.inner, cx, request, encoder).await
        }))
    }

    /// Answers several requests on one snapshot, and in one commit if any of them writes: all of them or none. Each sees
    /// what those before it did. Under a key that was used before, what they wrote is answered again, and none of what
    /// they read: a `None`.
    pub async fn answer_all(
        &self,
        cx: &Context,
        requests: Requests,
        encoder: &'static dyn Encoder,
    ) -> Result<Vec<Option<Answer>>, Refused> {
        self.note_all(cx, &requests).await;
        prepared::answer_all(&self.inner, cx, requests, encoder).await
    }

    /// Answers several requests one after the other, each by itself and in a commit of its own if it writes: what one of
    /// them is refused for is its answer. Under a key that was used before, what was written is answered again, and what
    /// wasn't is done now.
    pub async fn answer_each(
        &self,
        cx: &Context,
        requests: Requests,
        encoder: &'static dyn Encoder,
    ) -> Result<Vec<Result<Answer, Refused>>, Error> {
        self.note_all(cx, &requests).await;
        each::answer_each(&self.inner, cx, requests, encoder).await
    }

    /// Notes in the trace of a request what several requests within it ask.
    async fn note_all(&self, cx: &Context, requests: &Requests) {
        if cx.trace().is_on() {
            for asked in &requests.list {
                Box::pin(explain::note(&self.inner, cx, asked.known())).await;
            }
        }
    }

    /// Explains a request of the context's caller: the rules that were asked with what they saw, the statements, and the
    /// time of each stage, up to the verdict. Nothing is stored by it.
    pub async fn explain(
        &self,
        cx: &Context,
        request: Request,
        encoder: &'static dyn Encoder,
    ) -> Result<Explanation, Error> {
        explain::explain(&self.inner, cx, request, encoder).await
    }

    /// Explains requests of the context's caller that are answered together, in their order. If they are refused, the
    /// explanation doesn't say so yet: the door that has read them knows how the place of the refusal is written.
    pub async fn explain_all(
        &self,
        cx: &Context,
        requests: Vec<Asked>,
        encoder: &'static dyn Encoder,
    ) -> Result<(Explanation, Option<Refused>), Error> {
        explain::explain_all(&self.inner, cx, requests, encoder).await
    }

    /// Explains requests of the context's caller that are answered each by itself, in their order, and tells which of them are
    /// refused. Of these, the explanation doesn't say so yet.
    ///
    /// # Errors
    /// There are too many requests, or none of them can be explained.
    pub async fn explain_each(
        &self,
        cx: &Context,
        requests: Vec<Asked>,
        encoder: &'static dyn Encoder,
    ) -> Result<(Explanation, Vec<Option<Refused>>), Error> {
        explain::explain_each(&self.inner, cx, requests, encoder).await
    }

    /// Runs a transaction in one commit, and answers when it is durable.
    pub async fn run<T: Transaction>(&self, cx: &Context, transaction: T) -> Result<T::Answer, Error> {
        transaction::run(&self.inner, cx, transaction).await
    }

    /// The application's model.
    pub fn model(&self) -> &Arc<Model> {
        &self.inner.application.model
    }

    /// The records of `@single` types.
    ///
    /// # Panics
    /// Panics while the engine opens.
    pub fn singles(&self) -> &Singles {
        self.inner.singles.get().expect("an engine that is open has the records of all such types")
    }

    /// How large values are whose fields say nothing of it.
    pub fn sizes(&self) -> Sizes {
        self.inner.application.sizes
    }

    /// Sets what carries out the actions of the model. Later calls have no effect.
    pub fn set_procedures(&self, procedures: Arc<dyn Procedures>) {
        let _ = self.procedures.set(procedures);
    }

    /// Sets what carries out the hooks before changes, and in which notation they write requests. Later calls have no effect.
    pub fn set_hooks(&self, procedures: Arc<dyn Procedures>, notation: Arc<dyn Notation>) {
        let runner = KeptRunner(Arc::new(Hooks { procedures, notation }));
        let _ = self.inner.hook_runner.set(Arc::new(runner));
    }

    /// Has an action carried out, if the caller may call it.
    ///
    /// # Errors
    /// Why it was refused or has failed. What it has committed by then remains.
    pub async fn act(&self, cx: &Context, act: Act) -> Result<Returned, Error> {
        let procedure = self.procedure(&self.model().actions[act.action]);
        act::act(&self.inner, cx, act, procedure).await
    }

    /// Has an action carried out as a job, whoever may call it.
    ///
    /// # Errors
    /// Why it was refused or has failed. What it has committed by then remains.
    pub async fn work(&self, cx: &Context, act: Act) -> Result<Returned, Error> {
        let procedure = self.procedure(&self.model().actions[act.action]);
        act::carry_out(&self.inner, cx, act, procedure).await
    }

    fn procedure(&self, action: &backstay_model::Action) -> Option<Arc<dyn Procedure>> {
        self.procedures.get()?.procedure(&action.function)
    }

    /// Time and randomness.
    pub fn ambient(&self) -> &Ambient {
        &self.inner.ambient
    }

    /// Whether a collection is there for this caller: Backstay's own are for operators alone.
    pub fn exists_for(&self, caller: &Caller, collection: &Collection) -> bool {
        inner::exists_for(caller, collection)
    }

    /// Whether the caller can see a field in any record at all.
    pub fn may_see(&self, cx: &Context, collection: CollectionId, field: FieldId) -> bool {
        cx.class.rights.may_see(collection, field)
    }

    /// A new id.
    pub fn next_id(&self) -> RecordId {
        self.inner.next_id()
    }

    /// The fields of the type marked `@identity` that rules ask of the caller's own record, in order: `Caller::account` must
    /// have them.
    pub fn account_fields(&self) -> &[FieldId] {
        &self.inner.application.policy.account
    }

    /// Whether the model asks for the link that a caller shows: `Caller::link` makes no difference elsewhere.
    pub fn asks_link(&self) -> bool {
        self.inner.application.policy.asks_link
    }

    /// The counts of these dependencies, to be taken before what is to be remembered is read.
    pub fn observe(&self, dependencies: &[Dependency]) -> Seen {
        let keys = self.inner.store.dependency_keys();
        self.inner.published.clock.observe(dependencies.iter().map(|dependency| observer::key(dependency, keys)))
    }

    /// Whether nothing that was read after `observe` has changed since, as far as this process knows.
    pub fn unchanged(&self, seen: &Seen) -> bool {
        self.inner.published.clock.unchanged(seen)
    }

    /// What to wait for before it is worth reading again what depends on this; to be taken before that is read.
    pub fn watch(&self, dependencies: &[Dependency]) -> ChangeWatch {
        ChangeWatch::new(self.inner.published.clone(), self.observe(dependencies))
    }

    /// Whether what was read after `observe` still holds, and can be used without reading it again: nothing of it has changed,
    /// and what other processes change would be known, but for the last moments.
    pub fn still_holds(&self, seen: &Seen) -> bool {
        self.unchanged(seen) && self.inner.store.is_current()
    }

    /// Whether it has to be closed and opened anew, because another process wants to change the model, or has done so.
    pub fn must_yield(&self) -> bool {
        self.inner.store.must_yield()
    }

    /// Whether this process does what is due without anybody asking for it: of those that share a database, one does.
    pub fn is_keeper(&self) -> bool {
        self.inner.store.is_keeper()
    }

    /// Whether the store answers.
    pub async fn health(&self) -> Result<(), Error> {
        if self.inner.store.has_failed() {
            return Err(self.inner.refused(StoreError::Closed));
        }
        // Any statement does.
        let any = self.model().collections.iter().find(|collection| collection.key.form() == KeyForm::Uuid);
        match any.map(|collection| collection.id) {
            Some(collection) => self.peek(collection, RecordId::from_bytes([0; 16])).await.map(|_| ()),
            None => Ok(()),
        }
    }

    /// Ends what is under way and closes the database.
    pub fn close(&self) {
        self.inner.store.clone().close();
    }

    /// The record with this id, whatever the caller may see; for Backstay's own use outside a transaction.
    pub async fn peek(&self, collection: CollectionId, id: RecordId) -> Result<Option<Record>, Error> {
        let plan = Arc::clone(self.inner.templates.whole(&self.inner.planner, collection));
        let cx = Context::system(self);
        let statement = Bindings::new(cx.caller(), cx.now).id(id).statement(&plan.template);
        let sink = Collect::new(move |row: &dyn Row| plan.layout.read(row).and_then(Record::new));
        let (mut sink, read) = self.inner.read(cx.demand(), &statement, sink).await;
        read.map(|_| sink.found.pop())
    }

    /// The record whose fields have these values, whatever the caller may see. Name the fields of a unique index: if several records
    /// match, any one of them is returned.
    pub async fn peek_by(&self, collection: CollectionId, by: &[(FieldId, Value)]) -> Result<Option<Record>, Error> {
        let (template, proposed) = self.inner.lookup((collection, Perspective::Live), by);
        let cx = Context::system(self);
        let bindings = Bindings { proposed: &proposed, ..Bindings::new(cx.caller(), cx.now) };
        match self.ids(&cx, (&template, 0), bindings).await?.first() {
            Some(id) => self.peek(collection, *id).await,
            None => Ok(None),
        }
    }

    /// The records whose to-one relation leads to this record, whatever the caller may see; at most `limit`.
    pub async fn peek_all(
        &self,
        collection: CollectionId,
        field: FieldId,
        to: RecordId,
        limit: u32,
    ) -> Result<Vec<Record>, Error> {
        let by = crate::reference::Reference::Field(self.model().field(collection, field));
        let among = (Perspective::Live, IdOrder::Ascending);
        let template = self.inner.templates.referencing(&self.inner.planner, (collection, by), among);
        let cx = Context::system(self);
        let bindings = Bindings { limit: u64::from(limit), ..Bindings::new(cx.caller(), cx.now).id(to) };
        let mut records = Vec::new();
        for id in self.ids(&cx, (&template, 0), bindings).await? {
            records.extend(self.peek(collection, id).await?);
        }
        Ok(records)
    }

    /// The ids of the records whose field holds a moment that is now or past, whatever the caller may see: the earliest first,
    /// at most `limit`.
    pub async fn peek_past(
        &self,
        collection: CollectionId,
        field: FieldId,
        limit: u32,
    ) -> Result<Vec<RecordId>, Error> {
        self.peek_until(self.ambient().clock.now(), (collection, field), limit).await
    }

    /// The id of the record whose field holds the earliest moment, whatever the caller may see; `None` if none holds one.
    pub async fn peek_earliest(&self, collection: CollectionId, field: FieldId) -> Result<Option<RecordId>, Error> {
        Ok(self.peek_until(Timestamp::LATEST, (collection, field), 1).await?.first().copied())
    }

    async fn peek_until(
        &self,
        until: Timestamp,
        (collection, field): (CollectionId, FieldId),
        limit: u32,
    ) -> Result<Vec<RecordId>, Error> {
        let template = self.inner.templates.past(&self.inner.planner, (collection, field));
        let cx = Context::system(self);
        let bindings = Bindings { limit: u64::from(limit), ..Bindings::new(cx.caller(), until) };
        self.ids(&cx, (&template, 0), bindings).await
    }

    /// The records whose field has this value, whatever the caller may see, in the order in which they were made: those after `after`, at
    /// most `limit`. The field should be the first of an index whose second is `createdAt`.
    pub async fn peek_having(
        &self,
        collection: CollectionId,
        (field, value): (FieldId, Value),
        after: Option<&Record>,
        limit: u32,
    ) -> Result<Vec<Record>, Error> {
        let template = self.inner.templates.having(&self.inner.planner, (collection, field), after.is_some());
        let cx = Context::system(self);
        let mut proposed = vec![Value::Null; self.model().collection(collection).fields.len()];
        proposed[usize::from(field.0)] = value;
        let stored = after.map_or(&[][..], Record::values);
        let of_clock = Bindings::new(cx.caller(), cx.now);
        let bindings = Bindings { limit: u64::from(limit), proposed: &proposed, stored, ..of_clock };
        let mut records = Vec::new();
        for id in self.ids(&cx, (&template, 0), bindings).await? {
            records.extend(self.peek(collection, id).await?);
        }
        Ok(records)
    }

    /// Records in the order of their ids, whatever the caller may see: those after `after`, at most `limit`.
    pub async fn peek_page(
        &self,
        collection: CollectionId,
        after: Option<RecordId>,
        limit: u32,
    ) -> Result<Vec<Record>, Error> {
        let plan = self.inner.templates.ids(&self.inner.planner, collection, after.is_some());
        let cx = Context::system(self);
        let cursor: Vec<Value> = after.into_iter().map(Value::Id).collect();
        let bindings = Bindings { limit: u64::from(limit), cursor: &cursor, ..Bindings::new(cx.caller(), cx.now) };
        let column = *plan.cursor.last().expect("the id is the last key of every order");
        let mut records = Vec::new();
        for id in self.ids(&cx, (&plan.template, column), bindings).await? {
            records.extend(self.peek(collection, id).await?);
        }
        Ok(records)
    }

    /// The records that a record is linked to by a many-to-many relation, whatever the caller may see, in the order of their
    /// ids or, if they have one, in their own. At most `limits::LINKS_READ`.
    pub async fn peek_links(&self, of: &Collection, field: FieldId, id: RecordId) -> Result<Vec<RecordId>, Error> {
        let FieldKind::ManyToMany { link, .. } = &of.field(field).kind else { return Ok(Vec::new()) };
        let template = self.inner.templates.link(&self.inner.planner, link, LinkStatement::Targets);
        let cx = Context::system(self);
        let bindings = Bindings { limit: limits::LINKS_READ, ..Bindings::new(cx.caller(), cx.now).id(id) };
        self.ids(&cx, (&template, 0), bindings).await
    }

    pub(crate) async fn ids(
        &self,
        cx: &Context,
        (template, column): (&Template, usize),
        bindings: Bindings<'_>,
    ) -> Result<Vec<RecordId>, Error> {
        let statement = bindings.statement(template);
        let sink = Collect::new(move |row: &dyn Row| match row.value(column)? {
            ValueRef::Id(id) => Ok(id.into()),
            _ => Err(DecodeError { column, expected: "an id" }),
        });
        let (sink, read) = self.inner.read(cx.demand(), &statement, sink).await;
        read.map(|_| sink.found)
    }
}

impl Context {
    /// A request that begins now.
    pub fn new(engine: &Engine, caller: Arc<Caller>) -> Self {
        let (request, now) = (RequestId(engine.next_id()), engine.ambient().clock.now());
        let (memory, commits, freshness) = (Memory::uncounted(), Commits::UNNOTED, Freshness::Latest);
        let trace = Trace::OFF;
        let arrival = Arrival { request, now, client: None, deadline: None, memory, commits, freshness, trace };
        Self::begun(engine, caller, arrival)
    }

    /// A request that has come before.
    pub fn begun(engine: &Engine, caller: Arc<Caller>, arrival: Arrival) -> Self {
        let class = engine.inner.application.class(&caller);
        arrival.trace.caller(|| ExplainedCaller::of(&caller));
        Self::with(caller, class, arrival)
    }

    /// Something that Backstay itself does now.
    pub fn system(engine: &Engine) -> Self {
        Self::new(engine, Arc::new(Caller::system()))
    }

    /// The same request in the name of another caller.
    #[must_use]
    pub fn of(&self, engine: &Engine, caller: Arc<Caller>) -> Self {
        Self::begun(engine, caller, self.arrival()).of_job(self.hook_depth)
    }
}
