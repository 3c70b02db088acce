//! What is read of records: the fields that come by themselves, and the relations that can be selected.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::names::{Names, quoted};
use super::types::{self, Member, body, union};
use crate::document::Document;

/// What a property of a record is.
enum Property<'d> {
    /// A value, or a reference to one of several types.
    Field(String),
    /// A relation to one record of this type, whose id comes unless it is the other end of a one-to-one relation.
    One { to: &'d str, id: String, nullable: bool, on_request: bool },
    /// A relation to many.
    Many { to: &'d str },
    /// It can't be selected: nobody can read the records.
    None,
}

/// The fields that come without `select`.
pub(super) fn record(document: &Document<'_>, schema: &Value, names: &Names<'_>) -> String {
    if let Some(alternatives) = schema["oneOf"].as_array() {
        return union(alternatives.iter().map(|one| of_interface(one, names)));
    }
    let members = properties(schema).filter_map(|(name, schema)| {
        let of = match property(document, schema, names) {
            Property::Field(of) => of,
            Property::One { id, nullable, on_request: false, .. } => {
                if nullable {
                    format!("{id} | null")
                } else {
                    id
                }
            }
            Property::One { .. } | Property::Many { .. } | Property::None => return None,
        };
        let about = schema["description"].as_str();
        Some(Member { name, of, optional: schema["x-restricted"] == json!(true), about })
    });
    body(members)
}

/// The relations, as members of an object type.
pub(super) fn relations(document: &Document<'_>, schema: &Value, names: &Names<'_>) -> String {
    let mut members = String::new();
    for (name, schema) in properties(schema) {
        let of = match property(document, schema, names) {
            Property::One { to, nullable: false, .. } => format!("ToOne<{to:?}>"),
            Property::One { to, nullable: true, .. } => format!("ToOneOrNone<{to:?}>"),
            Property::Many { to } => format!("ToMany<{to:?}>"),
            Property::Field(_) | Property::None => continue,
        };
        let _ = write!(members, " {}: {of};", quoted(name));
    }
    if members.is_empty() { "{}".to_owned() } else { format!("{{{members} }}") }
}

/// The fields that hold a number that isn't exact.
pub(super) fn floats(schema: &Value) -> Vec<&str> {
    properties(schema).filter(|(_, schema)| schema["format"] == "double").map(|(name, _)| name).collect()
}

fn properties(schema: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let all = schema["properties"].as_object().into_iter().flat_map(Map::iter);
    all.map(|(name, schema)| (name.as_str(), schema)).filter(|(name, _)| !name.starts_with('$'))
}

fn property<'d>(document: &Document<'d>, schema: &'d Value, names: &Names<'_>) -> Property<'d> {
    let hidden = json!({ "type": "object" });
    if schema["type"] == "array" {
        return match document.records_of(&schema["items"]) {
            Some(to) => Property::Many { to },
            None if schema["items"] == hidden => Property::None,
            None => Property::Field(types::of(schema, names)),
        };
    }
    let Some(alternatives) = schema["oneOf"].as_array() else { return Property::Field(types::of(schema, names)) };
    let null = json!({ "type": "null" });
    let nullable = alternatives.contains(&null);
    if schema["discriminator"]["propertyName"] == "__typename" && alternatives.iter().any(|one| one["allOf"].is_array())
    {
        let references = alternatives.iter().filter(|one| **one != null).map(reference);
        return Property::Field(union(references.chain(nullable.then(|| "null".to_owned()))));
    }
    let id = || {
        union(
            alternatives
                .iter()
                .filter(|one| one["type"].is_string() && **one != null && **one != hidden)
                .map(|one| types::of(one, names)),
        )
    };
    match alternatives.iter().find_map(|one| document.records_of(one)) {
        Some(to) => Property::One { to, id: id(), nullable, on_request: schema["x-on-request"] == json!(true) },
        None if alternatives.contains(&hidden) && schema["x-on-request"] == json!(true) => Property::None,
        None if alternatives.contains(&hidden) => {
            Property::Field(union(std::iter::once(id()).chain(nullable.then(|| "null".to_owned()))))
        }
        None => Property::Field(types::of(schema, names)),
    }
}

/// A reference to one of several types, to this one of them.
fn reference(alternative: &Value) -> String {
    format!("{{ __typename: {}; id: string }}", typename(alternative))
}

/// A record of an interface, of this one of its types.
fn of_interface(alternative: &Value, names: &Names<'_>) -> String {
    let parts = alternative["allOf"].as_array().into_iter().flatten();
    let of = parts.filter(|part| part.get("$ref").is_some()).map(|part| types::of(part, names));
    let of: Vec<String> = of.chain([format!("{{ __typename: {} }}", typename(alternative))]).collect();
    format!("({})", of.join(" & "))
}

/// The name of the type that an alternative tells, as a literal.
fn typename(alternative: &Value) -> String {
    let parts = alternative["allOf"].as_array().into_iter().flatten();
    let told = parts.map(|part| &part["properties"]["__typename"]["const"]).find(|told| told.is_string());
    told.map_or_else(|| "string".to_owned(), Value::to_string)
}
