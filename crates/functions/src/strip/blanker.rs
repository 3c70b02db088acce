//! A source in which parts become blanks.

use oxc_ast::ast::PropertyKey;
use oxc_span::{GetSpan, Span};

use super::Wrong;

/// A part of the source that is blanked.
#[derive(Debug)]
struct Edit {
    span: Span,
    /// What is written in the place of its first letter.
    first: Option<char>,
    /// The same of its last one.
    last: Option<char>,
}

pub(super) struct Blanker<'s> {
    source: &'s str,
    edits: Vec<Edit>,
    /// Where statements end that no semicolon ends: what follows would become a part of them without the type.
    open_ends: Vec<u32>,
    wrong: Vec<Wrong>,
}

impl<'s> Blanker<'s> {
    pub(super) fn of(source: &'s str) -> Self {
        Self { source, edits: Vec::new(), open_ends: Vec::new(), wrong: Vec::new() }
    }

    pub(super) fn blank(&mut self, span: Span) {
        self.edits.push(Edit { span, first: None, last: None });
    }

    /// Blanks a statement or a member of a class; the semicolon ends what is before it.
    pub(super) fn blank_whole(&mut self, span: Span) {
        self.edits.push(Edit { span, first: Some(';'), last: None });
    }

    pub(super) fn refuse(&mut self, span: Span, message: &str) {
        self.wrong.push(Wrong { at: span.start as usize, message: message.to_owned() });
    }

    pub(super) fn text(&self, span: Span) -> &str {
        self.source.get(span.start as usize..span.end as usize).unwrap_or_default()
    }

    /// Blanks the first of these characters behind this place, beyond blanks, comments and a closing bracket.
    pub(super) fn blank_mark(&mut self, from: u32, mark: char) {
        let rest = self.source.get(from as usize..).unwrap_or_default();
        let next = tokens(rest).find(|(_, token)| !token.starts_with(']'));
        if let Some((offset, _)) = next.filter(|(_, token)| token.starts_with(mark)) {
            self.blank(Span::sized(from + length(offset), 1));
        }
    }

    /// Blanks a comma behind this place.
    pub(super) fn blank_comma(&mut self, from: u32) {
        self.blank_mark(from, ',');
    }

    /// Blanks those of these words that stand there.
    pub(super) fn blank_words(&mut self, from: u32, to: u32, words: &[&str]) {
        let found: Vec<Span> = tokens(self.text(Span::new(from, to)))
            .filter(|(_, token)| words.contains(token))
            .map(|(offset, token)| Span::sized(from + length(offset), length(token.len())))
            .collect();
        for span in found {
            self.blank(span);
        }
    }

    /// Blanks this, and writes a mark in the place of its last letter.
    pub(super) fn blank_up_to(&mut self, span: Span, last: char) {
        self.edits.push(Edit { span, first: None, last: Some(last) });
    }

    /// Blanks what may be the end of a statement that no semicolon ends.
    pub(super) fn blank_end(&mut self, span: Span) {
        let first = self.open_ends.contains(&span.end).then_some(';');
        self.edits.push(Edit { span, first, last: None });
    }

    pub(super) fn open_end(&mut self, span: Span) {
        if !self.text(span).ends_with(';') {
            self.open_ends.push(span.end);
        }
    }

    pub(super) fn modifiers(&mut self, member: Span, key: &PropertyKey<'_>) {
        const MODIFIERS: &[&str] = &["public", "private", "protected", "readonly", "override", "abstract", "declare"];
        let known = self.edits.len();
        self.blank_words(member.start, key.span().start, MODIFIERS);
        // A member without a semicolon before this one ends here, not in `[…]`.
        if let Some(edit) = self.edits.get_mut(known).filter(|edit| edit.span.start == member.start) {
            edit.first = Some(';');
        }
    }

    /// The source with its blanks, if nothing in it was refused.
    pub(super) fn written(mut self) -> Result<String, Vec<Wrong>> {
        if !self.wrong.is_empty() {
            return Err(self.wrong);
        }
        self.edits.sort_by_key(|edit| edit.span.start);
        let mut code = String::with_capacity(self.source.len());
        let mut done = 0;
        for edit in &self.edits {
            let (start, end) = (edit.span.start as usize, edit.span.end as usize);
            if start < done {
                continue;
            }
            code.push_str(self.source.get(done..start).unwrap_or_default());
            let blanked = self.source.get(start..end).unwrap_or_default();
            let letters = blanked.chars().count();
            for (place, letter) in blanked.chars().enumerate() {
                code.push(match (place, edit.first, edit.last) {
                    (0, Some(first), _) if !is_line_end(letter) => first,
                    (last, _, Some(mark)) if last + 1 == letters => mark,
                    _ if is_line_end(letter) => letter,
                    _ => ' ',
                });
            }
            done = end;
        }
        code.push_str(self.source.get(done..).unwrap_or_default());
        Ok(code)
    }
}

/// A length within a source; `oxc` reads none that is longer.
fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

pub(super) fn is_line_end(letter: char) -> bool {
    matches!(letter, '\n' | '\r' | '\u{2028}' | '\u{2029}')
}

/// Words and marks, each with its offset, without blanks and comments.
fn tokens(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let rest = text.get(at..)?;
            let first = rest.chars().next()?;
            let skipped = if first.is_whitespace() {
                first.len_utf8()
            } else if rest.starts_with("//") {
                rest.find(is_line_end).unwrap_or(rest.len())
            } else if rest.starts_with("/*") {
                rest.find("*/").map_or(rest.len(), |end| end + 2)
            } else {
                let is_word = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == '$';
                let length = match is_word(first) {
                    true => rest.find(|letter| !is_word(letter)).unwrap_or(rest.len()),
                    false => first.len_utf8(),
                };
                let token = (at, rest.get(..length)?);
                at += length;
                return Some(token);
            };
            at += skipped;
        }
    })
}
