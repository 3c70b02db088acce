//! How records come back from the trash. How they get there is part of `deletion`, and what is purged because it has been
//! there for long enough, of `expiry`.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use backstay_base::{Action, Conflict, Error, Limit, RecordId, limits};
use backstay_model::{Collection, CollectionId, FieldId, OnDelete, Trash};
use backstay_scalar::Value;

use crate::bind::Bindings;
use crate::deletion_order::to_one;
use crate::proposal::Proposal;
use crate::row_change::RowChange;
use crate::{Record, TxContext};

/// A record in the trash that may come back.
struct Coming<'m> {
    collection: &'m Collection,
    record: Record,
}

/// A record among all.
type Key = (CollectionId, RecordId);

/// What was moved to the trash together: the record that is asked for first, and those that went because one before did.
struct Group<'m> {
    coming: Vec<Coming<'m>>,
    places: HashMap<Key, usize>,
}

/// The place of the record that is asked for.
const FIRST: usize = 0;

/// Brings the record of a proposal back, with what was moved to the trash together with it: records that refer to one that
/// comes back and would be deleted with it. A record of which a reference leads to one that stays in the trash stays there
/// too, and so does what refers to it.
pub(crate) async fn restore(
    cx: &mut TxContext<'_, '_>,
    (proposal, trash): (Proposal<'_>, Trash),
) -> Result<Record, Error> {
    let Proposal { collection, stored, class, .. } = proposal;
    let Some(record) = stored else { return Err(crate::read::not_found(collection)) };
    let collection = cx.model().collection(collection.id);
    let moment = record.value(trash.at).clone();
    let places = HashMap::from([((collection.id, record.id()), FIRST)]);
    let mut group = Group { coming: vec![Coming { collection, record }], places };
    let mut next = FIRST;
    while next < group.coming.len() {
        gather(cx, &mut group, (next, &moment)).await?;
        next += 1;
    }
    let astray = astray(cx, &group).await?;
    if let Some(field) = astray[FIRST] {
        let sees = class.system || class.rights.field(collection.id, field, Action::Read).allows();
        let field = sees.then(|| collection.field(field).name.clone());
        return Err(Conflict::InTrash { field }.into());
    }
    let restored = RowChange::restore(cx, collection, &group.coming[FIRST].record)?;
    for (Coming { collection, record }, astray) in group.coming.iter().zip(&astray).skip(FIRST + 1) {
        if astray.is_none() {
            RowChange::restore(cx, collection, record)?;
        }
    }
    Ok(restored)
}

/// Adds what was moved to the trash because one record of the group was.
async fn gather<'a>(
    cx: &mut TxContext<'a, '_>,
    group: &mut Group<'a>,
    (of, moment): (usize, &Value),
) -> Result<(), Error> {
    let Coming { collection: target, record } = &group.coming[of];
    let (target, to) = (target.id, record.id());
    for collection in &cx.model().collections {
        let Some(trash) = collection.trash else { continue };
        let mut values = vec![Value::Null; collection.fields.len()];
        values[usize::from(trash.at.0)] = moment.clone();
        for field in collection.fields.iter().filter(|field| to_one(field) == Some((target, OnDelete::Cascade))) {
            let template = cx.engine.templates.went_with(&cx.engine.planner, (collection.id, field.id), trash);
            let limit = limits::DELETION_RECORDS as u64 + 1;
            let bindings = Bindings { proposed: &values, limit, ..cx.bindings().id(to) };
            for id in cx.ids(&template, bindings, collection.id).await? {
                if group.places.contains_key(&(collection.id, id)) {
                    continue;
                }
                let Some(record) = cx.get_stored(collection.id, id).await? else { continue };
                group.places.insert((collection.id, id), group.coming.len());
                group.coming.push(Coming { collection, record });
                // A deletion moves as many besides the record itself.
                if group.coming.len() > limits::DELETION_RECORDS + 1 {
                    let max = limits::DELETION_RECORDS as u64;
                    return Err(Limit::Size { what: "what would be restored", max, unit: "records" }.into());
                }
            }
        }
    }
    Ok(())
}

/// For each record of the group, a field by which it refers to one that stays in the trash, be that one outside the group or
/// one that itself goes astray.
async fn astray(cx: &mut TxContext<'_, '_>, group: &Group<'_>) -> Result<Vec<Option<FieldId>>, Error> {
    let mut astray = vec![None; group.coming.len()];
    let mut referring: Vec<Vec<(usize, FieldId)>> = vec![Vec::new(); group.coming.len()];
    let mut elsewhere: HashMap<Key, bool> = HashMap::new();
    for (place, Coming { collection, record }) in group.coming.iter().enumerate() {
        for field in &collection.fields {
            let (Some((target, _)), Some(to)) = (to_one(field), record.value(field.id).as_id()) else { continue };
            let key = (target, to);
            if let Some(at) = group.places.get(&key) {
                referring[*at].push((place, field.id));
                continue;
            }
            if let Entry::Vacant(entry) = elsewhere.entry(key) {
                let is_there = cx.model().collection(target).trash.is_none() || cx.get(target, to).await?.is_some();
                entry.insert(is_there);
            }
            if !elsewhere[&key] {
                astray[place].get_or_insert(field.id);
            }
        }
    }
    let mut staying: Vec<usize> = (0..astray.len()).filter(|place| astray[*place].is_some()).collect();
    while let Some(place) = staying.pop() {
        for (other, field) in &referring[place] {
            if astray[*other].is_none() {
                astray[*other] = Some(*field);
                staying.push(*other);
            }
        }
    }
    Ok(astray)
}
