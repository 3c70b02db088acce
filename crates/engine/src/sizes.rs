use backstay_base::limits;
use backstay_model::{Element, Field, FieldKind, LengthProblem, Unit};
use backstay_scalar::{Scalar, Value};

/// How large values are whose fields say nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// Bytes of a `Text` without `@length(max:)`, or of all items of a list of `Text` together.
    pub text_bytes: usize,
    /// Bytes of a `JSON` document, without white space.
    pub json_bytes: usize,
}

impl Default for Sizes {
    fn default() -> Self {
        Self { text_bytes: limits::TEXT_BYTES, json_bytes: limits::JSON_BYTES }
    }
}

impl Sizes {
    /// The most bytes that a value of a field has, if its bytes are what is limited.
    fn bytes(self, field: &Field) -> Option<usize> {
        match &field.kind {
            FieldKind::Scalar(Scalar::Text) if field.length.is_some_and(|length| length.max.is_some()) => None,
            FieldKind::Scalar(Scalar::Text) | FieldKind::List(Element::Scalar(Scalar::Text)) => Some(self.text_bytes),
            FieldKind::Scalar(Scalar::Json) | FieldKind::Document(_) => Some(self.json_bytes),
            FieldKind::Scalar(_)
            | FieldKind::List(_)
            | FieldKind::Enum(_)
            | FieldKind::Embedded(_)
            | FieldKind::ToOne { .. }
            | FieldKind::ToOneOf { .. }
            | FieldKind::OneToMany { .. }
            | FieldKind::Lineage { .. }
            | FieldKind::OneToOne { .. }
            | FieldKind::ManyToMany { .. } => None,
        }
    }

    /// Whether the values of a field can be too short or too long.
    pub(crate) fn limits(self, field: &Field) -> bool {
        field.length.is_some() || self.bytes(field).is_some()
    }

    /// Whether a value is neither too short nor too long for its field.
    pub(crate) fn check(self, field: &Field, value: &Value) -> Result<(), LengthProblem> {
        if let Some(length) = field.length {
            length.check(&field.kind, value)?;
        }
        match (self.bytes(field), Unit::Bytes.count(value)) {
            (Some(max), Some(bytes)) if bytes > max => Err(LengthProblem::TooLong { max, unit: Unit::Bytes }),
            _ => Ok(()),
        }
    }
}
