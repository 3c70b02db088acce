use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use backstay_base::limits;
use sha2::{Digest, Sha256};

/// The lines of a file, with the digest of everything read so far.
pub(crate) struct Lines {
    reader: BufReader<Box<dyn Read + Send>>,
    /// Before the next line.
    mark: Mark,
    /// Before the line that was read last.
    before: Mark,
    buffer: Vec<u8>,
}

/// A position in a file with the digest of everything before it, which can go on from here.
#[derive(Debug, Clone, Default)]
pub(crate) struct Mark {
    pub(crate) at: Position,
    digest: Sha256,
}

impl Mark {
    /// The mark as it is stored.
    pub(crate) fn progress(&self) -> Progress {
        Progress { at: self.at, digest: hexadecimal(&self.digest.clone().finalize()) }
    }
}

/// A position, and the SHA-256 of everything before it in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Progress {
    pub(crate) at: Position,
    pub(crate) digest: String,
}

/// A position in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Position {
    /// The number of lines before it.
    pub(crate) line: u64,
    /// The number of bytes before it.
    pub(crate) byte: u64,
}

/// A line that is not blank.
pub(crate) struct Line<'a> {
    /// Its number, from 1.
    pub(crate) number: u64,
    /// Where it starts.
    pub(crate) offset: u64,
    /// Its text.
    pub(crate) text: &'a [u8],
}

impl Lines {
    /// From the start.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self::of(Box::new(File::open(path)?)))
    }

    /// Of what this reads.
    pub(crate) fn of(reader: Box<dyn Read + Send>) -> Self {
        let reader = BufReader::with_capacity(1 << 18, reader);
        Self { reader, mark: Mark::default(), before: Mark::default(), buffer: Vec::new() }
    }

    /// Skips to a position from an earlier load. Returns the digest of what lies before it.
    pub(crate) fn skip(&mut self, to: Position) -> io::Result<String> {
        let mut rest = to.byte;
        while rest > 0 {
            let chunk = self.reader.fill_buf()?;
            if chunk.is_empty() {
                break;
            }
            let taken = usize::try_from(rest).map_or(chunk.len(), |rest| rest.min(chunk.len()));
            self.mark.digest.update(&chunk[..taken]);
            self.reader.consume(taken);
            rest -= taken as u64;
        }
        self.mark.at = to;
        Ok(self.mark.progress().digest)
    }

    /// Before the next line.
    pub(crate) fn mark(&self) -> &Mark {
        &self.mark
    }

    /// Before the line that was read last.
    pub(crate) fn before(&self) -> &Mark {
        &self.before
    }

    /// The next line that is not blank.
    pub(crate) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        loop {
            self.before = self.mark.clone();
            self.buffer.clear();
            let offset = self.mark.at.byte;
            let most = limits::LINE_BYTES as u64 + 1;
            let read = self.reader.by_ref().take(most).read_until(b'\n', &mut self.buffer)?;
            if read == 0 {
                return Ok(None);
            }
            if read as u64 == most {
                let (line, most) = (self.mark.at.line + 1, limits::LINE_BYTES);
                let words = format!("line {line} has more than {most} bytes");
                return Err(io::Error::new(io::ErrorKind::FileTooLarge, words));
            }
            self.mark.digest.update(&self.buffer);
            self.mark.at = Position { line: self.mark.at.line + 1, byte: offset + read as u64 };
            if !record(&self.buffer).is_empty() {
                break;
            }
        }
        let text = record(&self.buffer);
        let offset = self.mark.at.byte - self.buffer.len() as u64;
        Ok(Some(Line { number: self.mark.at.line, offset, text }))
    }
}

/// The line that starts at this byte.
pub(crate) fn line_at(path: &Path, offset: u64) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(offset))?;
    let mut line = Vec::new();
    BufReader::new(file).take(limits::LINE_BYTES as u64).read_until(b'\n', &mut line)?;
    Ok(record(&line).to_vec())
}

/// The text of a line without white space around it and without a byte-order mark.
fn record(line: &[u8]) -> &[u8] {
    let line = line.trim_ascii();
    line.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(line).trim_ascii()
}

pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_left_and_taken_up_again() {
        let place = tempfile::tempdir().expect("a temporary directory");
        let path = place.path().join("A.jsonl");
        std::fs::write(&path, "\u{FEFF}one\n\n  two \r\nthree").expect("a file");
        let mut whole = Lines::open(&path).expect("opens");
        let mut seen = Vec::new();
        let mut left = Progress::default();
        while let Some(line) = whole.next().expect("reads") {
            seen.push((line.number, line.offset, String::from_utf8_lossy(line.text).into_owned()));
            if seen.len() == 2 {
                left = whole.mark().progress();
            }
        }
        let text = |text: &str| text.to_owned();
        assert_eq!(seen, [(1, 0, text("one")), (3, 8, text("two")), (4, 16, text("three"))]);

        let mut rest = Lines::open(&path).expect("opens");
        assert_eq!(rest.skip(left.at).expect("skips"), left.digest);
        assert_eq!(rest.next().expect("reads").map(|line| line.number), Some(4));
        assert_eq!(rest.before().progress(), left);
        assert_eq!(rest.mark().progress(), whole.mark().progress());
        assert_eq!(line_at(&path, 8).expect("reads"), b"two");
    }
}
