//! Values that are more than a scalar: amounts that share a currency, and lists.

use backstay_base::{Step, ViolationKind};
use backstay_engine::Input;
use backstay_model::{FieldId, ValueType};
use backstay_scalar::{Problem, Scalar, Token, Value};
use serde_json::value::RawValue;

use crate::json::{items, within_list_limit};
use crate::wrong::Wrong;

/// Reads an amount that shares the currency of its record: a number, or an object that names the currency too.
pub(crate) fn amount(
    input: &mut Input,
    (field, number): (FieldId, Scalar),
    token: Token<'_>,
) -> Result<(), ViolationKind> {
    let (value, currency) = match token {
        Token::Json("null") => (Value::Null, None),
        Token::Json(raw) if raw.trim_ascii().starts_with('{') => match Scalar::Money.read(token)? {
            Value::Money(money) => (number.fit(Value::Decimal(money.amount()))?, Some(money.currency())),
            other => (other, None),
        },
        token => match number.read(token) {
            Ok(value) => (value, None),
            Err(Problem::Expected(_)) => return Err(ViolationKind::Type { expected: AMOUNT.to_owned() }),
            Err(problem) => return Err(problem.into()),
        },
    };
    input.amount(field, value, currency);
    Ok(())
}

/// What an amount is written as whose currency is in another field.
const AMOUNT: &str =
    "an amount such as \"12.50\", or with its currency such as {\"amount\": \"12.50\", \"currency\": \"EUR\"}";

pub(crate) fn list(element: ValueType<'_>, raw: &str) -> Result<Value, Wrong> {
    let expected = || ViolationKind::Type { expected: "an array".to_owned() };
    let items = items(raw).ok_or_else(expected)?;
    within_list_limit(items.len())?;
    let value = |(index, item): (usize, &&RawValue)| {
        element
            .read(Token::Json(item.get()))
            .map_err(|problem| Wrong { steps: vec![Step::Item(index)], kind: problem.into() })
    };
    let values: Result<Vec<Value>, Wrong> = items.iter().enumerate().map(value).collect();
    Ok(Value::List(values?.into()))
}
