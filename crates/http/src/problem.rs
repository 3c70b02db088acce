use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt::Write as _;

use backstay_base::{Conflict, Error, Limit, RequestId, Unauthenticated, Violation, ViolationKind};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::Refusal;
use crate::answer::{Answer, Audience, PROBLEM_JSON};

/// One kind of problem (RFC 9457). Its `type` is `/problems/{code}` and never changes.
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

/// Every kind of problem: the only place where an error becomes a status.
pub(crate) const KINDS: &[Kind] = {
    use StatusCode as S;
    &[
        kind("malformed-request", S::BAD_REQUEST, "The request is malformed", "Fix the problems listed in `errors`."),
        kind(
            "malformed-body",
            S::BAD_REQUEST,
            "The body could not be read",
            "Send the whole body, with its correct length.",
        ),
        kind(
            "sign-in-required",
            S::UNAUTHORIZED,
            "Sign in first",
            "Sign in at /auth/sign-in and send the token as `Authorization: Bearer TOKEN`.",
        ),
        kind("invalid-token", S::UNAUTHORIZED, "The token is not valid", "Sign in again at /auth/sign-in."),
        kind(
            "malformed-authorization",
            S::UNAUTHORIZED,
            "The Authorization header is malformed",
            "Send one header `Authorization: Bearer TOKEN`.",
        ),
        kind("wrong-credentials", S::UNAUTHORIZED, "Wrong email address or password", "Check both and try again."),
        kind(
            "forbidden",
            S::FORBIDDEN,
            "You may not do this",
            "Ask for access. An operator can find out which rule refused it.",
        ),
        kind(
            "cross-origin",
            S::FORBIDDEN,
            "Refused because of its origin",
            "Send the token as `Authorization: Bearer TOKEN`, or have the origin added to `server.cors_origins`.",
        ),
        kind(
            "not-found",
            S::NOT_FOUND,
            "Not found",
            "Check the id. The record may also exist without you being allowed to see it.",
        ),
        kind("no-such-path", S::NOT_FOUND, "No such path", "See /openapi.json for the paths that exist."),
        kind("not-there-yet", S::NOT_FOUND, "Not supported yet", "See /openapi.json for what is supported."),
        kind("method-not-allowed", S::METHOD_NOT_ALLOWED, "Method not allowed", "Use one of the methods in `Allow`."),
        kind(
            "not-acceptable",
            S::NOT_ACCEPTABLE,
            "Not acceptable",
            "Leave out `Accept`, or add `application/json` to it.",
        ),
        kind(
            "body-timeout",
            S::REQUEST_TIMEOUT,
            "The body arrived too slowly",
            "Send it again, faster or in several requests.",
        ),
        kind(
            "not-unique",
            S::CONFLICT,
            "The value is already taken",
            "Choose another value, or change the record that has it.",
        ),
        kind(
            "still-referenced",
            S::CONFLICT,
            "Other records refer to this one",
            "Delete those records first, or make them refer to another.",
        ),
        kind(
            "request-in-flight",
            S::CONFLICT,
            "The same request is still running",
            "Wait a moment, then repeat the request.",
        ),
        kind(
            "concurrent-change",
            S::CONFLICT,
            "Changed at the same time",
            "Read the record again and repeat the change.",
        ),
        kind("already-done", S::CONFLICT, "Already done", "There is nothing left to do."),
        kind(
            "version-mismatch",
            S::PRECONDITION_FAILED,
            "The record has changed",
            "Read it again, apply your change to the current version, and send its new `ETag` in `If-Match`.",
        ),
        kind("list-changed", S::PRECONDITION_FAILED, "The list has changed", "Read it again without `If-Match`."),
        kind(
            "weak-tag",
            S::PRECONDITION_FAILED,
            "The tag in If-Match is weak",
            "Send the tag without `W/`. If a proxy adds it while compressing answers, configure the proxy to pass `ETag` on unchanged.",
        ),
        kind(
            "foreign-tag",
            S::PRECONDITION_FAILED,
            "The tag in If-Match is not one of this server's",
            "Send the value of `ETag` from an earlier answer unchanged, including its double quotes.",
        ),
        kind("too-large", S::PAYLOAD_TOO_LARGE, "Too large", "Send less, or split it into several requests."),
        kind(
            "target-too-long",
            S::URI_TOO_LONG,
            "The URL is too long",
            "Send the query in the body of a POST to `…:query`.",
        ),
        kind(
            "unsupported-media-type",
            S::UNSUPPORTED_MEDIA_TYPE,
            "The body has the wrong media type",
            "Send JSON in UTF-8 with `Content-Type: application/json`, unless `detail` asks for another type.",
        ),
        kind(
            "invalid-values",
            S::UNPROCESSABLE_ENTITY,
            "The values are not valid",
            "Fix the problems listed in `errors`.",
        ),
        kind(
            "idempotency-key-reused",
            S::UNPROCESSABLE_ENTITY,
            "The idempotency key belongs to another request",
            "Use a new key for each new request, and repeat a key only with the identical request.",
        ),
        kind(
            "too-costly",
            S::UNPROCESSABLE_ENTITY,
            "The request is too expensive",
            "Narrow the filter, or add an index.",
        ),
        kind(
            "too-many-attempts",
            S::TOO_MANY_REQUESTS,
            "Too many attempts",
            "Wait as many seconds as `Retry-After` says.",
        ),
        kind(
            "headers-too-large",
            S::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "The headers are too large",
            "Send fewer or shorter headers and cookies.",
        ),
        kind(
            "internal",
            S::INTERNAL_SERVER_ERROR,
            "Internal server error",
            "Report this `requestId` to the server's operator.",
        ),
        kind(
            "storage-full",
            S::INSUFFICIENT_STORAGE,
            "The server's disk is full",
            "Tell the server's operator. Reads still work.",
        ),
        kind(
            "busy",
            S::SERVICE_UNAVAILABLE,
            "The server is busy",
            "Try again after as many seconds as `Retry-After` says.",
        ),
        kind("timeout", S::SERVICE_UNAVAILABLE, "The request took too long", "Ask for less, or try again later."),
        kind(
            "outcome-unknown",
            S::SERVICE_UNAVAILABLE,
            "It is unknown whether the change was stored",
            "Repeat the request with the same `Idempotency-Key`, or read the record.",
        ),
    ]
};

/// The kind with this code. A code that the table lacks is a fault of the server.
pub(crate) fn kind_of(code: &str) -> &'static Kind {
    const INTERNAL: Kind = kind(
        "internal",
        StatusCode::INTERNAL_SERVER_ERROR,
        "Internal server error",
        "Report this `requestId` to the server's operator.",
    );
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
    at: Cow<'a, str>,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<&'static str>,
}

impl<'a> Fault<'a> {
    fn of(violation: &'a Violation) -> Self {
        let remedy = match &violation.kind {
            ViolationKind::Duplicate => Some("send it once"),
            ViolationKind::ReadOnly(_) => Some("leave it out"),
            ViolationKind::FieldForbidden { .. } => Some("leave it out, or ask for access"),
            ViolationKind::Unknown { suggestion: None, .. } => Some("leave it out; /openapi.json lists what exists"),
            ViolationKind::Reference { .. } => Some("create that record first, or refer to another"),
            _ => None,
        };
        Self { at: Cow::Borrowed(&violation.at), message: violation.kind.to_string(), remedy }
    }
}

/// The answer to a refused request. What is meant for the operator goes to the log only.
pub(crate) fn answer(refusal: &Refusal, request: RequestId) -> Answer {
    let kind = kind_of(refusal.code());
    log(refusal, request);
    let problem = Problem {
        r#type: format!("/problems/{}", kind.code),
        title: kind.title,
        status: kind.status.as_u16(),
        detail: refusal.to_string(),
        remedy: kind.remedy,
        instance: format!("urn:uuid:{request}"),
        request_id: request.to_string(),
        version: version(refusal),
        errors: faults(refusal),
    };
    let mut answer = Answer::json(kind.status, Audience::Secret, &problem).unwrap_or_else(|error| {
        tracing::error!(%request, cause = chain(&error), "a problem could not be written");
        Answer::empty(kind.status, Audience::Secret)
    });
    answer.content_type = PROBLEM_JSON;
    add_headers(&mut answer, refusal);
    answer
}

/// The version of the stored record, if the refusal is about another one.
fn version(refusal: &Refusal) -> Option<i64> {
    match refusal {
        Refusal::Domain(Error::Precondition { version }) => Some(*version),
        Refusal::Tag { version, .. } => *version,
        _ => None,
    }
}

/// What is wrong, place by place.
fn faults(refusal: &Refusal) -> Vec<Fault<'_>> {
    match refusal {
        Refusal::Domain(Error::Malformed(violations) | Error::Invalid(violations)) => {
            violations.iter().map(Fault::of).collect()
        }
        Refusal::Domain(Error::Conflict(Conflict::Unique { fields, .. })) => {
            let message = match fields.as_slice() {
                [_] => "the value is already taken".to_owned(),
                several => format!("{} are already taken together", several.join(" and ")),
            };
            let fault = |field| Fault { at: Cow::Owned(format!("/{field}")), message: message.clone(), remedy: None };
            fields.iter().map(fault).collect()
        }
        _ => Vec::new(),
    }
}

fn add_headers(answer: &mut Answer, refusal: &Refusal) {
    match refusal {
        Refusal::Domain(Error::Unauthenticated(Unauthenticated::Token)) | Refusal::Authorization => {
            let malformed = matches!(refusal, Refusal::Authorization);
            let challenge =
                if malformed { "Bearer error=\"invalid_request\"" } else { "Bearer error=\"invalid_token\"" };
            answer.header(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
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
        Refusal::Method { allow, .. } => {
            answer.headers.extend(HeaderValue::from_str(allow).ok().map(|allow| (header::ALLOW, allow)));
        }
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

/// The explanation of a kind of problem: `GET /problems/{code}`.
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
    Ok(Answer::json(StatusCode::OK, Audience::Public, &explained)?)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::io;

    use backstay_base::Action;

    use super::*;
    use crate::TagMismatch;

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
        check(domain(Conflict::Unique { collection: "A".into(), fields: vec![] }.into()), 409);
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
        check(Refusal::Method { allow: "GET".to_owned(), detail: "x" }, 405);
        check(Refusal::MediaType { expected: "x" }, 415);
        check(Refusal::ContentCoding, 415);
        check(Refusal::Charset, 415);
        check(Refusal::NotAcceptable { offered: "x" }, 406);
        check(Refusal::TargetTooLong { max: 1 }, 414);
        check(Refusal::HeadersTooLarge { max: 1 }, 431);
        check(Refusal::BodySlow { seconds: 1 }, 408);
        check(Refusal::BodyBroken, 400);
        check(Refusal::Authorization, 401);
        check(Refusal::CrossOrigin, 403);
        check(Refusal::ListChanged, 412);
        check(Refusal::Tag { mismatch: TagMismatch::Weak, version: None }, 412);
        check(Refusal::Tag { mismatch: TagMismatch::Foreign, version: Some(1) }, 412);
        check(Refusal::WriteTime { seconds: 1 }, 503);
    }

    #[test]
    fn codes_are_distinct() {
        let codes: HashSet<&str> = KINDS.iter().map(|kind| kind.code).collect();
        assert_eq!(codes.len(), KINDS.len());
    }

    #[test]
    fn the_cause_of_an_internal_error_is_not_told() {
        let refusal = Refusal::Domain(Error::internal(io::Error::other("the disk is at /secret")));
        let answer = answer(&refusal, RequestId(backstay_base::RecordId::from_bytes([7; 16])));
        let text = String::from_utf8(answer.body.to_vec()).expect("JSON is UTF-8");
        assert!(!text.contains("/secret"), "{text}");
        assert!(text.contains("\"detail\":\"internal error\""), "{text}");
    }
}
