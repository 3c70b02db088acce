//! Arithmetic on exact numbers. A result has at most [`EXACT_DIGITS`] digits, of which all may be after the point; what
//! needs more is `None`, and nothing is rounded but by [`round`] and [`divide`]. Zeros at the end of the fraction don't
//! count, and results have none.

use rust_decimal::Decimal;

/// Digits of a result at most, and digits of it after the point at most.
pub const EXACT_DIGITS: u32 = 28;
/// Digits after the point to which a number is rounded at most.
pub const ROUNDED_DIGITS: u32 = 9;

/// The sum.
pub fn add(left: Decimal, right: Decimal) -> Option<Decimal> {
    let (left, right) = (Parts::of(left), Parts::of(right));
    let scale = left.scale.max(right.scale);
    // Where one does not fit at the other's scale, the sum has more digits than a result may have.
    Parts { mantissa: left.at(scale)?.checked_add(right.at(scale)?)?, scale }.number()
}

/// The difference.
pub fn subtract(left: Decimal, right: Decimal) -> Option<Decimal> {
    add(left, -right)
}

/// The product.
pub fn multiply(left: Decimal, right: Decimal) -> Option<Decimal> {
    let (left, right) = (Parts::of(left), Parts::of(right));
    let (mut one, mut other, mut scale) = (left.mantissa, right.mantissa, left.scale + right.scale);
    // Where 128 bits don't hold the product, zeros at its end are taken off before it is made: they hold whatever fits a
    // result.
    while scale > 0 && product(one, other).is_none() {
        (one, other) = match (one % 2 == 0, one % 5 == 0, other % 2 == 0, other % 5 == 0) {
            (true, true, _, _) => (one / 10, other),
            (_, _, true, true) => (one, other / 10),
            (true, _, _, true) => (one / 2, other / 5),
            (_, true, true, _) => (one / 5, other / 2),
            _ => break,
        };
        scale -= 1;
    }
    Parts { mantissa: product(one, other)?, scale }.number()
}

/// The number with this many digits after the point, at most [`ROUNDED_DIGITS`]; halves go away from zero.
pub fn round(number: Decimal, digits: u32) -> Option<Decimal> {
    assert!(digits <= ROUNDED_DIGITS, "the digits of a rounded number are checked where they are read");
    Parts::of(number).rounded(digits).number()
}

/// The number as a field of `digits` digits, `scale` of them after the point, holds it: with all digits of the scale,
/// rounded half away from zero; `None` if it has more digits.
pub fn fitted(number: Decimal, digits: u32, scale: u32) -> Option<Decimal> {
    let mantissa = Parts::of(number).rounded(scale).at(scale)?;
    let fits = mantissa.unsigned_abs() < power_of_ten(digits)?.unsigned_abs();
    fits.then(|| Decimal::try_from_i128_with_scale(mantissa, scale).ok())?
}

/// The number with this many digits after the point; `None` if it has more of them, or if 96 bits don't hold its digits.
pub fn at_scale(number: Decimal, scale: u32) -> Option<Decimal> {
    let parts = Parts::of(number);
    let mantissa = if parts.scale <= scale { parts.at(scale)? } else { return None };
    Decimal::try_from_i128_with_scale(mantissa, scale).ok()
}

/// The quotient, rounded as [`round`] does; `None` if the divisor is zero.
pub fn divide(dividend: Decimal, divisor: Decimal, digits: u32) -> Option<Decimal> {
    assert!(digits <= ROUNDED_DIGITS, "the digits of a rounded number are checked where they are read");
    let (dividend, divisor) = (Parts::of(dividend), Parts::of(divisor));
    let sign = dividend.mantissa.signum() * divisor.mantissa.signum();
    let (over, mut by) = (dividend.mantissa.unsigned_abs(), divisor.mantissa.unsigned_abs());
    let (mut quotient, mut rest) = (over.checked_div(by)?, over % by);
    // By how many powers of ten the quotient of the mantissas still has to be raised.
    let raised = i64::from(digits) + i64::from(divisor.scale) - i64::from(dividend.scale);
    for _ in 0..raised {
        rest *= 10;
        // What 128 bits don't hold has more digits than a result may have, whatever its fraction is rounded to.
        quotient = quotient.checked_mul(10)?.checked_add(rest / by)?;
        rest %= by;
    }
    if let Ok(lowered @ 1..) = u32::try_from(-raised) {
        // A divisor that 128 bits don't hold is more than twice the dividend: the quotient is zero.
        by = 10_u128.checked_pow(lowered).and_then(|power| by.checked_mul(power)).unwrap_or(u128::MAX);
        (quotient, rest) = (over / by, over % by);
    }
    let away = u128::from(rest >= by - rest);
    let mantissa = i128::try_from(quotient.checked_add(away)?).ok()?.checked_mul(sign)?;
    Parts { mantissa, scale: digits }.number()
}

/// The mantissa and the digits after the point, without zeros at the end.
#[derive(Clone, Copy)]
struct Parts {
    mantissa: i128,
    scale: u32,
}

impl Parts {
    fn of(number: Decimal) -> Self {
        Self { mantissa: number.mantissa(), scale: number.scale() }.without_zeros()
    }

    fn at(self, scale: u32) -> Option<i128> {
        product(power_of_ten(scale - self.scale)?, self.mantissa)
    }

    /// With no more than this many digits after the point; halves go away from zero.
    fn rounded(self, digits: u32) -> Self {
        let Some(superfluous) = self.scale.checked_sub(digits) else { return self };
        if superfluous == 0 {
            return self;
        }
        let unit = 10_i128.pow(superfluous);
        let (mantissa, rest) = divided(self.mantissa, unit);
        let away = if rest.abs() * 2 >= unit { rest.signum() } else { 0 };
        Self { mantissa: mantissa + away, scale: digits }
    }

    fn without_zeros(self) -> Self {
        let Self { mut mantissa, mut scale } = self;
        if let Ok(mut small) = i64::try_from(mantissa) {
            while scale > 0 && small % 10 == 0 {
                (small, scale) = (small / 10, scale - 1);
            }
            return Self { mantissa: small.into(), scale };
        }
        for (zeros, power) in ZEROS {
            while scale >= zeros && mantissa % power == 0 {
                (mantissa, scale) = (mantissa / power, scale - zeros);
            }
        }
        Self { mantissa, scale }
    }

    /// The number, if it has few enough digits.
    fn number(self) -> Option<Decimal> {
        let Self { mantissa, scale } = self.without_zeros();
        let fits = mantissa.unsigned_abs() < UNIT.unsigned_abs() && scale <= EXACT_DIGITS;
        fits.then(|| Decimal::try_from_i128_with_scale(mantissa, scale).ok())?
    }
}

/// Zeros at the end of a number that are taken off at a time, and the power of ten that they are.
const ZEROS: [(u32, i128); 5] = [(16, 10_i128.pow(16)), (8, 10_i128.pow(8)), (4, 10_i128.pow(4)), (2, 100), (1, 10)];

/// The powers of ten that 128 bits hold.
const POWERS: [i128; 39] = {
    let mut powers = [1; 39];
    let mut exponent = 1;
    while exponent < powers.len() {
        powers[exponent] = powers[exponent - 1] * 10;
        exponent += 1;
    }
    powers
};

fn power_of_ten(exponent: u32) -> Option<i128> {
    POWERS.get(usize::try_from(exponent).ok()?).copied()
}

/// The product, if 128 bits hold it. That of 64 bits always fits, and takes a fraction of the time.
fn product(one: i128, other: i128) -> Option<i128> {
    match (i64::try_from(one), i64::try_from(other)) {
        (Ok(one), Ok(other)) => Some(i128::from(one) * i128::from(other)),
        _ => one.checked_mul(other),
    }
}

/// The quotient, truncated, and the remainder. Dividing 128 bits takes several times as long as dividing 64.
fn divided(dividend: i128, divisor: i128) -> (i128, i128) {
    match (i64::try_from(dividend), i64::try_from(divisor)) {
        // 64 bits don't hold the quotient of their least number and -1.
        (Ok(dividend), Ok(divisor @ 1..)) => ((dividend / divisor).into(), (dividend % divisor).into()),
        _ => (dividend / divisor, dividend % divisor),
    }
}

/// One, in the unit of the fraction of a [`Split`].
const UNIT: i128 = 10_i128.pow(EXACT_DIGITS);

/// A number as the next lower whole number and what is added to it.
#[derive(Debug, Clone, Copy, Default)]
struct Split {
    whole: i128,
    /// In units of ten to the power of -28, at least 0 and less than one.
    fraction: i128,
}

impl Split {
    fn of(number: Decimal) -> Self {
        let Parts { mantissa, scale } = Parts::of(number);
        let one = 10_i128.pow(scale);
        let (whole, rest) = divided(mantissa, one);
        let (whole, rest) = if rest < 0 { (whole - 1, rest + one) } else { (whole, rest) };
        Self { whole, fraction: rest * 10_i128.pow(EXACT_DIGITS - scale) }
    }

    /// `None` if the bytes are not a key.
    fn of_key(key: &[u8]) -> Option<Self> {
        let key: &[u8; KEY_BYTES] = key.try_into().ok()?;
        let (whole, rest) = key.split_first_chunk::<WHOLE>()?;
        let mut fraction = [0; 16];
        fraction[16 - (KEY_BYTES - WHOLE)..].copy_from_slice(rest);
        let (whole, fraction) = (i128::from_be_bytes(*whole) ^ i128::MIN, i128::from_be_bytes(fraction));
        (fraction < UNIT).then_some(Self { whole, fraction })
    }

    fn add(self, other: Self) -> Option<Self> {
        let fraction = self.fraction + other.fraction;
        let whole = self.whole.checked_add(other.whole)?.checked_add(fraction / UNIT)?;
        Some(Self { whole, fraction: fraction % UNIT })
    }

    fn parts(self) -> Option<Parts> {
        let Parts { mantissa, scale } = Parts { mantissa: self.fraction, scale: EXACT_DIGITS }.without_zeros();
        Some(Parts { mantissa: self.whole.checked_mul(10_i128.pow(scale))?.checked_add(mantissa)?, scale })
    }
}

/// A sum of many numbers, which may have more digits than a result while it is made.
#[derive(Debug, Clone, Copy)]
pub struct Sum(Option<Split>);

impl Default for Sum {
    fn default() -> Self {
        Self(Some(Split::default()))
    }
}

impl Sum {
    /// Adds a number. The sum stays unknown once its whole part doesn't fit 128 bits, which takes more than two billion of
    /// the largest numbers.
    pub fn add(&mut self, number: Decimal) {
        self.0 = self.0.and_then(|sum| sum.add(Split::of(number)));
    }

    /// Adds the number of a key; `None` if the bytes are not a key.
    pub fn add_key(&mut self, key: &[u8]) -> Option<()> {
        let number = Split::of_key(key)?;
        self.0 = self.0.and_then(|sum| sum.add(number));
        Some(())
    }

    /// The sum, if it has few enough digits.
    pub fn number(self) -> Option<Decimal> {
        self.0?.parts()?.number()
    }
}

/// Bytes of a key.
pub const KEY_BYTES: usize = 28;
/// Bytes of the key that hold the whole part.
const WHOLE: usize = 16;

/// Bytes that are ordered as the numbers are, and equal if they are: the next lower whole number (128 bits, the sign
/// inverted, the highest byte first), then what is added to it, in units of ten to the power of -28 (96 bits).
pub fn to_key(number: Decimal) -> [u8; KEY_BYTES] {
    let Split { whole, fraction } = Split::of(number);
    let mut key = [0; KEY_BYTES];
    key[..WHOLE].copy_from_slice(&(whole ^ i128::MIN).to_be_bytes());
    key[WHOLE..].copy_from_slice(&fraction.to_be_bytes()[16 - (KEY_BYTES - WHOLE)..]);
    key
}

/// The number of a key; `None` if the bytes are not a key.
pub fn from_key(key: &[u8]) -> Option<Decimal> {
    let Parts { mantissa, scale } = Split::of_key(key)?.parts()?;
    Decimal::try_from_i128_with_scale(mantissa, scale).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Decimal {
        text.parse().expect("a decimal")
    }

    #[test]
    fn a_sum_may_have_more_digits_in_between() {
        let sum = |numbers: &[&str]| {
            let mut sum = Sum::default();
            for of in numbers {
                sum.add(number(of));
            }
            sum.number()
        };
        check(sum(&[]), "0");
        check(sum(&["0.1", "0.2", "-0.3"]), "0");
        check(sum(&["-0.5", "-0.7"]), "-1.2");
        let most = "9999999999999999999999999999";
        check(sum(&[most, "1"]), "unknown");
        check(sum(&[most, most, "-1", &format!("-{most}")]), "9999999999999999999999999998");
        check(sum(&[most, "0.1"]), "unknown");
        check(
            sum(&["0.0000000000000000000000000001", "0.0000000000000000000000000002"]),
            "0.0000000000000000000000000003",
        );
        // Operands may have 29 digits.
        let largest = Decimal::MAX.to_string();
        check(sum(&[&largest, &largest]), "unknown");
        check(sum(&[&largest, &format!("-{largest}"), "0.5"]), "0.5");
        let keys = ["-0.5", "1.25", LARGEST, "-9999999999999999999999999999"];
        let mut sum = Sum::default();
        assert!(keys.iter().all(|of| sum.add_key(&to_key(number(of))).is_some()));
        check(sum.number(), "0.75");
        assert_eq!(sum.add_key(&[0xFF; KEY_BYTES]), None);
        let mut sum = Sum(Some(Split { whole: i128::MAX, fraction: 0 }));
        sum.add(Decimal::ONE);
        sum.add(Decimal::NEGATIVE_ONE);
        check(sum.number(), "unknown");
    }

    fn check(got: Option<Decimal>, expected: &str) {
        assert_eq!(got.map_or("unknown".to_owned(), |number| number.to_string()), expected);
    }

    /// 28 digits.
    const LARGEST: &str = "9999999999999999999999999999";
    const SMALLEST: &str = "0.0000000000000000000000000001";

    #[test]
    fn sums_are_exact_or_unknown() {
        let sum = |left: &str, right: &str, expected: &str| {
            check(add(number(left), number(right)), expected);
            check(subtract(number(left), -number(right)), expected);
        };
        sum("0.1", "0.20", "0.3");
        sum("12.505", "-12.5", "0.005");
        sum("0", "-0", "0");
        sum(LARGEST, "0", LARGEST);
        sum(LARGEST, "1", "unknown");
        sum(LARGEST, "0.1", "unknown");
        sum(LARGEST, SMALLEST, "unknown");
        sum("-9999999999999999999999999999", "-1", "unknown");
        sum(SMALLEST, "-0.0000000000000000000000000001", "0");
        // An operand may have more digits than a result.
        sum("79228162514264337593543950335", "-79228162514264337593543950334", "1");
    }

    #[test]
    fn products_are_exact_or_unknown() {
        let product = |left: &str, right: &str, expected: &str| {
            check(multiply(number(left), number(right)), expected);
            check(multiply(number(right), number(left)), expected);
        };
        product("12.50", "1.081", "13.5125");
        product("-3", "0.1", "-0.3");
        product("0", LARGEST, "0");
        product(LARGEST, "10", "unknown");
        product("100000000000000", "10000000000000", "1000000000000000000000000000");
        product("100000000000000", "100000000000000", "unknown");
        product("0.00000000000001", "0.00000000000001", SMALLEST);
        product("0.00000000000001", "0.000000000000001", "unknown");
        // 2^93 and 5^40, both with all digits after the point: 2^53 with 41 zeros before the digits of the product.
        product("0.9903520314283042199192993792", "9094947.017729282379150390625", "9007199.254740992");
        product("79228162514264337593543950335", "79228162514264337593543950335", "unknown");
    }

    #[test]
    fn halves_are_rounded_away_from_zero() {
        let rounded = |of: &str, digits, expected: &str| check(round(number(of), digits), expected);
        rounded("2.5", 0, "3");
        rounded("-2.5", 0, "-3");
        rounded("2.4999", 0, "2");
        rounded("1.005", 2, "1.01");
        rounded("1.00", 1, "1");
        rounded("7", 2, "7");
        rounded("0.5", 9, "0.5");
        rounded("-0.4", 0, "0");
        rounded("999999999999999999999999999.95", 1, "1000000000000000000000000000");
        rounded("9999999999999999999999999999.5", 0, "unknown");
        rounded("79228162514264337593543950335", 0, "unknown");
    }

    #[test]
    fn a_field_has_as_many_digits_as_it_holds() {
        let held = |of: &str, digits, scale, expected: &str| check(fitted(number(of), digits, scale), expected);
        held("2.5", 4, 2, "2.50");
        held("-2.505", 4, 2, "-2.51");
        held("99.994", 4, 2, "99.99");
        held("99.995", 4, 2, "unknown");
        held("-100", 4, 2, "unknown");
        held("0.0000000000004", 18, 12, "0.000000000000");
        held("123456.0000000000005", 18, 12, "123456.000000000001");
        held("999999999999999999.4", 18, 0, "999999999999999999");
        held("999999999999999999.5", 18, 0, "unknown");
        held("79228162514264337593543950335", 18, 4, "unknown");
        held("7922816251426433759354395033.5", 18, 18, "unknown");
        held("0.7", 1, 1, "0.7");
        held("0.95", 1, 1, "unknown");
    }

    #[test]
    fn a_number_has_all_digits_of_its_scale() {
        let held = |of: &str, scale, expected: &str| check(at_scale(number(of), scale), expected);
        held("2.5", 2, "2.50");
        held("-2.500", 1, "-2.5");
        held("2.5", 0, "unknown");
        held("0.00", 0, "0");
        held("7000000000000000000000000000", 1, "7000000000000000000000000000.0");
        held(LARGEST, 1, "unknown");
    }

    #[test]
    fn quotients_are_rounded_once() {
        let quotient = |left: &str, right: &str, digits, expected: &str| {
            check(divide(number(left), number(right), digits), expected);
        };
        quotient("1", "3", 2, "0.33");
        quotient("-2", "3", 2, "-0.67");
        quotient("1", "8", 2, "0.13");
        quotient("1", "-8", 2, "-0.13");
        // Rounded to more digits first, it would be 0.5 and then 1.
        quotient("0.49999999999999999999999999", "1", 0, "0");
        quotient("1", "0", 2, "unknown");
        quotient("0", "3", 2, "0");
        quotient("10", "4", 0, "3");
        quotient("0.0004", "1000", 2, "0");
        quotient(SMALLEST, LARGEST, 9, "0");
        quotient(SMALLEST, LARGEST, 0, "0");
        quotient(LARGEST, SMALLEST, 0, "unknown");
        quotient(LARGEST, "1", 0, LARGEST);
        quotient("1", LARGEST, 9, "0");
        quotient("1000000000000000000000000000", "1", 9, "1000000000000000000000000000");
    }

    #[test]
    fn keys_keep_the_order() {
        let numbers = [
            "-79228162514264337593543950335",
            "-12.5",
            "-12.499999999999999999999999999",
            "-1",
            SMALLEST,
            "0.3",
            "1",
            "12.5",
            LARGEST,
            "79228162514264337593543950335",
        ];
        for pair in numbers.windows(2) {
            assert!(to_key(number(pair[0])) < to_key(number(pair[1])), "{pair:?}");
        }
        for text in numbers {
            check(from_key(&to_key(number(text))), text);
        }
        assert_eq!(to_key(number("1.500")), to_key(number("1.5")));
        assert_eq!(to_key(number("-0.0")), to_key(Decimal::ZERO));
        assert_eq!(from_key(&[0; 3]), None);
        assert_eq!(from_key(&[0xFF; KEY_BYTES]), None);
    }
}
