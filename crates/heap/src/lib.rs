//! The memory of a JavaScript runtime: an allocator whose blocks can be put back as they were at a moment before. Knows nothing
//! of functions and of what runs in the runtime.

mod blocks;
mod heap;
mod size;

pub use heap::{Allocator, Heap};
