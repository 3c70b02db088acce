use std::collections::BTreeSet;

use backstay_base::{Error, RecordId, Timestamp};
use backstay_model::CollectionId;
use backstay_scalar::ValueRef;
use backstay_sql::{DecodeError, Row};

use crate::bind::Bindings;
use crate::sink::Collect;
use crate::written_since::WrittenSince;
use crate::{Context, Engine};

/// How many records that break a check are listed.
const NAMED: u64 = 5;

/// A check at commit that stored records break.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokenCheck {
    /// The name of the collection that has it.
    pub collection: String,
    /// What it says to clients.
    pub message: String,
    /// The first of the records, at least one.
    pub first: Vec<RecordId>,
}

impl Engine {
    /// The checks at commit that stored records break, of records in these collections that were written since a moment and
    /// of those whose checks read such records: what transactions that defer their checks may have left behind. Each check
    /// reads its whole collection.
    pub async fn broken_checks(
        &self,
        cx: &Context,
        (written, since): (&[CollectionId], Timestamp),
    ) -> Result<Vec<BrokenCheck>, Error> {
        const ID: usize = 0;
        let inner = &self.inner;
        let checks = &inner.application.commit_checks;
        let mut broken = Vec::new();
        for id in self.concerned(written) {
            let Some(own) = checks.own(id) else { continue };
            let policy = inner.application.policy.collection(id);
            let concerned = WrittenSince::new(&inner.application, since).concerns(self.model().collection(id), own);
            for (field, place) in &own.checks {
                let check = &policy.checks_of(*field)[*place];
                let template = inner.planner.breaking(id, (&check.rule.whole, &concerned));
                let bindings = Bindings { limit: NAMED, ..Bindings::new(cx.caller(), cx.now) };
                let statement = bindings.statement(&template);
                let read = |row: &dyn Row| match row.value(ID)? {
                    ValueRef::Id(id) => Ok(id.into()),
                    _ => Err(DecodeError { column: ID, expected: "an id" }),
                };
                let (rows, outcome) = inner.read(cx.demand(), &statement, Collect::new(read)).await;
                outcome?;
                if !rows.found.is_empty() {
                    let collection = self.model().collection(id).name.clone();
                    broken.push(BrokenCheck { collection, message: check.message.clone(), first: rows.found });
                }
            }
        }
        Ok(broken)
    }

    /// These collections, and those whose records have checks at commit or stored sums that depend on records of them.
    fn concerned(&self, written: &[CollectionId]) -> BTreeSet<CollectionId> {
        let application = &self.inner.application;
        let mut followed: BTreeSet<CollectionId> = written.iter().copied().collect();
        let mut open = written.to_vec();
        while let Some(next) = open.pop() {
            let owners = application.sums.counted(next).iter().map(|counted| counted.sum.computed.collection);
            open.extend(owners.filter(|owner| followed.insert(*owner)));
        }
        let owners = followed.iter().flat_map(|of| application.commit_checks.as_children(*of));
        owners.map(|children| children.owner).chain(followed.iter().copied()).collect()
    }
}
