//! What an export holds of a record: all that an import reads back, and no more.

use std::sync::Arc;

use backstay_engine::{InnerSelection, Selected, SelectedField, SelectedValue, Selection};
use backstay_model::{Collection, Field, FieldKind};
use backstay_scalar::Scalar;

use crate::table::Column;

/// Every field that a record itself holds, and its many-to-many relations as the ids of the records that they lead to. What is
/// computed isn't part of it, and neither is what nobody may read.
pub fn portable(collection: &Collection) -> Selection {
    let is_own = |field: &&Field| {
        let is_link = matches!(&field.kind, FieldKind::ManyToMany { link, .. } if link.owner);
        let is_given = field.computed.is_none() && field.sum.is_none();
        field.is_readable() && is_given && (field.kind.is_held() || is_link)
    };
    let part = |field: &Field| {
        let is_link = matches!(field.kind, FieldKind::ManyToMany { .. });
        let inner = is_link.then(|| InnerSelection::Fields(Selection::id()));
        Selected::Field(SelectedField { inner, ..SelectedField::of(field.id) })
    };
    let own = collection.members(None).filter(|field| Some(field.id) != collection.trash.map(|trash| trash.at));
    Selection::parts(own.filter(is_own).map(part))
}

/// The members that each record of a selection has, in their order.
pub fn members_of(collection: &Collection, selection: &Selection) -> Vec<Column> {
    let parts = match selection {
        Selection::Whole => &[Selected::Stored],
        Selection::Parts(parts) => &**parts,
    };
    let mut members: Vec<Column> = Vec::new();
    let mut add = |name: Arc<str>, is_json: bool| {
        if !members.iter().any(|known| known.name == name) {
            members.push(Column { name, is_json });
        }
    };
    for part in parts {
        match part {
            Selected::Stored => {
                for field in collection.members(None).filter(|field| field.kind.is_held() && field.is_readable()) {
                    add(field.name.as_str().into(), is_json(field));
                    field.kept_names.iter().for_each(|kept| add(kept.as_str().into(), is_json(field)));
                }
            }
            Selected::Field(SelectedField { field, alias, .. }) => {
                let field = collection.field(*field);
                add(alias.clone().unwrap_or_else(|| field.own_name().into()), is_json(field));
            }
            Selected::Derived(SelectedValue { name, .. }) => add(Arc::clone(name), false),
        }
    }
    members
}

fn is_json(field: &Field) -> bool {
    matches!(field.kind, FieldKind::Scalar(Scalar::Json))
}
