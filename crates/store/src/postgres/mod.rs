//! PostgreSQL: every transaction has a pooled connection at READ COMMITTED, and what it stages is sent together with COMMIT
//! in one round trip. Entries of the commit log get their places once they are visible, so that these have no gaps and no
//! transaction waits for another one because of them.

mod access;
mod address;
mod adopt;
mod answering;
mod database;
mod error;
mod follower;
mod hosts;
mod lease;
mod numeric;
mod param;
mod passes;
mod pooler;
mod pools;
mod problem;
mod reached;
mod replica;
mod replicas;
mod row;
mod schema;
mod sending;
mod sequencer;
mod session;
mod silence;
mod start;
mod tls;
mod wake;
mod writers;

pub(crate) use adopt::{apply as adopt, count_misfits, plan as plan_adoption, survey};
pub(crate) use start::{block_on, copy_from, copy_to, delete, exists, open, plan, stored};
