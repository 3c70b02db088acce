//! Knows what has changed: the version clock that tells whether a remembered result still holds. Does no I/O, and knows
//! neither models nor stores.

mod clock;

pub use clock::{Dependency, Seen, VersionClock};
