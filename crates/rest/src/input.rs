//! The bodies of requests that write: records, changes of records, and several of them.

use std::borrow::Cow;

use backstay_base::{Error, Limit, Place, Violation, ViolationKind, limits};
use backstay_engine::{Input, Inputs};
use backstay_model::{CollectionId, Model};
use serde_json::value::RawValue;

use crate::decoder::Decoder;
use crate::form::Form;
use crate::json::{few_items, members_of, not_an_object, utf8};
use crate::relation_reader::{InTransaction, RelationReader};

/// Reads a JSON object as values for fields of a collection. Unknown members, members that occur twice and values of
/// another type are violations, all of them at once. Says nothing of what the caller may write.
pub fn input(model: &Model, collection: CollectionId, body: &[u8]) -> Result<Input, Error> {
    alone(model, (collection, Form::New), body)
}

/// Reads the same as all of a record, which may be stored already.
pub fn replacement(model: &Model, collection: CollectionId, body: &[u8]) -> Result<Input, Error> {
    alone(model, (collection, Form::Whole), body)
}

/// Reads a JSON Merge Patch (RFC 7396): an object of the fields that change, in which an object for a `JSON` field is merged
/// into the stored document, and an operator such as `{"$inc": 1}` changes what is stored.
pub fn patch(model: &Model, collection: CollectionId, body: &[u8]) -> Result<Input, Error> {
    alone(model, (collection, Form::Patch), body)
}

/// A record with its children.
fn alone(model: &Model, (of, form): (CollectionId, Form), body: &[u8]) -> Result<Input, Error> {
    let text = utf8(body)?;
    if form == Form::Patch && text.trim_start().starts_with('[') {
        return Err(Error::malformed(Place::Whole, several_patches()));
    }
    let members = members_of(text)?;
    let mut relations = InTransaction;
    let mut decoder = Decoder::new((model, of), form, &mut relations);
    decoder.levels = Some(CHILD_LEVELS);
    let input = decoder.object(&members);
    decoder.finish(input)
}

/// Refuses an array of changes.
fn several_patches() -> ViolationKind {
    ViolationKind::Misused {
        problem: "a PATCH is one object, with which one record changes or all records of a filter".to_owned(),
        remedy: "send one `update` for each record to /transact, or POST the array with `onConflict`".to_owned(),
    }
}

/// Levels of children below a record.
const CHILD_LEVELS: usize = limits::NESTED_LEVELS - 1;

/// Reads a new record without children, of an object whose members are read already, with another way to name related records.
pub fn record(
    model: &Model,
    collection: CollectionId,
    members: &[(Cow<'_, str>, &RawValue)],
    relations: &mut dyn RelationReader,
) -> Result<Input, Error> {
    let mut decoder = Decoder::new((model, collection), Form::New, relations);
    let input = decoder.object(members);
    decoder.finish(input)
}

/// What is read from an object, and all that is wrong with it.
pub(crate) fn examined(
    model: &Model,
    collection: CollectionId,
    members: &[(Cow<'_, str>, &RawValue)],
    relations: &mut dyn RelationReader,
) -> (Input, Vec<Violation>) {
    let mut decoder = Decoder::new((model, collection), Form::New, relations);
    let input = decoder.object(members);
    (input, decoder.violations)
}

/// Reads a JSON object, or an array of them.
pub fn inputs(model: &Model, collection: CollectionId, body: &[u8]) -> Result<Inputs, Error> {
    each(model, (collection, Form::New), body)
}

/// Reads the same as records which may be stored already.
pub fn upserts(model: &Model, collection: CollectionId, body: &[u8]) -> Result<Inputs, Error> {
    each(model, (collection, Form::Upsert), body)
}

fn each(model: &Model, (id, form): (CollectionId, Form), body: &[u8]) -> Result<Inputs, Error> {
    let text = utf8(body)?;
    if !text.trim_ascii_start().starts_with('[') {
        return alone(model, (id, form), body).map(Inputs::One);
    }
    let items = few_items(text, limits::BATCH_RECORDS)?;
    if items.len() > limits::BATCH_RECORDS {
        return Err(Limit::Size { what: "the array", max: limits::BATCH_RECORDS as u64, unit: "records" }.into());
    }
    let mut inputs = Vec::with_capacity(items.len());
    let mut relations = InTransaction;
    let mut decoder = Decoder::new((model, id), form, &mut relations);
    decoder.levels = Some(CHILD_LEVELS);
    for (index, item) in items.iter().enumerate() {
        if decoder.is_full() {
            break;
        }
        decoder.at = Place::item(index);
        match members_of(item.get()) {
            Ok(members) => inputs.push(decoder.object(&members)),
            Err(_) => decoder.violations.push(Violation::new(Place::item(index), not_an_object())),
        }
    }
    decoder.finish(Inputs::Many(inputs))
}
