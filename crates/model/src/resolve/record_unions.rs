//! Unions of types with records, and what a field that refers to a record of one of them is made of.

use std::collections::HashMap;

use apollo_compiler::schema::{FieldDefinition, ObjectType, UnionType};
use apollo_compiler::{Name, Node};
use backstay_base::limits;

use super::embedded::Surveyed;
use super::naming::{check_count, check_definition_name};
use super::read;
use super::renamed::former_of_member;
use super::report::Report;
use super::survey::Survey;
use crate::{Column, Diagnostic, Field, FieldId, FieldKind, RecordUnion, RecordUnionId, Within};

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

    /// The unions as the model has them.
    pub(super) fn all(&self, survey: &Survey<'_>) -> Vec<RecordUnion> {
        let of = |node: &&Node<UnionType>| RecordUnion {
            name: node.name.to_string(),
            description: read::description(node.description.as_ref()),
            members: node.members.iter().filter_map(|name| survey.type_named(name)).map(|of| of.id).collect(),
        };
        self.nodes.iter().map(of).collect()
    }
}

/// The part of a reference to one of several types that refers to records of this one, as a field of the collection. What
/// holds for the reference holds for it.
pub(super) fn reference(
    report: &mut Report<'_>,
    survey: &Survey<'_>,
    (surveyed, to, id): (&Surveyed<'_>, &Name, FieldId),
    parent: &Field,
) -> Field {
    let span = parent.span;
    let (Some(target), &FieldKind::ToOneOf { on_delete, .. }) = (survey.type_named(to), &parent.kind) else {
        // The type of the field that holds it is wrong, which is reported.
        return Field::unmarked(id, &surveyed.name, FieldKind::Scalar(backstay_scalar::Scalar::String), false, span);
    };
    let kind = FieldKind::ToOne { target: target.id, on_delete };
    let most = limits::MODEL_NAME_CHARS;
    if Column::of(&surveyed.name, &kind).iter().any(|column| column.name.len() > most) {
        let message = format!("the column of `{}` would have a name of more than {most} characters", surveyed.name);
        let diagnostic =
            Diagnostic::error(message).at(span, "refers to several types").and(report.span_of(to), to.as_str());
        report.push(diagnostic.help("give the field or the type a shorter name"));
    }
    let former = target.node.directives.get_all("renamed").filter_map(|directive| read::text(directive, "from"));
    let former: Vec<String> = former.map(|(from, _)| from.to_owned()).collect();
    Field {
        within: Some(Within { field: parent.id, required: false, always: parent.required, is_reference: true }),
        former: former_of_member(parent, to, &former),
        unique: parent.unique,
        readonly: parent.readonly,
        immutable: parent.immutable,
        allow: parent.allow.clone(),
        ..Field::unmarked(id, &surveyed.name, kind, false, span)
    }
}
