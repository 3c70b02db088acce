//! The elements of a JSON array, one after the other, without holding the array.

use std::io::{self, BufRead};

use backstay_base::limits;

/// Reads the elements of an array.
pub(crate) struct Elements<R> {
    reader: R,
    /// The line that is being read, from 1.
    line: u64,
    begun: bool,
    ended: bool,
}

/// Why no further element can be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ElementsError {
    #[error(transparent)]
    Read(#[from] io::Error),
    #[error("line {line}: {problem}")]
    Syntax { line: u64, problem: &'static str },
    #[error("line {line}: the record has more than {} bytes", limits::LINE_BYTES)]
    Long { line: u64 },
}

impl<R: BufRead> Elements<R> {
    /// Of the array that this reads.
    pub(crate) fn of(reader: R) -> Self {
        Self { reader, line: 1, begun: false, ended: false }
    }

    /// The text of the next element, and the line where it begins.
    pub(crate) fn next(&mut self) -> Result<Option<(u64, Vec<u8>)>, ElementsError> {
        if self.ended {
            return Ok(None);
        }
        if !self.begun {
            match self.significant()? {
                Some(b'[') => self.begun = true,
                _ => return Err(self.wrong("expected an array of objects")),
            }
        }
        match self.significant()? {
            Some(b']') => self.end(),
            Some(b',') => Err(self.wrong("a comma without a record before it")),
            Some(first) => self.element(first).map(Some),
            None => Err(self.wrong("the array ends too early; the file is not complete")),
        }
    }

    /// Nothing follows the array.
    fn end(&mut self) -> Result<Option<(u64, Vec<u8>)>, ElementsError> {
        self.ended = true;
        match self.significant()? {
            None => Ok(None),
            Some(_) => Err(self.wrong("something follows the end of the array")),
        }
    }

    /// The element that begins with this byte, up to the comma or bracket after it.
    fn element(&mut self, first: u8) -> Result<(u64, Vec<u8>), ElementsError> {
        let (line, mut text, mut depth, mut quoted, mut escaped) = (self.line, Vec::new(), 0_usize, false, false);
        let mut next = Some(first);
        while let Some(byte) = next {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if quoted => escaped = true,
                b'"' => quoted = !quoted,
                _ if quoted => {}
                b'{' | b'[' => depth += 1,
                b',' if depth == 0 => return Ok((line, text)),
                b']' if depth == 0 => {
                    // The caller finds the end next.
                    return self.end().map(|_| (line, text));
                }
                b'}' | b']' => depth = depth.saturating_sub(1),
                _ => {}
            }
            text.push(byte);
            if text.len() > limits::LINE_BYTES {
                return Err(ElementsError::Long { line });
            }
            next = self.byte()?;
        }
        Err(self.wrong("the array ends too early; the file is not complete"))
    }

    /// The next byte that is not white space.
    fn significant(&mut self) -> Result<Option<u8>, ElementsError> {
        loop {
            match self.byte()? {
                Some(byte) if byte.is_ascii_whitespace() => {}
                other => return Ok(other),
            }
        }
    }

    fn byte(&mut self) -> io::Result<Option<u8>> {
        let byte = self.reader.fill_buf()?.first().copied();
        self.reader.consume(usize::from(byte.is_some()));
        self.line += u64::from(byte == Some(b'\n'));
        Ok(byte)
    }

    fn wrong(&self, problem: &'static str) -> ElementsError {
        ElementsError::Syntax { line: self.line, problem }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let mut elements = Elements::of(text.as_bytes());
        let mut got = Vec::new();
        loop {
            match elements.next() {
                Ok(None) => break,
                Ok(Some((line, text))) => got.push(format!("{line}:{}", String::from_utf8_lossy(&text).trim_end())),
                Err(error) => {
                    got.push(error.to_string());
                    break;
                }
            }
        }
        assert_eq!(got.join(" | "), expected, "{text}");
    }

    #[test]
    fn an_array_is_taken_apart() {
        check("[]", "");
        check(" [ {\"a\": 1} ]\n", "1:{\"a\": 1}");
        check("[{\"a\": [1, 2]},\n{\"b\": \"x,]\\\"}\"}\n]", "1:{\"a\": [1, 2]} | 2:{\"b\": \"x,]\\\"}\"}");
        check("[1,\n\n2]", "1:1 | 3:2");
    }

    #[test]
    fn what_is_no_array_is_refused() {
        check("", "line 1: expected an array of objects");
        check("{}", "line 1: expected an array of objects");
        check("[{}", "line 1: the array ends too early; the file is not complete");
        check("[{},", "1:{} | line 1: the array ends too early; the file is not complete");
        check("[{}]\n[{}]", "line 2: something follows the end of the array");
        check("[,{}]", "line 1: a comma without a record before it");
        check("[{}\n", "line 2: the array ends too early; the file is not complete");
    }
}
