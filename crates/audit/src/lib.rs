//! The canonical bytes of commit-log entries, their leaf hashes, and the strict verification of both. Does no I/O, and
//! never sees a plaintext that the model classifies.

mod decode;
mod encode;
mod entry;
mod leaf;

pub use decode::{DecodeError, VerifyError, verify};
pub use encode::{EntryWriter, value_bytes};
pub use entry::{ChangeKind, Entry, Logged, LoggedChange, LoggedField, Origin};
pub use leaf::Leaf;
