//! What others than its owner say about a type: they add fields, and tighten what is there.

use std::collections::HashMap;

use apollo_compiler::ast::{Definition, Directive, DirectiveList, Document, FieldDefinition};
use apollo_compiler::{Name, Node};

use super::fields::{self, Redeclared};
use super::{Kind, Merging, Site, interfaces, parts, place_of};
use crate::source::{Owner, Span};

/// Writes fields that several owners declare into their first declaration. Returns what the directives there stand in for.
pub(super) fn merge(documents: &mut [Document], merging: &mut Merging<'_>) -> HashMap<Span, Node<Directive>> {
    let mut tightened = HashMap::new();
    for (name, sites) in parts(documents, merging.places, Kind::Type) {
        let [home, others @ ..] = sites.as_slice() else { continue };
        for (at, site) in others.iter().enumerate().filter(|(_, site)| site.owner != home.owner) {
            if home.is_definition && site.is_definition {
                refuse_second(documents, (&name, home, site), merging);
                continue;
            }
            check_directives(documents, (&name, home, site), merging);
            interfaces::check_implemented(documents, (&name, home, site), merging);
            let earlier = &sites[..=at];
            join_fields(documents, (&name, earlier, site), merging, &mut tightened);
        }
    }
    for (name, sites) in parts(documents, merging.places, Kind::Interface) {
        let [home, others @ ..] = sites.as_slice() else { continue };
        for site in others.iter().filter(|site| site.owner != home.owner) {
            if home.is_definition && site.is_definition {
                refuse_second(documents, (&name, home, site), merging);
            } else {
                interfaces::check_extended(documents, (&name, home, site), merging);
            }
        }
    }
    tightened
}

/// Two owners define one name.
fn refuse_second(documents: &[Document], (name, home, site): (&Name, &Site<'_>, &Site<'_>), merging: &mut Merging<'_>) {
    let what = if home.kind == Kind::Interface { "interfaces" } else { "types" };
    let message = format!("there are two {what} called `{name}`, of {} and of {}", home.owner, site.owner);
    let help = match (home.owner, site.owner) {
        (Owner::Application, Owner::Pack(pack)) if home.kind == Kind::Type => format!(
            "write `extend type {name}` in the application to add to that of the pack, or \
             `@pack(name: \"{pack}\", binds: [{{name: \"{name}\", to: \"{name}\"}}])` to make them one"
        ),
        _ => "rename one of the two; a type of a pack can be bound to another one by `binds`".to_owned(),
    };
    let place = |site: &Site<'_>| place_of(documents, site, merging.places);
    let (second, first) = (place(site), place(home));
    merging.conflict(message, (second, "and this"), (first, "this"), help);
}

/// Refuses what would change a type of another owner.
fn check_directives(
    documents: &mut [Document],
    (name, home, site): (&Name, &Site<'_>, &Site<'_>),
    merging: &mut Merging<'_>,
) {
    let own = documents[home.at.0].definitions[home.at.1].directives().clone();
    let first = place_of(documents, home, merging.places);
    let Some(part) = part(documents, site) else { return };
    // What the owner says as well is said once, but for expressions, in which names can mean something else.
    let is_expression = |directive: &Directive| matches!(directive.name.as_str(), "allow" | "check");
    part.directives.0.retain(|directive| is_expression(directive) || !own.iter().any(|known| known == directive));
    for directive in part.directives.iter() {
        let known = own.iter().find(|known| known.name == directive.name);
        let is_once = matches!(directive.name.as_str(), "path" | "deprecated");
        let at = directive.location();
        match known.filter(|_| is_once) {
            Some(known) => {
                let message =
                    format!("`@{}` of {name} is written by {} and by {}", directive.name, home.owner, site.owner);
                merging.conflict(message, (at, "again here"), (known.location(), "first here"), "keep the first");
            }
            None if interfaces::OF_OTHERS.contains(&directive.name.as_str()) => {}
            None => {
                let message =
                    format!("`@{}` can't be added to {name}, which is a type of {}", directive.name, home.owner);
                let help = "others than its owner can add fields, and write `@allow`, `@check`, `@unique`, `@exclude`, \
                            `@index`, `@path` and `@deprecated`";
                merging.conflict(message, (at, "not here"), (first, "defined here"), help);
            }
        }
    }
}

/// A part of a type.
struct Part<'d> {
    directives: &'d mut DirectiveList,
    fields: &'d mut Vec<Node<FieldDefinition>>,
}

fn part<'d>(documents: &'d mut [Document], site: &Site<'_>) -> Option<Part<'d>> {
    match &mut documents[site.at.0].definitions[site.at.1] {
        Definition::ObjectTypeDefinition(node) => {
            let of = node.make_mut();
            Some(Part { directives: &mut of.directives, fields: &mut of.fields })
        }
        Definition::ObjectTypeExtension(node) => {
            let of = node.make_mut();
            Some(Part { directives: &mut of.directives, fields: &mut of.fields })
        }
        _ => None,
    }
}

/// Moves what a part says about fields that an earlier one declares there.
fn join_fields(
    documents: &mut [Document],
    (name, earlier, site): (&Name, &[Site<'_>], &Site<'_>),
    merging: &mut Merging<'_>,
    tightened: &mut HashMap<Span, Node<Directive>>,
) {
    let Some(declared) = part(documents, site).map(|part| std::mem::take(part.fields)) else { return };
    let mut new: Vec<Node<FieldDefinition>> = Vec::new();
    for field in declared {
        let home = earlier.iter().find(|other| {
            other.owner != site.owner
                && part(documents, other).is_some_and(|part| part.fields.iter().any(|own| own.name == field.name))
        });
        let found = home.and_then(|home| Some((home, part(documents, home)?)));
        let found =
            found.and_then(|(home, part)| Some((home, part.fields.iter_mut().find(|own| own.name == field.name)?)));
        match found {
            None => new.push(field),
            Some((home, own)) => {
                let redeclared = Redeclared { of: name, owners: (home.owner, site.owner), field: &field };
                fields::join(own.make_mut(), &redeclared, merging, tightened);
            }
        }
    }
    if let Some(part) = part(documents, site) {
        *part.fields = new;
    }
}
