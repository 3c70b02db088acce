//! Locks of records, where several transactions write at a time.

use backstay_model::{CollectionId, FieldId};
use backstay_scalar::{Part, Storage};
use sea_query::{ExprTrait, Order, Query, SelectStatement};

use crate::builder::{Anchor, Builder};
use crate::write::unrestricted;
use crate::{ColumnRef, ColumnType, Dialect, Perspective, Planner, Slot, Template};

impl Planner {
    /// Ids of those of the records in the list `Slot::Param(0)` that exist, live or in the trash. They are locked in the order of
    /// their ids, and no other transaction changes them until this one ends. `None` where one transaction writes at a time.
    pub fn hold(&self, collection: CollectionId) -> Option<Template> {
        match self.dialect {
            Dialect::Sqlite => None,
            Dialect::Postgres => Some(self.holding(collection)),
        }
    }

    fn holding(&self, collection: CollectionId) -> Template {
        let mut builder = self.builder();
        let (this, mut select) = self.listed(&mut builder, collection);
        let id = builder.key(&this);
        select.expr(id.clone()).order_by_expr(id, Order::Asc);
        builder.hold(&this, &mut select);
        builder.from(this.frame, &mut select);
        builder.finish(&select, vec![self.key_type(collection)])
    }

    /// What a to-one field of the records in the list `Slot::Param(0)` leads to, live or in the trash.
    pub fn led_to(&self, collection: CollectionId, field: FieldId) -> Template {
        let mut builder = self.builder();
        let (this, mut select) = self.listed(&mut builder, collection);
        let reference = builder.stored(&this, ColumnRef::main(field));
        select.distinct().expr(reference.clone()).and_where(reference.is_not_null());
        builder.from(this.frame, &mut select);
        builder.finish(&select, vec![self.reference_type(collection, field)])
    }

    /// The records in the list `Slot::Param(0)`.
    fn listed(&self, builder: &mut Builder<'_>, collection: CollectionId) -> (Anchor, SelectStatement) {
        let definition = self.model.collection(collection);
        let this = unrestricted(builder, definition, Perspective::Stored);
        let form = definition.key.form();
        let list = builder.slot(Slot::Param(0, Part::Main), ColumnType::List(Storage::Id(form)));
        let mut select = Query::select();
        select.and_where(builder.key(&this).in_subquery(self.dialect.ids_of((list, form), "id")));
        (this, select)
    }
}
