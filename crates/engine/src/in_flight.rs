use std::collections::HashSet;

use backstay_base::{Conflict, Error};
use backstay_store::KeyClaim;
use parking_lot::Mutex;

/// Idempotency keys of requests that have not ended: a second request with one of them is refused instead of waiting.
#[derive(Debug, Default)]
pub(crate) struct InFlight(Mutex<HashSet<(Vec<u8>, String)>>);

/// Holds a key until the request has ended.
#[derive(Debug)]
pub(crate) struct Held<'f> {
    keys: &'f InFlight,
    key: (Vec<u8>, String),
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.keys.0.lock().remove(&self.key);
    }
}

impl InFlight {
    /// Takes the key for one request, until the answer is dropped.
    pub(crate) fn hold(&self, claim: &KeyClaim) -> Result<Held<'_>, Error> {
        let key = (claim.scope.clone(), claim.key.clone());
        match self.0.lock().insert(key.clone()) {
            true => Ok(Held { keys: self, key }),
            false => Err(Conflict::InFlight.into()),
        }
    }
}
