//! `@search(weight:, language:)`.

use apollo_compiler::Node;
use apollo_compiler::schema::Directive;
use backstay_base::limits;
use backstay_scalar::{Language, Scalar};

use super::kind::Declared;
use super::read::text;
use super::report::Report;
use crate::{Class, Field, FieldKind, Searched};

/// How much a word counts at most.
const WEIGHT_MOST: i32 = 100;

/// Whether the values of a field have words to search for.
pub(super) fn applies(kind: &FieldKind) -> bool {
    matches!(kind, FieldKind::Scalar(Scalar::String | Scalar::Text | Scalar::Email))
}

/// Reads the directive.
pub(super) fn read(report: &mut Report<'_>, directive: &Node<Directive>) -> Option<Searched> {
    let (weight, language) = (weight(report, directive), language(report, directive));
    Some(Searched { weight: weight?, language: language? })
}

/// The language, if the directive names one; `None` if it names none that is known.
#[expect(clippy::option_option, reason = "a field without a language is as right as one with a known language")]
fn language(report: &mut Report<'_>, directive: &Node<Directive>) -> Option<Option<Language>> {
    let Some((code, place)) = text(directive, "language") else { return Some(None) };
    let language = Language::with_code(code);
    if language.is_none() {
        let help = if let Some(meant) = Language::meant(code) {
            format!("write `{}`", meant.code())
        } else {
            let codes: Vec<&str> = Language::ALL.iter().map(|known| known.code()).collect();
            format!("write one of {}, or leave it out", codes.join(", "))
        };
        let message = format!("full-text search doesn't know a language `{code}`");
        report.error(place, message, "not a known language", help);
    }
    language.map(Some)
}

/// How much each word of the field counts: 1 unless the directive says something else.
fn weight(report: &mut Report<'_>, directive: &Node<Directive>) -> Option<u32> {
    let Some(value) = directive.specified_argument_by_name("weight").filter(|value| !value.is_null()) else {
        return Some(1);
    };
    let weight = value.to_i32().filter(|weight| (1..=WEIGHT_MOST).contains(weight));
    if weight.is_none() {
        let message = format!("a weight is a whole number from 1 to {WEIGHT_MOST}");
        report.error(value.location(), message, "not a weight", "write how many times as much as in other fields");
    }
    weight.and_then(|weight| u32::try_from(weight).ok())
}

/// Refuses fields that can't be searched, whatever else their directives say.
pub(super) fn check(report: &mut Report<'_>, declared: &Declared<'_, '_>, field: &Field) {
    let Some(directive) = declared.node.directives.get("search").filter(|_| field.search.is_some()) else { return };
    let (message, help) = if declared.of.is_none() {
        ("members of embedded types can't be searched", "write `@search` on a field of the type that holds the value")
    } else if field.is_computed() {
        ("a computed field can't be searched", "write `@search` on the fields that it is computed from")
    } else if field.class.is_some_and(|class| class > Class::Personal) {
        let help = "remove `@search`, or the class; an index of its words would hold them outside of the field";
        ("a field of this class can't be searched", help)
    } else {
        return;
    };
    report.error(directive.location(), message, "not searchable", help);
}

/// Refuses more fields of a type than an index holds.
pub(super) fn check_number(report: &mut Report<'_>, fields: &[Field]) {
    let mut searched = fields.iter().filter(|field| field.search.is_some());
    if let Some(field) = searched.nth(limits::SEARCH_FIELDS) {
        let most = limits::SEARCH_FIELDS;
        let diagnostic = crate::Diagnostic::error(format!("at most {most} fields of a type can be searched"));
        report.push(diagnostic.at(field.span, "one too many").help("remove `@search` from some of them"));
    }
}
