//! The values of references, taken from answers as their caller sees them.

use backstay_base::ViolationKind;
use backstay_engine::{Answer, Written};
use backstay_scalar::{ValueRef, items, members, write_stored};
use serde_json::value::RawValue;

use super::Reference;
use super::source::{ID, Source, VERSION};
use crate::words::shorten;

/// The value that a reference leads to, as JSON.
pub(super) fn value(answer: &Answer, source: &Source, reference: Reference<'_>) -> Result<String, ViolationKind> {
    let path = reference.path();
    let (item, path) = match (source.several, path.split_first()) {
        (Some(_), Some((item, rest))) => (item.parse().unwrap_or(usize::MAX), rest),
        (Some(_), None) | (None, _) => (0, &path[..]),
    };
    if let (Answer::Written(written), [ID]) = (answer, path) {
        return written_id(written, item).ok_or_else(|| unseen(reference));
    }
    let body = answer.body().and_then(|body| std::str::from_utf8(body).ok());
    let record = match source.several {
        Some(_) => body.and_then(|body| items(body).ok()?.get(item).map(|item| item.get())),
        None => body,
    };
    let found = record.and_then(|record| member(answer, record)).and_then(|record| at(record, path));
    match (found, answer, path) {
        (Some(found), _, _) => Ok(found.to_owned()),
        (None, Answer::Written(Written { version: Some(version), tag: Some(_), .. }), [VERSION]) => {
            Ok(version.to_string())
        }
        (None, Answer::Found(found), [VERSION]) => Ok(found.version.to_string()),
        (None, Answer::Found(_) | Answer::Written(_) | Answer::Page(_), _) => Err(unseen(reference)),
    }
}

fn written_id(written: &Written, item: usize) -> Option<String> {
    let mut out = Vec::new();
    write_stored(&mut out, ValueRef::Id(written.ids.get(item)?.key()));
    String::from_utf8(out).ok()
}

/// A record that is answered, without what became of it.
fn member<'b>(answer: &Answer, record: &'b str) -> Option<&'b str> {
    match answer {
        Answer::Written(written) if !written.upserted.is_empty() => at(record, &["record"]),
        Answer::Written(_) | Answer::Found(_) | Answer::Page(_) => Some(record),
    }
}

/// What the steps lead to from here.
fn at<'b>(mut raw: &'b str, path: &[&str]) -> Option<&'b str> {
    for step in path {
        let inner: &RawValue = match raw.as_bytes().first()? {
            b'{' => members(raw).ok()?.into_iter().find(|(name, _)| name == step)?.1,
            b'[' => items(raw).ok()?.into_iter().nth(step.parse().ok()?)?,
            _ => return None,
        };
        raw = inner.get();
    }
    Some(raw)
}

/// Why there is no value: every answer has those that its caller may read.
fn unseen(reference: Reference<'_>) -> ViolationKind {
    ViolationKind::Misused {
        problem: format!(
            "the result of `{}` has no `{}`, because you may not read it or there is none",
            shorten(reference.name),
            shorten(reference.member())
        ),
        remedy: "send the value itself".to_owned(),
    }
}
