//! Indexes over the records of which a condition is true.

use std::ops::Range;

use backstay_base::Action;
use backstay_expr::{Expr, Many, Node, Operator, Path, Rights, Scope as Names, compile};
use backstay_model::{Collection, CollectionId, FieldId, FieldKind, Index, Model};
use backstay_scalar::Scalar;

use crate::SortKey;
use crate::builder::{Anchor, Builder};
use crate::lower::{Lowering, Scope};
use crate::predicate::Pred;

/// What keeps the databases from having an index with a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexConditionError {
    /// The part of the condition, in bytes.
    pub span: Range<u32>,
    /// What is wrong with it.
    pub message: &'static str,
    /// What to do.
    pub remedy: &'static str,
}

const IN_DOCUMENT: &str = "the condition of an index can't look into a document or a JSON field";
const OWN_FIELDS: &str = "compare the record's own fields with literals, or with each other";

// The index would be over other records as soon as a value is added or moved.
const ENUM_ORDER: &str = "the condition of an index can't depend on the order of an enum's values";
const NAMED_VALUES: &str = "name the values, such as `this.state in ['A', 'B']`";

/// What is wrong with the condition of an index, a checked expression about a record: both databases decide which records
/// an index is over when a record is written, by its own columns alone.
pub fn index_condition_error(model: &Model, condition: &Expr) -> Option<IndexConditionError> {
    let refused = |message, remedy| Some(IndexConditionError { span: condition.span.clone(), message, remedy });
    match &condition.node {
        Node::Path(path) if path.is_of_account() => {
            refused("the condition of an index can't depend on the caller", OWN_FIELDS)
        }
        Node::Path(path) if !is_own(model, path) => {
            refused("the condition of an index can't read another record", OWN_FIELDS)
        }
        Node::Literal(_) | Node::Path(_) => None,
        Node::IsNull { of, .. } | Node::Not(of) => index_condition_error(model, of),
        Node::Binary(
            Operator::Add | Operator::Subtract | Operator::Multiply | Operator::Divide | Operator::Remainder,
            ..,
        )
        | Node::Negate(_) => refused("the condition of an index can't compute", OWN_FIELDS),
        Node::Binary(Operator::And | Operator::Or, left, right) => {
            index_condition_error(model, left).or_else(|| index_condition_error(model, right))
        }
        Node::Ordinal(..) => refused(ENUM_ORDER, NAMED_VALUES),
        Node::Binary(..) if condition.node.ordered_enum().is_some() => refused(ENUM_ORDER, NAMED_VALUES),
        Node::Binary(_, left, right) => [left, right].into_iter().find_map(|side| compared(model, side)),
        Node::In(element, list) => compared(model, element).or_else(|| match &list.node {
            Node::List(items) => items.iter().find_map(|item| compared(model, item)),
            _ => {
                refused("the condition of an index can't look into a list", "write the list out, such as `['A', 'B']`")
            }
        }),
        Node::Caller(_) | Node::Fact(_) => refused("the condition of an index can't depend on the caller", OWN_FIELDS),
        Node::Now => refused(
            "the condition of an index can't depend on the moment",
            "compare the field with null or with a literal; a moment passes without a write",
        ),
        Node::Computed(_) => refused("the condition of an index can't name a computed field", OWN_FIELDS),
        Node::Call(..) | Node::Matches(..) => refused("the condition of an index can't call a function", OWN_FIELDS),
        Node::Conditional(..) => {
            refused("the condition of an index can't choose between values", "write it with `&&` and `||`")
        }
        Node::Within(_) | Node::Quantifier { over: Many::Items(_), .. } => refused(IN_DOCUMENT, OWN_FIELDS),
        Node::Aggregate(of) if of.over.path().is_none() => refused(IN_DOCUMENT, OWN_FIELDS),
        Node::Quantifier { .. } | Node::Aggregate(_) => {
            refused("the condition of an index can't read other records", OWN_FIELDS)
        }
        Node::List(_) | Node::Param(..) | Node::Output(..) => {
            refused("this can't be in the condition of an index", OWN_FIELDS)
        }
    }
}

/// Whether a path ends at a column of the record itself.
fn is_own(model: &Model, path: &Path) -> bool {
    match path.steps.as_slice() {
        [] => true,
        [field] => model.field(path.collection, *field).kind.is_stored(),
        _ => false,
    }
}

/// The same for a side of a comparison.
fn compared(model: &Model, side: &Expr) -> Option<IndexConditionError> {
    if let Node::Path(Path { collection, steps, .. }) = &side.node
        && let [field] = steps.as_slice()
        && matches!(model.field(*collection, *field).kind, FieldKind::Scalar(Scalar::Text))
    {
        return Some(IndexConditionError {
            span: side.span.clone(),
            message: "the condition of an index can't compare a `Text`, which can be of any length",
            remedy: "make the field a `String`, or compare it with null",
        });
    }
    index_condition_error(model, side)
}

/// The condition of an index, typed; `None` if it is over all records.
///
/// # Panics
/// Panics if the condition doesn't compile or doesn't fit: a model's rules are compiled before anything is made of them.
pub(crate) fn condition(model: &Model, collection: &Collection, index: &Index) -> Option<Expr> {
    let condition = index.condition.as_ref()?;
    let checked =
        compile(condition, &Names::rule(model, collection.id)).expect("the rules of a model were compiled before");
    let error = index_condition_error(model, &checked.expr);
    assert!(error.is_none(), "the conditions of a model's indexes were checked before");
    Some(checked.expr)
}

/// The fields that the condition of an index names; none if it is over all records.
pub fn condition_fields(model: &Model, collection: &Collection, index: &Index) -> Vec<FieldId> {
    let mut fields = Vec::new();
    if let Some(condition) = condition(model, collection, index) {
        named(&condition, &mut fields);
    }
    fields
}

fn named(expr: &Expr, fields: &mut Vec<FieldId>) {
    if let Node::Path(path) = &expr.node {
        fields.extend(path.steps.first());
    }
    expr.node.children().into_iter().for_each(|child| named(child, fields));
}

/// Where the condition of an index is true of a record, with its constants in the text: as the databases want it, both
/// where the index is made and where it is used.
pub(crate) fn written(builder: &mut Builder<'_>, condition: &Expr, this: &Anchor) -> Pred {
    let before = builder.write_constants(true);
    let pred = Lowering::new(builder, Scope::rule(this)).is_true(condition);
    builder.write_constants(before);
    pred
}

/// An index that a page can use.
#[derive(Debug)]
pub(crate) struct Usable<'m> {
    pub(crate) index: &'m Index,
    /// Its condition, which is true of all records of the page.
    pub(crate) condition: Option<&'m Expr>,
}

/// What is known of all records of a page.
pub(crate) struct Known<'a> {
    pub(crate) rights: &'a Rights,
    /// Parts of the rule.
    pub(crate) rule: &'a [&'a Expr],
    /// Parts of the caller's filter.
    pub(crate) filter: &'a [&'a Expr],
}

/// The indexes of a collection that a page can use: those over all records, and those with a condition each part of which
/// is a part of the rule, or of the filter where the caller sees its fields in every record.
pub(crate) fn usable<'m>(
    indexes: impl Iterator<Item = (&'m Index, Option<&'m Expr>)>,
    collection: CollectionId,
    known: &Known<'_>,
) -> Vec<Usable<'m>> {
    let sees = |expr: &Expr| {
        let mut fields = Vec::new();
        named(expr, &mut fields);
        fields.iter().all(|field| known.rights.field(collection, *field, Action::Read).allows())
    };
    let is_known = |part: &Expr| {
        let same = |other: &&&Expr| other.same(part);
        known.rule.iter().any(|other| same(&other)) || known.filter.iter().any(|other| same(&other) && sees(other))
    };
    let is_usable = |condition: &Expr| condition.conjuncts().into_iter().all(is_known);
    let usable = indexes.filter(|(_, condition)| condition.is_none_or(is_usable));
    usable.map(|(index, condition)| Usable { index, condition }).collect()
}

/// The conditions of those indexes by which the records of a page could be found, or read in its order: both databases use
/// an index with a condition only beside that condition. `compared` are the fields that are compared with a given value.
pub(crate) fn conditions<'u>(
    usable: &'u [Usable<'_>],
    (compared, sort): (&[FieldId], &[SortKey]),
) -> impl Iterator<Item = &'u Expr> {
    let first = |field: &FieldId| compared.contains(field) || sort.first().and_then(SortKey::field) == Some(*field);
    let begins = move |usable: &&Usable<'_>| usable.index.fields.first().is_some_and(first);
    usable.iter().filter(begins).filter_map(|usable| usable.condition)
}
