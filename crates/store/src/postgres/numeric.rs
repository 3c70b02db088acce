//! PostgreSQL's binary `numeric`: the number of digits to the base 10,000, the place of the first, a sign, the decimal
//! digits after the point, then the digits, two bytes each.

use bytes::{BufMut, BytesMut};
use rust_decimal::Decimal;

const NEGATIVE: u16 = 0x4000;

/// Appends a number.
pub(super) fn put(number: Decimal, out: &mut BytesMut) {
    let scale = number.scale();
    let padding = (4 - scale % 4) % 4;
    let mut rest = number.mantissa().unsigned_abs() * 10_u128.pow(padding);
    let mut digits = Vec::new();
    while rest > 0 {
        digits.push(word(rest % 10_000));
        rest /= 10_000;
    }
    let count = word(digits.len() as u128);
    out.put_i16(count);
    out.put_i16(count - word(u128::from((scale + padding) / 4)) - 1);
    out.put_u16(if number.mantissa() < 0 { NEGATIVE } else { 0 });
    out.put_i16(word(u128::from(scale)));
    digits.iter().rev().for_each(|digit| out.put_i16(*digit));
}

/// A digit, or a number of digits. A `Decimal` has at most 29.
#[expect(clippy::cast_possible_truncation, reason = "the assertion bounds it")]
fn word(number: u128) -> i16 {
    assert!(number < 10_000, "a digit to the base 10,000, or fewer digits than that");
    number as i16
}

/// Reads a number; `None` if a `Decimal` cannot hold it.
pub(super) fn read(bytes: &[u8]) -> Option<Decimal> {
    let mut words = bytes.chunks_exact(2).map(|pair| i16::from_be_bytes([pair[0], pair[1]]));
    let (count, weight) = (words.next()?, words.next()?);
    let sign = u16::from_be_bytes(words.next()?.to_be_bytes());
    let scale = u32::try_from(words.next()?).ok()?;
    if sign != 0 && sign != NEGATIVE {
        return None;
    }
    let mut digits = words.take(usize::try_from(count).ok()?);
    let mantissa = digits.try_fold(0_i128, |sum, digit| sum.checked_mul(10_000)?.checked_add(i128::from(digit)))?;
    // The digits end this many decimal places after the point; the scale says how many are meant.
    let places = 4 * (i32::from(count) - 1 - i32::from(weight));
    let shift = i32::try_from(scale).ok()? - places;
    let power = 10_i128.checked_pow(shift.unsigned_abs())?;
    let mantissa = if shift >= 0 { mantissa.checked_mul(power)? } else { mantissa / power };
    let mantissa = if sign == NEGATIVE { -mantissa } else { mantissa };
    Decimal::try_from_i128_with_scale(mantissa, scale).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(number: &str, expected: &[u8]) {
        let number: Decimal = number.parse().expect("a decimal");
        let mut out = BytesMut::new();
        put(number, &mut out);
        assert_eq!(&out[..], expected, "{number}");
        assert_eq!(read(expected).map(|read| read.to_string()), Some(number.to_string()));
    }

    #[test]
    fn numbers_have_the_bytes_of_the_protocol() {
        check("0", &[0, 0, 255, 255, 0, 0, 0, 0]);
        check("1", &[0, 1, 0, 0, 0, 0, 0, 0, 0, 1]);
        check("-12.50", &[0, 2, 0, 0, 0x40, 0, 0, 2, 0, 12, 0x13, 0x88]);
        check("0.0001", &[0, 1, 255, 255, 0, 0, 0, 4, 0, 1]);
        check("10000", &[0, 2, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0]);
        check("123456789.123", &[0, 4, 0, 2, 0, 0, 0, 3, 0, 1, 0x09, 0x29, 0x1A, 0x85, 0x04, 0xCE]);
    }

    #[test]
    fn trailing_groups_may_be_left_out() {
        assert_eq!(read(&[0, 1, 0, 1, 0, 0, 0, 2, 0, 1]).map(|read| read.to_string()), Some("10000.00".into()));
        assert_eq!(read(&[0, 0, 0, 0, 0xC0, 0, 0, 0]), None);
    }
}
