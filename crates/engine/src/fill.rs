//! What gives the proposed record its values: the input, defaults, and `@set`; and what refuses a value because of the
//! field that it is for.

use backstay_base::{CallerKind, Error, Limit, ViolationKind, limits};
use backstay_model::{Collection, Field, FieldId, FieldKind, LengthProblem, Misfit, SetOn, ValueProblem};
use backstay_scalar::{Value, written_bytes};
use backstay_sql::RecordSource;

use crate::given::Given;
use crate::giving::value_of;
use crate::proposal::Proposal;
use crate::{Authority, Input, TxContext, amounts, embedded, references};

/// Puts the input in the place of what is stored.
pub(crate) fn patch(proposal: &mut Proposal<'_>, input: Input) {
    for (field, value) in &input.values {
        proposal.values[usize::from(field.0)] = value.clone();
    }
    proposal.input = input;
}

/// Gives a new record its id, version and defaults, and what the input gives.
pub(crate) fn defaults(cx: &TxContext<'_, '_>, proposal: &mut Proposal<'_>) {
    for field in &proposal.collection.fields {
        if let Some(default) = field.default.as_ref().filter(|_| field.within.is_none_or(|within| within.always)) {
            proposal.values[usize::from(field.id.0)] = default.clone();
        }
    }
    for (sum, of_nothing) in cx.engine.application.sums.own(proposal.collection.id).iter().flat_map(|own| &own.sums) {
        proposal.set(sum.computed.field, of_nothing.clone());
    }
    proposal.set(Collection::CREATED_AT, cx.now().into());
    proposal.set(Collection::UPDATED_AT, cx.now().into());
    proposal.set(Collection::VERSION, Value::Int(1));
    let Proposal { input, values, .. } = proposal;
    for (field, value) in &input.values {
        values[usize::from(field.0)] = value.clone();
    }
}

/// Gives the members of embedded values that weren't there before, and are now, their defaults.
pub(crate) fn embedded_defaults(proposal: &mut Proposal<'_>) {
    let collection = proposal.collection;
    for holder in collection.fields.iter().filter(|field| matches!(field.kind, FieldKind::Embedded(_))) {
        let is_new = !embedded::is_there(collection, holder, proposal.stored_values());
        if !is_new || !embedded::is_there(collection, holder, &proposal.values) {
            continue;
        }
        for member in collection.members(Some(holder.id)) {
            let is_named = proposal.input.fields().any(|named| named == member.id);
            if let Some(default) = member.default.as_ref().filter(|_| !is_named) {
                proposal.set(member.id, default.clone());
            }
        }
    }
}

/// Why a create can't give an id.
const NOT_GIVEN: &str = "the server makes the ids of these records; write `@key(given: true)` on the type in the model to \
                         let clients make them";

/// Refuses fields that no client may write. Backstay itself writes all but what is computed, and the version only of a record
/// that it carries over from another database.
pub(crate) fn refuse_read_only(proposal: &mut Proposal<'_>) {
    let (collection, authority, creates) = (proposal.collection, proposal.authority, proposal.stored.is_none());
    let refused = |id: FieldId| {
        let field = collection.field(id);
        let reason = match field.refused_to_clients()? {
            _ if creates && id == Collection::ID => NOT_GIVEN,
            reason => reason,
        };
        let carried = id == Collection::VERSION && proposal.input.carries;
        let to_all = id == Collection::VERSION && !carried || field.is_computed() || field.is_sum();
        (authority == Authority::Caller || to_all).then_some((id, reason))
    };
    let refused: Vec<_> = proposal.input.fields().filter_map(refused).collect();
    for (id, reason) in refused {
        proposal.refuse(collection.field(id), ViolationKind::ReadOnly(reason));
    }
    let version = proposal.input.value(Collection::VERSION).and_then(Value::as_int);
    if proposal.input.carries && version.is_some_and(|version| !(1..=limits::CARRIED_VERSION).contains(&version)) {
        let range = format!("a number from 1 to {}", limits::CARRIED_VERSION);
        proposal.refuse(collection.field(Collection::VERSION), ViolationKind::Range(range));
    }
}

/// Refuses fields that cannot be changed and would be. If the caller may not see
/// the field, naming it is enough to be refused: otherwise its value could be guessed.
pub(crate) fn refuse_immutable(proposal: &mut Proposal<'_>) {
    if proposal.authority == Authority::System {
        return;
    }
    let fields: Vec<FieldId> = proposal.input.fields().collect();
    for id in fields {
        let field = proposal.collection.field(id);
        let changes = proposal.value(id) != proposal.stored_value(id) || !proposal.sees(id);
        if field.immutable && changes && !proposal.is_refused(field) {
            proposal.refuse(field, ViolationKind::ReadOnly("this field can't change after creation"));
        }
    }
}

/// The address that an account signs in with is not changed by its token alone: that would make a stolen token good for
/// the whole account, and tell by the answer which addresses have accounts.
pub(crate) fn refuse_own_address(cx: &TxContext<'_, '_>, proposal: &mut Proposal<'_>) {
    let collection = proposal.collection;
    let own = cx.model().identity == Some(collection.id) && cx.caller().id == proposal.value(Collection::ID).as_id();
    if let Some(email) = collection.field_named("email")
        && own
        && proposal.authority == Authority::Caller
        && proposal.input.value(email.id).is_some_and(|sent| sent != proposal.stored_value(email.id))
    {
        proposal.refuse(email, ViolationKind::NeedsPassword);
    }
}

/// Gives a new record the values of `@default(from:)` where the input gives none, not even null. Each sees the values of
/// those that its expression reads.
pub(crate) async fn computed_defaults(cx: &mut TxContext<'_, '_>, proposal: &mut Proposal<'_>) -> Result<(), Error> {
    let policy = cx.engine.application.policy.collection(proposal.collection.id);
    for id in &policy.defaults {
        let Some(default) = &policy.fields[usize::from(id.0)].default else { continue };
        if proposal.input.value(*id).is_some() {
            continue;
        }
        give(cx, proposal, (proposal.collection.field(*id), default), RecordSource::Proposed).await?;
    }
    Ok(())
}

/// Gives fields the values of their `@set`, in the order of the model: each sees those before it. What Backstay itself was
/// given stays, such as the author in a seed file, whom `auth.id` doesn't name.
pub(crate) async fn sets(cx: &mut TxContext<'_, '_>, proposal: &mut Proposal<'_>, on: SetOn) -> Result<(), Error> {
    let policy = cx.engine.application.policy.collection(proposal.collection.id);
    for (field, rules) in proposal.collection.fields.iter().zip(&policy.fields) {
        if proposal.authority == Authority::System && proposal.input.value(field.id).is_some() {
            continue;
        }
        for set in rules.sets.iter().filter(|set| set.on == on || set.on == SetOn::Write) {
            let applies = match &set.when {
                Some(when) => value_of(when, cx, proposal, RecordSource::Proposed).await?.as_bool() == Some(true),
                None => true,
            };
            if applies {
                give(cx, proposal, (field, &set.to), RecordSource::Proposed).await?;
                break;
            }
        }
    }
    Ok(())
}

/// Gives a field the value of an expression of a transition, in which `this` is stored and `new` proposed.
pub(crate) async fn transition_set(
    cx: &mut TxContext<'_, '_>,
    proposal: &mut Proposal<'_>,
    (field, to): (FieldId, &Given),
) -> Result<(), Error> {
    give(cx, proposal, (proposal.collection.field(field), to), RecordSource::Stored).await
}

/// Puts the value that the model gives a field into it, in the form of the field's type.
async fn give<'m>(
    cx: &mut TxContext<'_, '_>,
    proposal: &mut Proposal<'m>,
    (field, given): (&'m Field, &Given),
    this: RecordSource,
) -> Result<(), Error> {
    let value = value_of(given, cx, proposal, this).await?;
    let fitted = amounts::taken_apart(field, value).and_then(|(value, currency)| {
        proposal.currencies.retain(|(known, _)| *known != field.id);
        proposal.currencies.extend(currency.map(|currency| (field.id, currency)));
        fitted(cx, field, value)
    });
    let fitted = match fitted {
        // The record may have gone to the trash since the request began.
        Ok(value) if given.names_account => references::found(cx, field, value).await?,
        fitted => fitted,
    };
    match fitted {
        Ok(value) => proposal.set(field.id, value),
        Err(kind) => {
            proposal.set(field.id, Value::Null);
            proposal.refuse(field, kind);
        }
    }
    Ok(())
}

fn fitted(cx: &TxContext<'_, '_>, field: &Field, value: Value) -> Result<Value, ViolationKind> {
    let (model, caller) = (cx.model(), cx.caller());
    let of_accounts = field.kind.target().is_some() && field.kind.target() == model.identity;
    // Keys and operators have ids too, but no record among the accounts. An anonymous caller has neither.
    let names_caller = value.as_id() == caller.id && (caller.id.is_some() || caller.kind == CallerKind::Anonymous);
    if of_accounts && caller.kind != CallerKind::Account && names_caller {
        return if field.required { Err(ViolationKind::NotAnAccount) } else { Ok(Value::Null) };
    }
    match (value, &field.kind) {
        (Value::List(items), FieldKind::List(element)) => {
            let element = model.element_type(*element);
            let items: Result<Vec<Value>, ValueProblem> = items.iter().map(|item| element.fit(item.clone())).collect();
            Ok(Value::List(items?.into()))
        }
        (value, kind) => match model.value_type(kind) {
            Some(ty) => Ok(ty.fit(value)?),
            None => Ok(value),
        },
    }
}

/// Refuses required fields without a value, unless the field has been refused for another reason already.
pub(crate) fn require(proposal: &mut Proposal<'_>) {
    require_those(proposal, |_| true);
}

/// The same of those that clients send: the others can get a value before the record is written.
pub(crate) fn require_sent(proposal: &mut Proposal<'_>) {
    require_those(proposal, |field| field.refused_to_clients().is_none() && field.slug.is_none());
}

fn require_those(proposal: &mut Proposal<'_>, is_meant: impl Fn(&Field) -> bool) {
    for field in proposal.collection.fields.iter().filter(|field| is_meant(field)) {
        let lacks = match (&field.kind, field.within) {
            (FieldKind::Embedded(_) | FieldKind::ToOneOf { .. }, None) => {
                field.required && embedded::lacks_value(proposal, field)
            }
            (_, Some(within)) => within.required && embedded::lacks_member(proposal, (field, within)),
            // A number comes last.
            (_, None) => {
                field.required && field.is_stored() && field.sequence.is_none() && proposal.value(field.id).is_null()
            }
        };
        if lacks && !proposal.is_refused(field) {
            proposal.refuse(field, ViolationKind::Required);
        }
        if matches!(field.kind, FieldKind::ToOneOf { .. }) && embedded::has_several(proposal, field) {
            let problem = "it refers to one record, of one type".to_owned();
            let remedy = "give it one record; the others become null".to_owned();
            proposal.refuse(field, ViolationKind::Misused { problem, remedy });
        }
    }
}

/// Refuses new values that are outside of their field's `@range` or don't match its `@pattern`. A stored one that the caller
/// sees may stay as it is.
pub(crate) fn check_values(proposal: &mut Proposal<'_>) {
    for field in proposal.collection.stored_fields().filter(|field| field.limits_values()) {
        let (stored, value) = (proposal.stored_value(field.id), proposal.value(field.id));
        if value == stored && (proposal.sees(field.id) || !proposal.input.fields().any(|named| named == field.id)) {
            continue;
        }
        let Err(Misfit { item, limit: _, kind }) = field.check_values(value) else { continue };
        if proposal.is_refused(field) {
            continue;
        }
        match item {
            Some(index) => proposal.refuse_member(field, index, kind),
            None => proposal.refuse(field, kind),
        }
    }
}

/// Refuses new values that are too short or too long. A stored one that is too long already, because it was stored when
/// more was allowed, may become shorter step by step; of one that the caller doesn't see, nothing is to be told.
pub(crate) fn check_sizes(cx: &TxContext<'_, '_>, proposal: &mut Proposal<'_>) {
    let sizes = cx.engine.application.sizes;
    for field in proposal.collection.stored_fields().filter(|field| sizes.limits(field)) {
        let (stored, value) = (proposal.stored_value(field.id), proposal.value(field.id));
        let told = proposal.sees(field.id);
        let untold = || !told && proposal.input.fields().any(|named| named == field.id);
        if value == stored && !untold() {
            continue;
        }
        let Err(problem) = sizes.check(field, value) else { continue };
        let shrinks = match problem {
            LengthProblem::TooLong { unit, .. } => told && unit.count(value) <= unit.count(stored),
            LengthProblem::TooShort { .. } => false,
        };
        if !shrinks && !proposal.is_refused(field) {
            proposal.refuse(field, ViolationKind::from(problem));
        }
    }
}

/// Refuses a record that is too large to be in an answer, where it would stand in the way of others in a list. One that is
/// too large already may become smaller.
pub(crate) fn check_whole(proposal: &Proposal<'_>) -> Result<(), Error> {
    let fields = || proposal.collection.stored_fields();
    let written: usize = fields().map(|field| written_bytes(proposal.value(field.id))).sum();
    if written <= limits::RECORD_BYTES {
        return Ok(());
    }
    let stored: usize = fields().map(|field| written_bytes(proposal.stored_value(field.id))).sum();
    if written <= stored {
        return Ok(());
    }
    Err(Limit::Size { what: "the record, written as JSON,", max: limits::RECORD_BYTES as u64, unit: "bytes" }.into())
}
