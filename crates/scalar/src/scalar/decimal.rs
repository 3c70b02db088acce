use rust_decimal::Decimal as Exactly;

use super::number::Exact;
use crate::definition::Definition;
use crate::{Problem, Schema, Storage, Token, Value};

/// `Decimal`: an exact number, written as a number or in quotes; kept with all digits of its scale.
pub(crate) struct Decimal {
    pub(crate) precision: u8,
    pub(crate) scale: u8,
}

const EXPECTED: &str = "a decimal number, such as \"12.50\"";

impl Decimal {
    fn of(&self, scaled: i128) -> Result<Value, Problem> {
        let digits = Problem::Digits { whole: self.precision - self.scale, scale: self.scale };
        if scaled.unsigned_abs() >= 10_u128.pow(u32::from(self.precision)) {
            return Err(digits);
        }
        Exactly::try_from_i128_with_scale(scaled, u32::from(self.scale)).map(Value::Decimal).map_err(|_| digits)
    }
}

impl Definition for Decimal {
    fn name(&self) -> &'static str {
        "Decimal"
    }

    fn expected(&self) -> &'static str {
        EXPECTED
    }

    fn read(&self, token: Token<'_>) -> Result<Value, Problem> {
        let exact = exact(token)?;
        match exact.scaled(u32::from(self.scale)) {
            Some(Ok(scaled)) => self.of(scaled),
            Some(Err(_)) | None => Err(Problem::Digits { whole: self.precision - self.scale, scale: self.scale }),
        }
    }

    fn fit(&self, value: Value) -> Result<Value, Problem> {
        match value {
            Value::Decimal(number) => self.read(Token::Bare(&number.to_string())),
            Value::Int(number) => self.read(Token::Bare(&number.to_string())),
            _ => Err(Problem::Expected(EXPECTED)),
        }
    }

    fn storage(&self) -> Storage {
        Storage::Decimal { scale: self.scale }
    }

    fn schema(&self) -> Schema {
        let whole = self.precision - self.scale;
        let fraction = if self.scale == 0 { String::new() } else { format!(r"(\.[0-9]{{1,{}}})?", self.scale) };
        Schema::pattern(&format!("^-?[0-9]{{1,{}}}{fraction}$", whole.max(1)))
    }
}

fn exact(token: Token<'_>) -> Result<Exact, Problem> {
    let text = match token.number() {
        Some(number) => number.into(),
        None => token.text()?.ok_or(Problem::Expected(EXPECTED))?,
    };
    Exact::parse(&text).ok_or(Problem::Expected(EXPECTED))
}

/// Reads an exact number of up to 28 digits with its own scale: an operand that no field's precision limits.
pub fn read_exact(token: Token<'_>) -> Result<Value, Problem> {
    const DIGITS: Problem = Problem::Digits { whole: 18, scale: 18 };
    let exact = exact(token)?;
    let scaled = (0..=18).find_map(|scale| exact.scaled(scale).map(|scaled| (scaled, scale))).ok_or(DIGITS)?;
    let (Ok(scaled), scale) = scaled else { return Err(DIGITS) };
    if scaled.unsigned_abs() >= 10_u128.pow(18 + scale) {
        return Err(DIGITS);
    }
    let number = Exactly::try_from_i128_with_scale(scaled, scale).map_err(|_| DIGITS)?;
    Ok(Value::Decimal(number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scalar;

    #[test]
    fn decimals_keep_all_digits_of_their_scale() {
        let check = |text: &str, expected: Result<&str, Problem>| {
            let read = Scalar::Decimal { precision: 6, scale: 2 }.read(Token::Json(text));
            let read = read.map(|value| match value {
                Value::Decimal(number) => number.to_string(),
                other => panic!("{other:?}"),
            });
            assert_eq!(read.as_deref().map_err(Clone::clone), expected, "{text}");
        };
        let digits = || Problem::Digits { whole: 4, scale: 2 };
        check("12.5", Ok("12.50"));
        check("\"-9999.99\"", Ok("-9999.99"));
        check("\"1.25e1\"", Ok("12.50"));
        check("12.500", Ok("12.50"));
        check("-0", Ok("0.00"));
        for other in ["12.345", "10000", "99999999999999999999999999", "1e9", "1e-9", "1e999999999999"] {
            check(other, Err(digits()));
        }
        for other in ["\"12,5\"", "\"\"", "true", "[1]", "\"0x1\""] {
            check(other, Err(Problem::Expected(EXPECTED)));
        }
    }
}
