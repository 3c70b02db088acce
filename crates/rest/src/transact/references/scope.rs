//! What is wanted at a place in a request: which value, or whose members. In a `JSON` field, everything is data, unless it is
//! under `$ops`.

use backstay_model::{Collection, CollectionId, EmbeddedId, Field, FieldKind, Model, ValueType};
use backstay_scalar::{OPERATIONS, Operation, Scalar};

use super::super::Member;
use super::super::addressed::Named;
use super::kind::Kind;

/// What stands at a place.
#[derive(Debug, Clone)]
pub(super) enum Scope<'m> {
    /// A record of this collection, as an object of its fields, or several of them.
    Record(&'m Collection),
    /// A value of one of these embedded types, or several of them.
    Embedded(Vec<EmbeddedId>),
    /// A record of this collection, named by its id or an object with a unique key, or several of them.
    Related(&'m Collection),
    /// A value.
    Value(Kind<'m>),
    /// The query of a list of records of this collection, if it is one.
    Query(Option<&'m Collection>),
    /// JSON of the caller's own.
    Data,
}

impl<'m> Scope<'m> {
    /// Of a member of a request about these records; `None` if it is written as it is.
    pub(super) fn of_member(model: &'m Model, named: Named, member: Member) -> Option<Self> {
        let collection = match named {
            Named::Collection(id) => Some(model.collection(id)),
            Named::Interface(_) => None,
        };
        match member {
            Member::Id => Some(Self::Value(collection.map_or(Kind::Any, |of| Kind::Id(of.id)))),
            Member::By | Member::Body => Some(collection.map_or(Self::Value(Kind::Any), Self::Record)),
            Member::Params => Some(Self::Value(Kind::Any)),
            Member::Query => Some(Self::Query(collection)),
            Member::IfMatch => Some(Self::Value(Kind::One(ValueType::Scalar(Scalar::Int)))),
            Member::Select | Member::IfNoneMatch | Member::OnConflict | Member::AsOf | Member::As => None,
        }
    }

    /// Of a member of the object that stands here; `alone`: it has no other.
    pub(super) fn member(&self, model: &'m Model, name: &str, alone: bool) -> Self {
        match self {
            Self::Record(of) if name.starts_with('$') => match name {
                REMOVE => Self::Related(of),
                _ => self.clone(),
            },
            Self::Related(_) if name.starts_with('$') => self.clone(),
            Self::Record(of) | Self::Related(of) => of_field(model, of.member_named(None, name), of.id),
            Self::Embedded(_) if name == Operation::Replace.name() => self.clone(),
            Self::Embedded(types) => {
                let members = types.iter().flat_map(|id| &model.embedded(*id).members);
                let mut named = members.filter(|member| member.own_name() == name);
                of_member(model, named.next())
            }
            Self::Value(kind) if name == Operation::Increase.name() => Self::Value(*kind),
            Self::Value(kind @ Kind::List(_))
                if [Operation::Append.name(), Operation::Remove.name()].contains(&name) =>
            {
                Self::Value(*kind)
            }
            Self::Value(_) => Self::Value(Kind::Any),
            Self::Query(of) => match (name, of) {
                ("params", _) | ("where", None) => Self::Value(Kind::Any),
                ("where", Some(of)) => Self::Record(of),
                _ => Self::Data,
            },
            Self::Data if name == OPERATIONS && alone => Self::Value(Kind::Any),
            Self::Data => Self::Data,
        }
    }

    /// Of an item of the array that stands here.
    pub(super) fn item(&self) -> Self {
        match self {
            Self::Value(Kind::List(of)) => Self::Value(Kind::One(*of)),
            other => other.clone(),
        }
    }

    /// What is wanted of a value here; `None` if no reference can stand here.
    pub(super) fn wanted(&self) -> Option<Kind<'m>> {
        match self {
            Self::Value(kind) => Some(*kind),
            Self::Related(of) => Some(Kind::Id(of.id)),
            Self::Embedded(types) => Some(match types.as_slice() {
                [one] => Kind::Embedded(*one),
                _ => Kind::Any,
            }),
            Self::Record(_) | Self::Query(_) | Self::Data => None,
        }
    }

    /// Whether an object with this member is a reference, and not data.
    pub(super) fn has_references(&self) -> bool {
        !matches!(self, Self::Data)
    }
}

/// The operator with the ids of children that go.
const REMOVE: &str = "$remove";

fn of_field<'m>(model: &'m Model, field: Option<&'m Field>, of: CollectionId) -> Scope<'m> {
    match field {
        Some(field) if field.id == Collection::ID => Scope::Value(Kind::Id(of)),
        field => of_member(model, field),
    }
}

fn of_member<'m>(model: &'m Model, field: Option<&'m Field>) -> Scope<'m> {
    let Some(field) = field else { return Scope::Value(Kind::Any) };
    match &field.kind {
        FieldKind::Scalar(Scalar::Json) => Scope::Data,
        FieldKind::Scalar(_) if field.shares_currency() => Scope::Value(Kind::Any),
        FieldKind::Scalar(scalar) => Scope::Value(Kind::One(ValueType::Scalar(*scalar))),
        FieldKind::Enum(id) => Scope::Value(Kind::One(model.enum_type(*id))),
        FieldKind::List(element) => Scope::Value(Kind::List(model.element_type(*element))),
        FieldKind::Embedded(id) => Scope::Embedded(vec![*id]),
        FieldKind::Document(document) => Scope::Embedded(model.types_of(&document.shape())),
        FieldKind::ToOne { target, .. } | FieldKind::ManyToMany { target, .. } => {
            Scope::Related(model.collection(*target))
        }
        FieldKind::OneToMany { target, .. } | FieldKind::OneToOne { target, .. } => {
            Scope::Record(model.collection(*target))
        }
        FieldKind::ToOneOf { union, .. } => Scope::Value(Kind::OneOf(model.record_union(*union))),
        FieldKind::Lineage { .. } => Scope::Value(Kind::Any),
    }
}
