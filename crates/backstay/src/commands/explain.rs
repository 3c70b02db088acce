use std::sync::Arc;

use backstay_base::{Caller, Error, Place, RecordId, ViolationKind};
use backstay_engine::{Context, Engine};
use backstay_identity::Administration;
use backstay_rest::Reader;

use super::reference;
use crate::{Answer, Failure};

/// A request to explain.
pub(super) struct Question {
    /// Whose it is; without one it is anonymous.
    pub(super) caller: Option<String>,
    /// The id of the link that is shown with it.
    pub(super) link: Option<String>,
    pub(super) request: String,
    pub(super) body: Option<String>,
}

/// Explains how a request would fare.
pub(super) async fn explain(
    engine: &Engine,
    administration: &Administration<'_>,
    question: Question,
) -> Result<Answer, Failure> {
    let Question { caller, link, request, body } = question;
    let request = with_method(&request);
    let body = match body {
        Some(body) => body,
        None if backstay_http::carries_body(engine.model(), &request) => return Err(Failure::NoBody { request }),
        None => String::new(),
    };
    if !body.is_empty() {
        require_json(&body)?;
    }
    let caller = match &caller {
        Some(who) => administration.caller_for(&reference(who)).await?,
        None => Arc::new(Caller::anonymous()),
    };
    let caller = match &link {
        Some(link) => administration.with_link(caller, link_id(link)?).await?,
        None => caller,
    };
    let (reader, context) = (Arc::new(Reader::new(engine)), Context::new(engine, caller));
    let explanation = backstay_http::explain((engine, &reader), &context, (&request, body.into())).await?;
    let text = explanation.to_string();
    let explanation = serde_json::to_value(&explanation).map_err(Error::internal)?;
    Ok(Answer::Explained { text, explanation })
}

fn link_id(text: &str) -> Result<RecordId, Error> {
    text.parse().map_err(|_| {
        let expected = "the id of a link, which isn't its token".to_owned();
        Error::malformed(Place::part("--link"), ViolationKind::Type { expected })
    })
}

/// The request with its method in capitals, however it was typed.
fn with_method(request: &str) -> String {
    match request.trim().split_once(' ') {
        Some((method, target)) => format!("{} {}", method.to_ascii_uppercase(), target.trim()),
        None => request.to_owned(),
    }
}

/// Fails unless the body is JSON: it may be the name of a file, as other programs take it.
fn require_json(body: &str) -> Result<(), Failure> {
    match serde_json::from_str::<serde::de::IgnoredAny>(body) {
        Ok(_) => Ok(()),
        Err(source) => Err(Failure::Body { file: body.strip_prefix('@').map(str::to_owned), source }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_typed_in_either_case() {
        let check = |request: &str, expected: &str| assert_eq!(with_method(request), expected);
        check("get /api/posts?title=A", "GET /api/posts?title=A");
        check(" Post  /api/posts ", "POST /api/posts");
        check("PATCH /api/posts/1", "PATCH /api/posts/1");
        check("/api/posts", "/api/posts");
    }
}
