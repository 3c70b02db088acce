//! Deletions that are too much for one commit: what goes with the records is deleted in steps, each a short commit of its own,
//! and the records themselves last. Whether something refuses the deletion is found out before the first step. Between two
//! steps others write. One that is ended in between leaves nothing inconsistent: the same request again goes on.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use backstay_base::{Error, Excess, Held, LargeDeletion, Limit, RecordId, Remedy, limits};
use backstay_model::{CollectionId, OnDelete};
use backstay_store::Writes;
use futures_util::future::BoxFuture;

use crate::application::Application;
use crate::clearing::{self, Branch, Cleared, Dependent, Position};
use crate::deletion::{self, Referring};
use crate::inner::Inner;
use crate::own_commit::{self, OwnCommit};
use crate::record::Key;
use crate::taken_along::Way;
use crate::write_requests::Root;
use crate::{Authority, Context, Transaction, TxContext, Written, transaction};

/// How often it begins again because others have added to what goes with the records, or changed them.
const ROUNDS: usize = 8;
/// Time that is kept for the answer before the request ends.
const FOR_ANSWER: Duration = Duration::from_secs(1);
/// Records of which one statement each finds what refers to them, in one transaction.
const LOOKED_AT: usize = 256;
/// Referring records that one statement finds.
const FOUND_AT_ONCE: usize = 10_000;
/// Bytes that are counted for each record that is found before the first step: it is in a set and in a queue.
const BYTES_FOUND: usize = 3 * size_of::<Key>();

/// A deletion that is done in steps.
struct Steps<'s> {
    inner: &'s Arc<Inner>,
    cx: &'s Context,
    write: Arc<OwnCommit>,
    way: Way,
    until: Instant,
    /// The records that are to be deleted, once they are found.
    roots: Option<Arc<Vec<Root>>>,
    /// Whether a step has deleted or changed anything.
    has_cleared: bool,
}

/// Whether a deletion of records of this collection can take several commits: a hook that refuses something after others are gone
/// would leave half of it done.
pub(crate) fn can_take(application: &Application, collection: CollectionId) -> bool {
    !application.asks_before_deletions[usize::from(collection.0)]
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
    if !can_take(&inner.application, write.0.collection()) {
        return Err(with_remedy(refusal, Remedy::DeleteFirst));
    }
    let until = cx.demand().deadline.checked_sub(FOR_ANSWER).unwrap_or_else(Instant::now);
    let mut steps = Steps { inner, cx, write, way, until, roots: None, has_cleared: false };
    steps.carry_out(refusal).await
}

/// The refusal of a deletion that was a dry run.
pub(crate) fn with_remedy_of_dry_run(refusal: Error, can_take_steps: bool) -> Error {
    match &refusal {
        Error::Limit(Limit::Deletion(deletion)) if deletion.remedy == Remedy::OwnRequest => {
            with_remedy(refusal, if can_take_steps { Remedy::WithoutDryRun } else { Remedy::DeleteFirst })
        }
        _ => refusal,
    }
}

fn with_remedy(mut refusal: Error, remedy: Remedy) -> Error {
    if let Error::Limit(Limit::Deletion(deletion)) = &mut refusal {
        deletion.remedy = remedy;
    }
    refusal
}

/// Too much goes with the records to find out whether anything refuses the deletion.
fn too_many_to_survey() -> Error {
    let max = limits::DELETION_SURVEY_RECORDS as u64;
    Limit::Size { what: "what would be deleted with the record", max, unit: "records" }.into()
}

/// What is cleared away of what refers to a record.
struct Top {
    key: Key,
    at: Position,
    has_deleted: bool,
}

impl Top {
    fn of(key: Key) -> Self {
        Self { key, at: Position::default(), has_deleted: false }
    }
}

impl Steps<'_> {
    async fn carry_out(&mut self, mut refusal: Error) -> Result<Written, Error> {
        for _ in 0..ROUNDS {
            let (roots, is_worth_another) = match self.clear().await {
                Err(error) if error.fits_in_parts() => return Err(with_remedy(refusal, self.remedy())),
                Err(Error::Limit(Limit::Deadline)) => return Err(self.out_of_time()),
                cleared => cleared?,
            };
            let last = DeleteRoots { write: Arc::clone(&self.write), roots };
            match transaction::run(self.inner, self.cx, last).await {
                Err(error) if error.fits_in_parts() && is_worth_another => refusal = error,
                Err(error) if error.fits_in_parts() => return Err(with_remedy(error, Remedy::DeleteFirst)),
                done => return done,
            }
        }
        Err(with_remedy(refusal, Remedy::Repeat))
    }

    /// What the caller can do if the deletion doesn't go on.
    fn remedy(&self) -> Remedy {
        if self.has_cleared { Remedy::Repeat } else { Remedy::DeleteFirst }
    }

    fn out_of_time(&self) -> Error {
        let (excess, remedy) = (Excess::Time, self.remedy());
        Limit::Deletion(Box::new(LargeDeletion { excess, deleted: Vec::new(), changed: Vec::new(), remedy })).into()
    }

    /// Deletes what goes with the records, as far as it can go before them. Returns the records, and whether something was deleted, or
    /// others were in the way, so that it is worth starting over.
    async fn clear(&mut self) -> Result<(Arc<Vec<Root>>, bool), Error> {
        let find = FindRoots { write: Arc::clone(&self.write), before: self.roots.clone() };
        let roots = Arc::new(self.run(find).await?);
        self.roots = Some(Arc::clone(&roots));
        self.refuse_restricted(&roots).await?;
        let mut staying: Arc<HashSet<Key>> = Arc::new(roots.iter().map(|root| root.key).collect());
        let mut is_worth_another = false;
        for root in roots.iter() {
            match self.clear_branch(root, &mut staying, &mut is_worth_another).await {
                Ok(()) => {}
                // Somebody else has deleted it, or changed it.
                Err(Error::NotFound { .. } | Error::Precondition { .. }) => is_worth_another = true,
                // What goes with the records can't go before them: it goes with them, or nothing does.
                Err(Error::Invalid(_) | Error::Conflict(_)) => break,
                Err(error) if error.fits_in_parts() => break,
                Err(error) => return Err(error),
            }
        }
        Ok((roots, is_worth_another))
    }

    async fn clear_branch(
        &mut self,
        root: &Root,
        staying: &mut Arc<HashSet<Key>>,
        is_worth_another: &mut bool,
    ) -> Result<(), Error> {
        let (mut tops, mut cleared) = (vec![Top::of(root.key)], Arc::new(HashSet::new()));
        let mut most = limits::DELETION_STEP_RECORDS;
        while let Some(top) = tops.last_mut() {
            let step = ClearSome {
                write: Arc::clone(&self.write),
                root: root.clone(),
                top: top.key,
                at: top.at,
                has_deleted: top.has_deleted,
                way: self.way,
                staying: Arc::clone(staying),
                cleared: Arc::clone(&cleared),
                most,
            };
            match self.run(step).await {
                Ok(Cleared::All) => {
                    let key = top.key;
                    tops.pop();
                    if !tops.is_empty() {
                        Arc::make_mut(staying).remove(&key);
                        Arc::make_mut(&mut cleared).insert(key);
                    }
                }
                Ok(Cleared::Deleted(at)) => {
                    (top.at, top.has_deleted) = (at, true);
                    (self.has_cleared, *is_worth_another) = (true, true);
                    most = limits::DELETION_STEP_RECORDS.min(most * 2);
                }
                Ok(Cleared::Released(at)) => {
                    top.at = at;
                    (self.has_cleared, *is_worth_another) = (true, true);
                    most = limits::DELETION_STEP_RECORDS.min(most * 2);
                }
                Ok(Cleared::Passed(at)) => top.at = at,
                Ok(Cleared::Again) => *top = Top::of(top.key),
                Ok(Cleared::Below(key, at)) => {
                    top.at = at;
                    Arc::make_mut(staying).insert(key);
                    tops.push(Top::of(key));
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
        let restricting = &self.inner.application.restricting;
        let counts = |key: &Key| restricting[usize::from(key.0.0)];
        let mut going: HashSet<Key> = roots.iter().map(|root| root.key).filter(counts).collect();
        let mut next: VecDeque<Key> = going.iter().copied().collect();
        let mut refusing: Vec<Restricting> = Vec::new();
        let (mut found_so_far, mut held) = (going.len(), self.cx.memory.hold());
        while !next.is_empty() {
            let keys = next.drain(..next.len().min(LOOKED_AT)).collect();
            let most = limits::DELETION_SURVEY_RECORDS.saturating_sub(found_so_far);
            let found = self.run(FindReferring { way: self.way, keys, most }).await?;
            found_so_far += found.records;
            // There is a way out without so much memory, whoever has it now.
            held.resize(found_so_far * BYTES_FOUND).map_err(|_| too_many_to_survey())?;
            next.extend(found.going.into_iter().filter(counts).filter(|key| going.insert(*key)));
            refusing.extend(found.restricting);
        }
        for mut one in refusing {
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

/// Deletes the records themselves, with what others have added meanwhile to what goes with them.
struct DeleteRoots {
    write: Arc<OwnCommit>,
    roots: Arc<Vec<Root>>,
}

impl Transaction for DeleteRoots {
    type Answer = Written;

    fn name(&self) -> &str {
        self.write.name()
    }

    fn writes(&self) -> Writes {
        self.write.writes()
    }

    fn kilo_steps(&self) -> u32 {
        self.write.kilo_steps()
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<Written, Error>> {
        Box::pin(async move {
            let written = self.write.0.delete_roots(cx, &self.roots).await?;
            Ok(own_commit::kept(cx, written))
        })
    }
}

/// Finds the records that are to be deleted, if the caller may.
struct FindRoots {
    write: Arc<OwnCommit>,
    /// Those that were found before, if any were.
    before: Option<Arc<Vec<Root>>>,
}

impl Transaction for FindRoots {
    type Answer = Vec<Root>;

    fn name(&self) -> &str {
        self.write.name()
    }

    /// Records with stored sums are locked when they are read to be deleted.
    fn writes(&self) -> Writes {
        self.write.writes()
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<Vec<Root>, Error>> {
        Box::pin(self.write.0.roots(cx, self.before.as_ref().map(|before| before.as_slice())))
    }
}

/// Finds what goes with these records, and what refuses that they go.
struct FindReferring {
    way: Way,
    keys: Vec<Key>,
    /// How many there may be.
    most: usize,
}

struct FoundReferring {
    going: Vec<Key>,
    restricting: Vec<Restricting>,
    /// How many there are of both.
    records: usize,
    /// The memory that they take.
    held: Held,
}

impl FoundReferring {
    /// Counts so many more.
    fn count(&mut self, records: usize, most: usize) -> Result<(), Error> {
        self.records += records;
        self.held.resize(self.records * BYTES_FOUND).map_err(|_| too_many_to_survey())?;
        if self.records <= most { Ok(()) } else { Err(too_many_to_survey()) }
    }
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
            let (going, restricting, held) = (Vec::new(), Vec::new(), cx.cx.memory.hold());
            let mut found = FoundReferring { going, restricting, records: 0, held };
            for to in self.keys.iter().copied() {
                for (reference, (collection, by, how)) in
                    deletion::referring_by(cx.model(), to.0, self.way).enumerate().collect::<Vec<_>>()
                {
                    if how.on_delete == OnDelete::SetNull {
                        continue;
                    }
                    let ids = self.all_referring(cx, ((collection, by, how), to.1), &mut found).await?;
                    if how.on_delete == OnDelete::Restrict && !ids.is_empty() {
                        found.restricting.push(Restricting { to, way: self.way, from: collection.id, reference, ids });
                    } else {
                        found.going.extend(ids.into_iter().map(|id| (collection.id, id)));
                    }
                }
            }
            Ok(found)
        })
    }
}

impl FindReferring {
    /// All records that refer to one by a reference, as far as there is memory for them.
    async fn all_referring(
        &self,
        cx: &mut TxContext<'_, '_>,
        ((collection, by, how), to): (Dependent<'_>, RecordId),
        found: &mut FoundReferring,
    ) -> Result<Vec<RecordId>, Error> {
        let mut all: Vec<RecordId> = Vec::new();
        loop {
            let most = FOUND_AT_ONCE.min(self.most + 1);
            let at = (to, how.perspective, most);
            let ids = deletion::latest_referring(cx, (collection.id, by), at, all.last().copied()).await?;
            let is_last = ids.len() < most;
            found.count(ids.len(), self.most)?;
            all.extend(ids);
            if is_last {
                return Ok(all);
            }
        }
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
    at: Position,
    has_deleted: bool,
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
            let Self { top, at, has_deleted, way, staying, cleared, most, .. } = self;
            let (top, at, has_deleted, way, most) = (*top, *at, *has_deleted, *way, *most);
            let branch = Branch { top, way, at, has_deleted, staying, cleared, most };
            clearing::clear_some(cx, &branch).await
        })
    }
}
