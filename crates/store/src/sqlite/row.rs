use std::cell::Cell;

use backstay_base::{Date, KeyForm, KeyRef, Timestamp};
use backstay_scalar::{Storage, ValueRef};
use backstay_sql::{ColumnType, DecodeError, Param, Row};
use rusqlite::types::{self, ToSql, ToSqlOutput};
use rust_decimal::Decimal;

use crate::session::OwnRow;

/// One row in SQLite's buffer.
pub(super) struct SqliteRow<'a> {
    row: &'a rusqlite::Row<'a>,
    columns: &'a [ColumnType],
    /// Bytes of the texts that were taken from it.
    taken: Cell<usize>,
}

impl<'a> SqliteRow<'a> {
    pub(super) fn new(row: &'a rusqlite::Row<'a>, columns: &'a [ColumnType]) -> Self {
        Self { row, columns, taken: Cell::new(0) }
    }

    /// Bytes of the texts that were taken from it.
    pub(super) fn taken(&self) -> usize {
        self.taken.get()
    }

    fn take(&self, stored: types::ValueRef<'_>) {
        if let types::ValueRef::Text(bytes) | types::ValueRef::Blob(bytes) = stored {
            self.taken.set(self.taken.get() + bytes.len());
        }
    }
}

impl Row for SqliteRow<'_> {
    fn value(&self, column: usize) -> Result<ValueRef<'_>, DecodeError> {
        let Some(ty) = self.columns.get(column).copied() else { return Err(missing(column)) };
        let stored = self.row.get_ref(column).map_err(|_| missing(column))?;
        self.take(stored);
        decode(stored, ty).ok_or_else(|| DecodeError { column, expected: ty.name() })
    }
}

impl OwnRow for SqliteRow<'_> {
    fn bytes(&self, column: usize) -> Result<Option<&[u8]>, DecodeError> {
        match self.row.get_ref(column) {
            Ok(types::ValueRef::Blob(bytes)) => Ok(Some(bytes)),
            Ok(types::ValueRef::Null) => Ok(None),
            _ => Err(DecodeError { column, expected: "bytes" }),
        }
    }
}

fn missing(column: usize) -> DecodeError {
    DecodeError { column, expected: "a column of the statement" }
}

/// The stored value read as its column's type; `None` if it has another type.
#[inline]
fn decode(stored: types::ValueRef<'_>, ty: ColumnType) -> Option<ValueRef<'_>> {
    Some(match (stored, ty) {
        (types::ValueRef::Null, _) => ValueRef::Null,
        (types::ValueRef::Integer(number), ColumnType::One(storage)) => match storage {
            Storage::Int => ValueRef::Int(number),
            Storage::Bool => ValueRef::Bool(match number {
                0 => false,
                1 => true,
                _ => return None,
            }),
            Storage::Timestamp => ValueRef::Timestamp(Timestamp::from_micros(number)?),
            Storage::Id(KeyForm::Int) => ValueRef::Id(KeyRef::number(number)?),
            Storage::Decimal { scale } => ValueRef::Decimal(Decimal::new(number, u32::from(scale))),
            _ => return None,
        },
        (types::ValueRef::Blob(bytes), ColumnType::One(Storage::UUID)) => {
            ValueRef::Id(KeyRef::Uuid(bytes.try_into().ok()?))
        }
        (types::ValueRef::Blob(bytes), ColumnType::One(Storage::Bytes)) => ValueRef::Bytes(bytes),
        (types::ValueRef::Real(number), ColumnType::One(Storage::Float)) => ValueRef::Float(number),
        (types::ValueRef::Text(bytes), ty) => {
            let text = std::str::from_utf8(bytes).ok()?;
            match ty {
                ColumnType::One(Storage::Text) => ValueRef::Text(text),
                ColumnType::One(Storage::Id(KeyForm::Text)) => ValueRef::Id(KeyRef::text(text)?),
                ColumnType::One(Storage::Json) => ValueRef::Json(text),
                ColumnType::One(Storage::Date) => ValueRef::Date(Date::parse(text).ok()?),
                ColumnType::List(_) | ColumnType::Nested => ValueRef::Nested(text),
                ColumnType::One(_) => return None,
            }
        }
        _ => return None,
    })
}

/// A parameter as SQLite takes it.
pub(super) struct Bound<'a>(pub(super) &'a Param);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let borrowed = match self.0 {
            Param::Null => types::ValueRef::Null,
            Param::Bool(truth) => types::ValueRef::Integer(i64::from(*truth)),
            Param::Int(number) => types::ValueRef::Integer(*number),
            Param::Float(number) => types::ValueRef::Real(*number),
            Param::Text(text) | Param::Json(text) => types::ValueRef::Text(text.as_bytes()),
            Param::Id(id) => match id.key() {
                KeyRef::Uuid(_) => types::ValueRef::Blob(id.as_bytes()),
                KeyRef::Int(number) => types::ValueRef::Integer(number),
                KeyRef::Text(_) => types::ValueRef::Text(id.as_bytes()),
            },
            Param::Timestamp(moment) => types::ValueRef::Integer(moment.micros()),
            Param::Bytes(bytes) => types::ValueRef::Blob(bytes),
            Param::Date(date) => return Ok(date.to_string().into()),
            Param::Decimal(number) => {
                // Crate `sql` scales decimals to integers for SQLite; only a handwritten statement has one.
                let scaled = i64::try_from(number.mantissa());
                return scaled.map(Into::into).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()));
            }
        };
        Ok(ToSqlOutput::Borrowed(borrowed))
    }
}
