//! Records a run of the engine for an explanation: the rules that are asked, with what they see.

use backstay_base::{Action, Error};
use backstay_expr::{Expr, Many, Node, Operator, Path, Root, Truth, truth};
use backstay_model::{Collection, FieldId, FieldKind, Model};
use backstay_scalar::Value;
use backstay_sql::{Perspective, RecordSource, Row};

use crate::answered::{NoAnswer, truth_in};
use crate::bind::{Bindings, InMemory};
use crate::compiled::Compiled;
use crate::explanation::{ExplainedPart, ExplainedRule};
use crate::policy::{CollectionPolicy, Way};
use crate::proposal::{Permit, Proposal};
use crate::recorder::{caller_name, of_account, shown, withheld};
use crate::rule_of::RuleOf;
use crate::{Authority, TxContext};

/// The record that rules are asked of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum This {
    /// One that is in memory.
    Held(RecordSource),
    /// The stored one, which is in the trash or was deleted: the perspective has it.
    Gone(Perspective),
}

/// What a rule and its parts are asked of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject<'s> {
    /// Which of them is `this`.
    pub(crate) this: This,
    /// By `FieldId`.
    pub(crate) stored: &'s [Value],
    pub(crate) proposed: &'s [Value],
}

impl<'s> Subject<'s> {
    fn this(self) -> &'s [Value] {
        match self.this {
            This::Held(RecordSource::Proposed) => self.proposed,
            This::Held(RecordSource::Stored) | This::Gone(_) => self.stored,
        }
    }
}

/// Records a rule that a write asks, if the run is recorded.
pub(crate) async fn rule(
    cx: &mut TxContext<'_, '_>,
    proposal: &Proposal<'_>,
    of: RuleOf<'_>,
    this: This,
) -> Result<(), Error> {
    let Some(recorder) = &mut cx.recorder else { return Ok(()) };
    let is_own = proposal.authority == Authority::System && !matches!(of, RuleOf::Check(..));
    if (is_own && recorder.of_callers_alone()) || !recorder.takes_rules() {
        return Ok(());
    }
    let policy = cx.engine.application.policy.collection(proposal.collection.id);
    let subject = Subject { this, stored: proposal.stored_values(), proposed: &proposal.values };
    for explained in
        explained(cx, proposal.collection, Asked::of(of, proposal.collection, policy), Some(subject)).await?
    {
        record(cx, explained);
    }
    Ok(())
}

fn record(cx: &mut TxContext<'_, '_>, rule: ExplainedRule) {
    if let Some(recorder) = &mut cx.recorder {
        recorder.push(rule);
    }
}

/// Records whether a permit lets the fields change that a write changes, if it is limited to some.
pub(crate) fn only(cx: &mut TxContext<'_, '_>, collection: &Collection, permit: &Permit, changed: &[FieldId]) {
    if cx.recorder.is_none() {
        return;
    }
    let policy = cx.engine.application.policy.collection(collection.id);
    let (of, argument, limited) = match permit {
        Permit::Clause(place) => {
            let clause = policy.allow.update(*place);
            let limited = clause.and_then(|clause| clause.only.as_deref().map(|only| (&clause.rule, only)));
            (RuleOf::Clause(*place).names(collection, policy).pop(), "only", limited)
        }
        Permit::Transition(field, way) => {
            let taking = policy.transition(*field, way).and_then(|transition| transition.by.as_ref());
            let limited = taking.map(|taking| (&taking.rule, &*taking.with));
            (RuleOf::Transition(*field, way).names(collection, policy).pop(), "with", limited)
        }
    };
    let (Some(of), Some((rule, only))) = (of, limited) else { return };
    let name = |field: &FieldId| collection.field(*field).name.clone();
    // An embedded value stands for its members.
    let is_part =
        |field: &FieldId, only: &[FieldId]| collection.field(*field).parent().is_some_and(|of| only.contains(&of));
    let part = |field: &FieldId| ExplainedPart {
        text: name(field),
        answer: only.contains(field).to_string(),
        saw: Vec::new(),
    };
    let explained = ExplainedRule {
        of: format!("{of}, {argument}"),
        place: place_of(cx.model(), rule),
        text: only.iter().filter(|field| !is_part(field, only)).map(name).collect::<Vec<_>>().join(", "),
        answer: changed.iter().all(|field| only.contains(field)).to_string(),
        parts: changed.iter().map(part).collect(),
    };
    record(cx, explained);
}

/// Records the rules of a record that is not there: their texts.
pub(crate) fn absent(cx: &mut TxContext<'_, '_>, collection: &Collection, action: Action) {
    if cx.recorder.is_none() {
        return;
    }
    let policy = cx.engine.application.policy.collection(collection.id);
    let actions = match action {
        Action::Read | Action::History => vec![action],
        Action::Restore | Action::Purge => {
            std::iter::once(Action::Read).chain(policy.allow.answering(Action::Trash)).collect()
        }
        action => std::iter::once(Action::Read).chain(policy.allow.answering(action)).collect(),
    };
    for asked in actions.into_iter().flat_map(|action| Asked::of(RuleOf::Type(action), collection, policy)) {
        let answer = "there is no such record".to_owned();
        let rule = described(cx.model(), asked, answer, Vec::new());
        record(cx, rule);
    }
}

/// The rules of a read: the type's for the action, and those of fields; of one record, or of each record of a list.
pub(crate) async fn read_rules(
    cx: &mut TxContext<'_, '_>,
    (collection, action): (&Collection, Action),
    subject: Option<Subject<'_>>,
) -> Result<Vec<ExplainedRule>, Error> {
    let policy: &CollectionPolicy = cx.engine.application.policy.collection(collection.id);
    let mut rules = Vec::new();
    let of_fields = collection.fields.iter().map(|field| RuleOf::Field(field.id, Action::Read));
    for of in std::iter::once(RuleOf::Type(action)).chain(of_fields) {
        rules.extend(explained(cx, collection, Asked::of(of, collection, policy), subject).await?);
    }
    Ok(rules)
}

/// The clauses of a type, and for an update the rules of its transitions, asked of the caller alone.
pub(crate) async fn type_rules(
    cx: &mut TxContext<'_, '_>,
    collection: &Collection,
    action: Action,
) -> Result<Vec<ExplainedRule>, Error> {
    let policy = cx.engine.application.policy.collection(collection.id);
    let of_type = policy.allow.answering(action).into_iter();
    let mut asked: Vec<Asked<'_>> =
        of_type.flat_map(|action| Asked::of(RuleOf::Type(action), collection, policy)).collect();
    if action == Action::Update {
        for states in &policy.states {
            let mut ways: Vec<&Way> = states.transitions.keys().collect();
            ways.sort_unstable();
            asked.extend(
                ways.into_iter().flat_map(|way| Asked::of(RuleOf::Taking(states.field, way), collection, policy)),
            );
        }
    }
    explained(cx, collection, asked, None).await
}

/// A rule that was asked, by its name; without the rule where the model has none, which refuses everybody.
struct Asked<'p> {
    name: String,
    rule: Option<&'p Compiled>,
}

impl<'p> Asked<'p> {
    /// Each rule; the absence of one only where it refuses.
    fn of(of: RuleOf<'_>, collection: &Collection, policy: &'p CollectionPolicy) -> Vec<Self> {
        let rules = of.compiled(policy);
        match of {
            RuleOf::Type(action) if rules.is_empty() => {
                vec![Self { name: format!("{} {}", collection.name, action.rule_name()), rule: None }]
            }
            of => {
                let names = of.names(collection, policy).into_iter();
                names.zip(rules).map(|(name, rule)| Self { name, rule: Some(rule) }).collect()
            }
        }
    }
}

/// Rules with the answers of their parts for one record, or for the caller alone.
async fn explained(
    cx: &mut TxContext<'_, '_>,
    collection: &Collection,
    asked: Vec<Asked<'_>>,
    subject: Option<Subject<'_>>,
) -> Result<Vec<ExplainedRule>, Error> {
    let mut rules = Vec::with_capacity(asked.len());
    for asked in asked {
        let Some(compiled) = asked.rule else {
            rules.push(described(cx.model(), asked, "false".to_owned(), Vec::new()));
            continue;
        };
        let mut leaves = vec![&compiled.whole];
        parts(&compiled.whole, &mut leaves);
        let answers = match subject {
            Some(subject) => ask(cx, collection, &leaves, subject).await?,
            None => ask_of_nobody(cx, compiled, &leaves),
        };
        let Some((answer, of_parts)) = answers.split_first() else { return Err(Error::internal(NoAnswer)) };
        let parts = leaves[1..].iter().zip(of_parts).map(|(part, answer)| ExplainedPart {
            text: part_text(part, compiled),
            answer: answer.clone(),
            saw: saw(cx, part, subject, collection),
        });
        let parts = parts.collect();
        rules.push(described(cx.model(), asked, answer.clone(), parts));
    }
    Ok(rules)
}

/// The answers of a rule and its parts for the caller alone, without a record.
fn ask_of_nobody(cx: &TxContext<'_, '_>, compiled: &Compiled, leaves: &[&Expr]) -> Vec<String> {
    const EACH_RECORD: &str = "each record";
    let whole = compiled.rule().folded(&cx.class.truths);
    let whole = whole.decided().map_or(EACH_RECORD, word).to_owned();
    let of_part = |part: &Expr| {
        let mut about_a_record = false;
        visit(part, &mut |node| about_a_record |= matches!(node, Node::Path(_) | Node::Param(..)));
        if about_a_record {
            return EACH_RECORD.to_owned();
        }
        let memory = InMemory::of(cx.caller(), cx.now(), &[]);
        word(truth(part, &memory)).to_owned()
    };
    std::iter::once(whole).chain(leaves[1..].iter().map(|part| of_part(part))).collect()
}

fn described(model: &Model, asked: Asked<'_>, answer: String, parts: Vec<ExplainedPart>) -> ExplainedRule {
    let Asked { name: of, rule } = asked;
    let Some(rule) = rule else {
        return ExplainedRule { of, place: String::new(), text: String::new(), answer, parts };
    };
    ExplainedRule { of, place: place_of(model, rule), text: rule.text.text.to_string(), answer, parts }
}

/// The file and line of a rule. One of the system model isn't in a file of the application.
fn place_of(model: &Model, rule: &Compiled) -> String {
    let line = model.sources.positions(rule.text.span).start.line;
    model.sources.file(rule.text.span).map(|file| format!("{}:{line}", file.name)).unwrap_or_default()
}

async fn ask(
    cx: &mut TxContext<'_, '_>,
    collection: &Collection,
    parts: &[&Expr],
    subject: Subject<'_>,
) -> Result<Vec<String>, Error> {
    let parts: Vec<Expr> = parts.iter().map(|part| (*part).clone()).collect();
    let Subject { this, stored, proposed } = subject;
    let (template, truths) = match this {
        This::Held(this) => (cx.engine.planner.check(collection.id, this, &parts), (0..parts.len()).collect()),
        This::Gone(perspective) => {
            let plan = cx.engine.planner.stored(collection.id, perspective, &parts);
            (plan.template, plan.truths)
        }
    };
    let bindings = Bindings { proposed, stored, ..cx.bindings() };
    let bindings = match stored.first() {
        Some(Value::Id(id)) => bindings.id(*id),
        _ => bindings,
    };
    let statement = bindings.statement(&template);
    let mut answers = Vec::new();
    let visit = &mut |row: &dyn Row| {
        for column in &truths {
            answers.push(word(truth_in(row, *column)?).to_owned());
        }
        Ok(())
    };
    cx.rows(&statement, visit).await?;
    Ok(answers)
}

/// What is shown of a value that a history doesn't keep.
const NOT_KEPT: &str = "not kept";

/// The values of the caller and of the record's own fields that a part names.
fn saw(
    cx: &TxContext<'_, '_>,
    part: &Expr,
    subject: Option<Subject<'_>>,
    collection: &Collection,
) -> Vec<(String, String)> {
    let mut saw: Vec<(String, String)> = Vec::new();
    visit(part, &mut |node| {
        let seen = match node {
            Node::Caller(of) => (caller_name(of), shown(&of.of(cx.caller()))),
            Node::Now => ("now".to_owned(), cx.now().to_string()),
            Node::Path(Path { root: Root::Account, collection, steps, .. }) => {
                let first = steps.first().copied().unwrap_or(Collection::ID);
                // A record doesn't hold who refers to it.
                if !cx.model().field(*collection, first).is_stored() {
                    return;
                }
                of_account(cx.model(), first, cx.caller())
            }
            Node::Path(path) if !matches!(path.root, Root::Bound(_)) => {
                let (Some(subject), Some(first)) = (subject, path.steps.first()) else { return };
                let (root, values) = match path.root {
                    Root::New => ("new", subject.proposed),
                    Root::Old => ("old", subject.stored),
                    Root::This | Root::Account | Root::Bound(_) => ("this", subject.this()),
                };
                let field = collection.field(*first);
                // A record doesn't hold who refers to it.
                if matches!(field.kind, FieldKind::OneToOne { .. }) {
                    return;
                }
                let is_kept = match subject.this {
                    This::Held(_) => true,
                    This::Gone(perspective) => perspective.has(field),
                };
                let value = match (field.class, values.get(usize::from(first.0))) {
                    (Some(class), _) => withheld(class),
                    (None, _) if !is_kept => NOT_KEPT.to_owned(),
                    (None, Some(value)) => shown(value),
                    (None, None) => shown(&Value::Null),
                };
                (format!("{root}.{}", field.name), value)
            }
            _ => return,
        };
        if !saw.contains(&seen) {
            saw.push(seen);
        }
    });
    saw
}

fn word(truth: Truth) -> &'static str {
    match truth {
        Truth::True => "true",
        Truth::False => "false",
        Truth::Unknown => "unknown",
    }
}

/// The Boolean parts between `&&`, `||`, `!` and `?:`.
fn parts<'e>(expr: &'e Expr, into: &mut Vec<&'e Expr>) {
    match &expr.node {
        // What a named rule stands for has its place: the rule is one part.
        Node::Binary(Operator::And | Operator::Or, left, right) if left.span != right.span => {
            parts(left, into);
            parts(right, into);
        }
        Node::Not(of) => parts(of, into),
        Node::Conditional(condition, then, otherwise) => {
            parts(condition, into);
            parts(then, into);
            parts(otherwise, into);
        }
        _ => into.push(expr),
    }
}

fn visit(expr: &Expr, see: &mut impl FnMut(&Node)) {
    see(&expr.node);
    let over = match &expr.node {
        Node::Quantifier { over, .. } => Some(over),
        Node::Aggregate(of) => Some(&of.over),
        _ => None,
    };
    if let Some(path) = over.and_then(Many::path) {
        see(&Node::Path(path.clone()));
    }
    expr.node.children().into_iter().for_each(|part| visit(part, see));
}

fn part_text(part: &Expr, rule: &Compiled) -> String {
    let range = part.span.start as usize..part.span.end as usize;
    // A part of a named rule stands for the whole of the text that names it.
    rule.text.text.get(range).unwrap_or(&rule.text.text).to_owned()
}
