//! Types marked `@embedded`: their values are part of the record that holds them, and their members are fields of its
//! collection.

use std::collections::HashMap;

use apollo_compiler::schema::{Component, FieldDefinition, ObjectType, UnionType};
use apollo_compiler::{Name, Node};
use backstay_base::limits;

use super::naming::{check_count, check_definition_name};
use super::read;
use super::record_unions::RecordUnions;
use super::report::Report;
use crate::{EmbeddedId, FieldId, Union, UnionId};

/// The types marked `@embedded`, and the unions of them.
pub(super) struct EmbeddedTypes<'a> {
    nodes: Vec<&'a Node<ObjectType>>,
    ids: HashMap<&'a str, EmbeddedId>,
    unions: Vec<&'a Node<UnionType>>,
    union_ids: HashMap<&'a str, UnionId>,
}

/// A declared field, a member of an embedded value, or one of a reference to one of several types.
pub(super) struct Surveyed<'a> {
    /// Its declaration; of a part of a reference that of the reference.
    pub(super) node: &'a Component<FieldDefinition>,
    /// Its name in the collection: of a member the path to it.
    pub(super) name: String,
    /// The field that it is a member of.
    pub(super) within: Option<FieldId>,
    /// Of a part of a reference to one of several types: the type that it refers to.
    pub(super) to: Option<&'a Name>,
}

/// What to do instead of marking an embedded type with what is for types with records.
fn instead(directive: &str) -> &'static str {
    match directive {
        "allow" => "write `@allow` on the types and fields that hold the value",
        "deprecated" => "write `@deprecated` on the fields that hold the value, or on its members",
        "identity" => "the people who sign in are records of a type of their own",
        "index" => "write `@index` on the type that holds the value, with a path such as `\"address.city\"`",
        "unique" => {
            "write `@unique(fields: […])` on the type that holds the value, with a path such as `\"address.city\"`"
        }
        _ => "remove it; it is for types with records",
    }
}

/// Whether a type is marked `@embedded`.
pub(super) fn is_embedded(node: &ObjectType) -> bool {
    node.directives.has("embedded")
}

impl<'a> EmbeddedTypes<'a> {
    /// Numbers them and their unions, and refuses those that could not be values of a record.
    pub(super) fn of(
        report: &mut Report<'_>,
        mut nodes: Vec<&'a Node<ObjectType>>,
        mut unions: Vec<&'a Node<UnionType>>,
    ) -> Self {
        check_count(report, "embedded types", nodes.len(), limits::MODEL_COLLECTIONS, None);
        check_count(report, "unions", unions.len(), limits::MODEL_COLLECTIONS, None);
        nodes.truncate(limits::MODEL_COLLECTIONS);
        unions.truncate(limits::MODEL_COLLECTIONS);
        let ids = nodes.iter().map(|node| node.name.as_str()).zip((0..).map(EmbeddedId)).collect();
        let union_ids = unions.iter().map(|node| node.name.as_str()).zip((0..).map(UnionId)).collect();
        let types = Self { nodes, ids, unions, union_ids };
        for node in &types.nodes {
            types.check(report, node);
        }
        for node in &types.unions {
            types.check_union(report, node);
        }
        types
    }

    /// The embedded type of this name.
    pub(super) fn named(&self, name: &str) -> Option<EmbeddedId> {
        self.ids.get(name).copied()
    }

    /// The union of this name.
    pub(super) fn union_named(&self, name: &str) -> Option<UnionId> {
        self.union_ids.get(name).copied()
    }

    /// The unions as the model has them.
    pub(super) fn unions(&self) -> Vec<Union> {
        let of = |node: &&Node<UnionType>| Union {
            name: node.name.to_string(),
            description: read::description(node.description.as_ref()),
            members: node.members.iter().filter_map(|member| self.named(&member.name)).collect(),
        };
        self.unions.iter().map(of).collect()
    }

    fn check_union(&self, report: &mut Report<'_>, node: &Node<UnionType>) {
        check_definition_name(report, &node.name, report.places.is_system(node.location()), "union");
        for member in node.members.iter().filter(|member| self.named(&member.name).is_none()) {
            let message = format!("{} is not embedded, so it can't be one of {}", member.name, node.name);
            let help = "mark it with `@embedded`; only a union without any embedded type is a relation to one of several types";
            report.error(member.name.location(), message, "a type with records", help);
        }
    }

    /// Fields, each followed by its members and theirs, up to one more than a type can have. The first of them has this id.
    pub(super) fn expand(
        &self,
        unions: &RecordUnions<'a>,
        fields: &[&'a Component<FieldDefinition>],
        first: FieldId,
    ) -> Vec<Surveyed<'a>> {
        let mut expansion = Expansion { types: self, unions, first, expanded: Vec::new() };
        for field in fields {
            expansion.add(field, None, 0);
        }
        expansion.expanded
    }

    /// The types as they are written, in the order of their ids.
    pub(super) fn nodes(&self) -> &[&'a Node<ObjectType>] {
        &self.nodes
    }

    /// The embedded type whose values a field holds.
    fn node_of(&self, field: &FieldDefinition) -> Option<&'a Node<ObjectType>> {
        self.named(field.ty.inner_named_type()).map(|id| self.nodes[usize::from(id.0)])
    }

    /// The embedded types whose values a field can hold, in a list or by a union too.
    fn held_in(&self, field: &FieldDefinition) -> Vec<EmbeddedId> {
        let name = field.ty.inner_named_type();
        match self.union_named(name) {
            Some(id) => {
                let members = self.unions[usize::from(id.0)].members.iter();
                members.filter_map(|member| self.named(&member.name)).collect()
            }
            None => self.named(name).into_iter().collect(),
        }
    }

    fn check(&self, report: &mut Report<'_>, node: &'a Node<ObjectType>) {
        let name = &node.name;
        check_definition_name(report, name, report.places.is_system(node.location()), "type");
        for directive in node.directives.iter().filter(|of| !matches!(of.name.as_str(), "embedded" | "renamed")) {
            let message = format!("{name} is embedded and has no records, which `@{}` is about", directive.name);
            report.error(directive.location(), message, "not on an embedded type", instead(&directive.name));
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
            let inner = inner.flat_map(|field| self.held_in(field));
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

/// The fields of a type, while each embedded value is expanded.
struct Expansion<'e, 'a> {
    types: &'e EmbeddedTypes<'a>,
    unions: &'e RecordUnions<'a>,
    first: FieldId,
    expanded: Vec<Surveyed<'a>>,
}

impl<'a> Expansion<'_, 'a> {
    fn add(&mut self, node: &'a Component<FieldDefinition>, within: Option<(FieldId, &str)>, depth: usize) {
        if self.expanded.len() > limits::MODEL_FIELDS {
            return;
        }
        let id = u16::try_from(self.expanded.len()).map(|at| FieldId(self.first.0 + at));
        let id = id.expect("a type has fewer fields than 16 bits count");
        let name = within.map_or_else(|| node.name.to_string(), |(_, outer)| format!("{outer}.{}", node.name));
        self.expanded.push(Surveyed { node, name: name.clone(), within: within.map(|(id, _)| id), to: None });
        let parts = self.unions.referred_to(node);
        self.expanded.extend(parts.map(|to| Surveyed {
            node,
            name: format!("{name}.{to}"),
            within: Some(id),
            to: Some(to),
        }));
        let held = self.types.node_of(node).filter(|_| !node.ty.is_list() && depth < limits::EMBEDDED_DEPTH);
        for member in held.into_iter().flat_map(|held| held.fields.values()) {
            self.add(member, Some((id, &name)), depth + 1);
        }
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
    for directive in node.directives.get_all("default") {
        if let Some(from) = directive.specified_argument_by_name("from") {
            let message = "a member of an embedded type has no computed default yet";
            let help = "write a literal: `@default(to: …)`, or compute a field of the record itself";
            report.error(from.location(), message, "on a member", help);
        }
    }
    for directive in node.directives.get_all("renamed") {
        if let Some(keep) = directive.specified_argument_by_name("keep").filter(|keep| keep.to_bool() == Some(true)) {
            let message = "`keep` is not supported for members of an embedded type yet";
            report.error(keep.location(), message, "on a member", "remove `keep`, and tell clients of the new name");
        }
    }
}
