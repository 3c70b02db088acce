use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use backstay_base::{Date, RecordId, Timestamp, ViolationKind, limits, nearest};
use backstay_model::{Element, Enum, FieldKind, Model};
use backstay_scalar::Scalar;
use backstay_scalar::{Currency, Money, Value};
use rust_decimal::Decimal;
use serde::de::{Deserialize as _, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// What one value must be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind<'m> {
    Scalar(Scalar),
    Enum(&'m Enum),
}

impl<'m> Kind<'m> {
    /// The kind of an element of a list.
    pub(crate) fn of_element(model: &'m Model, element: Element) -> Self {
        match element {
            Element::Scalar(scalar) => Self::Scalar(scalar),
            Element::Enum(id) => Self::Enum(model.enumeration(id)),
        }
    }

    /// The kind of a field that holds one value; a to-one relation holds an id.
    pub(crate) fn of_field(model: &'m Model, field: &FieldKind) -> Option<Self> {
        match field {
            FieldKind::Scalar(scalar) => Some(Self::Scalar(*scalar)),
            FieldKind::Enum(id) => Some(Self::Enum(model.enumeration(*id))),
            FieldKind::ToOne { .. } => Some(Self::Scalar(Scalar::Id)),
            FieldKind::List(_) | FieldKind::OneToMany { .. } | FieldKind::ManyToMany { .. } => None,
        }
    }

    fn expected(self) -> ViolationKind {
        let expected = match self {
            Self::Enum(en) => {
                let names: Vec<&str> = en.values.iter().map(|value| &*value.name).collect();
                format!("one of {}", names.join(", "))
            }
            Self::Scalar(scalar) => expected_scalar(scalar).to_owned(),
        };
        ViolationKind::Type { expected }
    }
}

fn expected_scalar(scalar: Scalar) -> &'static str {
    match scalar {
        Scalar::Id => "an id, such as \"01890a5d-ac96-774b-bcce-b302099a8057\"",
        Scalar::String | Scalar::Text => "a text in double quotes",
        Scalar::Int => "a whole number, such as 42",
        Scalar::Float => "a number, such as 1.5",
        Scalar::Decimal { .. } => "a decimal number, such as \"12.50\"",
        Scalar::Boolean => "true or false",
        Scalar::DateTime => "a date and time with an offset, such as \"2026-01-31T12:00:00Z\" (RFC 3339)",
        Scalar::Date => "a date, such as \"2026-01-31\"",
        Scalar::Json => "a JSON value",
        Scalar::Email => "an e-mail address, such as \"ada@example.org\"",
        Scalar::Url => "an absolute web address, such as \"https://example.org/page\"",
        Scalar::Money => "an amount with its currency, such as {\"amount\": \"12.50\", \"currency\": \"EUR\"}",
    }
}

/// Reads one JSON value other than null as the kind says. `raw` is well-formed JSON.
pub(crate) fn from_json(raw: &str, kind: Kind<'_>) -> Result<Value, ViolationKind> {
    let raw = raw.trim_ascii();
    let first = raw.as_bytes().first().copied().unwrap_or(b' ');
    let is_number = first == b'-' || first.is_ascii_digit();
    match kind {
        Kind::Scalar(Scalar::Int) if is_number => int(raw),
        Kind::Scalar(Scalar::Float) if is_number => float(raw),
        Kind::Scalar(Scalar::Decimal { precision, scale }) if is_number => decimal(raw, precision, scale),
        Kind::Scalar(Scalar::Boolean) => match raw {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            _ => Err(kind.expected()),
        },
        Kind::Scalar(Scalar::Json) => document(raw).map(Value::Json),
        Kind::Scalar(Scalar::Money) if first == b'{' => money_object(raw),
        Kind::Scalar(Scalar::Int | Scalar::Float | Scalar::Money) => Err(kind.expected()),
        Kind::Scalar(_) | Kind::Enum(_) if first == b'"' => {
            let text: JsonText<'_> = serde_json::from_str(raw).map_err(|_| kind.expected())?;
            from_text(&text.0, kind)
        }
        Kind::Scalar(_) | Kind::Enum(_) => Err(kind.expected()),
    }
}

/// A value that an expression came to, as the kind wants it: with the kind's scale, in its form, within its limits.
pub(crate) fn fitted(value: Value, kind: Kind<'_>) -> Result<Value, ViolationKind> {
    match (&value, kind) {
        (Value::Text(text), Kind::Enum(_) | Kind::Scalar(Scalar::String | Scalar::Email | Scalar::Url)) => {
            from_text(text, kind)
        }
        (Value::Decimal(number), Kind::Scalar(Scalar::Decimal { precision, scale })) => {
            decimal(&number.to_string(), precision, scale)
        }
        _ => Ok(value),
    }
}

/// A JSON string, borrowed where it has no escapes.
#[derive(serde::Deserialize)]
struct JsonText<'a>(#[serde(borrow)] Cow<'a, str>);

/// Reads a text, such as that of a URL's parameter, as the kind says. JSON documents have no such form.
pub(crate) fn from_text(text: &str, kind: Kind<'_>) -> Result<Value, ViolationKind> {
    let range = |error: backstay_base::TimeError| match error {
        backstay_base::TimeError::Range | backstay_base::TimeError::Moment => ViolationKind::Range(error.to_string()),
        _ => kind.expected(),
    };
    match kind {
        Kind::Enum(en) => match en.value(text) {
            Some(value) => Ok(Value::Text(value.name.clone())),
            None => Err(unknown_value(en, text)),
        },
        Kind::Scalar(Scalar::Id) => text.parse::<RecordId>().map(Value::Id).map_err(|_| kind.expected()),
        Kind::Scalar(Scalar::String) => plain(text, Some(limits::STRING_CHARS)),
        Kind::Scalar(Scalar::Text) => plain(text, None),
        Kind::Scalar(Scalar::Int) => int(text),
        Kind::Scalar(Scalar::Float) => float(text),
        Kind::Scalar(Scalar::Decimal { precision, scale }) => decimal(text, precision, scale),
        Kind::Scalar(Scalar::Boolean) => text.parse::<bool>().map(Value::Bool).map_err(|_| kind.expected()),
        Kind::Scalar(Scalar::DateTime) => Timestamp::parse(text).map(Value::Timestamp).map_err(range),
        Kind::Scalar(Scalar::Date) => Date::parse(text).map(Value::Date).map_err(range),
        Kind::Scalar(Scalar::Email) => email(text).ok_or_else(|| kind.expected()),
        Kind::Scalar(Scalar::Url) => url(text).ok_or_else(|| kind.expected()),
        Kind::Scalar(Scalar::Money) => {
            let (amount, currency) = text.split_once(' ').ok_or_else(|| kind.expected())?;
            money(amount, currency)
        }
        Kind::Scalar(Scalar::Json) => Err(kind.expected()),
    }
}

fn unknown_value(en: &Enum, text: &str) -> ViolationKind {
    let names = en.values.iter().map(|value| &*value.name);
    let suggestion = nearest(text, names).map(str::to_owned);
    match suggestion {
        Some(_) => ViolationKind::Unknown { what: "value", name: shorten(text), suggestion },
        None => Kind::Enum(en).expected(),
    }
}

/// A name that was sent, short enough for a message.
pub(crate) fn shorten(text: &str) -> String {
    const MOST: usize = 40;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn plain(text: &str, most: Option<usize>) -> Result<Value, ViolationKind> {
    if text.contains('\0') {
        return Err(ViolationKind::Range("a text cannot hold the character NUL".to_owned()));
    }
    match most {
        Some(most) if text.len() > most && text.chars().count() > most => {
            Err(ViolationKind::Range(format!("at most {most} characters")))
        }
        _ => Ok(Value::text(text)),
    }
}

fn int(text: &str) -> Result<Value, ViolationKind> {
    let kind = Kind::Scalar(Scalar::Int);
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(kind.expected());
    }
    let out_of_range = || ViolationKind::Range(format!("a whole number from {} to {}", i64::MIN, i64::MAX));
    text.parse().map(Value::Int).map_err(|_| out_of_range())
}

fn float(text: &str) -> Result<Value, ViolationKind> {
    let kind = Kind::Scalar(Scalar::Float);
    if !text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E')) {
        return Err(kind.expected());
    }
    let number: f64 = text.parse().map_err(|_| kind.expected())?;
    match number.is_finite() {
        // Negative zero and zero are one value, so that both databases and the tags of answers agree.
        true => Ok(Value::Float(number + 0.0)),
        false => Err(ViolationKind::Range("a number that 64 bits can hold".to_owned())),
    }
}

fn decimal(text: &str, precision: u8, scale: u8) -> Result<Value, ViolationKind> {
    let kind = Kind::Scalar(Scalar::Decimal { precision, scale });
    let whole = precision - scale;
    let digits = || ViolationKind::Range(format!("at most {whole} digits before the point and {scale} after it"));
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'.'));
    let unread = |_| if plain && text.len() > usize::from(precision) { digits() } else { kind.expected() };
    let mut number = Decimal::from_str_exact(text).map_err(unread)?.normalize();
    let too_large = 10_i128.pow(u32::from(precision - scale));
    if number.scale() > u32::from(scale) || number.trunc().mantissa().abs() >= too_large {
        return Err(digits());
    }
    number.rescale(u32::from(scale));
    Ok(Value::Decimal(number))
}

fn money(amount: &str, currency: &str) -> Result<Value, ViolationKind> {
    let kind = Kind::Scalar(Scalar::Money);
    let amount = Decimal::from_str_exact(amount).map_err(|_| kind.expected())?;
    let currency = Currency::parse(currency).ok_or_else(|| kind.expected())?;
    Money::new(amount, currency).map(Value::Money).map_err(|error| ViolationKind::Range(error.to_string()))
}

fn money_object(raw: &str) -> Result<Value, ViolationKind> {
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Parts<'a> {
        #[serde(borrow)]
        amount: &'a RawValue,
        #[serde(borrow)]
        currency: Cow<'a, str>,
    }
    let expected = || Kind::Scalar(Scalar::Money).expected();
    let parts: Parts<'_> = serde_json::from_str(raw).map_err(|_| expected())?;
    let amount = parts.amount.get();
    let text: JsonText<'_> = match amount.starts_with('"') {
        true => serde_json::from_str(amount).map_err(|_| expected())?,
        false => JsonText(Cow::Borrowed(amount)),
    };
    money(&text.0, &parts.currency)
}

/// An address of the usual form (RFC 5321, section 4.1.2, without quoted strings and address literals), in lower case.
fn email(text: &str) -> Option<Value> {
    let text = text.trim();
    let (local, domain) = text.rsplit_once('@')?;
    let atom = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&byte);
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let dots = |text: &str| text.starts_with('.') || text.ends_with('.') || text.contains("..");
    let sound = text.len() <= limits::EMAIL_CHARS
        && (1..=64).contains(&local.len())
        && local.bytes().all(atom)
        && !dots(local)
        && domain.contains('.')
        && domain.split('.').all(label);
    sound.then(|| Value::text(text.to_ascii_lowercase()))
}

/// An absolute address with scheme `http` or `https` and a host (RFC 3986, section 4.3).
fn url(text: &str) -> Option<Value> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let sound = text.len() <= limits::URL_CHARS
        && !host.is_empty()
        && !host.starts_with(':')
        && host.chars().all(|c| c.is_alphanumeric() || "-._:[]%".contains(c))
        && !text.chars().any(|c| c.is_whitespace() || c.is_control() || "\"<>\\^`{|}".contains(c));
    sound.then(|| Value::text(text))
}

/// Checks a document's depth and its members' names, and takes the white space out.
fn document(raw: &str) -> Result<std::sync::Arc<str>, ViolationKind> {
    let mut deserializer = serde_json::Deserializer::from_str(raw);
    let problem = |error: serde_json::Error| ViolationKind::Range(first_words(&error.to_string()).to_owned());
    Document { depth: limits::JSON_DEPTH }.deserialize(&mut deserializer).map_err(problem)?;

    let mut compact = String::with_capacity(raw.len());
    let (mut quoted, mut escaped) = (false, false);
    for c in raw.chars() {
        if quoted || !c.is_ascii_whitespace() {
            compact.push(c);
        }
        quoted = if c == '"' && !escaped { !quoted } else { quoted };
        escaped = quoted && c == '\\' && !escaped;
    }
    Ok(compact.into())
}

/// The message of a parser's error, without the place that it appends.
fn first_words(message: &str) -> &str {
    message.split_once(" at line ").map_or(message, |(words, _)| words)
}

/// Visits a JSON document without keeping it: refuses depth, members that occur twice, and NUL.
#[derive(Clone, Copy)]
struct Document {
    depth: usize,
}

impl Document {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        let depth = self.depth.checked_sub(1);
        let too_deep = || E::custom(format_args!("at most {} levels of arrays and objects", limits::JSON_DEPTH));
        depth.map(|depth| Self { depth }).ok_or_else(too_deep)
    }
}

impl<'de> DeserializeSeed<'de> for Document {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Document {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        match text.contains('\0') {
            true => Err(E::custom("a text cannot hold the character NUL")),
            false => Ok(()),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let inner = self.deeper()?;
        while items.next_element_seed(inner)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let inner = self.deeper()?;
        let mut names = HashSet::new();
        while let Some(name) = members.next_key::<String>()? {
            inner.visit_str(&name)?;
            if !names.insert(name) {
                return Err(A::Error::custom("a member occurs twice"));
            }
            members.next_value_seed(inner)?;
        }
        Ok(())
    }
}

/// The items of a JSON array, as raw values.
pub(crate) fn items(raw: &str) -> Option<Vec<&RawValue>> {
    let mut deserializer = serde_json::Deserializer::from_str(raw);
    Vec::deserialize(&mut deserializer).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(scalar: Scalar, raw: &str, expected: &str) {
        let got = match from_json(raw, Kind::Scalar(scalar)) {
            Ok(value) => format!("{value:?}"),
            Err(kind) => kind.to_string(),
        };
        assert_eq!(got, expected, "{scalar:?} {raw}");
    }

    #[test]
    fn whole_numbers_are_exact_and_64_bits_wide() {
        check(Scalar::Int, "9007199254740993", "Int(9007199254740993)");
        check(Scalar::Int, "-9223372036854775808", "Int(-9223372036854775808)");
        let range = "a whole number from -9223372036854775808 to 9223372036854775807";
        check(Scalar::Int, "9223372036854775808", range);
        for other in ["1.0", "1e3", "\"1\"", "true", "[1]", "{}"] {
            check(Scalar::Int, other, "expected a whole number, such as 42");
        }
    }

    #[test]
    fn floats_are_finite() {
        check(Scalar::Float, "1.5e3", "Float(1500.0)");
        check(Scalar::Float, "-0.0", "Float(0.0)");
        check(Scalar::Float, "1e999", "a number that 64 bits can hold");
        check(Scalar::Float, "\"NaN\"", "expected a number, such as 1.5");
    }

    #[test]
    fn decimals_keep_their_digits() {
        let price = Scalar::Decimal { precision: 6, scale: 2 };
        check(price, "12.5", "Decimal(12.50)");
        check(price, "\"-9999.99\"", "Decimal(-9999.99)");
        for other in ["12.345", "10000", "99999999999999999999999999"] {
            check(price, other, "at most 4 digits before the point and 2 after it");
        }
        check(price, "\"1e3\"", "expected a decimal number, such as \"12.50\"");
    }

    #[test]
    fn texts_hold_no_nul_and_have_a_limit() {
        check(Scalar::String, "\"a\\u00e9\"", "Text(\"aé\")");
        check(Scalar::String, "\"a\\u0000\"", "a text cannot hold the character NUL");
        let long = format!("\"{}\"", "é".repeat(limits::STRING_CHARS + 1));
        check(Scalar::String, &long, "at most 10000 characters");
        check(Scalar::Text, "7", "expected a text in double quotes");
    }

    #[test]
    fn addresses_are_checked_and_e_mail_is_lower_case() {
        check(Scalar::Email, "\" Ada@Example.ORG \"", "Text(\"ada@example.org\")");
        for bad in ["ada", "@example.org", "ada@", "a b@example.org", "a@b@example.org.", "ada@exa mple.org", "ada@x"] {
            check(Scalar::Email, &format!("\"{bad}\""), "expected an e-mail address, such as \"ada@example.org\"");
        }
        check(Scalar::Url, "\"https://example.org/a?b#c\"", "Text(\"https://example.org/a?b#c\")");
        for bad in ["ftp://example.org", "javascript:alert(1)", "https://", "https:///x", "https://a b"] {
            let expected = "expected an absolute web address, such as \"https://example.org/page\"";
            check(Scalar::Url, &format!("\"{bad}\""), expected);
        }
    }

    #[test]
    fn money_is_an_amount_with_its_currency() {
        let expected = from_json(r#"{"amount":"12.5","currency":"EUR"}"#, Kind::Scalar(Scalar::Money));
        assert_eq!(expected, from_text("12.50 EUR", Kind::Scalar(Scalar::Money)));
        check(Scalar::Money, r#"{"amount":12.345,"currency":"EUR"}"#, "EUR has 2 digits after the point");
        let shape = "expected an amount with its currency, such as {\"amount\": \"12.50\", \"currency\": \"EUR\"}";
        for bad in [r#"{"amount":"1"}"#, r#"{"amount":"1","currency":"EUR","x":1}"#, "12", r#""12""#] {
            check(Scalar::Money, bad, shape);
        }
    }

    #[test]
    fn documents_are_compact_and_bounded() {
        check(Scalar::Json, "{ \"a\" : [ 1 , \"b \\\" c\" ] }", "Json(\"{\\\"a\\\":[1,\\\"b \\\\\\\" c\\\"]}\")");
        check(Scalar::Json, r#"{"a":1,"a":2}"#, "a member occurs twice");
        check(Scalar::Json, r#""\u0000""#, "a text cannot hold the character NUL");
        let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        check(Scalar::Json, &deep(33), "at most 32 levels of arrays and objects");
        check(Scalar::Json, &deep(20_000), "at most 32 levels of arrays and objects");
    }
}
