//! Explains a request: the same run as if it were answered, recorded, and undone at its end.

mod each;
mod together;

use std::sync::Arc;
use std::time::Instant;

use backstay_base::{Action, Error};
use backstay_model::{Collection, CollectionId, Model};
use backstay_sql::{Perspective, RecordSource};
use backstay_store::Writes;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;

use crate::explanation::{ExplainedCaller, ExplainedRule, ExplainedStatement, Explanation};
use crate::inner::Inner;
use crate::prepared::Prepared;
use crate::read::PageSize;
use crate::recorder::Recorder;
use crate::recording::{self, Subject, This};
use crate::write_requests::admitted;
use crate::{Authority, Context, Encoder, Record, Request, Transaction, TxContext, Which, at_commit, transaction};

pub(crate) use each::explain_each;
pub(crate) use together::explain_all;

/// Explains a request of the context's caller: the rules that were asked with what they saw, the statements, and the
/// time of each stage, up to the verdict.
pub(crate) async fn explain(
    inner: &Arc<Inner>,
    cx: &Context,
    request: Request,
    encoder: &'static dyn Encoder,
) -> Result<Explanation, Error> {
    let mut explanation =
        Explanation::new(in_words(&request, &inner.application.model), ExplainedCaller::of(cx.caller()));
    let Before { refused, open, reads } = before(inner, cx, &request).await?;
    if let Some(refusal) = open.iter().flatten().next().filter(|_| open.iter().all(Option::is_some)) {
        explanation.rules = refused;
        explanation.refuse(refusal);
        return Ok(explanation);
    }
    let verdict = match Prepared::new(inner, cx, request, encoder) {
        Ok(request) => rehearse(inner, cx, (request, reads), &mut explanation).await,
        Err(refusal) => Err(refusal),
    };
    if let Err(refusal) = verdict {
        explanation.refuse(&refusal);
    }
    explanation.rules.splice(0..0, refused);
    Ok(explanation)
}

/// What is known of a request before it runs.
struct Before {
    /// The rules by which the caller may do nothing of the kind in a collection.
    refused: Vec<ExplainedRule>,
    /// Of each collection why that is so.
    open: Vec<Option<Error>>,
    /// What it reads in the others.
    reads: Vec<ReadOf>,
}

async fn before(inner: &Arc<Inner>, cx: &Context, request: &Request) -> Result<Before, Error> {
    let (collections, action) = (request.collections(), asked_action(inner, cx, request));
    let (open, mut refused) = (open(inner, cx, &collections, action), Vec::new());
    for (collection, refusal) in collections.iter().zip(&open) {
        if refusal.is_some() {
            // No record matters: the type's rule refuses the caller as such.
            refused.extend(transaction::run(inner, cx, TypeRule { collection: *collection, action }).await?);
        }
    }
    let allowed = reads(request, action).into_iter().zip(&open).filter(|(_, refusal)| refusal.is_none());
    let reads = allowed.map(|(read, _)| read).collect();
    Ok(Before { refused, open, reads })
}

/// Notes what a request asks, and how the rules of what it reads decide. Those of a write are noted when they are asked.
pub(crate) async fn note(inner: &Arc<Inner>, cx: &Context, request: &Request) {
    if !cx.trace().is_on() {
        return;
    }
    cx.trace().asked(|| in_words(request, &inner.application.model));
    let began = cx.trace().moment();
    // What fails here fails in the request itself, too.
    if let Ok(rules) = rules_before(inner, &cx.untraced(), request).await {
        cx.trace().rules(rules);
    }
    cx.trace().stage("explain the rules", began);
}

/// The rules that are known before a request runs: those that refuse it as such, and those of what it reads.
async fn rules_before(inner: &Arc<Inner>, cx: &Context, request: &Request) -> Result<Vec<ExplainedRule>, Error> {
    let Before { refused: mut rules, reads, .. } = before(inner, cx, request).await?;
    if !reads.is_empty() {
        rules.extend(transaction::run(inner, cx, ReadRules(reads)).await?);
    }
    Ok(rules)
}

/// What is asked, in words: `create Note`.
fn in_words(request: &Request, model: &Model) -> String {
    let of_interface = request.interface().map(|interface| &model.interface(interface).name);
    let collections = request.collections();
    let name = of_interface.or_else(|| collections.first().map(|collection| &model.collection(*collection).name));
    format!("{} {}", request.kind().name(), name.map_or("", String::as_str))
}

/// The action whose rules a request asks. Whoever may not change any record may still create one by replacing it.
fn asked_action(inner: &Inner, cx: &Context, request: &Request) -> Action {
    match (request, request.action()) {
        (Request::Replace(replace), action) if admitted(inner, cx, replace.collection, action).is_err() => {
            Action::Create
        }
        (_, action) => action,
    }
}

/// Of each collection why the caller may do nothing of the kind there, if that is so.
fn open(inner: &Inner, cx: &Context, collections: &[CollectionId], action: Action) -> Vec<Option<Error>> {
    collections.iter().map(|collection| admitted(inner, cx, *collection, action).err()).collect()
}

/// What a request reads in each of its collections.
fn reads(request: &Request, action: Action) -> Vec<ReadOf> {
    match request {
        Request::Get(get) => vec![(get.collection, Some(get.which.clone()), action)],
        Request::List(list) => vec![(list.collection, None, action)],
        Request::Aggregate(aggregate) => vec![(aggregate.collection, None, action)],
        Request::GetOfTypes(gets) => {
            gets.each.iter().map(|get| (get.collection, Some(get.which.clone()), action)).collect()
        }
        Request::ListOfTypes(lists) => lists.each.iter().map(|list| (list.collection, None, action)).collect(),
        Request::History(history) => vec![(history.collection, Some(history.id.into()), action)],
        Request::Create(_)
        | Request::Update(_)
        | Request::Replace(_)
        | Request::OfRecord(_)
        | Request::OfMatching(_) => Vec::new(),
    }
}

/// The collection of a read, the record if it is one, and the action that it asks for.
type ReadOf = (CollectionId, Option<Which>, Action);

/// Runs a request, recorded, in a transaction that is undone.
async fn rehearse(
    inner: &Arc<Inner>,
    cx: &Context,
    (request, reads): (Prepared, Vec<ReadOf>),
    into: &mut Explanation,
) -> Result<(), Error> {
    let start = Instant::now();
    let recording = Arc::new(Mutex::new(Recording::default()));
    let stage = if reads.is_empty() { "write" } else { "read" };
    let rehearsal = Rehearsal { request, reads, recording: Arc::clone(&recording) };
    let undone = transaction::run(inner, cx, rehearsal).await;
    into.stage(stage, start);
    let Recording { verdict, rules, statements } = std::mem::take(&mut *recording.lock());
    (into.rules, into.statements) = (rules, statements);
    match (undone, verdict) {
        // The rehearsal ended by itself: what it found out counts.
        (Err(Error::Internal(end)), Some(verdict)) if end.is::<Rehearsed>() => verdict,
        (Err(error), _) => Err(error),
        (Ok(()), _) => Ok(()),
    }
}

/// What a rehearsal found out.
#[derive(Debug, Default)]
struct Recording {
    verdict: Option<Result<(), Error>>,
    rules: Vec<ExplainedRule>,
    statements: Vec<ExplainedStatement>,
}

/// How a rehearsal ends: with an error, so that everything it wrote is undone.
#[derive(Debug, thiserror::Error)]
#[error("the request was rehearsed and undone")]
struct Rehearsed;

/// A request that is run and undone.
struct Rehearsal {
    request: Prepared,
    /// A read asks its rules in its one statement: they are asked part by part before it.
    reads: Vec<ReadOf>,
    recording: Arc<Mutex<Recording>>,
}

impl Transaction for Rehearsal {
    type Answer = ();

    fn name(&self) -> &'static str {
        "explain"
    }

    fn writes(&self) -> Writes {
        match self.request.writes() {
            Writes::None => Writes::None,
            // Its end undoes whatever it wrote.
            Writes::One | Writes::Many | Writes::Serializable => Writes::Many,
        }
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let mut of_read = Vec::new();
            for read in &self.reads {
                of_read.extend(read_rules(cx, read.clone()).await?);
            }
            cx.recorder = Some(Recorder::default());
            cx.tx.watch();
            // What the database itself refuses shows only when the writes are run.
            let verdict = match self.request.run(cx, PageSize::WHOLE).await {
                Ok(_) => match at_commit::ask(cx).await {
                    Ok(()) => cx.settle().await,
                    Err(unmet) => Err(unmet.error),
                },
                Err(error) => Err(error),
            };
            let verdict = verdict.map_err(|error| cx.engine.veiled(error, cx.cx));
            let executed = cx.tx.watched();
            let (rules, statements) = recorded(cx)?.finish(executed);
            of_read.extend(rules);
            *self.recording.lock() = Recording { verdict: Some(verdict), rules: of_read, statements };
            Err(Error::internal(Rehearsed))
        })
    }
}

/// Ends a recording that was begun.
fn recorded(cx: &mut TxContext<'_, '_>) -> Result<Recorder, Error> {
    cx.recorder.take().ok_or_else(|| Error::internal(NotRecorded))
}

/// A rehearsal whose recorder somebody took away.
#[derive(Debug, thiserror::Error)]
#[error("a rehearsal was not recorded")]
struct NotRecorded;

/// The rules of a read, asked part by part: of one record, or of none in particular.
async fn read_rules(
    cx: &mut TxContext<'_, '_>,
    (collection, record, action): ReadOf,
) -> Result<Vec<ExplainedRule>, Error> {
    let collection: &Collection = cx.model().collection(collection);
    let Some(which) = record else {
        let asked = if action == Action::History { action } else { Action::Read };
        let mut rules = recording::read_rules(cx, (collection, asked), None).await?;
        if action == Action::Trash {
            rules.extend(recording::type_rules(cx, collection, action).await?);
        }
        return Ok(rules);
    };
    // The past is read by a rule about the record as it is now, or was when it was deleted.
    let asked = if action == Action::History { action } else { Action::Read };
    let id = match &which {
        Which::Id(id) => Some(*id),
        Which::Key(key) => cx.look_up(Authority::System, collection.id, key).await?,
    };
    let live = match id {
        Some(id) => cx.get(collection.id, id).await?,
        None => None,
    };
    let (this, stored) = match live {
        None if action == Action::History && id.is_some() => {
            let last = cx.engine.planner.stored(collection.id, Perspective::Last, &[]);
            let gone = match id {
                Some(id) => cx.read_whole(&last, (collection.id, id)).await?,
                None => None,
            };
            (This::Gone(Perspective::Last), gone)
        }
        stored => (This::Held(RecordSource::Stored), stored),
    };
    let Some(stored) = stored else {
        cx.recorder = Some(Recorder::default());
        recording::absent(cx, collection, asked);
        return Ok(recorded(cx)?.finish(Vec::new()).0);
    };
    let values = Record::values(&stored);
    let subject = Subject { this, stored: values, proposed: values };
    recording::read_rules(cx, (collection, asked), Some(subject)).await
}

/// Asks the clauses of a type of the caller alone.
#[derive(Debug, Clone, Copy)]
struct TypeRule {
    collection: CollectionId,
    action: Action,
}

impl Transaction for TypeRule {
    type Answer = Vec<ExplainedRule>;

    fn name(&self) -> &'static str {
        "explain"
    }

    fn writes(&self) -> Writes {
        Writes::None
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<Vec<ExplainedRule>, Error>> {
        Box::pin(async move {
            let collection: &Collection = cx.model().collection(self.collection);
            recording::type_rules(cx, collection, self.action).await
        })
    }
}

/// Asks the rules of what a request reads, part by part.
struct ReadRules(Vec<ReadOf>);

impl Transaction for ReadRules {
    type Answer = Vec<ExplainedRule>;

    fn name(&self) -> &'static str {
        "explain"
    }

    fn writes(&self) -> Writes {
        Writes::None
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<Vec<ExplainedRule>, Error>> {
        Box::pin(async move {
            let mut rules = Vec::new();
            for read in &self.0 {
                rules.extend(read_rules(cx, read.clone()).await?);
            }
            Ok(rules)
        })
    }
}
