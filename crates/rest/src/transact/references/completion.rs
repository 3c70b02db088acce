use std::collections::HashMap;
use std::sync::Arc;

use backstay_base::Error;
use backstay_engine::{Answered, Completion, Request};
use serde_json::value::RawValue;

use super::super::addressed::Named;
use super::super::place::at_request;
use super::super::sent::Sent;
use super::Reference;
use super::kind::Kind;
use super::names::refused;
use super::rewrite::rewritten;
use super::source::Source;
use super::value::value;
use crate::reader::Reader;

/// A request that is read when the answers that it refers to are there.
pub(in super::super) struct Later {
    reader: Arc<Reader>,
    text: Box<RawValue>,
    named: Named,
    /// Its place among all requests.
    place: usize,
    /// The requests that it refers to, by name: where their answers are, and what they have.
    sources: HashMap<String, (usize, Source)>,
}

impl std::fmt::Debug for Later {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Later").field("place", &self.place).finish_non_exhaustive()
    }
}

impl Later {
    /// Reads a request again when it is complete.
    pub(super) fn new(
        reader: Arc<Reader>,
        (sent, named): (&Sent<'_>, Named),
        (place, sources): (usize, HashMap<String, (usize, Source)>),
    ) -> Self {
        Self { reader, text: sent.whole.to_owned(), named, place, sources }
    }

    fn read(&self, answered: Answered<'_>) -> Result<Request, Error> {
        let sent = Sent::read(&self.text)?;
        let replacing = &mut |reference: Reference<'_>, _: Kind<'_>| {
            let known = self.sources.get(reference.name);
            let source = known.and_then(|(position, source)| Some((answered(*position)?, source)));
            let (answer, source) = source.ok_or_else(|| refused(reference))?;
            value(answer, source, reference)
        };
        let rewritten = rewritten(&sent, (self.reader.model(), self.named), replacing)?;
        rewritten.as_ref().unwrap_or(&sent).typed(&self.reader, self.named)
    }
}

impl Completion for Later {
    fn complete(&self, answered: Answered<'_>) -> Result<Request, Error> {
        self.read(answered).map_err(|error| at_request(error, self.place))
    }
}
