mod aggregate;

use std::cmp::Ordering;
use std::sync::Arc;

use backstay_base::{Caller, Duration, RecordId, Timestamp, Zone, limits};
use backstay_model::CollectionId;
use backstay_scalar::{Currency, Money, Replacement, Value, exact, items, joined, plain_text, split, trimmed};
use rust_decimal::Decimal;

use crate::{ComputedField, Expr, Function, Holder, Many, Node, Operator, Path, Quantifier, Root, Truth, Type, Within};

/// Where an evaluation takes its values from. A bare proposed record answers paths of at most one step and no members;
/// `Checked::needs_store` tells beforehand where that is not enough.
pub trait Environment {
    /// Who asks.
    fn caller(&self) -> &Caller;

    /// The moment at which the request began.
    fn now(&self) -> Timestamp;

    /// The value of the field at the end of the path, the whole of it where the path names a part; null where a
    /// relation on the way is. Without steps: the id of the record. `Account::value` has the fields of the caller's own.
    fn value(&self, from: Start, path: &Path) -> Value;

    /// The records of the to-many relation at the end of the path; `None` where they are not known.
    fn members(&self, from: Start, path: &Path) -> Option<Vec<RecordId>> {
        let _ = (from, path);
        None
    }

    /// Whether a record is there to which a reference in a document leads; `None` where it isn't known.
    fn refers(&self, target: CollectionId, id: &RecordId) -> Option<bool> {
        let _ = (target, id);
        None
    }

    /// The value of the parameter with this index.
    fn param(&self, index: u16) -> Value {
        let _ = index;
        Value::Null
    }

    /// What the group comes to that is asked about: the output with this index.
    fn output(&self, index: u16) -> Value {
        let _ = index;
        Value::Null
    }

    /// The truth of the fact with this index.
    fn fact(&self, index: u16) -> Truth {
        let _ = index;
        Truth::Unknown
    }
}

/// The record that a path starts from, once quantifiers have given their variables a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// `this`.
    This,
    /// `new`.
    New,
    /// `old`.
    Old,
    /// `auth.account`.
    Account,
    /// A member of a to-many relation.
    Record(RecordId),
}

/// The value of an expression; `Value::Null` is unknown.
pub fn evaluate(expr: &Expr, environment: &dyn Environment) -> Value {
    Evaluation { environment, bound: Vec::new() }.value(expr)
}

/// The truth of a Boolean expression.
pub fn truth(expr: &Expr, environment: &dyn Environment) -> Truth {
    Evaluation { environment, bound: Vec::new() }.truth(expr)
}

struct Evaluation<'e> {
    environment: &'e dyn Environment,
    bound: Vec<(u16, Member)>,
}

/// What a variable stands for.
#[derive(Debug, Clone)]
enum Member {
    /// A record of a to-many relation.
    Record(RecordId),
    /// An item of a list of embedded values, and its place.
    Item(usize, Arc<str>),
}

impl Evaluation<'_> {
    fn truth(&mut self, expr: &Expr) -> Truth {
        match &expr.node {
            Node::Not(of) => !self.truth(of),
            Node::Binary(Operator::And, left, right) => match self.truth(left) {
                Truth::False => Truth::False,
                left => left.and(self.truth(right)),
            },
            Node::Binary(Operator::Or, left, right) => match self.truth(left) {
                Truth::True => Truth::True,
                left => left.or(self.truth(right)),
            },
            Node::IsNull { of, negated } => Truth::from(self.value(of).is_null() != *negated),
            Node::In(element, list) => self.is_in(element, list),
            Node::Quantifier { kind, over, variable, body } => self.quantifier(*kind, over, *variable, body),
            Node::Fact(index) => self.environment.fact(*index),
            Node::Computed(computed) if self.lacks_record(computed) => Truth::Unknown,
            Node::Computed(computed) => self.truth(&computed.value),
            _ => Truth::from(&self.value(expr)),
        }
    }

    fn value(&mut self, expr: &Expr) -> Value {
        match &expr.node {
            Node::Literal(value) => value.clone(),
            Node::Param(index, None) => self.environment.param(*index),
            Node::Param(index, Some(part)) => part.of(&self.environment.param(*index)),
            Node::Output(index, None) => self.environment.output(*index),
            Node::Output(index, Some(part)) => part.of(&self.environment.output(*index)),
            Node::Caller(part) => part.of(self.environment.caller()),
            Node::Now => self.environment.now().into(),
            Node::Path(path) => self.path(path),
            Node::Negate(of) => negate(&self.value(of)),
            Node::Binary(operator, left, right) if !matches!(operator, Operator::And | Operator::Or) => {
                let (left, right) = (self.value(left), self.value(right));
                binary(*operator, &left, &right)
            }
            Node::Conditional(condition, then, otherwise) => match self.truth(condition) {
                Truth::True => self.value(then),
                Truth::False => self.value(otherwise),
                Truth::Unknown => Value::Null,
            },
            Node::List(elements) => Value::List(elements.iter().map(|element| self.value(element)).collect()),
            Node::Call(function, arguments) => {
                let arguments: Vec<Value> = arguments.iter().map(|argument| self.value(argument)).collect();
                call(*function, &arguments)
            }
            Node::Matches(of, pattern) => match self.value(of) {
                Value::Text(text) => pattern.matches(&text).map_or(Value::Null, Value::Bool),
                _ => Value::Null,
            },
            Node::Aggregate(aggregate) => self.aggregate(aggregate),
            Node::Computed(computed) if self.lacks_record(computed) => Value::Null,
            Node::Ordinal(of, names) => ordinal(&self.value(of), names),
            Node::Computed(computed) => fitted(self.value(&computed.value), computed),
            Node::Within(within) => self.within(within),
            _ => self.truth(expr).into(),
        }
    }

    fn start(&self, root: Root) -> Option<Start> {
        match root {
            Root::This => Some(Start::This),
            Root::New => Some(Start::New),
            Root::Old => Some(Start::Old),
            Root::Account => Some(Start::Account),
            Root::Bound(variable) => {
                let bound = self.bound.iter().rev().find(|(name, _)| *name == variable);
                bound.and_then(|(_, member)| match member {
                    Member::Record(record) => Some(Start::Record(*record)),
                    Member::Item(..) => None,
                })
            }
        }
    }

    /// A value within a document.
    fn within(&mut self, within: &Within) -> Value {
        match &within.of {
            Holder::Document(document) => match self.value(document) {
                Value::Json(document) => within.lookup.value(&document),
                _ => Value::Null,
            },
            Holder::Item(variable) => match self.bound.iter().rev().find(|(name, _)| name == variable) {
                Some((_, Member::Item(_, item))) => within.lookup.value(item),
                Some((_, Member::Record(_))) | None => Value::Null,
            },
        }
    }

    /// The records of a relation, or the items of a list; `None` where they are not known.
    fn members(&mut self, over: &Many) -> Option<Vec<Member>> {
        match over {
            Many::Records(path) => {
                let records = self.environment.members(self.start(path.root)?, path)?;
                Some(records.into_iter().map(Member::Record).collect())
            }
            Many::Items(list) => {
                let Value::Json(list) = self.within(list) else { return None };
                let items = items(&list).ok()?.into_iter().enumerate();
                Some(items.map(|(place, item)| Member::Item(place, item.get().into())).collect())
            }
            Many::Referred(of) => {
                let Type::Record(target, _) = of.ty else { return None };
                let id = self.value(of).as_id()?;
                let is_there = self.environment.refers(target, &id)?;
                Some(is_there.then_some(Member::Record(id)).into_iter().collect())
            }
        }
    }

    fn path(&self, path: &Path) -> Value {
        let Some(start) = self.start(path.root) else { return Value::Null };
        let value = self.environment.value(start, path);
        match path.part {
            Some(part) => part.of(&value),
            None => value,
        }
    }

    /// Whether a computed field is one of a record that is missing, or of one that it leads to: the caller has no account, or
    /// the write creates the record.
    fn lacks_record(&self, of: &ComputedField) -> bool {
        of.at.root.may_be_absent() && self.path(&Path { steps: Vec::new(), ..of.at.clone() }).is_null()
    }

    fn is_in(&mut self, element: &Expr, list: &Expr) -> Truth {
        let element = self.value(element);
        let Value::List(list) = self.value(list) else { return Truth::Unknown };
        let equal = |other| Truth::from(&binary(Operator::Equal, &element, other));
        list.iter().fold(Truth::False, |so_far, other| so_far.or(equal(other)))
    }

    fn quantifier(&mut self, kind: Quantifier, over: &Many, variable: u16, body: &Expr) -> Truth {
        let Some(members) = self.members(over) else { return Truth::Unknown };
        let mut so_far = Truth::from(kind == Quantifier::All);
        for member in members {
            self.bound.push((variable, member));
            let of_member = self.truth(body);
            self.bound.pop();
            so_far = match kind {
                Quantifier::Exists => so_far.or(of_member),
                Quantifier::All => so_far.and(of_member),
            };
        }
        so_far
    }
}

/// A value as its field holds it: a number with its digits, a text that isn't too long.
fn fitted(value: Value, field: &ComputedField) -> Value {
    let is_too_long = |text: &str| field.most_chars.is_some_and(|most| text.chars().count() > most);
    match (value, field.digits) {
        (Value::Text(text), _) if is_too_long(&text) => Value::Null,
        (Value::Money(money), Some(digits)) => {
            digits.of(money.amount()).map_or(Value::Null, |amount| of_currency(amount, money))
        }
        (value, Some(digits)) => known(exactly(&value).and_then(|number| digits.of(number))),
        (value, None) => value,
    }
}

fn negate(value: &Value) -> Value {
    match value {
        // The smallest number has no counterpart that fits: unknown.
        Value::Int(number) => number.checked_neg().map_or(Value::Null, Value::Int),
        Value::Float(number) => Value::Float(-number),
        Value::Decimal(number) => known(exact::subtract(Decimal::ZERO, *number)),
        Value::Money(money) => of_currency(-money.amount(), *money),
        Value::Duration(length) => {
            length.micros().checked_neg().map_or(Value::Null, |micros| Value::Duration(Duration::from_micros(micros)))
        }
        _ => Value::Null,
    }
}

fn binary(operator: Operator, left: &Value, right: &Value) -> Value {
    let compared =
        |test: fn(Ordering) -> bool| left.order(right).map_or(Value::Null, |ordering| Value::Bool(test(ordering)));
    match operator {
        Operator::Equal => compared(Ordering::is_eq),
        Operator::NotEqual => compared(Ordering::is_ne),
        Operator::Less => compared(Ordering::is_lt),
        Operator::LessEqual => compared(Ordering::is_le),
        Operator::Greater => compared(Ordering::is_gt),
        Operator::GreaterEqual => compared(Ordering::is_ge),
        Operator::And => Truth::from(left).and(Truth::from(right)).into(),
        Operator::Or => Truth::from(left).or(Truth::from(right)).into(),
        Operator::Add | Operator::Subtract | Operator::Multiply | Operator::Divide | Operator::Remainder => {
            // What does not fit its type, and a quotient by zero, is unknown.
            arithmetic(operator, left, right).unwrap_or(Value::Null)
        }
    }
}

/// `None` where a value is null, a number does not fit its type, or the divisor is zero.
fn arithmetic(operator: Operator, left: &Value, right: &Value) -> Option<Value> {
    match (left, right) {
        (Value::Int(left), Value::Int(right)) => int(operator, *left, *right).map(Value::Int),
        (Value::Float(left), Value::Float(right)) => float(operator, *left, *right).map(Value::Float),
        (Value::Decimal(left), Value::Decimal(right)) => decimal(operator, *left, *right),
        (Value::Decimal(left), Value::Int(right)) => decimal(operator, *left, Decimal::from(*right)),
        (Value::Int(left), Value::Decimal(right)) => decimal(operator, Decimal::from(*left), *right),
        (Value::Money(left), Value::Money(right)) => sum_of_money(operator, *left, *right),
        (Value::Money(money), number) | (number, Value::Money(money)) => multiple(operator, *money, number),
        (Value::Timestamp(moment), Value::Duration(by)) => {
            let by = if operator == Operator::Subtract { by.micros().checked_neg()? } else { by.micros() };
            moment.checked_add(Duration::from_micros(by)).map(Value::Timestamp)
        }
        (Value::Duration(by), Value::Timestamp(moment)) => moment.checked_add(*by).map(Value::Timestamp),
        (Value::Timestamp(left), Value::Timestamp(right)) => length(left.micros().checked_sub(right.micros())),
        (Value::Date(day), Value::Duration(by)) => {
            let by = if operator == Operator::Subtract { by.micros().checked_neg()? } else { by.micros() };
            day.checked_add(Duration::from_micros(by)).map(Value::Date)
        }
        (Value::Duration(by), Value::Date(day)) => day.checked_add(*by).map(Value::Date),
        (Value::Date(left), Value::Date(right)) => Some(Value::Duration(left.since(*right))),
        (Value::Duration(one), Value::Int(times)) | (Value::Int(times), Value::Duration(one)) => {
            length(int(operator, one.micros(), *times))
        }
        (Value::Duration(left), Value::Duration(right)) => length(int(operator, left.micros(), right.micros())),
        _ => None,
    }
}

/// Amounts in different currencies have no sum and no difference.
fn sum_of_money(operator: Operator, left: Money, right: Money) -> Option<Value> {
    if left.currency() != right.currency() {
        return None;
    }
    let amount = match operator {
        Operator::Add => exact::add(left.amount(), right.amount()),
        Operator::Subtract => exact::subtract(left.amount(), right.amount()),
        _ => None,
    };
    amount.map(|amount| of_currency(amount, left))
}

fn multiple(operator: Operator, money: Money, number: &Value) -> Option<Value> {
    let amount = exactly(number).filter(|_| operator == Operator::Multiply);
    amount.and_then(|number| exact::multiply(money.amount(), number)).map(|amount| of_currency(amount, money))
}

/// An amount in the currency of another.
fn of_currency(amount: Decimal, money: Money) -> Value {
    Value::Money(Money::computed(amount, money.currency()))
}

fn length(micros: Option<i64>) -> Option<Value> {
    micros.map(|micros| Value::Duration(Duration::from_micros(micros)))
}

fn int(operator: Operator, left: i64, right: i64) -> Option<i64> {
    match operator {
        Operator::Add => left.checked_add(right),
        Operator::Subtract => left.checked_sub(right),
        Operator::Multiply => left.checked_mul(right),
        Operator::Divide => left.checked_div(right),
        Operator::Remainder if right == -1 => Some(0),
        Operator::Remainder => left.checked_rem(right),
        _ => None,
    }
}

fn float(operator: Operator, left: f64, right: f64) -> Option<f64> {
    let result = match operator {
        Operator::Add => left + right,
        Operator::Subtract => left - right,
        Operator::Multiply => left * right,
        Operator::Divide => left / right,
        _ => return None,
    };
    result.is_finite().then_some(result)
}

fn decimal(operator: Operator, left: Decimal, right: Decimal) -> Option<Value> {
    let result = match operator {
        Operator::Add => exact::add(left, right),
        Operator::Subtract => exact::subtract(left, right),
        Operator::Multiply => exact::multiply(left, right),
        _ => None,
    };
    result.map(Value::Decimal)
}

fn known(number: Option<Decimal>) -> Value {
    number.map_or(Value::Null, Value::Decimal)
}

/// A number that is exact.
fn exactly(value: &Value) -> Option<Decimal> {
    match value {
        Value::Decimal(number) => Some(*number),
        Value::Int(number) => Some(Decimal::from(*number)),
        _ => None,
    }
}

/// The number of digits that a checked call of `round` has.
fn digits(value: &Value) -> Option<u32> {
    u32::try_from(value.as_int()?).ok()
}

fn call(function: Function, arguments: &[Value]) -> Value {
    match (function, arguments) {
        (Function::Size, [Value::Text(text)]) => count(text.chars().count()),
        (Function::Size, [Value::List(list)]) => count(list.len()),
        (Function::StartsWith, [Value::Text(text), Value::Text(prefix)]) => text.starts_with(&**prefix).into(),
        (Function::EndsWith, [Value::Text(text), Value::Text(suffix)]) => text.ends_with(&**suffix).into(),
        (Function::Contains, [Value::Text(text), Value::Text(part)]) => text.contains(&**part).into(),
        (Function::LowerAscii, [Value::Text(text)]) => Value::text(text.to_ascii_lowercase()),
        (Function::UpperAscii, [Value::Text(text)]) => Value::text(text.to_ascii_uppercase()),
        (Function::Cased(_), [Value::Text(text)]) if text.len() > limits::CHANGED_TEXT_BYTES => Value::Null,
        (Function::Cased(casing), [Value::Text(text)]) => Value::text(casing.of(text)),
        (Function::Trim, [Value::Text(text)]) => Value::text(trimmed(text)),
        (Function::Replace, [Value::Text(text), Value::Text(part), Value::Text(by)]) => {
            let result = Replacement::new(text, part, by).result(limits::CHANGED_TEXT_BYTES);
            result.map_or(Value::Null, Value::text)
        }
        (Function::Concat, [Value::Text(one), Value::Text(other)]) => {
            joined([&**one, &**other], "", limits::CHANGED_TEXT_BYTES).map_or(Value::Null, Value::text)
        }
        (Function::Split, [Value::Text(text), Value::Text(separator)]) => parts(text, separator),
        (Function::Join, [Value::List(texts), Value::Text(separator)]) => {
            let texts: Option<Vec<&str>> = texts.iter().map(Value::as_text).collect();
            let result = texts.and_then(|texts| joined(texts, separator, limits::CHANGED_TEXT_BYTES));
            result.map_or(Value::Null, Value::text)
        }
        (Function::Element, [Value::List(elements), Value::Int(place)]) => {
            usize::try_from(*place).ok().and_then(|place| elements.get(place)).cloned().unwrap_or(Value::Null)
        }
        (Function::ToText, [value]) => plain_text(value).map_or(Value::Null, Value::text),
        (Function::Money, [amount, Value::Text(code)]) => {
            let money = exactly(amount).zip(Currency::parse(code));
            money.map_or(Value::Null, |(amount, currency)| Value::Money(Money::computed(amount, currency)))
        }
        (Function::UnitDigits, [Value::Text(code)]) => {
            Currency::parse(code).map_or(Value::Null, |currency| Value::Int(currency.digits().into()))
        }
        (Function::Round, [Value::Money(money), places]) => {
            let amount = digits(places).and_then(|digits| exact::round(money.amount(), digits));
            amount.map_or(Value::Null, |amount| of_currency(amount, *money))
        }
        (Function::Quotient, [Value::Money(money), divisor, places]) => {
            let amount = exactly(divisor).zip(digits(places));
            let amount = amount.and_then(|(divisor, digits)| exact::divide(money.amount(), divisor, digits));
            amount.map_or(Value::Null, |amount| of_currency(amount, *money))
        }
        (Function::Round, [number, places]) => {
            known(exactly(number).zip(digits(places)).and_then(|(number, digits)| exact::round(number, digits)))
        }
        (Function::DateIn, [Value::Timestamp(moment), Value::Text(zone)]) => {
            Zone::named(zone).and_then(|zone| zone.date(*moment)).map_or(Value::Null, Value::Date)
        }
        (Function::StartOf(period), [Value::Timestamp(moment), Value::Text(zone)]) => {
            Zone::named(zone).and_then(|zone| zone.start_of(period, *moment)).map_or(Value::Null, Value::Timestamp)
        }
        (Function::CalendarField(field), [Value::Date(date)]) => Value::Int(field.of(*date)),
        (Function::Years, [Value::Date(from), Value::Date(to)]) => Value::Int(to.years_since(*from)),
        (Function::Quotient, [dividend, divisor, places]) => {
            let operands = exactly(dividend).zip(exactly(divisor)).zip(digits(places));
            known(operands.and_then(|((dividend, divisor), digits)| exact::divide(dividend, divisor, digits)))
        }
        _ => Value::Null,
    }
}

fn parts(text: &str, separator: &str) -> Value {
    let parts = if text.len() > limits::CHANGED_TEXT_BYTES { None } else { split(text, separator, limits::LIST_ITEMS) };
    parts.map_or(Value::Null, |parts| Value::List(parts.into_iter().map(Value::text).collect()))
}

fn ordinal(value: &Value, names: &[Arc<str>]) -> Value {
    match value {
        Value::Text(name) => names.iter().position(|known| known == name).map_or(Value::Null, count),
        _ => Value::Null,
    }
}

fn count(size: usize) -> Value {
    Value::Int(i64::try_from(size).expect("a size in memory fits 63 bits"))
}
