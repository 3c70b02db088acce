use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use backstay_base::{Ambient, Error, Limit, RecordId, Timestamp, limits};
use quick_cache::sync::Cache;
use sha2::{Digest as _, Sha256};

use crate::Settings;
use crate::schema::SubjectKind;

/// What is tried, and what its attempts are counted by.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Attempt<'a> {
    /// Sign-ins with one email address, whether it has an account or not.
    Email(SubjectKind, &'a str),
    /// Passwords of one signed-in account or operator.
    Subject(RecordId),
    /// Passwords from one network address.
    SignIn(IpAddr),
    /// Sign-ups from one network address.
    SignUp(IpAddr),
    /// Set-up tokens from one network address.
    SetUp(IpAddr),
}

/// Limits how often something is tried. Each key has a bucket of attempts that refills evenly; all that is kept of it is
/// the moment at which it will be full (the generic cell rate algorithm, ITU-T I.371, annex A). The number of buckets is
/// bounded: the least used are evicted first.
#[derive(Debug)]
pub(crate) struct Attempts {
    buckets: Cache<[u8; 16], Arc<AtomicI64>>,
    /// Keeps anyone from choosing names that collide.
    salt: [u8; 16],
    window_micros: i64,
    per_account: u32,
    per_address: u32,
    sign_ups: u32,
}

impl Attempts {
    pub(crate) fn new(settings: &Settings, ambient: &Ambient) -> Self {
        let mut salt = [0; 16];
        ambient.entropy.fill(&mut salt);
        Self {
            buckets: Cache::new(limits::ATTEMPT_BUCKETS),
            salt,
            window_micros: i64::from(settings.attempt_minutes) * 60_000_000,
            per_account: settings.attempts_per_account,
            per_address: settings.attempts_per_address,
            sign_ups: settings.sign_ups_per_address,
        }
    }

    /// Counts one attempt. Fails with the seconds to wait if there were too many.
    pub(crate) fn take(&self, attempt: Attempt<'_>, now: Timestamp) -> Result<(), Error> {
        let per_attempt = self.window_micros / i64::from(self.burst(attempt));
        let bucket = self.bucket(attempt);
        let next = |full_at: i64| full_at.max(now.micros()) + per_attempt;
        // How far the bucket would be filled beyond its size.
        let excess = |full_at: i64| next(full_at) - now.micros() - self.window_micros;
        let step = |full_at: i64| (excess(full_at) <= 0).then(|| next(full_at));
        match bucket.fetch_update(Ordering::Relaxed, Ordering::Relaxed, step) {
            Ok(_) => Ok(()),
            Err(full_at) => {
                let retry_after_seconds = excess(full_at).unsigned_abs().div_ceil(1_000_000);
                Err(Limit::Rate { retry_after_seconds }.into())
            }
        }
    }

    /// Gives all attempts back after one of them succeeded.
    pub(crate) fn forgive(&self, attempt: Attempt<'_>) {
        self.buckets.remove(&self.key(attempt));
    }

    fn burst(&self, attempt: Attempt<'_>) -> u32 {
        match attempt {
            Attempt::Email(..) | Attempt::Subject(_) => self.per_account,
            Attempt::SignIn(_) | Attempt::SetUp(_) => self.per_address,
            Attempt::SignUp(_) => self.sign_ups,
        }
    }

    fn bucket(&self, attempt: Attempt<'_>) -> Arc<AtomicI64> {
        let key = self.key(attempt);
        let fresh = || Ok::<_, std::convert::Infallible>(Arc::new(AtomicI64::new(i64::MIN)));
        match self.buckets.get_or_insert_with(&key, fresh) {
            Ok(bucket) => bucket,
            Err(never) => match never {},
        }
    }

    /// The bucket's key: a hash, so that it has one size whatever was sent.
    fn key(&self, attempt: Attempt<'_>) -> [u8; 16] {
        let mut hash = Sha256::new_with_prefix(self.salt);
        match attempt {
            Attempt::SignIn(address) => Self::address(&mut hash, 1, address),
            Attempt::SignUp(address) => Self::address(&mut hash, 2, address),
            Attempt::SetUp(address) => Self::address(&mut hash, 3, address),
            Attempt::Email(SubjectKind::Account, email) => {
                hash.update([4]);
                hash.update(email);
            }
            Attempt::Email(SubjectKind::Operator, email) => {
                hash.update([5]);
                hash.update(email);
            }
            Attempt::Subject(id) => {
                hash.update([6]);
                hash.update(id.as_bytes());
            }
        }
        let mut key = [0; 16];
        key.copy_from_slice(&hash.finalize()[..16]);
        key
    }

    /// Counts the /64 network of an IPv6 address, since one household or server can choose the lower 64 bits freely.
    fn address(hash: &mut Sha256, purpose: u8, address: IpAddr) {
        hash.update([purpose]);
        match address.to_canonical() {
            IpAddr::V4(address) => hash.update(address.octets()),
            IpAddr::V6(address) => hash.update(&address.octets()[..8]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000_000;

    fn attempts() -> Attempts {
        let settings = Settings { attempts_per_account: 3, attempt_minutes: 15, ..Settings::default() };
        Attempts::new(&settings, &Ambient::system())
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
        let (attempts, ada) = (attempts(), Attempt::Email(SubjectKind::Account, "ada@example.org"));
        for _ in 0..3 {
            check(&attempts, ada, 0, None);
        }
        check(&attempts, ada, 0, Some(300));
        check(&attempts, ada, MINUTE, Some(240));
        check(&attempts, ada, 5 * MINUTE, None);
        check(&attempts, ada, 5 * MINUTE, Some(300));
        check(&attempts, ada, 60 * MINUTE, None);
        attempts.forgive(ada);
        for _ in 0..3 {
            check(&attempts, ada, 60 * MINUTE, None);
        }
    }

    #[test]
    fn each_address_has_a_bucket_of_its_own() {
        let attempts = attempts();
        for _ in 0..3 {
            check(&attempts, Attempt::Email(SubjectKind::Account, "ada@example.org"), 0, None);
        }
        check(&attempts, Attempt::Email(SubjectKind::Operator, "ada@example.org"), 0, None);
        check(&attempts, Attempt::Email(SubjectKind::Account, "bob@example.org"), 0, None);
    }

    #[test]
    fn an_ipv6_network_is_one_address() {
        let attempts = attempts();
        let key = |text: &str| attempts.key(Attempt::SignIn(text.parse().expect("an address")));
        assert_eq!(key("2001:db8::1"), key("2001:db8::ffff:1"));
        assert_ne!(key("2001:db8::1"), key("2001:db8:0:1::1"));
        assert_eq!(key("::ffff:192.0.2.1"), key("192.0.2.1"));
        assert_ne!(key("192.0.2.1"), key("192.0.2.2"));
    }
}
