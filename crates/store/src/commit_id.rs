use backstay_audit::Leaf;

use crate::mark::MarkSeal;

const ID_BYTES: usize = 8;
const SEALED_BYTES: usize = ID_BYTES + 8;

/// A commit as it is known again: the beginning of the leaf hash of its entry in the commit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CommitId([u8; ID_BYTES]);

/// A commit as others may hold it, for `Store::reach`: its 8 bytes, and SipHash-2-4 of (a byte 4, these bytes) under the key of
/// marks.
pub type SealedCommit = [u8; SEALED_BYTES];

/// What tags of commits are computed with, besides those of marks.
const TAG: u8 = 4;

impl CommitId {
    /// The commit with this entry.
    pub(crate) fn of(leaf: &Leaf) -> Self {
        Self(std::array::from_fn(|index| leaf.as_bytes()[index]))
    }

    /// An id that no commit has, made of random bytes: to reach it is to reach every commit that was answered before.
    pub fn of_all(random: [u8; ID_BYTES]) -> Self {
        Self(random)
    }

    pub(crate) fn seal(self, key: MarkSeal) -> SealedCommit {
        let mut sealed = [0; SEALED_BYTES];
        sealed[..ID_BYTES].copy_from_slice(&self.0);
        sealed[ID_BYTES..].copy_from_slice(&key.hash(TAG, &self.0));
        sealed
    }

    /// `None` if it wasn't sealed under this key.
    pub(crate) fn open(sealed: &SealedCommit, key: MarkSeal) -> Option<Self> {
        let (id, tag) = sealed.split_first_chunk()?;
        (key.hash(TAG, id) == tag).then_some(Self(*id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_opened_with_its_key_and_no_other() {
        let (key, commit) = (MarkSeal::new([7; 32]), CommitId([9; 8]));
        let sealed = commit.seal(key);
        assert_eq!(sealed, [9, 9, 9, 9, 9, 9, 9, 9, 135, 182, 40, 44, 239, 147, 3, 207]);
        assert_eq!(CommitId::open(&sealed, key), Some(commit));
        assert_eq!(CommitId::open(&sealed, MarkSeal::new([8; 32])), None);
        for index in 0..SEALED_BYTES {
            let mut changed = sealed;
            changed[index] ^= 1;
            assert_eq!(CommitId::open(&changed, key), None, "byte {index}");
        }
    }
}
