//! `@exclude`: the ranges of records that may not overlap. Asked when a write has been allowed and checked, immediately
//! before the row is written, so that each record of an array is compared with those before it.

use std::fmt::Write as _;
use std::sync::Arc;

use backstay_base::{Action, Conflict, Error, Overlap, Place, RecordId, ViolationKind};
use backstay_expr::truth;
use backstay_model::{Collection, Exclusion, FieldId, FieldKind};
use backstay_scalar::{Scalar, Value, ValueRef, write};
use backstay_sql::{DecodeError, Row};

use crate::bind::{Bindings, InMemory, Question};
use crate::policy::ExclusionPolicy;
use crate::proposal::Proposal;
use crate::references::may_read;
use crate::{Authority, Input, Record, TxContext};

/// Refuses a record whose range ends before it begins, or overlaps that of another record.
pub(crate) async fn ask(cx: &mut TxContext<'_, '_>, proposal: &mut Proposal<'_>) -> Result<(), Error> {
    let collection = proposal.collection;
    let engine = cx.engine;
    let policies = &engine.application.policy.collection(collection.id).exclusions;
    for (place, (exclusion, policy)) in collection.exclusions.iter().zip(policies).enumerate() {
        let mut decides = exclusion.all_fields().chain(policy.reads.iter().copied());
        if !decides.any(|field| proposal.may_change(field)) {
            continue;
        }
        refuse_backwards(proposal, exclusion);
        proposal.settle()?;
        if !is_compared(cx, proposal, (exclusion, policy)) {
            continue;
        }
        let name = lock_name(cx, (collection, exclusion), |field| proposal.value(field));
        let locked = cx.tx.lock(&name).await;
        locked.map_err(|error| cx.refused(error))?;
        if let Some(other) = overlapped(cx, proposal, (exclusion, place)).await? {
            return Err(conflict(cx, proposal, (exclusion, policy), other).await?);
        }
    }
    Ok(())
}

/// What new records are going to be compared with, as far as what is sent for them says it.
pub(crate) fn series(cx: &TxContext<'_, '_>, collection: &Collection, inputs: &[Input]) -> Vec<String> {
    let mut names = Vec::new();
    if !cx.is_shared() {
        return names;
    }
    for (exclusion, input) in collection.exclusions.iter().flat_map(|one| inputs.iter().map(move |input| (one, input)))
    {
        let value = |field: FieldId| {
            let sent = input.value(field).or(collection.field(field).default.as_ref());
            sent.unwrap_or(&Value::Null)
        };
        if !exclusion.fields.iter().any(|field| value(*field).is_null()) {
            names.push(lock_name(cx, (collection, exclusion), value));
        }
    }
    names
}

/// Locks series before the first record of them is written: of two transactions that write several of them in different
/// orders, each would else wait for the other.
pub(crate) async fn hold(cx: &mut TxContext<'_, '_>, series: Vec<String>) -> Result<(), Error> {
    if series.is_empty() {
        return Ok(());
    }
    let locked = cx.tx.lock_all(series.into_iter()).await;
    locked.map_err(|error| cx.refused(error))
}

/// The same of a live record that loses these references because what they lead to is deleted: the condition of an exclusion
/// may be true of it from now on.
pub(crate) async fn ask_released(
    cx: &mut TxContext<'_, '_>,
    collection: &Collection,
    record: &Record,
    fields: &[FieldId],
) -> Result<(), Error> {
    let in_trash = collection.trash.is_some_and(|trash| !record.value(trash.at).is_null());
    if collection.exclusions.is_empty() || in_trash {
        return Ok(());
    }
    let mut proposal = Proposal::change(collection, Authority::System, Arc::clone(&cx.class), record.clone());
    for field in fields {
        proposal.set(*field, Value::Null);
    }
    ask(cx, &mut proposal).await
}

fn refuse_backwards(proposal: &mut Proposal<'_>, exclusion: &Exclusion) {
    let (from, to) = (proposal.value(exclusion.from), proposal.value(exclusion.to));
    if from.is_null() || to.is_null() || from.order(to).is_some_and(std::cmp::Ordering::is_lt) {
        return;
    }
    let collection = proposal.collection;
    let [from, to] = [exclusion.from, exclusion.to].map(|field| collection.field(field));
    let than = match to.kind {
        FieldKind::Scalar(Scalar::Date | Scalar::DateTime) => "later than",
        _ => "greater than",
    };
    match proposal.sees(from.id) {
        true => proposal.refuse(to, ViolationKind::Range(format!("must be {than} `{}`", from.name))),
        false => proposal.refuse(to, ViolationKind::Range("must come after the start of the range".to_owned())),
    }
}

/// Whether the proposed record is compared with others.
fn is_compared(
    cx: &TxContext<'_, '_>,
    proposal: &Proposal<'_>,
    (exclusion, policy): (&Exclusion, &ExclusionPolicy),
) -> bool {
    let (caller, now, values) = (cx.caller(), cx.now(), proposal.values.as_slice());
    let mut needed = exclusion.fields.iter().chain([&exclusion.from]);
    let holds = || {
        let memory = InMemory::of(caller, now, values);
        policy.condition.as_ref().is_none_or(|condition| truth(condition, &memory).is_true())
    };
    needed.all(|field| !proposal.value(*field).is_null()) && holds()
}

/// What no two transactions may write at a time: records that the exclusion compares with each other.
fn lock_name<'v>(
    cx: &TxContext<'_, '_>,
    (collection, exclusion): (&Collection, &Exclusion),
    value: impl Fn(FieldId) -> &'v Value,
) -> String {
    let (catalog, of) = (cx.engine.store.catalog(), collection.id);
    let mut name = format!("exclude {}", catalog.type_number(of).0);
    for field in exclusion.all_fields() {
        // Writing into a text can't fail.
        let _ = write!(name, " {}", catalog.field_number(of, field).0);
    }
    let mut values = Vec::new();
    for field in &exclusion.fields {
        values.push(b' ');
        write(&mut values, value(*field));
    }
    name + &String::from_utf8_lossy(&values)
}

/// A record whose range the proposed one overlaps.
async fn overlapped(
    cx: &mut TxContext<'_, '_>,
    proposal: &Proposal<'_>,
    (exclusion, place): (&Exclusion, usize),
) -> Result<Option<RecordId>, Error> {
    const ID: usize = 0;
    const OVERLAPS: usize = 1;
    let collection = proposal.collection;
    let ends = !proposal.value(exclusion.to).is_null();
    let template = cx.engine.templates.last_before(&cx.engine.planner, (collection.id, place), (exclusion, ends));
    let bindings = Bindings { proposed: &proposal.values, ..cx.bindings().id(proposal.id()?) };
    let withheld = exclusion.all_fields().any(|field| collection.field(field).class.is_some());
    let statement = cx.asked(&Question { template: &template, bindings, collection: collection.id, withheld });
    let mut found = None;
    let visit = &mut |row: &dyn Row| {
        let id = row.value(ID)?;
        match (id, row.value(OVERLAPS)?) {
            (ValueRef::Id(id), ValueRef::Bool(true)) => found = Some(id.into()),
            (ValueRef::Id(_), ValueRef::Bool(false)) => {}
            _ => return Err(DecodeError { column: OVERLAPS, expected: "an id and whether it overlaps" }.into()),
        }
        Ok(())
    };
    cx.rows(&statement, visit).await?;
    Ok(found)
}

/// That the range overlaps another one, as far as the caller may know.
async fn conflict(
    cx: &mut TxContext<'_, '_>,
    proposal: &Proposal<'_>,
    (exclusion, policy): (&Exclusion, &ExclusionPolicy),
    other: RecordId,
) -> Result<Error, Error> {
    let collection = proposal.collection;
    let class = Arc::clone(&proposal.class);
    let sees = |field: FieldId| class.system || class.rights.field(collection.id, field, Action::Read).allows();
    if !exclusion.all_fields().chain(policy.reads.iter().copied()).all(sees) {
        return Ok(Conflict::OverlapUnseen { collection: collection.name.clone() }.into());
    }
    let name = |field: FieldId| collection.field(field).name.clone();
    let other = may_read(cx, &class, collection.id, other).await?.then_some(other);
    let range = [name(exclusion.from), name(exclusion.to)];
    let same = exclusion.fields.iter().copied().map(name).collect();
    let overlap = Overlap { collection: collection.name.clone(), range, same, other, record: Place::Whole };
    Ok(Conflict::Overlap(Box::new(overlap)).into())
}
