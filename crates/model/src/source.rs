use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::literal::Literal;

/// Changes when the same texts would make another model, so that a snapshot made by an older Backstay is compared anew.
const FORMAT: u32 = 1;

/// A place in a model file: bytes from `start` up to `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Span {
    /// Index of the file in its `SourceMap`.
    pub file: u16,
    /// First byte.
    pub start: u32,
    /// The byte after the last.
    pub end: u32,
}

/// The text of a rule and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleText {
    /// The expression.
    pub text: Arc<str>,
    /// The whole string literal, quotes included: `SourceMap::within` finds the place of a part of the text. Of a rule
    /// that several literals make, the last one.
    pub span: Span,
    /// The literals that make it, if there are several.
    pub parts: Vec<RulePart>,
}

/// One of several literals that make a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RulePart {
    /// Where its text is in the text of the rule, in bytes.
    pub at: Range<usize>,
    /// The whole literal, quotes included.
    pub span: Span,
}

impl RuleText {
    /// A rule that one literal makes.
    pub(crate) fn new(text: impl Into<Arc<str>>, span: Span) -> Self {
        Self { text: text.into(), span, parts: Vec::new() }
    }

    /// The rule that is true where this one and another one are.
    pub(crate) fn and(&self, other: &Self) -> Self {
        let always = |rule: &Self| rule.text.trim() == "true";
        if always(self) || self.text.trim() == other.text.trim() {
            return other.clone();
        }
        if always(other) {
            return self.clone();
        }
        let mut both = Self::new("", other.span);
        let mut text = String::new();
        for (rule, join) in [(self, ""), (other, " && ")] {
            // What binds less than `&&`.
            let is_loose = rule.text.contains("||") || rule.text.contains('?');
            text.push_str(join);
            text.push_str(if is_loose { "(" } else { "" });
            let start = text.len();
            text.push_str(&rule.text);
            both.parts.extend(rule.moved_parts(start));
            // A comment goes on to the end of its line.
            text.push_str(if rule.text.contains("//") { "\n" } else { "" });
            text.push_str(if is_loose { ")" } else { "" });
        }
        both.text = text.into();
        both
    }

    /// The literals that make it, where its text begins at this byte of another one.
    fn moved_parts(&self, start: usize) -> Vec<RulePart> {
        let moved = |part: &RulePart| RulePart { at: part.at.start + start..part.at.end + start, span: part.span };
        match self.parts.as_slice() {
            [] => vec![RulePart { at: start..start + self.text.len(), span: self.span }],
            parts => parts.iter().map(moved).collect(),
        }
    }

    /// Whether its brackets and quotes close, so that it stays one expression as a part of another. Reads texts and
    /// comments as the expressions' own parser does.
    pub(crate) fn is_closed(&self) -> bool {
        let (mut open, mut at) = (Vec::new(), 0);
        while let Some(c) = self.text[at..].chars().next() {
            match c {
                '\'' | '"' => match self.text_end(at, c) {
                    Some(end) => {
                        at = end;
                        continue;
                    }
                    None => return false,
                },
                '/' if self.text[at..].starts_with("//") => {
                    at = self.text[at..].find('\n').map_or(self.text.len(), |line| at + line);
                    continue;
                }
                '(' => open.push(')'),
                '[' => open.push(']'),
                '{' => open.push('}'),
                ')' | ']' | '}' if open.pop() != Some(c) => return false,
                _ => {}
            }
            at += c.len_utf8();
        }
        open.is_empty()
    }

    /// Where the text ends whose first quote is at this byte; `None` if it doesn't.
    fn text_end(&self, at: usize, quote: char) -> Option<usize> {
        let before = &self.text[..at];
        let word = before.trim_end_matches(|c: char| c.is_ascii_alphanumeric() || c == '_');
        // A backslash has no meaning in a text such as r'\d'.
        let is_raw = matches!(&before[word.len()..], "r" | "R" | "rb" | "rB" | "Rb" | "RB" | "br" | "bR" | "Br" | "BR");
        let three = quote.to_string().repeat(3);
        let closing = if self.text[at..].starts_with(&three) { &three } else { &three[..1] };
        let mut end = at + closing.len();
        loop {
            let rest = &self.text[end..];
            if rest.starts_with(closing) {
                return Some(end + closing.len());
            }
            let mut chars = rest.chars();
            let escapes = chars.next()? == '\\' && !is_raw;
            if escapes {
                chars.next();
            }
            end = self.text.len() - chars.as_str().len();
        }
    }
}

/// A place as people count it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

/// The texts of a model's files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceMap {
    /// In the order in which they were loaded: the application's by name, then those of the system model by name.
    pub files: Vec<SourceFile>,
}

/// One model file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Name for messages, such as `model/post.graphql`.
    pub name: String,
    /// Its whole text.
    pub text: Arc<str>,
    /// Whether it is part of the system model that ships with Backstay.
    pub system: bool,
}

/// Whose a part of a model is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Owner<'s> {
    /// The application's.
    Application,
    /// That of the pack of this name.
    Pack(&'s str),
    /// Backstay's own.
    System,
}

impl fmt::Display for Owner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Application => f.write_str("the application"),
            Self::Pack(name) => write!(f, "the pack `{name}`"),
            Self::System => f.write_str("Backstay"),
        }
    }
}

/// What the names of the files of packs begin with: `packs/comments/comment.graphql`.
const PACKS: &str = "packs/";

impl SourceFile {
    /// Whose file it is. The files of a pack are known by their names.
    pub fn owner(&self) -> Owner<'_> {
        if self.system {
            return Owner::System;
        }
        let of_pack = self.name.strip_prefix(PACKS).and_then(|rest| rest.split_once('/'));
        of_pack.map_or(Owner::Application, |(pack, _)| Owner::Pack(pack))
    }

    /// A file of the application.
    pub fn app(name: impl Into<String>, text: impl Into<Arc<str>>) -> Self {
        Self { name: name.into(), text: text.into(), system: false }
    }

    /// A file of the system model.
    pub fn system(name: impl Into<String>, text: impl Into<Arc<str>>) -> Self {
        Self { name: name.into(), text: text.into(), system: true }
    }
}

impl SourceMap {
    /// The files in the order in which they are loaded, whatever order a directory listing gave them in.
    pub fn new(mut files: Vec<SourceFile>) -> Self {
        files.sort_by(|a, b| (a.system, &a.name).cmp(&(b.system, &b.name)));
        Self { files }
    }

    /// The file that a span is in.
    pub fn file(&self, span: Span) -> Option<&SourceFile> {
        self.files.get(usize::from(span.file))
    }

    /// The text that a span covers; empty where the span is not of these files.
    pub fn text(&self, span: Span) -> &str {
        let range = span.start as usize..span.end as usize;
        self.file(span).and_then(|file| file.text.get(range)).unwrap_or_default()
    }

    /// The text of the file before a span.
    pub(crate) fn before(&self, span: Span) -> Option<&str> {
        self.file(span).and_then(|file| file.text.get(..span.start as usize))
    }

    /// Line and column of the first byte of a span, and of the byte after its last.
    pub fn positions(&self, span: Span) -> Range<Position> {
        let text = self.file(span).map_or("", |file| &*file.text);
        position(text, span.start)..position(text, span.end)
    }

    /// Where a part of a rule stands in its file. The range is in bytes of the rule's text, as the expression's spans
    /// are; escapes (`\"`, `\u00e9`) and the stripped indentation of a block string are counted back in.
    pub fn within(&self, rule: &RuleText, range: Range<usize>) -> Span {
        let holds = |part: &&RulePart| part.at.start <= range.start && range.end <= part.at.end;
        let (span, range) = match rule.parts.iter().find(holds) {
            Some(part) => (part.span, range.start - part.at.start..range.end - part.at.start),
            // It reaches over several literals.
            None if !rule.parts.is_empty() => return rule.span,
            None => (rule.span, range),
        };
        let Some(literal) = Literal::parse(self.text(span)) else { return span };
        let place = literal.source_range(range);
        let moved = |offset: u32| span.start.saturating_add(offset);
        Span { file: span.file, start: moved(place.start), end: moved(place.end) }
    }

    /// Bytes that are the same for two sets of files exactly where they have the same names and texts. The store hashes
    /// them to see whether a model has changed.
    pub fn fingerprint_input(&self) -> Vec<u8> {
        let mut bytes = FORMAT.to_le_bytes().to_vec();
        for file in &self.files {
            bytes.push(u8::from(file.system));
            for part in [file.name.as_bytes(), file.text.as_bytes()] {
                bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
                bytes.extend_from_slice(part);
            }
        }
        bytes
    }
}

fn position(text: &str, offset: u32) -> Position {
    let before = &text[..floor_boundary(text, offset as usize)];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let column = before[line_start..].chars().count() + 1;
    let counted = |count: usize| u32::try_from(count).expect("a count up to an offset of 32 bits fits 32 bits");
    Position { line: counted(line), column: counted(column) }
}

fn floor_boundary(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}
