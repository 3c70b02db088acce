//! `@slug(from:)`.

use apollo_compiler::Node;
use apollo_compiler::ast::Directive;
use apollo_compiler::parser::SourceSpan;
use backstay_base::limits;
use backstay_scalar::Scalar;

use super::kind::Declared;
use super::read;
use super::report::Report;
use super::survey::StoredType;
use crate::names::suggestion;
use crate::{Field, FieldId, FieldKind, SetOn};

/// Refuses what a field can't be beside a slug.
pub(super) fn check(report: &mut Report<'_>, declared: &Declared<'_, '_>, field: &Field) {
    let node = declared.node;
    let Some(directive) = node.directives.get("slug") else { return };
    if declared.of.is_none() {
        let help = "write `@slug` on a field of the type that holds the value";
        report.error(directive.location(), "a member of an embedded type can't be a slug", "not here", help);
        return;
    }
    if let Some(default) = node.directives.get("default") {
        let message = format!("`{}` has a default and is made from another field", field.name);
        report.error(default.location(), message, "never used", "keep either `@default` or `@slug`");
    }
    if field.set.iter().any(|set| set.on != SetOn::Update && set.when.is_none()) {
        let place = node.directives.get("set").and_then(Node::location);
        let message = format!("`{}` is always set, so no slug is made for it", field.name);
        report.error(place, message, "always applies", "keep either `@set` or `@slug`, or give `@set` a `when:`");
    }
    if let Some(pattern) = node.directives.get("pattern") {
        let help = "remove it: a slug has its own form, words of a-z and 0-9 with hyphens between";
        report.error(pattern.location(), "a generated slug might not match the pattern", "not beside `@slug`", help);
    }
    let Some(length) = field.length else { return };
    let place = node.directives.get("length").and_then(Node::location);
    if length.min > 1 {
        let help = "remove `min`: a slug always has at least one character, and one of a short text is short";
        report.error(place, "a generated slug can be shorter than that", "`min` of a slug", help);
    }
    let least = limits::SLUG_CHARS_LEAST;
    if length.max.is_some_and(|max| max < least) {
        let help = format!("write `max: {least}` or more");
        report.error(place, "a slug needs room for a number", "too short", help);
    }
}

/// Finds the fields that slugs are made from.
pub(super) fn sources(report: &mut Report<'_>, of: &StoredType<'_>, fields: &mut [Field]) {
    let declared = of.declared().filter(|(surveyed, _)| surveyed.within.is_none());
    for (surveyed, id) in declared {
        let field = &fields[usize::from(id.0)];
        if let Some(directive) = surveyed.node.directives.get("slug").filter(|_| is_slug(field)) {
            let source = source(report, (of, fields), field, directive);
            fields[usize::from(id.0)].slug = source;
        }
    }
}

/// Whether a field can be one. What can't has its error already.
fn is_slug(field: &Field) -> bool {
    field.kind == FieldKind::Scalar(Scalar::String) && !field.is_computed()
}

fn source(
    report: &mut Report<'_>,
    (of, fields): (&StoredType<'_>, &[Field]),
    field: &Field,
    directive: &Node<Directive>,
) -> Option<FieldId> {
    let (name, place) = read::text(directive, "from")?;
    let is_text = |field: &&Field| matches!(field.kind, FieldKind::Scalar(Scalar::String | Scalar::Text));
    let Some(from) = fields.iter().find(|from| from.name == name) else {
        let known = fields.iter().filter(is_text).filter(|from| from.id != field.id);
        let help = suggestion(name, known.map(|from| from.name.as_str()));
        report.error(place, format!("{} has no field `{name}`", of.node.name), "not a field", help);
        return None;
    };
    let is_slug = of.declared().any(|(of, id)| id == from.id && of.node.directives.has("slug"));
    let refusal = if from.id == field.id {
        Some(("a slug can't be made from itself", "name a field such as `title`"))
    } else if !is_text(&from) {
        Some(("a slug is made from a text", "name a field that is a `String` or a `Text`"))
    } else if from.is_computed() {
        Some(("a slug can't be made from a computed field", "name a field that is stored"))
    } else if is_slug {
        Some(("a slug can't be made from another slug", "name the field that the other one is made from"))
    } else {
        None
    };
    if let Some((message, help)) = refusal {
        report.error(place, message, format!("`{name}`"), help);
        return None;
    }
    check_class(report, (field, from), place);
    Some(from.id)
}

/// What is made from a confidential text is as confidential.
fn check_class(report: &mut Report<'_>, (field, from): (&Field, &Field), place: Option<SourceSpan>) {
    let Some(class) = from.class.filter(|class| field.class < Some(*class)) else { return };
    let class = class.word();
    let message = format!("`{}` would show what is in `{}`, which is {class}", field.name, from.name);
    let help = format!("write `@class(is: {class})` on `{}` too, or make it from another field", field.name);
    report.error(place, message, class, help);
}
