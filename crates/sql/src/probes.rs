//! What is asked of stored records before a migration: how many there are, and which of them stand in its way.

use std::sync::Arc;

use backstay_base::{KeyForm, RecordId, Timestamp};
use backstay_expr::{Expr, Scope as Names, compile};
use backstay_model::{Collection, CollectionId, Element, Field, FieldId, FieldKind, Index, Length, Nulls, StoredNames};
use backstay_scalar::{Part, Scalar, Storage, Value};
use sea_query::{
    Asterisk, Expr as Sql, ExprTrait, Func, Order, OverStatement, Query, SelectStatement, WindowStatement, WithClause,
};

use crate::alter::own_references;
use crate::backfill::{has_more_digits, is_no_amount};
use crate::builder::{Anchor, Builder};
use crate::layout::columns_of;
use crate::lower::{Lowering, Scope};
use crate::predicate::Pred;
use crate::relation::written_links;
use crate::schema;
use crate::tree::{column, integer, name, subquery, word};
use crate::write::unrestricted;
use crate::{ColumnRef, ColumnType, Origin, Perspective, RecordLayout, Slot, Statement, Succession, partial};

/// Ids that a probe names at most.
pub const PROBED_IDS: usize = 10;

/// A question about stored records: how many there are like this, and the ids of the first of them, in order.
#[derive(Debug, Clone)]
pub struct Probe {
    /// One row of one whole number.
    pub count: Statement,
    /// At most `PROBED_IDS` rows of one id.
    pub ids: Statement,
}

type Condition<'c> = dyn Fn(&mut Builder<'_>, &Anchor) -> Pred + 'c;

impl Succession<'_> {
    /// How many records an old collection has: one row of one whole number.
    pub fn records(&self, old: CollectionId) -> Statement {
        self.counted_rows(&self.old.collection(old).table)
    }

    /// How many links an old relation has: one row of one whole number.
    pub fn links(&self, old: CollectionId, field: FieldId) -> Option<Statement> {
        match &self.old.field(old, field).kind {
            FieldKind::ManyToMany { link, .. } => Some(self.counted_rows(written_links(link))),
            _ => None,
        }
    }

    fn counted_rows(&self, table: &str) -> Statement {
        let mut select = Query::select();
        select.expr(Func::count(Sql::col(Asterisk))).from(name(table));
        self.bound(&Builder::new(self.old, self.dialect).finish(&select, vec![Storage::Int.into()]))
    }

    /// The records of an old collection that have a value in this field.
    pub fn having(&self, old: CollectionId, field: FieldId) -> Probe {
        self.of_old(old, &|builder, this| Pred::Sql(builder.stored(this, ColumnRef::main(field)).is_not_null()))
    }

    /// The records of an old collection that hold one of these values of an enum.
    pub fn holding(&self, old: CollectionId, field: FieldId, values: &[Arc<str>]) -> Probe {
        self.of_old(old, &|builder, this| {
            let stored = builder.stored(this, ColumnRef::main(field));
            Pred::Sql(stored.is_in(values.iter().map(|value| word(value))))
        })
    }

    /// Fields of Backstay's own records by which they belong to accounts of the old model.
    pub fn of_accounts(&self) -> Vec<(CollectionId, FieldId)> {
        let accounts = self.old.identity.into_iter().flat_map(|id| own_references(self.old, id));
        accounts.map(|(of, field)| (of.id, field.id)).collect()
    }

    /// For each old collection with lists of names of this kind: the records of which one has any of these.
    pub fn naming(&self, names: StoredNames, these: &[String]) -> Vec<(&Collection, Probe)> {
        let fields = self.old.collections.iter().flat_map(|of| of.fields.iter().map(move |field| (of, field)));
        let lists = fields.filter(|(_, field)| {
            field.names == Some(names) && matches!(field.kind, FieldKind::List(Element::Scalar(_)))
        });
        let probe = |(of, field): (&'_ Collection, &Field)| {
            let rules: Vec<Expr> = these.iter().map(|name| self.has_element(of, field, name)).collect();
            self.of_old(of.id, &|builder, this| {
                Pred::any(rules.iter().map(|rule| Lowering::new(builder, Scope::rule(this)).is_true(rule)))
            })
        };
        lists.map(|(of, field)| (of, probe((of, field)))).collect()
    }

    fn has_element(&self, of: &Collection, field: &Field, name: &str) -> Expr {
        let text = format!("'{name}' in this.{}", field.name);
        compile(&text, &Names::rule(self.old, of.id)).expect("a name can be looked for in a list of texts").expr
    }

    /// All records that a new collection would have.
    pub fn all(&self, new: CollectionId) -> Probe {
        self.of_next(new, &|_, _| Pred::Known(true))
    }

    /// The records that would have a moment before this one in a field of a new collection.
    pub fn older(&self, new: CollectionId, field: FieldId, before: Timestamp) -> Probe {
        self.of_next(new, &|builder, this| {
            let limit = self.dialect.constant(&Value::Timestamp(before), Storage::Timestamp);
            let limit = limit.expect("a moment can be written out");
            Pred::Sql(builder.stored(this, ColumnRef::main(field)).lt(limit))
        })
    }

    /// The records that would have a value in this field of a new collection.
    pub fn holding_any(&self, new: CollectionId, field: FieldId) -> Probe {
        self.of_next(new, &|builder, this| Pred::Sql(builder.stored(this, ColumnRef::main(field)).is_not_null()))
    }

    /// The records that would have no value in this field of a new collection.
    pub fn lacking(&self, new: CollectionId, field: FieldId) -> Probe {
        let of = self.next.collection(new);
        let parts = |outer| of.parts(outer).map(|part| ColumnRef::main(part.id)).collect::<Vec<_>>();
        let lacked = parts(field);
        // Of a member of an embedded value that can be absent, in the records where it isn't.
        let holder = of.field(field).within.filter(|within| !within.always).map(|within| parts(within.field));
        self.of_next(new, &|builder, this| {
            let mut stored = |at: &ColumnRef| builder.stored(this, *at);
            let there = holder.iter().map(|parts| {
                let parts = parts.iter().map(|at| Pred::Sql(stored(at).is_not_null()));
                Pred::any(parts.collect::<Vec<_>>())
            });
            let there: Vec<Pred> = there.collect();
            let lacks = lacked.iter().map(|at| Pred::Sql(stored(at).is_null()));
            let lacks: Vec<Pred> = lacks.collect();
            Pred::all(there.into_iter().chain(lacks))
        })
    }

    /// The records to which a `@backfill` would give a number with more digits than the field holds.
    pub fn more_digits(&self, new: CollectionId, field: FieldId) -> Option<Probe> {
        let scalar = self.new.field(new, field).kind.scalar();
        scalar.filter(|scalar| matches!(scalar, Scalar::Decimal { .. } | Scalar::Money))?;
        let expr = &self.backfills.get(&(new, field))?.expr;
        let old = self.pairing.collection(new)?;
        Some(self.of_old(old, &|builder, this| {
            let column = &self.new.field(new, field).columns[0];
            let more = match scalar {
                Some(Scalar::Decimal { precision, scale }) => {
                    has_more_digits(builder, this, expr, (column, precision, scale))
                }
                _ => is_no_amount(builder, this, expr, column),
            };
            match self.origin(new, field) {
                Origin::New => more,
                // Only those without a value get one.
                Origin::Kept(was) | Origin::Converted(was) => {
                    Pred::all([more, Pred::Sql(builder.stored(this, ColumnRef::main(was)).is_null())])
                }
            }
        }))
    }

    /// The records whose amount would be in another currency than it was.
    pub fn other_currency(&self, new: CollectionId, field: FieldId) -> Option<Probe> {
        let way = self.new.field(new, field).currency.as_ref()?;
        let (of, was) = self.pairing.collection(new).zip(self.pairing.field(new, field))?;
        Some(self.of_next(new, &|builder, this| {
            let is = Self::currency(builder, this, way);
            let key = builder.key(this);
            let (of, was) = (self.old.collection(of), self.old.field(of, was));
            let number = was.columns.first().map_or(Sql::null(), |column| value_of(of, &column.name, key.clone()));
            Pred::Sql(number.is_not_null().and(is.ne(self.old_currency(of, was, key))))
        }))
    }

    /// The currency that an amount of the old record with this key has.
    fn old_currency<'s>(&'s self, mut of: &'s Collection, amount: &Field, key: Sql) -> Sql {
        let Some(way) = &amount.currency else {
            return amount.column(Part::Currency).map_or(Sql::null(), |column| value_of(of, &column.name, key));
        };
        let mut value = key;
        for step in way {
            let step = of.field(*step);
            value = value_of(of, &step.columns[0].name, value);
            of = step.kind.target().map_or(of, |target| self.old.collection(target));
        }
        value
    }

    /// The currency of an amount of a stored record.
    pub(crate) fn currency_of(builder: &mut Builder<'_>, this: &Anchor, amount: &Field) -> Sql {
        match &amount.currency {
            Some(way) => Self::currency(builder, this, way),
            None => builder.stored(this, ColumnRef { field: amount.id, part: Part::Currency }),
        }
    }

    fn currency(builder: &mut Builder<'_>, this: &Anchor, way: &[FieldId]) -> Sql {
        let [relations @ .., currency] = way else { return Sql::null() };
        let (holder, _) = Lowering::new(builder, Scope::rule(this)).walk(this, relations);
        builder.stored(&holder, ColumnRef::main(*currency))
    }

    /// The records whose field would hold a text that isn't a value of its enum.
    pub fn outside(&self, new: CollectionId, field: FieldId) -> Option<Probe> {
        let FieldKind::Enum(id) = self.new.field(new, field).kind else { return None };
        let values: Vec<Sql> = self.new.enumeration(id).values.iter().map(|value| word(&value.name)).collect();
        Some(self.of_next(new, &|builder, this| {
            Pred::Sql(builder.stored(this, ColumnRef::main(field)).is_not_in(values.clone()))
        }))
    }

    /// The records whose relation to one record would lead to none.
    pub fn astray(&self, new: CollectionId, field: FieldId) -> Option<Probe> {
        let FieldKind::ToOne { target, .. } = self.new.field(new, field).kind else { return None };
        Some(self.of_next(new, &|builder, this| {
            let stored = builder.stored(this, ColumnRef::main(field));
            let there = unrestricted(builder, self.next.collection(target), Perspective::Stored);
            let mut select = Query::select();
            select.expr(integer(1)).and_where(builder.key(&there).eq(stored.clone()));
            builder.from(there.frame, &mut select);
            Pred::Sql(stored.is_not_null().and(Sql::exists(select).not()))
        }))
    }

    /// Whether a new collection would have a record of this id: its id, or nothing.
    pub fn there(&self, new: CollectionId, id: RecordId) -> Statement {
        let mut builder = Builder::new(self.old, self.dialect);
        let expressions = self.expressions(&mut builder);
        builder.model = &self.next;
        let this = unrestricted(&mut builder, self.next.collection(new), Perspective::Stored);
        let mut select = Query::select();
        let key = builder.key(&this);
        let wanted = builder.id_slot(id.form(), Slot::Constant(Value::Id(id)));
        select.and_where(key.clone().eq(wanted));
        builder.from(this.frame, &mut select);
        self.finished(builder, select, (false, (key, id.form())), expressions)
    }

    /// The records whose value in this field would be shorter or longer than its `@length` says.
    pub fn not_as_long(&self, new: CollectionId, field: FieldId, length: Length) -> Probe {
        let kind = &self.new.field(new, field).kind;
        let is_list = matches!(kind, FieldKind::List(Element::Scalar(_) | Element::Enum(_)));
        let is_document = matches!(kind, FieldKind::Document(_));
        let bound = |number: usize| integer(i64::try_from(number).unwrap_or(i64::MAX));
        self.of_next(new, &|builder, this| {
            let stored = builder.stored(this, ColumnRef::main(field));
            let size = if is_document {
                self.dialect.document_size(stored)
            } else if is_list {
                self.dialect.list_size(stored)
            } else {
                self.dialect.text_size(stored)
            };
            let short = Pred::Sql(size.clone().lt(bound(length.min)));
            let long = length.max.map_or(Pred::Known(false), |max| Pred::Sql(size.gt(bound(max))));
            Pred::any([short, long])
        })
    }

    /// The records that would share the values of a unique index with others.
    pub fn sharing(&self, new: CollectionId, index: &Index) -> Probe {
        let [count, ids] = [true, false].map(|counts| {
            let mut builder = Builder::new(self.old, self.dialect);
            let expressions = self.expressions(&mut builder);
            builder.model = &self.next;
            let this = unrestricted(&mut builder, self.next.collection(new), Perspective::Live);
            let form = self.next.collection(new).key.form();
            let mut window = WindowStatement::new();
            let mut known = Vec::new();
            for field in &index.fields {
                for stored in &self.next.collection(new).field(*field).columns {
                    let value = builder.stored(&this, ColumnRef { field: *field, part: stored.part });
                    window.add_partition_by(value.clone());
                    if index.nulls == Nulls::Distinct {
                        known.push(Pred::Sql(value.is_not_null()));
                    }
                }
            }
            if let Some(condition) = partial::condition(self.new, self.new.collection(new), index) {
                known.push(partial::written(&mut builder, &condition, &this));
            }
            let mut shared = Query::select();
            shared.expr_as(builder.key(&this), name("id"));
            shared.expr_window_as(Func::count(Sql::col(Asterisk)), window, name("sharers"));
            Pred::all(known).restrict(&mut shared);
            builder.from(this.frame, &mut shared);
            let mut select = Query::select();
            select.from_subquery(shared, name("shared")).and_where(column("shared", "sharers").gt(integer(1)));
            self.finished(builder, select, (counts, (column("shared", "id"), form)), expressions)
        });
        Probe { count, ids }
    }

    /// A page of the records of a new collection that would have a value in this field, in the order of their ids: those
    /// after this id. Of the layout's fields, only `id` and this one are read.
    pub fn values(
        &self,
        (new, field): (CollectionId, FieldId),
        after: Option<&Value>,
        limit: i64,
    ) -> (Statement, RecordLayout) {
        let mut builder = Builder::new(self.old, self.dialect);
        let expressions = self.expressions(&mut builder);
        builder.model = &self.next;
        let collection = self.next.collection(new);
        let this = unrestricted(&mut builder, collection, Perspective::Stored);
        let (mut select, mut columns) = (Query::select(), Vec::new());
        for (at, stored) in columns_of(collection) {
            let is_read = at.field == field || at.field == Collection::ID;
            select.expr(if is_read { builder.stored(&this, at) } else { schema::typed_null(self.dialect, stored) });
            columns.push(stored.into());
        }
        select.and_where(builder.stored(&this, ColumnRef::main(field)).is_not_null());
        let key = builder.key(&this);
        if after.is_some() {
            let bound = builder.id_slot(collection.key.form(), Slot::Id);
            select.and_where(key.clone().gt(bound));
        }
        select.order_by_expr(key, Order::Asc);
        builder.limit(&mut select, Slot::Limit);
        builder.from(this.frame, &mut select);
        let template = if expressions.is_empty() {
            builder.finish(&select, columns)
        } else {
            let mut with = WithClause::new();
            for expression in expressions {
                with.cte(expression);
            }
            builder.finish(&with.query(select), columns)
        };
        let statement = template.bind(|slot| match slot {
            Slot::Id => after.cloned().unwrap_or(Value::Null),
            Slot::Limit => Value::Int(limit),
            other => self.value_of(other),
        });
        (statement, RecordLayout::of(collection))
    }

    fn of_old(&self, old: CollectionId, condition: &Condition<'_>) -> Probe {
        let [count, ids] = [true, false].map(|counts| {
            let mut builder = Builder::new(self.old, self.dialect);
            let select = filtered(&mut builder, (self.old.collection(old), Perspective::Stored), condition);
            self.finished(builder, select.0, (counts, select.1), Vec::new())
        });
        Probe { count, ids }
    }

    pub(crate) fn of_next(&self, new: CollectionId, condition: &Condition<'_>) -> Probe {
        self.of_next_in((new, Perspective::Stored), condition)
    }

    pub(crate) fn of_next_in(
        &self,
        (new, perspective): (CollectionId, Perspective),
        condition: &Condition<'_>,
    ) -> Probe {
        let [count, ids] = [true, false].map(|counts| {
            let mut builder = Builder::new(self.old, self.dialect);
            let expressions = self.expressions(&mut builder);
            builder.model = &self.next;
            let (select, key) = filtered(&mut builder, (self.next.collection(new), perspective), condition);
            self.finished(builder, select, (counts, key), expressions)
        });
        Probe { count, ids }
    }

    pub(crate) fn finished(
        &self,
        mut builder: Builder<'_>,
        mut select: SelectStatement,
        (counts, key): (bool, (Sql, KeyForm)),
        expressions: Vec<sea_query::CommonTableExpression>,
    ) -> Statement {
        let columns = vec![answer(&mut builder, &mut select, (counts, key))];
        if expressions.is_empty() {
            return self.bound(&builder.finish(&select, columns));
        }
        let mut with = WithClause::new();
        for expression in expressions {
            with.cte(expression);
        }
        self.bound(&builder.finish(&with.query(select), columns))
    }
}

/// Has a SELECT count its rows, or name the first of them.
pub(crate) fn answer(
    builder: &mut Builder<'_>,
    select: &mut SelectStatement,
    (counts, key): (bool, (Sql, KeyForm)),
) -> ColumnType {
    let (key, form) = key;
    if counts {
        select.expr(Func::count(Sql::col(Asterisk)));
        return Storage::Int.into();
    }
    select.expr(key.clone()).order_by_expr(key, Order::Asc);
    builder.limit(select, Slot::Constant(Value::Int(i64::try_from(PROBED_IDS).unwrap_or(i64::MAX))));
    Storage::Id(form).into()
}

/// What a column of the record with this key holds.
fn value_of(of: &Collection, column_name: &str, key: Sql) -> Sql {
    let mut select = Query::select();
    select.expr(column(&of.table, column_name)).from(name(&of.table));
    select.and_where(column(&of.table, &of.field(Collection::ID).columns[0].name).eq(key));
    subquery(select)
}

/// The records of a collection for which a condition holds, without columns so far, and their key.
fn filtered(
    builder: &mut Builder<'_>,
    (collection, perspective): (&Collection, Perspective),
    condition: &Condition<'_>,
) -> (SelectStatement, (Sql, KeyForm)) {
    let this = unrestricted(builder, collection, perspective);
    let mut select = Query::select();
    let key = builder.key(&this);
    condition(builder, &this).restrict(&mut select);
    builder.from(this.frame, &mut select);
    (select, (key, collection.key.form()))
}
