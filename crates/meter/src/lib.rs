//! How many pages an SQLite connection has used, which the safe interface doesn't tell. The only crate with unsafe code;
//! decides nothing.

mod pages;

pub use pages::{on_progress, used};
