//! A directive that stands in for the one of a field's owner says at least as much.

use apollo_compiler::Node;
use apollo_compiler::schema::Directive;

use super::report::Report;
use super::{length, range, read};
use crate::{Class, Diagnostic, Field, Length};

/// Refuses a `@class`, `@length` or `@range`, read into the field, that loosens what the owner of the field says.
pub(super) fn check(report: &mut Report<'_>, field: &Field, written: &Node<Directive>) {
    let places = report.places;
    let span = places.span(written.location());
    let Some(before) = places.packs.tightened(span) else { return };
    let is_looser = match written.name.as_str() {
        "class" => field.class.is_none_or(|class| !is_as_confidential(class, read::class(before))),
        "length" => {
            let owners = length::read(report, field, before);
            field.length != owners && Length::is_stricter(field.length, owners)
        }
        "range" => {
            let owners = range::read(report, field, before);
            field.range.as_ref().zip(owners).is_some_and(|(range, owners)| owners.is_stricter_than(range))
        }
        _ => false,
    };
    let (Some(span), Some(first), true) = (span, places.span(before.location()), is_looser) else { return };
    let owner = places.owner(before.location());
    let name = &written.name;
    let message = format!("`@{name}` of `{}` loosens what {owner} says", field.name);
    let diagnostic = Diagnostic::error(message).at(span, "looser").and(first, "stricter");
    report.push(diagnostic.help(format!("write a stricter `@{name}`, or leave it out")));
}

/// Whether a class protects at least as well as another one.
fn is_as_confidential(class: Class, other: Class) -> bool {
    match (class, other) {
        (Class::Secret, _) | (_, Class::Personal) => true,
        (Class::Medical | Class::Card | Class::Personal, _) => class == other,
    }
}
