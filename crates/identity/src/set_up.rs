use backstay_base::{Entropy, Secret, Unauthenticated};
use parking_lot::Mutex;
use subtle::ConstantTimeEq as _;

use crate::token::{Purpose, issue};

/// The one-time token with which the first operator is added. It is kept in memory only.
#[derive(Debug, Default)]
pub(crate) struct SetUp(Mutex<Option<Secret>>);

impl SetUp {
    /// The token, which is made when it is first asked for.
    pub(crate) fn token(&self, entropy: &dyn Entropy) -> Secret {
        self.0.lock().get_or_insert_with(|| issue(entropy, Purpose::SetUp)).clone()
    }

    /// Refuses everything but the token.
    pub(crate) fn check(&self, shown: &Secret) -> Result<(), Unauthenticated> {
        match &*self.0.lock() {
            Some(token) if matches(token, shown) => Ok(()),
            _ => Err(Unauthenticated::Token),
        }
    }

    /// Takes the token out, so that it works for nobody else.
    pub(crate) fn claim(&self, shown: &Secret) -> Result<Secret, Unauthenticated> {
        self.0.lock().take_if(|token| matches(token, shown)).ok_or(Unauthenticated::Token)
    }

    /// Puts a claimed token back after it led to nothing.
    pub(crate) fn restore(&self, token: Secret) {
        *self.0.lock() = Some(token);
    }

    /// Forgets the token.
    pub(crate) fn close(&self) {
        *self.0.lock() = None;
    }
}

fn matches(token: &Secret, shown: &Secret) -> bool {
    token.expose().as_bytes().ct_eq(shown.expose().as_bytes()).into()
}
