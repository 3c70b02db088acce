//! Asks questions of stored records before a migration, and notes what was found where it belongs.

use std::collections::HashMap;

use backstay_base::RecordId;
use backstay_model::{Collection, Difference, EnumId, Exclusion, Field, FieldId, Index};
use backstay_scalar::ValueRef;
use backstay_sql::{DecodeError, Models, Probe, Statement, Succession};

use super::{Planned, limits};
use crate::StoreError;
use crate::own::int;
use crate::session::{OwnRow, SchemaSession};
use crate::step::{Finding, Step};

/// Asks questions of stored records.
pub(super) struct Finder<'f> {
    pub(super) session: &'f mut dyn SchemaSession,
    pub(super) models: Models<'f>,
    pub(super) succession: &'f Succession<'f>,
    /// In how many records the lists and documents have values of these enums that have other names now.
    pub(super) renamed: HashMap<EnumId, u64>,
}

impl Finder<'_> {
    pub(super) async fn sharing(
        &mut self,
        collection: &Collection,
        index: &Index,
    ) -> Result<Option<Finding>, StoreError> {
        let names: Vec<&str> = index.fields.iter().map(|field| collection.field(*field).name.as_str()).collect();
        let names = names.join(" and ");
        let among = index.condition_text().map_or_else(String::new, |condition| format!(" with `{condition}`"));
        let words =
            |records| format!("{} of {}{among} have the same {names} as another", counted(records), collection.name);
        let probe = self.succession.sharing(collection.id, index);
        let is_new = |field: &&FieldId| self.models.pairing.field(collection.id, **field).is_none();
        let remedy = match index.fields.iter().find(is_new).map(|field| collection.field(*field)) {
            Some(Field { backfill: Some(_), name, .. }) => {
                format!("make the `@backfill` of {name} give each of them another value")
            }
            Some(Field { name, .. }) => {
                format!(
                    "give {name} a `@backfill(from: …)` with another value for each of them, or leave its default out"
                )
            }
            None => "change or delete those records first".to_owned(),
        };
        self.ask(&probe, (&words, &remedy, true)).await
    }

    /// Ranges that end before they begin, and those that overlap an earlier one.
    pub(super) async fn overlapping(
        &mut self,
        of: &Collection,
        exclusion: &Exclusion,
    ) -> Result<Vec<Finding>, StoreError> {
        let name = |field| &of.field(field).name;
        let (from, to) = (name(exclusion.from), name(exclusion.to));
        let remedy = "change or delete those records first";
        let backwards = self.succession.backwards(of.id, exclusion);
        let words = |records| format!("in {} of {}, {to} isn't after {from}", counted(records), of.name);
        let mut found: Vec<Finding> = self.ask(&backwards, (&words, remedy, true)).await?.into_iter().collect();
        let same: Vec<&str> = exclusion.fields.iter().map(|field| name(*field).as_str()).collect();
        let same = if same.is_empty() { String::new() } else { format!(" with the same {}", same.join(" and ")) };
        let overlapping = self.succession.overlapping(of.id, exclusion);
        let words = |records| {
            let one = if records == 1 { "overlaps an earlier one" } else { "overlap an earlier one" };
            format!("{} of {} {one}{same}", counted(records), of.name)
        };
        found.extend(self.ask(&overlapping, (&words, remedy, true)).await?);
        Ok(found)
    }

    /// Values that a limit of their field refuses.
    pub(super) async fn unfit(
        &mut self,
        (collection, field): (&Collection, &Field),
        remedy: &str,
    ) -> Result<Option<Finding>, StoreError> {
        let refused = limits::unfit(self.session, self.succession, (collection, field)).await?;
        Ok(refused.finding(self.succession, (collection, field), (["doesn't fit", "don't fit"], remedy)))
    }

    /// What a probe finds; nothing if it finds no record.
    pub(super) async fn ask(
        &mut self,
        probe: &Probe,
        (words, remedy, is_obstacle): (&(dyn Fn(u64) -> String + Sync), &str, bool),
    ) -> Result<Option<Finding>, StoreError> {
        let records = self.count(&probe.count).await?;
        if records == 0 {
            return Ok(None);
        }
        let mut ids: Vec<RecordId> = Vec::new();
        let visit = &mut |row: &dyn OwnRow| match row.value(0)? {
            ValueRef::Id(id) => {
                ids.push(id.into());
                Ok(())
            }
            _ => Err(DecodeError { column: 0, expected: "an id" }.into()),
        };
        self.session.query(&probe.ids, visit).await?;
        Ok(Some(Finding { words: words(records), records, ids, remedy: remedy.to_owned(), is_obstacle }))
    }

    pub(super) async fn sum(&mut self, counts: Vec<Statement>) -> Result<u64, StoreError> {
        let mut sum = 0;
        for statement in &counts {
            sum += self.count(statement).await?;
        }
        Ok(sum)
    }

    pub(super) async fn count(&mut self, statement: &Statement) -> Result<u64, StoreError> {
        let mut count = 0;
        let visit = &mut |row: &dyn OwnRow| {
            count = u64::try_from(int(row, 0)?).map_err(|_| DecodeError { column: 0, expected: "a count" })?;
            Ok(())
        };
        self.session.query(statement, visit).await?;
        Ok(count)
    }
}

/// Notes something about a field where its difference is, or in a step of its own.
pub(super) fn note(planned: &mut Vec<Planned>, (collection, field): (&str, &str), finding: Finding) {
    let is_about = |planned: &Planned| match &planned.difference {
        Some(
            Difference::FieldAdded { collection: of, field: at, .. }
            | Difference::TypeChanged { collection: of, field: at, .. }
            | Difference::RequiredTightened { collection: of, field: at, .. }
            | Difference::SumChanged { collection: of, field: at }
            | Difference::UpkeepChanged { collection: of, field: at, .. }
            | Difference::SequenceAdded { collection: of, field: at },
        ) => of == collection && at == field,
        _ => false,
    };
    if let Some(planned) = planned.iter_mut().find(|planned| is_about(planned)) {
        return planned.step.findings.push(finding);
    }
    let step = Step { findings: vec![finding], ..Step::safe(&format!("{collection}.{field} changes"), &[]) };
    planned.push(Planned { step, actions: Vec::new(), difference: None });
}

pub(super) fn counted(records: u64) -> String {
    if records == 1 { "1 record".to_owned() } else { format!("{records} records") }
}

/// The same with the verb in its two forms.
pub(super) fn that(records: u64, [one, several]: [&str; 2]) -> String {
    format!("{} {}", counted(records), if records == 1 { one } else { several })
}
