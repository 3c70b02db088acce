//! Values of unique keys that pass from one record to another in one write. A database compares each row with the others as it
//! is written, so that two records can't simply exchange such values, nor can each get that of the next. Once the database has
//! refused that, the write is run again, and the values of all records that it changes are first put out of the way.

use std::collections::{BTreeSet, HashSet};

use backstay_base::{Error, Place, RecordId};
use backstay_model::{Collection, CollectionId, ColumnStorage, Field, FieldId, FieldKind};
use backstay_scalar::{Storage, Value};

use crate::context::Retry;
use crate::proposal::Proposal;
use crate::row_change::RowChange;
use crate::stored::{self, Wanted};
use crate::{Authority, Input, TxContext};

/// Records of a collection that one write changes, one after the other.
pub(crate) struct Together<'i> {
    pub(crate) authority: Authority,
    pub(crate) collection: CollectionId,
    /// The record that they have to refer to, and by which field.
    pub(crate) child_of: Option<(FieldId, RecordId)>,
    /// Where in the request each is, and what is sent for it; `None` where something else is done than a change.
    pub(crate) each: Vec<(Place, Option<(RecordId, &'i Input)>)>,
}

/// A change of a record of which values are out of the way.
pub(crate) struct Begun<'m> {
    pub(crate) proposal: Proposal<'m>,
    /// The fields that hold other values until the change is complete.
    pub(crate) parked: Vec<FieldId>,
}

/// Begins those changes that may need a value which another one gives up. A record that the caller can't change is left alone:
/// its own change tells why.
pub(crate) async fn begin<'a>(
    cx: &mut TxContext<'a, '_>,
    together: &Together<'_>,
) -> Result<Vec<Option<Begun<'a>>>, Error> {
    let mut begun: Vec<Option<Begun<'a>>> = together.each.iter().map(|_| None).collect();
    if cx.retry != Retry::SettleEach {
        return Ok(begun);
    }
    let collection = cx.model().collection(together.collection);
    let can_pass = |(_, change): &(Place, Option<(RecordId, &Input)>)| {
        change.is_some_and(|(_, input)| !parkable(collection, input).is_empty())
    };
    if together.each.iter().filter(|one| can_pass(one)).count() < 2 {
        return Ok(begun);
    }
    let (around, mut known) = (cx.part.at.clone(), HashSet::new());
    for ((at, change), begun) in together.each.iter().zip(&mut begun) {
        let Some((id, input)) = change else { continue };
        let fields = parkable(collection, input);
        // A second change of a record goes on from what the first one made of it.
        if fields.is_empty() || !known.insert(*id) {
            continue;
        }
        cx.turn_to(at);
        let wanted = Wanted { if_match: None, child_of: together.child_of };
        let record = (together.collection, *id);
        match stored::for_update(cx, together.authority, record, input, wanted).await {
            Ok(proposal) => *begun = Some(park(cx, proposal, fields)?),
            Err(Error::NotFound { .. } | Error::Forbidden { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    cx.turn_to(&around);
    Ok(begun)
}

/// One field of each unique key of which something is sent: one that can hold a value which no record has.
fn parkable(collection: &Collection, input: &Input) -> Vec<FieldId> {
    let sent: BTreeSet<FieldId> = input.fields().collect();
    let keys = collection.indexes.iter().filter(|index| index.unique);
    let touched = keys.filter(|index| index.fields.iter().any(|field| sent.contains(field)));
    let fields: BTreeSet<FieldId> = touched
        .filter_map(|index| index.fields.iter().copied().find(|field| can_be_parked(collection.field(*field))))
        .collect();
    fields.into_iter().collect()
}

fn can_be_parked(field: &Field) -> bool {
    let is_scalar = matches!(field.kind, FieldKind::Scalar(_)) && field.id != Collection::ID;
    is_scalar
        && matches!(&field.columns[..], [column] if matches!(column.storage, ColumnStorage::One(Storage::Text | Storage::Int)))
}

fn park<'a>(cx: &mut TxContext<'a, '_>, proposal: Proposal<'a>, parked: Vec<FieldId>) -> Result<Begun<'a>, Error> {
    let Some(stored) = &proposal.stored else { return Err(crate::read::not_found(proposal.collection)) };
    let mut values = stored.values().to_vec();
    for field in &parked {
        let unused = cx.engine.random_id();
        let value = &mut values[usize::from(field.0)];
        *value = match proposal.collection.field(*field).columns[0].storage {
            ColumnStorage::One(Storage::Int) => Value::Int(below_zero(unused)),
            ColumnStorage::One(_) | ColumnStorage::List(_) => Value::text(format!("parked {unused}")),
        };
    }
    RowChange::overwrite(cx, proposal.collection, (stored, &values), parked.clone());
    Ok(Begun { proposal, parked })
}

/// A number that no record has.
fn below_zero(unused: RecordId) -> i64 {
    let octets = unused.as_bytes().iter().copied();
    octets.fold(0_i64, |number, octet| number << 8 | i64::from(octet)) | i64::MIN
}
