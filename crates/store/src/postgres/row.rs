use std::error::Error;

use backstay_base::{Date, KeyForm, KeyRef, Timestamp};
use backstay_scalar::{Storage, ValueRef};
use backstay_sql::{ColumnType, DecodeError, Row};
use tokio_postgres::types::{FromSql, Type};

use super::numeric;
use super::param::{EPOCH_DAYS, EPOCH_MICROS};
use crate::session::OwnRow;

/// One row as the server sent it.
pub(super) struct PostgresRow<'a> {
    pub(super) row: &'a tokio_postgres::Row,
    pub(super) columns: &'a [ColumnType],
}

impl PostgresRow<'_> {
    fn raw(&self, column: usize) -> Result<Option<&[u8]>, DecodeError> {
        let raw = self.row.try_get::<_, Option<Raw<'_>>>(column);
        let raw = raw.map_err(|_| DecodeError { column, expected: "a column of the statement" })?;
        Ok(raw.map(|raw| raw.0))
    }
}

impl Row for PostgresRow<'_> {
    fn value(&self, column: usize) -> Result<ValueRef<'_>, DecodeError> {
        let error = DecodeError { column, expected: "a value of the column's type" };
        let ty = self.columns.get(column).copied().ok_or(error.clone())?;
        let Some(raw) = self.raw(column)? else { return Ok(ValueRef::Null) };
        decode(raw, ty).ok_or(error)
    }

    fn received_bytes(&self) -> usize {
        self.row.raw_size_bytes()
    }
}

impl OwnRow for PostgresRow<'_> {
    fn bytes(&self, column: usize) -> Result<Option<&[u8]>, DecodeError> {
        self.raw(column)
    }
}

/// The bytes of a value, whatever its type.
struct Raw<'a>(&'a [u8]);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(raw))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

fn decode(raw: &[u8], ty: ColumnType) -> Option<ValueRef<'_>> {
    Some(match ty {
        ColumnType::One(Storage::Bool) => ValueRef::Bool(raw == [1]),
        ColumnType::One(Storage::Int) => ValueRef::Int(int(raw)?),
        ColumnType::One(Storage::Float) => ValueRef::Float(f64::from_be_bytes(raw.try_into().ok()?)),
        ColumnType::One(Storage::Decimal { .. }) => ValueRef::Decimal(numeric::read(raw)?),
        ColumnType::One(Storage::Text) => ValueRef::Text(std::str::from_utf8(raw).ok()?),
        ColumnType::One(Storage::UUID) => ValueRef::Id(KeyRef::Uuid(raw.try_into().ok()?)),
        ColumnType::One(Storage::Id(KeyForm::Int)) => ValueRef::Id(KeyRef::number(int(raw)?)?),
        ColumnType::One(Storage::Id(KeyForm::Text)) => ValueRef::Id(KeyRef::text(std::str::from_utf8(raw).ok()?)?),
        ColumnType::One(Storage::Timestamp) => {
            ValueRef::Timestamp(Timestamp::from_micros(int(raw)?.checked_add(EPOCH_MICROS)?)?)
        }
        ColumnType::One(Storage::Date) => {
            ValueRef::Date(Date::from_days(i32::from_be_bytes(raw.try_into().ok()?).checked_add(EPOCH_DAYS)?)?)
        }
        ColumnType::One(Storage::Json) => ValueRef::Json(json(raw)?),
        ColumnType::List(_) | ColumnType::Nested => ValueRef::Nested(json(raw)?),
        ColumnType::One(Storage::Bytes) => ValueRef::Bytes(raw),
    })
}

fn int(raw: &[u8]) -> Option<i64> {
    match raw.len() {
        // Tables of other programs have these, too.
        2 => Some(i64::from(i16::from_be_bytes(raw.try_into().ok()?))),
        4 => Some(i64::from(i32::from_be_bytes(raw.try_into().ok()?))),
        _ => Some(i64::from_be_bytes(raw.try_into().ok()?)),
    }
}

/// The text of `json`, of `jsonb` (which has a version byte before it, with which no JSON text begins), or of a text.
fn json(raw: &[u8]) -> Option<&str> {
    std::str::from_utf8(raw.strip_prefix(&[1]).unwrap_or(raw)).ok()
}
