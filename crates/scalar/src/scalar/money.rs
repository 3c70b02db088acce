use std::borrow::Cow;

use serde_json::value::RawValue;

use super::decimal::read_exact;
use super::text::{Formatted, formatted};
use crate::definition::Definition;
use crate::{Currency, MONEY_SCALE, Money, MoneyError, Part, Problem, Schema, Storage, Token, Value, ValueRef};

/// `Money`: `{"amount": "12.50", "currency": "EUR"}`, or `12.50 EUR` as bare text. The amount is a number or a number in
/// quotes and has no more digits than its currency (ISO 4217); the code is read in either case.
pub(crate) struct MoneyAmount;

/// A currency, such as that of `Money`: a code of ISO 4217, read in either case.
pub(crate) struct CurrencyCode;

const EXPECTED: &str = "an amount with its currency, such as {\"amount\": \"12.50\", \"currency\": \"EUR\"}";
#[expect(clippy::cast_possible_truncation, reason = "four fits")]
const AMOUNT: Storage = Storage::Decimal { scale: MONEY_SCALE as u8 };

impl Definition for MoneyAmount {
    fn name(&self) -> &'static str {
        "Money"
    }

    fn expected(&self) -> &'static str {
        EXPECTED
    }

    fn read(&self, token: Token<'_>) -> Result<Value, Problem> {
        if let Some(raw) = token.object() {
            return of_object(raw);
        }
        let Token::Bare(text) = token else { return Err(Problem::Expected(EXPECTED)) };
        let (amount, currency) = text.split_once(' ').ok_or(Problem::Expected(EXPECTED))?;
        of_parts(Token::Bare(amount), currency)
    }

    fn fit(&self, value: Value) -> Result<Value, Problem> {
        match value {
            Value::Money(money) => Ok(Value::Money(Money::new(money.amount(), money.currency())?)),
            _ => Err(Problem::Expected(EXPECTED)),
        }
    }

    fn storage(&self) -> Storage {
        AMOUNT
    }

    fn columns(&self) -> Vec<(Part, Storage)> {
        vec![(Part::Main, AMOUNT), (Part::Currency, Storage::Text)]
    }

    fn load(&self, columns: &[ValueRef<'_>]) -> Option<Value> {
        let [ValueRef::Decimal(amount), ValueRef::Text(code)] = columns else { return None };
        let mut amount = *amount;
        amount.rescale(MONEY_SCALE);
        let scaled = i64::try_from(amount.mantissa()).ok()?;
        Some(Value::Money(Money::from_scaled(scaled, Currency::parse(code)?)))
    }

    fn is_sortable(&self) -> bool {
        false
    }

    fn is_equatable(&self) -> bool {
        false
    }

    fn is_listable(&self) -> bool {
        false
    }

    fn schema(&self) -> Schema {
        Schema::Money
    }
}

fn of_object(raw: &str) -> Result<Value, Problem> {
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Members<'a> {
        #[serde(borrow)]
        amount: &'a RawValue,
        #[serde(borrow)]
        currency: Cow<'a, str>,
    }
    let members: Members<'_> = serde_json::from_str(raw).map_err(|_| Problem::Expected(EXPECTED))?;
    of_parts(Token::Json(members.amount.get()), &members.currency)
}

fn of_parts(amount: Token<'_>, currency: &str) -> Result<Value, Problem> {
    let currency = Currency::parse(&currency.trim().to_ascii_uppercase()).ok_or(Problem::Currency)?;
    let amount = match read_exact(amount) {
        Ok(Value::Decimal(amount)) => amount,
        Err(Problem::Digits { .. }) => return Err(MoneyError::Range.into()),
        Ok(_) | Err(_) => return Err(Problem::Expected(EXPECTED)),
    };
    Ok(Value::Money(Money::new(amount, currency)?))
}

impl Formatted for CurrencyCode {
    const EXPECTED: &'static str = "a currency code of ISO 4217, such as \"EUR\"";

    fn normal(text: &str) -> Result<String, Problem> {
        let code = text.trim().to_ascii_uppercase();
        Currency::parse(&code).map(|currency| currency.code().to_owned()).ok_or(Problem::Currency)
    }
}

formatted!(CurrencyCode, "Currency", Schema::pattern("^[A-Z]{3}$"));

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scalar;

    #[test]
    fn money_is_read_as_an_object_or_as_bare_text() {
        let eur = |scaled| Value::Money(Money::from_scaled(scaled, Currency::parse("EUR").expect("a currency")));
        let check = |raw: &str, expected: Result<Value, Problem>| {
            assert_eq!(Scalar::Money.read(Token::Json(raw)), expected, "{raw}");
        };
        check(r#"{"amount":"12.5","currency":"EUR"}"#, Ok(eur(125_000)));
        check(r#"{"currency":"eur","amount":12.50}"#, Ok(eur(125_000)));
        assert_eq!(Scalar::Money.read(Token::Bare("12.50 EUR")), Ok(eur(125_000)));
        let currency = Currency::parse("EUR").expect("a currency");
        check(r#"{"amount":12.345,"currency":"EUR"}"#, Err(MoneyError::Digits { currency }.into()));
        check(r#"{"amount":1,"currency":"EURO"}"#, Err(Problem::Currency));
        for bad in [r#"{"amount":"1"}"#, r#"{"amount":"1","currency":"EUR","x":1}"#, "12", r#""12 EUR""#] {
            check(bad, Err(Problem::Expected(EXPECTED)));
        }
    }
}
