use backstay_base::KeyForm;

use crate::Value;

/// What one database column holds. The databases are taught these classes and no scalars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Storage {
    /// True or false.
    Bool,
    /// 64 bits, signed.
    Int,
    /// 64 bits, finite.
    Float,
    /// An exact number with this many digits after the point.
    Decimal {
        /// Digits after the point.
        scale: u8,
    },
    /// Characters, ordered by code point.
    Text,
    /// The key of a record.
    Id(KeyForm),
    /// A moment, to the microsecond.
    Timestamp,
    /// A calendar date.
    Date,
    /// A JSON document as text.
    Json,
    /// Octets.
    Bytes,
}

impl Storage {
    /// The key of a record of most types, and of accounts.
    pub const UUID: Self = Self::Id(KeyForm::Uuid);
}

/// Which of a field's columns is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// The only column, or of `Money` the amount.
    Main,
    /// The currency of `Money`.
    Currency,
}

impl Part {
    /// What this column's name has after the field's.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Main => "",
            Self::Currency => "_currency",
        }
    }

    /// What this column holds of a value.
    pub fn of(self, value: &Value) -> Value {
        match (self, value) {
            (Self::Main, Value::Money(money)) => Value::Decimal(money.amount()),
            (Self::Currency, Value::Money(money)) => Value::text(money.currency().code()),
            (Self::Main, value) => value.clone(),
            (Self::Currency, _) => Value::Null,
        }
    }
}
