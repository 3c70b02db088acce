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

/// The text of a rule, where it stands, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleText {
    /// The expression.
    pub text: Arc<str>,
    /// The whole string literal, quotes included: `SourceMap::within` finds the place of a part of the text.
    pub span: Span,
    /// Who wrote it: the names in it are those that this owner gives.
    pub owner: OwnerName,
}

/// A rule wherever it stands: two that are equal have one meaning in one collection of one model.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Wording {
    owner: OwnerName,
    text: Arc<str>,
}

impl RuleText {
    /// The rule without its place.
    pub fn wording(&self) -> Wording {
        Wording { owner: self.owner.clone(), text: Arc::clone(&self.text) }
    }
}

/// An owner by name, for what outlasts the files.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OwnerName {
    /// The application.
    Application,
    /// The pack of this name.
    Pack(Arc<str>),
    /// Backstay.
    System,
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

impl From<Owner<'_>> for OwnerName {
    fn from(owner: Owner<'_>) -> Self {
        match owner {
            Owner::Application => Self::Application,
            Owner::Pack(name) => Self::Pack(name.into()),
            Owner::System => Self::System,
        }
    }
}

impl fmt::Display for OwnerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let owner = match self {
            Self::Application => Owner::Application,
            Self::Pack(name) => Owner::Pack(name),
            Self::System => Owner::System,
        };
        owner.fmt(f)
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
        let span = rule.span;
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
