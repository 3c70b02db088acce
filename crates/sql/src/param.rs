use std::sync::Arc;

use backstay_base::{Date, RecordId, Timestamp};
use backstay_scalar::{Storage, Value, exact};
use rust_decimal::Decimal;
use sea_query::Expr as Sql;

use crate::decimal::{NO_NUMBER, scaled};
use crate::tree::integer;
use crate::{ColumnType, Dialect, nested};

/// A value ready to be bound.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the names are those of the storage classes")]
pub enum Param {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Decimal(Decimal),
    Text(Arc<str>),
    Id(RecordId),
    Timestamp(Timestamp),
    Date(Date),
    Json(Arc<str>),
    Bytes(Arc<[u8]>),
}

impl Param {
    /// Bytes of its text, document or octets; 0 for a value of fixed size.
    pub fn size(&self) -> usize {
        match self {
            Self::Text(text) | Self::Json(text) => text.len(),
            Self::Bytes(octets) => octets.len(),
            Self::Null
            | Self::Bool(_)
            | Self::Int(_)
            | Self::Float(_)
            | Self::Decimal(_)
            | Self::Id(_)
            | Self::Timestamp(_)
            | Self::Date(_) => 0,
        }
    }
}

/// How a value becomes a parameter: what the placeholder takes, for one database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// The value of a column of this type.
    Column(ColumnType),
    /// SQLite: a number scaled to this many digits; where it has more, the next lower.
    Floor(u8),
    /// SQLite: a number scaled to this many digits; where it has more, the next higher.
    Ceiling(u8),
    /// SQLite: a number scaled to this many digits; where it has more, one that no column holds.
    Same(u8),
    /// SQLite: an exact number as its key.
    Key,
    /// SQLite: a list of exact numbers, as their keys.
    Keys,
}

impl<T: Into<ColumnType>> From<T> for Encoding {
    fn from(column: T) -> Self {
        Self::Column(column.into())
    }
}

impl Encoding {
    /// The type of the placeholder.
    pub(crate) fn column(self) -> ColumnType {
        match self {
            Self::Column(column) => column,
            Self::Floor(scale) | Self::Ceiling(scale) | Self::Same(scale) => Storage::Decimal { scale }.into(),
            Self::Key => Storage::Bytes.into(),
            Self::Keys => ColumnType::List(Storage::Bytes),
        }
    }

    /// The value in the text of a statement. A value that does not fit becomes null, which is unknown.
    pub(crate) fn constant(self, value: &Value, dialect: Dialect) -> Sql {
        let constant = match (self, self.param(value, dialect)) {
            (Self::Column(ColumnType::One(storage)), _) => dialect.constant(value, storage),
            (Self::Floor(_) | Self::Ceiling(_) | Self::Same(_), Param::Int(number)) => Some(integer(number)),
            (Self::Column(_) | Self::Floor(_) | Self::Ceiling(_) | Self::Same(_), _) => None,
            (Self::Key | Self::Keys, _) => unreachable!("what stands in the text of a statement is not computed with"),
        };
        constant.unwrap_or_else(|| dialect.null(self.column()))
    }

    /// The value as the database takes it. A value that does not fit becomes null, which is unknown.
    pub(crate) fn param(self, value: &Value, dialect: Dialect) -> Param {
        match (self, value) {
            (_, Value::Null) => Param::Null,
            (Self::Column(ColumnType::List(element)), Value::List(values)) => {
                Param::Json(nested::write_list(values, element, dialect).into())
            }
            (Self::Floor(scale), value) => bound(value, scale, Decimal::floor),
            (Self::Ceiling(scale), value) => bound(value, scale, Decimal::ceil),
            (Self::Same(scale), value) => match one(value, u32::from(scale), dialect) {
                Param::Null => Param::Int(NO_NUMBER),
                same => same,
            },
            (Self::Key, value) => one(&key(value), 0, dialect),
            (Self::Keys, Value::List(values)) => {
                let keys: Vec<Value> = values.iter().map(key).collect();
                Param::Json(nested::write_list(&keys, Storage::Bytes, dialect).into())
            }
            (Self::Keys, _) => Param::Null,
            (Self::Column(ColumnType::One(Storage::Decimal { scale })), value) => one(value, u32::from(scale), dialect),
            (Self::Column(_), value) => one(value, 0, dialect),
        }
    }
}

/// An exact number as its key.
fn key(value: &Value) -> Value {
    match value {
        Value::Decimal(number) => Value::Bytes(exact::to_key(*number).as_slice().into()),
        Value::Int(number) => Value::Bytes(exact::to_key(Decimal::from(*number)).as_slice().into()),
        _ => Value::Null,
    }
}

fn one(value: &Value, scale: u32, dialect: Dialect) -> Param {
    // A slot names one column of a value that takes several.
    assert!(!matches!(value, Value::Money(_)), "a placeholder takes one column of a value");
    match value {
        Value::Null | Value::List(_) | Value::Money(_) => Param::Null,
        Value::Bool(truth) => Param::Bool(*truth),
        Value::Int(number) => Param::Int(*number),
        Value::Float(number) => Param::Float(*number),
        Value::Decimal(number) => decimal(*number, scale, dialect),
        Value::Text(text) => Param::Text(text.clone()),
        Value::Id(id) => Param::Id(*id),
        Value::Timestamp(moment) => Param::Timestamp(*moment),
        Value::Date(date) => Param::Date(*date),
        Value::Duration(length) => Param::Int(length.micros()),
        Value::Json(text) => Param::Json(text.clone()),
        Value::Bytes(octets) => Param::Bytes(octets.clone()),
    }
}

fn decimal(number: Decimal, scale: u32, dialect: Dialect) -> Param {
    match dialect {
        Dialect::Postgres => Param::Decimal(number),
        Dialect::Sqlite => scaled(number, scale).map_or(Param::Null, Param::Int),
    }
}

/// The number times ten to the power of `scale`, rounded; at the ends of 64 bits where it lies outside, which no stored
/// number reaches.
fn bound(value: &Value, scale: u8, round: fn(&Decimal) -> Decimal) -> Param {
    let number = match value {
        Value::Decimal(number) => *number,
        Value::Int(number) => Decimal::from(*number),
        _ => return Param::Null,
    };
    let outside = if number.is_sign_negative() { i64::MIN } else { i64::MAX };
    let fit = Decimal::from(10_i64.pow(u32::from(scale.min(18)))).checked_mul(number);
    let fit = fit.and_then(|fit| i64::try_from(round(&fit).normalize().mantissa()).ok());
    Param::Int(fit.unwrap_or(outside))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(encoding: Encoding, number: &str, expected: &Param) {
        let value = Value::Decimal(number.parse().expect("a decimal"));
        assert_eq!(&encoding.param(&value, Dialect::Sqlite), expected, "{encoding:?} {number}");
    }

    #[test]
    fn sqlite_takes_decimals_scaled() {
        let column = Encoding::from(Storage::Decimal { scale: 2 });
        check(column, "12.5", &Param::Int(1250));
        check(column, "-0.050", &Param::Int(-5));
        check(column, "12.505", &Param::Null);
        check(column, "99999999999999999999", &Param::Null);
        check(Encoding::from(Storage::Decimal { scale: 4 }), "5", &Param::Int(50_000));
    }

    #[test]
    fn bounds_lie_on_the_right_side() {
        check(Encoding::Floor(2), "12.505", &Param::Int(1250));
        check(Encoding::Ceiling(2), "12.505", &Param::Int(1251));
        check(Encoding::Floor(2), "-12.505", &Param::Int(-1251));
        check(Encoding::Ceiling(2), "-12.505", &Param::Int(-1250));
        check(Encoding::Floor(2), "1200", &Param::Int(120_000));
        check(Encoding::Ceiling(18), "10", &Param::Int(i64::MAX));
        check(Encoding::Floor(2), "-99999999999999999999999999", &Param::Int(i64::MIN));
        check(Encoding::Same(2), "12.5", &Param::Int(1250));
        check(Encoding::Same(2), "12.505", &Param::Int(i64::MIN));
    }

    #[test]
    fn postgres_takes_decimals_as_they_are() {
        let number: Decimal = "12.505".parse().expect("a decimal");
        let encoding = Encoding::from(Storage::Decimal { scale: 2 });
        assert_eq!(encoding.param(&Value::Decimal(number), Dialect::Postgres), Param::Decimal(number));
    }
}
