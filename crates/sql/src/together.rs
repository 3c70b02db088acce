//! The records of several types, read together: a SELECT of each type behind its own rules, with its own ranges, order and
//! limit, so that the cost doesn't grow with the records of any of them; and one SELECT over all that merges them.

use std::sync::Arc;

use backstay_expr::Rights;
use backstay_model::Collection;
use backstay_scalar::{Storage, Value};
use sea_query::{Asterisk, Expr as Sql, Func, Query, SelectStatement, UnionType};

use crate::builder::{Anchor, Builder};
use crate::expressions::Reader;
use crate::memberships::asked_in_order;
use crate::order::PageOrder;
use crate::output::RowWriter;
use crate::question::{Asked, order};
use crate::tree::{boolean, column, integer, name};
use crate::{
    Alternative, ColumnRef, ColumnType, Dialect, DocumentOutput, MemberOutput, ObjectOutput, PageStart, Planner,
    ReadPlan, ReadScope, ReadShape, RecordsOutput, RowOutput, Slot, SoughtBy, ValueOutput, search,
};

impl Planner {
    /// A read of records of several types, as callers with these rights may make it, in one statement. The shapes, at
    /// least one, differ only in their types: their sort keys are fields of the same forms, in the same order.
    pub fn read_together(&self, shapes: &[ReadShape], rights: &Rights) -> ReadPlan {
        let reader = Reader { rights, expressions: &self.expressions, first_param: 0 };
        let nullable = self.nullable_keys(shapes, reader);
        let mut builder = Builder::new(&self.model, self.dialect);
        let parts: Vec<Part> = shapes.iter().map(|shape| Part::of(&mut builder, (shape, &nullable), reader)).collect();
        match shapes.first().map(|shape| &shape.scope) {
            Some(ReadScope::Count) => counted(builder, parts),
            Some(ReadScope::Page { start, .. }) => merged(builder, parts, start),
            Some(ReadScope::One | ReadScope::Key) | None => merged(builder, parts, &PageStart::First),
        }
    }

    /// Of each sort key whether it can be null in records of any of the types: then it is treated so in all of them.
    fn nullable_keys(&self, shapes: &[ReadShape], reader: Reader<'_>) -> Vec<bool> {
        let mut builder = Builder::new(&self.model, self.dialect);
        let mut nullable: Vec<bool> = Vec::new();
        for shape in shapes {
            let rows =
                builder.rows(self.model.collection(shape.collection), shape.perspective, (reader.rights, shape.action));
            if shape.search.is_some() {
                // An order by ranks is one of what is found.
                search::restrict(&mut builder, (&rows.anchor, reader.rights), (SoughtBy::Request, shape.sort()));
            }
            for (index, key) in order(&mut builder, shape.sort(), &rows.anchor, reader).nullable().enumerate() {
                match nullable.get_mut(index) {
                    Some(known) => *known |= key,
                    None => nullable.push(key),
                }
            }
        }
        nullable
    }
}

/// Values with the types of the columns that hold them.
type Values = Vec<(Sql, ColumnType)>;

/// The records of one type.
struct Part {
    type_name: Arc<str>,
    /// Which of them, in which order; without columns.
    select: SelectStatement,
    order: Option<PageOrder>,
    /// The values of a cursor, then the version.
    heads: Values,
    columns: Values,
    members: Vec<MemberOutput>,
}

impl Part {
    fn of(builder: &mut Builder<'_>, (shape, nullable): (&ReadShape, &[bool]), reader: Reader<'_>) -> Self {
        let collection: &Collection = builder.model.collection(shape.collection);
        let reader = Reader { first_param: shape.first_param, ..reader };
        let rows = builder.rows(collection, shape.perspective, (reader.rights, shape.action));
        let Asked { condition, order } = asked_in_order(builder, (shape, nullable), &rows, reader);
        let record: Anchor = rows.anchor;
        let (mut columns, mut members, mut heads) = (Vec::new(), Vec::new(), Vec::new());
        match shape.scope {
            ReadScope::Count => {}
            ReadScope::One | ReadScope::Key | ReadScope::Page { .. } => {
                let mut row = RowWriter::new(builder, reader);
                members = row.object(&shape.selection, &record);
                columns = row.finish().into_inner();
                heads.extend(order.iter().flat_map(PageOrder::values));
                let version = builder.stored(&record, ColumnRef::main(Collection::VERSION));
                heads.push((version, Storage::Int.into()));
            }
        }
        let mut select = Query::select();
        condition.restrict(&mut select);
        if let Some(order) = &order {
            order.write(builder, &mut select);
        }
        match &shape.scope {
            // Any of the rows that are left out can be of this type, and so can all others.
            ReadScope::Page { start: PageStart::Skip, .. } => builder.limit(&mut select, Slot::Reach),
            ReadScope::Page { .. } | ReadScope::Count => builder.limit(&mut select, Slot::Limit),
            ReadScope::One | ReadScope::Key => {}
        }
        builder.from(record.frame, &mut select);
        Self { type_name: Arc::from(collection.name.as_str()), select, order, heads, columns, members }
    }
}

/// Selects what a part has, with its own order and limit, as an operand of a union.
fn operand(builder: &mut Builder<'_>, part: SelectStatement) -> SelectStatement {
    let alias = builder.alias();
    let mut all = Query::select();
    all.column(Asterisk).from_subquery(part, name(&alias));
    all
}

fn union(parts: impl IntoIterator<Item = SelectStatement>) -> SelectStatement {
    let together = parts.into_iter().reduce(|mut all, part| {
        all.union(UnionType::All, part);
        all
    });
    together.expect("records of at least one type are read")
}

fn counted(mut builder: Builder<'_>, parts: Vec<Part>) -> ReadPlan {
    let each = parts.into_iter().map(|mut part| {
        part.select.expr_as(integer(1), name("one"));
        operand(&mut builder, part.select)
    });
    let all = union(each.collect::<Vec<_>>());
    let mut select = Query::select();
    select.expr(Func::count(Sql::col(Asterisk))).from_subquery(all, name("counted"));
    let output = RowOutput::Record(ObjectOutput { present: None, members: Vec::new() });
    let template = builder.finish(&select, vec![Storage::Int.into()]);
    ReadPlan { template, output, version: None, cursor: Vec::new(), highlights: Vec::new() }
}

fn merged(mut builder: Builder<'_>, parts: Vec<Part>, start: &PageStart) -> ReadPlan {
    let heads = parts.first().map_or(0, |part| part.heads.len());
    let mut row = MergedRow { heads, types: parts.len(), columns: Vec::new() };
    let (mut selects, mut types, mut first_order) = (Vec::new(), Vec::new(), None);
    let placed: Vec<(Part, Vec<usize>)> = parts
        .into_iter()
        .map(|part| {
            let places = row.place(&part);
            (part, places)
        })
        .collect();
    for (index, (part, places)) in placed.into_iter().enumerate() {
        let Part { type_name, mut select, order, heads, columns, members } = part;
        row.select_into(&mut select, (index, heads, columns), (&places, builder.dialect));
        selects.push(operand(&mut builder, select));
        let members = members.into_iter().map(|member| moved(member, &places)).collect();
        types.push(Alternative { type_name, present: row.present(index), members });
        first_order = first_order.or(order);
    }
    let (alias, mut select) = (builder.alias(), Query::select());
    for (index, kind) in row.columns.iter().enumerate() {
        select.expr(builder.dialect.result(column(&alias, &MergedRow::name(index)), *kind));
    }
    select.from_subquery(union(selects), name(&alias));
    let mut cursor = Vec::new();
    if let Some(order) = &first_order {
        order.write_merged(&builder, &mut select, |index| column(&alias, &MergedRow::name(index)));
        builder.limit_to_page(&mut select, start);
        cursor.extend(0..heads - 1);
    } else {
        builder.limit(&mut select, Slot::Constant(Value::Int(1)));
    }
    let version = Some(heads - 1);
    let template = builder.finish(&select, row.columns);
    ReadPlan { template, output: RowOutput::OneOf(types.into()), version, cursor, highlights: Vec::new() }
}

/// The columns of all parts together. The heads of each part are in the same ones; then a Boolean for each type tells whose
/// record it is; then there are as many columns of each kind as one of the parts needs.
struct MergedRow {
    heads: usize,
    types: usize,
    columns: Vec<ColumnType>,
}

impl MergedRow {
    fn name(index: usize) -> String {
        format!("c{index}")
    }

    /// The column that is true of records of this type.
    fn present(&self, of: usize) -> usize {
        self.heads + of
    }

    /// Where the columns of a part are.
    fn place(&mut self, part: &Part) -> Vec<usize> {
        if self.columns.is_empty() {
            self.columns.extend(part.heads.iter().map(|(_, kind)| *kind));
            self.columns.extend(std::iter::repeat_n(ColumnType::One(Storage::Bool), self.types));
        }
        let common = self.heads + self.types;
        let mut places: Vec<usize> = Vec::with_capacity(part.columns.len());
        for (_, kind) in &part.columns {
            let is_free = |place: &usize| self.columns[*place] == *kind && !places.contains(place);
            let place = (common..self.columns.len()).find(is_free).unwrap_or_else(|| {
                self.columns.push(*kind);
                self.columns.len() - 1
            });
            places.push(place);
        }
        places
    }

    /// Gives the SELECT of a part the columns of all parts: null where it has none.
    fn select_into(
        &self,
        select: &mut SelectStatement,
        (index, heads, columns): (usize, Values, Values),
        (places, dialect): (&[usize], Dialect),
    ) {
        let mut values: Vec<Option<Sql>> = vec![None; self.columns.len()];
        for (place, (sql, _)) in heads.into_iter().enumerate() {
            values[place] = Some(sql);
        }
        for of in 0..self.types {
            values[self.present(of)] = Some(boolean(of == index));
        }
        for (place, (sql, _)) in places.iter().zip(columns) {
            values[*place] = Some(sql);
        }
        for (place, (value, kind)) in values.into_iter().zip(&self.columns).enumerate() {
            select.expr_as(value.unwrap_or_else(|| dialect.null(*kind)), name(&Self::name(place)));
        }
    }
}

/// A member whose columns have other places.
fn moved(member: MemberOutput, places: &[usize]) -> MemberOutput {
    let MemberOutput { name, visible, value } = member;
    MemberOutput { name, visible: visible.map(|column| places[column]), value: moved_value(value, places) }
}

fn moved_value(value: ValueOutput, places: &[usize]) -> ValueOutput {
    let all = |members: Vec<MemberOutput>| members.into_iter().map(|member| moved(member, places)).collect();
    match value {
        ValueOutput::Column { column, holds, scalar } => ValueOutput::Column { column: places[column], holds, scalar },
        ValueOutput::Columns(columns, scalar) => {
            ValueOutput::Columns(columns.iter().map(|column| places[*column]).collect(), scalar)
        }
        ValueOutput::Object(ObjectOutput { present, members }) => {
            ValueOutput::Object(ObjectOutput { present: present.map(|column| places[column]), members: all(members) })
        }
        ValueOutput::OneOf(alternatives) => {
            let moved = alternatives.into_iter().map(|Alternative { type_name, present, members }| Alternative {
                type_name,
                present: places[present],
                members: all(members),
            });
            ValueOutput::OneOf(moved.collect())
        }
        ValueOutput::Document(DocumentOutput { column, values, records }) => {
            let moved = records.into_iter().map(|records| RecordsOutput { column: places[records.column], ..records });
            ValueOutput::Document(DocumentOutput { column: places[column], values, records: moved.collect() })
        }
        ValueOutput::Place { columns, order } => {
            let columns = columns.iter().map(|(column, scalar)| (places[*column], *scalar)).collect();
            ValueOutput::Place { columns, order }
        }
        // The columns of its element are those of a nested row.
        ValueOutput::Rows { column, columns, element, limit } => {
            ValueOutput::Rows { column: places[column], columns, element, limit }
        }
    }
}
