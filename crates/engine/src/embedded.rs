//! Embedded values of a record, and references to one of several types: whether they are there, and what they lack.

use backstay_model::{Collection, Field, FieldId, FieldKind, Within};
use backstay_scalar::Value;

use crate::RecordMember;
use crate::proposal::Proposal;

/// Whether an embedded value is there: one of its members has a value. `values` are those of a record by `FieldId`, or
/// none where there is no record.
pub(crate) fn is_there(collection: &Collection, holder: &Field, values: &[Value]) -> bool {
    let value = |part: &Field| values.get(usize::from(part.id.0));
    collection.parts(holder.id).any(|part| value(part).is_some_and(|value| !value.is_null()))
}

/// Whether more than one member of a reference to one of several types has a value in the proposed record.
pub(crate) fn has_several(proposal: &Proposal<'_>, holder: &Field) -> bool {
    proposal.collection.parts(holder.id).filter(|part| !proposal.value(part.id).is_null()).nth(1).is_some()
}

/// Whether an embedded value of the proposed record is not there.
pub(crate) fn lacks_value(proposal: &Proposal<'_>, holder: &Field) -> bool {
    !is_there(proposal.collection, holder, &proposal.values)
}

/// Whether a member that is required has no value although the embedded value is there. What a caller doesn't see counts
/// as if it were not there: the answer must not tell. Such a caller gives all that is required, or removes the whole.
pub(crate) fn lacks_member(proposal: &Proposal<'_>, (member, within): (&Field, Within)) -> bool {
    let collection = proposal.collection;
    let holder = collection.field(within.field);
    let lacks = |field: &Field| match &field.kind {
        FieldKind::Embedded(_) | FieldKind::ToOneOf { .. } => lacks_value(proposal, field),
        _ => proposal.value(field.id).is_null(),
    };
    if proposal.stored.is_some() && !proposal.sees(holder.id) {
        let is_named = |part: &Field| proposal.input.fields().any(|named| named == part.id);
        let named = collection.parts(holder.id).filter(|part| is_named(part)).count();
        let is_removed = collection.parts(holder.id).count() == named && lacks_value(proposal, holder);
        let is_given = collection.parts(member.id).any(is_named) && !lacks(member);
        return named > 0 && !is_removed && !is_given;
    }
    lacks(member) && !lacks_value(proposal, holder)
}

/// The members of a record's answer: the fields that are shown, in the order of the model, each under its name and the
/// old names that it still answers to.
pub(crate) fn members<'r>(
    collection: &'r Collection,
    shown: &[&'r Field],
    values: &'r [Value],
) -> Vec<RecordMember<'r>> {
    within(collection, None, shown, values)
}

fn within<'r>(
    collection: &'r Collection,
    holder: Option<FieldId>,
    shown: &[&'r Field],
    values: &'r [Value],
) -> Vec<RecordMember<'r>> {
    let of_holder = shown.iter().filter(|field| field.parent() == holder);
    let named = of_holder.flat_map(|field| {
        let names = std::iter::once(field.own_name()).chain(field.kept_names.iter().map(String::as_str));
        names.map(move |name| (*field, name))
    });
    let member = |(field, name): (&'r Field, &'r str)| match &field.kind {
        FieldKind::Embedded(_) if is_there(collection, field, values) => {
            RecordMember::Embedded(name, within(collection, Some(field.id), shown, values))
        }
        FieldKind::Embedded(_) => RecordMember::Value(name, &Value::Null),
        FieldKind::ToOneOf { .. } => reference(collection, (field, name), values),
        _ => RecordMember::Value(name, values.get(usize::from(field.id.0)).unwrap_or(&Value::Null)),
    };
    // Most have one name; an iterator that is filtered doesn't know how many come.
    let mut members = Vec::with_capacity(shown.len());
    members.extend(named.map(member));
    members
}

/// A reference to one of several types, as the type and the id.
fn reference<'r>(
    collection: &'r Collection,
    (holder, name): (&'r Field, &'r str),
    values: &'r [Value],
) -> RecordMember<'r> {
    let value = |part: &Field| values.get(usize::from(part.id.0)).filter(|value| !value.is_null());
    let mut parts = collection.members(Some(holder.id));
    match parts.find_map(|part| Some((part.own_name(), value(part)?))) {
        Some((of, id)) => RecordMember::Reference { name, of, id },
        None => RecordMember::Value(name, &Value::Null),
    }
}
