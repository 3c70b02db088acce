use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// Bytes of the body's SHA-256 that go into a tag: enough that no two bodies of one record share it.
const HASH_BYTES: usize = 12;

/// A strong entity tag (RFC 9110, section 8.8.3) without its quotes: `<version>.<hash of the body>` of a record, the
/// hash alone of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag(String);

impl Tag {
    /// The tag of one record's body.
    pub(crate) fn of_record(version: i64, body: &[u8]) -> Self {
        let mut text = version.to_string();
        text.push('.');
        Self::append_hash(&mut text, body);
        Self(text)
    }

    /// The tag of a list, by the hash of its body.
    pub(crate) fn of_list(hash: Sha256) -> Self {
        let mut text = String::with_capacity(16);
        Self::append(&mut text, hash);
        Self(text)
    }

    /// The tag of a body that is neither a record nor a list.
    pub fn of_body(body: &[u8]) -> Self {
        Self::of_list(Sha256::new_with_prefix(body))
    }

    /// A tag that was kept with an answer.
    pub(crate) fn from_text(text: String) -> Self {
        Self(text)
    }

    /// The text between the quotes.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The version that the tag of a record names, if this is the text of one.
    pub fn version_in(text: &str) -> Option<i64> {
        let (digits, hash) = text.split_once('.')?;
        let is_hash = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        let is_plain = digits == "0" || !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit());
        (is_plain && !hash.is_empty() && hash.bytes().all(is_hash)).then(|| digits.parse().ok())?
    }

    fn append_hash(text: &mut String, body: &[u8]) {
        Self::append(text, Sha256::new_with_prefix(body));
    }

    fn append(text: &mut String, hash: Sha256) {
        let digest = hash.finalize();
        URL_SAFE_NO_PAD.encode_string(&digest[..HASH_BYTES], text);
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
