//! Values between the brackets of a directive that have no names.

use apollo_compiler::Node;
use apollo_compiler::ast::{DirectiveDefinition, InputValueDefinition};
use apollo_compiler::parser::Parser;

use super::tokens::{Token, is_name};
use super::{Mistake, shortened};
use crate::names::suggestion;
use crate::translate::placeholder;
use crate::{DIRECTIVES, Diagnostic, foreign, unsupported};

impl<'t> Mistake<'t> {
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
        let free: Vec<_> = arguments.iter().filter(|argument| !named.contains(&argument.name.as_str())).collect();
        let help = if named.is_empty() {
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
                at = self.value_end(at + 2);
            } else {
                let end = self.value_end(at);
                let last = self.tokens.get(end - 1).unwrap_or(token);
                unnamed.push(Token { text: &self.text[token.start..last.end], start: token.start, end: last.end });
                at = end;
            }
        }
        (named, unnamed)
    }

    /// The token after the value that begins here.
    fn value_end(&self, at: usize) -> usize {
        let rest = self.tokens.get(at..).unwrap_or_default();
        let mut depth = 0_usize;
        for (count, token) in rest.iter().enumerate() {
            match token.text {
                "[" | "{" => depth += 1,
                "]" | "}" => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 {
                return at + count + 1;
            }
        }
        at + 1
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

/// A value as this argument takes it.
fn given(value: Token<'_>, argument: &InputValueDefinition) -> String {
    if argument.ty.is_list() && !value.text.starts_with('[') {
        return format!("[{}]", shortened(value.text));
    }
    let takes_text = argument.ty.inner_named_type() == "String" && !argument.ty.is_list();
    if takes_text && is_name(value.text) { format!("\"{}\"", shortened(value.text)) } else { shortened(value.text) }
}

/// The directives of Backstay.
fn definitions() -> Vec<Node<DirectiveDefinition>> {
    let document = Parser::new().parse_ast(DIRECTIVES, "directives.graphql").unwrap_or_else(|failed| failed.partial);
    document.definitions.iter().filter_map(|definition| definition.as_directive_definition().cloned()).collect()
}
