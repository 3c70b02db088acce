//! The HTTP door: decodes a request, names its caller, calls the engine once and encodes the answer. Holds no access
//! rule, shapes no record and never touches the store. `endpoints` is the table of everything that can be called,
//! `admission` the only way from a request to a handler, and `kinds` the only place where an error gets a status.
#![recursion_limit = "256"]

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
mod developer;
mod development;
mod documents;
mod door;
mod doorway;
mod endpoint;
mod endpoints;
mod explain;
mod head;
mod idempotency;
mod kinds;
mod lingering;
mod local;
mod model_problems;
mod negotiation;
mod openapi;
mod origin;
mod outgoing;
mod pace;
mod page;
mod parameters;
mod preconditions;
mod problem;
mod proxies;
mod records;
mod refusal;
mod serve;
mod service;
mod settings;
mod setup;
mod state;
mod target;
mod transact;
mod turned_away;
mod write_headers;

pub use cors::{Cors, CorsError};
pub use decode::{carries_body, parse_request};
pub use development::Development;
pub use door::Door;
pub use doorway::{Doorway, Pause};
pub use model_problems::{ModelProblems, NoModel};
pub use openapi::describe;
pub use proxies::{ParseSubnetError, Proxies, ProxyHeader, Subnet};
pub use refusal::{Refusal, TagMismatch};
pub use serve::serve;
pub use service::{ClientAddress, Service, ServiceBody};
pub use settings::HttpSettings;
pub use state::Services;
