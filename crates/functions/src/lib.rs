//! The team's own TypeScript, sandboxed: files of `functions/` are read, their types are taken out, and what they export runs, each
//! call in a world of its own, on threads that answer no requests. Knows neither the server's own API nor a database: what a
//! function asks of the application is answered by its [`Host`], and what it asks of other servers (`fetch`) by egress. Mail is a job
//! of the application; its template is tried here.

mod accounts;
mod allowance;
mod before;
mod code;
mod exact;
mod failure;
mod fetching;
mod functions;
mod host;
mod isolate;
mod jobs;
mod log;
mod mail;
mod missing;
mod packages;
mod places;
mod prelude;
mod problem;
mod procedures;
mod program;
mod ready;
mod running;
mod secrets;
mod sources;
mod strip;
mod temporal;
mod tests;
mod threads;
mod web;

pub use accounts::Accounts;
pub use failure::Failure;
pub use fetching::{Answers, Outside};
pub use functions::Functions;
pub use host::{Attempt, Begun, Host, Refusal};
pub use packages::{ImportedPackage, PACKAGES, package_name};
pub use problem::Problem;
pub use program::{CollectionName, Program};
pub use running::{Call, CalledBy};
pub use secrets::Secrets;
pub use sources::imported_packages;
pub use tests::{Test, Tests};
