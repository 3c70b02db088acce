//! What a model says of the values of many records together, on both databases.

#[path = "constraints/opposite.rs"]
mod opposite;
#[path = "constraints/order.rs"]
mod order;
#[path = "constraints/slug.rs"]
mod slug;
#[path = "constraints/support.rs"]
mod support;
#[path = "constraints/unique.rs"]
mod unique;
