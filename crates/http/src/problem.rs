use std::borrow::Cow;

use backstay_base::{
    Conflict, Error, Limit, Place, RequestId, Unauthenticated, Violation, ViolationKind, limits, with_causes,
};
use http::{HeaderName, HeaderValue, header};
use serde::Serialize;

use crate::answer::{Answer, Audience, PROBLEM_JSON};
use crate::coding::Coding;
use crate::endpoint::media_types;
use crate::kinds::kind_of;
use crate::{NoModel, Refusal};

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
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<usize>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Fault<'a>>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    diagnostics: &'a [serde_json::Value],
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<String>,
}

/// Who learns why the server failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The operator alone, in the log.
    Logged,
    /// The caller, too: the person who develops the application.
    Told,
}

#[derive(Serialize)]
struct Fault<'a> {
    at: String,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

impl<'a> Fault<'a> {
    fn of(violation: &'a Violation) -> Self {
        if let (ViolationKind::Required, Place::Parameter(name)) = (&violation.kind, &violation.at) {
            let (at, message) = (violation.at.to_string(), violation.kind.to_string());
            return Self { at, message, remedy: Some(format!("add `${name}=…` to the URL").into()), reason: None };
        }
        let remedy = match &violation.kind {
            ViolationKind::Syntax { remedy, .. } => remedy.as_deref(),
            ViolationKind::Misused { remedy, .. } => Some(&**remedy),
            ViolationKind::Unknown { what, name, suggestion: Some(suggestion) } => {
                return Self {
                    at: violation.at.to_string(),
                    message: format!("unknown {what} `{name}`"),
                    remedy: Some(format!("did you mean `{suggestion}`?").into()),
                    reason: None,
                };
            }
            ViolationKind::Duplicate => Some("send it once"),
            ViolationKind::ReadOnly(_) => Some("leave it out"),
            ViolationKind::NeedsPassword => Some("send it to POST /auth/email with the password"),
            ViolationKind::NotAnAccount => Some("sign in with an account; API keys and operators don't have one"),
            ViolationKind::InitialState { .. } => Some("leave it out, and change the state afterwards"),
            ViolationKind::FieldForbidden { .. } | ViolationKind::FieldHidden { .. } => {
                Some("leave it out, or ask for access")
            }
            ViolationKind::FieldTogether { .. } => Some("send it in a request of its own"),
            ViolationKind::Unknown { suggestion: None, .. } => Some("leave it out; /openapi.json lists what exists"),
            ViolationKind::Reference { .. } => Some("create that record first, or refer to another"),
            ViolationKind::Required
            | ViolationKind::Type { .. }
            | ViolationKind::Range(_)
            | ViolationKind::Check { .. }
            | ViolationKind::CheckOfOther { .. }
            | ViolationKind::Refused { .. }
            | ViolationKind::Transition { .. } => None,
        };
        let reason = match &violation.kind {
            ViolationKind::Refused { code, .. } => code.as_deref(),
            _ => None,
        };
        // The remedy stands beside the message.
        let message = match &violation.kind {
            ViolationKind::Syntax { offset, problem, remedy: _ } => format!("{problem} (character {offset})"),
            ViolationKind::Misused { problem, remedy: _ } => problem.clone(),
            kind => kind.to_string(),
        };
        Self { at: violation.at.to_string(), message, remedy: remedy.map(Cow::Borrowed), reason }
    }
}

/// The answer to a refused request. What is meant for the operator goes to the log only.
pub(crate) fn answer(refusal: &Refusal, request: RequestId) -> Answer {
    explained(refusal, request, Cause::Logged)
}

/// The answer to a refused request, which tells the cause of a failure if the caller may learn it.
pub(crate) fn explained(refusal: &Refusal, request: RequestId, told: Cause) -> Answer {
    let kind = kind_of(refusal);
    log(refusal, request);
    let Details { version, request: which, errors, diagnostics, header } = Details::of(refusal);
    let problem = Problem {
        r#type: format!("/problems/{}", kind.code),
        title: kind.title,
        status: kind.status.as_u16(),
        detail: refusal.to_string(),
        remedy: own_remedy(refusal).unwrap_or(kind.remedy),
        instance: format!("urn:uuid:{request}"),
        request_id: request.to_string(),
        version,
        reason: reason(refusal),
        request: which,
        errors,
        diagnostics,
        cause: cause(refusal).filter(|_| told == Cause::Told),
    };
    let mut answer = Answer::json(kind.status, Audience::Secret, &problem).unwrap_or_else(|error| {
        tracing::error!(%request, cause = with_causes(&error), "a problem could not be written");
        Answer::empty(kind.status, Audience::Secret)
    });
    answer.content_type = PROBLEM_JSON;
    answer.headers.extend(header);
    answer
}

/// What a refusal tells its client, in one line. The cause of a failure is in the log.
pub(crate) fn told(refusal: &Refusal) -> String {
    let (kind, errors) = (kind_of(refusal), Details::of(refusal).errors);
    let errors = errors.iter().map(|Fault { at, message, .. }| format!("; {at}: {message}"));
    format!("{}: {refusal}{}", kind.code, errors.collect::<String>())
}

/// What the procedure of an action, or a hook before a change, calls its refusal.
fn reason(refusal: &Refusal) -> Option<&str> {
    match refusal {
        Refusal::Domain(error) | Refusal::InTransaction { error, .. } => error.reason(),
        _ => None,
    }
}

/// What to do about a refusal for which its kind has no good advice.
fn own_remedy(refusal: &Refusal) -> Option<&'static str> {
    match refusal {
        Refusal::Domain(Error::Limit(Limit::Answer { .. }))
        | Refusal::InTransaction { error: Error::Limit(Limit::Answer { .. }), .. } => {
            Some("Select fewer fields (`select=name`). For a write, send `Prefer: return=minimal`.")
        }
        Refusal::Domain(Error::Limit(Limit::Matching { max }))
        | Refusal::InTransaction { error: Error::Limit(Limit::Matching { max }), .. } => {
            Some(if *max < u64::from(limits::MATCHED_RECORDS) {
                "Narrow the filter, or raise `limit`."
            } else {
                "Narrow the filter."
            })
        }
        Refusal::Domain(Error::Limit(Limit::WriteCost | Limit::Hold))
        | Refusal::InTransaction { error: Error::Limit(Limit::WriteCost | Limit::Hold), .. } => {
            Some("Send fewer records at a time, or simplify the type's rules, checks and computed fields.")
        }
        Refusal::Domain(Error::Limit(Limit::Deletion(_)))
        | Refusal::InTransaction { error: Error::Limit(Limit::Deletion(_)), .. } => Some(
            "List the records that refer to this one (`?filter=post == '…'&select=id`), and what refers to those. Delete or \
                 change them in `/transact` requests of less than 100 records each, those to which nothing refers first. \
                 Then delete this one.",
        ),
        Refusal::Domain(Error::SignUpClosed) => Some(
            "Ask an operator for an account; they create one with `backstay account add EMAIL`, or open sign-up with \
                 the setting `accounts.sign_up`.",
        ),
        Refusal::Domain(Error::NoAccounts) => {
            Some("Mark a type of the model with `@identity` to have accounts, or work with operators and API keys.")
        }
        Refusal::Domain(Error::NoLinks) => Some("Name `auth.link` in a rule of the model to have secret links."),
        Refusal::Domain(Error::SignUpRefused) => Some(
            "If you have an account already, sign in. Otherwise check the invitation, and choose other values for unique fields.",
        ),
        Refusal::Domain(Error::Unauthenticated(Unauthenticated::Key)) => {
            Some("Check that the whole key was sent. An operator makes a new one with `backstay key add`.")
        }
        Refusal::NoModel(NoModel::Withheld) => Some(
            "Fix the problems that `backstay dev` prints in its terminal; they are shown only on the machine where it \
             runs. The server then reloads the files by itself.",
        ),
        Refusal::Domain(Error::KeyWithoutSession) => {
            Some("Stop sending the key. An operator revokes it with `backstay key revoke`.")
        }
        _ => None,
    }
}

/// What a problem tells besides its kind and text.
#[derive(Default)]
struct Details<'a> {
    /// The version of the stored record, if the refusal is about another one.
    version: Option<i64>,
    /// Which of several requests it is about, from 0.
    request: Option<usize>,
    /// What is wrong, place by place.
    errors: Vec<Fault<'a>>,
    /// What is wrong with the model.
    diagnostics: &'a [serde_json::Value],
    header: Option<(HeaderName, HeaderValue)>,
}

impl<'a> Details<'a> {
    fn of(refusal: &'a Refusal) -> Self {
        match refusal {
            Refusal::Domain(error) => Self::of_domain(error),
            Refusal::InTransaction { request, error } => {
                let mut details = Self { request: Some(*request), ..Self::of_domain(error) };
                if let Error::Conflict(conflict) = error {
                    details.errors = clashing(conflict, &format!("/requests/{request}/body"));
                }
                details
            }
            Refusal::Tag { version, .. } => Self { version: *version, ..Self::default() },
            Refusal::Authorization => {
                Self::header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer error=\"invalid_request\""))
            }
            Refusal::Outdated => Self::header(header::RETRY_AFTER, HeaderValue::from(1)),
            Refusal::NoModel(model) => Self { diagnostics: model.diagnostics(), ..Self::default() },
            // The rest of the body is not read.
            Refusal::BodySlow { .. }
            | Refusal::BodyStalled { .. }
            | Refusal::BodyBroken
            | Refusal::BodyTooLarge { .. } => Self::header(header::CONNECTION, HeaderValue::from_static("close")),
            Refusal::Method { allow, .. } => {
                Self::header(header::ALLOW, HeaderValue::from_str(allow).expect("methods are letters"))
            }
            Refusal::MediaType { taken } => Self::header(header::ACCEPT, media_types(taken)),
            // RFC 9110, section 12.5.3.
            Refusal::ContentCoding => Self::header(header::ACCEPT_ENCODING, Coding::ACCEPTED),
            Refusal::NoSuchPath { .. }
            | Refusal::NotThereYet(_)
            | Refusal::Charset
            | Refusal::BodyUndecodable { .. }
            | Refusal::NotAcceptable { .. }
            | Refusal::TargetTooLong { .. }
            | Refusal::HeadersTooLarge { .. }
            | Refusal::CrossOrigin
            | Refusal::ListChanged
            | Refusal::WriteTime { .. } => Self::default(),
        }
    }

    fn of_domain(error: &'a Error) -> Self {
        match error {
            Error::Malformed(violations) | Error::Invalid(violations) => {
                Self { errors: violations.iter().map(Fault::of).collect(), ..Self::default() }
            }
            Error::Conflict(conflict) => Self { errors: clashing(conflict, ""), ..Self::default() },
            Error::Precondition { version } | Error::Exists { version } => {
                Self { version: Some(*version), ..Self::default() }
            }
            Error::Unauthenticated(Unauthenticated::Token | Unauthenticated::Key) => {
                Self::header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer error=\"invalid_token\""))
            }
            // The token of a session beside it may be good: a client must not throw that away.
            Error::Unauthenticated(Unauthenticated::Link) => Self::header(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Backstay-Link error=\"invalid_token\""),
            ),
            Error::Unauthenticated(Unauthenticated::Missing | Unauthenticated::Credentials) => {
                Self::header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
            }
            Error::Limit(Limit::Rate { retry_after_seconds }) => {
                Self::header(header::RETRY_AFTER, HeaderValue::from(*retry_after_seconds))
            }
            Error::Limit(Limit::Share(_) | Limit::Busy | Limit::Locked) => {
                Self::header(header::RETRY_AFTER, HeaderValue::from(1))
            }
            Error::Limit(
                Limit::Size { .. }
                | Limit::Matching { .. }
                | Limit::Sums { .. }
                | Limit::Answer { .. }
                | Limit::Cost
                | Limit::WriteCost
                | Limit::Hold
                | Limit::Deletion(_)
                | Limit::Storage
                | Limit::Deadline
                | Limit::Time { .. },
            )
            | Error::Forbidden { .. }
            | Error::ForbiddenAfterwards { .. }
            | Error::TransitionRefused(_)
            | Error::Uncallable { .. }
            | Error::Refused(_)
            | Error::SignUpClosed
            | Error::SignUpRefused
            | Error::NoAccounts
            | Error::NoLinks
            | Error::ChangesGone
            | Error::KeyWithoutSession
            | Error::NotFound { .. }
            | Error::KeyReused
            | Error::Unknown
            | Error::Internal(_) => Self::default(),
        }
    }

    fn header(name: HeaderName, value: HeaderValue) -> Self {
        Self { header: Some((name, value)), ..Self::default() }
    }
}

/// The fields whose values clash with those of another record, of several new records those of one; `at` is where they were
/// sent.
fn clashing(conflict: &Conflict, at: &str) -> Vec<Fault<'static>> {
    let (fields, message, record) = match conflict {
        Conflict::Unique { fields, record, .. } => match fields.as_slice() {
            [_] => (fields.as_slice(), "the value is already taken".to_owned(), &**record),
            several => (several, format!("{} are already taken together", several.join(" and ")), &**record),
        },
        Conflict::Overlap(overlap) => {
            (overlap.range.as_slice(), "the range overlaps that of another record".to_owned(), &overlap.record)
        }
        Conflict::UniqueUnseen { .. }
        | Conflict::OverlapUnseen { .. }
        | Conflict::Referenced { .. }
        | Conflict::ReferencedUnseen
        | Conflict::InTrash { .. }
        | Conflict::Related { .. }
        | Conflict::InFlight
        | Conflict::Concurrent
        | Conflict::Contended { .. }
        | Conflict::Already(_) => return Vec::new(),
    };
    let place = |field: &String| Place::field(field).under(record);
    let fault =
        |field| Fault { at: format!("{at}{}", place(field)), message: message.clone(), remedy: None, reason: None };
    fields.iter().map(fault).collect()
}

/// Why the server failed, if it did.
fn cause(refusal: &Refusal) -> Option<String> {
    match refusal {
        Refusal::Domain(Error::Internal(cause)) | Refusal::InTransaction { error: Error::Internal(cause), .. } => {
            Some(with_causes(&**cause))
        }
        _ => None,
    }
}

fn log(refusal: &Refusal, request: RequestId) {
    if let Some(cause) = cause(refusal) {
        tracing::error!(%request, cause, "a request failed");
    }
    let unknown = matches!(refusal, Refusal::Domain(Error::Unknown) | Refusal::WriteTime { .. });
    if unknown || matches!(refusal, Refusal::InTransaction { error: Error::Unknown, .. }) {
        tracing::warn!(%request, "it is unknown whether a change was stored");
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use backstay_base::{Action, Shared};

    use super::*;
    use crate::TagMismatch;
    use crate::kinds::KINDS;

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
        check(domain(Unauthenticated::Key.into()), 401);
        check(domain(Unauthenticated::Credentials.into()), 401);
        check(domain(Error::Forbidden { action: Action::Read, what: "this".into() }), 403);
        check(domain(Error::SignUpClosed), 403);
        check(domain(Error::SignUpRefused), 403);
        check(domain(Error::NoAccounts), 403);
        check(domain(Error::KeyWithoutSession), 403);
        check(domain(Error::NotFound { what: "this".into() }), 404);
        check(
            domain(Conflict::Unique { collection: "A".into(), fields: vec![], record: Box::new(Place::Whole) }.into()),
            409,
        );
        let referenced =
            Conflict::Referenced { collection: "A".into(), field: "b".into(), count: 1, more: false, in_trash: false };
        check(domain(referenced.into()), 409);
        check(domain(Conflict::InFlight.into()), 409);
        check(domain(Conflict::Concurrent.into()), 409);
        check(domain(Conflict::Already("so").into()), 409);
        check(domain(Error::Precondition { version: 2 }), 412);
        check(domain(Error::Exists { version: 2 }), 412);
        check(domain(Error::KeyReused), 422);
        check(domain(Limit::Size { what: "the body", max: 1, unit: "bytes" }.into()), 413);
        check(domain(Limit::Rate { retry_after_seconds: 3 }.into()), 429);
        check(domain(Limit::Cost.into()), 422);
        check(domain(Limit::WriteCost.into()), 422);
        check(domain(Limit::Hold.into()), 422);
        check(domain(Limit::Deadline.into()), 503);
        check(domain(Limit::Busy.into()), 503);
        check(domain(Limit::Locked.into()), 503);
        check(domain(Limit::Storage.into()), 507);
        check(domain(Limit::Time { seconds: 1 }.into()), 503);
        check(domain(Error::Unknown), 503);
        check(domain(Error::internal(io::Error::other("disk"))), 500);
        check(Refusal::NoSuchPath { hint: None }, 404);
        check(Refusal::NotThereYet("x"), 404);
        check(Refusal::Method { allow: "GET".to_owned(), detail: "x" }, 405);
        check(Refusal::MediaType { taken: &["x"] }, 415);
        check(Refusal::ContentCoding, 415);
        check(Refusal::Charset, 415);
        check(Refusal::NotAcceptable { offered: "x" }, 406);
        check(Refusal::TargetTooLong { max: 1 }, 414);
        check(Refusal::HeadersTooLarge { max: 1 }, 431);
        check(Refusal::BodySlow { seconds: 1 }, 408);
        check(Refusal::BodyBroken, 400);
        check(Refusal::BodyUndecodable { coding: "gzip" }, 400);
        check(Refusal::BodyTooLarge { max: 1 }, 413);
        check(domain(Limit::Answer { max: 1 }.into()), 413);
        for shared in [Shared::Connections, Shared::Memory, Shared::Bodies, Shared::Queue] {
            check(domain(Limit::Share(shared).into()), 429);
        }
        check(Refusal::Authorization, 401);
        check(Refusal::CrossOrigin, 403);
        check(Refusal::ListChanged, 412);
        check(Refusal::Tag { mismatch: TagMismatch::Weak, version: None }, 412);
        check(Refusal::Tag { mismatch: TagMismatch::Foreign, version: Some(1) }, 412);
        check(Refusal::WriteTime { seconds: 1 }, 503);
    }

    #[test]
    fn some_refusals_have_a_remedy_of_their_own() {
        let check = |refusal: Refusal, expected: &str| {
            let answer = answer(&refusal, RequestId(backstay_base::RecordId::from_bytes([7; 16])));
            let problem: serde_json::Value = serde_json::from_slice(&answer.body).expect("it is JSON");
            assert_eq!(problem["remedy"], expected, "{refusal}");
        };
        let closed = "Ask an operator for an account; they create one with `backstay account add EMAIL`, or open sign-up \
                      with the setting `accounts.sign_up`.";
        check(Error::SignUpClosed.into(), closed);
        let revoke = "Stop sending the key. An operator revokes it with `backstay key revoke`.";
        check(Error::KeyWithoutSession.into(), revoke);
        let less = "Select fewer fields (`select=name`). For a write, send `Prefer: return=minimal`.";
        check(Refusal::Domain(Limit::Answer { max: 1 }.into()), less);
        check(Refusal::Domain(Limit::Matching { max: 2 }.into()), "Narrow the filter, or raise `limit`.");
        check(Refusal::Domain(Limit::Matching { max: 500 }.into()), "Narrow the filter.");
        check(
            Refusal::Domain(Limit::Size { what: "the body", max: 1, unit: "bytes" }.into()),
            "Send less, or split it into several requests.",
        );
    }

    #[test]
    fn the_cause_of_an_internal_error_is_not_answered() {
        let refusal = Refusal::Domain(Error::internal(io::Error::other("the disk is at /secret")));
        let answer = answer(&refusal, RequestId(backstay_base::RecordId::from_bytes([7; 16])));
        let text = String::from_utf8(answer.body.to_vec()).expect("JSON is UTF-8");
        assert!(!text.contains("/secret"), "{text}");
    }
}
