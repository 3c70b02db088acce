use std::cmp::Ordering;
use std::sync::Arc;

use serde_json::Value as Json;

use super::expression::{Arithmetic, Comparison, Function, JsonStep, Path, Quantifier, Root};
use super::pools::PATTERNS;
use super::value::{DECIMAL_UNIT, years};
use super::{Asker, Expr, Field, Kind, Record, Value, World};

/// From 0001-01-01T00:00:00Z to 9999-12-30T22:00:00.999999Z, in microseconds since 1970.
const MOMENTS: std::ops::RangeInclusive<i64> = -62_135_596_800_000_000..=253_402_207_200_999_999;

/// A record as an expression sees it: stored, or as it would be.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'w> {
    /// Its type.
    pub of: usize,
    /// Its values.
    pub values: &'w [Value],
    /// The members of many-to-many relations that were sent, by field.
    pub sent: &'w [(usize, Vec<Arc<str>>)],
}

impl<'w> From<&'w Record> for Subject<'w> {
    fn from(record: &'w Record) -> Self {
        Self { of: record.of, values: &record.values, sent: &[] }
    }
}

/// What an expression is evaluated with.
#[derive(Debug, Clone, Copy)]
pub struct Evaluation<'w> {
    /// Who asks, and the moment.
    pub asker: &'w Asker,
    /// What there is.
    pub world: &'w World,
    /// Whether it looks with the caller's rights, as a filter does; a rule sees everything.
    pub restricted: bool,
    /// `this`.
    pub this: Subject<'w>,
    /// `new`.
    pub new: Subject<'w>,
    /// Values of parameters.
    pub params: &'w [Value],
}

type Bound<'w> = Vec<(usize, &'w Record)>;

impl<'w> Evaluation<'w> {
    /// True, false or unknown (`None`).
    pub fn truth(self, expr: &Expr) -> Option<bool> {
        self.value(expr, &mut Vec::new()).truth()
    }

    fn value(self, expr: &Expr, bound: &mut Bound<'w>) -> Value {
        match expr {
            Expr::Literal(value) => value.clone(),
            Expr::Param(index) => self.params[*index].clone(),
            Expr::Path(path) => self.path(path, bound),
            Expr::Auth(part) => self.asker.auth(*part),
            Expr::Now => Value::Moment(self.asker.now),
            Expr::Not(of) => truth(self.value(of, bound).truth().map(|truth| !truth)),
            Expr::Negate(of) => negated(&self.value(of, bound)),
            Expr::And(left, right) => truth(and(self.value(left, bound).truth(), self.value(right, bound).truth())),
            Expr::Or(left, right) => truth(or(self.value(left, bound).truth(), self.value(right, bound).truth())),
            Expr::Compare(operator, left, right) => {
                let kind = self.enum_of(left).or_else(|| self.enum_of(right));
                let [left, right] = [left, right].map(|side| {
                    let value = self.value(side, bound);
                    kind.map_or_else(|| value.clone(), |kind| self.world.schema.in_order(kind, value.clone()))
                });
                let ordering = left.compare(&right);
                truth(ordering.map(|ordering| holds(*operator, ordering)))
            }
            Expr::Compute(operator, left, right) => {
                let (left, right) = (self.value(left, bound), self.value(right, bound));
                computed(*operator, &left, &right).unwrap_or(Value::Null)
            }
            Expr::IsNull(of, wanted) => Value::Bool(self.value(of, bound).is_null() == *wanted),
            Expr::If(condition, then, otherwise) => match self.value(condition, bound).truth() {
                Some(true) => self.value(then, bound),
                Some(false) => self.value(otherwise, bound),
                None => Value::Null,
            },
            Expr::In(element, list) => {
                let element = self.value(element, bound);
                let Value::List(items) = self.value(list, bound) else { return Value::Null };
                let equal = |item: &Value| element.compare(item).map(Ordering::is_eq);
                truth(items.iter().map(equal).fold(Some(false), or))
            }
            Expr::List(items) => Value::List(items.iter().map(|item| self.value(item, bound)).collect()),
            Expr::Call(function, arguments) => {
                let arguments: Vec<Value> = arguments.iter().map(|argument| self.value(argument, bound)).collect();
                called(*function, &arguments)
            }
            Expr::Members(kind, path, variable, body) => {
                let Some(members) = self.members(path, bound) else { return Value::Null };
                let mut truths = Vec::new();
                for member in members {
                    bound.push((*variable, member));
                    truths.push(self.value(body, bound).truth());
                    bound.pop();
                }
                truth(match kind {
                    Quantifier::Exists => truths.into_iter().fold(Some(false), or),
                    Quantifier::All => truths.into_iter().fold(Some(true), and),
                })
            }
            Expr::Within(path, of) => self.within(path, &self.value(of, bound), bound),
            Expr::Json(path, steps, kind) => match self.path(path, bound) {
                Value::Json(document) => read(&document, steps, kind.as_ref()),
                _ => Value::Null,
            },
            Expr::Named(index) => self.value(&self.world.schema.rules[*index].1, &mut Vec::new()),
        }
    }

    /// `x == y || x.ancestors.exists(a, a == y)`.
    fn within(self, path: &Path, of: &Value, bound: &Bound<'w>) -> Value {
        let target = path.steps.iter().try_fold(path.of, |of, step| self.world.schema.field(of, *step).kind.target());
        let fields = &self.world.schema.types[target.expect("a path to a record")].fields;
        let is_above = |field: &Field| matches!(field.kind, Kind::Lineage { is_up: true, .. });
        let mut above = path.clone();
        above.steps.push(fields.iter().position(is_above).expect("a tree"));
        let is_it = |record: &Value| record.compare(of).map(Ordering::is_eq);
        let above = self.members(&above, bound);
        let exists = above.and_then(|above| above.iter().map(|above| is_it(&above.values[0])).fold(Some(false), or));
        truth(or(is_it(&self.path(path, bound)), exists))
    }

    /// The kind of what is a value of an enum wherever it stands; a literal is one only beside such a value.
    fn enum_of(self, expr: &Expr) -> Option<&'w Kind> {
        match expr {
            Expr::Path(path) => {
                let (last, steps) = path.steps.split_last()?;
                let schema = &self.world.schema;
                let of = steps.iter().try_fold(path.of, |of, step| schema.field(of, *step).kind.target())?;
                Some(&schema.field(of, *last).kind).filter(|kind| matches!(kind, Kind::Enum(_)))
            }
            Expr::If(_, then, _) => self.enum_of(then),
            _ => None,
        }
    }

    fn start(self, path: &Path, bound: &Bound<'w>) -> Subject<'w> {
        match path.root {
            Root::This => self.this,
            Root::New => self.new,
            Root::Bound(variable) => {
                let found = bound.iter().rev().find(|(name, _)| *name == variable);
                Subject::from(found.expect("a variable that is bound").1)
            }
        }
    }

    fn path(self, path: &Path, bound: &Bound<'w>) -> Value {
        let start = self.start(path, bound);
        // A record is its id.
        let steps = match path.steps.as_slice() {
            [before @ .., 0] if !before.is_empty() => before,
            steps => steps,
        };
        let Some((last, before)) = steps.split_last() else { return start.values[0].clone() };
        self.walk(start, before).map_or(Value::Null, |at| self.field(at, *last))
    }

    fn field(self, at: Subject<'w>, field: usize) -> Value {
        match self.restricted && !self.asker.sees(self.world, at, field) {
            true => Value::Null,
            false => at.values[field].clone(),
        }
    }

    /// The record at the end of these relations, if it is there and seen.
    fn walk(self, start: Subject<'w>, steps: &[usize]) -> Option<Subject<'w>> {
        let mut at = start;
        for step in steps {
            let value = self.field(at, *step);
            let target = self.world.schema.field(at.of, *step).kind.target()?;
            at = self.world.find(target, value.id()?)?.into();
            if self.restricted && !self.asker.reads(self.world, at) {
                return None;
            }
        }
        Some(at)
    }

    fn members(self, path: &Path, bound: &Bound<'w>) -> Option<Vec<&'w Record>> {
        let (last, before) = path.steps.split_last()?;
        let owner = self.walk(self.start(path, bound), before)?;
        if !self.restricted {
            return Some(proposed_members(self.world, owner, *last));
        }
        self.asker.sees(self.world, owner, *last).then(|| self.asker.members(self.world, owner, *last))
    }
}

/// The members of a relation: those that were sent, else the stored ones.
fn proposed_members<'w>(world: &'w World, owner: Subject<'w>, field: usize) -> Vec<&'w Record> {
    let id = owner.values[0].id().expect("a record has an id");
    match (owner.sent.iter().find(|(of, _)| *of == field), &world.schema.field(owner.of, field).kind) {
        (Some((_, ids)), Kind::ManyToMany { target }) => ids.iter().filter_map(|id| world.find(*target, id)).collect(),
        _ => world.members(owner.of, field, id),
    }
}

fn truth(of: Option<bool>) -> Value {
    of.map_or(Value::Null, Value::Bool)
}

pub(super) fn and(left: Option<bool>, right: Option<bool>) -> Option<bool> {
    match (left, right) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

pub(super) fn or(left: Option<bool>, right: Option<bool>) -> Option<bool> {
    match (left, right) {
        (Some(true), _) | (_, Some(true)) => Some(true),
        (Some(false), Some(false)) => Some(false),
        _ => None,
    }
}

fn holds(operator: Comparison, ordering: Ordering) -> bool {
    match operator {
        Comparison::Equal => ordering.is_eq(),
        Comparison::NotEqual => ordering.is_ne(),
        Comparison::Less => ordering.is_lt(),
        Comparison::LessEqual => ordering.is_le(),
        Comparison::Greater => ordering.is_gt(),
        Comparison::GreaterEqual => ordering.is_ge(),
    }
}

fn negated(value: &Value) -> Value {
    match value {
        Value::Int(number) => number.checked_neg().map_or(Value::Null, Value::Int),
        Value::Float(number) => Value::Float(-number),
        Value::Length(micros) => micros.checked_neg().map_or(Value::Null, Value::Length),
        _ => Value::Null,
    }
}

/// `None` where a number does not fit, a divisor is zero, or a value is missing.
fn computed(operator: Arithmetic, left: &Value, right: &Value) -> Option<Value> {
    match (left, right) {
        (Value::Int(left), Value::Int(right)) => integer(operator, *left, *right).map(Value::Int),
        (Value::Float(left), Value::Float(right)) => {
            let result = match operator {
                Arithmetic::Add => left + right,
                Arithmetic::Subtract => left - right,
                Arithmetic::Multiply => left * right,
                Arithmetic::Divide => left / right,
                Arithmetic::Remainder => return None,
            };
            result.is_finite().then_some(Value::Float(result))
        }
        (Value::Text(left), Value::Text(right)) => {
            (operator == Arithmetic::Add).then(|| Value::text(&format!("{left}{right}")))
        }
        (Value::Decimal(left), Value::Decimal(right)) => match operator {
            Arithmetic::Add => exact(left.checked_add(*right)?),
            Arithmetic::Subtract => exact(left.checked_sub(*right)?),
            _ => None,
        },
        (Value::Decimal(left), Value::Int(right)) => match operator {
            Arithmetic::Multiply => exact(left.checked_mul(i128::from(*right))?),
            _ => computed(operator, &Value::Decimal(*left), &Value::Decimal(i128::from(*right) * DECIMAL_UNIT)),
        },
        (Value::Int(left), Value::Decimal(_)) if operator != Arithmetic::Multiply => {
            computed(operator, &Value::Decimal(i128::from(*left) * DECIMAL_UNIT), right)
        }
        (Value::Length(left), Value::Length(right)) => integer(operator, *left, *right).map(Value::Length),
        (Value::Moment(left), Value::Moment(right)) => Some(Value::Length(left - right)),
        (Value::Moment(left), Value::Length(right)) => within_years(integer(operator, *left, *right)?),
        (Value::Length(left), Value::Moment(right)) => within_years(left.checked_add(*right)?),
        _ => None,
    }
}

/// A number in billionths, if 28 digits are enough for it.
fn exact(billionths: i128) -> Option<Value> {
    let (mut digits, mut places) = (billionths, 9);
    while places > 0 && digits % 10 == 0 {
        (digits, places) = (digits / 10, places - 1);
    }
    (digits.unsigned_abs() < 10_u128.pow(28)).then_some(Value::Decimal(billionths))
}

/// A quotient; halves go away from zero.
fn rounded(dividend: &Value, divisor: &Value, digits: i64) -> Option<Value> {
    let billionths = |value: &Value| match value {
        Value::Decimal(number) => Some(*number),
        Value::Int(number) => Some(i128::from(*number) * DECIMAL_UNIT),
        _ => None,
    };
    let (over, by) = (billionths(dividend)?, billionths(divisor)?);
    let digits = u32::try_from(digits).ok()?;
    let twice = over.abs() * 10_i128.pow(digits) * 2 + by.abs();
    let nearest = twice.checked_div(by.abs() * 2)?;
    exact(over.signum() * by.signum() * nearest * (DECIMAL_UNIT / 10_i128.pow(digits)))
}

fn within_years(micros: i64) -> Option<Value> {
    MOMENTS.contains(&micros).then_some(Value::Moment(micros))
}

fn integer(operator: Arithmetic, left: i64, right: i64) -> Option<i64> {
    let (left, right) = (i128::from(left), i128::from(right));
    let exact = match operator {
        Arithmetic::Add => left + right,
        Arithmetic::Subtract => left - right,
        Arithmetic::Multiply => left * right,
        Arithmetic::Divide => left.checked_div(right)?,
        Arithmetic::Remainder => left.checked_rem(right)?,
    };
    i64::try_from(exact).ok()
}

fn called(function: Function, arguments: &[Value]) -> Value {
    match (function, arguments) {
        (Function::Size, [Value::Text(text)]) => size(text.chars().count()),
        (Function::Size, [Value::List(items)]) => size(items.len()),
        (Function::StartsWith, [Value::Text(text), Value::Text(part)]) => Value::Bool(text.starts_with(&**part)),
        (Function::EndsWith, [Value::Text(text), Value::Text(part)]) => Value::Bool(text.ends_with(&**part)),
        (Function::Contains, [Value::Text(text), Value::Text(part)]) => Value::Bool(text.contains(&**part)),
        (Function::Lower, [Value::Text(text)]) => Value::text(&text.to_ascii_lowercase()),
        (Function::Upper, [Value::Text(text)]) => Value::text(&text.to_ascii_uppercase()),
        (Function::LowerAll, [Value::Text(text)]) => Value::text(&text.to_lowercase()),
        (Function::Replace, [Value::Text(text), Value::Text(part), Value::Text(by)]) => match part.is_empty() {
            true => Value::Text(Arc::clone(text)),
            false => Value::text(&text.replace(&**part, by)),
        },
        (Function::Matches, [Value::Text(text), Value::Text(pattern)]) => {
            let known = PATTERNS.iter().find(|(known, _)| *known == &**pattern);
            Value::Bool(known.is_some_and(|(_, matches)| matches(text)))
        }
        (Function::Round, [of, Value::Int(digits)]) => rounded(of, &Value::Int(1), *digits).unwrap_or(Value::Null),
        (Function::Split, [Value::Text(text), Value::Text(by)]) => {
            let parts: Vec<&str> = if by.is_empty() { vec![text] } else { text.split(&**by).collect() };
            Value::List(parts.into_iter().map(Value::text).collect())
        }
        (Function::Join, [Value::List(texts), Value::Text(by)]) => {
            let texts: Vec<&str> = texts.iter().filter_map(|text| text.as_text()).collect();
            Value::text(&texts.join(by))
        }
        (Function::Written, [of]) => of.written(),
        (Function::Years, [Value::Date(from), Value::Date(to)]) => Value::Int(years(*from, *to)),
        (Function::Quotient, [of, by, Value::Int(digits)]) => rounded(of, by, *digits).unwrap_or(Value::Null),
        _ => Value::Null,
    }
}

/// A value in a document. One of another kind is none.
fn read(document: &Json, steps: &[JsonStep], kind: Option<&Kind>) -> Value {
    let found = steps.iter().try_fold(document, |at, step| match step {
        JsonStep::Member(name) => at.as_object()?.get(*name),
        JsonStep::Item(index) => at.as_array()?.get(*index),
    });
    let Some(found) = found.filter(|found| !found.is_null()) else { return Value::Null };
    match (kind, found) {
        (None, _) => Value::Bool(true),
        (Some(Kind::Text), Json::String(text)) => Value::text(text),
        (Some(Kind::Bool), Json::Bool(truth)) => Value::Bool(*truth),
        (Some(Kind::Int), Json::Number(number)) => {
            // `5.0` is a whole number.
            let whole = number.to_string();
            whole.strip_suffix(".0").unwrap_or(&whole).parse().map_or(Value::Null, Value::Int)
        }
        (Some(Kind::Decimal { .. }), Json::Number(number)) => {
            let text = number.to_string();
            let (whole, rest) = text.split_once('.').unwrap_or((&text, ""));
            let digits = format!("{whole}{rest:0<9}");
            digits.parse().map_or(Value::Null, Value::Decimal)
        }
        // Elements of another kind equal no text.
        (Some(Kind::List(_)), Json::Array(items)) => {
            Value::List(items.iter().filter_map(Json::as_str).map(Value::text).collect())
        }
        _ => Value::Null,
    }
}

fn size(of: usize) -> Value {
    Value::Int(i64::try_from(of).expect("a size in memory fits 63 bits"))
}
