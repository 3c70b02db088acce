mod actions;
mod answers;
mod children;
mod constraints;
mod documents;
mod embedded_types;
mod examples;
mod interfaces;
mod jobs;
mod names;
mod operations;
mod operators;
mod references;
mod scalars;
mod schemas;
mod timers;

use backstay_base::{Action, limits};
use backstay_engine::Sizes;
use backstay_model::{Collection, Enum, EnumValue, Field, Model};
use serde_json::{Map, Value, json};

use crate::kinds::KINDS;
use crate::{HttpSettings, credentials};

/// The `OpenAPI` 3.1 document of an application, as JSON: its paths, the shapes of its records, its limits and its
/// problems. Collections that nobody may read, and Backstay's own, are left out.
pub fn describe(model: &Model, sizes: Sizes, settings: &HttpSettings) -> String {
    let shown: Vec<&Collection> = model.collections.iter().filter(|collection| is_shown(collection)).collect();
    let interfaces = interfaces::shown(model);
    let mut paths = operations::paths(model, &shown, &interfaces);
    paths.extend(interfaces::paths(model, &interfaces));
    paths.extend(actions::paths(model));
    let schemas = shapes(model, &shown);
    for operation in paths.values_mut().filter_map(Value::as_object_mut).flat_map(Map::values_mut) {
        examples::complete(operation, &schemas);
    }
    let cookie = if settings.secure_cookies { credentials::SECURE_COOKIE } else { credentials::PLAIN_COOKIE };
    let document = json!({
        "openapi": "3.1.0",
        "info": { "title": model.name, "version": "1" },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "headers": answers::headers(),
            "parameters": operations::components(),
            "responses": { "Problem": problem_response() },
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer" },
                "cookie": { "type": "apiKey", "in": "cookie", "name": cookie },
                "link": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Backstay-Link",
                    "description": "The token of a secret link, by itself or beside the token of a session.",
                },
            },
        },
        "security": [
            {},
            { "token": [] },
            { "cookie": [] },
            { "link": [] },
            { "token": [], "link": [] },
            { "cookie": [], "link": [] },
        ],
        "x-api-prefix": model.api.without_slash(),
        "x-identity": model.identity.map(|id| &model.collection(id).name),
        "x-limits": limits(sizes, settings),
        "x-problems": problems(),
    });
    document.to_string()
}

fn is_shown(collection: &Collection) -> bool {
    !collection.system && collection.is_about(Action::Read)
}

/// The same with what functions see besides: what jobs take, as `x-jobs`.
pub fn describe_for_functions(model: &Model, sizes: Sizes, settings: &HttpSettings) -> String {
    let described = describe(model, sizes, settings);
    let Ok(mut document) = serde_json::from_str::<Value>(&described) else { return described };
    document["x-jobs"] = Value::Object(jobs::inputs(model));
    if let Some(schemas) = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut) {
        schemas.extend(jobs::shapes(model));
    }
    document.to_string()
}

/// The fields that an answer may contain.
fn readable(collection: &Collection) -> impl Iterator<Item = &Field> {
    collection.members(None).filter(|field| field.is_readable())
}

fn shapes(model: &Model, shown: &[&Collection]) -> Map<String, Value> {
    let mut all = Map::new();
    all.insert(names::PROBLEM.to_owned(), schemas::problem());
    all.extend(embedded_types::all(model));
    for en in &model.enums {
        all.insert(en.name.clone(), enumeration(en));
    }
    for collection in shown {
        all.extend(schemas::of_collection(model, collection));
    }
    for interface in interfaces::shown(model) {
        all.extend(interfaces::of_interface(model, interface));
    }
    all
}

fn enumeration(en: &Enum) -> Value {
    let names: Vec<&str> = en.values.iter().map(|value| &*value.name).collect();
    let mut schema = json!({ "type": "string", "enum": names });
    // A schema has no place to mark one of several values.
    let deprecated =
        |value: &EnumValue| value.deprecated.as_ref().map(|reason| format!("`{}` is deprecated: {reason}", value.name));
    let paragraphs = en.description.iter().cloned().chain(en.values.iter().filter_map(deprecated));
    let paragraphs: Vec<String> = paragraphs.collect();
    if !paragraphs.is_empty() {
        schema["description"] = json!(paragraphs.join("\n\n"));
    }
    schema
}

fn problem_response() -> Value {
    let schema = json!({ "$ref": names::path(names::PROBLEM) });
    json!({
        "description": "The request was refused or failed (RFC 9457). `x-problems` lists what `type` can be.",
        "content": { "application/problem+json": { "schema": schema } },
    })
}

/// Every limit that a caller can reach.
fn limits(sizes: Sizes, settings: &HttpSettings) -> Value {
    let mut all = limits_of_requests(sizes, settings);
    let others = [limits_of_questions(), limits_of_connections(settings)];
    for more in others {
        if let (Value::Object(all), Value::Object(more)) = (&mut all, more) {
            all.extend(more);
        }
    }
    all
}

fn limits_of_questions() -> Value {
    json!({
        "searchBytes": limits::SEARCH_BYTES,
        "searchWords": limits::SEARCH_WORDS,
        "searchPrefixes": limits::SEARCH_PREFIXES,
        "highlightChars": limits::HIGHLIGHT_CHARS,
        "groupKeys": limits::GROUP_KEYS,
        "groupValues": limits::GROUP_VALUES,
        "nestedLists": limits::STATEMENT_RELATIONS,
        "aggregateDepth": limits::AGGREGATE_DEPTH,
        "patterns": limits::EXPRESSION_PATTERNS,
        "patternBytes": limits::PATTERN_BYTES,
        "keyDepth": limits::KEY_DEPTH,
        "keyBytes": limits::KEY_BYTES,
        "commitCheckRecords": limits::COMMIT_CHECK_RECORDS,
        "sumRecords": limits::SUM_RECORDS,
        "references": limits::REFERENCES,
        "referenceBytes": limits::REFERENCE_BYTES,
        "referredBytes": limits::REFERRED_BYTES,
        "referenceScanBytes": limits::REFERENCE_SCAN_BYTES,
        "violations": limits::VIOLATIONS,
        "sessionsPerAccount": limits::SESSIONS_PER_ACCOUNT,
        "linksPerAccount": limits::SECRET_LINKS_PER_ACCOUNT,
        "passwordCharsMax": limits::PASSWORD_CHARS_MAX,
        "emailChars": limits::EMAIL_CHARS,
        "urlChars": limits::URL_CHARS,
    })
}

fn limits_of_connections(settings: &HttpSettings) -> Value {
    json!({
        "headerSeconds": settings.header_time.as_secs(),
        "bodyStallSeconds": limits::BODY_STALL_SECONDS,
        "stallSeconds": settings.stall_time.as_secs(),
        "idleSeconds": settings.idle_time.as_secs(),
        "bytesPerSecond": limits::PACE_BYTES_PER_SECOND,
        "connections": settings.connections,
        "memoryBytes": settings.memory_bytes,
        "networkPercent": settings.network_percent,
    })
}

fn limits_of_requests(sizes: Sizes, settings: &HttpSettings) -> Value {
    json!({
        "bodyBytes": settings.body_bytes,
        "credentialBytes": limits::CREDENTIAL_BYTES.min(settings.body_bytes),
        "queryBytes": limits::QUERY_BYTES.min(settings.body_bytes),
        "jsonDepth": limits::JSON_DEPTH,
        "filterBytes": limits::EXPRESSION_BYTES,
        "filterDepth": limits::EXPRESSION_DEPTH,
        "filterNodes": limits::EXPRESSION_NODES,
        "filterParameters": limits::FILTER_PARAMETERS,
        "filterValueBytes": limits::FILTER_VALUE_BYTES,
        "pageDefault": limits::PAGE_DEFAULT,
        "pageMax": limits::PAGE_MAX,
        "skipMax": limits::SKIP_MAX,
        "nestedMax": limits::NESTED_MAX,
        "selectDepth": limits::SELECT_DEPTH,
        "relations": limits::STATEMENT_RELATIONS,
        "parameters": limits::PARAMETERS,
        "answerBytes": limits::ANSWER_BYTES,
        "recordBytes": limits::RECORD_BYTES,
        "selectFields": limits::SELECT_FIELDS,
        "selectExpressions": limits::SELECT_EXPRESSIONS,
        "selectFilterBytes": limits::SELECT_FILTER_BYTES,
        "parameterBytes": limits::PARAMETER_BYTES,
        "sortFields": limits::SORT_FIELDS,
        "countMax": limits::COUNT_MAX,
        "batchRecords": limits::BATCH_RECORDS,
        "matchedRecords": limits::MATCHED_RECORDS,
        "nestedLevels": limits::NESTED_LEVELS,
        "writeRows": limits::WRITE_ROWS,
        "writeBytes": limits::WRITE_BYTES,
        "transactionRequests": limits::TRANSACTION_REQUESTS,
        "listItems": limits::LIST_ITEMS,
        "stringChars": limits::STRING_CHARS,
        "textBytes": sizes.text_bytes,
        "jsonBytes": sizes.json_bytes,
        "idempotencyKeyBytes": limits::IDEMPOTENCY_KEY_BYTES,
        "idempotencyHours": limits::IDEMPOTENCY_HOURS,
        "treeLevels": limits::TREE_LEVELS,
        "deletionRecords": limits::DELETION_RECORDS,
        "requestSeconds": settings.request_time.as_secs(),
        "bodySeconds": settings.body_time.min(settings.request_time).as_secs(),
        "targetBytes": limits::TARGET_BYTES,
        "headerBytes": limits::HEADER_BYTES,
    })
}

/// Every kind of problem by its `type`.
fn problems() -> Map<String, Value> {
    let meaning =
        |status: u16, title: &str, remedy: &str| json!({ "status": status, "title": title, "remedy": remedy });
    KINDS
        .iter()
        .map(|kind| (format!("/problems/{}", kind.code), meaning(kind.status.as_u16(), kind.title, kind.remedy)))
        .collect()
}
