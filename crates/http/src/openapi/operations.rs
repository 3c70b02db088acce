use backstay_base::limits;
use backstay_model::{Collection, FieldKind, Model};
use backstay_scalar::Scalar;
use serde_json::{Map, Value, json};

use super::readable;

/// The paths of one collection.
pub(super) fn of_collection(model: &Model, collection: &Collection) -> Map<String, Value> {
    let (name, path, allow) = (&collection.name, &collection.path, &collection.allow);
    let id = |verb: &str| format!("{verb}{name}");
    let page = json(&format!("{name}Page"));
    let (mut many, mut one) = (Map::new(), Map::new());

    let list = operation(name, &id("list"), "200", &page, list_parameters(model, collection));
    many.insert("get".to_owned(), list);
    if allow.create.is_some() {
        let shape = json!({ "$ref": format!("#/components/schemas/{name}Create") });
        let several = json!({ "type": "array", "items": shape, "maxItems": limits::BATCH_RECORDS });
        let body = json!({ "application/json": { "schema": { "oneOf": [shape, several] } } });
        let made = json!({ "$ref": format!("#/components/schemas/{name}") });
        let made = json!({ "schema": { "oneOf": [made, { "type": "array", "items": made }] } });
        let answer = json!({ "application/json": made });
        let parameters = references(&["IdempotencyKey", "Prefer"]);
        many.insert("post".to_owned(), with_body(operation(name, &id("create"), "201", &answer, parameters), &body));
    }

    let select = references(&["Select", "IfMatch", "IfNoneMatch"]);
    one.insert("get".to_owned(), operation(name, &id("get"), "200", &json(name), select));
    let parameters = || references(&["IdempotencyKey", "IfMatch", "Prefer"]);
    if allow.update.is_some() {
        let shape = json!({ "schema": { "$ref": format!("#/components/schemas/{name}Patch") } });
        let body = json!({ "application/merge-patch+json": shape, "application/json": shape });
        let update = operation(name, &id("update"), "200", &json(name), parameters());
        one.insert("patch".to_owned(), with_body(update, &body));
    }
    if allow.delete.is_some() {
        one.insert("delete".to_owned(), operation(name, &id("delete"), "204", &Value::Null, parameters()));
    }
    one.insert("parameters".to_owned(), references(&["Id"]));

    let query = operation(name, &id("query"), "200", &page, json!([]));
    let query = with_body(query, &json!({ "application/json": { "schema": query_body() } }));
    Map::from_iter([
        (format!("/api/{path}"), Value::Object(many)),
        (format!("/api/{path}/{{id}}"), Value::Object(one)),
        (format!("/api/{path}:query"), json!({ "post": query })),
    ])
}

/// One operation with its answer. `content` is null where there is none.
fn operation(tag: &str, id: &str, status: &str, content: &Value, parameters: Value) -> Value {
    let mut answer = json!({ "description": "Done." });
    if !content.is_null() {
        answer["content"] = content.clone();
    }
    let mut operation = json!({
        "operationId": id,
        "tags": [tag],
        "responses": { status: answer, "default": { "$ref": "#/components/responses/Problem" } },
    });
    if parameters.as_array().is_some_and(|parameters| !parameters.is_empty()) {
        operation["parameters"] = parameters;
    }
    operation
}

fn with_body(mut operation: Value, content: &Value) -> Value {
    operation["requestBody"] = json!({ "required": true, "content": content });
    operation
}

fn json(schema: &str) -> Value {
    json!({ "application/json": { "schema": { "$ref": format!("#/components/schemas/{schema}") } } })
}

fn references(names: &[&str]) -> Value {
    names.iter().map(|name| json!({ "$ref": format!("#/components/parameters/{name}") })).collect()
}

/// The parameters of a list: those that all have, the filter's own, and equality on each field.
fn list_parameters(model: &Model, collection: &Collection) -> Value {
    let mut parameters = references(&["Filter", "Sort", "Select", "Limit", "After", "Count", "IfMatch", "IfNoneMatch"]);
    let fields = readable(collection).filter_map(|field| {
        let schema = match &field.kind {
            FieldKind::Enum(id) => json!({ "$ref": format!("#/components/schemas/{}", model.enumeration(*id).name) }),
            FieldKind::Scalar(scalar) if *scalar != Scalar::Json => json!({ "type": "string" }),
            FieldKind::ToOne { .. } => json!({ "type": "string" }),
            _ => return None,
        };
        Some(json!({ "name": field.name, "in": "query", "schema": schema, "description": "Equal to this." }))
    });
    if let Some(list) = parameters.as_array_mut() {
        list.extend(fields);
    }
    parameters
}

fn query_body() -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "filter": { "type": "string", "maxLength": limits::EXPRESSION_BYTES },
            "params": { "type": "object", "maxProperties": limits::FILTER_PARAMETERS },
            "where": { "type": "object", "description": "Fields that must equal a value." },
            "sort": { "type": "string" },
            "select": { "type": "string" },
            "limit": { "type": "integer", "minimum": 1, "maximum": limits::PAGE_MAX },
            "after": { "type": "string" },
            "count": { "type": "boolean" },
        },
    })
}

const IF_MATCH: &str = "An ETag: the record must have its version, or a list be the one that it stands for; else 412.";
const IDEMPOTENCY_KEY: &str = "The same key and request: the same answer, and nothing is done twice. Each caller has keys \
                               of their own; who has not signed in shares them with those of the same network address. \
                               The answer is kept as Prefer asked the first time: what a minimal one left out cannot be \
                               had by asking again.";

/// Parameters that operations share.
pub(super) fn parameters() -> Value {
    let query = |name: &str, description: &str, schema: Value| json!({ "name": name, "in": "query", "description": description, "schema": schema });
    let header = |name: &str, description: &str, schema: Value| json!({ "name": name, "in": "header", "description": description, "schema": schema });
    let text = |most: usize| json!({ "type": "string", "maxLength": most });
    let limit =
        json!({ "type": "integer", "minimum": 1, "maximum": limits::PAGE_MAX, "default": limits::PAGE_DEFAULT });
    let filter = "An expression that must be true, such as title.contains($q); the values of its parameters follow as \
                  $q=….";
    json!({
        "Id": {
            "name": "id", "in": "path", "required": true, "schema": { "type": "string", "format": "uuid" },
        },
        "Filter": query("filter", filter, text(limits::EXPRESSION_BYTES)),
        "Sort": query("sort", "Fields to order by, such as -publishedAt,title.", text(limits::PARAMETER_BYTES)),
        "Select": query("select", "Fields to answer, such as title,author{name}.", text(limits::PARAMETER_BYTES)),
        "Limit": query("limit", "Records on the page.", limit),
        "After": query("after", "`next` of the page before.", text(limits::PARAMETER_BYTES)),
        "Count": query("count", "Whether to count the records.", json!({ "type": "boolean" })),
        "IfNoneMatch": header("If-None-Match", "An ETag: answers 304 while it holds.", json!({ "type": "string" })),
        "IfMatch": header("If-Match", IF_MATCH, json!({ "type": "string" })),
        "Prefer": header("Prefer", "return=minimal leaves the record out of the answer.", json!({ "type": "string" })),
        "IdempotencyKey": header(
            "Idempotency-Key",
            IDEMPOTENCY_KEY,
            json!({ "type": "string", "minLength": 1, "maxLength": limits::IDEMPOTENCY_KEY_BYTES }),
        ),
    })
}

/// The list of the collections.
pub(super) fn collections() -> Value {
    let text = json!({ "type": "string" });
    let collection = json!({
        "type": "object",
        "required": ["name", "path"],
        "properties": { "name": text, "path": text },
        "additionalProperties": false,
    });
    let list = json!({
        "type": "object",
        "required": ["collections"],
        "properties": { "collections": { "type": "array", "items": collection } },
        "additionalProperties": false,
    });
    let mut get =
        operation("Collections", "collections", "200", &json!({ "application/json": { "schema": list } }), json!([]));
    get["description"] = json!("The collections that the caller may read or add to.");
    json!({ "get": get })
}

/// The paths of accounts and sessions.
pub(super) fn of_accounts() -> Map<String, Value> {
    let signed_in = json!({
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["token", "account", "expiresAt"],
                "properties": {
                    "token": { "type": "string" },
                    "account": { "type": "object" },
                    "expiresAt": { "type": "string", "format": "date-time" },
                },
            },
        },
    });
    let object = json!({ "application/json": { "schema": { "type": "object" } } });
    let post = |verb: &str, status: &str, answer: &Value, body: Option<Value>| {
        let operation = operation("Accounts", verb, status, answer, json!([]));
        let content = body.map(|body| json!({ "application/json": { "schema": body } }));
        json!({ "post": if let Some(content) = content { with_body(operation, &content) } else { operation } })
    };
    let me = json!({ "get": operation("Accounts", "me", "200", &object, json!([])) });
    let mut sign_up = texts(&["email", "password"], &["invitation"]);
    sign_up["description"] = json!("And other fields of the account's type.");
    sign_up["additionalProperties"] = json!(true);
    let mut sign_in = texts(&["email", "password"], &[]);
    sign_in["properties"]["as"] = json!({ "enum": ["account", "operator"], "default": "account" });
    let (password, email) = (texts(&["current", "password"], &[]), texts(&["email", "password"], &[]));
    Map::from_iter([
        ("/auth/sign-up".to_owned(), post("signUp", "201", &signed_in, Some(sign_up))),
        ("/auth/sign-in".to_owned(), post("signIn", "200", &signed_in, Some(sign_in))),
        ("/auth/sign-out".to_owned(), post("signOut", "204", &Value::Null, None)),
        ("/auth/sign-out-everywhere".to_owned(), post("signOutEverywhere", "200", &object, None)),
        ("/auth/password".to_owned(), post("changePassword", "200", &signed_in, Some(password))),
        ("/auth/email".to_owned(), post("changeEmail", "200", &object, Some(email))),
        ("/auth/me".to_owned(), me),
    ])
}

/// An object of texts.
fn texts(required: &[&str], others: &[&str]) -> Value {
    let text = |name: &&str| ((*name).to_owned(), json!({ "type": "string" }));
    let properties: Map<String, Value> = required.iter().chain(others).map(text).collect();
    json!({ "type": "object", "required": required, "properties": properties, "additionalProperties": false })
}

/// The explanation of a request, for operators.
pub(super) fn explain() -> Value {
    let mut question = texts(&["request"], &[]);
    question["properties"]["request"]["description"] = json!("Such as GET /api/posts?limit=1.");
    question["properties"]["as"] = json!({
        "type": ["string", "null"],
        "description": "Who asks: e-mail address or id of an account, an operator or a key; nobody if it is absent.",
    });
    question["properties"]["body"] = json!({ "description": "The body of a POST or PATCH." });
    let object = json!({ "application/json": { "schema": { "type": "object" } } });
    let mut post = operation("Explanations", "explain", "200", &object, json!([]));
    post["description"] =
        json!("Why a request is allowed or refused, and what it costs; for operators. Changes nothing.");
    json!({ "post": with_body(post, &json!({ "application/json": { "schema": question } })) })
}
