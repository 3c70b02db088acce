//! Deletes a record and what `@onDelete` says goes with it, or moves them to the trash. What goes is found first, then
//! ordered so that no reference leads nowhere in between; nothing recurses.

use std::collections::{HashMap, HashSet};

use backstay_base::{Action, Conflict, Error, Excess, Limit, RecordId, limits};
use backstay_model::{Collection, CollectionId, FieldId, Model, OnDelete};
use backstay_scalar::Value;
use backstay_sql::{IdOrder, Perspective};

use crate::application::CallerClass;
use crate::bind::Bindings;
use crate::proposal::Proposal;
use crate::record::Key;
use crate::reference::Reference;
use crate::references::may_read;
use crate::row_change::RowChange;
use crate::taken_along::Way;
use crate::{Authority, Record, TxContext, before, exclusions, related, stored, taken_along, trees};

/// Referring records that are looked at to say how many there are.
const SHOWN_REFERRING: usize = 20;

/// A record that is to be deleted. It is read when it goes: many of them can be large.
#[derive(Clone, Copy)]
pub(crate) struct Going<'m> {
    pub(crate) collection: &'m Collection,
    pub(crate) id: RecordId,
    /// Whether the caller can see this deletion. If not, errors name nothing that is deleted because of it.
    pub(crate) is_seen: bool,
}

impl Going<'_> {
    pub(crate) fn key(&self) -> Key {
        (self.collection.id, self.id)
    }
}

/// References of records that go, which were emptied because no order can serve them, with where they led.
type Untied = HashMap<Key, Vec<(FieldId, RecordId)>>;

/// Records that refer to one that is to be deleted.
pub(crate) struct Referring<'m> {
    pub(crate) to: Key,
    pub(crate) collection: &'m Collection,
    pub(crate) by: Reference<'m>,
    pub(crate) how: Found,
    pub(crate) ids: Vec<RecordId>,
}

/// A record that stays, and those of its references that are emptied, each with the record that it leads to.
struct Releasing<'m> {
    collection: &'m Collection,
    id: RecordId,
    references: Vec<(Reference<'m>, RecordId)>,
}

/// All that a deletion touches.
pub(crate) struct Reach<'m> {
    /// What is deleted, the record itself first.
    pub(crate) going: Vec<Going<'m>>,
    pub(crate) referring: Vec<Referring<'m>>,
    /// Why the first goes, if it is because of another one, to which it refers.
    pub(crate) because: Option<(Reference<'m>, RecordId)>,
}

impl<'m> Reach<'m> {
    /// What is deleted or changed.
    pub(crate) fn touched(&self) -> impl Iterator<Item = Key> {
        let released = self.referring.iter().filter(|one| one.how.on_delete == OnDelete::SetNull);
        let released = released.flat_map(|one| one.ids.iter().map(|id| (one.collection.id, *id)));
        self.going.iter().map(Going::key).chain(released)
    }

    /// Each of the records that go because of others, with the references to these.
    fn led(&self) -> HashMap<Key, Vec<(Reference<'m>, RecordId)>> {
        let mut led: HashMap<Key, Vec<(Reference<'m>, RecordId)>> = HashMap::new();
        for one in self.referring.iter().filter(|one| one.how.on_delete == OnDelete::Cascade) {
            for id in &one.ids {
                led.entry((one.collection.id, *id)).or_default().push((one.by, one.to.1));
            }
        }
        if let Some(first) = self.going.first() {
            // It goes whatever else it refers to.
            led.remove(&first.key());
            led.extend(self.because.map(|because| (first.key(), vec![because])));
        }
        led
    }

    /// The records that refuse the deletion of one to which they refer: they neither go with it nor are gone before.
    pub(crate) fn restricting(&self, gone: &HashSet<Key>) -> Option<(&Referring<'m>, Vec<RecordId>)> {
        let going: HashSet<Key> = self.going.iter().map(Going::key).collect();
        let restricting = self.referring.iter().filter(|one| one.how.on_delete == OnDelete::Restrict);
        let mut staying = restricting.map(|one| {
            let key = |id: &RecordId| (one.collection.id, *id);
            let stays = |id: &&RecordId| !going.contains(&key(id)) && !gone.contains(&key(id));
            (one, one.ids.iter().filter(stays).copied().collect::<Vec<_>>())
        });
        staying.find(|(_, staying)| !staying.is_empty())
    }
}

/// Deletes the live record of a proposal, and what goes with it; releases what refers to any of it and stays.
pub(crate) async fn delete(cx: &mut TxContext<'_, '_>, proposal: Proposal<'_>) -> Result<Record, Error> {
    let way = if proposal.collection.trash.is_some() { Way::Trash } else { Way::Gone };
    remove(cx, proposal, way).await
}

/// Deletes the record of a proposal that is in the trash, and what can't be without it.
pub(crate) async fn purge(cx: &mut TxContext<'_, '_>, proposal: Proposal<'_>) -> Result<Record, Error> {
    remove(cx, proposal, Way::Gone).await
}

/// Records in the trash that can't be without one that is there, at most so many of each field.
pub(crate) async fn requiring(cx: &mut TxContext<'_, '_>, to: Key, most: usize) -> Result<Vec<Key>, Error> {
    let referring = referring_in_trash(cx, (to, OnDelete::Cascade), most).await?;
    Ok(referring.into_iter().flat_map(|one| one.ids.into_iter().map(move |id| (one.collection.id, id))).collect())
}

/// Empties references to a record in the trash from records there that can be without it, at most so many of each field.
/// Returns whether there were any.
pub(crate) async fn release_some(cx: &mut TxContext<'_, '_>, to: Key, most: usize) -> Result<bool, Error> {
    let referring = referring_in_trash(cx, (to, OnDelete::SetNull), most).await?;
    let class = cx.class_of(Authority::System);
    release(cx, &class, &referring, (&HashMap::new(), Way::Gone)).await?;
    Ok(!referring.is_empty())
}

/// The records in the trash to which the deletion of one that is there would do this, at most so many of each field.
async fn referring_in_trash<'a>(
    cx: &mut TxContext<'a, '_>,
    (to, on_delete): (Key, OnDelete),
    most: usize,
) -> Result<Vec<Referring<'a>>, Error> {
    let (model, mut found) = (cx.model(), Vec::new());
    let wanted = Found { perspective: Perspective::Trash, on_delete };
    for (collection, by, how) in referring_by(model, to.0, Way::Gone).filter(|(.., found)| *found == wanted) {
        let ids = referring(cx, (collection.id, by), (to.1, Perspective::Trash, most)).await?;
        if !ids.is_empty() {
            found.push(Referring { to, collection, by, how, ids });
        }
    }
    Ok(found)
}

async fn remove(cx: &mut TxContext<'_, '_>, proposal: Proposal<'_>, way: Way) -> Result<Record, Error> {
    let Proposal { collection, stored, class, .. } = proposal;
    let Some(record) = stored else { return Err(crate::read::not_found(collection)) };
    let first = Going { collection: cx.model().collection(collection.id), id: record.id(), is_seen: true };
    let reached = reach(cx, &class, (first, way), limits::DELETION_RECORDS).await?;
    // Alone, it is locked when it is deleted.
    if !reached.referring.is_empty() {
        hold(cx, std::slice::from_ref(&reached)).await?;
    }
    if let Some((one, staying)) = reached.restricting(&HashSet::new()) {
        return Err(still_referenced(cx, &class, one, &staying).await?.into());
    }
    ask_hooks(cx, &class, &record, &reached.going).await?;
    remove_reached(cx, &class, (reached, way), Some(&record)).await?;
    Ok(record)
}

/// Deletes all that was reached, and releases what refers to any of it and stays. The first record may have been read. If others have
/// changed before it was locked what a record refers to that goes because of that, the transaction is run again.
pub(crate) async fn remove_reached(
    cx: &mut TxContext<'_, '_>,
    class: &CallerClass,
    (reach, way): (Reach<'_>, Way),
    first: Option<&Record>,
) -> Result<(), Error> {
    let led = if cx.is_shared() { reach.led() } else { HashMap::new() };
    let Reach { mut going, referring, because: _ } = reach;
    let read = first.and_then(|record| going.first().map(|one| (one.key(), record)));
    let ranks = &cx.engine.application.ranks;
    // Within a collection those that were found last go first: they refer to those before.
    going.reverse();
    going.sort_by_key(|one| ranks[usize::from(one.collection.id.0)]);
    let places: HashMap<Key, usize> = going.iter().enumerate().map(|(place, one)| (one.key(), place)).collect();
    let untied = release(cx, class, &referring, (&places, way)).await?;
    let mut rest = going.as_slice();
    while !rest.is_empty() {
        let records = read_some(cx, &mut rest, (read, &untied)).await?;
        for (collection, record) in &records {
            if let Some(to) = led.get(&(collection.id, record.id()))
                && !to.iter().any(|(by, to)| by.may_lead(record, *to))
            {
                cx.tx.overtaken();
                return Err(Limit::Locked.into());
            }
            match way {
                Way::Trash => {
                    let since = cx.now().into();
                    RowChange::trash(cx, collection, (record, since))?;
                }
                Way::Gone => RowChange::delete(cx, collection, record)?,
            }
        }
    }
    Ok(())
}

/// Asks the hooks of all that goes and isn't in the trash already. The first record was read already.
async fn ask_hooks(
    cx: &mut TxContext<'_, '_>,
    class: &CallerClass,
    first: &Record,
    going: &[Going<'_>],
) -> Result<(), Error> {
    for (place, one) in going.iter().enumerate() {
        let collection = one.collection;
        if !before::of_deletions(cx, collection) {
            continue;
        }
        let record = match place {
            0 => Some(first.clone()),
            _ => cx.get_stored(collection.id, one.id).await?,
        };
        let is_live = |record: &Record| collection.trash.is_none_or(|trash| record.value(trash.at).is_null());
        let Some(record) = record.filter(is_live) else { continue };
        match before::of_deletion(cx, collection, &record).await {
            Err(_) if cx.awaits_hooks() => {}
            // What a hook says of a record tells that there is one.
            Err(Error::Invalid(_)) if place > 0 && !is_told(cx, class, one).await? => {
                return Err(Conflict::ReferencedUnseen.into());
            }
            asked => asked?,
        }
    }
    cx.require_hooks()
}

/// Whether the caller may know that this record goes.
async fn is_told(cx: &mut TxContext<'_, '_>, class: &CallerClass, going: &Going<'_>) -> Result<bool, Error> {
    Ok(class.system || going.is_seen || may_read(cx, class, going.collection.id, going.id).await?)
}

/// Locks what goes, and what loses a reference.
pub(crate) async fn hold(cx: &mut TxContext<'_, '_>, reached: &[Reach<'_>]) -> Result<(), Error> {
    cx.hold(reached.iter().flat_map(Reach::touched).collect()).await
}

/// Reads the first of the records that go, as they were before any reference was emptied: as many as there is room for.
/// One may have been read already.
async fn read_some<'a>(
    cx: &mut TxContext<'_, '_>,
    rest: &mut &[Going<'a>],
    (read, untied): (Option<(Key, &Record)>, &Untied),
) -> Result<Vec<(&'a Collection, Record)>, Error> {
    let (mut records, mut bytes) = (Vec::new(), 0);
    while let [Going { collection, id, is_seen: _ }, others @ ..] = *rest {
        let record = match read {
            Some((key, record)) if key == (collection.id, *id) => Some(record.clone()),
            _ => cx.get_to_remove(collection, *id).await?,
        };
        if let Some(record) = record {
            let record = match untied.get(&(collection.id, *id)) {
                Some(references) => tied(&record, references)?,
                None => record,
            };
            bytes += record.size();
            records.push((*collection, record));
        }
        *rest = others;
        if bytes >= limits::DELETION_READ_BYTES {
            break;
        }
    }
    Ok(records)
}

/// A record with references that were emptied.
fn tied(record: &Record, references: &[(FieldId, RecordId)]) -> Result<Record, Error> {
    let mut values = record.values().to_vec();
    for (field, to) in references {
        values[usize::from(field.0)] = Value::Id(*to);
    }
    Record::new(values).map_err(Error::internal)
}

/// What goes with a record, itself first, and what refers to any of it: at most so many records, with those of the deletions
/// before it in the same transaction.
pub(crate) async fn reach<'a>(
    cx: &mut TxContext<'a, '_>,
    class: &CallerClass,
    (first, way): (Going<'a>, Way),
    most_others: usize,
) -> Result<Reach<'a>, Error> {
    let model = cx.model();
    cx.told_along.begin(way);
    let mut known = HashSet::from([(first.collection.id, first.id)]);
    let (mut reach, mut next, mut others) =
        (Reach { going: vec![first], referring: Vec::new(), because: None }, 0, cx.taken_along);
    let mut restricting: HashMap<_, usize> = HashMap::new();
    while let Some(Going { collection, id: to, is_seen }) = reach.going.get(next).copied() {
        let of = collection.id;
        for (collection, by, how) in referring_by(model, of, way) {
            let on_delete = how.on_delete;
            let at = (collection.id, by.key());
            // A record restricts through a reference to one record once. If more are found than can go, no further ones are
            // needed.
            let most = match on_delete {
                OnDelete::Restrict => most_others + 2 - restricting.get(&at).unwrap_or(&0),
                OnDelete::Cascade | OnDelete::SetNull => most_others + 1,
            };
            let ids = referring(cx, (collection.id, by), (to, how.perspective, most)).await?;
            match on_delete {
                OnDelete::Restrict => *restricting.entry(at).or_default() += ids.len(),
                OnDelete::Cascade | OnDelete::SetNull => others += ids.len(),
            }
            let is_live = how.perspective == Perspective::Live;
            let is_seen = is_seen && is_live && taken_along::sees_all(class, collection.id, by.field());
            let known_before = known.len();
            match on_delete {
                OnDelete::Cascade => {
                    let found = ids.iter().copied().filter(|id| known.insert((collection.id, *id)));
                    reach.going.extend(found.map(|id| Going { collection, id, is_seen }));
                    if is_seen && known.len() > known_before {
                        cx.told_along.delete(collection.id, known.len() - known_before);
                    }
                }
                OnDelete::SetNull if is_seen && !ids.is_empty() => cx.told_along.change(collection.id, ids.len()),
                OnDelete::SetNull | OnDelete::Restrict => {}
            }
            if others > most_others {
                return Err(cx.told_along.refusal(model, Excess::Records(most_others as u64)));
            }
            if !ids.is_empty() {
                reach.referring.push(Referring { to: (of, to), collection, by, how, ids });
            }
        }
        next += 1;
    }
    cx.taken_along = others;
    Ok(reach)
}

/// Which referring records of a field are meant, and what happens to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) perspective: Perspective,
    pub(crate) on_delete: OnDelete,
}

/// What refers to a collection, and what happens to the records in which it does: what their `@onDelete` says, and to those
/// in the trash only if the record goes for good. Until then, they can come back with it.
pub(crate) fn referring_by(
    model: &Model,
    of: CollectionId,
    way: Way,
) -> impl Iterator<Item = (&Collection, Reference<'_>, Found)> {
    Reference::to(model, of).flat_map(move |(collection, by, on_delete)| {
        let live = Found { perspective: Perspective::Live, on_delete };
        let is_asked = way == Way::Gone && collection.trash.is_some();
        let trashed = is_asked.then_some(Found { perspective: Perspective::Trash, on_delete });
        [Some(live), trashed].into_iter().flatten().map(move |found| (collection, by, found))
    })
}

/// The records whose reference leads here, at most so many.
pub(crate) async fn referring(
    cx: &mut TxContext<'_, '_>,
    by: (CollectionId, Reference<'_>),
    (to, perspective, most): (RecordId, Perspective, usize),
) -> Result<Vec<RecordId>, Error> {
    let bindings = Bindings { limit: most as u64, ..cx.bindings().id(to) };
    referring_in(cx, by, (perspective, IdOrder::Ascending), bindings).await
}

/// The same, the latest first, and from below this one if it is given.
pub(crate) async fn latest_referring(
    cx: &mut TxContext<'_, '_>,
    by: (CollectionId, Reference<'_>),
    (to, perspective, most): (RecordId, Perspective, usize),
    below: Option<RecordId>,
) -> Result<Vec<RecordId>, Error> {
    let order = if below.is_some() { IdOrder::Below } else { IdOrder::Descending };
    let cursor: Vec<Value> = below.map(Value::Id).into_iter().collect();
    let bindings = Bindings { limit: most as u64, cursor: &cursor, ..cx.bindings().id(to) };
    referring_in(cx, by, (perspective, order), bindings).await
}

async fn referring_in(
    cx: &mut TxContext<'_, '_>,
    (collection, by): (CollectionId, Reference<'_>),
    among: (Perspective, IdOrder),
    bindings: Bindings<'_>,
) -> Result<Vec<RecordId>, Error> {
    let template = cx.engine.templates.referencing(&cx.engine.planner, (collection, by), among);
    cx.ids(&template, bindings, collection).await
}

/// Empties the references of records that stay, all of one record in one change, and of those that would go later than
/// what they refer to; returns the latter. Nothing else of a record that stays changes, and none of its rules and checks is
/// asked, but what no two records may share still holds.
pub(crate) async fn release(
    cx: &mut TxContext<'_, '_>,
    class: &CallerClass,
    referring: &[Referring<'_>],
    (places, way): (&HashMap<Key, usize>, Way),
) -> Result<Untied, Error> {
    let mut untied = Untied::new();
    let mut staying: Vec<Releasing<'_>> = Vec::new();
    let mut found: HashMap<Key, usize> = HashMap::new();
    for one in referring {
        for id in &one.ids {
            let key = (one.collection.id, *id);
            match places.get(&key) {
                Some(place) if way == Way::Gone && Some(place) > places.get(&one.to) => {
                    if let Some(record) = cx.get_to_remove(one.collection, *id).await? {
                        RowChange::untie(cx, one.collection, &record, one.by);
                        if let Reference::Field(field) = one.by {
                            untied.entry(key).or_default().push((field.id, one.to.1));
                        }
                    }
                }
                Some(_) => {}
                None => {
                    let index = *found.entry(key).or_insert(staying.len());
                    if index == staying.len() {
                        staying.push(Releasing { collection: one.collection, id: *id, references: Vec::new() });
                    }
                    staying[index].references.push((one.by, one.to.1));
                }
            }
        }
    }
    let mut held: HashSet<CollectionId> = HashSet::new();
    for one in staying {
        release_one(cx, class, one, &mut held).await?;
    }
    Ok(untied)
}

/// Empties the references of one record that stays, except those that others have changed before it was locked.
async fn release_one(
    cx: &mut TxContext<'_, '_>,
    class: &CallerClass,
    Releasing { collection, id, mut references }: Releasing<'_>,
    held: &mut HashSet<CollectionId>,
) -> Result<(), Error> {
    let is_parent =
        |(reference, _): &(Reference<'_>, _)| collection.tree.is_some_and(|tree| tree.parent == reference.field());
    if references.iter().any(is_parent) && held.insert(collection.id) {
        trees::hold(cx, collection.id).await?;
    }
    let Some(record) = cx.get_to_remove(collection, id).await? else { return Ok(()) };
    references.retain(|(reference, to)| reference.may_lead(&record, *to));
    if references.is_empty() {
        return Ok(());
    }
    let fields: Vec<FieldId> = references.iter().map(|(reference, _)| reference.field()).collect();
    if let Err(error) = exclusions::ask_released(cx, collection, &record, &fields).await {
        return Err(related::of_request(cx, class, (collection, &record), error).await?);
    }
    let write = |cx: &mut TxContext<'_, '_>| RowChange::release(cx, collection, &record, &references);
    related::write(cx, class, (collection, &record), write).await
}

/// Why a record cannot be deleted: which records refer to it, if the caller may see them.
pub(crate) async fn still_referenced(
    cx: &mut TxContext<'_, '_>,
    class: &CallerClass,
    referring: &Referring<'_>,
    ids: &[RecordId],
) -> Result<Conflict, Error> {
    let Referring { collection, by, how: Found { perspective, .. }, .. } = referring;
    let in_trash = *perspective == Perspective::Trash;
    let field = collection.field(by.field());
    let sees_field = class.system || class.rights.field(collection.id, field.id, Action::Read).allows();
    let shown = &ids[..ids.len().min(SHOWN_REFERRING)];
    for id in shown {
        let is_seen = match in_trash {
            true => stored::may_see_in_trash(cx, class, (collection.id, *id)).await?,
            false => may_read(cx, class, collection.id, *id).await?,
        };
        if !sees_field || !is_seen {
            return Ok(Conflict::ReferencedUnseen);
        }
    }
    Ok(Conflict::Referenced {
        collection: collection.name.clone(),
        field: field.name.clone(),
        count: shown.len() as u64,
        more: ids.len() > shown.len(),
        in_trash,
    })
}
