//! What is read of stored records to number them, and to count where a series stands.

use std::sync::Arc;

use backstay_expr::{Expr, Scope as Names, compile};
use backstay_model::{Collection, CollectionId, FieldId, Sequence};
use backstay_scalar::{Storage, Value, ValueRef};
use sea_query::{ExprTrait, Order, Query, WithClause};

use crate::builder::Builder;
use crate::layout::FieldLayout;
use crate::layout::columns_of;
use crate::lower::{Lowering, Scope};
use crate::write::unrestricted;
use crate::{ColumnRef, ColumnType, DecodeError, Origin, Perspective, Planner, Row, Slot, Statement, Succession};

/// For each field by which a sequence counts, the old values of its enum that are called otherwise now; `None`: there is
/// no such value any more.
pub type RenamedSeries = Vec<Vec<(Arc<str>, Option<Arc<str>>)>>;

/// A stored record, as far as it is numbered.
#[derive(Debug, Clone)]
pub struct NumberedRow {
    /// Its id.
    pub id: Value,
    /// When it was created.
    pub created_at: Value,
    /// The value of the numbered field, or null.
    pub number: Value,
    /// The values of `Sequence::per`.
    pub per: Vec<Value>,
    /// Whether it is to have a number.
    pub is_due: bool,
}

impl NumberedRow {
    /// The value of one of the fields by which the sequence counts.
    pub fn counted_by(&self, sequence: &Sequence, field: FieldId) -> &Value {
        let place = sequence.per.iter().position(|by| *by == field);
        place.and_then(|place| self.per.get(place)).unwrap_or(&Value::Null)
    }
}

/// The fields that are read of a record, in order.
fn fields(sequence: &Sequence, number: FieldId) -> impl Iterator<Item = FieldId> {
    [Collection::ID, Collection::CREATED_AT, number].into_iter().chain(sequence.per.iter().copied())
}

impl Succession<'_> {
    /// The sequence that numbers stored records without a value in this field; `None` if they get none.
    pub fn numbers(&self, new: CollectionId, field: FieldId) -> Option<&Sequence> {
        let before = self.old.collection(self.pairing.collection(new)?);
        let of = self.new.field(new, field);
        let sequence = of.sequence.as_ref()?;
        let is_needed = match self.origin(new, field) {
            Origin::New => true,
            Origin::Kept(was) | Origin::Converted(was) => {
                before.field(was).sequence.is_none() || of.required && !before.field(was).required
            }
        };
        is_needed.then_some(sequence)
    }

    /// Whether the counters of this field are to be counted anew: it is new that it numbers records, or its series are
    /// others.
    pub fn recounts(&self, new: CollectionId, field: FieldId) -> bool {
        let Some(before) = self.pairing.collection(new) else { return false };
        let Some(sequence) = &self.new.field(new, field).sequence else { return false };
        let was = self.pairing.field(new, field).and_then(|was| self.old.field(before, was).sequence.as_ref());
        let Some(was) = was else { return true };
        let is_kept =
            |(was, is): (&FieldId, &FieldId)| matches!(self.origin(new, *is), Origin::Kept(from) if from == *was);
        was.per.len() != sequence.per.len() || !was.per.iter().zip(&sequence.per).all(is_kept)
    }

    /// What the values by which a sequence counts are called now.
    pub fn renamed_series(&self, new: CollectionId, sequence: &Sequence) -> RenamedSeries {
        sequence.per.iter().map(|by| self.renamed_values(&self.new.field(new, *by).kind)).collect()
    }

    /// Whether stored records get numbers in this field, or become part of other series.
    pub fn numbers_others(&self, new: CollectionId, field: FieldId) -> bool {
        let sequence = self.new.field(new, field).sequence.as_ref();
        self.numbers(new, field).is_some()
            || self.pairing.collection(new).is_some()
                && sequence.is_some_and(|sequence| sequence.per.iter().any(|by| self.changes_values(new, *by)))
    }

    /// The records after the one with these values of `createdAt` and `id`, in the order of these; at most so many.
    pub fn number_rows(
        &self,
        (new, field): (CollectionId, FieldId),
        sequence: &Sequence,
        (after, limit): (Option<(&Value, &Value)>, i64),
    ) -> Statement {
        let mut builder = Builder::new(self.old, self.dialect);
        let expressions = self.expressions(&mut builder);
        builder.model = &self.next;
        let collection = self.next.collection(new);
        let this = unrestricted(&mut builder, collection, Perspective::Stored);
        let (mut select, mut columns): (_, Vec<ColumnType>) = (Query::select(), Vec::new());
        for id in fields(sequence, field) {
            for column in &collection.field(id).columns {
                select.expr(builder.stored(&this, ColumnRef { field: id, part: column.part }));
                columns.push(column.into());
            }
        }
        if let Some(due) = self.due(new, sequence) {
            select.expr(Lowering::new(&mut builder, Scope::rule(&this)).truth(&due));
            columns.push(Storage::Bool.into());
        }
        let (created, id) = (builder.stored(&this, ColumnRef::main(Collection::CREATED_AT)), builder.key(&this));
        if let Some((moment, last)) = after {
            let moment = builder.slot(Slot::Constant(moment.clone()), Storage::Timestamp);
            let last = builder.id_slot(collection.key.form(), Slot::Constant(last.clone()));
            let same = created.clone().eq(moment.clone()).and(id.clone().gt(last));
            select.and_where(created.clone().gt(moment).or(same));
        }
        select.order_by_expr(created, Order::Asc).order_by_expr(id, Order::Asc);
        builder.from(this.frame, &mut select);
        builder.limit(&mut select, Slot::Constant(Value::Int(limit)));
        let mut with = WithClause::new();
        for expression in expressions {
            with.cte(expression);
        }
        self.bound(&builder.finish(&with.query(select), columns))
    }

    /// A row of `number_rows`.
    pub fn number_row(
        &self,
        (new, field): (CollectionId, FieldId),
        sequence: &Sequence,
        row: &dyn Row,
    ) -> Result<NumberedRow, DecodeError> {
        let (numbered, column) = read(self.new.collection(new), (sequence, field), row)?;
        let is_due = sequence.when.is_none() || matches!(row.value(column)?, ValueRef::Bool(true));
        Ok(NumberedRow { is_due, ..numbered })
    }

    /// What must be true of a record for it to have a number; `None`: nothing.
    fn due(&self, new: CollectionId, sequence: &Sequence) -> Option<Expr> {
        let when = sequence.when.as_ref()?;
        let checked = compile(when, &Names::rule(self.new, new));
        Some(checked.expect("the rules of a model were compiled before").expr)
    }
}

impl Planner {
    /// The records that have a value in a numbered field, after one with this id, in the order of their ids; at most so many.
    pub fn numbered_rows(
        &self,
        (collection, field): (CollectionId, FieldId),
        sequence: &Sequence,
        (after, limit): (Option<&Value>, i64),
    ) -> Statement {
        let mut builder = self.builder();
        let definition = self.model.collection(collection);
        let this = unrestricted(&mut builder, definition, Perspective::Stored);
        let (mut select, mut columns): (_, Vec<ColumnType>) = (Query::select(), Vec::new());
        for id in fields(sequence, field) {
            for (at, column) in columns_of(definition).filter(|(at, _)| at.field == id) {
                select.expr(builder.stored(&this, at));
                columns.push(column.into());
            }
        }
        select.and_where(builder.stored(&this, ColumnRef::main(field)).is_not_null());
        let key = builder.key(&this);
        if let Some(after) = after {
            let after = builder.id_slot(definition.key.form(), Slot::Constant(after.clone()));
            select.and_where(key.clone().gt(after));
        }
        select.order_by_expr(key, Order::Asc);
        builder.from(this.frame, &mut select);
        builder.limit(&mut select, Slot::Constant(Value::Int(limit)));
        builder.finish(&select, columns).bind(|slot| unreachable!("nothing else is asked for than {slot:?}"))
    }

    /// A row of `numbered_rows`.
    pub fn numbered_row(
        &self,
        (collection, field): (CollectionId, FieldId),
        sequence: &Sequence,
        row: &dyn Row,
    ) -> Result<NumberedRow, DecodeError> {
        read(self.model.collection(collection), (sequence, field), row).map(|(numbered, _)| numbered)
    }
}

/// What is read of a record, and the column after it.
fn read(
    collection: &Collection,
    (sequence, number): (&Sequence, FieldId),
    row: &dyn Row,
) -> Result<(NumberedRow, usize), DecodeError> {
    let (mut values, mut column) = (Vec::new(), 0);
    for id in fields(sequence, number) {
        let field = collection.field(id);
        values.push(FieldLayout::at(field, column).read(row)?);
        column += field.columns.len();
    }
    let per = values.split_off(3);
    let mut values = values.into_iter();
    let mut next = || values.next().unwrap_or(Value::Null);
    Ok((NumberedRow { id: next(), created_at: next(), number: next(), per, is_due: true }, column))
}
