//! The shapes of references to one of several types.

use backstay_model::{CollectionId, Model, RecordUnionId, TYPE_NAME};
use serde_json::{Map, Value, json};

use super::is_shown;
use super::names::{self, Schema};

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

/// What the model says of the union.
fn about(model: &Model, union: RecordUnionId) -> String {
    let union = model.record_union(union);
    union.description.clone().unwrap_or_else(|| format!("A {}.", union.name))
}
