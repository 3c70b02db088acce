//! Examples, made from schemas: a value that the schema allows, with what it requires.

use backstay_scalar::SLUG_PATTERN;
use serde_json::{Map, Value, json};

use super::scalars;

/// The id of no record.
pub(super) const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
/// An expression that is true for every record, and the order of the newest first.
pub(super) const FILTER: &str = "createdAt < now";
pub(super) const SORT: &str = "-createdAt";
/// An expression that is true for no record, for what changes all that match.
pub(super) fn narrow_filter() -> String {
    format!("id == '{ID}'")
}

/// Gives the body of an operation an example, unless it has one.
pub(super) fn complete(operation: &mut Value, schemas: &Map<String, Value>) {
    let contents = operation.pointer_mut("/requestBody/content").and_then(Value::as_object_mut);
    for content in contents.into_iter().flat_map(Map::values_mut) {
        if content.get("example").is_none()
            && let Some(example) = of(&content["schema"], schemas)
        {
            content["example"] = example;
        }
    }
}

/// A value that the schema allows, if it is of a kind for which one is known.
pub(super) fn of(schema: &Value, schemas: &Map<String, Value>) -> Option<Value> {
    let text = |keyword: &str| schema.get(keyword).and_then(Value::as_str);
    if let Some(path) = text("$ref") {
        return of(schemas.get(path.rsplit('/').next()?)?, schemas);
    }
    if let Some(examples) = schema.get("examples").and_then(Value::as_array) {
        return examples.first().cloned();
    }
    if let Some(value) = schema.get("const") {
        return Some(value.clone());
    }
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        return values.first().cloned();
    }
    if let Some(forms) = schema.get("oneOf").or_else(|| schema.get("anyOf")).and_then(Value::as_array) {
        return of(forms.first()?, schemas);
    }
    match kind(schema)? {
        "object" => object(schema, schemas),
        "array" if schema["minItems"].as_u64().unwrap_or(0) == 0 => Some(json!([])),
        "array" => Some(json!([of(&schema["items"], schemas)?])),
        "boolean" => Some(json!(true)),
        "integer" => Some(schema.get("minimum").or_else(|| schema.get("maximum")).cloned().unwrap_or(json!(1))),
        "number" => Some(schema.get("minimum").or_else(|| schema.get("maximum")).cloned().unwrap_or(json!(1.5))),
        "string" => match (text("pattern"), text("format")) {
            (Some(pattern), _) => known(pattern).map(|known| json!(known)),
            (None, Some(format)) => formatted(format).map(|known| json!(known)),
            (None, None) => Some(json!(words(schema))),
        },
        _ => None,
    }
}

fn kind(schema: &Value) -> Option<&str> {
    schema["type"].as_str().or_else(|| schema["type"].as_array()?.first()?.as_str())
}

/// An object with the members that it must have; one that needn't have any has its first that is a plain value.
fn object(schema: &Value, schemas: &Map<String, Value>) -> Option<Value> {
    let empty = Map::new();
    let members = schema["properties"].as_object().unwrap_or(&empty);
    let required = schema["required"].as_array().map(Vec::as_slice).unwrap_or_default();
    let named = |name: &str| Some((name.to_owned(), of(members.get(name)?, schemas)?));
    if !required.is_empty() {
        let all: Option<Map<String, Value>> = required.iter().filter_map(Value::as_str).map(named).collect();
        return all.map(Value::Object);
    }
    let plain = |(name, member): (&String, &Value)| {
        named(name).filter(|(_, value)| value.is_string() && member.get("anyOf").is_none())
    };
    Some(Value::Object(members.iter().find_map(plain).into_iter().collect()))
}

/// A text between the least and the greatest length.
fn words(schema: &Value) -> String {
    let bound =
        |keyword: &str| schema.get(keyword).and_then(Value::as_u64).and_then(|bound| usize::try_from(bound).ok());
    let (least, most) = (bound("minLength").unwrap_or(0), bound("maxLength").unwrap_or(usize::MAX));
    "Something to read. ".chars().cycle().take(least.max(most.min(17))).collect()
}

fn formatted(format: &str) -> Option<&'static str> {
    Some(match format {
        "uuid" => ID,
        "date-time" => "2026-01-31T12:00:00Z",
        "date" => "2026-01-31",
        "duration" => "PT1H30M",
        "idn-email" | "email" => "ada@example.org",
        "uri" => "https://example.org/",
        "byte" => "aGVsbG8=",
        _ => return None,
    })
}

/// An example of what the patterns of scalars and slugs allow.
fn known(pattern: &str) -> Option<&'static str> {
    if pattern == SLUG_PATTERN {
        return Some("first-steps");
    }
    scalars::EXAMPLES.iter().find(|(known, _)| *known == pattern).map(|(_, example)| *example)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_are_what_schemas_allow() {
        let schemas = Map::from_iter([("State".to_owned(), json!({ "type": "string", "enum": ["DRAFT", "DONE"] }))]);
        let check = |schema: Value, expected: Option<Value>| assert_eq!(of(&schema, &schemas), expected, "{schema}");
        check(json!({ "$ref": "#/components/schemas/State" }), Some(json!("DRAFT")));
        check(json!({ "type": "string", "minLength": 20 }), Some(json!("Something to read. S")));
        check(json!({ "type": ["string", "null"], "maxLength": 4 }), Some(json!("Some")));
        check(json!({ "type": "string", "pattern": "^x$" }), None);
        check(json!({ "type": "string", "format": "date" }), Some(json!("2026-01-31")));
        check(json!({ "type": "integer", "minimum": 3 }), Some(json!(3)));
        check(json!({ "type": "array", "items": { "type": "boolean" } }), Some(json!([])));
        check(json!({ "type": "array", "minItems": 1, "items": { "type": "boolean" } }), Some(json!([true])));
        check(json!({ "oneOf": [{ "const": 1 }, { "type": "null" }] }), Some(json!(1)));
        check(json!({}), None);
        let members = json!({ "a": { "type": "integer" }, "b": { "type": "string" }, "c": {} });
        check(json!({ "type": "object", "properties": members, "required": ["a"] }), Some(json!({ "a": 1 })));
        check(json!({ "type": "object", "properties": members, "required": ["c"] }), None);
        check(json!({ "type": "object", "properties": members }), Some(json!({ "b": "Something to read" })));
    }
}
