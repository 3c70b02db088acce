use backstay_base::{Ambient, Error, Place, Secret, Unauthenticated};

use crate::attempts::Attempts;
use crate::credential::Credential;
use crate::hashing::{Hasher, StoredHash, Verdict};
use crate::{Settings, StartError, password};

/// Checks passwords and hashes new ones, and limits how often either is tried.
#[derive(Debug)]
pub(crate) struct Authenticator {
    pub(crate) attempts: Attempts,
    hasher: Hasher,
    password_min: u8,
}

/// A credential whose password was shown.
#[derive(Debug)]
pub(crate) struct Proven {
    pub(crate) credential: Credential,
    /// The hash that the password was compared with.
    pub(crate) hash: StoredHash,
    /// Whether the hash has another cost than new ones.
    pub(crate) outdated: bool,
}

impl Authenticator {
    pub(crate) fn start(settings: &Settings, ambient: &Ambient) -> Result<Self, StartError> {
        Ok(Self {
            attempts: Attempts::new(settings, ambient),
            hasher: Hasher::start(settings.hashing, ambient.clone())?,
            password_min: settings.password_min,
        })
    }

    /// The credential, if it is enabled and this is its password. One hash is computed in every case, so that the time
    /// does not tell which it was.
    pub(crate) async fn prove(&self, credential: Option<Credential>, password: &Secret) -> Result<Proven, Error> {
        let too_long = password::is_too_long(password);
        let shown = if too_long { Secret::new(String::new()) } else { password.clone() };
        let usable = credential.filter(|_| !too_long);
        let stored = usable.as_ref().and_then(|credential| credential.password_hash.clone());
        let verdict = self.hasher.verify(shown, stored.clone()).await?;
        match (verdict, usable, stored) {
            (Verdict::Right | Verdict::Outdated, Some(credential), Some(hash)) if !credential.disabled => {
                Ok(Proven { credential, hash, outdated: verdict == Verdict::Outdated })
            }
            _ => Err(Unauthenticated::Credentials.into()),
        }
    }

    /// Refuses a new password that is easily guessed, for whoever signs in with this address. `at` is the place of the
    /// violation.
    pub(crate) fn check_new(&self, at: Place, password: &Secret, email: &str) -> Result<(), Error> {
        password::check_new(at, password, email, self.password_min)
    }

    /// The hash of a new password, which was checked.
    pub(crate) async fn hash(&self, password: Secret) -> Result<StoredHash, Error> {
        self.hasher.hash(password).await
    }

    /// How many password hashes were computed since the start.
    pub(crate) fn hashes_computed(&self) -> u64 {
        self.hasher.computed()
    }
}
