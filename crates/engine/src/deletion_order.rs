use backstay_model::{Collection, CollectionId, Field, Model, OnDelete};

use crate::reference::{Reference, to_one};

/// For each collection when its records are deleted among others: those that require another go before it. Types that
/// require each other in a circle are refused when a model is loaded.
pub(crate) fn ranks(model: &Model) -> Vec<usize> {
    ranks_by(model, |field| field.required)
}

/// For each collection how many others come before it at most, one referring to the other by such fields.
pub(crate) fn ranks_by(model: &Model, counts: fn(&Field) -> bool) -> Vec<usize> {
    let mut known = vec![None; model.collections.len()];
    model.collections.iter().map(|collection| rank(collection.id, (model, counts), &mut known)).collect()
}

fn rank(of: CollectionId, (model, counts): (&Model, fn(&Field) -> bool), ranks: &mut [Option<usize>]) -> usize {
    if let Some(known) = ranks[usize::from(of.0)] {
        return known;
    }
    ranks[usize::from(of.0)] = Some(0);
    let refers = |collection: &&Collection| {
        collection.fields.iter().any(|field| counts(field) && to_one(field).is_some_and(|(to, _)| to == of))
    };
    let referring: Vec<CollectionId> = model.collections.iter().filter(refers).map(|found| found.id).collect();
    // What nothing refers to comes first.
    let rank = referring.into_iter().map(|id| rank(id, (model, counts), ranks) + 1).max().unwrap_or(0);
    ranks[usize::from(of.0)] = Some(rank);
    rank
}

/// For each collection, whether a record of it can refuse a deletion that takes along records to which it refers, or can be the
/// reason for such a refusal, or takes along any that can.
pub(crate) fn restricting(model: &Model) -> Vec<bool> {
    let mut can = vec![false; model.collections.len()];
    for (from, to, _) in references(model).filter(|(.., on_delete)| *on_delete == OnDelete::Restrict) {
        can[at(from)] = true;
        can[at(to)] = true;
    }
    takers(model, can)
}

/// For each collection, whether it is one of these, or its deletions take records of these along.
pub(crate) fn takers(model: &Model, mut of: Vec<bool>) -> Vec<bool> {
    loop {
        let before = of.clone();
        for (from, to, _) in references(model).filter(|(.., on_delete)| *on_delete == OnDelete::Cascade) {
            of[at(to)] |= of[at(from)];
        }
        if of == before {
            return of;
        }
    }
}

/// All references: from where to where they lead.
fn references(model: &Model) -> impl Iterator<Item = (CollectionId, CollectionId, OnDelete)> {
    let of = model.collections.iter().map(|collection| collection.id);
    of.flat_map(|to| Reference::to(model, to).map(move |(from, _, on_delete)| (from.id, to, on_delete)))
}

fn at(id: CollectionId) -> usize {
    usize::from(id.0)
}
