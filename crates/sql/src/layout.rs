use backstay_model::{Collection, Column};
use backstay_scalar::{Part, Storage, Value, ValueRef};

use crate::{ColumnType, DecodeError, Row, nested};

/// How the columns of a stored record become one `Value` per field.
#[derive(Debug, Clone)]
pub struct RecordLayout {
    /// By `FieldId`.
    fields: Box<[Box<[FieldColumn]>]>,
    columns: usize,
}

/// One column of a field: its index in the row.
#[derive(Debug, Clone, Copy)]
struct FieldColumn {
    index: usize,
    part: Part,
    column: ColumnType,
}

impl RecordLayout {
    /// The layout of all stored columns of a collection, in the order of its fields.
    pub fn of(collection: &Collection) -> Self {
        let mut columns = 0;
        let fields = collection.fields.iter().map(|field| {
            let first = columns;
            columns += field.columns.len();
            let of = |(index, column): (usize, &Column)| FieldColumn { index, part: column.part, column: column.into() };
            (first..).zip(&field.columns).map(of).collect()
        });
        Self { fields: fields.collect(), columns }
    }

    /// How many columns the record takes.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// One value per field of the collection; null where nothing is stored.
    pub fn read(&self, row: &dyn Row) -> Result<Vec<Value>, DecodeError> {
        self.fields.iter().map(|columns| field(columns, row)).collect()
    }
}

fn field(columns: &[FieldColumn], row: &dyn Row) -> Result<Value, DecodeError> {
    match columns {
        [] => Ok(Value::Null),
        [FieldColumn { index, column: ColumnType::List(element), .. }] => match row.value(*index)? {
            ValueRef::Nested(text) => list(text, *element).map_err(|error| DecodeError { column: *index, ..error }),
            _ => Ok(Value::Null),
        },
        [only] => row.value(only.index).map(Value::from),
        [first, ..] => {
            let part = |column: &FieldColumn| row.value(column.index).map(|value| (column.part, value));
            let parts = columns.iter().map(part).collect::<Result<Vec<_>, _>>()?;
            Value::of_parts(&parts).ok_or(DecodeError { column: first.index, expected: "a value in several columns" })
        }
    }
}

fn list(text: &str, element: Storage) -> Result<Value, DecodeError> {
    let values = nested::elements(text, element).map(|value| value.map(|value| Value::from(value.value())));
    Ok(Value::List(values.collect::<Result<Vec<Value>, DecodeError>>()?.into()))
}
