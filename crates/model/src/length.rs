use backstay_base::ViolationKind;
use backstay_scalar::Value;

use crate::FieldKind;

/// `@length(min:, max:)`: how many characters a text has, or how many items a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Length {
    /// At least this many.
    pub min: usize,
    /// At most this many; `None` leaves the limit of the field's type.
    pub max: Option<usize>,
}

/// What the length of a value is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Unicode code points of a text, as `size()` counts them in expressions.
    Characters,
    /// Items of a list.
    Items,
    /// Bytes of a text in UTF-8, of a document as it is stored, or of all items of a list of these.
    Bytes,
}

/// Why a value is not as long as its field wants it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LengthProblem {
    /// It is too short.
    #[error("must have at least {min} {}", unit.of(*min))]
    TooShort {
        /// The least.
        min: usize,
        /// Of what.
        unit: Unit,
    },
    /// It is too long.
    #[error("must have at most {max} {}", unit.of(*max))]
    TooLong {
        /// The most.
        max: usize,
        /// Of what.
        unit: Unit,
    },
}

impl From<LengthProblem> for ViolationKind {
    fn from(problem: LengthProblem) -> Self {
        Self::Range(problem.to_string())
    }
}

impl Length {
    /// Whether a value of a field of this kind is as long as it says. Null has no length.
    pub fn check(self, kind: &FieldKind, value: &Value) -> Result<(), LengthProblem> {
        let unit = Unit::of_length(kind);
        unit.count(value).map_or(Ok(()), |count| self.check_count(unit, count))
    }

    /// Whether a value that has this many characters or items is as long as it says.
    pub(crate) fn check_count(self, unit: Unit, count: usize) -> Result<(), LengthProblem> {
        if count < self.min {
            return Err(LengthProblem::TooShort { min: self.min, unit });
        }
        match self.max {
            Some(max) if count > max => Err(LengthProblem::TooLong { max, unit }),
            Some(_) | None => Ok(()),
        }
    }
}

impl Length {
    /// Whether a value can be as long as the first says, and not as the second does.
    pub(crate) fn is_stricter(before: Option<Self>, after: Option<Self>) -> bool {
        let bounds = |length: Option<Self>| {
            let Self { min, max } = length.unwrap_or(Self { min: 0, max: None });
            (min, max.unwrap_or(usize::MAX))
        };
        let ((least, most), (min, max)) = (bounds(before), bounds(after));
        min > least || max < most
    }
}

impl Unit {
    /// What `@length` counts of the values of a field of this kind.
    pub fn of_length(kind: &FieldKind) -> Self {
        match kind {
            FieldKind::List(_) | FieldKind::Document(_) => Self::Items,
            FieldKind::Scalar(_)
            | FieldKind::Enum(_)
            | FieldKind::Embedded(_)
            | FieldKind::ToOne { .. }
            | FieldKind::ToOneOf { .. }
            | FieldKind::OneToMany { .. }
            | FieldKind::Lineage { .. }
            | FieldKind::OneToOne { .. }
            | FieldKind::ManyToMany { .. } => Self::Characters,
        }
    }

    /// How many of it a value has; `None` of a value that is not counted in it.
    pub fn count(self, value: &Value) -> Option<usize> {
        match (self, value) {
            (Self::Characters, Value::Text(text)) => Some(text.chars().count()),
            (Self::Items, Value::List(items)) => Some(items.len()),
            (Self::Items, Value::Json(text)) => backstay_scalar::items(text).ok().map(|items| items.len()),
            (Self::Bytes, Value::Text(text) | Value::Json(text)) => Some(text.len()),
            (Self::Bytes, Value::List(items)) => Some(items.iter().filter_map(|item| self.count(item)).sum()),
            (Self::Characters | Self::Items | Self::Bytes, _) => None,
        }
    }

    /// Its name after this number.
    pub(crate) fn of(self, number: usize) -> &'static str {
        match (self, number) {
            (Self::Characters, 1) => "character",
            (Self::Characters, _) => "characters",
            (Self::Items, 1) => "item",
            (Self::Items, _) => "items",
            (Self::Bytes, 1) => "byte",
            (Self::Bytes, _) => "bytes",
        }
    }
}
