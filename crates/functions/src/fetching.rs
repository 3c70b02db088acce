//! `fetch`: a function calls another server.

use std::sync::Arc;

use backstay_base::{Error, with_causes};
use backstay_egress::{Client, EgressError, Outgoing, Response};
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::json;

use crate::host::Refusal;

/// What can be done with what a URL names, as HTTP has it (RFC 9110, section 9).
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// What answers `fetch`.
#[derive(Debug, Clone)]
pub enum Outside {
    /// The servers that are called.
    Servers(Client),
    /// A test, in their place.
    Answers(Answers),
}

/// What a test answers in place of other servers, and what they would have been sent. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Answers(Arc<Mutex<Script>>);

#[derive(Debug, Default)]
struct Script {
    /// By method and URL; those of the same request in the order in which they are given.
    given: Vec<((String, String), Response)>,
    sent: Vec<Outgoing>,
}

impl Answers {
    /// Answers requests with this method and URL. Several answers are given one after the other, the last one again and again.
    pub fn add(&self, method: &str, url: &str, answer: Response) {
        self.0.lock().given.push(((method.to_owned(), url.to_owned()), answer));
    }

    /// What was sent.
    pub fn sent(&self) -> Vec<Outgoing> {
        self.0.lock().sent.clone()
    }

    fn answer(&self, request: Outgoing) -> Result<Response, FetchError> {
        let mut script = self.0.lock();
        let is_asked =
            |((method, url), _): &((String, String), Response)| *method == request.method && *url == request.url;
        let mut asked = script.given.iter().enumerate().filter(|(_, given)| is_asked(given)).map(|(index, _)| index);
        let (first, more) = (asked.next(), asked.next());
        let Some(first) = first else {
            return Err(FetchError::Unanswered { method: request.method, url: request.url });
        };
        let answer = match more {
            Some(_) => script.given.remove(first).1,
            None => script.given[first].1.clone(),
        };
        script.sent.push(request);
        Ok(answer)
    }
}

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
    #[error(
        "tests call no servers: give an answer before, with `fetches.answer(\"{method} {url}\", {{ status: 200, json: {{}} }})`"
    )]
    Unanswered { method: &'static str, url: String },
    #[error("the prelude asks for something unknown")]
    Unknown(#[source] serde_json::Error),
}

/// Sends a request, and returns the answer as the prelude reads it: `status`, `headers` and `body`.
pub(crate) async fn fetch(outside: &Outside, asked: &str) -> Result<String, Refusal> {
    answered(outside, asked).await.map_err(|error| Refusal {
        problem: json!({ "code": "fetch", "message": error.to_string(), "errors": [] }).to_string(),
        error: Error::internal(error),
    })
}

async fn answered(outside: &Outside, asked: &str) -> Result<String, FetchError> {
    let Asked { method, url, headers, body } = serde_json::from_str(asked).map_err(FetchError::Unknown)?;
    let known = METHODS.into_iter().find(|known| known.eq_ignore_ascii_case(&method));
    let method = known.ok_or(FetchError::Method(method))?;
    let request = Outgoing { method, url, headers, body: body.into() };
    let answer = match outside {
        Outside::Servers(client) => client.send(request).await.map_err(FetchError::Egress)?,
        Outside::Answers(answers) => answers.answer(request)?,
    };
    let body = String::from_utf8_lossy(&answer.body);
    Ok(json!({ "status": answer.status, "headers": answer.headers, "body": body }).to_string())
}
