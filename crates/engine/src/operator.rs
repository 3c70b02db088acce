use std::fmt;
use std::sync::Arc;

use backstay_base::{Duration, ViolationKind, limits};
use backstay_scalar::{Currency, Money, Problem, Scalar, Value, exact};
use rust_decimal::Decimal;

/// A change of the stored value of a field.
#[derive(Clone, PartialEq)]
pub enum Operator {
    /// Adds a number, an amount or a duration. A value that is missing counts as zero.
    Increase(Value),
    /// Multiplies a number or an amount; what has more digits than the field is rounded half away from zero. A value that is
    /// missing stays missing.
    Multiply(Value),
    /// Puts items at the end of a list. A list that is missing counts as empty.
    Append(Arc<[Value]>),
    /// Takes every item out of a list that equals one of these.
    Remove(Arc<[Value]>),
    /// Merges a patch (RFC 7396) into a document, with the operations in it.
    Merge(Arc<str>),
}

// Its operand is not shown: it may be classified.

impl fmt::Debug for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operator").finish_non_exhaustive()
    }
}

impl Operator {
    /// What it makes of a stored value of this scalar.
    pub(crate) fn result(&self, stored: &Value, scalar: Option<Scalar>) -> Result<Value, ViolationKind> {
        let result = match (self, stored) {
            (Self::Increase(by), Value::Null) => by.clone(),
            (Self::Multiply(_) | Self::Remove(_), Value::Null) => Value::Null,
            (Self::Append(items), Value::Null) => Value::List(Arc::clone(items)),
            (Self::Increase(by), stored) => sum(stored, by)?,
            (Self::Multiply(by), stored) => product(stored, by, scalar)?,
            (Self::Append(items), Value::List(list)) if list.len() + items.len() > limits::LIST_ITEMS => {
                return Err(ViolationKind::Range(format!("at most {} items", limits::LIST_ITEMS)));
            }
            (Self::Append(items), Value::List(list)) => Value::List(list.iter().chain(&**items).cloned().collect()),
            (Self::Remove(items), Value::List(list)) => {
                Value::List(list.iter().filter(|item| !items.contains(item)).cloned().collect())
            }
            (Self::Append(_) | Self::Remove(_) | Self::Merge(_), _) => return Err(other_type()),
        };
        match (scalar, result) {
            (Some(_), result @ (Value::Null | Value::List(_))) | (None, result) => Ok(result),
            (Some(scalar), result) => Ok(scalar.fit(result)?),
        }
    }
}

fn sum(stored: &Value, by: &Value) -> Result<Value, ViolationKind> {
    Ok(match (stored, by) {
        (Value::Int(stored), Value::Int(by)) => {
            Value::Int(stored.checked_add(*by).ok_or(ViolationKind::from(Problem::IntRange))?)
        }
        (Value::Float(stored), Value::Float(by)) => Value::Float(stored + by),
        (Value::Decimal(stored), Value::Decimal(by)) => Value::Decimal(exact::add(*stored, *by).ok_or_else(too_long)?),
        (Value::Duration(stored), Value::Duration(by)) => {
            let micros = stored.micros().checked_add(by.micros());
            Value::Duration(Duration::from_micros(micros.ok_or(ViolationKind::from(Problem::DurationRange))?))
        }
        (Value::Money(stored), Value::Money(by)) => {
            let (stored_in, currency) = (stored.currency(), by.currency());
            if stored_in != currency {
                let problem = format!("the stored amount is in {stored_in}, and this one in {currency}");
                return Err(ViolationKind::Misused { problem, remedy: format!("send an amount in {stored_in}") });
            }
            money(exact::add(stored.amount(), by.amount()), currency)?
        }
        _ => return Err(other_type()),
    })
}

fn product(stored: &Value, by: &Value, scalar: Option<Scalar>) -> Result<Value, ViolationKind> {
    Ok(match (stored, by) {
        (Value::Int(stored), Value::Int(by)) => {
            Value::Int(stored.checked_mul(*by).ok_or(ViolationKind::from(Problem::IntRange))?)
        }
        (Value::Float(stored), Value::Float(by)) => Value::Float(stored * by),
        (Value::Decimal(stored), Value::Decimal(by)) => {
            let product = exact::multiply(*stored, *by).ok_or_else(too_long)?;
            match scalar {
                Some(Scalar::Decimal { precision, scale }) => {
                    let whole = precision - scale;
                    let fitted = exact::fitted(product, precision.into(), scale.into());
                    Value::Decimal(fitted.ok_or(ViolationKind::from(Problem::Digits { whole, scale }))?)
                }
                Some(_) | None => Value::Decimal(product),
            }
        }
        (Value::Money(stored), Value::Decimal(by)) => {
            let product = exact::multiply(stored.amount(), *by);
            money(product.and_then(|product| exact::round(product, stored.currency().digits())), stored.currency())?
        }
        _ => return Err(other_type()),
    })
}

fn money(number: Option<Decimal>, currency: Currency) -> Result<Value, ViolationKind> {
    let money = Money::new(number.ok_or_else(too_long)?, currency).map_err(Problem::from)?;
    Ok(Value::Money(money))
}

pub(crate) fn too_long() -> ViolationKind {
    ViolationKind::Range("the result has more digits than the field holds".to_owned())
}

/// A door sends no operand of another type than the field's.
fn other_type() -> ViolationKind {
    ViolationKind::Type { expected: "an operand of the field's type".to_owned() }
}
