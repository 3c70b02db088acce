use backstay_model::{Element, FieldKind};
use backstay_scalar::{Scalar, Storage, ValueRef};

use crate::ColumnType;

/// One row of a result, whatever the database.
pub trait Row {
    /// The value in this column, read as the statement's column type says.
    fn value(&self, column: usize) -> Result<ValueRef<'_>, DecodeError>;
}

/// A stored value that is not of its column's type: the database was changed by other means.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column {column} holds a value that is not {expected}")]
pub struct DecodeError {
    /// Index in the result.
    pub column: usize,
    /// The type that it should have.
    pub expected: &'static str,
}

impl From<Storage> for ColumnType {
    fn from(storage: Storage) -> Self {
        match storage {
            Storage::Bool => Self::Bool,
            Storage::Int => Self::Int,
            Storage::Float => Self::Float,
            Storage::Decimal { scale } => Self::Decimal { scale },
            Storage::Text => Self::Text,
            Storage::Id => Self::Id,
            Storage::Timestamp => Self::Timestamp,
            Storage::Date => Self::Date,
            Storage::Json => Self::Json,
            Storage::Bytes => Self::Bytes,
        }
    }
}

impl ColumnType {
    /// What the column of a scalar holds; of `Money` the amount.
    pub fn of_scalar(scalar: Scalar) -> Self {
        scalar.storage().into()
    }

    /// What an element of a list is.
    pub fn of_element(element: Element) -> Self {
        match element {
            Element::Scalar(scalar) => Self::of_scalar(scalar),
            Element::Enum(_) => Self::Text,
        }
    }

    /// What the column of a field holds (of `Money` the amount), or, of a to-many relation, the rows nested in it.
    pub fn of_field(kind: &FieldKind) -> Self {
        match kind {
            FieldKind::Scalar(scalar) => Self::of_scalar(*scalar),
            FieldKind::Enum(_) => Self::Text,
            FieldKind::List(_) => Self::List,
            FieldKind::ToOne { .. } => Self::Id,
            FieldKind::OneToMany { .. } | FieldKind::ManyToMany { .. } => Self::Nested,
        }
    }

    /// The type in words, for messages.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bool => "a truth value",
            Self::Int => "an integer",
            Self::Float => "a number",
            Self::Decimal { .. } => "a decimal number",
            Self::Text => "a text",
            Self::Id => "an id",
            Self::Timestamp => "a moment",
            Self::Date => "a day",
            Self::Json => "a document",
            Self::List => "a list",
            Self::Nested => "nested rows",
            Self::Bytes => "bytes",
        }
    }
}
