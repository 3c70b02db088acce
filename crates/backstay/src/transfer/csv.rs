//! Rows of CSV (RFC 4180).

use std::io::{self, BufRead};

use backstay_base::limits;

/// Reads rows.
pub(crate) struct Rows<R> {
    reader: R,
    delimiter: u8,
    /// Lines that were read.
    line: u64,
    buffer: Vec<u8>,
}

/// A row.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// The line where it begins, from 1.
    pub(crate) line: u64,
    /// Its cells; `None`: there is nothing in the cell, not even quotes.
    pub(crate) cells: Result<Vec<Option<String>>, String>,
}

/// Why no further row can be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CsvError {
    #[error(transparent)]
    Read(#[from] io::Error),
    #[error("line {line}: the quote that begins a cell here is never closed")]
    Unclosed { line: u64 },
    #[error("line {line}: the row has more than {} bytes; a quote may not be closed", limits::BODY_BYTES)]
    Long { line: u64 },
}

enum State {
    /// Before a cell.
    Start,
    /// In one without quotes.
    Bare,
    Quoted,
    /// After a quote in a quoted cell, which ends it or is the first of two.
    Quote,
}

impl<R: BufRead> Rows<R> {
    /// Rows whose cells this character separates.
    pub(crate) fn of(reader: R, delimiter: u8) -> Self {
        Self { reader, delimiter, line: 0, buffer: Vec::new() }
    }

    /// The next row; lines without anything are none.
    pub(crate) fn next(&mut self) -> Result<Option<Row>, CsvError> {
        loop {
            if !self.read_line(self.line + 1)? {
                return Ok(None);
            }
            if !self.buffer.trim_ascii().is_empty() {
                let line = self.line;
                return Ok(Some(Row { line, cells: self.cells(line)? }));
            }
        }
    }

    /// Reads one line of the row that began on this one.
    fn read_line(&mut self, first: u64) -> Result<bool, CsvError> {
        self.buffer.clear();
        let most = limits::BODY_BYTES as u64 + 1;
        let read = io::Read::take(&mut self.reader, most).read_until(b'\n', &mut self.buffer)?;
        self.line += 1;
        if read as u64 == most { Err(CsvError::Long { line: first }) } else { Ok(read > 0) }
    }

    /// The cells of the row that begins in the buffer. Quotes that are wrong end it at its line.
    fn cells(&mut self, first: u64) -> Result<Result<Vec<Option<String>>, String>, CsvError> {
        let (mut cells, mut cell, mut state, mut bytes) = (Vec::new(), Vec::new(), State::Start, 0);
        loop {
            let buffer = std::mem::take(&mut self.buffer);
            let end =
                buffer.strip_suffix(b"\n").map_or(&*buffer, |line| line.strip_suffix(b"\r").unwrap_or(line)).len();
            for (place, byte) in buffer.iter().copied().enumerate() {
                if place >= end && !matches!(state, State::Quoted) {
                    break;
                }
                state = match (state, byte) {
                    (State::Quoted, b'"') => State::Quote,
                    (State::Quoted, byte) => {
                        cell.push(byte);
                        State::Quoted
                    }
                    (State::Start, b'"') => State::Quoted,
                    (State::Quote, b'"') => {
                        cell.push(b'"');
                        State::Quoted
                    }
                    (before @ (State::Start | State::Bare | State::Quote), byte) if byte == self.delimiter => {
                        cells.push(finished(&mut cell, &before));
                        State::Start
                    }
                    (State::Bare, b'"') => {
                        return Ok(Err(format!(
                            "{}a quote stands in a cell that doesn't begin with one",
                            at(cells.len())
                        )));
                    }
                    (State::Quote, _) => {
                        return Ok(Err(format!("{}something follows the quote that ends the cell", at(cells.len()))));
                    }
                    (State::Start | State::Bare, byte) => {
                        cell.push(byte);
                        State::Bare
                    }
                };
            }
            bytes += buffer.len();
            if !matches!(state, State::Quoted) {
                cells.push(finished(&mut cell, &state));
                return Ok(texts(cells));
            }
            if bytes > limits::BODY_BYTES {
                return Err(CsvError::Long { line: first });
            }
            if !self.read_line(first)? {
                return Err(CsvError::Unclosed { line: first });
            }
        }
    }
}

/// The cell that ends in this state.
fn finished(cell: &mut Vec<u8>, state: &State) -> Option<Vec<u8>> {
    match state {
        State::Start => None,
        State::Bare | State::Quoted | State::Quote => Some(std::mem::take(cell)),
    }
}

fn texts(cells: Vec<Option<Vec<u8>>>) -> Result<Vec<Option<String>>, String> {
    let text = |(place, cell): (usize, Option<Vec<u8>>)| {
        let text = cell.map(String::from_utf8).transpose();
        text.map_err(|_| format!("{}this is not UTF-8; name the file's encoding with --encoding", at(place)))
    };
    cells.into_iter().enumerate().map(text).collect()
}

/// Which cell is wrong.
fn at(place: usize) -> String {
    format!("cell {}: ", place + 1)
}

/// The delimiter that the first line of a table shows: of the usual ones that which occurs most often outside of quotes.
pub(crate) fn delimiter_of(line: &[u8]) -> u8 {
    const USUAL: [u8; 4] = [b',', b';', b'\t', b'|'];
    let line = line.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let (mut counts, mut quoted) = ([0_usize; 4], false);
    for byte in line {
        quoted ^= *byte == b'"';
        if let Some(place) = USUAL.iter().position(|usual| usual == byte).filter(|_| !quoted) {
            counts[place] += 1;
        }
    }
    let most = counts.iter().max().copied().unwrap_or(0);
    counts.iter().position(|count| *count == most).map_or(b',', |place| USUAL[place])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &[u8], expected: &str) {
        let mut rows = Rows::of(text, b',');
        let mut got = Vec::new();
        loop {
            match rows.next() {
                Ok(None) => break,
                Ok(Some(Row { line, cells: Ok(cells) })) => {
                    let cell = |cell: &Option<String>| cell.as_ref().map_or("-".to_owned(), |text| format!("[{text}]"));
                    got.push(format!("{line}:{}", cells.iter().map(cell).collect::<String>()));
                }
                Ok(Some(Row { line, cells: Err(problem) })) => got.push(format!("{line}:{problem}")),
                Err(error) => {
                    got.push(error.to_string());
                    break;
                }
            }
        }
        assert_eq!(got.join(" | ").replace('\n', "\\n").replace('\r', "\\r"), expected);
    }

    #[test]
    fn rows_have_cells_with_and_without_quotes() {
        check(b"a,b\r\n1,2\r\n", "1:[a][b] | 2:[1][2]");
        check(b"a,b\n1,2", "1:[a][b] | 2:[1][2]");
        check(b"a,,\n\"\",b,\" c \"\n", "1:[a]-- | 2:[][b][ c ]");
        check(b"\"a,\"\"b\"\"\",c\n", "1:[a,\"b\"][c]");
        check(b"\"a\r\nb\",c\n\n \nd,e\n", "1:[a\\r\\nb][c] | 5:[d][e]");
        check(b"", "");
        check(b",\n", "1:--");
    }

    #[test]
    fn wrong_quotes_end_a_row_at_its_line() {
        check(b"a\"b,c\nd,e\n", "1:cell 1: a quote stands in a cell that doesn't begin with one | 2:[d][e]");
        check(b"x,\"a\"b\nd,e\n", "1:cell 2: something follows the quote that ends the cell | 2:[d][e]");
        check(b"a,b\n\"c,d\ne,f\n", "1:[a][b] | line 2: the quote that begins a cell here is never closed");
        check(b"a,\xFC\nb,c\n", "1:cell 2: this is not UTF-8; name the file's encoding with --encoding | 2:[b][c]");
    }

    #[test]
    fn a_row_has_a_limit() {
        let long = vec![b'x'; limits::BODY_BYTES + 1];
        check(&long, "line 1: the row has more than 8388608 bytes; a quote may not be closed");
        let lines = [&b"a\n\""[..], &b"xxxxxxx\n".repeat(limits::BODY_BYTES / 8 + 1)].concat();
        check(&lines, "1:[a] | line 2: the row has more than 8388608 bytes; a quote may not be closed");
    }

    #[test]
    fn the_first_line_shows_the_delimiter() {
        let check =
            |line: &str, expected: char| assert_eq!(char::from(delimiter_of(line.as_bytes())), expected, "{line}");
        check("a,b;c,d", ',');
        check("a;b;c\n1,2,3,4,5", ';');
        check("a\tb", '\t');
        check("\"a,b,c\"|d", '|');
        check("a", ',');
        check("", ',');
    }
}
