use std::collections::HashMap;
use std::sync::Arc;

use backstay_base::{Error, RecordId, ViolationKind, limits};
use backstay_engine::{Answered, Completion, Request};
use backstay_model::Model;
use bytes::Bytes;
use serde_json::value::RawValue;

use super::super::addressed::Named;
use super::super::place::at_request;
use super::super::sent::Sent;
use super::kind::{Kind, naming_its_type};
use super::rewrite::rewritten;
use super::source::Source;
use super::value::value;
use super::{Reference, refused};
use crate::reader::Reader;
use crate::words::shorten;

/// A request that is read when the answers that it refers to are there.
pub(in super::super) struct Later {
    reader: Arc<Reader>,
    text: Box<RawValue>,
    /// The account that calls.
    me: Option<RecordId>,
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
        Self { reader, text: sent.whole.to_owned(), me: sent.me, named, place, sources }
    }

    fn read(&self, answered: Answered<'_>) -> Result<Request, Error> {
        let sent = Sent::read(&self.text, self.me)?;
        let mut values =
            Values { sources: &self.sources, answered, found: HashMap::new(), bytes: 0, looked_through: 0 };
        let model = self.reader.model();
        let replacing = &mut |reference: Reference<'_>, wanted: Kind<'_>| {
            let value = values.of(reference)?;
            match wanted.takes(&value) {
                true => match (wanted, values.kind(model, reference)?) {
                    (Kind::OneOf(_), Kind::Id(of)) => Ok(naming_its_type(of, &value, model)),
                    (_, _) => Ok(value),
                },
                false => Err(not_wanted(reference, &wanted.described(model))),
            }
        };
        let rewritten = rewritten(&sent, (self.reader.model(), self.named), replacing)?;
        rewritten.as_ref().unwrap_or(&sent).typed(&self.reader, self.named)
    }
}

/// The values that one request takes from answers: each is looked up once, and all of them together are bounded.
struct Values<'v, 'a> {
    sources: &'v HashMap<String, (usize, Source)>,
    answered: Answered<'a>,
    /// By what the reference says.
    found: HashMap<String, String>,
    bytes: usize,
    looked_through: usize,
}

impl Values<'_, '_> {
    /// What a reference leads to, as far as that was known before.
    fn kind<'m>(&self, model: &'m Model, reference: Reference<'_>) -> Result<Kind<'m>, ViolationKind> {
        let source = self.sources.get(reference.name).map(|(_, source)| source);
        source.ok_or_else(|| refused(reference))?.kind(model, reference)
    }

    fn of(&mut self, reference: Reference<'_>) -> Result<String, ViolationKind> {
        if !self.found.contains_key(reference.text) {
            let known = self.sources.get(reference.name);
            let source = known.and_then(|(position, source)| Some(((self.answered)(*position)?, source)));
            let (answer, source) = source.ok_or_else(|| refused(reference))?;
            self.looked_through += answer.body().map_or(0, Bytes::len);
            if self.looked_through > limits::REFERENCE_SCAN_BYTES {
                return Err(too_much("looks through", limits::REFERENCE_SCAN_BYTES));
            }
            self.found.insert(reference.text.to_owned(), value(answer, source, reference)?);
        }
        let value = &self.found[reference.text];
        self.bytes += value.len();
        if self.bytes > limits::REFERRED_BYTES {
            return Err(too_much("takes", limits::REFERRED_BYTES));
        }
        Ok(value.clone())
    }
}

/// A value that would be read as more than a value, where the one who wrote it isn't the one who sends it.
fn not_wanted(reference: Reference<'_>, expected: &str) -> ViolationKind {
    ViolationKind::Misused {
        problem: format!("`{}` leads to an object that isn't {expected}", shorten(reference.text)),
        remedy: "send the value itself".to_owned(),
    }
}

fn too_much(does: &str, most: usize) -> ViolationKind {
    ViolationKind::Misused {
        problem: format!("a request {does} at most {} MiB of earlier results", most >> 20),
        remedy: "select less of them, or send the values themselves".to_owned(),
    }
}

impl Completion for Later {
    fn complete(&self, answered: Answered<'_>) -> Result<Request, Error> {
        self.read(answered).map_err(|error| at_request(error, self.place))
    }
}
