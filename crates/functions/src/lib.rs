//! The team's own TypeScript, sandboxed: files of `functions/` are read, their types are taken out, and what they export runs, each
//! call in a world of its own, on threads that answer no requests. Knows neither HTTP nor a database: what a function asks is
//! answered by its [`Host`].

mod allowance;
mod failure;
mod fetching;
mod functions;
mod host;
mod isolate;
mod limits;
mod log;
mod problem;
mod procedures;
mod program;
mod running;
mod sources;
mod strip;
mod threads;

pub use failure::Failure;
pub use functions::{Call, Functions};
pub use host::{Attempt, Begun, Host, Refusal};
pub use problem::Problem;
pub use program::{CollectionName, Program};
