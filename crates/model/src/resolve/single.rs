//! What `@single` demands of a type: its one record is made of defaults, and nobody creates, deletes or refers to it.

use super::report::Report;
use super::survey::Survey;
use crate::{Collection, Diagnostic, Enum, Field, FieldKind, RuleText, SetOn};

/// Checks the types that have one record, and the relations that lead to them.
pub(super) fn check_singles(report: &mut Report<'_>, survey: &Survey<'_>, enums: &[Enum], collections: &[Collection]) {
    for collection in collections.iter().filter(|collection| collection.single) {
        if survey.stored(collection.id).node.directives.has("identity") {
            let message = format!("{} is marked `@identity` and `@single`", collection.name);
            let diagnostic = Diagnostic::error(message).at(collection.span, "one account for everybody");
            report.push(diagnostic.help("remove one of the two"));
            continue;
        }
        check_rules(report, collection);
        let empty =
            |field: &&Field| field.id > Collection::VERSION && field.required && !begins_with(collection, field, enums);
        collection.fields.iter().filter(empty).for_each(|field| refuse_empty(report, collection, field));
    }
    for collection in collections {
        for field in &collection.fields {
            let target = field.kind.target().map(|target| &collections[usize::from(target.0)]);
            // The other end of a relation that is refused.
            let declares = field.kind.declared_by().is_none();
            if let Some(target) = target.filter(|target| target.single && declares) {
                let message =
                    format!("`{}.{}` refers to {}, which has one record", collection.name, field.name, target.name);
                let diagnostic =
                    Diagnostic::error(message).at(field.span, "always the same record").and(target.span, "`@single`");
                let what = if field.is_of_reference() { "the type from the union" } else { "the field" };
                let path = report.path_of(&target.path);
                report.push(diagnostic.help(format!("remove {what}; clients read the record at `{path}`")));
            }
        }
    }
}

/// Its record is there from the start and to the end.
fn check_rules(report: &mut Report<'_>, collection: &Collection) {
    let rules = collection
        .allow
        .iter()
        .flat_map(|layer| &layer.clauses)
        .flat_map(|clause| [("create", &clause.create), ("delete", &clause.delete), ("refer", &clause.refer)]);
    for (action, rule) in rules {
        let Some(RuleText { span, .. }) = rule else { continue };
        let verb = if action == "refer" { "refer to" } else { action };
        let message = format!("nobody can {verb} a {}: it has exactly one record", collection.name);
        let diagnostic = Diagnostic::error(message).at(*span, format!("`{action}:` of a `@single` type"));
        report.push(diagnostic.help(format!("remove `{action}:`; `update:` says who may change the record")));
    }
}

/// Whether the field has a value when nobody has given one.
fn begins_with(collection: &Collection, field: &Field, enums: &[Enum]) -> bool {
    let initial = match field.kind {
        FieldKind::Enum(id) => enums[usize::from(id.0)].initial().is_some(),
        // It is there where one of its members is.
        FieldKind::Embedded(_) => collection.parts(field.id).any(|part| begins_with(collection, part, enums)),
        FieldKind::Scalar(_)
        | FieldKind::List(_)
        | FieldKind::Document(_)
        | FieldKind::ToOne { .. }
        | FieldKind::ToOneOf { .. }
        | FieldKind::OneToMany { .. }
        | FieldKind::Lineage { .. }
        | FieldKind::OneToOne { .. }
        | FieldKind::ManyToMany { .. } => false,
    };
    let is_set = field.set.iter().any(|set| set.on != SetOn::Update && set.when.is_none());
    initial || field.default.is_some() || field.default_from.is_some() || is_set
}

fn refuse_empty(report: &mut Report<'_>, collection: &Collection, field: &Field) {
    let message =
        format!("`{}.{}` is required, but the record is created without a value for it", collection.name, field.name);
    let diagnostic = Diagnostic::error(message).at(field.span, "required, and without a default");
    let help = match field.kind {
        FieldKind::Embedded(_) => "give a member a `@default(to: …)`, or remove the `!`",
        FieldKind::ToOne { .. } | FieldKind::ToOneOf { .. } => {
            "remove the `!`: Backstay creates the record before anybody can choose"
        }
        FieldKind::Scalar(_)
        | FieldKind::Enum(_)
        | FieldKind::List(_)
        | FieldKind::Document(_)
        | FieldKind::OneToMany { .. }
        | FieldKind::Lineage { .. }
        | FieldKind::OneToOne { .. }
        | FieldKind::ManyToMany { .. } => {
            "write `@default(to: …)`, or remove the `!`: Backstay creates the record from the defaults"
        }
    };
    report.push(diagnostic.help(help));
}
