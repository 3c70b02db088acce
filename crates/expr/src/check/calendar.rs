//! Days, periods and lengths of time.

use std::ops::Range;

use backstay_base::{CalendarField, Duration, Period, Zone, nearest};
use backstay_scalar::Value;

use super::Checker;
use crate::error::{ExprErrorKind, Name};
use crate::syntax::{Ident, Syntax, SyntaxNode};
use crate::{Expr, Function, Node, Operator, Type};

/// The zone where none is written.
const UTC: &str = "UTC";
/// The parts of a length of time, and how many microseconds they have.
const UNITS: [(&str, i64); 5] = [
    ("weeks", 604_800_000_000),
    ("days", 86_400_000_000),
    ("hours", 3_600_000_000),
    ("minutes", 60_000_000),
    ("seconds", 1_000_000),
];

fn function(name: &str) -> Option<Function> {
    Some(match name {
        "date" => Function::DateIn,
        "startOfHour" => Function::StartOf(Period::Hour),
        "startOfDay" => Function::StartOf(Period::Day),
        "startOfWeek" => Function::StartOf(Period::Week),
        "startOfMonth" => Function::StartOf(Period::Month),
        "startOfQuarter" => Function::StartOf(Period::Quarter),
        "startOfYear" => Function::StartOf(Period::Year),
        name => Function::CalendarField(CalendarField::named(name)?),
    })
}

/// Whether a call of this name with these arguments is one of the calendar; `date('2026-01-31')` is a literal.
pub(super) fn is_of_calendar(name: &str, arguments: &[Syntax]) -> bool {
    match (name, arguments) {
        ("today", [] | [_]) => true,
        ("date", [one]) => !matches!(one.node, SyntaxNode::Text(_) | SyntaxNode::Param(_)),
        (name, [_]) => function(name).is_some(),
        (name, [_, _]) => matches!(function(name), Some(Function::DateIn | Function::StartOf(_))),
        _ => false,
    }
}

impl Checker<'_> {
    /// A call of which `is_of_calendar` is true.
    pub(super) fn of_calendar(&mut self, name: &Ident, arguments: &[Syntax], span: &Range<u32>) -> Option<Expr> {
        let (of, zone, called) = match (name.name.as_str(), arguments) {
            ("today", zone) => (self.now(&name.span), zone.first(), Function::DateIn),
            (word, [of, rest @ ..]) => {
                let called = function(word)?;
                let ty = if let Function::CalendarField(_) = called { Type::Date } else { Type::Timestamp };
                (self.expect(of, &ty)?, rest.first(), called)
            }
            (_, []) => return None,
        };
        let mut operands = vec![of];
        let ty = match called {
            Function::CalendarField(_) => Type::Int,
            called => {
                operands.push(self.zone(zone, name)?);
                if called == Function::DateIn { Type::Date } else { Type::Timestamp }
            }
        };
        Some(self.make(Node::Call(called, operands), ty, span))
    }

    /// `years(from, to)`.
    pub(super) fn years(&mut self, days: [&Syntax; 2], span: &Range<u32>) -> Option<Expr> {
        let [from, to] = days.map(|day| self.expect(day, &Type::Date));
        Some(self.make(Node::Call(Function::Years, vec![from?, to?]), Type::Int, span))
    }

    /// A time zone, which must be a literal, so that a wrong one is found when the model is loaded.
    fn zone(&mut self, zone: Option<&Syntax>, function: &Ident) -> Option<Expr> {
        let (name, span) = match zone {
            None => (UTC, function.span.clone()),
            Some(Syntax { node: SyntaxNode::Text(name), span }) => (name.as_str(), span.clone()),
            Some(_) => return self.refuse_call(function),
        };
        if Zone::named(name).is_none() {
            return self.refuse(span, ExprErrorKind::Zone { name: name.to_owned() });
        }
        Some(self.make(Node::Literal(Value::text(name)), Type::Text, &span))
    }

    /// `duration(hours: 1, minutes: this.length)`: the sum of the parts, each a whole number of its unit.
    pub(super) fn length(&mut self, parts: &[(Ident, Syntax)], span: &Range<u32>) -> Option<Expr> {
        let mut sum: Option<Expr> = None;
        for (index, (unit, number)) in parts.iter().enumerate() {
            let Some((_, micros)) = UNITS.iter().find(|(name, _)| *name == unit.name) else {
                let suggestion = nearest(&unit.name, UNITS.map(|(name, _)| name)).map(str::to_owned);
                let kind = ExprErrorKind::Unknown { what: Name::Unit, name: unit.name.clone(), suggestion };
                return self.refuse(unit.span.clone(), kind);
            };
            if parts[..index].iter().any(|(other, _)| other.name == unit.name) {
                return self.refuse(unit.span.clone(), ExprErrorKind::Doubled { name: unit.name.clone() });
            }
            let number = self.expect(number, &Type::Int)?;
            let one = Node::Literal(Value::Duration(Duration::from_micros(*micros)));
            let one = self.make(one, Type::Duration, &unit.span);
            let node = Node::Binary(Operator::Multiply, Box::new(number), Box::new(one));
            let part = self.make(node, Type::Duration, span);
            sum = Some(match sum {
                Some(sum) => {
                    let node = Node::Binary(Operator::Add, Box::new(sum), Box::new(part));
                    self.make(node, Type::Duration, span)
                }
                None => part,
            });
        }
        sum
    }
}
