//! Interfaces: their fields and directives are written into the types that implement them, before the schema is built, so
//! later stages don't know them. What is copied keeps its place, so that errors point into the interface.

use std::collections::{HashMap, HashSet};

use apollo_compiler::ast::{Definition, Directive, DirectiveList, Document, FieldDefinition};
use apollo_compiler::{Name, Node};

use crate::places::Places;
use crate::{Diagnostic, Diagnostics};

/// Directives of types of which both count, what the interface says and what the type says; any other is written once.
const ADDING_UP_ON_TYPES: &[&str] = &["allow", "check", "index", "unique"];
/// The same of fields.
const ADDING_UP_ON_FIELDS: &[&str] = &["check", "renamed", "set"];

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
    let declared = declared(documents);
    let mut expansion = Expansion { interfaces: &interfaces, places, out };
    for definition in documents.iter_mut().flat_map(|document| &mut document.definitions) {
        match definition {
            Definition::ObjectTypeDefinition(node) if !node.implements_interfaces.is_empty() => {
                let of = node.make_mut();
                expansion
                    .write((&of.name, &declared), (&mut of.implements_interfaces, &mut of.directives, &mut of.fields));
            }
            Definition::ObjectTypeExtension(node) if !node.implements_interfaces.is_empty() => {
                let of = node.make_mut();
                expansion
                    .write((&of.name, &declared), (&mut of.implements_interfaces, &mut of.directives, &mut of.fields));
            }
            Definition::InterfaceTypeDefinition(node) if !node.implements_interfaces.is_empty() => {
                let of = node.make_mut();
                expansion
                    .write((&of.name, &declared), (&mut of.implements_interfaces, &mut of.directives, &mut of.fields));
            }
            _ => {}
        }
    }
}

/// The fields that each type and interface declares, its extensions included.
fn declared(documents: &[Document]) -> HashMap<String, HashSet<String>> {
    let mut declared: HashMap<String, HashSet<String>> = HashMap::new();
    for definition in documents.iter().flat_map(|document| &document.definitions) {
        let fields = match definition {
            Definition::ObjectTypeDefinition(of) => &of.fields,
            Definition::ObjectTypeExtension(of) => &of.fields,
            Definition::InterfaceTypeDefinition(of) => &of.fields,
            Definition::InterfaceTypeExtension(of) => &of.fields,
            _ => continue,
        };
        let Some(name) = definition.name() else { continue };
        let names = fields.iter().map(|field| field.name.to_string());
        declared.entry(name.to_string()).or_default().extend(names);
    }
    declared
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

/// The parts of a type that interfaces are written into.
type Parts<'t> = (&'t mut Vec<Name>, &'t mut DirectiveList, &'t mut Vec<Node<FieldDefinition>>);

/// A type's name, and which fields each type declares.
type Implementing<'t> = (&'t Name, &'t HashMap<String, HashSet<String>>);

struct Expansion<'e> {
    interfaces: &'e Interfaces,
    places: &'e Places,
    out: &'e mut Diagnostics,
}

impl Expansion<'_> {
    fn write(&mut self, (name, declared): Implementing<'_>, (implements, directives, fields): Parts<'_>) {
        let interfaces = self.interfaces;
        let mut inherited: Vec<Node<FieldDefinition>> = Vec::new();
        for interface in interfaces.reached(implements) {
            let Some(shared) = interfaces.shared.get(interface.as_str()) else { continue };
            if !implements.contains(&interface) {
                implements.push(interface.clone());
            }
            self.merge((&interface, ADDING_UP_ON_TYPES), directives, &shared.directives);
            for field in &shared.fields {
                let is_declared = declared.get(name.as_str()).is_some_and(|names| names.contains(field.name.as_str()));
                let own = fields.iter_mut().chain(&mut inherited).find(|own| own.name == field.name);
                match own {
                    Some(own) if own != field => {
                        let own = &mut own.make_mut().directives;
                        self.merge((&interface, ADDING_UP_ON_FIELDS), own, &field.directives.0);
                    }
                    Some(_) => {}
                    None if is_declared => self.refuse_apart(&interface, name, field),
                    None => inherited.push(field.clone()),
                }
            }
        }
        fields.splice(0..0, inherited);
    }

    /// Adds what an interface is marked with. What a type or field says itself is not said again.
    fn merge(
        &mut self,
        (interface, adding_up): (&Name, &[&str]),
        own: &mut DirectiveList,
        inherited: &[Node<Directive>],
    ) {
        for directive in inherited {
            let twice = own.iter().find(|known| known.name == directive.name && *known != directive).cloned();
            if own.iter().any(|known| known == directive) {
                continue;
            }
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
