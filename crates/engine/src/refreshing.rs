//! Stored sums that follow after the commit (`stored: SOON`): their queue is worked off in small transactions of Backstay's
//! own, each of which removes some of it and computes these sums from all members.

use std::collections::BTreeSet;

use backstay_base::{Error, Limit, limits};
use backstay_store::{DueSum, QueuePlace, Writes};
use futures_util::future::BoxFuture;

use crate::pending_sums::Touched;
use crate::{Context, Engine, Transaction, TxContext};

/// Entries of the queue that are read at a time.
const ENTRIES_READ: u32 = 256;

/// How far a pass over the queue has come.
#[derive(Debug, Default)]
pub struct RefreshPass {
    /// Up to here the queue holds only those that can't be computed.
    after: QueuePlace,
    /// Those that can't be computed, however often they are in the queue; they are left for the next pass.
    failed: BTreeSet<DueSum>,
    /// How many to compute in the next transaction, if not as many as may be.
    sums: Option<usize>,
}

impl RefreshPass {
    /// Which of the next entries of the queue to compute in one transaction.
    fn choose(&self, queued: impl IntoIterator<Item = DueSum>) -> BTreeSet<DueSum> {
        let most = self.sums.unwrap_or(limits::REFRESHED_SUMS);
        let mut due = BTreeSet::new();
        for sum in queued {
            if due.len() < most && !self.failed.contains(&sum) {
                due.insert(sum);
            }
        }
        due
    }
}

impl Engine {
    /// Whether the model has stored sums that follow after the commit.
    pub fn has_sums_to_refresh(&self) -> bool {
        self.inner.application.sums.are_kept_soon()
    }

    /// Computes the next stored sums in the queue, at most `limits::REFRESHED_SUMS`, in one commit. Returns whether there may be
    /// more. One that can't be computed is left for the next pass.
    pub async fn refresh_sums(&self, pass: &mut RefreshPass) -> Result<bool, Error> {
        if !self.has_sums_to_refresh() {
            return Ok(false);
        }
        let queued = self.run(&Context::system(self), Queued { after: pass.after }).await?;
        let Some((last, _)) = queued.last().copied() else { return Ok(false) };
        let due = pass.choose(queued.into_iter().map(|(_, sum)| sum));
        let Some(first) = due.first().copied() else {
            pass.after = last;
            return Ok(true);
        };
        let count = due.len();
        match self.run(&Context::system(self), Refresh { due }).await {
            Ok(()) => pass.sums = pass.sums.map(|sums| 2 * sums).filter(|sums| *sums < limits::REFRESHED_SUMS),
            Err(error) if is_passing(&error) => return Err(error),
            Err(error) if count == 1 => {
                let name = self.name_of(first);
                tracing::warn!(sum = name.as_deref(), record = %first.record, %error, "a stored sum can't be refreshed");
                pass.failed.insert(first);
            }
            Err(_) => pass.sums = Some(count / 2),
        }
        Ok(true)
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

/// Whether a transaction failed for a reason that has nothing to do with what it was about.
fn is_passing(error: &Error) -> bool {
    matches!(error, Error::Unknown | Error::Limit(Limit::Busy | Limit::Storage | Limit::Share(_)))
}

/// The next entries of the queue.
struct Queued {
    after: QueuePlace,
}

impl Transaction for Queued {
    type Answer = Vec<(QueuePlace, DueSum)>;

    fn name(&self) -> &'static str {
        "refresh-sums"
    }

    fn writes(&self) -> Writes {
        Writes::None
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<Self::Answer, Error>> {
        Box::pin(async move {
            let queued = cx.tx.queued_sums(self.after, ENTRIES_READ).await;
            queued.map_err(|error| cx.refused(error))
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

/// Removes sums from the queue and computes them. Those that the model has no more, or keeps at commit by now, are only removed.
struct Refresh {
    due: BTreeSet<DueSum>,
}

impl Transaction for Refresh {
    type Answer = ();

    fn name(&self) -> &'static str {
        "refresh-sums"
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            for due in &self.due {
                cx.tx.unqueue_sum(due);
                let catalog = cx.engine.store.catalog();
                let Some(collection) = catalog.collection(due.type_number) else { continue };
                let Some(field) = catalog.field(collection, due.field) else { continue };
                let sums = &cx.engine.application.sums;
                let own = sums.own(collection).and_then(|own| own.sum(field));
                if let Some(sum) = own.filter(|_| cx.model().field(collection, field).is_kept_soon()) {
                    let touched = Touched { level: sums.level(sum), collection, id: due.record };
                    cx.sums.refresh(touched, field);
                }
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
    fn check(pass: &RefreshPass, queued: &[u8], expected: &[u8]) {
        let chosen = pass.choose(queued.iter().copied().map(sum));
        assert_eq!(chosen, expected.iter().copied().map(sum).collect(), "{queued:?}");
    }

    #[test]
    fn each_sum_is_chosen_once_and_one_that_failed_not_again() {
        let mut pass = RefreshPass::default();
        check(&pass, &[], &[]);
        check(&pass, &[3, 1, 3, 2, 1], &[1, 2, 3]);
        pass.sums = Some(2);
        check(&pass, &[3, 3, 1, 2], &[1, 3]);
        pass.failed.insert(sum(3));
        check(&pass, &[3, 3, 1, 3, 2, 4], &[1, 2]);
        check(&pass, &[3, 3], &[]);
    }
}
