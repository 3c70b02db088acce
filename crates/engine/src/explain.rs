//! Explains a request: the same run as if it were answered, recorded, and a write undone at its end.

use std::sync::Arc;
use std::time::Instant;

use backstay_base::{Action, Conflict, Error, RecordId};
use backstay_model::{Collection, CollectionId};
use backstay_sql::RecordSource;
use backstay_store::{StoreError, Writes};
use futures_util::future::BoxFuture;
use parking_lot::Mutex;

use crate::engine::Engine;
use crate::explanation::{ExplainedCaller, ExplainedRule, ExplainedStatement, Explanation};
use crate::read::Executed;
use crate::recorder::{self, Note, Recorder, Subject};
use crate::write_requests::Prepared;
use crate::{Context, Create, Delete, Get, List, Record, Transaction, TxContext, Update};

/// A request to be explained. Nothing is stored by explaining it.
#[derive(Debug, Clone)]
pub enum ExplainRequest {
    /// A get.
    Get(Get),
    /// A list.
    List(List),
    /// A create.
    Create(Create),
    /// An update.
    Update(Update),
    /// A delete.
    Delete(Delete),
}

impl Engine {
    /// Explains a request of the context's caller: the rules that were asked with what they saw, the statements, and the
    /// time of each stage, up to the verdict.
    pub async fn explain(&self, cx: &Context, request: ExplainRequest) -> Result<Explanation, Error> {
        let model = Arc::clone(self.model());
        let (name, collection, action) = request.subject();
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
        if let Err(refusal) = self.admitted(cx, collection.id, action) {
            // No record matters: the type's rule refuses the caller as such.
            explanation.rules = self.run(cx, TypeRule { collection: collection.id, action }).await?;
            explanation.refuse(&refusal);
            return Ok(explanation);
        }
        let verdict = match request {
            ExplainRequest::Get(get) => self.explain_get(cx, get, &mut explanation).await,
            ExplainRequest::List(list) => self.explain_list(cx, list, &mut explanation).await,
            ExplainRequest::Create(create) => {
                self.rehearse(cx, self.prepare_create(cx, &create)?, &mut explanation).await
            }
            ExplainRequest::Update(update) => {
                self.rehearse(cx, self.prepare_update(cx, update)?, &mut explanation).await
            }
            ExplainRequest::Delete(delete) => {
                self.rehearse(cx, self.prepare_delete(cx, delete)?, &mut explanation).await
            }
        };
        if let Err(error) = verdict {
            explanation.refuse(&error);
        }
        Ok(explanation)
    }

    async fn explain_get(&self, cx: &Context, request: Get, into: &mut Explanation) -> Result<(), Error> {
        into.rules = self.run(cx, ReadRules { collection: request.collection, record: Some(request.id) }).await?;
        let (mut statements, start) = (Vec::new(), Instant::now());
        let found = self.get_recorded(cx, request, &mut |executed| statements.push(note(executed))).await;
        into.stage("read", start);
        into.statements = statements;
        found.map(drop)
    }

    async fn explain_list(&self, cx: &Context, request: List, into: &mut Explanation) -> Result<(), Error> {
        into.rules = self.run(cx, ReadRules { collection: request.collection, record: None }).await?;
        let (mut statements, start) = (Vec::new(), Instant::now());
        let page = self.list_recorded(cx, request, &mut |executed| statements.push(note(executed))).await;
        into.stage("read", start);
        into.statements = statements;
        page.map(drop)
    }

    /// Runs a write, recorded, in a transaction that is undone.
    async fn rehearse<O: Transaction>(
        &self,
        cx: &Context,
        write: Prepared<O>,
        into: &mut Explanation,
    ) -> Result<(), Error> {
        let start = Instant::now();
        let recording = Arc::new(Mutex::new(Recording::default()));
        let rehearsal = Rehearsal { write: write.operation, recording: Arc::clone(&recording) };
        let undone = self.run(cx, rehearsal).await;
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
}

impl ExplainRequest {
    fn subject(&self) -> (&'static str, CollectionId, Action) {
        match self {
            Self::Get(get) => ("get", get.collection, Action::Get),
            Self::List(list) => ("list", list.collection, Action::Search),
            Self::Create(create) => ("create", create.collection, Action::Create),
            Self::Update(update) => ("update", update.collection, Action::Update),
            Self::Delete(delete) => ("delete", delete.collection, Action::Delete),
        }
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
struct Rehearsal<O> {
    write: O,
    recording: Arc<Mutex<Recording>>,
}

impl<O: Transaction> Transaction for Rehearsal<O> {
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
            let Some(id) = self.record else { return recorder::read_rules(cx, collection, None).await };
            let Some(stored) = cx.get(collection.id, id).await? else {
                cx.recorder = Some(Recorder::default());
                recorder::absent(cx, collection, Action::Read);
                return Ok(cx.recorder.take().unwrap_or_default().finish(Vec::new()).0);
            };
            let values = Record::values(&stored);
            let subject = Subject { this: RecordSource::Stored, stored: values, proposed: values };
            recorder::read_rules(cx, collection, Some(subject)).await
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
            Ok(vec![recorder::type_rule(cx, collection, self.action).await?])
        })
    }
}

impl TxContext<'_, '_> {
    /// Runs the staged writes.
    pub(crate) async fn settle(&mut self) -> Result<(), Error> {
        let settled = self.tx.settle().await;
        settled.map_err(|error| {
            self.reference_failed |= matches!(error, StoreError::ForeignKey);
            self.engine.refused(error)
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
