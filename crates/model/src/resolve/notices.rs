//! `@notify` of a type.

use apollo_compiler::Node;
use apollo_compiler::schema::Directive;

use super::jobs::events;
use super::read;
use super::report::Report;
use super::survey::{Names, StoredType};
use crate::names::suggestion;
use crate::{Collection, CollectionId, Field, FieldKind, Hook, HookOn, HookRun, Notice, RecordEvent};

/// All notifications, in the order of the types.
pub(super) fn notices(
    report: &mut Report<'_>,
    names: Names<'_, '_>,
    (collections, identity): (&[Collection], Option<CollectionId>),
) -> Vec<Hook> {
    let mut notices = Vec::new();
    for ty in &names.survey.types {
        let collection = &collections[usize::from(ty.id.0)];
        for directive in ty.node.directives.get_all("notify") {
            notices.extend(notice(report, (ty, collection), identity, directive));
        }
    }
    notices
}

fn notice(
    report: &mut Report<'_>,
    (ty, collection): (&StoredType<'_>, &Collection),
    identity: Option<CollectionId>,
    directive: &Node<Directive>,
) -> Option<Hook> {
    if ty.system {
        report.error(directive.location(), "the system model notifies nobody", "in a system file", "remove it");
        return None;
    }
    let events = events(directive, "on");
    if events.contains(&RecordEvent::Delete) {
        let message = "nobody can be notified of a deletion: what the template needs can't be read any more";
        let help = "write `on: [CREATE, UPDATE]`, or have a job send the mail: `@on(event: DELETE, run: \"…\")`";
        report.error(directive.location(), message, "of a deletion", help);
        return None;
    }
    let (to, place) = read::text(directive, "to")?;
    let refers = |field: &&Field| identity.is_some_and(|identity| refers_to(field, identity));
    let Some(field) = collection.field_named(to).filter(refers) else {
        let fields: Vec<&str> =
            collection.fields.iter().filter(|field| refers(field)).map(|field| &*field.name).collect();
        let help = match (identity, fields.is_empty()) {
            (None, _) => "mark the type of the accounts with `@identity`".to_owned(),
            (Some(_), true) => "add a field that refers to one account".to_owned(),
            (Some(_), false) => suggestion(to, fields),
        };
        let message = format!("`{to}` is not a field of {} that refers to one account", collection.name);
        report.error(place, message, "not an account", help);
        return None;
    };
    let (template, _) = read::text(directive, "template")?;
    let when = read::rule(report, directive, "when");
    let span = report.places.span(directive.location())?;
    let notice = Notice { to: field.id, template: template.into() };
    Some(Hook { collection: ty.id, on: HookOn::Events(events), run: HookRun::Mail(notice), when, span })
}

/// Whether a field refers to one record of this type.
fn refers_to(field: &Field, target: CollectionId) -> bool {
    matches!(field.kind, FieldKind::ToOne { target: of, .. } if of == target)
}
