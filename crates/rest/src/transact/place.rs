//! Places in errors: of a request by itself, of the object that it is written as, and of the whole body.

use backstay_base::{Error, Place, Step, Violation, limits};
use backstay_engine::{RecordVerb, RequestKind};

use crate::in_body;
use crate::transact::Member;

/// The refusal of a request that is written in this way, with its places in the body.
pub(super) fn place((index, kind): (usize, RequestKind), error: Error) -> Error {
    at_request(in_request(error, kind), index)
}

/// Several errors as one: of form if one of them is, with all that they say up to the limit.
pub(super) fn together(errors: impl Iterator<Item = Error>) -> Error {
    let (mut violations, mut malformed, mut other) = (Vec::new(), false, None);
    for error in errors {
        match error {
            Error::Malformed(more) => {
                malformed = true;
                violations.extend(more);
            }
            Error::Invalid(more) => violations.extend(more),
            error => other = other.or(Some(error)),
        }
    }
    violations.truncate(limits::VIOLATIONS);
    match other {
        Some(error) if violations.is_empty() => error,
        _ if malformed => Error::Malformed(violations),
        _ => Error::Invalid(violations),
    }
}

/// An error of a request with its places in the object that the request is written as.
pub(super) fn in_request(error: Error, kind: RequestKind) -> Error {
    let is_by_key = |violation: &Violation| matches!(violation.at, Place::Equality(_));
    let names_records = Member::of(kind).contains(&Member::By);
    if let Error::Malformed(violations) = &error
        && names_records
        && violations.iter().any(is_by_key)
    {
        return moved(error, |at| in_key(at).within(Step::Member(Member::By.name().to_owned())));
    }
    let member = match kind {
        RequestKind::Get => {
            return in_selection(error);
        }
        RequestKind::List | RequestKind::History | RequestKind::Aggregate => {
            return in_query(in_body(error));
        }
        // Of the filter alone: what is sent is placed where it is read.
        RequestKind::OfMatching(_) if matches!(error, Error::Malformed(_)) => return in_query(in_body(error)),
        RequestKind::Create
        | RequestKind::Update
        | RequestKind::Replace
        | RequestKind::OfMatching(_)
        | RequestKind::OfRecord(RecordVerb::Restore) => "body",
        RequestKind::OfRecord(RecordVerb::Delete | RecordVerb::Purge) => return error,
    };
    moved(error, |at| match at {
        Place::Select | Place::Parameter(_) => of_selection(at),
        at => at.within(Step::Member(member.to_owned())),
    })
}

/// An error with its places in the members that say what is answered of a record.
pub(super) fn in_selection(error: Error) -> Error {
    moved(error, of_selection)
}

fn of_selection(at: Place) -> Place {
    match at {
        Place::Select => Place::member(Member::Select.name()),
        Place::AsOf => Place::member(Member::AsOf.name()),
        Place::Parameter(name) => Place::member(Member::Params.name()).then(Step::Member(name)),
        at => at,
    }
}

/// An error with its places in the query of a request.
pub(super) fn in_query(error: Error) -> Error {
    moved(error, |at| at.within(Step::Member("query".to_owned())))
}

/// A place in a unique key, as one in the object that it is written as.
pub(super) fn in_key(at: Place) -> Place {
    match at {
        Place::Equality(name) => Place::member(name),
        Place::Part(_) => Place::Whole,
        at => at,
    }
}

/// An error with its places in the whole body.
pub(super) fn at_request(error: Error, index: usize) -> Error {
    moved(error, |at| at.within(Step::Item(index)).within(Step::Member("requests".to_owned())))
}

pub(super) fn moved(error: Error, place: impl Fn(Place) -> Place) -> Error {
    let each = |violations: Vec<Violation>| {
        violations.into_iter().map(|violation| Violation::new(place(violation.at), violation.kind)).collect()
    };
    match error {
        Error::Malformed(violations) => Error::Malformed(each(violations)),
        Error::Invalid(violations) => Error::Invalid(each(violations)),
        other => other,
    }
}
