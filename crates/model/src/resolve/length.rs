use apollo_compiler::Node;
use apollo_compiler::schema::Directive;
use backstay_base::limits;
use backstay_scalar::Scalar;

use super::report::Report;
use crate::length::Unit;
use crate::{Document, Field, FieldKind, Length};

/// The most that `@length` can let a field of this kind hold; `None` where it has no meaning.
pub(super) fn most(kind: &FieldKind) -> Option<usize> {
    match kind {
        FieldKind::Scalar(scalar) => scalar.max_chars(),
        FieldKind::List(_) | FieldKind::Document(Document::List(_)) => Some(limits::LIST_ITEMS),
        FieldKind::Enum(_)
        | FieldKind::Embedded(_)
        | FieldKind::Document(Document::One(_))
        | FieldKind::ToOne { .. }
        | FieldKind::ToOneOf { .. }
        | FieldKind::OneToMany { .. }
        | FieldKind::Lineage { .. }
        | FieldKind::OneToOne { .. }
        | FieldKind::ManyToMany { .. } => None,
    }
}

/// Reads `@length(min:, max:)` of a field.
pub(super) fn read(report: &mut Report<'_>, field: &Field, directive: &Node<Directive>) -> Option<Length> {
    let most = most(&field.kind)?;
    let unit = Unit::of_length(&field.kind);
    let mut bound = |name: &str| {
        let value = directive.specified_argument_by_name(name).filter(|value| !value.is_null())?;
        match value.to_i32().and_then(|number| usize::try_from(number).ok()) {
            Some(number) if number <= most && (number > 0 || name == "min") => Some(number),
            Some(number) if number > most => {
                let holds = if unit == Unit::Items { "a list".to_owned() } else { format!("`{}`", name_of(field)) };
                let message = format!("{holds} holds at most {most} {}", unit.of(most));
                let longer = if field.kind == FieldKind::Scalar(Scalar::String) { ", or make it a `Text`" } else { "" };
                let help = format!("write `{name}: {most}` or less{longer}");
                report.error(value.location(), message, "too many", help);
                None
            }
            _ => {
                let (message, help) = match name {
                    "max" => ("`max` is at least 1", "write `max: 1` or more, or remove the field"),
                    _ => ("`min` is at least 0", "write `min: 1` to refuse an empty value, or remove it"),
                };
                report.error(value.location(), message, "too few", help);
                None
            }
        }
    };
    let given = |name: &str| directive.specified_argument_by_name(name).is_some_and(|value| !value.is_null());
    if !given("min") && !given("max") {
        let help = "write the least, the most or both, such as `@length(max: 200)`, or remove it";
        report.error(directive.location(), "`@length` limits nothing", "no number in it", help);
        return None;
    }
    let (min, max) = (bound("min"), bound("max"));
    // A bound that is no number is reported already.
    if min.is_none() && given("min") || max.is_none() && given("max") {
        return None;
    }
    let length = Length { min: min.unwrap_or(0), max };
    if let Some(max) = max.filter(|max| *max < length.min) {
        let message = format!("no value has at least {} and at most {max} {}", length.min, unit.of(max));
        let help = format!("write `@length(min: {max}, max: {})`", length.min);
        report.error(directive.location(), message, "`min` is more than `max`", help);
        return None;
    }
    Some(length)
}

fn name_of(field: &Field) -> &'static str {
    field.kind.scalar().map_or("value", Scalar::name)
}
