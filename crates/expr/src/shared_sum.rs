//! Stored sums of amounts that share a currency: the column holds the sum of their numbers, which is exact because none of
//! them can be in another currency.

use backstay_model::{FieldId, FieldKind, Model};
use backstay_scalar::Value;

use crate::sum_problem::Refused;
use crate::{Aggregate, Aggregation, Expr, Many, Node, Path, Root, SumProblem, Type};

/// Puts numbers in the place of the amounts of an aggregate that have the currency to which this way leads.
pub(crate) fn of_numbers(model: &Model, expr: &mut Expr, way: Option<&[FieldId]>) -> Result<(), Refused> {
    let Node::Aggregate(of) = &mut expr.node else { return Ok(()) };
    let Aggregate { over, variable, function, .. } = &mut **of;
    let (variable, term) = match function {
        Aggregation::Sum(term) => (*variable, term),
        Aggregation::Min(by) | Aggregation::Max(by) => (*variable, &mut by.term),
        Aggregation::Count | Aggregation::First { .. } => return Ok(()),
    };
    if let (Type::Money, Some(way), Some(via)) = (&term.ty, way, via(model, over)) {
        let shared: Vec<FieldId> = std::iter::once(via).chain(way.iter().copied()).collect();
        let is_shared = |currency: &Expr| match &currency.node {
            Node::Path(Path { root, steps, part: None, .. }) => *root == Root::Bound(variable) && *steps == shared,
            _ => false,
        };
        *term = number(term, &is_shared)?;
        expr.ty = Type::Decimal;
    }
    without_tests(model, term);
    Ok(())
}

/// The number of an amount all of whose currencies are shared.
fn number(amount: &Expr, is_shared: &impl Fn(&Expr) -> bool) -> Result<Expr, Refused> {
    if let Node::Conditional(condition, then, otherwise) = &amount.node {
        let (then, otherwise) = (number(then, is_shared)?, number(otherwise, is_shared)?);
        let node = Node::Conditional(condition.clone(), Box::new(then), Box::new(otherwise));
        return Ok(Expr { node, ty: Type::Decimal, span: amount.span.clone() });
    }
    match amount.currencies().iter().all(is_shared) {
        true => Ok(amount.amount()),
        false => Err((amount.span.clone(), SumProblem::OtherCurrency)),
    }
}

/// The field by which the members refer to the record that has them.
fn via(model: &Model, over: &Many) -> Option<FieldId> {
    let over = over.path()?;
    let [list] = over.steps.as_slice() else { return None };
    match model.field(over.collection, *list).kind {
        FieldKind::OneToMany { via, .. } => Some(via),
        _ => None,
    }
}

/// Takes out the tests whether currencies are known that every record has: a number depends on its own record alone then.
fn without_tests(model: &Model, expr: &mut Expr) {
    while let Node::Conditional(condition, then, otherwise) = &mut expr.node
        && let (Node::IsNull { of, negated: true }, Node::Literal(Value::Null)) = (&condition.node, &otherwise.node)
        && of.node.path().is_some_and(|path| is_always_known(model, path))
    {
        let then = std::mem::replace(&mut **then, Expr { node: Node::Literal(Value::Null), ..(**otherwise).clone() });
        *expr = then;
    }
    for child in expr.children_mut() {
        without_tests(model, child);
    }
}

/// Whether a member of an aggregate always has the value to which a path leads.
fn is_always_known(model: &Model, path: &Path) -> bool {
    let mut at = Some(path.collection);
    matches!(path.root, Root::Bound(_))
        && path.steps.iter().all(|step| {
            let field = at.map(|of| model.field(of, *step));
            at = field.and_then(|field| field.kind.target());
            field.is_some_and(|field| field.required)
        })
}
