//! One step of a deletion that is too much for one commit: deletes some of what can't be without a record, which itself stays
//! until its own deletion fits in one commit. Each step leaves every reference and every stored sum as it must be.

use std::collections::HashSet;

use backstay_base::{Error, Limit};
use backstay_model::{Collection, CollectionId, Model, OnDelete};

use crate::application::CallerClass;
use crate::deletion::{self, Found, Going, Reach, Referring};
use crate::record::Key;
use crate::reference::Reference;
use crate::taken_along::Way;
use crate::{Authority, TxContext};

/// What a step is about.
#[derive(Debug)]
pub(crate) struct Branch<'b> {
    /// Of what refers to this record, some goes.
    pub(crate) top: Key,
    pub(crate) way: Way,
    /// Records that stay for now: those that were asked to be deleted, and those between them and this one.
    pub(crate) staying: &'b HashSet<Key>,
    /// Records of which nothing is left to be cleared away that can go before them.
    pub(crate) cleared: &'b HashSet<Key>,
    /// How many records the step deletes or changes at most.
    pub(crate) most: usize,
}

/// What a step came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cleared {
    /// Nothing is left that can go before the record.
    All,
    /// Some records are deleted or changed.
    Some,
    /// Nothing is done: with this record goes more than a step may take, so that it is cleared first.
    Below(Key),
}

/// What goes in one step.
#[derive(Default)]
struct Batch<'m> {
    reached: Vec<Reach<'m>>,
    taken: HashSet<Key>,
}

/// What a record that can't be without the top does to the step.
enum Added {
    /// It goes with the step.
    Taken,
    /// It goes later, with the top or with another record.
    Left,
    /// There is no room for it in this step.
    Full,
    /// There is none in any step.
    TooMuch,
}

/// Takes a step.
pub(crate) async fn clear_some(cx: &mut TxContext<'_, '_>, branch: &Branch<'_>) -> Result<Cleared, Error> {
    let class = cx.class_of(Authority::System);
    let mut batch = Batch::default();
    'all: for (collection, by, how) in dependents(cx.model(), &cx.engine.application.ranks, branch) {
        let most = branch.most + branch.staying.len() + batch.taken.len();
        for id in deletion::referring(cx, (collection.id, by), (branch.top.1, how.perspective, most)).await? {
            let going = Going { collection, id, is_seen: false };
            match batch.add(cx, &class, (going, branch)).await? {
                Added::Taken | Added::Left => {}
                Added::Full => break 'all,
                Added::TooMuch => return Ok(Cleared::Below((collection.id, id))),
            }
        }
    }
    if batch.reached.is_empty() {
        return release_some(cx, &class, branch).await;
    }
    deletion::hold(cx, &batch.reached).await?;
    for reach in batch.reached {
        deletion::remove_reached(cx, &class, (reach, branch.way), None).await?;
    }
    Ok(Cleared::Some)
}

/// What is deleted with the top, those first to which fewer others refer.
fn dependents<'m>(
    model: &'m Model,
    ranks: &[usize],
    branch: &Branch<'_>,
) -> Vec<(&'m Collection, Reference<'m>, Found)> {
    let referring = deletion::referring_by(model, branch.top.0, branch.way);
    let mut found: Vec<_> = referring.filter(|(.., how)| how.on_delete == OnDelete::Cascade).collect();
    found.sort_by_key(|(collection, ..)| ranks[usize::from(collection.id.0)]);
    found
}

impl<'m> Batch<'m> {
    async fn add(
        &mut self,
        cx: &mut TxContext<'m, '_>,
        class: &CallerClass,
        (going, branch): (Going<'m>, &Branch<'_>),
    ) -> Result<Added, Error> {
        let key = going.key();
        if branch.staying.contains(&key) || self.taken.contains(&key) {
            return Ok(Added::Left);
        }
        if cx.taken_along >= branch.most {
            return Ok(Added::Full);
        }
        let before = cx.taken_along;
        cx.taken_along += 1;
        let reach = match deletion::reach(cx, class, (going, branch.way), branch.most).await {
            Ok(reach) => reach,
            Err(Error::Limit(Limit::Deletion(_))) => {
                cx.taken_along = before;
                return Ok(match self.reached.is_empty() {
                    false => Added::Full,
                    true if branch.cleared.contains(&key) => Added::Left,
                    true => Added::TooMuch,
                });
            }
            Err(error) => return Err(error),
        };
        let keys: Vec<Key> = touched(&reach).collect();
        let is_taken = keys.iter().any(|key| self.taken.contains(key));
        // What leads back to a record that stays goes with that.
        if is_taken || keys.iter().any(|key| branch.staying.contains(key)) || reach.restricting().is_some() {
            cx.taken_along = before;
            return Ok(if is_taken { Added::Full } else { Added::Left });
        }
        self.taken.extend(keys);
        self.reached.push(reach);
        Ok(Added::Taken)
    }
}

/// What is deleted or changed.
fn touched(reach: &Reach<'_>) -> impl Iterator<Item = Key> {
    let released = reach.referring.iter().filter(|one| one.how.on_delete == OnDelete::SetNull);
    let released = released.flat_map(|one| one.ids.iter().map(|id| (one.collection.id, *id)));
    reach.going.iter().map(Going::key).chain(released)
}

/// Empties references to the top from some of the records that can be without it.
async fn release_some(cx: &mut TxContext<'_, '_>, class: &CallerClass, branch: &Branch<'_>) -> Result<Cleared, Error> {
    let Branch { top, way, staying, most, .. } = *branch;
    let model = cx.model();
    let mut referring: Vec<Referring<'_>> = Vec::new();
    let mut left = most;
    for (collection, by, how) in deletion::referring_by(model, top.0, way) {
        if how.on_delete != OnDelete::SetNull || left == 0 {
            continue;
        }
        let mut ids =
            deletion::referring(cx, (collection.id, by), (top.1, how.perspective, left + staying.len())).await?;
        ids.retain(|id| !staying.contains(&(collection.id, *id)));
        ids.truncate(left);
        left -= ids.len();
        if !ids.is_empty() {
            referring.push(Referring { to: top, collection, by, how, ids });
        }
    }
    if referring.is_empty() {
        return Ok(Cleared::All);
    }
    let reach = Reach { going: Vec::new(), referring };
    deletion::hold(cx, std::slice::from_ref(&reach)).await?;
    deletion::remove_reached(cx, class, (reach, way), None).await?;
    Ok(Cleared::Some)
}

/// For each type, whether a record of it can refuse a deletion that takes along records to which it refers, or can be the reason
/// for such a refusal, or takes along any that can.
pub(crate) fn can_restrict(model: &Model) -> Vec<bool> {
    let mut can = vec![false; model.collections.len()];
    let references = || {
        let of = model.collections.iter().map(|collection| collection.id);
        of.flat_map(|to| Reference::to(model, to).map(move |(from, _, on_delete)| (from.id, to, on_delete)))
    };
    let at = |id: CollectionId| usize::from(id.0);
    for (from, to, _) in references().filter(|(.., on_delete)| *on_delete == OnDelete::Restrict) {
        can[at(from)] = true;
        can[at(to)] = true;
    }
    loop {
        let before = can.clone();
        for (from, to, _) in references().filter(|(.., on_delete)| *on_delete == OnDelete::Cascade) {
            can[at(to)] |= can[at(from)];
        }
        if can == before {
            return can;
        }
    }
}
