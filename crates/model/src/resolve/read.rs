//! Reads what directives and descriptions say.

use apollo_compiler::ast::Value as Literal;
use apollo_compiler::parser::SourceSpan;
use apollo_compiler::schema::Directive;
use apollo_compiler::{Name, Node};
use backstay_base::limits;

use super::report::Report;
use crate::{Class, RuleText, literal};

/// Characters of the message of a check.
const MESSAGE_CHARS: usize = 200;

/// The text in an argument and its place, if it is given.
pub(super) fn text<'d>(directive: &'d Directive, argument: &str) -> Option<(&'d str, Option<SourceSpan>)> {
    let value = directive.specified_argument_by_name(argument)?;
    value.as_str().map(|text| (text, value.location()))
}

/// The word of an enum in an argument.
pub(super) fn word<'d>(directive: &'d Directive, argument: &str) -> Option<&'d str> {
    directive.specified_argument_by_name(argument)?.as_enum().map(Name::as_str)
}

/// The class of a field. A word that is none was refused by GraphQL already; until then the field counts as the most
/// confidential.
pub(super) fn class(directive: &Directive) -> Class {
    match word(directive, "is") {
        Some("PERSONAL") => Class::Personal,
        Some("MEDICAL") => Class::Medical,
        Some("CARD") => Class::Card,
        _ => Class::Secret,
    }
}

/// The expression in an argument, if it is given.
pub(super) fn rule(report: &mut Report<'_>, directive: &Directive, argument: &str) -> Option<RuleText> {
    directive.specified_argument_by_name(argument).and_then(|value| rule_value(report, value))
}

/// The expression that a string literal holds.
pub(super) fn rule_value(report: &mut Report<'_>, value: &Node<Literal>) -> Option<RuleText> {
    let text = value.as_str()?;
    let place = value.location();
    if text.trim().is_empty() {
        let help = "write an expression such as \"auth.id != null\"; \"true\" allows everyone";
        report.error(place, "the rule is empty", "nothing in it", help);
    } else if text.len() > limits::EXPRESSION_BYTES {
        let message = format!("the rule is longer than {} bytes", limits::EXPRESSION_BYTES);
        report.error(place, message, "too long", "take parts of it out into `@rule`s");
    }
    let mut span = report.places.span(place)?;
    let length = literal::length(report.places.sources.text(span));
    span.end = span.start + u32::try_from(length).expect("a model file is at most `limits::MODEL_FILE_BYTES` long");
    Some(RuleText { text: text.into(), span, owner: report.places.owner(place).into() })
}

/// A description, unless it is empty.
pub(super) fn description(text: Option<&Node<str>>) -> Option<String> {
    text.map(|text| text.as_str().to_owned()).filter(|text| !text.is_empty())
}

/// The texts of a list, each with its place. GraphQL takes a single value where a list is expected.
pub(super) fn texts(value: &Node<Literal>) -> impl Iterator<Item = (&str, Option<SourceSpan>)> {
    let items = if let Literal::List(items) = &**value { items.as_slice() } else { std::slice::from_ref(value) };
    items.iter().filter_map(|item| item.as_str().map(|name| (name, item.location())))
}

/// Refuses a message for clients that says nothing or too much.
pub(super) fn check_message(report: &mut Report<'_>, (message, place): (&str, Option<SourceSpan>), of: &str) {
    if message.trim().is_empty() || message.chars().count() > MESSAGE_CHARS {
        let help = "say what is expected, such as \"at most 80 characters\"";
        let message = format!("the message of {of} has 1 to {MESSAGE_CHARS} characters");
        report.error(place, message, "not a message", help);
    }
}
