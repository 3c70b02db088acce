use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use crate::Limit;

/// Counts the memory of one request against what its network and the process may use.
pub trait Reserve: fmt::Debug + Send + Sync {
    /// Counts this many bytes more. The error says whose share is used up.
    fn take(&self, bytes: usize) -> Result<(), Limit>;

    /// Counts this many bytes less.
    fn give_back(&self, bytes: usize);

    /// How many bytes are counted.
    fn held(&self) -> usize;
}

/// The memory that one request may use. What is done for it asks here before it makes anything large. Cheap to clone;
/// clones count together.
#[derive(Debug, Clone)]
pub struct Memory(Option<Arc<dyn Reserve>>);

/// Bytes that a part of a request's work holds, until this is dropped.
#[derive(Debug)]
pub struct Held {
    memory: Memory,
    bytes: usize,
}

impl Memory {
    /// That of a request whose memory is counted here.
    pub fn counted(by: Arc<dyn Reserve>) -> Self {
        Self(Some(by))
    }

    /// That of Backstay's own work, and of requests that are always answered: nobody counts it.
    pub fn uncounted() -> Self {
        Self(None)
    }

    /// Holds nothing yet.
    pub fn hold(&self) -> Held {
        Held { memory: self.clone(), bytes: 0 }
    }

    /// Counts these bytes, which were made without being counted, until the last clone of them is dropped.
    pub fn keep(&self, bytes: Bytes) -> Result<Bytes, Limit> {
        if self.0.is_none() || bytes.is_empty() {
            return Ok(bytes);
        }
        let mut held = self.hold();
        held.resize(bytes.len())?;
        Ok(Bytes::from_owner(Kept { bytes, _held: held }))
    }

    /// The same, unless everything that the request holds is at least as much: they are among it already.
    pub fn keep_uncounted(&self, bytes: Bytes) -> Result<Bytes, Limit> {
        match &self.0 {
            Some(reserve) if reserve.held() < bytes.len() => self.keep(bytes),
            _ => Ok(bytes),
        }
    }
}

impl Held {
    /// Makes it hold this many bytes. Only growing can fail; then it holds what it held before.
    pub fn resize(&mut self, bytes: usize) -> Result<(), Limit> {
        if let Memory(Some(reserve)) = &self.memory {
            match bytes.checked_sub(self.bytes) {
                Some(more) => reserve.take(more)?,
                None => reserve.give_back(self.bytes - bytes),
            }
        }
        self.bytes = bytes;
        Ok(())
    }

    /// Holds this many bytes of the same memory, apart from these.
    pub fn beside(&self, bytes: usize) -> Result<Self, Limit> {
        let mut held = self.memory.hold();
        held.resize(bytes)?;
        Ok(held)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Memory(Some(reserve)) = &self.memory {
            reserve.give_back(self.bytes);
        }
    }
}

struct Kept {
    bytes: Bytes,
    _held: Held,
}

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Lets a request have 100 bytes.
    #[derive(Debug, Default)]
    struct Hundred(AtomicUsize);

    impl Reserve for Hundred {
        fn take(&self, bytes: usize) -> Result<(), Limit> {
            if self.held() + bytes > 100 {
                return Err(Limit::Busy);
            }
            self.0.fetch_add(bytes, Ordering::Relaxed);
            Ok(())
        }

        fn give_back(&self, bytes: usize) {
            self.0.fetch_sub(bytes, Ordering::Relaxed);
        }

        fn held(&self) -> usize {
            self.0.load(Ordering::Relaxed)
        }
    }

    #[test]
    fn what_is_held_counts_until_it_is_dropped() {
        let reserve = Arc::new(Hundred::default());
        let memory = Memory::counted(reserve.clone());
        let (mut one, mut other) = (memory.hold(), memory.clone().hold());
        one.resize(60).expect("there is room");
        assert!(other.resize(50).is_err(), "clones count together");
        one.resize(40).expect("it became less");
        other.resize(50).expect("there is room again");
        assert!(one.resize(51).is_err());
        assert_eq!(reserve.held(), 90, "it holds what it held");
        let beside = other.beside(10).expect("there is room");
        assert!(other.beside(1).is_err());
        drop((one, other));
        assert_eq!(reserve.held(), 10);
        drop(beside);
        assert_eq!(reserve.held(), 0);
    }

    #[test]
    fn bytes_count_until_their_last_clone_is_dropped() {
        let reserve = Arc::new(Hundred::default());
        let memory = Memory::counted(reserve.clone());
        let bytes = memory.keep(Bytes::from_static(&[7; 60])).expect("there is room");
        let part = bytes.slice(10..20);
        drop(bytes);
        assert_eq!((reserve.held(), &part[..]), (60, &[7; 10][..]));
        assert!(memory.keep(Bytes::from_static(&[7; 60])).is_err());
        let counted = memory.keep_uncounted(Bytes::from_static(&[7; 60])).expect("as much is counted already");
        drop(part);
        assert_eq!((reserve.held(), counted.len()), (0, 60));
    }
}
