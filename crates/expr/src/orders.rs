use backstay_model::EnumId;

use crate::{Aggregation, Expr, Node, Type};

impl Expr {
    /// Whether what it comes to depends on the order of this enum's values.
    pub fn orders(&self, of: EnumId) -> bool {
        let is_of = |expr: &Self| expr.ty == Type::Enum(of);
        let in_aggregate = match &self.node {
            Node::Aggregate(aggregate) => match &aggregate.function {
                Aggregation::Min(by) | Aggregation::Max(by) => is_of(&by.term),
                Aggregation::First { order, .. } => order.iter().any(|key| is_of(&key.by.term)),
                Aggregation::Count | Aggregation::Sum(_) => false,
            },
            _ => false,
        };
        let own = in_aggregate || self.node.ordered_enum() == Some(of);
        own || self.node.children().into_iter().any(|child| child.orders(of))
    }
}
