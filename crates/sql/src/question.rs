use backstay_expr::Rights;
use sea_query::ExprTrait;

use crate::builder::{Anchor, Builder, Seen};
use crate::lower::{Lowering, Scope, holds};
use crate::order::PageOrder;
use crate::predicate::Pred;
use crate::steer::{count_rule, page_rule};
use crate::{ReadScope, ReadShape, Slot};

/// Which records are read, and in which order.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) condition: Pred,
    /// For a page.
    pub(crate) order: Option<PageOrder>,
}

/// The one place where the caller's own questions (filter, order and cursor) meet the caller's rights.
///
/// What the caller wrote is looked at with the caller's rights: a hidden field is null, and a hidden related record does
/// not exist. The rule of the rows and the filter stand side by side, and the database may evaluate either of them
/// first. A barrier that keeps the filter from being evaluated on hidden rows, `CASE WHEN rule THEN filter ELSE FALSE
/// END` beside the terms that an index can use, belongs into `barrier`, and nowhere else.
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
    terms.extend(barrier(rule, filter));
    let order = match &shape.scope {
        ReadScope::Page { sort, after } => {
            let order = PageOrder::new(builder, sort, record, rights);
            if let Some(position) = after {
                terms.push(Pred::Sql(order.after(builder, position)));
            }
            Some(order)
        }
        ReadScope::One | ReadScope::Count => None,
    };
    Asked { condition: Pred::all(terms), order }
}

fn filter(builder: &mut Builder<'_>, shape: &ReadShape, record: &Anchor, rights: &Rights) -> Option<Pred> {
    let filter = shape.filter.as_ref()?;
    Some(Lowering::new(builder, Scope::question(record, rights)).is_true(filter))
}

/// The terms of the rule, and the filter.
fn barrier(rule: Vec<Pred>, filter: Option<Pred>) -> impl Iterator<Item = Pred> {
    rule.into_iter().chain(filter)
}
