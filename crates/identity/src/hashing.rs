use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use argon2::password_hash::{Output, PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use backstay_base::{Ambient, Error, Limit, Secret, limits, lower_priority};
use backstay_scalar::Value;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::error::Damaged;
use crate::{HashingCost, StartError};

const SALT_BYTES: usize = 16;

type Job = Box<dyn FnOnce() + Send>;

/// A password's hash in the PHC string format, as it is stored; never printed.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct StoredHash(Arc<str>);

impl StoredHash {
    /// The hash in a record, if there is one; `field` names it if it is damaged.
    pub(crate) fn read(value: &Value, field: &'static str) -> Result<Option<Self>, Damaged> {
        match value {
            Value::Text(hash) => Ok(Some(Self(Arc::clone(hash)))),
            Value::Null => Ok(None),
            _ => Err(Damaged(field)),
        }
    }

    /// The hash as it is stored.
    pub(crate) fn value(&self) -> Value {
        Value::Text(Arc::clone(&self.0))
    }
}

impl fmt::Debug for StoredHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoredHash(…)")
    }
}

/// Computes password hashes on threads of its own, so that neither requests nor the database wait for them. Refuses work
/// when its queue is full.
pub(crate) struct Hasher {
    queue: SyncSender<Job>,
    argon2: Argon2<'static>,
    ambient: Ambient,
    /// Compared with a password if there is no stored hash. No password has this hash.
    nobody: StoredHash,
    computed: Arc<AtomicU64>,
}

/// The result of comparing a password with a stored hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The password is wrong, or there is no hash.
    Wrong,
    /// The password is right.
    Right,
    /// The password is right, but the hash has another cost than new ones.
    Outdated,
}

impl Hasher {
    pub(crate) fn start(cost: HashingCost, ambient: Ambient) -> Result<Self, StartError> {
        let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, None);
        let params = params.map_err(|error| StartError::Hashing(Arc::new(error)))?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let nobody = unmatched(&argon2, &ambient).map_err(|error| StartError::Hashing(Arc::new(error)))?;

        let (queue, jobs) = sync_channel::<Job>(limits::HASHING_QUEUE);
        let jobs = Arc::new(Mutex::new(jobs));
        for number in 0..cost.threads {
            let jobs = Arc::clone(&jobs);
            let thread = std::thread::Builder::new().name(format!("hashing-{number}"));
            thread.spawn(move || work(&jobs)).map_err(|error| StartError::Thread(Arc::new(error)))?;
        }
        Ok(Self { queue, argon2, ambient, nobody, computed: Arc::default() })
    }

    /// The hash of a new password, in the PHC string format.
    pub(crate) async fn hash(&self, password: Secret) -> Result<StoredHash, Error> {
        let argon2 = self.argon2.clone();
        let salt = salt(&self.ambient).map_err(Error::internal)?;
        self.compute(move || {
            let hash = argon2.hash_password(password.expose().as_bytes(), &salt);
            hash.map(|hash| StoredHash(hash.to_string().into())).map_err(Error::internal)
        })
        .await?
    }

    /// Compares a password with a stored hash. Does the same work without one, so that the time reveals nothing.
    pub(crate) async fn verify(&self, password: Secret, stored: Option<StoredHash>) -> Result<Verdict, Error> {
        let argon2 = self.argon2.clone();
        let stored = stored.unwrap_or_else(|| self.nobody.clone());
        self.compute(move || {
            let hash = PasswordHash::new(&stored.0).map_err(Error::internal)?;
            if argon2.verify_password(password.expose().as_bytes(), &hash).is_err() {
                return Ok(Verdict::Wrong);
            }
            let current = hash.algorithm == Algorithm::Argon2id.ident()
                && hash.version == Some(Version::V0x13.into())
                && Params::try_from(&hash).is_ok_and(|params| same_cost(&params, argon2.params()));
            Ok(if current { Verdict::Right } else { Verdict::Outdated })
        })
        .await?
    }

    /// How many hashes were computed so far.
    pub(crate) fn computed(&self) -> u64 {
        self.computed.load(Ordering::Relaxed)
    }

    async fn compute<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        let (answer, answered) = oneshot::channel();
        let computed = Arc::clone(&self.computed);
        let job = move || {
            // A request that was abandoned while it was queued needs no hash; one that is abandoned now, no answer.
            if !answer.is_closed() {
                computed.fetch_add(1, Ordering::Relaxed);
                let _ = answer.send(work());
            }
        };
        self.queue.try_send(Box::new(job)).map_err(|error| match error {
            TrySendError::Full(_) => Error::from(Limit::Busy),
            TrySendError::Disconnected(_) => Error::internal(HashingFailed),
        })?;
        answered.await.map_err(|_| Error::internal(HashingFailed))
    }
}

/// The computation of a hash panicked.
#[derive(Debug, thiserror::Error)]
#[error("the computation of a password hash panicked")]
struct HashingFailed;

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hasher").field("computed", &self.computed).finish_non_exhaustive()
    }
}

/// Works until the queue is closed, which is when its `Hasher` is dropped. A job that panics loses its answer and nothing
/// else.
fn work(jobs: &Mutex<Receiver<Job>>) {
    lower_priority();
    loop {
        let job = jobs.lock().recv();
        match job {
            // The panic hook has logged the panic, and the job's caller gets an internal error because its answer is dropped.
            Ok(job) => drop(catch_unwind(AssertUnwindSafe(job))),
            Err(_) => return,
        }
    }
}

fn same_cost(left: &Params, right: &Params) -> bool {
    (left.m_cost(), left.t_cost(), left.p_cost()) == (right.m_cost(), right.t_cost(), right.p_cost())
}

fn salt(ambient: &Ambient) -> Result<SaltString, argon2::password_hash::Error> {
    let mut bytes = [0_u8; SALT_BYTES];
    ambient.entropy.fill(&mut bytes);
    SaltString::encode_b64(&bytes)
}

/// A hash of the configured cost that belongs to no password: its output is random.
fn unmatched(argon2: &Argon2<'_>, ambient: &Ambient) -> Result<StoredHash, argon2::password_hash::Error> {
    let salt = salt(ambient)?;
    let mut output = [0_u8; Params::DEFAULT_OUTPUT_LEN];
    ambient.entropy.fill(&mut output);
    let hash = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: argon2.params().try_into()?,
        salt: Some(salt.as_salt()),
        hash: Some(Output::new(&output)?),
    };
    Ok(StoredHash(hash.to_string().into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: HashingCost = HashingCost { memory_kib: 16, passes: 1, lanes: 1, threads: 1 };

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    #[tokio::test]
    async fn a_password_is_told_from_others() {
        let hasher = Hasher::start(CHEAP, Ambient::system()).expect("starts");
        let hash = hasher.hash(secret("correct horse")).await.expect("hashes");
        assert!(hash.0.starts_with("$argon2id$v=19$m=16,t=1,p=1$"), "{}", hash.0);
        let check = async |password: &str, stored: Option<&StoredHash>, expected: Verdict| {
            let got = hasher.verify(secret(password), stored.cloned()).await.expect("verifies");
            assert_eq!(got, expected, "{password}");
        };
        check("correct horse", Some(&hash), Verdict::Right).await;
        check("correct horsf", Some(&hash), Verdict::Wrong).await;
        check("correct horse", None, Verdict::Wrong).await;
        assert_eq!(hasher.computed(), 4);
    }

    #[tokio::test]
    async fn a_hash_of_another_cost_is_accepted_and_reported_as_outdated() {
        let before = Hasher::start(CHEAP, Ambient::system()).expect("starts");
        let hash = before.hash(secret("correct horse")).await.expect("hashes");
        let now = Hasher::start(HashingCost { passes: 2, ..CHEAP }, Ambient::system()).expect("starts");
        assert_eq!(now.verify(secret("correct horse"), Some(hash.clone())).await.expect("verifies"), Verdict::Outdated);
        assert_eq!(now.verify(secret("another"), Some(hash)).await.expect("verifies"), Verdict::Wrong);
    }

    #[tokio::test]
    async fn a_full_queue_refuses() {
        let hasher = Hasher::start(CHEAP, Ambient::system()).expect("starts");
        let (open, gate) = std::sync::mpsc::channel::<()>();
        let (begun, beginning) = std::sync::mpsc::channel::<()>();
        let wait = move || {
            begun.send(()).expect("the test waits");
            gate.recv().expect("the test opens");
        };
        hasher.queue.try_send(Box::new(wait)).expect("there is room");
        beginning.recv().expect("the thread begins");
        for _ in 0..limits::HASHING_QUEUE {
            hasher.queue.try_send(Box::new(|| ())).expect("there is room");
        }
        let refused = hasher.hash(secret("correct horse")).await;
        assert!(matches!(refused, Err(Error::Limit(Limit::Busy))), "{refused:?}");
        open.send(()).expect("the thread waits");
    }

    #[tokio::test]
    async fn a_job_that_panics_is_an_internal_error_and_its_thread_goes_on() {
        let hasher = Hasher::start(CHEAP, Ambient::system()).expect("starts");
        let lost: Result<(), Error> = hasher.compute(|| panic!("the test says so")).await;
        assert!(matches!(lost, Err(Error::Internal(_))), "{lost:?}");
        // It was the only thread.
        hasher.hash(secret("correct horse")).await.expect("hashes");
    }

    #[test]
    fn impossible_costs_are_refused() {
        let refused = Hasher::start(HashingCost { memory_kib: 1, ..CHEAP }, Ambient::system());
        assert!(matches!(refused, Err(StartError::Hashing(_))));
    }
}
