//! Patterns that a text matches or doesn't.

mod portable;

use std::ops::Range;
use std::sync::Arc;

use backstay_base::limits;
use regex::{Regex, RegexBuilder};
use regex_syntax::ast::{self, Ast};

use portable::{Portable, ascii};

/// A regular expression, in the syntax of the crate `regex`: without look-around and back-references, so
/// that the time it takes is linear in the text. `\d`, `\w` and `\s` are those of ASCII; `\p{…}` is for the rest.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: Arc<str>,
    extent: Extent,
    regex: Regex,
    portable: Option<Arc<str>>,
}

/// How much of a text has to match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Extent {
    /// All of it.
    Whole,
    /// Any part of it, unless the pattern begins with `^` or ends with `$`.
    Part,
}

impl Extent {
    fn written(self, Portable { begins, body, ends }: &Portable) -> String {
        let is_whole = self == Self::Whole;
        let anchor = |is_there: bool, anchor: &'static str| if is_there || is_whole { anchor } else { "" };
        format!("{}{body}{}", anchor(*begins, "^"), anchor(*ends, "$"))
    }
}

/// Patterns are the same if they are written in the same way.
impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text && self.extent == other.extent
    }
}

impl Eq for Pattern {}

/// Why a text is not a pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PatternProblem {
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub remedy: &'static str,
}

impl PatternProblem {
    fn new(message: impl Into<String>, remedy: &'static str) -> Self {
        Self { message: message.into(), remedy }
    }
}

impl Pattern {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// If it is too long, not written in the syntax above, or takes more than `limits::PATTERN_PROGRAM_BYTES`.
    pub fn compile(text: &str, extent: Extent) -> Result<Self, PatternProblem> {
        if text.trim().is_empty() {
            return Err(PatternProblem::new(
                "the pattern is empty",
                "write what the text looks like, such as `[a-z]+`",
            ));
        }
        if text.len() > limits::PATTERN_BYTES {
            let message = format!("the pattern is longer than {} bytes", limits::PATTERN_BYTES);
            return Err(PatternProblem::new(message, "write a shorter one, or several fields"));
        }
        let parsed = ast::parse::ParserBuilder::new().nest_limit(limits::PATTERN_DEPTH).build().parse(text);
        let ast = parsed.map_err(|error| unreadable(text, &error))?;
        let mut reading = Reading { text, shorthands: Vec::new(), verbose: None };
        reading.visit(&ast);
        if let Some(at) = reading.verbose {
            let message = format!("a pattern has no comments (character {})", character(text, at));
            return Err(PatternProblem::new(message, "remove the flag `x`, and white space and comments with it"));
        }
        let written = reading.with_ascii_shorthands();
        let written = match extent {
            Extent::Whole => format!(r"\A(?:{written})\z"),
            Extent::Part => written,
        };
        let regex = RegexBuilder::new(&written)
            .size_limit(limits::PATTERN_PROGRAM_BYTES)
            .dfa_size_limit(limits::PATTERN_PROGRAM_BYTES)
            .build();
        let regex = regex.map_err(|error| uncompiled(&error))?;
        Ok(Self {
            text: text.into(),
            extent,
            regex,
            portable: Portable::of(&ast).map(|portable| extent.written(&portable).into()),
        })
    }

    /// The pattern as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether a text matches; none of a text that is longer than `limits::MATCHED_BYTES`.
    pub fn matches(&self, text: &str) -> Option<bool> {
        (text.len() <= limits::MATCHED_BYTES).then(|| self.regex.is_match(text))
    }

    /// The pattern, with anchors if the whole text has to match, in the form in which ECMA-262 (with the flag `u` or `v`) and PostgreSQL mean the same by
    /// it; none if they would mean something else.
    pub fn portable(&self) -> Option<&str> {
        self.portable.as_deref()
    }
}

fn unreadable(text: &str, error: &ast::Error) -> PatternProblem {
    let at = character(text, error.span().start.offset);
    let (problem, remedy) = match error.kind() {
        ast::ErrorKind::UnsupportedLookAround => (
            "a pattern can't look ahead or behind".to_owned(),
            "leave it out, and write that condition as a rule of its own",
        ),
        ast::ErrorKind::UnsupportedBackreference => (
            "a pattern can't refer back to a group".to_owned(),
            "leave it out, and write that condition as a rule of its own",
        ),
        ast::ErrorKind::NestLimitExceeded(_) => {
            ("the pattern has too many groups within each other".to_owned(), "write it with fewer groups")
        }
        kind => (kind.to_string(), "correct it; a backslash before a character stands for the character itself"),
    };
    PatternProblem::new(format!("{problem} (character {at})"), remedy)
}

fn uncompiled(error: &regex::Error) -> PatternProblem {
    match error {
        regex::Error::CompiledTooBig(_) => PatternProblem::new(
            "the pattern takes too much memory",
            "repeat less, such as `+` in place of `{1,500}`, and limit the text with `@length`",
        ),
        // The last line says what is wrong, those before it where.
        other => {
            let told = other.to_string();
            let last = told.lines().last().unwrap_or_default();
            let problem = last.strip_prefix("error: ").unwrap_or(last);
            PatternProblem::new(problem, "correct it; a backslash before a character stands for the character itself")
        }
    }
}

/// The number of the character at this byte, from 1.
fn character(text: &str, at: usize) -> usize {
    text.get(..at).map_or(0, |before| before.chars().count()) + 1
}

/// What is to be known of a pattern before it is compiled.
struct Reading<'p> {
    text: &'p str,
    /// Where `\d`, `\w`, `\s` and their opposites are, and what they are within ASCII.
    shorthands: Vec<(Range<usize>, String)>,
    /// Where the flag `x` is.
    verbose: Option<usize>,
}

impl Reading<'_> {
    fn visit(&mut self, ast: &Ast) {
        match ast {
            Ast::Empty(_) | Ast::Literal(_) | Ast::Dot(_) | Ast::Assertion(_) | Ast::ClassUnicode(_) => {}
            Ast::Flags(set) => self.flags(&set.flags),
            Ast::ClassPerl(class) => self.shorthand(class, Place::Alone),
            Ast::ClassBracketed(class) => self.set(&class.kind),
            Ast::Repetition(repetition) => self.visit(&repetition.ast),
            Ast::Group(group) => {
                if let Some(flags) = group.flags() {
                    self.flags(flags);
                }
                self.visit(&group.ast);
            }
            Ast::Alternation(alternation) => alternation.asts.iter().for_each(|ast| self.visit(ast)),
            Ast::Concat(concat) => concat.asts.iter().for_each(|ast| self.visit(ast)),
        }
    }

    fn flags(&mut self, flags: &ast::Flags) {
        let verbose = ast::FlagsItemKind::Flag(ast::Flag::IgnoreWhitespace);
        let found = flags.items.iter().find(|item| item.kind == verbose);
        self.verbose = self.verbose.or(found.map(|item| item.span.start.offset));
    }

    fn set(&mut self, set: &ast::ClassSet) {
        match set {
            ast::ClassSet::Item(item) => self.item(item),
            ast::ClassSet::BinaryOp(operation) => {
                self.set(&operation.lhs);
                self.set(&operation.rhs);
            }
        }
    }

    fn item(&mut self, item: &ast::ClassSetItem) {
        match item {
            ast::ClassSetItem::Empty(_)
            | ast::ClassSetItem::Literal(_)
            | ast::ClassSetItem::Range(_)
            | ast::ClassSetItem::Ascii(_)
            | ast::ClassSetItem::Unicode(_) => {}
            ast::ClassSetItem::Perl(class) => self.shorthand(class, Place::InBrackets),
            ast::ClassSetItem::Bracketed(class) => self.set(&class.kind),
            ast::ClassSetItem::Union(union) => union.items.iter().for_each(|item| self.item(item)),
        }
    }

    fn shorthand(&mut self, class: &ast::ClassPerl, place: Place) {
        let within = class.span.start.offset..class.span.end.offset;
        let characters = ascii(&class.kind);
        let written = match (class.negated, place) {
            (true, _) => format!("[^{characters}]"),
            (false, Place::Alone) => format!("[{characters}]"),
            (false, Place::InBrackets) => characters.to_owned(),
        };
        self.shorthands.push((within, written));
    }

    fn with_ascii_shorthands(&self) -> String {
        let (mut written, mut from) = (String::with_capacity(self.text.len()), 0);
        for (within, ascii) in &self.shorthands {
            written.push_str(&self.text[from..within.start]);
            written.push_str(ascii);
            from = within.end;
        }
        written.push_str(&self.text[from..]);
        written
    }
}

/// Where a class of characters is written.
#[derive(Clone, Copy)]
enum Place {
    Alone,
    InBrackets,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_text_matches() {
        let check = |pattern: &str, yes: &[&str], no: &[&str]| {
            let pattern = Pattern::compile(pattern, Extent::Whole).expect(pattern);
            for (texts, expected) in [(yes, true), (no, false)] {
                for text in texts {
                    assert_eq!(pattern.matches(text), Some(expected), "{} of {text:?}", pattern.text());
                }
            }
        };
        check("[a-z0-9-]+", &["a", "a-1"], &["", "A", "a ", "a\n", "é"]);
        check("^a|b$", &["a", "b"], &["ab", "xb"]);
        check("a|ab", &["a", "ab"], &["abb"]);
        check(r"\d{4}", &["2026"], &["٢٠٢٦", "202", "20266"]);
        check(r"[\w.]+", &["a_9."], &["ä", "a b"]);
        check(r"\D\W\S", &["a-b", "äéü"], &["1-b", "aab"]);
        check(r"[\D]", &["a", "٢"], &["1"]);
        check(r"a\sb", &["a b", "a\tb", "a\u{b}b"], &["a\u{a0}b"]);
        check(r"\p{Lu}\p{L}*", &["Ängström"], &["ängström"]);
        check("(?i)straße", &["STRASSE".replace("SS", "ẞ").as_str(), "Straße"], &["strasse"]);
        check(".", &["a", "é", "\r", "🦊"], &["\n", ""]);
    }

    #[test]
    fn a_text_can_be_too_long_to_be_compared() {
        let pattern = Pattern::compile("a*", Extent::Whole).expect("a pattern");
        assert_eq!(pattern.matches(&"a".repeat(limits::MATCHED_BYTES)), Some(true));
        assert_eq!(pattern.matches(&"a".repeat(limits::MATCHED_BYTES + 1)), None);
    }

    #[test]
    fn what_is_no_pattern_is_explained() {
        let check = |pattern: &str, message: &str, remedy: &str| {
            let problem = Pattern::compile(pattern, Extent::Whole).expect_err(pattern);
            assert_eq!((problem.message.as_str(), problem.remedy), (message, remedy), "{pattern}");
        };
        let correct = "correct it; a backslash before a character stands for the character itself";
        for empty in ["", " "] {
            check(empty, "the pattern is empty", "write what the text looks like, such as `[a-z]+`");
        }
        check("(a", "unclosed group (character 1)", correct);
        check("a)|(b", "unopened group (character 2)", correct);
        check("é[z-a]", "invalid character class range, the start must be <= the end (character 3)", correct);
        check(r"\p{Nope}", "Unicode property not found", correct);
        let check_look = "leave it out, and write that condition as a rule of its own";
        check("(?=a)b", "a pattern can't look ahead or behind (character 1)", check_look);
        check("a(?<!b)", "a pattern can't look ahead or behind (character 2)", check_look);
        check(r"(a)\1", "a pattern can't refer back to a group (character 4)", check_look);
        let comments = "remove the flag `x`, and white space and comments with it";
        check("(?x)a # b", "a pattern has no comments (character 3)", comments);
        check("(?x:a # )\n)", "a pattern has no comments (character 3)", comments);
        let less = "repeat less, such as `+` in place of `{1,500}`, and limit the text with `@length`";
        check(r"\p{L}{1,500}", "the pattern takes too much memory", less);
        check("((a{100}){100}){100}", "the pattern takes too much memory", less);
        let (deep, long) = ("(".repeat(40), "a".repeat(1001));
        let deep = format!("{deep}{}", ")".repeat(40));
        let groups = "the pattern has too many groups within each other (character 33)";
        check(&deep, groups, "write it with fewer groups");
        check(&long, "the pattern is longer than 1000 bytes", "write a shorter one, or several fields");
    }

    #[test]
    fn some_mean_the_same_elsewhere() {
        let check = |pattern: &str, expected: Option<&str>| {
            let compiled = Pattern::compile(pattern, Extent::Whole).expect(pattern);
            assert_eq!(compiled.portable(), expected, "{pattern}");
        };
        check("[a-z0-9-]+", Some(r"^[a-z0-9\-]+$"));
        check("^[a-z]+$", Some("^[a-z]+$"));
        check(r"\A#?[0-9a-f]{6}\z", Some("^#?[0-9a-f]{6}$"));
        check("a|b", Some("^(?:a|b)$"));
        check("(?P<y>a)(b|)??", Some("^(?:a)(?:b|)?$"));
        check(r"\d+\.\w*", Some(r"^[0-9]+\.[0-9A-Za-z_]*$"));
        check(r"[^\s/]", Some(r"^[^\t\n\v\f\r \/]$"));
        check(r"\x41\u{e9}\n", Some(r"^Aé\n$"));
        check("a{2}{3}", Some("^(?:a{2}){3}$"));
        check(".", Some(r"^[^\n]$"));
        check("[!!#]", Some("^[!#]$"));
        check("[^^a]", Some(r"^[^\^a]$"));
        check("[^^]", Some(r"^[^\^]$"));
        check("[^^-a]", Some(r"^[^\^-a]$"));
        check("a{256}", None);
        check("a{0,300}", None);
        check("^a|b$", None);
        check("(?i)a", None);
        check("(?i:a)", None);
        check(r"\bword", None);
        check(r"\p{L}+", None);
        check("[[:alpha:]]", None);
        check("[a-z&&[^b]]", None);
        check(r"[\D]", None);
        check("🦊", None);
        check(r"\x01", None);
    }

    #[test]
    fn a_part_of_the_text_can_be_enough() {
        let check = |pattern: &str, portable: &str, yes: &[&str], no: &[&str]| {
            let pattern = Pattern::compile(pattern, Extent::Part).expect(pattern);
            assert_eq!(pattern.portable(), Some(portable));
            for (texts, expected) in [(yes, true), (no, false)] {
                for text in texts {
                    assert_eq!(pattern.matches(text), Some(expected), "{} of {text:?}", pattern.text());
                }
            }
        };
        check("b", "b", &["abc", "b"], &["ac", ""]);
        check("^b", "^b", &["bc"], &["ab", "a\nb"]);
        check("b$", "b$", &["ab"], &["bc", "b\n"]);
    }
}
