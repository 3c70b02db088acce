use backstay_base::{KeyRef, RecordId};
use backstay_scalar::Value;

/// The key of a record, of any type that can be one: an id, a text, a number, a moment or a day.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordKey(Value);

impl RecordKey {
    /// The key with this value, if a value of its type can be a key.
    pub fn new(value: Value) -> Option<Self> {
        match value {
            Value::Int(_)
            | Value::Decimal(_)
            | Value::Text(_)
            | Value::Id(_)
            | Value::Timestamp(_)
            | Value::Date(_) => Some(Self(value)),
            Value::Null
            | Value::Bool(_)
            | Value::Float(_)
            | Value::Duration(_)
            | Value::Money(_)
            | Value::Json(_)
            | Value::Bytes(_)
            | Value::List(_) => None,
        }
    }

    /// The value.
    pub fn value(&self) -> &Value {
        &self.0
    }
}

impl From<RecordId> for RecordKey {
    fn from(id: RecordId) -> Self {
        Self(match id.key() {
            KeyRef::Uuid(_) => Value::Id(id),
            KeyRef::Int(number) => Value::Int(number),
            KeyRef::Text(text) => Value::text(text),
        })
    }
}
