use backstay_expr::Rights;
use sea_query::ExprTrait;

use crate::builder::{Anchor, Builder, Seen};
use crate::lower::{Lowering, Scope, holds};
use crate::order::PageOrder;
use crate::predicate::Pred;
use crate::steer::{count_rule, page_rule};
use crate::{ReadScope, ReadShape, Slot, SortKey};

/// Which records are read, and in which order.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) condition: Pred,
    /// For a page.
    pub(crate) order: Option<PageOrder>,
}

/// The caller's own questions about the records of a page (filter, order and cursor) meet the caller's rights here, and
/// those about a nested list in `order`. No other module plans a question.
///
/// What the caller wrote is looked at with the caller's rights: a hidden field is null, and a hidden related record does
/// not exist. The rule of the rows and the questions stand side by side, and the database may evaluate any of them
/// first. A barrier that keeps them from being evaluated on hidden rows, `CASE WHEN rule THEN filter ELSE FALSE END`
/// beside the terms that an index can use, belongs into `barrier`, and nowhere else.
pub(crate) fn asked(builder: &mut Builder<'_>, shape: &ReadShape, rows: &Seen<'_>, rights: &Rights) -> Asked {
    let record = &rows.anchor;
    let mut terms = match &shape.scope {
        ReadScope::One => {
            let id = builder.id_slot(Slot::Id);
            vec![Pred::Sql(builder.key(record).eq(id))]
        }
        ReadScope::Page { .. } | ReadScope::Count => Vec::new(),
    };
    let rule = match &shape.scope {
        ReadScope::Page { sort, .. } => page_rule(builder, rows, sort),
        ReadScope::Count => count_rule(builder, rows),
        ReadScope::One => vec![holds(builder, rows.read, record)],
    };
    let filter = filter(builder, shape, record, rights);
    let (order, after) = match &shape.scope {
        ReadScope::Page { sort, after } => {
            let order = order(builder, sort, record, rights);
            let after = after.as_ref().map(|position| Pred::Sql(order.after(builder, position)));
            (Some(order), after)
        }
        ReadScope::One | ReadScope::Count => (None, None),
    };
    terms.extend(barrier(rule, filter.into_iter().chain(after)));
    Asked { condition: Pred::all(terms), order }
}

/// The order that the caller asked for, of a page or of a nested list.
pub(crate) fn order(builder: &mut Builder<'_>, sort: &[SortKey], record: &Anchor, rights: &Rights) -> PageOrder {
    PageOrder::new(builder, sort, record, rights)
}

fn filter(builder: &mut Builder<'_>, shape: &ReadShape, record: &Anchor, rights: &Rights) -> Option<Pred> {
    let filter = shape.filter.as_ref()?;
    Some(Lowering::new(builder, Scope::question(record, rights)).is_true(filter))
}

/// The terms of the rule, and what the caller asked.
fn barrier(rule: Vec<Pred>, questions: impl Iterator<Item = Pred>) -> impl Iterator<Item = Pred> {
    rule.into_iter().chain(questions)
}
