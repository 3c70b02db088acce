//! Blocks of memory: in an arena, as long as it has room, and beyond it.

use std::alloc::{Layout, alloc, dealloc};
use std::mem::MaybeUninit;
use std::ptr::{NonNull, copy_nonoverlapping};

use crate::size::{HEADER, Size, classes};

/// The bytes of an arena. Those that nothing has used yet take no memory.
pub(crate) const ARENA: usize = 4 * 1024 * 1024;
const CLASSES: usize = classes(ARENA);
/// Blocks begin at multiples of this.
const ALIGNMENT: usize = 16;
/// Ends a list of free blocks, and marks a block that is in use in the arena.
const NONE: usize = usize::MAX;

/// In front of each block.
#[repr(C)]
struct Header {
    /// Those of the block, with this.
    bytes: usize,
    /// In the arena: `NONE`, or, if the block is free, where the next free one of its size is. Beyond it: its place in the list.
    link: usize,
}

const _: () = assert!(size_of::<Header>() == HEADER && ALIGNMENT >= align_of::<Header>());

/// How much of the arena is used, and what is free in that, by size.
#[derive(Debug, Clone)]
struct Marks {
    used: usize,
    free: [usize; CLASSES],
}

/// What the arena was at a moment.
struct Kept {
    marks: Marks,
    bytes: Box<[MaybeUninit<u8>]>,
}

pub(crate) struct Blocks {
    arena: NonNull<u8>,
    marks: Marks,
    /// The blocks that aren't in the arena.
    beyond: Vec<NonNull<Header>>,
    kept: Option<Kept>,
}

// SAFETY: all its pointers are to memory that it alone owns.
unsafe impl Send for Blocks {}

impl Blocks {
    /// Nothing if there is no memory.
    pub(crate) fn new() -> Option<Self> {
        // SAFETY: the layout has a size.
        let arena = NonNull::new(unsafe { alloc(arena_layout()?) })?;
        Some(Self { arena, marks: Marks { used: 0, free: [NONE; CLASSES] }, beyond: Vec::new(), kept: None })
    }

    /// Room for this many bytes. Null if there is no memory.
    pub(crate) fn allocate(&mut self, room: usize) -> *mut u8 {
        let Some(size) = Size::with_room(room) else { return std::ptr::null_mut() };
        let header = self.reused(size).or_else(|| self.unused(size)).or_else(|| self.outside(size));
        header.map_or(std::ptr::null_mut(), start)
    }

    /// # Safety
    /// The block was allocated by this, and isn't used any more.
    pub(crate) unsafe fn free(&mut self, block: *mut u8) {
        // SAFETY: each block has a header, which is this allocator's.
        let header = unsafe { header_of(block) };
        // SAFETY: the block is in use, and so is its header.
        let Header { bytes, link } = unsafe { header.read() };
        if link == NONE {
            let at = header.addr().get() - self.arena.addr().get();
            let head = size_of_block(bytes).map(|size| &mut self.marks.free[size.class]);
            if let Some(head) = head {
                let next = std::mem::replace(head, at);
                // SAFETY: nothing else uses the header.
                unsafe { header.write(Header { bytes, link: next }) };
            }
        } else {
            self.beyond.swap_remove(link);
            if let Some(moved) = self.beyond.get(link) {
                // SAFETY: the blocks of the list are in use, and so are their headers.
                unsafe { (*moved.as_ptr()).link = link };
            }
            // SAFETY: it was allocated with this many bytes.
            unsafe { release(header) };
        }
    }

    /// A free block of the arena that was used before.
    fn reused(&mut self, size: Size) -> Option<NonNull<Header>> {
        let head = self.marks.free.get_mut(size.class)?;
        if *head == NONE {
            return None;
        }
        // SAFETY: what lists of free blocks name is in the arena.
        let header = unsafe { self.arena.add(*head) }.cast::<Header>();
        // SAFETY: a free block keeps its header.
        let Header { link: next, .. } = unsafe { header.read() };
        *head = next;
        // SAFETY: as above.
        unsafe { header.write(Header { bytes: size.bytes, link: NONE }) };
        Some(header)
    }

    /// A block of the arena that was never used.
    fn unused(&mut self, size: Size) -> Option<NonNull<Header>> {
        let end = self.marks.used.checked_add(size.bytes).filter(|end| *end <= ARENA)?;
        // SAFETY: as far as `end`, it is in the arena.
        let header = unsafe { self.arena.add(self.marks.used) }.cast::<Header>();
        // SAFETY: nothing uses this part of the arena.
        unsafe { header.write(Header { bytes: size.bytes, link: NONE }) };
        self.marks.used = end;
        Some(header)
    }

    /// A block beyond the arena.
    fn outside(&mut self, size: Size) -> Option<NonNull<Header>> {
        let layout = Layout::from_size_align(size.bytes, ALIGNMENT).ok()?;
        // SAFETY: the layout has a size.
        let header = NonNull::new(unsafe { alloc(layout) })?.cast::<Header>();
        // SAFETY: the block is new and has room for its header.
        unsafe { header.write(Header { bytes: size.bytes, link: self.beyond.len() }) };
        self.beyond.push(header);
        Some(header)
    }

    /// Keeps what there is. Fails if that is more than the arena.
    pub(crate) fn keep(&mut self) -> bool {
        if !self.beyond.is_empty() {
            return false;
        }
        let mut bytes = Box::new_uninit_slice(self.marks.used);
        // SAFETY: both have this many bytes, and they are different memory. Some were never written, which `MaybeUninit` permits.
        unsafe { copy_nonoverlapping(self.arena.as_ptr().cast(), bytes.as_mut_ptr(), self.marks.used) };
        self.kept = Some(Kept { marks: self.marks.clone(), bytes });
        true
    }

    /// Puts back what was kept. Fails if nothing was.
    ///
    /// # Safety
    /// What was kept is what is used from now on: nobody uses what was allocated since, or misses what was freed.
    pub(crate) unsafe fn put_back(&mut self) -> bool {
        let Some(kept) = &self.kept else { return false };
        for header in self.beyond.drain(..) {
            // SAFETY: it was allocated with this many bytes.
            unsafe { release(header) };
        }
        // SAFETY: the arena has at least the bytes that were kept of it.
        unsafe { copy_nonoverlapping(kept.bytes.as_ptr(), self.arena.as_ptr().cast(), kept.bytes.len()) };
        self.marks.clone_from(&kept.marks);
        true
    }

    #[cfg(test)]
    pub(crate) fn beyond(&self) -> usize {
        self.beyond.len()
    }
}

impl Drop for Blocks {
    fn drop(&mut self) {
        for header in self.beyond.drain(..) {
            // SAFETY: it was allocated with this many bytes.
            unsafe { release(header) };
        }
        if let Some(layout) = arena_layout() {
            // SAFETY: it was allocated with this layout.
            unsafe { dealloc(self.arena.as_ptr(), layout) };
        }
    }
}

fn arena_layout() -> Option<Layout> {
    Layout::from_size_align(ARENA, ALIGNMENT).ok()
}

/// The size of a block of the arena.
fn size_of_block(bytes: usize) -> Option<Size> {
    Size::with_room(bytes - HEADER)
}

/// What follows the header.
fn start(header: NonNull<Header>) -> *mut u8 {
    header.as_ptr().wrapping_add(1).cast()
}

/// # Safety
/// The block is one of an allocator of this crate.
unsafe fn header_of(block: *mut u8) -> NonNull<Header> {
    // SAFETY: a block has a header, so this isn't null.
    unsafe { NonNull::new_unchecked(block.wrapping_sub(HEADER).cast()) }
}

/// How many bytes there is room for in a block.
///
/// # Safety
/// The block is one of an allocator of this crate, and in use.
pub(crate) unsafe fn room(block: *mut u8) -> usize {
    // SAFETY: the caller's promise.
    let header = unsafe { header_of(block) };
    // SAFETY: the block is in use, and so is its header.
    let Header { bytes, .. } = unsafe { header.read() };
    bytes - HEADER
}

/// # Safety
/// The block was allocated beyond the arena, and isn't used any more.
unsafe fn release(header: NonNull<Header>) {
    // SAFETY: the block keeps its header.
    let Header { bytes, .. } = unsafe { header.read() };
    if let Ok(layout) = Layout::from_size_align(bytes, ALIGNMENT) {
        // SAFETY: it was allocated with this layout.
        unsafe { dealloc(header.as_ptr().cast(), layout) };
    }
}
