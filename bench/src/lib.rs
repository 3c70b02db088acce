//! The controls that Backstay is measured against: programs that do the same work without rules, log, accounts or
//! model. Neither uses the product nor is used by it.

mod writer;

pub use writer::{Note, Writer, WriterError};
