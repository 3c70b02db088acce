//! Unions of types with records.

use std::collections::HashMap;

use apollo_compiler::schema::{FieldDefinition, ObjectType, UnionType};
use apollo_compiler::{Name, Node};
use backstay_base::limits;

use super::naming::{check_count, check_definition_name};
use super::read;
use super::report::Report;
use crate::{CollectionId, RecordUnion, RecordUnionId};

/// The unions whose types have records.
pub(super) struct RecordUnions<'a> {
    nodes: Vec<&'a Node<UnionType>>,
    ids: HashMap<&'a str, RecordUnionId>,
}

impl<'a> RecordUnions<'a> {
    /// Takes them out of all unions and numbers them.
    pub(super) fn take(
        report: &mut Report<'_>,
        types: &[&'a Node<ObjectType>],
        unions: &mut Vec<&'a Node<UnionType>>,
    ) -> Self {
        let is_stored = |name: &Name| types.iter().any(|of| of.name == *name);
        let (mut nodes, others): (Vec<_>, Vec<_>) =
            unions.iter().partition(|of| !of.members.is_empty() && of.members.iter().all(|name| is_stored(name)));
        *unions = others;
        check_count(report, "unions", nodes.len(), limits::MODEL_COLLECTIONS, None);
        nodes.truncate(limits::MODEL_COLLECTIONS);
        for node in &nodes {
            let is_system = report.places.is_system(node.location());
            check_definition_name(report, &node.name, is_system, "union");
            let what = format!("types of {}", node.name);
            check_count(report, &what, node.members.len(), limits::RECORD_UNION_TYPES, node.name.location());
            let own = |name: &&Name| types.iter().any(|of| of.name == **name && report.places.is_system(of.location()));
            let own: Vec<&Name> = node.members.iter().map(|member| &member.name).filter(own).collect();
            for name in own.into_iter().filter(|_| !is_system) {
                let help = "name the identity type, or types of your own";
                report.error(
                    name.location(),
                    format!("`{name}` belongs to Backstay"),
                    "part of the system model",
                    help,
                );
            }
        }
        let ids = nodes.iter().map(|node| node.name.as_str()).zip((0..).map(RecordUnionId)).collect();
        Self { nodes, ids }
    }

    /// The union of this name.
    pub(super) fn named(&self, name: &str) -> Option<RecordUnionId> {
        self.ids.get(name).copied()
    }

    /// Whether one of the types of the union of this name is called so.
    pub(super) fn has(&self, union: &str, member: &str) -> bool {
        self.members(union).any(|name| name == member)
    }

    /// The types to which a field can refer that holds one reference to a record of a union.
    pub(super) fn referred_to(&self, field: &'a FieldDefinition) -> impl Iterator<Item = &'a Name> {
        let union = (!field.ty.is_list()).then(|| field.ty.inner_named_type().as_str());
        union.into_iter().flat_map(|union| self.members(union))
    }

    fn members(&self, union: &str) -> impl Iterator<Item = &'a Name> {
        let node = self.named(union).map(|id| self.nodes[usize::from(id.0)]);
        node.into_iter().flat_map(|node| &node.members).map(|member| &member.name)
    }

    /// The unions as the model has them, whose types have these ids.
    pub(super) fn all(&self, id_of: impl Fn(&str) -> Option<CollectionId>) -> Vec<RecordUnion> {
        let of = |node: &&Node<UnionType>| RecordUnion {
            name: node.name.to_string(),
            description: read::description(node.description.as_ref()),
            members: node.members.iter().filter_map(|name| id_of(name)).collect(),
        };
        self.nodes.iter().map(of).collect()
    }
}
