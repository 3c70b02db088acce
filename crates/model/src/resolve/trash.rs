//! What `@trash` gives a type: a field and an index of their own; and what it demands of the types that go with it.

use apollo_compiler::schema::Directive;
use backstay_base::Duration;
use backstay_scalar::{Scalar, Token, Value};

use super::read;
use super::report::Report;
use super::survey::{StoredType, Survey};
use crate::{Collection, Diagnostic, Field, FieldId, FieldKind, Index, Nulls, OnDelete, Trash, names};

/// The field that says when a record was moved to the trash.
const TRASHED_AT: &str = "trashedAt";
const MICROS_PER_DAY: i64 = 24 * 60 * 60 * 1_000_000;

/// The trash of a type, if it has one. Adds its field.
pub(super) fn trash(report: &mut Report<'_>, of: &StoredType<'_>, fields: &mut Vec<Field>) -> Option<Trash> {
    let directive = of.node.directives.get("trash")?;
    if let Some(declared) = of.node.fields.get(TRASHED_AT) {
        let message = format!("every record of a type with `@trash` already has `{TRASHED_AT}`");
        report.error(declared.name.location(), message, "the same field again", "leave this out; stored values stay");
        return None;
    }
    let at = FieldId(u16::try_from(fields.len()).expect("the number of fields was checked"));
    let span = report.span_of(&of.node.name);
    let description = Some("When the record was moved to the trash; null outside of it.".to_owned());
    let field = Field::unmarked(at, TRASHED_AT, FieldKind::Scalar(Scalar::DateTime), false, span);
    fields.push(Field { description, readonly: true, ..field });
    let otherwise = "leave `keep` out to keep them until they are purged";
    Some(Trash { at, keep: keep(report, directive, otherwise) })
}

/// How long something is kept; `otherwise` says what it means to leave that out.
pub(super) fn keep(report: &mut Report<'_>, directive: &Directive, otherwise: &str) -> Option<Duration> {
    let (text, place) = read::text(directive, "keep")?;
    let kept = duration(text).filter(|kept| kept.micros() > 0);
    if kept.is_none() {
        let help = match text.parse::<u32>() {
            Ok(number) => format!("write \"{number}d\" for days or \"{number}h\" for hours"),
            Err(_) => format!(
                "write days, such as \"30d\", or hours and minutes, such as \"12h\" or \"PT1H30M\"; {otherwise}"
            ),
        };
        report.error(place, format!("`{text}` is not a length of time"), "how long?", help);
    }
    kept
}

fn duration(text: &str) -> Option<Duration> {
    if let Some(days) = text.strip_suffix('d') {
        let days: i64 = days.parse().ok()?;
        return days.checked_mul(MICROS_PER_DAY).map(Duration::from_micros);
    }
    match Scalar::Duration.read(Token::Text(text)) {
        Ok(Value::Duration(kept)) => Some(kept),
        _ => None,
    }
}

/// The index by which records are found that have been in the trash for long enough. It holds no others.
pub(super) fn trash_index(of: &StoredType<'_>, trash: Trash) -> Index {
    let name = names::index(&of.table, &[&names::snake(TRASHED_AT)], false);
    Index { name, fields: vec![trash.at], unique: false, nulls: Nulls::Distinct, condition: None }
}

/// Checks what a trash demands of other types.
pub(super) fn check_trash(report: &mut Report<'_>, survey: &Survey<'_>, collections: &[Collection]) {
    for collection in collections.iter().filter(|collection| collection.trash.is_some()) {
        let marked = |name: &str| survey.stored(collection.id).node.directives.has(name);
        let name = &collection.name;
        if marked("identity") {
            let message = format!("{name} is marked `@identity` and `@trash`");
            let diagnostic = Diagnostic::error(message).at(collection.span, "accounts have no trash");
            report
                .push(diagnostic.help("remove `@trash`; `backstay account disable` keeps an account from signing in"));
        }
        if collection.single {
            let message = format!("{name} is marked `@single` and `@trash`");
            let diagnostic = Diagnostic::error(message).at(collection.span, "its record is never deleted");
            report.push(diagnostic.help("remove `@trash`"));
        }
    }
    for collection in collections.iter().filter(|collection| collection.trash.is_none()) {
        for field in &collection.fields {
            let FieldKind::ToOne { target, on_delete: OnDelete::Cascade, .. } = field.kind else { continue };
            let target = &collections[usize::from(target.0)];
            if target.trash.is_none() {
                continue;
            }
            let (here, there) = (&collection.name, &target.name);
            let message = format!("{here} has no `@trash`, but goes with a {there}, which has one");
            let diagnostic = Diagnostic::error(message)
                .at(field.span, "`@onDelete(do: CASCADE)`")
                .and(target.span, "its records are kept in the trash");
            let help = format!("write `@trash` on {here} too, so that a {there} is restored with its records");
            report.push(diagnostic.help(help));
        }
    }
}
