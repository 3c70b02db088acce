use std::collections::HashSet;
use std::sync::Arc;

use backstay_base::{Action, Conflict, Error, Limit, Related, limits};
use backstay_model::FieldId;
use backstay_sql::condition_fields;
use backstay_store::{CommitId, Demand, Origin, StoreError, Tx, Work, Writes};
use futures_util::future::BoxFuture;
use parking_lot::Mutex;

use crate::application::CallerClass;
use crate::before::runner::{HookFailure, contended};
use crate::before::session::{Ended, Session, Unanswered, Unasked};
use crate::context::{HookSession, MadeSlug, Reread, Retry};
use crate::given_ids::GivenIds;
use crate::inner::Inner;
use crate::made::Numbers;
use crate::pending_checks::{Part, PendingChecks};
use crate::pending_sums::PendingSums;
use crate::taken_along::TakenAlong;
use crate::traced::Stages;
use crate::{Context, TxContext, at_commit, hook_jobs, numbers, summing};

/// One thing asked of the engine, as a value that can be run again: its group's transaction may have ended early, or
/// the database may have found another transaction in its way. What an earlier run did is undone by then.
pub trait Transaction: Send + Sync + 'static {
    /// What it answers.
    type Answer: Send + 'static;

    /// Its name in the commit log, such as `sign-up`.
    fn name(&self) -> &str;

    /// How much it may write.
    fn writes(&self) -> Writes {
        Writes::Many
    }

    /// Whether it is one of several parts of what belongs together: checks at commit are not asked of what it writes. Only
    /// Backstay itself has such transactions, and asks `Engine::broken_checks` after the last of them.
    fn defers_checks(&self) -> bool {
        false
    }

    /// Whether the hooks of the model are asked before its changes: not where Backstay brings records as they are in another
    /// database, or opens the application.
    fn asks_hooks(&self) -> bool {
        true
    }

    /// Whether it looks up what the database would refuse (values of unique keys, references) before it writes a record, so that it
    /// can go on with others: see `TxContext::mark`. Something that can't be looked up still ends it.
    fn looks_first(&self) -> bool {
        false
    }

    /// The steps of an embedded database that it may take, in thousands.
    fn kilo_steps(&self) -> u32 {
        limits::TRANSACTION_KILO_STEPS
    }

    /// A hook before changes of this one of its requests has failed, and it with that; `None` if they are of several requests, or if
    /// it has none.
    fn hook_failed(&self, _request: Option<usize>) {}

    /// The numbers that it draws, if it is one of several transactions that must draw the same ones.
    fn numbers(&self) -> Option<Arc<Numbers>> {
        None
    }

    /// Does it. Only methods of the context may be awaited.
    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<Self::Answer, Error>>;
}

/// Runs a transaction in one commit, and answers when it is durable.
pub(crate) async fn run<T: Transaction>(inner: &Arc<Inner>, cx: &Context, transaction: T) -> Result<T::Answer, Error> {
    run_shared(inner, cx, Arc::new(transaction)).await
}

/// The same of one that can be run again as a whole.
pub(crate) async fn run_shared<T: Transaction>(
    inner: &Arc<Inner>,
    cx: &Context,
    transaction: Arc<T>,
) -> Result<T::Answer, Error> {
    match inner.application.policy.hooks.has_before() && transaction.asks_hooks() {
        true => Box::pin(run_with_hooks(inner, cx, &transaction)).await,
        false => run_once((inner, cx), &transaction, (None, transaction.numbers())).await,
    }
}

/// Runs a transaction until it has met no hook whose outcome it doesn't know. Each hook runs between two of its runs.
async fn run_with_hooks<T: Transaction>(
    inner: &Arc<Inner>,
    cx: &Context,
    transaction: &Arc<T>,
) -> Result<T::Answer, Error> {
    let session = Arc::new(Session::new(&cx.memory));
    let numbers = transaction.numbers().unwrap_or_default();
    let mut stalled = 0;
    loop {
        let outcome = run_once((inner, cx), transaction, (Some(&session), Some(Arc::clone(&numbers)))).await;
        let Some(Ended { unanswered, has_progressed }) = session.end() else { return outcome };
        stalled += u32::from(!has_progressed);
        let ran = match stalled < limits::HOOK_RUNS {
            true => run_hooks((inner, cx), (&session, &numbers), unanswered).await,
            false => Err(contended(&unanswered, inner)),
        };
        ran.map_err(|HookFailure { request, error }| {
            transaction.hook_failed(request);
            error
        })?;
        session.forget_unanswered();
    }
}

/// Runs the hooks for which a transaction waits, unless the numbers that they would be asked about are other ones from now on.
async fn run_hooks(
    (inner, cx): (&Arc<Inner>, &Context),
    (session, numbers): (&HookSession, &Numbers),
    unanswered: Vec<Unanswered<dyn Reread>>,
) -> Result<(), HookFailure> {
    match numbers::keep_lost(inner, cx, numbers).await? {
        true => inner.hook_runner()?.run((inner, cx), session, unanswered).await,
        false => Ok(()),
    }
}

/// Runs a transaction in one commit, unless it meets a hook that has to run first.
async fn run_once<T: Transaction>(
    (inner, cx): (&Arc<Inner>, &Context),
    transaction: &Arc<T>,
    (before, numbers): (Option<&Arc<HookSession>>, Option<Arc<Numbers>>),
) -> Result<T::Answer, Error> {
    let application = &inner.application;
    let told_along: Arc<Mutex<TakenAlong>> = Arc::default();
    let running = |retry: Retry, slug_run: u32| {
        Arc::new(Running {
            engine: Arc::clone(inner),
            cx: cx.clone(),
            class: Arc::clone(&cx.class),
            system: application.system_class(),
            transaction: Arc::clone(transaction),
            before: before.cloned(),
            numbers: numbers.clone(),
            retry,
            slug_run,
            made_slugs: Mutex::default(),
            told_along: Arc::clone(&told_along),
            stages: Stages::queued(cx.trace()),
        })
    };
    let first = if transaction.looks_first() { Retry::LookFirst } else { Retry::None };
    let mut last = running(first, 0);
    let mut outcome = last.written().await;
    // Others have taken a slug that was free: the next run sees theirs. If it makes the same one again, they are not the
    // reason.
    while last.slug_run + 1 < limits::SLUG_RUNS && last.lost_slug(&outcome) {
        let next = running(first, last.slug_run + 1);
        outcome = next.written().await;
        if *next.made_slugs.lock() == *last.made_slugs.lock() {
            break;
        }
        last = next;
    }
    let outcome = match outcome {
        // The database doesn't say which reference leads nowhere, nor of several new records which has a value that
        // is taken, and names any of several values that are: a second run looks.
        Err(Failure::Store(StoreError::ForeignKey)) if first == Retry::None => {
            running(Retry::VerifyReferences, 0).written().await
        }
        Err(Failure::Store(error @ (StoreError::Unique { .. } | StoreError::UniqueIndex { .. })))
            if first == Retry::None && (transaction.writes().is_undone_apart() || inner.has_several_keys(&error)) =>
        {
            running(Retry::SettleEach, last.slug_run).written().await
        }
        // It is not due to a read: the last statements are those that write.
        Err(Failure::Store(StoreError::StepLimit)) if transaction.writes() != Writes::None => {
            Err(Failure::Refused(Limit::WriteCost.into()))
        }
        outcome => outcome,
    };
    outcome.map_err(|failure| {
        let error = inner.veiled(inner.failed(failure), cx);
        told_along.lock().explained(&inner.application.model, error)
    })
}

/// Why a transaction failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The transaction refused the request.
    Refused(Error),
    /// The store failed it, perhaps after its last statement.
    Store(StoreError),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Inner {
    /// The error without what the caller may not know: that another record has this very value is said only of fields
    /// that the caller sees in every record, and so are those that the condition of a unique index names.
    pub(crate) fn veiled(&self, error: Error, cx: &Context) -> Error {
        match error {
            Error::Conflict(conflict) => self.veiled_conflict(conflict, cx).into(),
            error => error,
        }
    }

    fn veiled_conflict(&self, conflict: Conflict, cx: &Context) -> Conflict {
        let (name, fields, record) = match conflict {
            Conflict::Unique { collection, fields, record } => (collection, fields, record),
            Conflict::Related { of: Some(related) } => {
                let conflict = self.veiled_conflict(related.conflict, cx);
                return Conflict::Related { of: Some(Box::new(Related { conflict, ..*related })) };
            }
            conflict => return conflict,
        };
        let class = &cx.class;
        let model = &self.application.model;
        let seen = model.collection_named(&name).is_some_and(|collection| {
            let is_seen = |field: FieldId| class.rights.field(collection.id, field, Action::Read).allows();
            let named = fields.iter().map(|name| collection.field_named(name).map(|field| field.id));
            let Some(named) = named.collect::<Option<Vec<FieldId>>>() else { return false };
            let refused_by = collection.indexes.iter().filter(|index| index.unique && index.fields == named);
            let conditions = refused_by.flat_map(|index| condition_fields(model, collection, index));
            named.iter().copied().chain(conditions).all(is_seen)
        });
        match seen || class.system {
            true => Conflict::Unique { collection: name, fields, record },
            false => Conflict::UniqueUnseen { collection: name },
        }
    }

    pub(crate) fn failed(&self, failure: Failure) -> Error {
        match failure {
            Failure::Refused(error) => error,
            Failure::Store(error) => self.unwritten(error),
        }
    }
}

struct Running<T> {
    engine: Arc<Inner>,
    cx: Context,
    class: Arc<CallerClass>,
    system: Arc<CallerClass>,
    transaction: Arc<T>,
    /// The hooks that run before its changes.
    before: Option<Arc<HookSession>>,
    /// Those that it draws again in each run.
    numbers: Option<Arc<Numbers>>,
    retry: Retry,
    /// How often it has run before because others took its slugs.
    slug_run: u32,
    made_slugs: Mutex<Vec<MadeSlug>>,
    /// What the deletions of the last run take along.
    told_along: Arc<Mutex<TakenAlong>>,
    /// When its parts begin and end.
    stages: Stages,
}

impl<T: Transaction> Running<T> {
    /// Whether the outcomes of hooks depend on what they have read.
    fn has_read(&self) -> bool {
        self.before.as_ref().is_some_and(|session| session.has_read())
    }

    /// Runs it until what it has done is durable.
    async fn written(self: &Arc<Self>) -> Result<T::Answer, Failure> {
        let outcome = self.engine.store.write(Arc::clone(self)).await;
        self.stages.committed(self.cx.trace());
        outcome
    }

    /// Runs it, once the store lets it.
    async fn answer(&self, cx: &mut TxContext<'_, '_>) -> Result<T::Answer, Error> {
        let began = self.stages.begin(cx);
        let mut answer = match self.transaction.run(cx).await {
            Ok(answer) => self.complete(cx).await.map(|()| summing::queue(cx)).map(|()| answer),
            Err(refusal) => Err(refusal),
        };
        if began.is_some() {
            // Writes are run now, so that their statements are noted.
            if answer.is_ok()
                && let Err(error) = cx.settle().await
            {
                answer = Err(error);
            }
            self.stages.end(cx, (self.transaction.name(), answer.is_ok()), began);
        }
        answer
    }

    /// Lets follow what follows from all that it has written, and asks what is asked at commit.
    async fn complete(&self, cx: &mut TxContext<'_, '_>) -> Result<(), Error> {
        // Each of its writes has let sums follow already, if it is one of `TxContext`'s.
        summing::follow(cx).await?;
        if self.transaction.defers_checks() && cx.class.system {
            return Ok(());
        }
        at_commit::ask(cx).await.map_err(|unmet| unmet.error)?;
        hook_jobs::queue(cx).await
    }

    /// Whether another record has a slug that was made because none had it.
    fn lost_slug(&self, outcome: &Result<T::Answer, Failure>) -> bool {
        let Err(Failure::Store(StoreError::Unique { table, columns })) = outcome else { return false };
        let model = &self.engine.application.model;
        let is_lost = |made: &MadeSlug| {
            let (of, field) = (model.collection(made.collection), model.field(made.collection, made.field));
            of.table == *table && field.columns.iter().any(|column| columns.contains(&column.name))
        };
        self.made_slugs.lock().iter().any(is_lost)
    }
}

impl<T: Transaction> Work for Running<T> {
    type Output = T::Answer;
    type Error = Failure;

    fn writes(&self) -> Writes {
        match self.transaction.writes() {
            // What hooks have read is read again, and is the same until the commit.
            Writes::One | Writes::Many if self.has_read() => Writes::Serializable,
            writes => writes,
        }
    }

    fn kilo_steps(&self) -> u32 {
        let usual = self.transaction.kilo_steps();
        if self.has_read() { usual.min(limits::MIXED_KILO_STEPS) } else { usual }
    }

    fn demand(&self) -> Demand {
        self.cx.demand()
    }

    fn origin(&self) -> Origin {
        Origin {
            kind: self.cx.caller().kind,
            id: self.cx.caller().actor(),
            request: Some(self.cx.request),
            transaction: self.transaction.name().to_owned().into(),
        }
    }

    fn logged(&self, commit: CommitId) {
        self.cx.commits.note(commit);
        self.cx.trace().commit(self.transaction.name(), &commit);
    }

    fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> BoxFuture<'a, Result<T::Answer, Failure>> {
        Box::pin(async move {
            // Rules compare `now` with the moments that records bear, those that it writes included.
            let of_transaction = self.cx.at(tx.moment());
            if let Some(session) = &self.before {
                session.begin();
            }
            if let Some(numbers) = &self.numbers {
                numbers.begin();
            }
            let mut cx = TxContext {
                engine: &self.engine,
                cx: &of_transaction,
                class: Arc::clone(&self.class),
                system: Arc::clone(&self.system),
                tx,
                retry: self.retry,
                violation: None,
                rows_written: 0,
                taken_along: 0,
                told_along: TakenAlong::default(),
                made_slugs: Vec::new(),
                given_ids: GivenIds::default(),
                numbers: self.numbers.clone(),
                slug_run: self.slug_run,
                sums: PendingSums::default(),
                checks: PendingChecks::default(),
                hooks: Vec::new(),
                held: HashSet::new(),
                part: Part::default(),
                given_now: self.before.as_ref().and_then(|session| session.now()),
                before: self.before.clone(),
                recorder: None,
            };
            let answer = self.answer(&mut cx).await;
            *self.made_slugs.lock() = std::mem::take(&mut cx.made_slugs);
            *self.told_along.lock() = std::mem::take(&mut cx.told_along);
            if self.before.as_ref().is_some_and(|session| session.is_open()) {
                return Err(Failure::Refused(Error::internal(Unasked)));
            }
            answer.map_err(|error| match (cx.violation, self.retry) {
                (Some(violation), Retry::None) => Failure::Store(violation),
                _ => Failure::Refused(error),
            })
        })
    }
}
