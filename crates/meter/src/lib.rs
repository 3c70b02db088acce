//! What C libraries have no safe interface for: how many pages an SQLite connection has used, and how soon the allocator
//! returns memory. Unsafe code; decides nothing.

mod allocator;
mod pages;

pub use allocator::return_memory_after;
pub use pages::{on_progress, used};
