use backstay_base::{Action, KeyForm};
use backstay_expr::{Expr, Rights};
use backstay_model::{Collection, CollectionId, Field, FieldId, FieldKind, Link, Mention, OnDelete, Trash};
use backstay_scalar::{Storage, Value};
use sea_query::{Expr as Sql, ExprTrait, Func, OnConflict, Order, Query, SelectStatement};

use crate::builder::{Anchor, Builder, Record};
use crate::layout::{columns_of, link_columns};
use crate::lower::{Lowering, Scope};
use crate::relation::{written, written_links};
use crate::tree::{call, column, integer, name, subquery};
use crate::{ColumnRef, ColumnType, Perspective, Planner, RecordLayout, RecordSource, Slot, StoredPlan, Template};

const LIVE: Perspective = Perspective::Live;

/// In which order ids are listed, and from where on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IdOrder {
    /// The lowest first.
    Ascending,
    /// The highest first.
    Descending,
    /// Those below `Slot::Cursor(0)`, the highest first.
    Below,
}

impl IdOrder {
    /// Orders the records of a statement by their ids.
    fn apply(self, builder: &mut Builder<'_>, select: &mut SelectStatement, (from, id): (&Anchor, Sql)) {
        let order = match self {
            Self::Ascending => Order::Asc,
            Self::Descending | Self::Below => Order::Desc,
        };
        if self == Self::Below {
            let bound = builder.slot(Slot::Cursor(0), builder.key_storage(from));
            select.and_where(id.clone().lt(bound));
        }
        select.order_by_expr(id, order);
    }
}

impl Planner {
    /// The record with `Slot::Id` in a perspective, unrestricted: every stored column, then one nullable Boolean per rule, in which `this`
    /// is the record and `new` is `Slot::Proposed`.
    pub fn stored(&self, collection: CollectionId, perspective: Perspective, rules: &[Expr]) -> StoredPlan {
        self.whole((collection, perspective), rules, false)
    }

    /// The same of a record that is going to be changed. One with stored sums, which don't raise the version, is kept from
    /// others until the transaction ends.
    pub fn stored_to_change(&self, collection: CollectionId, perspective: Perspective, rules: &[Expr]) -> StoredPlan {
        let held = self.model.collection(collection).fields.iter().any(Field::is_sum);
        self.whole((collection, perspective), rules, held)
    }

    fn whole(&self, (collection, perspective): (CollectionId, Perspective), rules: &[Expr], held: bool) -> StoredPlan {
        let mut builder = self.builder();
        let definition = self.model.collection(collection);
        let this = unrestricted(&mut builder, definition, perspective);
        let new = Anchor { record: Record::Proposed, ..this.clone() };
        let layout = RecordLayout::of(definition);

        let mut select = Query::select();
        let mut columns = Vec::with_capacity(layout.columns() + rules.len());
        for (at, column) in columns_of(definition) {
            select.expr(match perspective.has(definition.field(at.field)) {
                true => builder.stored(&this, at),
                false => self.dialect.null(column.into()),
            });
            columns.push(column.into());
        }
        let truths = (layout.columns()..).take(rules.len()).collect();
        select.exprs(truth_columns(&mut builder, Scope { new, ..Scope::rule(&this) }, rules));
        columns.extend(rules.iter().map(|_| ColumnType::One(Storage::Bool)));

        let id = builder.id_slot(definition.key.form(), Slot::Id);
        select.and_where(builder.key(&this).eq(id));
        if held {
            builder.hold(&this, &mut select);
        }
        builder.from(this.frame, &mut select);
        StoredPlan { template: builder.finish(&select, columns), layout, truths }
    }

    /// One row of one nullable Boolean per rule, in which `this` is the given source and `new` is `Slot::Proposed`.
    pub fn check(&self, collection: CollectionId, this: RecordSource, rules: &[Expr]) -> Template {
        let mut builder = self.builder();
        let new = proposed(&mut builder, collection);
        let this = match this {
            RecordSource::Proposed => new.clone(),
            RecordSource::Stored => Anchor { record: Record::Stored, ..new.clone() },
        };
        let frame = new.frame;
        let mut select = Query::select();
        select.exprs(truth_columns(&mut builder, Scope { new, ..Scope::rule(&this) }, rules));
        builder.from(frame, &mut select);
        builder.finish(&select, vec![Storage::Bool.into(); rules.len()])
    }

    /// Ids of the live records of which a rule is false, of those of which something else is true; in order, at most
    /// `Slot::Limit`.
    pub fn breaking(&self, collection: CollectionId, (rule, among): (&Expr, &Expr)) -> Template {
        let mut builder = self.builder();
        let this = unrestricted(&mut builder, self.model.collection(collection), LIVE);
        let id = builder.key(&this);
        let mut select = Query::select();
        select.expr(id.clone()).order_by_expr(id, Order::Asc);
        Lowering::new(&mut builder, Scope::rule(&this)).is_true(among).restrict(&mut select);
        Lowering::new(&mut builder, Scope::rule(&this)).is_false(rule).restrict(&mut select);
        builder.from(this.frame, &mut select);
        builder.limit(&mut select, Slot::Limit);
        builder.finish(&select, vec![self.key_type(collection)])
    }

    /// Inserts all stored columns from `Slot::Proposed`.
    pub fn insert(&self, collection: CollectionId) -> Template {
        let mut builder = self.builder();
        let definition = self.model.collection(collection);
        let proposed = proposed(&mut builder, collection);
        let mut insert = Query::insert();
        insert.into_table(name(written(definition)));
        insert.columns(columns_of(definition).map(|(_, column)| name(&column.name)));
        let values: Vec<Sql> = columns_of(definition).map(|(at, _)| builder.stored(&proposed, at)).collect();
        let whole = insert.values(values).is_ok();
        assert!(whole, "one value per column");
        builder.finish(&insert, Vec::new())
    }

    /// Sets the changed fields, `updatedAt` and `version` from `Slot::Proposed` where id is `Slot::Id` and version is
    /// `Slot::Version`.
    pub fn update(&self, collection: CollectionId, changed: &[FieldId]) -> Template {
        let mut builder = self.builder();
        let definition = self.model.collection(collection);
        let proposed = proposed(&mut builder, collection);
        let mut update = Query::update();
        update.table(name(written(definition)));
        let always = [Collection::UPDATED_AT, Collection::VERSION];
        let is_set = |at: ColumnRef| changed.contains(&at.field) || always.contains(&at.field);
        for (at, column) in columns_of(definition).filter(|(at, _)| is_set(*at)) {
            update.value(name(&column.name), builder.stored(&proposed, at));
        }
        update.and_where(this_version(&mut builder, definition));
        builder.finish(&update, Vec::new())
    }

    /// Deletes the record with `Slot::Id` and `Slot::Version`.
    pub fn delete(&self, collection: CollectionId) -> Template {
        let mut builder = self.builder();
        let definition = self.model.collection(collection);
        let mut delete = Query::delete();
        delete.from_table(name(written(definition))).and_where(this_version(&mut builder, definition));
        builder.finish(&delete, Vec::new())
    }

    /// Ids of the records in a perspective whose to-one field is `Slot::Id`, in this order, at most `Slot::Limit`.
    pub fn referencing(
        &self,
        collection: CollectionId,
        field: FieldId,
        (perspective, order): (Perspective, IdOrder),
    ) -> Template {
        let mut builder = self.builder();
        let from = unrestricted(&mut builder, self.model.collection(collection), perspective);
        let (id, reference) = (builder.key(&from), builder.stored(&from, ColumnRef::main(field)));
        let target = builder.slot(Slot::Id, self.reference_type(collection, field));
        let mut select = Query::select();
        select.expr(id.clone()).and_where(reference.eq(target));
        order.apply(&mut builder, &mut select, (&from, id));
        builder.from(from.frame, &mut select);
        builder.limit(&mut select, Slot::Limit);
        builder.finish(&select, vec![self.key_type(collection)])
    }

    /// Ids of the records in a perspective whose documents refer to `Slot::Id` by this relation, in this order, at most
    /// `Slot::Limit`.
    pub fn mentioning(
        &self,
        collection: CollectionId,
        link: &Link,
        (perspective, order): (Perspective, IdOrder),
    ) -> Template {
        self.at_other_end(link, (collection, &link.near, perspective), (&link.far, link.far_key, order))
    }

    /// Ids of the live records at the far ends of the links of `Slot::Id` (near), in order, at most `Slot::Limit`.
    pub fn live_link_targets(&self, target: CollectionId, link: &Link) -> Template {
        self.at_other_end(link, (target, &link.far, LIVE), (&link.near, link.near_key, IdOrder::Ascending))
    }

    /// Ids of the records in a perspective to which links lead by one column, while the other one has `Slot::Id`.
    fn at_other_end(
        &self,
        link: &Link,
        (collection, to, perspective): (CollectionId, &str, Perspective),
        (end, key, order): (&str, KeyForm, IdOrder),
    ) -> Template {
        let mut builder = self.builder();
        let from = unrestricted(&mut builder, self.model.collection(collection), perspective);
        let id = builder.key(&from);
        let end_id = builder.id_slot(key, Slot::Id);
        let mut linked = Query::select();
        linked.column(name(to)).from(name(written_links(link))).and_where(Sql::col(name(end)).eq(end_id));
        let mut select = Query::select();
        select.expr(id.clone()).and_where(id.clone().in_subquery(linked));
        order.apply(&mut builder, &mut select, (&from, id));
        builder.from(from.frame, &mut select);
        builder.limit(&mut select, Slot::Limit);
        builder.finish(&select, vec![self.key_type(collection)])
    }

    /// Ids of the live records whose field holds a moment that isn't after `Slot::Now`, the earliest first, at most
    /// `Slot::Limit`.
    pub fn past(&self, (collection, field): (CollectionId, FieldId)) -> Template {
        let mut builder = self.builder();
        let from = unrestricted(&mut builder, self.model.collection(collection), LIVE);
        let (id, moment) = (builder.key(&from), builder.stored(&from, ColumnRef::main(field)));
        let now = builder.slot(Slot::Now, Storage::Timestamp);
        let mut select = Query::select();
        select.expr(id.clone()).and_where(moment.clone().lte(now));
        select.order_by_expr(moment, Order::Asc).order_by_expr(id, Order::Asc);
        builder.from(from.frame, &mut select);
        builder.limit(&mut select, Slot::Limit);
        builder.finish(&select, vec![self.key_type(collection)])
    }

    /// Ids of the live records whose field has the value of `Slot::Proposed`, in the order in which they were made, at most
    /// `Slot::Limit`; if it begins after a record, that is the one with `Slot::Stored` of `createdAt` and of the id.
    pub fn having(&self, (collection, field): (CollectionId, FieldId), after: bool) -> Template {
        let mut builder = self.builder();
        let wanted = proposed(&mut builder, collection);
        let from = unrestricted(&mut builder, self.model.collection(collection), LIVE);
        let (at, created) = (ColumnRef::main(field), ColumnRef::main(Collection::CREATED_AT));
        let (id, made) = (builder.key(&from), builder.stored(&from, created));
        let (value, asked) = (builder.stored(&from, at), builder.stored(&wanted, at));
        let mut select = Query::select();
        select.expr(id.clone()).and_where(value.eq(asked));
        if after {
            let last = Anchor { record: Record::Stored, ..wanted };
            let later = made.clone().gt(builder.stored(&last, created));
            let same = made.clone().eq(builder.stored(&last, created)).and(id.clone().gt(builder.key(&last)));
            select.and_where(made.clone().gte(builder.stored(&last, created))).and_where(later.or(same));
        }
        select.order_by_expr(made, Order::Asc).order_by_expr(id, Order::Asc);
        builder.from(from.frame, &mut select);
        builder.limit(&mut select, Slot::Limit);
        builder.finish(&select, vec![self.key_type(collection)])
    }

    /// Ids of the records whose field refers to `Slot::Id` and that were moved to the trash at `Slot::Proposed` of
    /// `trashedAt`, in their order, at most `Slot::Limit`.
    pub fn went_with(&self, (collection, field): (CollectionId, FieldId), trash: Trash) -> Template {
        let mut builder = self.builder();
        let from = unrestricted(&mut builder, self.model.collection(collection), Perspective::Trash);
        let moment = proposed(&mut builder, collection);
        let at = ColumnRef::main(trash.at);
        let (id, reference) = (builder.key(&from), builder.stored(&from, ColumnRef::main(field)));
        let (trashed, moment) = (builder.stored(&from, at), builder.stored(&moment, at));
        let target = builder.slot(Slot::Id, self.reference_type(collection, field));
        let mut select = Query::select();
        select.expr(id.clone()).and_where(reference.eq(target)).and_where(trashed.eq(moment));
        select.order_by_expr(id, Order::Asc);
        builder.from(from.frame, &mut select);
        builder.limit(&mut select, Slot::Limit);
        builder.finish(&select, vec![self.key_type(collection)])
    }

    /// The id of the record whose fields equal `Slot::Proposed` of them, at most one.
    pub fn lookup(&self, collection: CollectionId, fields: &[FieldId], perspective: Perspective) -> Template {
        let mut builder = self.builder();
        let definition = self.model.collection(collection);
        let proposed = proposed(&mut builder, collection);
        let from = unrestricted(&mut builder, definition, perspective);
        let mut select = Query::select();
        select.expr(builder.key(&from));
        for (at, _) in columns_of(definition).filter(|(at, _)| fields.contains(&at.field)) {
            let stored = builder.stored(&from, at);
            select.and_where(stored.eq(builder.stored(&proposed, at)));
        }
        builder.from(from.frame, &mut select);
        builder.limit(&mut select, Slot::Constant(Value::Int(1)));
        builder.finish(&select, vec![self.key_type(collection)])
    }

    /// Ids of the records that were moved to the trash before `Slot::Proposed` of `trashedAt`, the oldest first, at most
    /// `Slot::Limit`; if it begins after a record, that is the one with `Slot::Stored` of `trashedAt` and of the id. Those to
    /// which others in the trash refer that restrict their deletion are left out: they wait for these.
    pub fn expired(&self, collection: CollectionId, trash: Trash, after: bool) -> Template {
        let mut builder = self.builder();
        let from = unrestricted(&mut builder, self.model.collection(collection), Perspective::Trash);
        let limit = proposed(&mut builder, collection);
        let at = ColumnRef::main(trash.at);
        let (id, trashed) = (builder.key(&from), builder.stored(&from, at));
        let mut select = Query::select();
        select.expr(id.clone()).and_where(trashed.clone().lt(builder.stored(&limit, at)));
        if after {
            let last = Anchor { record: Record::Stored, ..limit };
            let later = trashed.clone().gt(builder.stored(&last, at));
            let same = trashed.clone().eq(builder.stored(&last, at)).and(id.clone().gt(builder.key(&last)));
            // The index has the moment alone.
            select.and_where(trashed.clone().gte(builder.stored(&last, at))).and_where(later.or(same));
        }
        for needed in self.restricting_in_trash(&mut builder, (collection, &id)) {
            select.and_where(Sql::exists(needed).not());
        }
        select.order_by_expr(trashed, Order::Asc).order_by_expr(id, Order::Asc);
        builder.from(from.frame, &mut select);
        builder.limit(&mut select, Slot::Limit);
        builder.finish(&select, vec![self.key_type(collection)])
    }

    /// For each field, and each relation in documents, that restricts deletions in a collection: the records in the trash that
    /// refer to another one of it by it.
    fn restricting_in_trash(&self, builder: &mut Builder<'_>, (of, id): (CollectionId, &Sql)) -> Vec<SelectStatement> {
        let kind =
            FieldKind::ToOne { target: of, key: self.model.collection(of).key.form(), on_delete: OnDelete::Restrict };
        let with_trash = self.model.collections.iter().filter(|collection| collection.trash.is_some());
        let fields = with_trash.flat_map(|collection| collection.fields.iter().map(move |field| (collection, field)));
        let restricting = fields.filter(|(_, field)| field.kind == kind).map(|(collection, field)| {
            let from = unrestricted(builder, collection, Perspective::Trash);
            let (other, to) = (builder.key(&from), builder.stored(&from, ColumnRef::main(field.id)));
            let mut select = Query::select();
            select.expr(integer(1)).and_where(to.eq(id.clone()));
            if collection.id == of {
                select.and_where(other.ne(id.clone()));
            }
            builder.from(from.frame, &mut select);
            select
        });
        let mut found: Vec<SelectStatement> = restricting.collect();
        for collection in self.model.collections.iter().filter(|collection| collection.trash.is_some()) {
            let restricts =
                |mention: &&Mention| mention.relation.target == of && mention.on_delete == OnDelete::Restrict;
            for Mention { link, .. } in collection.mentions.iter().filter(restricts) {
                let from = unrestricted(builder, collection, Perspective::Trash);
                let other = builder.key(&from);
                let mut near = Query::select();
                near.column(name(&link.near)).from(name(written_links(link)));
                near.and_where(Sql::col(name(&link.far)).eq(id.clone()));
                let mut select = Query::select();
                select.expr(integer(1)).and_where(other.clone().in_subquery(near));
                if collection.id == of {
                    select.and_where(other.ne(id.clone()));
                }
                builder.from(from.frame, &mut select);
                found.push(select);
            }
        }
        found
    }

    /// Links `Slot::Id` (near) to `Slot::Argument(0)` (far); nothing where they are linked already. If the links are ordered,
    /// the new one is the last.
    pub fn link_insert(&self, link: &Link) -> Template {
        insert_link(self.builder(), link)
    }

    /// Gives the link of `Slot::Id` (near) to `Slot::Argument(0)` (far) the place `Slot::Place`, and makes it if there is
    /// none.
    ///
    /// # Panics
    /// Panics if the links have no order.
    pub fn link_place(&self, link: &Link) -> Template {
        assert!(link.ordered, "only ordered links have places");
        let mut builder = self.builder();
        let (near, far) = ends(&mut builder, link);
        let place = builder.slot(Slot::Place, Storage::Int);
        let mut insert = Query::insert();
        insert.into_table(name(written_links(link))).columns(link_columns(link).map(name));
        let whole = insert.values([near, far, place]).is_ok();
        assert!(whole, "one value per column");
        let conflict = OnConflict::columns([name(&link.near), name(&link.far)]);
        insert.on_conflict(conflict.clone().update_column(name(Link::PLACE)).to_owned());
        builder.finish(&insert, Vec::new())
    }

    /// Ends the link of `Slot::Id` (near) to `Slot::Argument(0)` (far).
    pub fn link_remove(&self, link: &Link) -> Template {
        let mut builder = self.builder();
        let (near, far) = ends(&mut builder, link);
        let mut delete = Query::delete();
        delete.from_table(name(written_links(link)));
        delete.and_where(Sql::col(name(&link.near)).eq(near)).and_where(Sql::col(name(&link.far)).eq(far));
        builder.finish(&delete, Vec::new())
    }

    /// The far end of the link of `Slot::Id` (near) to `Slot::Argument(0)` (far), if there is one.
    pub fn link_between(&self, link: &Link) -> Template {
        let mut builder = self.builder();
        let (near, far) = ends(&mut builder, link);
        let mut select = Query::select();
        select.column(name(&link.far)).from(name(written_links(link)));
        select.and_where(Sql::col(name(&link.near)).eq(near)).and_where(Sql::col(name(&link.far)).eq(far));
        builder.finish(&select, vec![Storage::Id(link.far_key).into()])
    }

    /// Ends all links of `Slot::Id` (near).
    pub fn link_clear(&self, link: &Link) -> Template {
        let mut builder = self.builder();
        let near = builder.id_slot(link.near_key, Slot::Id);
        let mut delete = Query::delete();
        delete.from_table(name(written_links(link))).and_where(Sql::col(name(&link.near)).eq(near));
        builder.finish(&delete, Vec::new())
    }

    /// Ids at the far ends of the links of `Slot::Id` (near), in the order of the links, at most `Slot::Limit`.
    pub fn link_targets(&self, link: &Link) -> Template {
        let mut builder = self.builder();
        let (frame, links) = builder.links(link, LIVE);
        let near = builder.id_slot(link.near_key, Slot::Id);
        let far = column(&links, &link.far);
        let mut select = Query::select();
        select.expr(far.clone()).and_where(column(&links, &link.near).eq(near));
        if link.ordered {
            select.order_by_expr(column(&links, Link::PLACE), Order::Asc);
        }
        select.order_by_expr(far, Order::Asc);
        builder.from(frame, &mut select);
        builder.limit(&mut select, Slot::Limit);
        builder.finish(&select, vec![Storage::Id(link.far_key).into()])
    }

    pub(crate) fn key_type(&self, collection: CollectionId) -> ColumnType {
        self.model.collection(collection).key.storage().into()
    }

    /// What the column of a to-one field holds.
    pub(crate) fn reference_type(&self, collection: CollectionId, field: FieldId) -> ColumnType {
        (&self.model.field(collection, field).columns[0]).into()
    }

    pub(crate) fn builder(&self) -> Builder<'_> {
        Builder::new(&self.model, self.dialect)
    }
}

/// All records of a collection, unrestricted: for Backstay's own reads.
pub(crate) fn unrestricted(builder: &mut Builder<'_>, collection: &Collection, perspective: Perspective) -> Anchor {
    builder.rows(collection, perspective, (Rights::unrestricted(), Action::Read)).anchor
}

pub(crate) fn proposed(builder: &mut Builder<'_>, collection: CollectionId) -> Anchor {
    Anchor { frame: builder.frame(), record: Record::Proposed, collection, perspective: LIVE }
}

/// Links `Slot::Id` (near) to `Slot::Argument(0)` (far); nothing where they are linked already.
pub(crate) fn insert_link(mut builder: Builder<'_>, link: &Link) -> Template {
    let (near, far) = ends(&mut builder, link);
    let mut values = vec![near, far];
    if link.ordered {
        let near = builder.id_slot(link.near_key, Slot::Id);
        let mut last = Query::select();
        last.expr(call("coalesce", [Sql::from(Func::max(Sql::col(name(Link::PLACE)))), integer(-1)]).add(integer(1)));
        last.from(name(written_links(link))).and_where(Sql::col(name(&link.near)).eq(near));
        values.push(subquery(last));
    }
    let mut insert = Query::insert();
    insert.into_table(name(written_links(link))).columns(link_columns(link).map(name));
    let whole = insert.values(values).is_ok();
    assert!(whole, "one value per column");
    insert.on_conflict(OnConflict::columns([name(&link.near), name(&link.far)]).do_nothing().to_owned());
    builder.finish(&insert, Vec::new())
}

fn ends(builder: &mut Builder<'_>, link: &Link) -> (Sql, Sql) {
    (builder.id_slot(link.near_key, Slot::Id), builder.id_slot(link.far_key, Slot::Argument(0)))
}

/// The name of the key's column.
fn key(collection: &Collection) -> &str {
    &collection.field(Collection::ID).columns[0].name
}

fn this_version(builder: &mut Builder<'_>, collection: &Collection) -> Sql {
    let id = builder.id_slot(collection.key.form(), Slot::Id);
    let version = builder.slot(Slot::Version, Storage::Int);
    let stored = &collection.field(Collection::VERSION).columns[0].name;
    Sql::col(name(key(collection))).eq(id).and(Sql::col(name(stored)).eq(version))
}

fn truth_columns(builder: &mut Builder<'_>, scope: Scope<'_>, rules: &[Expr]) -> Vec<Sql> {
    let mut lowering = Lowering::new(builder, scope);
    rules.iter().map(|rule| lowering.truth(rule)).collect()
}
