//! Work that must happen after a commit, outside of requests. Everything that waits is a record, so that it commits with what causes
//! it. Must never hold HTTP, access rules or SQL.

mod queue;

pub use queue::{Claimed, Handler, JobLine, Jobs, KindSettings, Outcome, State, Workers, system_model};
