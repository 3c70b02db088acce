use backstay_base::{Conflict, Error, Excess, Limit, Unauthenticated};
use http::StatusCode;
use serde::Serialize;

use crate::answer::{Answer, Audience};
use crate::{Refusal, TagMismatch};

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

/// Declares each kind as a constant, and all of them as `KINDS`.
macro_rules! kinds {
    ($($name:ident: $code:literal, $status:ident, $title:literal, $remedy:literal;)*) => {
        $(const $name: Kind = kind($code, StatusCode::$status, $title, $remedy);)*

        /// Every kind of problem.
        pub(crate) const KINDS: &[Kind] = &[$($name),*];
    };
}

kinds! {
    MALFORMED_REQUEST: "malformed-request", BAD_REQUEST, "The request is malformed",
        "Fix the problems listed in `errors`.";
    MALFORMED_BODY: "malformed-body", BAD_REQUEST, "The body could not be read",
        "Send the whole body, with its correct length.";
    SIGN_IN_REQUIRED: "sign-in-required", UNAUTHORIZED, "Sign in first",
        "Sign in at /auth/sign-in and send the token as `Authorization: Bearer TOKEN`.";
    INVALID_TOKEN: "invalid-token", UNAUTHORIZED, "The token is not valid", "Sign in again at /auth/sign-in.";
    INVALID_LINK: "invalid-link", UNAUTHORIZED, "The secret link is not valid",
        "Leave out `Backstay-Link`. To have a new link, send `POST /auth/links` without it.";
    MALFORMED_AUTHORIZATION: "malformed-authorization", UNAUTHORIZED, "The Authorization header is malformed",
        "Send one header `Authorization: Bearer TOKEN`.";
    WRONG_CREDENTIALS: "wrong-credentials", UNAUTHORIZED, "Wrong email address or password",
        "Check both and try again.";
    FORBIDDEN: "forbidden", FORBIDDEN, "You may not do this",
        "Ask for access. An operator can find out which rule refused it.";
    TRANSITION_REFUSED: "transition-refused", FORBIDDEN, "The state can't change like this",
        "First do what `detail` asks for. If it gives no reason, ask for access; an operator can find out which condition refused it.";
    REFUSED: "refused", UNPROCESSABLE_ENTITY, "The action was refused",
        "Read `detail`. Programs can tell refusals apart by `reason`.";
    CROSS_ORIGIN: "cross-origin", FORBIDDEN, "Refused because of its origin",
        "Send the token as `Authorization: Bearer TOKEN`, or have the origin added to `server.cors_origins`.";
    NOT_FOUND: "not-found", NOT_FOUND, "Not found",
        "Check the id or the key. The record may also exist without you being allowed to see it.";
    CHANGES_GONE: "changes-gone", GONE, "The changes are no longer kept",
        "Start anew: ask without `since`, keep the `next` of the response, and list all records.";
    NO_SUCH_PATH: "no-such-path", NOT_FOUND, "No such path", "See /openapi.json for the paths that exist.";
    NOT_THERE_YET: "not-there-yet", NOT_FOUND, "Not supported yet", "See /openapi.json for what is supported.";
    METHOD_NOT_ALLOWED: "method-not-allowed", METHOD_NOT_ALLOWED, "Method not allowed",
        "Use one of the methods in `Allow`.";
    NOT_ACCEPTABLE: "not-acceptable", NOT_ACCEPTABLE, "Not acceptable",
        "Leave out `Accept`, or add `application/json` to it.";
    BODY_TIMEOUT: "body-timeout", REQUEST_TIMEOUT, "The body arrived too slowly",
        "Send it again, faster or in several requests.";
    NOT_UNIQUE: "not-unique", CONFLICT, "The value is already taken",
        "Choose another value, or change the record that has it.";
    OVERLAPS: "overlaps", CONFLICT, "Another record is in the way",
        "Choose another range, or change the record that is in the way.";
    STILL_REFERENCED: "still-referenced", CONFLICT, "Other records refer to this one",
        "Delete those records first, or make them refer to another. Those in the trash can be purged.";
    REFERS_TO_TRASH: "refers-to-trash", CONFLICT, "A record that it refers to is in the trash",
        "Restore that record first.";
    RELATED_CONFLICT: "related-conflict", CONFLICT, "A record that would change with it can't",
        "Change or delete one of the records that are in conflict first.";
    REQUEST_IN_FLIGHT: "request-in-flight", CONFLICT, "The same request is still running",
        "Wait a moment, then repeat the request.";
    CONCURRENT_CHANGE: "concurrent-change", CONFLICT, "Changed at the same time",
        "Read the record again and repeat the change.";
    ALREADY_DONE: "already-done", CONFLICT, "Already done", "There is nothing left to do.";
    VERSION_MISMATCH: "version-mismatch", PRECONDITION_FAILED, "The record has changed",
        "Read it again, apply your change to the current version, and send its new `ETag` in `If-Match`.";
    LIST_CHANGED: "list-changed", PRECONDITION_FAILED, "The list has changed", "Read it again without `If-Match`.";
    WEAK_TAG: "weak-tag", PRECONDITION_FAILED, "The tag in If-Match is weak",
        "Send the tag without `W/`. If a proxy adds it while compressing answers, configure the proxy to pass `ETag` on unchanged.";
    FOREIGN_TAG: "foreign-tag", PRECONDITION_FAILED, "The tag in If-Match is not one of this server's",
        "Send the value of `ETag` from an earlier answer unchanged, including its double quotes.";
    RECORD_EXISTS: "record-exists", PRECONDITION_FAILED, "There is such a record",
        "Replace it: leave out `If-None-Match`, or send its `ETag` in `If-Match`.";
    TOO_LARGE: "too-large", PAYLOAD_TOO_LARGE, "Too large", "Send less, or split it into several requests.";
    TARGET_TOO_LONG: "target-too-long", URI_TOO_LONG, "The URL is too long",
        "Send the query in the body of a POST to `…:query`.";
    UNSUPPORTED_MEDIA_TYPE: "unsupported-media-type", UNSUPPORTED_MEDIA_TYPE, "The body has the wrong media type",
        "Send JSON in UTF-8 with `Content-Type: application/json`, unless `detail` asks for another type.";
    INVALID_VALUES: "invalid-values", UNPROCESSABLE_ENTITY, "The values are not valid",
        "Fix the problems listed in `errors`.";
    IDEMPOTENCY_KEY_REUSED: "idempotency-key-reused", UNPROCESSABLE_ENTITY, "The idempotency key belongs to another request",
        "Use a new key for each new request, and repeat a key only with the identical request.";
    TOO_COSTLY: "too-costly", UNPROCESSABLE_ENTITY, "The request is too expensive",
        "Narrow the filter, or add an index.";
    TOO_MANY_ATTEMPTS: "too-many-attempts", TOO_MANY_REQUESTS, "Too many attempts",
        "Wait as many seconds as `Retry-After` says.";
    TOO_MANY_REQUESTS: "too-many-requests", TOO_MANY_REQUESTS, "Too many requests at a time",
        "Read the answers to earlier requests, and try again after as many seconds as `Retry-After` says.";
    HEADERS_TOO_LARGE: "headers-too-large", REQUEST_HEADER_FIELDS_TOO_LARGE, "The headers are too large",
        "Send fewer or shorter headers and cookies.";
    INTERNAL: "internal", INTERNAL_SERVER_ERROR, "Internal server error",
        "Report this `requestId` to the server's operator.";
    STORAGE_FULL: "storage-full", INSUFFICIENT_STORAGE, "The server's disk is full",
        "Tell the server's operator. Reads still work.";
    BUSY: "busy", SERVICE_UNAVAILABLE, "The server is busy", "Try again after as many seconds as `Retry-After` says.";
    OUTDATED_SERVER: "outdated-server", SERVICE_UNAVAILABLE, "The server has an older model than the database",
        "Send it again: other servers have the newer model. An operator has to restart this one with it.";
    TIMEOUT: "timeout", SERVICE_UNAVAILABLE, "The request took too long", "Ask for less, or try again later.";
    OUTCOME_UNKNOWN: "outcome-unknown", SERVICE_UNAVAILABLE, "It is unknown whether the change was stored",
        "Repeat the request with the same `Idempotency-Key`, or read the record.";
}

/// Only a server for development returns it, so no description lists it.
const NO_MODEL: Kind = kind(
    "no-model",
    StatusCode::SERVICE_UNAVAILABLE,
    "There is no model to serve",
    "Fix what `diagnostics` lists. The server then reloads the files by itself.",
);

/// The kind of problem that a refusal is: the only place where an error becomes a status. An error that is added has to
/// be given its kind here.
pub(crate) fn kind_of(refusal: &Refusal) -> &'static Kind {
    match refusal {
        Refusal::Domain(error) | Refusal::InTransaction { error, .. } => kind_of_error(error),
        Refusal::NoSuchPath { .. } => &NO_SUCH_PATH,
        Refusal::NotThereYet(_) => &NOT_THERE_YET,
        Refusal::Method { .. } => &METHOD_NOT_ALLOWED,
        Refusal::MediaType { .. } | Refusal::Charset | Refusal::ContentCoding => &UNSUPPORTED_MEDIA_TYPE,
        Refusal::NotAcceptable { .. } => &NOT_ACCEPTABLE,
        Refusal::TargetTooLong { .. } => &TARGET_TOO_LONG,
        Refusal::HeadersTooLarge { .. } => &HEADERS_TOO_LARGE,
        Refusal::BodySlow { .. } | Refusal::BodyStalled { .. } => &BODY_TIMEOUT,
        Refusal::BodyTooLarge { .. } => &TOO_LARGE,
        Refusal::BodyBroken | Refusal::BodyUndecodable { .. } => &MALFORMED_BODY,
        Refusal::Authorization => &MALFORMED_AUTHORIZATION,
        Refusal::CrossOrigin => &CROSS_ORIGIN,
        Refusal::ListChanged => &LIST_CHANGED,
        Refusal::Tag { mismatch: TagMismatch::Weak, .. } => &WEAK_TAG,
        Refusal::Tag { mismatch: TagMismatch::Foreign, .. } => &FOREIGN_TAG,
        Refusal::NoModel(_) => &NO_MODEL,
        Refusal::Outdated => &OUTDATED_SERVER,
        Refusal::WriteTime { .. } => &OUTCOME_UNKNOWN,
    }
}

fn kind_of_error(error: &Error) -> &'static Kind {
    match error {
        Error::Malformed(_) => &MALFORMED_REQUEST,
        Error::Invalid(_) => &INVALID_VALUES,
        Error::Unauthenticated(Unauthenticated::Missing) => &SIGN_IN_REQUIRED,
        Error::Unauthenticated(Unauthenticated::Token | Unauthenticated::Key) => &INVALID_TOKEN,
        Error::Unauthenticated(Unauthenticated::Link) => &INVALID_LINK,
        Error::Unauthenticated(Unauthenticated::Credentials) => &WRONG_CREDENTIALS,
        Error::Forbidden { .. }
        | Error::ForbiddenAfterwards { .. }
        | Error::Uncallable { .. }
        | Error::SignUpClosed
        | Error::SignUpRefused
        | Error::NoAccounts
        | Error::NoLinks
        | Error::KeyWithoutSession => &FORBIDDEN,
        Error::TransitionRefused(_) => &TRANSITION_REFUSED,
        Error::Refused(_) => &REFUSED,
        Error::ChangesGone => &CHANGES_GONE,
        Error::NotFound { .. } => &NOT_FOUND,
        Error::Conflict(Conflict::Unique { .. } | Conflict::UniqueUnseen { .. }) => &NOT_UNIQUE,
        Error::Conflict(Conflict::Overlap(_) | Conflict::OverlapUnseen { .. }) => &OVERLAPS,
        Error::Conflict(Conflict::Referenced { .. } | Conflict::ReferencedUnseen) => &STILL_REFERENCED,
        Error::Conflict(Conflict::InTrash { .. }) => &REFERS_TO_TRASH,
        Error::Conflict(Conflict::Related { .. }) => &RELATED_CONFLICT,
        Error::Conflict(Conflict::InFlight) => &REQUEST_IN_FLIGHT,
        Error::Conflict(Conflict::Concurrent | Conflict::Contended { .. }) => &CONCURRENT_CHANGE,
        Error::Conflict(Conflict::Already(_)) => &ALREADY_DONE,
        Error::Precondition { .. } => &VERSION_MISMATCH,
        Error::Exists { .. } => &RECORD_EXISTS,
        Error::KeyReused => &IDEMPOTENCY_KEY_REUSED,
        Error::Limit(Limit::Size { .. } | Limit::Matching { .. } | Limit::Sums { .. } | Limit::Answer { .. }) => {
            &TOO_LARGE
        }
        Error::Limit(Limit::Deletion(deletion)) => match deletion.excess {
            Excess::Records(_) => &TOO_LARGE,
            Excess::Work | Excess::Hold => &TOO_COSTLY,
            Excess::Time => &TIMEOUT,
        },
        Error::Limit(Limit::Rate { .. }) => &TOO_MANY_ATTEMPTS,
        Error::Limit(Limit::Cost | Limit::WriteCost | Limit::Hold) => &TOO_COSTLY,
        Error::Limit(Limit::Share(_)) => &TOO_MANY_REQUESTS,
        Error::Limit(Limit::Busy | Limit::Locked) => &BUSY,
        Error::Limit(Limit::Storage) => &STORAGE_FULL,
        Error::Limit(Limit::Time { .. } | Limit::Deadline) => &TIMEOUT,
        Error::Unknown => &OUTCOME_UNKNOWN,
        Error::Internal(_) => &INTERNAL,
    }
}

impl Refusal {
    /// The stable name of the kind of problem: the last part of its `type`.
    pub fn code(&self) -> &'static str {
        kind_of(self).code
    }
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

    use backstay_base::{Action, LargeDeletion, Overlap, Place, RefusedByProcedure, RefusedTransition, Remedy, Shared};

    use super::*;

    #[test]
    fn codes_are_distinct() {
        let codes: HashSet<&str> = KINDS.iter().map(|kind| kind.code).collect();
        assert_eq!(codes.len(), KINDS.len());
    }

    #[test]
    fn an_error_has_the_kind_that_its_code_names() {
        let (text, collection, what) = (String::new, || "A".to_owned(), || "this".to_owned());
        let overlap =
            Overlap { collection: text(), range: [text(), text()], same: vec![], other: None, record: Place::Whole };
        let referenced =
            Conflict::Referenced { collection: text(), field: text(), count: 1, more: false, in_trash: false };
        let large = |excess| {
            let (deleted, changed, remedy) = (Vec::new(), Vec::new(), Remedy::DeleteFirst);
            Limit::Deletion(Box::new(LargeDeletion { excess, deleted, changed, remedy }))
        };
        for error in [
            Error::Malformed(vec![]),
            Error::Invalid(vec![]),
            Unauthenticated::Missing.into(),
            Unauthenticated::Token.into(),
            Unauthenticated::Key.into(),
            Unauthenticated::Link.into(),
            Unauthenticated::Credentials.into(),
            Error::Forbidden { action: Action::Read, what: what() },
            Error::ForbiddenAfterwards { collection: collection() },
            Error::TransitionRefused(Box::new(RefusedTransition {
                collection: collection(),
                from: text(),
                to: text(),
                message: None,
            })),
            Error::Uncallable { action: text() },
            Error::Refused(Box::new(RefusedByProcedure { code: None, message: text() })),
            Error::SignUpClosed,
            Error::SignUpRefused,
            Error::NoAccounts,
            Error::NoLinks,
            Error::KeyWithoutSession,
            Error::ChangesGone,
            Error::NotFound { what: what() },
            Conflict::Unique { collection: collection(), fields: vec![], record: Box::new(Place::Whole) }.into(),
            Conflict::UniqueUnseen { collection: collection() }.into(),
            Conflict::Overlap(Box::new(overlap)).into(),
            Conflict::OverlapUnseen { collection: collection() }.into(),
            referenced.into(),
            Conflict::ReferencedUnseen.into(),
            Conflict::InTrash { field: None }.into(),
            Conflict::Related { of: None }.into(),
            Conflict::InFlight.into(),
            Conflict::Concurrent.into(),
            Conflict::Contended { action: text(), runs: 2 }.into(),
            Conflict::Already("so").into(),
            Error::Precondition { version: 2 },
            Error::Exists { version: 2 },
            Error::KeyReused,
            Limit::Size { what: "the body", max: 1, unit: "bytes" }.into(),
            Limit::Answer { max: 1 }.into(),
            Limit::Rate { retry_after_seconds: 3 }.into(),
            Limit::Cost.into(),
            Limit::WriteCost.into(),
            Limit::Hold.into(),
            large(Excess::Records(1)).into(),
            large(Excess::Work).into(),
            large(Excess::Hold).into(),
            large(Excess::Time).into(),
            Limit::Deadline.into(),
            Limit::Storage.into(),
            Limit::Share(Shared::Queue).into(),
            Limit::Busy.into(),
            Limit::Locked.into(),
            Limit::Time { seconds: 1 }.into(),
            Error::Unknown,
            Error::internal(io::Error::other("disk")),
        ] {
            assert_eq!(kind_of_error(&error).code, error.code(), "{error}");
        }
    }
}
