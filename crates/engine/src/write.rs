use std::sync::Arc;

use backstay_base::{Action, Error, RecordId, Violation, ViolationKind};
use backstay_expr::{Truth, truth};
use backstay_model::{Collection, CollectionId, Field, FieldId, SetOn};
use backstay_scalar::{Value, ValueRef};
use backstay_sql::{RecordSource, Row};
use backstay_store::{Change, ChangeKind, ChangedField};

use crate::bind::{Bindings, InMemory};
use crate::proposal::patched;
use crate::read::not_found;
use crate::rule::Rule;
use crate::view::View;
use crate::{Authority, Draft, IfMatch, OpContext, Record};

impl OpContext<'_, '_> {
    /// Makes a record of this draft.
    pub async fn create(
        &mut self,
        authority: Authority,
        collection: CollectionId,
        draft: Draft,
    ) -> Result<Record, Error> {
        let collection = self.engine.application.model.collection(collection);
        let view = self.view_of(authority);
        let mut violations = writable(collection, &draft, authority);
        let mut values = self.proposed(collection, &draft, authority, &mut violations);
        self.apply_sets(collection, SetOn::Create, given_by_system(authority, &draft), &mut values, &mut violations);
        required(collection, &values, &mut violations);
        refuse(violations)?;
        // First of all: no check or rule is to tell of records that the caller may not read.
        self.readable_references(authority, &view, collection, &[], &draft).await?;
        self.checks(collection, &[], &values).await?;
        let rule = &view.collection(collection.id).create;
        if !self.decide(rule, collection.id, RecordSource::Proposed, &[], &values).await?.is_true() {
            return Err(Error::Forbidden { action: Action::Create, what: format!("this {}", collection.name) });
        }
        self.field_rules(&view, collection, &draft, Action::Create, &[], &values).await?;
        self.verify_references(collection, &values, &draft).await?;

        let record = Record::new(values);
        let bindings = Bindings { proposed: record.values(), ..self.bindings() };
        let template = self.engine.templates.insert(&self.engine.planner, collection.id);
        let insert = self.statement(template, &bindings, collection.id);
        self.tx.stage(insert, Some(1));
        self.tx.change(change(collection, &record, ChangeKind::Create, created_fields(collection, &record)));
        for (field, members) in draft.links {
            if !members.is_empty() {
                self.write_links(collection, &record, LinkChange { field, added: members, removed: Vec::new() });
            }
        }
        Ok(record)
    }

    /// Changes the fields that the draft names, if the record has one of the versions wanted. A record that is as the
    /// draft says already is left alone, and keeps its version.
    pub async fn update(
        &mut self,
        authority: Authority,
        collection: CollectionId,
        id: RecordId,
        draft: Draft,
        if_match: Option<&IfMatch>,
    ) -> Result<Record, Error> {
        let collection = self.engine.application.model.collection(collection);
        let view = self.view_of(authority);
        let stored = self.stored(&view, collection, id, Action::Update).await?;
        matches_version(&stored, if_match)?;

        let mut violations = writable(collection, &draft, authority);
        let mut values = patched(stored.values(), &draft);
        if authority == Authority::Caller {
            violations.extend(self.own_address(collection, id, &draft));
            violations.extend(unchangeable(collection, &view, &draft, stored.values(), &values));
        }
        refuse(violations)?;
        self.readable_references(authority, &view, collection, stored.values(), &draft).await?;
        let mut violations = Vec::new();
        self.transitions(authority, collection, stored.values(), &mut values, &mut violations).await?;
        let links = self.changed_links(authority, &view, collection, id, &draft).await?;
        // Whether a field that the caller does not see was given the value that it has is nothing to be told.
        let sees_all = draft.fields().all(|field| view.collection(collection.id).field(field).read.allows());
        let idle = links.is_empty() && values == stored.values() && sees_all;
        if !idle {
            let kept = given_by_system(authority, &draft);
            self.apply_sets(collection, SetOn::Update, kept, &mut values, &mut violations);
            required(collection, &values, &mut violations);
            refuse(violations)?;
            self.checks(collection, stored.values(), &values).await?;
        }
        self.update_rule(&view, collection, stored.values(), &values).await?;
        self.field_rules(&view, collection, &draft, Action::Update, stored.values(), &values).await?;
        if idle {
            return Ok(stored);
        }
        self.verify_references(collection, &values, &draft).await?;
        Ok(self.replace(collection, &stored, values, links))
    }

    /// The address that an account signs in with is not changed by its token alone: that would make a stolen token good
    /// for the whole account, and tell by the answer which addresses have accounts.
    fn own_address(&self, collection: &Collection, id: RecordId, draft: &Draft) -> Option<Violation> {
        let own = self.model().identity == Some(collection.id) && self.caller().id == Some(id);
        let email = collection.field_named("email").filter(|_| own)?;
        let kind = ViolationKind::ReadOnly("an account changes it with its password, at POST /auth/email");
        draft.value(email.id).map(|_| Violation::new("/email", kind))
    }

    /// Deletes a record, and what `@onDelete` says with it.
    pub async fn delete(
        &mut self,
        authority: Authority,
        collection: CollectionId,
        id: RecordId,
        if_match: Option<&IfMatch>,
    ) -> Result<Record, Error> {
        let collection = self.engine.application.model.collection(collection);
        let view = self.view_of(authority);
        let stored = self.stored(&view, collection, id, Action::Delete).await?;
        matches_version(&stored, if_match)?;
        self.delete_with_dependents(collection, stored.clone()).await?;
        Ok(stored)
    }

    /// The stored record, if the caller may read it and the type's rule allows the action on it as it is stored.
    async fn stored(
        &mut self,
        view: &View,
        collection: &Collection,
        id: RecordId,
        action: Action,
    ) -> Result<Record, Error> {
        let plan = view.stored_plan(&self.engine.planner, collection.id, action);
        let statement = self.statement(&plan.template, &self.bindings().id(id), collection.id);
        let mut found = None;
        let visit = &mut |row: &dyn Row| {
            let mut truths = [false; 2];
            for (truth, column) in truths.iter_mut().zip(&plan.truths) {
                *truth = row.value(*column)? == ValueRef::Bool(true);
            }
            found = Some((Record::new(plan.layout.read(row)?), truths));
            Ok(())
        };
        self.rows(&statement, visit).await?;
        match found {
            None | Some((_, [false, _])) => Err(not_found(collection)),
            Some((_, [true, false])) => Err(Error::Forbidden { action, what: format!("this {}", collection.name) }),
            Some((record, [true, true])) => Ok(record),
        }
    }

    /// What a rule says of a record in memory; the database is asked only where the rule follows relations.
    pub(crate) async fn decide(
        &mut self,
        rule: &Rule,
        collection: CollectionId,
        this: RecordSource,
        stored: &[Value],
        proposed: &[Value],
    ) -> Result<Truth, Error> {
        if let Some(decided) = rule.decided() {
            return Ok(decided);
        }
        if !rule.needs_store {
            let record = if this == RecordSource::Stored { stored } else { proposed };
            let memory = InMemory { caller: self.caller(), now: self.now(), this: record, new: proposed };
            return Ok(truth(&rule.expr, &memory));
        }
        let template = rule.check(&self.engine.planner, collection, this);
        let bindings = Bindings { proposed, stored, ..self.bindings() };
        let statement = self.statement(template, &bindings, collection);
        let mut answer = Truth::Unknown;
        let visit = &mut |row: &dyn Row| {
            answer = match row.value(0)? {
                ValueRef::Bool(truth) => truth.into(),
                _ => Truth::Unknown,
            };
            Ok(())
        };
        self.rows(&statement, visit).await?;
        Ok(answer)
    }

    /// `@check`s: each must be true, or unknown for want of a value.
    async fn checks(&mut self, collection: &Collection, stored: &[Value], proposed: &[Value]) -> Result<(), Error> {
        // In whose name it is done changes nothing about what a record must be.
        let view = Arc::clone(&self.view);
        let policy = self.engine.application.policy.collection(collection.id);
        let mut violations = Vec::new();
        for field in &collection.fields {
            let index = usize::from(field.id.0);
            let rules = view.collection(collection.id).field(field.id);
            for (check, rule) in policy.fields[index].checks.iter().zip(&rules.checks) {
                let answer = self.decide(rule, collection.id, RecordSource::Proposed, stored, proposed).await?;
                if answer == Truth::False {
                    let kind = ViolationKind::Check { message: check.message.clone() };
                    violations.push(Violation::new(format!("/{}", field.name), kind));
                }
            }
        }
        refuse(violations)
    }

    /// The update rule for the record as it would be. For the stored one it was asked already, unless it names both.
    async fn update_rule(
        &mut self,
        view: &View,
        collection: &Collection,
        stored: &[Value],
        proposed: &[Value],
    ) -> Result<(), Error> {
        let rule = &view.collection(collection.id).update;
        let this = if rule.names_new { RecordSource::Stored } else { RecordSource::Proposed };
        match self.decide(rule, collection.id, this, stored, proposed).await?.is_true() {
            true => Ok(()),
            false => Err(Error::Forbidden {
                action: Action::Update,
                what: format!("this {} so: the rule does not hold for it afterwards", collection.name),
            }),
        }
    }

    /// The rules of the fields that the draft names, before and after.
    async fn field_rules(
        &mut self,
        view: &View,
        collection: &Collection,
        draft: &Draft,
        action: Action,
        stored: &[Value],
        proposed: &[Value],
    ) -> Result<(), Error> {
        let mut violations = Vec::new();
        for id in draft.fields() {
            let field = view.collection(collection.id).field(id);
            let rule = if action == Action::Create { &field.create } else { &field.update };
            let sources: &[RecordSource] = match action {
                Action::Create => &[RecordSource::Proposed],
                _ if rule.names_new => &[RecordSource::Stored],
                _ => &[RecordSource::Stored, RecordSource::Proposed],
            };
            for source in sources {
                if !self.decide(rule, collection.id, *source, stored, proposed).await?.is_true() {
                    let kind = ViolationKind::FieldForbidden { action };
                    violations.push(Violation::new(format!("/{}", collection.field(id).name), kind));
                    break;
                }
            }
        }
        refuse(violations)
    }

    /// Looks every reference up, where the database has said that one of them leads nowhere.
    async fn verify_references(
        &mut self,
        collection: &Collection,
        values: &[Value],
        draft: &Draft,
    ) -> Result<(), Error> {
        if !self.verify_references {
            return Ok(());
        }
        let mut violations = Vec::new();
        for field in &collection.fields {
            let Some(target) = field.kind.target() else { continue };
            let single = values[usize::from(field.id.0)].as_id();
            let members = draft.links.iter().filter(|(id, _)| *id == field.id).flat_map(|(_, members)| members);
            for (index, id) in single.into_iter().chain(members.copied()).enumerate() {
                if self.get(target, id).await?.is_none() {
                    let at = match field.kind.is_to_many() {
                        true => format!("/{}/{index}", field.name),
                        false => format!("/{}", field.name),
                    };
                    violations.push(self.no_reference(at, target));
                }
            }
        }
        refuse(violations)
    }

    /// Writes the changed fields of a record and its changed links.
    fn replace(
        &mut self,
        collection: &Collection,
        stored: &Record,
        mut values: Vec<Value>,
        links: Vec<LinkChange>,
    ) -> Record {
        values[usize::from(Collection::UPDATED_AT.0)] = self.tx.moment().into();
        values[usize::from(Collection::VERSION.0)] = Value::Int(stored.version() + 1);
        let record = Record::new(values);
        let is_changed = |field: &&Field| stored.value(field.id) != record.value(field.id);
        let changed: Vec<FieldId> = collection.stored_fields().filter(is_changed).map(|field| field.id).collect();
        let fields = changed.iter().map(|field| ChangedField {
            field: *field,
            old: stored.value(*field).clone(),
            new: record.value(*field).clone(),
        });
        let fields = fields.collect();
        let template = self.engine.templates.update(&self.engine.planner, collection.id, changed);
        let bindings =
            Bindings { proposed: record.values(), version: stored.version(), ..self.bindings().id(record.id()) };
        let update = self.statement(&template, &bindings, collection.id);
        self.tx.stage(update, Some(1));
        self.tx.change(change(collection, &record, ChangeKind::Update, fields));
        for link in links {
            self.write_links(collection, &record, link);
        }
        record
    }
}

/// Which links of a many-to-many relation change.
#[derive(Debug)]
pub(crate) struct LinkChange {
    pub(crate) field: FieldId,
    pub(crate) added: Vec<RecordId>,
    pub(crate) removed: Vec<RecordId>,
}

pub(crate) fn change(collection: &Collection, record: &Record, kind: ChangeKind, fields: Vec<ChangedField>) -> Change {
    Change { collection: collection.id, record: record.id().into(), kind, version: record.version(), fields }
}

fn created_fields(collection: &Collection, record: &Record) -> Vec<ChangedField> {
    let given = |field: &Field| {
        let new = record.value(field.id).clone();
        (!new.is_null()).then_some(ChangedField { field: field.id, old: Value::Null, new })
    };
    collection.stored_fields().filter_map(given).collect()
}

/// Fields that cannot be changed and would be. Of one that the caller may not see, that it is named is enough: else it
/// could be guessed.
fn unchangeable(
    collection: &Collection,
    view: &View,
    draft: &Draft,
    stored: &[Value],
    proposed: &[Value],
) -> Vec<Violation> {
    let violation = |id: FieldId| {
        let (field, at) = (collection.field(id), usize::from(id.0));
        let sees = view.collection(collection.id).field(id).read.allows();
        let kind = ViolationKind::ReadOnly("it cannot be changed once the record is made");
        let changes = stored[at] != proposed[at] || !sees;
        (field.immutable && changes).then(|| Violation::new(format!("/{}", field.name), kind))
    };
    draft.fields().filter_map(violation).collect()
}

/// Fields that the draft may not name, whoever's record it is.
fn writable(collection: &Collection, draft: &Draft, authority: Authority) -> Vec<Violation> {
    let violation = |id: FieldId| {
        let field = collection.field(id);
        if authority == Authority::System && id != Collection::VERSION {
            return None;
        }
        let reason = field.refused_to_clients()?;
        Some(Violation::new(format!("/{}", field.name), ViolationKind::ReadOnly(reason)))
    };
    draft.fields().filter_map(violation).collect()
}

/// What Backstay itself gives stays, such as the author in a seed file, of whom `auth.id` knows nothing.
fn given_by_system(authority: Authority, draft: &Draft) -> &[(FieldId, Value)] {
    match authority {
        Authority::Caller => &[],
        Authority::System => &draft.values,
    }
}

fn required(collection: &Collection, values: &[Value], violations: &mut Vec<Violation>) {
    for field in collection.stored_fields() {
        if field.required && values[usize::from(field.id.0)].is_null() {
            let at = format!("/{}", field.name);
            // Where it is known already what is wrong with it, that it has no value is no news.
            if !violations.iter().any(|violation| violation.at == at) {
                violations.push(Violation::new(at, ViolationKind::Required));
            }
        }
    }
}

pub(crate) fn refuse(violations: Vec<Violation>) -> Result<(), Error> {
    if violations.is_empty() { Ok(()) } else { Err(Error::Invalid(violations)) }
}

fn matches_version(stored: &Record, wanted: Option<&IfMatch>) -> Result<(), Error> {
    match wanted {
        Some(IfMatch::Versions(versions)) if !versions.contains(&stored.version()) => {
            Err(Error::Precondition { version: stored.version() })
        }
        _ => Ok(()),
    }
}
