//! `fetch`: a function calls another server.

use backstay_base::{Error, with_causes};
use backstay_egress::{Client, EgressError, Outgoing};
use serde::Deserialize;
use serde_json::json;

use crate::host::Refusal;

/// What can be done with what a URL names, as HTTP has it (RFC 9110, section 9).
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// What the prelude makes of the arguments of `fetch`.
#[derive(Deserialize)]
struct Asked {
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    body: String,
}

/// Why another server was not called, or gave no answer.
#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error("`{0}` is not a method; use one of {methods}", methods = METHODS.join(", "))]
    Method(String),
    #[error("{}", with_causes(.0))]
    Egress(#[source] EgressError),
    #[error("the prelude asks for something unknown")]
    Unknown(#[source] serde_json::Error),
}

/// Sends a request, and returns the answer as the prelude reads it: `status`, `headers` and `body`.
pub(crate) async fn fetch(client: &Client, asked: &str) -> Result<String, Refusal> {
    answered(client, asked).await.map_err(|error| Refusal {
        problem: json!({ "code": "fetch", "message": error.to_string(), "errors": [] }).to_string(),
        error: Error::internal(error),
    })
}

async fn answered(client: &Client, asked: &str) -> Result<String, FetchError> {
    let Asked { method, url, headers, body } = serde_json::from_str(asked).map_err(FetchError::Unknown)?;
    let known = METHODS.into_iter().find(|known| known.eq_ignore_ascii_case(&method));
    let method = known.ok_or(FetchError::Method(method))?;
    let answer = client.send(Outgoing { method, url, headers, body: body.into() }).await.map_err(FetchError::Egress)?;
    let body = String::from_utf8_lossy(&answer.body);
    Ok(json!({ "status": answer.status, "headers": answer.headers, "body": body }).to_string())
}
