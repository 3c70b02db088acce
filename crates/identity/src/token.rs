use backstay_base::{Entropy, Secret};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::Digest as _;
use zeroize::Zeroizing;

/// Random bytes of a token: too many to guess, so that a fast hash of it is safe to store.
const BYTES: usize = 32;
/// Characters of these bytes in base64url (RFC 4648, section 5) without padding.
const CHARS: usize = 43;

/// What a token is for. Its first four characters say so, for people and for secret scanners.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Session,
    Key,
    Invitation,
    SetUp,
    Link,
}

impl Purpose {
    fn prefix(self) -> &'static str {
        match self {
            Self::Session => "bst_",
            Self::Key => "bsk_",
            Self::Invitation => "bsi_",
            Self::SetUp => "bsu_",
            Self::Link => "bsl_",
        }
    }

    /// The purpose of a token; `None` for a text that does not have the form of one.
    pub(crate) fn of(token: &Secret) -> Option<Self> {
        let text = token.expose();
        let shaped = |prefix: &str| {
            text.strip_prefix(prefix).is_some_and(|rest| {
                let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
                rest.len() == CHARS && rest.bytes().all(known)
            })
        };
        [Self::Session, Self::Key, Self::Invitation, Self::SetUp, Self::Link]
            .into_iter()
            .find(|one| shaped(one.prefix()))
    }

    /// Whether a token looks like an API key, also if some of it is missing.
    pub(crate) fn is_key(token: &Secret) -> bool {
        token.expose().starts_with(Self::Key.prefix())
    }
}

/// A new token.
pub(crate) fn issue(entropy: &dyn Entropy, purpose: Purpose) -> Secret {
    let mut bytes = Zeroizing::new([0_u8; BYTES]);
    entropy.fill(bytes.as_mut_slice());
    let mut text = String::with_capacity(4 + CHARS);
    text.push_str(purpose.prefix());
    URL_SAFE_NO_PAD.encode_string(bytes.as_slice(), &mut text);
    Secret::new(text)
}

/// The SHA-256 of a token, which is stored instead of the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct TokenHash([u8; 32]);

impl TokenHash {
    pub(crate) fn of(token: &Secret) -> Self {
        Self(sha2::Sha256::digest(token.expose().as_bytes()).into())
    }

    /// The hash as it is stored: base64url without padding.
    pub(crate) fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use backstay_base::SystemEntropy;

    #[test]
    fn a_token_tells_its_purpose_and_nothing_else() {
        for purpose in [Purpose::Session, Purpose::Key, Purpose::Invitation, Purpose::SetUp, Purpose::Link] {
            let token = issue(&SystemEntropy, purpose);
            assert_eq!(Purpose::of(&token), Some(purpose));
            assert_eq!(token.expose().len(), 47);
            assert_ne!(token, issue(&SystemEntropy, purpose));
            assert_eq!(format!("{token:?}"), "Secret(…)");
        }
    }

    #[test]
    fn what_is_not_shaped_as_a_token_is_none() {
        let long = format!("bst_{}", "a".repeat(44));
        let odd = format!("bst_{}/", "a".repeat(42));
        let other = format!("xyz_{}", "a".repeat(43));
        for text in ["", "bst_", &long, &odd, &other] {
            assert_eq!(Purpose::of(&Secret::new(text.to_owned())), None, "{text}");
        }
    }

    #[test]
    fn the_hash_is_sha_256_in_base64url() {
        // SHA-256 of "abc" (FIPS 180-4, example B.1) in base64url.
        let hash = TokenHash::of(&Secret::new("abc".to_owned()));
        assert_eq!(hash.text(), "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0");
    }
}
