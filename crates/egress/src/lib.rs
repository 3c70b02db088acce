//! The one outbound HTTP client: what Backstay asks of other servers goes through it. It connects to no private address, follows
//! no redirect, and bounds time and size. Must never hold what is asked and why.

mod address;
mod client;
mod connection;
mod error;
mod request;

pub use client::{Client, Settings};
pub use error::EgressError;
pub use request::{Outgoing, Response};
