use backstay_base::{Error, Limit, ViolationKind, limits};
use backstay_model::{Element, Field, FieldKind, LengthProblem, Unit};
use backstay_scalar::{Scalar, Value};

use crate::TxContext;
use crate::proposal::Proposal;

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
            FieldKind::Scalar(Scalar::Json) => Some(self.json_bytes),
            FieldKind::Scalar(_)
            | FieldKind::List(_)
            | FieldKind::Enum(_)
            | FieldKind::ToOne { .. }
            | FieldKind::OneToMany { .. }
            | FieldKind::ManyToMany { .. } => None,
        }
    }

    /// Whether the values of a field can be too short or too long.
    fn limits(self, field: &Field) -> bool {
        field.length.is_some() || self.bytes(field).is_some()
    }

    /// Whether a value is neither too short nor too long for its field.
    fn check(self, field: &Field, value: &Value) -> Result<(), LengthProblem> {
        if let Some(length) = field.length {
            length.check(&field.kind, value)?;
        }
        match (self.bytes(field), Unit::Bytes.count(value)) {
            (Some(max), Some(bytes)) if bytes > max => Err(LengthProblem::TooLong { max, unit: Unit::Bytes }),
            _ => Ok(()),
        }
    }
}

/// Refuses new values that are too short or too long. A stored one that is too long already, because it was stored when
/// more was allowed, may become shorter step by step; of one that the caller doesn't see, nothing is to be told.
pub(crate) fn check(cx: &TxContext<'_, '_>, proposal: &mut Proposal<'_>) {
    let sizes = cx.engine.application.sizes;
    for field in proposal.collection.stored_fields().filter(|field| sizes.limits(field)) {
        let (stored, value) = (proposal.stored_value(field.id), proposal.value(field.id));
        let told = proposal.sees(field.id);
        let untold = || !told && proposal.input.fields().any(|named| named == field.id);
        if value == stored && !untold() {
            continue;
        }
        let Err(problem) = sizes.check(field, value) else { continue };
        let shrinks = match problem {
            LengthProblem::TooLong { unit, .. } => told && unit.count(value) <= unit.count(stored),
            LengthProblem::TooShort { .. } => false,
        };
        if !shrinks && !proposal.is_refused(field) {
            proposal.refuse(field, ViolationKind::from(problem));
        }
    }
}

/// Refuses a record that is too large to be in an answer, where it would stand in the way of others in a list. One that is
/// so large already may become smaller.
pub(crate) fn check_whole(proposal: &Proposal<'_>) -> Result<(), Error> {
    let fields = || proposal.collection.stored_fields();
    let most: usize = fields().map(|field| written_bytes(proposal.value(field.id), str::len)).sum();
    // No character of a text takes more bytes in JSON than six times its own.
    if most <= limits::RECORD_BYTES / 6 {
        return Ok(());
    }
    let written: usize = fields().map(|field| written_bytes(proposal.value(field.id), escaped_bytes)).sum();
    if written <= limits::RECORD_BYTES {
        return Ok(());
    }
    let stored: usize = fields().map(|field| written_bytes(proposal.stored_value(field.id), escaped_bytes)).sum();
    if written <= stored {
        return Ok(());
    }
    Err(Limit::Size { what: "the record, written as JSON,", max: limits::RECORD_BYTES as u64, unit: "bytes" }.into())
}

/// Bytes of a value in an answer, roughly; exactly for what can be long, if `text` counts the bytes of a text.
fn written_bytes(value: &Value, text: fn(&str) -> usize) -> usize {
    const OTHERS: usize = 40;
    match value {
        Value::Text(value) => text(value) + 2,
        Value::Json(document) => document.len(),
        // In base64 (RFC 4648, section 4).
        Value::Bytes(octets) => octets.len() / 3 * 4 + 6,
        Value::List(values) => values.iter().map(|value| written_bytes(value, text) + 1).sum(),
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Float(_)
        | Value::Decimal(_)
        | Value::Id(_)
        | Value::Timestamp(_)
        | Value::Date(_)
        | Value::Duration(_)
        | Value::Money(_) => OTHERS,
    }
}

/// Bytes of a text in JSON (RFC 8259, section 7), without its quotation marks.
fn escaped_bytes(text: &str) -> usize {
    let escaped = |byte: u8| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0c => 2,
        0..0x20 => 6,
        _ => 1,
    };
    text.bytes().map(escaped).sum()
}
