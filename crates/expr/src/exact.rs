use backstay_scalar::{Held, Reading};

use crate::{Aggregation, Expr, Function, Node, Type};

impl Expr {
    /// Whether a `Decimal` or an amount of money is computed from others, so that it has as many digits as the computation gives it. A computed
    /// field has the digits of the field.
    pub fn computes_digits(&self) -> bool {
        match &self.node {
            Node::Conditional(_, then, otherwise) => then.computes_digits() || otherwise.computes_digits(),
            Node::Aggregate(of) => match &of.function {
                Aggregation::Count => false,
                Aggregation::Sum(term) | Aggregation::First { term, .. } => term.computes_digits(),
                Aggregation::Min(by) | Aggregation::Max(by) => by.term.computes_digits(),
            },
            Node::Within(within) => within.lookup.held == Held::Free(Reading::Number),
            Node::Negate(_)
            | Node::Binary(..)
            | Node::Call(Function::Round | Function::Quotient | Function::Money, _) => {
                matches!(self.ty, Type::Decimal | Type::Money)
            }
            Node::Literal(_)
            | Node::Param(..)
            | Node::Output(..)
            | Node::Caller(_)
            | Node::Now
            | Node::Path(_)
            | Node::Not(_)
            | Node::IsNull { .. }
            | Node::In(..)
            | Node::List(_)
            | Node::Call(..)
            | Node::Matches(..)
            | Node::Quantifier { .. }
            | Node::Ordinal(..)
            | Node::Fact(_)
            | Node::Computed(_) => false,
        }
    }
}
