//! Writes the versions of records with `@history`, with every change of a row.

use backstay_base::Timestamp;
use backstay_model::{Collection, CollectionId, VersionChange, Versions};
use backstay_scalar::Value;

use crate::bind::Bindings;
use crate::{Record, TxContext};

/// The moment of a change of a record: that of the transaction, or one that is later than the record's last change. On PostgreSQL a
/// transaction has its moment before it waits for the record, and other servers have other clocks.
pub(crate) fn moment_after(now: Timestamp, stored: &Record) -> Timestamp {
    match stored.value(Collection::UPDATED_AT) {
        Value::Timestamp(last) => now.max(Timestamp::from_micros_saturating(last.micros().saturating_add(1))),
        _ => now,
    }
}

/// Keeps the version that a change has made of a record; nothing of a type without `@history`.
pub(crate) fn add(
    cx: &mut TxContext<'_, '_>,
    collection: &Collection,
    record: &Record,
    (change, at): (VersionChange, Timestamp),
) {
    if let Some((of, versions, values)) = version(cx, collection, record, (change, at)) {
        stage(cx, (of, versions), record, &values);
    }
}

/// Keeps that a record was deleted, with the values that it had last. One that was purged from the trash takes its versions
/// along.
pub(crate) fn end(cx: &mut TxContext<'_, '_>, collection: &Collection, record: &Record) {
    let at = moment_after(cx.now(), record);
    let change = (VersionChange::Delete, at);
    let Some((of, versions, mut values)) = version(cx, collection, record, change) else { return };
    if collection.trash.is_some_and(|trash| !record.value(trash.at).is_null()) {
        let template = &cx.engine.templates.versions(&cx.engine.planner, (of, versions)).delete;
        let delete = cx.statement(template, &cx.bindings().id(record.id()), of);
        cx.tx.stage(delete, None);
        return;
    }
    values[usize::from(versions.ended.0)] = at.into();
    values[usize::from(Collection::VERSION.0)] = Value::Int(record.version() + 1);
    stage(cx, (of, versions), record, &values);
}

/// The values of a new version, by the fields of the collection of versions.
fn version<'a>(
    cx: &TxContext<'a, '_>,
    collection: &Collection,
    record: &Record,
    (change, at): (VersionChange, Timestamp),
) -> Option<(CollectionId, &'a Versions, Vec<Value>)> {
    let of = cx.model().collection(collection.history.as_ref()?.versions);
    let versions = of.versions.as_ref()?;
    let mut values = vec![Value::Null; of.fields.len()];
    for (value, kept) in record.values().iter().zip(&versions.fields) {
        if let Some(kept) = kept {
            values[usize::from(kept.0)] = value.clone();
        }
    }
    let caller = cx.caller();
    let own = [
        (Collection::ID, Value::Id(cx.next_id())),
        (versions.record, Value::Id(record.id())),
        (versions.from, at.into()),
        (versions.change, Value::text(change.word())),
        (versions.by_kind, Value::text(caller.kind.name())),
        (versions.by, caller.actor().map_or(Value::Null, Value::Id)),
    ];
    for (field, value) in own {
        values[usize::from(field.0)] = value;
    }
    Some((of.id, versions, values))
}

/// Ends the last version of a record, if it has one, and adds this one.
fn stage(cx: &mut TxContext<'_, '_>, (of, versions): (CollectionId, &Versions), record: &Record, values: &[Value]) {
    let engine = cx.engine;
    let bindings = Bindings { proposed: values, ..cx.bindings().id(record.id()) };
    let end = cx.whole_statement(&engine.templates.versions(&engine.planner, (of, versions)).end, &bindings, of);
    cx.tx.stage(end, None);
    let insert = cx.whole_statement(engine.templates.insert(&engine.planner, of), &bindings, of);
    cx.tx.stage(insert, Some(1));
}
