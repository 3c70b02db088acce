use backstay_expr::{Aggregate, Aggregation, Expr, Holder, Many, Node, Operator, Path, Within};
use backstay_model::{Class, Collection, Diagnostic, Field, FieldId, Lint, Model};

use super::Subject;
use crate::policy::CollectionPolicy;

/// Stored fields that get their values from fields that are more confidential than they are.
pub(super) fn less_classified(subject: Subject<'_>) -> Vec<Diagnostic> {
    let fields = subject.collections().flat_map(|collection| {
        let values = values(subject.policy.collection(collection.id));
        values.into_iter().map(move |(field, value)| (collection, collection.field(field), value))
    });
    fields.filter_map(|(collection, field, value)| finding(subject.model, (collection, field), value)).collect()
}

/// Stored fields that get their values from fields that some readers of the record may not see.
pub(super) fn revealing(subject: Subject<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for collection in subject.collections() {
        let policy = subject.policy.collection(collection.id);
        let is_open = |field: FieldId| {
            let definition = collection.field(field);
            // What a stored sum reads is `revealing-computed`.
            policy.fields[usize::from(field.0)].read.is_empty() && definition.is_readable() && !definition.is_sum()
        };
        for (field, value) in values(policy).into_iter().filter(|(field, _)| is_open(*field)) {
            let mut copies = Copies::default();
            copies.note(value);
            let hidden = copies.found.into_iter().find_map(|path| restricted(subject, path));
            found.extend(hidden.map(|(of, from)| revealed((collection, collection.field(field)), (of, from))));
        }
    }
    found
}

/// The field at the end of a path, if not everyone who reads its record may see it. One that nobody sees is secret.
fn restricted<'m>(subject: Subject<'m>, path: &Path) -> Option<(&'m Collection, &'m Field)> {
    let (of, field) = end(subject.model, path)?;
    let is_hidden = !subject.policy.collection(of.id).fields[usize::from(field.id.0)].read.is_empty();
    (is_hidden && field.is_readable()).then_some((of, field))
}

fn revealed((collection, field): (&Collection, &Field), (of, from): (&Collection, &Field)) -> Diagnostic {
    let message = format!(
        "`{}.{}` gets its value from `{}.{}`, which not everyone may read",
        collection.name, field.name, of.name, from.name
    );
    let label = format!("anyone who can read {} can read it", collection.name);
    let help = "say who may read the field with `@allow(read: …)`";
    Diagnostic::warning(Lint::RevealingCopy, message).at(field.span, label).help(help)
}

/// The stored fields with what they are given.
fn values(policy: &CollectionPolicy) -> Vec<(FieldId, &Expr)> {
    let mut found = Vec::new();
    for (field, of) in (0..).map(FieldId).zip(&policy.fields) {
        let given = of.default.iter().chain(of.sets.iter().map(|set| &set.to));
        found.extend(given.map(|given| (field, &given.whole)));
        found.extend(of.sum.iter().map(|sum| (field, &sum.computed.value)));
    }
    let transitions = policy.states.iter().flat_map(|states| states.transitions.values());
    found.extend(transitions.flat_map(|one| &one.set).map(|(field, given)| (*field, &given.whole)));
    found
}

fn finding(model: &Model, (collection, field): (&Collection, &Field), value: &Expr) -> Option<Diagnostic> {
    let mut copies = Copies::default();
    copies.note(value);
    let (of, class, from) =
        copies.found.into_iter().filter_map(|path| classified(model, path)).max_by_key(|(_, class, _)| *class)?;
    // A secret that is copied is an error.
    if field.class >= Some(class) || class == Class::Secret {
        return None;
    }
    let word = class.word();
    let message = format!(
        "`{}.{}` gets its value from `{}.{}`, which is {word}, and isn't",
        collection.name, field.name, of.name, from.name
    );
    let help =
        format!("write `@class(is: {word})` on it too; otherwise its values are in the commit log and in explanations");
    Some(Diagnostic::warning(Lint::Unclassified, message).at(field.span, format!("not {word}")).help(help))
}

/// The field at the end of a path, if it has a class.
fn classified<'m>(model: &'m Model, path: &Path) -> Option<(&'m Collection, Class, &'m Field)> {
    let (of, field) = end(model, path)?;
    Some((of, field.class?, field))
}

/// The field at the end of a path.
fn end<'m>(model: &'m Model, path: &Path) -> Option<(&'m Collection, &'m Field)> {
    let (last, before) = path.steps.split_last()?;
    let target = |at, step: &FieldId| model.field(at, *step).kind.target();
    let of = before.iter().try_fold(path.collection, target)?;
    Some((model.collection(of), model.field(of, *last)))
}

/// The paths whose values are in that of an expression: not those that it only compares.
#[derive(Debug, Default)]
struct Copies<'e> {
    found: Vec<&'e Path>,
    /// The lists of which the variables around stand for an item.
    lists: Vec<(u16, &'e Within)>,
}

impl<'e> Copies<'e> {
    fn note(&mut self, expr: &'e Expr) {
        match &expr.node {
            Node::Path(path) => self.found.push(path),
            Node::Conditional(_, then, otherwise) => {
                self.note(then);
                self.note(otherwise);
            }
            Node::Binary(
                Operator::Add | Operator::Subtract | Operator::Multiply | Operator::Divide | Operator::Remainder,
                left,
                right,
            ) => {
                self.note(left);
                self.note(right);
            }
            Node::Negate(of) => self.note(of),
            Node::List(items) | Node::Call(_, items) => items.iter().for_each(|item| self.note(item)),
            Node::Aggregate(aggregate) => self.note_aggregate(aggregate),
            Node::Within(within) => self.note_within(within),
            Node::Computed(computed) => self.note(&computed.value),
            Node::Binary(
                Operator::And
                | Operator::Or
                | Operator::Equal
                | Operator::NotEqual
                | Operator::Less
                | Operator::LessEqual
                | Operator::Greater
                | Operator::GreaterEqual,
                ..,
            )
            | Node::Literal(_)
            | Node::Param(..)
            | Node::Output(..)
            | Node::Caller(_)
            | Node::Now
            | Node::Not(_)
            | Node::Matches(..)
            | Node::IsNull { .. }
            | Node::Ordinal(..)
            | Node::Quantifier { .. }
            | Node::In(..)
            | Node::Fact(_) => {}
        }
    }

    fn note_aggregate(&mut self, aggregate: &'e Aggregate) {
        if let Many::Items(list) = &aggregate.over {
            self.lists.push((aggregate.variable, list));
        }
        match &aggregate.function {
            Aggregation::Count => {}
            Aggregation::Sum(term) | Aggregation::First { term, .. } => self.note(term),
            Aggregation::Min(by) | Aggregation::Max(by) => self.note(&by.term),
        }
    }

    /// What is within a document is as confidential as the field that holds it.
    fn note_within(&mut self, within: &'e Within) {
        match &within.of {
            Holder::Document(document) => self.note(document),
            Holder::Item(variable) => {
                let list = self.lists.iter().rev().find(|(known, _)| known == variable);
                if let Some((_, list)) = list.copied() {
                    self.note_within(list);
                }
            }
        }
    }
}
