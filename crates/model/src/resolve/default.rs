use apollo_compiler::ast::Value as Literal;
use backstay_base::{Date, RecordId, Timestamp, limits};
use backstay_scalar::{Currency, Money, Value};
use rust_decimal::Decimal;

use crate::names::suggestion;
use crate::{Element, Enum, FieldKind};
use backstay_scalar::Scalar;

/// The value of a literal as the type of a field; else what is expected.
pub(super) fn read(literal: &Literal, kind: &FieldKind, enums: &[Enum]) -> Result<Value, String> {
    if literal.is_null() {
        return Err("leave `@default` out: a field without a value is null anyway".to_owned());
    }
    match kind {
        FieldKind::Scalar(scalar) => self::scalar(literal, *scalar),
        FieldKind::Enum(id) => enum_value(literal, &enums[usize::from(id.0)]),
        FieldKind::List(element) => {
            let Literal::List(items) = literal else { return Err("write a list, such as `[]`".to_owned()) };
            if items.len() > limits::LIST_ITEMS {
                return Err(format!("a list has at most {} elements", limits::LIST_ITEMS));
            }
            let one = |item: &Literal| match element {
                Element::Scalar(scalar) => self::scalar(item, *scalar),
                Element::Enum(id) => enum_value(item, &enums[usize::from(id.0)]),
            };
            items.iter().map(|item| one(item)).collect::<Result<Vec<_>, _>>().map(|values| Value::List(values.into()))
        }
        FieldKind::ToOne { .. } | FieldKind::OneToMany { .. } | FieldKind::ManyToMany { .. } => {
            Err("a relation has no default; use `@set`".to_owned())
        }
    }
}

fn enum_value(literal: &Literal, of: &Enum) -> Result<Value, String> {
    let known = || of.values.iter().map(|value| &*value.name);
    match literal {
        Literal::Enum(name) if of.value(name).is_some() => Ok(Value::text(name.as_str())),
        Literal::Enum(name) => Err(suggestion(name, known())),
        Literal::String(name) => Err(format!("write it without quotes; {}", suggestion(name, known()))),
        _ => Err(format!("write a value of {}, such as {}", of.name, known().next().unwrap_or_default())),
    }
}

fn scalar(literal: &Literal, scalar: Scalar) -> Result<Value, String> {
    match scalar {
        Scalar::Id => text(literal, usize::MAX)
            .and_then(|text| text.parse::<RecordId>().ok())
            .map(Value::Id)
            .ok_or_else(|| "write a UUID in quotes".to_owned()),
        Scalar::String => plain(literal, limits::STRING_CHARS),
        Scalar::Text => plain(literal, limits::BODY_BYTES),
        Scalar::Int => match literal {
            Literal::Int(number) => number.as_str().parse().ok().map(Value::Int),
            _ => None,
        }
        .ok_or_else(|| "write a whole number from -9223372036854775808 to 9223372036854775807".to_owned()),
        Scalar::Float => {
            let number = literal.to_f64().filter(|number| number.is_finite());
            number.map(Value::Float).ok_or_else(|| "write a number such as 0.5".to_owned())
        }
        Scalar::Decimal { precision, scale } => decimal(literal)
            .filter(|number| fits(*number, precision, scale))
            .map(Value::Decimal)
            .ok_or_else(|| format!("write a number of at most {precision} digits, {scale} of them after the point")),
        Scalar::Boolean => literal.to_bool().map(Value::Bool).ok_or_else(|| "write true or false".to_owned()),
        Scalar::DateTime => {
            text(literal, 64).and_then(|text| Timestamp::parse(text).ok()).map(Value::Timestamp).ok_or_else(|| {
                "write a moment such as \"2026-01-31T12:00:00Z\"; for the present one use `@set`".to_owned()
            })
        }
        Scalar::Date => text(literal, 10)
            .and_then(|text| Date::parse(text).ok())
            .map(Value::Date)
            .ok_or_else(|| "write a day such as \"2026-01-31\"".to_owned()),
        Scalar::Json => {
            let mut document = String::new();
            json(literal, &mut document, 0).map(|()| Value::Json(document.into()))
        }
        Scalar::Email => text(literal, limits::EMAIL_CHARS)
            .filter(|text| is_email(text))
            .map(|text| Value::text(text.to_lowercase()))
            .ok_or_else(|| "write an e-mail address such as \"someone@example.com\"".to_owned()),
        Scalar::Url => text(literal, limits::URL_CHARS)
            .filter(|text| is_url(text))
            .map(Value::text)
            .ok_or_else(|| "write an address such as \"https://example.com/\"".to_owned()),
        Scalar::Money => money(literal),
    }
}

fn text(literal: &Literal, most: usize) -> Option<&str> {
    literal.as_str().filter(|text| text.len() <= most && !text.contains('\0'))
}

fn plain(literal: &Literal, most: usize) -> Result<Value, String> {
    match literal.as_str() {
        None => Err("write a text in quotes".to_owned()),
        Some(text) if text.contains('\0') => Err("a text holds no NUL".to_owned()),
        Some(text) if text.chars().count() > most => Err(format!("a text has at most {most} characters here")),
        Some(text) => Ok(Value::text(text)),
    }
}

fn decimal(literal: &Literal) -> Option<Decimal> {
    match literal {
        Literal::Int(number) => Decimal::from_str_exact(number.as_str()).ok(),
        Literal::Float(number) => Decimal::from_str_exact(number.as_str()).ok(),
        Literal::String(number) => Decimal::from_str_exact(number).ok(),
        _ => None,
    }
}

fn fits(number: Decimal, precision: u8, scale: u8) -> bool {
    let number = number.normalize();
    let whole = number.trunc().mantissa().unsigned_abs();
    number.scale() <= u32::from(scale) && whole < 10_u128.pow(u32::from(precision - scale))
}

fn money(literal: &Literal) -> Result<Value, String> {
    let expected = || "write `{amount: \"12.50\", currency: \"EUR\"}`".to_owned();
    let members = literal.as_object().filter(|members| members.len() == 2).ok_or_else(expected)?;
    let member = |name: &str| members.iter().find(|(key, _)| key.as_str() == name).map(|(_, value)| &**value);
    let amount = member("amount").and_then(decimal).ok_or_else(expected)?;
    let currency =
        member("currency").and_then(|value| value.as_str()).and_then(Currency::parse).ok_or_else(expected)?;
    Money::new(amount, currency).map(Value::Money).map_err(|problem| problem.to_string())
}

fn is_email(text: &str) -> bool {
    let visible = text.chars().all(|c| !c.is_whitespace() && !c.is_control());
    let parts =
        text.rsplit_once('@').filter(|(local, host)| !local.is_empty() && !local.contains('@') && host.len() > 1);
    visible && parts.is_some()
}

fn is_url(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    host.is_some_and(|host| !host.is_empty() && !host.starts_with('/'))
        && text.chars().all(|c| !c.is_whitespace() && !c.is_control())
}

/// Writes a literal as compact JSON.
fn json(literal: &Literal, out: &mut String, depth: usize) -> Result<(), String> {
    if depth > limits::JSON_DEPTH {
        return Err(format!("a document has at most {} levels", limits::JSON_DEPTH));
    }
    match literal {
        Literal::Null => out.push_str("null"),
        Literal::Boolean(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Literal::Int(number) => out.push_str(number.as_str()),
        Literal::Float(number) => out.push_str(number.as_str()),
        Literal::String(text) => json_text(text, out)?,
        Literal::Enum(name) => return Err(format!("write \"{name}\" in quotes")),
        Literal::Variable(_) => return Err("a default has no variables".to_owned()),
        Literal::List(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at == 0 { "" } else { "," });
                json(item, out, depth + 1)?;
            }
            out.push(']');
        }
        Literal::Object(members) => {
            out.push('{');
            for (at, (name, value)) in members.iter().enumerate() {
                out.push_str(if at == 0 { "" } else { "," });
                json_text(name, out)?;
                out.push(':');
                json(value, out, depth + 1)?;
            }
            out.push('}');
        }
    }
    Ok(())
}

/// Writes a text as a JSON string (RFC 8259, section 7).
fn json_text(text: &str, out: &mut String) -> Result<(), String> {
    if text.contains('\0') {
        return Err("a text holds no NUL".to_owned());
    }
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            control if control < ' ' => out.extend(format!("\\u{:04x}", u32::from(control)).chars()),
            other => out.push(other),
        }
    }
    out.push('"');
    Ok(())
}
