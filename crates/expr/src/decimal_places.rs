use backstay_model::Model;
use backstay_scalar::{MONEY_SCALE, Part, Scalar, Storage, Value};

use crate::{Aggregation, Expr, Function, Node, Operator, Type};

impl Expr {
    /// Digits after the point that an exact number has at most; `None` if they follow from no field and no literal.
    pub fn decimal_places(&self, model: &Model) -> Option<u32> {
        match (&self.node, &self.ty) {
            (_, Type::Int) => Some(0),
            (_, Type::Money) if !self.computes_digits() => Some(MONEY_SCALE),
            (Node::Literal(Value::Decimal(number)), _) => Some(number.normalize().scale()),
            (Node::Literal(Value::Null), _) => Some(0),
            (Node::Path(path), _) if path.part == Some(Part::Main) => Some(MONEY_SCALE),
            (Node::Path(path), _) => match path.field(model)?.kind.scalar()? {
                Scalar::Decimal { scale, .. } => Some(scale.into()),
                _ => None,
            },
            (Node::Within(within), _) if !self.computes_digits() => match within.lookup.held.storage() {
                Storage::Decimal { scale } => Some(scale.into()),
                _ => None,
            },
            (Node::Negate(of), _) => of.decimal_places(model),
            (Node::Binary(Operator::Multiply, left, right), _) => {
                Some(left.decimal_places(model)? + right.decimal_places(model)?)
            }
            (Node::Binary(Operator::Add | Operator::Subtract, left, right) | Node::Conditional(_, left, right), _) => {
                Some(left.decimal_places(model)?.max(right.decimal_places(model)?))
            }
            (Node::Call(Function::Round | Function::Quotient, operands), _) => match operands.last()?.node {
                Node::Literal(Value::Int(digits)) => u32::try_from(digits).ok(),
                _ => None,
            },
            (Node::Computed(of), _) => match of.digits {
                Some(digits) => Some(digits.scale.into()),
                None => of.value.decimal_places(model),
            },
            (Node::Aggregate(of), _) => match &of.function {
                Aggregation::Count => Some(0),
                Aggregation::Sum(term) | Aggregation::First { term, .. } => term.decimal_places(model),
                Aggregation::Min(by) | Aggregation::Max(by) => by.term.decimal_places(model),
            },
            _ => None,
        }
    }
}
