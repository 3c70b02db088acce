use crate::literal;

/// A name, a number, a string or a single character of punctuation.
#[derive(Clone, Copy)]
pub(crate) struct Token<'t> {
    pub(crate) text: &'t str,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// The tokens of a text that need not be GraphQL.
pub(crate) fn tokens(text: &str) -> Vec<Token<'_>> {
    lexemes(text).into_iter().filter(|lexeme| !is_comment(lexeme)).collect()
}

/// The comments of a text that need not be GraphQL, each from its `#` to the end of its line.
pub(crate) fn comments(text: &str) -> Vec<Token<'_>> {
    lexemes(text).into_iter().filter(is_comment).collect()
}

fn is_comment(lexeme: &Token<'_>) -> bool {
    lexeme.text.starts_with('#')
}

/// Tokens and comments.
fn lexemes(text: &str) -> Vec<Token<'_>> {
    let (mut lexemes, mut at) = (Vec::new(), 0);
    while let Some(character) = text[at..].chars().next() {
        let rest = &text[at..];
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let length = match character {
            '#' => rest.find(['\n', '\r']).unwrap_or(rest.len()),
            '"' if rest.starts_with("\"\"\"") => literal::length(rest),
            '"' => string_length(rest),
            _ if is_word(character) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            _ => character.len_utf8(),
        };
        if !character.is_whitespace() && !matches!(character, ',' | '\u{feff}') {
            lexemes.push(Token { text: &rest[..length], start: at, end: at + length });
        }
        at += length;
    }
    lexemes
}

/// Bytes of the simple string that a text begins with. One that isn't closed ends with its line, whatever the next quote
/// is.
pub(super) fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            '\n' | '\r' => return at,
            '"' if !escaped => return at + 1,
            _ => escaped = character == '\\' && !escaped,
        }
    }
    text.len()
}

/// The brackets that these tokens leave open, the innermost last.
pub(crate) fn open_brackets<'t>(tokens: &[Token<'t>]) -> Vec<Token<'t>> {
    let mut open = Vec::new();
    for token in tokens {
        match token.text {
            "{" | "(" | "[" => open.push(*token),
            "}" | ")" | "]" => drop(open.pop()),
            _ => {}
        }
    }
    open
}

/// What closes this bracket.
pub(super) fn closing(bracket: Token<'_>) -> &'static str {
    match bracket.text {
        "{" => "}",
        "(" => ")",
        _ => "]",
    }
}

pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
}
