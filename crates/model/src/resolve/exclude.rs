//! `@exclude(fields:, from:, to:, where:)`.

use apollo_compiler::Node;
use apollo_compiler::ast::Directive;
use apollo_compiler::parser::SourceSpan;
use backstay_base::limits;
use backstay_scalar::Scalar;

use super::read;
use super::report::Report;
use super::survey::StoredType;
use crate::names::suggestion;
use crate::{Class, Collection, Exclusion, Field, FieldId, FieldKind};

/// The exclusions of a type.
pub(super) fn exclusions(report: &mut Report<'_>, of: &StoredType<'_>, fields: &[Field]) -> Vec<Exclusion> {
    let mut found: Vec<Exclusion> = Vec::new();
    for directive in of.node.directives.get_all("exclude") {
        let Some(exclusion) = exclusion(report, (of, fields), directive) else { continue };
        let is_same = |other: &Exclusion| {
            other.all_fields().eq(exclusion.all_fields()) && other.condition_text() == exclusion.condition_text()
        };
        if found.iter().any(is_same) {
            report.error(
                directive.location(),
                "this `@exclude` is written twice",
                "again here",
                "remove one of the two",
            );
        } else {
            found.push(exclusion);
        }
    }
    found
}

fn exclusion(
    report: &mut Report<'_>,
    (of, fields): (&StoredType<'_>, &[Field]),
    directive: &Node<Directive>,
) -> Option<Exclusion> {
    let from = bound(report, (of, fields), directive, "from");
    let to = bound(report, (of, fields), directive, "to");
    let same = same(report, (of, fields), directive);
    let (from, to) = (from?, to?);
    if from.id == to.id {
        let place = read::text(directive, "to").and_then(|(_, place)| place);
        report.error(place, "a range needs two fields", "the same as `from`", "name the field that holds the end");
        return None;
    }
    if from.kind != to.kind {
        let place = read::text(directive, "to").and_then(|(_, place)| place);
        let message = format!("`{}` and `{}` are of different types", from.name, to.name);
        report.error(place, message, "another type than `from`", "give both fields the same type");
        return None;
    }
    let same = same?;
    if let Some(twice) = same.iter().find(|id| [from.id, to.id].contains(id)) {
        let name = &fields[usize::from(twice.0)].name;
        let message = format!("`{name}` is a bound of the range, and can't be the same in both records as well");
        report.error(directive.location(), message, "named twice", format!("remove `{name}` from `fields`"));
        return None;
    }
    let condition = read::rule(report, directive, "where");
    let span = report.places.span(directive.location())?;
    Some(Exclusion { fields: same, from: from.id, to: to.id, condition, span })
}

/// The field that an argument names, if it can be a bound of a range.
fn bound<'f>(
    report: &mut Report<'_>,
    (of, fields): (&StoredType<'_>, &'f [Field]),
    directive: &Node<Directive>,
    argument: &str,
) -> Option<&'f Field> {
    let (name, place) = read::text(directive, argument)?;
    let field = stored(report, (of, fields), (name, place), is_bound)?;
    if !is_bound(field) {
        let message = format!("`{name}` can't be a bound of a range");
        report.error(place, message, "not a bound", "name an `Int`, `Decimal`, `Date` or `DateTime`");
        return None;
    }
    Some(field)
}

fn is_bound(field: &Field) -> bool {
    let FieldKind::Scalar(scalar) = field.kind else { return false };
    matches!(scalar, Scalar::Int | Scalar::Decimal { .. } | Scalar::Date | Scalar::DateTime)
}

/// The fields that `fields` names.
fn same(
    report: &mut Report<'_>,
    (of, fields): (&StoredType<'_>, &[Field]),
    directive: &Node<Directive>,
) -> Option<Vec<FieldId>> {
    let Some(value) = directive.specified_argument_by_name("fields").filter(|value| !value.is_null()) else {
        return Some(Vec::new());
    };
    let is_comparable = |field: &Field| field.kind.is_indexable();
    let (mut same, mut sound) = (Vec::new(), true);
    for (name, place) in read::texts(value) {
        match stored(report, (of, fields), (name, place), is_comparable) {
            Some(field) if same.contains(&field.id) => {
                report.error(place, format!("`fields` names `{name}` twice"), "again here", "remove it");
                sound = false;
            }
            Some(field) if !is_comparable(field) => {
                let help =
                    "name relations to one record, enums, and scalars other than `Text`, `JSON`, `Money` and `Bytes`";
                report.error(place, format!("records can't be compared by `{name}`"), "not compared", help);
                sound = false;
            }
            Some(field) => same.push(field.id),
            None => sound = false,
        }
    }
    if same.len() > limits::EXCLUSION_FIELDS {
        let most = limits::EXCLUSION_FIELDS;
        report.error(value.location(), format!("`fields` names at most {most} fields"), "too many", "name fewer");
        sound = false;
    }
    sound.then_some(same)
}

/// The field of this name, if it is stored and no secret.
fn stored<'f>(
    report: &mut Report<'_>,
    (of, fields): (&StoredType<'_>, &'f [Field]),
    (name, place): (&str, Option<SourceSpan>),
    is_meant: impl Fn(&Field) -> bool,
) -> Option<&'f Field> {
    let is_own = |field: &&Field| field.id > Collection::VERSION && !field.is_computed() && !field.is_sum();
    let Some(field) = fields.iter().find(|field| field.name == name) else {
        let known = fields.iter().filter(is_own).filter(|field| is_meant(field));
        let help = suggestion(name, known.map(|field| field.name.as_str()));
        report.error(place, format!("{} has no field `{name}`", of.node.name), "not a field", help);
        return None;
    };
    let refusal = if !is_own(&field) && field.id > Collection::VERSION {
        Some((
            format!("`{name}` is computed, and a change of other records would be refused because of it"),
            "computed",
        ))
    } else if !is_own(&field) {
        Some((format!("Backstay sets `{name}`, which says nothing of a range"), "not here"))
    } else if field.class == Some(Class::Secret) {
        Some((format!("`{name}` is secret: a conflict would tell clients what is in it"), "a secret"))
    } else {
        None
    };
    if let Some((message, label)) = refusal {
        report.error(place, message, label, "name a field that is stored and that clients or the model give a value");
        return None;
    }
    Some(field)
}
