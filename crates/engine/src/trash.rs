//! How records come back from the trash. How they get there is part of `deletion`, and what is purged because it has been
//! there for long enough, of `expiry`.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use backstay_base::{Action, Conflict, Error, Limit, RecordId, limits};
use backstay_model::{Collection, CollectionId, Field, FieldId, Model, OnDelete, Trash};
use backstay_scalar::Value;

use crate::bind::Bindings;
use crate::proposal::Proposal;
use crate::readmission::Confirmation;
use crate::record::Key;
use crate::reference::to_one;
use crate::references::is_live;
use crate::row_change::RowChange;
use crate::{Record, TxContext, mentions, readmission, related, sequences, trees};

/// A record in the trash that may come back.
struct Coming<'m> {
    collection: &'m Collection,
    /// Its references alone, unless it is the first: many of them can be large.
    record: Record,
}

/// What was moved to the trash together: the record that is asked for first, and those that went because one before did.
struct Group<'m> {
    coming: Vec<Coming<'m>>,
    places: HashMap<Key, usize>,
}

impl Group<'_> {
    /// By the place of a record, the records of the group that refer to it, with the field.
    fn referring(&self, model: &Model) -> Vec<Vec<(usize, FieldId)>> {
        let mut referring: Vec<Vec<(usize, FieldId)>> = vec![Vec::new(); self.coming.len()];
        for (place, Coming { collection, record }) in self.coming.iter().enumerate() {
            for (field, to) in references(model, collection, record) {
                if let Some(at) = self.places.get(&to) {
                    referring[*at].push((place, field));
                }
            }
        }
        referring
    }
}

/// The records that a record refers to, each with the field that holds the reference.
fn references(model: &Model, collection: &Collection, record: &Record) -> Vec<(FieldId, Key)> {
    let to = |field: &Field| Some((field.id, (to_one(field)?.0, record.value(field.id).as_id()?)));
    let in_documents = mentions::of_record(model, collection, record.values()).into_iter();
    let in_documents = in_documents.map(|(field, one)| (field, (one.relation.target, one.id)));
    collection.fields.iter().filter_map(to).chain(in_documents).collect()
}

/// The place of the record that is asked for.
const FIRST: usize = 0;

/// Brings the record of a proposal back, with what was moved to the trash together with it: records that refer to one that
/// comes back and would be deleted with it. A record that refers to one that stays in the trash stays there too, until that one
/// comes back, and so does what refers to it. Each must satisfy what `readmission` asks, or none comes back.
pub(crate) async fn restore(
    cx: &mut TxContext<'_, '_>,
    (proposal, trash): (Proposal<'_>, Trash),
) -> Result<Record, Error> {
    let (authority, class) = (proposal.authority, Arc::clone(&proposal.class));
    let Some(in_trash) = &proposal.readmitted else { return Err(crate::read::not_found(proposal.collection)) };
    let collection = cx.model().collection(proposal.collection.id);
    let moment = in_trash.value(trash.at).clone();
    let record = Record::new(proposal.values.clone()).map_err(Error::internal)?;
    let places = HashMap::from([((collection.id, record.id()), FIRST)]);
    let mut group = Group { coming: vec![Coming { collection, record }], places };
    let confirmation = Confirmation::of(&proposal);
    let mut first = Some(proposal);
    let mut next = FIRST;
    while next < group.coming.len() {
        gather(cx, &mut group, (next, &moment)).await?;
        next += 1;
    }
    let astray = astray(cx, &group).await?;
    if let Some(Astray { field, .. }) = astray[FIRST] {
        let sees = class.system || class.rights.field(collection.id, field, Action::Read).allows();
        let field = sees.then(|| collection.field(field).name.clone());
        return Err(Conflict::InTrash { field }.into());
    }
    let is_coming = |collection: CollectionId, id: RecordId| {
        group.places.get(&(collection, id)).is_some_and(|place| astray[*place].is_none())
    };
    let mut restored = None;
    for place in order(cx.model(), &group, &astray) {
        if let Some(mut proposal) = first.take_if(|_| place == FIRST) {
            readmission::ask(cx, &mut proposal, is_coming).await?;
            if proposal.stored.is_some() {
                trees::place(cx, &mut proposal).await?;
                sequences::number(cx, &mut proposal).await?;
            }
            // What was sent for it counts towards limits, as in any other update.
            let removes = std::mem::replace(&mut cx.part.removes, proposal.stored.is_none());
            let written = RowChange::restore(cx, proposal);
            cx.part.removes = removes;
            restored = Some(written?);
            continue;
        }
        let Coming { collection, record } = &group.coming[place];
        let Some(trash) = collection.trash else { continue };
        let Some(record) = cx.get_stored(collection.id, record.id()).await? else { continue };
        let proposal = Proposal::change(collection, authority, Arc::clone(&class), record.clone());
        let mut proposal = proposal.readmitted(trash);
        if let Err(error) = readmission::ask(cx, &mut proposal, is_coming).await {
            return Err(related::of_request(cx, &class, (collection, &record), error).await?);
        }
        let write = |cx: &mut TxContext<'_, '_>| RowChange::restore(cx, proposal);
        related::write(cx, &class, (collection, &record), write).await?;
        cx.taken_along += 1;
    }
    leave(cx, &group, &astray).await?;
    if let (Some(confirmation), true) = (confirmation, group.coming.len() > 1) {
        confirmation.ask(cx, (collection, authority, class)).await?;
    }
    restored.ok_or_else(|| crate::read::not_found(collection))
}

/// The places of the records that come back, each after those of the group to which it refers. In a circle, where none can
/// be the first, the order in which they were found.
fn order(model: &Model, group: &Group<'_>, astray: &[Option<Astray>]) -> Vec<usize> {
    let referring = group.referring(model);
    let mut awaited = vec![0_usize; astray.len()];
    for (to, referring) in referring.iter().enumerate() {
        referring.iter().filter(|(place, _)| *place != to).for_each(|(place, _)| awaited[*place] += 1);
    }
    let mut next: VecDeque<usize> = (0..astray.len()).filter(|place| awaited[*place] == 0).collect();
    let mut others = 0..astray.len();
    let (mut known, mut order) = (vec![false; astray.len()], Vec::with_capacity(astray.len()));
    while let Some(place) = next.pop_front().or_else(|| others.next()) {
        if std::mem::replace(&mut known[place], true) {
            continue;
        }
        order.push(place);
        for (place, _) in referring[place].iter().filter(|(other, _)| *other != place) {
            awaited[*place] -= 1;
            if awaited[*place] == 0 {
                next.push_back(*place);
            }
        }
    }
    order.retain(|place| astray[*place].is_none());
    order
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
        for field in collection.fields.iter().filter(|field| to_one(field) == Some((target, OnDelete::Cascade))) {
            let mut values = vec![Value::Null; collection.fields.len()];
            values[usize::from(trash.at.0)] = moment.clone();
            let template = cx.engine.templates.went_with(&cx.engine.planner, (collection.id, field.id), trash);
            let limit = limits::DELETION_RECORDS as u64 + 1;
            let bindings = Bindings { proposed: &values, limit, ..cx.bindings().id(to) };
            for id in cx.ids(&template, bindings, collection.id).await? {
                if group.places.contains_key(&(collection.id, id)) {
                    continue;
                }
                let Some(record) = cx.get_references(collection, id).await? else { continue };
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

/// Why a record of the group stays in the trash.
#[derive(Clone)]
struct Astray {
    /// A field by which it refers to a record that stays there.
    field: FieldId,
    /// Since when a record with which it would have been deleted is there.
    since: Option<Value>,
}

/// For each record of the group, why it stays in the trash, if it does: it refers to one that stays there, be that one outside
/// the group or one that itself goes astray.
async fn astray(cx: &mut TxContext<'_, '_>, group: &Group<'_>) -> Result<Vec<Option<Astray>>, Error> {
    let mut astray: Vec<Option<Astray>> = vec![None; group.coming.len()];
    let referring = group.referring(cx.model());
    let mut elsewhere: HashMap<Key, Option<Value>> = HashMap::new();
    for (place, Coming { collection, record }) in group.coming.iter().enumerate() {
        for (field, key) in references(cx.model(), collection, record) {
            if group.places.contains_key(&key) {
                continue;
            }
            if let Entry::Vacant(entry) = elsewhere.entry(key) {
                entry.insert(in_trash_since(cx, key).await?);
            }
            if let Some(since) = &elsewhere[&key] {
                let since = Some(since.clone()).filter(|of| cascades(collection, (field, key.0)) && !of.is_null());
                let stays = astray[place].get_or_insert(Astray { field, since: None });
                stays.since = since.or(stays.since.take());
            }
        }
    }
    let mut staying: Vec<usize> = (0..astray.len()).filter(|place| astray[*place].is_some()).collect();
    while let Some(place) = staying.pop() {
        let to = group.coming[place].collection.id;
        let since = astray[place].as_ref().and_then(|stays| stays.since.clone());
        for (other, field) in &referring[place] {
            if astray[*other].is_none() {
                let since = since.clone().filter(|_| cascades(group.coming[*other].collection, (*field, to)));
                astray[*other] = Some(Astray { field: *field, since });
                staying.push(*other);
            }
        }
    }
    Ok(astray)
}

/// Whether a record goes where the one goes to which it refers by a field.
fn cascades(collection: &Collection, (field, to): (FieldId, CollectionId)) -> bool {
    to_one(collection.field(field)) == Some((to, OnDelete::Cascade))
}

/// Since when a record that another one refers to is in the trash, if it is.
async fn in_trash_since(cx: &mut TxContext<'_, '_>, key: Key) -> Result<Option<Value>, Error> {
    if is_live(cx, key).await? {
        return Ok(None);
    }
    let trash = cx.model().collection(key.0).trash;
    let record = cx.get_stored(key.0, key.1).await?;
    Ok(Some(trash.zip(record).map_or(Value::Null, |(trash, record)| record.value(trash.at).clone())))
}

/// Lets the records that stay in the trash because others are there come back with those: from now on they are there for as
/// long as those.
async fn leave(cx: &mut TxContext<'_, '_>, group: &Group<'_>, astray: &[Option<Astray>]) -> Result<(), Error> {
    for (Coming { collection, record }, astray) in group.coming.iter().zip(astray) {
        let Some(since) = astray.as_ref().and_then(|stays| stays.since.as_ref()) else { continue };
        let Some(record) = cx.get_stored(collection.id, record.id()).await? else { continue };
        RowChange::trash(cx, collection, (&record, since.clone()))?;
    }
    Ok(())
}
