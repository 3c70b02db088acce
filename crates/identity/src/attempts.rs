use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use backstay_base::{Ambient, Error, Limit, Timestamp, limits};
use quick_cache::sync::Cache;
use sha2::{Digest as _, Sha256};

use crate::Settings;

/// What is counted, and by what.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Attempt<'a> {
    /// Sign-ins of one account, by its kind and its e-mail address, whether it exists or not.
    Account(&'a str, &'a str),
    /// Sign-ins from one address.
    SignIn(IpAddr),
    /// Sign-ups from one address.
    SignUp(IpAddr),
    /// Set-up tokens tried from one address.
    SetUp(IpAddr),
}

/// Limits how often something is tried. Each name has a bucket of attempts that fills again evenly; only the moment at
/// which it will be full is kept (the generic cell rate algorithm, ITU-T I.371, annex A). The number of buckets is
/// bounded: the least used go first.
#[derive(Debug)]
pub(crate) struct Attempts {
    buckets: Cache<[u8; 16], Arc<AtomicI64>>,
    /// Makes the names' places in memory unpredictable.
    key: [u8; 16],
    window_micros: i64,
    per_account: u32,
    per_address: u32,
    sign_ups: u32,
}

impl Attempts {
    pub(crate) fn new(settings: &Settings, ambient: &Ambient) -> Self {
        let mut key = [0; 16];
        ambient.entropy.fill(&mut key);
        Self {
            buckets: Cache::new(limits::ATTEMPT_BUCKETS),
            key,
            window_micros: i64::from(settings.attempt_minutes) * 60_000_000,
            per_account: settings.attempts_per_account,
            per_address: settings.attempts_per_address,
            sign_ups: settings.sign_ups_per_address,
        }
    }

    /// Takes one attempt, or says how long to wait for one.
    pub(crate) fn take(&self, attempt: Attempt<'_>, now: Timestamp) -> Result<(), Error> {
        let per_attempt = self.window_micros / i64::from(self.burst(attempt));
        let bucket = self.bucket(attempt);
        let step = |full_at: i64| {
            let next = full_at.max(now.micros()) + per_attempt;
            (next - now.micros() <= self.window_micros).then_some(next)
        };
        match bucket.fetch_update(Ordering::Relaxed, Ordering::Relaxed, step) {
            Ok(_) => Ok(()),
            Err(full_at) => {
                let wait = full_at + per_attempt - self.window_micros - now.micros();
                let seconds = u64::try_from(wait).unwrap_or(0).div_ceil(1_000_000).max(1);
                Err(Limit::Rate { retry_after_seconds: seconds }.into())
            }
        }
    }

    /// Gives all attempts back, because one of them was right.
    pub(crate) fn forgive(&self, attempt: Attempt<'_>) {
        self.buckets.remove(&self.name(attempt));
    }

    fn burst(&self, attempt: Attempt<'_>) -> u32 {
        match attempt {
            Attempt::Account(..) => self.per_account,
            Attempt::SignIn(_) | Attempt::SetUp(_) => self.per_address,
            Attempt::SignUp(_) => self.sign_ups,
        }
    }

    fn bucket(&self, attempt: Attempt<'_>) -> Arc<AtomicI64> {
        let name = self.name(attempt);
        let fresh = || Ok::<_, std::convert::Infallible>(Arc::new(AtomicI64::new(i64::MIN)));
        match self.buckets.get_or_insert_with(&name, fresh) {
            Ok(bucket) => bucket,
            Err(never) => match never {},
        }
    }

    fn name(&self, attempt: Attempt<'_>) -> [u8; 16] {
        let mut hash = Sha256::new_with_prefix(self.key);
        match attempt {
            Attempt::Account(kind, email) => {
                hash.update([0]);
                hash.update(kind);
                hash.update([0]);
                hash.update(email);
            }
            Attempt::SignIn(address) => Self::address(&mut hash, 1, address),
            Attempt::SignUp(address) => Self::address(&mut hash, 2, address),
            Attempt::SetUp(address) => Self::address(&mut hash, 3, address),
        }
        let mut name = [0; 16];
        name.copy_from_slice(&hash.finalize()[..16]);
        name
    }

    /// One household or server has at least the 64 lower bits of an IPv6 address to choose from.
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
        let (attempts, ada) = (attempts(), Attempt::Account("account", "ada@example.org"));
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
    fn names_do_not_share_a_bucket() {
        let attempts = attempts();
        for _ in 0..3 {
            check(&attempts, Attempt::Account("account", "ada@example.org"), 0, None);
        }
        check(&attempts, Attempt::Account("operator", "ada@example.org"), 0, None);
        check(&attempts, Attempt::Account("account", "bob@example.org"), 0, None);
    }

    #[test]
    fn an_ipv6_network_is_one_address() {
        let attempts = attempts();
        let name = |text: &str| attempts.name(Attempt::SignIn(text.parse().expect("an address")));
        assert_eq!(name("2001:db8::1"), name("2001:db8::ffff:1"));
        assert_ne!(name("2001:db8::1"), name("2001:db8:0:1::1"));
        assert_eq!(name("::ffff:192.0.2.1"), name("192.0.2.1"));
        assert_ne!(name("192.0.2.1"), name("192.0.2.2"));
    }
}
