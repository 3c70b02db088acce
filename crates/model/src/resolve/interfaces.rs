//! Interfaces: those that no type implements, and those with a path.

use std::mem::discriminant;

use apollo_compiler::schema::{ExtendedType, InterfaceType, ObjectType};
use apollo_compiler::{Name, Node, Schema};
use backstay_base::limits;

use super::collection::written_path;
use super::naming::{check_count, check_definition_name};
use super::read;
use super::report::Report;
use super::survey::{STANDARD_FIELDS, StoredType, Survey};
use crate::{Collection, Column, Diagnostic, Field, Interface, InterfaceId, KeyKind, Lint};

/// The interfaces with a path.
pub(super) fn interfaces(
    report: &mut Report<'_>,
    (schema, survey): (&Schema, &Survey<'_>),
    collections: &[Collection],
) -> Vec<Interface> {
    let mut interfaces: Vec<Interface> = Vec::new();
    for node in declared(report, schema) {
        // So many are too many, which is reported below.
        let Ok(index) = u16::try_from(interfaces.len()) else { break };
        let id = InterfaceId(index);
        let Some(interface) = interface(report, (node, id), survey) else { continue };
        check_path(report, &interface, (&interfaces, collections));
        check_keys(report, &interface, collections);
        check_forms(report, &interface, collections);
        interfaces.push(interface);
    }
    check_count(report, "interfaces with a path", interfaces.len(), limits::MODEL_COLLECTIONS, None);
    interfaces
}

/// The interfaces of the model, in their order.
fn declared<'s>(report: &Report<'_>, schema: &'s Schema) -> Vec<&'s Node<InterfaceType>> {
    let of_model = schema.types.values().filter(|ty| report.places.is_model(ty.location()));
    let interfaces = of_model.filter_map(|ty| match ty {
        ExtendedType::Interface(node) => Some(node),
        ExtendedType::Object(_)
        | ExtendedType::Enum(_)
        | ExtendedType::Union(_)
        | ExtendedType::Scalar(_)
        | ExtendedType::InputObject(_) => None,
    });
    interfaces.collect()
}

fn implements(of: &ObjectType, name: &Name) -> bool {
    of.implements_interfaces.iter().any(|known| known.name == *name)
}

/// Warns of interfaces that no type implements, in which nothing was checked.
pub(super) fn check_implemented(report: &mut Report<'_>, schema: &Schema) {
    let implemented =
        |name: &Name| schema.types.values().any(|ty| matches!(ty, ExtendedType::Object(of) if implements(of, name)));
    for of in declared(report, schema) {
        if implemented(&of.name) {
            continue;
        }
        let message = format!("no type implements {}", of.name);
        let help = format!("write `type … implements {}`, or remove the interface", of.name);
        report.warn(&of.name, Diagnostic::warning(Lint::UnusedInterface, message).help(help), "implemented nowhere");
    }
}

/// The interface that this is, if it has a path.
fn interface(
    report: &mut Report<'_>,
    (node, id): (&Node<InterfaceType>, InterfaceId),
    survey: &Survey<'_>,
) -> Option<Interface> {
    let directive = node.directives.get("path")?;
    let path = written_path(report, directive, report.places.is_system(node.location()))?;
    check_definition_name(report, &node.name, false, "interface");
    let types: Vec<&StoredType<'_>> = survey.types.iter().filter(|of| implements(of.node, &node.name)).collect();
    if types.is_empty() {
        let message = format!("no type with records implements {}", node.name);
        let help = format!("write `type … implements {}` on a type with records, or remove `@path`", node.name);
        report.error(directive.location(), message, "nothing to read there", help);
        return None;
    }
    let what = format!("types of {}", node.name);
    check_count(report, &what, types.len(), limits::INTERFACE_TYPES, node.name.location());
    let standard = STANDARD_FIELDS.iter().map(|field| field.name.to_owned());
    let own = node.fields.keys().map(ToString::to_string).filter(|name| !is_standard(name));
    Some(Interface {
        id,
        name: node.name.to_string(),
        path,
        description: read::description(node.description.as_ref()),
        types: types.iter().map(|of| of.id).collect(),
        fields: standard.chain(own).collect(),
        span: report.span_of(&node.name),
    })
}

fn is_standard(name: &str) -> bool {
    STANDARD_FIELDS.iter().any(|standard| standard.name == name)
}

fn check_path(report: &mut Report<'_>, of: &Interface, (others, collections): (&[Interface], &[Collection])) {
    let of_interface = others.iter().find(|other| other.path == of.path).map(|other| (&other.name, other.span));
    let of_type = collections.iter().find(|other| other.path == of.path).map(|other| (&other.name, other.span));
    let Some((name, span)) = of_type.or(of_interface) else { return };
    let message = format!("{name} and {} have the same path, `{}`", of.name, report.path_of(&of.path));
    let diagnostic = Diagnostic::error(message).at(of.span, "and this").and(span, "this");
    report.push(diagnostic.help("write `@path(is: \"…\")` with another path on one of them"));
}

/// A record is found by its id, so no two records of the types may have the same one.
fn check_keys(report: &mut Report<'_>, of: &Interface, collections: &[Collection]) {
    for collection in of.types.iter().map(|id| &collections[usize::from(id.0)]) {
        let (problem, help) = match collection.key.kind {
            KeyKind::Uuid7 | KeyKind::Uuid4 if !collection.key.given => continue,
            KeyKind::Uuid7 | KeyKind::Uuid4 => ("clients give", "remove `given: true`"),
            KeyKind::Text => ("clients give", "write another `@key(type: …)`"),
            KeyKind::Int => ("Backstay counts", "write another `@key(type: …)`"),
        };
        let message = format!(
            "{problem} the ids of {}, so a record of another type of {} could have the same one",
            collection.name, of.name
        );
        let diagnostic =
            Diagnostic::error(message).at(of.span, "read by id at one path").and(collection.span, "this type");
        report.push(diagnostic.help(format!("{help}, or the interface's `@path`")));
    }
}

/// Records of all types are compared and ordered together, so a field that they share must be stored in one form.
fn check_forms(report: &mut Report<'_>, of: &Interface, collections: &[Collection]) {
    let mut types = of.types.iter().map(|id| &collections[usize::from(id.0)]);
    let Some(first) = types.next() else { return };
    for collection in types {
        for name in &of.fields {
            let (Some(one), Some(other)) = (first.member_named(None, name), collection.member_named(None, name)) else {
                continue;
            };
            if have_one_form((first, one), (collection, other)) {
                continue;
            }
            let message = format!("`{name}` of {} and of {} are not of the same form", first.name, collection.name);
            let diagnostic = Diagnostic::error(message).at(other.span, "this form").and(one.span, "and this");
            let help = format!(
                "{} has a path, at which its types are ordered and filtered together: declare the field alike in both",
                of.name
            );
            report.push(diagnostic.help(help));
        }
    }
}

/// Whether values of two fields have the same type and are stored alike, those of their members too.
fn have_one_form((one, first): (&Collection, &Field), (other, second): (&Collection, &Field)) -> bool {
    let parts = |collection: &Collection, field: &Field| -> Vec<(String, Vec<Column>)> {
        let members =
            collection.fields.iter().filter(|part| part.id == field.id || part.is_within(field.id, &collection.fields));
        members.map(|part| (part.name.clone(), part.columns.clone())).collect()
    };
    discriminant(&first.kind) == discriminant(&second.kind)
        && first.kind.target() == second.kind.target()
        && first.answered_scalar() == second.answered_scalar()
        && parts(one, first) == parts(other, second)
}
