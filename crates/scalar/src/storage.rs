use rust_decimal::Decimal;

use crate::{Currency, MONEY_SCALE, Money, Scalar, Value, ValueRef};

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
    /// A UUID.
    Id,
    /// A moment, to the microsecond.
    Timestamp,
    /// A calendar date.
    Date,
    /// A JSON document as text.
    Json,
    /// Octets.
    Bytes,
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

impl Value {
    /// The value whose columns, in the order of `Scalar::columns`, hold these: the opposite of `Part::of`. Null where one
    /// of them is; `None` where they are not the columns of a value.
    pub fn of_parts(parts: &[(Part, ValueRef<'_>)]) -> Option<Self> {
        match parts {
            [(Part::Main, only)] => Some(Self::from(*only)),
            parts if parts.iter().any(|(_, value)| *value == ValueRef::Null) => Some(Self::Null),
            [(Part::Main, ValueRef::Decimal(amount)), (Part::Currency, ValueRef::Text(code))] => {
                Some(Self::Money(Money::from_scaled(scaled(*amount)?, Currency::parse(code)?)))
            }
            _ => None,
        }
    }
}

/// The amount in units of the last digit that `Money` has.
fn scaled(mut amount: Decimal) -> Option<i64> {
    amount.rescale(MONEY_SCALE);
    i64::try_from(amount.mantissa()).ok()
}

impl Scalar {
    /// The columns that a field of this scalar takes, in order.
    pub fn columns(self) -> Vec<(Part, Storage)> {
        match self {
            Self::Money => {
                vec![(Part::Main, Storage::Decimal { scale: MONEY_SCALE_DIGITS }), (Part::Currency, Storage::Text)]
            }
            scalar => vec![(Part::Main, scalar.storage())],
        }
    }

    /// What the column of one value holds; of `Money` the amount.
    pub fn storage(self) -> Storage {
        match self {
            Self::Id => Storage::Id,
            Self::String | Self::Text | Self::Email | Self::Url => Storage::Text,
            Self::Int => Storage::Int,
            Self::Float => Storage::Float,
            Self::Decimal { scale, .. } => Storage::Decimal { scale },
            Self::Boolean => Storage::Bool,
            Self::DateTime => Storage::Timestamp,
            Self::Date => Storage::Date,
            Self::Json => Storage::Json,
            Self::Money => Storage::Decimal { scale: MONEY_SCALE_DIGITS },
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "four fits")]
const MONEY_SCALE_DIGITS: u8 = MONEY_SCALE as u8;
