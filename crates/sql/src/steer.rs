use backstay_base::Action;
use backstay_expr::{Expr, Node, Operator, Path, Rights, Root, RulePart, Type};
use backstay_model::{Collection, FieldId};

use crate::SortKey;
use crate::builder::{Builder, Seen};
use crate::lower::{Lowering, Scope};
use crate::predicate::Pred;
use crate::quantifier::Quantified;

/// A part of the row rule.
pub(crate) struct RulePred {
    /// Where it is true.
    pub(crate) pred: Pred,
    /// Whether the database may find the rows by it.
    pub(crate) steers: bool,
}

impl RulePred {
    /// A part of which nothing is to be gained by looking at it early.
    pub(crate) fn plain(pred: Pred) -> Self {
        Self { pred, steers: false }
    }
}

/// The row rule of a page, part by part. SQLite takes every equality for selective and then sorts all that it finds; but a
/// rule such as `state == 'PUBLISHED'` is true of most records. A part that neither names few records nor has an index in
/// the order of the page is therefore kept from choosing the index, so that the page is read in its order up to its limit.
///
/// The caller's memberships drive the page where the records that one of them leads to are at hand in the order of the
/// page: then as many are read of each as the page has, and not all that are hidden.
pub(crate) fn page_rule(builder: &mut Builder<'_>, rows: &Seen<'_>, sort: &[SortKey]) -> Vec<RulePred> {
    let collection = builder.model.collection(rows.anchor.collection);
    let in_order = |part: &RulePart<'_>| {
        part.driver.is_some_and(|driver| match driver.through {
            Some(field) => keeps_order(collection, field, sort),
            None => sort.is_empty(),
        })
    };
    let part = |part: RulePart<'_>| {
        if in_order(&part) {
            return RulePred { pred: driven(builder, part, rows), steers: true };
        }
        let pred = Lowering::new(builder, Scope::rule(&rows.anchor)).is_true(part.expr);
        match pred {
            Pred::Sql(sql) if misleads(part.expr, collection, sort) => {
                RulePred::plain(Pred::Sql(builder.dialect.kept_from_indexes(sql)))
            }
            pred => RulePred { pred, steers: could_choose(part.expr) },
        }
    };
    rows.read.parts().into_iter().map(part).collect()
}

/// The row rule of a count, which has no order: the caller's memberships drive it wherever there are some.
pub(crate) fn count_rule(builder: &mut Builder<'_>, rows: &Seen<'_>) -> Vec<RulePred> {
    let part = |part: RulePart<'_>| {
        let steers = part.driver.is_some() || could_choose(part.expr);
        RulePred { pred: driven(builder, part, rows), steers }
    };
    rows.read.parts().into_iter().map(part).collect()
}

/// Where a part of the rule is true, found from the caller's memberships where it is a driver.
fn driven(builder: &mut Builder<'_>, part: RulePart<'_>, rows: &Seen<'_>) -> Pred {
    let mut lowering = Lowering::new(builder, Scope::rule(&rows.anchor));
    match (part.driver, Quantified::of(part.expr)) {
        (Some(_), Some(quantified)) => quantified.driven(&mut lowering),
        _ => lowering.is_true(part.expr),
    }
}

/// Whether an index could be chosen for it.
fn could_choose(part: &Expr) -> bool {
    match &part.node {
        Node::Binary(..) | Node::In(..) | Node::IsNull { .. } | Node::Path(_) => true,
        Node::Not(of) => matches!(of.node, Node::Path(_)),
        _ => false,
    }
}

fn misleads(part: &Expr, collection: &Collection, sort: &[SortKey]) -> bool {
    let ordered = || field_of(part).is_some_and(|field| keeps_order(collection, field, sort));
    could_choose(part) && !names_few(part) && !ordered()
}

/// Whether an index can find the records of which this part of a caller's filter is true: it compares an indexed field of
/// the record itself, which everyone of the caller's class sees in every record that they see, with what is given.
pub(crate) fn is_range(part: &Expr, collection: &Collection, rights: &Rights) -> bool {
    let found = match &part.node {
        Node::Binary(
            Operator::Equal | Operator::Less | Operator::LessEqual | Operator::Greater | Operator::GreaterEqual,
            left,
            right,
        ) => own_field(left).zip(Some(right)).or_else(|| own_field(right).zip(Some(left))),
        Node::In(element, list) => own_field(element).zip(Some(list)),
        _ => None,
    };
    found.is_some_and(|(field, other)| {
        let indexed = field == Collection::ID || collection.indexes.iter().any(|index| index.fields.contains(&field));
        indexed && is_given(other) && rights.field(collection.id, field, Action::Read).allows()
    })
}

/// Whether it is the same for every record.
fn is_given(expr: &Expr) -> bool {
    match &expr.node {
        Node::Literal(_) | Node::Param(_) | Node::Caller(_) | Node::Now => true,
        Node::List(items) => items.iter().all(is_given),
        _ => false,
    }
}

/// The field of the record itself that it is.
fn own_field(expr: &Expr) -> Option<FieldId> {
    match &expr.node {
        Node::Path(Path { root: Root::This, steps, part: None, .. }) => match steps.as_slice() {
            [] => Some(Collection::ID),
            [field] => Some(*field),
            _ => None,
        },
        _ => None,
    }
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
        Node::Path(path) if !path.steps.is_empty() => own_field(expr),
        Node::Not(of) | Node::IsNull { of, .. } => field_of(of),
        Node::Binary(Operator::Or | Operator::And, ..) => None,
        Node::Binary(_, left, right) => field_of(left).or_else(|| field_of(right)),
        _ => None,
    }
}
