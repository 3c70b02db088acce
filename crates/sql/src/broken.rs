//! Records that break the checks of a new model once they are as it has them.

use std::collections::HashSet;

use backstay_expr::{Checked, Scope as Names, compile};
use backstay_model::{
    Asked, Check, CollectionId, Computed, ComputedRights, EnumId, FieldId, FieldKind, Model, is_same_computed,
};
use backstay_scalar::Scalar;

use crate::lower::{Lowering, Scope};
use crate::probes::Probe;
use crate::{Perspective, Succession};

impl Succession<'_> {
    /// The records of which a check would be false. What is asked is a change that leaves a record as it is: `old` is the
    /// record too. At commit, nothing is asked of records in the trash.
    pub fn breaking(&self, new: CollectionId, check: &Check) -> Probe {
        let perspective = match check.asked {
            Asked::AtWrite => Perspective::Stored,
            Asked::AtCommit => Perspective::Live,
        };
        let rule = checked(self.summed(), new, check).expr;
        self.of_next_in((new, perspective), &|builder, this| {
            let scope = Scope { old: this.clone(), ..Scope::rule(this) };
            Lowering::new(builder, scope).is_false(&rule)
        })
    }

    /// The same of a check that orders values of this enum; none if it doesn't.
    pub fn breaking_in_order(&self, new: CollectionId, check: &Check, of: EnumId) -> Option<Probe> {
        checked(self.new, new, check).expr.orders(of).then(|| self.breaking(new, check))
    }

    /// A field that a check reads and that has other values in the new model, where stored records may have other ones.
    pub fn changed_in(&self, new: CollectionId, check: &Check) -> Option<(CollectionId, FieldId)> {
        let Checked { reads, computed_from, .. } = checked(self.new, new, check);
        let summed: HashSet<(CollectionId, FieldId)> = self
            .sums_to_compute()
            .into_iter()
            .flat_map(|sums| sums.fields.into_iter().map(move |field| (sums.collection, field)))
            .collect();
        let declared = |(of, field): &(CollectionId, FieldId)| self.new.field(*of, *field).kind.declared_by();
        let declared: Vec<_> = reads.iter().chain(&computed_from).filter_map(declared).collect();
        let changes = |at: &(CollectionId, FieldId)| {
            self.pairing.collection(at.0).is_some()
                && (summed.contains(at) || self.changes_values(at.0, at.1) || self.computes_otherwise(*at))
        };
        reads.into_iter().chain(computed_from).chain(declared).find(changes)
    }

    fn computes_otherwise(&self, at: (CollectionId, FieldId)) -> bool {
        self.new.field(at.0, at.1).is_computed() && !is_same_computed((self.old, self.new), self.pairing, at)
    }

    /// The new model, in which the sums are computed that stored records don't have yet, or have as they were.
    fn summed(&self) -> &Model {
        self.summed.get_or_init(|| {
            let mut summed = self.new.clone();
            for sums in self.sums_to_compute() {
                for field in sums.fields {
                    let of = &mut summed.collections[usize::from(sums.collection.0)].fields[usize::from(field.0)];
                    let sum = of.sum.take();
                    of.computed = sum.map(|sum| Computed { is: sum.is, rights: ComputedRights::Model });
                    // Computed, an amount has its currency with it.
                    if of.currency.take().is_some() {
                        of.kind = FieldKind::Scalar(Scalar::Money);
                    }
                }
            }
            summed
        })
    }
}

/// The rule of a check of the new model, which was compiled when the model was loaded.
fn checked(model: &Model, new: CollectionId, check: &Check) -> Checked {
    compile(&check.rule, &Names::check(model, new)).expect("the checks of a model compile")
}
