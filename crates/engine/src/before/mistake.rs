//! What a hook does that no hook may: a mistake in its code, and not of whoever makes the change.

use std::sync::Arc;

use backstay_base::{Error, Place, Violation};

/// A hook did something that no hook may.
#[derive(Debug, thiserror::Error)]
#[error("the hook `{function}` {what}: {wrong}")]
pub(crate) struct Mistake {
    function: String,
    what: String,
    wrong: String,
}

impl Mistake {
    pub(crate) fn of(function: &Arc<str>, what: String, wrong: String) -> Error {
        Error::internal(Self { function: function.to_string(), what, wrong })
    }
}

/// What is wrong, in words.
pub(crate) fn described(wrong: &[Violation]) -> String {
    let each = wrong.iter().map(|violation| match &violation.at {
        Place::Whole => violation.kind.to_string(),
        at => format!("{at}: {}", violation.kind),
    });
    each.collect::<Vec<_>>().join("; ")
}
