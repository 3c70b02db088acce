//! Slugs that are taken, and those that a migration makes.

use backstay_base::limits;
use backstay_model::{CollectionId, FieldId, Index, Nulls};
use backstay_scalar::{Part, Storage, Value};
use sea_query::{ExprTrait, Order, Query, WithClause};

use crate::builder::Builder;
use crate::layout::FieldLayout;
use crate::layout::columns_of;
use crate::partial;
use crate::write::{proposed, unrestricted};
use crate::{
    ColumnRef, ColumnType, DecodeError, Origin, Perspective, Planner, Row, Slot, Statement, Succession, Template,
};

/// What is read of a record for the slug that it gets.
#[derive(Debug, Clone)]
pub struct SlugRow {
    /// Its id.
    pub id: Value,
    /// The text that the slug is made from.
    pub source: Value,
    /// The slug that it has already, or null.
    pub slug: Value,
    /// The values of `SlugSource::scope`.
    pub scope: Vec<Value>,
}

/// How stored records get slugs.
#[derive(Debug)]
pub struct SlugSource {
    /// The other fields of the unique indexes that the slug is in.
    pub scope: Vec<FieldId>,
    source: FieldId,
}

impl SlugSource {
    fn fields(&self, slug: FieldId) -> impl Iterator<Item = FieldId> {
        [backstay_model::Collection::ID, self.source, slug].into_iter().chain(self.scope.iter().copied())
    }
}

impl Planner {
    /// The values of a field that are at least parameter 0 and less than parameter 1, in order, among the records that a
    /// unique index compares with `Slot::Proposed`; at most `limits::SLUG_NUMBERS`. The fields in `absent` are null there.
    pub fn taken_slugs(
        &self,
        collection: CollectionId,
        (index, slug): (&Index, FieldId),
        absent: &[FieldId],
    ) -> Template {
        let mut builder = self.builder();
        let definition = self.model.collection(collection);
        let new = proposed(&mut builder, collection);
        let from = unrestricted(&mut builder, definition, Perspective::Live);
        let stored = builder.stored(&from, ColumnRef::main(slug));
        let least = builder.slot(Slot::Param(0, Part::Main), Storage::Text);
        let end = builder.slot(Slot::Param(1, Part::Main), Storage::Text);
        let mut select = Query::select();
        select.expr(stored.clone()).and_where(stored.clone().gte(least)).and_where(stored.clone().lt(end));
        let others = columns_of(definition).map(|(at, _)| at);
        for at in others.filter(|at| at.field != slug && index.fields.contains(&at.field)) {
            let other = builder.stored(&from, at);
            let same = match absent.contains(&at.field) {
                true => other.is_null(),
                false => other.eq(builder.stored(&new, at)),
            };
            select.and_where(same);
        }
        if let Some(condition) = partial::condition(&self.model, definition, index) {
            partial::written(&mut builder, &condition, &from).restrict(&mut select);
        }
        select.order_by_expr(stored, Order::Asc);
        builder.from(from.frame, &mut select);
        builder.limit(&mut select, Slot::Constant(Value::Int(limits::SLUG_NUMBERS.into())));
        builder.finish(&select, vec![Storage::Text.into()])
    }
}

impl Succession<'_> {
    /// How stored records without a value in this field get a slug; `None` if they get none.
    pub fn slugs(&self, new: CollectionId, field: FieldId) -> Option<SlugSource> {
        let before = self.old.collection(self.pairing.collection(new)?);
        let collection = self.new.collection(new);
        let of = collection.field(field);
        let source = of.slug.filter(|_| of.backfill.is_none())?;
        let is_needed = match self.origin(new, field) {
            Origin::New => true,
            Origin::Kept(was) | Origin::Converted(was) => of.required && !before.field(was).required,
        };
        let indexes = collection.indexes.iter().filter(|index| index.unique && index.fields.contains(&field));
        let mut scope: Vec<FieldId> = indexes.flat_map(|index| index.fields.iter().copied()).collect();
        scope.retain(|other| *other != field);
        scope.sort_unstable();
        scope.dedup();
        is_needed.then_some(SlugSource { scope, source })
    }

    /// The records after an id, at most so many, in the order of their ids.
    pub fn slug_rows(
        &self,
        (new, field): (CollectionId, FieldId),
        from: &SlugSource,
        (after, limit): (Option<&Value>, i64),
    ) -> Statement {
        let mut builder = Builder::new(self.old, self.dialect);
        let expressions = self.expressions(&mut builder);
        builder.model = &self.next;
        let collection = self.next.collection(new);
        let this = unrestricted(&mut builder, collection, Perspective::Stored);
        let key = builder.key(&this);
        let (mut select, mut columns): (_, Vec<ColumnType>) = (Query::select(), Vec::new());
        for id in from.fields(field) {
            for column in &collection.field(id).columns {
                select.expr(builder.stored(&this, ColumnRef { field: id, part: column.part }));
                columns.push(column.into());
            }
        }
        if let Some(after) = after {
            let after = builder.id_slot(collection.key.form(), Slot::Constant(after.clone()));
            select.and_where(key.clone().gt(after));
        }
        select.order_by_expr(key, Order::Asc);
        builder.from(this.frame, &mut select);
        builder.limit(&mut select, Slot::Constant(Value::Int(limit)));
        let mut with = WithClause::new();
        for expression in expressions {
            with.cte(expression);
        }
        self.bound(&builder.finish(&with.query(select), columns))
    }

    /// A row of `slug_rows`.
    pub fn slug_row(
        &self,
        (new, field): (CollectionId, FieldId),
        from: &SlugSource,
        row: &dyn Row,
    ) -> Result<SlugRow, DecodeError> {
        let (mut values, mut column) = (Vec::new(), 0);
        for id in from.fields(field) {
            let field = self.new.field(new, id);
            values.push(FieldLayout::at(field, column).read(row)?);
            column += field.columns.len();
        }
        let scope = values.split_off(3);
        let mut values = values.into_iter();
        let mut next = || values.next().unwrap_or(Value::Null);
        Ok(SlugRow { id: next(), source: next(), slug: next(), scope })
    }
}

/// Whether a unique index compares a record with others: one with a null in it usually doesn't.
pub fn is_compared(index: &Index, has_null: bool) -> bool {
    !has_null || index.nulls == Nulls::Same
}
