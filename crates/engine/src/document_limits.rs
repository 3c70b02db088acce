//! The limits of members within documents, asked of a write.

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;

use backstay_base::{Step, ViolationKind, limits};
use backstay_model::{Document, DocumentMisfit, EmbeddedId, FieldId, FieldKind, MemberLimit, Model};
use backstay_scalar::Value;

use crate::TxContext;
use crate::proposal::Proposal;

/// Refuses new values within documents that are outside of a limit of their member. Where the caller sees what is stored,
/// a value that the same member has there may stay, also at another place, and one that is too long may become shorter.
pub(crate) fn check(cx: &TxContext<'_, '_>, proposal: &mut Proposal<'_>) {
    let model = cx.model();
    for field in proposal.collection.stored_fields() {
        let FieldKind::Document(document) = field.kind else { continue };
        let (stored, value) = (proposal.stored_value(field.id), proposal.value(field.id));
        let told = proposal.sees(field.id);
        if value == stored && (told || !proposal.input.fields().any(|named| named == field.id)) {
            continue;
        }
        let Value::Json(text) = value else { continue };
        if !model.limits_within(document) {
            continue;
        }
        let kept = match stored {
            Value::Json(stored) if told => Kept::of((model, document), stored),
            _ => Kept::default(),
        };
        for (steps, kind) in kept.refused((model, document), text) {
            proposal.refuse_within(field, steps, kind);
        }
    }
}

type Member = (EmbeddedId, FieldId);

/// The values of a stored document that are outside of limits which are newer.
#[derive(Debug, Clone, Default)]
struct Kept<'t> {
    /// How often each of them is there.
    values: HashMap<(Member, MemberLimit, &'t str), usize>,
    /// How long those of a member are that are too long, and how often.
    excesses: HashMap<Member, BTreeMap<usize, usize>>,
}

impl<'t> Kept<'t> {
    fn of((model, document): (&Model, Document), stored: &'t str) -> Self {
        let mut kept = Self::default();
        model.visit_misfits(document, stored, &mut |misfit| {
            *kept.values.entry((misfit.member, misfit.limit, misfit.value)).or_default() += 1;
            if let Some(excess) = misfit.excess {
                *kept.excesses.entry(misfit.member).or_default().entry(excess).or_default() += 1;
            }
            ControlFlow::Continue(())
        });
        kept
    }

    /// The places of a new document that are refused, with the reasons; at most as many as one answer lists.
    fn refused(mut self, (model, document): (&Model, Document), text: &'t str) -> Vec<(Vec<Step>, ViolationKind)> {
        let mut same = self.values.clone();
        if !same.is_empty() {
            // What stays as it is doesn't excuse something that is shorter.
            model.visit_misfits(document, text, &mut |misfit| {
                if self.has(&misfit)
                    && let Some(excess) = misfit.excess
                {
                    self.take(misfit.member, excess);
                }
                ControlFlow::Continue(())
            });
        }
        let mut refused = Vec::new();
        model.visit_misfits(document, text, &mut |misfit| {
            let stays =
                taken(&mut same, &misfit) || misfit.excess.is_some_and(|excess| self.take(misfit.member, excess));
            if !stays {
                refused.push((misfit.steps.to_vec(), misfit.kind));
            }
            match refused.len() < limits::VIOLATIONS {
                true => ControlFlow::Continue(()),
                false => ControlFlow::Break(()),
            }
        });
        refused
    }

    fn has(&mut self, misfit: &DocumentMisfit<'t, '_>) -> bool {
        taken(&mut self.values, misfit)
    }

    /// Takes the shortest value of a member that has at least this many characters or items.
    fn take(&mut self, member: Member, excess: usize) -> bool {
        let Some(excesses) = self.excesses.get_mut(&member) else { return false };
        let Some((longer, count)) = excesses.range_mut(excess..).next() else { return false };
        *count -= 1;
        if *count == 0 {
            let longer = *longer;
            excesses.remove(&longer);
        }
        true
    }
}

/// Takes a value that is the same, if there is one.
fn taken<'t>(values: &mut HashMap<(Member, MemberLimit, &'t str), usize>, misfit: &DocumentMisfit<'t, '_>) -> bool {
    let same = values.get_mut(&(misfit.member, misfit.limit, misfit.value)).filter(|count| **count > 0);
    same.map(|count| *count -= 1).is_some()
}
