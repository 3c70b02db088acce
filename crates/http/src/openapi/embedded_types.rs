//! The shapes of embedded types whose values are in lists and unions.

use backstay_model::{Action, EmbeddedId, EmbeddedRole, Field, Model, TYPE_NAME};
use serde_json::{Map, Value, json};

use super::documents::Form;
use super::schemas::{described, value};
use super::{constraints, references};

/// The shapes of all embedded types that documents hold, and that actions take or return.
pub(super) fn all(model: &Model) -> Map<String, Value> {
    let mut schemas = Map::new();
    let reached = |roots: &dyn Fn(&Action) -> Option<EmbeddedId>| -> Vec<bool> {
        let offered = model.actions.iter().filter(|action| action.is_offered());
        let each: Vec<_> = offered.filter_map(roots).map(|of| model.reached_from(of)).collect();
        (0..model.embedded.len()).map(|at| each.iter().any(|reached| reached[at])).collect()
    };
    let (taken, returned) = (reached(&|action| action.arguments), reached(&|action| Some(action.result.of)));
    for id in (0_u16..).map(EmbeddedId).take(model.embedded.len()) {
        let is_held = model.is_in_document(id);
        let is_returned = returned[usize::from(id.0)] && model.embedded(id).role != EmbeddedRole::Result;
        let forms = [(Form::Answered, is_returned), (Form::Accepted, taken[usize::from(id.0)])];
        for (form, _) in forms.into_iter().filter(|(_, is_used)| is_held || *is_used) {
            schemas.insert(form.schema().of(&model.embedded(id).name), embedded(model, id, form));
        }
    }
    schemas
}

/// The shapes of these embedded types as they are sent.
pub(super) fn accepted(model: &Model, is_meant: impl Fn(usize) -> bool) -> Map<String, Value> {
    let meant = (0..model.embedded.len()).filter(|at| is_meant(*at)).filter_map(|at| u16::try_from(at).ok());
    let shape =
        |id: EmbeddedId| (Form::Accepted.schema().of(&model.embedded(id).name), embedded(model, id, Form::Accepted));
    meant.map(EmbeddedId).map(shape).collect()
}

fn embedded(model: &Model, id: EmbeddedId, form: Form) -> Value {
    let of = model.embedded(id);
    let member = |field: &Field| {
        let mut schema = value(model, field, field.required, form);
        if form == Form::Accepted {
            schema = references::by_key(model, field, schema);
            constraints::add(field, &mut schema);
        }
        (field.name.clone(), described(field, schema))
    };
    let mut properties: Map<String, Value> = of.members.iter().map(member).collect();
    let is_in_union = model.unions.iter().any(|union| union.members.contains(&id));
    if is_in_union {
        properties.insert(TYPE_NAME.to_owned(), json!({ "const": of.name }));
    }
    let mut schema = json!({ "type": "object", "properties": properties });
    if form == Form::Accepted {
        let needed = of.members.iter().filter(|field| field.required && field.default.is_none());
        schema["required"] = json!(needed.map(|field| field.name.as_str()).collect::<Vec<_>>());
        schema["additionalProperties"] = json!(false);
    }
    if let Some(description) = &of.description {
        schema["description"] = json!(description);
    }
    schema
}
