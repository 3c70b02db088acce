//! Which names a model may give, and how many.

use apollo_compiler::Name;
use apollo_compiler::parser::SourceSpan;
use backstay_base::limits;

use super::report::Report;
use crate::names;

/// What every type and enum of the system model is called by, and none of an application.
const SYSTEM_PREFIX: &str = "Backstay";

/// Names that rules and filters read as something else.
const EXPRESSION_WORDS: &[&str] = &[
    "auth",
    "this",
    "new",
    "old",
    "request",
    "now",
    "true",
    "false",
    "null",
    "in",
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
    "size",
    "timestamp",
    "duration",
];

/// Functions of CEL that Backstay leaves out, that convert types, or that are methods here: called by these names, nothing
/// else is meant.
const CEL_FUNCTIONS: &[&str] = &[
    "has",
    "map",
    "filter",
    "exists_one",
    "int",
    "uint",
    "double",
    "string",
    "bool",
    "bytes",
    "dyn",
    "type",
    "matches",
];

/// Whether rules read the name, with brackets after it, as something else than a named rule.
pub(super) fn is_function_word(name: &str) -> bool {
    CEL_FUNCTIONS.contains(&name)
}

/// Names that no rule could say of a field, not even after `this.`.
const UNNAMEABLE: &[&str] = &["true", "false", "null", "in"];

/// Whether rules and filters read the name as something else.
pub(super) fn is_expression_word(name: &str) -> bool {
    EXPRESSION_WORDS.contains(&name)
}

/// Checks a name that becomes part of the database's schema.
pub(super) fn check_name(report: &mut Report<'_>, name: &Name, what: &str) {
    let most = limits::MODEL_NAME_CHARS;
    if name.len() > most || names::snake(name).len() > most {
        let message = format!("the name of this {what} is too long");
        let help = format!("names have at most {most} characters, underscores between words included");
        report.error(name.location(), message, "too long", help);
    } else if name.starts_with('_') || name.ends_with('_') || name.contains("__") {
        let message = format!("`{name}` is not a name for this {what}");
        report.error(name.location(), message, "underscores", "use underscores between words only, one at a time");
    }
}

/// Checks the name of a type or enum.
pub(super) fn check_definition_name(report: &mut Report<'_>, name: &Name, system: bool, what: &str) {
    check_name(report, name, what);
    let prefixed = name.to_ascii_lowercase().starts_with(&SYSTEM_PREFIX.to_ascii_lowercase());
    if prefixed && !system {
        let message = format!("names that begin with {SYSTEM_PREFIX} are for the system model");
        report.error(name.location(), message, "reserved", format!("give the {what} another name"));
    } else if system && !name.starts_with(SYSTEM_PREFIX) {
        let message = format!("a name in the system model begins with {SYSTEM_PREFIX}");
        report.error(name.location(), message, "in a system file", format!("call it {SYSTEM_PREFIX}{name}"));
    }
}

/// Checks the name of a member of an embedded type, which parameters of lists don't stand in the way of.
pub(super) fn check_member_name(report: &mut Report<'_>, name: &Name) {
    check_name(report, name, "member");
    if UNNAMEABLE.contains(&name.as_str()) {
        let message = format!("`{name}` is a word of the rule language");
        report.error(name.location(), message, "reserved", "a rule could not name the member; give it another name");
    }
}

/// Checks the name of a field.
pub(super) fn check_field_name(report: &mut Report<'_>, name: &Name) {
    check_name(report, name, "field");
    if UNNAMEABLE.contains(&name.as_str()) {
        let message = format!("`{name}` is a word of the rule language");
        report.error(name.location(), message, "reserved", "a rule could not name the field; give it another name");
    }
}

/// Checks how many of something there are.
pub(super) fn check_count(report: &mut Report<'_>, what: &str, count: usize, most: usize, place: Option<SourceSpan>) {
    if count > most {
        let message = format!("there are {count} {what}, more than {most}");
        report.error(place, message, "too many", "split it");
    }
}
