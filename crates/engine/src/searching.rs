//! Lets the index of a collection's search follow its records, in the transaction that changes them.

use std::sync::Arc;

use backstay_base::RecordId;
use backstay_model::Collection;
use backstay_scalar::Value;
use backstay_sql::{SearchTemplates, Template};

use crate::TxContext;
use crate::bind::{Bindings, Words};

/// Puts the words of a record in the place of those that it had, if they are other ones. Values are by `FieldId`; there are
/// none before in a create.
pub(crate) fn put(
    cx: &mut TxContext<'_, '_>,
    collection: &Collection,
    id: RecordId,
    (before, after): (Option<&[Value]>, &[Value]),
) {
    let Some(templates) = templates(cx, collection) else { return };
    if before.is_some_and(|before| !templates.differ(before, after)) {
        return;
    }
    let all = if before.is_some() { &templates.change } else { &templates.put };
    stage(cx, (collection, id), all, &templates.entry(after));
}

/// Puts the words of a record in the place of those that are there, if any are, whether or not they are others.
pub(crate) fn put_again(cx: &mut TxContext<'_, '_>, collection: &Collection, id: RecordId, values: &[Value]) {
    let Some(templates) = templates(cx, collection) else { return };
    stage(cx, (collection, id), &templates.change, &templates.entry(values));
}

fn stage(cx: &mut TxContext<'_, '_>, record: (&Collection, RecordId), templates: &[Template], entry: &[Value]) {
    let (collection, id) = record;
    for template in templates {
        let statement =
            cx.statement(template, &Bindings { words: Words::Entry(entry), ..cx.bindings().id(id) }, collection.id);
        cx.tx.stage(statement, None);
    }
}

/// Takes the words of a record out that is deleted.
pub(crate) fn remove(cx: &mut TxContext<'_, '_>, collection: &Collection, id: RecordId) {
    let Some(templates) = templates(cx, collection) else { return };
    for template in &templates.remove {
        let statement = cx.statement(template, &cx.bindings().id(id), collection.id);
        cx.tx.stage(statement, None);
    }
}

fn templates(cx: &TxContext<'_, '_>, collection: &Collection) -> Option<Arc<SearchTemplates>> {
    cx.engine.templates.search(&cx.engine.planner, collection.id).cloned()
}
