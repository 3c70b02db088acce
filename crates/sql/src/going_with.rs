use std::collections::HashSet;

use backstay_model::{CollectionId, Field, FieldKind, Model, OnDelete};

/// The types whose records one deletion can take together with a record of this type.
pub(crate) fn going_with(model: &Model, of: CollectionId) -> HashSet<CollectionId> {
    let cascades = |field: &Field| match field.kind {
        FieldKind::ToOne { target, on_delete: OnDelete::Cascade, .. } => Some(target),
        _ => None,
    };
    let of_type =
        |from: CollectionId| model.collection(from).fields.iter().filter_map(cascades).map(move |to| (from, to));
    let ways: Vec<_> = model.collections.iter().flat_map(|collection| of_type(collection.id)).collect();
    let back: Vec<_> = ways.iter().map(|(from, to)| (*to, *from)).collect();
    reached(reached(HashSet::from([of]), &ways), &back)
}

/// All that these lead to, themselves included.
fn reached(mut known: HashSet<CollectionId>, ways: &[(CollectionId, CollectionId)]) -> HashSet<CollectionId> {
    let mut next: Vec<CollectionId> = known.iter().copied().collect();
    while let Some(at) = next.pop() {
        let ends = ways.iter().filter(|(from, _)| *from == at).map(|(_, to)| *to);
        next.extend(ends.filter(|to| known.insert(*to)));
    }
    known
}
