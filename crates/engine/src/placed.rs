//! Errors of one of several records that a request writes, with where in the request it is.

use backstay_base::{Conflict, Error, Overlap, Place};

use crate::TxContext;
use crate::context::Retry;
use crate::part_name::named;

/// What was written for a record, or why it can't be. If the database has refused one of several records, it writes this one
/// before the next is looked at.
pub(crate) async fn settled<T>(cx: &mut TxContext<'_, '_>, mut written: Result<T, Error>) -> Result<T, Error> {
    if written.is_ok() && cx.retry == Retry::SettleEach {
        written = cx.settle().await.and(written);
    }
    written.map_err(|error| of_part(error, &cx.part.at))
}

/// The error of a record at this place in the request.
fn of_part(error: Error, at: &Place) -> Error {
    if *at == Place::Whole {
        return error;
    }
    match error {
        Error::Invalid(mut violations) => {
            for violation in &mut violations {
                let within = std::mem::replace(&mut violation.at, Place::Whole);
                violation.at = within.under(at);
            }
            Error::Invalid(violations)
        }
        Error::Forbidden { action, what } => Error::Forbidden { action, what: format!("{what} ({})", named(at)) },
        Error::Conflict(Conflict::Unique { collection, fields, record }) if *record == Place::Whole => {
            Conflict::Unique { collection, fields, record: Box::new(at.clone()) }.into()
        }
        Error::Conflict(Conflict::Overlap(overlap)) => {
            Conflict::Overlap(Box::new(Overlap { record: at.clone(), ..*overlap })).into()
        }
        other => other,
    }
}
