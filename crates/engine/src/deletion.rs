use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use backstay_base::{Action, Conflict, Error, Limit, RecordId, limits};
use backstay_model::{Collection, CollectionId, Field, FieldId, FieldKind, Model, OnDelete};
use backstay_scalar::Value;
use backstay_store::{ChangeKind, ChangedField};

use crate::bind::Bindings;
use crate::write::change;
use crate::{Authority, Draft, OpContext, Record};

/// Referring records that are counted for who cannot delete the one that they refer to.
const SHOWN_REFERRING: usize = 20;

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

/// For each collection when its records are deleted among others: those that require another go before it. Types that
/// require each other in a circle are refused when a model is loaded.
pub(crate) fn ranks(model: &Model) -> Vec<usize> {
    fn rank(of: CollectionId, model: &Model, ranks: &mut [Option<usize>]) -> usize {
        if let Some(known) = ranks[usize::from(of.0)] {
            return known;
        }
        ranks[usize::from(of.0)] = Some(0);
        let requires = |collection: &&Collection| {
            collection.fields.iter().any(|field| field.required && to_one(field).is_some_and(|(to, _)| to == of))
        };
        let requiring: Vec<CollectionId> = model.collections.iter().filter(requires).map(|found| found.id).collect();
        let rank = requiring.into_iter().map(|id| rank(id, model, ranks) + 1).max().unwrap_or(0);
        ranks[usize::from(of.0)] = Some(rank);
        rank
    }
    let mut known = vec![None; model.collections.len()];
    model.collections.iter().map(|collection| rank(collection.id, model, &mut known)).collect()
}

fn to_one(field: &Field) -> Option<(CollectionId, OnDelete)> {
    if let FieldKind::ToOne { target, on_delete } = field.kind { Some((target, on_delete)) } else { None }
}

impl<'a> OpContext<'a, '_> {
    /// Deletes a record and what `@onDelete` says goes with it, and releases what refers to them. What goes is found
    /// first, then ordered so that no reference leads nowhere in between.
    pub(crate) async fn delete_with_dependents(
        &mut self,
        collection: &'a Collection,
        record: Record,
    ) -> Result<(), Error> {
        let (mut going, referring) = self.going(Going { collection, record }).await?;
        let ranks = &self.engine.application.ranks;
        // Within a collection those that were found last go first: they refer to those before.
        going.reverse();
        going.sort_by_key(|one| ranks[usize::from(one.collection.id.0)]);
        let places: HashMap<RecordId, usize> =
            going.iter().enumerate().map(|(place, one)| (one.record.id(), place)).collect();
        for one in referring.iter().filter(|one| one.on_delete == OnDelete::Restrict) {
            let staying: Vec<RecordId> = one.ids.iter().filter(|id| !places.contains_key(id)).copied().collect();
            if !staying.is_empty() {
                return Err(self.still_referenced(one, &staying).await?.into());
            }
        }
        self.release(&referring, &places).await?;
        for one in &going {
            self.remove(one.collection, &one.record);
        }
        Ok(())
    }

    /// What goes with a record, itself first, and what refers to any of it.
    async fn going(&mut self, first: Going<'a>) -> Result<(Vec<Going<'a>>, Vec<Referring<'a>>), Error> {
        let most = u32::try_from(limits::CASCADE_RECORDS).unwrap_or(u32::MAX).saturating_add(1);
        let model = self.model();
        let mut known = HashSet::from([first.record.id()]);
        let (mut going, mut referring, mut next) = (vec![first], Vec::new(), 0);
        while let Some(Going { collection, record }) = going.get(next) {
            let (of, to) = (collection.id, record.id());
            for collection in &model.collections {
                let fields = collection.fields.iter().filter_map(|field| Some((field, to_one(field)?)));
                for (field, (_, on_delete)) in fields.filter(|(_, (target, _))| *target == of) {
                    let ids = self.referring(collection.id, field.id, to, most).await?;
                    if on_delete == OnDelete::Cascade {
                        for id in ids.iter().filter(|id| known.insert(**id)) {
                            let record = self.get(collection.id, *id).await?;
                            going.extend(record.map(|record| Going { collection, record }));
                        }
                    }
                    if !ids.is_empty() {
                        referring.push(Referring { to, collection, field, on_delete, ids });
                    }
                    if going.len() > limits::CASCADE_RECORDS {
                        let max = limits::CASCADE_RECORDS as u64;
                        return Err(Limit::Size { what: "what would be deleted with it", max, unit: "records" }.into());
                    }
                }
            }
            next += 1;
        }
        Ok((going, referring))
    }

    /// Ends the references of records that stay, all of one record in one change, and of those that would go later than
    /// what they refer to.
    async fn release(&mut self, referring: &[Referring<'a>], places: &HashMap<RecordId, usize>) -> Result<(), Error> {
        let mut staying: Vec<(RecordId, &Referring<'a>, Draft)> = Vec::new();
        let mut found: HashMap<RecordId, usize> = HashMap::new();
        for one in referring {
            for id in &one.ids {
                match places.get(id) {
                    Some(place) if Some(place) > places.get(&one.to) => {
                        self.forget(one.collection, one.field.id, *id).await?;
                    }
                    Some(_) => {}
                    None => {
                        let index = *found.entry(*id).or_insert(staying.len());
                        if index == staying.len() {
                            staying.push((*id, one, Draft::new()));
                        }
                        staying[index].2.set(one.field.id, Value::Null);
                    }
                }
            }
        }
        for (id, one, draft) in staying {
            match self.update(Authority::System, one.collection.id, id, draft, None).await {
                // What the record must be is its own matter: it still refers, and who deletes learns no more.
                Err(Error::Invalid(_)) => return Err(self.still_referenced(one, &[id]).await?.into()),
                released => drop(released?),
            }
        }
        Ok(())
    }

    /// Empties a relation of a record that is itself about to be deleted: it is in a circle, which no order can serve.
    /// A required relation is in none.
    async fn forget(&mut self, collection: &Collection, field: FieldId, id: RecordId) -> Result<(), Error> {
        let Some(record) = self.get(collection.id, id).await? else { return Ok(()) };
        let mut values = record.values().to_vec();
        values[usize::from(field.0)] = Value::Null;
        let template = self.engine.templates.update(&self.engine.planner, collection.id, vec![field]);
        let bindings = Bindings { proposed: &values, version: record.version(), ..self.bindings().id(id) };
        let update = self.statement(&template, &bindings, collection.id);
        self.tx.stage(update, Some(1));
        Ok(())
    }

    fn remove(&mut self, collection: &Collection, record: &Record) {
        self.clear_links(collection, record.id());
        let bindings = Bindings { version: record.version(), ..self.bindings().id(record.id()) };
        let template = self.engine.templates.delete(&self.engine.planner, collection.id);
        let delete = self.statement(template, &bindings, collection.id);
        self.tx.stage(delete, Some(1));
        let old = |field: &Field| {
            let old = record.value(field.id).clone();
            (!old.is_null()).then_some(ChangedField { field: field.id, old, new: Value::Null })
        };
        let indexed: HashSet<FieldId> = collection.indexes.iter().flat_map(|index| index.fields.clone()).collect();
        let fields = collection.stored_fields().filter(|field| indexed.contains(&field.id)).filter_map(old).collect();
        self.tx.change(change(collection, record, ChangeKind::Delete, fields));
    }

    /// Why a record cannot be deleted: which records refer to it, if the caller may see them.
    async fn still_referenced(&mut self, referring: &Referring<'_>, ids: &[RecordId]) -> Result<Conflict, Error> {
        let Referring { collection, field, .. } = referring;
        let class = Arc::clone(&self.class);
        let sees_field = class.rights.field(collection.id, field.id, Action::Read).allows();
        let shown = &ids[..ids.len().min(SHOWN_REFERRING)];
        for id in shown {
            if !sees_field || !self.may_read(&class, collection.id, *id).await? {
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
}
