use backstay_base::{Conflict, Error, Violation};

/// Whether one record is at fault, so that others can still be created.
pub(crate) fn is_about_a_record(error: &Error) -> bool {
    match error {
        Error::Invalid(_) | Error::Malformed(_) | Error::NotFound { .. } => true,
        // Something else wrote at the same time.
        Error::Conflict(conflict) => *conflict != Conflict::Concurrent,
        Error::Unauthenticated(_)
        | Error::Forbidden { .. }
        | Error::ForbiddenAfterwards { .. }
        | Error::TransitionRefused(_)
        | Error::Uncallable { .. }
        | Error::Refused(_)
        | Error::SignUpClosed
        | Error::NoAccounts
        | Error::NoLinks
        | Error::ChangesGone
        | Error::SignUpRefused
        | Error::KeyWithoutSession
        | Error::Precondition { .. }
        | Error::Exists { .. }
        | Error::KeyReused
        | Error::Limit(_)
        | Error::Unknown
        | Error::Internal(_) => false,
    }
}

/// All violations of a record on one line.
pub(crate) fn words(error: &Error) -> String {
    match error {
        Error::Invalid(violations) | Error::Malformed(violations) if !violations.is_empty() => {
            violations.iter().map(violation).collect::<Vec<_>>().join("; ")
        }
        other => other.to_string(),
    }
}

fn violation(violation: &Violation) -> String {
    match violation.at.to_string().strip_prefix('/') {
        Some(field) => format!("{field}: {}", violation.kind),
        None => violation.kind.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use backstay_base::{Place, ViolationKind};

    use super::*;

    #[test]
    fn what_another_load_has_done_is_not_the_fault_of_a_record() {
        let unique = Conflict::Unique {
            collection: "Book".to_owned(),
            fields: vec!["number".to_owned()],
            record: Box::new(Place::Whole),
        };
        assert!(is_about_a_record(&unique.into()));
        assert!(is_about_a_record(&Error::invalid(Place::member("title"), ViolationKind::Required)));
        assert!(!is_about_a_record(&Conflict::Concurrent.into()));
        assert!(!is_about_a_record(&Error::Unknown));
    }
}
