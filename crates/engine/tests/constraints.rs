//! What a model says of the values of many records together, on both databases.

#[path = "constraints/opposite.rs"]
mod opposite;
#[path = "constraints/sums.rs"]
mod sums;
#[path = "constraints/support.rs"]
mod support;
#[path = "constraints/unique.rs"]
mod unique;
