//! Values that the model gives fields: those of `@set`, `@default(from:)` and transitions. What an expression asks of other
//! records is read in one statement of the write's own transaction; the rest is evaluated in memory.

use std::sync::OnceLock;

use backstay_base::{Caller, Error, Timestamp};
use backstay_expr::{Environment, Expr, Node, Path, Start, evaluate};
use backstay_model::CollectionId;
use backstay_scalar::Value;
use backstay_sql::{FetchPlan, Planner, RecordSource, Row};

use crate::TxContext;
use crate::answered::NoAnswer;
use crate::bind::{Bindings, InMemory};
use crate::proposal::Proposal;

/// An expression whose value a field gets.
#[derive(Debug)]
pub(crate) struct Given {
    /// As it was checked: for lints and for what it depends on.
    pub(crate) whole: Expr,
    /// With `Node::Param` in the place of each of `parts`.
    expr: Expr,
    /// What is read from the database.
    parts: Vec<Expr>,
    plans: [OnceLock<FetchPlan>; 2],
}

/// An expression that computes something of the members of a relation.
#[derive(Debug)]
pub(crate) struct Aggregates;

impl Given {
    /// The expression, with what needs the database taken out.
    pub(crate) fn new(whole: Expr) -> Result<Self, Aggregates> {
        let (mut expr, mut parts) = (whole.clone(), Vec::new());
        take_out(&mut expr, &mut parts)?;
        Ok(Self { whole, expr, parts, plans: Default::default() })
    }

    /// Tables of the statement that reads what other records hold; 0 if it reads nothing.
    pub(crate) fn tables(&self, planner: &Planner, collection: CollectionId) -> usize {
        match self.parts.as_slice() {
            [] => 0,
            parts => planner.fetch(collection, RecordSource::Proposed, parts).template.extent().tables,
        }
    }

    /// The statement that reads what other records hold; `None` if it reads nothing.
    fn plan(&self, planner: &Planner, collection: CollectionId, this: RecordSource) -> Option<&FetchPlan> {
        let [proposed, stored] = &self.plans;
        let plan = match this {
            RecordSource::Proposed => proposed,
            RecordSource::Stored => stored,
        };
        (!self.parts.is_empty()).then(|| plan.get_or_init(|| planner.fetch(collection, this, &self.parts)))
    }

    /// Its value for a record in the making, in which `this` is the given source.
    pub(crate) async fn value(
        &self,
        cx: &mut TxContext<'_, '_>,
        proposal: &Proposal<'_>,
        this: RecordSource,
    ) -> Result<Value, Error> {
        let (collection, stored, proposed) = (proposal.collection.id, proposal.stored_values(), &*proposal.values);
        let engine = cx.engine;
        let mut fetched = Vec::new();
        if let Some(plan) = self.plan(&engine.planner, collection, this) {
            let bindings = Bindings { proposed, stored, ..cx.bindings() };
            let statement = cx.statement(&plan.template, &bindings, collection);
            let mut answer = None;
            let visit = &mut |row: &dyn Row| {
                answer = Some(plan.read(row)?);
                Ok(())
            };
            cx.rows(&statement, visit).await?;
            fetched = answer.ok_or_else(|| Error::internal(NoAnswer))?;
        }
        let record = if this == RecordSource::Stored { stored } else { proposed };
        let memory = InMemory { caller: cx.caller(), now: cx.now(), this: record, new: proposed };
        Ok(evaluate(&self.expr, &Supplied { memory, fetched: &fetched }))
    }
}

/// Replaces every part that needs the database by a parameter.
fn take_out(expr: &mut Expr, parts: &mut Vec<Expr>) -> Result<(), Aggregates> {
    let needs_store = match &expr.node {
        Node::Path(path) => path.steps.len() > 1,
        Node::Quantifier { .. } => true,
        Node::Aggregate(_) => return Err(Aggregates),
        _ => false,
    };
    if !needs_store {
        return expr.children_mut().into_iter().try_for_each(|child| take_out(child, parts));
    }
    let index = parts.iter().position(|known| known.same(expr)).unwrap_or_else(|| {
        parts.push(expr.clone());
        parts.len() - 1
    });
    expr.node = Node::Param(u16::try_from(index).expect("an expression has at most `limits::EXPRESSION_NODES` parts"));
    Ok(())
}

/// A record in memory, with what was read of others.
#[derive(Debug)]
struct Supplied<'m> {
    memory: InMemory<'m>,
    fetched: &'m [Value],
}

impl Environment for Supplied<'_> {
    fn caller(&self) -> &Caller {
        self.memory.caller()
    }

    fn now(&self) -> Timestamp {
        self.memory.now()
    }

    fn value(&self, from: Start, path: &Path) -> Value {
        self.memory.value(from, path)
    }

    fn param(&self, index: u16) -> Value {
        self.fetched[usize::from(index)].clone()
    }
}
