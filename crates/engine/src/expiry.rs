//! What is purged because it has been in the trash for as long as its type keeps it.

use std::collections::{HashMap, HashSet};

use backstay_base::{Conflict, Error, RecordId, Timestamp, limits};
use backstay_model::{Collection, CollectionId, Trash};
use backstay_scalar::Value;
use backstay_store::Writes;
use futures_util::future::BoxFuture;

use crate::bind::Bindings;
use crate::record::Key;
use crate::{Authority, Context, Engine, Record, RecordAct, Transaction, TxContext, deletion};

/// How far a pass over the trash has come. It lasts while the application is exchanged for another version.
#[derive(Debug, Default)]
pub struct PurgePass {
    /// By the name of the type; none of a type that it hasn't come to.
    reached: HashMap<String, Reached>,
}

/// How far a pass has come in one type.
#[derive(Debug, Clone, Copy)]
enum Reached {
    /// This record.
    Record(Place),
    /// The last record.
    End,
}

/// The place of a record in the order in which records are purged: the oldest in the trash first.
#[derive(Debug, Clone, Copy)]
struct Place {
    trashed_at: Timestamp,
    id: RecordId,
}

impl Engine {
    /// Purges records that have been in the trash for longer than their type keeps them, and deletes versions that a
    /// history keeps no longer: the next `limits::PURGE_RECORDS` of each type in this pass. Returns whether the pass has more
    /// to do. One that can't be purged is left for the next pass.
    pub async fn purge_expired(&self, pass: &mut PurgePass) -> Result<bool, Error> {
        let mut more = false;
        for collection in &self.model().collections {
            let reached = pass.reached.get(&collection.name).copied();
            let after = match reached {
                None => None,
                Some(Reached::Record(place)) => Some(place),
                Some(Reached::End) => continue,
            };
            let Some(before) = self.expires_before(collection) else { continue };
            let expired = Expired { collection: collection.id, before, after };
            let Found { ids, last } = self.run(&Context::system(self), expired).await?;
            for id in &ids {
                let expired = ExpiredRecord { key: (collection.id, *id), before };
                if let Err(error) = self.purge_whole(expired).await
                    && !is_needed(&error)
                {
                    tracing::warn!(collection = collection.name, record = %id, %error, "a record in the trash can't be purged");
                }
            }
            let last = last.filter(|_| ids.len() >= limits::PURGE_RECORDS);
            more |= last.is_some();
            pass.reached.insert(collection.name.clone(), last.map_or(Reached::End, Reached::Record));
        }
        Ok(self.delete_old_versions().await? || more)
    }

    /// The moment before which a record was moved to the trash that isn't kept any longer; `None` if the type keeps all.
    fn expires_before(&self, collection: &Collection) -> Option<Timestamp> {
        let Trash { at: _, keep } = collection.trash?;
        let now = self.ambient().clock.now();
        now.micros().checked_sub(keep?.micros()).and_then(Timestamp::from_micros)
    }

    /// Purges a record with all that can't be without it: in one commit, or in several where that is too much for one.
    async fn purge_whole(&self, expired: ExpiredRecord) -> Result<(), Error> {
        match self.run(&Context::system(self), PurgeOne { expired, record: expired.key }).await {
            Err(error) if error.fits_in_parts() => self.purge_in_parts(expired).await,
            purged => purged,
        }
    }

    /// Purges a record after all that can't be without it, each in a commit of its own. In a circle a record is purged
    /// with all that is left of the circle.
    async fn purge_in_parts(&self, expired: ExpiredRecord) -> Result<(), Error> {
        let mut going = vec![expired.key];
        // Those that have been looked at and are still there.
        let mut known: HashSet<Key> = HashSet::new();
        while let Some(record) = going.last().copied() {
            known.insert(record);
            let release = ReleaseOne { expired, record, most: limits::PURGE_RECORDS + known.len() };
            let Released { mut requiring, changed } = self.run(&Context::system(self), release).await?;
            requiring.retain(|key| !known.contains(key));
            if changed || !requiring.is_empty() {
                going.extend(requiring);
                continue;
            }
            match self.run(&Context::system(self), PurgeOne { expired, record }).await {
                Ok(()) => {
                    known.remove(&record);
                }
                // It goes with one of its circle to which the others lead, or after those that refer to it.
                Err(error) if (error.fits_in_parts() || is_needed(&error)) && going.len() > 1 => {}
                Err(error) => return Err(error),
            }
            going.pop();
        }
        Ok(())
    }
}

/// When a record was moved to the trash; `None` of a live one.
fn trashed_at(record: &Record, trash: Trash) -> Option<Timestamp> {
    if let Value::Timestamp(at) = record.value(trash.at) { Some(*at) } else { None }
}

/// Finds records that have been in the trash for too long, in the order of their places.
struct Expired {
    collection: CollectionId,
    before: Timestamp,
    after: Option<Place>,
}

/// Records that are to be purged.
#[derive(Debug, Default)]
struct Found {
    ids: Vec<RecordId>,
    /// The place of the last one.
    last: Option<Place>,
}

impl Transaction for Expired {
    type Answer = Found;

    fn name(&self) -> &'static str {
        "purge"
    }

    fn writes(&self) -> Writes {
        Writes::None
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<Found, Error>> {
        Box::pin(async move {
            let collection: &Collection = cx.model().collection(self.collection);
            let Some(trash) = collection.trash else { return Ok(Found::default()) };
            let values = |trashed_at: Timestamp| {
                let mut values = vec![Value::Null; collection.fields.len()];
                values[usize::from(trash.at.0)] = trashed_at.into();
                values
            };
            let proposed = values(self.before);
            let mut stored = Vec::new();
            if let Some(Place { trashed_at, id }) = self.after {
                stored = values(trashed_at);
                stored[usize::from(Collection::ID.0)] = Value::Id(id);
            }
            let template =
                cx.engine.templates.expired(&cx.engine.planner, (collection.id, trash), self.after.is_some());
            let limit = limits::PURGE_RECORDS as u64;
            let bindings = Bindings { proposed: &proposed, stored: &stored, limit, ..cx.bindings() };
            let ids = cx.ids(template, bindings, collection.id).await?;
            let mut last = None;
            if let Some(id) = ids.last().copied() {
                let record = cx.get_stored(collection.id, id).await?;
                let trashed_at = record.and_then(|record| trashed_at(&record, trash));
                last = trashed_at.map(|trashed_at| Place { trashed_at, id });
            }
            Ok(Found { ids, last })
        })
    }
}

/// A record that has been in the trash since before a moment.
#[derive(Debug, Clone, Copy)]
struct ExpiredRecord {
    key: Key,
    before: Timestamp,
}

impl ExpiredRecord {
    /// Whether it still is: it may have been purged, restored, or restored and deleted again, in between.
    async fn is_there(self, cx: &mut TxContext<'_, '_>) -> Result<bool, Error> {
        let (collection, id) = self.key;
        let Some(trash) = cx.model().collection(collection).trash else { return Ok(false) };
        let record = cx.get_stored(collection, id).await?;
        let trashed_at = record.and_then(|record| trashed_at(&record, trash));
        Ok(trashed_at.is_some_and(|at| at < self.before))
    }
}

/// Whether the purge failed because another record that stays refers to what would go: it waits for that one.
fn is_needed(error: &Error) -> bool {
    matches!(error, Error::Conflict(Conflict::Referenced { .. } | Conflict::ReferencedUnseen))
}

/// Purges a record: the one that is expired, or one that goes with it.
struct PurgeOne {
    expired: ExpiredRecord,
    record: Key,
}

impl Transaction for PurgeOne {
    type Answer = ();

    fn name(&self) -> &'static str {
        "purge"
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            if !self.expired.is_there(cx).await? {
                return Ok(());
            }
            match cx.carry_out(Authority::System, &RecordAct::Purge, self.record, None).await {
                // It went with another one, or was restored.
                Ok(_) | Err(Error::NotFound { .. }) => Ok(()),
                Err(error) => Err(error),
            }
        })
    }
}

/// Empties references in the trash to a record that is to be purged, and finds what can't be without it.
struct ReleaseOne {
    expired: ExpiredRecord,
    record: Key,
    /// Records that require it and are to be found, at most so many of each field.
    most: usize,
}

struct Released {
    /// Some of the records that can't be without it.
    requiring: Vec<Key>,
    /// Whether references were emptied; there may be more.
    changed: bool,
}

impl Transaction for ReleaseOne {
    type Answer = Released;

    fn name(&self) -> &'static str {
        "purge"
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<Released, Error>> {
        Box::pin(async move {
            if !self.expired.is_there(cx).await? {
                return Ok(Released { requiring: Vec::new(), changed: false });
            }
            let requiring = deletion::requiring(cx, self.record, self.most).await?;
            let changed = deletion::release_some(cx, self.record, limits::PURGE_RECORDS).await?;
            Ok(Released { requiring, changed })
        })
    }
}
