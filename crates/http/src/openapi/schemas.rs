use backstay_base::limits;
use backstay_model::{Collection, CollectionId, Element, Field, FieldKind, Length, Model};
use backstay_scalar::Scalar;
use serde_json::{Map, Value, json};

use super::{is_shown, readable, scalars};

/// The shapes of one collection: a record as it is read, as it is created and as it is changed, and a page.
pub(super) fn of_collection(model: &Model, collection: &Collection) -> Map<String, Value> {
    let name = &collection.name;
    let mut schemas = Map::new();
    schemas.insert(name.clone(), record(model, collection));
    if !collection.single {
        schemas.insert(format!("{name}Page"), page(name));
    }
    if collection.allow.create.is_some() {
        schemas.insert(format!("{name}Create"), create(model, collection));
    }
    if collection.allow.update.is_some() {
        schemas.insert(format!("{name}Patch"), patch(model, collection));
    }
    schemas
}

/// A record as it is read. No field is required, because `select` chooses among them, and others may be there: `select`
/// may give a field another name.
fn record(model: &Model, collection: &Collection) -> Value {
    let mut fields: Map<String, Value> =
        readable(collection).flat_map(|field| named(field, described(field, read(model, field)))).collect();
    let nested: Vec<&str> =
        readable(collection).filter(|field| is_to_many(field)).map(|field| field.name.as_str()).collect();
    if !nested.is_empty() {
        let names: Vec<String> = nested.iter().map(|name| format!("`{name}`")).collect();
        let about = format!(
            "The nested lists that hold more records than are shown here ({} of each, or as many as its `limit` says): \
             {}, or the names that `select` gave them.",
            limits::NESTED_MAX,
            names.join(", ")
        );
        let strings = json!({ "type": "string" });
        fields.insert("$more".to_owned(), json!({ "type": "array", "items": strings, "description": about }));
    }
    let mut schema = json!({ "type": "object", "properties": fields });
    if let Some(description) = &collection.description {
        schema["description"] = json!(description);
    }
    schema
}

fn is_to_many(field: &Field) -> bool {
    matches!(field.kind, FieldKind::OneToMany { .. } | FieldKind::ManyToMany { .. })
}

fn create(model: &Model, collection: &Collection) -> Value {
    let writable = |field: &&Field| field.refused_to_clients().is_none();
    let fields: Map<String, Value> = collection
        .fields
        .iter()
        .filter(writable)
        .flat_map(|field| named(field, described(field, written(model, field))))
        .collect();
    let needed = |field: &&Field| field.required && field.default.is_none();
    let has_initial = |field: &Field| match field.kind {
        FieldKind::Enum(id) => model.enumeration(id).initial().is_some(),
        FieldKind::Scalar(_)
        | FieldKind::List(_)
        | FieldKind::ToOne { .. }
        | FieldKind::OneToMany { .. }
        | FieldKind::OneToOne { .. }
        | FieldKind::ManyToMany { .. } => false,
    };
    let fields_needed = collection.fields.iter().filter(writable).filter(needed).filter(|field| !has_initial(field));
    let required: Vec<&str> = fields_needed.map(|field| field.name.as_str()).collect();
    json!({ "type": "object", "properties": fields, "required": required, "additionalProperties": false })
}

fn patch(model: &Model, collection: &Collection) -> Value {
    let changeable = |field: &&Field| field.refused_to_clients().is_none() && !field.immutable;
    let fields: Map<String, Value> = collection
        .fields
        .iter()
        .filter(changeable)
        .flat_map(|field| named(field, described(field, written(model, field))))
        .collect();
    json!({ "type": "object", "properties": fields, "additionalProperties": false })
}

/// A field under its name, and under the old names that it still answers to.
fn named(field: &Field, schema: Value) -> Vec<(String, Value)> {
    let kept = field.kept_names.iter().map(|name| {
        let mut kept = schema.clone();
        kept["deprecated"] = json!(true);
        kept["description"] = json!(format!("The old name of `{}`.", field.name));
        (name.clone(), kept)
    });
    let kept: Vec<_> = kept.collect();
    std::iter::once((field.name.clone(), schema)).chain(kept).collect()
}

fn page(name: &str) -> Value {
    json!({
        "type": "object",
        "required": ["items", "next"],
        "properties": {
            "items": { "type": "array", "items": { "$ref": format!("#/components/schemas/{name}") } },
            "next": { "type": ["string", "null"], "description": "The cursor of the next page: its `after`." },
            "count": {
                "type": "object",
                "required": ["value", "more"],
                "properties": {
                    "value": { "type": "integer", "minimum": 0, "maximum": limits::COUNT_MAX },
                    "more": { "type": "boolean" },
                },
            },
        },
    })
}

pub(super) fn problem() -> Value {
    let text = json!({ "type": "string" });
    json!({
        "type": "object",
        "required": ["type", "title", "status", "detail", "remedy", "instance", "requestId"],
        "properties": {
            "type": { "type": "string", "format": "uri-reference" },
            "title": text,
            "status": { "type": "integer" },
            "detail": text,
            "remedy": text,
            "instance": { "type": "string", "format": "uri" },
            "requestId": { "type": "string", "format": "uuid" },
            "request": { "type": "integer", "minimum": 0, "description": "Of a transaction: the first request that failed, counted from 0." },
            "version": { "type": "integer", "description": "The version that is stored, if `If-Match` names another." },
            "errors": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["at", "message"],
                    "properties": { "at": text, "message": text, "remedy": text },
                },
            },
        },
    })
}

/// A field as it is read.
fn read(model: &Model, field: &Field) -> Value {
    let reference = |target: CollectionId| {
        let target = model.collection(target);
        if is_shown(target) {
            json!({ "$ref": format!("#/components/schemas/{}", target.name) })
        } else {
            json!({ "type": "object" })
        }
    };
    match &field.kind {
        FieldKind::ToOne { target, .. } | FieldKind::OneToOne { target, .. } => {
            let id = json!({ "type": "string", "format": "uuid" });
            let mut forms = vec![id, reference(*target)];
            forms.extend((!is_required(field)).then(|| json!({ "type": "null" })));
            json!({ "oneOf": forms })
        }
        FieldKind::OneToMany { target, .. } | FieldKind::ManyToMany { target, .. } => {
            json!({ "type": "array", "items": reference(*target), "maxItems": limits::NESTED_MAX })
        }
        FieldKind::Scalar(_) | FieldKind::Enum(_) | FieldKind::List(_) => {
            value(model, field, is_required(field), scalars::answered)
        }
    }
}

/// Whether the field has a value in every answer that contains it.
fn is_required(field: &Field) -> bool {
    field.required && field.allow.read.is_none()
}

/// A field as it is written.
fn written(model: &Model, field: &Field) -> Value {
    let mut schema = value(model, field, field.required, scalars::accepted);
    if let Some(length) = field.length {
        lengths(&field.kind, length, &mut schema);
    }
    schema
}

/// What `@length` says of a value that is sent. Email and web addresses and languages are measured in their normal form,
/// which can have fewer characters than what is sent.
fn lengths(kind: &FieldKind, length: Length, schema: &mut Value) {
    let (min, max) = match kind {
        FieldKind::Scalar(Scalar::String | Scalar::Text) => ("minLength", "maxLength"),
        FieldKind::List(_) => ("minItems", "maxItems"),
        FieldKind::Scalar(_)
        | FieldKind::Enum(_)
        | FieldKind::ToOne { .. }
        | FieldKind::OneToMany { .. }
        | FieldKind::OneToOne { .. }
        | FieldKind::ManyToMany { .. } => return,
    };
    if length.min > 0 {
        schema[min] = json!(length.min);
    }
    if let Some(most) = length.max {
        schema[max] = json!(most);
    }
}

/// A field whose scalars have this form.
fn value(model: &Model, field: &Field, required: bool, scalar: fn(Scalar) -> Value) -> Value {
    let mut schema = match &field.kind {
        FieldKind::Scalar(kind) => scalar(*kind),
        FieldKind::Enum(id) => json!({ "$ref": format!("#/components/schemas/{}", model.enumeration(*id).name) }),
        FieldKind::List(element) => {
            json!({ "type": "array", "items": item(model, *element, scalar), "maxItems": limits::LIST_ITEMS })
        }
        FieldKind::ToOne { .. } | FieldKind::OneToOne { .. } => scalar(Scalar::Id),
        FieldKind::OneToMany { .. } | FieldKind::ManyToMany { .. } => {
            return json!({ "type": "array", "items": scalar(Scalar::Id), "maxItems": limits::LIST_ITEMS });
        }
    };
    if required || schema.as_object().is_some_and(Map::is_empty) {
        return schema;
    }
    match schema.get("type").cloned() {
        Some(Value::Array(mut several)) => {
            several.push(json!("null"));
            schema["type"] = Value::Array(several);
            schema
        }
        Some(one) => {
            schema["type"] = json!([one, "null"]);
            schema
        }
        None => json!({ "oneOf": [schema, { "type": "null" }] }),
    }
}

fn item(model: &Model, element: Element, scalar: fn(Scalar) -> Value) -> Value {
    match element {
        Element::Scalar(kind) => scalar(kind),
        Element::Enum(id) => json!({ "$ref": format!("#/components/schemas/{}", model.enumeration(id).name) }),
    }
}

fn described(field: &Field, mut schema: Value) -> Value {
    if let Some(description) = &field.description {
        schema["description"] = json!(description);
    }
    schema
}
