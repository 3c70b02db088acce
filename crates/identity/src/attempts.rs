use std::sync::Arc;

use backstay_base::{Ambient, Bucket, Error, Network, RecordId, Timestamp, limits};
use quick_cache::sync::Cache;
use sha2::{Digest as _, Sha256};

use crate::Settings;
use crate::schema::SubjectKind;

/// What is tried, from which network.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Attempt<'a> {
    /// A sign-in with an email address, whether it has an account or not.
    Email(SubjectKind, &'a str, Network),
    /// The password of a signed-in account or operator.
    Subject(RecordId, Network),
    /// A password, whoever's it is.
    Password(Network),
    /// A sign-up.
    SignUp(Network),
    /// A set-up token.
    SetUp(Network),
    /// A link.
    Link(Network),
}

/// Limits how often something is tried. Each key has a bucket of attempts. The number of buckets is bounded: the least used are
/// evicted first.
///
/// Attempts at one account are counted by network, so that strangers use up their own and not its owner's. Those from
/// networks from which nobody has signed in to the account are also counted together, with a higher limit, so that
/// many networks can't guess as often as they like.
#[derive(Debug)]
pub(crate) struct Attempts {
    buckets: Cache<Key, Arc<Bucket>>,
    /// The networks from which somebody has signed in to an account, by the key of its bucket.
    familiar: Cache<Key, ()>,
    /// Keeps anyone from choosing names that collide.
    salt: [u8; 16],
    window_micros: i64,
    per_account: u32,
    per_address: u32,
    sign_ups: u32,
}

/// A hash of what is counted, so that it has one size whatever was sent.
type Key = [u8; 16];

impl Attempts {
    pub(crate) fn new(settings: &Settings, ambient: &Ambient) -> Self {
        let mut salt = [0; 16];
        ambient.entropy.fill(&mut salt);
        Self {
            buckets: Cache::new(limits::ATTEMPT_BUCKETS),
            familiar: Cache::new(limits::FAMILIAR_NETWORKS),
            salt,
            window_micros: i64::from(settings.attempt_minutes) * 60_000_000,
            per_account: settings.attempts_per_account,
            per_address: settings.attempts_per_address,
            sign_ups: settings.sign_ups_per_address,
        }
    }

    /// Counts one attempt. Fails with the seconds to wait if there were too many.
    pub(crate) fn take(&self, attempt: Attempt<'_>, now: Timestamp) -> Result<(), Error> {
        let key = self.key(attempt);
        let (burst, strangers) = match attempt {
            Attempt::Email(kind, email, _) => (self.per_account, Some(self.strangers_to_email(kind, email))),
            Attempt::Subject(id, _) => (self.per_account, Some(self.hash(STRANGERS_TO_SUBJECT, &[id.as_bytes()]))),
            Attempt::Password(_) | Attempt::SetUp(_) => (self.per_address, None),
            Attempt::SignUp(_) => (self.sign_ups, None),
            Attempt::Link(_) => (limits::SECRET_LINKS_PER_ADDRESS, None),
        };
        self.count(key, burst, now)?;
        match strangers {
            Some(strangers) if self.familiar.get(&key).is_none() => {
                self.count(strangers, self.per_account.saturating_mul(limits::STRANGERS_FACTOR), now)
            }
            _ => Ok(()),
        }
    }

    /// Gives all attempts from this network back after one of them succeeded. From now on they are not counted together
    /// with those of strangers.
    pub(crate) fn succeed(&self, attempt: Attempt<'_>) {
        let key = self.key(attempt);
        self.buckets.remove(&key);
        self.familiar.insert(key, ());
    }

    fn count(&self, key: Key, burst: u32, now: Timestamp) -> Result<(), Error> {
        Ok(self.bucket(key).take(burst, self.window_micros, now)?)
    }

    fn bucket(&self, key: Key) -> Arc<Bucket> {
        let fresh = || Ok::<_, std::convert::Infallible>(Arc::default());
        match self.buckets.get_or_insert_with(&key, fresh) {
            Ok(bucket) => bucket,
            Err(never) => match never {},
        }
    }

    fn key(&self, attempt: Attempt<'_>) -> Key {
        match attempt {
            Attempt::Email(SubjectKind::Account, email, from) => self.hash(1, &[from.as_bytes(), email.as_bytes()]),
            Attempt::Email(SubjectKind::Operator, email, from) => self.hash(2, &[from.as_bytes(), email.as_bytes()]),
            Attempt::Subject(id, from) => self.hash(3, &[from.as_bytes(), id.as_bytes()]),
            Attempt::Password(from) => self.hash(4, &[from.as_bytes()]),
            Attempt::SignUp(from) => self.hash(5, &[from.as_bytes()]),
            Attempt::SetUp(from) => self.hash(6, &[from.as_bytes()]),
            Attempt::Link(from) => self.hash(LINK, &[from.as_bytes()]),
        }
    }

    /// The key of all attempts at an address from networks that are not familiar.
    fn strangers_to_email(&self, kind: SubjectKind, email: &str) -> Key {
        let purpose = match kind {
            SubjectKind::Account => STRANGERS_TO_ACCOUNT,
            SubjectKind::Operator => STRANGERS_TO_OPERATOR,
        };
        self.hash(purpose, &[email.as_bytes()])
    }

    fn hash(&self, purpose: u8, parts: &[&[u8]]) -> Key {
        let mut hash = Sha256::new_with_prefix(self.salt);
        hash.update([purpose]);
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let mut key = [0; 16];
        key.copy_from_slice(&hash.finalize()[..16]);
        key
    }
}

const STRANGERS_TO_ACCOUNT: u8 = 7;
const STRANGERS_TO_OPERATOR: u8 = 8;
const STRANGERS_TO_SUBJECT: u8 = 9;
const LINK: u8 = 10;

#[cfg(test)]
mod tests {
    use backstay_base::Limit;

    use super::*;

    const MINUTE: i64 = 60_000_000;

    fn attempts() -> Attempts {
        let settings = Settings { attempts_per_account: 3, attempt_minutes: 15, ..Settings::default() };
        Attempts::new(&settings, &Ambient::system())
    }

    fn email(kind: SubjectKind, email: &str) -> Attempt<'_> {
        Attempt::Email(kind, email, Network::V4([192, 0, 2, 1]))
    }

    fn check(attempts: &Attempts, attempt: Attempt<'_>, at: i64, expected: Option<u64>) {
        let got = match attempts.take(attempt, Timestamp::from_micros_saturating(at)) {
            Ok(()) => None,
            Err(Error::Limit(Limit::Rate { retry_after_seconds })) => Some(retry_after_seconds),
            Err(other) => panic!("{other:?}"),
        };
        assert_eq!(got, expected, "at {at}");
    }

    #[test]
    fn a_bucket_empties_and_fills_evenly() {
        let (attempts, ada) = (attempts(), email(SubjectKind::Account, "ada@example.org"));
        for _ in 0..3 {
            check(&attempts, ada, 0, None);
        }
        check(&attempts, ada, 0, Some(300));
        check(&attempts, ada, MINUTE, Some(240));
        check(&attempts, ada, 5 * MINUTE, None);
        check(&attempts, ada, 5 * MINUTE, Some(300));
        check(&attempts, ada, 60 * MINUTE, None);
        attempts.succeed(ada);
        for _ in 0..3 {
            check(&attempts, ada, 60 * MINUTE, None);
        }
    }

    #[test]
    fn each_address_has_a_bucket_of_its_own() {
        let attempts = attempts();
        for _ in 0..3 {
            check(&attempts, email(SubjectKind::Account, "ada@example.org"), 0, None);
        }
        check(&attempts, email(SubjectKind::Operator, "ada@example.org"), 0, None);
        check(&attempts, email(SubjectKind::Account, "bob@example.org"), 0, None);
    }
}
