//! Amounts that share the currency of their record (`@money(in:)`): a write gives the number, and the currency that it was
//! meant in where it said one.

use backstay_base::{Error, ViolationKind};
use backstay_model::{Field, FieldId};
use backstay_scalar::{Currency, Money, Problem, Scalar, Value};
use backstay_sql::RecordSource;

use crate::TxContext;
use crate::giving::value_of;
use crate::proposal::Proposal;

/// The number of an amount that the model gives a field, and its currency; any other value as it is.
pub(crate) fn taken_apart(field: &Field, value: Value) -> Result<(Value, Option<Currency>), ViolationKind> {
    if !field.shares_currency() {
        return Ok((value, None));
    }
    match Scalar::Money.fit(value)? {
        Value::Money(money) => Ok((Value::Decimal(money.amount()), Some(money.currency()))),
        other => Ok((other, None)),
    }
}

/// Refuses new amounts in another currency than the record's or with more digits than it has, and another currency without
/// new amounts.
pub(crate) async fn check(cx: &mut TxContext<'_, '_>, proposal: &mut Proposal<'_>) -> Result<(), Error> {
    let collection = proposal.collection;
    let policy = cx.engine.application.policy.collection(collection.id);
    for (field, rules) in collection.fields.iter().zip(&policy.fields) {
        let (Some(way), Some(currency)) = (&field.currency, &rules.currency) else { continue };
        // A stored sum is of amounts in the same currency, which never changes.
        if field.is_sum() {
            continue;
        }
        let sent = proposal.input.amounts.iter().find(|(sent, _)| *sent == field.id).map(|(_, meant)| *meant);
        let given = proposal.currencies.iter().find(|(given, _)| *given == field.id).map(|(_, meant)| *meant);
        let is_new = sent.is_some() || given.is_some() || proposal.value(field.id) != proposal.stored_value(field.id);
        if !is_new {
            refuse_other_currency(proposal, (field, way));
            continue;
        }
        let Value::Decimal(number) = *proposal.value(field.id) else { continue };
        let known = value_of(currency, cx, proposal, RecordSource::Proposed).await?;
        // A currency that is missing is a violation of its own.
        let Some(known) = known.as_text().and_then(Currency::parse) else { continue };
        let kind = match given.or(sent.flatten()).filter(|meant| *meant != known) {
            Some(meant) => other_currency(collection.field(way[0]), (field, way), (meant, known)),
            None => match Money::new(number, known) {
                Ok(_) => continue,
                Err(error) => Problem::from(error).into(),
            },
        };
        if !proposal.is_refused(field) {
            proposal.refuse(field, kind);
        }
    }
    Ok(())
}

fn other_currency(
    first: &Field,
    (field, way): (&Field, &[FieldId]),
    (meant, known): (Currency, Currency),
) -> ViolationKind {
    let problem = format!("the amount is in {meant}, but `{}` has {known} here", field.name);
    let remedy = match way {
        [_] => format!("send an amount in {known}, or change `{}` too", first.name),
        _ => format!("send an amount in {known}"),
    };
    ViolationKind::Misused { problem, remedy }
}

/// Refuses another currency for an amount that stays. Of one that the caller doesn't see, whether there is one isn't told.
fn refuse_other_currency(proposal: &mut Proposal<'_>, (field, way): (&Field, &[FieldId])) {
    // A currency of another record never changes.
    let [currency] = way else { return };
    let (was, is) = (proposal.stored_value(*currency), proposal.value(*currency));
    let stays = !proposal.stored_value(field.id).is_null() || !proposal.sees(field.id);
    if proposal.stored.is_none() || was == is || is.is_null() || !stays {
        return;
    }
    let currency = proposal.collection.field(*currency);
    if !proposal.is_refused(currency) {
        let problem = format!("`{}` is an amount in the currency that this would replace", field.name);
        let remedy = format!("send `{}` in the new currency too", field.name);
        proposal.refuse(currency, ViolationKind::Misused { problem, remedy });
    }
}
