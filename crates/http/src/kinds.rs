use http::StatusCode;
use serde::Serialize;

use crate::Refusal;
use crate::answer::{Answer, Audience};

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

    use super::*;

    #[test]
    fn codes_are_distinct() {
        let codes: HashSet<&str> = KINDS.iter().map(|kind| kind.code).collect();
        assert_eq!(codes.len(), KINDS.len());
    }
}
