//! Values between the brackets of a directive that have no names.

use apollo_compiler::Node;
use apollo_compiler::ast::{DirectiveDefinition, InputValueDefinition, Type};
use apollo_compiler::parser::Parser;
use backstay_base::limits;

use super::tokens::{Token, is_name};
use super::{Mistake, open_brackets, shortened, tokens};
use crate::names::suggestion;
use crate::{DIRECTIVES, Diagnostic, foreign, unsupported};

/// Names without a value between the brackets of directives, such as `@unique(true)`: the parser leaves them out without
/// an error. Of each directive the first; of a file that has no other mistake of syntax.
pub(crate) fn without_values(file: u16, text: &str) -> Vec<Diagnostic> {
    let tokens = tokens(text);
    let (mut found, mut known) = (Vec::new(), None);
    for at in 2..tokens.len() {
        if tokens[at].text != "(" || tokens[at - 2].text != "@" || found.len() >= limits::MODEL_DIAGNOSTICS {
            continue;
        }
        let mut next = at + 1;
        while tokens.get(next).is_some_and(|token| token.text != ")") {
            if tokens.get(next + 1).is_some_and(|colon| colon.text == ":") {
                next = value_end(&tokens, next + 2);
                continue;
            }
            if !is_name(tokens[next].text) {
                break;
            }
            if known.get_or_insert_with(definitions).iter().all(|of| of.name != tokens[at - 1].text) {
                // An unknown directive is reported by the compiler.
                break;
            }
            let open = open_brackets(&tokens[..=next]);
            let mistake = Mistake { file, text, tokens: &tokens, index: next + 1, at: tokens[next].end, open };
            found.extend(mistake.without_value(tokens[at]));
            break;
        }
    }
    found
}

impl<'t> Mistake<'t> {
    /// The name of an argument without a value, or a value without the name of its argument. `None` if the directive is
    /// unknown, which the compiler reports.
    fn without_value(&self, bracket: Token<'_>) -> Option<Diagnostic> {
        let at = self.tokens.iter().position(|token| token.start == bracket.start)?;
        let (directive, name) = (self.tokens.get(at.checked_sub(1)?)?, self.before(1)?);
        let known = definitions();
        let definition = known.iter().find(|of| of.name == directive.text)?;
        if let Some(argument) = definition.arguments.iter().find(|argument| argument.name == name.text) {
            let diagnostic = Diagnostic::error(format!("`{}` has no value", name.text));
            let diagnostic = diagnostic.located(self.span(name.start, name.end), "nothing follows it");
            return Some(diagnostic.help(format!("write `@{}({})`", directive.text, placeholder(argument))));
        }
        // Directives that say all by their name.
        let is_flag = matches!(directive.text, "unique" | "trash") && matches!(name.text, "true" | "false");
        if is_flag || definition.arguments.is_empty() {
            let diagnostic = Diagnostic::error(format!("`@{}` takes no `{}`", directive.text, name.text));
            let diagnostic = diagnostic.located(self.span(name.start, name.end), "not an argument of it");
            return Some(diagnostic.help(format!("write `@{}` alone", directive.text)));
        }
        self.unnamed_values(bracket)
    }

    /// A value without the name of its argument, or arguments of a directive that does not exist.
    pub(super) fn unnamed_values(&self, bracket: Token<'_>) -> Option<Diagnostic> {
        if self.open.last()?.start != bracket.start {
            return None;
        }
        let at = self.tokens.iter().position(|token| token.start == bracket.start)?;
        let (sign, directive) = (self.tokens.get(at.checked_sub(2)?)?, self.tokens.get(at - 1)?);
        if sign.text != "@" {
            return None;
        }
        let (named, unnamed) = self.values(at + 1);
        let known = definitions();
        let definition = known.iter().find(|of| of.name == directive.text);
        let arguments = definition.map_or(&[][..], |of| &of.arguments);
        let is_argument = |token: &Token<'_>| arguments.iter().any(|argument| argument.name == token.text);
        let first = *unnamed.first().filter(|first| !is_argument(first))?;
        // The parser takes a name for that of an argument, and stops at what follows.
        let stopped = [self.before(1), self.tokens.get(self.index).copied()];
        if !stopped.into_iter().flatten().any(|token| token.start == first.start) {
            return None;
        }
        if definition.is_none() {
            return Some(self.unknown_directive(*sign, *directive, &known));
        }
        let mut free: Vec<_> = arguments.iter().filter(|argument| !named.contains(&argument.name.as_str())).collect();
        if directive.text == "length" && unnamed.len() == 1 {
            // One length is the greatest.
            free.reverse();
        }
        let help = if let Some(instead) = foreign::instead_of_call(directive.text, first.text) {
            instead
        } else if named.is_empty() {
            let written = free.iter().enumerate().filter_map(|(at, argument)| match unnamed.get(at) {
                Some(value) => Some(format!("{}: {}", argument.name, given(*value, argument))),
                None => argument.is_required().then(|| placeholder(argument)),
            });
            format!("write `@{}({})`", directive.text, written.collect::<Vec<_>>().join(", "))
        } else {
            let free: Vec<String> = free.iter().map(|argument| format!("`{}`", argument.name)).collect();
            if free.is_empty() {
                "remove it".to_owned()
            } else {
                format!("write the name of its argument before it: {}", free.join(", "))
            }
        };
        let diagnostic = Diagnostic::error("an argument needs its name");
        Some(diagnostic.located(self.span(first.start, first.end), "a value without a name").help(help))
    }

    /// The names of the arguments from this token to the end of the bracket, and the values without names.
    fn values(&self, from: usize) -> (Vec<&'t str>, Vec<Token<'t>>) {
        let (mut named, mut unnamed, mut at) = (Vec::new(), Vec::new(), from);
        while let Some(token) = self.tokens.get(at).filter(|token| !matches!(token.text, ")" | "@" | "{" | "}")) {
            if self.tokens.get(at + 1).is_some_and(|next| next.text == ":") {
                named.push(token.text);
                at = value_end(self.tokens, at + 2);
            } else {
                let mut end = value_end(self.tokens, at);
                // A call, as in `now()`
                if self.tokens.get(end).is_some_and(|token| token.text == "(") {
                    end = value_end(self.tokens, end);
                }
                let last = self.tokens.get(end - 1).unwrap_or(token);
                unnamed.push(Token { text: &self.text[token.start..last.end], start: token.start, end: last.end });
                at = end;
            }
        }
        (named, unnamed)
    }

    fn unknown_directive(&self, sign: Token<'_>, name: Token<'_>, known: &[Node<DirectiveDefinition>]) -> Diagnostic {
        let span = self.span(sign.start, name.end);
        if let Some(diagnostic) = unsupported::directive(name.text, span) {
            return diagnostic;
        }
        let written = format!("@{}", name.text);
        let ours: Vec<String> = known.iter().map(|of| format!("@{}", of.name)).collect();
        let suggested = || suggestion(&written, ours.iter().map(String::as_str));
        let help = foreign::instead_of_directive(name.text).map_or_else(suggested, str::to_owned);
        Diagnostic::error(format!("there is no directive `{written}`")).located(span, "not known").help(help)
    }
}

/// The token after the value that begins at this one.
fn value_end(tokens: &[Token<'_>], at: usize) -> usize {
    let rest = tokens.get(at..).unwrap_or_default();
    let mut depth = 0_usize;
    for (count, token) in rest.iter().enumerate() {
        match token.text {
            "[" | "{" | "(" => depth += 1,
            "]" | "}" | ")" => depth = depth.saturating_sub(1),
            _ => {}
        }
        // A number is several tokens: `-1.5e-3`.
        let next = rest.get(count + 1).filter(|next| next.start == token.end);
        let goes_on = next.is_some_and(|next| matches!(token.text, "-" | ".") || matches!(next.text, "-" | "."));
        if depth == 0 && !goes_on {
            return at + count + 1;
        }
    }
    at + 1
}

/// A value as this argument takes it.
fn given(value: Token<'_>, argument: &InputValueDefinition) -> String {
    if argument.ty.is_list() && !value.text.starts_with('[') {
        return format!("[{}]", shortened(value.text));
    }
    let takes_text = argument.ty.inner_named_type() == "String" && !argument.ty.is_list();
    if takes_text && value.text.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        format!("\"{}\"", shortened(value.text))
    } else {
        shortened(value.text)
    }
}

/// The directives of Backstay.
fn definitions() -> Vec<Node<DirectiveDefinition>> {
    let document = Parser::new().parse_ast(DIRECTIVES, "directives.graphql").unwrap_or_else(|failed| failed.partial);
    document.definitions.iter().filter_map(|definition| definition.as_directive_definition().cloned()).collect()
}

/// The argument with a value left open.
pub(crate) fn placeholder(argument: &InputValueDefinition) -> String {
    let value = match &*argument.ty {
        Type::List(_) | Type::NonNullList(_) => "[…]",
        Type::Named(name) | Type::NonNullNamed(name) if name == "String" => "\"…\"",
        Type::Named(_) | Type::NonNullNamed(_) => "…",
    };
    format!("{}: {value}", argument.name)
}
