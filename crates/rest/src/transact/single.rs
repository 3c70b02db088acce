//! One request in the notation of `/transact`, as the procedure of an action makes it.

use std::sync::Arc;

use backstay_base::{Error, Place, RecordId, ViolationKind};
use backstay_engine::{Answer, Encoder, Input, Notation, Request, RequestKind};
use backstay_model::{Collection, CollectionId};
use bytes::Bytes;
use serde_json::value::RawValue;

use super::Member;
use super::addressed::addressed;
use super::place::in_request;
use super::sent::Sent;
use crate::input::input;
use crate::reader::Reader;
use crate::results::in_results;

/// The notation in which procedures write requests: that of one request of `/transact`.
#[derive(Debug)]
pub struct SingleRequests(Arc<Reader>);

impl SingleRequests {
    /// Those whose texts this reader reads.
    pub fn new(reader: Arc<Reader>) -> Self {
        Self(reader)
    }
}

impl Notation for SingleRequests {
    fn request(
        &self,
        text: &[u8],
        visible: &dyn Fn(&Collection) -> bool,
        me: Option<RecordId>,
    ) -> Result<Request, Error> {
        let expected = || ViolationKind::Type { expected: "a request as in /transact, as JSON".to_owned() };
        let raw: &RawValue = serde_json::from_slice(text).map_err(|_| Error::malformed(Place::Whole, expected()))?;
        let sent = Sent::read(raw, me)?;
        if sent.member(Member::As).is_some() {
            let (problem, remedy) = ("`as` is for requests of /transact".to_owned(), "use the answer".to_owned());
            let kind = ViolationKind::Misused { problem, remedy };
            return Err(Error::malformed(Place::member(Member::As.name()), kind));
        }
        let named = addressed(&self.0, &sent, visible)?;
        sent.typed(&self.0, named)
    }

    fn changes(&self, collection: CollectionId, text: &[u8]) -> Result<Input, Error> {
        input(self.0.model(), collection, text)
    }

    fn answer(&self, answer: &Answer) -> Bytes {
        in_results(answer)
    }

    fn placed(&self, kind: RequestKind, error: Error) -> Error {
        in_request(error, kind)
    }

    fn encoder(&self) -> &'static dyn Encoder {
        crate::JSON
    }
}
