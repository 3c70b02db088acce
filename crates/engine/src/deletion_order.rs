use backstay_model::{Collection, CollectionId, Field, FieldKind, Model, OnDelete};

/// For each collection when its records are deleted among others: those that require another go before it. Types that
/// require each other in a circle are refused when a model is loaded.
pub(crate) fn ranks(model: &Model) -> Vec<usize> {
    fn rank(of: CollectionId, model: &Model, ranks: &mut [Option<usize>]) -> usize {
        if let Some(known) = ranks[usize::from(of.0)] {
            return known;
        }
        ranks[usize::from(of.0)] = Some(0);
        let requires = |collection: &&Collection| {
            collection.fields.iter().any(|field| field.required && to_one(field).is_some_and(|(to, _)| to == of))
        };
        let requiring: Vec<CollectionId> = model.collections.iter().filter(requires).map(|found| found.id).collect();
        // What nothing requires goes first.
        let rank = requiring.into_iter().map(|id| rank(id, model, ranks) + 1).max().unwrap_or(0);
        ranks[usize::from(of.0)] = Some(rank);
        rank
    }
    let mut known = vec![None; model.collections.len()];
    model.collections.iter().map(|collection| rank(collection.id, model, &mut known)).collect()
}

/// What a to-one relation leads to, and what a deletion there does to it.
pub(crate) fn to_one(field: &Field) -> Option<(CollectionId, OnDelete)> {
    if let FieldKind::ToOne { target, on_delete, .. } = field.kind { Some((target, on_delete)) } else { None }
}
