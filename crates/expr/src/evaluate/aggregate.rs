//! Aggregates of members, in memory.

use std::cmp::Ordering;

use backstay_base::Duration;
use backstay_scalar::{MONEY_SCALE, Money, Value, exact};
use rust_decimal::Decimal;

use super::{Evaluation, Member};
use crate::{Aggregate, Aggregation, Expr, FLOAT_TERM, OrderKey, Ordered, Type};

impl Evaluation<'_> {
    pub(super) fn aggregate(&mut self, of: &Aggregate) -> Value {
        let Some(mut members) = self.members(&of.over) else { return Value::Null };
        if let Some(condition) = &of.condition {
            members.retain(|member| self.of_member((of.variable, member), |this| this.truth(condition)).is_true());
        }
        let value = match &of.function {
            Aggregation::Count => super::count(members.len()),
            Aggregation::Sum(term) => {
                let terms = self.terms((of.variable, &members), term);
                terms.and_then(|terms| sum(&terms, term)).unwrap_or(Value::Null)
            }
            Aggregation::Min(by) => self.extreme((of.variable, &members), by, Ordering::Less),
            Aggregation::Max(by) => self.extreme((of.variable, &members), by, Ordering::Greater),
            Aggregation::First { term, order } => {
                let first = self.first((of.variable, members), order);
                first.map_or(Value::Null, |member| self.of_member((of.variable, &member), |this| this.value(term)))
            }
        };
        of.part.map_or_else(|| value.clone(), |part| part.of(&value))
    }

    fn of_member<T>(&mut self, (variable, member): (u16, &Member), evaluate: impl FnOnce(&mut Self) -> T) -> T {
        self.bound.push((variable, member.clone()));
        let value = evaluate(self);
        self.bound.pop();
        value
    }

    /// The term of each member that has one; `None` where a computed one is unknown.
    fn terms(&mut self, (variable, members): (u16, &[Member]), term: &Expr) -> Option<Vec<Value>> {
        let value = |member: &Member| self.of_member((variable, member), |this| this.value(term));
        let mut terms: Vec<Value> = members.iter().map(value).collect();
        if term.node.is_held() {
            terms.retain(|term| !term.is_null());
        }
        (!terms.iter().any(Value::is_null)).then_some(terms)
    }

    fn extreme(&mut self, members: (u16, &[Member]), by: &Ordered, wanted: Ordering) -> Value {
        let Some(terms) = self.terms(members, &by.term) else { return Value::Null };
        if !have_one_currency(&terms) {
            return Value::Null;
        }
        let better = |best: Value, one: Value| if by.order(&one, &best) == Some(wanted) { one } else { best };
        terms.into_iter().reduce(better).unwrap_or(Value::Null)
    }

    fn first(&mut self, (variable, members): (u16, Vec<Member>), order: &[OrderKey]) -> Option<Member> {
        let descending = order.last().is_some_and(|key| key.descending);
        let keys = |this: &mut Self, member: &Member| -> Vec<Value> {
            this.of_member((variable, member), |this| order.iter().map(|key| this.value(&key.by.term)).collect())
        };
        let mut keyed: Vec<(Vec<Value>, Member)> =
            members.into_iter().map(|member| (keys(self, &member), member)).collect();
        keyed.sort_by(|(left, left_member), (right, right_member)| {
            let by_key = order.iter().zip(left.iter().zip(right)).map(|(key, (left, right))| key.order(left, right));
            by_key.fold(Ordering::Equal, Ordering::then).then_with(|| left_member.order(right_member, descending))
        });
        let (first, _) = keyed.first()?;
        let agree = (0..order.len()).all(|index| {
            let (before, _) = order.split_at(index);
            let level = keyed.iter().map(|(keys, _)| keys).filter(|keys| {
                let mut pairs = before.iter().zip(first.iter().zip(*keys));
                pairs.all(|(key, (one, other))| key.order(one, other).is_eq())
            });
            have_one_currency(level.map(|keys| &keys[index]))
        });
        keyed.into_iter().next().filter(|_| agree).map(|(_, member)| member)
    }
}

impl Member {
    /// The order of two members that no key tells apart: records by id, in this direction, and items as they stand.
    fn order(&self, other: &Self, descending: bool) -> Ordering {
        match (self, other) {
            (Self::Record(left), Self::Record(right)) if descending => right.cmp(left),
            (Self::Record(left), Self::Record(right)) => left.cmp(right),
            (Self::Item(left, _), Self::Item(right, _)) => left.cmp(right),
            (Self::Record(_) | Self::Item(..), _) => Ordering::Equal,
        }
    }
}

impl Ordered {
    fn order(&self, left: &Value, right: &Value) -> Option<Ordering> {
        match (left, right, &self.names) {
            (Value::Text(left), Value::Text(right), Some(names)) => {
                let place = |name| names.iter().position(|known| known == name);
                Some(place(left)?.cmp(&place(right)?))
            }
            (Value::Money(left), Value::Money(right), _) => Some(left.amount().cmp(&right.amount())),
            _ => left.order(right),
        }
    }
}

impl OrderKey {
    /// The order of two values of the key, of which none comes last in both directions.
    fn order(&self, left: &Value, right: &Value) -> Ordering {
        match (left.is_null(), right.is_null()) {
            (false, false) => {
                let order = self.by.order(left, right).unwrap_or(Ordering::Equal);
                if self.descending { order.reverse() } else { order }
            }
            (left, right) => left.cmp(&right),
        }
    }
}

/// Whether the amounts of money among the values don't have several currencies.
fn have_one_currency<'v>(values: impl IntoIterator<Item = &'v Value>) -> bool {
    let mut currencies = values.into_iter().filter_map(|value| match value {
        Value::Money(amount) => Some(amount.currency()),
        _ => None,
    });
    let first = currencies.next();
    currencies.all(|one| Some(one) == first)
}

/// Amounts in several currencies have no sum, and neither have none at all.
fn sum_of_money(amounts: &[Money], of: &Expr) -> Option<Value> {
    let currency = amounts.first()?.currency();
    let mut sum = exact::Sum::default();
    for amount in amounts {
        sum.add((amount.currency() == currency).then(|| amount.amount())?);
    }
    let sum = sum.number()?;
    let scaled = || exact::at_scale(sum, MONEY_SCALE).and_then(|sum| i64::try_from(sum.mantissa()).ok());
    (of.computes_digits() || scaled().is_some()).then(|| Value::Money(Money::computed(sum, currency)))
}

/// `None` where the sum is unknown.
fn sum(terms: &[Value], of: &Expr) -> Option<Value> {
    match &of.ty {
        Type::Float => {
            let floats = terms.iter().map(|term| if let Value::Float(term) = term { Some(*term) } else { None });
            let floats: Vec<f64> = floats.collect::<Option<_>>()?;
            floats.iter().all(|term| term.abs() <= FLOAT_TERM).then(|| Value::Float(floats.iter().sum()))
        }
        Type::Decimal if of.computes_digits() => {
            let mut sum = exact::Sum::default();
            for term in terms {
                sum.add(super::exactly(term)?);
            }
            sum.number().map(Value::Decimal)
        }
        Type::Decimal => {
            let add = |sum: Decimal, term: &Value| match term {
                Value::Decimal(term) => sum.checked_add(*term),
                _ => None,
            };
            let sum = terms.iter().try_fold(Decimal::ZERO, add)?;
            i64::try_from(sum.mantissa()).ok().map(|_| Value::Decimal(sum))
        }
        Type::Money => {
            let amounts = terms.iter().map(|term| if let Value::Money(term) = term { Some(*term) } else { None });
            sum_of_money(&amounts.collect::<Option<Vec<Money>>>()?, of)
        }
        _ => {
            let whole = |term: &Value| match term {
                Value::Int(term) => Some(i128::from(*term)),
                Value::Duration(term) => Some(i128::from(term.micros())),
                _ => None,
            };
            let total = terms.iter().map(whole).sum::<Option<i128>>()?;
            let total = i64::try_from(total).ok()?;
            Some(if of.ty == Type::Duration {
                Value::Duration(Duration::from_micros(total))
            } else {
                Value::Int(total)
            })
        }
    }
}
