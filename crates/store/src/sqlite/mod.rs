//! SQLite: one thread writes, in groups that share a commit; reads run on the caller's thread and move to a pool of
//! threads when they take long.

mod allowance;
mod backup;
#[cfg(test)]
mod charging;
mod check;
mod checkpoint;
mod connection;
mod copy;
mod database;
mod document_functions;
mod error;
mod file;
mod functions;
mod group;
mod log_bound;
mod long_reads;
mod pages;
mod pool;
mod readers;
mod recognized;
mod restore;
mod row;
mod schema;
mod shared;
mod start;
mod statements;
mod turns;
mod writer;

pub(crate) use backup::back_up_closed;
pub(crate) use copy::{copy_from, copy_to};
pub(crate) use restore::restore;
pub(crate) use start::{delete, exists, open, plan, stored};
