//! Locks what a request is going to write before any of it is read, where several transactions write at a time: see
//! `lock_order`. On an embedded database nothing of this costs a statement.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use backstay_base::{Error, RecordId};
use backstay_model::{CollectionId, FieldId};
use backstay_scalar::{Value, ValueRef};
use backstay_sql::{DecodeError, Dialect, Perspective, Row, StoredPlan, Template};

use crate::bind::Bindings;
use crate::record::Key;
use crate::reference::Reference;
use crate::references::seen_among;
use crate::{Input, Record, RecordAct, TxContext, trees};

/// Ids that one statement is given.
const IDS_AT_ONCE: usize = 10_000;

/// Records that are going to be written.
#[derive(Debug, Default)]
pub(crate) struct ToHold {
    records: BTreeMap<CollectionId, BTreeSet<RecordId>>,
    /// Collections of which records may get another place in their tree.
    trees: BTreeSet<CollectionId>,
}

impl ToHold {
    /// These records.
    pub(crate) fn records(collection: CollectionId, ids: impl IntoIterator<Item = RecordId>) -> Self {
        let records = BTreeMap::from([(collection, ids.into_iter().collect())]);
        Self { records, trees: BTreeSet::new() }
    }

    /// And this one.
    pub(crate) fn add(&mut self, (collection, id): Key) {
        self.records.entry(collection).or_default().insert(id);
    }
}

impl FromIterator<Key> for ToHold {
    fn from_iter<I: IntoIterator<Item = Key>>(records: I) -> Self {
        let mut to_hold = Self::default();
        for record in records {
            to_hold.add(record);
        }
        to_hold
    }
}

impl TxContext<'_, '_> {
    /// Whether other transactions write at the same time.
    pub(crate) fn is_shared(&self) -> bool {
        self.engine.planner.dialect() != Dialect::Sqlite
    }

    /// Adds to what is held the records that change with a record that is sent like this, as far as the input names them.
    pub(crate) fn hold_owners(&self, collection: CollectionId, input: &Input, to_hold: &mut ToHold) {
        if !self.is_shared() {
            return;
        }
        for (owner, via) in self.engine.application.lock_order.owners(collection) {
            if let Some(id) = input.value(*via).and_then(Value::as_id) {
                to_hold.add((*owner, id));
            }
        }
        let tree = self.model().collection(collection).tree;
        if tree.is_some_and(|tree| input.fields().any(|field| field == tree.parent)) {
            to_hold.trees.insert(collection);
        }
    }

    /// Locks a record with which this is going to be done, unless it is the only one.
    pub(crate) async fn hold_to_carry_out(&mut self, act: &RecordAct, record: Key) -> Result<(), Error> {
        match act {
            RecordAct::Delete | RecordAct::Purge => self.hold_to_delete(record).await,
            RecordAct::Restore(_) if self.tx.is_rerun() => self.hold(ToHold::records(record.0, [record.1])).await,
            RecordAct::Restore(_) => Ok(()),
        }
    }

    /// Locks a record that is going to be deleted, unless nothing refers to it: what goes with it is locked after it.
    pub(crate) async fn hold_to_delete(&mut self, (collection, id): Key) -> Result<(), Error> {
        let goes_alone = Reference::to(self.model(), collection).next().is_none();
        if goes_alone && !self.tx.is_rerun() { Ok(()) } else { self.hold(ToHold::records(collection, [id])).await }
    }

    /// Locks a record that is going to be changed, if it is locked when it is read, and others change with it; and if another
    /// transaction has changed it while this one was run before.
    pub(crate) async fn hold_to_change(&mut self, (collection, id): Key, input: &Input) -> Result<(), Error> {
        let application = &self.engine.application;
        let is_between =
            application.sums.own(collection).is_some() && !application.lock_order.owners(collection).is_empty();
        if !is_between && input.children.is_empty() && !self.tx.is_rerun() {
            return Ok(());
        }
        let mut to_hold = ToHold::records(collection, [id]);
        self.hold_owners(collection, input, &mut to_hold);
        self.hold(to_hold).await
    }

    /// Keeps other transactions from writing records with the same values of a unique key as these until this one ends: of two
    /// that write the same ones in different orders, each would else wait for the other.
    pub(crate) async fn hold_by_key(
        &mut self,
        (collection, key): (CollectionId, &[FieldId]),
        inputs: &[Input],
    ) -> Result<(), Error> {
        if !self.is_shared() {
            return Ok(());
        }
        let number = self.engine.store.catalog().type_number(collection).0;
        let name = |input: &Input| {
            let mut name = format!("key {number}").into_bytes();
            // What is named by a key of its own isn't known yet: records that differ in that alone share a lock.
            for value in key.iter().map(|field| input.value(*field).unwrap_or(&Value::Null)) {
                name.push(b' ');
                backstay_scalar::write(&mut name, value);
            }
            String::from_utf8_lossy(&name).into_owned()
        };
        let locked = self.tx.lock_all(inputs.iter().map(name)).await;
        locked.map_err(|error| self.failed(error))?;
        let mut to_hold = ToHold::default();
        for input in inputs {
            self.hold_owners(collection, input, &mut to_hold);
        }
        if self.tx.is_rerun() {
            for input in inputs {
                for id in self.with_key((collection, key), input).await? {
                    to_hold.add((collection, id));
                }
            }
        }
        self.hold(to_hold).await
    }

    /// Keeps other transactions from taking the first records of this collection until this one ends: they would find the same
    /// ones, and then have to look again.
    pub(crate) async fn hold_first(&mut self, collection: CollectionId) -> Result<(), Error> {
        let number = self.engine.store.catalog().type_number(collection).0;
        let locked = self.tx.lock_all(std::iter::once(format!("first {number}"))).await;
        locked.map_err(|error| self.failed(error))
    }

    /// The record with these values of a key, if all of them are sent as they are.
    async fn with_key(
        &mut self,
        (collection, key): (CollectionId, &[FieldId]),
        input: &Input,
    ) -> Result<Vec<RecordId>, Error> {
        let value =
            |field: &FieldId| input.value(*field).filter(|value| !value.is_null()).map(|value| (*field, value.clone()));
        let Some(by) = key.iter().map(value).collect::<Option<Vec<_>>>() else { return Ok(Vec::new()) };
        let (template, proposed) = self.engine.lookup((collection, Perspective::Live), &by);
        self.ids(&template, Bindings { proposed: &proposed, ..self.bindings() }, collection).await
    }

    /// Locks records that follow what was written, before any of that is sent to the database.
    pub(crate) async fn hold_touched(&mut self, records: Vec<Key>) -> Result<(), Error> {
        if !self.is_shared() {
            return Ok(());
        }
        let order = &self.engine.application.lock_order;
        // Whoever reads a single one locks it.
        if let [(collection, id)] = records[..]
            && order.owners(collection).is_empty()
            && (self.reads_before_staged((collection, id)) || self.tx.has_changed(collection, &id.into()))
        {
            return Ok(());
        }
        self.hold(records.into_iter().collect()).await
    }

    /// Whether nothing that is staged changes this record.
    fn reads_before_staged(&self, (collection, id): Key) -> bool {
        const FEW: usize = 16;
        self.tx.changes() <= FEW && !self.tx.has_changed(collection, &id.into())
    }

    /// Reads and locks a record whose stored sums change: before it is locked, nothing is written that can wait until then.
    pub(crate) async fn read_held(&mut self, plan: &StoredPlan, record: Key) -> Result<Option<Record>, Error> {
        let bindings = self.bindings().id(record.1);
        self.show_held(plan, &bindings, record).await
    }

    /// The same by a statement that changes the sums and returns them.
    pub(crate) async fn change_held(
        &mut self,
        plan: &StoredPlan,
        bindings: &Bindings<'_>,
        record: Key,
    ) -> Result<Option<Record>, Error> {
        self.tx.will_write();
        self.show_held(plan, bindings, record).await
    }

    async fn show_held(
        &mut self,
        plan: &StoredPlan,
        bindings: &Bindings<'_>,
        record: Key,
    ) -> Result<Option<Record>, Error> {
        let statement = self.statement(&plan.template, bindings, record.0);
        let mut found = None;
        let visit = &mut |row: &dyn Row| {
            found = Some(Record::new(plan.layout.read(row)?)?);
            Ok(())
        };
        if !self.is_shared() || !self.reads_before_staged(record) {
            self.rows(&statement, visit).await?;
            return Ok(found);
        }
        let read = self.tx.rows_before_staged(&statement, visit).await;
        read.map_err(|error| self.failed(error))?;
        self.held.insert(record);
        Ok(found)
    }

    /// Locks those of these records that the caller sees.
    pub(crate) async fn hold_seen(&mut self, mut to_hold: ToHold) -> Result<(), Error> {
        let class = Arc::clone(&self.class);
        for (collection, ids) in &mut to_hold.records {
            let named: Vec<RecordId> = ids.iter().copied().collect();
            let seen = seen_among(self, &class, *collection, &named).await?;
            ids.retain(|id| seen.contains(id));
        }
        self.hold(to_hold).await
    }

    /// Locks these records, and before them those that change with them: in whose stored sums they count, and that are asked at
    /// commit because of them. Those that don't exist are no problem.
    pub(crate) async fn hold(&mut self, mut to_hold: ToHold) -> Result<(), Error> {
        if !self.is_shared() {
            return Ok(());
        }
        for (collection, ids) in &mut to_hold.records {
            ids.retain(|id| !self.held.contains(&(*collection, *id)));
        }
        to_hold.records.retain(|_, ids| !ids.is_empty());
        for collection in std::mem::take(&mut to_hold.trees) {
            trees::hold(self, collection).await?;
        }
        let order = &self.engine.application.lock_order;
        let mut members: Vec<(CollectionId, Vec<RecordId>)> =
            to_hold.records.iter().map(|(of, ids)| (*of, ids.iter().copied().collect())).collect();
        while let Some((collection, ids)) = members.pop() {
            for (owner, via) in order.owners(collection) {
                let found = self.led_to((collection, *via), &ids).await?;
                let known = to_hold.records.entry(*owner).or_default();
                let new: Vec<RecordId> = found.into_iter().filter(|id| known.insert(*id)).collect();
                if !new.is_empty() {
                    members.push((*owner, new));
                }
            }
        }
        let mut records: Vec<_> = to_hold.records.into_iter().collect();
        records.sort_by_key(|(collection, _)| order.place(*collection));
        for (collection, ids) in records {
            let is_free = |id: &RecordId| !self.held.contains(&(collection, *id));
            let free: Vec<RecordId> = ids.into_iter().filter(is_free).collect();
            let Some(template) = self.engine.templates.hold(&self.engine.planner, collection) else { continue };
            self.listed(&template, &free).await?;
            self.held.extend(free.into_iter().map(|id| (collection, id)));
        }
        Ok(())
    }

    /// What a field of stored records leads to.
    async fn led_to(
        &mut self,
        (collection, via): (CollectionId, FieldId),
        ids: &[RecordId],
    ) -> Result<Vec<RecordId>, Error> {
        let template = self.engine.templates.led_to(&self.engine.planner, (collection, via));
        self.listed(&template, ids).await
    }

    /// The ids that a statement about listed records gives, before anything that is staged is written. An explanation doesn't tell
    /// it: the caller need not know of what else is locked.
    async fn listed(&mut self, template: &Template, ids: &[RecordId]) -> Result<Vec<RecordId>, Error> {
        const ID: usize = 0;
        let mut found = Vec::new();
        for part in ids.chunks(IDS_AT_ONCE) {
            let params = [Value::List(part.iter().copied().map(Value::Id).collect())];
            let statement = Bindings { params: &params, ..self.bindings() }.statement(template);
            let visit = &mut |row: &dyn Row| match row.value(ID)? {
                ValueRef::Id(id) => {
                    found.push(id.into());
                    Ok(())
                }
                _ => Err(DecodeError { column: ID, expected: "an id" }.into()),
            };
            let listed = self.tx.rows_before_staged(&statement, visit).await;
            listed.map_err(|error| self.failed(error))?;
        }
        Ok(found)
    }
}
