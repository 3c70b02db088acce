use std::cmp::Ordering;
use std::sync::Arc;

use rust_decimal::Decimal;

use backstay_base::{Date, Duration, KeyRef, RecordId, Timestamp};

use crate::{Money, notation};

/// One typed value of a field, a parameter or an expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// No value. In an expression: unknown.
    Null,
    /// `Boolean`.
    Bool(bool),
    /// `Int`: 64 bits, signed.
    Int(i64),
    /// `Float`: finite.
    Float(f64),
    /// `Decimal`: exact.
    Decimal(Decimal),
    /// Text of every kind, and the name of an enum's value; never holds NUL.
    Text(Arc<str>),
    /// `ID` and to-one relations.
    Id(RecordId),
    /// `DateTime`.
    Timestamp(Timestamp),
    /// `Date`.
    Date(Date),
    /// `Duration`.
    Duration(Duration),
    /// `Money`.
    Money(Money),
    /// `JSON`: a checked document as compact text.
    Json(Arc<str>),
    /// `Bytes`.
    Bytes(Arc<[u8]>),
    /// A list of scalars without nulls, or the ids of a to-many relation.
    List(Arc<[Value]>),
}

impl Value {
    /// A text value.
    pub fn text(text: impl Into<Arc<str>>) -> Self {
        Self::Text(text.into())
    }

    /// Whether there is no value.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The id, where this is one.
    pub fn as_id(&self) -> Option<RecordId> {
        match self {
            Self::Id(id) => Some(*id),
            _ => None,
        }
    }

    /// Bytes that it takes beside its own: those of all texts, documents, octets and items in it.
    pub fn size(&self) -> usize {
        match self {
            Self::Text(text) | Self::Json(text) => text.len(),
            Self::Bytes(octets) => octets.len(),
            Self::List(values) => values.iter().map(|value| size_of::<Self>() + value.size()).sum(),
            Self::Null
            | Self::Bool(_)
            | Self::Int(_)
            | Self::Float(_)
            | Self::Decimal(_)
            | Self::Id(_)
            | Self::Timestamp(_)
            | Self::Date(_)
            | Self::Duration(_)
            | Self::Money(_) => 0,
        }
    }

    /// Bytes of the longest text, document or octets in it.
    pub fn longest(&self) -> usize {
        match self {
            Self::Text(text) | Self::Json(text) => text.len(),
            Self::Bytes(octets) => octets.len(),
            Self::List(values) => values.iter().map(Self::longest).max().unwrap_or(0),
            Self::Null
            | Self::Bool(_)
            | Self::Int(_)
            | Self::Float(_)
            | Self::Decimal(_)
            | Self::Id(_)
            | Self::Timestamp(_)
            | Self::Date(_)
            | Self::Duration(_)
            | Self::Money(_) => 0,
        }
    }

    /// The text, where this is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The integer, where this is one.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            _ => None,
        }
    }

    /// The truth value, where this is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(truth) => Some(*truth),
            _ => None,
        }
    }
}

impl Value {
    /// The order of two values of one type; `None` where one is null or the type has no order.
    pub fn order(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Bool(left), Self::Bool(right)) => Some(left.cmp(right)),
            (Self::Int(left), Self::Int(right)) => Some(left.cmp(right)),
            (Self::Float(left), Self::Float(right)) => left.partial_cmp(right),
            (Self::Decimal(left), Self::Decimal(right)) => Some(left.cmp(right)),
            (Self::Text(left), Self::Text(right)) => Some(left.cmp(right)),
            (Self::Id(left), Self::Id(right)) => Some(left.cmp(right)),
            (Self::Timestamp(left), Self::Timestamp(right)) => Some(left.cmp(right)),
            (Self::Date(left), Self::Date(right)) => Some(left.cmp(right)),
            (Self::Duration(left), Self::Duration(right)) => Some(left.cmp(right)),
            (Self::Bytes(left), Self::Bytes(right)) => Some(left.cmp(right)),
            _ => None,
        }
    }

    /// The value as bare text that its scalar reads again; none for null, lists and documents.
    pub fn bare(&self) -> Option<String> {
        match self {
            Self::Null | Self::List(_) | Self::Json(_) => None,
            Self::Bool(truth) => Some(truth.to_string()),
            Self::Int(number) => Some(number.to_string()),
            Self::Float(number) => Some(number.to_string()),
            Self::Decimal(number) => Some(number.to_string()),
            Self::Text(text) => Some(text.to_string()),
            Self::Id(id) => Some(id.to_string()),
            Self::Timestamp(moment) => Some(moment.to_string()),
            Self::Date(date) => Some(date.to_string()),
            Self::Duration(length) => Some(notation::duration(*length)),
            Self::Bytes(octets) => Some(notation::base64(octets)),
            Self::Money(money) => Some(format!("{} {}", money.amount(), money.currency())),
        }
    }
}

impl From<RecordId> for Value {
    fn from(id: RecordId) -> Self {
        Self::Id(id)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<Timestamp> for Value {
    fn from(moment: Timestamp) -> Self {
        Self::Timestamp(moment)
    }
}

/// One column of a stored row, borrowed from the database's buffer: what encoders read. (`Money` is two columns.)
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ValueRef<'a> {
    /// No value.
    Null,
    /// `Boolean`.
    Bool(bool),
    /// `Int`.
    Int(i64),
    /// `Float`.
    Float(f64),
    /// `Decimal`.
    Decimal(Decimal),
    /// Text of every kind.
    Text(&'a str),
    /// A key or a to-one relation.
    Id(KeyRef<'a>),
    /// `DateTime`.
    Timestamp(Timestamp),
    /// `Date`.
    Date(Date),
    /// `JSON` as stored text.
    Json(&'a str),
    /// `Bytes`.
    Bytes(&'a [u8]),
    /// A list of scalars, or the rows of a nested to-many relation, in the nested form that crate `sql` defines.
    Nested(&'a str),
}

impl ValueRef<'_> {
    /// Bytes of its text, document or octets; 0 for a value of fixed size.
    pub fn size(&self) -> usize {
        match self {
            Self::Text(text) | Self::Json(text) | Self::Nested(text) => text.len(),
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

impl From<ValueRef<'_>> for Value {
    /// The value without its buffer. A nested text becomes null: only who knows its elements' types can read it.
    fn from(value: ValueRef<'_>) -> Self {
        match value {
            ValueRef::Null | ValueRef::Nested(_) => Self::Null,
            ValueRef::Bool(truth) => Self::Bool(truth),
            ValueRef::Int(number) => Self::Int(number),
            ValueRef::Float(number) => Self::Float(number),
            ValueRef::Decimal(number) => Self::Decimal(number),
            ValueRef::Text(text) => Self::text(text),
            ValueRef::Id(key) => Self::Id(key.into()),
            ValueRef::Timestamp(moment) => Self::Timestamp(moment),
            ValueRef::Date(date) => Self::Date(date),
            ValueRef::Json(text) => Self::Json(text.into()),
            ValueRef::Bytes(octets) => Self::Bytes(octets.into()),
        }
    }
}
