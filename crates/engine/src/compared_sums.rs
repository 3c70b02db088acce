use backstay_base::{Error, RecordId};
use backstay_model::Collection;
use backstay_scalar::ValueRef;
use backstay_sql::{DecodeError, Row};

use crate::bind::Bindings;
use crate::sink::Collect;
use crate::{Context, Engine};

/// Records that are compared by one statement.
const RECORDS_AT_ONCE: u64 = 500;
/// Records that are named of those whose sum differs.
const NAMED: usize = 10;

/// A stored sum beside what its members come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComparedSum {
    /// Such as `Product.reserved`.
    pub sum: String,
    /// How many records have it.
    pub records: u64,
    /// In how many of them it isn't what the members come to.
    pub differing: u64,
    /// The first of these.
    pub first: Vec<RecordId>,
}

impl Engine {
    /// Compares every stored sum of every record with what its members come to, a part of the records at a time: others can
    /// write meanwhile.
    pub async fn compare_sums(&self, cx: &Context) -> Result<Vec<ComparedSum>, Error> {
        let mut compared = Vec::new();
        for collection in &self.model().collections {
            compared.extend(self.compare(cx, collection).await?);
        }
        Ok(compared)
    }

    async fn compare(&self, cx: &Context, collection: &Collection) -> Result<Vec<ComparedSum>, Error> {
        const ID: usize = 0;
        let inner = &self.inner;
        let Some(own) = inner.application.sums.own(collection.id) else { return Ok(Vec::new()) };
        let sums: Vec<_> = own.sums.iter().map(|(sum, _)| sum).collect();
        let name = |field| format!("{}.{}", collection.name, collection.field(field).name);
        let compared = |field| ComparedSum { sum: name(field), records: 0, differing: 0, first: Vec::new() };
        let mut compared: Vec<ComparedSum> = sums.iter().map(|sum| compared(sum.computed.field)).collect();
        let mut last = None;
        loop {
            let plan = inner.planner.compared_sums(collection.id, &sums, last.is_some());
            let bindings = Bindings { limit: RECORDS_AT_ONCE, id: last, ..Bindings::new(cx.caller(), cx.now) };
            let statement = bindings.statement(&plan.template);
            let read = move |row: &dyn Row| match row.value(ID)? {
                ValueRef::Id(id) => Ok((id, plan.read(row)?)),
                _ => Err(DecodeError { column: ID, expected: "an id" }),
            };
            let (rows, outcome) = inner.read(cx.demand(), &statement, Collect::new(read)).await;
            outcome?;
            for (id, same) in &rows.found {
                for (compared, same) in compared.iter_mut().zip(same) {
                    compared.records += 1;
                    compared.differing += u64::from(!same);
                    if !same && compared.first.len() < NAMED {
                        compared.first.push(*id);
                    }
                }
            }
            last = rows.found.last().map(|(id, _)| *id);
            if (rows.found.len() as u64) < RECORDS_AT_ONCE {
                return Ok(compared);
            }
        }
    }
}
