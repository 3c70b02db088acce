//! `# lint-ignore CODE (reason)`: comments in a model that say that something a lint warns of is meant to be so.

use std::ops::RangeInclusive;
use std::sync::Arc;

use crate::names::suggestion;
use crate::source::{SourceFile, Span};
use crate::syntax::{Token, comments, tokens};
use crate::{Diagnostic, Diagnostics, Lint, SourceMap};

/// What such a comment begins with, after the `#`.
const WORD: &str = "lint-ignore";

impl Diagnostics {
    /// Without the warnings that comments in the model ignore, and with a warning about each comment that ignores
    /// nothing. Ordered; those past the limit are counted. Call it once, with all warnings of the model.
    #[must_use]
    pub fn without_ignored(self) -> Self {
        let sources = Arc::clone(self.sources());
        let (mut kept, ignores) = self.split(&sources);
        kept.extend(ignores.iter().filter_map(Ignore::mistake));
        kept.sorted()
    }

    /// The diagnostics of a model that is refused, without the warnings that comments ignore. Whether a comment ignores
    /// nothing can't be told from some of the warnings.
    pub(crate) fn refused(self) -> Self {
        let sources = Arc::clone(self.sources());
        self.split(&sources).0.sorted()
    }

    /// What no comment ignores, and the comments.
    fn split(self, sources: &SourceMap) -> (Self, Vec<Ignore<'_>>) {
        let files: Vec<Lines<'_>> = sources.files.iter().map(|file| Lines::of(&file.text)).collect();
        let mut ignores = ignores(sources, &files);
        let mut kept = Self::new(Arc::clone(self.sources()));
        kept.extend(self.iter().filter(|diagnostic| !is_ignored(diagnostic, &files, &mut ignores)).cloned());
        (kept, ignores)
    }
}

fn is_ignored(diagnostic: &Diagnostic, files: &[Lines<'_>], ignores: &mut [Ignore<'_>]) -> bool {
    let (Some(lint), Some(span)) = (diagnostic.lint, diagnostic.span) else { return false };
    let Some(file) = files.get(usize::from(span.file)).filter(|_| lint.can_be_ignored()) else { return false };
    let lines = file.of_token_at(span.start as usize);
    let applies = |ignore: &Ignore<'_>| {
        ignore.code == lint.code() && ignore.span.file == span.file && lines.contains(&ignore.line)
    };
    let mut found = false;
    for ignore in ignores.iter_mut().filter(|ignore| applies(ignore)) {
        ignore.used = true;
        found = true;
    }
    found
}

/// One code in a comment.
struct Ignore<'t> {
    code: &'t str,
    span: Span,
    /// The line that it is for, counted from 0.
    line: usize,
    used: bool,
}

impl Ignore<'_> {
    /// What is wrong with it.
    fn mistake(&self) -> Option<Diagnostic> {
        if self.code.is_empty() {
            let diagnostic = Diagnostic::warning(Lint::UnknownLint, format!("`{WORD}` names no lint"));
            let help = format!("write the code of a warning: `# {WORD} open-write (why it is meant)`");
            return Some(diagnostic.at(self.span, "ignores nothing").help(help));
        }
        let Some(lint) = Lint::with_code(self.code).filter(|lint| lint.can_be_ignored()) else {
            let known = Lint::ALL.into_iter().filter(|lint| lint.can_be_ignored()).map(Lint::code);
            let message = match Lint::with_code(self.code) {
                Some(lint) => format!("`{lint}` cannot be ignored"),
                None => format!("there is no lint `{}`", self.code),
            };
            let help = match Lint::with_code(self.code) {
                Some(_) => "correct the comment that it is about".to_owned(),
                None => {
                    format!("{}; put a reason in brackets: `# {WORD} open-write (why)`", suggestion(self.code, known))
                }
            };
            return Some(Diagnostic::warning(Lint::UnknownLint, message).at(self.span, "not a lint").help(help));
        };
        if self.used {
            return None;
        }
        let message = format!("there is no `{lint}` to ignore here");
        let help = "remove the comment, or move it to the line of the warning or the one above";
        Some(Diagnostic::warning(Lint::UnusedIgnore, message).at(self.span, "ignores nothing").help(help))
    }
}

/// Every code in the comments of the application's files.
fn ignores<'t>(sources: &'t SourceMap, files: &[Lines<'t>]) -> Vec<Ignore<'t>> {
    let mut found = Vec::new();
    for ((file, lines), number) in sources.files.iter().zip(files).zip(0_u16..) {
        if !file.system {
            found.extend(comments(&file.text).into_iter().flat_map(|comment| codes(file, number, lines, comment)));
        }
    }
    found
}

/// The codes in one comment; a single empty one if it names none.
fn codes<'t>(file: &'t SourceFile, number: u16, lines: &Lines<'_>, comment: Token<'t>) -> Vec<Ignore<'t>> {
    let rest = comment.text.trim_start_matches('#').trim_start();
    let Some(rest) =
        rest.strip_prefix(WORD).filter(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '-'))
    else {
        return Vec::new();
    };
    let line = lines.after_comment(&file.text, comment);
    let ignore = |code: &'t str, start: usize| {
        let place = |at: usize| u32::try_from(at).expect("a model file is at most `limits::MODEL_FILE_BYTES` long");
        let span = Span { file: number, start: place(start), end: place(start + code.len().max(1)) };
        Ignore { code, span, line, used: false }
    };
    let list = rest.split('(').next().unwrap_or_default().trim_start_matches(':');
    let mut at = comment.end - rest.len() + (rest.split('(').next().unwrap_or_default().len() - list.len());
    let mut found = Vec::new();
    for word in list.split(|c: char| c == ',' || c.is_whitespace()) {
        if !word.is_empty() {
            found.push(ignore(word, at));
        }
        at += word.len() + 1;
    }
    if found.is_empty() {
        found.push(Ignore { code: "", ..ignore(comment.text, comment.start) });
    }
    found
}

/// Where lines and tokens of a file begin.
struct Lines<'t> {
    starts: Vec<usize>,
    tokens: Vec<Token<'t>>,
}

impl<'t> Lines<'t> {
    fn of(text: &'t str) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { starts, tokens: tokens(text) }
    }

    /// The line of a byte, counted from 0.
    fn line(&self, at: usize) -> usize {
        self.starts.partition_point(|start| *start <= at).saturating_sub(1)
    }

    /// The lines of the token at this byte: several for a rule between `"""`, which can hold no comment.
    fn of_token_at(&self, at: usize) -> RangeInclusive<usize> {
        let index = self.tokens.partition_point(|token| token.start <= at);
        let token = index.checked_sub(1).map(|index| self.tokens[index]).filter(|token| at < token.end);
        token.map_or_else(|| self.line(at)..=self.line(at), |token| self.line(token.start)..=self.line(token.end - 1))
    }

    /// The line that a comment is for: its own, or if it stands alone there, the next one that is more than a comment.
    fn after_comment(&self, text: &str, comment: Token<'_>) -> usize {
        let own = self.line(comment.start);
        let is_comment = |line: usize| {
            let end = self.starts.get(line + 1).copied().unwrap_or(text.len());
            self.starts.get(line).is_some_and(|start| text[*start..end].trim_start().starts_with('#'))
        };
        (own..self.starts.len()).find(|line| !is_comment(*line)).unwrap_or(own)
    }
}
