use backstay_expr::{Expr, Rights};
use backstay_model::Collection;
use backstay_sql::{Perspective, ReadScope, ReadShape, SelectedField, Selection};

/// What a record is answered with where nothing is selected: every stored field that the caller may see.
pub(crate) fn whole(rights: &Rights, collection: &Collection) -> Selection {
    let fields = collection.stored_fields().filter(|field| rights.may_see(collection.id, field.id));
    let fields = fields.map(|field| SelectedField { field: field.id, expand: None }).collect();
    Selection { collection: collection.id, fields }
}

/// A read of one record.
pub(crate) fn one_record(selection: Selection) -> ReadShape {
    read_shape(selection, None, ReadScope::One)
}

/// A read of what is published.
pub(crate) fn read_shape(selection: Selection, filter: Option<Expr>, scope: ReadScope) -> ReadShape {
    ReadShape { perspective: Perspective::Live, selection, filter, scope }
}
