//! PostgreSQL: every transaction has a pooled connection at READ COMMITTED, and what it stages is sent together with COMMIT
//! in one round trip. Places in the commit log have no gaps because an advisory lock, taken last before the entry is
//! written, is held until the commit is visible.

mod address;
mod database;
mod error;
mod lease;
mod numeric;
mod param;
mod pools;
mod problem;
mod row;
mod schema;
mod session;
mod start;
mod tls;

pub(crate) use start::{block_on, copy_from, copy_to, delete, exists, open, plan, stored};
