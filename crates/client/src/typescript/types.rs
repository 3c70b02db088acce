//! Schemas as types.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::comment;
use super::fields;
use super::names::{Names, quoted};
use crate::document::{Document, referred};

/// Declares a type for each schema that the client uses.
pub(super) fn write(text: &mut String, document: &Document<'_>, names: &Names<'_>) {
    for (name, schema) in document.schemas {
        // Pages and problems have types of their own.
        if name.ends_with(".Page") || name == "Problem.Details" {
            continue;
        }
        comment(text, "", schema["description"].as_str());
        let own = names.of_schema(name);
        let body = match document.collections.contains_key(name.as_str()) {
            true => fields::record(document, schema, names),
            false => of(schema, names),
        };
        let _ = match body.starts_with("{\n") {
            true => writeln!(text, "export interface {own} {body}\n"),
            false => writeln!(text, "export type {own} = {body};\n"),
        };
    }
}

/// The type of the values that fit a schema.
pub(super) fn of(schema: &Value, names: &Names<'_>) -> String {
    if let Some(name) = referred(schema) {
        return names.of_schema(name).to_owned();
    }
    if let Some(literal) = schema.get("const") {
        return literal.to_string();
    }
    if let Some(values) = schema["enum"].as_array() {
        return union(values.iter().map(Value::to_string));
    }
    for several in ["oneOf", "anyOf"] {
        if let Some(alternatives) = schema[several].as_array() {
            return union(alternatives.iter().map(|one| of(one, names)));
        }
    }
    if let Some(parts) = schema["allOf"].as_array() {
        return parts.iter().map(|part| of(part, names)).collect::<Vec<_>>().join(" & ");
    }
    match &schema["type"] {
        Value::String(kind) => of_kind(kind, schema, names),
        Value::Array(kinds) => union(kinds.iter().filter_map(Value::as_str).map(|kind| of_kind(kind, schema, names))),
        _ => "unknown".to_owned(),
    }
}

fn of_kind(kind: &str, schema: &Value, names: &Names<'_>) -> String {
    match kind {
        "integer" | "number" => "number".to_owned(),
        "array" => {
            let item = of(&schema["items"], names);
            if item.contains([' ', '{']) { format!("({item})[]") } else { format!("{item}[]") }
        }
        "object" => match schema["properties"].as_object() {
            Some(properties) => object(properties, &schema["required"], names),
            None => "{ [name: string]: unknown }".to_owned(),
        },
        // `string`, `boolean` and `null` are the same words.
        kind => kind.to_owned(),
    }
}

fn object(properties: &Map<String, Value>, required: &Value, names: &Names<'_>) -> String {
    let is_required = |name: &str| required.as_array().is_some_and(|all| all.iter().any(|one| one == name));
    let members = properties.iter().map(|(name, schema)| Member {
        name,
        of: of(schema, names),
        optional: !is_required(name),
        about: schema["description"].as_str(),
    });
    body(members)
}

/// A member of an object.
pub(super) struct Member<'m> {
    pub(super) name: &'m str,
    pub(super) of: String,
    pub(super) optional: bool,
    pub(super) about: Option<&'m str>,
}

/// An object with these members, one a line.
pub(super) fn body<'m>(members: impl Iterator<Item = Member<'m>>) -> String {
    let mut lines = String::new();
    for Member { name, of, optional, about } in members {
        comment(&mut lines, "  ", about);
        let mark = if optional { "?" } else { "" };
        let of = of.replace('\n', "\n  ");
        let _ = writeln!(lines, "  {}{mark}: {of};", quoted(name));
    }
    if lines.is_empty() { "{}".to_owned() } else { format!("{{\n{lines}}}") }
}

/// Each of several types once.
pub(super) fn union(types: impl Iterator<Item = String>) -> String {
    let mut all: Vec<String> = Vec::new();
    for one in types {
        if !all.contains(&one) {
            all.push(one);
        }
    }
    all.join(" | ")
}
