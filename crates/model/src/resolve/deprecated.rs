//! `@deprecated(reason:)`.

use apollo_compiler::ast::Directive;

use super::read;
use super::report::Report;

/// Characters of a reason.
const REASON_CHARS: usize = 200;
/// The reason where none is given, as in GraphQL.
const REASON: &str = "No longer supported";

/// Why clients should no longer use what is marked so.
pub(super) fn reason(report: &mut Report<'_>, directive: &Directive) -> String {
    let Some((reason, place)) = read::text(directive, "reason") else { return REASON.to_owned() };
    if reason.trim().is_empty() || reason.chars().count() > REASON_CHARS {
        let message = format!("the reason of a deprecation has 1 to {REASON_CHARS} characters");
        report.error(place, message, "not a reason", "say what to use instead, or leave `reason` out");
    }
    reason.to_owned()
}
