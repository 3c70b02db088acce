use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use backstay_base::limits;

/// Room for the large answers that transactions have built and that wait for their commit: a few hundred transactions
/// share one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Room(Arc<AtomicUsize>);

/// What one transaction's answer takes of the room, until whoever asked has it.
#[derive(Debug)]
pub(crate) struct Taken {
    room: Room,
    bytes: usize,
}

impl Room {
    /// Takes room for an answer of this many bytes; `None` if there isn't enough. Small answers need none.
    pub(crate) fn take(&self, bytes: usize) -> Option<Taken> {
        let bytes = if bytes <= limits::REQUEST_MEMORY_BYTES { 0 } else { bytes };
        let taken = Taken { room: self.clone(), bytes };
        let before = if bytes == 0 { 0 } else { self.0.fetch_add(bytes, Ordering::Relaxed) };
        (before + bytes <= limits::COMMIT_ANSWER_BYTES).then_some(taken)
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.room.0.fetch_sub(self.bytes, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_answers_find_room_until_it_is_used_up() {
        let room = Room::default();
        let mut taken: Vec<Taken> = (0..4).map_while(|_| room.take(limits::ANSWER_BYTES)).collect();
        assert_eq!(taken.len(), 4);
        assert!(room.take(limits::ANSWER_BYTES).is_none());
        assert!(room.take(limits::REQUEST_MEMORY_BYTES).is_some(), "small answers always find some");
        taken.pop();
        assert!(room.take(limits::ANSWER_BYTES).is_some());
        taken.clear();
        assert_eq!(room.0.load(Ordering::Relaxed), 0);
    }
}
