//! Values as answers have them, and how they are written elsewhere.

use backstay_testkit::reference::Random;
use serde_json::Value;

use super::schema::{Kind, Schema};

/// Scalars, with values that a field can hold, as they are returned.
const SCALARS: [(&str, &[&str]); 15] = [
    (
        "String",
        &[
            r#""""#,
            r#""a""#,
            r#""b""#,
            r#""7""#,
            r#""12.50""#,
            r#""true""#,
            r#""2026-01-31""#,
            r#""V1""#,
            r#""é'\"\\""#,
        ],
    ),
    ("Text", &[r#""a""#, r#""long'er\ntext""#, r#""-3""#, r#""1e3""#, r#""PT1H""#]),
    ("Int", &["0", "1", "2", "3", "-7", "300", "9223372036854775807"]),
    ("Float", &["0.5", "-2.25", "3.5", "1e300"]),
    ("Boolean", &["true", "false"]),
    ("DateTime", &[r#""2026-01-31T11:00:00.000000Z""#, r#""1969-12-31T23:59:59.999999Z""#]),
    ("Date", &[r#""2026-01-31""#, r#""1969-12-31""#]),
    ("Time", &[r#""09:30:00""#, r#""23:59:59""#]),
    ("Duration", &[r#""PT1H30M""#, r#""-PT0.5S""#]),
    ("JSON", &[r#"{"a":[1,null]}"#, "[]", "7", r#""x""#]),
    ("Email", &[r#""ann@example.org""#, r#""ben@example.org""#]),
    ("Url", &[r#""http://example.org/""#, r#""https://example.org/a?b=c""#]),
    ("Currency", &[r#""EUR""#, r#""JPY""#]),
    ("Country", &[r#""DE""#, r#""AT""#]),
    ("Money", &[r#"{"amount":"12.50","currency":"EUR"}"#, r#"{"amount":"7","currency":"JPY"}"#]),
];

/// A scalar that a field can be of.
pub(super) fn scalar(random: &mut Random) -> &'static str {
    // Those that much can be converted to and from are more frequent.
    if random.chance(40) { ["String", "Int", "Text"][random.below(3)] } else { SCALARS[random.below(SCALARS.len())].0 }
}

/// A value of a scalar, an enum or a list; never null.
pub(super) fn value(random: &mut Random, schema: &Schema, kind: &Kind) -> Value {
    match kind {
        Kind::Scalar(name) => {
            let all = SCALARS.iter().find(|(known, _)| known == name).map_or(&[][..], |(_, values)| values);
            serde_json::from_str(random.pick::<&str>(all)).expect("JSON")
        }
        Kind::Decimal { digits, scale } => {
            let number = ["0", "1", "25", "1250", "99", "100", "12000"][random.below(7)];
            let number: String = number.chars().take(usize::from(*digits)).collect();
            Value::from(decimal(&number, *scale))
        }
        Kind::Enum(key) => {
            let of = schema.enumeration(*key).expect("an enum of the model");
            Value::from(random.pick(&of.values).1.clone())
        }
        Kind::List(element) => {
            let count = random.below(4);
            (0..count).map(|_| value(random, schema, element)).collect()
        }
        // A whole number is an amount in every currency.
        Kind::Amount(_) => Value::from(*random.pick(&["0", "7", "12"])),
        Kind::ToOne(_) | Kind::Many(_) | Kind::Inverse(..) | Kind::Total { .. } | Kind::Document(_) => Value::Null,
    }
}

/// A whole number with the point before so many of its digits.
fn decimal(number: &str, scale: usize) -> String {
    if scale == 0 {
        return number.to_owned();
    }
    let padded = format!("{number:0>width$}", width = scale + 1);
    let (whole, part) = padded.split_at(padded.len() - scale);
    format!("{whole}.{part}")
}

/// A value as `@default` has it.
pub(super) fn literal(kind: &Kind, value: &Value) -> String {
    match (kind, value) {
        (Kind::Enum(_), Value::String(name)) => name.clone(),
        (Kind::List(of), Value::Array(items)) => {
            let items: Vec<String> = items.iter().map(|item| literal(of, item)).collect();
            format!("[{}]", items.join(", "))
        }
        (_, Value::Array(items)) => {
            let items: Vec<String> = items.iter().map(|item| literal(kind, item)).collect();
            format!("[{}]", items.join(", "))
        }
        (_, Value::Object(members)) => {
            let members = members.iter().map(|(name, value)| format!("{name}: {}", literal(kind, value)));
            format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
        }
        _ => value.to_string(),
    }
}

/// A value as an expression has it, if it can be written there.
pub(super) fn expression(kind: &Kind, value: &Value) -> Option<String> {
    match (kind, value) {
        (Kind::Scalar("Int" | "Float" | "Boolean"), _) => Some(value.to_string()),
        (Kind::Decimal { .. }, Value::String(number)) => Some(number.clone()),
        (Kind::Scalar("String" | "Text" | "Email" | "Country") | Kind::Enum(_), Value::String(text)) => {
            (!text.contains(['\'', '\\', '"', '\n'])).then(|| format!("'{text}'"))
        }
        (Kind::Scalar("DateTime"), Value::String(moment)) => Some(format!("timestamp('{moment}')")),
        (Kind::Scalar("Duration"), Value::String(length)) => Some(format!("duration('{length}')")),
        _ => None,
    }
}
