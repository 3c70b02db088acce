//! Decimal numbers as SQLite stores them: integers, scaled by ten to the power of their column's scale.

use rust_decimal::Decimal;

/// The scaled integer that no decimal number is stored as: it has 19 digits.
pub(crate) const NO_NUMBER: i64 = i64::MIN;

/// The number times ten to the power of `scale`; `None` where it has more digits after the point, or does not fit.
pub(crate) fn scaled(number: Decimal, scale: u32) -> Option<i64> {
    let number = number.normalize();
    let missing = scale.checked_sub(number.scale())?;
    let scaled = number.mantissa().checked_mul(10_i128.checked_pow(missing)?)?;
    i64::try_from(scaled).ok()
}
