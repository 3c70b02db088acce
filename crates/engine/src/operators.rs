//! Operators of a patch: a change of what is stored, which is worked out within the transaction and then checked like a
//! value that was sent.

use backstay_base::{Action, Error, ViolationKind};
use backstay_model::{Class, Field};
use backstay_scalar::{Currency, MergeError, Value, exact, has_operations, merged};
use backstay_sql::RecordSource;

use crate::giving::value_of;
use crate::operator::too_long;
use crate::proposal::Proposal;
use crate::{Input, Operator, TxContext};

/// Refuses operators for a new record, of which nothing is stored yet.
pub(crate) fn refuse_in_new(proposal: &mut Proposal<'_>) {
    for (id, _) in std::mem::take(&mut proposal.input.operators) {
        proposal.refuse(proposal.collection.field(id), for_stored());
    }
}

/// Why a new record takes no operators.
fn for_stored() -> ViolationKind {
    let problem = "operators change a stored record, and this one is new".to_owned();
    ViolationKind::Misused { problem, remedy: "send the value itself".to_owned() }
}

/// Puts the values that operators come to into the input, in which a caller can't tell them from values that were sent. What
/// they come to depends on what is stored, so a caller who doesn't see that is refused.
pub(crate) async fn apply(
    cx: &mut TxContext<'_, '_>,
    proposal: &mut Proposal<'_>,
    input: &mut Input,
) -> Result<(), Error> {
    for (id, operator) in std::mem::take(&mut input.operators) {
        let field = proposal.collection.field(id);
        if let Some(refusal) = refusal(proposal, field, &operator) {
            proposal.refuse(field, refusal);
            continue;
        }
        let stored = proposal.stored_value(id);
        match operator {
            Operator::Merge(patch) => match document(field, stored, &patch) {
                Ok(value) => input.set(id, value),
                Err(MergeError { at, kind }) => proposal.refuse_within(field, at, kind),
            },
            _ if field.shares_currency() => match amount(cx, proposal, (field, &operator), input).await? {
                Ok((number, currency)) => input.amount(id, number, currency),
                Err(kind) => proposal.refuse(field, kind),
            },
            operator => match operator.result(stored, field.kind.scalar()) {
                Ok(value) => input.set(id, value),
                Err(kind) => proposal.refuse(field, kind),
            },
        }
    }
    proposal.settle()
}

/// Why a field refuses an operator, whatever it comes to.
fn refusal(proposal: &Proposal<'_>, field: &Field, operator: &Operator) -> Option<ViolationKind> {
    if let Operator::Merge(patch) = operator
        && !has_operations(patch).unwrap_or(true)
    {
        // It is as a value for the members that it names.
        return None;
    }
    let holders = std::iter::successors(Some(field.id), |held| proposal.collection.field(*held).parent());
    if !holders.into_iter().all(|held| proposal.sees(held)) {
        return Some(ViolationKind::FieldForbidden { action: Action::Read });
    }
    if let Some(reason) = field.refused_to_clients() {
        return Some(ViolationKind::ReadOnly(reason));
    }
    field.immutable.then_some(ViolationKind::ReadOnly("this field can't change after creation"))
}

/// The document after a patch.
fn document(field: &Field, stored: &Value, patch: &str) -> Result<Value, MergeError> {
    // What is merged into a secret would show by its size what is in it.
    let secret = field.class == Some(Class::Secret);
    let target = if let Value::Json(text) = stored { Some(&**text).filter(|_| !secret) } else { None };
    Ok(merged(target, patch)?
        .map_or(Value::Null, |text| if text == "null" { Value::Null } else { Value::Json(text.into()) }))
}

/// The number that an operator makes of an amount whose currency is in another field, and the currency that was sent.
async fn amount(
    cx: &mut TxContext<'_, '_>,
    proposal: &Proposal<'_>,
    (field, operator): (&Field, &Operator),
    input: &Input,
) -> Result<Result<(Value, Option<Currency>), ViolationKind>, Error> {
    if let Some([own]) = field.currency.as_deref()
        && input.value(*own).is_some_and(|sent| sent != proposal.stored_value(*own))
    {
        let name = &proposal.collection.field(*own).name;
        let problem = format!("the stored amount is in the currency that `{name}` would replace");
        return Ok(Err(ViolationKind::Misused { problem, remedy: "send the new amount itself".to_owned() }));
    }
    let policy = cx.engine.application.policy.collection(proposal.collection.id);
    let currency = match &policy.fields[usize::from(field.id.0)].currency {
        Some(currency) => value_of(currency, cx, proposal, RecordSource::Stored).await?,
        None => Value::Null,
    };
    let known = currency.as_text().and_then(Currency::parse);
    let stored = proposal.stored_value(field.id);
    let (operand, meant) = match operator {
        Operator::Increase(Value::Money(money)) => {
            (Operator::Increase(Value::Decimal(money.amount())), Some(money.currency()))
        }
        operator => (operator.clone(), None),
    };
    let number = match (&operand, stored) {
        (Operator::Multiply(Value::Decimal(by)), Value::Decimal(number)) => known
            .and_then(|known| exact::round(exact::multiply(*number, *by)?, known.digits()))
            .map(Value::Decimal)
            .ok_or_else(too_long),
        (operand, stored) => operand.result(stored, None),
    };
    Ok(number.and_then(|number| match field.kind.scalar() {
        Some(scalar) if !number.is_null() => Ok((scalar.fit(number)?, meant)),
        Some(_) | None => Ok((number, meant)),
    }))
}
