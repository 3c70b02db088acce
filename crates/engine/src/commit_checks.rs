//! The checks that are asked at the end of a commit: of which records, and on whose changes they depend.

use std::collections::BTreeSet;

use backstay_expr::Children;
use backstay_model::{Collection, CollectionId, FieldId, Model};
use backstay_scalar::Value;

use crate::membership::Membership;
use crate::policy::{CheckPolicy, CollectionPolicy, Policy};

/// The checks at commit of a model.
#[derive(Debug)]
pub(crate) struct CommitChecks {
    /// By collection: those of its records.
    own: Vec<Option<OwnCommitChecks>>,
    /// By collection: as what its records are children in checks of others.
    as_children: Vec<Vec<ChildrenOf>>,
}

/// The checks at commit of one collection.
#[derive(Debug)]
pub(crate) struct OwnCommitChecks {
    /// Each by the field that has it (`None`: the type) and its place among the checks there.
    pub(crate) checks: Vec<(Option<FieldId>, usize)>,
    /// The fields that must be known of a record that is asked.
    pub(crate) needed: Vec<FieldId>,
    /// The stored sums that they read.
    pub(crate) sums: Vec<FieldId>,
    trashed: Option<FieldId>,
    /// The fields and lists that any of them guards.
    guarded: BTreeSet<FieldId>,
    /// Whether each of them guards something.
    all_guard: bool,
}

/// What of a record a transaction has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Changed {
    /// The record wasn't there before, or was in the trash.
    Everything,
    /// Of what checks guard, these.
    Guarded(BTreeSet<FieldId>),
}

impl Changed {
    /// What two changes come to.
    pub(crate) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Guarded(mut one), Self::Guarded(other)) => {
                one.extend(other);
                Self::Guarded(one)
            }
            (Self::Everything, _) | (_, Self::Everything) => Self::Everything,
        }
    }

    /// Whether a check that guards these applies.
    pub(crate) fn concerns(&self, guards: Option<&[FieldId]>) -> bool {
        match (self, guards) {
            (_, None) | (Self::Everything, _) => true,
            (Self::Guarded(changed), Some(guards)) => guards.iter().any(|field| changed.contains(field)),
        }
    }
}

/// Records whose changes matter to the checks of the record to which they belong.
#[derive(Debug)]
pub(crate) struct ChildrenOf {
    pub(crate) owner: CollectionId,
    /// The owner's field that leads to them.
    pub(crate) list: Option<FieldId>,
    pub(crate) membership: Membership,
    /// Their fields that the checks read.
    pub(crate) reads: BTreeSet<FieldId>,
}

impl CommitChecks {
    pub(crate) fn of(model: &Model, policy: &Policy) -> Self {
        let own = model.collections.iter().map(|of| own(of, policy.collection(of.id))).collect();
        let mut as_children: Vec<Vec<ChildrenOf>> = model.collections.iter().map(|_| Vec::new()).collect();
        for (owner, Children { collection, via, reads }) in children(policy) {
            let known = &mut as_children[usize::from(collection.0)];
            if let Some(known) = known.iter_mut().find(|known| known.owner == owner && known.membership.via == *via) {
                known.reads.extend(reads);
            } else {
                let membership = Membership::of(model, (*collection, *via));
                let declared = Some((*collection, *via));
                let list = model.collection(owner).fields.iter().find(|field| field.kind.declared_by() == declared);
                let list = list.map(|field| field.id);
                known.push(ChildrenOf { owner, list, membership, reads: reads.clone() });
            }
        }
        Self { own, as_children }
    }

    /// Those of the records of a collection.
    pub(crate) fn own(&self, collection: CollectionId) -> Option<&OwnCommitChecks> {
        self.own[usize::from(collection.0)].as_ref()
    }

    /// The records whose checks depend on records of the collection.
    pub(crate) fn as_children(&self, collection: CollectionId) -> &[ChildrenOf] {
        &self.as_children[usize::from(collection.0)]
    }

    /// Whether any check depends on records of the collection.
    pub(crate) fn concern(&self, collection: CollectionId) -> bool {
        self.own(collection).is_some() || !self.as_children(collection).is_empty()
    }
}

impl OwnCommitChecks {
    /// Whether a record with these values is in the trash, where nothing is asked of it.
    pub(crate) fn is_trashed(&self, values: &[Value]) -> bool {
        self.trashed.is_some_and(|at| !values[usize::from(at.0)].is_null())
    }

    /// What a write has changed of the record itself or of a stored sum that the checks read; `None` if none of them
    /// applies.
    pub(crate) fn changed(&self, before: Option<&[Value]>, after: &[Value]) -> Option<Changed> {
        let Some(before) = before.filter(|before| !self.is_trashed(before)) else { return Some(Changed::Everything) };
        let differs = |field: &FieldId| before[usize::from(field.0)] != after[usize::from(field.0)];
        if !differs(&Collection::VERSION) && !self.sums.iter().any(differs) {
            return None;
        }
        self.guarding(self.guarded.iter().copied().filter(differs).collect())
    }

    /// The same of a record whose children in this list have changed.
    pub(crate) fn children_changed(&self, list: Option<FieldId>) -> Option<Changed> {
        self.guarding(list.into_iter().filter(|list| self.guarded.contains(list)).collect())
    }

    fn guarding(&self, changed: BTreeSet<FieldId>) -> Option<Changed> {
        (!self.all_guard || !changed.is_empty()).then_some(Changed::Guarded(changed))
    }
}

/// The children in the checks of each collection.
pub(crate) fn children(policy: &Policy) -> impl Iterator<Item = (CollectionId, &Children)> {
    let checks = (0..)
        .map(CollectionId)
        .zip(&policy.collections)
        .flat_map(|(id, of)| of.all_checks().map(move |(_, _, check)| (id, check)));
    checks.flat_map(|(id, check)| check.at_commit.iter().flatten().map(move |children| (id, children)))
}

fn own(collection: &Collection, policy: &CollectionPolicy) -> Option<OwnCommitChecks> {
    let at_commit = |(_, _, check): &(Option<FieldId>, usize, &CheckPolicy)| check.at_commit.is_some();
    let (mut checks, mut read) = (Vec::new(), BTreeSet::from([Collection::ID, Collection::VERSION]));
    let (mut guarded, mut all_guard) = (BTreeSet::new(), true);
    for (field, place, check) in policy.all_checks().filter(at_commit) {
        checks.push((field, place));
        read.extend(check.rule.whole.own_fields());
        guarded.extend(check.guards.iter().flat_map(|guards| guards.iter().copied()));
        all_guard &= check.guards.is_some();
    }
    if checks.is_empty() {
        return None;
    }
    let trashed = collection.trash.map(|trash| trash.at);
    let sums = read.iter().copied().filter(|field| collection.field(*field).is_sum()).collect();
    let is_stored = |field: &FieldId| collection.field(*field).is_stored();
    let needed = read.into_iter().chain(trashed).filter(is_stored).collect();
    Some(OwnCommitChecks { checks, needed, sums, trashed, guarded, all_guard })
}
