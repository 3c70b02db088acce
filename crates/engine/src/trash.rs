//! The trash: how records come back from it, and what is purged because it has been there for long enough. How they get
//! there is part of `deletion`.

use std::collections::HashSet;

use backstay_base::{Action, Conflict, Error, Limit, RecordId, Timestamp, limits};
use backstay_model::{Collection, CollectionId, OnDelete, Trash};
use backstay_scalar::Value;
use backstay_sql::Perspective;
use futures_util::future::BoxFuture;

use crate::bind::Bindings;
use crate::deletion_order::to_one;
use crate::proposal::Proposal;
use crate::row_change::RowChange;
use crate::{Authority, Context, Engine, Record, Transaction, TxContext};

/// A record in the trash that comes back.
struct Coming<'m> {
    collection: &'m Collection,
    record: Record,
}

/// The records that come back: the first was asked for, and the others were moved to the trash together with it.
struct Group<'m> {
    coming: Vec<Coming<'m>>,
    keys: HashSet<(CollectionId, RecordId)>,
}

/// Brings the record of a proposal back, with what was moved to the trash together with it: records that refer to one that
/// comes back and would be deleted with it. A record whose other references lead into the trash stays there.
pub(crate) async fn restore(cx: &mut TxContext<'_, '_>, proposal: Proposal<'_>) -> Result<Record, Error> {
    let Proposal { collection, stored, class, .. } = proposal;
    let Some(record) = stored else { return Err(crate::read::not_found(collection)) };
    let collection = cx.model().collection(collection.id);
    let moment = collection.trash.map_or(Value::Null, |trash| record.value(trash.at).clone());
    let keys = HashSet::from([(collection.id, record.id())]);
    let mut group = Group { coming: vec![Coming { collection, record }], keys };
    let mut next = 0;
    while next < group.coming.len() {
        gather(cx, &mut group, (next, &moment)).await?;
        next += 1;
    }
    let first = &group.coming[0];
    if let Some(field) = astray(cx, &group, first).await? {
        let sees = class.system || class.rights.field(collection.id, field, Action::Read).allows();
        let field = sees.then(|| collection.field(field).name.clone());
        return Err(Conflict::InTrash { field }.into());
    }
    let restored = RowChange::restore(cx, collection, &group.coming[0].record)?;
    for Coming { collection, record } in &group.coming[1..] {
        RowChange::restore(cx, collection, record)?;
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
        for field in collection.fields.iter().filter(|field| to_one(field) == Some((target, OnDelete::Cascade))) {
            let at = (collection.id, field.id);
            let template = cx.engine.templates.referencing(&cx.engine.planner, at, Perspective::Trash);
            let bindings = Bindings { limit: limits::DELETION_RECORDS as u64 + 1, ..cx.bindings().id(to) };
            for id in cx.ids(&template, bindings, collection.id).await? {
                let Some(record) = cx.get_stored(collection.id, id).await? else { continue };
                let coming = Coming { collection, record };
                let together = coming.record.value(trash.at) == moment && !group.keys.contains(&(collection.id, id));
                if !together || astray(cx, group, &coming).await?.is_some() {
                    continue;
                }
                group.keys.insert((collection.id, id));
                group.coming.push(coming);
                if group.coming.len() > limits::DELETION_RECORDS {
                    let max = limits::DELETION_RECORDS as u64;
                    return Err(Limit::Size { what: "what would be restored", max, unit: "records" }.into());
                }
            }
        }
    }
    Ok(())
}

/// A field by which a record refers to one that is in the trash and doesn't come back with it.
async fn astray(
    cx: &mut TxContext<'_, '_>,
    group: &Group<'_>,
    Coming { collection, record }: &Coming<'_>,
) -> Result<Option<backstay_model::FieldId>, Error> {
    for field in &collection.fields {
        let (Some((target, _)), Some(to)) = (to_one(field), record.value(field.id).as_id()) else { continue };
        let there = cx.model().collection(target).trash.is_none()
            || group.keys.contains(&(target, to))
            || cx.get(target, to).await?.is_some();
        if !there {
            return Ok(Some(field.id));
        }
    }
    Ok(None)
}

impl Engine {
    /// Purges records that have been in the trash for longer than their type keeps them: at most `limits::PURGE_RECORDS`
    /// of each type, each in a commit of its own. Returns whether there may be more.
    pub async fn purge_expired(&self) -> Result<bool, Error> {
        let mut more = false;
        for collection in &self.model().collections {
            let Some(Trash { at, keep: Some(keep) }) = collection.trash else { continue };
            let now = self.ambient().clock.now();
            let Some(before) = now.micros().checked_sub(keep.micros()).and_then(Timestamp::from_micros) else {
                continue;
            };
            let ids = self.run(&Context::system(self), Expired { collection: collection.id, at, before }).await?;
            let mut purged = 0;
            for id in &ids {
                let purge = PurgeExpired { collection: collection.id, id: *id, at, before };
                match self.run(&Context::system(self), purge).await {
                    Ok(()) => purged += 1,
                    // It was restored or purged in between.
                    Err(Error::NotFound { .. }) => {}
                    Err(error) => {
                        tracing::warn!(collection = collection.name, record = %id, %error, "a record in the trash can't be purged");
                    }
                }
            }
            more |= purged > 0 && ids.len() >= limits::PURGE_RECORDS;
        }
        Ok(more)
    }
}

/// Finds records that have been in the trash for too long.
struct Expired {
    collection: CollectionId,
    at: backstay_model::FieldId,
    before: Timestamp,
}

impl Transaction for Expired {
    type Answer = Vec<RecordId>;

    fn name(&self) -> &'static str {
        "purge"
    }

    fn writes(&self) -> backstay_store::Writes {
        backstay_store::Writes::None
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<Vec<RecordId>, Error>> {
        Box::pin(async move {
            let collection: &Collection = cx.model().collection(self.collection);
            let Some(trash) = collection.trash else { return Ok(Vec::new()) };
            let mut values = vec![Value::Null; collection.fields.len()];
            values[usize::from(self.at.0)] = self.before.into();
            let template = cx.engine.templates.expired(&cx.engine.planner, self.collection, trash);
            let bindings = Bindings { proposed: &values, limit: limits::PURGE_RECORDS as u64, ..cx.bindings() };
            cx.ids(template, bindings, self.collection).await
        })
    }
}

/// Purges a record, unless it was restored, or restored and deleted again, in between.
struct PurgeExpired {
    collection: CollectionId,
    id: RecordId,
    at: backstay_model::FieldId,
    before: Timestamp,
}

impl Transaction for PurgeExpired {
    type Answer = ();

    fn name(&self) -> &'static str {
        "purge"
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let Some(record) = cx.get_stored(self.collection, self.id).await? else { return Ok(()) };
            match record.value(self.at) {
                Value::Timestamp(at) if *at < self.before => {
                    cx.purge(Authority::System, (self.collection, self.id), None).await.map(drop)
                }
                _ => Ok(()),
            }
        })
    }
}
