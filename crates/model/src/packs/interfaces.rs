//! What an interface gives to types of others only adds to them or restricts them, and so does what others add to it.

use apollo_compiler::Name;
use apollo_compiler::Node;
use apollo_compiler::ast::{Definition, Directive, Document, FieldDefinition};
use apollo_compiler::parser::SourceSpan;

use super::{Merging, Site, place_of};
use crate::source::Owner;

/// Directives of types that others than the owner can write: they add to the type, or tighten it.
pub(super) const OF_OTHERS: &[&str] = &["allow", "check", "deprecated", "exclude", "index", "path", "unique"];

/// Refuses an interface that would bring what the part itself can't say.
pub(super) fn check_implemented(
    documents: &[Document],
    (name, home, site): (&Name, &Site<'_>, &Site<'_>),
    merging: &mut Merging<'_>,
) {
    let Definition::ObjectTypeExtension(part) = &documents[site.at.0].definitions[site.at.1] else { return };
    let first = place_of(documents, home, merging.places);
    for interface in &part.implements_interfaces {
        let brought = brought(documents, interface);
        for directive in brought.filter(|directive| !OF_OTHERS.contains(&directive.name.as_str())) {
            let what = format!("{name}, a type of {}", home.owner);
            let help = "implement an interface without it; others than its owner can add fields and restrict a type";
            let places = (interface.location(), "implemented here");
            refuse(merging, (interface, directive), (what, help), (places, first));
        }
    }
}

/// Refuses what somebody else than its owner says about an interface, if it changes the types that implement it.
pub(super) fn check_extended(
    documents: &[Document],
    (name, home, site): (&Name, &Site<'_>, &Site<'_>),
    merging: &mut Merging<'_>,
) {
    let definition = &documents[site.at.0].definitions[site.at.1];
    let first = place_of(documents, home, merging.places);
    for directive in &**definition.directives() {
        let message =
            format!("`@{}` can't be added to {name}, which is an interface of {}", directive.name, home.owner);
        let help = "write it on the types that implement the interface";
        merging.conflict(message, (directive.location(), "not here"), (first, "defined here"), help);
    }
    for interface in implemented(definition) {
        for directive in brought(documents, interface) {
            let what = format!("{name}, an interface of {}", home.owner);
            let help = "write what it says on the types that implement the interface";
            refuse(merging, (interface, directive), (what, help), ((interface.location(), "implemented here"), first));
        }
    }
    let reached = implemented(definition).iter().flat_map(|interface| reached(documents, interface));
    let fields: Vec<&Node<FieldDefinition>> = reached.chain([definition]).flat_map(fields).collect();
    for ty in implementing(documents, name) {
        check_fields(documents, (&ty, &fields), site.owner, merging);
    }
}

/// Refuses to have another owner's type implement an interface that says more than which fields the type has, and what
/// restricts it.
pub(super) fn check_bound(
    documents: &[Document],
    (interface, place): (&Name, Option<SourceSpan>),
    (ty, site): (&Name, &Site<'_>),
    merging: &mut Merging<'_>,
) {
    let first = place_of(documents, site, merging.places);
    for directive in brought(documents, interface).filter(|directive| !OF_OTHERS.contains(&directive.name.as_str())) {
        let what = format!("{ty}, a type of {}", site.owner);
        let help = "bind the interface to types of the application";
        refuse(merging, (interface, directive), (what, help), ((place, "bound here"), first));
    }
    let reached = reached(documents, interface);
    let fields: Vec<&Node<FieldDefinition>> = reached.into_iter().flat_map(fields).collect();
    if let Some(definition) = fields.first() {
        let owner = merging.owner(definition.location());
        check_fields(documents, (ty, &fields), owner, merging);
    }
}

fn refuse(
    merging: &mut Merging<'_>,
    (interface, directive): (&Name, &Node<Directive>),
    (what, help): (String, &str),
    (second, first): ((Option<SourceSpan>, &str), Option<SourceSpan>),
) {
    let message = format!("{interface} has `@{}`, which can't be added to {what}", directive.name);
    merging.conflict(message, second, (first, "defined here"), help);
}

/// Refuses fields that say more of one that others declare in a type than that it is there.
fn check_fields(
    documents: &[Document],
    (ty, fields): (&Name, &[&Node<FieldDefinition>]),
    owner: Owner<'_>,
    merging: &mut Merging<'_>,
) {
    let places = merging.places;
    let parts = definitions(documents).filter(|definition| definition.name() == Some(ty));
    let of_others: Vec<&Node<FieldDefinition>> =
        parts.flat_map(self::fields).filter(|field| places.owner(field.location()) != owner).collect();
    for field in fields.iter().filter(|field| places.owner(field.location()) == owner) {
        let declared = of_others.iter().find(|other| other.name == field.name);
        let (Some(declared), Some(directive)) = (declared, field.directives.first()) else { continue };
        let whose = places.owner(declared.location());
        let message =
            format!("`@{}` can't be added to `{}` of {ty}, which is a field of {whose}", directive.name, field.name);
        let (second, first) = (directive.location(), declared.name.location());
        let help = "leave it out, or give the field of the interface another name";
        merging.conflict(message, (second, "not here"), (first, "declared here"), help);
    }
}

/// What an interface and those that it implements are marked with, apart from their own paths.
fn brought<'d>(documents: &'d [Document], interface: &Name) -> impl Iterator<Item = &'d Node<Directive>> {
    let directives = reached(documents, interface).into_iter().flat_map(|definition| definition.directives().iter());
    directives.filter(|directive| directive.name != "path")
}

/// All parts of an interface, and of those that it implements.
fn reached<'d>(documents: &'d [Document], interface: &Name) -> Vec<&'d Definition> {
    let (mut open, mut known, mut parts) = (vec![interface.clone()], Vec::new(), Vec::new());
    while let Some(name) = open.pop() {
        if known.contains(&name) {
            continue;
        }
        let of_name =
            definitions(documents).filter(|definition| is_interface(definition) && definition.name() == Some(&name));
        for definition in of_name {
            open.extend(implemented(definition).iter().cloned());
            parts.push(definition);
        }
        known.push(name);
    }
    parts
}

/// The types and interfaces that implement one, and itself.
fn implementing(documents: &[Document], interface: &Name) -> Vec<Name> {
    let mut found = vec![interface.clone()];
    while let Some(definition) = definitions(documents).find(|definition| {
        let name = definition.name();
        implemented(definition).iter().any(|of| found.contains(of)) && !name.is_some_and(|name| found.contains(name))
    }) {
        found.extend(definition.name().cloned());
    }
    found
}

fn definitions(documents: &[Document]) -> impl Iterator<Item = &Definition> {
    documents.iter().flat_map(|document| &document.definitions)
}

fn is_interface(definition: &Definition) -> bool {
    matches!(definition, Definition::InterfaceTypeDefinition(_) | Definition::InterfaceTypeExtension(_))
}

fn implemented(definition: &Definition) -> &[Name] {
    match definition {
        Definition::ObjectTypeDefinition(of) => &of.implements_interfaces,
        Definition::ObjectTypeExtension(of) => &of.implements_interfaces,
        Definition::InterfaceTypeDefinition(of) => &of.implements_interfaces,
        Definition::InterfaceTypeExtension(of) => &of.implements_interfaces,
        _ => &[],
    }
}

fn fields(definition: &Definition) -> &[Node<FieldDefinition>] {
    match definition {
        Definition::ObjectTypeDefinition(of) => &of.fields,
        Definition::ObjectTypeExtension(of) => &of.fields,
        Definition::InterfaceTypeDefinition(of) => &of.fields,
        Definition::InterfaceTypeExtension(of) => &of.fields,
        _ => &[],
    }
}
