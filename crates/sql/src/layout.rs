use backstay_model::{Collection, FieldKind, Model};
use backstay_scalar::Scalar;
use backstay_scalar::{Currency, MONEY_SCALE, Money, Value, ValueRef};
use rust_decimal::Decimal;

use crate::{ColumnType, DecodeError, Row, nested};

/// How the columns of a stored record become one `Value` per field.
#[derive(Debug, Clone)]
pub struct RecordLayout {
    fields: Box<[FieldLayout]>,
    columns: usize,
}

#[derive(Debug, Clone, Copy)]
enum FieldLayout {
    /// Nothing is stored.
    Absent,
    /// One column.
    Column(usize),
    /// Two columns, the amount first.
    Money(usize),
    /// One column that holds a list of elements of this type.
    List(usize, ColumnType),
}

impl RecordLayout {
    /// The layout of all stored columns of a collection, in the order of its fields.
    pub fn of(collection: &Collection, _model: &Model) -> Self {
        let mut next = 0;
        let fields = collection.fields.iter().map(|field| {
            let column = next;
            match &field.kind {
                kind if !kind.is_stored() => FieldLayout::Absent,
                FieldKind::Scalar(Scalar::Money) => {
                    next += 2;
                    FieldLayout::Money(column)
                }
                FieldKind::List(element) => {
                    next += 1;
                    FieldLayout::List(column, ColumnType::of_element(*element))
                }
                _ => {
                    next += 1;
                    FieldLayout::Column(column)
                }
            }
        });
        let fields = fields.collect();
        Self { fields, columns: next }
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
    fn read(self, row: &dyn Row) -> Result<Value, DecodeError> {
        match self {
            Self::Absent => Ok(Value::Null),
            Self::Column(column) => Ok(owned(row.value(column)?)),
            Self::Money(column) => money(row, column),
            Self::List(column, element) => match row.value(column)? {
                ValueRef::Nested(text) => {
                    let elements: Result<Vec<Value>, DecodeError> =
                        nested::elements(text, element).map(|value| value.map(|value| owned(value.value()))).collect();
                    Ok(Value::List(elements.map_err(|error| DecodeError { column, ..error })?.into()))
                }
                _ => Ok(Value::Null),
            },
        }
    }
}

/// The value without its buffer. A nested text becomes null: only `RecordLayout` and encoders know its elements.
pub(crate) fn owned(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null | ValueRef::Nested(_) => Value::Null,
        ValueRef::Bool(truth) => Value::Bool(truth),
        ValueRef::Int(number) => Value::Int(number),
        ValueRef::Float(number) => Value::Float(number),
        ValueRef::Decimal(number) => Value::Decimal(number),
        ValueRef::Text(text) => Value::text(text),
        ValueRef::Id(id) => Value::Id(id),
        ValueRef::Timestamp(moment) => Value::Timestamp(moment),
        ValueRef::Date(date) => Value::Date(date),
        ValueRef::Json(text) => Value::Json(text.into()),
        ValueRef::Bytes(octets) => Value::Bytes(octets.into()),
    }
}

fn money(row: &dyn Row, column: usize) -> Result<Value, DecodeError> {
    let (amount, currency) = match (row.value(column)?, row.value(column + 1)?) {
        (ValueRef::Decimal(amount), ValueRef::Text(code)) => (amount, Currency::parse(code)),
        _ => return Ok(Value::Null),
    };
    let money = currency.zip(scaled(amount)).map(|(currency, scaled)| Money::from_scaled(scaled, currency));
    money.map(Value::Money).ok_or(DecodeError { column, expected: "an amount of money" })
}

/// The amount in ten-thousandths, where it is a whole number of them.
fn scaled(amount: Decimal) -> Option<i64> {
    let mut amount = amount;
    amount.rescale(MONEY_SCALE);
    i64::try_from(amount.mantissa()).ok()
}
