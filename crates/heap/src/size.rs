//! Which sizes blocks have: sixteen between a power of two and the next one, so that at most a sixteenth of a block is unused.

/// In front of each block.
pub(crate) const HEADER: usize = 16;
const SMALLEST: usize = 256;
const STEPS: usize = 16;
/// How many sizes there are in an arena of this many bytes.
pub(crate) const fn classes(bytes: usize) -> usize {
    (bytes.ilog2() as usize + 1) * STEPS
}

/// The size of a block, with its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) class: usize,
    pub(crate) bytes: usize,
}

impl Size {
    /// That of a block with room for this many bytes. Nothing if there is no such size.
    pub(crate) fn with_room(room: usize) -> Option<Self> {
        let least = room.checked_add(HEADER)?.max(SMALLEST);
        let power = least.checked_next_power_of_two()?;
        let step = power / 2 / STEPS;
        // Between `STEPS + 1` and twice `STEPS`.
        let steps = least.div_ceil(step);
        let bytes = steps.checked_mul(step).filter(|bytes| isize::try_from(*bytes).is_ok())?;
        Some(Self { class: (power.ilog2() as usize - 1) * STEPS + steps - STEPS - 1, bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_has_room_and_wastes_little() {
        let mut last = Size { class: 0, bytes: 0 };
        for room in (0..200_000).chain((1 << 20)..(1 << 20) + 50_000) {
            let size = Size::with_room(room).expect("a size");
            assert!(size.bytes - HEADER >= room, "{room}: {size:?}");
            assert_eq!(size.bytes % 16, 0, "{room}: {size:?}");
            assert!(size.bytes <= SMALLEST || size.bytes - HEADER - room <= size.bytes / STEPS, "{room}: {size:?}");
            assert_eq!(size.class == last.class, size.bytes == last.bytes, "{room}: {size:?} after {last:?}");
            assert!(size.class >= last.class, "{room}: {size:?} after {last:?}");
            assert!(size.class < classes(1 << 21), "{room}: {size:?}");
            last = size;
        }
    }

    #[test]
    fn what_no_memory_has_room_for_has_no_size() {
        for room in [usize::MAX, usize::MAX - HEADER, isize::MAX.unsigned_abs(), isize::MAX.unsigned_abs() - 4] {
            assert_eq!(Size::with_room(room), None, "{room}");
        }
    }
}
