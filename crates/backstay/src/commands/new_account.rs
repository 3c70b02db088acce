use backstay_base::{Error, Place, Secret};
use backstay_engine::Engine;
use backstay_identity::{AddAccount, Administration, NewPassword};
use backstay_model::{Collection, Document, Element, EnumId, Field, FieldKind, Model, Shape};
use backstay_rest::assignments;

use super::roles;
use crate::{Answer, Failure};

/// An account as `backstay account add` names it.
pub(super) struct NewAccount<'a> {
    pub(super) email: String,
    pub(super) fields: &'a [(String, String)],
    pub(super) roles: &'a [String],
    pub(super) password: Option<Secret>,
    pub(super) verified: bool,
}

pub(super) async fn add(
    engine: &Engine,
    administration: &Administration<'_>,
    new: NewAccount<'_>,
) -> Result<Answer, Failure> {
    let model = engine.model();
    let collection = model.identity.map(|id| model.collection(id)).ok_or(Error::NoAccounts)?;
    let NewAccount { email, fields, roles, password, verified } = new;
    let input = assignments(model, collection.id, fields).map_err(|error| failure(model, collection, error))?;
    let password = password.map_or(NewPassword::Generated, NewPassword::Given);
    let account = AddAccount { email, input, roles: roles.to_vec(), password, verified };
    let added =
        administration.add_account(account).await.map_err(|error| match roles::failure(engine, roles, error) {
            Failure::Refused(error) => failure(model, collection, error),
            other => other,
        })?;
    Ok(Answer::AccountAdded { id: added.id.to_string(), email: added.email.to_string(), password: added.generated })
}

/// The failure of an account with these fields. If one of them is missing, unknown or wrong, it lists those that can be
/// given.
fn failure(model: &Model, collection: &Collection, error: Error) -> Failure {
    match error {
        Error::Invalid(violations) if violations.iter().any(|one| matches!(one.at, Place::Value(_))) => {
            Failure::AccountFields { error: Error::Invalid(violations), help: listed(model, collection) }
        }
        error => error.into(),
    }
}

fn listed(model: &Model, collection: &Collection) -> String {
    let is_given = |field: &&Field| field.kind.is_stored() || field.kind.target().is_some();
    let own = collection.fields.iter().filter(is_given);
    let own = own.filter(|field| field.refused_to_clients().is_none() && field.name != "email");
    let fields: Vec<String> = own.map(|field| format!("{}: {}", field.name, type_of(model, field))).collect();
    match fields.as_slice() {
        [] => format!("{} has no fields but `email`", collection.name),
        fields => format!("write fields as FIELD=VALUE; {} has {}", collection.name, fields.join(", ")),
    }
}

/// The type of a field as the model writes it.
fn type_of(model: &Model, field: &Field) -> String {
    let of_enum = |id: EnumId| model.enumeration(id).name.clone();
    let name = match &field.kind {
        FieldKind::Scalar(scalar) => scalar.name().to_owned(),
        FieldKind::Enum(id) => of_enum(*id),
        FieldKind::List(Element::Scalar(scalar)) => format!("[{}!]", scalar.name()),
        FieldKind::List(Element::Enum(id)) => format!("[{}!]", of_enum(*id)),
        FieldKind::Document(document) => match document {
            Document::One(id) => model.union(*id).name.clone(),
            Document::List(Shape::Embedded(id)) => format!("[{}!]", model.embedded(*id).name),
            Document::List(Shape::Union(id)) => format!("[{}!]", model.union(*id).name),
        },
        FieldKind::Embedded(id) => model.embedded(*id).name.clone(),
        FieldKind::ToOneOf { union, .. } => model.record_union(*union).name.clone(),
        FieldKind::ToOne { target, .. } | FieldKind::OneToOne { target, .. } => model.collection(*target).name.clone(),
        FieldKind::OneToMany { target, .. }
        | FieldKind::ManyToMany { target, .. }
        | FieldKind::Lineage { target, .. } => {
            format!("[{}!]", model.collection(*target).name)
        }
    };
    if field.is_needed() { format!("{name}!") } else { name }
}
