//! One step of a deletion that is too much for one commit: deletes some of what can't be without a record, which itself stays
//! until its own deletion fits in one commit. Each step leaves every reference and every stored sum as it must be.

use std::collections::HashSet;

use backstay_base::{Error, Limit, RecordId};
use backstay_model::{Collection, Model, OnDelete};

use crate::application::CallerClass;
use crate::deletion::{self, Found, Going, Reach, Referring};
use crate::record::Key;
use crate::reference::Reference;
use crate::taken_along::Way;
use crate::{Authority, TxContext};

/// Records that a step looks at, for each that it may delete: those that can't go yet are passed.
const LOOKED_AT: usize = 5;

/// What a step is about.
#[derive(Debug)]
pub(crate) struct Branch<'b> {
    /// Of what refers to this record, some goes.
    pub(crate) top: Key,
    pub(crate) way: Way,
    /// Where the step before has ended.
    pub(crate) at: Position,
    /// Whether records are deleted since the first of those that refer to the top was looked at: others that couldn't go before them
    /// may be able to now.
    pub(crate) has_deleted: bool,
    /// Records that stay for now: those that were asked to be deleted, and those between them and this one.
    pub(crate) staying: &'b HashSet<Key>,
    /// Records of which nothing is left to be cleared away that can go before them.
    pub(crate) cleared: &'b HashSet<Key>,
    /// How many records the step deletes or changes at most.
    pub(crate) most: usize,
}

/// A place among the records that can't be without the top: the latest of each type come first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Position {
    /// Which of the references that lead to the top.
    dependents: usize,
    /// All records above this one have been looked at, and itself.
    below: Option<RecordId>,
}

/// What a step came to, and where the next one goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cleared {
    /// Nothing is left that can go before the record.
    All,
    /// Some records are deleted.
    Deleted(Position),
    /// Some records no longer refer to the top.
    Released(Position),
    /// Nothing is done: none of the records that the step has looked at can go yet.
    Passed(Position),
    /// Nothing is done: the step has come to the end, but records were deleted since the beginning.
    Again,
    /// Nothing is done: with this record goes more than a step may take, so that it is cleared first.
    Below(Key, Position),
}

/// What goes in one step.
#[derive(Default)]
struct Batch<'m> {
    reached: Vec<Reach<'m>>,
    /// What is deleted.
    going: HashSet<Key>,
    /// What is deleted or changed.
    touched: HashSet<Key>,
}

/// What a step has found, and where it has stopped.
enum Gathered<'m> {
    Batch(Batch<'m>, Position),
    /// With this record goes too much, and there is nothing before it that could go.
    TooMuch(Key, Position),
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
    let dependents = dependents(cx.model(), &cx.engine.application.ranks, branch);
    let (batch, at) = match gather(cx, &class, (&dependents, branch)).await? {
        Gathered::Batch(batch, at) => (batch, at),
        Gathered::TooMuch(key, at) => return Ok(Cleared::Below(key, at)),
    };
    if batch.reached.is_empty() {
        return match (at.dependents < dependents.len(), branch.has_deleted) {
            (true, _) => Ok(Cleared::Passed(at)),
            (false, true) => Ok(Cleared::Again),
            (false, false) => release_some(cx, &class, (branch, at)).await,
        };
    }
    deletion::hold(cx, &batch.reached).await?;
    for reach in batch.reached {
        deletion::remove_reached(cx, &class, (reach, branch.way), None).await?;
    }
    Ok(Cleared::Deleted(at))
}

/// Finds what goes in a step.
async fn gather<'m>(
    cx: &mut TxContext<'m, '_>,
    class: &CallerClass,
    (dependents, branch): (&[Dependent<'m>], &Branch<'_>),
) -> Result<Gathered<'m>, Error> {
    let (mut batch, mut at, mut left) = (Batch::default(), branch.at, LOOKED_AT * branch.most);
    while let Some((collection, by, how)) = dependents.get(at.dependents).copied()
        && left > 0
    {
        let to = (branch.top.1, how.perspective, left);
        let ids = deletion::latest_referring(cx, (collection.id, by), to, at.below).await?;
        let is_last = ids.len() < left;
        left -= ids.len();
        for id in ids {
            let going = Going { collection, id, is_seen: false };
            match batch.add(cx, class, (going, by), branch).await? {
                Added::Taken | Added::Left => at.below = Some(id),
                Added::Full => return Ok(Gathered::Batch(batch, at)),
                Added::TooMuch => return Ok(Gathered::TooMuch(going.key(), at)),
            }
        }
        if is_last {
            at = Position { dependents: at.dependents + 1, below: None };
        }
    }
    Ok(Gathered::Batch(batch, at))
}

/// Records that are deleted with the top: their type, and how they refer to it.
pub(crate) type Dependent<'m> = (&'m Collection, Reference<'m>, Found);

/// What is deleted with the top, those first to which fewer others refer.
fn dependents<'m>(model: &'m Model, ranks: &[usize], branch: &Branch<'_>) -> Vec<Dependent<'m>> {
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
        (going, by): (Going<'m>, Reference<'m>),
        branch: &Branch<'_>,
    ) -> Result<Added, Error> {
        let key = going.key();
        if branch.staying.contains(&key) || self.touched.contains(&key) {
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
        let keys: Vec<Key> = reach.touched().collect();
        let is_taken = keys.iter().any(|key| self.touched.contains(key));
        // What leads back to a record that stays goes with that.
        if is_taken || keys.iter().any(|key| branch.staying.contains(key)) || reach.restricting(&self.going).is_some() {
            cx.taken_along = before;
            return Ok(if is_taken { Added::Full } else { Added::Left });
        }
        self.touched.extend(keys);
        self.going.extend(reach.going.iter().map(Going::key));
        self.reached.push(Reach { because: Some((by, branch.top.1)), ..reach });
        Ok(Added::Taken)
    }
}

/// Empties references to the top from some of the records that can be without it.
async fn release_some(
    cx: &mut TxContext<'_, '_>,
    class: &CallerClass,
    (branch, at): (&Branch<'_>, Position),
) -> Result<Cleared, Error> {
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
    let reach = Reach { going: Vec::new(), referring, because: None };
    deletion::hold(cx, std::slice::from_ref(&reach)).await?;
    deletion::remove_reached(cx, class, (reach, way), None).await?;
    Ok(Cleared::Released(at))
}
