//! What the path in a request names.

use backstay_base::{Error, Place, ViolationKind, nearest};
use backstay_engine::RequestKind;
use backstay_model::{Addressed, Collection, CollectionId, InterfaceId};
use serde_json::value::RawValue;

use super::sent::Sent;
use crate::json;
use crate::reader::Reader;
use crate::words::{shorten, unknown};

/// What the path in a request names.
#[derive(Debug, Clone, Copy)]
pub(super) enum Named {
    Collection(CollectionId),
    Interface(InterfaceId),
}

/// Refuses what the collection has no record for: another one of a `@single` type, one in a trash that there isn't.
fn check_kind(
    reader: &Reader,
    collection: CollectionId,
    (kind, names_record): (RequestKind, bool),
) -> Result<(), Error> {
    let collection = reader.model().collection(collection);
    let (name, is_single) = (&collection.name, Addressed::Single.is_in(collection));
    let addressed = kind.addresses().iter().find(|addressed| addressed.is_in(collection));
    let (member, problem, remedy) = match addressed {
        Some(Addressed::Single) if names_record => ("id", "has exactly one record", "leave `id` out"),
        Some(_) => return Ok(()),
        None if is_single => (kind.name(), "has exactly one record", "read it with `get`, change it with `update`"),
        None if kind == RequestKind::History => (kind.name(), "has no history", "only types with `@history` have one"),
        None => (kind.name(), "has no trash", "what was deleted is gone"),
    };
    let misused = ViolationKind::Misused { problem: format!("{name} {problem}"), remedy: remedy.to_owned() };
    Err(Error::malformed(Place::member(member), misused))
}

/// What a request is about, among the collections that are visible.
pub(super) fn addressed(
    reader: &Reader,
    sent: &Sent<'_>,
    visible: &dyn Fn(&Collection) -> bool,
) -> Result<Named, Error> {
    let named = at_path(reader, sent.path, visible);
    let named = named.map_err(|wrong| Error::malformed(Place::member(sent.kind.name()), wrong))?;
    if let Named::Collection(collection) = named {
        check_kind(reader, collection, (sent.kind, sent.names_record()))?;
    }
    Ok(named)
}

fn at_path(reader: &Reader, raw: &RawValue, visible: &dyn Fn(&Collection) -> bool) -> Result<Named, ViolationKind> {
    let expected = "the path of a collection, such as \"posts\"";
    let path = json::text(raw, expected)?.ok_or_else(|| ViolationKind::Type { expected: expected.to_owned() })?;
    let found = reader.model().collection_at(&path).filter(|collection| visible(collection));
    if let Some(rest) = reader.model().api.below(&path).or_else(|| path.strip_prefix('/')) {
        let remedy = format!("write only the collection's path: \"{}\"", shorten(rest));
        return Err(ViolationKind::Misused { problem: "this is a path from the root".to_owned(), remedy });
    }
    if let Some((first, _)) = path.split_once('/') {
        let remedy = format!("write \"{}\" here, and the id in `id`", shorten(first));
        return Err(ViolationKind::Misused { problem: "this is the path of a record".to_owned(), remedy });
    }
    let of_interface = || reader.model().interface_at(&path).map(|interface| Named::Interface(interface.id));
    let paths = || reader.model().collections.iter().filter(|collection| visible(collection));
    found.map(|collection| Named::Collection(collection.id)).or_else(of_interface).ok_or_else(|| {
        let meant = nearest(&path, paths().map(|collection| &*collection.path));
        unknown("collection", &path, meant)
    })
}
