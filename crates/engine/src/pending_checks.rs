//! The records of which a transaction has to ask the checks at commit.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use backstay_base::{Place, RecordId};
use backstay_model::{Collection, CollectionId, FieldId};
use backstay_scalar::Value;

use crate::commit_checks::{Changed, CommitChecks};

/// The part of a transaction that is at work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    /// Of several requests, which one.
    pub(crate) request: Option<usize>,
    /// Of several records that one request writes, where in the request this one is; else the whole.
    pub(crate) at: Place,
    /// Whether it is a deletion or a restoration.
    pub(crate) removes: bool,
}

impl Default for Part {
    fn default() -> Self {
        Self { request: None, at: Place::Whole, removes: false }
    }
}

/// Why a record is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cause {
    /// The part of the transaction that changed something of it last.
    pub(crate) part: Part,
    /// Whether values were sent for the record itself.
    pub(crate) is_sent: bool,
    /// Whether it counts towards the limit: something else than deletions and restorations has changed something of it.
    pub(crate) is_counted: bool,
}

/// The records to ask, in the order in which records are changed and locked in every transaction.
#[derive(Debug, Default)]
pub(crate) struct PendingChecks {
    touched: BTreeMap<(CollectionId, RecordId), Touched>,
}

/// A record to ask.
#[derive(Debug)]
pub(crate) struct Touched {
    pub(crate) cause: Cause,
    /// What of it has changed: which of its checks apply.
    pub(crate) changed: Changed,
}

impl PendingChecks {
    /// Notes what a change of a row means to the checks at commit. `None`: the row isn't there, before or afterwards.
    pub(crate) fn note(
        &mut self,
        checks: &CommitChecks,
        collection: CollectionId,
        (before, after): (Option<&[Value]>, Option<&[Value]>),
        (part, is_sent): (&Part, bool),
    ) {
        let is_counted = !part.removes;
        if let Some(own) = checks.own(collection)
            && let Some(id) = after.or(before).and_then(|values| values[usize::from(Collection::ID.0)].as_id())
        {
            match after.filter(|values| !own.is_trashed(values)) {
                None => _ = self.touched.remove(&(collection, id)),
                Some(after) => {
                    if let Some(changed) = own.changed(before, after) {
                        self.touch(
                            (collection, id),
                            Touched { cause: Cause { part: part.clone(), is_sent, is_counted }, changed },
                        );
                    }
                }
            }
        }
        for children in checks.as_children(collection) {
            let owner = |values: Option<&[Value]>| values.and_then(|values| children.membership.owner(values));
            let (from, to) = (owner(before), owner(after));
            if from == to && before.zip(after).is_some_and(|rows| !children.reads.iter().any(|of| differs(rows, *of))) {
                continue;
            }
            for owner in [from, to].into_iter().flatten() {
                let changed = checks.own(children.owner).and_then(|own| own.children_changed(children.list));
                if let Some(changed) = changed {
                    let cause = Cause { part: part.clone(), is_sent: false, is_counted };
                    self.touch((children.owner, owner), Touched { cause, changed });
                }
            }
        }
    }

    fn touch(&mut self, record: (CollectionId, RecordId), Touched { cause, changed }: Touched) {
        match self.touched.entry(record) {
            Entry::Vacant(unknown) => _ = unknown.insert(Touched { cause, changed }),
            Entry::Occupied(mut known) => {
                let known = known.get_mut();
                let is_counted = known.cause.is_counted || cause.is_counted;
                // What was sent for the record itself is where it can be put right.
                if cause.is_sent || !known.cause.is_sent {
                    known.cause = cause;
                }
                known.cause.is_counted = is_counted;
                let before = std::mem::replace(&mut known.changed, Changed::Everything);
                known.changed = before.and(changed);
            }
        }
    }

    /// The records to ask.
    pub(crate) fn records(&self) -> impl Iterator<Item = (CollectionId, RecordId)> {
        self.touched.keys().copied()
    }

    /// All records to ask; none are left.
    pub(crate) fn take(&mut self) -> BTreeMap<(CollectionId, RecordId), Touched> {
        std::mem::take(&mut self.touched)
    }
}

fn differs((before, after): (&[Value], &[Value]), field: FieldId) -> bool {
    before[usize::from(field.0)] != after[usize::from(field.0)]
}
