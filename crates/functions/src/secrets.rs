//! What `secrets.get(…)` returns, and keeps out of the log.

use std::collections::BTreeMap;
use std::sync::Arc;

use backstay_base::Secret;

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

    /// A text in which names in brackets stand for the values.
    pub(crate) fn redacted(&self, mut text: String) -> String {
        let mut all: Vec<(&String, &str)> = self.0.iter().map(|(name, secret)| (name, secret.expose())).collect();
        // One can be a part of another.
        all.sort_by_key(|(_, value)| std::cmp::Reverse(value.len()));
        for (name, value) in all.into_iter().filter(|(_, value)| value.len() >= REDACTED_BYTES) {
            if text.contains(value) {
                text = text.replace(value, &format!("[{name}]"));
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_for_values() {
        let secret = |name: &str, value: &str| (name.to_owned(), Secret::new(value.to_owned()));
        let secrets: Secrets =
            [secret("KEY", "sk_live_1"), secret("LONGER", "sk_live_12"), secret("PIN", "123")].into_iter().collect();
        let check = |text: &str, expected: &str| assert_eq!(secrets.redacted(text.to_owned()), expected);
        check("paid with sk_live_1 and sk_live_12", "paid with [KEY] and [LONGER]");
        check("nothing, 123", "nothing, 123");
    }
}
