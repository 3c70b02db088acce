//! What is answered where the records themselves are not: their ids, and what became of them.

use backstay_base::RecordId;
use backstay_engine::{Answer, AnswerBuffer, Context, EncodeError, Error, Outcome, Upserted, Written};
use backstay_scalar::{ValueRef, write_stored};
use bytes::Bytes;

/// Writes `{"results": […]}`. Minimal results show no record that was written, also if it was kept under a key. The memory of
/// each answer is free when it is written. It fails if the request may not use the memory for it.
#[derive(Debug)]
pub struct Results {
    out: AnswerBuffer,
    minimal: bool,
    opening: &'static [u8],
}

impl Results {
    /// None yet.
    pub fn of(cx: &Context, minimal: bool) -> Self {
        Self { out: AnswerBuffer::of(cx), minimal, opening: b"{\"results\":[" }
    }

    /// Of requests that are answered together: the body that one of them is answered with by itself, or null.
    pub fn together(cx: &Context, answers: Vec<Option<Answer>>, minimal: bool) -> Result<Bytes, Error> {
        let mut results = Self::of(cx, minimal);
        for answer in answers {
            results.begin()?;
            match answer {
                Some(answer) => results.body(&answer)?,
                None => results.out.append(b"null")?,
            }
        }
        results.finish()
    }

    /// Of a request that is answered by itself: `{"status": 201, "body": …}`, without a body if there is none.
    pub fn answered(&mut self, status: u16, answer: Option<&Answer>) -> Result<(), EncodeError> {
        self.status(status)?;
        if let Some(answer) = answer {
            self.out.append(b",\"body\":")?;
            self.body(answer)?;
        }
        self.out.append(b"}")
    }

    /// Of a request that is refused by itself: `{"status": 422, "problem": {…}}`.
    pub fn refused(&mut self, status: u16, problem: &[u8]) -> Result<(), EncodeError> {
        self.status(status)?;
        self.out.append(b",\"problem\":")?;
        self.out.append(if problem.is_empty() { b"null" } else { problem })?;
        self.out.append(b"}")
    }

    /// All of them.
    pub fn finish(mut self) -> Result<Bytes, Error> {
        self.out.append(b"]}")?;
        Ok(self.out.finish()?)
    }

    fn status(&mut self, status: u16) -> Result<(), EncodeError> {
        self.begin()?;
        self.out.append(format!("{{\"status\":{status}").as_bytes())
    }

    fn begin(&mut self) -> Result<(), EncodeError> {
        self.out.append(std::mem::replace(&mut self.opening, b","))
    }

    /// What a request in a transaction is answered with.
    fn body(&mut self, answer: &Answer) -> Result<(), EncodeError> {
        match (answer.body(), answer) {
            (Some(_), Answer::Written(written)) if self.minimal && written.outcome != Outcome::Counted => {
                self.out.append(&names(written))
            }
            (Some(body), _) => self.out.append(body),
            (None, Answer::Written(written)) => self.out.append(&names(written)),
            (None, Answer::Found(_) | Answer::Page(_)) => self.out.append(b"null"),
        }
    }
}

/// What a request in a transaction is answered with, as a whole.
pub(crate) fn in_results(answer: &Answer) -> Bytes {
    match (answer.body(), answer) {
        (Some(body), _) => body.clone(),
        (None, Answer::Written(written)) => names(written).into(),
        (None, Answer::Found(_) | Answer::Page(_)) => Bytes::from_static(b"null"),
    }
}

/// What became of the records that a request could create or change, where they aren't shown: `{"outcome": …, "id": …}` of
/// each. `None` of any other write.
pub fn outcomes(written: &Written) -> Option<Bytes> {
    (!written.upserted.is_empty()).then(|| names(written).into())
}

/// What was written, where the records themselves are not shown: `{"id": …}` of each, and null after a deletion.
fn names(written: &Written) -> Vec<u8> {
    let mut out = Vec::new();
    let outcomes = written.upserted.iter().copied().map(Some).chain(std::iter::repeat(None));
    let mut each = written.ids.iter().zip(outcomes);
    match (written.outcome, written.version) {
        (Outcome::Deleted | Outcome::Counted, _) => out.extend_from_slice(b"null"),
        (Outcome::Created | Outcome::Updated, Some(_)) => each.for_each(|one| name(&mut out, one)),
        (Outcome::Created | Outcome::Updated, None) => {
            out.push(b'[');
            if let Some(first) = each.next() {
                name(&mut out, first);
            }
            for one in each {
                out.push(b',');
                name(&mut out, one);
            }
            out.push(b']');
        }
    }
    out
}

fn name(out: &mut Vec<u8>, (id, upserted): (&RecordId, Option<Upserted>)) {
    out.push(b'{');
    if let Some(upserted) = upserted {
        out.extend_from_slice(b"\"outcome\":\"");
        out.extend_from_slice(upserted.name().as_bytes());
        out.extend_from_slice(b"\",");
    }
    out.extend_from_slice(b"\"id\":");
    write_stored(out, ValueRef::Id(id.key()));
    out.push(b'}');
}
