use std::sync::Arc;

use backstay_base::{Caller, Error};
use backstay_engine::Context;

use super::reference;
use crate::{Answer, Failure, Instance};

impl Instance {
    pub(super) async fn explain(
        &self,
        caller: Option<&str>,
        request: &str,
        body: Option<String>,
    ) -> Result<Answer, Failure> {
        let request = with_method(request);
        if body.is_none() && sends_body(&request) {
            return Err(Failure::NoBody { request });
        }
        let caller = match caller {
            Some(who) => self.identity.caller_for(&reference(who)).await?,
            None => Arc::new(Caller::anonymous()),
        };
        let request = backstay_http::parse_request(self.engine.model(), &request, body.unwrap_or_default().into())?;
        let explanation = self.engine.explain(&Context::new(&self.engine, caller), request).await?;
        let text = explanation.to_string();
        let explanation = serde_json::to_value(&explanation).map_err(Error::internal)?;
        Ok(Answer::Explained { text, explanation })
    }
}

/// The request with its method in capitals, however it was typed.
fn with_method(request: &str) -> String {
    match request.trim().split_once(' ') {
        Some((method, target)) => format!("{} {}", method.to_ascii_uppercase(), target.trim()),
        None => request.to_owned(),
    }
}

fn sends_body(request: &str) -> bool {
    request.starts_with("POST ") || request.starts_with("PATCH ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_typed_in_either_case() {
        let check = |request: &str, expected: &str, body: bool| {
            let request = with_method(request);
            assert_eq!((request.as_str(), sends_body(&request)), (expected, body));
        };
        check("get /api/posts?title=A", "GET /api/posts?title=A", false);
        check(" Post  /api/posts ", "POST /api/posts", true);
        check("PATCH /api/posts/1", "PATCH /api/posts/1", true);
        check("/api/posts", "/api/posts", false);
    }
}
