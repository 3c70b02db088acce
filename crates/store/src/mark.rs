use std::hash::Hasher as _;

use siphasher::sip::SipHasher24;

use crate::{CommitId, LogEntry};

/// How far somebody has read the commit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogMark {
    /// The last entry that was read whole; 0 if none was.
    pub sequence: u64,
    /// The beginning of its leaf hash, by which it is known again in a database that was restored; zeros if there is none.
    pub leaf: [u8; 8],
    /// How many records of the entry after it were read.
    pub records: u32,
}

/// A mark as others may hold it: it tells nothing, not even whether it differs from another.
pub type SealedMark = [u8; SEALED_BYTES];

const NONCE_BYTES: usize = 8;
const MARK_BYTES: usize = 20;
const SEALED_BYTES: usize = NONCE_BYTES + MARK_BYTES + 8;

impl LogMark {
    /// Before the first entry.
    pub const BEGIN: Self = Self { sequence: 0, leaf: [0; 8], records: 0 };

    /// After this entry.
    pub fn after(entry: &LogEntry) -> Self {
        Self { sequence: entry.sequence, leaf: beginning(entry), records: 0 }
    }

    /// Whether this is the last entry that was read whole.
    pub(crate) fn is_after(self, entry: &LogEntry) -> bool {
        self.sequence == entry.sequence && self.leaf == beginning(entry)
    }

    fn to_bytes(self) -> [u8; MARK_BYTES] {
        let mut bytes = [0; MARK_BYTES];
        bytes[..8].copy_from_slice(&self.sequence.to_be_bytes());
        bytes[8..16].copy_from_slice(&self.leaf);
        bytes[16..].copy_from_slice(&self.records.to_be_bytes());
        bytes
    }

    fn of_bytes(bytes: &[u8; MARK_BYTES]) -> Option<Self> {
        let (sequence, rest) = bytes.split_first_chunk()?;
        let (leaf, records) = rest.split_first_chunk()?;
        Some(Self {
            sequence: u64::from_be_bytes(*sequence),
            leaf: *leaf,
            records: u32::from_be_bytes(*records.first_chunk()?),
        })
    }
}

fn beginning(entry: &LogEntry) -> [u8; 8] {
    std::array::from_fn(|index| entry.leaf.as_bytes()[index])
}

/// Seals marks under a key that is part of the database. A sealed mark is a nonce of 8 bytes, the mark's 20 bytes (the
/// sequence, the leaf and the records, numbers big-endian) xor SipHash-2-4 of (a byte 0, 1 or 2, the nonce), and SipHash-2-4
/// of (a byte 3, all before it). Numbers of commits would tell how much others write.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MarkSeal([u8; 16]);

/// A commit as others may hold it, for `Store::reach`: its 8 bytes, and SipHash-2-4 of (a byte 4, these bytes) under the key of
/// marks.
pub type SealedCommit = [u8; CommitId::BYTES + 8];

const TAG: u8 = 3;
const COMMIT_TAG: u8 = 4;

impl MarkSeal {
    /// Under the second half of the database's key for feeds.
    pub(crate) fn new(feed_key: [u8; 32]) -> Self {
        Self(std::array::from_fn(|index| feed_key[16 + index]))
    }

    /// The nonce must be another for each mark.
    pub(crate) fn seal(self, mark: LogMark, nonce: [u8; NONCE_BYTES]) -> SealedMark {
        let mut sealed = [0; SEALED_BYTES];
        sealed[..NONCE_BYTES].copy_from_slice(&nonce);
        sealed[NONCE_BYTES..NONCE_BYTES + MARK_BYTES].copy_from_slice(&self.mask(mark.to_bytes(), nonce));
        let tag = self.hash(TAG, &sealed[..NONCE_BYTES + MARK_BYTES]);
        sealed[NONCE_BYTES + MARK_BYTES..].copy_from_slice(&tag);
        sealed
    }

    /// `None` if it wasn't sealed under this key.
    pub(crate) fn open(self, sealed: &SealedMark) -> Option<LogMark> {
        let (content, tag) = sealed.split_at(NONCE_BYTES + MARK_BYTES);
        let (nonce, masked) = content.split_first_chunk::<NONCE_BYTES>()?;
        if self.hash(TAG, content) != tag {
            return None;
        }
        LogMark::of_bytes(&self.mask(*masked.first_chunk()?, *nonce))
    }

    fn mask(self, mut bytes: [u8; MARK_BYTES], nonce: [u8; NONCE_BYTES]) -> [u8; MARK_BYTES] {
        for (block, chunk) in (0..TAG).zip(bytes.chunks_mut(8)) {
            for (byte, mask) in chunk.iter_mut().zip(self.hash(block, &nonce)) {
                *byte ^= mask;
            }
        }
        bytes
    }

    pub(crate) fn seal_commit(self, commit: CommitId) -> SealedCommit {
        let mut sealed = SealedCommit::default();
        sealed[..CommitId::BYTES].copy_from_slice(&commit.to_bytes());
        sealed[CommitId::BYTES..].copy_from_slice(&self.hash(COMMIT_TAG, &commit.to_bytes()));
        sealed
    }

    /// `None` if it wasn't sealed under this key.
    pub(crate) fn open_commit(self, sealed: &SealedCommit) -> Option<CommitId> {
        let (id, tag) = sealed.split_first_chunk()?;
        (self.hash(COMMIT_TAG, id) == tag).then_some(CommitId::of_all(*id))
    }

    fn hash(self, purpose: u8, bytes: &[u8]) -> [u8; 8] {
        let mut hash = SipHasher24::new_with_key(&self.0);
        hash.write(&[purpose]);
        hash.write(bytes);
        hash.finish().to_be_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEAL: MarkSeal = MarkSeal([7; 16]);
    const MARK: LogMark = LogMark { sequence: 42, leaf: [9; 8], records: 3 };

    #[test]
    fn a_mark_is_opened_with_its_key_and_no_other() {
        let sealed = SEAL.seal(MARK, [1; 8]);
        assert_eq!(SEAL.open(&sealed), Some(MARK));
        assert_ne!(sealed, SEAL.seal(MARK, [2; 8]));
        assert_eq!(MarkSeal([8; 16]).open(&sealed), None);
        for index in 0..SEALED_BYTES {
            let mut changed = sealed;
            changed[index] ^= 1;
            assert_eq!(SEAL.open(&changed), None, "byte {index}");
        }
    }

    #[test]
    fn a_commit_is_opened_with_its_key_and_no_other() {
        let commit = CommitId::of_all([9; 8]);
        let sealed = SEAL.seal_commit(commit);
        // Computed by another implementation of SipHash.
        assert_eq!(sealed, [9, 9, 9, 9, 9, 9, 9, 9, 135, 182, 40, 44, 239, 147, 3, 207]);
        assert_eq!(SEAL.open_commit(&sealed), Some(commit));
        assert_eq!(MarkSeal([8; 16]).open_commit(&sealed), None);
        for index in 0..sealed.len() {
            let mut changed = sealed;
            changed[index] ^= 1;
            assert_eq!(SEAL.open_commit(&changed), None, "byte {index}");
        }
    }

    #[test]
    fn a_mark_has_this_form() {
        let mut expected = [0; MARK_BYTES];
        expected[7] = 42;
        expected[8..16].copy_from_slice(&[9; 8]);
        expected[19] = 3;
        assert_eq!(MARK.to_bytes(), expected);
        assert_eq!(LogMark::of_bytes(&expected), Some(MARK));
    }
}
