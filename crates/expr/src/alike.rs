//! Whether two expressions of two models mean the same, however they are spelled and whatever the things they name are
//! called.

use std::sync::Arc;

use backstay_model::{CollectionId, EnumId, FieldId, Model, Pairing, enum_values};
use backstay_scalar::Value;

use crate::{Aggregate, Aggregation, ComputedField, Expr, Holder, Many, Node, OrderKey, Path, Type, Within};

/// Two models, what is the same in both, and what two expressions of them have in common.
#[derive(Debug)]
pub struct Alike<'m> {
    old: &'m Model,
    new: &'m Model,
    pairing: &'m Pairing,
    /// Whether names of an enum's values that are others now count as the same.
    follows_values: bool,
}

impl<'m> Alike<'m> {
    /// Compares expressions of these models.
    pub fn new((old, new): (&'m Model, &'m Model), pairing: &'m Pairing, follows_values: bool) -> Self {
        Self { old, new, pairing, follows_values }
    }

    /// Whether an expression of the old model is one of the new model. The types of fields may be others.
    pub fn same(&self, was: &Expr, is: &Expr) -> bool {
        match (&was.node, &is.node) {
            (Node::Literal(one), Node::Literal(other)) => self.literal((one, &was.ty), (other, &is.ty)),
            (Node::Path(one), Node::Path(other)) => self.path(one, other),
            (Node::Param(one, of), Node::Param(other, part)) | (Node::Output(one, of), Node::Output(other, part)) => {
                one == other && of == part
            }
            (Node::Caller(one), Node::Caller(other)) => one == other,
            (Node::Fact(one), Node::Fact(other)) => one == other,
            (Node::Now, Node::Now) => true,
            // A new order of an enum's values is reported with the enum.
            (Node::Not(one), Node::Not(other))
            | (Node::Negate(one), Node::Negate(other))
            | (Node::Ordinal(one, _), Node::Ordinal(other, _)) => self.same(one, other),
            (Node::Binary(one, ..), Node::Binary(other, ..)) => one == other && self.children(was, is),
            (Node::IsNull { of: one, negated }, Node::IsNull { of: other, negated: is_negated }) => {
                negated == is_negated && self.same(one, other)
            }
            (Node::Conditional(..), Node::Conditional(..))
            | (Node::In(..), Node::In(..))
            | (Node::List(_), Node::List(_)) => self.children(was, is),
            (Node::Call(one, _), Node::Call(other, _)) => one == other && self.children(was, is),
            (Node::Matches(one, pattern), Node::Matches(other, same)) => pattern == same && self.same(one, other),
            (
                Node::Quantifier { kind, over, variable, body },
                Node::Quantifier { kind: same, over: other, variable: bound, body: other_body },
            ) => kind == same && variable == bound && self.many(over, other) && self.same(body, other_body),
            (Node::Aggregate(one), Node::Aggregate(other)) => self.aggregate(one, other),
            (Node::Computed(one), Node::Computed(other)) => self.computed(one, other),
            (Node::Within(one), Node::Within(other)) => self.within(one, other),
            (
                Node::Literal(_)
                | Node::Param(..)
                | Node::Output(..)
                | Node::Caller(_)
                | Node::Now
                | Node::Path(_)
                | Node::Not(_)
                | Node::Negate(_)
                | Node::Binary(..)
                | Node::IsNull { .. }
                | Node::Conditional(..)
                | Node::In(..)
                | Node::List(_)
                | Node::Call(..)
                | Node::Matches(..)
                | Node::Quantifier { .. }
                | Node::Aggregate(_)
                | Node::Computed(_)
                | Node::Within(_)
                | Node::Ordinal(..)
                | Node::Fact(_),
                _,
            ) => false,
        }
    }

    fn children(&self, was: &Expr, is: &Expr) -> bool {
        let (one, other) = (was.node.children(), is.node.children());
        one.len() == other.len() && one.into_iter().zip(other).all(|(one, other)| self.same(one, other))
    }

    fn literal(&self, (was, from): (&Value, &Type), (is, to): (&Value, &Type)) -> bool {
        match (from, to, was, is) {
            (Type::Enum(from), Type::Enum(to), Value::Text(was), Value::Text(is)) => {
                self.enum_value((*from, was), (*to, is))
            }
            _ => was == is,
        }
    }

    fn enum_value(&self, (from, was): (EnumId, &Arc<str>), (to, is): (EnumId, &Arc<str>)) -> bool {
        if self.pairing.enumeration(to) != Some(from) {
            return was == is;
        }
        let became = enum_values(self.old.enumeration(from), self.new.enumeration(to));
        // Where two values have become one, more is meant than before.
        let others = became.iter().filter(|(_, to)| to.as_ref() == Some(is)).count();
        let follows = became.iter().any(|(from, to)| from == was && to.as_ref() == Some(is));
        follows && (others <= 1 || was == is) && (self.follows_values || was == is)
    }

    fn path(&self, was: &Path, is: &Path) -> bool {
        if was.root != is.root || was.part != is.part || was.steps.len() != is.steps.len() {
            return false;
        }
        let mut at = Some((was.collection, is.collection));
        for (one, other) in was.steps.iter().zip(&is.steps) {
            let Some((from, to)) = at.filter(|at| self.collection(*at)) else { return false };
            if !self.field((from, *one), (to, *other)) {
                return false;
            }
            let target = |model: &Model, of: CollectionId, field: FieldId| model.field(of, field).kind.target();
            at = target(self.old, from, *one).zip(target(self.new, to, *other));
        }
        at.is_none_or(|at| self.collection(at))
    }

    fn collection(&self, (was, is): (CollectionId, CollectionId)) -> bool {
        self.pairing.collection(is) == Some(was)
    }

    fn field(&self, (_, was): (CollectionId, FieldId), (of, is): (CollectionId, FieldId)) -> bool {
        self.pairing.field(of, is) == Some(was)
    }

    fn many(&self, was: &Many, is: &Many) -> bool {
        match (was, is) {
            (Many::Records(one), Many::Records(other)) => self.path(one, other),
            (Many::Items(one), Many::Items(other)) => self.within(one, other),
            (Many::Referred(one), Many::Referred(other)) => self.same(one, other),
            (Many::Records(_) | Many::Items(_) | Many::Referred(_), _) => false,
        }
    }

    fn within(&self, was: &Within, is: &Within) -> bool {
        let same = match (&was.of, &is.of) {
            (Holder::Document(one), Holder::Document(other)) => self.same(one, other),
            (Holder::Item(one), Holder::Item(other)) => one == other,
            (Holder::Document(_) | Holder::Item(_), _) => false,
        };
        same && was.lookup == is.lookup
    }

    fn computed(&self, was: &ComputedField, is: &ComputedField) -> bool {
        self.path(&was.at, &is.at)
            && was.rights == is.rights
            && was.digits == is.digits
            && was.most_chars == is.most_chars
            && self.same(&was.value, &is.value)
    }

    fn aggregate(&self, was: &Aggregate, is: &Aggregate) -> bool {
        let same_function = match (&was.function, &is.function) {
            (Aggregation::Count, Aggregation::Count)
            | (Aggregation::Sum(_), Aggregation::Sum(_))
            | (Aggregation::Min(_), Aggregation::Min(_))
            | (Aggregation::Max(_), Aggregation::Max(_)) => true,
            (Aggregation::First { order, .. }, Aggregation::First { order: others, .. }) => {
                let descending = |keys: &[OrderKey]| keys.iter().map(|key| key.descending).collect::<Vec<_>>();
                descending(order) == descending(others)
            }
            (
                Aggregation::Count
                | Aggregation::Sum(_)
                | Aggregation::Min(_)
                | Aggregation::Max(_)
                | Aggregation::First { .. },
                _,
            ) => false,
        };
        let (one, other) = (was.children(), is.children());
        same_function
            && self.many(&was.over, &is.over)
            && was.variable == is.variable
            && was.part == is.part
            && was.condition.is_some() == is.condition.is_some()
            && one.len() == other.len()
            && one.into_iter().zip(other).all(|(one, other)| self.same(one, other))
    }
}
