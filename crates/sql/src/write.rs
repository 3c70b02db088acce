use backstay_expr::Expr;
use backstay_model::{Collection, CollectionId, Field, FieldId, FieldKind, Link};
use backstay_scalar::Scalar;
use sea_query::{Expr as Sql, ExprTrait, OnConflict, Order, Query};

use crate::build::{Builder, name};
use crate::frame::{Anchor, Part, Record, currency_column};
use crate::param::Encoding;
use crate::predicate::{Lowering, Scope};
use crate::{ColumnType, Planner, RecordLayout, RecordSource, Slot, StoredPlan, Template};

impl Planner {
    /// The record with `Slot::Id`: every stored column, then one nullable Boolean per rule, in which `this` is the
    /// record and `new` is `Slot::Proposed`.
    pub fn stored(&self, collection: CollectionId, rules: &[Expr]) -> StoredPlan {
        let mut builder = self.builder();
        let frame = builder.frame();
        let definition = self.model.collection(collection);
        let this = builder.rows(frame, definition);
        let new = Anchor { record: Record::Proposed, ..this.clone() };
        let layout = RecordLayout::of(definition, &self.model);

        let mut select = Query::select();
        let mut columns = Vec::with_capacity(layout.columns() + rules.len());
        for (field, part) in parts(definition) {
            select.expr(builder.stored(&this, field.id, part));
            columns.push(part_type(field, part));
        }
        let truths = (layout.columns()..).take(rules.len()).collect();
        let scope = Scope { new, ..Scope::rule(&this) };
        select.exprs(truth_columns(builder.lowering(scope), rules));
        columns.extend(rules.iter().map(|_| ColumnType::Bool));

        let id = builder.slot(Slot::Id, Encoding::Column(ColumnType::Id));
        select.and_where(builder.key(&this).eq(id));
        builder.from(frame, &mut select);
        StoredPlan { template: builder.finish(&select, columns), layout, truths }
    }

    /// One row of one nullable Boolean per rule, in which `this` is the given source and `new` is `Slot::Proposed`.
    pub fn check(&self, collection: CollectionId, this: RecordSource, rules: &[Expr]) -> Template {
        let mut builder = self.builder();
        let frame = builder.frame();
        let new = Anchor { frame, record: Record::Proposed, collection };
        let this = match this {
            RecordSource::Proposed => new.clone(),
            RecordSource::Stored => Anchor { record: Record::Stored, ..new.clone() },
        };
        let mut select = Query::select();
        select.exprs(truth_columns(builder.lowering(Scope { new, ..Scope::rule(&this) }), rules));
        builder.from(frame, &mut select);
        builder.finish(&select, vec![ColumnType::Bool; rules.len()])
    }

    /// Inserts all stored columns from `Slot::Proposed` and `Slot::ProposedCurrency`.
    pub fn insert(&self, collection: CollectionId) -> Template {
        let mut builder = self.builder();
        let definition = self.model.collection(collection);
        let proposed = builder.proposed(collection);
        let mut insert = Query::insert();
        insert.into_table(name(&definition.table));
        insert.columns(parts(definition).map(|(field, part)| name(&part_column(field, part))));
        let values: Vec<Sql> =
            parts(definition).map(|(field, part)| builder.stored(&proposed, field.id, part)).collect();
        let whole = insert.values(values).is_ok();
        debug_assert!(whole, "one value per column");
        builder.finish(&insert, Vec::new())
    }

    /// Sets the changed fields, `updatedAt` and `version` from `Slot::Proposed` where id is `Slot::Id` and version is
    /// `Slot::Version`.
    pub fn update(&self, collection: CollectionId, changed: &[FieldId]) -> Template {
        let mut builder = self.builder();
        let definition = self.model.collection(collection);
        let proposed = builder.proposed(collection);
        let mut update = Query::update();
        update.table(name(&definition.table));
        let always = [Collection::UPDATED_AT, Collection::VERSION];
        let is_set = |field: &Field| changed.contains(&field.id) || always.contains(&field.id);
        for (field, part) in parts(definition).filter(|(field, _)| is_set(field)) {
            let value = builder.stored(&proposed, field.id, part);
            update.value(name(&part_column(field, part)), value);
        }
        update.and_where(builder.this_version(definition));
        builder.finish(&update, Vec::new())
    }

    /// Deletes the record with `Slot::Id` and `Slot::Version`.
    pub fn delete(&self, collection: CollectionId) -> Template {
        let mut builder = self.builder();
        let definition = self.model.collection(collection);
        let mut delete = Query::delete();
        delete.from_table(name(&definition.table)).and_where(builder.this_version(definition));
        builder.finish(&delete, Vec::new())
    }

    /// Ids of the records whose to-one field is `Slot::Id`, in order, at most `Slot::Limit`.
    pub fn referencing(&self, collection: CollectionId, field: FieldId) -> Template {
        let mut builder = self.builder();
        let definition = self.model.collection(collection);
        let id = name(&definition.field(Collection::ID).column);
        let mut select = Query::select();
        let target = builder.slot(Slot::Id, Encoding::Column(ColumnType::Id));
        select.column(id.clone()).from(name(&definition.table));
        select.and_where(Sql::col(name(&definition.field(field).column)).eq(target)).order_by(id, Order::Asc);
        builder.limit(&mut select, Slot::Limit);
        builder.finish(&select, vec![ColumnType::Id])
    }

    /// The id of the record whose fields equal `Slot::Proposed` of them, at most one.
    pub fn lookup(&self, collection: CollectionId, fields: &[FieldId]) -> Template {
        let mut builder = self.builder();
        let definition = self.model.collection(collection);
        let proposed = builder.proposed(collection);
        let mut select = Query::select();
        select.column(name(&definition.field(Collection::ID).column)).from(name(&definition.table));
        for (field, part) in parts(definition).filter(|(field, _)| fields.contains(&field.id)) {
            let value = builder.stored(&proposed, field.id, part);
            select.and_where(Sql::col(name(&part_column(field, part))).eq(value));
        }
        builder.limit(&mut select, Slot::Constant(1.into()));
        builder.finish(&select, vec![ColumnType::Id])
    }

    /// Links `Slot::Id` (near) to `Slot::Argument(0)` (far); nothing where they are linked already.
    pub fn link_insert(&self, link: &Link) -> Template {
        let mut builder = self.builder();
        let (near, far) = builder.ends();
        let mut insert = Query::insert();
        insert.into_table(name(&link.table)).columns([name(&link.near), name(&link.far)]);
        let whole = insert.values([near, far]).is_ok();
        debug_assert!(whole, "one value per column");
        insert.on_conflict(OnConflict::columns([name(&link.near), name(&link.far)]).do_nothing().to_owned());
        builder.finish(&insert, Vec::new())
    }

    /// Ends the link of `Slot::Id` (near) to `Slot::Argument(0)` (far).
    pub fn link_remove(&self, link: &Link) -> Template {
        let mut builder = self.builder();
        let (near, far) = builder.ends();
        let mut delete = Query::delete();
        delete.from_table(name(&link.table));
        delete.and_where(Sql::col(name(&link.near)).eq(near)).and_where(Sql::col(name(&link.far)).eq(far));
        builder.finish(&delete, Vec::new())
    }

    /// Ends all links of `Slot::Id` (near).
    pub fn link_clear(&self, link: &Link) -> Template {
        let mut builder = self.builder();
        let (near, _) = builder.ends();
        let mut delete = Query::delete();
        delete.from_table(name(&link.table)).and_where(Sql::col(name(&link.near)).eq(near));
        builder.finish(&delete, Vec::new())
    }

    /// Ids at the far ends of the links of `Slot::Id` (near), in order, at most `Slot::Limit`.
    pub fn link_targets(&self, link: &Link) -> Template {
        let mut builder = self.builder();
        let (near, _) = builder.ends();
        let mut select = Query::select();
        select.column(name(&link.far)).from(name(&link.table));
        select.and_where(Sql::col(name(&link.near)).eq(near)).order_by(name(&link.far), Order::Asc);
        builder.limit(&mut select, Slot::Limit);
        builder.finish(&select, vec![ColumnType::Id])
    }

    fn builder(&self) -> Builder<'_> {
        Builder::new(&self.model, self.dialect)
    }
}

impl Builder<'_> {
    fn proposed(&mut self, collection: CollectionId) -> Anchor {
        Anchor { frame: self.frame(), record: Record::Proposed, collection }
    }

    fn ends(&mut self) -> (Sql, Sql) {
        let id = Encoding::Column(ColumnType::Id);
        (self.slot(Slot::Id, id), self.slot(Slot::Argument(0), id))
    }

    fn this_version(&mut self, definition: &Collection) -> Sql {
        let id = self.slot(Slot::Id, Encoding::Column(ColumnType::Id));
        let version = self.slot(Slot::Version, Encoding::Column(ColumnType::Int));
        let of = |field: FieldId| Sql::col(name(&definition.field(field).column));
        of(Collection::ID).eq(id).and(of(Collection::VERSION).eq(version))
    }
}

fn truth_columns(mut lowering: Lowering<'_, '_, '_>, rules: &[Expr]) -> Vec<Sql> {
    rules.iter().map(|rule| lowering.truth(rule)).collect()
}

/// Fields and parts that have columns, in the order of `RecordLayout`.
pub(crate) fn parts(collection: &Collection) -> impl Iterator<Item = (&Field, Part)> {
    collection.stored_fields().flat_map(|field| {
        let currency = (field.kind == FieldKind::Scalar(Scalar::Money)).then_some((field, Part::Currency));
        [(field, Part::Main)].into_iter().chain(currency)
    })
}

/// The column of a part.
pub(crate) fn part_column(field: &Field, part: Part) -> String {
    match part {
        Part::Main => field.column.clone(),
        Part::Currency => currency_column(&field.column),
    }
}

/// What the column of a part holds.
pub(crate) fn part_type(field: &Field, part: Part) -> ColumnType {
    match part {
        Part::Main => ColumnType::of_field(&field.kind),
        Part::Currency => ColumnType::Text,
    }
}
