//! Explains several requests that are answered together.

use std::sync::Arc;
use std::time::Instant;

use backstay_base::Error;
use backstay_store::Writes;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;

use super::{ReadOf, Rehearsed, TypeRule, asked_action, in_words, open, read_rules, reads, recorded};
use crate::explanation::{ExplainedCaller, ExplainedRequest, ExplainedRule, ExplainedStatement, Explanation};
use crate::inner::Inner;
use crate::prepared::{self, All, Answers};
use crate::recorder::Recorder;
use crate::{Asked, Context, Encoder, Refused, Request, Transaction, TxContext, transaction};

/// Explains requests of the context's caller that are answered together: of each its rules and statements, up to the one that
/// is refused, and what their commit asks.
pub(crate) async fn explain_all(
    inner: &Arc<Inner>,
    cx: &Context,
    requests: Vec<Asked>,
    encoder: &'static dyn Encoder,
) -> Result<(Explanation, Option<Refused>), Error> {
    prepared::require_few(&requests)?;
    let mut explanation = Explanation::new("transact".to_owned(), ExplainedCaller::of(cx.caller()));
    let known: Vec<Known> = requests.iter().map(|asked| Known::of(inner, cx, asked)).collect();
    let start = Instant::now();
    let refused = match All::rehearsed(inner, cx, requests, encoder) {
        Ok(all) => {
            let (told, refused) = rehearse(inner, cx, all, known).await?;
            let Told { requests, commit: (rules, statements), verdict: _ } = told;
            (explanation.requests, explanation.rules, explanation.statements) = (requests, rules, statements);
            refused
        }
        Err(refused) => {
            let of = refused.request.and_then(|index| Some((index, known.into_iter().nth(index)?)));
            if let Some((index, Known { words, closed, .. })) = of {
                let mut rules = Vec::new();
                for rule in closed {
                    rules.extend(transaction::run(inner, cx, rule).await?);
                }
                explanation.requests.push(ExplainedRequest { rules, ..ExplainedRequest::new(index, words) });
            }
            Some(refused)
        }
    };
    explanation.stage("run", start);
    Ok((explanation, refused))
}

/// What is known of a request before it is run.
pub(super) struct Known {
    pub(super) words: String,
    reads: Vec<ReadOf>,
    /// The rules of types that refuse the caller as such.
    pub(super) closed: Vec<TypeRule>,
}

impl Known {
    pub(super) fn of(inner: &Inner, cx: &Context, asked: &Asked) -> Self {
        let request = asked.known();
        let (action, collections) = (asked_action(inner, cx, request), request.collections());
        let refusals = open(inner, cx, &collections, action);
        let closed = collections.into_iter().zip(refusals).filter(|(_, refusal)| refusal.is_some());
        let closed = closed.map(|(collection, _)| TypeRule { collection, action }).collect();
        Self { words: in_words(request, &inner.application.model), reads: reads(request, action), closed }
    }

    /// What the request reads, which was completed if it wasn't complete.
    pub(super) fn reads(&self, cx: &TxContext<'_, '_>, completed: Option<&Request>) -> Vec<ReadOf> {
        let is_closed = |collection| self.closed.iter().any(|rule| rule.collection == collection);
        let all = match completed {
            Some(request) => reads(request, asked_action(cx.engine, cx.cx, request)),
            None => self.reads.clone(),
        };
        all.into_iter().filter(|(collection, ..)| !is_closed(*collection)).collect()
    }
}

/// What was recorded.
#[derive(Default)]
struct Told {
    requests: Vec<ExplainedRequest>,
    commit: (Vec<ExplainedRule>, Vec<ExplainedStatement>),
    verdict: Option<Result<(), Error>>,
}

/// Runs the requests, recorded, in a transaction that is undone.
async fn rehearse(
    inner: &Arc<Inner>,
    cx: &Context,
    all: All,
    known: Vec<Known>,
) -> Result<(Told, Option<Refused>), Error> {
    let all = Arc::new(all);
    let told = Arc::new(Mutex::new(Told::default()));
    let rehearsal = Rehearsal { all: Arc::clone(&all), known, told: Arc::clone(&told) };
    let undone = transaction::run(inner, cx, rehearsal).await;
    let mut told = std::mem::take(&mut *told.lock());
    match (undone, told.verdict.take()) {
        // It ended by itself: what it found out counts.
        (Err(Error::Internal(end)), Some(verdict)) if end.is::<Rehearsed>() => {
            Ok((told, verdict.err().map(|error| all.refused(error))))
        }
        (Err(error), _) => Ok((told, Some(all.refused(error)))),
        (Ok(()), _) => Ok((told, None)),
    }
}

/// Requests that are run and undone.
struct Rehearsal {
    all: Arc<All>,
    known: Vec<Known>,
    told: Arc<Mutex<Told>>,
}

impl Transaction for Rehearsal {
    type Answer = ();

    fn name(&self) -> &'static str {
        "explain"
    }

    fn writes(&self) -> Writes {
        self.all.writes()
    }

    fn kilo_steps(&self) -> u32 {
        self.all.kilo_steps()
    }

    fn hook_failed(&self, request: Option<usize>) {
        self.all.hook_failed(request);
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let mut told = Told::default();
            let verdict = self.rehearsed(cx, &mut told).await.map_err(|error| cx.engine.veiled(error, cx.cx));
            told.verdict = Some(verdict);
            *self.told.lock() = told;
            Err(Error::internal(Rehearsed))
        })
    }
}

impl Rehearsal {
    async fn rehearsed(&self, cx: &mut TxContext<'_, '_>, told: &mut Told) -> Result<(), Error> {
        self.all.begin(cx).await?;
        let mut answers = Answers::default();
        for (index, known) in self.known.iter().enumerate() {
            let completed = self.all.complete(cx, &answers)?;
            let mut rules = Vec::new();
            for read in known.reads(cx, completed.as_ref()) {
                rules.extend(read_rules(cx, read).await?);
            }
            record(cx);
            let done = self.all.step(cx, completed, &mut answers).await;
            let (asked, statements) = ended(cx)?;
            rules.extend(asked);
            told.requests.push(ExplainedRequest {
                rules,
                statements,
                ..ExplainedRequest::new(index, known.words.clone())
            });
            done?;
        }
        record(cx);
        let done = match self.all.end(cx).await {
            Ok(()) => cx.settle().await,
            Err(error) => Err(error),
        };
        told.commit = ended(cx)?;
        done
    }
}

pub(super) fn record(cx: &mut TxContext<'_, '_>) {
    cx.recorder = Some(Recorder::default());
    cx.tx.watch();
}

pub(super) fn ended(cx: &mut TxContext<'_, '_>) -> Result<(Vec<ExplainedRule>, Vec<ExplainedStatement>), Error> {
    let executed = cx.tx.watched();
    Ok(recorded(cx)?.finish(executed))
}
