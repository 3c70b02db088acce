use backstay_expr::{Cost, Expr};
use sea_query::ExprTrait;

use crate::builder::{Anchor, Builder, Seen};
use crate::expressions::Reader;
use crate::history::of_each_record;
use crate::lower::{Lowering, Scope, holds, sees};
use crate::order::{PageOrder, Place};
use crate::partial::{self, Known, Usable, usable};
use crate::predicate::Pred;
use crate::steer::{Lead, Ranges, RulePred, Way, compared_fields, count_rule, page_rule};
use crate::{PageStart, Perspective, ReadScope, ReadShape, Slot, SortKey, SoughtBy, search};

/// Which records are read, and in which order.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) condition: Pred,
    /// For a page.
    pub(crate) order: Option<PageOrder>,
}

/// The caller's own questions about the records of a page (filter, order and cursor) meet the caller's rights here, and
/// those about the order of a nested list in `order`. Its filter and where it starts are planned in `output`, and no other module plans a question.
///
/// What the caller wrote is looked at with the caller's rights: a hidden field is null, and a hidden related record does
/// not exist. None of it is evaluated on a hidden row, so that time, cost and errors reveal nothing about it: see `barrier`.
pub(crate) fn asked_by(
    builder: &mut Builder<'_>,
    (shape, nullable): (&ReadShape, &[bool]),
    rows: &Seen<'_>,
    (reader, way): (Reader<'_>, Way),
) -> Asked {
    let Terms { scope: mut terms, rule, questions, order } = terms(builder, (shape, nullable), rows, (reader, way));
    terms.extend(barrier(builder, rows, rule, questions));
    Asked { condition: Pred::all(terms), order }
}

/// What the database may find the records of a page by, and nothing else: whether the caller sees one, and what the caller
/// asks of it, is asked of a part of them.
pub(crate) fn window(
    builder: &mut Builder<'_>,
    (shape, nullable): (&ReadShape, &[bool]),
    rows: &Seen<'_>,
    reader: Reader<'_>,
) -> Pred {
    let Terms { scope: terms, rule, questions, order: _ } =
        terms(builder, (shape, nullable), rows, (reader, Way::InOrder));
    let steering = rule.into_iter().filter(|part| part.steers).map(|part| part.pred);
    let ranges = questions.into_iter().filter(|asked| asked.is_range).map(|asked| asked.pred);
    Pred::all(terms.into_iter().chain(steering).chain(ranges))
}

/// What leads to the records of a page of which the caller's memberships tell whether the caller sees them.
pub(crate) fn lead(builder: &Builder<'_>, shape: &ReadShape, rows: &Seen<'_>, reader: Reader<'_>) -> Option<Lead> {
    match &shape.scope {
        ReadScope::Page { sort, .. } if shape.search.is_none() => {
            let basis = Basis::of(builder, shape, rows, reader);
            let known = basis.known(reader);
            let ranges = Ranges::new(builder.model.collection(rows.anchor.collection), &basis.usable, &known);
            let in_branch = basis.filter.iter().any(|part| ranges.branch(part).is_some());
            Lead::of(builder, rows, (&ranges, sort)).filter(|_| !in_branch)
        }
        ReadScope::Page { .. } | ReadScope::One | ReadScope::Key | ReadScope::Count => None,
    }
}

/// The order of a page that starts here.
pub(crate) fn page_order(
    builder: &mut Builder<'_>,
    (sort, start): (&[SortKey], &PageStart),
    record: &Anchor,
    reader: Reader<'_>,
) -> PageOrder {
    let order = order(builder, sort, record, reader);
    match start {
        PageStart::First | PageStart::Skip | PageStart::After(_) => order,
        PageStart::Before(_) => order.reversed(),
    }
}

/// The expressions that all records of a page fulfil, and the indexes that these let it use.
struct Basis<'a> {
    rule: Vec<&'a Expr>,
    filter: Vec<&'a Expr>,
    usable: Vec<Usable<'a>>,
}

impl<'a> Basis<'a> {
    fn of(builder: &Builder<'a>, shape: &'a ReadShape, rows: &Seen<'a>, reader: Reader<'a>) -> Self {
        let rule = rows.read.parts().iter().map(|part| part.expr).collect();
        let filter = shape.filter.iter().flat_map(Expr::conjuncts).collect();
        let mut basis = Self { rule, filter, usable: Vec::new() };
        let record = &rows.anchor;
        match &shape.scope {
            // Versions have indexes of their own.
            _ if record.perspective.is_of_versions() => {}
            ReadScope::Page { .. } | ReadScope::Count => {
                let indexes = reader.expressions.indexes(builder.model.collection(record.collection));
                basis.usable = usable(indexes, record.collection, &basis.known(reader));
            }
            // The unique index has no condition.
            ReadScope::One | ReadScope::Key => {}
        }
        basis
    }

    fn known<'k>(&'k self, reader: Reader<'k>) -> Known<'k> {
        Known { rights: reader.rights, rule: &self.rule, filter: &self.filter }
    }
}

/// What a statement asks of records, before the caller's questions stand behind the rule.
struct Terms {
    /// Which record, or which versions.
    scope: Vec<Pred>,
    rule: Vec<RulePred>,
    questions: Vec<Question>,
    /// For a page.
    order: Option<PageOrder>,
}

fn terms(
    builder: &mut Builder<'_>,
    (shape, nullable): (&ReadShape, &[bool]),
    rows: &Seen<'_>,
    (reader, way): (Reader<'_>, Way),
) -> Terms {
    let record = &rows.anchor;
    let scope = match &shape.scope {
        ReadScope::One => {
            let id = builder.slot(Slot::Id, builder.key_storage(record));
            vec![Pred::Sql(builder.key(record).eq(id))]
        }
        ReadScope::Key | ReadScope::Page { .. } | ReadScope::Count => as_of(builder, record).into_iter().collect(),
    };
    let basis = Basis::of(builder, shape, rows, reader);
    let known = basis.known(reader);
    let ranges = Ranges::new(builder.model.collection(record.collection), &basis.usable, &known);
    let rule = match &shape.scope {
        _ if record.perspective.is_of_versions() => vec![RulePred::plain(holds(builder, rows.read, record))],
        ReadScope::Page { sort, .. } => page_rule(builder, rows, (&ranges, sort), way),
        ReadScope::Count => count_rule(builder, rows),
        ReadScope::One | ReadScope::Key => vec![RulePred::plain(holds(builder, rows.read, record))],
    };
    let mut questions = filtered(builder, record, (&ranges, &known));
    questions.extend(index_conditions(builder, shape, record, (&basis.usable, &known)));
    if shape.search.is_some() {
        let found = search::restrict(builder, (record, reader.rights), (SoughtBy::Request, shape.sort()));
        questions.push(Question::plain(found.map_or(Pred::Known(false), Pred::Sql), true));
    }
    let order = match &shape.scope {
        ReadScope::Page { sort, start } => {
            let order = page_order(builder, (sort, start), record, reader).with_nulls(nullable);
            match start {
                PageStart::First | PageStart::Skip => {}
                PageStart::After(position) | PageStart::Before(position) => {
                    let pred = Pred::Sql(order.after(builder, Place::OfRequest(position)));
                    questions.push(Question::plain(pred, order.is_open()));
                }
            }
            Some(order)
        }
        ReadScope::One | ReadScope::Key | ReadScope::Count => None,
    };
    Terms { scope, rule, questions, order }
}

/// Where a list of the past finds its versions.
fn as_of(builder: &mut Builder<'_>, record: &Anchor) -> Option<Pred> {
    let history = builder.model.collection(record.collection).history.as_ref();
    let history = history.filter(|_| record.perspective == Perspective::AsOf)?;
    Some(of_each_record(builder, &history.table, record))
}

/// What the caller asks: a term that must be true.
#[derive(Debug)]
struct Question {
    pred: Pred,
    /// Whether the database may use it to find rows.
    is_range: bool,
    /// What it costs, if it looks through whole texts: it is evaluated after what costs less.
    cost: Option<Cost>,
}

impl Question {
    fn plain(pred: Pred, is_range: bool) -> Self {
        Self { pred, is_range, cost: None }
    }

    fn of(part: &Expr, pred: Pred, is_range: bool) -> Self {
        let cost = Some(part.cost()).filter(|_| part.reads_texts());
        Self { pred, is_range, cost }
    }
}

/// The order that the caller asked for, of a page or of a nested list.
pub(crate) fn order(builder: &mut Builder<'_>, sort: &[SortKey], record: &Anchor, reader: Reader<'_>) -> PageOrder {
    PageOrder::new(builder, sort, record, reader)
}

fn filtered(builder: &mut Builder<'_>, record: &Anchor, (ranges, known): (&Ranges<'_>, &Known<'_>)) -> Vec<Question> {
    let mut lowering = Lowering::new(builder, Scope::question(record, known.rights));
    let parts = known.filter.iter().copied();
    let mut questions: Vec<Question> =
        parts.clone().map(|part| Question::of(part, lowering.is_true(part), ranges.include(part))).collect();
    // Beside the question itself, which asks what the caller may know of the tree, stands a range that the index on the path
    // finds: all that is stored in the branch.
    let branches = parts.filter_map(|part| ranges.branch(part));
    questions.extend(branches.filter_map(|branch| {
        let pred = branch.lowered(&mut lowering)?;
        Some(Question::plain(pred, true))
    }));
    questions
}

/// The conditions of indexes that are true of all records that are asked for: without them, no index with a condition is
/// used. They are ranges, since an index holds just the records for which its condition is true.
fn index_conditions(
    builder: &mut Builder<'_>,
    shape: &ReadShape,
    record: &Anchor,
    (usable, known): (&[Usable<'_>], &Known<'_>),
) -> Vec<Question> {
    let compared = compared_fields(known);
    let conditions = partial::conditions(usable, (&compared, shape.sort()));
    conditions.map(|condition| Question::plain(partial::written(builder, condition, record), true)).collect()
}

/// The terms of the rule and of what the caller asks.
///
/// The database may evaluate terms in any order, and SQLite begins with those that follow no relation. What the caller
/// asks is therefore the branch of a CASE that is taken where the rule holds. Beside it stands what an index can use:
/// ranges that the caller asks for, from which follows at most how many hidden rows a range holds, and the parts of the
/// rule that can steer the database to the rows.
fn barrier(builder: &mut Builder<'_>, rows: &Seen<'_>, rule: Vec<RulePred>, questions: Vec<Question>) -> Vec<Pred> {
    let behind = |question: &Question| !question.is_range && matches!(question.pred, Pred::Sql(_));
    let whole = match questions.iter().any(behind) {
        true => sees(builder, rows),
        false => Pred::Known(true),
    };
    if !matches!(whole, Pred::Sql(_)) {
        let rule = rule.into_iter().map(|part| part.pred);
        return rule.chain(cheapest_first(questions)).collect();
    }
    let (ranges, others): (Vec<Question>, Vec<Question>) = questions.into_iter().partition(|asked| asked.is_range);
    let steering = rule.into_iter().filter(|part| part.steers).map(|part| part.pred);
    let others = Pred::all(cheapest_first(others));
    steering.chain(ranges.into_iter().map(|asked| asked.pred)).chain([others.behind(whole)]).collect()
}

/// The terms of what the caller asks. What looks through whole texts is evaluated where the terms hold that stand before it
/// and cost less; an index can still find rows by ranges.
fn cheapest_first(questions: Vec<Question>) -> Vec<Pred> {
    let (mut ranges, mut terms, mut reached) = (Vec::new(), Vec::new(), Cost::Plain);
    let is_in_order = questions.iter().all(|asked| asked.cost.is_none());
    for Question { pred, is_range, cost } in questions {
        match cost {
            Some(cost) if cost > reached => {
                terms = vec![pred.behind(Pred::all(terms))];
                reached = cost;
            }
            None if is_range && !is_in_order => ranges.push(pred),
            Some(_) | None => terms.push(pred),
        }
    }
    ranges.into_iter().chain(terms).collect()
}
