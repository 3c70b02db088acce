use std::sync::Arc;

use backstay_base::{Caller, Error};
use backstay_engine::{Context, Engine};
use backstay_identity::Administration;
use backstay_rest::{JSON, Reader};

use super::reference;
use crate::{Answer, Failure};

/// Explains how a request would fare. `caller` names whose request it is; without one it is anonymous.
pub(super) async fn explain(
    engine: &Engine,
    administration: &Administration<'_>,
    caller: Option<&str>,
    request: &str,
    body: Option<String>,
) -> Result<Answer, Failure> {
    let request = with_method(request);
    if path_of(&request) == "/transact" {
        return Err(Failure::Transact);
    }
    let body = match body {
        Some(body) => body,
        None if backstay_http::carries_body(engine.model(), &request) => return Err(Failure::NoBody { request }),
        None => String::new(),
    };
    if !body.is_empty() {
        require_json(&body)?;
    }
    let caller = match caller {
        Some(who) => administration.caller_for(&reference(who)).await?,
        None => Arc::new(Caller::anonymous()),
    };
    let reader = Reader::new(engine);
    let request = backstay_http::parse_request(&reader, (&request, body.into()), &caller)?;
    let explanation = engine.explain(&Context::new(engine, caller), request, JSON).await?;
    let text = explanation.to_string();
    let explanation = serde_json::to_value(&explanation).map_err(Error::internal)?;
    Ok(Answer::Explained { text, explanation })
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

fn path_of(request: &str) -> &str {
    let target = request.split_once(' ').map_or(request, |(_, target)| target);
    target.split('?').next().unwrap_or(target)
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
