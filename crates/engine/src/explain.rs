//! Explains a request: the same run as if it were answered, recorded, and a write undone at its end.

use std::sync::Arc;
use std::time::Instant;

use backstay_base::{Action, Conflict, Error, RecordId};
use backstay_model::{Collection, CollectionId};
use backstay_sql::RecordSource;
use backstay_store::Writes;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;

use crate::explanation::{ExplainedCaller, ExplainedRule, ExplainedStatement, Explanation};
use crate::inner::Inner;
use crate::read::Executed;
use crate::recorder::{Note, Recorder};
use crate::recording::{self, Subject};
use crate::write_requests::{Prepared, admitted};
use crate::{Context, Get, List, Record, Request, Transaction, TxContext, read, transaction, write_requests};

/// Explains a request of the context's caller: the rules that were asked with what they saw, the statements, and the
/// time of each stage, up to the verdict.
pub(crate) async fn explain(inner: &Arc<Inner>, cx: &Context, request: Request) -> Result<Explanation, Error> {
    let model = Arc::clone(&inner.application.model);
    let (name, collection, action) = subject(&request);
    let collection = model.collection(collection);
    let mut explanation = Explanation {
        request: format!("{name} {}", collection.name),
        caller: explained(cx),
        allowed: true,
        refusal: None,
        rules: Vec::new(),
        statements: Vec::new(),
        stages: Vec::new(),
    };
    if let Err(refusal) = admitted(inner, cx, collection.id, action) {
        // No record matters: the type's rule refuses the caller as such.
        explanation.rules = transaction::run(inner, cx, TypeRule { collection: collection.id, action }).await?;
        explanation.refuse(&refusal);
        return Ok(explanation);
    }
    let verdict = match request {
        Request::Get(request) => get(inner, cx, request, &mut explanation).await,
        Request::List(request) => list(inner, cx, request, &mut explanation).await,
        Request::Create(create) => {
            rehearse(inner, cx, write_requests::create(inner, cx, &create)?, &mut explanation).await
        }
        Request::Update(update) => {
            rehearse(inner, cx, write_requests::update(inner, cx, update)?, &mut explanation).await
        }
        Request::Delete(delete) => {
            rehearse(inner, cx, write_requests::delete(inner, cx, delete)?, &mut explanation).await
        }
    };
    if let Err(error) = verdict {
        explanation.refuse(&error);
    }
    Ok(explanation)
}

async fn get(inner: &Arc<Inner>, cx: &Context, request: Get, into: &mut Explanation) -> Result<(), Error> {
    into.rules =
        transaction::run(inner, cx, ReadRules { collection: request.collection, record: Some(request.id) }).await?;
    let (mut statements, start) = (Vec::new(), Instant::now());
    let found = read::get(inner, cx, request, &mut |executed| statements.push(note(executed))).await;
    into.stage("read", start);
    into.statements = statements;
    found.map(drop)
}

async fn list(inner: &Arc<Inner>, cx: &Context, request: List, into: &mut Explanation) -> Result<(), Error> {
    into.rules = transaction::run(inner, cx, ReadRules { collection: request.collection, record: None }).await?;
    let (mut statements, start) = (Vec::new(), Instant::now());
    let page = read::list(inner, cx, request, &mut |executed| statements.push(note(executed))).await;
    into.stage("read", start);
    into.statements = statements;
    page.map(drop)
}

/// Runs a write, recorded, in a transaction that is undone.
async fn rehearse<T: Transaction>(
    inner: &Arc<Inner>,
    cx: &Context,
    write: Prepared<T>,
    into: &mut Explanation,
) -> Result<(), Error> {
    let start = Instant::now();
    let recording = Arc::new(Mutex::new(Recording::default()));
    let rehearsal = Rehearsal { write: write.transaction, recording: Arc::clone(&recording) };
    let undone = transaction::run(inner, cx, rehearsal).await;
    into.stage("write", start);
    let Recording { verdict, rules, statements } = std::mem::take(&mut *recording.lock());
    (into.rules, into.statements) = (rules, statements);
    match (undone, verdict) {
        // The rehearsal ended by itself: what it found out counts.
        (Err(Error::Conflict(Conflict::Rehearsed)), Some(verdict)) => verdict,
        (Err(error), _) => Err(error),
        (Ok(()), _) => Ok(()),
    }
}

fn subject(request: &Request) -> (&'static str, CollectionId, Action) {
    match request {
        Request::Get(get) => ("get", get.collection, Action::Get),
        Request::List(list) => ("list", list.collection, Action::Search),
        Request::Create(create) => ("create", create.collection, Action::Create),
        Request::Update(update) => ("update", update.collection, Action::Update),
        Request::Delete(delete) => ("delete", delete.collection, Action::Delete),
    }
}

/// What a rehearsal found out.
#[derive(Debug, Default)]
struct Recording {
    verdict: Option<Result<(), Error>>,
    rules: Vec<ExplainedRule>,
    statements: Vec<ExplainedStatement>,
}

/// A write that is run and undone.
struct Rehearsal<T> {
    write: T,
    recording: Arc<Mutex<Recording>>,
}

impl<T: Transaction> Transaction for Rehearsal<T> {
    type Answer = ();

    fn name(&self) -> &'static str {
        "explain"
    }

    fn writes(&self) -> Writes {
        // Its end undoes whatever it wrote.
        Writes::Many
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            cx.recorder = Some(Recorder::default());
            cx.tx.watch();
            // What the database itself refuses shows only when the writes are run.
            let verdict = match self.write.run(cx).await {
                Ok(_) => cx.settle().await,
                Err(error) => Err(error),
            };
            let verdict = verdict.map_err(|error| cx.engine.veiled(error, cx.cx));
            let executed = cx.tx.watched();
            let (rules, statements) = cx.recorder.take().unwrap_or_default().finish(executed);
            *self.recording.lock() = Recording { verdict: Some(verdict), rules, statements };
            Err(Conflict::Rehearsed.into())
        })
    }
}

/// Asks the rules of a read part by part: of one record, or of none in particular.
#[derive(Debug)]
struct ReadRules {
    collection: CollectionId,
    record: Option<RecordId>,
}

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
            let collection: &Collection = cx.model().collection(self.collection);
            let Some(id) = self.record else { return recording::read_rules(cx, collection, None).await };
            let Some(stored) = cx.get(collection.id, id).await? else {
                cx.recorder = Some(Recorder::default());
                recording::absent(cx, collection, Action::Read);
                return Ok(cx.recorder.take().unwrap_or_default().finish(Vec::new()).0);
            };
            let values = Record::values(&stored);
            let subject = Subject { this: RecordSource::Stored, stored: values, proposed: values };
            recording::read_rules(cx, collection, Some(subject)).await
        })
    }
}

/// Asks a type's rule of the caller alone.
#[derive(Debug)]
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
            Ok(vec![recording::type_rule(cx, collection, self.action).await?])
        })
    }
}

fn note(executed: &Executed<'_>) -> ExplainedStatement {
    let Executed { template, bindings, collection, withheld, stats } = executed;
    let note = match *withheld {
        true => Note::withheld(template, bindings, collection),
        false => Note::new(template, bindings, collection),
    };
    note.executed(*stats)
}

fn explained(cx: &Context) -> ExplainedCaller {
    ExplainedCaller {
        kind: cx.caller.kind.name(),
        id: cx.caller.id.map(|id| id.to_string()),
        roles: cx.caller.roles.iter().map(ToString::to_string).collect(),
    }
}
