use std::ops::Range;

use backstay_base::limits;
use cel::parser::pratt_parser::{Lexer, Token, TokenKind};

use crate::error::{ExprError, ExprErrorKind};
use crate::{bare_date, foreign};

/// The words of an expression, known to be few enough and nested little enough for a parser that recurses, and free of
/// the parts of CEL that are left out.
#[derive(Debug)]
pub(crate) struct Lexis<'t> {
    /// The text as it was written.
    pub(crate) text: &'t str,
    /// The text with `_` in the place of each `$`, which CEL does not know.
    pub(crate) cel: String,
    pub(crate) words: Vec<Word>,
}

/// One word of the text.
#[derive(Debug, Clone)]
pub(crate) struct Word {
    pub(crate) kind: TokenKind,
    pub(crate) span: Range<usize>,
    /// It is a parameter; `span` begins with the `$`.
    pub(crate) parameter: bool,
    /// It is the name of an argument of `duration`; the colon after it counts as a comma, because CEL has no named
    /// arguments.
    pub(crate) label: bool,
}

impl<'t> Lexis<'t> {
    /// Divides the text into words. `parameters`: whether there may be `$name`.
    pub(crate) fn scan(text: &'t str, parameters: bool) -> Result<Self, ExprError> {
        if text.len() > limits::EXPRESSION_BYTES {
            return Err(error(0..limits::EXPRESSION_BYTES, ExprErrorKind::TooLong));
        }
        if let Some(at) = text.find('\0') {
            return Err(error(at..at + 1, ExprErrorKind::Nul));
        }
        let mut words = words(text, parameters)?;
        label_arguments(text, &mut words);
        refuse_what_is_left_out(text, &words)?;
        refuse_depth(&words)?;
        let mut cel = text.to_owned();
        for word in words.iter().filter(|word| word.parameter) {
            cel.replace_range(word.span.start..=word.span.start, "_");
        }
        for pair in words.windows(2).filter(|pair| pair[0].label) {
            cel.replace_range(pair[1].span.clone(), ",");
        }
        Ok(Self { text, cel, words })
    }

    /// The text of a word.
    pub(crate) fn text_of(&self, word: &Word) -> &'t str {
        &self.text[word.span.clone()]
    }
}

/// Marks the names of the arguments in `duration(hours: 1)`.
fn label_arguments(text: &str, words: &mut [Word]) {
    // Of each bracket that is open, whether it holds the arguments of `duration`.
    let mut open = Vec::new();
    for index in 0..words.len() {
        let before = index.checked_sub(1).map(|before| &words[before]);
        match words[index].kind {
            TokenKind::TokLeftParen => {
                open.push(before.is_some_and(|word| text[word.span.clone()] == *"duration"));
            }
            TokenKind::TokLeftBracket | TokenKind::TokLeftBrace => open.push(false),
            TokenKind::TokRightParen | TokenKind::TokRightBracket | TokenKind::TokRightBrace => {
                open.pop();
            }
            TokenKind::TokIdent if open.last() == Some(&true) => {
                let begins =
                    before.is_some_and(|word| matches!(word.kind, TokenKind::TokLeftParen | TokenKind::TokComma));
                if begins && words.get(index + 1).is_some_and(|after| after.kind == TokenKind::TokColon) {
                    words[index].label = true;
                    words[index + 1].kind = TokenKind::TokComma;
                }
            }
            _ => {}
        }
    }
}

fn error(span: Range<usize>, kind: ExprErrorKind) -> ExprError {
    ExprError::at(span, kind)
}

fn words(text: &str, parameters: bool) -> Result<Vec<Word>, ExprError> {
    let mut lexer = Lexer::new(text);
    let mut words: Vec<Word> = Vec::new();
    loop {
        let token = lexer.lex();
        match token.kind {
            TokenKind::TokEnd => return Ok(words),
            TokenKind::TokWhitespace | TokenKind::TokComment => {}
            TokenKind::TokError if text[token.start..].starts_with('$') => {
                let name = lexer.lex();
                let joined = text[..token.start].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
                if joined || !is_name(name, text) || name.start != token.end {
                    return Err(unexpected(text, token.start));
                }
                if !parameters {
                    let kind = ExprErrorKind::NoParameters { name: text[name.start..name.end].to_owned() };
                    return Err(error(token.start..name.end, kind));
                }
                words.push(Word {
                    kind: TokenKind::TokIdent,
                    span: token.start..name.end,
                    parameter: true,
                    label: false,
                });
            }
            TokenKind::TokError => return Err(bad_word(text, token)),
            TokenKind::TokIdent if let Some(length) = foreign::hasura_variable(&text[token.start..]) => {
                let found = text[token.start..token.start + length].to_owned();
                return Err(error(token.start..token.start + length, ExprErrorKind::Unexpected { found }));
            }
            kind => words.push(Word { kind, span: token.start..token.end, parameter: false, label: false }),
        }
    }
}

fn is_name(token: Token, text: &str) -> bool {
    // What ends within a character isn't a name.
    let Some(word) = text.get(token.start..token.end) else { return false };
    !word.is_empty()
        && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && !word.starts_with(|c: char| c.is_ascii_digit())
}

fn unexpected(text: &str, at: usize) -> ExprError {
    let rest = &text[at..];
    let first = rest.chars().next().map_or_else(String::new, String::from);
    let found = if rest.starts_with("@request") { "@request".to_owned() } else { first };
    error(at..at + found.len(), ExprErrorKind::Unexpected { found })
}

fn bad_word(text: &str, token: Token) -> ExprError {
    let rest = &text[token.start..];
    let word = number_like(rest);
    if let Some(date) = bare_date(text, token.start) {
        return date;
    }
    if word.contains(|c: char| c.is_ascii_digit()) {
        return error(token.start..token.start + word.len(), ExprErrorKind::Malformed { word: word.to_owned() });
    }
    if rest.trim_start_matches(['r', 'R', 'b', 'B']).starts_with(['\'', '"', '`']) {
        return error(token.start..token.end, ExprErrorKind::OpenText);
    }
    unexpected(text, token.start)
}

/// The error for the date without quotes that stands around this byte.
pub(crate) fn bare_date(text: &str, at: usize) -> Option<ExprError> {
    let span = bare_date::around(text, at)?;
    let written = text[span.clone()].to_owned();
    let value = bare_date::date_and_time(&written);
    Some(error(span, ExprErrorKind::BareDate { written, value }))
}

/// What begins the text as a number does, up to where neither a number nor a name goes on.
fn number_like(text: &str) -> &str {
    if !text.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return "";
    }
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '.');
    &text[..end.unwrap_or(text.len())]
}

fn refuse_what_is_left_out(text: &str, words: &[Word]) -> Result<(), ExprError> {
    for (index, word) in words.iter().enumerate() {
        let before = index.checked_sub(1).map(|before| words[before].kind);
        let after = words.get(index + 1).map(|after| after.kind);
        if word.kind == TokenKind::TokDot && before == Some(TokenKind::TokQuestion) && index > 0 {
            let span = words[index - 1].span.start..word.span.end;
            return Err(error(span.clone(), ExprErrorKind::Unexpected { found: text[span].to_owned() }));
        }
        let shouted = index.checked_sub(1).map(|before| words[before].span.clone());
        if let Some(span) = shouted.filter(|span| word.kind == TokenKind::TokLeftBracket && text[span.clone()] == *"IN")
        {
            return Err(error(span, ExprErrorKind::Unexpected { found: "IN".to_owned() }));
        }
        if let Some(instead) = left_out(&text[word.span.clone()], word, before, after) {
            let what = match word.kind {
                TokenKind::TokUint => "an unsigned number".to_owned(),
                TokenKind::TokBytes => "a literal of bytes".to_owned(),
                TokenKind::TokLeftBrace => "a map or a message".to_owned(),
                TokenKind::TokDot => "a leading `.`".to_owned(),
                _ => format!("`{}`", text[word.span.clone()].trim_matches('`')),
            };
            return Err(error(word.span.clone(), ExprErrorKind::Unsupported { what, instead }));
        }
    }
    Ok(())
}

/// What to use instead of the word, if it belongs to a part of CEL that is left out.
fn left_out(text: &str, word: &Word, before: Option<TokenKind>, after: Option<TokenKind>) -> Option<&'static str> {
    let operand_before = matches!(
        before,
        Some(
            TokenKind::TokIdent
                | TokenKind::TokReservedWord
                | TokenKind::TokRightParen
                | TokenKind::TokRightBracket
                | TokenKind::TokString
        )
    );
    match word.kind {
        TokenKind::TokUint => Some("write the number without `u`"),
        TokenKind::TokBytes => Some("use a text"),
        TokenKind::TokLeftBrace => Some("compare fields one by one"),
        TokenKind::TokDot if !operand_before => Some("begin with the name"),
        TokenKind::TokReservedWord if before != Some(TokenKind::TokDot) => Some(reserved(text)),
        TokenKind::TokIdent if text.starts_with('`') => Some("write names without quotes"),
        TokenKind::TokIdent if after == Some(TokenKind::TokLeftParen) && !word.parameter => left_out_function(text),
        _ => None,
    }
}

/// What to write instead of a word that CEL keeps.
fn reserved(word: &str) -> &'static str {
    match word {
        "if" | "else" => "write `condition ? value : other value`",
        "return" | "function" | "let" | "var" | "const" | "for" | "while" | "loop" => {
            "write one expression alone: there are no statements"
        }
        _ => "it is a word that CEL keeps",
    }
}

fn left_out_function(name: &str) -> Option<&'static str> {
    match name {
        "has" => Some("test presence with `x != null`"),
        "filter" => {
            Some("ask with `relation.exists(x, condition on x)`, or count with `relation.count(x, condition on x)`")
        }
        "map" => {
            Some("take one value of all with `relation.sum(x, x.field)`, `min` or `max`, or ask with `exists` or `all`")
        }
        "exists_one" | "existsOne" => Some("use `exists`"),
        "string" => Some("write `text(x)`"),
        "uint" | "bytes" | "dyn" | "type" => Some("types are never converted; give the field the type that you need"),
        "double" | "bool" => Some(
            "types are never converted; give the field the type that you need; a value in a JSON field is read with \
             `decimal(x)`, `float(x)` or `boolean(x)`",
        ),
        "getFullYear" | "getMonth" | "getDate" | "getDayOfMonth" | "getDayOfWeek" | "getDayOfYear" | "getHours"
        | "getMinutes" | "getSeconds" | "getMilliseconds" => Some("compare with `timestamp(…)`"),
        _ => None,
    }
}

/// How deep the tree of one part between brackets and commas can be.
#[derive(Debug, Default, Clone, Copy)]
struct Part {
    /// Operands of `&&`, `||`, `?` and `:` so far, without the present one. CEL balances chains of `&&` and `||`.
    segments: usize,
    /// The deepest of them.
    deepest_segment: usize,
    /// `?` so far.
    choices: usize,
    /// Other operators in the present segment.
    operators: usize,
    /// The deepest operand in the present segment, without the present one.
    deepest_operand: usize,
    /// The present operand: its prefixes, steps and brackets.
    operand: usize,
    /// The deepest part before a comma.
    deepest_sibling: usize,
}

impl Part {
    fn depth(&self) -> usize {
        let segment = self.deepest_segment.max(self.segment());
        let balanced = usize::BITS - self.segments.leading_zeros();
        self.deepest_sibling.max(segment + self.choices + balanced as usize)
    }

    fn segment(&self) -> usize {
        self.deepest_operand.max(self.operand) + self.operators
    }

    fn operator(&mut self) {
        self.deepest_operand = self.deepest_operand.max(self.operand);
        self.operand = 0;
        self.operators += 1;
    }

    fn connective(&mut self) {
        self.deepest_segment = self.deepest_segment.max(self.segment());
        self.segments += 1;
        (self.operators, self.deepest_operand, self.operand) = (0, 0, 0);
    }

    fn comma(&mut self) {
        *self = Self { deepest_sibling: self.depth(), ..Self::default() };
    }
}

/// Refuses what could exhaust the stack of a parser that recurses, or of a walk over its tree. The depth is bounded
/// from above, without recursion.
fn refuse_depth(words: &[Word]) -> Result<(), ExprError> {
    let mut parts = vec![Part::default()];
    for (index, word) in words.iter().enumerate() {
        let depth = parts.len();
        let Some(part) = parts.last_mut() else { break };
        let prefix = index == 0 || !ends_operand(words[index - 1].kind);
        match word.kind {
            TokenKind::TokLeftParen | TokenKind::TokLeftBracket | TokenKind::TokLeftBrace => {
                parts.push(Part::default());
            }
            TokenKind::TokRightParen | TokenKind::TokRightBracket | TokenKind::TokRightBrace if depth > 1 => {
                let inner = part.depth();
                parts.pop();
                if let Some(part) = parts.last_mut() {
                    part.operand += inner + 1;
                }
            }
            TokenKind::TokComma => part.comma(),
            TokenKind::TokLogicalAnd | TokenKind::TokLogicalOr | TokenKind::TokColon => part.connective(),
            TokenKind::TokQuestion => {
                part.connective();
                part.choices += 1;
            }
            TokenKind::TokDot | TokenKind::TokExclamation => part.operand += 1,
            TokenKind::TokMinus if prefix => part.operand += 1,
            TokenKind::TokMinus
            | TokenKind::TokPlus
            | TokenKind::TokAsterisk
            | TokenKind::TokSlash
            | TokenKind::TokPercent
            | TokenKind::TokIn
            | TokenKind::TokEqualEqual
            | TokenKind::TokExclamationEqual
            | TokenKind::TokLess
            | TokenKind::TokLessEqual
            | TokenKind::TokGreater
            | TokenKind::TokGreaterEqual => part.operator(),
            _ => {}
        }
        let depth = parts.len() - 1 + parts.last().map_or(0, Part::depth);
        if depth > limits::EXPRESSION_DEPTH {
            return Err(error(word.span.clone(), ExprErrorKind::TooDeep));
        }
    }
    Ok(())
}

fn ends_operand(kind: TokenKind) -> bool {
    matches!(
        kind,
        TokenKind::TokIdent
            | TokenKind::TokReservedWord
            | TokenKind::TokInt
            | TokenKind::TokFloat
            | TokenKind::TokString
            | TokenKind::TokTrue
            | TokenKind::TokFalse
            | TokenKind::TokNull
            | TokenKind::TokRightParen
            | TokenKind::TokRightBracket
    )
}
