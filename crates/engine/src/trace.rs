use backstay_base::{Action, Error, Value, ValueRef};
use backstay_expr::{CallerPart, Expr, Node, Operator, Root, Truth};
use backstay_model::{Collection, CollectionId};
use backstay_sql::{RecordSource, Row};
use backstay_store::Writes;
use futures_util::future::BoxFuture;

use crate::bind::{Bindings, caller_part};
use crate::explain::{ExplainedPart, ExplainedRule, RuleSubject};
use crate::policy::Compiled;
use crate::{OpContext, Operation};

/// Asks the rules of an action part by part.
#[derive(Debug)]
pub(crate) struct TraceRules {
    pub(crate) collection: CollectionId,
    /// `None`: a list, whose rule is asked of each record in the statement.
    pub(crate) subject: Option<RuleSubject>,
    pub(crate) action: Action,
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
            let actions: &[Action] = match self.action {
                Action::Read => &[Action::Read],
                Action::Create => &[Action::Create],
                Action::Update => &[Action::Read, Action::Update],
                Action::Delete => &[Action::Read, Action::Delete],
            };
            let values = match &self.subject {
                None => None,
                Some(RuleSubject::Stored(id)) => {
                    cx.get(collection.id, *id).await?.map(|record| record.values().to_vec())
                }
                Some(RuleSubject::Proposed(draft)) => Some(cx.rehearsed(collection, draft)),
            };
            let mut rules = Vec::new();
            for action in actions {
                let policy = cx.engine.application.policy.collection(collection.id);
                let of = format!("{} {}", collection.name, action.name());
                rules.push(cx.trace(collection, of, policy.allow.of(*action), values.as_deref()).await?);
            }
            if self.action == Action::Read {
                for (field, rules_of) in collection.fields.iter().zip(&cx.policy(collection).fields) {
                    if let Some(rule) = rules_of.allow.of(Action::Read) {
                        let of = format!("{}.{} read", collection.name, field.name);
                        rules.push(cx.trace(collection, of, Some(rule), values.as_deref()).await?);
                    }
                }
            }
            Ok(rules)
        })
    }
}

impl<'a> OpContext<'a, '_> {
    fn policy(&self, collection: &Collection) -> &'a crate::policy::CollectionPolicy {
        self.engine.application.policy.collection(collection.id)
    }

    /// A rule with the answers of its parts for one record, or for the caller alone.
    async fn trace(
        &mut self,
        collection: &Collection,
        of: String,
        rule: Option<&Compiled>,
        values: Option<&[Value]>,
    ) -> Result<ExplainedRule, Error> {
        let Some(rule) = rule else {
            let (place, text) = (String::new(), String::new());
            return Ok(ExplainedRule { of, place, text, answer: "false".to_owned(), parts: Vec::new() });
        };
        let mut leaves = vec![&rule.whole];
        parts(&rule.whole, &mut leaves);
        let asked: Vec<Expr> = leaves.iter().map(|part| (*part).clone()).collect();
        let answers = match values {
            Some(values) => self.ask(collection, &asked, values).await?,
            None => leaves.iter().map(|_| "each record".to_owned()).collect(),
        };
        let mut answers = answers.into_iter();
        let answer = answers.next().unwrap_or_default();
        let parts = leaves[1..].iter().zip(answers).map(|(part, answer)| ExplainedPart {
            text: part_text(part, rule),
            answer,
            saw: self.saw(part, values, collection),
        });
        let parts = parts.collect();
        let sources = &self.model().sources;
        let line = sources.positions(rule.text.span).start.line;
        let place = sources.file(rule.text.span).map(|file| format!("{}:{line}", file.name)).unwrap_or_default();
        Ok(ExplainedRule { of, place, text: rule.text.text.to_string(), answer, parts })
    }

    async fn ask(&mut self, collection: &Collection, parts: &[Expr], values: &[Value]) -> Result<Vec<String>, Error> {
        let template = self.engine.planner.check(collection.id, RecordSource::Proposed, parts);
        let statement = Bindings { proposed: values, stored: values, ..self.bindings() }.statement(&template);
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
    fn saw(&self, part: &Expr, values: Option<&[Value]>, collection: &Collection) -> Vec<(String, String)> {
        let mut saw = Vec::new();
        visit(part, &mut |node| match node {
            Node::Caller(of) => {
                saw.push((caller_name(of), shown(&caller_part(self.caller(), of))));
            }
            Node::Now => saw.push(("now".to_owned(), self.now().to_string())),
            Node::Path(path) if !matches!(path.root, Root::Bound(_)) => {
                let (Some(values), Some(first)) = (values, path.steps.first()) else { return };
                let field = collection.field(*first);
                let value = match field.class {
                    Some(class) => format!("(withheld: {class:?})"),
                    None => shown(&values[usize::from(first.0)]),
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
        Node::Binary(Operator::And | Operator::Or, left, right) => {
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
