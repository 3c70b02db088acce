use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use backstay_rest::unguarded;
use sha2::{Digest, Sha256};

use super::batch::{BatchRow, Content};
use super::csv::{Rows, delimiter_of};
use super::elements::Elements;
use super::error::Unreadable;
use super::text::{Consumed, Text};
use super::{Encoding, Format, TransferError};
use crate::records::{Lines, hexadecimal};

/// How a file is read.
#[derive(Debug, Clone)]
pub(crate) struct Reading {
    pub(crate) format: Option<Format>,
    pub(crate) encoding: Option<Encoding>,
    pub(crate) delimiter: Option<u8>,
    /// The names of the columns, if the file has no header.
    pub(crate) columns: Option<Vec<String>>,
    /// Whether an apostrophe that guards a text is removed.
    pub(crate) unguards: bool,
}

/// A file of records, read row by row.
pub(crate) struct Source {
    path: PathBuf,
    rows: AnyRows,
    /// The names of the columns of a table.
    pub(crate) header: Vec<String>,
    pub(crate) format: Format,
    /// What the file was found to be, for people.
    pub(crate) found: String,
    consumed: Consumed,
    unguards: bool,
    digest: Sha256,
    /// How many rows were read, and the line of the last one.
    read: (u64, u64),
}

type Bytes = BufReader<Box<dyn Read + Send>>;

enum AnyRows {
    Lines(Box<Lines>),
    Elements(Elements<Bytes>),
    Table(Rows<Bytes>),
}

/// Characters of a digest: those of a file's rows need not resist an attack.
const DIGEST: usize = 32;

impl Source {
    /// Opens a file and finds out what it is.
    pub(crate) fn open(path: &Path, reading: &Reading) -> Result<Self, TransferError> {
        let named = reading.format.map_or_else(|| Format::of_path(path), Ok)?;
        let fail = |source| TransferError::Read { path: path.to_owned(), source };
        let Text { encoding, consumed, reader } = Text::open(path, reading.encoding).map_err(fail)?;
        let mut bytes = BufReader::with_capacity(1 << 16, reader);
        let start = bytes.fill_buf().map_err(fail)?;
        let first = start.iter().find(|byte| !byte.is_ascii_whitespace());
        // One object on each line is often called JSON, too.
        let format = match (named, first) {
            (Format::Json, Some(b'{')) => Format::Ndjson,
            (named, _) => named,
        };
        if format != Format::Csv {
            refuse_options(path, (reading, format))?;
        }
        let (mut header, mut found) = (Vec::new(), format!("{}, {}", format.name(), encoding.name()));
        let rows = match format {
            Format::Json => AnyRows::Elements(Elements::of(bytes)),
            Format::Ndjson => AnyRows::Lines(Box::new(Lines::of(Box::new(bytes)))),
            Format::Csv => {
                let delimiter = reading.delimiter.unwrap_or_else(|| delimiter_of(start));
                let mut rows = Rows::of(bytes, delimiter);
                header = match &reading.columns {
                    Some(columns) => columns.clone(),
                    None => header_of(path, &mut rows)?,
                };
                let shown = if delimiter == b'\t' { "tab".to_owned() } else { format!("`{}`", char::from(delimiter)) };
                found = format!("{found}, delimiter {shown}, columns {}", header.join(", "));
                AnyRows::Table(rows)
            }
        };
        let (unguards, digest) = (reading.unguards, Sha256::new());
        Ok(Self { path: path.to_owned(), rows, header, format, found, consumed, unguards, digest, read: (0, 0) })
    }

    /// How many bytes of the file were read.
    pub(crate) fn consumed(&self) -> u64 {
        self.consumed.bytes()
    }

    /// The next row.
    pub(crate) fn next(&mut self) -> Result<Option<BatchRow>, TransferError> {
        let read = self.rows.next(self.unguards).map_err(|error| error.of(self.path.clone()))?;
        let Some((line, content)) = read else { return Ok(None) };
        let (number, before) = (self.read.0 + 1, self.read.1);
        self.read = (number, line);
        feed(&mut self.digest, &content);
        let mut digest = hexadecimal(&self.digest.clone().finalize());
        digest.truncate(DIGEST);
        let record = (line == before).then_some(number);
        Ok(Some(BatchRow { line, record, digest, content }))
    }
}

impl AnyRows {
    fn next(&mut self, unguards: bool) -> Result<Option<(u64, Content)>, Unreadable> {
        Ok(match self {
            Self::Lines(lines) => lines.next()?.map(|line| (line.number, record(line.text.to_vec()))),
            Self::Elements(elements) => elements.next()?.map(|(line, text)| (line, record(text))),
            Self::Table(rows) => rows.next()?.map(|row| {
                let cell = |cell: Option<String>| match cell {
                    Some(text) if unguards => Some(match unguarded(&text) {
                        whole if whole.len() == text.len() => text,
                        unguarded => unguarded.to_owned(),
                    }),
                    cell => cell,
                };
                match row.cells {
                    Ok(cells) => (row.line, Content::Cells(cells.into_iter().map(cell).collect())),
                    Err(problem) => (row.line, Content::Broken(problem)),
                }
            }),
        })
    }
}

fn record(text: Vec<u8>) -> Content {
    match String::from_utf8(text) {
        Ok(text) => Content::Record(text),
        Err(_) => Content::Broken("this is not UTF-8; name the file's encoding with --encoding".to_owned()),
    }
}

/// Adds a row to the digest of those before it.
fn feed(digest: &mut Sha256, content: &Content) {
    let mut part = |kind: u8, text: &str| {
        digest.update([kind]);
        digest.update((text.len() as u64).to_le_bytes());
        digest.update(text);
    };
    match content {
        Content::Record(text) => part(0, text),
        Content::Broken(problem) => part(1, problem),
        Content::Cells(cells) => {
            part(2, "");
            for cell in cells {
                match cell {
                    Some(text) => part(3, text),
                    None => part(4, ""),
                }
            }
        }
    }
}

fn header_of(path: &Path, rows: &mut Rows<Bytes>) -> Result<Vec<String>, TransferError> {
    let row = rows.next().map_err(|error| Unreadable::from(error).of(path.to_owned()))?;
    let row = row.ok_or_else(|| TransferError::NoHeader { path: path.to_owned() })?;
    let cells = row.cells.map_err(|problem| TransferError::Broken {
        path: path.to_owned(),
        problem: format!("line {}: {problem}", row.line),
    })?;
    Ok(cells.into_iter().map(|cell| cell.unwrap_or_default().trim().to_owned()).collect())
}

fn refuse_options(path: &Path, (reading, format): (&Reading, Format)) -> Result<(), TransferError> {
    let option = match (reading.delimiter, &reading.columns) {
        (Some(_), _) => "--delimiter",
        (None, Some(_)) => "--columns",
        (None, None) => return Ok(()),
    };
    Err(TransferError::OnlyCsv { option, path: path.to_owned(), format: format.name() })
}
