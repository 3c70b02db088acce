use backstay_scalar::exact;
use rust_decimal::Decimal;

/// The digits of a `Decimal` field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digits {
    /// All of them.
    pub precision: u8,
    /// Those after the point.
    pub scale: u8,
}

impl Digits {
    /// The number as the field would hold it, rounded half away from zero; `None` if it has more digits.
    pub(crate) fn of(self, number: Decimal) -> Option<Decimal> {
        exact::fitted(number, self.precision.into(), self.scale.into())
    }
}
