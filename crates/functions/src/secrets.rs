//! What `secrets.get(…)` returns, and keeps out of the log.

use std::collections::BTreeMap;
use std::sync::Arc;

use backstay_base::Secret;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What `encodeURIComponent` encodes.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// Shorter values would be found in words that have nothing to do with them.
const REDACTED_BYTES: usize = 4;

/// The secrets of an application, by their names. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Secrets(Arc<BTreeMap<String, Secret>>);

impl FromIterator<(String, Secret)> for Secrets {
    fn from_iter<T: IntoIterator<Item = (String, Secret)>>(all: T) -> Self {
        Self(Arc::new(all.into_iter().collect()))
    }
}

impl Secrets {
    /// Its value.
    pub(crate) fn value(&self, name: &str) -> Option<String> {
        self.0.get(name).map(|secret| secret.expose().to_owned())
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }

    /// A text in which names in brackets stand for the values, also where these are written in JSON or in a URL, whose host has small
    /// letters.
    pub(crate) fn redacted(&self, mut text: String) -> String {
        let long = self.0.iter().filter(|(_, secret)| secret.expose().len() >= REDACTED_BYTES);
        let mut all: Vec<(&String, String)> =
            long.flat_map(|(name, secret)| forms(secret.expose()).map(move |form| (name, form))).collect();
        // One can be a part of another.
        all.sort_by_key(|(_, form)| std::cmp::Reverse(form.len()));
        for (name, form) in all {
            if text.contains(&form) {
                text = text.replace(&form, &format!("[{name}]"));
            }
        }
        text
    }
}

/// As it is, in a string of JSON, and in a part of a URL; each in small letters, too.
fn forms(value: &str) -> impl Iterator<Item = String> {
    let json = serde_json::Value::from(value).to_string();
    let written =
        [value.to_owned(), json[1..json.len() - 1].to_owned(), utf8_percent_encode(value, COMPONENT).to_string()];
    written.into_iter().flat_map(|form| [form.to_ascii_lowercase(), form])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_for_values() {
        let secret = |name: &str, value: &str| (name.to_owned(), Secret::new(value.to_owned()));
        let all = [
            secret("KEY", "sk_live_1"),
            secret("LONGER", "sk_live_12"),
            secret("PIN", "123"),
            secret("QUOTED", "s3cr3t+\"x\"/\n"),
            secret("TENANT", "Acme-7F"),
        ];
        let secrets: Secrets = all.into_iter().collect();
        let check = |text: &str, expected: &str| assert_eq!(secrets.redacted(text.to_owned()), expected);
        check("paid with sk_live_1 and sk_live_12", "paid with [KEY] and [LONGER]");
        check("nothing, 123", "nothing, 123");
        check(r#"{"s":"s3cr3t+\"x\"/\n"}"#, r#"{"s":"[QUOTED]"}"#);
        check("?s=s3cr3t%2B%22x%22%2F%0A", "?s=[QUOTED]");
        check("?s=s3cr3t%2b%22x%22%2f%0a", "?s=[QUOTED]");
        check("Acme-7F: acme-7f.example has no address", "[TENANT]: [TENANT].example has no address");
    }
}
