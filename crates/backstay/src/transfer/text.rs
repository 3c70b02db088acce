//! The characters of a file, whatever their encoding.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use clap::ValueEnum;

/// How characters are written as bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Encoding {
    /// UTF-8
    #[value(name = "utf-8", alias = "utf8")]
    Utf8,
    /// UTF-16, the lower byte first
    #[value(name = "utf-16le", alias = "utf16le")]
    Utf16Le,
    /// UTF-16, the higher byte first
    #[value(name = "utf-16be", alias = "utf16be")]
    Utf16Be,
    /// Windows-1252, which contains ISO 8859-1 (Latin 1)
    #[value(name = "windows-1252", aliases = ["latin1", "latin-1", "iso-8859-1", "cp1252"])]
    Windows1252,
}

impl Encoding {
    /// Its name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Utf16Le => "UTF-16LE",
            Self::Utf16Be => "UTF-16BE",
            Self::Windows1252 => "Windows-1252",
        }
    }

    /// The encoding that the first bytes of a file show, and how many of them are a byte-order mark.
    fn of_start(start: &[u8]) -> (Self, usize) {
        match start {
            [0xEF, 0xBB, 0xBF, ..] => (Self::Utf8, 3),
            [0xFF, 0xFE, ..] => (Self::Utf16Le, 2),
            [0xFE, 0xFF, ..] => (Self::Utf16Be, 2),
            // Every format begins with a character of ASCII, or with one of its own language.
            [first, 0, ..] if *first != 0 => (Self::Utf16Le, 0),
            [0, first, ..] if *first != 0 => (Self::Utf16Be, 0),
            _ => (Self::Utf8, 0),
        }
    }
}

/// How many bytes of a file were read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Consumed(Arc<AtomicU64>);

impl Consumed {
    /// So many.
    pub(crate) fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

struct Counting {
    file: File,
    consumed: Consumed,
}

impl Read for Counting {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(into)?;
        self.consumed.0.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// A file as UTF-8 without a byte-order mark.
pub(crate) struct Text {
    /// The encoding of the file.
    pub(crate) encoding: Encoding,
    /// How much of the file was read.
    pub(crate) consumed: Consumed,
    /// What reads it.
    pub(crate) reader: Box<dyn Read + Send>,
}

impl Text {
    /// Opens a file; without an encoding, its start shows it.
    pub(crate) fn open(path: &Path, given: Option<Encoding>) -> io::Result<Self> {
        let consumed = Consumed::default();
        let mut bytes =
            BufReader::with_capacity(1 << 16, Counting { file: File::open(path)?, consumed: consumed.clone() });
        let (found, mark) = Encoding::of_start(bytes.fill_buf()?);
        let encoding = given.unwrap_or(found);
        bytes.consume(if encoding == found { mark } else { 0 });
        let reader: Box<dyn Read + Send> = match encoding {
            Encoding::Utf8 => Box::new(bytes),
            other => Box::new(Transcoder { bytes, from: other, high: None, ready: Vec::new(), given: 0 }),
        };
        Ok(Self { encoding, consumed, reader })
    }
}

/// Turns another encoding into UTF-8.
struct Transcoder<R> {
    bytes: R,
    from: Encoding,
    /// The first half of a surrogate pair.
    high: Option<u16>,
    ready: Vec<u8>,
    /// How many of the ready bytes were given away.
    given: usize,
}

impl<R: BufRead> Transcoder<R> {
    fn refill(&mut self) -> io::Result<()> {
        self.ready.clear();
        self.given = 0;
        while self.ready.len() < 1 << 13 {
            let next = match self.from {
                Encoding::Utf8 => None,
                Encoding::Windows1252 => self.byte()?.map(of_windows),
                Encoding::Utf16Le | Encoding::Utf16Be => self.of_units()?,
            };
            let Some(next) = next else { break };
            self.ready.extend_from_slice(next.encode_utf8(&mut [0; 4]).as_bytes());
        }
        Ok(())
    }

    fn byte(&mut self) -> io::Result<Option<u8>> {
        let byte = self.bytes.fill_buf()?.first().copied();
        self.bytes.consume(usize::from(byte.is_some()));
        Ok(byte)
    }

    fn unit(&mut self) -> io::Result<Option<u16>> {
        let Some(first) = self.byte()? else { return Ok(None) };
        let second = self.byte()?.ok_or_else(|| invalid("the file ends within a character of UTF-16"))?;
        Ok(Some(if self.from == Encoding::Utf16Le {
            u16::from_le_bytes([first, second])
        } else {
            u16::from_be_bytes([first, second])
        }))
    }

    fn of_units(&mut self) -> io::Result<Option<char>> {
        const HALF: &str = "the file has half of a surrogate pair, which no character of UTF-16 is";
        loop {
            let unit = self.unit()?;
            let units = match (self.high.take(), unit) {
                (None, None) => return Ok(None),
                (Some(_), None) => return Err(invalid(HALF)),
                (None, Some(high @ 0xD800..=0xDBFF)) => {
                    self.high = Some(high);
                    continue;
                }
                (None, Some(unit)) => vec![unit],
                (Some(high), Some(low)) => vec![high, low],
            };
            return match char::decode_utf16(units).next() {
                Some(Ok(character)) => Ok(Some(character)),
                Some(Err(_)) | None => Err(invalid(HALF)),
            };
        }
    }
}

impl<R: BufRead> Read for Transcoder<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.given == self.ready.len() {
            self.refill()?;
        }
        let taken = into.len().min(self.ready.len() - self.given);
        into[..taken].copy_from_slice(&self.ready[self.given..self.given + taken]);
        self.given += taken;
        Ok(taken)
    }
}

fn invalid(words: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, words.to_owned())
}

/// The character that a byte is in Windows-1252 (WHATWG Encoding Standard, index windows-1252).
fn of_windows(byte: u8) -> char {
    const FROM_80: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8D}', 'Ž', '\u{8F}', '\u{90}', '‘',
        '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9D}', 'ž', 'Ÿ',
    ];
    match byte {
        0x80..=0x9F => FROM_80[usize::from(byte - 0x80)],
        byte => char::from(byte),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], given: Option<Encoding>, expected: &str) {
        let place = tempfile::tempdir().expect("a temporary directory");
        let path = place.path().join("file");
        std::fs::write(&path, bytes).expect("a file");
        let mut text = Text::open(&path, given).expect("opens");
        let mut read = String::new();
        let got = match text.reader.read_to_string(&mut read) {
            Ok(_) => format!("{}: {read}", text.encoding.name()),
            Err(error) => error.to_string(),
        };
        assert_eq!(got, expected);
    }

    fn utf16(text: &str, mark: bool, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        let units = mark.then_some(0xFEFF).into_iter().chain(text.encode_utf16());
        units.flat_map(bytes).collect()
    }

    #[test]
    fn the_start_of_a_file_shows_its_encoding() {
        check("a,ü".as_bytes(), None, "UTF-8: a,ü");
        check("\u{FEFF}a,ü".as_bytes(), None, "UTF-8: a,ü");
        check(&utf16("a,ü,🦀", true, u16::to_le_bytes), None, "UTF-16LE: a,ü,🦀");
        check(&utf16("a,ü,🦀", true, u16::to_be_bytes), None, "UTF-16BE: a,ü,🦀");
        check(&utf16("a,ü", false, u16::to_le_bytes), None, "UTF-16LE: a,ü");
        check(b"", None, "UTF-8: ");
        check(b"a,\xFC,\x80", Some(Encoding::Windows1252), "Windows-1252: a,ü,€");
        let long = "ü🦀".repeat(20_000);
        check(&utf16(&long, true, u16::to_le_bytes), None, &format!("UTF-16LE: {long}"));
    }

    #[test]
    fn what_is_no_character_is_an_error() {
        check(b"\xFF\xFEa\0b", None, "the file ends within a character of UTF-16");
        let half = "the file has half of a surrogate pair, which no character of UTF-16 is";
        check(b"\xFF\xFEa\0\x00\xD8", None, half);
        check(b"\xFF\xFEa\0\x00\xD8b\0", None, half);
    }
}
