use backstay_expr::{Expr, Node, Operator, Path, Root, Type};
use backstay_model::{Collection, FieldId};

use crate::SortKey;
use crate::builder::{Builder, Seen};
use crate::lower::{Lowering, Scope};
use crate::predicate::Pred;

/// The row rule of a page, part by part. SQLite takes every equality for selective and then sorts all that it finds; but a
/// rule such as `state == 'PUBLISHED'` is true of most records. A part that neither names few records nor has an index in
/// the order of the page is therefore kept from choosing the index, so that the page is read in its order up to its limit.
pub(crate) fn page_rule(builder: &mut Builder<'_>, rows: &Seen<'_>, sort: &[SortKey]) -> Vec<Pred> {
    let collection = builder.model.collection(rows.anchor.collection);
    let mut parts = Vec::new();
    conjuncts(rows.read.expr(), &mut parts);
    let part = |part: &Expr| match Lowering::new(builder, Scope::rule(&rows.anchor)).is_true(part) {
        Pred::Sql(sql) if misleads(part, collection, sort) => Pred::Sql(builder.dialect.kept_from_indexes(sql)),
        pred => pred,
    };
    parts.into_iter().map(part).collect()
}

fn misleads(part: &Expr, collection: &Collection, sort: &[SortKey]) -> bool {
    let could_choose = match &part.node {
        Node::Binary(..) | Node::In(..) | Node::IsNull { .. } | Node::Path(_) => true,
        Node::Not(of) => matches!(of.node, Node::Path(_)),
        _ => false,
    };
    let ordered = || field_of(part).is_some_and(|field| keeps_order(collection, field, sort));
    could_choose && !names_few(part) && !ordered()
}

/// Whether records of one value of this field are at hand in the order of the page.
fn keeps_order(collection: &Collection, field: FieldId, sort: &[SortKey]) -> bool {
    let wanted = sort.iter().map(|key| key.column.field);
    sort.first().is_some_and(|key| key.column.field == field)
        || collection.indexes.iter().any(|index| match index.fields.split_first() {
            Some((first, rest)) => *first == field && !index.unique && rest.iter().copied().eq(wanted.clone()),
            None => false,
        })
}

/// The parts that must all be true.
fn conjuncts<'e>(expr: &'e Expr, parts: &mut Vec<&'e Expr>) {
    match &expr.node {
        Node::Binary(Operator::And, left, right) => {
            conjuncts(left, parts);
            conjuncts(right, parts);
        }
        _ => parts.push(expr),
    }
}

/// Whether it is true of few records: those that refer to one other, such as the caller.
fn names_few(expr: &Expr) -> bool {
    match &expr.node {
        Node::Binary(Operator::And, left, right) => names_few(left) || names_few(right),
        Node::Binary(Operator::Or, left, right) => names_few(left) && names_few(right),
        Node::Binary(Operator::Equal, left, _) => matches!(left.ty, Type::Id | Type::Record(_)),
        _ => false,
    }
}

/// The record's own field that a comparison is about.
fn field_of(expr: &Expr) -> Option<FieldId> {
    match &expr.node {
        Node::Path(Path { root: Root::This, steps, part: None, .. }) => match steps.as_slice() {
            [field] => Some(*field),
            _ => None,
        },
        Node::Not(of) | Node::IsNull { of, .. } => field_of(of),
        Node::Binary(Operator::Or | Operator::And, ..) => None,
        Node::Binary(_, left, right) => field_of(left).or_else(|| field_of(right)),
        _ => None,
    }
}
