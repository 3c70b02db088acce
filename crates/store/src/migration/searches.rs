//! The indexes of full-text searches: one that holds the words of the same fields stays, whatever these are called. Any other
//! goes before anything else changes, and is built from the records once these are what they will be.

use backstay_model::{Collection, Model, SearchIndex, shortened};
use backstay_scalar::Value;
use backstay_sql::{Dialect, Models, Origin, SearchTemplates, Slot, Statement, Succession, alter, search};

use crate::StoreError;
use crate::session::{OwnRow, SchemaSession};

/// Records that are read at a time.
const PAGE: i64 = 200;

/// Names between two others that change places.
const MOVING: &str = "backstay_moving_";

/// The index of the old model whose entries are those of this collection of the new one.
fn kept(models: Models<'_>, succession: &Succession<'_>, after: &Collection) -> Option<SearchIndex> {
    let before = models.old.collection(models.pairing.collection(after.id)?);
    let (was, is) = (before.search_index()?, after.search_index()?);
    let language = |collection: &Collection, field| collection.field(field).search.and_then(|search| search.language);
    let same = |(was, is): (&_, &_)| {
        let values_stay = before.field(*was).is_needed() || !after.field(*is).is_needed();
        models.pairing.field(after.id, *is) == Some(*was)
            && language(before, *was) == language(after, *is)
            && matches!(succession.origin(after.id, *is), Origin::Kept(_))
            && values_stay
    };
    let fields_stay = was.fields.len() == is.fields.len() && was.fields.iter().zip(&is.fields).all(same);
    (fields_stay && before.key.form() == after.key.form()).then_some(was)
}

/// Removes the indexes that don't stay.
pub(super) fn removed(models: Models<'_>, succession: &Succession<'_>) -> Vec<Statement> {
    let mut statements = Vec::new();
    for before in &models.old.collections {
        let Some(index) = before.search_index() else { continue };
        let successors = models.new.collections.iter();
        let mut successors = successors.filter(|after| models.pairing.collection(after.id) == Some(before.id));
        if !successors.any(|after| kept(models, succession, after).is_some()) {
            statements.extend(search::drop(&index, models.dialect));
        }
    }
    statements
}

/// Gives those that stay the names that they have in the new model.
pub(super) fn renamed(models: Models<'_>, succession: &Succession<'_>) -> Vec<Statement> {
    let renamed = models.new.collections.iter().filter_map(|after| {
        let (was, is) = (kept(models, succession, after)?, after.search_index()?);
        (was.table != is.table).then_some((was, is))
    });
    let renamed: Vec<(SearchIndex, SearchIndex)> = renamed.collect();
    let moving = |name: &str| shortened(format!("{MOVING}{name}"));
    let between = |index: &SearchIndex| SearchIndex {
        table: moving(&index.table),
        words: moving(&index.words),
        fields: index.fields.clone(),
    };
    let away = renamed.iter().flat_map(|(was, _)| search::rename(was, &between(was), models.dialect));
    let back = renamed.iter().flat_map(|(was, is)| search::rename(&between(was), is, models.dialect));
    away.chain(back).collect()
}

/// Makes the index of a collection of the new model, unless it stays.
pub(super) fn made(models: Models<'_>, succession: &Succession<'_>, collection: &Collection) -> Vec<Statement> {
    match kept(models, succession, collection) {
        Some(_) => Vec::new(),
        None => search::add(collection, models.dialect),
    }
}

/// Fills the index of a collection from its records, which are those of the new model by then.
pub(crate) async fn fill(
    session: &mut dyn SchemaSession,
    (new, dialect): (&Model, Dialect),
    collection: &Collection,
) -> Result<(), StoreError> {
    let Some(templates) = SearchTemplates::of(new, collection, dialect) else { return Ok(()) };
    let fields: Vec<_> = collection.searched().map(|(field, _)| field.id).collect();
    let mut after: Option<Value> = None;
    loop {
        let (statement, layout) = alter::records_of((new, dialect), (collection.id, &fields), after.as_ref(), PAGE);
        let mut page = Vec::new();
        let visit = &mut |row: &dyn OwnRow| {
            page.push(layout.read(row)?);
            Ok(())
        };
        session.query(&statement, visit).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last[usize::from(Collection::ID.0)].clone());
        for values in page {
            let entry = templates.entry(&values);
            for template in &templates.put {
                let statement = template.bind(|slot| match slot {
                    Slot::Entry(index) => entry[usize::from(*index)].clone(),
                    _ => values[usize::from(Collection::ID.0)].clone(),
                });
                session.execute(&statement).await?;
            }
        }
    }
}
