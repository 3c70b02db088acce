//! References in the documents of records: which there are, and the tables that follow them.

use std::collections::BTreeSet;

use backstay_base::RecordId;
use backstay_model::{Collection, Document, Field, FieldId, FieldKind, InnerRelation, Mentioned, Model};
use backstay_scalar::Value;

use crate::TxContext;
use crate::bind::Bindings;
use crate::templates::LinkStatement;

/// The references in the value of a field.
pub(crate) fn of_value(model: &Model, field: &Field, value: &Value) -> Vec<Mentioned> {
    match document(field, value) {
        Some((document, text)) => model.mentioned(document, text),
        None => Vec::new(),
    }
}

/// The references in all documents of a record, each with the field that holds it. `values` are by `FieldId`.
pub(crate) fn of_record(model: &Model, collection: &Collection, values: &[Value]) -> Vec<(FieldId, Mentioned)> {
    let of_field = |field: &Field| {
        let id = field.id;
        let found = of_value(model, field, &values[usize::from(id.0)]);
        found.into_iter().map(move |mentioned| (id, mentioned))
    };
    collection.mentioning().flat_map(of_field).collect()
}

/// The value of a field without the references that are gone.
pub(crate) fn without(
    model: &Model,
    field: &Field,
    value: &Value,
    is_gone: impl Fn(&InnerRelation, RecordId) -> bool,
) -> Value {
    match document(field, value) {
        Some((document, text)) => Value::Json(model.without_mentions(document, text, is_gone).into()),
        None => value.clone(),
    }
}

/// Lets the tables follow the documents of a record that is created. Values are by `FieldId`.
pub(crate) fn begin(cx: &mut TxContext<'_, '_>, collection: &Collection, id: RecordId, values: &[Value]) {
    for field in collection.mentioning() {
        let found = of_value(cx.model(), field, &values[usize::from(field.id.0)]).into_iter();
        for (relation, far) in found.map(|mentioned| (mentioned.relation, mentioned.id)).collect::<BTreeSet<_>>() {
            stage(cx, (collection, id), (field.id, &relation), (LinkStatement::Insert, far));
        }
    }
}

/// Lets the tables follow the documents of a record that is changed. Values are by `FieldId`.
pub(crate) fn follow(
    cx: &mut TxContext<'_, '_>,
    collection: &Collection,
    id: RecordId,
    (before, after): (&[Value], &[Value]),
) {
    for field in collection.mentioning() {
        let [before, after] = [before, after].map(|values| &values[usize::from(field.id.0)]);
        if before == after {
            continue;
        }
        let [before, after] = [before, after].map(|value| {
            let found = of_value(cx.model(), field, value).into_iter();
            found.map(|mentioned| (mentioned.relation, mentioned.id)).collect::<BTreeSet<_>>()
        });
        for (relation, far) in before.difference(&after) {
            stage(cx, (collection, id), (field.id, relation), (LinkStatement::Remove, *far));
        }
        for (relation, far) in after.difference(&before) {
            stage(cx, (collection, id), (field.id, relation), (LinkStatement::Insert, *far));
        }
    }
}

fn stage(
    cx: &mut TxContext<'_, '_>,
    (collection, id): (&Collection, RecordId),
    (field, relation): (FieldId, &InnerRelation),
    (statement, far): (LinkStatement, RecordId),
) {
    let Some(mention) = collection.mention(field, relation) else { return };
    let template = cx.engine.templates.link(&cx.engine.planner, &mention.link, statement);
    let bindings = Bindings { argument: Some(&far), ..cx.bindings().id(id) };
    let statement = cx.statement(&template, &bindings, collection.id);
    cx.tx.stage(statement, None);
}

fn document<'v>(field: &Field, value: &'v Value) -> Option<(Document, &'v str)> {
    match (&field.kind, value) {
        (FieldKind::Document(document), Value::Json(text)) => Some((*document, text)),
        _ => None,
    }
}
