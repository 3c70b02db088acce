use std::collections::HashMap;
use std::sync::Arc;

use backstay_base::{Duration, Timestamp, limits};
use backstay_model::{
    Collection, CollectionId, Difference, Exclusion, Field, FieldId, FieldKind, Filled, Length, Risk, TypeChange,
    Upkeep, Work,
};
use backstay_sql::{Models, Origin, Probe, Statement, Succession};

use super::finder::{Finder, counted, note, that};
use super::natives::Arrival;
use super::{
    Action, Planned, Route, backfills, conversion, kept, members, mentions, numbers, own_records, renames, slugs,
};
use crate::StoreError;
use crate::session::SchemaSession;
use crate::step::{Finding, Step};

/// Asks of stored records what matters to each step, and notes it there.
pub(super) async fn find(
    session: &mut dyn SchemaSession,
    route: &Route<'_>,
    planned: &mut Vec<Planned>,
) -> Result<(), StoreError> {
    let Route { models, succession, .. } = *route;
    let mut finder = Finder { session, models, succession, renamed: HashMap::new() };
    for error in succession.backfill_errors() {
        let (collection, field, finding) = backfills::misfit(models, error);
        note(planned, (collection, field), finding);
    }
    finder.conversions(planned).await?;
    create_made(finder.session, (models, succession)).await?;
    slugs::make(finder.session, (models, succession)).await?;
    numbers::make(finder.session, (models, succession)).await?;
    for planned in planned.iter_mut() {
        finder.step(planned).await?;
    }
    for collection in &models.new.collections {
        for field in collection.fields.iter().filter(|field| succession.is_backfilled(collection.id, field.id)) {
            for finding in backfills::find(&mut finder, collection, field).await? {
                note(planned, (&collection.name, &field.name), finding);
            }
        }
    }
    for (collection, field, finding) in mentions::find(finder.session, (models, succession), route.tables).await? {
        let collection = models.new.collection(collection);
        note(planned, (&collection.name, &collection.field(field).name), finding);
    }
    for unused in backfills::unused(models, succession) {
        note_unused(planned, &unused);
    }
    members::find(&mut finder, planned).await?;
    kept::find(&mut finder, planned).await?;
    if let Some(finding) = stranger(models) {
        let step = Step { findings: vec![finding], ..Step::safe("use the database of another application", &[]) };
        planned.insert(0, Planned { step, actions: Vec::new(), difference: None });
    }
    Ok(())
}

/// Creates the temporary tables of the slugs and numbers that are made: what is read for one of them names the tables of
/// all.
async fn create_made(
    session: &mut dyn SchemaSession,
    (models, succession): (Models<'_>, &Succession<'_>),
) -> Result<(), StoreError> {
    for collection in &models.new.collections {
        for field in collection.stored_fields().filter(|field| succession.is_made(collection.id, field.id)) {
            session.execute(&succession.create_made(collection.id, field.id)).await?;
        }
    }
    Ok(())
}

/// Says of the step that changes a field that stored values are gone afterwards.
fn loses(planned: &mut [Planned], (collection, field): (&str, &str)) {
    let is_change = |planned: &&mut Planned| match &planned.difference {
        Some(Difference::TypeChanged { collection: of, field: at, .. }) => of == collection && at == field,
        _ => false,
    };
    if let Some(planned) = planned.iter_mut().find(is_change) {
        planned.step.risk = Risk::LosesData;
    }
}

/// Notes that a `@backfill` gives no value: where its type is new, or in a step of its own.
fn note_unused(planned: &mut Vec<Planned>, unused: &backfills::Unused<'_>) {
    let is_arrival = |planned: &&mut Planned| match &planned.difference {
        Some(Difference::CollectionAdded { collection }) => *collection == unused.collection.name,
        _ => false,
    };
    match planned.iter_mut().find(is_arrival) {
        Some(planned) => planned.step.findings.push(unused.without_records()),
        None => planned.push(Planned { step: unused.step(), actions: Vec::new(), difference: None }),
    }
}

/// A model that has nothing in common with the stored one is probably another application's.
fn stranger(models: Models<'_>) -> Option<Finding> {
    let Models { old, new, pairing, .. } = models;
    let mut own = old.collections.iter().filter(|collection| !collection.system).peekable();
    let is_strange = own.peek().is_some() && own.all(|collection| pairing.successor(collection.id).is_none());
    (is_strange && old.name != new.name).then(|| Finding {
        words: format!("it belongs to \"{}\", with which \"{}\" has no type in common", old.name, new.name),
        records: 0,
        ids: Vec::new(),
        remedy: "choose another data directory (--data), or give the model the types of the stored one".to_owned(),
        is_obstacle: true,
    })
}

impl Finder<'_> {
    async fn conversions(&mut self, planned: &mut Vec<Planned>) -> Result<(), StoreError> {
        for collection in &self.models.new.collections {
            for field in collection.stored_fields() {
                if !matches!(self.succession.origin(collection.id, field.id), Origin::Converted(_)) {
                    continue;
                }
                let at = (collection.id, field.id);
                let converted = conversion::convert(self.session, (self.models, self.succession), at).await?;
                for (of, records) in converted.renamed {
                    *self.renamed.entry(of).or_insert(0) += records;
                }
                if let Some(finding) = converted.refused {
                    if collection.versions.is_some() {
                        loses(planned, (&collection.name, &field.name));
                    }
                    note(planned, (&collection.name, &field.name), finding);
                }
            }
        }
        Ok(())
    }

    async fn step(&mut self, planned: &mut Planned) -> Result<(), StoreError> {
        if let Some(difference) = planned.difference.clone() {
            planned.step.records = self.records(&difference).await?;
            planned.step.findings.extend(renames::misnamed(self.models, &difference));
            let found = self.finding(&difference).await?;
            let is_shared = matches!(difference, Difference::TypeChanged { change: TypeChange::Shared, .. });
            if is_shared && found.iter().any(|found| !found.is_obstacle) {
                planned.step.risk = Risk::LosesData;
            }
            planned.step.findings.extend(found);
        } else if let Some(Action::Copy(collection)) = planned.actions.last()
            && let Some(before) = self.models.pairing.collection(*collection)
        {
            planned.step.records = Some(self.count(&self.succession.records(before)).await?);
        }
        // Where there is nothing, nothing is written or lost.
        if planned.step.records == Some(0) && planned.step.risk >= Risk::Rewrites {
            planned.step.risk = Risk::Safe;
        }
        Ok(())
    }

    /// How many records a difference writes or deletes values of; none where it doesn't.
    #[expect(clippy::too_many_lines, reason = "one arm for each difference")]
    async fn records(&mut self, difference: &Difference) -> Result<Option<u64>, StoreError> {
        let statement = match difference {
            Difference::CollectionRemoved { collection } => {
                let mut all = vec![self.succession.records(self.models.removed(collection).id)];
                let limited = own_records::limited(self.succession, collection);
                all.extend(limited.into_iter().map(|(_, statement)| statement));
                return self.sum(all).await.map(Some);
            }
            Difference::HistoryRemoved { collection } => {
                let history = self.models.removed(collection).history.as_ref();
                history.map(|history| self.succession.records(history.versions))
            }
            Difference::HistoryAdded { collection, is_new: false } => {
                Some(self.succession.records(self.models.pair(collection).0.id))
            }
            Difference::TrashChanged { collection, has: Some(trash), .. } if difference.work() == Work::Deletes => {
                self.expired((self.models.collection(collection).id, trash.at), trash.keep)
            }
            Difference::HistoryKept { collection, keep, .. } if difference.work() == Work::Deletes => {
                let history = self.models.collection(collection).history.as_ref().map(|history| history.versions);
                let versions =
                    history.and_then(|id| Some((id, self.models.new.collection(id).versions.as_ref()?.ended)));
                versions.and_then(|at| self.expired(at, *keep))
            }
            Difference::FieldRemoved { collection, field, .. } | Difference::TypeChanged { collection, field, .. }
                if self.is_about_accounts(collection, field) =>
            {
                return Ok(Some(0));
            }
            Difference::FieldRemoved { collection, field, stored: true } => {
                let (before, field) = self.models.old_field(collection, field);
                Some(self.succession.having(before.id, field.id).count)
            }
            Difference::SecretRevealed { collection, field } => self.having(collection, field),
            Difference::TypeChanged { collection, field, change, .. } => match change {
                TypeChange::Converted
                | TypeChange::Rewritten { .. }
                | TypeChange::Linked
                | TypeChange::Shared
                | TypeChange::Computed
                | TypeChange::Summed { replaces: true }
                | TypeChange::Replaced(_) => self.having(collection, field),
                TypeChange::Stored(Filled::Backfill | Filled::Slug | Filled::Number)
                | TypeChange::Summed { replaces: false } => {
                    Some(self.succession.records(self.models.pair(collection).0.id))
                }
                TypeChange::NotStored
                | TypeChange::Widened
                | TypeChange::Derived
                | TypeChange::Referring
                | TypeChange::Stored(_) => None,
            },
            Difference::FieldAdded {
                collection,
                filled: Filled::Backfill | Filled::Slug | Filled::Number | Filled::Sum,
                ..
            }
            | Difference::SumChanged { collection, .. }
            | Difference::UpkeepChanged { collection, to: Upkeep::Commit, .. }
            | Difference::SequenceAdded { collection, .. }
            | Difference::RequiredTightened {
                collection,
                filled: Filled::Backfill | Filled::Slug | Filled::Number | Filled::Default,
                ..
            } => Some(self.succession.records(self.models.pair(collection).0.id)),
            Difference::LinkRemoved { collection, field, .. } | Difference::LinksUnordered { collection, field } => {
                let (before, field) = self.models.old_field(collection, field);
                self.succession.links(before.id, field.id)
            }
            Difference::AccountsMoved { .. } => {
                return self.sum(own_records::credentials(self.succession)).await.map(Some);
            }
            Difference::RolesRemoved { roles } => return self.with_roles(roles).await.map(Some),
            Difference::RolesMerged { roles } => return self.with_roles(&former(roles)).await.map(Some),
            Difference::EnumValuesRenamed { name, values, merged: _ } => {
                let values: Vec<Arc<str>> = values.iter().map(|(from, _)| Arc::from(from.as_str())).collect();
                let holding = self.holding(name, &values, |_| true);
                let held = self.sum(holding.into_iter().map(|(_, probe)| probe.count).collect()).await?;
                let of = self.models.new.enums.iter().find(|of| of.name == *name);
                return Ok(Some(held + of.and_then(|of| self.renamed.get(&of.id)).copied().unwrap_or(0)));
            }
            Difference::CollectionAdded { .. }
            | Difference::CollectionRenamed { .. }
            | Difference::PathChanged { .. }
            | Difference::SingleChanged { .. }
            | Difference::TrashChanged { .. }
            | Difference::TreeAdded { .. }
            | Difference::TreeRemoved { .. }
            | Difference::HistoryAdded { is_new: true, .. }
            | Difference::HistoryKept { .. }
            | Difference::KeyChanged { .. }
            | Difference::FieldAdded { .. }
            | Difference::FieldRenamed { .. }
            | Difference::FieldRemoved { stored: false, .. }
            | Difference::RequiredTightened { .. }
            | Difference::RequiredLoosened { .. }
            | Difference::LengthChanged { .. }
            | Difference::LimitChanged { .. }
            | Difference::MemberChanged { .. }
            | Difference::ComputedChanged { .. }
            | Difference::UpkeepChanged { to: Upkeep::Soon, .. }
            | Difference::CheckAdded { .. }
            | Difference::CheckRemoved { .. }
            | Difference::OnDeleteChanged { .. }
            | Difference::LinkAdded { .. }
            | Difference::LinksOrdered { .. }
            | Difference::IndexAdded { .. }
            | Difference::IndexRemoved { .. }
            | Difference::ExclusionAdded { .. }
            | Difference::ExclusionRemoved { .. }
            | Difference::EnumRenamed { .. }
            | Difference::EnumValuesAdded { .. }
            | Difference::EnumReordered { .. }
            | Difference::EnumValuesRemoved { .. }
            | Difference::BehaviourChanged { .. }
            | Difference::ApplicationChanged { .. } => None,
        };
        match statement {
            Some(statement) => Ok(Some(self.count(&statement).await?)),
            None => Ok(None),
        }
    }

    /// How many records are kept no longer, of those that are kept for this long after the moment in a field.
    fn expired(&self, (of, field): (CollectionId, FieldId), keep: Option<Duration>) -> Option<Statement> {
        let before = self.models.now.micros().checked_sub(keep?.micros()).and_then(Timestamp::from_micros)?;
        Some(self.succession.older(of, field, before).count)
    }

    /// How many of Backstay's own records have one of these roles.
    async fn with_roles(&mut self, roles: &[String]) -> Result<u64, StoreError> {
        let holding = own_records::holding(self.succession, roles);
        self.sum(holding.into_iter().map(|(_, statement)| statement).collect()).await
    }

    /// How many records had a value in what a field of the new model was.
    fn having(&self, collection: &str, field: &str) -> Option<Statement> {
        let (before, after) = self.models.pair(collection);
        let was = self.models.pairing.field(after.id, self.models.field(collection, field).1.id)?;
        before.field(was).is_stored().then(|| self.succession.having(before.id, was).count)
    }

    /// Whether a field said whose account a record of Backstay's own is about, and that record is deleted before.
    fn is_about_accounts(&self, collection: &str, field: &str) -> bool {
        let (before, after) = self.models.pair(collection);
        let was = match after.field_named(field) {
            Some(field) => self.models.pairing.field(after.id, field.id),
            None => before.field_named(field).map(|field| field.id),
        };
        was.is_some_and(|was| self.succession.of_accounts().contains(&(before.id, was)))
    }

    /// Of every field of these collections that holds an enum, and held it before, which records hold one of these values.
    fn holding(&self, name: &str, values: &[Arc<str>], is_asked: impl Fn(&Collection) -> bool) -> Vec<(String, Probe)> {
        let Models { new, pairing, .. } = self.models;
        let mut probes = Vec::new();
        for collection in new.collections.iter().filter(|of| is_asked(of)) {
            let Some(before) = pairing.collection(collection.id) else { continue };
            for field in &collection.fields {
                let FieldKind::Enum(id) = field.kind else { continue };
                if new.enumeration(id).name == name
                    && let Origin::Kept(was) = self.succession.origin(collection.id, field.id)
                {
                    let place = format!("{}.{}", collection.name, field.name);
                    probes.push((place, self.succession.holding(before, was, values)));
                }
            }
        }
        probes
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each difference")]
    async fn finding(&mut self, difference: &Difference) -> Result<Vec<Finding>, StoreError> {
        let mut found = Vec::new();
        match difference {
            Difference::FieldAdded { collection, field, .. }
            | Difference::RequiredTightened { collection, field, .. }
            | Difference::TypeChanged {
                collection,
                field,
                change:
                    TypeChange::Replaced(Filled::Missing | Filled::Backfill)
                    | TypeChange::Stored(Filled::Missing | Filled::Backfill),
                ..
            } => found.extend(self.lacking(collection, field).await?),
            Difference::FieldRemoved { collection, field, stored: true } => {
                found.extend(self.lacking_now(collection, field).await?);
            }
            Difference::IndexAdded { collection, index, unique: true, .. } => {
                let (_, after) = self.models.pair(collection);
                for index in after.indexes.iter().filter(|candidate| candidate.name == *index) {
                    found.extend(self.sharing(after, index).await?);
                }
            }
            Difference::ExclusionAdded { collection, fields, condition } => {
                let after = self.models.collection(collection);
                let is_meant = |of: &&Exclusion| {
                    let names = of.all_fields().map(|field| &after.field(field).name);
                    names.eq(fields) && of.condition_text() == condition.as_deref()
                };
                for exclusion in after.exclusions.iter().filter(is_meant) {
                    found.extend(self.overlapping(after, exclusion).await?);
                }
            }
            Difference::EnumValuesRemoved { name, values } => found = self.having_removed(name, values).await?,
            Difference::EnumValuesAdded { name, values } => {
                let added: Vec<Arrival<'_>> = values.iter().map(|value| Arrival::Added(value)).collect();
                found = self.lacking_values(name, &added).await?;
            }
            Difference::EnumValuesRenamed { name, values, .. } => {
                let renamed: Vec<Arrival<'_>> = values.iter().map(|(from, to)| Arrival::Renamed(from, to)).collect();
                found = self.lacking_values(name, &renamed).await?;
            }
            Difference::EnumReordered { name, .. } => found = self.breaking_in_order(name).await?,
            Difference::CheckAdded { collection, field, check, .. } => {
                found.extend(self.breaking((collection, field.as_deref()), *check).await?);
            }
            Difference::CollectionRemoved { collection } => {
                for (holder, statement) in own_records::limited(self.succession, collection) {
                    let records = self.count(&statement).await?;
                    found.extend((records > 0).then(|| own_records::narrowed(holder, records)));
                }
            }
            Difference::RolesRemoved { roles } => found = self.losing(roles).await?,
            Difference::RolesMerged { roles } => found = self.losing(&former(roles)).await?,
            Difference::LengthChanged { collection, field, stricter: true } => {
                let (after, field) = self.models.field(collection, field);
                found.extend(self.not_as_long(after, field).await?);
            }
            Difference::LimitChanged { collection, field, stricter: true, .. } => {
                let (after, field) = self.models.field(collection, field);
                // What is converted is asked when it is, and what a `@backfill` gives with the `@backfill`.
                if matches!(self.succession.origin(after.id, field.id), Origin::Kept(_)) {
                    found.extend(self.unfit((after, field), "change those records first").await?);
                }
            }
            Difference::TrashChanged { collection, had: Some(trash), has: None, .. } => {
                let (before, _) = self.models.pair(collection);
                let probe = self.succession.having(before.id, trash.at);
                let words = |records| format!("{} in the trash of {collection}", that(records, ["is", "are"]));
                found.extend(self.ask(&probe, (&words, "restore or purge those records first", true)).await?);
            }
            Difference::TrashChanged { collection, has: Some(trash), found: true, .. } => {
                let probe = self.succession.holding_any(self.models.collection(collection).id, trash.at);
                let words = |records| format!("{} in the trash from then on", that(records, ["is", "are"]));
                found.extend(self.ask(&probe, (&words, "", false)).await?);
            }
            Difference::TreeAdded { collection, parent, .. } => found = self.rootless(collection, parent).await?,
            Difference::SingleChanged { collection, single: true, .. } => {
                found.extend(self.several(self.models.collection(collection)).await?);
            }
            Difference::TypeChanged { collection, field, change: TypeChange::Shared, .. } => {
                let (after, field) = self.models.field(collection, field);
                if let Some(probe) = self.succession.other_currency(after.id, field.id) {
                    let place = format!("{collection}.{}", field.name);
                    let words = |records| {
                        format!("{} {place} in another currency than the record's", that(records, ["has", "have"]))
                    };
                    let (remedy, is_obstacle) = match after.versions {
                        None => ("change the currency or the amount of those records first", true),
                        Some(_) => ("these amounts are deleted", false),
                    };
                    found.extend(self.ask(&probe, (&words, remedy, is_obstacle)).await?);
                }
            }
            Difference::KeyChanged { collection, from, to } if from.form() != to.form() => found.push(Finding {
                words: format!("records that are there have {} as ids", from.kind.words()),
                records: 0,
                ids: Vec::new(),
                remedy: format!(
                    "keep `@key` as it was, or give the new type another name than {collection}, copy the records through \
                     the API and remove {collection} afterwards"
                ),
                is_obstacle: true,
            }),
            Difference::KeyChanged { .. }
            | Difference::CollectionAdded { .. }
            | Difference::CollectionRenamed { .. }
            | Difference::PathChanged { .. }
            | Difference::SingleChanged { .. }
            | Difference::TrashChanged { .. }
            | Difference::TreeRemoved { .. }
            | Difference::HistoryAdded { .. }
            | Difference::HistoryRemoved { .. }
            | Difference::HistoryKept { .. }
            | Difference::FieldRenamed { .. }
            | Difference::FieldRemoved { .. }
            | Difference::TypeChanged { .. }
            | Difference::RequiredLoosened { .. }
            | Difference::LengthChanged { .. }
            | Difference::LimitChanged { stricter: false, .. }
            | Difference::MemberChanged { .. }
            | Difference::ComputedChanged { .. }
            | Difference::SumChanged { .. }
            | Difference::UpkeepChanged { .. }
            | Difference::SequenceAdded { .. }
            | Difference::CheckRemoved { .. }
            | Difference::OnDeleteChanged { .. }
            | Difference::LinkAdded { .. }
            | Difference::LinkRemoved { .. }
            | Difference::LinksOrdered { .. }
            | Difference::LinksUnordered { .. }
            | Difference::IndexAdded { .. }
            | Difference::IndexRemoved { .. }
            | Difference::ExclusionRemoved { .. }
            | Difference::EnumRenamed { .. }
            | Difference::SecretRevealed { .. }
            | Difference::AccountsMoved { .. }
            | Difference::BehaviourChanged { .. }
            | Difference::ApplicationChanged { .. } => {}
        }
        Ok(found)
    }

    /// Records that hold removed values of an enum.
    async fn having_removed(&mut self, name: &str, values: &[String]) -> Result<Vec<Finding>, StoreError> {
        let (gone, mut found): (Vec<Arc<str>>, _) =
            (values.iter().map(|value| Arc::from(value.as_str())).collect(), Vec::new());
        for (place, probe) in self.holding(name, &gone, |of| of.versions.is_none()) {
            let words = |records| format!("{} a removed value in {place}", that(records, ["has", "have"]));
            let remedy = format!(
                "change those records first, or write `@renamed(from: \"{}\")` on the value that replaces it",
                values.first().map_or("", String::as_str)
            );
            found.extend(self.ask(&probe, (&words, &remedy, true)).await?);
        }
        Ok(found)
    }

    /// Accounts, keys and invitations that lose roles.
    async fn losing(&mut self, roles: &[String]) -> Result<Vec<Finding>, StoreError> {
        let mut found = Vec::new();
        for (holder, statement) in own_records::holding(self.succession, roles) {
            let records = self.count(&statement).await?;
            found.extend((records > 0).then(|| own_records::lost(holder, records, roles.len())));
        }
        Ok(found)
    }

    /// The records that break a new check of a type or of one of its fields, by its place among them.
    async fn breaking(
        &mut self,
        (collection, field): (&str, Option<&str>),
        check: usize,
    ) -> Result<Option<Finding>, StoreError> {
        let (after, checks) = if let Some(field) = field {
            let (after, field) = self.models.field(collection, field);
            (after, &field.checks)
        } else {
            let after = self.models.collection(collection);
            (after, &after.checks)
        };
        let probe = self.succession.breaking(after.id, &checks[check]);
        let words = |records| format!("{} it", that(records, ["breaks", "break"]));
        self.ask(&probe, (&words, "", false)).await
    }

    /// Of a type to which a required reference can no longer lead: the records whose reference led to one of it.
    async fn lacking_now(&mut self, collection: &str, field: &str) -> Result<Option<Finding>, StoreError> {
        let ((before, after), (_, gone)) = (self.models.pair(collection), self.models.old_field(collection, field));
        let holder = gone.within.filter(|within| within.is_reference).map(|within| within.field);
        let holder = holder.and_then(|holder| self.models.pairing.field_successor(after.id, holder));
        let holder = holder.map(|holder| after.field(holder)).filter(|holder| holder.required);
        let Some(holder) = holder.filter(|holder| matches!(holder.kind, FieldKind::ToOneOf { .. })) else {
            return Ok(None);
        };
        let probe = self.succession.having(before.id, gone.id);
        let place = format!("{}.{}", after.name, holder.name);
        let words = |records| format!("{} would have no value in {place}, which is required", counted(records));
        self.ask(&probe, (&words, "change or delete those records first, or remove the `!`", true)).await
    }

    async fn lacking(&mut self, collection: &str, field: &str) -> Result<Option<Finding>, StoreError> {
        let ((before, after), (_, field)) = (self.models.pair(collection), self.models.field(collection, field));
        if !field.is_needed() {
            return Ok(None);
        }
        // A `@backfill` that doesn't fit has its finding.
        if field.backfill.is_some() && !self.succession.is_backfilled(after.id, field.id) {
            return Ok(None);
        }
        let probe = match self.succession.origin(after.id, field.id) {
            // Those that can't be converted have their finding.
            Origin::Converted(was) if before.field(was).required => return Ok(None),
            Origin::Converted(was) => {
                let all = self.count(&self.succession.records(before.id)).await?;
                let having = self.count(&self.succession.having(before.id, was).count).await?;
                if all == having {
                    return Ok(None);
                }
                self.succession.lacking(after.id, field.id)
            }
            Origin::Kept(_) | Origin::New => self.succession.lacking(after.id, field.id),
        };
        let place = format!("{}.{}", after.name, field.name);
        let words = |records| format!("{} would have no value in {place}", counted(records));
        let remedy = match (&field.backfill, &field.kind) {
            (Some(_), _) => "make its `@backfill` give every record a value, such as `x != null ? x : …`",
            (None, FieldKind::ToOneOf { .. }) => "remove its `!`",
            // A relation has no default.
            (None, FieldKind::ToOne { .. }) => "give the field a `@backfill(from: …)`, or remove its `!`",
            (None, _) => "give the field a `@default(to: …)` or a `@backfill(from: …)`, or remove its `!`",
        };
        self.ask(&probe, (&words, remedy, true)).await
    }

    /// The records that would be in no tree, because none of those above them is a root, or too far down.
    async fn rootless(&mut self, collection: &str, parent: &str) -> Result<Vec<Finding>, StoreError> {
        let collection = self.models.collection(collection);
        let Some(tree) = collection.tree else { return Ok(Vec::new()) };
        let [circles, deep] = self.succession.rootless((collection.id, tree));
        let place = format!("{}.{parent}", collection.name);
        let circles_words = |records| format!("{} in or below a circle of {place}", that(records, ["is", "are"]));
        let circles = self.ask(&circles, (&circles_words, "change those records so that each tree has a root", true));
        let mut found: Vec<Finding> = circles.await?.into_iter().collect();
        let most = limits::TREE_LEVELS;
        let deep_words = |records| format!("{} more than {most} levels down", that(records, ["is", "are"]));
        found.extend(self.ask(&deep, (&deep_words, "move those records further up", true)).await?);
        Ok(found)
    }

    /// A type that is to have one record must not have more.
    async fn several(&mut self, collection: &Collection) -> Result<Option<Finding>, StoreError> {
        let probe = self.succession.all(collection.id);
        if self.count(&probe.count).await? <= 1 {
            return Ok(None);
        }
        let words = |records| format!("{} has {}, and may have one", collection.name, counted(records));
        self.ask(&probe, (&words, "delete all but one of them first, or leave out `@single`", true)).await
    }

    async fn not_as_long(&mut self, collection: &Collection, field: &Field) -> Result<Option<Finding>, StoreError> {
        let length = field.length.unwrap_or(Length { min: 0, max: None });
        let probe = self.succession.not_as_long(collection.id, field.id, length);
        let words = |records| format!("{} a value that doesn't fit", that(records, ["has", "have"]));
        self.ask(&probe, (&words, "", false)).await
    }
}

/// The old names.
fn former(names: &[(String, String)]) -> Vec<String> {
    names.iter().map(|(from, _)| from.clone()).collect()
}
