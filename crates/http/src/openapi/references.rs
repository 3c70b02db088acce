//! The shapes of references to one of several types.

use backstay_base::Action;
use backstay_model::{Collection, CollectionId, Field, FieldId, FieldKind, Model, RecordUnionId, TYPE_NAME};
use serde_json::{Map, Value, json};

use super::documents::Form;
use super::names::{self, Schema};
use super::{is_shown, schemas};

/// A reference as it is read: the record's type and id, or what `select` chooses of it.
pub(super) fn answered(model: &Model, union: RecordUnionId, required: bool) -> Value {
    let (mut forms, discriminator) = forms(model, &model.record_union(union).members);
    forms.extend((!required).then(|| json!({ "type": "null" })));
    json!({ "oneOf": forms, "discriminator": discriminator, "description": about(model, union) })
}

/// A record of each of these types that tells its type, and how they are told apart.
pub(super) fn forms(model: &Model, types: &[CollectionId]) -> (Vec<Value>, Value) {
    let alternative = |target: &CollectionId| {
        let target = model.collection(*target);
        let tagged = json!({ "properties": { TYPE_NAME: { "const": target.name } }, "required": [TYPE_NAME] });
        let record = is_shown(target).then(|| Schema::Read.reference(&target.name));
        json!({ "allOf": record.into_iter().chain([tagged]).collect::<Vec<_>>() })
    };
    let shown = types.iter().map(|target| model.collection(*target)).filter(|target| is_shown(target));
    let mapping: Map<String, Value> =
        shown.map(|target| (target.name.clone(), json!(names::path(&Schema::Read.of(&target.name))))).collect();
    let discriminator = json!({ "propertyName": TYPE_NAME, "mapping": mapping });
    (types.iter().map(alternative).collect(), discriminator)
}

/// A reference as it is sent.
pub(super) fn accepted(model: &Model, union: RecordUnionId) -> Value {
    let mut ids: Vec<Value> = Vec::new();
    for target in &model.record_union(union).members {
        let id = super::scalars::accepted(model.collection(*target).key.scalar());
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    let id = if let [id] = &ids[..] { id.clone() } else { json!({ "oneOf": ids }) };
    let names: Vec<&str> =
        model.record_union(union).members.iter().map(|target| model.collection(*target).name.as_str()).collect();
    json!({
        "type": "object",
        "properties": {
            TYPE_NAME: { "enum": names },
            "id": id,
        },
        "required": [TYPE_NAME, "id"],
        "additionalProperties": false,
        "description": about(model, union),
    })
}

/// A relation as it is sent: with what takes the place of each id, an object with the values of a unique key, or a record that
/// is created if there is none with such a key.
pub(super) fn by_key(model: &Model, field: &Field, mut schema: Value) -> Value {
    let (FieldKind::ToOne { target, .. } | FieldKind::ManyToMany { target, .. }) = field.kind else { return schema };
    let target = model.collection(target);
    let mut forms: Vec<Value> = target.keys().iter().filter_map(|key| key_object(model, target, key)).collect();
    if field.connects && is_shown(target) && model.allows(target, Action::Create) {
        forms.push(Schema::Create.reference(&target.name));
    }
    if forms.is_empty() {
        return schema;
    }
    let is_list = matches!(field.kind, FieldKind::ManyToMany { .. });
    let id = if is_list { schema["items"].take() } else { schema.take() };
    let either = json!({ "anyOf": std::iter::once(id).chain(forms).collect::<Vec<_>>() });
    if is_list {
        schema["items"] = either;
        return schema;
    }
    either
}

/// An object with the values of a unique key; none of a key with members of embedded values, which are objects of their own.
fn key_object(model: &Model, target: &Collection, key: &[FieldId]) -> Option<Value> {
    let fields: Vec<&Field> = key.iter().map(|field| target.field(*field)).collect();
    if fields.iter().any(|field| field.within.is_some()) {
        return None;
    }
    let names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
    let values = fields.iter().map(|field| (field.name.clone(), schemas::value(model, field, true, Form::Accepted)));
    Some(json!({
        "type": "object",
        "description": format!("The {} with this {}.", target.name, names.join(" and ")),
        "properties": values.collect::<Map<String, Value>>(),
        "required": names,
        "additionalProperties": false,
    }))
}

/// What the model says of the union.
fn about(model: &Model, union: RecordUnionId) -> String {
    let union = model.record_union(union);
    union.description.clone().unwrap_or_else(|| format!("A {}.", union.name))
}
