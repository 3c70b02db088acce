//! What both kinds of work have in common in how they are stored.

use backstay_base::{Error, Timestamp};

/// The model was loaded without Backstay's own types, or a stored record holds something that Backstay doesn't write. It names
/// the type or the field.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the stored {0} isn't as Backstay stores it")]
pub(crate) struct Foreign(pub(crate) &'static str);

impl From<Foreign> for Error {
    fn from(foreign: Foreign) -> Self {
        Self::internal(foreign)
    }
}

/// A moment and what comes so many microseconds after it.
pub(crate) fn later(now: Timestamp, micros: i64) -> Timestamp {
    Timestamp::from_micros_saturating(now.micros().saturating_add(micros))
}
