use std::sync::Arc;

use backstay_scalar::Part;

use crate::{Expr, Path};

/// One value of the members of a to-many relation: what they come to together, or what one of them has. Null if the record
/// that has the relation isn't there.
#[derive(Debug, Clone, PartialEq)]
pub struct Aggregate {
    /// A path whose last step is a to-many relation.
    pub over: Path,
    /// The member's variable: `Root::Bound` in the expressions of this aggregate.
    pub variable: u16,
    /// Which members are meant: those for which it is true. `None`: all.
    pub condition: Option<Expr>,
    /// What is computed of them.
    pub function: Aggregation,
    /// The part that is meant of a result that is `Money`.
    pub part: Option<Part>,
}

/// What is computed of members.
///
/// A member whose term is a field without a value is left out. If the term is computed and unknown for a member, the
/// result is unknown: a number that is too large must not disappear from a sum that a rule limits.
#[derive(Debug, Clone, PartialEq)]
pub enum Aggregation {
    /// How many there are.
    Count,
    /// The sum of a term; zero of none, and null of no `Money`, whose currency nothing tells. Unknown if it doesn't fit its
    /// type, if the currencies differ, and if a `Float` is beyond `FLOAT_TERM`.
    Sum(Expr),
    /// The least value of a term; null of none. Amounts in several currencies have none.
    Min(Ordered),
    /// The greatest value of a term; null of none. Amounts in several currencies have none.
    Max(Ordered),
    /// What the first member has; null of none.
    First {
        /// What is taken of it.
        term: Expr,
        /// The order of the members. The id is always the last key, in the direction of the key before it.
        order: Vec<OrderKey>,
    },
}

/// A value by which members are ordered.
#[derive(Debug, Clone, PartialEq)]
pub struct Ordered {
    /// The value.
    pub term: Expr,
    /// The names of the values of its enum, if it is of one, in the order in which they are declared.
    pub names: Option<Arc<[Arc<str>]>>,
}

/// A key of the order of members. Members without a value come last.
#[derive(Debug, Clone, PartialEq)]
pub struct OrderKey {
    /// The value.
    pub by: Ordered,
    /// Whether from high to low.
    pub descending: bool,
}

/// The largest `Float` that is summed: no sum of as many members as a database holds overflows.
pub const FLOAT_TERM: f64 = 1e290;

impl Aggregate {
    /// The expressions directly within it.
    pub fn children(&self) -> Vec<&Expr> {
        let mut children: Vec<&Expr> = self.condition.iter().collect();
        match &self.function {
            Aggregation::Count => {}
            Aggregation::Sum(term) => children.push(term),
            Aggregation::Min(by) | Aggregation::Max(by) => children.push(&by.term),
            Aggregation::First { term, order } => {
                children.push(term);
                children.extend(order.iter().map(|key| &key.by.term));
            }
        }
        children
    }

    /// The expressions directly within it, to be changed, in the same order.
    pub(crate) fn children_mut(&mut self) -> Vec<&mut Expr> {
        let mut children: Vec<&mut Expr> = self.condition.iter_mut().collect();
        match &mut self.function {
            Aggregation::Count => {}
            Aggregation::Sum(term) => children.push(term),
            Aggregation::Min(by) | Aggregation::Max(by) => children.push(&mut by.term),
            Aggregation::First { term, order } => {
                children.push(term);
                children.extend(order.iter_mut().map(|key| &mut key.by.term));
            }
        }
        children
    }

    /// Whether the two are the same but for the expressions within them.
    pub(crate) fn same_kind(&self, other: &Self) -> bool {
        let function = match (&self.function, &other.function) {
            (Aggregation::Count, Aggregation::Count)
            | (Aggregation::Sum(_), Aggregation::Sum(_))
            | (Aggregation::Min(_), Aggregation::Min(_))
            | (Aggregation::Max(_), Aggregation::Max(_)) => true,
            (Aggregation::First { order, .. }, Aggregation::First { order: others, .. }) => {
                let directions = |keys: &[OrderKey]| keys.iter().map(|key| key.descending).collect::<Vec<_>>();
                directions(order) == directions(others)
            }
            _ => false,
        };
        function
            && self.over == other.over
            && self.variable == other.variable
            && self.condition.is_some() == other.condition.is_some()
            && self.part == other.part
    }
}
