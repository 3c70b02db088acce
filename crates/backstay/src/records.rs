//! What seed files and imports share: lines of a file with a digest of what was read, records that relations name by unique
//! keys, rows that are written in as few commits as their errors allow, how far a load is, and what is reported of a record
//! that is refused.

mod journal;
mod lines;
mod loader;
mod references;
mod refused;

pub(crate) use journal::{Journal, Overtaken};
pub(crate) use lines::{Lines, Mark, Position, Progress, hexadecimal, line_at};
pub(crate) use loader::{Load, Sifted, load};
pub(crate) use references::{Absent, References};
pub(crate) use refused::{is_about_a_record, words};
