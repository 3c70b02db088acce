//! The canonical bytes of commit-log entries, their leaf hashes, and the strict verification of both. Does no I/O, and
//! never sees a plaintext that the model classifies.

mod canonical;
mod decode;
mod encode;
mod entry;
mod key;
mod leaf;
mod tree;

pub use canonical::{Sink, put_count, put_value};
pub use decode::{DecodeError, VerifyError, verify};
pub use encode::{EntryWriter, put_head};
pub use entry::{ChangeKind, Entry, Logged, LoggedChange, LoggedRecord, ModelNumber, Origin};
pub use key::RecordKey;
pub use leaf::Leaf;
pub use tree::{ParseRootError, Root, Tree};
