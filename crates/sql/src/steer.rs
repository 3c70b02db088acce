use backstay_expr::{Expr, Node, Operator, Path, Root, RulePart, Type};
use backstay_model::{Collection, FieldId};

use crate::SortKey;
use crate::builder::{Builder, Seen};
use crate::lower::{Lowering, Scope};
use crate::predicate::Pred;
use crate::quantifier::Quantified;

/// The row rule of a page, part by part. SQLite takes every equality for selective and then sorts all that it finds; but a
/// rule such as `state == 'PUBLISHED'` is true of most records. A part that neither names few records nor has an index in
/// the order of the page is therefore kept from choosing the index, so that the page is read in its order up to its limit.
pub(crate) fn page_rule(builder: &mut Builder<'_>, rows: &Seen<'_>, sort: &[SortKey]) -> Vec<Pred> {
    let collection = builder.model.collection(rows.anchor.collection);
    let part = |part: RulePart<'_>| match lowered(builder, part, rows, sort) {
        Pred::Sql(sql) if misleads(part.expr, collection, sort) => Pred::Sql(builder.dialect.kept_from_indexes(sql)),
        pred => pred,
    };
    rows.read.parts().into_iter().map(part).collect()
}

/// The row rule of a count, which has no order: the caller's memberships drive it wherever there are some.
pub(crate) fn count_rule(builder: &mut Builder<'_>, rows: &Seen<'_>) -> Vec<Pred> {
    rows.read.parts().into_iter().map(|part| driven(builder, part, rows)).collect()
}

/// Where a part of the rule is true. The caller's memberships drive the page where the records that one of them leads to
/// are at hand in the order of the page: then as many are read of each as the page has, and not all that are hidden.
fn lowered(builder: &mut Builder<'_>, part: RulePart<'_>, rows: &Seen<'_>, sort: &[SortKey]) -> Pred {
    let collection = builder.model.collection(rows.anchor.collection);
    let in_order = part.driver.is_some_and(|driver| match driver.through {
        Some(field) => keeps_order(collection, field, sort),
        None => sort.is_empty(),
    });
    match in_order {
        true => driven(builder, part, rows),
        false => Lowering::new(builder, Scope::rule(&rows.anchor)).is_true(part.expr),
    }
}

/// Where a part of the rule is true, found from the caller's memberships where it is a driver.
fn driven(builder: &mut Builder<'_>, part: RulePart<'_>, rows: &Seen<'_>) -> Pred {
    let mut lowering = Lowering::new(builder, Scope::rule(&rows.anchor));
    match (part.driver, Quantified::of(part.expr)) {
        (Some(_), Some(quantified)) => quantified.driven(&mut lowering),
        _ => lowering.is_true(part.expr),
    }
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
