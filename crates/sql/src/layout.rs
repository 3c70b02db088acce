use backstay_base::KeyForm;
use backstay_model::{Collection, Column, Field, FieldId, Link};
use backstay_scalar::{Scalar, Storage, Value, ValueRef};

use crate::{ColumnRef, ColumnType, DecodeError, Row, nested};

/// How the columns of a stored record become one `Value` per field.
#[derive(Debug, Clone)]
pub struct RecordLayout {
    /// By `FieldId`.
    fields: Box<[FieldLayout]>,
    columns: usize,
}

/// Where a field's columns are, and the scalar whose values they, or the elements of the list in them, hold; none for the
/// names of an enum's values and for references.
#[derive(Debug, Clone)]
pub(crate) struct FieldLayout {
    columns: Box<[(usize, ColumnType)]>,
    scalar: Option<Scalar>,
}

impl RecordLayout {
    /// The layout of all stored columns of a collection, in the order of its fields.
    pub fn of(collection: &Collection) -> Self {
        Self::of_fields(collection, |_| true)
    }

    /// The layout of the columns of some fields alone, in the same order.
    pub(crate) fn of_fields(collection: &Collection, is_read: impl Fn(FieldId) -> bool) -> Self {
        let mut columns = 0;
        let fields = collection.fields.iter().map(|field| {
            if !is_read(field.id) {
                return FieldLayout::nothing();
            }
            let layout = FieldLayout::at(field, columns);
            columns += field.columns.len();
            layout
        });
        Self { fields: fields.collect(), columns }
    }

    /// How many columns the record takes.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// One value per field of the collection; null where nothing is stored.
    pub fn read(&self, row: &dyn Row) -> Result<Vec<Value>, DecodeError> {
        self.fields.iter().map(|field| field.read(row)).collect()
    }
}

impl FieldLayout {
    /// That of a field that isn't read.
    fn nothing() -> Self {
        Self { columns: Box::default(), scalar: None }
    }

    /// The layout of a field whose first column is this one.
    pub(crate) fn at(field: &Field, first: usize) -> Self {
        let columns = (first..).zip(field.columns.iter().map(ColumnType::from)).collect();
        Self { columns, scalar: field.kind.scalar() }
    }

    /// The layout of a field in these columns, with the scalar of its values.
    pub(crate) fn of(columns: Vec<(usize, ColumnType)>, scalar: Option<Scalar>) -> Self {
        Self { columns: columns.into(), scalar }
    }

    /// The layout of the id of a record, in this column.
    pub(crate) fn id(column: usize, form: KeyForm) -> Self {
        Self { columns: Box::new([(column, ColumnType::One(Storage::Id(form)))]), scalar: None }
    }

    /// The value; null where nothing is stored.
    pub(crate) fn read(&self, row: &dyn Row) -> Result<Value, DecodeError> {
        match *self.columns {
            [] => Ok(Value::Null),
            [(index, ColumnType::List(element))] => match row.value(index)? {
                ValueRef::Nested(text) => {
                    let values = nested::elements(text, element).map(|value| self.load(&[value?.value()], index));
                    let values: Result<Vec<Value>, DecodeError> = values.collect();
                    Ok(Value::List(values.map_err(|error| DecodeError { column: index, ..error })?.into()))
                }
                ValueRef::Null => Ok(Value::Null),
                _ => Err(DecodeError { column: index, expected: "a list" }),
            },
            [(index, _)] => self.load(&[row.value(index)?], index),
            [(first, _), ..] => {
                let columns = self.columns.iter().map(|(index, _)| row.value(*index));
                self.load(&columns.collect::<Result<Vec<ValueRef<'_>>, DecodeError>>()?, first)
            }
        }
    }

    fn load(&self, columns: &[ValueRef<'_>], column: usize) -> Result<Value, DecodeError> {
        let value = match self.scalar {
            Some(scalar) => scalar.load(columns),
            None => columns.first().map(|column| Value::from(*column)),
        };
        value.ok_or(DecodeError { column, expected: "a value of the field's type" })
    }
}

/// The stored columns of a collection, in the order of `RecordLayout`.
pub(crate) fn columns_of(collection: &Collection) -> impl Iterator<Item = (ColumnRef, &Column)> {
    collection
        .fields
        .iter()
        .flat_map(|field| field.columns.iter().map(|column| (ColumnRef { field: field.id, part: column.part }, column)))
}

/// The columns of a link table.
pub(crate) fn link_columns(link: &Link) -> impl Iterator<Item = &str> {
    [link.near.as_str(), link.far.as_str()].into_iter().chain(link.ordered.then_some(Link::PLACE))
}
