//! Types marked `@embedded`: their values are part of the record that holds them, and their members are fields of its
//! collection.

use std::collections::HashMap;

use apollo_compiler::Node;
use apollo_compiler::schema::{Component, FieldDefinition, ObjectType};
use backstay_base::limits;

use super::naming::{check_count, check_definition_name};
use super::read;
use super::report::Report;
use super::survey::FIRST_DECLARED;
use crate::{Class, Collection, Diagnostic, Embedded, EmbeddedId, Field, FieldId, FieldKind, Lint};

/// The types marked `@embedded`.
pub(super) struct EmbeddedTypes<'a> {
    nodes: Vec<&'a Node<ObjectType>>,
    ids: HashMap<&'a str, EmbeddedId>,
}

/// A declared field, or a member of an embedded value.
pub(super) struct Surveyed<'a> {
    pub(super) node: &'a Component<FieldDefinition>,
    /// Its name in the collection: of a member the path to it.
    pub(super) name: String,
    /// The field that holds the embedded value that it is a member of.
    pub(super) within: Option<FieldId>,
}

/// What a type with records can be marked with, and an embedded one can't, with what to do instead.
const OF_COLLECTIONS: [(&str, &str); 6] = [
    ("allow", "write `@allow` on the types and fields that hold the value"),
    ("identity", "the people who sign in are records of a type of their own"),
    ("index", "write `@index` on the type that holds the value, with a path such as `\"address.city\"`"),
    ("path", "remove it; only types with records have paths"),
    ("renamed", "remove it; nothing is stored under the name of an embedded type"),
    ("unique", "write `@unique(fields: […])` on the type that holds the value, with a path such as `\"address.city\"`"),
];

/// Whether a type is marked `@embedded`.
pub(super) fn is_embedded(node: &ObjectType) -> bool {
    node.directives.has("embedded")
}

impl<'a> EmbeddedTypes<'a> {
    /// Numbers them, and refuses those that could not be values of a record.
    pub(super) fn of(report: &mut Report<'_>, mut nodes: Vec<&'a Node<ObjectType>>) -> Self {
        check_count(report, "embedded types", nodes.len(), limits::MODEL_COLLECTIONS, None);
        nodes.truncate(limits::MODEL_COLLECTIONS);
        let ids = nodes.iter().map(|node| node.name.as_str()).zip((0..).map(EmbeddedId)).collect();
        let types = Self { nodes, ids };
        for node in &types.nodes {
            types.check(report, node);
        }
        types
    }

    /// The embedded type of this name.
    pub(super) fn named(&self, name: &str) -> Option<EmbeddedId> {
        self.ids.get(name).copied()
    }

    /// The types as the model has them.
    pub(super) fn resolved(&self, report: &Report<'_>) -> Vec<Embedded> {
        let of = |node: &&Node<ObjectType>| Embedded {
            name: node.name.to_string(),
            description: read::description(node.description.as_ref()),
            span: report.span_of(&node.name),
        };
        self.nodes.iter().map(of).collect()
    }

    /// Warns of types that no field holds, in whose members nothing was checked.
    pub(super) fn check_used(&self, report: &mut Report<'_>, collections: &[Collection]) {
        let mut used = vec![false; self.nodes.len()];
        for field in collections.iter().flat_map(|collection| &collection.fields) {
            if let FieldKind::Embedded(id) = field.kind {
                used[usize::from(id.0)] = true;
            }
        }
        for (node, _) in self.nodes.iter().zip(used).filter(|(_, used)| !used) {
            let message = format!("no field holds a value of {}", node.name);
            let help = format!(
                "write a field such as `{}: {}` in a type with records, or remove the type",
                field_for(&node.name),
                node.name
            );
            report.warn(
                &node.name,
                Diagnostic::warning(Lint::UnusedEmbeddedType, message).help(help),
                "embedded nowhere",
            );
        }
    }

    /// Fields, each followed by the members of its embedded value and theirs, up to one more than a type can have.
    pub(super) fn expand(&self, fields: &[&'a Component<FieldDefinition>]) -> Vec<Surveyed<'a>> {
        let mut expanded = Vec::new();
        for field in fields {
            self.add(field, None, 0, &mut expanded);
        }
        expanded
    }

    fn add(
        &self,
        node: &'a Component<FieldDefinition>,
        within: Option<(FieldId, &str)>,
        depth: usize,
        expanded: &mut Vec<Surveyed<'a>>,
    ) {
        if expanded.len() > limits::MODEL_FIELDS {
            return;
        }
        let id = u16::try_from(expanded.len()).map(|at| FieldId(FIRST_DECLARED + at));
        let id = id.expect("a type has fewer fields than 16 bits count");
        let name = within.map_or_else(|| node.name.to_string(), |(_, outer)| format!("{outer}.{}", node.name));
        expanded.push(Surveyed { node, name: name.clone(), within: within.map(|(id, _)| id) });
        let held = self.node_of(node).filter(|_| !node.ty.is_list() && depth < limits::EMBEDDED_DEPTH);
        for member in held.into_iter().flat_map(|held| held.fields.values()) {
            self.add(member, Some((id, &name)), depth + 1, expanded);
        }
    }

    /// The embedded type whose values a field holds.
    fn node_of(&self, field: &FieldDefinition) -> Option<&'a Node<ObjectType>> {
        self.named(field.ty.inner_named_type()).map(|id| self.nodes[usize::from(id.0)])
    }

    fn check(&self, report: &mut Report<'_>, node: &'a Node<ObjectType>) {
        let name = &node.name;
        check_definition_name(report, name, report.places.is_system(node.location()), "type");
        for (of_collections, help) in OF_COLLECTIONS {
            for directive in node.directives.get_all(of_collections) {
                let message = format!("{name} is embedded and has no records, which `@{of_collections}` is about");
                report.error(directive.location(), message, "not on an embedded type", help);
            }
        }
        for member in node.fields.values() {
            check_member(report, member);
        }
        let (message, help) = match self.nesting(node) {
            Nesting::Fits => return,
            Nesting::Endless => {
                let message = format!("a value of {name} would contain another {name}, without end");
                (message, "make one of the types a type with records, and refer to it")
            }
            Nesting::Deep => {
                let most = limits::EMBEDDED_DEPTH;
                let message = format!("values within {name} are embedded more than {most} levels deep");
                (message, "put the inner values into the outer type, or into a type with records")
            }
        };
        report.error(name.location(), message, "embedded too deep", help);
    }

    /// How deep the values within a value of this type are.
    fn nesting(&self, of: &'a Node<ObjectType>) -> Nesting {
        let mut level = vec![of];
        let mut deep = Nesting::Fits;
        for depth in 1..=self.nodes.len() {
            let mut seen = vec![false; self.nodes.len()];
            let inner = level.iter().flat_map(|node| node.fields.values());
            let inner = inner.filter_map(|field| self.named(field.ty.inner_named_type()));
            let inner = inner.filter(|id| !std::mem::replace(&mut seen[usize::from(id.0)], true));
            level = inner.map(|id| self.nodes[usize::from(id.0)]).collect();
            if level.iter().any(|node| node.name == of.name) {
                return Nesting::Endless;
            }
            if level.is_empty() {
                break;
            }
            if depth >= limits::EMBEDDED_DEPTH {
                deep = Nesting::Deep;
            }
        }
        deep
    }
}

/// How deep embedded values are within each other.
enum Nesting {
    /// As deep as they may be.
    Fits,
    /// Deeper.
    Deep,
    /// The type's values would contain values of the same type.
    Endless,
}

/// The name of a field that holds a value of this type.
fn field_for(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_ascii_lowercase().to_string() + letters.as_str())
}

/// Directives that a member of an embedded type can't have, with what to do instead.
const NOT_ON_MEMBERS: [(&str, &str); 5] = [
    ("allow", "write `@allow` on the field that holds the embedded value; it applies to its members"),
    ("check", "write `@check` on the field that holds the embedded value"),
    ("inverse", "write the other end into a type with records"),
    ("set", "write `@default` here, or `@set` on a field of the record itself"),
    ("unique", "write `@unique(fields: […])` on the type that holds the value, with a path such as `\"address.city\"`"),
];

/// Refuses what a member of an embedded type can't be marked with.
fn check_member(report: &mut Report<'_>, node: &Component<FieldDefinition>) {
    for (name, help) in NOT_ON_MEMBERS {
        for directive in node.directives.get_all(name) {
            let message = format!("`@{name}` is not for members of an embedded type");
            report.error(directive.location(), message, "on a member", help);
        }
    }
    for directive in node.directives.get_all("renamed") {
        if let Some(keep) = directive.specified_argument_by_name("keep").filter(|keep| keep.to_bool() == Some(true)) {
            let message = "`keep` is not supported for members of an embedded type yet";
            report.error(keep.location(), message, "on a member", "remove `keep`, and tell clients of the new name");
        }
    }
}

/// Gives a member what holds for the whole embedded value: who may see and write it, and how confidential it is.
pub(super) fn inherit(report: &mut Report<'_>, parent: &Field, member: &mut Field) {
    let longest = member.columns.iter().map(|column| column.name.len()).max().unwrap_or_default();
    let most = limits::MODEL_NAME_CHARS;
    if longest > most {
        let message = format!("the column of `{}` would have a name of more than {most} characters", member.name);
        let diagnostic = Diagnostic::error(message).at(parent.span, "holds it").and(member.span, "the member");
        report.push(diagnostic.help("give the field or the member a shorter name"));
    }
    member.required = member.required && parent.required;
    member.readonly |= parent.readonly;
    member.immutable |= parent.immutable;
    member.allow = parent.allow.clone();
    member.class = parent.class;
}

/// The more confidential of the two classes: that of the field which holds the value counts for its members.
pub(super) fn stricter(outer: Option<Class>, own: Class) -> Class {
    outer.map_or(own, |outer| outer.max(own))
}
