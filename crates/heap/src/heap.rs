//! A heap, and the allocator by which a runtime uses it.

use std::fmt;
use std::ptr::{copy_nonoverlapping, null_mut, write_bytes};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::blocks::{ARENA, Blocks, room};

/// The memory of one runtime.
pub struct Heap {
    blocks: Arc<Mutex<Blocks>>,
}

impl fmt::Debug for Heap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Heap").finish_non_exhaustive()
    }
}

impl Heap {
    /// The bytes that can be kept, with a few for each block.
    pub const KEPT_BYTES: usize = ARENA;

    /// Memory for one runtime, which allocates in it by this. Nothing if there is no memory.
    pub fn new() -> Option<(Self, Allocator)> {
        let blocks = Arc::new(Mutex::new(Blocks::new()?));
        Some((Self { blocks: Arc::clone(&blocks) }, Allocator { blocks }))
    }

    /// Keeps what is in it, for [`Heap::put_back`]. Fails if that is too much to be kept.
    ///
    /// # Safety
    /// No other thread is in the runtime.
    pub unsafe fn keep(&self) -> bool {
        self.blocks.lock().keep()
    }

    /// Makes its content what it was when it was kept. Fails if nothing was.
    ///
    /// # Safety
    /// The runtime is idle: no thread is in it, and nothing outside of the heap refers to what was allocated in it since, counts
    /// references in it otherwise than then, or was freed since by what is in it: a value that a finalizer has dropped would be
    /// referred to again. What was only allocated outside by what is in it leaks.
    pub unsafe fn put_back(&self) -> bool {
        // SAFETY: the caller's promise.
        unsafe { self.blocks.lock().put_back() }
    }
}

/// By which a runtime allocates in a heap.
pub struct Allocator {
    blocks: Arc<Mutex<Blocks>>,
}

impl fmt::Debug for Allocator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Allocator").finish_non_exhaustive()
    }
}

// SAFETY: blocks have the room that was asked for, are aligned to 16 bytes, and know how much room they have.
unsafe impl rquickjs::allocator::Allocator for Allocator {
    fn alloc(&mut self, size: usize) -> *mut u8 {
        self.blocks.lock().allocate(size)
    }

    fn calloc(&mut self, count: usize, size: usize) -> *mut u8 {
        let Some(size) = count.checked_mul(size) else { return null_mut() };
        let block = self.alloc(size);
        if !block.is_null() {
            // SAFETY: it has room for this many bytes.
            unsafe { write_bytes(block, 0, size) };
        }
        block
    }

    unsafe fn dealloc(&mut self, block: *mut u8) {
        // SAFETY: the caller's promise.
        unsafe { self.blocks.lock().free(block) };
    }

    unsafe fn realloc(&mut self, block: *mut u8, size: usize) -> *mut u8 {
        if block.is_null() {
            return self.alloc(size);
        }
        // SAFETY: the caller's promise.
        let old = unsafe { room(block) };
        if size <= old && size >= old / 2 {
            return block;
        }
        let new = self.alloc(size);
        if !new.is_null() {
            // SAFETY: both have room for this many bytes, and they are different blocks.
            unsafe { copy_nonoverlapping(block, new, old.min(size)) };
            // SAFETY: the caller's promise.
            unsafe { self.dealloc(block) };
        }
        new
    }

    unsafe fn usable_size(block: *mut u8) -> usize {
        // SAFETY: the caller's promise.
        unsafe { room(block) }
    }
}

#[cfg(test)]
mod tests {
    use rquickjs::allocator::Allocator as _;

    use super::*;

    fn heap() -> (Heap, Allocator) {
        Heap::new().expect("memory")
    }

    fn keep(heap: &Heap) -> bool {
        // SAFETY: tests have one thread.
        unsafe { heap.keep() }
    }

    fn fill(block: *mut u8, size: usize, with: u8) {
        assert!(!block.is_null());
        assert_eq!(block.addr() % 16, 0);
        // SAFETY: it has room for this many bytes.
        assert!(unsafe { Allocator::usable_size(block) } >= size);
        // SAFETY: the same.
        unsafe { write_bytes(block, with, size) };
    }

    fn is_filled(block: *mut u8, size: usize, with: u8) -> bool {
        // SAFETY: blocks are read that were filled with this size.
        unsafe { std::slice::from_raw_parts(block, size) }.iter().all(|byte| *byte == with)
    }

    /// Numbers that follow from the last one.
    fn next(state: &mut u64) -> usize {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(*state >> 33).unwrap_or(0)
    }

    type Block = (*mut u8, usize, u8);

    fn work(allocator: &mut Allocator, all: &mut Vec<Block>, state: &mut u64, largest: usize) {
        for _ in 0..2000 {
            let size = next(state) % largest + 1;
            match next(state) % 3 {
                0 if !all.is_empty() => {
                    let at = next(state) % all.len();
                    let (block, filled, with) = all.swap_remove(at);
                    assert!(is_filled(block, filled, with));
                    // SAFETY: it is in use until here.
                    unsafe { allocator.dealloc(block) };
                }
                1 if !all.is_empty() => {
                    let at = next(state) % all.len();
                    let (block, filled, with) = all[at];
                    // SAFETY: it is in use until here.
                    let moved = unsafe { allocator.realloc(block, size) };
                    assert!(is_filled(moved, filled.min(size), with));
                    fill(moved, size, with);
                    all[at] = (moved, size, with);
                }
                _ => {
                    let block = allocator.alloc(size);
                    let with = u8::try_from(next(state) % 256).unwrap_or(0);
                    fill(block, size, with);
                    all.push((block, size, with));
                }
            }
        }
    }

    fn are_filled(all: &[Block]) -> bool {
        all.iter().all(|(block, size, with)| is_filled(*block, *size, *with))
    }

    #[test]
    fn blocks_keep_apart() {
        let (_heap, mut allocator) = heap();
        let (mut all, mut state) = (Vec::new(), 7);
        work(&mut allocator, &mut all, &mut state, 100_000);
        assert!(are_filled(&all));
        for (block, _, _) in all {
            // SAFETY: it is in use until here.
            unsafe { allocator.dealloc(block) };
        }
        assert_eq!(allocator.blocks.lock().beyond(), 0);
    }

    #[test]
    fn what_was_kept_is_put_back_however_much_has_changed() {
        let (heap, mut allocator) = heap();
        let (mut all, mut state) = (Vec::new(), 11);
        work(&mut allocator, &mut all, &mut state, 1000);
        assert!(keep(&heap));
        let mut beyond = 0;
        for round in 0..20 {
            let mut now = all.clone();
            work(&mut allocator, &mut now, &mut state, 200_000);
            beyond += allocator.blocks.lock().beyond();
            // SAFETY: `now` is used no longer, and `all` is what was kept.
            assert!(unsafe { heap.put_back() });
            assert!(are_filled(&all), "{round}");
            assert_eq!(allocator.blocks.lock().beyond(), 0);
        }
        assert!(beyond > 0, "the arena had room for all");
    }

    #[test]
    fn the_same_blocks_come_after_what_was_kept_is_put_back() {
        let (heap, mut allocator) = heap();
        let first = allocator.alloc(1000);
        let second = allocator.alloc(1000);
        // SAFETY: it is in use until here.
        unsafe { allocator.dealloc(first) };
        assert!(keep(&heap));
        for _ in 0..3 {
            assert_eq!(allocator.alloc(1000), first);
            let third = allocator.alloc(1000);
            assert_eq!(third.addr(), second.addr() + (second.addr() - first.addr()));
            // SAFETY: only `second` is used from now on.
            assert!(unsafe { heap.put_back() });
        }
    }

    #[test]
    fn more_than_an_arena_is_not_kept() {
        let (heap, mut allocator) = heap();
        let large = allocator.alloc(5_000_000);
        fill(large, 5_000_000, 1);
        assert!(!keep(&heap));
        // SAFETY: nothing was kept, so nothing changes.
        assert!(!unsafe { heap.put_back() });
        assert!(is_filled(large, 5_000_000, 1));
        // SAFETY: it is in use until here.
        unsafe { allocator.dealloc(large) };
        assert!(keep(&heap));
    }

    #[test]
    fn memory_that_nobody_has_is_refused() {
        let (_heap, mut allocator) = heap();
        assert!(allocator.alloc(usize::MAX - 3).is_null());
        assert!(allocator.calloc(usize::MAX / 2, 3).is_null());
        let block = allocator.calloc(10, 100);
        assert!(is_filled(block, 1000, 0));
    }
}
