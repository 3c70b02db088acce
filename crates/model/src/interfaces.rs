//! Interfaces: their fields and directives are written into the types that implement them, before the schema is built, so
//! later stages know them only by their paths. What is copied keeps its place, so that errors point into the interface.

use std::collections::HashMap;

use apollo_compiler::ast::{Definition, Directive, DirectiveList, Document, FieldDefinition};
use apollo_compiler::{Name, Node};

use crate::places::Places;
use crate::{Diagnostic, Diagnostics};

/// Directives of types of which both count, what the interface says and what the type says; any other is written once.
const ADDING_UP_ON_TYPES: &[&str] = &["allow", "at", "check", "exclude", "index", "unique"];
/// The same of fields.
const ADDING_UP_ON_FIELDS: &[&str] = &["check", "renamed", "set"];

/// Directives that are about the interface itself.
const OWN: &[&str] = &["path"];

/// What an interface gives to the types that implement it.
#[derive(Debug, Clone, Default)]
struct Shared {
    implements: Vec<Name>,
    directives: Vec<Node<Directive>>,
    fields: Vec<Node<FieldDefinition>>,
}

/// Writes the interfaces of a model into its types.
pub(crate) fn expand(documents: &mut [Document], places: &Places, out: &mut Diagnostics) {
    let interfaces = Interfaces::of(documents);
    if interfaces.shared.is_empty() {
        return;
    }
    let mut expansion = Expansion { interfaces: &interfaces, places, out };
    for (name, mut parts) in types(documents) {
        expansion.write(&name, &mut parts);
    }
}

/// A type or interface, or an extension of one, that interfaces are written into.
struct Part<'d> {
    implements: &'d mut Vec<Name>,
    directives: &'d mut DirectiveList,
    fields: &'d mut Vec<Node<FieldDefinition>>,
    /// The fields of interfaces, before its own.
    inherited: Vec<Node<FieldDefinition>>,
}

/// The types and interfaces, each with all its parts, in the order of their first ones.
fn types(documents: &mut [Document]) -> Vec<(Name, Vec<Part<'_>>)> {
    let mut types: Vec<(Name, Vec<Part<'_>>)> = Vec::new();
    let mut known: HashMap<Name, usize> = HashMap::new();
    for definition in documents.iter_mut().flat_map(|document| &mut document.definitions) {
        let (name, implements, directives, fields) = match definition {
            Definition::ObjectTypeDefinition(node) => {
                let of = node.make_mut();
                (&of.name, &mut of.implements_interfaces, &mut of.directives, &mut of.fields)
            }
            Definition::ObjectTypeExtension(node) => {
                let of = node.make_mut();
                (&of.name, &mut of.implements_interfaces, &mut of.directives, &mut of.fields)
            }
            Definition::InterfaceTypeDefinition(node) => {
                let of = node.make_mut();
                (&of.name, &mut of.implements_interfaces, &mut of.directives, &mut of.fields)
            }
            Definition::InterfaceTypeExtension(node) => {
                let of = node.make_mut();
                (&of.name, &mut of.implements_interfaces, &mut of.directives, &mut of.fields)
            }
            _ => continue,
        };
        let at = *known.entry(name.clone()).or_insert_with(|| {
            types.push((name.clone(), Vec::new()));
            types.len() - 1
        });
        types[at].1.push(Part { implements, directives, fields, inherited: Vec::new() });
    }
    types
}

/// The interfaces of a model.
struct Interfaces {
    shared: HashMap<String, Shared>,
}

impl Interfaces {
    fn of(documents: &[Document]) -> Self {
        let mut this = Self { shared: HashMap::new() };
        for definition in documents.iter().flat_map(|document| &document.definitions) {
            match definition {
                Definition::InterfaceTypeDefinition(of) => {
                    this.add(&of.name, (&of.implements_interfaces, &of.directives, &of.fields));
                }
                Definition::InterfaceTypeExtension(of) => {
                    this.add(&of.name, (&of.implements_interfaces, &of.directives, &of.fields));
                }
                _ => {}
            }
        }
        this
    }

    fn add(
        &mut self,
        name: &Name,
        (implements, directives, fields): (&[Name], &DirectiveList, &[Node<FieldDefinition>]),
    ) {
        let shared = self.shared.entry(name.to_string()).or_default();
        shared.implements.extend(implements.iter().cloned());
        shared.directives.extend(directives.iter().cloned());
        shared.fields.extend(fields.iter().cloned());
    }

    /// The interfaces that the parts of a type reach, each with the place of the part that it is written into: the first
    /// one that names it, or else the first one that reaches it by another.
    fn homes(&self, parts: &[Part<'_>]) -> Vec<(Name, usize)> {
        let mut homes: Vec<(Name, usize)> = Vec::new();
        for (at, part) in parts.iter().enumerate() {
            for interface in self.reached(part.implements) {
                if homes.iter().all(|(known, _)| *known != interface) {
                    let named = parts.iter().position(|part| part.implements.contains(&interface));
                    homes.push((interface, named.unwrap_or(at)));
                }
            }
        }
        homes
    }

    /// These interfaces and those that they implement, each once.
    fn reached(&self, names: &[Name]) -> Vec<Name> {
        let mut reached: Vec<Name> = Vec::new();
        let mut open: Vec<Name> = names.iter().rev().cloned().collect();
        while let Some(name) = open.pop() {
            if reached.contains(&name) {
                continue;
            }
            let inner = self.shared.get(name.as_str()).map_or(&[] as &[Name], |shared| &shared.implements);
            open.extend(inner.iter().rev().cloned());
            reached.push(name);
        }
        reached
    }
}

struct Expansion<'e> {
    interfaces: &'e Interfaces,
    places: &'e Places,
    out: &'e mut Diagnostics,
}

impl Expansion<'_> {
    /// Writes each interface that the parts of a type reach into one of them.
    fn write(&mut self, name: &Name, parts: &mut [Part<'_>]) {
        for (interface, home) in self.interfaces.homes(parts) {
            let Some(shared) = self.interfaces.shared.get(interface.as_str()) else { continue };
            if !parts[home].implements.contains(&interface) {
                parts[home].implements.push(interface.clone());
            }
            self.merge((&interface, ADDING_UP_ON_TYPES), parts[home].directives, &shared.directives);
            for field in &shared.fields {
                let is_it = |own: &&mut Node<FieldDefinition>| own.name == field.name;
                let is_declared = parts.iter().any(|part| part.fields.iter().any(|own| own.name == field.name));
                let mut known = parts.iter_mut().enumerate().flat_map(|(at, Part { fields, inherited, .. })| {
                    let own = if at == home { fields.as_mut_slice() } else { &mut [] };
                    own.iter_mut().chain(inherited)
                });
                match known.find(is_it) {
                    Some(own) => {
                        let own = &mut own.make_mut().directives;
                        self.merge((&interface, ADDING_UP_ON_FIELDS), own, &field.directives.0);
                    }
                    None if is_declared => self.refuse_apart(&interface, name, field),
                    None => parts[home].inherited.push(field.clone()),
                }
            }
        }
        for part in parts {
            part.fields.splice(0..0, part.inherited.drain(..));
        }
    }

    /// Adds what an interface is marked with. What a type or field says itself is not said again, unless it is another owner's
    /// rule: that one holds beside it.
    fn merge(
        &mut self,
        (interface, adding_up): (&Name, &[&str]),
        own: &mut DirectiveList,
        inherited: &[Node<Directive>],
    ) {
        for directive in inherited.iter().filter(|of| !OWN.contains(&of.name.as_str())) {
            let places = self.places;
            let is_apart = |known: &&Node<Directive>| {
                directive.name == "allow" && places.owner(known.location()) != places.owner(directive.location())
            };
            let known = || own.iter().filter(|known| known.name == directive.name && !is_apart(known));
            if known().any(|known| known == directive) {
                continue;
            }
            let twice = known().next().cloned();
            match twice.filter(|_| !adding_up.contains(&directive.name.as_str())) {
                None => own.0.push(directive.clone()),
                Some(twice) => {
                    let message = format!("`@{}` is written here and in the interface {interface}", directive.name);
                    let mut diagnostic = Diagnostic::error(message).help("keep one of the two");
                    if let Some(span) = self.places.span(directive.location()) {
                        diagnostic = diagnostic.and(span, "in the interface");
                    }
                    self.out.push(diagnostic.located(self.places.span(twice.location()), "again here"));
                }
            }
        }
    }

    fn refuse_apart(&mut self, interface: &Name, name: &Name, field: &Node<FieldDefinition>) {
        let message = format!("`{}` of {interface} is declared in another part of {name}", field.name);
        let diagnostic = Diagnostic::error(message).located(self.places.span(field.location()), "of the interface");
        let help =
            format!("write `implements {interface}` where {name} declares the field, or leave the field out there");
        self.out.push(diagnostic.help(help));
    }
}
