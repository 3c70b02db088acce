//! Types of fields in the notation of other languages.

use super::Mistake;
use super::tokens::{Token, is_name, open_brackets};
use crate::{Diagnostic, foreign};

/// Tokens of the type of a field before the place where the parser stops, at most.
const REACH: usize = 12;

/// What begins a union of types, and no list of values.
const SCALARS: [&str; 8] = ["String", "Text", "Int", "Float", "Decimal", "Boolean", "DateTime", "Date"];

impl Mistake<'_> {
    /// A type, or a definition, as another language writes it.
    pub(super) fn of_other_languages(&self) -> Option<Diagnostic> {
        self.of_definition().or_else(|| self.of_field_type())
    }

    /// `type Post:` and `enum S = A | B`.
    fn of_definition(&self) -> Option<Diagnostic> {
        let (keyword, name) = (self.before(2)?.text, self.before(1)?.text);
        if !self.open.is_empty() || !is_name(name) {
            return None;
        }
        match (keyword, self.after(0)) {
            ("type" | "enum", ":") => {
                let what = if keyword == "type" { "fields" } else { "values" };
                let help = format!("remove it, and write the {what} between `{{` and `}}`");
                Some(self.here("unexpected `:`", "not before the braces", help))
            }
            ("enum", "=") => {
                let values = values(self.tokens.get(self.index + 1..)?);
                let help = format!("write `enum {name} {{ {} }}`", values.unwrap_or_else(|| "DRAFT DONE".to_owned()));
                Some(self.here("unexpected `=`", "not before the values", help))
            }
            _ => None,
        }
    }

    fn of_field_type(&self) -> Option<Diagnostic> {
        let last = self.index.min(self.tokens.len().checked_sub(1)?);
        let colon = (last.saturating_sub(REACH)..=last).rev().find(|at| {
            let before = at.checked_sub(1).map(|name| open_brackets(&self.tokens[..name]));
            let in_type = before.is_some_and(|open| matches!(open.as_slice(), [brace] if brace.text == "{"));
            in_type && self.tokens[*at].text == ":" && is_name(self.tokens[*at - 1].text)
        })?;
        let (field, ty) = (self.tokens[colon - 1].text, self.tokens.get(colon + 1..)?);
        let (message, help, length) = meant(field, ty)?;
        let end = ty.get(length.checked_sub(1)?)?.end;
        let stops_there = self.index > colon && self.index <= colon + length;
        let diagnostic = Diagnostic::error(message).located(self.span(ty[0].start, end), "not a type");
        stops_there.then(|| diagnostic.help(help))
    }
}

/// The names or texts that these tokens begin with, joined by `|` or by nothing, as values of an enum.
fn values(tokens: &[Token<'_>]) -> Option<String> {
    let mut values: Vec<String> = Vec::new();
    let joined = tokens.get(1).is_some_and(|token| token.text == "|");
    for (at, token) in tokens.iter().enumerate() {
        let value = token.text.trim_matches('"');
        match (joined && at % 2 == 1, token.text) {
            (true, "|") => {}
            (false, _) if is_name(value) && value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') => {
                values.push(value.to_uppercase());
            }
            _ => break,
        }
    }
    (!values.is_empty()).then(|| values.join(" "))
}

/// Values from the token `first` up to a bracket, where an enum is needed.
fn listed(field: &str, ty: &[Token<'_>], first: usize, close: &str) -> Option<(String, String, usize)> {
    let values = values(&ty[first..])?;
    let letters = field.chars();
    let name: String = letters.clone().take(1).flat_map(char::to_uppercase).chain(letters.skip(1)).collect();
    let count = values.split(' ').count();
    let length = if close.is_empty() { 2 * count - 1 } else { ty.iter().position(|token| token.text == close)? + 1 };
    let help = format!("declare `enum {name} {{ {values} }}` and write `{field}: {name}`");
    Some(("a list of values is not a type".to_owned(), help, length))
}

/// What is wrong with the type, what to write, and how many tokens the type has.
fn meant(field: &str, ty: &[Token<'_>]) -> Option<(String, String, usize)> {
    let text = |at: usize| ty.get(at).map_or("", |token| token.text);
    let number = |at: usize| text(at).parse::<u32>().ok();
    match (text(0), text(1), text(2), text(3)) {
        (of @ ("Map" | "Record" | "Dict" | "HashMap"), "<", ..) => {
            let length = ty.iter().position(|token| token.text == ">")? + 1;
            Some((format!("`{of}<…>` is not a type"), "write `JSON`".to_owned(), length))
        }
        (option @ ("Option" | "Optional" | "Maybe" | "Nullable"), "<", of, ">") => {
            let help = format!("write `{of}`; a field can be null unless its type ends with `!`");
            Some((format!("`{option}<…>` is not a type"), help, 4))
        }
        (list, "<", of, ">") => Some((format!("`{list}<…>` is not a type"), format!("write `[{of}!]`"), 4)),
        (of, "[", "]", _) if is_name(of) => Some((format!("`{of}[]` is not a type"), format!("write `[{of}!]`"), 3)),
        (of @ ("Decimal" | "Numeric"), "(", ..) => {
            let (digits, scale) = (number(2)?, number(3).unwrap_or(0));
            let help = format!("write `Decimal @precision(digits: {digits}, scale: {scale})`");
            Some((format!("`{of}` takes no arguments"), help, if text(3) == ")" { 4 } else { 5 }))
        }
        (of @ ("String" | "Text" | "Varchar" | "VARCHAR" | "varchar" | "Char"), "(", ..) => {
            let (most, of_ours) = (number(2)?, if of == "Text" { "Text" } else { "String" });
            Some((format!("`{of}` takes no arguments"), format!("write `{of_ours} @length(max: {most})`"), 4))
        }
        ("Money", "(", ..) => {
            let length = ty.iter().position(|token| token.text == ")")? + 1;
            Some((
                "`Money` takes no arguments".to_owned(),
                "write `Money`; its currency says how many digits it has".to_owned(),
                length,
            ))
        }
        (of, "(", digits, ")") if is_name(of) && digits.parse::<u32>().is_ok() => {
            let help = foreign::instead_of_type(of).map_or_else(|| format!("write `{of}`"), str::to_owned);
            Some((format!("`{of}` takes no arguments"), help, 4))
        }
        ("enum" | "Enum", "(", ..) => listed(field, ty, 2, ")"),
        ("[", value, ..) if value.starts_with('"') => listed(field, ty, 1, "]"),
        (of, "|", ..) if SCALARS.contains(&of) => {
            let help = "choose one type; a field of type `JSON` holds any value".to_owned();
            Some(("a field has one type".to_owned(), help, 3))
        }
        (_, "|", ..) => listed(field, ty, 0, ""),
        ("{", ..) => {
            let help = "write `JSON`, or a type of its own and its name here".to_owned();
            Some(("a field has no fields of its own".to_owned(), help, 1))
        }
        _ => None,
    }
}
