use std::fmt;

use backstay_audit::Leaf;

/// A commit as it is known again: the beginning of the leaf hash of its entry in the commit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CommitId([u8; Self::BYTES]);

impl CommitId {
    pub(crate) const BYTES: usize = 8;

    /// The commit with this entry.
    pub(crate) fn of(leaf: &Leaf) -> Self {
        Self(std::array::from_fn(|index| leaf.as_bytes()[index]))
    }

    /// An id that no commit has, made of random bytes: to reach it is to reach every commit that was answered before.
    pub fn of_all(random: [u8; Self::BYTES]) -> Self {
        Self(random)
    }

    pub(crate) fn to_bytes(self) -> [u8; Self::BYTES] {
        self.0
    }
}

/// As hexadecimal digits.
impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
