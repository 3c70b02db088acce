use backstay_scalar::{Scalar, Schema};
use serde_json::{Value, json};

/// A number as text, as JSON writes one (RFC 8259, section 6).
const NUMBER: &str = r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+\-]?[0-9]+)?$";
/// A phone number with what people write between its digits. It and the others are written so that they mean the same
/// with the flags `u` and `v` of ECMA-262, and without.
const PHONE: &str = r"^\s*(tel:)?\+[0-9\s.\(\)\-]{7,}$";
const COUNTRY: &str = r"^\s*[A-Za-z]{2}\s*$";
const CURRENCY: &str = r"^\s*[A-Za-z]{3}\s*$";

/// An example of what each of these patterns allows.
pub(super) const EXAMPLES: &[(&str, &str)] =
    &[(NUMBER, "12.50"), (PHONE, "+49 30 123456"), (COUNTRY, "DE"), (CURRENCY, "EUR")];

/// A scalar as it is answered: in its normal form.
pub(super) fn answered(kind: Scalar) -> Value {
    match kind.schema() {
        Schema::Text { format, pattern, max } => {
            let mut schema = json!({ "type": "string" });
            if !format.is_empty() {
                schema["format"] = json!(format);
            }
            if !pattern.is_empty() {
                schema["pattern"] = json!(pattern);
            }
            if let Some(max) = max {
                schema["maxLength"] = json!(max);
            }
            schema
        }
        Schema::Integer => json!({ "type": "integer", "format": "int64" }),
        Schema::Number => json!({ "type": "number", "format": "double" }),
        Schema::Boolean => json!({ "type": "boolean" }),
        Schema::Any => json!({}),
        Schema::Money => money(&json!({ "type": "string", "pattern": NUMBER }), &answered(Scalar::Currency)),
    }
}

/// A scalar as it is accepted: in every form that the server reads, or in more, but never in fewer. `format` is an
/// annotation (JSON Schema 2020-12, section 7.2.1) and tells generators the type, so it stays.
pub(super) fn accepted(kind: Scalar) -> Value {
    match kind {
        Scalar::Decimal { .. } => exact(),
        Scalar::Money => money(&exact(), &accepted(Scalar::Currency)),
        Scalar::Phone => json!({ "type": "string", "pattern": PHONE }),
        Scalar::Country => json!({ "type": "string", "pattern": COUNTRY }),
        Scalar::Currency => json!({ "type": "string", "pattern": CURRENCY }),
        // White space around it doesn't count.
        Scalar::Email | Scalar::Locale => {
            let mut schema = answered(kind);
            if let Some(members) = schema.as_object_mut() {
                members.remove("maxLength");
            }
            schema
        }
        Scalar::Id { .. }
        | Scalar::String
        | Scalar::Text
        | Scalar::Int
        | Scalar::Float
        | Scalar::Boolean
        | Scalar::DateTime
        | Scalar::Date
        | Scalar::Time
        | Scalar::Duration
        | Scalar::Bytes
        | Scalar::Json
        | Scalar::Url => answered(kind),
    }
}

/// An exact number: as a number, or in quotes.
fn exact() -> Value {
    json!({ "type": ["string", "number"], "pattern": NUMBER })
}

fn money(amount: &Value, currency: &Value) -> Value {
    json!({
        "type": "object",
        "required": ["amount", "currency"],
        "properties": { "amount": amount, "currency": currency },
        "additionalProperties": false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn input_may_have_more_forms_than_answers() {
        let check = |kind: Scalar, read: Value, write: Value| {
            assert_eq!((answered(kind), accepted(kind)), (read, write), "{kind:?}");
        };
        let same = |kind: Scalar, schema: Value| check(kind, schema.clone(), schema);
        same(Scalar::UUID, json!({ "type": "string", "format": "uuid" }));
        same(Scalar::String, json!({ "type": "string", "maxLength": backstay_base::limits::STRING_CHARS }));
        same(Scalar::Text, json!({ "type": "string" }));
        same(Scalar::Int, json!({ "type": "integer", "format": "int64" }));
        same(Scalar::Float, json!({ "type": "number", "format": "double" }));
        same(Scalar::Boolean, json!({ "type": "boolean" }));
        same(Scalar::DateTime, json!({ "type": "string", "format": "date-time" }));
        same(Scalar::Date, json!({ "type": "string", "format": "date" }));
        let time = r"^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]+)?)?$";
        same(Scalar::Time, json!({ "type": "string", "pattern": time }));
        same(Scalar::Duration, json!({ "type": "string", "format": "duration" }));
        same(Scalar::Bytes, json!({ "type": "string", "format": "byte" }));
        same(Scalar::Json, json!({}));
        let url = json!({ "type": "string", "format": "uri", "maxLength": backstay_base::limits::URL_CHARS });
        same(Scalar::Url, url);
        check(
            Scalar::Decimal { precision: 8, scale: 2 },
            json!({ "type": "string", "pattern": r"^-?[0-9]{1,6}(\.[0-9]{1,2})?$" }),
            json!({ "type": ["string", "number"], "pattern": NUMBER }),
        );
        check(
            Scalar::Email,
            json!({ "type": "string", "format": "idn-email", "maxLength": backstay_base::limits::EMAIL_CHARS }),
            json!({ "type": "string", "format": "idn-email" }),
        );
        check(
            Scalar::Phone,
            json!({ "type": "string", "pattern": r"^\+[1-9][0-9]{6,14}$" }),
            json!({ "type": "string", "pattern": r"^\s*(tel:)?\+[0-9\s.\(\)\-]{7,}$" }),
        );
        check(
            Scalar::Country,
            json!({ "type": "string", "pattern": "^[A-Z]{2}$" }),
            json!({ "type": "string", "pattern": r"^\s*[A-Za-z]{2}\s*$" }),
        );
        check(Scalar::Locale, json!({ "type": "string", "maxLength": 100 }), json!({ "type": "string" }));
        let money = |amount: Value, currency: &str| {
            json!({
                "type": "object",
                "required": ["amount", "currency"],
                "properties": { "amount": amount, "currency": { "type": "string", "pattern": currency } },
                "additionalProperties": false,
            })
        };
        check(
            Scalar::Money,
            money(json!({ "type": "string", "pattern": NUMBER }), "^[A-Z]{3}$"),
            money(json!({ "type": ["string", "number"], "pattern": NUMBER }), r"^\s*[A-Za-z]{3}\s*$"),
        );
    }
}
