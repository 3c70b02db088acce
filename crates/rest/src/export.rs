//! Exports: all records of a list, as a file.

use std::borrow::Cow;

use backstay_base::{Error, Place, Violation, ViolationKind, limits};
use backstay_engine::List;
use backstay_model::CollectionId;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::list::from_pairs;
use crate::reader::Reader;
use crate::table::{Column, Style, Table};
use crate::url;

/// The parameter that says as what kind of file records are exported.
pub const FORMAT: &str = "format";

/// A kind of file that holds records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileFormat {
    /// One array of objects.
    Json,
    /// One object on each line.
    Ndjson,
    /// A table with a header (RFC 4180).
    Csv,
}

impl FileFormat {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Ndjson, Self::Json, Self::Csv];

    /// Its name, as in a URL and at the end of a file's name.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
        }
    }

    /// Its media type.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Ndjson => "application/x-ndjson",
            Self::Csv => "text/csv; charset=utf-8; header=present",
        }
    }
}

/// Writes records as a file, of which the caller hands on what is there after each of them.
#[derive(Debug)]
pub struct RecordWriter {
    format: FileFormat,
    table: Table,
    records: u64,
}

impl RecordWriter {
    /// A file of records that have these members; only a table asks for them.
    pub fn new(format: FileFormat, style: Style, columns: Vec<Column>) -> Self {
        Self { format, table: Table::new(style, columns), records: 0 }
    }

    /// Appends what comes before the records.
    pub fn begin(&self, out: &mut Vec<u8>) {
        if self.format == FileFormat::Csv {
            self.table.header(out);
        }
    }

    /// Appends a record that is written as JSON on one line.
    pub fn record(&mut self, out: &mut Vec<u8>, record: &[u8]) -> Result<(), Error> {
        match self.format {
            FileFormat::Csv => self.table.record(out, record)?,
            FileFormat::Ndjson => {
                out.extend_from_slice(record);
                out.push(b'\n');
            }
            FileFormat::Json => {
                out.extend_from_slice(if self.records == 0 { b"[\n" } else { b",\n" });
                out.extend_from_slice(record);
            }
        }
        self.records += 1;
        Ok(())
    }

    /// Appends what comes after the records.
    pub fn end(&self, out: &mut Vec<u8>) {
        if self.format == FileFormat::Json {
            out.extend_from_slice(if self.records == 0 { b"[]\n" } else { b"\n]\n" });
        }
    }

    /// How many records it has.
    pub fn records(&self) -> u64 {
        self.records
    }
}

/// A page as `JSON` has encoded it, taken apart.
#[derive(Debug, Deserialize)]
pub struct PageRecords<'p> {
    /// The records.
    #[serde(borrow)]
    pub items: Vec<&'p RawValue>,
    /// Where the next page starts, if there is one.
    pub next: Option<String>,
}

impl<'p> PageRecords<'p> {
    /// Reads the body of a page.
    pub fn of(body: &'p [u8]) -> Result<Self, Error> {
        serde_json::from_slice(body).map_err(Error::internal)
    }
}

impl Reader {
    /// Reads the query of `GET /api/{collection}:export`, for its first page.
    pub fn first_of_export(&self, collection: CollectionId, query: Option<&str>) -> Result<(List, FileFormat), Error> {
        self.export_of_query(collection, query, (None, limits::EXPORT_RECORDS))
    }

    /// Reads the query of `GET /api/{collection}:export`, for a page of at most so many records after a place: that of a list
    /// without the parameters of pages, and `format`.
    pub fn export_of_query(
        &self,
        collection: CollectionId,
        query: Option<&str>,
        (after, limit): (Option<&str>, u32),
    ) -> Result<(List, FileFormat), Error> {
        let (mut format, mut violations) = (FileFormat::Ndjson, Vec::new());
        let mut pairs = url::of_url(query)?;
        pairs.retain(|(name, value)| match &**name {
            FORMAT => {
                match FileFormat::ALL.into_iter().find(|known| known.extension() == value) {
                    Some(known) => format = known,
                    None => violations.push(Violation::new(Place::part(FORMAT), unknown_format())),
                }
                false
            }
            "limit" | "after" | "before" | "skip" | "count" | "highlight" => {
                violations.push(Violation::new(Place::part(name.to_string()), of_pages(name)));
                false
            }
            _ => true,
        });
        if !violations.is_empty() {
            return Err(Error::Malformed(violations));
        }
        let mut words = from_pairs(self.model().collection(collection), pairs)?;
        words.limit = Some(limit);
        words.after = after.map(Cow::Borrowed);
        Ok((self.list(&words)?, format))
    }
}

fn unknown_format() -> ViolationKind {
    ViolationKind::Range("one of `ndjson`, `json` and `csv`".to_owned())
}

fn of_pages(name: &str) -> ViolationKind {
    let problem = format!("`{name}` is for lists; an export has all records that `filter` leaves");
    ViolationKind::Misused { problem, remedy: "leave it out, or read a list".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(format: FileFormat, records: &[&str], expected: &str) {
        let columns = vec![Column { name: "a".into(), is_json: false }];
        let (mut writer, mut out) = (RecordWriter::new(format, Style::default(), columns), Vec::new());
        writer.begin(&mut out);
        for record in records {
            writer.record(&mut out, record.as_bytes()).expect("a record");
        }
        writer.end(&mut out);
        assert_eq!(String::from_utf8_lossy(&out), expected, "{format:?}");
        assert_eq!(writer.records(), records.len() as u64);
    }

    #[test]
    fn each_format_is_whole_with_and_without_records() {
        let records = [r#"{"a":1}"#, r#"{"a":2}"#];
        check(FileFormat::Json, &records, "[\n{\"a\":1},\n{\"a\":2}\n]\n");
        check(FileFormat::Json, &[], "[]\n");
        check(FileFormat::Ndjson, &records, "{\"a\":1}\n{\"a\":2}\n");
        check(FileFormat::Ndjson, &[], "");
        check(FileFormat::Csv, &records, "a\r\n1\r\n2\r\n");
        check(FileFormat::Csv, &[], "a\r\n");
    }
}
