//! What a transaction has changed of records that count in stored sums, as long as the sums don't have it yet.

use std::collections::{BTreeMap, BTreeSet};

use backstay_base::{Duration, Error, Limit, Place, RecordId, limits};
use backstay_expr::{Expr, Node, SumKind, evaluate, truth};
use backstay_model::{CollectionId, FieldId};
use backstay_scalar::Value;
use rust_decimal::Decimal;

use crate::application::CallerClass;
use crate::bind::InMemory;
use crate::pending_checks::Part;
use crate::record::Key;
use crate::sums::Counted;

/// The sums that have to follow.
#[derive(Debug, Default)]
pub(crate) struct PendingSums {
    /// In the order in which records are changed: the same in every transaction, so that none waits for one that waits for
    /// it.
    touched: BTreeMap<Touched, Differences>,
    /// Sums that follow after the commit.
    due: BTreeSet<(CollectionId, FieldId, RecordId)>,
    /// Records whose sums have followed so far, without those that followed a deletion or a restoration.
    followed: usize,
}

/// A record whose sums of one level have to follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Touched {
    pub(crate) level: usize,
    pub(crate) collection: CollectionId,
    pub(crate) id: RecordId,
}

/// By how much the sums of one record change.
#[derive(Debug)]
pub(crate) struct Differences {
    pub(crate) by_field: BTreeMap<FieldId, Difference>,
    /// Of several records that one request writes, where the last one is that changed a sum; else the whole.
    pub(crate) at: Place,
    /// Whether the record counts towards the limit: something else than deletions and restorations has changed a sum.
    pub(crate) is_counted: bool,
}

impl Default for Differences {
    fn default() -> Self {
        Self { by_field: BTreeMap::new(), at: Place::Whole, is_counted: false }
    }
}

/// By how much a sum changes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Difference {
    /// By so many, or so many microseconds.
    Whole(i128),
    /// By an exact number.
    Exact(Decimal),
    /// It must be recomputed from all members.
    Anew,
}

impl Difference {
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Whole(one), Self::Whole(other)) => one.checked_add(other).map_or(Self::Anew, Self::Whole),
            (Self::Exact(one), Self::Exact(other)) => one.checked_add(other).map_or(Self::Anew, Self::Exact),
            _ => Self::Anew,
        }
    }

    /// What a stored value becomes.
    pub(crate) fn added_to(self, stored: &Value) -> Added {
        let whole = |stored: i64, by: i128| i128::from(stored).checked_add(by).and_then(|sum| i64::try_from(sum).ok());
        let sum = match (self, stored) {
            (Self::Whole(by), Value::Int(stored)) => whole(*stored, by).map(Value::Int),
            (Self::Whole(by), Value::Duration(stored)) => {
                whole(stored.micros(), by).map(|micros| Value::Duration(Duration::from_micros(micros)))
            }
            (Self::Exact(by), Value::Decimal(stored)) => stored.checked_add(by).map(Value::Decimal),
            _ => return Added::Anew,
        };
        sum.map_or(Added::TooLarge, Added::Sum)
    }
}

/// What becomes of a stored sum when something is added to it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Added {
    /// This.
    Sum(Value),
    /// More than any field of its type holds.
    TooLarge,
    /// It must be computed from all members.
    Anew,
}

/// What one member adds to a sum.
#[derive(Debug, Clone, PartialEq)]
enum Share {
    Known(Difference),
    /// A value among which the sum is found.
    Among(Value),
    /// Its term is unknown, and so is the sum.
    Unknown,
}

impl PendingSums {
    /// Notes what a change of a record means to the sums in which it counts. `None`: it isn't there, before or afterwards.
    pub(crate) fn note(
        &mut self,
        counted: &Counted,
        (before, after): (Option<&InMemory<'_>>, Option<&InMemory<'_>>),
        part: &Part,
    ) {
        let before = before.and_then(|member| share(counted, member));
        let after = after.and_then(|member| share(counted, member));
        match (before, after) {
            (Some((from, was)), Some((to, is))) if from == to => {
                if was != is {
                    self.change(counted, (from, between(&was, &is)), part);
                }
            }
            (before, after) => {
                if let Some((from, was)) = before {
                    self.change(counted, (from, negative(&was)), part);
                }
                if let Some((to, is)) = after {
                    self.change(counted, (to, positive(&is)), part);
                }
            }
        }
    }

    fn change(&mut self, counted: &Counted, (id, by): (RecordId, Difference), part: &Part) {
        let (collection, field) = (counted.sum.computed.collection, counted.sum.computed.field);
        if counted.is_kept_soon {
            self.due.insert((collection, field, id));
            return;
        }
        let differences = self.touched.entry(Touched { level: counted.level, collection, id }).or_default();
        differences.by_field.entry(field).and_modify(|known| *known = known.and(by)).or_insert(by);
        differences.at.clone_from(&part.at);
        differences.is_counted |= !part.removes;
    }

    /// Forgets a record that is deleted.
    pub(crate) fn forget(&mut self, collection: CollectionId, id: RecordId) {
        if !self.touched.is_empty() {
            self.touched.retain(|of, _| (of.collection, of.id) != (collection, id));
        }
        if !self.due.is_empty() {
            self.due.retain(|(of, _, record)| (*of, *record) != (collection, id));
        }
    }

    /// The sums that follow after the commit; none are left.
    pub(crate) fn take_due(&mut self) -> BTreeSet<(CollectionId, FieldId, RecordId)> {
        std::mem::take(&mut self.due)
    }

    /// Counts a record whose sums change, if it counts towards the limit.
    pub(crate) fn count(&mut self, is_counted: bool, class: &CallerClass) -> Result<(), Error> {
        self.followed += usize::from(is_counted);
        match is_counted && self.followed > limits::SUM_RECORDS && !class.system {
            true => Err(Limit::Sums { max: limits::SUM_RECORDS as u64 }.into()),
            false => Ok(()),
        }
    }

    /// The records whose sums have to follow.
    pub(crate) fn records(&self) -> impl Iterator<Item = Key> {
        self.touched.keys().map(|touched| (touched.collection, touched.id))
    }

    /// The next record whose sums have to follow.
    pub(crate) fn next(&mut self) -> Option<(Touched, Differences)> {
        self.touched.pop_first()
    }
}

/// What a member adds to a sum, and to that of which record; `None` where it doesn't count.
fn share(counted: &Counted, member: &InMemory<'_>) -> Option<(RecordId, Share)> {
    let Counted { sum, membership, .. } = counted;
    let id = membership.owner(member.this)?;
    if sum.condition.as_ref().is_some_and(|condition| !truth(condition, member).is_true()) {
        return None;
    }
    let share = match &sum.kind {
        SumKind::Count => Share::Known(Difference::Whole(1)),
        SumKind::Total(term) => match (evaluate(term, member), leaves_out(term)) {
            (Value::Int(value), _) => Share::Known(Difference::Whole(value.into())),
            (Value::Duration(value), _) => Share::Known(Difference::Whole(value.micros().into())),
            (Value::Decimal(value), _) => Share::Known(Difference::Exact(value)),
            (Value::Null, true) => return None,
            _ => Share::Unknown,
        },
        SumKind::Anew(term) => match (evaluate(term, member), leaves_out(term)) {
            (Value::Null, true) => return None,
            (Value::Null, false) => Share::Unknown,
            (value, _) => Share::Among(value),
        },
    };
    Some((id, share))
}

/// Whether a member in which the term has no value is left out of the sum, which otherwise is unknown.
fn leaves_out(term: &Expr) -> bool {
    matches!(term.node, Node::Path(_))
}

fn positive(share: &Share) -> Difference {
    match share {
        Share::Known(by) => *by,
        Share::Among(_) | Share::Unknown => Difference::Anew,
    }
}

fn negative(share: &Share) -> Difference {
    match positive(share) {
        Difference::Whole(by) => Difference::Whole(-by),
        Difference::Exact(by) => Difference::Exact(-by),
        Difference::Anew => Difference::Anew,
    }
}

fn between(before: &Share, after: &Share) -> Difference {
    negative(before).and(positive(after))
}
