//! What is answered where the records themselves are not: their ids, and what became of them.

use backstay_base::RecordId;
use backstay_engine::{Answer, AnswerBuffer, Context, EncodeError, Error, Outcome, Upserted, Written};
use backstay_scalar::{ValueRef, write_stored};
use bytes::Bytes;

/// `{"results": […]}`: of each request the body that it is answered with by itself, or null. Minimal results show no
/// record that was written, also if it was kept under a key. It fails if the request may not use the memory for it.
pub fn results(cx: &Context, answers: Vec<Option<Answer>>, minimal: bool) -> Result<Bytes, Error> {
    let mut out = AnswerBuffer::of(cx);
    append(&mut out, answers, minimal)?;
    Ok(out.finish()?)
}

/// Appends the answers one after the other; the memory of each is free when it is appended.
fn append(out: &mut AnswerBuffer, answers: Vec<Option<Answer>>, minimal: bool) -> Result<(), EncodeError> {
    out.append(b"{\"results\":[")?;
    for (index, answer) in answers.into_iter().enumerate() {
        if index > 0 {
            out.append(b",")?;
        }
        let Some(answer) = answer else {
            out.append(b"null")?;
            continue;
        };
        match (answer.body(), &answer) {
            (Some(_), Answer::Written(written)) if minimal && written.outcome != Outcome::Counted => {
                out.append(&names(written))?;
            }
            (Some(body), _) => out.append(body)?,
            (None, Answer::Written(written)) => out.append(&names(written))?,
            (None, Answer::Found(_) | Answer::Page(_)) => out.append(b"null")?,
        }
    }
    out.append(b"]}")
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
