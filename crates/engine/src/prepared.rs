//! Requests from their admission to their answer, alone or several in one transaction.

use std::slice;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use backstay_base::{Error, Place, ViolationKind, limits};
use backstay_model::CollectionId;
use backstay_store::{KeyClaim, Writes};
use futures_util::future::BoxFuture;
use parking_lot::Mutex;

use crate::aggregate::{self, PreparedAggregate};
use crate::at_commit::{self, Unmet};
use crate::context::Reread;
use crate::dependent::Waiting;
use crate::history::PreparedHistory;
use crate::holding::ToHold;
use crate::inner::{Inner, too_large};
use crate::plans::ListKey;
use crate::read::{self, Alone, PageSize, PreparedGet, PreparedList};
use crate::remember::Keyed;
use crate::showing::Showing;
use crate::taken_along::TakenAlong;
use crate::write_requests::{self, PreparedWrite};
use crate::{
    Answer, Asked, Context, Encoder, Filter, List, Refused, Request, Requests, Transaction, TxContext, Written,
    exclusions, history, remember, transaction,
};

/// A request that its caller may make on some record, checked and planned.
#[derive(Debug)]
pub(crate) enum Prepared {
    Get(PreparedGet, &'static dyn Encoder),
    List(PreparedList, &'static dyn Encoder),
    History(PreparedHistory, &'static dyn Encoder),
    Aggregate(PreparedAggregate, &'static dyn Encoder),
    Write(PreparedWrite),
}

impl Prepared {
    /// Checks a request, and plans it.
    pub(crate) fn new(
        inner: &Inner,
        cx: &Context,
        request: Request,
        encoder: &'static dyn Encoder,
    ) -> Result<Self, Error> {
        Ok(match request {
            Request::Get(get) => Self::Get(read::prepare_get(inner, cx, get)?, encoder),
            Request::List(list) => Self::List(read::prepare_list(inner, cx, list)?, encoder),
            Request::GetOfTypes(gets) => Self::Get(read::prepare_get_of_types(inner, cx, gets)?, encoder),
            Request::ListOfTypes(lists) => Self::List(read::prepare_list_of_types(inner, cx, lists)?, encoder),
            Request::History(request) => Self::History(history::prepare(inner, cx, request)?, encoder),
            Request::Aggregate(request) => Self::Aggregate(aggregate::prepare(inner, cx, request)?, encoder),
            Request::Create(create) => Self::Write(write_requests::create(inner, cx, create, encoder)?),
            Request::Update(update) => Self::Write(write_requests::update(inner, cx, update, encoder)?),
            Request::Replace(replace) => Self::Write(write_requests::replace(inner, cx, replace, encoder)?),
            Request::OfRecord(of_record) => Self::Write(write_requests::of_record(inner, cx, of_record, encoder)?),
            Request::OfMatching(matching) => Self::Write(write_requests::of_matching(inner, cx, matching, encoder)?),
        })
    }

    /// How much it may write.
    pub(crate) fn writes(&self) -> Writes {
        match self {
            Self::Get(..) | Self::List(..) | Self::History(..) | Self::Aggregate(..) => Writes::None,
            Self::Write(write) => write.writes(),
        }
    }

    /// Whether it reads records other than those that it names.
    fn reads(&self) -> bool {
        match self {
            Self::Get(..) | Self::List(..) | Self::History(..) | Self::Aggregate(..) => true,
            Self::Write(write) => write.reads(),
        }
    }

    /// Runs it in a transaction. A page has at most this size.
    pub(crate) async fn run(&self, cx: &mut TxContext<'_, '_>, size: PageSize) -> Result<Answer, Error> {
        let of = cx.cx;
        self.run_as(cx, of, size).await
    }

    /// The same; a read is that of another context of the same caller, at the moment of that.
    pub(crate) async fn run_as(
        &self,
        cx: &mut TxContext<'_, '_>,
        of: &Context,
        size: PageSize,
    ) -> Result<Answer, Error> {
        let within = (cx.engine, of);
        match self {
            Self::Get(get, encoder) => read::get(cx, within, get, *encoder).await.map(Answer::Found),
            Self::List(list, encoder) => read::list(cx, within, list, (*encoder, size)).await.map(Answer::Page),
            Self::History(request, encoder) => {
                history::history(cx, within, request, (*encoder, size)).await.map(Answer::Page)
            }
            Self::Aggregate(request, encoder) => {
                Box::pin(aggregate::aggregate(cx, within, request, (*encoder, size))).await.map(Answer::Page)
            }
            Self::Write(write) => write.run(cx).await.map(Answer::Written),
        }
    }

    fn write(&self) -> Option<&PreparedWrite> {
        if let Self::Write(write) = self { Some(write) } else { None }
    }

    /// The collection that it writes to, and how it answers, if it writes.
    fn written(&self) -> Option<(CollectionId, &Showing)> {
        match self {
            Self::Write(write) => Some((write.collection(), write.showing())),
            Self::Get(..) | Self::List(..) | Self::History(..) | Self::Aggregate(..) => None,
        }
    }
}

/// Checks a request, and plans it; in turn if that can take long.
pub(crate) async fn prepare(
    inner: &Arc<Inner>,
    cx: &Context,
    request: Request,
    encoder: &'static dyn Encoder,
) -> Result<Prepared, Error> {
    let began = cx.trace().moment();
    let prepared = plan(inner, cx, request, encoder).await;
    cx.trace().stage("plan", began);
    prepared
}

async fn plan(
    inner: &Arc<Inner>,
    cx: &Context,
    request: Request,
    encoder: &'static dyn Encoder,
) -> Result<Prepared, Error> {
    if !takes_long(cx, slice::from_ref(&&request)) {
        return Prepared::new(inner, cx, request, encoder);
    }
    let (within, own) = (Arc::clone(inner), cx.clone());
    Box::pin(inner.take_turn(cx.demand(), move || Prepared::new(&within, &own, request, encoder))).await?
}

impl Prepared {
    /// Answers a read by itself. A page has at most this size.
    pub(crate) async fn read_alone(&self, inner: &Arc<Inner>, cx: &Context, size: PageSize) -> Result<Answer, Error> {
        let (reads, within) = (&mut Alone(inner, cx), (&**inner, cx));
        match self {
            Self::Get(get, encoder) => read::get(reads, within, get, *encoder).await.map(Answer::Found),
            Self::List(list, encoder) => read::list(reads, within, list, (*encoder, size)).await.map(Answer::Page),
            Self::History(request, encoder) => {
                Box::pin(history::history(reads, within, request, (*encoder, size))).await.map(Answer::Page)
            }
            Self::Aggregate(request, encoder) => {
                Box::pin(aggregate::aggregate(reads, within, request, (*encoder, size))).await.map(Answer::Page)
            }
            Self::Write(_) => Err(Error::internal(NoRead)),
        }
    }
}

impl Reread for Prepared {
    fn again<'r, 'a: 'r, 't: 'r>(
        &'r self,
        cx: &'r mut TxContext<'a, 't>,
        of: &'r Context,
    ) -> BoxFuture<'r, Result<Answer, Error>> {
        Box::pin(self.run_as(cx, of, PageSize::WHOLE))
    }
}

/// A write was to be answered as a read.
#[derive(Debug, thiserror::Error)]
#[error("a write was taken for a read")]
struct NoRead;

/// Answers a write that is undone.
pub(crate) async fn dry_run(inner: &Arc<Inner>, cx: &Context, write: PreparedWrite) -> Result<Written, Error> {
    let answer = Arc::new(Mutex::new(None));
    let undone = transaction::run(inner, cx, DryRun { write, answer: Arc::clone(&answer) }).await;
    let answer = answer.lock().take();
    match (undone, answer) {
        // It ended by itself: it would have been answered.
        (Err(Error::Internal(end)), Some(answer)) if end.is::<Undone>() => Ok(answer),
        (Err(error), _) => Err(error),
        (Ok(()), _) => Err(Error::internal(Undone)),
    }
}

/// A write that is carried out and undone.
struct DryRun {
    write: PreparedWrite,
    answer: Arc<Mutex<Option<Written>>>,
}

/// How it ends: with an error, so that everything it wrote is undone.
#[derive(Debug, thiserror::Error)]
#[error("the request was a dry run and undone")]
pub(crate) struct Undone;

impl Transaction for DryRun {
    type Answer = ();

    fn name(&self) -> &'static str {
        self.write.name()
    }

    fn kilo_steps(&self) -> u32 {
        limits::MIXED_KILO_STEPS
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let written = self.write.run(cx).await?;
            at_commit::ask(cx).await.map_err(|unmet| unmet.error)?;
            // What the database itself refuses shows only when the writes are run.
            cx.settle().await?;
            *self.answer.lock() = Some(written);
            Err(Error::internal(Undone))
        })
    }
}

/// Answers several requests on one snapshot, and in one commit if any of them writes: all of them or none. Each sees what
/// those before it did. Under a key that was used before, what the requests wrote is answered again, and none of their
/// reads.
pub(crate) async fn answer_all(
    inner: &Arc<Inner>,
    cx: &Context,
    requests: Requests,
    encoder: &'static dyn Encoder,
) -> Result<Vec<Option<Answer>>, Refused> {
    let Requests { list, idempotency } = requests;
    let whole = Refused::whole;
    require_few(&list).map_err(whole)?;
    let claim = remember::claim(cx.caller(), idempotency.as_ref(), Keyed::Transact).map_err(whole)?;
    let _held = claim.as_ref().map(|claim| inner.in_flight.hold(claim)).transpose().map_err(whole)?;
    let known: Vec<&Request> = list.iter().map(Asked::known).collect();
    let parts = match takes_long(cx, &known) {
        true => {
            let (within, own) = (Arc::clone(inner), cx.clone());
            inner.take_turn(cx.demand(), move || prepare_all(&within, &own, list, encoder)).await.map_err(whole)?
        }
        false => prepare_all(inner, cx, list, encoder),
    }?;
    for_a_key(claim.as_ref(), parts.iter().any(|part| part.prepared.written().is_some())).map_err(whole)?;
    let progress = Arc::new(Progress::default());
    let all = All { parts: parts.into(), claim, encoder, progress: Arc::clone(&progress) };
    let answers = transaction::run(inner, cx, all).await;
    answers.map_err(|error| progress.refused(error))
}

/// Refuses more requests than are answered together, and none.
pub(crate) fn require_few(requests: &[Asked]) -> Result<(), Error> {
    if (1..=limits::TRANSACTION_REQUESTS).contains(&requests.len()) {
        return Ok(());
    }
    let range = format!("1 to {} requests", limits::TRANSACTION_REQUESTS);
    Err(Error::malformed(Place::Whole, ViolationKind::Range(range)))
}

/// Refuses a key for requests of which none writes.
pub(crate) fn for_a_key(claim: Option<&KeyClaim>, writes: bool) -> Result<(), Error> {
    if claim.is_none() || writes {
        return Ok(());
    }
    let range = "none of these requests changes anything; a key is only for requests that do".to_owned();
    Err(Error::malformed(Place::part("idempotency-key"), ViolationKind::Range(range)))
}

fn prepare_all(
    inner: &Inner,
    cx: &Context,
    requests: Vec<Asked>,
    encoder: &'static dyn Encoder,
) -> Result<Vec<Part>, Refused> {
    let each = |(index, asked): (usize, Asked)| {
        let (request, waiting) = asked.split();
        let prepared = Prepared::new(inner, cx, request, encoder).map_err(|error| Refused::one(index, error))?;
        Ok(Part { prepared, waiting })
    };
    requests.into_iter().enumerate().map(each).collect()
}

/// Whether planning the requests can take long: their filters are long, and there are no plans for them.
fn takes_long(cx: &Context, requests: &[&Request]) -> bool {
    // Whether there is a plan matters, and is looked up, only if the filters are long.
    filter_bytes(requests, &|_| false) > limits::LONG_FILTER_BYTES
        && filter_bytes(requests, &|key| cx.class.plans.have(key())) > limits::LONG_FILTER_BYTES
}

/// Bytes of the filters of all lists, and of the expressions about their groups, but for those that are planned.
fn filter_bytes(requests: &[&Request], planned: &dyn Fn(&dyn Fn() -> ListKey) -> bool) -> usize {
    let of_filter = |filter: &Filter| filter.expression.as_ref().map_or(0, |of| of.checked.expr.span.len());
    let of_list = |list: &List| of_filter(&list.filter);
    let bytes = |request: &&Request| match request {
        Request::List(list) if !planned(&|| ListKey::of(list)) => of_list(list),
        Request::Aggregate(of) if !planned(&|| ListKey::of_groups(of)) => {
            of_filter(&of.filter) + of.groups.written().map(|written| written.text.len()).sum::<usize>()
        }
        Request::ListOfTypes(lists) => lists.each.iter().map(of_list).sum(),
        Request::OfMatching(matching) => {
            let list = matching.list();
            if planned(&|| ListKey::of(&list)) { 0 } else { of_list(&list) }
        }
        Request::List(_)
        | Request::Aggregate(_)
        | Request::Get(_)
        | Request::GetOfTypes(_)
        | Request::History(_)
        | Request::Create(_)
        | Request::Update(_)
        | Request::Replace(_)
        | Request::OfRecord(_) => 0,
    };
    requests.iter().map(bytes).sum()
}

/// Bytes that are left to each request that isn't a list before lists divide what remains: most answers fit.
const USUAL_ANSWER: usize = limits::REQUEST_MEMORY_BYTES;

impl All {
    /// How large the page of this request may be if it is a list, after answers of this many bytes: lists share what is
    /// left, and a page ends with the place of the next one.
    fn page_size(&self, index: usize, bytes: usize) -> PageSize {
        let most = limits::ANSWER_BYTES.saturating_sub(bytes);
        let after = &self.parts[index..];
        let lists = after
            .iter()
            .filter(|part| {
                matches!(part.prepared, Prepared::List(..) | Prepared::History(..) | Prepared::Aggregate(..))
            })
            .count();
        let reserved = limits::CURSOR_BYTES + (after.len() - lists) * USUAL_ANSWER;
        PageSize { share: most.saturating_sub(reserved) / lists.max(1), most }
    }
}

impl All {
    /// Of requests that have no key, and of which nothing is kept.
    pub(crate) fn rehearsed(
        inner: &Inner,
        cx: &Context,
        list: Vec<Asked>,
        encoder: &'static dyn Encoder,
    ) -> Result<Self, Refused> {
        let parts = prepare_all(inner, cx, list, encoder)?.into();
        Ok(Self { parts, claim: None, encoder, progress: Arc::default() })
    }

    pub(crate) async fn begin(&self, cx: &mut TxContext<'_, '_>) -> Result<(), Error> {
        self.progress.begin(0, false);
        self.hold(cx).await
    }

    /// The next request with the values that it takes from answers, if it waits for them.
    pub(crate) fn complete(&self, cx: &mut TxContext<'_, '_>, answers: &Answers) -> Result<Option<Request>, Error> {
        let index = answers.each.len();
        let part = &self.parts[index];
        self.progress.begin(index + 1, part.waiting.is_some());
        cx.part.request = Some(index);
        let complete = part.complete(&answers.each)?;
        self.progress.begin(index + 1, false);
        Ok(complete)
    }

    /// Carries out the next request, which waited for answers if it is given.
    pub(crate) async fn step(
        &self,
        cx: &mut TxContext<'_, '_>,
        completed: Option<Request>,
        answers: &mut Answers,
    ) -> Result<(), Error> {
        let index = answers.each.len();
        let prepared = |request| Prepared::new(cx.engine, cx.cx, request, self.encoder);
        let completed = completed.map(prepared).transpose()?;
        let request = completed.as_ref().unwrap_or(&self.parts[index].prepared);
        let answer = request.run(cx, self.page_size(index, answers.bytes)).await?.kept(&cx.cx.memory)?;
        // What the database refuses of this request shows before the next begins.
        cx.settle().await?;
        cx.told_along = TakenAlong::default();
        answers.bytes += answer.bytes();
        if answers.bytes > limits::ANSWER_BYTES {
            return Err(too_large());
        }
        answers.each.push(Some(answer));
        Ok(())
    }

    /// Asks what is asked of the commit.
    pub(crate) async fn end(&self, cx: &mut TxContext<'_, '_>) -> Result<(), Error> {
        at_commit::ask(cx).await.map_err(|Unmet { request, error }| {
            // The error names the request that caused it.
            self.progress.begin(request.map_or(0, |request| request + 1), false);
            error
        })
    }

    /// Which request was refused with this error.
    pub(crate) fn refused(&self, error: Error) -> Refused {
        self.progress.refused(error)
    }

    /// Locks what the requests name, as far as that is known: a request can wait for the answers of others.
    async fn hold(&self, cx: &mut TxContext<'_, '_>) -> Result<(), Error> {
        let complete = self.parts.iter().filter(|part| part.waiting.is_none());
        let writes: Vec<&PreparedWrite> = complete.filter_map(|part| part.prepared.write()).collect();
        hold(cx, &writes).await
    }
}

/// Locks what these writes of one transaction name, if they are several.
pub(crate) async fn hold(cx: &mut TxContext<'_, '_>, writes: &[&PreparedWrite]) -> Result<(), Error> {
    let mut to_hold = ToHold::default();
    if writes.len() < 2 || !cx.is_shared() {
        return Ok(());
    }
    let mut series = Vec::new();
    for (collection, inputs) in writes.iter().filter_map(|write| write.created()) {
        series.extend(exclusions::series(cx, cx.model().collection(collection), inputs));
        for input in inputs {
            cx.hold_owners(collection, input, &mut to_hold);
        }
    }
    exclusions::hold(cx, series).await?;
    for (record, input) in writes.iter().filter_map(|write| write.known()) {
        to_hold.add(record);
        if let Some(input) = input {
            cx.hold_owners(record.0, input, &mut to_hold);
        }
    }
    // Others don't wait because of a record that the caller doesn't see.
    cx.hold_seen(to_hold).await
}

/// One of several requests. One that waits for the answers of others is prepared with what stands in for them.
#[derive(Debug)]
struct Part {
    prepared: Prepared,
    waiting: Option<Waiting>,
}

/// Several requests in one transaction.
pub(crate) struct All {
    parts: Box<[Part]>,
    claim: Option<KeyClaim>,
    encoder: &'static dyn Encoder,
    progress: Arc<Progress>,
}

/// What the requests were answered so far.
#[derive(Default)]
pub(crate) struct Answers {
    each: Vec<Option<Answer>>,
    bytes: usize,
}

impl Part {
    /// The request with the values that it takes from these answers, if it waits for them.
    fn complete(&self, answers: &[Option<Answer>]) -> Result<Option<Request>, Error> {
        let complete = |waiting: &Waiting| waiting.complete(&|place| answers.get(place)?.as_ref());
        self.waiting.as_ref().map(complete).transpose()
    }
}

/// How far a run of several requests is.
#[derive(Debug, Default)]
struct Progress {
    /// How many requests were begun: the last of them is the one that is refused, if one is.
    begun: AtomicUsize,
    /// Whether the last of them isn't complete yet.
    completing: AtomicBool,
}

impl Progress {
    fn begin(&self, requests: usize, completing: bool) {
        self.begun.store(requests, Ordering::Relaxed);
        self.completing.store(completing, Ordering::Relaxed);
    }

    fn refused(&self, error: Error) -> Refused {
        let request = self.begun.load(Ordering::Relaxed).checked_sub(1);
        Refused { request, incomplete: self.completing.load(Ordering::Relaxed), error }
    }
}

impl Transaction for All {
    type Answer = Vec<Option<Answer>>;

    fn name(&self) -> &'static str {
        "transact"
    }

    fn writes(&self) -> Writes {
        match self.parts.iter().all(|part| part.prepared.writes() == Writes::None) {
            true => Writes::None,
            false => Writes::Many,
        }
    }

    fn kilo_steps(&self) -> u32 {
        let reads = self.parts.iter().any(|part| part.prepared.reads());
        if reads && self.writes() != Writes::None { limits::MIXED_KILO_STEPS } else { limits::TRANSACTION_KILO_STEPS }
    }

    fn hook_failed(&self, request: Option<usize>) {
        self.progress.begin(request.map_or(0, |request| request + 1), false);
    }

    /// If there is no memory for its answers, none of the requests is carried out.
    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<Self::Answer, Error>> {
        Box::pin(async move {
            self.progress.begin(0, false);
            let writes: Vec<_> = self.parts.iter().map(|part| part.prepared.written()).collect();
            if !cx.recall_later(self.claim.as_ref())
                && let Some(answers) = cx.replayed_all(self.claim.as_ref(), &writes).await?
            {
                return answers
                    .into_iter()
                    .map(|answer| answer.map(|answer| answer.kept(&cx.cx.memory)).transpose())
                    .collect();
            }
            self.begin(cx).await?;
            let mut answers = Answers::default();
            for _ in &self.parts {
                let stepped = match self.complete(cx, &answers) {
                    Ok(completed) => self.step(cx, completed, &mut answers).await,
                    Err(error) => Err(error),
                };
                match stepped {
                    Ok(()) => {}
                    Err(_) if cx.awaits_hooks() => answers.each.push(None),
                    Err(error) => return Err(error),
                }
            }
            cx.require_hooks()?;
            self.end(cx).await?;
            let answers = answers.each;
            cx.remember_all(self.claim.as_ref(), &answers, self.encoder)?;
            Ok(answers)
        })
    }
}
