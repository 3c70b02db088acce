//! Explains several requests that are answered each by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use backstay_base::{Error, limits};
use backstay_store::Writes;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;

use super::together::{Known, ended, record};
use super::{Rehearsed, read_rules};
use crate::dependent::Waiting;
use crate::explanation::{ExplainedCaller, ExplainedRequest, ExplainedRule, ExplainedStatement, Explanation};
use crate::inner::Inner;
use crate::prepared::{self, Prepared};
use crate::read::PageSize;
use crate::taken_along::TakenAlong;
use crate::{Answer, Asked, Context, Encoder, Refused, Request, Transaction, TxContext, at_commit, transaction};

/// Explains requests of the context's caller that are answered each by itself, and tells which of them are refused. They run
/// one after the other in a transaction that is undone. A refusal ends it: those that weren't refused then run once more.
pub(crate) async fn explain_each(
    inner: &Arc<Inner>,
    cx: &Context,
    requests: Vec<Asked>,
    encoder: &'static dyn Encoder,
) -> Result<(Explanation, Vec<Option<Refused>>), Error> {
    if !requests.is_empty() {
        prepared::require_few(&requests)?;
    }
    let mut explanation =
        Explanation::new("transact, each request by itself".to_owned(), ExplainedCaller::of(cx.caller()));
    let start = Instant::now();
    let known: Vec<Known> = requests.iter().map(|asked| Known::of(inner, cx, asked)).collect();
    let (mut parts, mut refused) = (Vec::new(), Vec::new());
    for (index, asked) in requests.into_iter().enumerate() {
        let (request, waiting) = asked.split();
        let prepared = match &waiting {
            Some(_) => None,
            None => Some(Prepared::new(inner, cx, request, encoder)),
        };
        let (prepared, refusal) =
            prepared.transpose().map_or_else(|error| (None, Some(error)), |prepared| (prepared, None));
        refused.push(refusal.map(|error| Refused::one(index, error)));
        parts.push(Part { prepared, waiting });
    }
    let all = Arc::new(All { parts, known, encoder });
    let mut told: Vec<Option<ExplainedRequest>> = all.parts.iter().map(|_| None).collect();
    while let Some(refusal) = rehearse(inner, cx, (&all, &refused), &mut told).await? {
        let index = refusal.request.filter(|index| refused.get(*index).is_some_and(Option::is_none));
        let index = index.ok_or_else(|| Error::internal(NotOne))?;
        refused[index] = Some(refusal);
    }
    for (index, (known, told)) in all.known.iter().zip(told).enumerate() {
        let mut request = told.unwrap_or_else(|| ExplainedRequest::new(index, known.words.clone()));
        if refused[index].is_some() && request.rules.is_empty() {
            for rule in &known.closed {
                request.rules.extend(transaction::run(inner, cx, *rule).await?);
            }
        }
        explanation.requests.push(request);
    }
    explanation.stage("run", start);
    Ok((explanation, refused))
}

/// Runs those that aren't refused, up to one that is, and returns why.
async fn rehearse(
    inner: &Arc<Inner>,
    cx: &Context,
    (all, refused): (&Arc<All>, &[Option<Refused>]),
    told: &mut [Option<ExplainedRequest>],
) -> Result<Option<Refused>, Error> {
    let found = Arc::new(Found::default());
    let skipped = refused.iter().map(Option::is_some).collect();
    let rehearsal = Rehearsal { all: Arc::clone(all), skipped, found: Arc::clone(&found) };
    let undone = transaction::run(inner, cx, rehearsal).await;
    for request in std::mem::take(&mut *found.requests.lock()) {
        let index = request.index;
        told[index] = Some(request);
    }
    match undone {
        // It ended by itself: what it found out counts.
        Err(Error::Internal(end)) if end.is::<Rehearsed>() => Ok(found.refused.lock().take()),
        Err(error) => Ok(Some(Refused::one(found.begun.load(Ordering::Relaxed), error))),
        Ok(()) => Ok(None),
    }
}

/// A transaction that was refused before the first of its requests, or because of one that was to be left out.
#[derive(Debug, thiserror::Error)]
#[error("the explanation was refused, and none of its requests is the reason")]
struct NotOne;

/// One of the requests.
struct Part {
    /// None if it is refused, or waits for the answers of others.
    prepared: Option<Prepared>,
    waiting: Option<Waiting>,
}

struct All {
    parts: Vec<Part>,
    known: Vec<Known>,
    encoder: &'static dyn Encoder,
}

/// What a run finds out.
#[derive(Default)]
struct Found {
    requests: Mutex<Vec<ExplainedRequest>>,
    refused: Mutex<Option<Refused>>,
    /// The request that is carried out.
    begun: AtomicUsize,
}

/// Requests that are run and undone.
struct Rehearsal {
    all: Arc<All>,
    /// Which of them are refused.
    skipped: Vec<bool>,
    found: Arc<Found>,
}

impl Transaction for Rehearsal {
    type Answer = ();

    fn name(&self) -> &'static str {
        "explain"
    }

    fn writes(&self) -> Writes {
        let reads = |part: &Part| match (&part.prepared, &part.waiting) {
            (Some(prepared), _) => prepared.writes() == Writes::None,
            (None, waiting) => waiting.is_none(),
        };
        if self.all.parts.iter().all(reads) { Writes::None } else { Writes::Many }
    }

    fn kilo_steps(&self) -> u32 {
        limits::MIXED_KILO_STEPS
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            self.found.requests.lock().clear();
            let mut answers: Vec<Option<Answer>> = Vec::with_capacity(self.skipped.len());
            let mut refused = None;
            for (index, skipped) in self.skipped.iter().enumerate() {
                let answer = match skipped {
                    true => None,
                    false => match self.one(cx, index, &answers).await {
                        Ok(answer) => Some(answer),
                        Err(refusal) => {
                            refused = Some(refusal);
                            break;
                        }
                    },
                };
                answers.push(answer);
            }
            *self.found.refused.lock() = refused;
            Err(Error::internal(Rehearsed))
        })
    }
}

impl Rehearsal {
    /// Carries out a request, recorded, with what its commit asks.
    async fn one(
        &self,
        cx: &mut TxContext<'_, '_>,
        index: usize,
        answers: &[Option<Answer>],
    ) -> Result<Answer, Refused> {
        self.found.begun.store(index, Ordering::Relaxed);
        cx.part.request = Some(index);
        let (part, known) = (&self.all.parts[index], &self.all.known[index]);
        let answered = |place: usize| answers.get(place)?.as_ref();
        let completed = part.waiting.as_ref().map(|waiting| waiting.complete(&answered)).transpose();
        let completed = completed.map_err(|error| Refused { request: Some(index), incomplete: true, error })?;
        let mut explained = ExplainedRequest::new(index, known.words.clone());
        let done = self.recorded(cx, (part, known, completed), &mut explained).await;
        self.found.requests.lock().push(explained);
        done.map_err(|error| Refused::one(index, cx.engine.veiled(error, cx.cx)))
    }

    async fn recorded(
        &self,
        cx: &mut TxContext<'_, '_>,
        (part, known, completed): (&Part, &Known, Option<Request>),
        into: &mut ExplainedRequest,
    ) -> Result<Answer, Error> {
        for read in known.reads(cx, completed.as_ref()) {
            into.rules.extend(read_rules(cx, read).await?);
        }
        let completed =
            completed.map(|request| Prepared::new(cx.engine, cx.cx, request, self.all.encoder)).transpose()?;
        let request = completed.as_ref().or(part.prepared.as_ref()).ok_or_else(|| Error::internal(NotOne))?;
        record(cx);
        let done = carried_out(cx, request).await;
        let (rules, statements): (Vec<ExplainedRule>, Vec<ExplainedStatement>) = ended(cx)?;
        into.rules.extend(rules);
        into.statements = statements;
        done
    }
}

async fn carried_out(cx: &mut TxContext<'_, '_>, request: &Prepared) -> Result<Answer, Error> {
    let answer = request.run(cx, PageSize::WHOLE).await?.kept(&cx.cx.memory)?;
    at_commit::ask(cx).await.map_err(|unmet| unmet.error)?;
    // What the database itself refuses shows only when the writes are run.
    cx.settle().await?;
    cx.told_along = TakenAlong::default();
    Ok(answer)
}
