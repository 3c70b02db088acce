use backstay_model::{Collection, CollectionId, Field, FieldKind, Model, OnDelete};

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

/// What a to-one relation leads to, and what a deletion there does to it.
pub(crate) fn to_one(field: &Field) -> Option<(CollectionId, OnDelete)> {
    if let FieldKind::ToOne { target, on_delete, .. } = field.kind { Some((target, on_delete)) } else { None }
}
