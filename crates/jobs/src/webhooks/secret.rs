use std::fmt;

use aws_lc_rs::hmac;
use backstay_base::{Entropy, Secret};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// What the secrets of endpoints begin with (Standard Webhooks, "Signature scheme").
const PREFIX: &str = "whsec_";
/// Bytes of a new secret. The standard allows 24 to 64.
const BYTES: usize = 32;

/// What the messages to an endpoint are signed with, as its receiver has it: `whsec_` and 24 to 64 bytes in Base64.
#[derive(Clone)]
pub(crate) struct SigningSecret {
    text: Secret,
    key: hmac::Key,
}

impl SigningSecret {
    /// A new one.
    pub(crate) fn generate(entropy: &dyn Entropy) -> Self {
        let mut bytes = [0; BYTES];
        entropy.fill(&mut bytes);
        let text = Secret::new(format!("{PREFIX}{}", STANDARD.encode(bytes)));
        Self { text, key: hmac::Key::new(hmac::HMAC_SHA256, &bytes) }
    }

    /// A stored one; `None` if the text is none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bytes = STANDARD.decode(text.strip_prefix(PREFIX)?).ok()?;
        let key = (24..=64).contains(&bytes.len()).then(|| hmac::Key::new(hmac::HMAC_SHA256, &bytes))?;
        Some(Self { text: Secret::new(text.to_owned()), key })
    }

    /// The text.
    pub(crate) fn text(&self) -> &Secret {
        &self.text
    }

    /// `v1,` and the HMAC-SHA256 of the message's id, the moment of the attempt in seconds, and its body.
    pub(crate) fn signature(&self, id: &str, seconds: i64, body: &[u8]) -> String {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(format!("{id}.{seconds}.").as_bytes());
        context.update(body);
        format!("v1,{}", STANDARD.encode(context.sign()))
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret(…)")
    }
}

/// The headers of a message: its id, the moment of the attempt, and a signature with each of the secrets.
pub(crate) fn headers(secrets: &[SigningSecret], id: &str, seconds: i64, body: &[u8]) -> Vec<(String, String)> {
    let signatures: Vec<String> = secrets.iter().map(|secret| secret.signature(id, seconds, body)).collect();
    [
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", seconds.to_string()),
        ("webhook-signature", signatures.join(" ")),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

#[cfg(test)]
mod tests {
    use backstay_testkit::TestEntropy;

    use super::*;

    /// The example in the documentation of the standard's reference libraries.
    #[test]
    fn signatures_are_those_of_the_standard() {
        let secret = SigningSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("a secret");
        let signature = secret.signature("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn secrets_have_24_to_64_bytes() {
        let check = |bytes: usize, expected: bool| {
            let text = format!("whsec_{}", STANDARD.encode(vec![7; bytes]));
            assert_eq!(SigningSecret::parse(&text).is_some(), expected, "{bytes} bytes");
        };
        check(23, false);
        check(24, true);
        check(64, true);
        check(65, false);
        for wrong in ["", "whsec_", "whsec_!", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] {
            assert!(SigningSecret::parse(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_new_secret_is_read_again_and_not_shown() {
        let secret = SigningSecret::generate(&TestEntropy::seeded(7));
        let read = SigningSecret::parse(secret.text().expose()).expect("a secret");
        assert_eq!(read.signature("a", 1, b"b"), secret.signature("a", 1, b"b"));
        assert_eq!(format!("{secret:?}"), "SigningSecret(…)");
    }

    #[test]
    fn a_message_has_a_signature_for_each_secret() {
        let secrets: Vec<SigningSecret> =
            ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"]
                .iter()
                .filter_map(|text| SigningSecret::parse(text))
                .collect();
        let headers = headers(&secrets, "msg_1", 1_614_265_330, b"{}");
        let expected = format!(
            "{} {}",
            secrets[0].signature("msg_1", 1_614_265_330, b"{}"),
            secrets[1].signature("msg_1", 1_614_265_330, b"{}")
        );
        let expected = [("webhook-id", "msg_1"), ("webhook-timestamp", "1614265330"), ("webhook-signature", &expected)];
        assert_eq!(headers, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
}
