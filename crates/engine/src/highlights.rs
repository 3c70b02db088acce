//! What a search finds in the texts of a page, in place of the columns that hold them.

use std::sync::Arc;

use backstay_scalar::{Language, Search, ValueRef, highlight, quote};
use backstay_sql::{DecodeError, Row};

/// A row whose columns of texts hold the parts of these: lists, or null if nothing is found.
pub(crate) struct Highlighted<'r> {
    row: &'r dyn Row,
    texts: Vec<(usize, Option<String>)>,
}

impl<'r> Highlighted<'r> {
    /// Looks for what a search finds in texts, which are in these columns and languages.
    pub(crate) fn new(
        row: &'r dyn Row,
        search: &Arc<Search>,
        texts: impl Iterator<Item = (usize, Option<Language>)>,
    ) -> Result<Self, DecodeError> {
        let parts = |(column, language)| match row.value(column)? {
            ValueRef::Text(text) => Ok((column, highlight(text, search, language).map(|parts| listed(&parts)))),
            ValueRef::Null => Ok((column, None)),
            _ => Err(DecodeError { column, expected: "a text" }),
        };
        Ok(Self { row, texts: texts.map(parts).collect::<Result<_, _>>()? })
    }
}

/// A list as a column holds it.
fn listed(parts: &[String]) -> String {
    let mut list = Vec::new();
    for (at, part) in parts.iter().enumerate() {
        list.push(if at == 0 { b'[' } else { b',' });
        quote(&mut list, part);
    }
    list.push(b']');
    String::from_utf8(list).expect("what is quoted is UTF-8")
}

impl Row for Highlighted<'_> {
    fn value(&self, column: usize) -> Result<ValueRef<'_>, DecodeError> {
        match self.texts.iter().find(|(of, _)| *of == column) {
            None => self.row.value(column),
            Some((_, Some(parts))) => Ok(ValueRef::Nested(parts)),
            Some((_, None)) => Ok(ValueRef::Null),
        }
    }

    fn received_bytes(&self) -> usize {
        self.row.received_bytes()
    }
}
