use backstay_base::{Action, limits};
use backstay_engine::CURSOR;
use backstay_model::{
    Addressed, Allow, Collection, CollectionId, Element, EmbeddedId, Field, FieldId, FieldKind, KeyKind, Model,
    OrderKey, Sequence,
};
use backstay_scalar::{SLUG_PATTERN, Scalar};
use serde_json::{Map, Value, json};

use super::children::{self, Relation};
use super::documents::{self, Form};
use super::names::Schema;
use super::{constraints, is_shown, operators, readable, references, timers};

/// The shapes of one collection: a record as it is read, as it is created and as it is changed, and a page.
pub(super) fn of_collection(model: &Model, collection: &Collection) -> Map<String, Value> {
    let name = &collection.name;
    let mut schemas = Map::new();
    schemas.insert(Schema::Read.of(name), record(model, collection));
    if Addressed::All.is_in(collection) {
        schemas.insert(Schema::Page.of(name), page(name));
    }
    let (creates, updates) = (model.allows(collection, Action::Create), model.allows(collection, Action::Update));
    if creates {
        schemas.insert(Schema::Create.of(name), create(model, collection));
    }
    if updates || creates && Addressed::Record.is_in(collection) {
        schemas.insert(Schema::Replace.of(name), replace(model, collection));
    }
    if updates {
        schemas.insert(Schema::Patch.of(name), patch(model, collection));
    }
    if creates || updates {
        for relation in children::relations(model, collection) {
            schemas.extend(relation.create().map(|name| (name, child(model, &relation, Body::Create))));
            schemas.extend(relation.patch().map(|name| (name, child(model, &relation, Body::Patch))));
        }
    }
    schemas
}

/// A record that is sent with the one that it refers to, and without that reference. A changed one names itself.
fn child(model: &Model, relation: &Relation<'_>, body: Body) -> Value {
    let (children, via) = (relation.children, relation.children.field(relation.via));
    let mut schema = match body {
        Body::Create | Body::Replace => create(model, children),
        Body::Patch => patch(model, children),
    };
    let sent_with = via.parent().map_or(via, |holder| children.field(holder));
    let names = sent_with.kept_names.iter().map(String::as_str).chain([sent_with.own_name()]);
    let names: Vec<&str> = names.collect();
    if let Some(fields) = schema["properties"].as_object_mut() {
        fields.retain(|name, _| !names.contains(&name.as_str()));
        if body == Body::Patch {
            fields.insert("id".to_owned(), Form::Accepted.scalar(children.key.scalar()));
        }
    }
    if body == Body::Patch && relation.field.kind.is_to_many() {
        schema["required"] = json!(["id"]);
    }
    if let Some(required) = schema.get_mut("required").and_then(Value::as_array_mut) {
        required.retain(|name| !names.iter().any(|sent| name == sent));
    }
    schema
}

/// A record as it is read. No field is required, because `select` chooses among them, and others may be there: `select`
/// may give a field another name.
fn record(model: &Model, collection: &Collection) -> Value {
    let mut fields: Map<String, Value> =
        readable(collection).flat_map(|field| named(field, described(field, read(model, collection, field)))).collect();
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
    if is_in_lists(model, collection) {
        let about = "The place of the record in a nested list, if `select` names it there: send it as `after` with the same \
                     `sort` to read on.";
        fields.insert(CURSOR.to_owned(), json!({ "type": "string", "description": about }));
    }
    let highlighted = highlighted(collection);
    if !highlighted.is_empty() {
        let about = "What a search finds in the fields that `highlight` names: a fragment of each text in parts, of which every \
                     second one is found; null if nothing is found in the field.";
        let properties = json!({ "type": "object", "properties": highlighted, "description": about });
        fields.insert("$highlight".to_owned(), properties);
    }
    let mut schema = json!({ "type": "object", "properties": fields, "x-keys": keys(collection) });
    if !is_public(collection) {
        schema["x-restricted"] = json!(true);
    }
    if let Some(description) = &collection.description {
        schema["description"] = json!(description);
    }
    deprecate(collection.deprecated.as_ref(), &mut schema);
    schema
}

/// Whether another record can have a list of its records.
fn is_in_lists(model: &Model, collection: &Collection) -> bool {
    let fields = model.collections.iter().flat_map(readable);
    fields.filter(|field| is_to_many(field)).any(|field| field.kind.target() == Some(collection.id))
}

/// What is answered of the fields in which a search may look.
fn highlighted(collection: &Collection) -> Map<String, Value> {
    let readable = readable(collection).filter(|field| field.search.is_some());
    let parts = || json!({ "type": ["array", "null"], "items": { "type": "string" } });
    readable.map(|field| (field.name.clone(), parts())).collect()
}

/// The unique keys by which a record can be named, each as the names of its fields.
fn keys(collection: &Collection) -> Vec<Vec<&str>> {
    let named = |key: &Vec<FieldId>| key.iter().map(|field| collection.field(*field).name.as_str()).collect();
    collection.keys().iter().map(named).collect()
}

/// Whether everybody may read every record.
fn is_public(collection: &Collection) -> bool {
    let is_open = |clause: &Allow| clause.read.as_ref().is_some_and(|rule| rule.text.trim() == "true");
    collection.allow.iter().all(|layer| layer.clauses.iter().any(is_open))
}

fn is_to_many(field: &Field) -> bool {
    field.kind.is_to_many()
}

/// Which fields a body may have, and which of them it must have.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Body {
    /// Of a new record: what is required and has no default must be there.
    Create,
    /// Of a record that is replaced, or created: the same, with children that may be there already.
    Replace,
    /// Of a change: everything that can change, and nothing must.
    Patch,
}

pub(super) fn create(model: &Model, collection: &Collection) -> Value {
    body(model, collection, None, Body::Create)
}

/// A whole record. What can't change needn't be sent again, nor what the path may name.
fn replace(model: &Model, collection: &Collection) -> Value {
    let mut schema = body(model, collection, None, Body::Replace);
    let keys = collection.keys();
    let is_needed = |name: &Value| {
        let field = name.as_str().and_then(|name| collection.field_named(name));
        field.is_none_or(|field| !field.immutable && !keys.iter().any(|key| key.contains(&field.id)))
    };
    if let Some(required) = schema["required"].as_array_mut() {
        required.retain(is_needed);
    }
    schema
}

/// The object of an embedded value that takes the place of another one.
pub(super) fn replacement(model: &Model, collection: &Collection, field: &Field) -> Value {
    body(model, collection, Some(field.id), Body::Create)
}

fn patch(model: &Model, collection: &Collection) -> Value {
    body(model, collection, None, Body::Patch)
}

/// The object of a record that is sent, or of the embedded value that this field holds.
fn body(model: &Model, collection: &Collection, within: Option<FieldId>, body: Body) -> Value {
    let is_taken = |field: &&Field| match body {
        Body::Create | Body::Replace => field.refused_to_clients().is_none(),
        Body::Patch => field.refused_to_clients().is_none() && !field.immutable,
    };
    let taken: Vec<&Field> = collection.members(within).filter(is_taken).collect();
    let schema = |field: &&Field| {
        let schema = match field.kind {
            FieldKind::Embedded(id) => {
                let object = self::body(model, collection, Some(field.id), body);
                embedded(model, (field, id), object, field.required)
            }
            FieldKind::ManyToMany { .. } if body == Body::Patch => {
                children::in_patch_of_links(&written(model, collection, field))
            }
            _ => written(model, collection, field),
        };
        let schema = match (body, operators::of(model, collection, field)) {
            (Body::Patch, Some(operators)) => json!({ "oneOf": [schema, operators] }),
            (Body::Patch | Body::Create | Body::Replace, _) => schema,
        };
        named(field, described(field, schema))
    };
    let mut fields: Map<String, Value> = taken.iter().flat_map(schema).collect();
    if within.is_none() {
        let sent = |relation: Relation<'_>| {
            let schema = match body {
                Body::Create => relation.in_create(),
                Body::Replace => relation.in_replace(),
                Body::Patch => Some(relation.in_patch()),
            };
            schema.map(|schema| named(relation.field, described(relation.field, schema)))
        };
        fields.extend(children::relations(model, collection).filter_map(sent).flatten());
    }
    let mut schema = json!({ "type": "object", "properties": fields, "additionalProperties": false });
    if body != Body::Patch {
        let needed: Vec<&str> =
            taken.iter().filter(|field| is_demanded(model, collection, field)).map(|field| field.own_name()).collect();
        schema["required"] = json!(needed);
    }
    schema
}

/// Whether a create must give the field a value.
fn is_demanded(model: &Model, collection: &Collection, field: &Field) -> bool {
    match field.kind {
        FieldKind::Enum(id) if model.enumeration(id).initial().is_some() => false,
        // Defaults of its members can make up the whole value, but only of one that every record has.
        FieldKind::Embedded(_) => {
            let is_filled = |part: &Field| part.default.is_some() && part.within.is_some_and(|within| within.always);
            let is_made = collection.parts(field.id).any(is_filled);
            let mut members = collection.members(Some(field.id));
            field.is_needed() && (!is_made || members.any(|member| is_demanded(model, collection, member)))
        }
        FieldKind::Enum(_)
        | FieldKind::Scalar(_)
        | FieldKind::List(_)
        | FieldKind::Document(_)
        | FieldKind::ToOne { .. }
        | FieldKind::ToOneOf { .. }
        | FieldKind::OneToMany { .. }
        | FieldKind::Lineage { .. }
        | FieldKind::OneToOne { .. }
        | FieldKind::ManyToMany { .. } => {
            let is_id = field.id == Collection::ID;
            let is_given = is_id || field.default.is_some() || field.default_from.is_some() || field.slug.is_some();
            field.is_needed() && !is_given
        }
    }
}

/// An embedded value, as an object.
fn embedded(model: &Model, (field, id): (&Field, EmbeddedId), mut object: Value, required: bool) -> Value {
    if !required {
        object["type"] = json!(["object", "null"]);
    }
    if let Some(description) = model.embedded(id).description.as_ref().filter(|_| field.description.is_none()) {
        object["description"] = json!(description);
    }
    object
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
    std::iter::once((field.own_name().to_owned(), schema)).chain(kept).collect()
}

const PREV: &str = "The cursor of the page before: its `before`. Absent unless the request said where the page starts.";

pub(super) fn page(name: &str) -> Value {
    json!({
        "type": "object",
        "required": ["items", "next"],
        "properties": {
            "items": { "type": "array", "items": Schema::Read.reference(name) },
            "next": { "type": ["string", "null"], "description": "The cursor of the next page: its `after`." },
            "prev": { "type": ["string", "null"], "description": PREV },
            "count": {
                "type": "object",
                "required": ["value", "more"],
                "properties": {
                    "value": { "type": "integer", "minimum": 0 },
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
            "reason": { "type": "string", "description": "What the application's own code calls its refusal." },
            "errors": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["at", "message"],
                    "properties": { "at": text, "message": text, "remedy": text, "reason": text },
                },
            },
        },
    })
}

/// A field as it is read.
fn read(model: &Model, collection: &Collection, field: &Field) -> Value {
    let mut schema = shape(model, collection, field);
    if !field.allow.read.is_empty() {
        schema["x-restricted"] = json!(true);
    }
    if matches!(field.kind, FieldKind::OneToOne { .. }) {
        schema["x-on-request"] = json!(true);
    }
    if field.is_computed() || field.is_sum() || field.sequence.is_some() {
        schema["readOnly"] = json!(true);
    }
    if let Some(sequence) = &field.sequence {
        schema["description"] = json!(numbered(collection, sequence));
    }
    timers::describe(collection, field, &mut schema);
    schema
}

fn shape(model: &Model, collection: &Collection, field: &Field) -> Value {
    let reference = |target: CollectionId| {
        let target = model.collection(target);
        if is_shown(target) { Schema::Read.reference(&target.name) } else { json!({ "type": "object" }) }
    };
    match &field.kind {
        FieldKind::ToOne { target, key, .. } | FieldKind::OneToOne { target, key, .. } => {
            let id = Form::Answered.scalar(Scalar::Id { form: *key });
            let mut forms = vec![id, reference(*target)];
            forms.extend((!is_required(field)).then(|| json!({ "type": "null" })));
            json!({ "oneOf": forms })
        }
        FieldKind::ToOneOf { union, .. } => references::answered(model, *union, is_required(field)),
        FieldKind::OneToMany { target, .. }
        | FieldKind::ManyToMany { target, .. }
        | FieldKind::Lineage { target, .. } => {
            let mut list = json!({ "type": "array", "items": reference(*target), "maxItems": limits::NESTED_MAX });
            if !field.order.is_empty() {
                let key = |key: &OrderKey| {
                    let name = &model.field(*target, key.field).name;
                    format!("`{}{name}`", if key.descending { "-" } else { "" })
                };
                let keys: Vec<String> = field.order.iter().map(key).collect();
                list["description"] = json!(format!("Sorted by {}, unless `select` sorts it.", keys.join(", ")));
            }
            if is_ordered(field) {
                list["description"] = json!("In the order in which they were sent, unless `select` sorts it.");
            }
            list
        }
        FieldKind::Embedded(id) => {
            let members = collection.members(Some(field.id)).filter(|member| member.is_readable());
            let members = members.flat_map(|member| named(member, described(member, read(model, collection, member))));
            let object = json!({ "type": "object", "properties": members.collect::<Map<String, Value>>() });
            embedded(model, (field, *id), object, is_required(field))
        }
        FieldKind::Scalar(_) | FieldKind::Enum(_) | FieldKind::List(_) | FieldKind::Document(_) => {
            value(model, field, is_required(field), Form::Answered)
        }
    }
}

/// What is said of a number.
fn numbered(collection: &Collection, sequence: &Sequence) -> String {
    let per: Vec<String> = sequence.per.iter().map(|by| format!("`{}`", collection.field(*by).name)).collect();
    let series = match per.as_slice() {
        [] => String::new(),
        per => format!(", separately for each {}", per.join(" and ")),
    };
    let gaps = if sequence.gapless { " without gaps" } else { "" };
    format!("Numbers the records{gaps} from 1{series}. Backstay gives it, and it never changes.")
}

/// Whether the field has a value in every answer that contains it.
fn is_required(field: &Field) -> bool {
    field.is_needed() && field.allow.read.is_empty()
}

/// Whether the links of a relation come as they were sent.
fn is_ordered(field: &Field) -> bool {
    matches!(&field.kind, FieldKind::ManyToMany { link, .. } if link.ordered)
}

/// A field as it is written.
fn written(model: &Model, collection: &Collection, field: &Field) -> Value {
    let mut schema = references::by_key(model, field, value(model, field, field.is_needed(), Form::Accepted));
    if let Some(source) = field.slug {
        schema["pattern"] = json!(SLUG_PATTERN);
        let made = format!("Made from `{}` if a create leaves it out.", collection.field(source).name);
        schema["description"] = json!(made);
    }
    if is_ordered(field) {
        schema["description"] = json!("Their order is kept.");
    }
    if field.id == Collection::ID {
        schema["description"] = json!(match collection.key.kind {
            KeyKind::Uuid7 => "A UUID of version 7. The server makes one if a create leaves it out.",
            KeyKind::Uuid4 => "A UUID of version 4. The server makes one if a create leaves it out.",
            KeyKind::Int => "A number from 1. The server counts on if a create leaves it out.",
            KeyKind::Text => "A text of 1 to 64 bytes without `/`, control characters and space at its ends.",
        });
    }
    constraints::add(field, &mut schema);
    timers::describe(collection, field, &mut schema);
    schema
}

/// A field whose values have this form.
pub(super) fn value(model: &Model, field: &Field, required: bool, form: Form) -> Value {
    let mut schema = match &field.kind {
        FieldKind::Scalar(kind) if field.shares_currency() => match form {
            Form::Answered => form.scalar(Scalar::Money),
            // A number is in the record's currency.
            Form::Accepted => json!({ "oneOf": [form.scalar(*kind), form.scalar(Scalar::Money)] }),
        },
        FieldKind::Scalar(kind) => form.scalar(*kind),
        FieldKind::Enum(id) => Schema::Read.reference(&model.enumeration(*id).name),
        FieldKind::List(element) => {
            json!({ "type": "array", "items": item(model, *element, form), "maxItems": limits::LIST_ITEMS })
        }
        FieldKind::Document(document) => documents::document(model, *document, form),
        // Within a record, `read` and `body` make objects of them.
        FieldKind::Embedded(id) => documents::reference(model, *id, form),
        FieldKind::ToOneOf { union, .. } => references::accepted(model, *union),
        FieldKind::ToOne { key, .. } | FieldKind::OneToOne { key, .. } => form.scalar(Scalar::Id { form: *key }),
        FieldKind::OneToMany { target, .. }
        | FieldKind::ManyToMany { target, .. }
        | FieldKind::Lineage { target, .. } => {
            let id = form.scalar(model.collection(*target).key.scalar());
            return json!({ "type": "array", "items": id, "maxItems": limits::LIST_ITEMS });
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

pub(super) fn item(model: &Model, element: Element, form: Form) -> Value {
    match element {
        Element::Scalar(kind) => form.scalar(kind),
        Element::Enum(id) => Schema::Read.reference(&model.enumeration(id).name),
    }
}

pub(super) fn described(field: &Field, mut schema: Value) -> Value {
    if let Some(description) = &field.description {
        // What was said of its limits comes after it.
        schema["description"] = match schema.get("description").and_then(Value::as_str) {
            Some(limits) => json!(format!("{description}\n\n{limits}")),
            None => json!(description),
        };
    }
    deprecate(field.deprecated.as_ref(), &mut schema);
    schema
}

/// Marks a schema or an operation if there is a reason not to use it any more, and adds the reason to its description.
pub(super) fn deprecate(reason: Option<&String>, of: &mut Value) {
    let Some(reason) = reason else { return };
    let reason = format!("Deprecated: {reason}");
    let description = match of.get("description").and_then(Value::as_str) {
        Some(description) => format!("{description}\n\n{reason}"),
        None => reason,
    };
    of["deprecated"] = json!(true);
    of["description"] = json!(description);
}
