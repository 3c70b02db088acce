//! Deletions that are too much for one commit: what goes with the records is deleted in steps, each a short commit of its own,
//! and the records themselves last. Whether something refuses the deletion is found out before the first step. Between two
//! steps others write. One that is ended in between leaves nothing inconsistent: the same request again goes on.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use backstay_base::{Error, Excess, LargeDeletion, Limit, RecordId, Remedy, limits};
use backstay_model::{CollectionId, OnDelete};
use backstay_store::Writes;
use futures_util::future::BoxFuture;

use crate::application::Application;
use crate::clearing::{self, Branch, Cleared};
use crate::deletion::{self, Referring};
use crate::inner::Inner;
use crate::own_commit::OwnCommit;
use crate::record::Key;
use crate::reference::Reference;
use crate::taken_along::Way;
use crate::write_requests::Root;
use crate::{Authority, Context, Transaction, TxContext, Written, before, transaction};

/// How often it begins again because others have added to what goes with the records, or changed them.
const ROUNDS: usize = 8;
/// Time that is kept for the answer before the request ends.
const FOR_ANSWER: Duration = Duration::from_secs(1);
/// Records of which one statement each finds what refers to them, in one transaction.
const LOOKED_AT: usize = 256;

/// A deletion that is done in steps.
struct Steps<'s> {
    inner: &'s Arc<Inner>,
    cx: &'s Context,
    write: Arc<OwnCommit>,
    way: Way,
    until: Instant,
}

/// Carries out a deletion that was refused because it is too much for one commit.
pub(crate) async fn delete(
    inner: &Arc<Inner>,
    cx: &Context,
    write: Arc<OwnCommit>,
    refusal: Error,
) -> Result<Written, Error> {
    let Some(way) = write.0.way(&inner.application.model).filter(|way| *way == Way::Gone) else {
        return Err(refusal);
    };
    if asks_hooks(&inner.application, write.0.collection()) {
        return Err(with_remedy(refusal, Remedy::DeleteFirst));
    }
    let until = cx.demand().deadline.checked_sub(FOR_ANSWER).unwrap_or_else(Instant::now);
    let steps = Steps { inner, cx, write, way, until };
    let mut refusal = refusal;
    for _ in 0..ROUNDS {
        let progressed = match steps.clear().await {
            Err(error) if error.fits_in_parts() => return Err(with_remedy(refusal, Remedy::DeleteFirst)),
            Err(Error::Limit(Limit::Deadline)) => return Err(out_of_time()),
            progressed => progressed?,
        };
        match transaction::run_shared(inner, cx, Arc::clone(&steps.write)).await {
            Err(error) if error.fits_in_parts() && progressed => refusal = error,
            Err(error) if error.fits_in_parts() => return Err(with_remedy(error, Remedy::DeleteFirst)),
            done => return done,
        }
    }
    Err(with_remedy(refusal, Remedy::Repeat))
}

/// Whether hooks are asked before a record of this collection is deleted, or before one that goes with it: one that refuses after
/// others are gone would leave half of the deletion done.
fn asks_hooks(application: &Application, top: CollectionId) -> bool {
    let (mut reached, mut next) = (HashSet::from([top]), vec![top]);
    while let Some(to) = next.pop() {
        if before::precede_deletions(application, to) {
            return true;
        }
        let going = Reference::to(&application.model, to).filter(|(.., on_delete)| *on_delete == OnDelete::Cascade);
        next.extend(going.map(|(from, ..)| from.id).filter(|from| reached.insert(*from)));
    }
    false
}

fn with_remedy(mut refusal: Error, remedy: Remedy) -> Error {
    if let Error::Limit(Limit::Deletion(deletion)) = &mut refusal {
        deletion.remedy = remedy;
    }
    refusal
}

fn out_of_time() -> Error {
    let (excess, remedy) = (Excess::Time, Remedy::Repeat);
    Limit::Deletion(Box::new(LargeDeletion { excess, deleted: Vec::new(), changed: Vec::new(), remedy })).into()
}

impl Steps<'_> {
    /// Deletes what goes with the records, as far as it can go before them; whether there was any.
    async fn clear(&self) -> Result<bool, Error> {
        let roots = self.run(FindRoots { write: Arc::clone(&self.write) }).await?;
        self.refuse_restricted(&roots).await?;
        let mut staying: Arc<HashSet<Key>> = Arc::new(roots.iter().map(|root| root.key).collect());
        let mut progressed = false;
        for root in roots {
            match self.clear_branch(root, &mut staying, &mut progressed).await {
                // Or somebody else has deleted it, or changed it.
                Ok(()) | Err(Error::NotFound { .. } | Error::Precondition { .. }) => {}
                // What goes with the records can't go before them: it goes with them, or nothing does.
                Err(Error::Invalid(_) | Error::Conflict(_)) => break,
                Err(error) if error.fits_in_parts() => break,
                Err(error) => return Err(error),
            }
        }
        Ok(progressed)
    }

    async fn clear_branch(
        &self,
        root: Root,
        staying: &mut Arc<HashSet<Key>>,
        progressed: &mut bool,
    ) -> Result<(), Error> {
        let (mut tops, mut cleared) = (vec![root.key], Arc::new(HashSet::new()));
        let mut most = limits::DELETION_STEP_RECORDS;
        while let Some(top) = tops.last().copied() {
            let (write, root, way) = (Arc::clone(&self.write), root.clone(), self.way);
            let (kept, done) = (Arc::clone(staying), Arc::clone(&cleared));
            let step = ClearSome { write, root, top, way, staying: kept, cleared: done, most };
            match self.run(step).await {
                Ok(Cleared::All) => {
                    tops.pop();
                    if !tops.is_empty() {
                        Arc::make_mut(staying).remove(&top);
                        Arc::make_mut(&mut cleared).insert(top);
                    }
                }
                Ok(Cleared::Some) => {
                    *progressed = true;
                    most = limits::DELETION_STEP_RECORDS.min(most * 2);
                }
                Ok(Cleared::Below(key)) => {
                    Arc::make_mut(staying).insert(key);
                    tops.push(key);
                }
                Err(error) if error.fits_in_parts() && most > 1 => most /= 4,
                Err(error) => return Err(error),
            }
            most = most.max(1);
        }
        Ok(())
    }

    /// Refuses the deletion if a record that stays refuses it.
    async fn refuse_restricted(&self, roots: &[Root]) -> Result<(), Error> {
        let can_restrict = clearing::can_restrict(&self.inner.application.model);
        let counts = |key: &Key| can_restrict[usize::from(key.0.0)];
        let mut going: HashSet<Key> = roots.iter().map(|root| root.key).filter(counts).collect();
        let mut next: VecDeque<Key> = going.iter().copied().collect();
        let mut restricting: Vec<Restricting> = Vec::new();
        while !next.is_empty() {
            let keys = next.drain(..next.len().min(LOOKED_AT)).collect();
            let found = self.run(FindReferring { way: self.way, keys }).await?;
            next.extend(found.going.into_iter().filter(counts).filter(|key| going.insert(*key)));
            restricting.extend(found.restricting);
            if going.len() > limits::DELETION_SURVEY_RECORDS {
                let max = limits::DELETION_SURVEY_RECORDS as u64;
                return Err(Limit::Size { what: "what would be deleted with the record", max, unit: "records" }.into());
            }
        }
        for mut one in restricting {
            one.ids.retain(|id| !going.contains(&(one.from, *id)));
            if !one.ids.is_empty() {
                self.run(Refuse(one)).await?;
            }
        }
        Ok(())
    }

    async fn run<T: Transaction>(&self, transaction: T) -> Result<T::Answer, Error> {
        if Instant::now() >= self.until {
            return Err(Limit::Deadline.into());
        }
        transaction::run(self.inner, self.cx, transaction).await
    }
}

/// Finds the records that are to be deleted, if the caller may.
struct FindRoots {
    write: Arc<OwnCommit>,
}

impl Transaction for FindRoots {
    type Answer = Vec<Root>;

    fn name(&self) -> &str {
        self.write.name()
    }

    fn writes(&self) -> Writes {
        Writes::None
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<Vec<Root>, Error>> {
        Box::pin(self.write.0.roots(cx))
    }
}

/// Finds what goes with these records, and what refuses that they go.
struct FindReferring {
    way: Way,
    keys: Vec<Key>,
}

#[derive(Default)]
struct FoundReferring {
    going: Vec<Key>,
    restricting: Vec<Restricting>,
}

/// Records that refer to one that is to be deleted, and don't let it go before they do.
#[derive(Debug)]
struct Restricting {
    to: Key,
    way: Way,
    from: CollectionId,
    /// Which of the references to the record's type.
    reference: usize,
    ids: Vec<RecordId>,
}

impl Transaction for FindReferring {
    type Answer = FoundReferring;

    fn name(&self) -> &'static str {
        "delete"
    }

    fn writes(&self) -> Writes {
        Writes::None
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<FoundReferring, Error>> {
        Box::pin(async move {
            let (mut found, way) = (FoundReferring::default(), self.way);
            for to in self.keys.iter().copied() {
                for (reference, (collection, by, how)) in
                    deletion::referring_by(cx.model(), to.0, way).enumerate().collect::<Vec<_>>()
                {
                    if how.on_delete == OnDelete::SetNull {
                        continue;
                    }
                    let at = (to.1, how.perspective, limits::DELETION_SURVEY_RECORDS + 1);
                    let ids = deletion::referring(cx, (collection.id, by), at).await?;
                    if how.on_delete == OnDelete::Restrict && !ids.is_empty() {
                        found.restricting.push(Restricting { to, way, from: collection.id, reference, ids });
                    } else {
                        found.going.extend(ids.into_iter().map(|id| (collection.id, id)));
                    }
                }
            }
            Ok(found)
        })
    }
}

/// Refuses a deletion because of records that stay.
struct Refuse(Restricting);

impl Transaction for Refuse {
    type Answer = ();

    fn name(&self) -> &'static str {
        "delete"
    }

    fn writes(&self) -> Writes {
        Writes::None
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let Restricting { to, way, reference, ids, .. } = &self.0;
            let Some((collection, by, how)) = deletion::referring_by(cx.model(), to.0, *way).nth(*reference) else {
                return Ok(());
            };
            let class = cx.class_of(Authority::Caller);
            let referring = Referring { to: *to, collection, by, how, ids: Vec::new() };
            Err(deletion::still_referenced(cx, &class, &referring, ids).await?.into())
        })
    }
}

/// Clears some of what goes with a record away, while the caller may still delete the record that was asked for.
struct ClearSome {
    write: Arc<OwnCommit>,
    root: Root,
    top: Key,
    way: Way,
    staying: Arc<HashSet<Key>>,
    cleared: Arc<HashSet<Key>>,
    most: usize,
}

impl Transaction for ClearSome {
    type Answer = Cleared;

    fn name(&self) -> &str {
        self.write.name()
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<Cleared, Error>> {
        Box::pin(async move {
            self.write.0.require_root(cx, &self.root).await?;
            let Self { top, way, staying, cleared, most, .. } = self;
            let branch = Branch { top: *top, way: *way, staying, cleared, most: *most };
            clearing::clear_some(cx, &branch).await
        })
    }
}
