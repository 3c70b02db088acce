//! Doors over HTTP: decode, name the caller, call one engine operation, encode. Holds no rule, shapes no record and
//! never touches the store; what an error of the domain means in HTTP is decided in `problem` alone.

mod address;
mod answer;
mod api;
mod auth;
mod body;
mod collections;
mod compression;
mod credentials;
mod exchange;
mod explain;
mod head;
mod listing;
mod negotiation;
mod openapi;
mod origin;
mod preconditions;
mod problem;
mod query;
mod refusal;
mod serve;
mod settings;
mod setup;
mod site;
mod target;

pub use address::{Network, ParseNetworkError, Proxies, ProxyHeader};
pub use openapi::describe;
pub use origin::{Cors, CorsError};
pub use refusal::Refusal;
pub use serve::serve;
pub use settings::HttpSettings;
pub use site::{Doors, Site};
pub use target::parse_request;
