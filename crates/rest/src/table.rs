//! Records as rows of CSV (RFC 4180).

use std::borrow::Cow;
use std::sync::Arc;

use backstay_base::Error;
use serde_json::value::RawValue;

use crate::json::members;

/// How the cells of a table are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// What stands between two cells: an ASCII character.
    pub delimiter: u8,
    /// Whether a text that a spreadsheet would run as a formula gets an apostrophe in front of it.
    pub guards_formulas: bool,
}

impl Default for Style {
    fn default() -> Self {
        Self { delimiter: b',', guards_formulas: true }
    }
}

/// A column of a table: a member of its records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// The member's name.
    pub name: Arc<str>,
    /// Whether what stands there is any JSON: a field of the scalar `JSON`.
    pub is_json: bool,
}

/// Writes records as rows. A null is a cell without anything in it, an empty text a pair of quotes; arrays and objects are
/// JSON.
#[derive(Debug)]
pub(crate) struct Table {
    style: Style,
    columns: Vec<Column>,
}

impl Table {
    /// A table with these columns.
    pub(crate) fn new(style: Style, columns: Vec<Column>) -> Self {
        Self { style, columns }
    }

    /// Appends the row with the names of the columns.
    pub(crate) fn header(&self, out: &mut Vec<u8>) {
        for (place, Column { name, .. }) in self.columns.iter().enumerate() {
            self.delimit(out, place);
            self.text(out, name);
        }
        out.extend_from_slice(b"\r\n");
    }

    /// Appends a record that is written as JSON. Members without a column are left out.
    pub(crate) fn record(&self, out: &mut Vec<u8>, record: &[u8]) -> Result<(), Error> {
        let members = members(record)?;
        for (place, Column { name, is_json }) in self.columns.iter().enumerate() {
            self.delimit(out, place);
            if let Some((_, value)) = members.iter().find(|(known, _)| *known == **name) {
                self.value(out, value, *is_json)?;
            }
        }
        out.extend_from_slice(b"\r\n");
        Ok(())
    }

    fn delimit(&self, out: &mut Vec<u8>, place: usize) {
        if place > 0 {
            out.push(self.style.delimiter);
        }
    }

    fn value(&self, out: &mut Vec<u8>, value: &RawValue, is_json: bool) -> Result<(), Error> {
        let raw = value.get();
        match raw.as_bytes().first() {
            Some(b'n') => {}
            Some(b'"') if !is_json => {
                let text: Cow<'_, str> = match raw.contains('\\') {
                    true => Cow::Owned(serde_json::from_str(raw).map_err(Error::internal)?),
                    false => Cow::Borrowed(&raw[1..raw.len() - 1]),
                };
                match self.style.guards_formulas && needs_guard(&text) {
                    true => self.text(out, &format!("'{text}")),
                    false => self.text(out, &text),
                }
            }
            Some(_) | None => self.text(out, raw),
        }
        Ok(())
    }

    fn text(&self, out: &mut Vec<u8>, text: &str) {
        let is_special = |byte: u8| matches!(byte, b'"' | b'\r' | b'\n') || byte == self.style.delimiter;
        let edges = [text.bytes().next(), text.bytes().next_back()];
        let is_padded = edges.iter().flatten().any(u8::is_ascii_whitespace);
        if !text.is_empty() && !is_padded && !text.bytes().any(is_special) {
            return out.extend_from_slice(text.as_bytes());
        }
        out.push(b'"');
        for byte in text.bytes() {
            if byte == b'"' {
                out.push(b'"');
            }
            out.push(byte);
        }
        out.push(b'"');
    }
}

/// What a formula begins with in some spreadsheet: control characters are skipped, and wide forms are read as the usual ones.
const FORMULA: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// Whether a text begins, after any apostrophes, as a formula does. One that is a number is harmless.
fn needs_guard(text: &str) -> bool {
    let rest = text.trim_start_matches('\'');
    rest.starts_with(FORMULA) && !is_number(rest)
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    match digits.split_once('.') {
        Some((whole, fraction)) => is_digits(whole) && is_digits(fraction),
        None => is_digits(digits),
    }
}

/// The text without the apostrophe that guards it.
pub fn unguarded(text: &str) -> &str {
    match text.strip_prefix('\'') {
        Some(rest) if needs_guard(rest) => rest,
        Some(_) | None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(style: Style, record: &str, expected: &str) {
        let columns = ["a", "b", "c"].map(|name| Column { name: name.into(), is_json: name == "c" });
        let table = Table::new(style, columns.to_vec());
        let mut out = Vec::new();
        table.header(&mut out);
        table.record(&mut out, record.as_bytes()).expect("a record");
        let text = String::from_utf8(out).expect("UTF-8");
        let lines: Vec<&str> = text.splitn(2, "\r\n").collect();
        assert_eq!(lines[1], format!("{expected}\r\n"), "{record}");
    }

    #[test]
    fn values_are_written_so_that_they_can_be_told_apart() {
        let style = Style::default();
        check(style, r#"{"a":null,"b":"","c":null}"#, ",\"\",");
        check(style, r#"{"a":1.50,"b":true,"c":"x"}"#, "1.50,true,\"\"\"x\"\"\"");
        check(style, r#"{"c":[1, 2],"b":{"x":"y"},"d":1}"#, ",\"{\"\"x\"\":\"\"y\"\"}\",\"[1, 2]\"");
        check(style, r#"{"a":"x,y","b":"say \"hi\"\n","c":0}"#, "\"x,y\",\"say \"\"hi\"\"\n\",0");
        check(style, r#"{"a":" x","b":"x;y","c":0}"#, "\" x\",x;y,0");
        check(Style { delimiter: b';', ..style }, r#"{"a":"x,y","b":"x;y","c":0}"#, "x,y;\"x;y\";0");
    }

    #[test]
    fn what_a_spreadsheet_would_run_gets_an_apostrophe() {
        let style = Style::default();
        check(style, r#"{"a":"=1+1","b":"'=1","c":0}"#, "'=1+1,''=1,0");
        check(style, r#"{"a":"-5.00","b":"+4912","c":-1}"#, "-5.00,+4912,-1");
        check(style, r#"{"a":"-5-1","b":"@SUM(A1)","c":0}"#, "'-5-1,'@SUM(A1),0");
        check(style, r#"{"a":"'tis","b":"\t=1","c":0}"#, "'tis,'\t=1,0");
        check(style, r#"{"a":"\n=1","b":"＝1","c":0}"#, "\"'\n=1\",'＝1,0");
        check(style, r#"{"a":"＋1","b":"－1","c":0}"#, "'＋1,'－1,0");
        check(style, r#"{"a":"＠SUM(A1)","b":"1＝1","c":0}"#, "'＠SUM(A1),1＝1,0");
        check(Style { guards_formulas: false, ..style }, r#"{"a":"=1+1","b":"x","c":0}"#, "=1+1,x,0");
    }

    #[test]
    fn what_was_guarded_is_read_as_it_was() {
        let check = |written: &str, expected: &str| assert_eq!(unguarded(written), expected);
        for text in ["=1", "＝1", "\n-1", "'=1", "''=1", "-5.00", "'tis", "'", "", "-a", "'-5", "\t"] {
            let guarded = if needs_guard(text) { format!("'{text}") } else { text.to_owned() };
            check(&guarded, text);
        }
    }
}
