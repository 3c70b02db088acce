//! What seed files and imports share: lines of a file with a digest of what was read, records that relations name by unique
//! keys, and what is reported of a record that is refused.

mod lines;
mod references;
mod refused;

pub(crate) use lines::{Lines, Mark, Position, Progress, hexadecimal, line_at};
pub(crate) use references::{Absent, References};
pub(crate) use refused::{is_about_a_record, words};
