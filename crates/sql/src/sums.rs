//! Statements about stored sums.

use std::collections::HashSet;

use backstay_expr::{ComputedField, Sum, sum_levels};
use backstay_model::{Collection, CollectionId, Field, FieldId, Model, is_same_sum};
use backstay_scalar::{Part, Storage, Value};
use sea_query::{Expr as Sql, ExprTrait, Order, Query};

use crate::builder::{Anchor, Builder, Record};
use crate::layout::FieldLayout;
use crate::layout::columns_of;
use crate::lower::{Lowering, Scope};
use crate::tree::name;
use crate::write::{proposed, unrestricted};
use crate::{
    ColumnRef, ColumnType, DecodeError, Origin, Perspective, Planner, RecordLayout, Row, Slot, Statement, StoredPlan,
    Succession, Template,
};

/// A statement of one row that computes stored sums anew.
#[derive(Debug)]
pub struct SumsPlan {
    /// The statement, about the record with `Slot::Id`. No row if there is none.
    pub template: Template,
    layouts: Vec<FieldLayout>,
}

impl SumsPlan {
    /// The values of the sums, in the order in which they were given.
    pub fn read(&self, row: &dyn Row) -> Result<Vec<Value>, DecodeError> {
        self.layouts.iter().map(|layout| layout.read(row)).collect()
    }
}

impl Planner {
    /// These fields of the record with `Slot::Id`, live or in the trash; other fields are null in what is read. Where several
    /// transactions write at a time, none but this one changes the record until it ends.
    pub fn held(&self, collection: CollectionId, fields: &[FieldId]) -> StoredPlan {
        let mut builder = self.builder();
        let definition = self.model.collection(collection);
        let this = unrestricted(&mut builder, definition, Perspective::Stored);
        let layout = RecordLayout::of_fields(definition, |field| fields.contains(&field));
        let mut select = Query::select();
        let mut columns = Vec::with_capacity(layout.columns());
        for (at, column) in columns_of(definition).filter(|(at, _)| fields.contains(&at.field)) {
            select.expr(builder.stored(&this, at));
            columns.push(column.into());
        }
        let id = builder.id_slot(definition.key.form(), Slot::Id);
        select.and_where(builder.key(&this).eq(id));
        builder.hold(&this, &mut select);
        builder.from(this.frame, &mut select);
        StoredPlan { template: builder.finish(&select, columns), layout, truths: Vec::new() }
    }

    /// These sums of the record with `Slot::Id`, from all members that there are.
    pub fn sums_anew(&self, collection: CollectionId, sums: &[&Sum]) -> SumsPlan {
        let mut builder = self.builder();
        let definition = self.model.collection(collection);
        let this = unrestricted(&mut builder, definition, Perspective::Stored);
        let mut select = Query::select();
        let (mut columns, mut layouts): (Vec<ColumnType>, Vec<FieldLayout>) = (Vec::new(), Vec::new());
        for sum in sums {
            let field = definition.field(sum.computed.field);
            layouts.push(FieldLayout::at(field, columns.len()));
            select.expr(value(&mut builder, &sum.computed, &this));
            columns.extend(field.columns.iter().map(ColumnType::from));
        }
        let id = builder.id_slot(definition.key.form(), Slot::Id);
        select.and_where(builder.key(&this).eq(id));
        builder.from(this.frame, &mut select);
        SumsPlan { template: builder.finish(&select, columns), layouts }
    }

    /// Sets these stored sums from `Slot::Proposed` where id is `Slot::Id`, and nothing else: neither the version nor
    /// `updatedAt` follows them.
    pub fn set_sums(&self, collection: CollectionId, fields: &[FieldId]) -> Template {
        let mut builder = self.builder();
        let definition = self.model.collection(collection);
        let proposed = proposed(&mut builder, collection);
        let mut update = Query::update();
        update.table(name(crate::relation::written(definition)));
        for (at, column) in columns_of(definition).filter(|(at, _)| fields.contains(&at.field)) {
            update.value(name(&column.name), builder.stored(&proposed, at));
        }
        let id = builder.id_slot(definition.key.form(), Slot::Id);
        let key = &definition.field(Collection::ID).columns[0].name;
        update.and_where(Sql::col(name(key)).eq(id));
        builder.finish(&update, Vec::new())
    }

    /// Adds to these sums, whole numbers, of the record with `Slot::Id`, live or in the trash, and returns its id, its version and
    /// what they are then. For each sum there are three parameters: what is added, and between which values the sum must be so that
    /// it stays within its range. No row if one of them isn't, or is unknown, or if there is no such record.
    pub fn add_to_sums(&self, collection: CollectionId, fields: &[FieldId]) -> StoredPlan {
        let mut builder = self.builder();
        let definition = self.model.collection(collection);
        let is_returned = |field| field == Collection::ID || field == Collection::VERSION || fields.contains(&field);
        let layout = RecordLayout::of_fields(definition, is_returned);
        let mut update = Query::update();
        update.table(name(crate::relation::written(definition)));
        for (index, field) in (0_u16..).zip(fields) {
            let stored = &definition.field(*field).columns[0].name;
            let [by, least, most] = [0, 1, 2]
                .map(|place| builder.slot(Slot::Param(3 * index + place, Part::Main), ColumnType::One(Storage::Int)));
            update.value(name(stored), Sql::col(name(stored)).add(by));
            update.and_where(Sql::col(name(stored)).between(least, most));
        }
        let id = builder.id_slot(definition.key.form(), Slot::Id);
        let key = &definition.field(Collection::ID).columns[0].name;
        update.and_where(Sql::col(name(key)).eq(id));
        let mut columns = Vec::with_capacity(layout.columns());
        let mut returned = Vec::with_capacity(layout.columns());
        for (_, column) in columns_of(definition).filter(|(at, _)| is_returned(at.field)) {
            returned.push(Sql::col(name(&column.name)));
            columns.push(column.into());
        }
        update.returning(Query::returning().exprs(returned));
        StoredPlan { template: builder.finish(&update, columns), layout, truths: Vec::new() }
    }

    /// These sums of one collection as they are stored and as they come from all members, of all records in the order of their
    /// ids, at most `Slot::Limit`: from the start, or after `Slot::Id`.
    pub fn compared_sums(&self, collection: CollectionId, sums: &[&Sum], after: bool) -> ComparedSums {
        let mut builder = self.builder();
        let definition = self.model.collection(collection);
        let this = unrestricted(&mut builder, definition, Perspective::Stored);
        let id = builder.key(&this);
        let mut select = Query::select();
        select.expr(id.clone());
        let (mut columns, mut layouts): (Vec<ColumnType>, Vec<_>) = (vec![definition.key.storage().into()], Vec::new());
        for sum in sums {
            let field = definition.field(sum.computed.field);
            let column = field.columns.iter().map(ColumnType::from);
            layouts.push([FieldLayout::at(field, columns.len()), FieldLayout::at(field, columns.len() + 1)]);
            select.expr(builder.stored(&this, ColumnRef::main(field.id)));
            select.expr(value(&mut builder, &sum.computed, &this));
            columns.extend(column.clone().chain(column));
        }
        if after {
            let last = builder.id_slot(definition.key.form(), Slot::Id);
            select.and_where(id.clone().gt(last));
        }
        select.order_by_expr(id, Order::Asc);
        builder.from(this.frame, &mut select);
        builder.limit(&mut select, Slot::Limit);
        ComparedSums { template: builder.finish(&select, columns), layouts }
    }
}

/// A statement that compares stored sums with what their members come to.
#[derive(Debug)]
pub struct ComparedSums {
    /// The statement. The first column is the record's id.
    pub template: Template,
    layouts: Vec<[FieldLayout; 2]>,
}

impl ComparedSums {
    /// The stored and the computed value of each sum, in the order in which the sums were given.
    pub fn read(&self, row: &dyn Row) -> Result<Vec<[Value; 2]>, DecodeError> {
        let values = |[stored, computed]: &[FieldLayout; 2]| Ok([stored.read(row)?, computed.read(row)?]);
        self.layouts.iter().map(values).collect()
    }
}

/// What a migration does to stored sums of one collection.
#[derive(Debug)]
pub struct ComputedSums {
    /// The collection of the new model.
    pub collection: CollectionId,
    /// The fields.
    pub fields: Vec<FieldId>,
    /// Sets them for all records, once everything else is as the new model has it.
    pub statement: Statement,
}

impl Succession<'_> {
    /// The stored sums that stored records lack, or whose members come to something else in the new model: those that others
    /// read first.
    pub fn sums_to_compute(&self) -> Vec<ComputedSums> {
        let of_new = sums_of(self.new);
        let sums: Vec<&Sum> = of_new.iter().collect();
        let levels = sum_levels(&sums).expect("stored sums are checked when the model is loaded");
        let mut ordered: Vec<(usize, &Sum)> = levels.into_iter().zip(sums).collect();
        ordered.sort_by_key(|(level, sum)| (*level, sum.computed.collection));
        let mut changed: HashSet<(CollectionId, FieldId)> = HashSet::new();
        for (_, sum) in &ordered {
            let reads_changed = sum.reads.iter().any(|field| changed.contains(&(sum.member, *field)));
            if self.has_records(sum) && (reads_changed || !self.stays(sum)) {
                changed.insert((sum.computed.collection, sum.computed.field));
            }
        }
        ordered.retain(|(_, sum)| changed.contains(&(sum.computed.collection, sum.computed.field)));
        let together = |(level, sum): &(usize, &Sum), (next, other): &(usize, &Sum)| {
            (level, sum.computed.collection) == (next, other.computed.collection)
        };
        ordered.chunk_by(together).map(|sums| self.compute(sums)).collect()
    }

    fn has_records(&self, sum: &Sum) -> bool {
        self.pairing.collection(sum.computed.collection).is_some()
    }

    /// Whether the stored values of a sum are those that it has in the new model, as long as the sums that it reads are.
    fn stays(&self, sum: &Sum) -> bool {
        let Sum { member, via, ref reads, ref computed, .. } = *sum;
        let at = (computed.collection, computed.field);
        if !is_same_sum((self.old, self.new), self.pairing, at) {
            return false;
        }
        let before = self.pairing.collection(at.0).zip(self.pairing.field(at.0, at.1));
        let before = before.and_then(|(collection, field)| backstay_expr::sum(self.old, collection, field).ok());
        let Some(before) = before else { return false };
        // A trash that goes is empty. A new one has what says so already.
        let new_trash =
            self.new.collection(member).trash.filter(|_| self.old.collection(before.member).trash.is_none());
        let finds_trashed = new_trash.is_some_and(|trash| self.pairing.field(member, trash.at).is_some());
        let same_members = self.pairing.collection(member) == Some(before.member)
            && self.pairing.field(member, via) == Some(before.via)
            && !finds_trashed;
        let kept = |field: &FieldId| {
            matches!(self.origin(member, *field), Origin::Kept(_)) && !self.changes_values(member, *field)
        };
        let is_stored = |field: &&FieldId| self.new.field(member, **field).is_stored();
        same_members && reads.iter().chain([&via]).filter(is_stored).all(kept)
    }

    fn compute(&self, sums: &[(usize, &Sum)]) -> ComputedSums {
        let collection = self.new.collection(sums[0].1.computed.collection);
        let table = crate::relation::written(collection);
        let mut builder = Builder::new(self.new, self.dialect);
        let frame = builder.frame();
        // The table that is updated goes by its own name.
        let record = Record::Row(table.into());
        let this = Anchor { frame, record, collection: collection.id, perspective: Perspective::Stored };
        let mut update = Query::update();
        update.table(name(table));
        let mut fields = Vec::with_capacity(sums.len());
        for (_, sum) in sums {
            let column = &collection.field(sum.computed.field).columns[0].name;
            let value = value(&mut builder, &sum.computed, &this);
            update.value(name(column), value);
            fields.push(sum.computed.field);
        }
        let statement = self.bound(&builder.finish(&update, Vec::new()));
        ComputedSums { collection: collection.id, fields, statement }
    }
}

/// The stored sums of a model whose rules were checked.
fn sums_of(model: &Model) -> Vec<Sum> {
    let fields = model.collections.iter().flat_map(|of| of.fields.iter().map(move |field| (of.id, field)));
    let sums = fields.filter(|(_, field)| field.is_sum());
    let sum = |(collection, field): (CollectionId, &Field)| backstay_expr::sum(model, collection, field.id);
    sums.map(|of| sum(of).expect("stored sums are checked when the model is loaded")).collect()
}

/// The value of a stored sum of a record as its column takes it.
fn value(builder: &mut Builder<'_>, of: &ComputedField, this: &Anchor) -> Sql {
    let column = builder.column(of.collection, ColumnRef::main(of.field));
    let mut lowering = Lowering::new(builder, Scope::rule(this));
    let value = lowering.computed_value(of);
    if value.is_null() { lowering.builder.dialect.null(column.into()) } else { value.settled() }
}
