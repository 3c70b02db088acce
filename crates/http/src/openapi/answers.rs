//! What an operation answers, status by status. Problems are the default.

use serde_json::{Map, Value, json};

use crate::endpoint::{Conditions, Effect, Endpoint, Parameters};

/// Headers that responses share.
pub(super) fn headers() -> Value {
    json!({
        "ETag": { "description": "The version of a record and the state of the answer.", "schema": { "type": "string" } },
        "Backstay-Commit": { "description": COMMIT, "schema": { "type": "string" } },
        "Location": { "description": "Where the new record is.", "schema": { "type": "string", "format": "uri-reference" } },
    })
}

const COMMIT: &str =
    "What this has changed. A request that sends it back in the same header sees the change on every server.";

/// The responses of an operation: with this status and, if they mean the same, others.
pub(super) fn responses(endpoint: &Endpoint, (status, also): (&str, &[&str]), content: Option<&Value>) -> Value {
    let header = |name: &str| (name.to_owned(), json!({ "$ref": format!("#/components/headers/{name}") }));
    let commit = (endpoint.effect == Effect::Changes).then_some("Backstay-Commit");
    let is_tagged = endpoint.conditions != Conditions::None || endpoint.parameters == Parameters::OnConflict;
    let done = |status: &&str| {
        let mut done = json!({ "description": "Done." });
        if let Some(content) = content {
            done["content"] = content.clone();
        }
        let of_record = (is_tagged && content.is_some())
            .then(|| ["ETag"].into_iter().chain((*status == "201").then_some("Location")));
        let headers: Map<String, Value> = of_record.into_iter().flatten().chain(commit).map(header).collect();
        if !headers.is_empty() {
            done["headers"] = Value::Object(headers);
        }
        ((*status).to_owned(), done)
    };
    let mut responses: Map<String, Value> = std::iter::once(&status).chain(also).map(done).collect();
    if endpoint.conditions == Conditions::OfRead {
        let unchanged = "Unchanged since the answer whose ETag `If-None-Match` names.";
        let headers = Map::from_iter([header("ETag")]);
        responses.insert("304".to_owned(), json!({ "description": unchanged, "headers": headers }));
    }
    if endpoint.prefer && status != "204" {
        let minimal = "Done, and left out because of `Prefer: return=minimal`.";
        let headers: Map<String, Value> = commit.into_iter().map(header).collect();
        responses.insert("204".to_owned(), json!({ "description": minimal, "headers": headers }));
    }
    responses.insert("default".to_owned(), json!({ "$ref": "#/components/responses/Problem" }));
    Value::Object(responses)
}
