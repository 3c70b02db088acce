//! Patterns that a text matches or doesn't.

mod automaton;
mod portable;

use std::ops::Range;
use std::sync::Arc;

use backstay_base::limits;
use regex_syntax::ast::{self, Ast};

use automaton::Automaton;
use portable::{Portable, ascii};

/// A regular expression, in the syntax of the crate `regex`: without look-around and back-references, so
/// that the time it takes is linear in the text. `\d`, `\w`, `\s` and `\b` are those of ASCII; `\p{…}` is for the rest.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: Arc<str>,
    extent: Extent,
    automaton: Automaton,
    longest: usize,
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
    /// If it is too long, not written in the syntax above, or takes more than `limits::PATTERN_PROGRAM_BYTES` or
    /// `limits::PATTERN_PLACES`.
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
        let hir = regex_syntax::parse(&written).map_err(|error| untranslated(&error))?;
        // A pattern of a whole text isn't compared by databases.
        if extent == Extent::Part && automaton::optional_parts(&hir) > limits::PATTERN_OPTIONAL_PARTS {
            let most = limits::PATTERN_OPTIONAL_PARTS;
            let message = format!("the pattern has more than {most} optional parts, counting each repetition");
            return Err(PatternProblem::new(
                message,
                "repeat them in one way, such as `a{0,200}` in place of `(a?){200}`",
            ));
        }
        let places = automaton::places(&hir).max(1);
        let automaton = Automaton::new(&hir).filter(|_| places <= limits::PATTERN_PLACES).ok_or_else(too_large)?;
        Ok(Self {
            text: text.into(),
            extent,
            automaton,
            longest: (limits::MATCH_WORK / places).min(limits::MATCHED_BYTES),
            portable: Portable::of(&ast).map(|portable| extent.written(&portable).into()),
        })
    }

    /// The pattern as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Bytes of the longest text that is compared with the pattern: `limits::MATCHED_BYTES`, or less if the pattern is so large
    /// that each byte takes long.
    pub fn longest(&self) -> usize {
        self.longest
    }

    /// The number of states of the program that compares.
    pub fn states(&self) -> usize {
        self.automaton.states()
    }

    /// Whether a text matches; none of a text that is longer than `longest`.
    pub fn matches(&self, text: &str) -> Option<bool> {
        self.matches_unless(text, |_| false)
    }

    /// The same. `ends` is told now and then what was done since the last time, in bytes that a simple search would have passed
    /// in that time; if it returns true, there is no answer.
    pub fn matches_unless(&self, text: &str, ends: impl FnMut(usize) -> bool) -> Option<bool> {
        if text.len() > self.longest {
            return None;
        }
        self.automaton.finds(text.as_bytes(), ends)
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

fn too_large() -> PatternProblem {
    PatternProblem::new(
        "the pattern takes too much memory",
        "repeat less, such as `+` in place of `{1,500}`, and limit the text with `@length`",
    )
}

/// The last line says what is wrong, those before it where.
fn untranslated(error: &regex_syntax::Error) -> PatternProblem {
    let told = error.to_string();
    let last = told.lines().last().unwrap_or_default();
    let problem = last.strip_prefix("error: ").unwrap_or(last);
    PatternProblem::new(problem, "correct it; a backslash before a character stands for the character itself")
}

/// The number of the character at this byte, from 1.
fn character(text: &str, at: usize) -> usize {
    text.get(..at).map_or(0, |before| before.chars().count()) + 1
}

/// What is to be known of a pattern before it is compiled.
struct Reading<'p> {
    text: &'p str,
    /// Where `\d`, `\w`, `\s`, `\b` and their opposites are, and what they are within ASCII.
    shorthands: Vec<(Range<usize>, String)>,
    /// Where the flag `x` is.
    verbose: Option<usize>,
}

impl Reading<'_> {
    fn visit(&mut self, ast: &Ast) {
        match ast {
            Ast::Empty(_) | Ast::Literal(_) | Ast::Dot(_) | Ast::ClassUnicode(_) => {}
            Ast::Assertion(assertion) => self.assertion(assertion),
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

    /// The ends of words are those of ASCII, as words are.
    fn assertion(&mut self, assertion: &ast::Assertion) {
        use ast::AssertionKind::{EndLine, EndText, StartLine, StartText};
        if !matches!(assertion.kind, StartLine | EndLine | StartText | EndText) {
            let within = assertion.span.start.offset..assertion.span.end.offset;
            let written = format!("(?-u:{})", &self.text[within.clone()]);
            self.shorthands.push((within, written));
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
        check(r"a.*\bb.*", &["a b", "aéb"], &["ab", "a"]);
        check(r"é\B.+", &["éé"], &["éa"]);
    }

    #[test]
    fn a_text_can_be_too_long_to_be_compared() {
        let pattern = Pattern::compile("a*", Extent::Whole).expect("a pattern");
        assert_eq!(pattern.matches(&"a".repeat(limits::MATCHED_BYTES)), Some(true));
        assert_eq!(pattern.matches(&"a".repeat(limits::MATCHED_BYTES + 1)), None);
    }

    #[test]
    fn the_larger_the_pattern_the_shorter_the_texts() {
        let check = |pattern: &str, longest: usize| {
            let compiled = Pattern::compile(pattern, Extent::Part).expect(pattern);
            assert_eq!(compiled.longest(), longest, "{pattern}");
            assert_eq!(compiled.matches(&"y".repeat(longest + 1)), None, "{pattern}");
        };
        check("[a-z]+@[a-z]+", 65_536);
        check("[0-9]{3,4}[ -]?[0-9]{3,8}", 65_536);
        check("((a|b){1,30}){1,30}c", 4_369);
        check("(a|b)*a(a|b){200}c", 19_801);
    }

    #[test]
    fn what_can_be_left_out_is_counted() {
        let refused = |pattern: &str| Pattern::compile(pattern, Extent::Part).err().map(|problem| problem.message);
        for taken in ["([a-z]?){100}1", "[a-z]{0,255}1", "([a-z]{0,60}){0,30}1", "(a?b*c{0,3}){33}"] {
            assert_eq!(refused(taken), None, "{taken}");
        }
        let message = Some("the pattern has more than 100 optional parts, counting each repetition".to_owned());
        for pattern in [
            "([a-z]?){101}1",
            "(([a-z]?){30}){60}1",
            "(a?b?c?d?e?){100}1",
            "((((a?){2}b?){5}c?){8}d?){18}1",
            "(a|){101}",
            "((a|)(b|)(c|)(d|)(e|)){100}1",
        ] {
            assert_eq!(refused(pattern), message, "{pattern}");
        }
        assert!(Pattern::compile("([a-z]?){101}1", Extent::Whole).is_ok());
    }

    /// A text of which every part leads to another state, as far as they are kept.
    #[test]
    fn the_work_is_told_while_it_is_done() {
        let pattern = Pattern::compile("(a|b)*a(a|b){200}c", Extent::Part).expect("a pattern");
        let mut last = 1_u64;
        let mut letter = || {
            last = last.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            if last >> 63 == 0 { 'a' } else { 'b' }
        };
        let text: String = (0..pattern.longest()).map(|_| letter()).collect();
        let (mut reports, mut work, mut most) = (0, 0, 0);
        let found = pattern.matches_unless(&text, |done| {
            (reports, work, most) = (reports + 1, work + done, most.max(done));
            false
        });
        assert_eq!(found, Some(false));
        assert!(work > 1000 * text.len() && most < 10_000, "{work} in {reports} reports of at most {most}");
        let mut left = 10;
        let ended = pattern.matches_unless(&text, |_| {
            left -= 1;
            left == 0
        });
        assert_eq!((ended, left), (None, 0));
        // What is the same again and again takes a step for each byte.
        let (again, mut work) = ("a".repeat(pattern.longest()), 0);
        // The cache may begin anew meanwhile.
        for _ in 0..3 {
            work = 0;
            pattern.matches_unless(&again, |done| {
                work += done;
                false
            });
        }
        assert_eq!(work, again.len());
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
        check("([a-z]{0,60}){0,60}", "the pattern takes too much memory", less);
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
