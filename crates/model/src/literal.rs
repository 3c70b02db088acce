use std::ops::Range;

/// Where a text first nests its brackets deeper than this many levels; those in strings and comments do not count.
pub(crate) fn too_deep(text: &str, most: usize) -> Option<usize> {
    let (mut at, mut depth) = (0, 0_usize);
    while let Some(byte) = text.as_bytes().get(at) {
        match byte {
            b'"' => at += length(&text[at..]).saturating_sub(1),
            b'#' => at += text[at..].find(['\n', '\r']).unwrap_or(text.len() - at),
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > most {
            return Some(at);
        }
        at += 1;
    }
    None
}

/// A string literal of GraphQL (October 2021, section 2.9.4) with the way back from its value to its text.
pub(crate) struct Literal {
    /// For each byte of the value, where the text that stands for its character begins and ends.
    places: Vec<(u32, u32)>,
    /// Where the value ends in the text: before the closing quotes.
    end: u32,
    #[cfg(test)]
    value: String,
}

impl Literal {
    /// Reads the literal from its text, quotes included.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut builder = Builder::default();
        let end = if let Some(rest) = text.strip_prefix("\"\"\"") {
            let raw = rest.strip_suffix("\"\"\"")?;
            builder.block(raw, 3)?;
            text.len() - 3
        } else {
            let raw = text.strip_prefix('"')?.strip_suffix('"')?;
            builder.simple(raw, 1)?;
            text.len() - 1
        };
        Some(Self {
            places: builder.places,
            end: u32::try_from(end).ok()?,
            #[cfg(test)]
            value: builder.value,
        })
    }

    /// Where in the text of the literal a range of the value stands.
    pub(crate) fn source_range(&self, value: Range<usize>) -> Range<u32> {
        let start = self.places.get(value.start).map_or(self.end, |place| place.0);
        let last = value.end.checked_sub(1).filter(|last| *last >= value.start);
        let end = last.map_or(start, |last| self.places.get(last).map_or(self.end, |place| place.1));
        start..end.max(start)
    }
}

/// Bytes of the string literal that a text begins with, quotes included.
pub(crate) fn length(text: &str) -> usize {
    let block = text.starts_with("\"\"\"");
    let (quotes, escaped) = if block { ("\"\"\"", "\\\"\"\"") } else { ("\"", "\\") };
    let mut at = quotes.len();
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with(quotes) {
            at += quotes.len();
            break;
        }
        at += match rest.strip_prefix(escaped) {
            Some(_) if block => escaped.len(),
            // Of a simple string the escape is the backslash with whatever follows it.
            Some(after) => 1 + after.chars().next().map_or(0, char::len_utf8),
            None => rest.chars().next().map_or(1, char::len_utf8),
        };
    }
    at.min(text.len())
}

#[derive(Default)]
struct Builder {
    value: String,
    places: Vec<(u32, u32)>,
}

impl Builder {
    fn push(&mut self, character: char, offset: usize, length: usize) -> Option<()> {
        let place = (u32::try_from(offset).ok()?, u32::try_from(offset + length).ok()?);
        // The bytes of one character all lead to the whole of it: an escape has no part that stands for a single byte.
        self.places.extend(std::iter::repeat_n(place, character.len_utf8()));
        self.value.push(character);
        Some(())
    }

    fn simple(&mut self, raw: &str, base: usize) -> Option<()> {
        let mut at = 0;
        while let Some(character) = raw[at..].chars().next() {
            let (decoded, length) =
                if character == '\\' { escape(&raw[at + 1..])? } else { (character, character.len_utf8()) };
            let length = if character == '\\' { length + 1 } else { length };
            self.push(decoded, base + at, length)?;
            at += length;
        }
        Some(())
    }

    /// `BlockStringValue` (October 2021, section 2.9.4), keeping the place of each character.
    fn block(&mut self, raw: &str, base: usize) -> Option<()> {
        let lines = lines(raw);
        let blank = |line: &str| line.chars().all(is_indent);
        let indent_of = |line: &str| line.chars().take_while(|c| is_indent(*c)).count();
        let common = lines.iter().skip(1).filter(|(_, line)| !blank(line)).map(|(_, line)| indent_of(line)).min();
        let first = lines.iter().position(|(_, line)| !blank(line)).unwrap_or(lines.len());
        let last = lines.iter().rposition(|(_, line)| !blank(line)).map_or(first, |last| last + 1);
        for (number, (start, line)) in lines.iter().enumerate().take(last).skip(first) {
            if number > first {
                self.push('\n', base + start.saturating_sub(1), 1)?;
            }
            // Without a line that has an indentation, nothing is cut.
            let cut = if number == 0 { 0 } else { common.unwrap_or(0).min(line.len()) };
            let mut at = cut;
            while let Some(character) = line[at..].chars().next() {
                if line[at..].starts_with("\\\"\"\"") {
                    for quote in 0..3 {
                        self.push('"', base + start + at + 1 + quote, 1)?;
                    }
                    at += 4;
                } else {
                    self.push(character, base + start + at, character.len_utf8())?;
                    at += character.len_utf8();
                }
            }
        }
        Some(())
    }
}

fn is_indent(character: char) -> bool {
    matches!(character, ' ' | '\t')
}

/// Lines with where they start; `\r\n`, `\n` and `\r` end one.
fn lines(raw: &str) -> Vec<(usize, &str)> {
    let bytes = raw.as_bytes();
    let (mut lines, mut start, mut at) = (Vec::new(), 0, 0);
    while at < bytes.len() {
        if matches!(bytes[at], b'\r' | b'\n') {
            lines.push((start, &raw[start..at]));
            at += usize::from(bytes[at] == b'\r' && bytes.get(at + 1) == Some(&b'\n'));
            start = at + 1;
        }
        at += 1;
    }
    lines.push((start, &raw[start..]));
    lines
}

/// The character that an escape stands for, and the length of what follows the backslash.
fn escape(rest: &str) -> Option<(char, usize)> {
    let simple = match rest.as_bytes().first()? {
        b'"' => '"',
        b'\\' => '\\',
        b'/' => '/',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return unicode(rest),
        _ => return None,
    };
    Some((simple, 1))
}

fn unicode(rest: &str) -> Option<(char, usize)> {
    let hex = |digits: &str| u32::from_str_radix(digits, 16).ok();
    if let Some(braced) = rest.strip_prefix("u{") {
        let length = braced.find('}')?;
        return Some((char::from_u32(hex(&braced[..length])?)?, length + 3));
    }
    let first = hex(rest.get(1..5)?)?;
    if !(0xD800..0xDC00).contains(&first) {
        return Some((char::from_u32(first)?, 5));
    }
    let second = hex(rest.get(5..)?.strip_prefix("\\u")?.get(..4)?)?;
    let combined = 0x1_0000 + ((first - 0xD800) << 10) + second.checked_sub(0xDC00)?;
    Some((char::from_u32(combined)?, 11))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_compiler_reads() {
        for text in [
            r#""""#,
            r#""plain""#,
            r#""say \"hi\" \\ \/ \n\t é \u00e9 \u{1F600} \ud83d\ude00""#,
            "\"\"\"\"\"\"",
            "\"\"\"one line\"\"\"",
            "\"\"\"\n    first\n      second \\\"\"\" quoted\n\n    third é\n    \"\"\"",
            "\"\"\"  lead\r\n   a\r   b\n\"\"\"",
            "\"\"\"\n  \n\"\"\"",
        ] {
            let document = format!("type A @d(a: {text}) {{ b: C }}");
            let parsed = apollo_compiler::ast::Document::parse(document, "t").expect("parses");
            let value =
                &parsed.definitions[0].as_object_type_definition().expect("a type").directives[0].arguments[0].value;
            let literal = Literal::parse(text).expect("a literal");
            assert_eq!(Some(literal.value.as_str()), value.as_str(), "{text}");
            assert_eq!(literal.places.len(), literal.value.len());
        }
    }

    #[test]
    fn ends_where_the_literal_ends() {
        let block = "\"\"\"a \\\"\"\" \" b\"\"\"";
        for text in [r#""""#, r#""a \\""#, r#""a \" b""#, block, "\"é\""] {
            assert_eq!(length(&format!("{text} # \" \"\"\"")), text.len(), "{text}");
        }
    }

    #[test]
    fn leads_back_to_the_text() {
        let check = |text: &str, needle: &str, expected: &str| {
            let literal = Literal::parse(text).expect("a literal");
            let at = literal.value.find(needle).expect("the value has it");
            let start = literal.source_range(at..at + 1).start as usize;
            assert!(text[start..].starts_with(expected), "{text}: {}", &text[start..]);
        };
        check(r#""a == \"x\" && b""#, "\"x", "\\\"x");
        check(r#""\u00e9 == bad""#, "bad", "bad");
        check(r#""\ud83d\ude00 == bad""#, "bad", "bad");
        check("\"\"\"\n    a &&\n      bad\n\"\"\"", "bad", "bad");
        check("\"\"\"\n    a \\\"\"\" bad\n\"\"\"", "bad", "bad");
        assert_eq!(Literal::parse(r#""ab""#).expect("a literal").source_range(9..12), 3..3);
    }
}
