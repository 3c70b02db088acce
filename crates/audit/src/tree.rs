use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

use crate::Leaf;

/// The format of a stored tree.
const FORMAT: u8 = 1;

/// The Merkle tree over the leaf hashes of the first entries of a log (RFC 6962, section 2.1), of which it keeps no more than
/// the roots of the largest complete subtrees. More leaves can follow, and its root is known at each size. So entries whose
/// leaves are in it can go, and the log can still be verified from then on.
///
/// # Stored form
///
/// A byte `01`; the number of leaves as 8 bytes, big-endian; then the roots of the complete subtrees, 32 bytes each, the
/// largest subtree first: one for each bit that is set in the number of leaves.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tree {
    size: u64,
    /// The largest subtree first.
    roots: Vec<[u8; 32]>,
}

/// The root of a tree.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Root([u8; 32]);

impl Tree {
    /// How many leaves it has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds the next leaf.
    pub fn push(&mut self, leaf: Leaf) {
        let (mut hash, mut rest) = (*leaf.as_bytes(), self.size);
        // Each subtree that is as large as what has been made so far becomes its left half.
        while rest & 1 == 1
            && let Some(left) = self.roots.pop()
        {
            hash = node(&left, &hash);
            rest >>= 1;
        }
        self.roots.push(hash);
        self.size += 1;
    }

    /// Its root.
    pub fn root(&self) -> Root {
        let smaller = self.roots.iter().rev().copied().reduce(|right, left| node(&left, &right));
        Root(smaller.unwrap_or_else(|| Sha256::digest([]).into()))
    }

    /// The stored form.
    pub fn to_bytes(&self) -> Vec<u8> {
        let head = [FORMAT].into_iter().chain(self.size.to_be_bytes());
        head.chain(self.roots.iter().flatten().copied()).collect()
    }

    /// Reads the stored form; `None` if it is none.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (&format, rest) = bytes.split_first()?;
        let (size, rest) = rest.split_first_chunk::<8>()?;
        let (roots, rest) = rest.as_chunks::<32>();
        let size = u64::from_be_bytes(*size);
        let is_whole = format == FORMAT && rest.is_empty() && roots.len() == size.count_ones() as usize;
        is_whole.then(|| Self { size, roots: roots.to_vec() })
    }
}

fn node(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

impl fmt::Display for Root {
    /// 64 hexadecimal digits in lower case.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text isn't 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected 64 hexadecimal digits")]
pub struct ParseRootError;

impl FromStr for Root {
    type Err = ParseRootError;

    fn from_str(text: &str) -> Result<Self, ParseRootError> {
        let mut bytes = [0; 32];
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(ParseRootError);
        }
        for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            let digits = str::from_utf8(digits).map_err(|_| ParseRootError)?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| ParseRootError)?;
        }
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The inputs and roots of the reference implementation of Certificate Transparency.
    const ENTRIES: [&[u8]; 8] = [
        b"",
        b"\x00",
        b"\x10",
        b"\x20\x21",
        b"\x30\x31",
        b"\x40\x41\x42\x43",
        b"\x50\x51\x52\x53\x54\x55\x56\x57",
        b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
    ];
    const ROOTS: [&str; 9] = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    #[test]
    fn roots_are_those_of_certificate_transparency() {
        let mut tree = Tree::default();
        assert_eq!(tree.root().to_string(), ROOTS[0]);
        for (entry, root) in ENTRIES.iter().zip(&ROOTS[1..]) {
            tree.push(Leaf::of(entry));
            assert_eq!(tree.root().to_string(), *root);
            assert_eq!(root.parse::<Root>(), Ok(tree.root()));
        }
    }

    #[test]
    fn a_stored_tree_goes_on() {
        for kept in 0..=ENTRIES.len() {
            let mut tree = Tree::default();
            ENTRIES[..kept].iter().for_each(|entry| tree.push(Leaf::of(entry)));
            let bytes = tree.to_bytes();
            assert_eq!(bytes.len(), 9 + 32 * kept.count_ones() as usize);
            let mut read = Tree::from_bytes(&bytes).expect("a tree");
            assert_eq!(read, tree);
            ENTRIES[kept..].iter().for_each(|entry| read.push(Leaf::of(entry)));
            assert_eq!((read.size(), read.root().to_string().as_str()), (8, ROOTS[8]));
        }
    }

    #[test]
    fn what_is_no_stored_tree_is_refused() {
        let mut tree = Tree::default();
        ENTRIES[..3].iter().for_each(|entry| tree.push(Leaf::of(entry)));
        let good = tree.to_bytes();
        for wrong in [&good[..0], &good[..8], &good[..good.len() - 1], &good[..good.len() - 32]] {
            assert_eq!(Tree::from_bytes(wrong), None);
        }
        assert_eq!(Tree::from_bytes(&[&good[..], &[0; 32]].concat()), None);
        assert_eq!(Tree::from_bytes(&[&[2], &good[1..]].concat()), None);
        for wrong in ["", "e3", &ROOTS[0][1..], &ROOTS[0].replace('e', "g")] {
            assert_eq!(wrong.parse::<Root>(), Err(ParseRootError));
        }
    }
}
