use std::collections::{BTreeMap, BTreeSet, HashSet};

use backstay_base::{Error, RecordId};
use backstay_model::{Collection, CollectionId, Field, FieldId, FieldKind, InnerRelation, Link, Tree, VersionChange};
use backstay_scalar::Value;
use backstay_store::{Change, ChangeKind, ChangedField};

use crate::bind::{Bindings, InMemory};
use crate::proposal::{LinkChange, Proposal};
use crate::reference::Reference;
use crate::templates::LinkStatement;
use crate::{Record, TxContext, hooks, mentions, searching, trees, versions};

/// The one way a row is written: stages the row, its links, its version for the history, and its change for the commit
/// log. It evaluates no rules: the steps before it have.
#[derive(Debug)]
pub(crate) struct RowChange;

impl RowChange {
    /// Inserts a proposed record and its links.
    pub(crate) fn insert(cx: &mut TxContext<'_, '_>, mut proposal: Proposal<'_>) -> Result<Record, Error> {
        proposal.settle()?;
        let Proposal { collection, values, links, .. } = proposal;
        let record = Record::new(row(collection, values)).map_err(Error::internal)?;
        check_path(collection, &record)?;
        let bindings = Bindings { proposed: record.values(), ..cx.bindings() };
        let template = cx.engine.templates.insert(&cx.engine.planner, collection.id);
        let insert = cx.statement(template, &bindings, collection.id);
        cx.tx.stage(insert, Some(1));
        let given = |field: &Field| {
            let new = record.value(field.id).clone();
            (!new.is_null()).then_some(ChangedField { field: field.id, old: Value::Null, new })
        };
        let fields = told(collection).filter_map(given).collect();
        cx.tx.change(change(collection, &record, ChangeKind::Create, fields));
        write_links(cx, collection, &record, links);
        mentions::begin(cx, collection, record.id(), record.values());
        searching::put(cx, collection, record.id(), (None, record.values()));
        note(cx, collection.id, (None, Some(record.values())), Sent::Yes);
        if hooks::has(cx, collection) {
            let given = told(collection).filter(|field| !record.value(field.id).is_null()).map(|field| field.id);
            hooks::note(cx, collection, (None, Some(&record)), &given.collect::<Vec<_>>());
        }
        versions::add(cx, collection, &record, (VersionChange::Create, cx.now()));
        cx.require_few_bytes()?;
        Ok(record)
    }

    /// Writes the changed fields of a stored record, raises its version, and writes its changed links.
    pub(crate) fn update(cx: &mut TxContext<'_, '_>, mut proposal: Proposal<'_>) -> Result<Record, Error> {
        proposal.settle()?;
        let unseen = proposal.unseen();
        let Proposal { collection, values, links, stored, input, .. } = proposal;
        let stored = stored.ok_or_else(|| Error::internal(NothingStored))?;
        let (change, sent, carried) = (VersionChange::Update, Sent::Yes, input.carries);
        Self::replace(cx, collection, &stored, Replacement { values, unseen, links, sent, change, carried })
    }

    /// Empties references of a record and changes nothing else: what its model says of the record's own changes is not
    /// asked, since nobody changes it.
    pub(crate) fn release(
        cx: &mut TxContext<'_, '_>,
        collection: &Collection,
        stored: &Record,
        references: &[(Reference<'_>, RecordId)],
    ) -> Result<(), Error> {
        let mut values = stored.values().to_vec();
        // A document is walked once, however many of its references go.
        let mut mentioned: BTreeMap<FieldId, BTreeSet<(InnerRelation, RecordId)>> = BTreeMap::new();
        for (reference, to) in references {
            match reference {
                Reference::Field(field) => values[usize::from(field.id.0)] = Value::Null,
                Reference::Mention(mention) => {
                    mentioned.entry(mention.document).or_default().insert((mention.relation, *to));
                }
            }
        }
        for (document, gone) in &mentioned {
            let at = usize::from(document.0);
            let is_gone = |relation: &InnerRelation, id| gone.contains(&(*relation, id));
            values[at] = mentions::without(cx.model(), collection.field(*document), &values[at], is_gone);
        }
        if let Some(tree) = collection.tree.filter(|tree| references.iter().any(|(of, _)| of.field() == tree.parent)) {
            values[usize::from(tree.path.0)] = Value::Bytes(Tree::path_below(&[], stored.id()).into());
        }
        let (change, sent) = (VersionChange::Update, Sent::No);
        let replacement = Replacement { values, unseen: Vec::new(), links: Vec::new(), sent, change, carried: false };
        Self::replace(cx, collection, stored, replacement).map(drop)
    }

    /// Empties a reference of a record that is itself about to be deleted: it is in a circle, which no order can serve.
    pub(crate) fn untie(
        cx: &mut TxContext<'_, '_>,
        collection: &Collection,
        stored: &Record,
        reference: Reference<'_>,
    ) {
        let field = match reference {
            Reference::Field(field) => field.id,
            // The document goes with the record.
            Reference::Mention(mention) => return clear(cx, collection.id, (&mention.link, stored.id())),
        };
        let mut values = stored.values().to_vec();
        values[usize::from(field.0)] = Value::Null;
        Self::overwrite(cx, collection, (stored, &values), vec![field]);
    }

    /// Gives fields of a record other values until something else is written to them in the same transaction: nobody sees
    /// these, and neither the log nor a history tells of them.
    pub(crate) fn overwrite(
        cx: &mut TxContext<'_, '_>,
        collection: &Collection,
        (stored, values): (&Record, &[Value]),
        fields: Vec<FieldId>,
    ) {
        let template = cx.engine.templates.update(&cx.engine.planner, collection.id, fields);
        let bindings = Bindings { proposed: values, version: Some(stored.version()), ..cx.bindings().id(stored.id()) };
        let update = cx.statement(&template, &bindings, collection.id);
        cx.tx.stage(update, Some(1));
    }

    /// Moves a record to the trash, where it counts as since this moment. Its links stay, and are followed again when it comes
    /// back.
    pub(crate) fn trash(
        cx: &mut TxContext<'_, '_>,
        collection: &Collection,
        (stored, since): (&Record, Value),
    ) -> Result<(), Error> {
        let trash = collection.trash.ok_or_else(|| Error::internal(NoTrash))?;
        let mut values = stored.values().to_vec();
        values[usize::from(trash.at.0)] = since;
        let (change, sent) = (VersionChange::Delete, Sent::No);
        let replacement = Replacement { values, unseen: Vec::new(), links: Vec::new(), sent, change, carried: false };
        Self::replace(cx, collection, stored, replacement).map(drop)
    }

    /// Brings a proposed record back from the trash, with what changes of it.
    pub(crate) fn restore(cx: &mut TxContext<'_, '_>, mut proposal: Proposal<'_>) -> Result<Record, Error> {
        proposal.settle()?;
        let unseen = proposal.unseen();
        let sent = if proposal.stored.is_some() { Sent::Yes } else { Sent::No };
        let Proposal { collection, values, links, readmitted, .. } = proposal;
        let in_trash = readmitted.ok_or_else(|| Error::internal(NothingStored))?;
        let (change, carried) = (VersionChange::Restore, false);
        Self::replace(cx, collection, &in_trash, Replacement { values, unseen, links, sent, change, carried })
    }

    /// Deletes a record and its links.
    pub(crate) fn delete(cx: &mut TxContext<'_, '_>, collection: &Collection, record: &Record) -> Result<(), Error> {
        if collection.key.given {
            cx.bury(collection.id, record);
        }
        clear_links(cx, collection, record.id());
        searching::remove(cx, collection, record.id());
        let bindings = Bindings { version: Some(record.version()), ..cx.bindings().id(record.id()) };
        let template = cx.engine.templates.delete(&cx.engine.planner, collection.id);
        let delete = cx.statement(template, &bindings, collection.id);
        cx.tx.stage(delete, Some(1));
        let fields = indexed_values(collection, record, |old| (old, Value::Null));
        cx.tx.change(change(collection, record, ChangeKind::Delete, fields));
        note(cx, collection.id, (Some(record.values()), None), Sent::No);
        if collection.trash.is_none_or(|trash| record.value(trash.at).is_null()) {
            hooks::note(cx, collection, (Some(record), None), &[]);
        }
        versions::end(cx, collection, record);
        if cx.engine.application.sums.own(collection.id).is_some() {
            cx.sums.forget(collection.id, record.id());
        }
        cx.require_few_bytes()
    }

    /// Writes changed stored sums of a record. Its version stays: nobody has changed what it says itself.
    pub(crate) fn sums(
        cx: &mut TxContext<'_, '_>,
        collection: &Collection,
        stored: &Record,
        (values, changed): (Vec<Value>, Vec<FieldId>),
    ) -> Result<(), Error> {
        let record = Record::new(values).map_err(Error::internal)?;
        let template = cx.engine.templates.set_sums(&cx.engine.planner, collection.id, changed.clone());
        let bindings = Bindings { proposed: record.values(), ..cx.bindings().id(record.id()) };
        let update = cx.statement(&template, &bindings, collection.id);
        cx.tx.stage(update, Some(1));
        Self::summed(cx, collection, (stored.values(), &record), &changed);
        Ok(())
    }

    /// Notes stored sums that are written, in the log and for whom they matter to.
    pub(crate) fn summed(
        cx: &mut TxContext<'_, '_>,
        collection: &Collection,
        (stored, record): (&[Value], &Record),
        changed: &[FieldId],
    ) {
        let field = |field: &FieldId| {
            let (old, new) = (stored[usize::from(field.0)].clone(), record.value(*field).clone());
            ChangedField { field: *field, old, new }
        };
        let fields = changed.iter().map(field).collect();
        cx.tx.change(change(collection, record, ChangeKind::Update, fields));
        note(cx, collection.id, (Some(stored), Some(record.values())), Sent::No);
    }

    fn replace(
        cx: &mut TxContext<'_, '_>,
        collection: &Collection,
        stored: &Record,
        replacement: Replacement,
    ) -> Result<Record, Error> {
        let Replacement { values, unseen, links, sent, change: as_version, carried } = replacement;
        let mut values = row(collection, values);
        let at = versions::moment_after(cx.now(), stored);
        if !carried {
            values[usize::from(Collection::UPDATED_AT.0)] = at.into();
            values[usize::from(Collection::VERSION.0)] = Value::Int(stored.version() + 1);
        }
        let record = Record::new(values).map_err(Error::internal)?;
        check_path(collection, &record)?;
        let is_changed =
            |field: &&Field| stored.value(field.id) != record.value(field.id) || unseen.contains(&field.id);
        let changed: Vec<FieldId> = collection.stored_fields().filter(is_changed).map(|field| field.id).collect();
        let field = |field: &FieldId| {
            let (old, new) = (stored.value(*field).clone(), record.value(*field).clone());
            ChangedField { field: *field, old, new }
        };
        let placed = links.iter().filter(|change| !change.placed.is_empty()).map(|change| {
            let new = Value::List(change.placed.iter().copied().map(Value::Id).collect());
            ChangedField { field: change.field, old: Value::Null, new }
        });
        let told = |field: &&FieldId| !collection.field(**field).internal;
        let fields = changed.iter().filter(told).map(field).chain(placed).collect();
        let mut touched: Vec<FieldId> = Vec::new();
        if hooks::has(cx, collection) {
            let linked = links.iter().map(|change| change.field);
            touched.extend(changed.iter().copied().filter(|field| told(&field)).chain(linked));
            touched.dedup();
        }
        let template = cx.engine.templates.update(&cx.engine.planner, collection.id, changed);
        let bindings =
            Bindings { proposed: record.values(), version: Some(stored.version()), ..cx.bindings().id(record.id()) };
        let update = cx.statement(&template, &bindings, collection.id);
        cx.tx.stage(update, Some(1));
        trees::follow(cx, collection, (stored, &record));
        for change in logged(collection, &record, as_version, fields) {
            cx.tx.change(change);
        }
        write_links(cx, collection, &record, links);
        mentions::follow(cx, collection, record.id(), (stored.values(), record.values()));
        searching::put(cx, collection, record.id(), (Some(stored.values()), record.values()));
        note(cx, collection.id, (Some(stored.values()), Some(record.values())), sent);
        let noticed = match as_version {
            VersionChange::Delete => (Some(stored), None),
            VersionChange::Restore => (None, Some(&record)),
            VersionChange::Create | VersionChange::Update | VersionChange::Found | VersionChange::Migrate => {
                (Some(stored), Some(&record))
            }
        };
        hooks::note(cx, collection, noticed, &touched);
        versions::add(cx, collection, &record, (as_version, at));
        cx.require_few_bytes()?;
        Ok(record)
    }
}

/// What the log tells of a changed record. To those who see live records alone, one that goes to the trash ends, and one that
/// comes back begins: with values that are then changed, if it gets other ones.
fn logged(
    collection: &Collection,
    record: &Record,
    as_version: VersionChange,
    mut fields: Vec<ChangedField>,
) -> Vec<Change> {
    let over_the_edge = match as_version {
        VersionChange::Delete => {
            let ended = indexed_values(collection, record, |value| (value, Value::Null));
            return vec![change(collection, record, ChangeKind::Trash, ended)];
        }
        VersionChange::Restore => {
            fields.retain(|changed| collection.trash.is_none_or(|trash| trash.at != changed.field));
            let begun = indexed_values(collection, record, |value| (Value::Null, value));
            Some(change(collection, record, ChangeKind::Restore, begun))
        }
        VersionChange::Create | VersionChange::Update | VersionChange::Found | VersionChange::Migrate => None,
    };
    let changes = over_the_edge.is_none() || !fields.is_empty();
    let changed = changes.then(|| change(collection, record, ChangeKind::Update, fields));
    over_the_edge.into_iter().chain(changed).collect()
}

/// The indexed fields of a record that begins or ends, as old and new values.
fn indexed_values(
    collection: &Collection,
    record: &Record,
    change: impl Fn(Value) -> (Value, Value),
) -> Vec<ChangedField> {
    let changed = |field: &Field| {
        let value = record.value(field.id).clone();
        (!value.is_null()).then(|| change(value)).map(|(old, new)| ChangedField { field: field.id, old, new })
    };
    let indexed: HashSet<FieldId> = collection.indexes.iter().flat_map(|index| index.fields.clone()).collect();
    told(collection).filter(|field| indexed.contains(&field.id)).filter_map(changed).collect()
}

/// The fields whose values the commit log tells.
fn told(collection: &Collection) -> impl Iterator<Item = &Field> {
    collection.stored_fields().filter(|field| !field.internal)
}

/// A record of a tree comes under its parent: whoever changes that gives it another path.
fn check_path(collection: &Collection, record: &Record) -> Result<(), Error> {
    let Some(tree) = collection.tree else { return Ok(()) };
    let parent = record.value(tree.parent).as_id();
    let end: Vec<u8> = parent.into_iter().chain([record.id()]).flat_map(|id| id.as_bytes().to_vec()).collect();
    let ends = match record.value(tree.path) {
        Value::Bytes(path) if parent.is_none() => **path == *end,
        Value::Bytes(path) => path.ends_with(&end),
        _ => false,
    };
    if ends { Ok(()) } else { Err(Error::internal(OtherPath)) }
}

/// What a stored record becomes.
struct Replacement {
    /// By `FieldId`.
    values: Vec<Value>,
    /// Fields that are written even if they are the same: see `Proposal::unseen`.
    unseen: Vec<FieldId>,
    links: Vec<LinkChange>,
    sent: Sent,
    /// What its history calls this.
    change: VersionChange,
    /// Whether version and moment are among the values: those that the record has in another database.
    carried: bool,
}

/// Whether somebody sent values for the record, or it changes because of another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sent {
    Yes,
    No,
}

/// The values that have columns; the members of relations have links.
fn row(collection: &Collection, mut values: Vec<Value>) -> Vec<Value> {
    for (field, value) in collection.fields.iter().zip(&mut values) {
        if !field.is_stored() {
            *value = Value::Null;
        }
    }
    values
}

/// Notes what a change of a row means to others: to the stored sums in which its record counts, and to the checks that are
/// asked at commit. `None`: the row isn't there, before or afterwards.
fn note(
    cx: &mut TxContext<'_, '_>,
    collection: CollectionId,
    (before, after): (Option<&[Value]>, Option<&[Value]>),
    sent: Sent,
) {
    let application = &cx.engine.application;
    let counted = application.sums.counted(collection);
    if !counted.is_empty() {
        let (caller, now) = (cx.caller(), cx.now());
        let memory = |values| InMemory::of(caller, now, values);
        let (before, after) = (before.map(memory), after.map(memory));
        for counted in counted {
            cx.sums.note(counted, (before.as_ref(), after.as_ref()), &cx.part);
        }
    }
    if application.commit_checks.concern(collection) {
        let by = (&cx.part, sent == Sent::Yes);
        cx.checks.note(&application.commit_checks, collection, (before, after), by);
    }
}

fn change(collection: &Collection, record: &Record, kind: ChangeKind, fields: Vec<ChangedField>) -> Change {
    Change { collection: collection.id, record: record.id().into(), kind, version: record.version(), fields }
}

fn write_links(cx: &mut TxContext<'_, '_>, collection: &Collection, record: &Record, links: Vec<LinkChange>) {
    for LinkChange { field, added, removed, placed } in links {
        let FieldKind::ManyToMany { link, .. } = &collection.field(field).kind else { continue };
        let mut stage = |members: &[RecordId], statement| {
            let template = cx.engine.templates.link(&cx.engine.planner, link, statement);
            for (place, member) in (0..).zip(members) {
                let place = (statement == LinkStatement::Place).then_some(place);
                let bindings = Bindings { argument: Some(member), place, ..cx.bindings().id(record.id()) };
                let statement = cx.statement(&template, &bindings, collection.id);
                cx.tx.stage(statement, None);
            }
        };
        stage(&removed, LinkStatement::Remove);
        match placed.as_slice() {
            [] => stage(&added, LinkStatement::Insert),
            placed => stage(placed, LinkStatement::Place),
        }
        for (members, kind) in [(added, ChangeKind::Link), (removed, ChangeKind::Unlink)] {
            if members.is_empty() {
                continue;
            }
            let new = Value::List(members.into_iter().map(Value::Id).collect());
            let fields = vec![ChangedField { field, old: Value::Null, new }];
            cx.tx.change(change(collection, record, kind, fields));
        }
    }
}

/// Ends every link of a record that is deleted, from both ends of every relation.
fn clear_links(cx: &mut TxContext<'_, '_>, collection: &Collection, id: RecordId) {
    let mut links: Vec<Link> = Vec::new();
    for other in &cx.model().collections {
        for field in &other.fields {
            let FieldKind::ManyToMany { target, link } = &field.kind else { continue };
            if other.id == collection.id {
                links.push(link.clone());
            }
            if *target == collection.id {
                let (near, far) = (link.far.clone(), link.near.clone());
                links.push(Link { near, near_key: link.far_key, far, far_key: link.near_key, ..link.clone() });
            }
        }
    }
    links.sort_by(|left, right| (&left.table, &left.near).cmp(&(&right.table, &right.near)));
    links.dedup_by(|left, right| left.table == right.table && left.near == right.near);
    links.extend(collection.mentions.iter().map(|mention| mention.link.clone()));
    for link in links {
        clear(cx, collection.id, (&link, id));
    }
}

/// Ends the links of a record in one table.
fn clear(cx: &mut TxContext<'_, '_>, collection: CollectionId, (link, id): (&Link, RecordId)) {
    let template = cx.engine.templates.link(&cx.engine.planner, link, LinkStatement::Clear);
    let clear = cx.statement(&template, &cx.bindings().id(id), collection);
    cx.tx.stage(clear, None);
}

/// A record of a type without `@trash` was to be moved there.
#[derive(Debug, thiserror::Error)]
#[error("the type has no trash")]
struct NoTrash;

/// A record of a tree was to be written with a path that doesn't lead to it.
#[derive(Debug, thiserror::Error)]
#[error("the path of a record in a tree doesn't end with its parent and itself")]
struct OtherPath;

/// An update of a record that was not read.
#[derive(Debug, thiserror::Error)]
#[error("an update has no stored record")]
struct NothingStored;
