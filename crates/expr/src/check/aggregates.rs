//! Aggregates of a relation's members and of a list's items: `size`, `count`, `sum`, `min`, `max` and `first`.

use std::ops::Range;

use super::place::{Links, Place};
use super::typing::has_order;
use super::{Checker, Each, RESERVED_NAMES, Variable};
use crate::error::{Expected, ExprErrorKind};
use crate::syntax::{Ident, Syntax, SyntaxNode};
use crate::{Aggregate, Aggregation, Expr, Node, OrderKey, Ordered, Type};
use backstay_base::limits;

/// An aggregate over the members of a relation or the items of a list, as expressions name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AggregateName {
    Count,
    Sum,
    Min,
    Max,
    First,
}

impl AggregateName {
    pub(super) const ALL: [Self; 5] = [Self::Count, Self::Sum, Self::Min, Self::Max, Self::First];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Sum => "sum",
            Self::Min => "min",
            Self::Max => "max",
            Self::First => "first",
        }
    }

    /// The aggregate with this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|aggregate| aggregate.name() == name)
    }

    /// How it is used.
    pub(super) fn usage(self) -> &'static str {
        match self {
            Self::Count => "`relation.count(x, condition on x)`, or `size(relation)` to count all",
            Self::Sum => "`relation.sum(x, x.field)`",
            Self::Min => "`relation.min(x, x.field)`",
            Self::Max => "`relation.max(x, x.field)`",
            Self::First => "`relation.first(x, condition on x, [-x.field])`, with `-` for descending order",
        }
    }
}

impl Checker<'_> {
    /// `size(relation)`.
    pub(super) fn size_of_relation(&mut self, of: &Syntax, span: &Range<u32>) -> Option<Expr> {
        let Place::Many { over, each, links, .. } = self.place(of)? else { return None };
        self.nested(span)?;
        let variable = self.next_variable;
        self.next_variable += 1;
        let aggregate = Aggregate { over, variable, condition: None, function: Aggregation::Count, part: None };
        Some(self.counted_links(aggregate, (each, links), span))
    }

    /// `relation.count(x, condition)`, `sum(x, term)`, `min`, `max` or `first(x, condition, [keys])`.
    pub(super) fn aggregate(
        &mut self,
        (target, function, aggregate): (&Syntax, &Ident, AggregateName),
        arguments: &[Syntax],
        span: &Range<u32>,
    ) -> Option<Expr> {
        let (over, each, links) = self.many(target, aggregate.name())?;
        let (Some((SyntaxNode::Name(name), at)), rest) = (
            arguments.first().map(|variable| (&variable.node, &variable.span)),
            arguments.get(1..).unwrap_or_default(),
        ) else {
            return self.refuse_call(function);
        };
        if RESERVED_NAMES.contains(&name.as_str()) || self.is_taken(name) {
            return self.refuse(at.clone(), ExprErrorKind::Shadows { name: name.clone() });
        }
        if links != Links::All && aggregate != AggregateName::Count {
            let what = format!("`{}` of the links that a write adds or removes", aggregate.name());
            let instead = "use `exists`, `all`, `count` or `size`";
            return self.refuse(span.clone(), ExprErrorKind::Unsupported { what, instead });
        }
        self.nested(span)?;
        let index = self.next_variable;
        self.next_variable += 1;
        self.variables.push(Variable { name: name.clone(), index, each });
        self.aggregates += 1;
        let found = match (aggregate, rest) {
            (AggregateName::Count, [condition]) => self.counted(condition),
            (AggregateName::Sum, [term]) => self.summed(term),
            (AggregateName::Min, [term]) => {
                self.ordered(term).map(|by| (by.term.ty.clone(), None, Aggregation::Min(by)))
            }
            (AggregateName::Max, [term]) => {
                self.ordered(term).map(|by| (by.term.ty.clone(), None, Aggregation::Max(by)))
            }
            (AggregateName::First, [condition]) => self.first((index, each), condition, &[]),
            (AggregateName::First, [condition, Syntax { node: SyntaxNode::List(keys), .. }]) => {
                self.first((index, each), condition, keys)
            }
            (
                AggregateName::Count
                | AggregateName::Sum
                | AggregateName::Min
                | AggregateName::Max
                | AggregateName::First,
                _,
            ) => self.refuse_call(function),
        };
        self.aggregates -= 1;
        self.variables.pop();
        let (ty, condition, function) = found?;
        let aggregate = Aggregate { over, variable: index, condition, function, part: None };
        if links != Links::All {
            return Some(self.counted_links(aggregate, (each, links), span));
        }
        Some(self.make(Node::Aggregate(Box::new(aggregate)), ty, span))
    }

    fn nested(&mut self, span: &Range<u32>) -> Option<()> {
        if self.aggregates == limits::AGGREGATE_DEPTH {
            let kind = ExprErrorKind::NestedAggregates { max: limits::AGGREGATE_DEPTH };
            return self.refuse(span.clone(), kind);
        }
        Some(())
    }

    fn counted(&mut self, condition: &Syntax) -> Option<(Type, Option<Expr>, Aggregation)> {
        let condition = self.expect(condition, &Type::Bool)?;
        Some((Type::Int, Some(condition), Aggregation::Count))
    }

    fn summed(&mut self, term: &Syntax) -> Option<(Type, Option<Expr>, Aggregation)> {
        let term = self.expr(term, None)?;
        match &term.ty {
            Type::Int | Type::Float | Type::Decimal | Type::Duration | Type::Money => {
                Some((term.ty.clone(), None, Aggregation::Sum(term)))
            }
            ty => {
                let found = self.named_type(ty);
                self.refuse(term.span.clone(), ExprErrorKind::Type { expected: Expected::Summable, found })
            }
        }
    }

    /// A value by which members are ordered.
    fn ordered(&mut self, term: &Syntax) -> Option<Ordered> {
        let term = self.expr(term, None)?;
        let names = match &term.ty {
            Type::Enum(id) => self.scope.model.enumeration(*id).order(),
            Type::Money => None,
            ty if has_order(ty) => None,
            ty => {
                let found = self.named_type(ty);
                return self.refuse(term.span.clone(), ExprErrorKind::Type { expected: Expected::Ordered, found });
            }
        };
        Some(Ordered { term, names })
    }

    fn first(
        &mut self,
        (variable, each): (u16, Each),
        condition: &Syntax,
        keys: &[Syntax],
    ) -> Option<(Type, Option<Expr>, Aggregation)> {
        let condition = self.expect(condition, &Type::Bool);
        let order: Vec<Option<OrderKey>> = keys.iter().map(|key| self.order_key(key)).collect();
        let order = order.into_iter().collect::<Option<Vec<OrderKey>>>()?;
        let condition = condition?;
        let term = self.one_of_many(variable, each, &condition.span.clone());
        Some((term.ty.clone(), Some(condition), Aggregation::First { term, order }))
    }

    /// A key of an order, `-` before it for the descending one.
    fn order_key(&mut self, key: &Syntax) -> Option<OrderKey> {
        let (by, descending) = match &key.node {
            SyntaxNode::Negate(of) => (self.ordered(of)?, true),
            _ => (self.ordered(key)?, false),
        };
        Some(OrderKey { by, descending })
    }

    /// A field of the record that `first` found, or a part of an amount of money.
    pub(super) fn step_of_aggregate(&mut self, of: Expr, field: &Ident, span: &Range<u32>) -> Option<Place> {
        let Expr { node: Node::Aggregate(mut aggregate), ty, .. } = of else { return None };
        if let Aggregation::First { term, .. } = &mut aggregate.function {
            let Place::One(stepped) = self.step(term.clone(), field, span)? else {
                let what = "a relation to many, or a list, of what `first` finds".to_owned();
                let instead = "ask for it within `first`, or begin with the relation";
                return self.refuse(span.clone(), ExprErrorKind::Unsupported { what, instead });
            };
            let ty = stepped.ty.clone();
            *term = stepped;
            return Some(Place::One(self.make(Node::Aggregate(aggregate), ty, span)));
        }
        match (ty, aggregate.part) {
            (Type::Money, None) => {
                let (part, ty) = self.money_part(field)?;
                aggregate.part = Some(part);
                Some(Place::One(self.make(Node::Aggregate(aggregate), ty, span)))
            }
            (ty, _) => {
                let kind = ExprErrorKind::NoFields { of: self.named_type(&ty), name: field.name.clone() };
                self.refuse(field.span.clone(), kind)
            }
        }
    }
}
