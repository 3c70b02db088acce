//! Tells what has changed: the version clock, which decides whether a remembered result is still valid. Does no I/O, and
//! knows neither models nor stores.

mod clock;

pub use clock::{Seen, VersionClock};
