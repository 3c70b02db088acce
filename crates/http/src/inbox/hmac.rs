//! HMAC with SHA-256 (RFC 2104).

use sha2::{Digest, Sha256};

const BLOCK_BYTES: usize = 64;

/// The code of the parts, one after the other, under this key.
pub(super) fn sha256(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut block = [0; BLOCK_BYTES];
    if key.len() > BLOCK_BYTES {
        block[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let mut inner = Sha256::new_with_prefix(block.map(|byte| byte ^ 0x36));
    for part in parts {
        inner.update(part);
    }
    let outer = Sha256::new_with_prefix(block.map(|byte| byte ^ 0x5c));
    outer.chain_update(inner.finalize()).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, section 4.
    #[test]
    fn codes_are_those_of_the_standard() {
        let check = |key: &[u8], parts: &[&[u8]], expected: &str| {
            let code = sha256(key, parts).iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
            assert_eq!(code, expected);
        };
        check(&[0x0b; 20], &[b"Hi ", b"There"], "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
        check(
            b"Jefe",
            &[b"what do ya want for nothing?"],
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        );
        check(
            &[0xaa; 131],
            &[b"Test Using Larger Than Block-Size Key - Hash Key First"],
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
        );
    }
}
