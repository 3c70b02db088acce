//! The nested form: rows within one column of a row, and the elements of a scalar list, as JSON text.
//!
//! Rows are an array of arrays, `[[v, …], …]`; a list is one array of values. A value is written so that both databases
//! can make it and both forms are read here:
//!
//! | type | form |
//! |---|---|
//! | `Bool` | `true`, `false`, `1`, `0` |
//! | `Int`, `Timestamp` (microseconds) | a number |
//! | `Float` | a number, or a number in a string |
//! | `Decimal` | a number with a point: itself; without one: scaled by ten to the power of its scale |
//! | `Id` | a string of 32 hexadecimal digits with or without hyphens; empty: null |
//! | `Text`, `Date` (`YYYY-MM-DD`) | a string |
//! | `Json`, `List` | a string that holds the document |
//! | `Nested` | an array of rows |

use std::borrow::Cow;
use std::fmt::Write as _;

use backstay_base::{Date, KeyForm, KeyRef, Timestamp};
use backstay_scalar::{FloatText, Storage, Value, ValueRef};
use rust_decimal::Decimal;

use crate::decimal::{NO_NUMBER, scaled};
use crate::{ColumnType, DecodeError, Dialect, Row};

/// The rows of one nested text, parsed one by one.
#[derive(Debug)]
pub struct Rows<'a> {
    scanner: Scanner<'a>,
    columns: &'a [ColumnType],
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Start,
    Within,
    End,
}

/// One row of a nested text.
#[derive(Debug)]
pub struct NestedRow<'a>(Vec<Element<'a>>);

/// One value of a nested text.
#[derive(Debug, Clone)]
pub struct Element<'a>(Cell<'a>);

#[derive(Debug, Clone)]
enum Cell<'a> {
    /// Borrowed from the text, or no text at all.
    Plain(ValueRef<'a>),
    /// A text that holds escapes.
    Text(String),
    /// A document that holds escapes.
    Json(String),
    /// A key that holds escapes.
    Key(String),
    /// A list that holds escapes.
    Nested(String),
    /// Octets from their digits.
    Bytes(Vec<u8>),
}

impl<'a> Rows<'a> {
    /// Reads `text`, whose rows have columns of these types.
    pub fn parse(text: &'a str, columns: &'a [ColumnType]) -> Self {
        Self { scanner: Scanner { text, at: 0 }, columns, state: State::Start }
    }

    fn row(&mut self) -> Option<Result<NestedRow<'a>, Malformed>> {
        let more = self.scanner.step(&mut self.state).transpose()?;
        Some(more.and_then(|()| {
            let mut values = Vec::with_capacity(self.columns.len());
            let mut state = State::Start;
            for (column, kind) in self.columns.iter().enumerate() {
                match self.scanner.step(&mut state)? {
                    Some(()) => values.push(self.scanner.value(*kind).map_err(|error| error.at(column))?),
                    None => return Err(Malformed { column, expected: SHAPE }),
                }
            }
            match self.scanner.step(&mut state)? {
                None => Ok(NestedRow(values)),
                Some(()) => Err(Malformed { column: self.columns.len(), expected: SHAPE }),
            }
        }))
    }
}

impl<'a> Iterator for Rows<'a> {
    type Item = Result<NestedRow<'a>, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        let row = self.row()?;
        if row.is_err() {
            self.state = State::End;
        }
        Some(row.map_err(Into::into))
    }
}

impl Row for NestedRow<'_> {
    fn value(&self, column: usize) -> Result<ValueRef<'_>, DecodeError> {
        self.0.get(column).map(Element::value).ok_or(DecodeError { column, expected: SHAPE })
    }
}

impl Element<'_> {
    /// The value.
    pub fn value(&self) -> ValueRef<'_> {
        match &self.0 {
            Cell::Plain(value) => *value,
            Cell::Text(text) => ValueRef::Text(text),
            Cell::Json(text) => ValueRef::Json(text),
            Cell::Key(text) => ValueRef::Id(KeyRef::Text(text)),
            Cell::Nested(text) => ValueRef::Nested(text),
            Cell::Bytes(octets) => ValueRef::Bytes(octets),
        }
    }
}

/// The elements of a scalar list, one by one.
pub fn elements(text: &str, element: Storage) -> Elements<'_> {
    let element = ColumnType::One(element);
    Elements { scanner: Scanner { text, at: 0 }, element, state: State::Start }
}

/// See `elements`.
#[derive(Debug)]
pub struct Elements<'a> {
    scanner: Scanner<'a>,
    element: ColumnType,
    state: State,
}

impl<'a> Iterator for Elements<'a> {
    type Item = Result<Element<'a>, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        let more = self.scanner.step(&mut self.state).transpose()?;
        let value = more.and_then(|()| self.scanner.value(self.element));
        if value.is_err() {
            self.state = State::End;
        }
        Some(value.map_err(Into::into))
    }
}

/// A list of scalars as it is stored in a column of type `List`.
pub fn write_list(values: &[Value], element: Storage, dialect: Dialect) -> String {
    let mut out = String::with_capacity(2 + values.len() * 8);
    out.push('[');
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_element(&mut out, value, element, dialect);
    }
    out.push(']');
    out
}

/// An element of such a list.
pub fn write_element(out: &mut String, value: &Value, element: Storage, dialect: Dialect) {
    // Writing to a String cannot fail.
    let _ = match value {
        Value::Bool(truth) => write!(out, "{truth}"),
        Value::Int(number) => write!(out, "{number}"),
        Value::Float(number) => write!(out, "{}", FloatText(*number)),
        Value::Decimal(number) => write_decimal(out, *number, element, dialect),
        Value::Text(text) => {
            write_string(out, text);
            Ok(())
        }
        Value::Id(id) => match (id.key(), dialect) {
            (KeyRef::Uuid(uuid), Dialect::Sqlite) => write!(out, "\"{:032X}\"", u128::from_be_bytes(uuid)),
            (KeyRef::Uuid(_), Dialect::Postgres) => write!(out, "\"{id}\""),
            (KeyRef::Int(number), _) => write!(out, "{number}"),
            (KeyRef::Text(text), _) => {
                write_string(out, text);
                Ok(())
            }
        },
        Value::Timestamp(moment) => write!(out, "{}", moment.micros()),
        Value::Date(date) => write!(out, "\"{date}\""),
        Value::Duration(length) => write!(out, "{}", length.micros()),
        Value::Bytes(octets) => {
            let digits = |octet: &u8| match dialect {
                Dialect::Sqlite => format!("{octet:02X}"),
                Dialect::Postgres => format!("{octet:02x}"),
            };
            write!(out, "\"{}\"", octets.iter().map(digits).collect::<String>())
        }
        // A list that a `@set` computes can have elements without a value.
        Value::Null => write!(out, "null"),
        Value::Money(_) | Value::Json(_) | Value::List(_) => {
            unreachable!("the model refuses lists of Money, of JSON and of lists")
        }
    };
}

fn write_decimal(out: &mut String, number: Decimal, element: Storage, dialect: Dialect) -> std::fmt::Result {
    let scale = if let Storage::Decimal { scale } = element { u32::from(scale) } else { number.scale() };
    match dialect {
        Dialect::Sqlite => write!(out, "{}", scaled(number, scale).unwrap_or(NO_NUMBER)),
        Dialect::Postgres => {
            let mut number = number;
            if number.scale() < scale {
                number.rescale(scale);
            }
            write!(out, "{number}")
        }
    }
}

fn write_string(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            control if control < ' ' => {
                let _ = write!(out, "\\u{:04x}", u32::from(control));
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

const SHAPE: &str = "the nested form";

#[derive(Debug, Clone, Copy)]
struct Malformed {
    column: usize,
    expected: &'static str,
}

impl Malformed {
    fn at(self, column: usize) -> Self {
        Self { column, ..self }
    }
}

impl From<Malformed> for DecodeError {
    fn from(error: Malformed) -> Self {
        Self { column: error.column, expected: error.expected }
    }
}

fn malformed<T>(expected: &'static str) -> Result<T, Malformed> {
    Err(Malformed { column: 0, expected })
}

#[derive(Debug)]
struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = bytes.get(self.at) {
            self.at += 1;
        }
        bytes.get(self.at).copied()
    }

    /// Moves to the next item of an array: `None` past its end.
    fn step(&mut self, state: &mut State) -> Result<Option<()>, Malformed> {
        match (*state, self.peek()) {
            (State::Start, Some(b'[')) => {
                self.at += 1;
                *state = State::Within;
                if self.peek() == Some(b']') {
                    self.at += 1;
                    *state = State::End;
                    return Ok(None);
                }
                Ok(Some(()))
            }
            (State::Within, Some(b',')) => {
                self.at += 1;
                Ok(Some(()))
            }
            (State::Within, Some(b']')) => {
                self.at += 1;
                *state = State::End;
                Ok(None)
            }
            (State::End, _) => Ok(None),
            _ => malformed(SHAPE),
        }
    }

    fn value(&mut self, kind: ColumnType) -> Result<Element<'a>, Malformed> {
        let cell = match self.peek() {
            Some(b'"') => string(self.string()?, kind)?,
            Some(b'[') if kind == ColumnType::Nested => Cell::Plain(ValueRef::Nested(self.array()?)),
            Some(_) => Cell::Plain(bare(self.bare(), kind)?),
            None => return malformed(SHAPE),
        };
        Ok(Element(cell))
    }

    fn bare(&mut self) -> &'a str {
        let rest = &self.text[self.at..];
        let end = rest.find([',', ']', ' ', '\n', '[', '"']).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    /// A string's characters; borrowed where it holds no escape.
    fn string(&mut self) -> Result<Cow<'a, str>, Malformed> {
        let (start, bytes) = (self.at, self.text.as_bytes());
        let mut at = start + 1;
        let mut escaped = false;
        loop {
            match bytes.get(at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    at += 2;
                }
                Some(_) => at += 1,
                None => return malformed(SHAPE),
            }
        }
        self.at = at + 1;
        if !escaped {
            return Ok(Cow::Borrowed(&self.text[start + 1..at]));
        }
        let owned = serde_json::from_str(&self.text[start..=at]);
        owned.map(Cow::Owned).or_else(|_| malformed(SHAPE))
    }

    /// A whole array, without looking into it.
    fn array(&mut self) -> Result<&'a str, Malformed> {
        let (start, bytes) = (self.at, self.text.as_bytes());
        let mut depth = 0_usize;
        let mut at = start;
        loop {
            match bytes.get(at) {
                Some(b'[') => depth += 1,
                Some(b']') => depth -= 1,
                Some(b'"') => {
                    at += 1;
                    while let Some(byte) = bytes.get(at).filter(|byte| **byte != b'"') {
                        at += if *byte == b'\\' { 2 } else { 1 };
                    }
                }
                Some(_) => {}
                None => return malformed(SHAPE),
            }
            at += 1;
            if depth == 0 {
                self.at = at;
                return Ok(&self.text[start..at]);
            }
        }
    }
}

fn string(text: Cow<'_, str>, kind: ColumnType) -> Result<Cell<'_>, Malformed> {
    let plain = match kind {
        ColumnType::List(_) | ColumnType::Nested => return Ok(texts(text, ValueRef::Nested, Cell::Nested)),
        ColumnType::One(Storage::Text) => return Ok(texts(text, ValueRef::Text, Cell::Text)),
        ColumnType::One(Storage::Json) => return Ok(texts(text, ValueRef::Json, Cell::Json)),
        ColumnType::One(Storage::UUID) if text.is_empty() => Some(ValueRef::Null),
        ColumnType::One(Storage::UUID) => id(&text).map(|uuid| ValueRef::Id(KeyRef::Uuid(uuid))),
        ColumnType::One(Storage::Id(KeyForm::Text)) if KeyRef::text(&text).is_none() => None,
        ColumnType::One(Storage::Id(KeyForm::Text)) => {
            return Ok(texts(text, |text| ValueRef::Id(KeyRef::Text(text)), Cell::Key));
        }
        ColumnType::One(Storage::Date) => Date::parse(&text).ok().map(ValueRef::Date),
        ColumnType::One(Storage::Float) => text.parse().ok().map(ValueRef::Float),
        ColumnType::One(Storage::Decimal { .. }) => text.parse().ok().map(ValueRef::Decimal),
        ColumnType::One(Storage::Bytes) => {
            return octets(&text).map_or_else(|| malformed(kind.name()), |octets| Ok(Cell::Bytes(octets)));
        }
        ColumnType::One(Storage::Bool | Storage::Int | Storage::Id(KeyForm::Int) | Storage::Timestamp) => None,
    };
    plain.map_or_else(|| malformed(kind.name()), |value| Ok(Cell::Plain(value)))
}

fn texts<'a>(text: Cow<'a, str>, borrowed: fn(&'a str) -> ValueRef<'a>, owned: fn(String) -> Cell<'a>) -> Cell<'a> {
    match text {
        Cow::Borrowed(text) => Cell::Plain(borrowed(text)),
        Cow::Owned(text) => owned(text),
    }
}

fn bare(token: &str, kind: ColumnType) -> Result<ValueRef<'static>, Malformed> {
    if token == "null" {
        return Ok(ValueRef::Null);
    }
    let ColumnType::One(storage) = kind else { return malformed(kind.name()) };
    let value = match storage {
        Storage::Bool => match token {
            "true" | "1" => Some(ValueRef::Bool(true)),
            "false" | "0" => Some(ValueRef::Bool(false)),
            _ => None,
        },
        Storage::Int => token.parse().ok().map(ValueRef::Int),
        Storage::Id(KeyForm::Int) => token.parse().ok().and_then(KeyRef::number).map(ValueRef::Id),
        Storage::Float => token.parse().ok().map(ValueRef::Float),
        Storage::Timestamp => token.parse().ok().and_then(Timestamp::from_micros).map(ValueRef::Timestamp),
        Storage::Decimal { scale } => decimal(token, scale).map(ValueRef::Decimal),
        Storage::Text | Storage::Id(KeyForm::Uuid | KeyForm::Text) | Storage::Date | Storage::Json | Storage::Bytes => {
            None
        }
    };
    value.map_or_else(|| malformed(kind.name()), Ok)
}

fn decimal(token: &str, scale: u8) -> Option<Decimal> {
    if token.contains(['.', 'e', 'E']) {
        return token.parse().ok();
    }
    let scaled: i64 = token.parse().ok()?;
    Decimal::try_from_i128_with_scale(i128::from(scaled), u32::from(scale)).ok()
}

/// Octets from pairs of hexadecimal digits.
fn octets(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| if let [high, low] = pair { Some(digit(high)? << 4 | digit(low)?) } else { None }).collect()
}

/// Sixteen bytes from 32 hexadecimal digits, with or without hyphens.
fn id(text: &str) -> Option<[u8; 16]> {
    let mut bytes = [0_u8; 16];
    let mut digits = 0;
    for byte in text.bytes().filter(|byte| *byte != b'-') {
        let digit = (byte as char).to_digit(16)?;
        let slot = bytes.get_mut(digits / 2)?;
        *slot = *slot << 4 | u8::try_from(digit).ok()?;
        digits += 1;
    }
    (digits == 32).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [ColumnType; 5] = [
        ColumnType::One(Storage::UUID),
        ColumnType::One(Storage::Decimal { scale: 2 }),
        ColumnType::One(Storage::Text),
        ColumnType::One(Storage::Bool),
        ColumnType::Nested,
    ];

    /// Reads rows; values as they are printed, or the error.
    fn check(text: &str, expected: &str) {
        let row = |row: Result<NestedRow<'_>, DecodeError>| match row {
            Ok(row) => (0..COLUMNS.len())
                .map(|at| format!("{:?}", row.value(at).expect("a column")))
                .collect::<Vec<_>>()
                .join(" "),
            Err(error) => error.to_string(),
        };
        let rows: Vec<String> = Rows::parse(text, &COLUMNS).map(row).collect();
        assert_eq!(rows.join("; "), expected, "{text}");
    }

    #[test]
    fn both_databases_write_the_same_rows() {
        let expected = "Id(0191e4f0-a000-7000-8000-00000000000a) Decimal(12.50) Text(\"é\") Bool(true) Nested(\"[[1,\\\"]\\\"]]\")";
        check(r#"[["0191E4F0A0007000800000000000000A",1250,"é",1,[[1,"]"]]]]"#, expected);
        check(r#"[["0191e4f0-a000-7000-8000-00000000000a", 12.50, "é", true, [[1,"]"]]]]"#, expected);
        check("[", "column 0 holds a value that is not the nested form");
        check("[]", "");
        check(" [] ", "");
    }

    #[test]
    fn nulls_and_escapes() {
        check(
            r#"[["",null,"a\"\\\n\u00e9",0,[]], 
 [null,-5,null,null,null]]"#,
            r#"Null Null Text("a\"\\\né") Bool(false) Nested("[]"); Null Decimal(-0.05) Null Null Null"#,
        );
    }

    #[test]
    fn what_is_not_the_form_is_refused() {
        let shape = "holds a value that is not the nested form";
        check("", &format!("column 0 {shape}"));
        check("{}", &format!("column 0 {shape}"));
        check("[1]", &format!("column 0 {shape}"));
        check("[[\"\"]]", &format!("column 1 {shape}"));
        check("[[\"\",1,\"\",1,[],1]]", &format!("column 5 {shape}"));
        check("[[\"12\"]]", "column 0 holds a value that is not an id");
        check("[[null,true]]", "column 1 holds a value that is not a decimal number");
        check("[[null,1,\"x", &format!("column 2 {shape}"));
        check("[[null,1,\"x\",2]]", "column 3 holds a value that is not a truth value");
        check("[[null,1,\"\",1,[[]", &format!("column 4 {shape}"));
    }

    /// Writes a list for both databases and reads it again.
    fn check_list(values: &[Value], element: Storage, sqlite: &str, postgres: &str) {
        for (dialect, expected) in [(Dialect::Sqlite, sqlite), (Dialect::Postgres, postgres)] {
            let text = write_list(values, element, dialect);
            assert_eq!(text, expected);
            let read: Result<Vec<Element<'_>>, DecodeError> = elements(&text, element).collect();
            let read: Vec<Value> = read.expect("reads").iter().map(|one| Value::from(one.value())).collect();
            assert_eq!(read, values);
        }
    }

    #[test]
    fn lists_round_trip() {
        let decimals: Vec<Value> =
            ["12.50", "-0.05", "3.00"].map(|text| Value::Decimal(text.parse().expect("a decimal"))).into();
        check_list(&decimals, Storage::Decimal { scale: 2 }, "[1250,-5,300]", "[12.50,-0.05,3.00]");
        let texts = ["a\"b\\", "\u{1}é\n"].map(Value::text);
        let text = r#"["a\"b\\","\u0001é\u000a"]"#;
        check_list(&texts, Storage::Text, text, text);
        let id = backstay_base::RecordId::from_bytes([0xAB; 16]);
        let (hex, hyphens) = ("AB".repeat(16), "abababab-abab-abab-abab-abababababab");
        check_list(&[Value::Id(id)], Storage::UUID, &format!("[\"{hex}\"]"), &format!("[\"{hyphens}\"]"));
        let large = format!("[0.1,1{}.0]", "0".repeat(300));
        check_list(&[Value::Float(0.1), Value::Float(1e300)], Storage::Float, &large, &large);
        check_list(&[Value::Bool(true), Value::Bool(false)], Storage::Bool, "[true,false]", "[true,false]");
        check_list(&[Value::Int(i64::MIN)], Storage::Int, "[-9223372036854775808]", "[-9223372036854775808]");
        let day = Value::Date(Date::parse("2026-01-31").expect("a day"));
        check_list(&[day], Storage::Date, "[\"2026-01-31\"]", "[\"2026-01-31\"]");
        let moment = Value::Timestamp(Timestamp::from_micros(-1).expect("a moment"));
        check_list(&[moment], Storage::Timestamp, "[-1]", "[-1]");
        check_list(&[], Storage::Int, "[]", "[]");
    }

    #[test]
    fn floats_that_were_stored_with_an_exponent_are_read() {
        let read: Result<Vec<Element<'_>>, DecodeError> = elements("[0.1,1e300,1e-7,2.0]", Storage::Float).collect();
        let read: Vec<Value> = read.expect("reads").iter().map(|one| Value::from(one.value())).collect();
        assert_eq!(read, [0.1, 1e300, 1e-7, 2.0].map(Value::Float));
    }

    #[test]
    fn an_element_can_be_without_a_value() {
        check_list(&[Value::Null, Value::Int(1)], Storage::Int, "[null,1]", "[null,1]");
    }

    #[test]
    fn a_number_that_no_column_holds_equals_none() {
        let number = [Value::Decimal("1.505".parse().expect("a decimal"))];
        let element = Storage::Decimal { scale: 2 };
        assert_eq!(write_list(&number, element, Dialect::Sqlite), format!("[{}]", i64::MIN));
        assert_eq!(write_list(&number, element, Dialect::Postgres), "[1.505]");
    }
}
