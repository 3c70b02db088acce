//! Types of fields as a model has them.

use backstay_scalar::Scalar;

use crate::{Collection, Document, Element, Field, FieldId, FieldKind, Model, Shape};

/// What the name of a field's type is the name of.
pub(super) fn sort_of(kind: &FieldKind) -> &'static str {
    match kind {
        FieldKind::Scalar(_) | FieldKind::List(Element::Scalar(_)) => "scalar",
        FieldKind::Enum(_) | FieldKind::List(Element::Enum(_)) => "enum",
        FieldKind::Embedded(_) => "embedded type",
        FieldKind::Document(document) => match document.shape() {
            Shape::Embedded(_) => "embedded type",
            Shape::Union(_) => "union",
        },
        FieldKind::ToOneOf { .. } => "union of types with records",
        FieldKind::ToOne { .. }
        | FieldKind::OneToMany { .. }
        | FieldKind::Lineage { .. }
        | FieldKind::OneToOne { .. }
        | FieldKind::ManyToMany { .. } => "type",
    }
}

/// A field's type as it is written in a model, without `!`.
pub(super) fn written(model: &Model, kind: &FieldKind) -> String {
    let name = |id| model.collection(id).name.as_str();
    let field = |of, id: FieldId| model.field(of, id).name.as_str();
    match kind {
        FieldKind::Scalar(scalar) => scalar_written(*scalar),
        FieldKind::Enum(id) => model.enumeration(*id).name.clone(),
        FieldKind::List(Element::Scalar(scalar)) => format!("[{}]", scalar_written(*scalar)),
        FieldKind::List(Element::Enum(id)) => format!("[{}]", model.enumeration(*id).name),
        FieldKind::Embedded(id) => model.embedded(*id).name.clone(),
        FieldKind::Document(document) => written_document(model, *document),
        FieldKind::ToOneOf { union, on_delete: _ } => model.record_union(*union).name.clone(),
        // What happens on deletion is a difference of its own.
        FieldKind::ToOne { target, .. } => name(*target).to_owned(),
        FieldKind::OneToMany { target, via } => {
            format!("[{}] @inverse(field: \"{}\")", name(*target), field(*target, *via))
        }
        FieldKind::OneToOne { target, via, .. } => {
            format!("{} @inverse(field: \"{}\")", name(*target), field(*target, *via))
        }
        FieldKind::ManyToMany { target, link } => match link.inverse.filter(|_| !link.owner) {
            Some(inverse) => format!("[{}] @inverse(field: \"{}\")", name(*target), field(*target, inverse)),
            None => format!("[{}]", name(*target)),
        },
        FieldKind::Lineage { target, .. } => format!("[{}]", name(*target)),
    }
}

/// A document's type as it is written in a model.
fn written_document(model: &Model, document: Document) -> String {
    let name = match document.shape() {
        Shape::Embedded(id) => &model.embedded(id).name,
        Shape::Union(id) => &model.union(id).name,
    };
    match document {
        Document::One(_) => name.clone(),
        Document::List(_) => format!("[{name}]"),
    }
}

/// A field's type as it is written in a model, without `!`, and whether it is computed.
pub(super) fn field_written(model: &Model, of: &Collection, field: &Field) -> String {
    let computed = match &field.sum {
        Some(sum) => format!(" @computed(stored: {})", sum.upkeep.word()),
        None if field.is_computed() => " @computed".to_owned(),
        None => String::new(),
    };
    let Some(way) = &field.currency else { return format!("{}{computed}", written(model, &field.kind)) };
    let (mut at, mut names) = (of, Vec::new());
    for step in way {
        let step = at.field(*step);
        names.push(step.name.as_str());
        at = step.kind.target().map_or(at, |target| model.collection(target));
    }
    format!("{} @money(in: \"{}\"){computed}", Scalar::Money.name(), names.join("."))
}

fn scalar_written(scalar: Scalar) -> String {
    match scalar {
        Scalar::Decimal { precision, scale } => format!("Decimal({precision}, {scale})"),
        other => other.name().to_owned(),
    }
}
