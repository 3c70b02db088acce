//! The requests in a body, not yet read.

use backstay_base::{Error, Place, ViolationKind, limits};
use backstay_engine::RequestKind;
use serde_json::value::RawValue;

use super::Member;
use crate::json;
use crate::reader::Reader;
use crate::words::shorten;

/// Whether reading this body can take long: the filters of its lists are long and aren't known yet.
pub(super) fn takes_long(reader: &Reader, body: &[u8]) -> bool {
    let unknown = |item: &&RawValue| unknown_bytes(reader, item).unwrap_or(0);
    body.len() > limits::LONG_FILTER_BYTES
        && items(body).is_ok_and(|items| items.iter().map(unknown).sum::<usize>() > limits::LONG_FILTER_BYTES)
}

/// The requests in a body, not yet read.
pub(super) fn items(body: &[u8]) -> Result<Vec<&RawValue>, Error> {
    let form = "write {\"requests\": [{\"create\": \"posts\", \"body\": {…}}, …]}";
    let expected = || Error::malformed(Place::Whole, ViolationKind::Type { expected: format!("an object; {form}") });
    if body.trim_ascii_start().starts_with(b"[") {
        return Err(expected());
    }
    let mut requests = None;
    for (name, raw) in json::members(body)? {
        let wrong = |kind| Err(Error::malformed(Place::member(shorten(&name)), kind));
        match (&*name, requests) {
            ("requests", None) => requests = Some(raw),
            ("requests", Some(_)) => return wrong(ViolationKind::Duplicate),
            (other, _) => {
                let problem = format!("unknown member `{}`", shorten(other));
                return wrong(ViolationKind::Misused { problem, remedy: form.to_owned() });
            }
        }
    }
    let at = || Place::member("requests");
    let raw = requests.ok_or_else(|| Error::malformed(at(), ViolationKind::Required))?;
    if !raw.get().starts_with('[') {
        return Err(Error::malformed(at(), ViolationKind::Type { expected: "an array of requests".to_owned() }));
    }
    let items = json::few_items(raw.get(), limits::TRANSACTION_REQUESTS)?;
    if items.is_empty() || items.len() > limits::TRANSACTION_REQUESTS {
        let range = format!("expected 1 to {} requests", limits::TRANSACTION_REQUESTS);
        return Err(Error::malformed(at(), ViolationKind::Range(range)));
    }
    Ok(items)
}

/// Bytes of the expressions that a request brings in its query or its selection, and that aren't known yet.
fn unknown_bytes(reader: &Reader, item: &RawValue) -> Option<usize> {
    let members = json::members(item.get().as_bytes()).ok()?;
    let member = |name: &str| members.iter().find(|(known, _)| known == name).map(|(_, raw)| *raw);
    let model = reader.model();
    let (kind, path) = RequestKind::ALL.into_iter().find_map(|kind| Some((kind, member(kind.name())?)))?;
    let path: String = serde_json::from_str(path.get()).ok()?;
    let (collection, interface) = (model.collection_at(&path), model.interface_at(&path));
    // What is asked of several types is read once for each.
    let of_types = |sent: &str| interface.map(|interface| sent.len() * interface.types.len());
    let query = || member(Member::Query.name()).map(RawValue::get);
    match kind {
        RequestKind::List | RequestKind::OfMatching(_) => match collection {
            Some(collection) => Some(reader.unknown_bytes_of(collection.id, query()?.as_bytes())),
            None => of_types(query()?),
        },
        RequestKind::Aggregate => {
            let collection = collection?;
            Some(reader.unknown_bytes_of_aggregate(collection.id, query()?.as_bytes()))
        }
        RequestKind::Get
        | RequestKind::Create
        | RequestKind::Update
        | RequestKind::Replace
        | RequestKind::OfRecord(_)
        | RequestKind::History => {
            let select: String = serde_json::from_str(member(Member::Select.name())?.get()).ok()?;
            match collection {
                Some(collection) => Some(reader.unknown_bytes_of_select(collection.id, Some(&select))),
                None => of_types(&select),
            }
        }
    }
}
