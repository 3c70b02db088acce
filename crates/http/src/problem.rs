use std::error::Error as StdError;
use std::fmt::Write as _;

use backstay_base::{Error, Limit, RequestId, Unauthenticated, Violation, ViolationKind};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::Refusal;
use crate::answer::{Answer, Audience, PROBLEM_JSON};

/// One kind of problem (RFC 9457): its `type` is `/problems/{code}`, and stays what it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kind {
    /// As `Error::code` and `Refusal::code` give it.
    pub(crate) code: &'static str,
    pub(crate) status: StatusCode,
    pub(crate) title: &'static str,
    /// What to do about it.
    pub(crate) remedy: &'static str,
}

const fn kind(code: &'static str, status: StatusCode, title: &'static str, remedy: &'static str) -> Kind {
    Kind { code, status, title, remedy }
}

/// Every kind of problem there is: the one place where an error becomes a status.
pub(crate) const KINDS: &[Kind] = {
    use StatusCode as S;
    &[
        kind("malformed-request", S::BAD_REQUEST, "The request cannot be understood", "Mend what 'errors' names."),
        kind(
            "malformed-body",
            S::BAD_REQUEST,
            "The body cannot be read",
            "Send the whole body, with its right length.",
        ),
        kind("sign-in-required", S::UNAUTHORIZED, "Sign in first", "Sign in at /auth/sign-in and send the token."),
        kind("invalid-token", S::UNAUTHORIZED, "The token is not valid", "Sign in again at /auth/sign-in."),
        kind(
            "malformed-authorization",
            S::UNAUTHORIZED,
            "The Authorization header cannot be understood",
            "Send one header 'Authorization: Bearer TOKEN'.",
        ),
        kind("wrong-credentials", S::UNAUTHORIZED, "Wrong e-mail address or password", "Check both and try again."),
        kind("forbidden", S::FORBIDDEN, "You may not do this", "Ask for access; an operator can explain the rule."),
        kind(
            "cross-origin",
            S::FORBIDDEN,
            "Refused for its origin",
            "Send the token as 'Authorization: Bearer', or have the origin added to the configuration.",
        ),
        kind("not-found", S::NOT_FOUND, "Not found", "Check the id; you may also not be allowed to see the record."),
        kind("no-such-path", S::NOT_FOUND, "Nothing is here", "See /openapi.json for what there is."),
        kind("not-there-yet", S::NOT_FOUND, "Not there yet", "See /openapi.json for what there is."),
        kind("method-not-allowed", S::METHOD_NOT_ALLOWED, "Another method is needed", "Use one that Allow names."),
        kind("not-acceptable", S::NOT_ACCEPTABLE, "No acceptable form", "Leave out Accept, or add application/json."),
        kind("body-timeout", S::REQUEST_TIMEOUT, "The body took too long", "Send it again, faster or in parts."),
        kind("not-unique", S::CONFLICT, "The value is taken", "Choose another value, or change that record."),
        kind(
            "still-referenced",
            S::CONFLICT,
            "Other records refer to it",
            "Delete those records, or point them elsewhere, first.",
        ),
        kind("request-in-flight", S::CONFLICT, "The same request is under way", "Wait a moment and repeat it."),
        kind("concurrent-change", S::CONFLICT, "Changed at the same time", "Read the record again and repeat."),
        kind("already-done", S::CONFLICT, "It is already so", "Nothing is left to do."),
        kind(
            "version-mismatch",
            S::PRECONDITION_FAILED,
            "The record has changed",
            "Read it again, apply your change to what it is now, and send its new ETag in If-Match.",
        ),
        kind("list-changed", S::PRECONDITION_FAILED, "The list has changed", "Read it again without If-Match."),
        kind("too-large", S::PAYLOAD_TOO_LARGE, "Too large", "Send less, or in several requests."),
        kind("target-too-long", S::URI_TOO_LONG, "The URL is too long", "Send the query by POST to '…:query'."),
        kind(
            "unsupported-media-type",
            S::UNSUPPORTED_MEDIA_TYPE,
            "The body is of another type",
            "Send JSON with 'Content-Type: application/json'.",
        ),
        kind("invalid-values", S::UNPROCESSABLE_ENTITY, "The values are not valid", "Mend what 'errors' names."),
        kind(
            "idempotency-key-reused",
            S::UNPROCESSABLE_ENTITY,
            "The idempotency key belongs to another request",
            "Make a new key for every new request, and repeat one only with the same request.",
        ),
        kind("too-costly", S::UNPROCESSABLE_ENTITY, "It costs too much", "Narrow the filter, or add an index."),
        kind("too-many-attempts", S::TOO_MANY_REQUESTS, "Too many attempts", "Wait as long as Retry-After says."),
        kind(
            "headers-too-large",
            S::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "The headers are too large",
            "Send fewer or shorter headers and cookies.",
        ),
        kind("internal", S::INTERNAL_SERVER_ERROR, "A fault of the server", "Report the requestId to who runs it."),
        kind(
            "storage-full",
            S::INSUFFICIENT_STORAGE,
            "There is no space left",
            "Tell who runs the server; reading goes on.",
        ),
        kind("busy", S::SERVICE_UNAVAILABLE, "The server is busy", "Try again as Retry-After says."),
        kind("timeout", S::SERVICE_UNAVAILABLE, "It took too long", "Ask for less, or try again later."),
        kind(
            "outcome-unknown",
            S::SERVICE_UNAVAILABLE,
            "It is unknown whether the change was stored",
            "Repeat the request with the same Idempotency-Key, or read the record.",
        ),
    ]
};

/// The kind of this code; an unknown one is a fault of the server.
pub(crate) fn kind_of(code: &str) -> &'static Kind {
    const INTERNAL: Kind =
        kind("internal", StatusCode::INTERNAL_SERVER_ERROR, "A fault of the server", "Report the requestId.");
    KINDS.iter().find(|kind| kind.code == code).unwrap_or(&INTERNAL)
}

#[derive(Serialize)]
struct Problem<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: String,
    remedy: &'a str,
    instance: String,
    #[serde(rename = "requestId")]
    request_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<i64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Fault<'a>>,
}

#[derive(Serialize)]
struct Fault<'a> {
    at: &'a str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<&'static str>,
}

impl<'a> Fault<'a> {
    fn of(violation: &'a Violation) -> Self {
        let remedy = match &violation.kind {
            ViolationKind::Duplicate => Some("give it once"),
            ViolationKind::ReadOnly(_) => Some("leave it out"),
            ViolationKind::FieldForbidden { .. } => Some("leave it out, or ask for access"),
            ViolationKind::Unknown { suggestion: None, .. } => Some("leave it out; /openapi.json lists what there is"),
            ViolationKind::Reference { .. } => Some("create it first, or refer to another"),
            _ => None,
        };
        Self { at: &violation.at, message: violation.kind.to_string(), remedy }
    }
}

/// The answer that tells of a refusal. What is for the log alone goes there.
pub(crate) fn answer(refusal: &Refusal, request: RequestId) -> Answer {
    let kind = kind_of(refusal.code());
    log(refusal, request);
    let (errors, version): (&[Violation], Option<i64>) = match refusal {
        Refusal::Domain(Error::Malformed(violations) | Error::Invalid(violations)) => (violations, None),
        Refusal::Domain(Error::Precondition { version }) => (&[], Some(*version)),
        _ => (&[], None),
    };
    let problem = Problem {
        r#type: format!("/problems/{}", kind.code),
        title: kind.title,
        status: kind.status.as_u16(),
        detail: refusal.to_string(),
        remedy: kind.remedy,
        instance: format!("urn:uuid:{request}"),
        request_id: request.to_string(),
        version,
        errors: errors.iter().map(Fault::of).collect(),
    };
    let mut answer = Answer::json(kind.status, Audience::Secret, &problem).of_type(PROBLEM_JSON);
    add_headers(&mut answer, refusal);
    answer
}

fn add_headers(answer: &mut Answer, refusal: &Refusal) {
    match refusal {
        Refusal::Domain(Error::Unauthenticated(Unauthenticated::Token)) | Refusal::Authorization => {
            let challenge = if matches!(refusal, Refusal::Authorization) { "invalid_request" } else { "invalid_token" };
            let challenge = HeaderValue::from_str(&format!("Bearer error=\"{challenge}\""));
            answer.header(header::WWW_AUTHENTICATE, challenge.unwrap_or(HeaderValue::from_static("Bearer")));
        }
        Refusal::Domain(Error::Unauthenticated(_)) => {
            answer.header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        Refusal::Domain(Error::Limit(Limit::Rate { retry_after_seconds })) => {
            answer.header(header::RETRY_AFTER, HeaderValue::from(*retry_after_seconds));
        }
        Refusal::Domain(Error::Limit(Limit::Busy)) => answer.header(header::RETRY_AFTER, HeaderValue::from(1)),
        Refusal::Domain(Error::Limit(Limit::Size { what: "the body", .. }))
        | Refusal::BodySlow { .. }
        | Refusal::BodyBroken => answer.header(header::CONNECTION, HeaderValue::from_static("close")),
        Refusal::Method { allow, .. } => answer.header(header::ALLOW, HeaderValue::from_static(allow)),
        _ => {}
    }
}

fn log(refusal: &Refusal, request: RequestId) {
    match refusal {
        Refusal::Domain(Error::Internal(cause)) => {
            tracing::error!(%request, cause = chain(&**cause), "a request failed");
        }
        Refusal::Domain(Error::Unknown) | Refusal::WriteTime { .. } => {
            tracing::warn!(%request, "it is unknown whether a change was stored");
        }
        _ => {}
    }
}

/// An error and its sources, outermost first.
fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let _ = write!(text, ": {cause}");
        source = cause.source();
    }
    text
}

/// What a kind of problem means: `GET /problems/{code}`.
pub(crate) fn explained(code: &str) -> Result<Answer, Refusal> {
    #[derive(Serialize)]
    struct Explained<'a> {
        r#type: String,
        title: &'a str,
        status: u16,
        remedy: &'a str,
    }
    let kind = KINDS.iter().find(|kind| kind.code == code).ok_or(Refusal::NoSuchPath { hint: None })?;
    let status = kind.status.as_u16();
    let explained =
        Explained { r#type: format!("/problems/{}", kind.code), title: kind.title, status, remedy: kind.remedy };
    Ok(Answer::json(StatusCode::OK, Audience::Public, &explained))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::io;

    use backstay_base::{Action, Conflict};

    use super::*;

    #[test]
    fn every_error_has_its_own_status() {
        let check = |refusal: Refusal, status: u16| {
            let kind = KINDS.iter().find(|kind| kind.code == refusal.code());
            assert_eq!(kind.map(|kind| kind.status.as_u16()), Some(status), "{refusal}");
        };
        let domain = |error: Error| Refusal::Domain(error);
        check(domain(Error::Malformed(vec![])), 400);
        check(domain(Error::Invalid(vec![])), 422);
        check(domain(Unauthenticated::Missing.into()), 401);
        check(domain(Unauthenticated::Token.into()), 401);
        check(domain(Unauthenticated::Credentials.into()), 401);
        check(domain(Error::Forbidden { action: Action::Read, what: "this".into() }), 403);
        check(domain(Error::NotFound { what: "this".into() }), 404);
        check(domain(Conflict::Unique { collection: "A".into(), fields: vec![], record: None }.into()), 409);
        let referenced = Conflict::Referenced { collection: "A".into(), field: "b".into(), count: 1, more: false };
        check(domain(referenced.into()), 409);
        check(domain(Conflict::InFlight.into()), 409);
        check(domain(Conflict::Concurrent.into()), 409);
        check(domain(Conflict::Already("so").into()), 409);
        check(domain(Error::Precondition { version: 2 }), 412);
        check(domain(Error::KeyReused), 422);
        check(domain(Limit::Size { what: "the body", max: 1, unit: "bytes" }.into()), 413);
        check(domain(Limit::Rate { retry_after_seconds: 3 }.into()), 429);
        check(domain(Limit::Cost.into()), 422);
        check(domain(Limit::Busy.into()), 503);
        check(domain(Limit::Storage.into()), 507);
        check(domain(Limit::Time { seconds: 1 }.into()), 503);
        check(domain(Error::Unknown), 503);
        check(domain(Error::internal(io::Error::other("disk"))), 500);
        check(Refusal::NoSuchPath { hint: None }, 404);
        check(Refusal::NotThereYet("x"), 404);
        check(Refusal::Method { allow: "GET", detail: "x" }, 405);
        check(Refusal::MediaType { expected: "x" }, 415);
        check(Refusal::ContentCoding, 415);
        check(Refusal::NotAcceptable { offered: "x" }, 406);
        check(Refusal::TargetTooLong { max: 1 }, 414);
        check(Refusal::HeadersTooLarge { max: 1 }, 431);
        check(Refusal::BodySlow { seconds: 1 }, 408);
        check(Refusal::BodyBroken, 400);
        check(Refusal::Authorization, 401);
        check(Refusal::CrossOrigin, 403);
        check(Refusal::ListChanged, 412);
        check(Refusal::WriteTime { seconds: 1 }, 503);
    }

    #[test]
    fn codes_are_distinct() {
        let codes: HashSet<&str> = KINDS.iter().map(|kind| kind.code).collect();
        assert_eq!(codes.len(), KINDS.len());
    }

    #[test]
    fn a_fault_of_the_server_is_not_told() {
        let refusal = Refusal::Domain(Error::internal(io::Error::other("the disk is at /secret")));
        let answer = answer(&refusal, RequestId(backstay_base::RecordId::from_bytes([7; 16])));
        let text = String::from_utf8(answer.body.to_vec()).expect("JSON is UTF-8");
        assert!(!text.contains("/secret"), "{text}");
        assert!(text.contains("\"detail\":\"internal error\""), "{text}");
    }
}
