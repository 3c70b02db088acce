use std::fmt::Write as _;
use std::io::Write as _;

use backstay_scalar::{Money, Part, Storage, Value, ValueRef};
use backstay_sql::{ColumnType, DecodeError, MemberOutput, ObjectOutput, Row, ValueOutput, nested};

/// Appends one row as a JSON object.
pub(crate) fn object(out: &mut Vec<u8>, row: &dyn Row, output: &ObjectOutput) -> Result<(), DecodeError> {
    if let Some(present) = output.present
        && row.value(present)? != ValueRef::Bool(true)
    {
        out.extend_from_slice(b"null");
        return Ok(());
    }
    let mut separator = b'{';
    for member in &output.members {
        if is_visible(row, member)? {
            out.push(separator);
            separator = b',';
            name(out, &member.name);
            value(out, row, &member.value)?;
        }
    }
    if separator == b'{' {
        out.push(b'{');
    }
    out.push(b'}');
    Ok(())
}

fn is_visible(row: &dyn Row, member: &MemberOutput) -> Result<bool, DecodeError> {
    match member.visible {
        None => Ok(true),
        Some(column) => Ok(row.value(column)? == ValueRef::Bool(true)),
    }
}

/// Appends a member's name and the colon. Names of fields are letters, digits and underscores.
fn name(out: &mut Vec<u8>, name: &str) {
    out.push(b'"');
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

fn value(out: &mut Vec<u8>, row: &dyn Row, output: &ValueOutput) -> Result<(), DecodeError> {
    match output {
        ValueOutput::Column(column, ColumnType::List(element)) => match row.value(*column)? {
            ValueRef::Nested(text) => list(out, text, *element, *column)?,
            _ => out.extend_from_slice(b"null"),
        },
        ValueOutput::Column(column, _) => scalar(out, row.value(*column)?),
        ValueOutput::Columns(columns) => {
            let part = |(part, column): &(Part, usize)| row.value(*column).map(|value| (*part, value));
            let parts = columns.iter().map(part).collect::<Result<Vec<_>, _>>()?;
            owned(out, &Value::of_parts(&parts).unwrap_or(Value::Null));
        }
        ValueOutput::Object(inner) => object(out, row, inner)?,
        ValueOutput::Rows { column, columns, element } => {
            let text = match row.value(*column)? {
                ValueRef::Nested(text) => text,
                _ => "[]",
            };
            out.push(b'[');
            for (index, inner) in nested::Rows::parse(text, columns).enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                object(out, &inner?, element)?;
            }
            out.push(b']');
        }
    }
    Ok(())
}

fn list(out: &mut Vec<u8>, text: &str, element: Storage, column: usize) -> Result<(), DecodeError> {
    out.push(b'[');
    for (index, value) in nested::elements(text, element).enumerate() {
        if index > 0 {
            out.push(b',');
        }
        scalar(out, value.map_err(|error| DecodeError { column, ..error })?.value());
    }
    out.push(b']');
    Ok(())
}

/// Appends one value of the memory as JSON, in the same form as stored ones.
pub(crate) fn owned(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => scalar(out, ValueRef::Null),
        Value::Bool(truth) => scalar(out, ValueRef::Bool(*truth)),
        Value::Int(number) => scalar(out, ValueRef::Int(*number)),
        Value::Float(number) => scalar(out, ValueRef::Float(*number)),
        Value::Decimal(number) => scalar(out, ValueRef::Decimal(*number)),
        Value::Text(text) => scalar(out, ValueRef::Text(text)),
        Value::Id(id) => scalar(out, ValueRef::Id(*id)),
        Value::Timestamp(moment) => scalar(out, ValueRef::Timestamp(*moment)),
        Value::Date(date) => scalar(out, ValueRef::Date(*date)),
        Value::Json(text) => scalar(out, ValueRef::Json(text)),
        Value::Duration(length) => quoted(out, &length.to_string()),
        Value::Money(money) => write_money(out, money),
        Value::List(values) => {
            out.push(b'[');
            for (index, value) in values.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                owned(out, value);
            }
            out.push(b']');
        }
    }
}

/// Appends fields of a record of the memory as a JSON object.
pub(crate) fn record<'a>(out: &mut Vec<u8>, members: impl Iterator<Item = (&'a str, &'a Value)>) {
    out.push(b'{');
    for (index, (field, value)) in members.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        name(out, field);
        owned(out, value);
    }
    out.push(b'}');
}

fn scalar(out: &mut Vec<u8>, value: ValueRef<'_>) {
    match value {
        ValueRef::Null | ValueRef::Nested(_) => out.extend_from_slice(b"null"),
        ValueRef::Bool(true) => out.extend_from_slice(b"true"),
        ValueRef::Bool(false) => out.extend_from_slice(b"false"),
        ValueRef::Int(number) => display(out, number),
        ValueRef::Float(number) => float(out, number),
        ValueRef::Decimal(number) => display_quoted(out, number),
        ValueRef::Text(text) => quoted(out, text),
        ValueRef::Id(id) => plain(out, id.encode(&mut [0; 36]).as_bytes()),
        ValueRef::Timestamp(moment) => plain(out, &moment.encode()),
        ValueRef::Date(date) => plain(out, &date.encode()),
        ValueRef::Json(text) => out.extend_from_slice(text.as_bytes()),
    }
}

/// Appends a finite number in the shortest form that reads back the same.
fn float(out: &mut Vec<u8>, number: f64) {
    let start = out.len();
    display(out, number);
    if !out[start..].contains(&b'.') {
        out.extend_from_slice(b".0");
    }
}

fn write_money(out: &mut Vec<u8>, money: &Money) {
    out.extend_from_slice(b"{\"amount\":");
    display_quoted(out, money.amount());
    out.extend_from_slice(b",\"currency\":\"");
    out.extend_from_slice(money.currency().code().as_bytes());
    out.extend_from_slice(b"\"}");
}

fn display(out: &mut Vec<u8>, value: impl std::fmt::Display) {
    // Writing to a `Vec` does not fail.
    let _ = write!(out, "{value}");
}

fn display_quoted(out: &mut Vec<u8>, value: impl std::fmt::Display) {
    out.push(b'"');
    display(out, value);
    out.push(b'"');
}

/// Appends text of which nothing has to be escaped.
fn plain(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    out.extend_from_slice(text);
    out.push(b'"');
}

/// Whether a JSON string escapes this byte.
const fn is_escaped(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// How many bytes from the first on are written as they are: looked at in blocks, which the compiler turns into few
/// instructions, because most texts have nothing to escape.
fn unescaped(text: &[u8]) -> usize {
    const BLOCK: usize = 16;
    let mut start = 0;
    for block in text.chunks_exact(BLOCK) {
        if block.iter().fold(false, |found, byte| found | is_escaped(*byte)) {
            break;
        }
        start += BLOCK;
    }
    let rest = text[start..].iter().position(|byte| is_escaped(*byte));
    rest.map_or(text.len(), |place| start + place)
}

/// Appends a JSON string (RFC 8259, section 7).
pub(crate) fn quoted(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    loop {
        let end = unescaped(rest);
        if end == rest.len() {
            break;
        }
        out.extend_from_slice(&rest[..end]);
        match rest[end] {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            control => {
                let mut escape = String::with_capacity(6);
                let _ = write!(escape, "\\u{control:04x}");
                out.extend_from_slice(escape.as_bytes());
            }
        }
        rest = &rest[end + 1..];
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped_as_json_wants() {
        let check = |text: &str| {
            let mut out = Vec::new();
            quoted(&mut out, text);
            let back: String = serde_json::from_slice(&out).expect("JSON");
            assert_eq!(back, text);
        };
        check("plain");
        check("a\"b\\c\nd\re\tf\u{1}g\u{1f}");
        check("ünïcödé 🦀 \u{2028}");
        for place in 0..70 {
            check(&format!("{}\"{}", "x".repeat(place), "y".repeat(70 - place)));
            check(&format!("{}\u{1f}", "é".repeat(place)));
        }
    }

    #[test]
    fn floats_read_back_the_same() {
        let check = |number: f64, expected: &str| {
            let mut out = Vec::new();
            float(&mut out, number);
            assert_eq!(String::from_utf8(out).expect("UTF-8"), expected);
        };
        check(1.0, "1.0");
        check(0.1, "0.1");
        check(-2.5e-7, "-0.00000025");
        assert_eq!(format!("{}", f64::MAX).parse(), Ok(f64::MAX));
    }
}
