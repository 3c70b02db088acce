//! The controls that Backstay is measured against: what the machine gives without rules, log, accounts or model.
//! Never used by the product, and never uses it.

mod writer;

pub use writer::{Note, Writer, WriterError};
