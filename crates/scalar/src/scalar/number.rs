use rust_decimal::Decimal;

use crate::definition::Definition;
use crate::{Problem, Schema, Storage, Token, Value};

/// `Int`: a number (RFC 8259, section 6) whose value is whole and fits 64 bits; `1.0` and `1e3` are.
pub(crate) struct Int;

/// `Float`: a number (RFC 8259, section 6), rounded to the nearest of 64 bits; it must be finite.
pub(crate) struct Float;

const WHOLE: &str = "a whole number, such as 42";
const NUMBER: &str = "a number, such as 1.5";

impl Definition for Int {
    fn name(&self) -> &'static str {
        "Int"
    }

    fn expected(&self) -> &'static str {
        WHOLE
    }

    fn read(&self, token: Token<'_>) -> Result<Value, Problem> {
        let text = token.number().ok_or(Problem::Expected(WHOLE))?;
        if !is_number(text) {
            return Err(Problem::Expected(WHOLE));
        }
        if let Ok(number) = text.parse::<i64>() {
            return Ok(Value::Int(number));
        }
        let exact = Exact::parse(text).ok_or(Problem::Expected(WHOLE))?;
        match exact.scaled(0) {
            Some(Ok(whole)) => i64::try_from(whole).map(Value::Int).map_err(|_| Problem::IntRange),
            Some(Err(TooLarge)) => Err(Problem::IntRange),
            None => Err(Problem::Expected(WHOLE)),
        }
    }

    fn fit(&self, value: Value) -> Result<Value, Problem> {
        match value {
            Value::Int(_) => Ok(value),
            _ => Err(Problem::Expected(WHOLE)),
        }
    }

    fn storage(&self) -> Storage {
        Storage::Int
    }

    fn schema(&self) -> Schema {
        Schema::Integer
    }
}

impl Definition for Float {
    fn name(&self) -> &'static str {
        "Float"
    }

    fn expected(&self) -> &'static str {
        NUMBER
    }

    fn read(&self, token: Token<'_>) -> Result<Value, Problem> {
        let text = token.number().filter(|text| is_number(text)).ok_or(Problem::Expected(NUMBER))?;
        let number: f64 = text.parse().map_err(|_| Problem::Expected(NUMBER))?;
        self.fit(Value::Float(number))
    }

    fn fit(&self, value: Value) -> Result<Value, Problem> {
        match value {
            // Negative zero and zero are one value, so that both databases and the tags of answers agree.
            Value::Float(number) if number.is_finite() => Ok(Value::Float(number + 0.0)),
            Value::Float(_) => Err(Problem::FloatRange),
            _ => Err(Problem::Expected(NUMBER)),
        }
    }

    fn storage(&self) -> Storage {
        Storage::Float
    }

    fn schema(&self) -> Schema {
        Schema::Number
    }
}

/// Whether the text is a number as RFC 8259, section 6, writes one.
pub(crate) fn is_number(text: &str) -> bool {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let rest = text.strip_prefix('-').unwrap_or(text);
    let whole = digits(rest);
    if whole == 0 || (whole > 1 && rest.starts_with('0')) {
        return false;
    }
    let mut rest = &rest[whole..];
    if let Some(after) = rest.strip_prefix('.') {
        let fraction = digits(after);
        if fraction == 0 {
            return false;
        }
        rest = &after[fraction..];
    }
    if let Some(after) = rest.strip_prefix(['e', 'E']) {
        let after = after.strip_prefix(['+', '-']).unwrap_or(after);
        return !after.is_empty() && digits(after) == after.len();
    }
    rest.is_empty()
}

/// A number that does not fit.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooLarge;

/// Digits of a number that arithmetic takes, and digits of it after the point, at most.
const DIGITS: usize = crate::exact::EXACT_DIGITS as usize;

/// A number read digit by digit: nothing is rounded.
pub(crate) struct Exact {
    negative: bool,
    /// Without leading or trailing zeros; empty is zero.
    digits: String,
    /// The power of ten of the last digit.
    exponent: i64,
}

impl Exact {
    /// Reads a number as RFC 8259, section 6, writes it.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if !is_number(text) {
            return None;
        }
        let (negative, rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (mantissa, exponent) = rest.split_once(['e', 'E']).unwrap_or((rest, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        // An exponent of more than eighteen digits is as good as the largest: only zero fits with either.
        let (sign, size) = exponent.strip_prefix('-').map_or((1, exponent), |size| (-1, size));
        let size: i64 = size.trim_start_matches('+').parse().unwrap_or(i64::MAX / 4);
        let digits = format!("{whole}{fraction}");
        let trimmed = digits.trim_end_matches('0');
        let dropped = i64::try_from(digits.len() - trimmed.len()).ok()?;
        let exponent = sign * size.min(i64::MAX / 4) - i64::try_from(fraction.len()).ok()? + dropped;
        let digits = trimmed.trim_start_matches('0').to_owned();
        let negative = negative && !digits.is_empty();
        Some(Self { negative, digits, exponent })
    }

    pub(crate) fn is_zero(&self) -> bool {
        self.digits.is_empty()
    }

    /// The number, if it has few enough digits for arithmetic, zeros at the end of the fraction not counted.
    pub(crate) fn decimal(&self) -> Option<Decimal> {
        let after = usize::try_from(-self.exponent).unwrap_or(0);
        let before = usize::try_from(self.exponent).unwrap_or(0);
        if self.is_zero() {
            return Some(Decimal::ZERO);
        }
        if after > DIGITS || self.digits.len().checked_add(before)? > DIGITS {
            return None;
        }
        let scale = u32::try_from(after).ok()?;
        let Some(Ok(mantissa)) = self.scaled(scale) else { return None };
        Decimal::try_from_i128_with_scale(mantissa, scale).ok()
    }

    /// The number times ten to the power of `scale`; none if that is not whole.
    pub(crate) fn scaled(&self, scale: u32) -> Option<Result<i128, TooLarge>> {
        if self.digits.is_empty() {
            return Some(Ok(0));
        }
        let zeros = u32::try_from(self.exponent + i64::from(scale));
        let Ok(zeros) = zeros else { return if self.exponent < 0 { None } else { Some(Err(TooLarge)) } };
        let power = 10_i128.checked_pow(zeros);
        let product = self.digits.parse::<i128>().ok().zip(power).and_then(|(digits, power)| digits.checked_mul(power));
        Some(product.map(|size| if self.negative { -size } else { size }).ok_or(TooLarge))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scalar;

    fn int(text: &str, expected: Result<i64, Problem>) {
        let expected = expected.map(Value::Int);
        assert_eq!(Scalar::Int.read(Token::Json(text)), expected, "{text}");
        assert_eq!(Scalar::Int.read(Token::Bare(text)), expected, "{text}");
    }

    #[test]
    fn whole_numbers_are_exact_however_they_are_written() {
        int("9007199254740993", Ok(9_007_199_254_740_993));
        int("-9223372036854775808", Ok(i64::MIN));
        int("1.0", Ok(1));
        int("-12.50e1", Ok(-125));
        int("1e3", Ok(1000));
        int("-0", Ok(0));
        int("0e999999999999999999999", Ok(0));
        int("9223372036854775808", Err(Problem::IntRange));
        int("1e400", Err(Problem::IntRange));
        for other in ["1.5", "1e-1", "true", "+1", "01", "1.", "", "0x1"] {
            int(other, Err(Problem::Expected(WHOLE)));
        }
        assert_eq!(Scalar::Int.read(Token::Json("\"1\"")), Err(Problem::Expected(WHOLE)));
    }

    #[test]
    fn floats_are_finite_and_have_one_zero() {
        let check = |text: &str, expected: Result<f64, Problem>| {
            let read = Scalar::Float.read(Token::Number(text));
            assert_eq!(read, expected.map(Value::Float), "{text}");
        };
        check("1.5e3", Ok(1500.0));
        check("1e999", Err(Problem::FloatRange));
        for other in ["NaN", "inf", ".5", "5.", "+1", "1e"] {
            check(other, Err(Problem::Expected(NUMBER)));
        }
        let Ok(Value::Float(zero)) = Scalar::Float.read(Token::Number("-0.0")) else { panic!("a float") };
        assert!(zero.is_sign_positive());
    }
}
