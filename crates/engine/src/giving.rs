//! Evaluates what the model gives fields.

use backstay_base::{Caller, Error, Timestamp};
use backstay_expr::{Environment, Path, Start, evaluate};
use backstay_scalar::Value;
use backstay_sql::RecordSource;

use crate::TxContext;
use crate::bind::{Bindings, InMemory};
use crate::given::Given;
use crate::proposal::Proposal;

/// The value for a record in the making, in which `this` is the given source. What the expression asks of other records is
/// read in one statement of the write's own transaction.
pub(crate) async fn value_of(
    given: &Given,
    cx: &mut TxContext<'_, '_>,
    proposal: &Proposal<'_>,
    this: RecordSource,
) -> Result<Value, Error> {
    let (collection, stored, proposed) = (proposal.collection.id, proposal.stored_values(), &*proposal.values);
    let engine = cx.engine;
    let now = cx.given_now.unwrap_or(cx.now());
    let mut fetched = Vec::new();
    if let Some(plan) = given.plan(&engine.planner, collection, this) {
        let bindings = Bindings { proposed, stored, ..Bindings::new(cx.caller(), now) };
        let statement = cx.statement(&plan.template, &bindings, collection);
        fetched = cx.one_row(&statement, |row| plan.read(row)).await?;
    }
    let record = if this == RecordSource::Stored { stored } else { proposed };
    let memory = InMemory { caller: cx.caller(), now, this: record, new: proposed, old: stored };
    Ok(evaluate(&given.expr, &Supplied { memory, fetched: &fetched }))
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
