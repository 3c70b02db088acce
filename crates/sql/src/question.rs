use backstay_expr::{Cost, Expr};
use sea_query::ExprTrait;

use crate::builder::{Anchor, Builder, Seen};
use crate::expressions::Reader;
use crate::history::of_each_record;
use crate::lower::{Lowering, Scope, holds, sees};
use crate::order::{PageOrder, Place};
use crate::partial::{self, Known, Usable, usable};
use crate::predicate::Pred;
use crate::steer::{Ranges, RulePred, compared_fields, count_rule, page_rule};
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
pub(crate) fn asked(builder: &mut Builder<'_>, shape: &ReadShape, rows: &Seen<'_>, reader: Reader<'_>) -> Asked {
    asked_in_order(builder, (shape, &[]), rows, reader)
}

/// The same, where some sort keys are null in records of other types which are read together with these.
pub(crate) fn asked_in_order(
    builder: &mut Builder<'_>,
    (shape, nullable): (&ReadShape, &[bool]),
    rows: &Seen<'_>,
    reader: Reader<'_>,
) -> Asked {
    let record = &rows.anchor;
    let mut terms = match &shape.scope {
        ReadScope::One => {
            let id = builder.slot(Slot::Id, builder.key_storage(record));
            vec![Pred::Sql(builder.key(record).eq(id))]
        }
        ReadScope::Key | ReadScope::Page { .. } | ReadScope::Count => as_of(builder, record).into_iter().collect(),
    };
    let parts = rows.read.parts();
    let rule: Vec<&Expr> = parts.iter().map(|part| part.expr).collect();
    let filter: Vec<&Expr> = shape.filter.iter().flat_map(Expr::conjuncts).collect();
    let known = Known { rights: reader.rights, rule: &rule, filter: &filter };
    let usable = match &shape.scope {
        // Versions have indexes of their own.
        _ if record.perspective.is_of_versions() => Vec::new(),
        ReadScope::Page { .. } | ReadScope::Count => {
            let indexes = reader.expressions.indexes(builder.model.collection(record.collection));
            usable(indexes, record.collection, &known)
        }
        // The unique index has no condition.
        ReadScope::One | ReadScope::Key => Vec::new(),
    };
    let ranges = Ranges::new(builder.model.collection(record.collection), &usable, &known);
    let rule = match &shape.scope {
        _ if record.perspective.is_of_versions() => vec![RulePred::plain(holds(builder, rows.read, record))],
        ReadScope::Page { sort, .. } => page_rule(builder, rows, (&ranges, sort)),
        ReadScope::Count => count_rule(builder, rows),
        ReadScope::One | ReadScope::Key => vec![RulePred::plain(holds(builder, rows.read, record))],
    };
    let mut questions = filtered(builder, record, (&ranges, &known));
    questions.extend(index_conditions(builder, shape, record, (&usable, &known)));
    if shape.search.is_some() {
        let found = search::restrict(builder, (record, reader.rights), (SoughtBy::Request, shape.sort()));
        questions.push(Question::plain(found.map_or(Pred::Known(false), Pred::Sql), true));
    }
    let order = match &shape.scope {
        ReadScope::Page { sort, start } => {
            let order = order(builder, sort, record, reader).with_nulls(nullable);
            let (order, position) = match start {
                PageStart::First | PageStart::Skip => (order, None),
                PageStart::After(position) => (order, Some(position)),
                PageStart::Before(position) => (order.reversed(), Some(position)),
            };
            if let Some(position) = position {
                let pred = Pred::Sql(order.after(builder, Place::OfRequest(position)));
                questions.push(Question::plain(pred, order.is_open()));
            }
            Some(order)
        }
        ReadScope::One | ReadScope::Key | ReadScope::Count => None,
    };
    terms.extend(barrier(builder, rows, rule, questions));
    Asked { condition: Pred::all(terms), order }
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
