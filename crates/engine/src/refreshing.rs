//! Stored sums that follow after the commit (`stored: SOON`): their queue is worked off in small transactions of Backstay's
//! own. Each sum is computed from all members by a read of its own, for which nobody who writes has to wait, and then written
//! together with others.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use backstay_base::{Error, Limit, limits};
use backstay_expr::Sum;
use backstay_model::CollectionId;
use backstay_scalar::Value;
use backstay_store::{DueSum, QueuePlace, Writes};
use futures_util::future::BoxFuture;

use crate::bind::Bindings;
use crate::inner::Inner;
use crate::pending_sums::Touched;
use crate::sink::Collect;
use crate::{Context, Engine, Transaction, TxContext, summing};

/// Entries of the queue that are read at a time.
const ENTRIES_READ: u32 = 256;

/// How far a pass over the queue has come.
#[derive(Debug, Default)]
pub struct RefreshPass {
    /// Up to here the queue holds only those that can't be computed.
    after: QueuePlace,
    /// Those that can't be computed, however often they are in the queue; they are left for the next pass.
    failed: Arc<BTreeSet<DueSum>>,
    /// How many to write in the next transaction, if not as many as may be.
    sums: Option<usize>,
}

impl RefreshPass {
    fn most(&self) -> usize {
        self.sums.unwrap_or(limits::REFRESHED_SUMS)
    }

    fn fail(&mut self, engine: &Engine, sum: DueSum, error: &Error) {
        let name = engine.name_of(sum);
        tracing::warn!(sum = name.as_deref(), record = %sum.record, %error, "a stored sum can't be refreshed");
        Arc::make_mut(&mut self.failed).insert(sum);
    }
}

impl Engine {
    /// Whether the model has stored sums that follow after the commit.
    pub fn has_sums_to_refresh(&self) -> bool {
        self.inner.application.sums.are_kept_soon()
    }

    /// Computes the next stored sums in the queue, and writes them in one commit: at most `limits::REFRESHED_SUMS`, and no
    /// further ones after `limits::REFRESH_KILO_STEPS`. Returns whether there may be more. One that can't be computed is left
    /// for the next pass.
    pub async fn refresh_sums(&self, pass: &mut RefreshPass) -> Result<bool, Error> {
        if !self.has_sums_to_refresh() {
            return Ok(false);
        }
        // Places in the queue are given again once their entries are removed.
        let _turn = self.inner.refreshing.lock().await;
        let cx = Context::system(self);
        let merge = Merge { after: pass.after, failed: Arc::clone(&pass.failed), most: pass.most() };
        let Merged { last, due } = self.run(&cx, merge).await?;
        let Some(last) = last else { return Ok(false) };
        if due.is_empty() {
            pass.after = last;
            return Ok(true);
        }
        let computed = self.compute_sums(&cx, pass, due).await?;
        let Some(first) = computed.first().map(|one| one.due) else { return Ok(true) };
        let count = computed.len();
        match self.run(&cx, Refresh { computed }).await {
            Ok(()) => pass.sums = pass.sums.map(|sums| 2 * sums).filter(|sums| *sums < limits::REFRESHED_SUMS),
            Err(error) if is_passing(&error) => return Err(error),
            Err(error) if count == 1 => pass.fail(self, first, &error),
            Err(_) => pass.sums = Some(count / 2),
        }
        Ok(true)
    }

    /// Computes sums one after the other, until that has taken long enough.
    async fn compute_sums(
        &self,
        cx: &Context,
        pass: &mut RefreshPass,
        due: Vec<(DueSum, QueuePlace)>,
    ) -> Result<Vec<Computed>, Error> {
        let (mut computed, mut steps) = (Vec::with_capacity(due.len()), 0);
        for (due, place) in due {
            let Some((of, sum)) = self.inner.kept_soon(due) else {
                computed.push(Computed { due, place, value: None });
                continue;
            };
            match self.inner.compute_sum(cx, (of, sum), due).await {
                Ok((value, taken)) => {
                    computed.push(Computed { due, place, value });
                    steps += taken;
                }
                Err(error) if is_passing(&error) => return Err(error),
                Err(error) => pass.fail(self, due, &error),
            }
            if steps >= limits::REFRESH_KILO_STEPS * 1000 {
                break;
            }
        }
        Ok(computed)
    }

    /// How many entries the queue has.
    pub async fn queued_sums(&self) -> Result<u64, Error> {
        self.run(&Context::system(self), QueueLength).await
    }

    /// Such as `Product.views`; `None` if the model has no such sum.
    fn name_of(&self, sum: DueSum) -> Option<String> {
        let catalog = self.inner.store.catalog();
        let of = catalog.collection(sum.type_number)?;
        let field = catalog.field(of, sum.field)?;
        let collection = self.model().collection(of);
        Some(format!("{}.{}", collection.name, collection.field(field).name))
    }
}

impl Inner {
    /// The sum that is meant; `None` if the model has it no more, or keeps it at commit by now.
    fn kept_soon(&self, due: DueSum) -> Option<(CollectionId, &Sum)> {
        let catalog = self.store.catalog();
        let collection = catalog.collection(due.type_number)?;
        let field = catalog.field(collection, due.field)?;
        let is_kept_soon = self.application.model.field(collection, field).is_kept_soon();
        let sum = self.application.sums.own(collection)?.sum(field)?;
        is_kept_soon.then_some((collection, sum))
    }

    /// What the members of a record come to, and how many steps of an embedded database that took. No value: the record is
    /// gone.
    async fn compute_sum(
        &self,
        cx: &Context,
        (collection, sum): (CollectionId, &Sum),
        due: DueSum,
    ) -> Result<(Option<Value>, u64), Error> {
        let plan = self.templates.sums_anew(&self.planner, collection, &[sum]);
        let statement = Bindings::new(cx.caller(), cx.now).id(due.record).statement(&plan.template);
        let values = Collect::new({
            let plan = Arc::clone(&plan);
            move |row| plan.read(row)
        });
        let (values, read) = self.store.read(cx.demand(), &statement, values).await;
        let steps = read.map_err(|error| self.refused(error))?.steps;
        Ok((values.found.into_iter().flatten().next(), steps))
    }
}

/// Whether a transaction failed for a reason that has nothing to do with what it was about.
fn is_passing(error: &Error) -> bool {
    matches!(error, Error::Unknown | Error::Limit(Limit::Busy | Limit::Locked | Limit::Storage | Limit::Share(_)))
}

/// Finds the next stored sums in the queue, and merges the entries of each.
struct Merge {
    after: QueuePlace,
    failed: Arc<BTreeSet<DueSum>>,
    most: usize,
}

#[derive(Default)]
struct Merged {
    /// The last entry that was read, if there was one.
    last: Option<QueuePlace>,
    /// The sums to compute, each with the entry that is left of it.
    due: Vec<(DueSum, QueuePlace)>,
}

impl Merge {
    /// Which of these to compute.
    fn choose(&self, queued: impl IntoIterator<Item = DueSum>) -> BTreeSet<DueSum> {
        let mut due = BTreeSet::new();
        for sum in queued {
            if due.len() < self.most && !self.failed.contains(&sum) {
                due.insert(sum);
            }
        }
        due
    }
}

impl Transaction for Merge {
    type Answer = Merged;

    fn name(&self) -> &'static str {
        "refresh-sums"
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<Merged, Error>> {
        Box::pin(async move {
            let queued = cx.tx.queued_sums(self.after, ENTRIES_READ).await;
            let queued = queued.map_err(|error| cx.refused(error))?;
            let mut merged = Merged { last: queued.last().map(|(place, _)| *place), due: Vec::new() };
            let due = self.choose(queued.into_iter().map(|(_, sum)| sum));
            let entries = u32::try_from(limits::MERGED_ENTRIES / due.len().max(1)).unwrap_or(u32::MAX);
            for sum in due {
                let place = cx.tx.merge_queued(&sum, entries).await.map_err(|error| cx.refused(error))?;
                merged.due.extend(place.map(|place| (sum, place)));
            }
            Ok(merged)
        })
    }
}

/// Counts the entries of the queue.
struct QueueLength;

impl Transaction for QueueLength {
    type Answer = u64;

    fn name(&self) -> &'static str {
        "refresh-sums"
    }

    fn writes(&self) -> Writes {
        Writes::None
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<u64, Error>> {
        Box::pin(async move {
            let length = cx.tx.queue_length().await;
            length.map_err(|error| cx.refused(error))
        })
    }
}

/// A stored sum that was computed since the entries before this one were removed.
#[derive(Debug, Clone)]
struct Computed {
    due: DueSum,
    place: QueuePlace,
    /// No value: the record or the sum is gone.
    value: Option<Value>,
}

/// Removes sums from the queue and writes what was computed.
struct Refresh {
    computed: Vec<Computed>,
}

impl Transaction for Refresh {
    type Answer = ();

    fn name(&self) -> &'static str {
        "refresh-sums"
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let mut values: BTreeMap<Touched, Vec<_>> = BTreeMap::new();
            for Computed { due, place, value } in &self.computed {
                cx.tx.unqueue_sum(*place);
                if let (Some(value), Some((collection, sum))) = (value, cx.engine.kept_soon(*due)) {
                    let level = cx.engine.application.sums.level(sum);
                    let touched = Touched { level, collection, id: due.record };
                    values.entry(touched).or_default().push((sum.computed.field, value.clone()));
                }
            }
            for (touched, values) in values {
                summing::set(cx, (touched.collection, touched.id), values).await?;
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use backstay_base::{FieldNumber, RecordId, TypeNumber};

    use super::*;

    fn sum(record: u8) -> DueSum {
        DueSum { type_number: TypeNumber(1), field: FieldNumber(1), record: RecordId::from_bytes([record; 16]) }
    }

    /// The records whose sums are chosen from those that are queued.
    fn check(merge: &Merge, queued: &[u8], expected: &[u8]) {
        let chosen = merge.choose(queued.iter().copied().map(sum));
        assert_eq!(chosen, expected.iter().copied().map(sum).collect(), "{queued:?}");
    }

    #[test]
    fn each_sum_is_chosen_once_and_one_that_failed_not_again() {
        let merge = |failed: &[u8], most| Merge {
            after: QueuePlace::default(),
            failed: Arc::new(failed.iter().copied().map(sum).collect()),
            most,
        };
        check(&merge(&[], 100), &[], &[]);
        check(&merge(&[], 100), &[3, 1, 3, 2, 1], &[1, 2, 3]);
        check(&merge(&[], 2), &[3, 3, 1, 2], &[1, 3]);
        check(&merge(&[3], 2), &[3, 3, 1, 3, 2, 4], &[1, 2]);
        check(&merge(&[3], 2), &[3, 3], &[]);
    }
}
