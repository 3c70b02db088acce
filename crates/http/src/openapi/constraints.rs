//! Adds the limits of `@length`, `@range` and `@pattern` to the schemas of what is sent.

use backstay_model::{Field, FieldKind, FieldPattern, Length, Range};
use backstay_scalar::{Scalar, Value as Typed};
use serde_json::{Number, Value, json};

/// Adds to a schema what the field's directives say of its values.
pub(super) fn add(field: &Field, schema: &mut Value) {
    if let Some(length) = field.length {
        add_length(&field.kind, length, schema);
    }
    let mut words: Vec<String> = Vec::new();
    let of_values = match field.kind {
        FieldKind::List(_) => &mut schema["items"],
        FieldKind::Scalar(_)
        | FieldKind::Enum(_)
        | FieldKind::Embedded(_)
        | FieldKind::Document(_)
        | FieldKind::ToOne { .. }
        | FieldKind::ToOneOf { .. }
        | FieldKind::OneToMany { .. }
        | FieldKind::Lineage { .. }
        | FieldKind::OneToOne { .. }
        | FieldKind::ManyToMany { .. } => &mut *schema,
    };
    words.extend(field.range.as_ref().and_then(|range| add_range(range, of_values)));
    words.extend(field.pattern.as_ref().and_then(|pattern| add_pattern(&field.kind, pattern, of_values)));
    if !words.is_empty() {
        let each = if matches!(field.kind, FieldKind::List(_)) { "Each value must" } else { "Must" };
        let words = format!("{each} {}.", words.join(", and "));
        schema["description"] = match schema.get("description").and_then(Value::as_str) {
            Some(other) => json!(format!("{other} {words}")),
            None => json!(words),
        };
    }
}

/// Email and web addresses and languages are measured in their normal form, which can have fewer characters than what is
/// sent.
fn add_length(kind: &FieldKind, length: Length, schema: &mut Value) {
    let (min, max) = match kind {
        FieldKind::Scalar(Scalar::String | Scalar::Text) => ("minLength", "maxLength"),
        FieldKind::List(_) | FieldKind::Document(_) => ("minItems", "maxItems"),
        FieldKind::Scalar(_)
        | FieldKind::Enum(_)
        | FieldKind::Embedded(_)
        | FieldKind::ToOne { .. }
        | FieldKind::ToOneOf { .. }
        | FieldKind::OneToMany { .. }
        | FieldKind::Lineage { .. }
        | FieldKind::OneToOne { .. }
        | FieldKind::ManyToMany { .. } => return,
    };
    if length.min > 0 {
        schema[min] = json!(length.min);
    }
    if let Some(most) = length.max {
        schema[max] = json!(most);
    }
}

/// Adds what JSON Schema has words for; else returns what to say in words. Of a `Decimal`, `minimum` and `maximum` are about
/// the form as a number only.
fn add_range(range: &Range, schema: &mut Value) -> Option<String> {
    let mut told = None;
    for (keyword, end) in [("minimum", &range.min), ("maximum", &range.max)] {
        let Some(end) = end else { continue };
        match number(end) {
            Some(number) => schema[keyword] = Value::Number(number),
            None => told = Some(range.words()),
        }
        if matches!(end, Typed::Decimal(_)) {
            told = Some(range.words());
        }
    }
    told
}

/// A value as a number of JSON; none if it is no number, or none that this one is exactly.
fn number(value: &Typed) -> Option<Number> {
    match value {
        Typed::Int(number) => Some((*number).into()),
        Typed::Float(number) => Number::from_f64(*number),
        Typed::Decimal(number) => {
            let exact = number.normalize().to_string();
            match exact.parse::<i64>() {
                Ok(whole) => Some(whole.into()),
                Err(_) => exact.parse().ok().and_then(Number::from_f64).filter(|number| number.to_string() == exact),
            }
        }
        Typed::Null
        | Typed::Bool(_)
        | Typed::Text(_)
        | Typed::Id(_)
        | Typed::Timestamp(_)
        | Typed::Date(_)
        | Typed::Duration(_)
        | Typed::Money(_)
        | Typed::Json(_)
        | Typed::Bytes(_)
        | Typed::List(_) => None,
    }
}

/// Adds a pattern that means the same in ECMA-262, where what is sent is what is stored; else returns what to say in words.
fn add_pattern(kind: &FieldKind, pattern: &FieldPattern, schema: &mut Value) -> Option<String> {
    let as_sent = matches!(kind.scalar(), Some(Scalar::String | Scalar::Text));
    match pattern.is.portable().filter(|_| as_sent) {
        Some(portable) => {
            schema["pattern"] = json!(portable);
            None
        }
        None => Some(format!("match `{}` from its beginning to its end", pattern.is.text())),
    }
}
