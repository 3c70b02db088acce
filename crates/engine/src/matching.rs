//! Changes and deletions of all records that match a filter: all of them or none.

use std::collections::HashSet;

use backstay_base::{Action, Error, Limit, Place, RecordId, Step};
use backstay_model::{Collection, CollectionId};

use crate::holding::ToHold;
use crate::parking::{self, Together};
use crate::read::{self, PreparedList};
use crate::stored::Wanted;
use crate::{Authority, Counted, Input, MatchingAct, Reach, RecordAct, TxContext, summing};

/// How often records are found and locked that others had changed in between, until those are taken that are there still.
const ROUNDS: usize = 8;

/// Does with records of a list what is asked, one by one, each under its own rules.
pub(crate) async fn carry_out(
    cx: &mut TxContext<'_, '_>,
    act: &MatchingAct,
    collection: CollectionId,
    (list, reach): (&PreparedList, &Reach),
) -> Result<Counted, Error> {
    let ids = match reach {
        Reach::All { most } => all(cx, (act, collection), (list, *most)).await?,
        Reach::First { count, .. } => first(cx, (act, collection), (list, *count)).await?,
    };
    match act {
        MatchingAct::Update(input) => {
            let (matched, first) = (ids.len(), named_in_answer(reach, &ids));
            let changed = update(cx, collection, ids, input).await?;
            Ok(Counted { matched, changed, first })
        }
        MatchingAct::Delete => delete_found(cx, collection, (reach, ids)).await,
    }
}

/// Deletes records of a list that were found.
pub(crate) async fn delete_found(
    cx: &mut TxContext<'_, '_>,
    collection: CollectionId,
    (reach, ids): (&Reach, Vec<RecordId>),
) -> Result<Counted, Error> {
    let (matched, first) = (ids.len(), named_in_answer(reach, &ids));
    let changed = delete(cx, collection, ids).await?;
    Ok(Counted { matched, changed, first })
}

/// The records that the answer names.
fn named_in_answer(reach: &Reach, ids: &[RecordId]) -> Option<Vec<RecordId>> {
    matches!(reach, Reach::First { .. }).then(|| ids.to_vec())
}

/// Locks records that are going to be deleted.
pub(crate) async fn hold_found(
    cx: &mut TxContext<'_, '_>,
    collection: CollectionId,
    ids: Vec<RecordId>,
) -> Result<(), Error> {
    hold_records(cx, (&MatchingAct::Delete, collection), ids).await
}

/// The records with which something would be done, not locked.
pub(crate) async fn named(
    cx: &mut TxContext<'_, '_>,
    (list, reach): (&PreparedList, &Reach),
) -> Result<Vec<RecordId>, Error> {
    match reach {
        Reach::All { most } => {
            let ids = read::ids(cx, list, u64::from(*most) + 1).await?;
            refuse_more(&ids, *most)?;
            Ok(ids)
        }
        Reach::First { count, .. } => read::ids(cx, list, u64::from(*count)).await,
    }
}

fn refuse_more(ids: &[RecordId], most: u32) -> Result<(), Error> {
    match ids.len() as u64 > u64::from(most) {
        true => Err(Limit::Matching { max: u64::from(most) }.into()),
        false => Ok(()),
    }
}

/// All records of a list, locked. If there are more than the limit allows, nothing is done.
async fn all(
    cx: &mut TxContext<'_, '_>,
    of: (&MatchingAct, CollectionId),
    (list, limit): (&PreparedList, u32),
) -> Result<Vec<RecordId>, Error> {
    let ids = read::ids(cx, list, u64::from(limit) + 1).await?;
    refuse_more(&ids, limit)?;
    hold(cx, of, (list, limit), ids).await
}

/// The first records of a list, locked. Of several requests that take the first ones of a collection, each finds those that
/// the ones before it have left.
async fn first(
    cx: &mut TxContext<'_, '_>,
    (act, collection): (&MatchingAct, CollectionId),
    (list, count): (&PreparedList, u32),
) -> Result<Vec<RecordId>, Error> {
    if !cx.is_shared() {
        return read::ids(cx, list, u64::from(count)).await;
    }
    cx.hold_first(collection).await?;
    let (mut held, mut found) = (HashSet::new(), read::ids(cx, list, u64::from(count)).await?);
    for _ in 0..ROUNDS {
        let new: Vec<RecordId> = found.iter().copied().filter(|id| !held.contains(id)).collect();
        if new.is_empty() {
            break;
        }
        held.extend(new.iter().copied());
        hold_records(cx, (act, collection), new).await?;
        found = read::ids(cx, list, u64::from(count)).await?;
    }
    found.retain(|id| held.contains(id));
    Ok(found)
}

/// Locks the records that were found, and returns those that are still found: others may have changed them before.
async fn hold(
    cx: &mut TxContext<'_, '_>,
    (act, collection): (&MatchingAct, CollectionId),
    (list, limit): (&PreparedList, u32),
    found: Vec<RecordId>,
) -> Result<Vec<RecordId>, Error> {
    if !cx.is_shared() || found.is_empty() {
        return Ok(found);
    }
    let held: HashSet<RecordId> = found.iter().copied().collect();
    hold_records(cx, (act, collection), found).await?;
    let still_found = read::ids(cx, list, u64::from(limit) + 1).await?;
    Ok(still_found.into_iter().filter(|id| held.contains(id)).collect())
}

async fn hold_records(
    cx: &mut TxContext<'_, '_>,
    (act, collection): (&MatchingAct, CollectionId),
    ids: Vec<RecordId>,
) -> Result<(), Error> {
    let mut to_hold = ToHold::records(collection, ids);
    if let MatchingAct::Update(input) = act {
        cx.hold_owners(collection, input, &mut to_hold);
    }
    cx.hold(to_hold).await
}

async fn update(
    cx: &mut TxContext<'_, '_>,
    collection: CollectionId,
    ids: Vec<RecordId>,
    input: &Input,
) -> Result<usize, Error> {
    let mut changed = 0;
    let authority = Authority::Caller;
    let each = ids.iter().map(|id| (Place::member(id.to_string()), Some((*id, input)))).collect();
    let begun = parking::begin(cx, &Together { authority, collection, child_of: None, each }).await?;
    for (id, begun) in ids.into_iter().zip(begun) {
        let record = (collection, id);
        cx.turn_to(&Place::member(id.to_string()));
        let altered = match begun {
            Some(begun) => {
                let changed = cx.complete(begun, input.clone()).await;
                cx.with_children(authority, record, changed).await
            }
            None => cx.change(authority, record, input.clone(), Wanted::default()).await,
        };
        if altered.is_err() && cx.awaits_hooks() {
            continue;
        }
        let altered = altered.map_err(|error| match error {
            // It has its place.
            Error::Invalid(_) => error,
            error => of_one(error, cx.model().collection(collection), (id, Action::Update)),
        })?;
        changed += usize::from(altered.changed);
    }
    cx.require_hooks()?;
    cx.turn_to(&Place::Whole);
    summing::follow(cx).await?;
    Ok(changed)
}

/// The latest come first: records mostly refer to those that were there before them.
async fn delete(cx: &mut TxContext<'_, '_>, collection: CollectionId, mut ids: Vec<RecordId>) -> Result<usize, Error> {
    let mut deleted = 0;
    ids.sort_unstable();
    for id in ids.into_iter().rev() {
        let error = match cx.carry_out(Authority::Caller, &RecordAct::Delete, (collection, id), None).await {
            Ok(_) => None,
            // It went with another one.
            Err(Error::NotFound { .. }) if cx.get(collection, id).await?.is_none() => None,
            Err(_) if cx.awaits_hooks() => None,
            Err(error) => Some(error),
        };
        if let Some(error) = error {
            return Err(of_one(error, cx.model().collection(collection), (id, Action::Delete)));
        }
        deleted += 1;
    }
    Ok(deleted)
}

/// The refusal of one of the records, with its id: the caller has found it. One that a list shows and that can't be read
/// isn't named.
pub(crate) fn of_one(error: Error, collection: &Collection, (id, action): (RecordId, Action)) -> Error {
    match error {
        Error::Invalid(mut violations) => {
            for violation in &mut violations {
                violation.at = violation.at.clone().within(Step::Member(id.to_string()));
            }
            Error::Invalid(violations)
        }
        Error::Forbidden { action, what: _ } => Error::Forbidden { action, what: format!("{} {id}", collection.name) },
        Error::NotFound { .. } => {
            Error::Forbidden { action, what: format!("a {} that the filter matches", collection.name) }
        }
        other => other,
    }
}
