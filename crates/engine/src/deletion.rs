//! Deletes a record and what `@onDelete` says goes with it. What goes is found first, then ordered so that no reference
//! leads nowhere in between; nothing recurses.

use std::collections::{HashMap, HashSet};

use backstay_base::{Action, Conflict, Error, Limit, RecordId, limits};
use backstay_model::{Collection, CollectionId, Field, FieldId, OnDelete};

use crate::bind::Bindings;
use crate::deletion_order::to_one;
use crate::proposal::Proposal;
use crate::references::may_read;
use crate::row_change::RowChange;
use crate::{Record, TxContext};

/// Referring records that are looked at to say how many there are.
const SHOWN_REFERRING: usize = 20;
/// Referring records that are read at a time.
const CHUNK: u32 = 500;

/// A record that is to be deleted.
struct Going<'m> {
    collection: &'m Collection,
    record: Record,
}

/// Records that refer to one that is to be deleted.
struct Referring<'m> {
    to: RecordId,
    collection: &'m Collection,
    field: &'m Field,
    on_delete: OnDelete,
    ids: Vec<RecordId>,
}

/// All that a deletion touches.
struct Reach<'m> {
    /// What is deleted, the record itself first.
    going: Vec<Going<'m>>,
    referring: Vec<Referring<'m>>,
}

/// Deletes the stored record of a proposal, and what goes with it; releases what refers to any of it and stays.
pub(crate) async fn delete(cx: &mut TxContext<'_, '_>, proposal: Proposal<'_>) -> Result<Record, Error> {
    let Proposal { collection, stored, class, .. } = proposal;
    let Some(record) = stored else { return Err(crate::read::not_found(collection)) };
    let first = Going { collection: cx.model().collection(collection.id), record: record.clone() };
    let Reach { mut going, referring } = reach(cx, first).await?;
    let ranks = &cx.engine.application.ranks;
    // Within a collection those that were found last go first: they refer to those before.
    going.reverse();
    going.sort_by_key(|one| ranks[usize::from(one.collection.id.0)]);
    let places: HashMap<RecordId, usize> =
        going.iter().enumerate().map(|(place, one)| (one.record.id(), place)).collect();
    for one in referring.iter().filter(|one| one.on_delete == OnDelete::Restrict) {
        let staying: Vec<RecordId> = one.ids.iter().filter(|id| !places.contains_key(id)).copied().collect();
        if !staying.is_empty() {
            return Err(still_referenced(cx, &class, one, &staying).await?.into());
        }
    }
    release(cx, &referring, &places).await?;
    for one in &going {
        RowChange::delete(cx, one.collection, &one.record);
    }
    Ok(record)
}

/// What goes with a record, itself first, and what refers to any of it.
async fn reach<'a>(cx: &mut TxContext<'a, '_>, first: Going<'a>) -> Result<Reach<'a>, Error> {
    let model = cx.model();
    let mut known = HashSet::from([first.record.id()]);
    let (mut reach, mut next, mut others) = (Reach { going: vec![first], referring: Vec::new() }, 0, cx.released);
    while let Some(Going { collection, record }) = reach.going.get(next) {
        let (of, to) = (collection.id, record.id());
        for collection in &model.collections {
            let fields = collection.fields.iter().filter_map(|field| Some((field, to_one(field)?)));
            for (field, (_, on_delete)) in fields.filter(|(_, (target, _))| *target == of) {
                let ids = referring(cx, (collection.id, field.id), (to, on_delete)).await?;
                if on_delete != OnDelete::Restrict {
                    others += ids.len();
                    if others > limits::DELETION_RECORDS {
                        let max = limits::DELETION_RECORDS as u64;
                        let what = "what would be deleted or changed with the records";
                        return Err(Limit::Size { what, max, unit: "records" }.into());
                    }
                }
                if on_delete == OnDelete::Cascade {
                    for id in ids.iter().filter(|id| known.insert(**id)) {
                        let record = cx.get(collection.id, *id).await?;
                        reach.going.extend(record.map(|record| Going { collection, record }));
                    }
                }
                if !ids.is_empty() {
                    reach.referring.push(Referring { to, collection, field, on_delete, ids });
                }
            }
        }
        next += 1;
    }
    cx.released = others;
    Ok(reach)
}

/// The records whose reference leads here: of those that restrict some, else all up to the limit.
async fn referring(
    cx: &mut TxContext<'_, '_>,
    (collection, field): (CollectionId, FieldId),
    (to, on_delete): (RecordId, OnDelete),
) -> Result<Vec<RecordId>, Error> {
    let most = match on_delete {
        OnDelete::Restrict => u64::from(CHUNK),
        OnDelete::Cascade | OnDelete::SetNull => limits::DELETION_RECORDS as u64 + 1,
    };
    let template = cx.engine.templates.referencing(&cx.engine.planner, collection, field);
    let bindings = Bindings { limit: most, ..cx.bindings().id(to) };
    cx.ids(&template, bindings, collection).await
}

/// Empties the references of records that stay, all of one record in one change, and of those that would go later than
/// what they refer to. Nothing else of a record that stays changes, and none of its rules and checks is asked.
async fn release(
    cx: &mut TxContext<'_, '_>,
    referring: &[Referring<'_>],
    places: &HashMap<RecordId, usize>,
) -> Result<(), Error> {
    let mut staying: Vec<(RecordId, &Collection, Vec<FieldId>)> = Vec::new();
    let mut found: HashMap<RecordId, usize> = HashMap::new();
    for one in referring {
        for id in &one.ids {
            match places.get(id) {
                Some(place) if Some(place) > places.get(&one.to) => {
                    if let Some(record) = cx.get(one.collection.id, *id).await? {
                        RowChange::untie(cx, one.collection, &record, one.field.id);
                    }
                }
                Some(_) => {}
                None => {
                    let index = *found.entry(*id).or_insert(staying.len());
                    if index == staying.len() {
                        staying.push((*id, one.collection, Vec::new()));
                    }
                    staying[index].2.push(one.field.id);
                }
            }
        }
    }
    for (id, collection, fields) in staying {
        if let Some(record) = cx.get(collection.id, id).await? {
            RowChange::release(cx, collection, &record, &fields)?;
        }
    }
    Ok(())
}

/// Why a record cannot be deleted: which records refer to it, if the caller may see them.
async fn still_referenced(
    cx: &mut TxContext<'_, '_>,
    class: &crate::application::CallerClass,
    referring: &Referring<'_>,
    ids: &[RecordId],
) -> Result<Conflict, Error> {
    let Referring { collection, field, .. } = referring;
    let sees_field = class.system || class.rights.field(collection.id, field.id, Action::Read).allows();
    let shown = &ids[..ids.len().min(SHOWN_REFERRING)];
    for id in shown {
        if !sees_field || !may_read(cx, class, collection.id, *id).await? {
            return Ok(Conflict::ReferencedUnseen);
        }
    }
    Ok(Conflict::Referenced {
        collection: collection.name.clone(),
        field: field.name.clone(),
        count: shown.len() as u64,
        more: ids.len() > shown.len(),
    })
}
