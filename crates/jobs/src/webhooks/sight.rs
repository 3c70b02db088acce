use std::fmt;
use std::sync::Arc;

use backstay_base::{Caller, Error, RecordId};
use backstay_engine::{Context, Perspective};
use backstay_model::CollectionId;
use bytes::Bytes;
use futures_util::future::BoxFuture;

/// What accounts and keys see, and how it is written: endpoints are told no more.
pub trait Sight: fmt::Debug + Send + Sync {
    /// The caller whom an operator names, and what it is stored as, by which `caller` finds it again.
    fn named<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(String, Arc<Caller>), Error>>;

    /// The caller with its rights as they are now. Fails with `Error::NotFound` if there is none any more, and with
    /// `Conflict::Already` if it may not call.
    fn caller<'a>(&'a self, stored: &'a str) -> BoxFuture<'a, Result<Arc<Caller>, Error>>;

    /// The record as the caller would get it, as JSON; `None` if there is none that it may see.
    fn record<'a>(
        &'a self,
        cx: &'a Context,
        record: (CollectionId, RecordId),
        perspective: Perspective,
    ) -> BoxFuture<'a, Result<Option<Bytes>, Error>>;
}
