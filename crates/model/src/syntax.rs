//! What the first syntax error of a file means. The parser goes on after an error and reports what follows from it; only
//! the first one is a mistake of the author.

pub(crate) mod arguments;
mod notation;
mod tokens;
mod types;

use apollo_compiler::parser::Parser;

pub(crate) use self::tokens::{Token, comments, open_brackets, tokens};

use self::tokens::{closing, is_name};
use crate::source::Span;
use crate::{DIRECTIVES, Diagnostic, foreign};

/// Words that begin a definition.
const KEYWORDS: &[&str] = &["type", "enum", "extend", "interface", "union", "input", "scalar", "directive", "schema"];

/// Words that begin a definition in other languages, where `type` does here.
const OTHER_KEYWORDS: &[&str] = &["model", "class", "table", "entity", "collection", "struct", "object"];

/// The diagnostic for the parser's first error in a file, which it found at this byte.
pub(crate) fn diagnostic(file: u16, text: &str, at: usize, parser_message: &str) -> Diagnostic {
    let at = (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let tokens = tokens(text);
    let index = tokens.iter().position(|token| token.end > at).unwrap_or(tokens.len());
    let open = open_brackets(&tokens[..index]);
    let mistake = Mistake { file, text, tokens: &tokens, index, at, open };
    let known = mistake.of_other_languages().or_else(|| mistake.of_other_notations(parser_message));
    let known =
        known.or_else(|| mistake.unclosed_block()).or_else(|| mistake.nested_type()).or_else(|| mistake.bare_rule());
    let known = known.or_else(|| mistake.of_characters(parser_message)).or_else(|| mistake.of_directives());
    let known = known.or_else(|| mistake.in_arguments()).or_else(|| mistake.in_block(parser_message));
    known.or_else(|| mistake.between_definitions()).unwrap_or_else(|| mistake.other(parser_message))
}

/// The place where the parser stopped, with what is around it.
struct Mistake<'t> {
    file: u16,
    text: &'t str,
    tokens: &'t [Token<'t>],
    /// The token at the place; past the last one at the end of the file.
    index: usize,
    at: usize,
    /// The brackets that are open there, the innermost last.
    open: Vec<Token<'t>>,
}

impl<'t> Mistake<'t> {
    /// The text of the token this many places after the one where the parser stopped; empty where there is none.
    fn after(&self, count: usize) -> &'t str {
        self.tokens.get(self.index + count).map_or("", |token| token.text)
    }

    /// The token this many places before the one where the parser stopped.
    fn before(&self, count: usize) -> Option<Token<'t>> {
        self.index.checked_sub(count).map(|index| self.tokens[index])
    }

    fn before_is(&self, count: usize, text: &str) -> bool {
        self.before(count).is_some_and(|token| token.text == text)
    }

    fn span(&self, start: usize, end: usize) -> Option<Span> {
        Some(Span { file: self.file, start: u32::try_from(start).ok()?, end: u32::try_from(end).ok()? })
    }

    /// An error at the token where the parser stopped.
    fn here(&self, message: impl Into<String>, label: impl Into<String>, help: impl Into<String>) -> Diagnostic {
        let (start, end) = self.tokens.get(self.index).map_or((self.at, self.at), |token| (token.start, token.end));
        Diagnostic::error(message).located(self.span(start, end), label).help(help)
    }

    /// An error at the character where the parser stopped.
    fn at_character(&self, message: impl Into<String>, help: &str) -> Diagnostic {
        let length = self.text[self.at..].chars().next().map_or(0, char::len_utf8);
        Diagnostic::error(message).located(self.span(self.at, self.at + length), "here").help(help)
    }

    /// Also points at a bracket that is open.
    fn opened(&self, diagnostic: Diagnostic, bracket: Token<'_>) -> Diagnostic {
        match self.span(bracket.start, bracket.end) {
            Some(span) => diagnostic.and(span, "opened here"),
            None => diagnostic,
        }
    }

    fn line_start(&self, at: usize) -> usize {
        self.text[..at].rfind('\n').map_or(0, |newline| newline + 1)
    }

    fn indentation(&self, at: usize) -> usize {
        let line = &self.text[self.line_start(at)..];
        line.len() - line.trim_start_matches([' ', '\t']).len()
    }

    /// Whether only blanks stand before the token in its line; looks at those alone.
    fn begins_line(&self, token: Token<'_>) -> bool {
        let before = self.text[..token.start].trim_end_matches([' ', '\t']);
        before.is_empty() || before.ends_with(['\n', '\r'])
    }

    /// A definition that begins before the one before it has ended, or a file that ends too early.
    fn unclosed_block(&self) -> Option<Diagnostic> {
        let bracket = *self.open.last()?;
        let closing = closing(bracket);
        if self.index == self.tokens.len() {
            let message = format!("the file ends before `{closing}`");
            let help = format!("write `{closing}` where the bracket ends");
            let end = self.text.trim_end().len();
            let diagnostic = Diagnostic::error(message).located(self.span(end, end), "the file ends here").help(help);
            return Some(self.opened(diagnostic, bracket));
        }
        let brace = *self.open.iter().rfind(|token| token.text == "{")?;
        let indentation = self.indentation(brace.start);
        let begins = |index: &usize| {
            let [keyword, name, next] = &self.tokens[*index..*index + 3] else { return false };
            let is_head =
                KEYWORDS.contains(&keyword.text) && is_name(name.text) && matches!(next.text, "{" | "@" | "implements");
            is_head
                && keyword.start > brace.start
                && self.begins_line(*keyword)
                && self.indentation(keyword.start) <= indentation
        };
        let end = (self.index + 1).min(self.tokens.len().saturating_sub(2));
        let first = (0..end).find(begins)?;
        let (keyword, name) = (self.tokens[first], self.tokens[first + 1]);
        let message = format!("`}}` is missing before `{} {}`", keyword.text, name.text);
        let diagnostic = Diagnostic::error(message).located(self.span(keyword.start, name.end), "begins before `}`");
        Some(self.opened(diagnostic.help("close the definition before it with `}`"), brace))
    }

    /// Characters that GraphQL doesn't have, and strings without an end.
    fn of_characters(&self, parser_message: &str) -> Option<Diagnostic> {
        if parser_message.contains("line terminator") || parser_message.contains("unterminated") {
            if let Some(diagnostic) = self.unopened_text() {
                return Some(diagnostic);
            }
            let bracket = self.open.iter().rfind(|token| token.text == "(");
            if let Some(diagnostic) = bracket.and_then(|bracket| self.inner_quote(bracket.start)) {
                return Some(diagnostic.help("a quote is missing or one too many on this line"));
            }
            let line_end = self.text[self.at..].find(['\n', '\r']).map_or(self.text.len(), |length| self.at + length);
            let help = r#"close it with `"`; put a multi-line string between `"""` and `"""`"#;
            let diagnostic = Diagnostic::error("the text has no closing quote on its line");
            return Some(diagnostic.located(self.span(self.at, line_end), "begins here").help(help));
        }
        if !parser_message.starts_with("Unexpected character") {
            return None;
        }
        let rest = &self.text[self.at..];
        let character = rest.chars().next()?;
        let after_word = self.text[..self.at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        let in_word = character.is_alphabetic() || (character == '-' && after_word);
        let (message, help) = match character {
            '\'' | '`' | '‘' | '’' | '“' | '”' | '„' | '«' | '»' => (
                format!("`{character}` does not begin a text"),
                r#"put strings in double quotes, such as "true"; within a rule, use single quotes: '…'"#,
            ),
            '/' | '-' if ["//", "/*", "--"].iter().any(|sign| rest.starts_with(sign)) => {
                (format!("`{}` does not begin a comment", &rest[..2]), "begin a comment with `#`")
            }
            ';' => ("unexpected `;`".to_owned(), "remove it; a field ends with its line"),
            '?' => (
                "unexpected `?`".to_owned(),
                "remove it; a field can be null unless its type ends with `!`, such as `String!`",
            ),
            '0'..='9' if rest[1..].starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') => {
                (format!("a name cannot begin with `{character}`"), "begin it with a letter")
            }
            _ if in_word => (format!("a name cannot hold `{character}`"), "use the letters a to z, digits and `_`"),
            _ => (format!("unexpected `{character}`"), "remove it"),
        };
        Some(self.at_character(message, help))
    }

    /// A rule without its quotes.
    fn bare_rule(&self) -> Option<Diagnostic> {
        let bracket = self.open.iter().rfind(|token| token.text == "(")?;
        let end = (self.index + 1).min(self.tokens.len());
        let colon = self.tokens[..end].iter().rposition(|token| token.text == ":" && token.start > bracket.start)?;
        let [name, _, value, next] = self.tokens.get(colon.checked_sub(1)?..colon + 3)? else { return None };
        let is_rule = is_name(value.text) && matches!(next.text, "." | "=" | "!" | "(" | "&" | "|" | "<" | ">");
        let directive = self.tokens[..end].iter().rfind(|token| token.end <= bracket.start).map_or("", |of| of.text);
        let call = format!("{}{}", value.text, next.text);
        let help = match foreign::instead_of_call(directive, &call).filter(|_| name.text == "to") {
            Some(instead) => instead,
            None => format!("put strings and rules in double quotes: `{}: \"…\"`", name.text),
        };
        let diagnostic = Diagnostic::error(format!("the value of `{}` has no quotes", name.text));
        is_rule.then(|| diagnostic.located(self.span(value.start, value.end), "begins without a quote").help(help))
    }

    /// A directive without its `@`, or without the bracket before its arguments.
    fn of_directives(&self) -> Option<Diagnostic> {
        let known = directives();
        // The parser stops at the colon, or at the value if the name before it could be a field's.
        let colon = usize::from(self.after(0) != ":");
        let is_argument = colon == 0 || self.before_is(1, ":");
        if is_argument && (self.before_is(colon + 2, "@") || self.before_is(colon + 3, "@")) {
            let at = if self.before_is(colon + 2, "@") { 1 } else { 2 };
            let written = self.before(colon + at)?;
            let (directive, _) =
                known.iter().filter(|(name, _)| written.text.starts_with(name)).max_by_key(|(name, _)| name.len())?;
            let argument = written.text.strip_prefix(directive.as_str()).filter(|rest| !rest.is_empty());
            let argument = argument.unwrap_or_else(|| self.before(colon + 1).map_or("", |token| token.text));
            let help = format!("write `@{directive}({argument}: …)`");
            return Some(self.here(
                format!("`(` is missing after `@{directive}`"),
                "an argument without a bracket",
                help,
            ));
        }
        // The parser may have stopped in the next line.
        let line = self.line_start(self.before(1)?.start);
        let end = (self.index + 1).min(self.tokens.len());
        let first = self.tokens.iter().position(|token| token.start >= line)?;
        let in_block = !open_brackets(&self.tokens[..first.min(end)]).is_empty();
        let text = |index: Option<usize>| index.and_then(|index| self.tokens.get(index)).map_or("", |token| token.text);
        let mut depth = 0_usize;
        let bare = (first..end).find(|index| {
            let token = self.tokens[*index];
            match token.text {
                "(" => depth += 1,
                ")" => depth = depth.saturating_sub(1),
                _ => {}
            }
            depth == 0
                && !(OTHER_KEYWORDS.contains(&token.text) && self.begins_line(token) && is_name(text(Some(index + 1))))
                && known.iter().any(|(name, _)| name == token.text)
                && !matches!(text(index.checked_sub(1)), "@" | "type" | "enum" | "extend")
                && text(index.checked_add(1)) != ":"
                && !(in_block && self.begins_line(token))
        })?;
        let token = self.tokens[bare];
        let diagnostic = Diagnostic::error(format!("`@` is missing before `{}`", token.text));
        let help = format!("write `@{}`", token.text);
        Some(diagnostic.located(self.span(token.start, token.end), "a directive without `@`").help(help))
    }

    /// Mistakes between the brackets of a directive.
    fn in_arguments(&self) -> Option<Diagnostic> {
        let bracket = self.open.iter().rfind(|token| token.text == "(")?;
        if let Some(diagnostic) = self.inner_quote(bracket.start) {
            return Some(diagnostic);
        }
        if let Some(diagnostic) = self.unnamed_values(*bracket) {
            return Some(diagnostic);
        }
        let found = self.after(0);
        let is_word = |token: &Token<'_>| token.text.starts_with(|c: char| c.is_ascii_alphanumeric());
        let word = self.before(1).filter(is_word);
        if let Some(diagnostic) = self.unopened_text() {
            return Some(diagnostic);
        }
        let begins_value = is_word(&Token { text: found, start: 0, end: 0 }) || found.starts_with(['"', '[', '{', '$']);
        if let Some(name) = word.filter(|_| begins_value && !self.before_is(2, ":")) {
            let value = if matches!(found, "[" | "{") { "…".to_owned() } else { shortened(found) };
            let help = format!("write `{}: {value}`", name.text);
            return Some(self.here(format!("`:` is missing after `{}`", name.text), "the value without `:`", help));
        }
        if matches!(found, "=") {
            let name = self.before(1).map_or("name", |token| token.text);
            return Some(self.here("unexpected `=`", "not `:`", format!("write `{name}: …`")));
        }
        None
    }

    /// A text without its opening quote.
    fn unopened_text(&self) -> Option<Diagnostic> {
        let word = self.before(1).filter(|_| self.before_is(2, ":") && self.after(0).starts_with('"'))?;
        let is_text = word.text.starts_with(|c: char| c.is_ascii_alphanumeric()) && word.end == self.at;
        let diagnostic = Diagnostic::error(format!("`{}` has no opening quote", word.text));
        let diagnostic = diagnostic.located(self.span(word.start, word.end), "a quote follows");
        is_text.then(|| diagnostic.help(format!("write `\"{}\"`", word.text)))
    }

    /// A double quote within a rule, which ends its text.
    fn inner_quote(&self, from: usize) -> Option<Diagnostic> {
        let mut texts = self.tokens[..self.index].iter().rev().take_while(|token| token.start > from);
        let continues = |end: usize| self.text[end..].starts_with(|c: char| c.is_ascii_alphanumeric() || c == '"');
        let ended = texts.find(|token| token.text.starts_with('"') && continues(token.end))?;
        let next = self.tokens.iter().find(|token| token.start == ended.end)?;
        let help = r#"within a rule, put strings in single quotes, such as 'DRAFT'; `\"` is a quote within a text"#;
        let diagnostic = Diagnostic::error(format!("the text ends before `{}`", next.text));
        Some(diagnostic.located(self.span(ended.end - 1, ended.end), "this quote ends it").help(help))
    }

    /// Mistakes between the braces of a type or an enum.
    fn in_block(&self, parser_message: &str) -> Option<Diagnostic> {
        let bracket = *self.open.last()?;
        let found = self.after(0);
        match (bracket.text, found) {
            ("(" | "[", _) => {
                let closing = closing(bracket);
                let is_missing = parser_message.contains(if bracket.text == "(" { "R_PAREN" } else { "R_BRACK" });
                let message = format!("`{closing}` is missing before `{}`", shortened(found));
                let diagnostic =
                    self.here(message, "begins before the bracket ends", format!("write `{closing}` before it"));
                let missing = is_missing.then(|| self.opened(diagnostic, bracket));
                return missing.or_else(|| self.of_another_bracket(bracket));
            }
            (_, "}") if self.before_is(1, "{") => {
                let is_enum = parser_message.contains("Enum Value");
                return Some(if is_enum {
                    self.here(
                        "the enum has no values",
                        "nothing in it",
                        "give it a value such as `DRAFT`, or remove it",
                    )
                } else {
                    let help = "give it a field such as `name: String!`, or remove it";
                    self.here("the type has no fields", "nothing in it", help)
                });
            }
            (_, "!") if self.before_is(1, "!") => {
                return Some(self.here("`!` is written twice", "again here", "write it once"));
            }
            (_, "!") if self.before_is(1, ":") => {
                let ty = if is_name(self.after(1)) { self.after(1) } else { "String" };
                return Some(self.here("`!` stands before the type", "not here", format!("write `{ty}!`")));
            }
            (_, "=") => {
                let value = if self.after(1).is_empty() { "…".to_owned() } else { shortened(self.after(1)) };
                let help = format!("write a default as `@default(to: {value})`");
                return Some(self.here("unexpected `=`", "not a default", help));
            }
            (_, "true" | "false" | "null") if parser_message.contains("Enum Value") => {
                let message = format!("a value of an enum cannot be called `{found}`");
                return Some(self.here(message, "reserved by GraphQL", "give it another name"));
            }
            _ => {}
        }
        if let Some(diagnostic) = self.of_another_bracket(bracket) {
            return Some(diagnostic);
        }
        let name = self.before(1).filter(|token| is_name(token.text) && (is_name(found) || found == "["))?;
        let is_field = parser_message.contains("expected a type") && self.text[name.end..self.at].trim().is_empty();
        let help = format!("write `{}: {}`", name.text, if found == "[" { "[…]" } else { found });
        is_field.then(|| self.here(format!("`:` is missing after `{}`", name.text), "the type without `:`", help))
    }

    /// A bracket that closes another one than the innermost that is open.
    fn of_another_bracket(&self, innermost: Token<'_>) -> Option<Diagnostic> {
        let found = self.after(0);
        let opening = match found {
            "}" => "{",
            ")" => "(",
            "]" => "[",
            _ => return None,
        };
        if innermost.text == opening {
            return None;
        }
        if self.open.iter().all(|token| token.text != opening) {
            let help = format!("remove it, or write `{opening}` where it begins");
            return Some(self.here(format!("`{found}` closes nothing"), format!("no `{opening}` is open here"), help));
        }
        let closing = closing(innermost);
        let message = format!("`{closing}` is missing before `{found}`");
        let diagnostic = self.here(message, "closes another bracket", format!("write `{closing}` before it"));
        Some(self.opened(diagnostic, innermost))
    }

    /// Mistakes outside of all brackets.
    fn between_definitions(&self) -> Option<Diagnostic> {
        let found = self.after(0);
        if !self.open.is_empty() {
            return None;
        }
        if found == "@" && self.before_is(1, "}") {
            let message = format!("`@{}` comes after `}}`", self.after(1));
            return Some(self.here(message, "after the end of the definition", "write it before `{`"));
        }
        if matches!(found, "}" | ")" | "]") {
            let help = "remove it, or write the bracket that opens what it ends";
            return Some(self.here(format!("`{found}` closes nothing"), "no bracket is open here", help));
        }
        if is_name(found) && self.after(1) == ":" {
            let message = format!("`{{` is missing before `{found}`");
            return Some(self.here(
                message,
                "a field outside of a type",
                "write the fields of a type between `{` and `}`",
            ));
        }
        if !is_name(found) {
            return None;
        }
        let head =
            self.tokens[..self.index].iter().rfind(|token| matches!(token.text, "}" | "type" | "enum" | "extend"));
        if head.is_some_and(|head| head.text == "enum") {
            let help = "write the values of an enum between `{` and `}`";
            return Some(self.here(format!("`{{` is missing before `{found}`"), "a value outside of an enum", help));
        }
        let help = if KEYWORDS.contains(&found.to_ascii_lowercase().as_str()) && !KEYWORDS.contains(&found) {
            format!("write `{} {}`", found.to_ascii_lowercase(), self.after(1))
        } else if OTHER_KEYWORDS.contains(&found.to_ascii_lowercase().as_str()) && is_name(self.after(1)) {
            format!("write `type {}`", self.after(1))
        } else {
            "begin a definition with `type`, `enum` or `extend schema`".to_owned()
        };
        Some(self.here(format!("`{found}` does not begin a definition"), "not a definition", help))
    }

    fn other(&self, parser_message: &str) -> Diagnostic {
        let found = self.after(0);
        // The parser lists what could stand here, which says little where a whole definition could.
        let message = if found.is_empty() || !parser_message.contains("OperationDefinition") {
            format!("syntax error: {}", plain_tokens(parser_message))
        } else {
            format!("unexpected `{}`", shortened(found))
        };
        let help = match parser_message.contains("unexpected escaped character") {
            true => "in a string, write a backslash twice: `\\\\`",
            false => "model files are GraphQL type definitions (SDL); see docs/model.md",
        };
        self.here(message, "here", help)
    }
}

/// The directives of Backstay, each with its first argument.
fn directives() -> Vec<(String, Option<String>)> {
    let document = Parser::new().parse_ast(DIRECTIVES, "directives.graphql").unwrap_or_else(|failed| failed.partial);
    let known = document.definitions.iter().filter_map(|definition| definition.as_directive_definition());
    known.map(|of| (of.name.to_string(), of.arguments.first().map(|argument| argument.name.to_string()))).collect()
}

/// A token as messages show it.
fn shortened(token: &str) -> String {
    const MOST: usize = 24;
    if token.chars().count() <= MOST {
        return token.to_owned();
    }
    token.chars().take(MOST).chain(['…']).collect()
}

/// The parser's names of tokens as they are written.
fn plain_tokens(message: &str) -> String {
    let tokens = [("L_CURLY", "`{`"), ("R_CURLY", "`}`"), ("L_PAREN", "`(`"), ("R_PAREN", "`)`"), ("R_BRACK", "`]`")];
    let written = tokens.iter().fold(message.to_owned(), |text, (name, token)| text.replace(name, token));
    written.replace("EOF", "the end of the file")
}
