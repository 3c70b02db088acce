//! Members of embedded types and of references to one of several types: those that the types declare, and what each of them is
//! in a collection that holds a value.

use apollo_compiler::schema::ObjectType;
use apollo_compiler::{Name, Node};
use backstay_base::limits;
use backstay_scalar::Scalar;

use super::embedded::Surveyed;
use super::field::field;
use super::kind::Declared;
use super::read;
use super::renamed::{former, former_of_member};
use super::report::Report;
use super::survey::Names;
use crate::declared_actions::DeclaredActions;
use crate::{Class, Column, Diagnostic, Embedded, Field, FieldId, FieldKind, Within};

/// The embedded types as the model has them.
pub(super) fn types(report: &mut Report<'_>, names: Names<'_, '_>, actions: &DeclaredActions) -> Vec<Embedded> {
    let of = |node: &&Node<ObjectType>| {
        let system = report.places.is_system(node.location());
        let members = node.fields.values().zip((0..).map(FieldId));
        let member = |(node, id)| field(report, &Declared { names, of: None, system, node }, id);
        Embedded {
            members: members.map(member).collect(),
            name: node.name.to_string(),
            former: former(report, &node.name, node.directives.get_all("renamed").map(|directive| &***directive)),
            description: read::description(node.description.as_ref()),
            role: actions.role(&node.name),
            span: report.span_at(node.name.location().or(node.location())),
        }
    };
    names.survey.embedded.nodes().iter().map(of).collect()
}

/// A member of what a field holds, as a field of the collection.
pub(super) fn member(
    report: &mut Report<'_>,
    names: Names<'_, '_>,
    (surveyed, id): (&Surveyed<'_>, FieldId),
    parent: &Field,
) -> Field {
    match surveyed.to {
        Some(to) => reference(report, names, (surveyed, to, id), parent),
        None => of_embedded(report, names, (surveyed, id), parent),
    }
}

/// The part of a reference to one of several types that refers to records of this one, as a field of the collection. What
/// holds for the reference holds for it.
fn reference(
    report: &mut Report<'_>,
    names: Names<'_, '_>,
    (surveyed, to, id): (&Surveyed<'_>, &Name, FieldId),
    parent: &Field,
) -> Field {
    let span = parent.span;
    let (Some(target), &FieldKind::ToOneOf { on_delete, .. }) = (names.survey.type_named(to), &parent.kind) else {
        // The type of the field that holds it is wrong, which is reported.
        return Field::unmarked(id, &surveyed.name, FieldKind::Scalar(Scalar::String), false, span);
    };
    let kind = FieldKind::ToOne { target: target.id, key: target.key_form(), on_delete };
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

/// A member of the embedded value that a field holds. What holds for the whole value holds for it: who may see and write
/// it, and how confidential it is.
fn of_embedded(
    report: &mut Report<'_>,
    names: Names<'_, '_>,
    (surveyed, id): (&Surveyed<'_>, FieldId),
    parent: &Field,
) -> Field {
    let held = match parent.kind {
        FieldKind::Embedded(of) => names.embedded[usize::from(of.0)].members.as_slice(),
        _ => &[],
    };
    let own = held.iter().find(|member| member.name == surveyed.node.name.as_str());
    let own = own.expect("the survey has the members that the type has").clone();
    let columns = Column::of(&surveyed.name, &own.kind);
    let most = limits::MODEL_NAME_CHARS;
    if columns.iter().any(|column| column.name.len() > most) {
        let message = format!("the column of `{}` would have a name of more than {most} characters", surveyed.name);
        let diagnostic = Diagnostic::error(message).at(parent.span, "holds it").and(own.span, "the member");
        report.push(diagnostic.help("give the field or the member a shorter name"));
    }
    Field {
        id,
        name: surveyed.name.clone(),
        within: Some(Within { field: parent.id, required: own.required, always: parent.required, is_reference: false }),
        former: former_of_member(parent, &own.name, &own.former),
        columns,
        required: own.required && parent.required,
        readonly: own.readonly || parent.readonly,
        immutable: own.immutable || parent.immutable,
        allow: parent.allow.clone(),
        class: own.class.map_or(parent.class, |class| Some(stricter(parent.class, class))),
        ..own
    }
}

/// The more confidential of the two classes: that of the field which holds the value counts for its members.
fn stricter(outer: Option<Class>, own: Class) -> Class {
    outer.map_or(own, |outer| outer.max(own))
}
