//! Groups of records in one statement of four layers: keys and terms of the records that the caller sees; what the groups come
//! to; that as it is answered; and the page of them.

use std::sync::Arc;

use backstay_expr::{Digits, Expr, Function, Node, Rights, Type};
use backstay_model::CollectionId;
use backstay_scalar::{Part, Scalar, Storage, Value};
use sea_query::{Expr as Sql, ExprTrait, Func, Query, SelectStatement};

use crate::aggregate::{all_rows, extreme_of, where_known};
use crate::builder::{Anchor, Builder, Record};
use crate::columns::Columns;
use crate::expressions::Reader;
use crate::groups::columns;
use crate::lower::{Lowering, OutputColumn, Scope};
use crate::memberships::asked;
use crate::operand::{Form, Val};
use crate::order::{GroupKeyColumn, PageOrder, Place};
use crate::tree::{cast, column, integer, name, only_where};
use crate::{
    ColumnType, Dialect, Fold, FoldFunction, GroupValue, Groups, GroupsShape, MemberOutput, ObjectOutput, PageStart,
    Perspective, Phrase, Planner, ReadPlan, RowOutput, Slot, ValueKind, ValueOutput,
};

impl Planner {
    /// The groups of the records that callers with these rights may read, in one statement.
    ///
    /// Keys and terms are computed of the records that the rules and the filter leave, because a SELECT filters before it
    /// computes. The groups are kept apart from what is asked of them, so that no database asks it of records instead.
    pub fn groups<'r>(&'r self, shape: &'r GroupsShape, rights: &'r Rights) -> ReadPlan {
        let reader = Reader { rights, expressions: &self.expressions, first_param: shape.records.first_param };
        let mut builder = Builder::new(&self.model, self.dialect);
        builder.read_whole();
        let (groups, collection) = (&shape.groups, shape.records.collection);
        let mut grouping = Grouping { builder: &mut builder, reader, groups, collection };
        let (records, terms) = grouping.terms(shape);
        let (folded, raw) = grouping.folded(records, &terms);
        let (answered, outputs) = grouping.answered(folded, raw);
        grouping.page(answered, &outputs, &shape.start).finish(builder)
    }
}

/// Writes the layers of one statement.
struct Grouping<'b, 'm, 'r> {
    builder: &'b mut Builder<'m>,
    reader: Reader<'r>,
    groups: &'r Groups,
    collection: CollectionId,
}

/// The term of a value, in columns of the records' SELECT.
struct Term {
    /// Of `Money` the amount and the currency.
    columns: Vec<String>,
    form: Form,
}

/// What is known of the records: the forms of the keys, and the terms.
struct Terms {
    keys: Vec<Form>,
    /// One for each value, but for the number of records.
    values: Vec<Option<Term>>,
}

/// What the groups come to before it is answered.
struct Raw {
    outputs: Vec<Vec<(Part, Form)>>,
    /// For each value what it is of these.
    values: Vec<Expr>,
}

/// A finished SELECT and what is to be read from it.
struct Written {
    select: SelectStatement,
    columns: Vec<ColumnType>,
    members: Vec<MemberOutput>,
    cursor: Vec<usize>,
}

impl Written {
    fn finish(self, builder: Builder<'_>) -> ReadPlan {
        let output = RowOutput::Record(ObjectOutput { present: None, members: self.members });
        let template = builder.finish(&self.select, self.columns);
        ReadPlan { template, output, cursor: self.cursor, version: None, highlights: Vec::new() }
    }
}

impl<'m, 'r> Grouping<'_, 'm, 'r> {
    /// The keys and terms of the records that the caller asks for and sees.
    fn terms(&mut self, shape: &GroupsShape) -> (SelectStatement, Terms) {
        let records = &shape.records;
        let collection = self.builder.model.collection(records.collection);
        let rows = self.builder.rows(collection, records.perspective, (self.reader.rights, records.action));
        let asked = asked(self.builder, records, &rows, self.reader);
        let (record, groups) = (&rows.anchor, self.groups);
        let mut select = Query::select();
        let mut keys = Vec::with_capacity(groups.by.len());
        for (index, key) in groups.by.iter().enumerate() {
            let value = self.key(&key.value.of, key.value.kind, record);
            keys.push(value.form.clone());
            select.expr_as(self.of_kind(value, key.value.kind), name(&key_name(index)));
        }
        let mut values = Vec::with_capacity(groups.of.len());
        for (index, value) in groups.of.iter().enumerate() {
            let Fold::Of(function, of) = &value.fold else {
                values.push(None);
                continue;
            };
            let (terms, form) = self.term(*function, of, record);
            let columns: Vec<String> = (0..terms.len()).map(|part| format!("v{index}_{part}")).collect();
            for (term, column) in terms.into_iter().zip(&columns) {
                select.expr_as(term, name(column));
            }
            values.push(Some(Term { columns, form }));
        }
        let is_empty = groups.by.is_empty() && groups.of.iter().all(|value| value.fold.term().is_none());
        if is_empty {
            select.expr_as(integer(1), name("one"));
        }
        asked.condition.restrict(&mut select);
        self.builder.from(record.frame, &mut select);
        (select, Terms { keys, values })
    }

    /// Expressions about a record, as the caller sees it.
    fn about(&mut self, of: &Phrase, record: &Anchor) -> Lowering<'_, 'm, 'r> {
        let first_param = self.reader.first_param + of.first_param;
        let scope = Scope { first_param, ..Scope::question(record, self.reader.rights) };
        Lowering::new(self.builder, scope)
    }

    /// What records are grouped by, as it is answered.
    fn key(&mut self, of: &Phrase, kind: ValueKind, record: &Anchor) -> Val {
        let expr = &of.checked.expr;
        let mut lowering = self.about(of, record);
        match digits(kind).filter(|_| !expr.node.is_held()) {
            Some(digits) => lowering.fitted(expr, digits),
            None => lowering.unfitted(expr),
        }
    }

    fn of_kind(&self, value: Val, kind: ValueKind) -> Sql {
        match (value.is_null(), columns(kind).as_slice()) {
            (true, [(_, storage), ..]) => self.builder.dialect.null((*storage).into()),
            (_, _) => value.settled(),
        }
    }

    fn term(&mut self, function: FoldFunction, of: &Phrase, record: &Anchor) -> (Vec<Sql>, Form) {
        let (expr, model) = (&of.checked.expr, self.builder.model);
        let mut lowering = self.about(of, record);
        match (function, &expr.ty) {
            (FoldFunction::Count, _) => {
                let counts = only_where(lowering.is_true(expr).definite(), integer(1));
                (vec![counts], Form::Column)
            }
            (FoldFunction::Min | FoldFunction::Max, Type::Enum(id)) if model.enumeration(*id).order().is_some() => {
                let names = model.enumeration(*id).order().unwrap_or_default();
                let (mut columns, form) = lowering.columns_of_term(expr);
                (vec![self.builder.dialect.ordinal(columns.swap_remove(0), &names)], form)
            }
            (
                FoldFunction::CountDistinct
                | FoldFunction::Sum
                | FoldFunction::Average
                | FoldFunction::Min
                | FoldFunction::Max,
                _,
            ) => lowering.columns_of_term(expr),
        }
    }

    /// What the groups come to.
    fn folded(&mut self, records: SelectStatement, terms: &Terms) -> (SelectStatement, Raw) {
        let groups = self.groups;
        let (frame, alias) = self.builder.select(records);
        let mut folds = Folds { select: Query::select(), outputs: Vec::new() };
        for (index, form) in terms.keys.iter().enumerate() {
            let key = column(&alias, &key_name(index));
            folds.push([(Part::Main, key.clone(), form.clone())]);
            folds.select.add_group_by([key]);
        }
        let record = self.anchor(frame, &alias);
        let mut values = Vec::with_capacity(groups.of.len());
        for (value, term) in groups.of.iter().zip(&terms.values) {
            let Some(term) = term else {
                let records = folds.push([(Part::Main, all_rows(), Form::Column)]);
                values.push(output(records, Type::Int));
                continue;
            };
            let columns: Vec<Sql> = term.columns.iter().map(|part| column(&alias, part)).collect();
            values.push(self.fold((value, term), &columns, (&record, &mut folds)));
        }
        if folds.outputs.is_empty() {
            folds.push([(Part::Main, integer(1), Form::Column)]);
        }
        // What is asked of groups would otherwise be asked of the records where it names only what they are grouped by.
        self.builder.limit(&mut folds.select, Slot::Constant(Value::Int(i64::MAX)));
        self.builder.from(frame, &mut folds.select);
        (folds.select, Raw { outputs: folds.outputs, values })
    }

    /// One value of the groups, of a term in these columns.
    fn fold(
        &mut self,
        (value, term): (&GroupValue, &Term),
        columns: &[Sql],
        (record, folds): (&Anchor, &mut Folds),
    ) -> Expr {
        let Fold::Of(function, of) = &value.fold else { unreachable!("the number of records has no term") };
        let (expr, first) = (&of.checked.expr, columns[0].clone());
        let known = |answer: Sql| where_known(expr, &columns[0], answer);
        let mut lowering = Lowering::new(self.builder, Scope::question(record, self.reader.rights));
        let parts: &[Part] = if expr.ty == Type::Money { &[Part::Main, Part::Currency] } else { &[Part::Main] };
        let sums = |lowering: &mut Lowering<'_, '_, '_>| {
            let sum = |part: &Part| {
                let form = lowering.form_of_sum(expr, &term.form, *part);
                (*part, known(lowering.sum_of(expr, columns, *part)), form)
            };
            parts.iter().map(sum).collect::<Vec<_>>()
        };
        match function {
            FoldFunction::Count => {
                output(folds.push([(Part::Main, Func::count(first).into(), Form::Column)]), Type::Int)
            }
            FoldFunction::CountDistinct => {
                output(folds.push([(Part::Main, Func::count_distinct(first).into(), Form::Column)]), Type::Int)
            }
            FoldFunction::Sum => output(folds.push(sums(&mut lowering)), expr.ty.clone()),
            FoldFunction::Average if expr.ty == Type::Float => {
                let sum = lowering.sum_of(expr, columns, Part::Main);
                let number = cast(Func::count(first.clone()).into(), lowering.builder.dialect.float_type());
                let some = Sql::from(Func::count(first)).gt(integer(0));
                let average = only_where(some, sum.div(number));
                output(folds.push([(Part::Main, known(average), Form::Column)]), Type::Float)
            }
            FoldFunction::Average => {
                let sum = output(folds.push(sums(&mut lowering)), expr.ty.clone());
                let count = output(folds.push([(Part::Main, Func::count(first).into(), Form::Column)]), Type::Int);
                average(sum, count, value.kind)
            }
            FoldFunction::Min | FoldFunction::Max => {
                let names = match &expr.ty {
                    Type::Enum(id) => lowering.builder.model.enumeration(*id).order(),
                    _ => None,
                };
                let extreme = |part: &Part| {
                    let form = if *part == Part::Currency { Form::Column } else { term.form.clone() };
                    let answer = extreme_of(columns, names.as_deref(), (function.name(), *part));
                    (*part, known(answer), form)
                };
                output(folds.push(parts.iter().map(extreme).collect::<Vec<_>>()), expr.ty.clone())
            }
        }
    }

    /// A row of a SELECT of groups, to which nothing is joined.
    fn anchor(&self, frame: usize, alias: &Arc<str>) -> Anchor {
        let (record, collection) = (Record::Row(Arc::clone(alias)), self.collection);
        Anchor { frame, record, collection, perspective: Perspective::Live }
    }

    /// The outputs as they are answered.
    fn answered(&mut self, folded: SelectStatement, raw: Raw) -> (SelectStatement, Vec<Vec<(Part, Storage)>>) {
        let (frame, alias) = self.builder.select(folded);
        let of_alias = |(number, parts): (usize, Vec<(Part, Form)>)| {
            let at = |part: Part| column(&alias, &output_name(number, part));
            parts.into_iter().map(|(part, form)| OutputColumn { part, sql: at(part), form }).collect()
        };
        let outputs: Arc<[Vec<OutputColumn>]> = raw.outputs.into_iter().enumerate().map(of_alias).collect();
        let keys = (0..self.groups.by.len()).map(|index| output(index, Type::Null));
        let exprs: Vec<Expr> = keys.chain(raw.values).collect();
        let record = self.anchor(frame, &alias);
        let (mut select, mut written) = (Query::select(), Vec::new());
        for (index, ((_, kind), expr)) in self.groups.outputs().zip(&exprs).enumerate() {
            let parts = columns(kind);
            for (part, storage) in &parts {
                let scope = Scope { outputs: Arc::clone(&outputs), ..Scope::question(&record, self.reader.rights) };
                let mut lowering = Lowering::new(self.builder, scope);
                let sql = answered_part(&mut lowering, expr, (*part, *storage));
                select.expr_as(sql, name(&output_name(index, *part)));
            }
            written.push(parts);
        }
        if written.is_empty() {
            select.expr_as(integer(1), name("one"));
        }
        self.builder.from(frame, &mut select);
        (select, written)
    }

    /// The page of groups that is asked for.
    fn page(&mut self, answered: SelectStatement, outputs: &[Vec<(Part, Storage)>], start: &PageStart) -> Written {
        let (frame, alias) = self.builder.select(answered);
        let dialect = self.builder.dialect;
        let at = |index: usize, part: Part| column(&alias, &output_name(index, part));
        let as_stored = |index: usize, (part, storage): &(Part, Storage)| {
            let form = match (dialect, storage) {
                (Dialect::Sqlite, Storage::Decimal { scale }) => Form::Scaled(*scale),
                (Dialect::Sqlite | Dialect::Postgres, _) => Form::Column,
            };
            OutputColumn { part: *part, sql: at(index, *part), form }
        };
        let stored: Arc<[Vec<OutputColumn>]> = outputs
            .iter()
            .enumerate()
            .map(|(index, parts)| parts.iter().map(|part| as_stored(index, part)).collect())
            .collect();
        let mut select = Query::select();
        if let Some(having) = &self.groups.having {
            let record = self.anchor(frame, &alias);
            let first_param = self.reader.first_param + having.first_param;
            let scope = Scope { first_param, outputs: stored, ..Scope::question(&record, self.reader.rights) };
            Lowering::new(self.builder, scope).is_true(&having.checked.expr).restrict(&mut select);
        }
        let (mut columns, mut members) = (Columns::default(), Vec::new());
        let answered = self.groups.by.len() + self.groups.answered;
        for (index, ((output, kind), parts)) in self.groups.outputs().zip(outputs).enumerate().take(answered) {
            let mut push = |(part, storage): &(Part, Storage)| columns.push(at(index, *part), *storage);
            let pushed: Vec<usize> = parts.iter().map(&mut push).collect();
            let value = match (pushed.as_slice(), parts.as_slice(), kind.scalar()) {
                ([column], [(_, storage)], scalar) => {
                    ValueOutput::Column { column: *column, holds: (*storage).into(), scalar }
                }
                (_, _, Some(scalar)) => ValueOutput::Columns(pushed.into(), scalar),
                (_, _, None) => unreachable!("only scalars take several columns"),
            };
            members.push(MemberOutput { name: Arc::clone(output), visible: None, value });
        }
        let order = self.order(outputs, at);
        let cursor = order.cursor(&mut columns);
        let order = match start {
            PageStart::First | PageStart::Skip | PageStart::After(_) => order,
            PageStart::Before(_) => order.reversed(),
        };
        if let PageStart::After(position) | PageStart::Before(position) = start {
            select.and_where(order.after(self.builder, Place::OfRequest(position)));
        }
        order.write(self.builder, &mut select);
        let columns = columns.select_into(dialect, &mut select);
        self.builder.limit_to_page(&mut select, start);
        self.builder.from(frame, &mut select);
        Written { select, columns, members, cursor }
    }

    /// The order of the groups.
    fn order(&self, outputs: &[Vec<(Part, Storage)>], at: impl Fn(usize, Part) -> Sql) -> PageOrder {
        let kinds: Vec<ValueKind> = self.groups.outputs().map(|(_, kind)| kind).collect();
        let order = self.groups.order();
        let keys = order.into_iter().map(|key| GroupKeyColumn {
            sql: at(key.output, Part::Main),
            names: match kinds[key.output] {
                ValueKind::Enum(id) => self.builder.model.enumeration(id).order(),
                ValueKind::Scalar(_) => None,
            },
            column: outputs[key.output][0].1.into(),
            descending: key.descending,
        });
        PageOrder::of_groups(keys)
    }
}

/// The columns of the SELECT in which groups come to something.
struct Folds {
    select: SelectStatement,
    outputs: Vec<Vec<(Part, Form)>>,
}

impl Folds {
    /// Adds an output; its number.
    fn push(&mut self, parts: impl IntoIterator<Item = (Part, Sql, Form)>) -> usize {
        let number = self.outputs.len();
        let mut columns = Vec::new();
        for (part, sql, form) in parts {
            self.select.expr_as(sql, name(&output_name(number, part)));
            columns.push((part, form));
        }
        self.outputs.push(columns);
        number
    }
}

/// A part of an output as it is answered.
fn answered_part(lowering: &mut Lowering<'_, '_, '_>, expr: &Expr, (part, storage): (Part, Storage)) -> Sql {
    let of = expr.in_part(part);
    let value = match (&of.node, storage) {
        // What is held or only compared has the digits of its field.
        (Node::Output(..), Storage::Decimal { scale }) => {
            let raw = lowering.value(&of);
            match raw.form {
                Form::Scaled(own) if own == scale => raw,
                Form::Null => raw,
                _ => lowering.fitted(&of, digits_of(scale)),
            }
        }
        (_, Storage::Decimal { scale }) => lowering.fitted(&of, digits_of(scale)),
        (_, _) => lowering.unfitted(&of),
    };
    match value.is_null() {
        true => lowering.builder.dialect.null(storage.into()),
        false => value.settled(),
    }
}

fn digits_of(scale: u8) -> Digits {
    Digits { precision: backstay_base::limits::DECIMAL_DIGITS, scale }
}

fn digits(kind: ValueKind) -> Option<Digits> {
    match kind {
        ValueKind::Scalar(Scalar::Decimal { precision, scale }) => Some(Digits { precision, scale }),
        ValueKind::Scalar(_) | ValueKind::Enum(_) => None,
    }
}

/// What groups come to under this number.
fn output(number: usize, ty: Type) -> Expr {
    let number = u16::try_from(number).expect("groups have few outputs");
    Expr { node: Node::Output(number, None), ty, span: 0..0 }
}

/// The average: of amounts of money an amount in their currency.
fn average(sum: Expr, count: Expr, kind: ValueKind) -> Expr {
    let scale = columns(kind).first().map_or(0, |(_, storage)| match storage {
        Storage::Decimal { scale } => i64::from(*scale),
        _ => 0,
    });
    let places = Expr { node: Node::Literal(Value::Int(scale)), ty: Type::Int, span: 0..0 };
    let ty = if sum.ty == Type::Money { Type::Money } else { Type::Decimal };
    Expr { node: Node::Call(Function::Quotient, vec![sum, count, places]), ty, span: 0..0 }
}

fn key_name(index: usize) -> String {
    format!("k{index}")
}

fn output_name(index: usize, part: Part) -> String {
    match part {
        Part::Main => format!("c{index}"),
        Part::Currency => format!("c{index}_currency"),
    }
}
