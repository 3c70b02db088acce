//! The paths of actions.

use backstay_model::{Action, Field, Model, ResultKind, Route, RoutePart};
use backstay_rest::is_in_url;
use serde_json::{Map, Value, json};

use super::documents::{Form, reference};
use super::is_shown;
use super::names::Schema;
use super::operations::{Shapes, add, assemble, parameters, reference as shared};
use super::schemas::{deprecate, described, value};
use crate::endpoint::{Endpoint, Verb};
use crate::endpoints::endpoint_of_action;

/// The paths of all actions.
pub(super) fn paths(model: &Model) -> Map<String, Value> {
    let mut paths = Map::new();
    for action in model.actions.iter().filter(|action| action.is_offered()) {
        let endpoint = endpoint_of_action(action);
        let (path, operation) = match &action.route {
            None => (format!("/do/{}", action.name), operation(model, action, endpoint)),
            Some(of) => (of.path.text.clone(), route(action, of, endpoint)),
        };
        let others = paths.remove(&path);
        add(&mut paths, path.clone(), std::iter::once((endpoint.verb, operation)));
        if let (Some(Value::Object(item)), Some(Value::Object(others))) = (paths.get_mut(&path), others) {
            item.extend(others);
        }
    }
    paths
}

/// A path of the team's own: what it takes and answers is up to its function.
fn route(action: &Action, of: &Route, endpoint: &Endpoint) -> Value {
    let own = of.path.parts.iter().filter_map(|part| match part {
        RoutePart::Literal(_) => None,
        RoutePart::Parameter(name) => {
            Some(json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }))
        }
    });
    let tag = if of.inbox.is_some() { "Inboxes" } else { "Routes" };
    let shapes = Shapes { body: endpoint.body.map(|_| json!({})), ..Shapes::default() };
    let mut operation = assemble(endpoint, (tag, &action.name), "default", shapes, parameters(endpoint, own.collect()));
    operation["responses"] = json!({ "default": {
        "description": "What the function answers.", "content": { "*/*": { "schema": {} } }
    } });
    operation["summary"] = json!(format!("{} {}", endpoint.verb.name(), of.path.text));
    operation
}

fn operation(model: &Model, action: &Action, endpoint: &Endpoint) -> Value {
    let members = || action.arguments.into_iter().flat_map(|of| &model.embedded(of).members);
    let mut own = Vec::new();
    if endpoint.verb == Verb::Get {
        own.extend(members().map(|field| parameter(model, field)));
    }
    if returns_records(action) {
        own.push(shared("Select"));
    }
    let body = action.arguments.filter(|_| endpoint.body.is_some()).map(|of| reference(model, of, Form::Accepted));
    let needs_body = members().any(|field| field.required && field.default.is_none());
    let shapes = Shapes { body, answer: Some(result(model, action)), ..Shapes::default() };
    let mut operation =
        assemble(endpoint, ("Actions", &format!("do.{}", action.name)), "200", shapes, parameters(endpoint, own));
    if let Some(sent) = operation.get_mut("requestBody") {
        sent["required"] = json!(needs_body);
    }
    operation["summary"] = json!(format!("Call {}", action.name));
    if let Some(description) = &action.description {
        operation["description"] = json!(description);
    }
    operation["x-action"] = json!(action.name);
    deprecate(action.deprecated.as_ref(), &mut operation);
    operation
}

fn returns_records(action: &Action) -> bool {
    match action.result.kind {
        ResultKind::Record(_) | ResultKind::Records(_) => true,
        ResultKind::Value => false,
    }
}

/// An argument in a URL.
fn parameter(model: &Model, field: &Field) -> Value {
    let required = field.required && field.default.is_none();
    let schema = value(model, field, true, Form::Accepted);
    let mut parameter = json!({ "name": field.name, "in": "query", "required": required });
    match is_in_url(&field.kind) {
        true => parameter["schema"] = schema,
        false => parameter["content"] = json!({ "application/json": { "schema": schema } }),
    }
    if let Some(description) = &field.description {
        parameter["description"] = json!(description);
    }
    parameter
}

/// What an action answers. A record that the caller may not read is null.
fn result(model: &Model, action: &Action) -> Value {
    let field = model.result_field(action);
    let record = |id| match model.collection(id) {
        of if is_shown(of) => json!({ "oneOf": [Schema::Read.reference(&of.name), { "type": "null" }] }),
        // Nobody may read it.
        _ => json!({ "type": "null" }),
    };
    match action.result.kind {
        ResultKind::Value => described(field, value(model, field, field.required, Form::Answered)),
        ResultKind::Record(of) => record(of),
        ResultKind::Records(of) => json!({ "type": ["array", "null"], "items": record(of) }),
    }
}
