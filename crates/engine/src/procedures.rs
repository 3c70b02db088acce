//! What carries out the actions that a model declares, and how it writes its requests.

use std::fmt;
use std::sync::Arc;

use backstay_base::{Error, RecordId};
use backstay_model::Collection;
use bytes::Bytes;
use futures_util::future::BoxFuture;

use crate::{ActionCall, Answer, Encoder, Request, RequestKind};

/// The procedures that carry out the actions of a model.
pub trait Procedures: fmt::Debug + Send + Sync {
    /// The one that `@function(name:)` names.
    fn procedure(&self, function: &str) -> Option<Arc<dyn Procedure>>;
}

/// Carries out an action.
pub trait Procedure: fmt::Debug + Send + Sync {
    /// Carries it out, and returns its result as JSON. It is dropped if the time of its caller is up; what it has committed by
    /// then remains.
    fn run(&self, call: ActionCall) -> BoxFuture<'_, Result<String, Error>>;
}

/// A notation in which procedures write requests and read answers.
pub trait Notation: fmt::Debug + Send + Sync {
    /// Reads one request about collections that are visible. `me`: the account that calls.
    ///
    /// # Errors
    /// Everything that is wrong with it, at places of this notation.
    fn request(
        &self,
        text: &[u8],
        visible: &dyn Fn(&Collection) -> bool,
        me: Option<RecordId>,
    ) -> Result<Request, Error>;

    /// An answer as a whole: what was encoded, or the ids of what was written.
    fn answer(&self, answer: &Answer) -> Bytes;

    /// The same error with its places in the request of this kind.
    fn placed(&self, kind: RequestKind, error: Error) -> Error;

    /// Writes records.
    fn encoder(&self) -> &'static dyn Encoder;
}
