use std::sync::Arc;

use rust_decimal::Decimal;

use backstay_base::{Date, Duration, RecordId, Timestamp};

use crate::Money;

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
    /// `String`, `Text`, `Email`, `Url` and the name of an enum's value; never holds NUL.
    Text(Arc<str>),
    /// `ID` and to-one relations.
    Id(RecordId),
    /// `DateTime`.
    Timestamp(Timestamp),
    /// `Date`.
    Date(Date),
    /// A length of time; only in expressions for now.
    Duration(Duration),
    /// `Money`.
    Money(Money),
    /// `JSON`: a checked document as compact text.
    Json(Arc<str>),
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
    Id(RecordId),
    /// `DateTime`.
    Timestamp(Timestamp),
    /// `Date`.
    Date(Date),
    /// `JSON` as stored text.
    Json(&'a str),
    /// A list of scalars, or the rows of a nested to-many relation, in the nested form that crate `sql` defines.
    Nested(&'a str),
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
            ValueRef::Id(id) => Self::Id(id),
            ValueRef::Timestamp(moment) => Self::Timestamp(moment),
            ValueRef::Date(date) => Self::Date(date),
            ValueRef::Json(text) => Self::Json(text.into()),
        }
    }
}
