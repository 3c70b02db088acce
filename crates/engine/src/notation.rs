//! How a procedure writes its requests and reads their answers.

use std::fmt;

use backstay_base::{Error, RecordId};
use backstay_model::{Collection, CollectionId};
use bytes::Bytes;

use crate::{Answer, Encoder, Input, Request, RequestKind};

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

    /// Reads values for fields of a record, as a hook returns them.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    fn changes(&self, collection: CollectionId, text: &[u8]) -> Result<Input, Error>;

    /// An answer as a whole: what was encoded, or the ids of what was written.
    fn answer(&self, answer: &Answer) -> Bytes;

    /// The same error with its places in the request of this kind.
    fn placed(&self, kind: RequestKind, error: Error) -> Error;

    /// Writes records.
    fn encoder(&self) -> &'static dyn Encoder;
}
