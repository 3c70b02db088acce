//! How values are written as JSON (RFC 8259), the form that answers, logs and explanations share.

use std::fmt::{self, Write as _};
use std::io::Write as _;

use backstay_base::KeyRef;
use rust_decimal::Decimal;

use crate::{Money, Value, ValueRef, notation};

/// Appends a stored value as JSON.
pub fn write_stored(out: &mut Vec<u8>, value: ValueRef<'_>) {
    match value {
        ValueRef::Null | ValueRef::Nested(_) => out.extend_from_slice(b"null"),
        ValueRef::Bool(true) => out.extend_from_slice(b"true"),
        ValueRef::Bool(false) => out.extend_from_slice(b"false"),
        ValueRef::Int(number) => display(out, number),
        ValueRef::Float(number) => display(out, FloatText(number)),
        ValueRef::Decimal(number) => decimal(out, number),
        ValueRef::Text(text) => quote(out, text),
        ValueRef::Id(id) => match id {
            KeyRef::Uuid(_) => plain(out, id.encode(&mut [0; 36]).as_bytes()),
            KeyRef::Int(number) => display(out, number),
            KeyRef::Text(text) => quote(out, text),
        },
        ValueRef::Timestamp(moment) => plain(out, &moment.encode()),
        ValueRef::Date(date) => plain(out, &date.encode()),
        ValueRef::Json(text) => out.extend_from_slice(text.as_bytes()),
        ValueRef::Bytes(octets) => plain(out, notation::base64(octets).as_bytes()),
    }
}

/// Appends a value in memory as JSON, in the same form as a stored one.
pub fn write(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => write_stored(out, ValueRef::Null),
        Value::Bool(truth) => write_stored(out, ValueRef::Bool(*truth)),
        Value::Int(number) => write_stored(out, ValueRef::Int(*number)),
        Value::Float(number) => write_stored(out, ValueRef::Float(*number)),
        Value::Decimal(number) => write_stored(out, ValueRef::Decimal(*number)),
        Value::Text(text) => write_stored(out, ValueRef::Text(text)),
        Value::Id(id) => write_stored(out, ValueRef::Id(id.key())),
        Value::Timestamp(moment) => write_stored(out, ValueRef::Timestamp(*moment)),
        Value::Date(date) => write_stored(out, ValueRef::Date(*date)),
        Value::Json(text) => write_stored(out, ValueRef::Json(text)),
        Value::Bytes(octets) => write_stored(out, ValueRef::Bytes(octets)),
        Value::Duration(length) => quote(out, &notation::duration(*length)),
        Value::Money(money) => write_money(out, money),
        Value::List(values) => {
            out.push(b'[');
            for (index, value) in values.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write(out, value);
            }
            out.push(b']');
        }
    }
}

/// Appends money: an object of the amount, in quotes, and the currency.
pub fn write_money(out: &mut Vec<u8>, money: &Money) {
    out.extend_from_slice(b"{\"amount\":");
    decimal(out, money.amount());
    out.extend_from_slice(b",\"currency\":\"");
    out.extend_from_slice(money.currency().code().as_bytes());
    out.extend_from_slice(b"\"}");
}

/// Writes a finite `Float` as every text has it, in answers and in stored lists: a JSON number in the shortest form that
/// reads back the same, always with a point and never with an exponent.
#[derive(Debug, Clone, Copy)]
pub struct FloatText(pub f64);

impl fmt::Display for FloatText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(number) = self;
        match number.fract() == 0.0 {
            true => write!(f, "{number}.0"),
            false => write!(f, "{number}"),
        }
    }
}

fn display(out: &mut Vec<u8>, value: impl fmt::Display) {
    // Writing to a `Vec` does not fail.
    let _ = write!(out, "{value}");
}

/// Digits of the longest number.
const MOST_DIGITS: usize = 29;

/// Appends a number with all digits of its scale, as its `Display` does in several times as long.
fn decimal(out: &mut Vec<u8>, number: Decimal) {
    // The digits, the point, and a zero before it.
    let mut text = [0; MOST_DIGITS + 2];
    let (mut rest, mut fraction) = (number.mantissa().unsigned_abs(), number.scale());
    let mut free = text.len();
    let mut put = |byte: u8| {
        free -= 1;
        text[free] = byte;
    };
    loop {
        let digit;
        (rest, digit) = last_digit(rest);
        put(b'0' + digit);
        match fraction {
            0 if rest == 0 => break,
            0 => {}
            1 => {
                put(b'.');
                fraction = 0;
                if rest == 0 {
                    put(b'0');
                    break;
                }
            }
            _ => fraction -= 1,
        }
    }
    out.push(b'"');
    if number.is_sign_negative() {
        out.push(b'-');
    }
    out.extend_from_slice(&text[free..]);
    out.push(b'"');
}

/// A number without its last digit, and that digit. Dividing 128 bits takes several times as long as dividing 64.
fn last_digit(number: u128) -> (u128, u8) {
    let digit = |digit: u64| u8::try_from(digit).expect("a digit is less than ten");
    match u64::try_from(number) {
        Ok(number) => ((number / 10).into(), digit(number % 10)),
        Err(_) => (number / 10, digit(u64::try_from(number % 10).expect("a digit is less than ten"))),
    }
}

/// Appends text that needs no escapes.
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
pub fn quote(out: &mut Vec<u8>, text: &str) {
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
                // Writing to a `String` does not fail.
                let _ = write!(escape, "\\u{control:04x}");
                out.extend_from_slice(escape.as_bytes());
            }
        }
        rest = &rest[end + 1..];
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

/// How many bytes `write` appends for a value of which that can be many; of others, enough for each.
pub fn written_bytes(value: &Value) -> usize {
    const OTHERS: usize = 64;
    match value {
        Value::Text(text) => quoted_bytes(text),
        Value::Json(document) => document.len(),
        // Base64 (RFC 4648, section 4) in quotation marks.
        Value::Bytes(octets) => octets.len().div_ceil(3) * 4 + 2,
        Value::List(values) => values.iter().map(|value| written_bytes(value) + 1).sum::<usize>() + 2,
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

/// How many bytes `quote` appends.
fn quoted_bytes(text: &str) -> usize {
    let escaped = |byte: u8| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' => 2,
        control if is_escaped(control) => 6,
        _ => 1,
    };
    let plain = unescaped(text.as_bytes());
    plain + text.as_bytes()[plain..].iter().copied().map(escaped).sum::<usize>() + 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped_as_json_wants() {
        let check = |text: &str| {
            let mut out = Vec::new();
            quote(&mut out, text);
            assert_eq!(out.len(), quoted_bytes(text));
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
    fn what_a_value_takes_is_known_before_it_is_written() {
        let text = |text: &str| Value::text(text);
        let all = [
            text("a\"b\u{1}é"),
            Value::Json(r#"{"a":[1,2]}"#.into()),
            Value::Bytes([1, 2, 3, 4].as_slice().into()),
            Value::List([text("\n"), text("")].into()),
            Value::List([].into()),
        ];
        for value in all {
            let mut out = Vec::new();
            write(&mut out, &value);
            let most = written_bytes(&value);
            // A list has one comma less than items.
            assert!(most == out.len() || most == out.len() + 1, "{value:?}: {most} and {}", out.len());
        }
        let mut widest = Vec::new();
        write(&mut widest, &Value::Timestamp(backstay_base::Timestamp::from_micros_saturating(i64::MIN)));
        assert!(widest.len() <= written_bytes(&Value::Null));
    }

    #[test]
    fn a_decimal_has_all_digits_of_its_scale() {
        let check = |text: &str| {
            let mut out = Vec::new();
            write(&mut out, &Value::Decimal(text.parse().expect("a decimal")));
            assert_eq!(String::from_utf8(out).expect("a text"), format!("\"{text}\""));
        };
        for text in [
            "0",
            "7",
            "10",
            "-7",
            "0.5",
            "-0.5",
            "0.00",
            "12.50",
            "100.0",
            "-0.05",
            "18446744073709551615",
            "18446744073709551616",
            "79228162514264337593543950335",
            "-7.9228162514264337593543950335",
            "0.0000000000000000000000000001",
            "0.0000000000000000000000000000",
        ] {
            check(text);
        }
    }

    #[test]
    fn floats_read_back_the_same() {
        let check = |number: f64, expected: &str| {
            let text = FloatText(number).to_string();
            assert_eq!(text, expected);
            assert_eq!(text.parse(), Ok(number));
        };
        check(1.0, "1.0");
        check(-0.0, "-0.0");
        check(0.1, "0.1");
        check(-2.5e-7, "-0.00000025");
        check(1e22, "10000000000000000000000.0");
        check(1e300, &format!("1{}.0", "0".repeat(300)));
        assert_eq!(FloatText(f64::MAX).to_string().parse(), Ok(f64::MAX));
    }
}
