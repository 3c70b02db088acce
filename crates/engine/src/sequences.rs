//! `@sequence`: the numbers that records get, last of all that a write does with them. Whoever may not make the write then
//! neither takes a number nor keeps others from theirs.

use backstay_base::{Error, ViolationKind};
use backstay_model::{Field, FieldId, Sequence};
use backstay_scalar::Value;
use backstay_sql::RecordSource;
use backstay_store::Series;

use crate::TxContext;
use crate::giving::value_of;
use crate::proposal::Proposal;

/// Refuses to move a record with a number into another series. If the caller may not see the number, no record may be
/// moved: the refusal would tell which ones have one.
pub(crate) fn refuse_moves(proposal: &mut Proposal<'_>) {
    let collection = proposal.collection;
    let is_numbered = |field: &Field| !proposal.stored_value(field.id).is_null() || !proposal.sees(field.id);
    let changes = |by: FieldId| {
        let is_sent = || proposal.input.fields().any(|sent| sent == by);
        proposal.value(by) != proposal.stored_value(by) || !proposal.sees(by) && is_sent()
    };
    let numbered = collection.fields.iter().filter(|field| field.sequence.is_some() && is_numbered(field));
    let counted_by = numbered.flat_map(|field| field.sequence.iter().flat_map(|sequence| &sequence.per).copied());
    let moved: Vec<FieldId> = counted_by.filter(|by| changes(*by)).collect();
    for by in moved {
        let field = collection.field(by);
        if !proposal.is_refused(field) {
            proposal.refuse(field, ViolationKind::ReadOnly("the record has its number by this field"));
        }
    }
}

/// Gives the record the numbers that it lacks and is due. What Backstay itself was given stays, and its series goes on after
/// it.
pub(crate) async fn number(cx: &mut TxContext<'_, '_>, proposal: &mut Proposal<'_>) -> Result<(), Error> {
    for field in &proposal.collection.fields {
        let Some(sequence) = &field.sequence else { continue };
        if !proposal.value(field.id).is_null() {
            keep(cx, proposal, (field, sequence)).await?;
        } else if is_due(cx, proposal, field).await?
            && let Some(series) = series(cx, proposal, (field, sequence))
        {
            let number = match sequence.gapless {
                true => cx.tx.next_number(&series, true).await.map_err(|error| cx.refused(error))?,
                false => cx.next_number(&series).await?,
            };
            let value = sequence.value(number, |by| proposal.value(by));
            if let Err(problem) = cx.engine.application.sizes.check(field, &value) {
                proposal.refuse(field, problem.into());
            } else if let Some(Err(error)) = field.kind.scalar().map(|scalar| scalar.fit(value.clone())) {
                proposal.refuse(field, error.into());
            }
            proposal.set(field.id, value);
        }
    }
    Ok(())
}

/// Lets a series go on after a number that was given.
async fn keep(
    cx: &mut TxContext<'_, '_>,
    proposal: &Proposal<'_>,
    (field, sequence): (&Field, &Sequence),
) -> Result<(), Error> {
    let value = proposal.value(field.id);
    if value == proposal.stored_value(field.id) {
        return Ok(());
    }
    let number = sequence.number(value, |by| proposal.value(by));
    if let Some((number, series)) = number.zip(series(cx, proposal, (field, sequence))) {
        let raised = cx.tx.raise_number(&series, number, sequence.gapless).await;
        raised.map_err(|error| cx.refused(error))?;
    }
    Ok(())
}

/// Whether its condition is true of the record as it would be.
async fn is_due(cx: &mut TxContext<'_, '_>, proposal: &Proposal<'_>, field: &Field) -> Result<bool, Error> {
    let policy = cx.engine.application.policy.collection(proposal.collection.id);
    match &policy.fields[usize::from(field.id.0)].due {
        Some(when) => Ok(value_of(when, cx, proposal, RecordSource::Proposed).await? == Value::Bool(true)),
        None => Ok(true),
    }
}

/// The series that the record is in; `None` if it lacks a value by which the sequence counts.
fn series(cx: &TxContext<'_, '_>, proposal: &Proposal<'_>, (field, sequence): (&Field, &Sequence)) -> Option<Series> {
    let catalog = cx.engine.store.catalog();
    let (of, number) = (proposal.collection.id, field.id);
    let key = sequence.series(|by| proposal.value(by))?;
    Some(Series::new((catalog.type_number(of), catalog.field_number(of, number)), key))
}
