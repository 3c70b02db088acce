use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use backstay_base::{Action, Conflict, Error, RecordId};
use backstay_model::{Collection, CollectionId, Field, FieldId};
use backstay_sql::{Slot, Template};
use backstay_store::{ReadStats, StoreError, Writes};
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use serde::Serialize;

use crate::bind::Bindings;
use crate::decode::{decode_draft, decode_drafts};
use crate::engine::Engine;
use crate::read::may_at_all;
use crate::sink::{Collect, OneRecord};
use crate::trace::TraceRules;
use crate::{Authority, Context, Create, Delete, Draft, Get, IfMatch, List, OpContext, Operation, Update};

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

/// Why a request is allowed or refused, and what it costs.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// What was asked, in words.
    pub request: String,
    /// Who asked.
    pub caller: ExplainedCaller,
    /// Whether it is allowed.
    pub allowed: bool,
    /// What the caller would be told, where it is refused.
    pub refusal: Option<String>,
    /// The rules that were asked.
    pub rules: Vec<ExplainedRule>,
    /// The statements that were run: of a read its own, of a write all of them.
    pub statements: Vec<ExplainedStatement>,
    /// How long each stage took.
    pub stages: Vec<Stage>,
}

/// A caller, as rules see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedCaller {
    /// `auth.kind`.
    pub kind: &'static str,
    /// `auth.id`.
    pub id: Option<String>,
    /// `auth.roles`.
    pub roles: Vec<String>,
}

/// A rule and what it came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedRule {
    /// Whose rule it is, such as `Post read` or `User.email read`.
    pub of: String,
    /// Where it stands, such as `model/post.graphql:7`.
    pub place: String,
    /// Its text; empty where there is none, which refuses everybody.
    pub text: String,
    /// `true`, `false`, `unknown`, or `each record` where it is asked in the statement.
    pub answer: String,
    /// Its parts, in order.
    pub parts: Vec<ExplainedPart>,
}

/// A part of a rule and what it came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedPart {
    /// Its text.
    pub text: String,
    /// `true`, `false`, `unknown` or `each record`.
    pub answer: String,
    /// The values that it saw, by the names they have in the text. Classified ones are withheld.
    pub saw: Vec<(String, String)>,
}

/// A statement that was run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedStatement {
    /// Its text.
    pub sql: String,
    /// The values of its placeholders, in order, each with where it comes from.
    pub values: Vec<String>,
    /// Rows that it answered or changed.
    pub rows: u64,
    /// Rows that were visited by walking through a table without an index.
    pub scanned: u64,
    /// Steps of the database's virtual machine.
    pub steps: u64,
}

/// A stage of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stage {
    /// `plan`, `read`, `write`.
    pub name: &'static str,
    /// How long it took.
    pub micros: u64,
}

impl Engine {
    /// Explains a request of the context's caller: the rules that allow or refuse it with what they saw, the statement,
    /// and the time of each stage. A write is tried and undone.
    pub async fn explain(&self, cx: &Context, request: ExplainRequest) -> Result<Explanation, Error> {
        let model = Arc::clone(self.model());
        let (collection, id, action) = request.subject();
        let collection = model.collection(collection);
        let drafts = match &request {
            ExplainRequest::Create(create) => decode_drafts(&model, create.collection, &create.body)?.0,
            ExplainRequest::Update(update) => vec![decode_draft(&model, update.collection, &update.body)?.merging()],
            _ => Vec::new(),
        };
        let mut explanation = Explanation {
            request: format!("{} {}", request.name(), collection.name),
            caller: explained(cx),
            allowed: true,
            refusal: None,
            rules: Vec::new(),
            statements: Vec::new(),
            stages: Vec::new(),
        };
        let subject = match (id, action) {
            (Some(id), Action::Update) => RuleSubject::Changed(id, drafts.first().cloned().unwrap_or_default()),
            (Some(id), _) => RuleSubject::Stored(id),
            (None, Action::Create) => RuleSubject::Proposed(drafts.clone()),
            (None, _) => RuleSubject::EachRecord,
        };
        let trace = TraceRules { collection: collection.id, subject, action };
        explanation.rules = self.run(cx, trace).await?;
        let outcome = match request {
            ExplainRequest::Get(get) => self.explain_get(cx, get, &mut explanation).await,
            ExplainRequest::List(list) => self.explain_list(cx, list, &mut explanation).await,
            ExplainRequest::Create(create) => {
                self.rehearse(cx, collection, Trial::Create(create.collection, drafts), &mut explanation).await
            }
            ExplainRequest::Update(update) => {
                let draft = drafts.into_iter().next().unwrap_or_default();
                let trial = Trial::Update(update.collection, update.id, draft, update.options.if_match);
                self.rehearse(cx, collection, trial, &mut explanation).await
            }
            ExplainRequest::Delete(delete) => {
                let trial = Trial::Delete(delete.collection, delete.id, delete.options.if_match);
                self.rehearse(cx, collection, trial, &mut explanation).await
            }
        };
        if let Err(error) = outcome {
            explanation.allowed = false;
            explanation.refusal = Some(error.to_string());
        }
        Ok(explanation)
    }

    async fn explain_get(&self, cx: &Context, request: Get, into: &mut Explanation) -> Result<(), Error> {
        let inner = &*self.inner;
        let collection = inner.application.model.collection(request.collection);
        let class = inner.application.class(&cx.caller);
        may_at_all(&class.rights, cx, collection, Action::Read)?;
        let start = Instant::now();
        let plan = inner.get_plan(&class, collection, request.select)?;
        into.stage("plan", start);
        let start = Instant::now();
        let bindings = Bindings::new(&cx.caller, cx.now).id(request.id);
        let statement = bindings.statement(&plan.template);
        let mut sink = OneRecord::new(&plan);
        let stats = inner.read(&statement, &mut sink).await?;
        into.stage("read", start);
        into.statement(Note::new(&plan.template, &bindings, collection), stats);
        match sink.version {
            Some(_) => Ok(()),
            None => Err(crate::read::not_found(collection)),
        }
    }

    async fn explain_list(&self, cx: &Context, request: List, into: &mut Explanation) -> Result<(), Error> {
        let inner = &*self.inner;
        let class = inner.application.class(&cx.caller);
        let start = Instant::now();
        let prepared = inner.prepare_list(cx, &class, &request)?;
        into.stage("plan", start);
        let start = Instant::now();
        let bindings = prepared.bindings(cx);
        let statement = bindings.statement(&prepared.plan.page.template);
        let mut sink = Collect::new(|_: &dyn backstay_sql::Row| Ok(()));
        let stats = inner.read(&statement, &mut sink).await?;
        into.stage("read", start);
        let collection = inner.application.model.collection(request.collection);
        let template = &prepared.plan.page.template;
        let note = match prepared.plan.names_classified {
            true => Note::withheld(template, &bindings, collection),
            false => Note::new(template, &bindings, collection),
        };
        into.statement(note, stats);
        Ok(())
    }

    /// Runs a write in a transaction that is undone.
    async fn rehearse(
        &self,
        cx: &Context,
        collection: &Collection,
        trial: Trial,
        into: &mut Explanation,
    ) -> Result<(), Error> {
        let action = trial.action();
        may_at_all(&self.inner.application.class(&cx.caller).rights, cx, collection, action)?;
        let start = Instant::now();
        let tried = Arc::new(Mutex::new(Tried::default()));
        let undone = self.run(cx, Rehearsal { trial, tried: Arc::clone(&tried) }).await;
        into.stage("write", start);
        let Tried { refusal, statements } = std::mem::take(&mut *tried.lock());
        for (note, stats) in statements {
            into.statement(note, stats);
        }
        match (undone, refusal) {
            // The rehearsal ended by itself: what it found out counts.
            (Err(Error::Conflict(Conflict::Already(_))), None) => Ok(()),
            (_, Some(refusal)) => Err(refusal),
            (other, None) => other,
        }
    }
}

impl ExplainRequest {
    fn subject(&self) -> (CollectionId, Option<RecordId>, Action) {
        match self {
            Self::Get(get) => (get.collection, Some(get.id), Action::Read),
            Self::List(list) => (list.collection, None, Action::Read),
            Self::Create(create) => (create.collection, None, Action::Create),
            Self::Update(update) => (update.collection, Some(update.id), Action::Update),
            Self::Delete(delete) => (delete.collection, Some(delete.id), Action::Delete),
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Get(_) => "get",
            Self::List(_) => "list",
            Self::Create(_) => "create",
            Self::Update(_) => "update",
            Self::Delete(_) => "delete",
        }
    }
}

/// The record that a rule is asked of.
#[derive(Debug)]
pub(crate) enum RuleSubject {
    /// Those of a list, in its statement.
    EachRecord,
    Stored(RecordId),
    Proposed(Vec<Draft>),
    /// A stored record and what it would become.
    Changed(RecordId, Draft),
}

/// A statement with its values, as a person reads them. Classified ones are withheld.
#[derive(Debug)]
pub(crate) struct Note {
    sql: String,
    values: Vec<String>,
}

impl Note {
    pub(crate) fn new(template: &Template, bindings: &Bindings<'_>, collection: &Collection) -> Self {
        let values = template.slots().map(|slot| bound(slot, bindings, collection)).collect();
        Self { sql: template.text().to_owned(), values }
    }

    /// The same of a statement in which what is compared with may be classified: what a request brought is not told.
    fn withheld(template: &Template, bindings: &Bindings<'_>, collection: &Collection) -> Self {
        let value = |slot: &Slot| match slot {
            Slot::Cursor(_) | Slot::Param(..) | Slot::Constant(_) => "(withheld)".to_owned(),
            slot => bound(slot, bindings, collection),
        };
        Self { sql: template.text().to_owned(), values: template.slots().map(value).collect() }
    }
}

/// A write that is tried.
#[derive(Debug)]
enum Trial {
    Create(CollectionId, Vec<Draft>),
    Update(CollectionId, RecordId, Draft, Option<IfMatch>),
    Delete(CollectionId, RecordId, Option<IfMatch>),
}

impl Trial {
    fn action(&self) -> Action {
        match self {
            Self::Create(..) => Action::Create,
            Self::Update(..) => Action::Update,
            Self::Delete(..) => Action::Delete,
        }
    }
}

/// What a rehearsal found out.
#[derive(Debug, Default)]
struct Tried {
    refusal: Option<Error>,
    statements: Vec<(Note, ReadStats)>,
}

#[derive(Debug)]
struct Rehearsal {
    trial: Trial,
    tried: Arc<Mutex<Tried>>,
}

impl Operation for Rehearsal {
    type Answer = ();

    fn name(&self) -> &'static str {
        "explain"
    }

    fn writes(&self) -> Writes {
        Writes::Many
    }

    fn run<'a>(&'a self, cx: &'a mut OpContext<'_, '_>) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            cx.watch();
            let done = match &self.trial {
                Trial::Create(collection, drafts) => {
                    cx.create_all(*collection, drafts, drafts.len() > 1).await.map(drop)
                }
                Trial::Update(collection, id, draft, if_match) => {
                    cx.update(Authority::Caller, *collection, *id, draft.clone(), if_match.as_ref()).await.map(drop)
                }
                Trial::Delete(collection, id, if_match) => {
                    cx.delete(Authority::Caller, *collection, *id, if_match.as_ref()).await.map(drop)
                }
            };
            // What the database itself refuses shows only when the writes are run.
            let settled = match done {
                Ok(()) => cx.settle().await,
                Err(error) => Err(error),
            };
            *self.tried.lock() = Tried { refusal: settled.err(), statements: cx.watched() };
            Err(Conflict::Already("explained").into())
        })
    }
}

impl OpContext<'_, '_> {
    /// Keeps what is run from now on.
    fn watch(&mut self) {
        self.notes = Some(Vec::new());
        self.tx.watch();
    }

    /// The statements that were run, each with what it cost.
    fn watched(&mut self) -> Vec<(Note, ReadStats)> {
        let mut notes = self.notes.take().unwrap_or_default();
        let executed = self.tx.watched();
        let with_note = executed.into_iter().filter_map(|executed| {
            let place = notes.iter().position(|note| note.sql == executed.statement.text())?;
            Some((notes.remove(place), executed.stats))
        });
        with_note.collect()
    }

    async fn settle(&mut self) -> Result<(), Error> {
        let settled = self.tx.settle().await;
        settled.map_err(|error| {
            self.reference_failed |= matches!(error, StoreError::ForeignKey);
            self.engine.refused(error)
        })
    }
}

impl Explanation {
    fn stage(&mut self, name: &'static str, start: Instant) {
        let micros = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.stages.push(Stage { name, micros });
    }

    fn statement(&mut self, note: Note, stats: ReadStats) {
        let Note { sql, values } = note;
        let ReadStats { rows, scanned, steps, .. } = stats;
        self.statements.push(ExplainedStatement { sql, values, rows, scanned, steps });
    }
}

fn bound(slot: &Slot, bindings: &Bindings<'_>, collection: &Collection) -> String {
    let field = |id: &FieldId| match collection.field(*id) {
        Field { name, class: Some(class), .. } => format!("{name} = {}", crate::trace::withheld(*class)),
        Field { name, .. } => format!("{name} = {}", crate::trace::shown(&bindings.value(slot))),
    };
    let value = || crate::trace::shown(&bindings.value(slot));
    match slot {
        Slot::Constant(_) => value(),
        Slot::Id => format!("id = {}", value()),
        Slot::Version => format!("version = {}", value()),
        Slot::Proposed(column) => field(&column.field),
        Slot::Stored(column) => format!("stored {}", field(&column.field)),
        Slot::Caller(part) => format!("{} = {}", crate::trace::caller_name(part), value()),
        Slot::Now => format!("now = {}", value()),
        Slot::Limit => format!("limit = {}", value()),
        Slot::Cursor(index) => format!("cursor {} = {}", index + 1, value()),
        Slot::Param(index, _) => format!("parameter {} = {}", index + 1, value()),
        Slot::Argument(_) => format!("related id = {}", value()),
    }
}

fn explained(cx: &Context) -> ExplainedCaller {
    ExplainedCaller {
        kind: cx.caller.kind.name(),
        id: cx.caller.id.map(|id| id.to_string()),
        roles: cx.caller.roles.iter().map(ToString::to_string).collect(),
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.allowed { "allowed" } else { "refused" };
        writeln!(f, "{}: {verdict}", self.request)?;
        if let Some(refusal) = &self.refusal {
            writeln!(f, "  {refusal}")?;
        }
        let ExplainedCaller { kind, id, roles } = &self.caller;
        let id = id.as_deref().unwrap_or("no id");
        let roles = if roles.is_empty() { "no roles".to_owned() } else { roles.join(", ") };
        writeln!(f, "\ncaller\n  {kind}, {id}, {roles}")?;
        writeln!(f, "\nrules")?;
        for rule in &self.rules {
            write!(f, "{rule}")?;
        }
        for statement in &self.statements {
            writeln!(f, "\nstatement\n  {}", statement.sql)?;
            writeln!(f, "  values: {}", statement.values.join(", "))?;
            let ExplainedStatement { rows, scanned, steps, .. } = statement;
            writeln!(f, "  {rows} rows answered or changed, {scanned} visited without an index, {steps} steps")?;
        }
        writeln!(f, "\nstages")?;
        for stage in &self.stages {
            writeln!(f, "  {:<6} {:>8} µs", stage.name, stage.micros)?;
        }
        Ok(())
    }
}

impl fmt::Display for ExplainedRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.text.is_empty() {
            return writeln!(f, "  {}: there is no rule, so nobody may", self.of);
        }
        writeln!(f, "  {}: {}    ({})\n    {}", self.of, self.answer, self.place, self.text)?;
        for part in &self.parts {
            let saw: Vec<String> = part.saw.iter().map(|(name, value)| format!("{name} = {value}")).collect();
            let saw = if saw.is_empty() { String::new() } else { format!("    [{}]", saw.join(", ")) };
            writeln!(f, "      {:<10} {}{saw}", part.answer, part.text)?;
        }
        Ok(())
    }
}
