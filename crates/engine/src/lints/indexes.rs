use backstay_base::Action;
use backstay_expr::{Expr, Node, Operator, Path, Root};
use backstay_model::{Collection, CollectionId, Diagnostic, Field, FieldId, Lint};

use super::{Decides, RuleUse, Subject};

/// Fields by which read rules look records up, and that no index begins with. Relations have indexes of their own.
pub(super) fn unindexed(subject: Subject<'_>) -> Vec<Diagnostic> {
    let is_read = |used: &RuleUse<'_>| used.field.is_none() && used.decides == Decides::Action(Action::Read);
    let mut found = Vec::new();
    for used in subject.rules().into_iter().filter(is_read) {
        let mut fields = Vec::new();
        looked_up(&used.rule.whole, &mut fields);
        for Lookup { collection, field, expr } in fields {
            let collection = subject.model.collection(collection);
            let field = collection.field(field);
            if !is_indexed(collection, field) && field.kind.is_indexable() {
                let span = &expr.span;
                let range = span.start as usize..span.end as usize;
                let span = subject.model.sources.within(&used.rule.text, range);
                found.push(finding(&used, collection, field).at(span, "reads every record"));
            }
        }
    }
    found
}

/// A field that must equal something of the caller.
struct Lookup<'e> {
    collection: CollectionId,
    field: FieldId,
    expr: &'e Expr,
}

fn looked_up<'e>(expr: &'e Expr, found: &mut Vec<Lookup<'e>>) {
    let sides = match &expr.node {
        Node::Binary(Operator::Equal, left, right) => Some((left, right)),
        Node::In(element, list) => Some((element, list)),
        _ => None,
    };
    if let Some((left, right)) = sides {
        for (field, other) in [(left, right), (right, left)] {
            if let Node::Path(Path { root: Root::This | Root::Bound(_), collection, steps, .. }) = &field.node
                && let [step] = steps.as_slice()
                && other.is_of_caller()
            {
                found.push(Lookup { collection: *collection, field: *step, expr });
            }
        }
    }
    for child in expr.node.children() {
        looked_up(child, found);
    }
}

fn is_indexed(collection: &Collection, field: &Field) -> bool {
    collection.indexes.iter().any(|index| index.fields.first() == Some(&field.id) && index.condition.is_none())
}

fn finding(used: &RuleUse<'_>, collection: &Collection, field: &Field) -> Diagnostic {
    let (name, of) = (&field.name, &collection.name);
    let message =
        format!("the read rule of {} looks up {of} records by `{name}`, which has no index", used.collection.name);
    let help = format!("write `@index(fields: [\"{name}\"])` on {of}; without it, lists get slower with every {of}");
    Diagnostic::warning(Lint::UnindexedRule, message).help(help)
}
