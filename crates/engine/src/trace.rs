use backstay_base::{Action, Error};
use backstay_expr::{CallerPart, Expr, Node, Operator, Root, Truth, truth};
use backstay_model::{Class, Collection, CollectionId, Field, SetOn};
use backstay_scalar::{Value, ValueRef};
use backstay_sql::{RecordSource, Row};
use backstay_store::Writes;
use futures_util::future::BoxFuture;

use crate::bind::{Bindings, InMemory};
use crate::explain::{ExplainedPart, ExplainedRule, RuleSubject};
use crate::policy::{CollectionPolicy, Compiled, StatePolicy, Way};
use crate::proposal::patched;
use crate::{Authority, Draft, OpContext, Operation, Record};

/// Records of a create whose rules are shown.
const TRACED_RECORDS: usize = 10;

/// Asks the rules of an action part by part.
#[derive(Debug)]
pub(crate) struct TraceRules {
    pub(crate) collection: CollectionId,
    pub(crate) subject: RuleSubject,
    pub(crate) action: Action,
}

/// What rules are asked of: values by `FieldId`.
struct Subject {
    /// Which of them is `this`.
    this: RecordSource,
    stored: Vec<Value>,
    proposed: Vec<Value>,
}

impl Subject {
    fn this(&self) -> &[Value] {
        if self.this == RecordSource::Stored { &self.stored } else { &self.proposed }
    }

    fn of(this: RecordSource, stored: &[Value], proposed: &[Value]) -> Self {
        Self { this, stored: stored.to_vec(), proposed: proposed.to_vec() }
    }
}

impl Operation for TraceRules {
    type Answer = Vec<ExplainedRule>;

    fn name(&self) -> &'static str {
        "explain"
    }

    fn writes(&self) -> Writes {
        Writes::None
    }

    fn run<'a>(&'a self, cx: &'a mut OpContext<'_, '_>) -> BoxFuture<'a, Result<Vec<ExplainedRule>, Error>> {
        Box::pin(async move {
            let collection = cx.engine.application.model.collection(self.collection);
            match &self.subject {
                RuleSubject::EachRecord => cx.trace_read(collection, None).await,
                RuleSubject::Proposed(drafts) => cx.trace_creates(collection, drafts).await,
                RuleSubject::Stored(id) | RuleSubject::Changed(id, _) => {
                    let stored = cx.get(collection.id, *id).await?;
                    let values = stored.as_ref().map(Record::values);
                    let Some(values) = values else { return Ok(cx.trace_absent(collection, self.action)) };
                    let subject = Subject::of(RecordSource::Stored, values, values);
                    match (&self.subject, self.action) {
                        (RuleSubject::Changed(_, draft), _) => cx.trace_update(collection, values, draft).await,
                        (_, Action::Read) => cx.trace_read(collection, Some(&subject)).await,
                        (_, action) => Ok(vec![
                            cx.trace_type(collection, Action::Read, Some(&subject)).await?,
                            cx.trace_type(collection, action, Some(&subject)).await?,
                        ]),
                    }
                }
            }
        })
    }
}

impl<'a> OpContext<'a, '_> {
    fn policy(&self, collection: &Collection) -> &'a CollectionPolicy {
        self.engine.application.policy.collection(collection.id)
    }

    /// The rules of a read: the type's, and those of fields.
    async fn trace_read(
        &mut self,
        collection: &Collection,
        subject: Option<&Subject>,
    ) -> Result<Vec<ExplainedRule>, Error> {
        let mut rules = vec![self.trace_type(collection, Action::Read, subject).await?];
        for field in &collection.fields {
            rules.extend(self.trace_field(collection, field, Action::Read, subject).await?);
        }
        Ok(rules)
    }

    /// The rules of each of several new records, of the first of them.
    async fn trace_creates(&mut self, collection: &Collection, drafts: &[Draft]) -> Result<Vec<ExplainedRule>, Error> {
        let mut all = Vec::new();
        for (index, draft) in drafts.iter().take(TRACED_RECORDS).enumerate() {
            let rules = self.trace_create(collection, draft).await?;
            match drafts.len() {
                1 => all.extend(rules),
                _ => all.extend(rules.into_iter().map(|rule| {
                    let of = format!("{} (record {index})", rule.of);
                    ExplainedRule { of, ..rule }
                })),
            }
        }
        Ok(all)
    }

    async fn trace_create(&mut self, collection: &Collection, draft: &Draft) -> Result<Vec<ExplainedRule>, Error> {
        let mut ignored = Vec::new();
        let mut values = self.proposed(collection, draft, Authority::Caller, &mut ignored);
        self.apply_sets(collection, SetOn::Create, &[], &mut values, &mut ignored);
        let subject = Subject::of(RecordSource::Proposed, &[], &values);
        let mut rules = vec![self.trace_type(collection, Action::Create, Some(&subject)).await?];
        for id in draft.fields() {
            rules.extend(self.trace_field(collection, collection.field(id), Action::Create, Some(&subject)).await?);
        }
        rules.extend(self.trace_checks(collection, &subject).await?);
        Ok(rules)
    }

    /// The rules of an update, for the record as it is and as it would be.
    async fn trace_update(
        &mut self,
        collection: &Collection,
        stored: &[Value],
        draft: &Draft,
    ) -> Result<Vec<ExplainedRule>, Error> {
        let mut ignored = Vec::new();
        let mut proposed = patched(stored, draft);
        let ways = self.ways(collection, stored, &proposed);
        for (states, way) in &ways {
            self.pass(collection, states, way, stored, &mut proposed, &mut ignored);
        }
        if proposed != stored {
            self.apply_sets(collection, SetOn::Update, &[], &mut proposed, &mut ignored);
        }
        let before = Subject::of(RecordSource::Stored, stored, &proposed);
        let after = Subject::of(RecordSource::Proposed, stored, &proposed);
        let mut rules = vec![self.trace_type(collection, Action::Read, Some(&before)).await?];
        rules.push(self.trace_type(collection, Action::Update, Some(&before)).await?);
        let names_new = |rule: Option<&Compiled>| rule.is_none_or(|rule| rule.names_new);
        if !names_new(self.policy(collection).allow.of(Action::Update)) {
            rules.push(afterwards(self.trace_type(collection, Action::Update, Some(&after)).await?));
        }
        for id in draft.fields() {
            let field = collection.field(id);
            rules.extend(self.trace_field(collection, field, Action::Update, Some(&before)).await?);
            if !names_new(self.policy(collection).fields[usize::from(id.0)].allow.of(Action::Update)) {
                let then = self.trace_field(collection, field, Action::Update, Some(&after)).await?;
                rules.extend(then.map(afterwards));
            }
        }
        for (states, (from, to)) in ways {
            let guard = states.transitions.get(&(from.clone(), to.clone())).and_then(|way| way.when.as_ref());
            if guard.is_some() {
                let of = format!("{}.{} {from} to {to}", collection.name, collection.field(states.field).name);
                rules.push(self.trace(collection, of, guard, Some(&before)).await?);
            }
        }
        rules.extend(self.trace_checks(collection, &after).await?);
        Ok(rules)
    }

    /// The transitions from the one to the other.
    fn ways(&self, collection: &Collection, stored: &[Value], proposed: &[Value]) -> Vec<(&'a StatePolicy, Way)> {
        let way = |states: &'a StatePolicy| {
            let at = usize::from(states.field.0);
            match (&stored[at], &proposed[at]) {
                (Value::Text(from), Value::Text(to)) if from != to => Some((states, (from.clone(), to.clone()))),
                _ => None,
            }
        };
        self.policy(collection).states.iter().filter_map(way).collect()
    }

    /// What is known of a record that is not there: the texts of the rules.
    fn trace_absent(&self, collection: &Collection, action: Action) -> Vec<ExplainedRule> {
        let actions = if action == Action::Read { vec![action] } else { vec![Action::Read, action] };
        let rule = |action: Action| {
            let rule = self.policy(collection).allow.of(action);
            self.described(type_rule(collection, action), rule, "there is no such record".to_owned(), Vec::new())
        };
        actions.into_iter().map(rule).collect()
    }

    async fn trace_type(
        &mut self,
        collection: &Collection,
        action: Action,
        subject: Option<&Subject>,
    ) -> Result<ExplainedRule, Error> {
        let rule = self.policy(collection).allow.of(action);
        self.trace(collection, type_rule(collection, action), rule, subject).await
    }

    async fn trace_field(
        &mut self,
        collection: &Collection,
        field: &Field,
        action: Action,
        subject: Option<&Subject>,
    ) -> Result<Option<ExplainedRule>, Error> {
        let rule = self.policy(collection).fields[usize::from(field.id.0)].allow.of(action);
        if rule.is_none() {
            return Ok(None);
        }
        let of = format!("{}.{} {}", collection.name, field.name, action.name());
        self.trace(collection, of, rule, subject).await.map(Some)
    }

    async fn trace_checks(&mut self, collection: &Collection, subject: &Subject) -> Result<Vec<ExplainedRule>, Error> {
        let mut rules = Vec::new();
        for (field, policy) in collection.fields.iter().zip(&self.policy(collection).fields) {
            for check in &policy.checks {
                let of = format!("{}.{} check", collection.name, field.name);
                rules.push(self.trace(collection, of, Some(&check.rule), Some(subject)).await?);
            }
        }
        Ok(rules)
    }

    /// A rule with the answers of its parts for one record, or for the caller alone.
    async fn trace(
        &mut self,
        collection: &Collection,
        of: String,
        rule: Option<&Compiled>,
        subject: Option<&Subject>,
    ) -> Result<ExplainedRule, Error> {
        let Some(compiled) = rule else { return Ok(self.described(of, None, "false".to_owned(), Vec::new())) };
        let mut leaves = vec![&compiled.whole];
        parts(&compiled.whole, &mut leaves);
        let asked: Vec<Expr> = leaves.iter().map(|part| (*part).clone()).collect();
        let answers = match subject {
            Some(subject) => self.ask(collection, &asked, subject).await?,
            None => self.ask_of_nobody(compiled, &leaves),
        };
        let mut answers = answers.into_iter();
        let answer = answers.next().unwrap_or_default();
        let parts = leaves[1..].iter().zip(answers).map(|(part, answer)| ExplainedPart {
            text: part_text(part, compiled),
            answer,
            saw: self.saw(part, subject, collection),
        });
        let parts = parts.collect();
        Ok(self.described(of, rule, answer, parts))
    }

    /// What a rule and its parts come to by the caller alone, where no record is at hand.
    fn ask_of_nobody(&self, compiled: &Compiled, leaves: &[&Expr]) -> Vec<String> {
        const EACH_RECORD: &str = "each record";
        let whole = compiled.rule().folded(&self.class.truths);
        let whole = whole.decided().map_or(EACH_RECORD, word).to_owned();
        let of_part = |part: &Expr| {
            let mut about_a_record = false;
            visit(part, &mut |node| about_a_record |= matches!(node, Node::Path(_) | Node::Param(_)));
            if about_a_record {
                return EACH_RECORD.to_owned();
            }
            let memory = InMemory { caller: self.caller(), now: self.now(), this: &[], new: &[] };
            word(truth(part, &memory)).to_owned()
        };
        std::iter::once(whole).chain(leaves[1..].iter().map(|part| of_part(part))).collect()
    }

    fn described(
        &self,
        of: String,
        rule: Option<&Compiled>,
        answer: String,
        parts: Vec<ExplainedPart>,
    ) -> ExplainedRule {
        let Some(rule) = rule else {
            return ExplainedRule { of, place: String::new(), text: String::new(), answer, parts };
        };
        let sources = &self.model().sources;
        let line = sources.positions(rule.text.span).start.line;
        let place = sources.file(rule.text.span).map(|file| format!("{}:{line}", file.name)).unwrap_or_default();
        ExplainedRule { of, place, text: rule.text.text.to_string(), answer, parts }
    }

    async fn ask(&mut self, collection: &Collection, parts: &[Expr], subject: &Subject) -> Result<Vec<String>, Error> {
        let template = self.engine.planner.check(collection.id, subject.this, parts);
        let Subject { stored, proposed, .. } = subject;
        let statement = Bindings { proposed, stored, ..self.bindings() }.statement(&template);
        let mut answers = Vec::new();
        let visit = &mut |row: &dyn Row| {
            for column in 0..parts.len() {
                let truth = match row.value(column)? {
                    ValueRef::Bool(truth) => Truth::from(truth),
                    _ => Truth::Unknown,
                };
                answers.push(word(truth).to_owned());
            }
            Ok(())
        };
        self.rows(&statement, visit).await?;
        Ok(answers)
    }

    /// The values of the caller and of the record's own fields that a part names.
    fn saw(&self, part: &Expr, subject: Option<&Subject>, collection: &Collection) -> Vec<(String, String)> {
        let mut saw = Vec::new();
        visit(part, &mut |node| match node {
            Node::Caller(of) => {
                saw.push((caller_name(of), shown(&of.of(self.caller()))));
            }
            Node::Now => saw.push(("now".to_owned(), self.now().to_string())),
            Node::Path(path) if !matches!(path.root, Root::Bound(_)) => {
                let (Some(subject), Some(first)) = (subject, path.steps.first()) else { return };
                let values = if path.root == Root::New { &subject.proposed } else { subject.this() };
                let field = collection.field(*first);
                let value = match field.class {
                    Some(class) => withheld(class),
                    None => shown(values.get(usize::from(first.0)).unwrap_or(&Value::Null)),
                };
                let root = if path.root == Root::New { "new" } else { "this" };
                saw.push((format!("{root}.{}", field.name), value));
            }
            _ => {}
        });
        saw.dedup();
        saw
    }
}

fn type_rule(collection: &Collection, action: Action) -> String {
    format!("{} {}", collection.name, action.name())
}

/// The rule as one of the record as it would be.
fn afterwards(rule: ExplainedRule) -> ExplainedRule {
    ExplainedRule { of: format!("{}, afterwards", rule.of), ..rule }
}

/// What stands for a value that is classified.
pub(crate) fn withheld(class: Class) -> String {
    format!("(withheld: {class:?})")
}

/// What rules call a part of the caller.
pub(crate) fn caller_name(part: &CallerPart) -> String {
    match part {
        CallerPart::Id => "auth.id".to_owned(),
        CallerPart::Kind => "auth.kind".to_owned(),
        CallerPart::Roles => "auth.roles".to_owned(),
        CallerPart::Claim(name) => format!("auth.claims.{name}"),
    }
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
    match &expr.node {
        Node::Not(of) | Node::Negate(of) | Node::IsNull { of, .. } => visit(of, see),
        Node::Quantifier { over, body, .. } => {
            see(&Node::Path(over.clone()));
            visit(body, see);
        }
        Node::Binary(_, left, right) | Node::In(left, right) => {
            visit(left, see);
            visit(right, see);
        }
        Node::Conditional(condition, then, otherwise) => {
            for part in [condition, then, otherwise] {
                visit(part, see);
            }
        }
        Node::List(items) | Node::Call(_, items) => items.iter().for_each(|item| visit(item, see)),
        Node::Literal(_) | Node::Param(_) | Node::Caller(_) | Node::Now | Node::Path(_) | Node::Fact(_) => {}
    }
}

fn part_text(part: &Expr, rule: &Compiled) -> String {
    let range = part.span.start as usize..part.span.end as usize;
    rule.text.text.get(range).unwrap_or(&rule.text.text).to_owned()
}

/// A value for a person to read.
pub(crate) fn shown(value: &Value) -> String {
    let mut out = Vec::new();
    crate::encode::owned(&mut out, value);
    String::from_utf8_lossy(&out).into_owned()
}
