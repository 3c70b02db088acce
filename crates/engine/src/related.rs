//! Records that a write changes although it isn't about them: what comes back from the trash with another record, and what
//! refers to one that is deleted. What is wrong with them is not said of the record that the caller names, and only to those
//! who may see them.

use backstay_base::{Conflict, Error, Place, Related, ViolationKind};
use backstay_model::Collection;

use crate::application::CallerClass;
use crate::context::Retry;
use crate::references::may_read;
use crate::{Record, TxContext, stored};

/// Writes such a record. What the database refuses of it is found here once it is known that it refuses something.
pub(crate) async fn write<T>(
    cx: &mut TxContext<'_, '_>,
    class: &CallerClass,
    (collection, record): (&Collection, &Record),
    write: impl FnOnce(&mut TxContext<'_, '_>) -> Result<T, Error>,
) -> Result<T, Error> {
    if cx.retry != Retry::SettleEach {
        return write(cx);
    }
    cx.settle().await?;
    // After an error of the database nothing can be read.
    let is_seen = may_see(cx, class, (collection, record)).await?;
    let written = write(cx)?;
    let settled = cx.settle().await;
    settled.map(|()| written).map_err(|error| of_related(error, (collection, record), is_seen))
}

/// The error of a record that comes back with another one, as one of the request, which doesn't name this record.
pub(crate) async fn of_request(
    cx: &mut TxContext<'_, '_>,
    class: &CallerClass,
    (collection, record): (&Collection, &Record),
    error: Error,
) -> Result<Error, Error> {
    if !matches!(error, Error::Invalid(_) | Error::Conflict(_)) {
        return Ok(error);
    }
    let is_seen = may_see(cx, class, (collection, record)).await?;
    Ok(of_related(error, (collection, record), is_seen))
}

/// Whether the caller may see the record where it is: live, or in the trash.
async fn may_see(
    cx: &mut TxContext<'_, '_>,
    class: &CallerClass,
    (collection, record): (&Collection, &Record),
) -> Result<bool, Error> {
    let at = (collection.id, record.id());
    if collection.trash.is_none_or(|trash| record.value(trash.at).is_null()) {
        return may_read(cx, class, at.0, at.1).await;
    }
    stored::may_see_in_trash(cx, class, at).await
}

fn of_related(error: Error, (collection, record): (&Collection, &Record), is_seen: bool) -> Error {
    match error {
        Error::Invalid(mut violations) => {
            // The message of a check is the model's own.
            let is_told = |kind: &ViolationKind| is_seen || matches!(kind, ViolationKind::Check { .. });
            if !violations.iter().all(|violation| is_told(&violation.kind)) {
                return Conflict::Related { of: None }.into();
            }
            for violation in &mut violations {
                violation.at = Place::Whole;
            }
            Error::Invalid(violations)
        }
        Error::Conflict(conflict) => {
            let related = Related { collection: collection.name.clone(), id: record.id(), conflict };
            Conflict::Related { of: is_seen.then(|| Box::new(related)) }.into()
        }
        error => error,
    }
}
