//! Errors of one of several records that a request writes, with where in the request it is.

use backstay_base::{Conflict, Error, Overlap, Place, Step};

use crate::TxContext;
use crate::context::Retry;

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

/// Which record of a request is meant: `record 2`, or ``record 0 of `items` of record 2``.
pub(crate) fn named(at: &Place) -> String {
    let Place::Value(steps) = at else { return "record".to_owned() };
    let mut names: Vec<String> = Vec::new();
    let mut members: Vec<&str> = Vec::new();
    for step in steps {
        match step {
            Step::Member(name) => members.push(name),
            Step::Item(index) => {
                names.extend((!members.is_empty()).then(|| format!("`{}`", members.join("."))));
                members.clear();
                names.push(format!("record {index}"));
            }
        }
    }
    names.extend((!members.is_empty()).then(|| format!("`{}`", members.join("."))));
    // From the inside out; a record comes before the list that it is in.
    names.reverse();
    names.join(" of ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_named_from_the_inside_out() {
        let check = |place: Place, expected: &str| assert_eq!(named(&place), expected);
        let items = || Place::member("items");
        check(Place::item(2), "record 2");
        check(items().then(Step::Item(1)), "record 1 of `items`");
        check(items().then(Step::Member("$add".to_owned())).then(Step::Item(0)), "record 0 of `items.$add`");
        check(items().then(Step::Item(1)).under(&Place::item(2)), "record 1 of `items` of record 2");
        check(Place::member("profile"), "`profile`");
        check(items().then(Step::Item(1)).then(Step::Member("note".to_owned())), "`note` of record 1 of `items`");
    }
}
