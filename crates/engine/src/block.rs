//! A block of requests of an action that are one commit. It runs outside of the writer: what it reads is answered from
//! snapshots and noted, and what it writes is queued. The commit reads again what was noted, and writes only if nothing of
//! it has changed; otherwise the block runs again.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use backstay_base::{Conflict, Error, KeyForm, Place, RecordId, Timestamp, ViolationKind, limits};
use backstay_model::{Collection, CollectionId, Model};
use backstay_scalar::{Value, read_id};
use backstay_store::{KeyClaim, Writes};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::lock::Mutex;

use crate::inner::Inner;
use crate::input::{ChildAct, Missing};
use crate::made::Numbers;
use crate::noted::{Digest, digest};
use crate::prepared::{self, Prepared, Undone};
use crate::read::PageSize;
use crate::taken_along::TakenAlong;
use crate::write_requests::PreparedWrite;
use crate::{
    ActionCall, Answer, AskedJob, Context, Create, Input, Inputs, NewJob, Outcome, Request, RequestKind, Transaction,
    TxContext, Which, Written, answering, ids, numbers, transaction,
};

/// One run of a block. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Block(Arc<Run>);

/// What beginning a block comes to.
#[derive(Debug)]
pub enum Begun {
    /// It runs.
    Block(Block),
    /// It was committed under the key of the call before, and returned this.
    Done(Arc<str>),
}

/// What committing a block comes to.
#[derive(Debug)]
pub enum Committed {
    /// It is stored.
    Done,
    /// Something that it read has changed, so nothing is stored: it has to run again.
    Again(Block),
}

#[derive(Debug)]
struct Run {
    call: ActionCall,
    /// Of the moment at which it began.
    cx: Context,
    claim: Option<KeyClaim>,
    /// How often the block has run before.
    before: u32,
    /// The numbers that it draws: what it reads of them is the same at its commit.
    numbers: Arc<Numbers>,
    steps: Mutex<Vec<Arc<Step>>>,
}

/// A request of a block.
#[derive(Debug)]
struct Step {
    kind: RequestKind,
    does: Does,
}

#[derive(Debug)]
enum Does {
    Read(Arc<Prepared>, Noted),
    Write(Box<PreparedWrite>),
    Queue(Box<NewJob>),
}

/// What was read.
#[derive(Debug)]
struct Noted {
    digest: Digest,
    /// Whether what the block had queued was written before: the moments of the transaction are then not the same again.
    after_writes: bool,
}

/// Something that a block has read has changed.
#[derive(Debug, thiserror::Error)]
#[error("something that the action has read has changed")]
struct Changed;

impl Step {
    fn write(&self) -> Option<&PreparedWrite> {
        match &self.does {
            Does::Write(write) => Some(write),
            Does::Read(..) | Does::Queue(_) => None,
        }
    }

    /// Whether the commit changes something by it.
    fn changes(&self) -> bool {
        match self.does {
            Does::Write(_) | Does::Queue(_) => true,
            Does::Read(..) => false,
        }
    }
}

impl ActionCall {
    /// Begins a block of requests that are one commit, unless it was committed by the same call before.
    ///
    /// # Errors
    /// If the database can't be asked what is kept under the key of the call.
    pub async fn begin(&self) -> Result<Begun, Error> {
        let claim = self.next_claim();
        if let Some(claim) = &claim {
            let kept = transaction::run(self.inner(), self.context(), Recalling(claim.clone())).await?;
            if let Some(result) = kept {
                return Ok(Begun::Done(result));
            }
        }
        Ok(Begun::Block(Block::new(self.clone(), claim, (0, Arc::default()))))
    }

    /// Queues a job by itself. Returns its id, unless it is unique: another one may have its key then.
    ///
    /// # Errors
    /// If the model has no such job, it doesn't take this, or nothing is stored.
    pub async fn queue(&self, asked: AskedJob) -> Result<Option<RecordId>, Error> {
        let mut block = match self.begin().await? {
            Begun::Done(kept) => {
                return Ok(serde_json::from_str::<Option<String>>(&kept).ok().flatten().and_then(|id| read_id(&id)));
            }
            Begun::Block(block) => block,
        };
        loop {
            let id = block.queue(asked.clone()).await?;
            let kept = id.map_or_else(|| "null".to_owned(), |id| format!("\"{id}\""));
            match block.commit(&kept).await? {
                Committed::Done => return Ok(id),
                Committed::Again(next) => block = next,
            }
        }
    }
}

impl Block {
    fn new(call: ActionCall, claim: Option<KeyClaim>, (before, numbers): (u32, Arc<Numbers>)) -> Self {
        let now = call.ambient().clock.now();
        let cx = call.context().at(now);
        Self(Arc::new(Run { call, cx, claim, before, numbers, steps: Mutex::default() }))
    }

    /// How long to wait before the block runs, so that those that change the same records don't meet again and again.
    pub fn pause(&self) -> Duration {
        let Some(doublings) = self.0.before.checked_sub(limits::BLOCK_QUICK_RUNS) else { return Duration::ZERO };
        let most = limits::BLOCK_PAUSE_MILLIS << doublings.min(16);
        let mut bytes = [0; 8];
        self.0.call.ambient().entropy.fill(&mut bytes);
        Duration::from_micros(u64::from_le_bytes(bytes) % (most.min(limits::BLOCK_PAUSE_MILLIS_MOST) * 1000))
    }

    /// When it began.
    pub fn now(&self) -> Timestamp {
        self.0.cx.now
    }

    /// Makes a request. A read sees what the block has queued, and is made again when the block is committed. A write is queued,
    /// and answered with what is known of it: the ids of records.
    ///
    /// # Errors
    /// Why it is refused, as far as that is known before it is carried out.
    pub async fn request(&self, text: &str) -> Result<Bytes, Error> {
        let Run { call, cx, .. } = &*self.0;
        let mut request = call.read(text)?;
        let mut steps = self.0.steps.lock().await;
        require_room(&steps)?;
        let kind = request.kind();
        let placed = |error| call.notation().placed(kind, error);
        let expected = match request.written().is_some() {
            true => {
                Reserving::of(call).all(&mut request, cx).await?;
                Some(expected(&mut request))
            }
            false => None,
        };
        let prepared = call.prepare(cx, request).await.map_err(placed)?;
        let (does, answer) = match (prepared, expected) {
            (Prepared::Write(write), Some(written)) if !write.is_dry_run() => {
                (Does::Write(Box::new(write)), Ok(Answer::Written(written)))
            }
            (Prepared::Write(_), _) => return Err(no_dry_run()),
            (read, _) => {
                let read = Arc::new(read);
                let (answer, moments) = self.read(&steps, &read).await?;
                let after_writes = moments.is_some();
                match digest(&answer, moments) {
                    Some(digest) => (Does::Read(read, Noted { digest, after_writes }), answer),
                    None => return answer.map(|answer| call.notation().answer(&answer)).map_err(placed),
                }
            }
        };
        steps.push(Arc::new(Step { kind, does }));
        answer.map(|answer| call.notation().answer(&answer)).map_err(placed)
    }

    /// Queues a job in the commit of the block. Returns its id, unless it is unique: another one may have its key then.
    ///
    /// # Errors
    /// If the model has no such job, or it doesn't take this.
    pub async fn queue(&self, asked: AskedJob) -> Result<Option<RecordId>, Error> {
        let Run { call, cx, .. } = &*self.0;
        let job = call.job(asked, cx)?;
        let mut steps = self.0.steps.lock().await;
        require_room(&steps)?;
        let id = job.terms.unique.is_none().then_some(job.id);
        steps.push(Arc::new(Step { kind: RequestKind::Create, does: Does::Queue(Box::new(job)) }));
        Ok(id)
    }

    /// Makes a read that isn't made again when the block is committed.
    ///
    /// # Errors
    /// Why it is refused; it is if it would write.
    pub async fn peek(&self, text: &str) -> Result<Bytes, Error> {
        let Run { call, cx, .. } = &*self.0;
        let request = call.read(text)?;
        let kind = request.kind();
        let placed = |error| call.notation().placed(kind, error);
        if request.written().is_some() {
            let (problem, remedy) = ("a peek can't write".to_owned(), "make it a request of the block".to_owned());
            return Err(Error::malformed(Place::Whole, ViolationKind::Misused { problem, remedy }));
        }
        let prepared = call.prepare(cx, request).await.map_err(placed)?;
        let answer = Box::pin(answering::answer_prepared(call.inner(), cx, prepared, PageSize::WHOLE)).await;
        answer.map(|answer| call.notation().answer(&answer)).map_err(placed)
    }

    /// Commits what is queued, if nothing has changed of what was read. `result` is what the block returns, as JSON: it is kept
    /// under the key of the call, and returned again instead of running the block again.
    ///
    /// # Errors
    /// Why one of its writes was refused, or that what it reads changes each time. Nothing is stored then.
    pub async fn commit(&self, result: &str) -> Result<Committed, Error> {
        let Run { call, cx, claim, before, numbers, steps } = &*self.0;
        let steps: Vec<Arc<Step>> = steps.lock().await.clone();
        let writes = steps.iter().any(|step| step.changes());
        if !writes && steps.len() < 2 {
            return Ok(Committed::Done);
        }
        let at = Arc::new(AtomicUsize::new(0));
        let claim = claim.clone().filter(|_| writes);
        let commit = Commit {
            name: call.action().name.clone(),
            kinds: steps.iter().map(|step| step.kind).collect(),
            steps: steps.into(),
            writes,
            cx: cx.clone(),
            claim,
            result: result.into(),
            numbers: Arc::clone(numbers),
            at: Arc::clone(&at),
        };
        let kinds = commit.kinds.clone();
        match transaction::run(call.inner(), cx, commit).await {
            Ok(()) => Ok(Committed::Done),
            Err(error) if is_changed(&error) && before + 1 < limits::BLOCK_RUNS => {
                numbers::keep_lost(call.inner(), cx, numbers).await?;
                let next = (before + 1, Arc::clone(numbers));
                Ok(Committed::Again(Self::new(call.clone(), self.0.claim.clone(), next)))
            }
            Err(error) if is_changed(&error) => {
                let action = call.action().name.clone();
                Err(Conflict::Contended { action, runs: limits::BLOCK_RUNS }.into())
            }
            Err(error) => Err(match kinds.get(at.load(Ordering::Relaxed)) {
                Some(kind) => call.notation().placed(*kind, error),
                None => error,
            }),
        }
    }

    /// What a read is answered, and the moments of the transaction if it saw writes of the block.
    async fn read(
        &self,
        steps: &[Arc<Step>],
        read: &Arc<Prepared>,
    ) -> Result<(Result<Answer, Error>, Option<Moments>), Error> {
        let Run { call, cx, numbers, .. } = &*self.0;
        let inner = call.inner();
        let writes: Vec<Arc<Step>> = steps.iter().filter(|step| step.write().is_some()).cloned().collect();
        if writes.is_empty() {
            return Ok((Box::pin(read.read_alone(inner, cx, PageSize::WHOLE)).await, None));
        }
        let answer = Arc::default();
        let trial = Trial {
            writes,
            read: Arc::clone(read),
            now: cx.now,
            numbers: Arc::clone(numbers),
            answer: Arc::clone(&answer),
        };
        let undone = transaction::run(inner, cx, trial).await;
        let answered = answer.lock().take();
        match (undone, answered) {
            (Err(Error::Internal(end)), Some((answer, moments))) if end.is::<Undone>() => Ok((answer, Some(moments))),
            (Err(error), _) => Err(error),
            (Ok(()), _) => Err(Error::internal(Undone)),
        }
    }
}

fn require_room(steps: &[Arc<Step>]) -> Result<(), Error> {
    if steps.len() < limits::TRANSACTION_REQUESTS {
        return Ok(());
    }
    let range = format!("a transaction has at most {} requests", limits::TRANSACTION_REQUESTS);
    Err(Error::malformed(Place::Whole, ViolationKind::Range(range)))
}

fn is_changed(error: &Error) -> bool {
    match error {
        Error::Internal(end) => end.is::<Changed>(),
        Error::Conflict(Conflict::Concurrent) => true,
        _ => false,
    }
}

fn no_dry_run() -> Error {
    let (problem, remedy) = ("a dry run isn't part of a transaction".to_owned(), "leave `dryRun` out".to_owned());
    Error::malformed(Place::Whole, ViolationKind::Misused { problem, remedy })
}

/// What is known of a write before it is carried out: the ids of new records.
fn expected(request: &mut Request) -> Written {
    if let Some(options) = request.options_mut() {
        options.minimal = true;
    }
    let known = |outcome, ids: Vec<RecordId>, version| Written { version, ..Written::of(outcome, ids) };
    let of_which = |outcome, which: &Which| match which {
        Which::Id(id) => known(outcome, vec![*id], Some(0)),
        Which::Key(_) => Written::of(Outcome::Deleted, Vec::new()),
    };
    match request {
        Request::Create(Create { inputs, on_conflict, .. }) => {
            let one = match inputs {
                Inputs::One(_) => Some(0),
                Inputs::Many(_) => None,
            };
            let id = |input: &Input| {
                let given = input.value(Collection::ID).and_then(Value::as_id);
                given.or_else(|| input.reserved.as_deref().copied())
            };
            match inputs.as_slice().iter().map(id).collect::<Option<Vec<RecordId>>>() {
                Some(ids) if on_conflict.is_none() => known(Outcome::Created, ids, one),
                _ => Written::of(Outcome::Deleted, Vec::new()),
            }
        }
        Request::Update(update) => of_which(Outcome::Updated, &update.which),
        Request::Replace(replace) => of_which(Outcome::Updated, &replace.which),
        Request::OfRecord(_)
        | Request::OfMatching(_)
        | Request::Get(_)
        | Request::List(_)
        | Request::GetOfTypes(_)
        | Request::ListOfTypes(_)
        | Request::History(_)
        | Request::Aggregate(_) => Written::of(Outcome::Deleted, Vec::new()),
    }
}

/// Makes the ids of new records, so that they are the same each time that a block is written.
struct Reserving<'a> {
    model: &'a Model,
    inner: &'a Inner,
    /// Numbers that no record has yet.
    numbers: BTreeMap<CollectionId, Vec<RecordId>>,
    /// How many more are needed.
    lacking: BTreeMap<CollectionId, usize>,
}

impl<'a> Reserving<'a> {
    fn of(call: &'a ActionCall) -> Self {
        Self { model: call.model(), inner: call.inner(), numbers: BTreeMap::new(), lacking: BTreeMap::new() }
    }

    /// The ids of all records that a write may make.
    async fn all(mut self, request: &mut Request, cx: &Context) -> Result<(), Error> {
        self.request(request);
        if self.lacking.is_empty() {
            return Ok(());
        }
        for (collection, count) in std::mem::take(&mut self.lacking) {
            let drawn = ids::reserve(self.inner, cx, (self.model.collection(collection), count)).await?;
            self.numbers.insert(collection, drawn.into_iter().rev().collect());
        }
        self.request(request);
        Ok(())
    }

    fn request(&mut self, request: &mut Request) {
        match request {
            Request::Create(create) => {
                let of = self.model.collection(create.collection);
                create.inputs.as_mut_slice().iter_mut().for_each(|input| self.record(of, input));
            }
            Request::Update(update) => self.others(self.model.collection(update.collection), &mut update.input),
            Request::Replace(replace) => self.record(self.model.collection(replace.collection), &mut replace.input),
            Request::OfRecord(_)
            | Request::OfMatching(_)
            | Request::Get(_)
            | Request::List(_)
            | Request::GetOfTypes(_)
            | Request::ListOfTypes(_)
            | Request::History(_)
            | Request::Aggregate(_) => {}
        }
    }

    /// The id of a record that a write may make, and those of the others that are sent with it. Texts have to be given.
    fn record(&mut self, of: &Collection, input: &mut Input) {
        self.others(of, input);
        if input.value(Collection::ID).is_some() || input.reserved.is_some() {
            return;
        }
        match of.key.form() {
            KeyForm::Uuid => input.reserve(self.inner.id_for(of)),
            KeyForm::Int => match self.numbers.get_mut(&of.id).and_then(Vec::pop) {
                Some(number) => input.reserve(number),
                None => *self.lacking.entry(of.id).or_default() += 1,
            },
            KeyForm::Text => {}
        }
    }

    /// Children, and records that relations name and that are made if they are missing.
    fn others(&mut self, of: &Collection, input: &mut Input) {
        for (field, children) in &mut input.children {
            let Some((target, _)) = of.field(*field).kind.children() else { continue };
            let target = self.model.collection(target);
            for child in &mut children.each {
                match &mut child.act {
                    ChildAct::Add(input) | ChildAct::Put(input) | ChildAct::Match(input) => self.record(target, input),
                    ChildAct::Change(_, input) => self.others(target, input),
                    ChildAct::Remove(_) => {}
                }
            }
        }
        for named in input.named.iter_mut().flat_map(|(_, reference)| reference.named_mut()) {
            if named.missing == Missing::Create {
                self.record(self.model.collection(named.target), &mut named.input);
            }
        }
    }
}

/// The moments that a transaction gives to what it writes.
type Moments = RangeInclusive<Timestamp>;

/// What a read is answered, and in a transaction of which moments.
type ReadAt = (Result<Answer, Error>, Moments);

/// Writes what a block has queued, reads, and is undone.
struct Trial {
    writes: Vec<Arc<Step>>,
    read: Arc<Prepared>,
    /// When the block began.
    now: Timestamp,
    numbers: Arc<Numbers>,
    answer: Arc<parking_lot::Mutex<Option<ReadAt>>>,
}

impl Transaction for Trial {
    type Answer = ();

    fn name(&self) -> &'static str {
        "trial"
    }

    fn kilo_steps(&self) -> u32 {
        limits::MIXED_KILO_STEPS
    }

    fn numbers(&self) -> Option<Arc<Numbers>> {
        Some(Arc::clone(&self.numbers))
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            cx.given_now = Some(self.now);
            for write in self.writes.iter().filter_map(|step| step.write()) {
                match write.run(cx).await {
                    // What the next writes wait for is found at once.
                    Err(_) if cx.awaits_hooks() => continue,
                    written => drop(written?),
                }
                cx.settle().await?;
                cx.told_along = TakenAlong::default();
            }
            cx.require_hooks()?;
            let answer = self.read.run(cx, PageSize::WHOLE).await;
            *self.answer.lock() = Some((answer, cx.moments()));
            Err(Error::internal(Undone))
        })
    }
}

/// Commits a block.
struct Commit {
    /// The name of the action.
    name: String,
    kinds: Vec<RequestKind>,
    steps: Box<[Arc<Step>]>,
    writes: bool,
    /// As the block read.
    cx: Context,
    claim: Option<KeyClaim>,
    result: Arc<str>,
    numbers: Arc<Numbers>,
    /// The step that it is at.
    at: Arc<AtomicUsize>,
}

impl Transaction for Commit {
    type Answer = ();

    fn name(&self) -> &str {
        &self.name
    }

    fn writes(&self) -> Writes {
        // Rules and checks read too: one of them may count the records that others are making.
        if self.writes { Writes::Serializable } else { Writes::None }
    }

    fn kilo_steps(&self) -> u32 {
        limits::MIXED_KILO_STEPS
    }

    fn hook_failed(&self, request: Option<usize>) {
        self.at.store(request.unwrap_or(self.steps.len()), Ordering::Relaxed);
    }

    fn numbers(&self) -> Option<Arc<Numbers>> {
        Some(Arc::clone(&self.numbers))
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let whole = self.steps.len();
            self.at.store(whole, Ordering::Relaxed);
            cx.given_now = Some(self.cx.now);
            // Another run of the same call can't have been quicker: the call holds its key.
            let writes: Vec<&PreparedWrite> = self.steps.iter().filter_map(|step| step.write()).collect();
            prepared::hold(cx, &writes).await?;
            for (index, step) in self.steps.iter().enumerate() {
                self.at.store(index, Ordering::Relaxed);
                match &step.does {
                    Does::Read(read, noted) => {
                        let moments = noted.after_writes.then(|| cx.moments());
                        let answer = match noted.after_writes {
                            true => read.run(cx, PageSize::WHOLE).await,
                            false => read.run_as(cx, &self.cx, PageSize::WHOLE).await,
                        };
                        if digest(&answer, moments) != Some(noted.digest) && !cx.awaits_hooks() {
                            return Err(answer.err().filter(is_own).unwrap_or_else(|| Error::internal(Changed)));
                        }
                    }
                    Does::Write(write) => {
                        cx.part.request = Some(index);
                        match write.run(cx).await {
                            // What the next writes wait for is found at once.
                            Err(_) if cx.awaits_hooks() => continue,
                            written => drop(written?),
                        }
                        cx.settle().await?;
                        cx.told_along = TakenAlong::default();
                    }
                    Does::Queue(job) => cx.queue(job).await?,
                }
            }
            self.at.store(whole, Ordering::Relaxed);
            cx.remember_result(self.claim.as_ref(), &self.result)
        })
    }
}

/// Whether an error of a read says nothing of what is stored: it is what the commit fails with.
fn is_own(error: &Error) -> bool {
    !matches!(error, Error::NotFound { .. })
}

/// Asks what a block returned that was committed under a key.
struct Recalling(KeyClaim);

impl Transaction for Recalling {
    type Answer = Option<Arc<str>>;

    fn name(&self) -> &'static str {
        "recall"
    }

    fn writes(&self) -> Writes {
        Writes::None
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<Self::Answer, Error>> {
        Box::pin(cx.kept_result(&self.0))
    }
}
