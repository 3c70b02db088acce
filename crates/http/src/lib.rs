//! The HTTP door: decodes a request, names its caller, calls the engine once and encodes the answer. Holds no access
//! rule, shapes no record and never touches the store. `endpoints` is the table of everything that can be called,
//! `admission` the only way from a request to a handler, and `kinds` the only place where an error gets a status.

mod accounts;
mod admission;
mod answer;
mod astray;
mod body;
mod budget;
mod collections;
mod compression;
mod connection;
mod connections;
mod cors;
mod credentials;
mod csrf;
mod decode;
mod documents;
mod door;
mod endpoint;
mod endpoints;
mod explain;
mod head;
mod idempotency;
mod kinds;
mod negotiation;
mod openapi;
mod origin;
mod outgoing;
mod pace;
mod parameters;
mod preconditions;
mod problem;
mod proxies;
mod records;
mod refusal;
mod serve;
mod settings;
mod setup;
mod state;
mod target;
mod transact;
mod turned_away;
mod write_headers;

pub use cors::{Cors, CorsError};
pub use decode::parse_request;
pub use door::Door;
pub use openapi::describe;
pub use proxies::{ParseSubnetError, Proxies, ProxyHeader, Subnet};
pub use refusal::{Refusal, TagMismatch};
pub use serve::serve;
pub use settings::HttpSettings;
pub use state::Services;
