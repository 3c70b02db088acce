//! Stored sums follow: at the end of each request, one statement for each record whose sums change, and the checks that name
//! them.

mod adding;

use std::sync::Arc;

use backstay_base::{Error, Place, RecordId, Violation, ViolationKind};
use backstay_expr::{Expr, Node, Operator, Rule, SumKind, Truth, evaluate, truth};
use backstay_model::{Collection, CollectionId, FieldId};
use backstay_scalar::Value;
use backstay_store::DueSum;
use rust_decimal::Decimal;

use crate::bind::InMemory;
use crate::decision::decide;
use crate::pending_checks::Part;
use crate::pending_sums::{Added, Differences, Touched};
use crate::proposal::Proposal;
use crate::record::Key;
use crate::row_change::RowChange;
use crate::rule_of::RuleOf;
use crate::sums::{OwnSums, SumCheck};
use crate::{Authority, Record, TxContext};

/// Lets all stored sums follow what has changed.
pub(crate) async fn follow(cx: &mut TxContext<'_, '_>) -> Result<(), Error> {
    cx.hold_touched(cx.sums.records().collect()).await?;
    while let Some((touched, differences)) = cx.sums.next() {
        one(cx, touched, differences).await?;
    }
    Ok(())
}

/// Queues the sums that follow after the commit.
pub(crate) fn queue(cx: &mut TxContext<'_, '_>) {
    for (collection, field, record) in cx.sums.take_due() {
        let due = due_sum(cx, (collection, field), record);
        cx.tx.queue_sum(&due);
    }
}

/// A stored sum of a record, as the store knows it.
pub(crate) fn due_sum(cx: &TxContext<'_, '_>, (of, field): (CollectionId, FieldId), record: RecordId) -> DueSum {
    let catalog = cx.engine.store.catalog();
    DueSum { type_number: catalog.type_number(of), field: catalog.field_number(of, field), record }
}

/// The same, and the record as it is then.
pub(crate) async fn followed(
    cx: &mut TxContext<'_, '_>,
    collection: CollectionId,
    record: Record,
) -> Result<Record, Error> {
    cx.hold_touched(cx.sums.records().collect()).await?;
    let mut is_own = false;
    while let Some((touched, differences)) = cx.sums.next() {
        is_own |= (touched.collection, touched.id) == (collection, record.id());
        one(cx, touched, differences).await?;
    }
    match is_own {
        true => Ok(cx.get_stored(collection, record.id()).await?.unwrap_or(record)),
        false => Ok(record),
    }
}

/// Writes sums of a record that were computed before, those that follow after the commit: no check names them.
pub(crate) async fn set(
    cx: &mut TxContext<'_, '_>,
    (collection, id): Key,
    sums: Vec<(FieldId, Value)>,
) -> Result<(), Error> {
    let collection: &Collection = cx.model().collection(collection);
    let Some(own) = cx.engine.application.sums.own(collection.id) else { return Ok(()) };
    let plan = cx.engine.templates.held(&cx.engine.planner, collection.id, &own.needed);
    let Some(record) = cx.read_whole(plan, (collection.id, id)).await? else { return Ok(()) };
    let fields: Vec<FieldId> = sums.iter().map(|(field, _)| *field).collect();
    let mut values = record.values().to_vec();
    for (field, value) in sums {
        values[usize::from(field.0)] = value;
    }
    fit(cx, collection, &fields, (&Place::Whole, &mut values))?;
    let differs = |field: &FieldId| values[usize::from(field.0)] != *record.value(*field);
    let changed: Vec<FieldId> = fields.into_iter().filter(differs).collect();
    match changed.is_empty() {
        true => Ok(()),
        false => RowChange::sums(cx, collection, &record, (values, changed)),
    }
}

async fn one(cx: &mut TxContext<'_, '_>, touched: Touched, differences: Differences) -> Result<(), Error> {
    let collection: &Collection = cx.model().collection(touched.collection);
    let Some(own) = cx.engine.application.sums.own(collection.id) else { return Ok(()) };
    if own.alone && cx.is_shared() && adding::add(cx, collection, touched, &differences).await? {
        return Ok(());
    }
    let plan = cx.engine.templates.held(&cx.engine.planner, collection.id, &own.needed);
    // A record that is deleted has no sums.
    let Some(record) = cx.read_held(plan, (collection.id, touched.id)).await? else { return Ok(()) };
    let Differences { by_field, at, is_counted } = differences;
    let (mut values, mut anew) = (record.values().to_vec(), Vec::new());
    for (field, difference) in &by_field {
        match difference.added_to(record.value(*field)) {
            Added::Sum(value) => values[usize::from(field.0)] = value,
            Added::TooLarge => return Err(too_large(&at)),
            Added::Anew => anew.push(*field),
        }
    }
    compute(cx, (collection, own), &anew, (touched, &mut values)).await?;
    let differs = |field: &FieldId| values[usize::from(field.0)] != *record.value(*field);
    let sums = own.sums.iter().map(|(sum, _)| sum.computed.field);
    let changed: Vec<FieldId> = sums.filter(differs).collect();
    let lost = by_field.into_keys().filter(|field| !changed.contains(field) && is_lost(own, *field, &values));
    let concerned: Vec<FieldId> = changed.iter().copied().chain(lost).collect();
    if concerned.is_empty() {
        return Ok(());
    }
    cx.sums.count(is_counted, &cx.class)?;
    fit(cx, collection, &changed, (&at, &mut values))?;
    check(cx, (collection, own), (&record, &values), (&concerned, at.clone())).await?;
    if changed.is_empty() {
        return Ok(());
    }
    // Sums of these sums count towards the limit if these do. A check at commit that names one reports the change's place.
    let part = Part { request: cx.part.request, at, removes: !is_counted };
    let around = std::mem::replace(&mut cx.part, part);
    let written = RowChange::sums(cx, collection, &record, (values, changed));
    cx.part = around;
    written
}

/// Computes sums from all members.
async fn compute(
    cx: &mut TxContext<'_, '_>,
    (collection, own): (&Collection, &OwnSums),
    fields: &[FieldId],
    (touched, values): (Touched, &mut [Value]),
) -> Result<(), Error> {
    let sums: Vec<_> = fields.iter().filter_map(|field| own.sum(*field)).collect();
    if sums.is_empty() {
        return Ok(());
    }
    let plan = cx.engine.templates.sums_anew(&cx.engine.planner, collection.id, &sums);
    let statement = cx.statement(&plan.template, &cx.bindings().id(touched.id), collection.id);
    let computed = cx.one_row(&statement, |row| plan.read(row)).await?;
    for (sum, value) in sums.iter().zip(computed) {
        values[usize::from(sum.computed.field.0)] = value;
    }
    Ok(())
}

/// Refuses sums that their fields can't hold. One that follows later is unknown: nobody is there to be refused.
fn fit(
    cx: &TxContext<'_, '_>,
    collection: &Collection,
    changed: &[FieldId],
    (at, values): (&Place, &mut [Value]),
) -> Result<(), Error> {
    let model = cx.model();
    for field in changed {
        let value = &mut values[usize::from(field.0)];
        let Some(ty) = model.value_type(&collection.field(*field).kind) else { continue };
        if collection.field(*field).is_kept_soon() {
            *value = ty.fit(value.clone()).unwrap_or(Value::Null);
            continue;
        }
        *value = ty.fit(value.clone()).map_err(|_| too_large(at))?;
    }
    Ok(())
}

fn too_large(at: &Place) -> Error {
    let kind = ViolationKind::Range("this would make a stored sum larger than its field can hold".to_owned());
    Error::Invalid(vec![Violation::new(at.clone(), kind)])
}

/// Asks the checks that name one of these sums, of the record with its new sums.
async fn check(
    cx: &mut TxContext<'_, '_>,
    (collection, own): (&Collection, &OwnSums),
    (record, values): (&Record, &[Value]),
    (concerned, at): (&[FieldId], Place),
) -> Result<(), Error> {
    let policy = cx.engine.application.policy.collection(collection.id);
    let class = Arc::clone(&cx.class);
    let mut violations = Vec::new();
    let mut proposal = None;
    for SumCheck { field, place, names } in &own.checks {
        let check = &policy.checks_of(*field)[*place];
        let is_concerned = |field: &FieldId| concerned.contains(field);
        let guards = check.guards.as_deref();
        if !names.iter().any(is_concerned) || !guards.is_none_or(|guards| guards.iter().any(is_concerned)) {
            continue;
        }
        let proposal = proposal.get_or_insert_with(|| {
            let mut change = Proposal::change(collection, Authority::Caller, Arc::clone(&class), record.clone());
            change.values = values.to_vec();
            change
        });
        let answer = decide(cx, proposal, RuleOf::Check(*field, *place)).await?;
        let rule = &class.rights.checks(collection.id, *field)[*place];
        let is_refused = match answer {
            Truth::True => false,
            Truth::False => !eases(cx, rule, record.values(), values),
            // What members come to must not be unknown to get past a check.
            Truth::Unknown => names.iter().any(|name| is_concerned(name) && is_lost(own, *name, values)),
        };
        if is_refused {
            violations.push(Violation::new(at.clone(), ViolationKind::Check { message: check.message.clone() }));
        }
    }
    if violations.is_empty() { Ok(()) } else { Err(Error::Invalid(violations)) }
}

/// Whether a total is unknown.
fn is_lost(own: &OwnSums, field: FieldId, values: &[Value]) -> bool {
    let is_total = own.sum(field).is_some_and(|sum| matches!(sum.kind, SumKind::Total(_)));
    is_total && values[usize::from(field.0)].is_null()
}

/// Whether a check that isn't true was broken before, and the change brings everything in it that is wrong nearer to being
/// right: what was promised too much can be taken back step by step.
fn eases(cx: &TxContext<'_, '_>, rule: &Rule, before: &[Value], after: &[Value]) -> bool {
    let memory = |values| InMemory { old: before, ..InMemory::of(cx.caller(), cx.now(), values) };
    let (before, after) = (memory(before), memory(after));
    let is_nearer = |part: &Expr| match (lack(part, &before), lack(part, &after)) {
        (Some(before), Some(after)) => after < before,
        _ => false,
    };
    !rule.needs_store()
        && rule
            .expr()
            .conjuncts()
            .into_iter()
            .all(|part| truth(part, &after) != Truth::False || truth(part, &before) == Truth::False && is_nearer(part))
}

/// By how much the left side of a comparison of numbers would have to be larger or smaller.
fn lack(part: &Expr, memory: &InMemory<'_>) -> Option<Decimal> {
    let Node::Binary(operator, left, right) = &part.node else { return None };
    let number = |side: &Expr| match evaluate(side, memory) {
        Value::Int(number) => Some(Decimal::from(number)),
        Value::Decimal(number) => Some(number),
        Value::Duration(length) => Some(Decimal::from(length.micros())),
        _ => None,
    };
    let (left, right) = (number(left)?, number(right)?);
    match operator {
        Operator::Less | Operator::LessEqual => left.checked_sub(right),
        Operator::Greater | Operator::GreaterEqual => right.checked_sub(left),
        Operator::And
        | Operator::Or
        | Operator::Equal
        | Operator::NotEqual
        | Operator::Add
        | Operator::Subtract
        | Operator::Multiply
        | Operator::Divide
        | Operator::Remainder => None,
    }
}
