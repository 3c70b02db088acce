//! Expressions whose values the model gives fields: those of `@set`, `@default(from:)` and transitions. What they ask of
//! other records is taken out when the model is loaded, so that one statement can read it.

use std::sync::OnceLock;

use backstay_expr::{Expr, Node, Root};
use backstay_model::{CollectionId, Model};
use backstay_sql::{FetchPlan, Planner, RecordSource};

/// An expression whose value a field gets.
#[derive(Debug)]
pub(crate) struct Given {
    /// As it was checked: for lints and for what it depends on.
    pub(crate) whole: Expr,
    /// With `Node::Param` in the place of each of `parts`.
    pub(crate) expr: Expr,
    /// Whether it names the caller's own record, of which the caller has the values from when the request began.
    pub(crate) names_account: bool,
    /// What is read from the database.
    parts: Vec<Expr>,
    plans: [OnceLock<FetchPlan>; 2],
}

impl Given {
    /// The expression, with what needs the database taken out.
    pub(crate) fn new(model: &Model, whole: Expr) -> Self {
        let (mut expr, mut parts) = (whole.clone(), Vec::new());
        take_out(model, &mut expr, &mut parts);
        let names_account = names_account(&whole);
        Self { whole, expr, names_account, parts, plans: Default::default() }
    }

    /// Whether it names no record but the caller's own, so that it has a value before there is one.
    pub(crate) fn is_of_caller(&self) -> bool {
        self.parts.is_empty() && !names_record(&self.whole)
    }

    /// Tables of the statement that reads what other records hold; 0 if it reads nothing.
    pub(crate) fn tables(&self, planner: &Planner, collection: CollectionId) -> usize {
        match self.parts.as_slice() {
            [] => 0,
            parts => planner.fetch(collection, RecordSource::Proposed, parts).template.extent().tables,
        }
    }

    /// The statement that reads what other records hold; `None` if it reads nothing.
    pub(crate) fn plan(&self, planner: &Planner, collection: CollectionId, this: RecordSource) -> Option<&FetchPlan> {
        let [proposed, stored] = &self.plans;
        let plan = match this {
            RecordSource::Proposed => proposed,
            RecordSource::Stored => stored,
        };
        (!self.parts.is_empty()).then(|| plan.get_or_init(|| planner.fetch(collection, this, &self.parts)))
    }
}

fn names_account(expr: &Expr) -> bool {
    expr.node.path().is_some_and(|path| path.root == Root::Account)
        || expr.node.children().into_iter().any(names_account)
}

fn names_record(expr: &Expr) -> bool {
    expr.node.path().is_some_and(|path| path.root != Root::Account)
        || expr.node.children().into_iter().any(names_record)
}

/// Replaces every part that needs the database by a parameter.
fn take_out(model: &Model, expr: &mut Expr, parts: &mut Vec<Expr>) {
    if !expr.node.asks_store(model) {
        return expr.children_mut().into_iter().for_each(|child| take_out(model, child, parts));
    }
    let index = parts.iter().position(|known| known.same(expr)).unwrap_or_else(|| {
        parts.push(expr.clone());
        parts.len() - 1
    });
    let index = u16::try_from(index).expect("an expression has at most `limits::EXPRESSION_NODES` parts");
    expr.node = Node::Param(index, None);
}
