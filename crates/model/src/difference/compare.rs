use std::sync::Arc;

use super::behaviour::{
    ApplicationBehaviour, ApplicationPart, CollectionBehaviour, application_changed, behaviour_changed,
};
use super::documents::{DocumentChange, Documents, Rewriting};
use super::limits::limits_changed;
use super::meaning::Meaning;
use super::narrowing::rules_in;
use super::pairing::{LinkSource, Pairing, enum_values, merged};
use super::states::states_changed;
use super::writes::{AtCreate, Writes};
use super::written::{field_written, sort_of, written};
use super::{Difference, Filled, TypeChange};
use crate::names::is_named_in;
use crate::{
    Check, Class, Collection, CollectionId, Element, Exclusion, Field, FieldId, FieldKind, Index, Length, Model,
    OrderKey, RuleText, StoredNames, Tree,
};
use backstay_scalar::{Scalar, Storage};

/// What is different in `new`, in an order in which it can be applied: what is renamed, what is added, what changes, what
/// goes.
pub fn diff(old: &Model, new: &Model) -> Vec<Difference> {
    diff_of_pair((old, new), &Pairing::of(old, new))
}

/// The same of models of which more is known than their names.
pub fn diff_of_pair((old, new): (&Model, &Model), pairing: &Pairing) -> Vec<Difference> {
    let mut all = Vec::new();
    enums(old, new, pairing, &mut all);
    let mut parts = ApplicationBehaviour::of(old).changed_in(&ApplicationBehaviour::of(new));
    let states = states_changed(old, new, pairing).into_iter();
    parts.extend(states.map(|(of, parts)| ApplicationPart::States { of, parts }));
    all.extend(application_changed(parts));
    all.extend(accounts(old, new, pairing));
    let roles = merged(&pairing.roles(old, new));
    if !roles.is_empty() {
        all.push(Difference::RolesMerged { roles });
    }
    let roles: Vec<String> = pairing.gone(old, new, StoredNames::Roles);
    if !roles.is_empty() {
        all.push(Difference::RolesRemoved { roles });
    }
    Documents { old, new, pairing }.behaviour(&mut all);
    for after in &new.collections {
        match pairing.collection(after.id) {
            None => all.push(added(new, pairing, after)),
            Some(before) => Pair { old, new, pairing, before: old.collection(before), after }.compare(&mut all),
        }
    }
    for collection in old.collections.iter().filter(|before| pairing.successor(before.id).is_none()) {
        all.push(removed(old, collection));
    }
    all.sort_by_key(Difference::stage);
    all
}

/// A collection that is new.
fn added(new: &Model, pairing: &Pairing, after: &Collection) -> Difference {
    match &after.versions {
        Some(versions) => Difference::HistoryAdded {
            collection: new.collection(versions.of).name.clone(),
            is_new: pairing.collection(versions.of).is_none(),
        },
        None => Difference::CollectionAdded { collection: after.name.clone() },
    }
}

/// A collection that is gone.
fn removed(old: &Model, before: &Collection) -> Difference {
    match &before.versions {
        Some(versions) => Difference::HistoryRemoved { collection: old.collection(versions.of).name.clone() },
        None => Difference::CollectionRemoved { collection: before.name.clone() },
    }
}

/// Accounts that are of another type than before, or of none.
fn accounts(old: &Model, new: &Model, pairing: &Pairing) -> Option<Difference> {
    let before = old.identity?;
    if new.identity.is_some_and(|after| pairing.collection(after) == Some(before)) {
        return None;
    }
    let name = |id| new.collection(id).name.clone();
    Some(Difference::AccountsMoved { from: old.collection(before).name.clone(), to: new.identity.map(name) })
}

fn enums(old: &Model, new: &Model, pairing: &Pairing, all: &mut Vec<Difference>) {
    for after in &new.enums {
        let Some(before) = pairing.enumeration(after.id) else { continue };
        let before = old.enumeration(before);
        let name = || after.name.clone();
        if before.name != after.name {
            all.push(Difference::EnumRenamed { from: before.name.clone(), to: name() });
        }
        let became = enum_values(before, after);
        let is_old = |value: &str| became.iter().any(|(_, to)| to.as_deref() == Some(value));
        let added = after.values.iter().filter(|value| !is_old(&value.name)).map(|value| value.name.to_string());
        let added: Vec<String> = added.collect();
        let mut renamed = Vec::new();
        let mut removed = Vec::new();
        for (from, to) in &became {
            match to {
                None => removed.push(from.to_string()),
                Some(to) if to != from => renamed.push((from.to_string(), to.to_string())),
                Some(_) => {}
            }
        }
        if !added.is_empty() {
            all.push(Difference::EnumValuesAdded { name: name(), values: added });
        }
        if !renamed.is_empty() {
            let merged = merged(&became).into_iter().map(|(from, _)| from).collect();
            all.push(Difference::EnumValuesRenamed { name: name(), values: renamed, merged });
        }
        if !removed.is_empty() {
            all.push(Difference::EnumValuesRemoved { name: name(), values: removed });
        }
        let place = |name: &Arc<str>| after.values.iter().position(|value| value.name == *name);
        if !became.iter().filter_map(|(_, to)| place(to.as_ref()?)).is_sorted() {
            let values = after.values.iter().map(|value| value.name.to_string()).collect();
            all.push(Difference::EnumReordered { name: name(), values });
        }
    }
}

/// A collection that is in both models.
pub(super) struct Pair<'a> {
    pub(super) old: &'a Model,
    pub(super) new: &'a Model,
    pub(super) pairing: &'a Pairing,
    pub(super) before: &'a Collection,
    pub(super) after: &'a Collection,
}

impl<'a> Pair<'a> {
    fn compare(&self, all: &mut Vec<Difference>) {
        let collection = || self.after.name.clone();
        if self.before.name != self.after.name {
            all.push(Difference::CollectionRenamed { from: self.before.name.clone(), to: collection() });
        }
        if self.before.path != self.after.path && self.after.versions.is_none() {
            let [from, to] = [self.before, self.after].map(|of| self.new.api.path_of(&of.path));
            all.push(Difference::PathChanged { collection: collection(), from, to });
        }
        if self.before.single != self.after.single {
            let (path, single) = (self.new.api.path_of(&self.after.path), self.after.single);
            all.push(Difference::SingleChanged { collection: collection(), path, single });
        }
        let keep = |of: &Collection| of.trash.map(|trash| trash.keep);
        if keep(self.before) != keep(self.after) {
            let (had, has) = (self.before.trash, self.after.trash);
            let found = had.is_none() && has.is_some_and(|trash| self.was(trash.at).is_some());
            all.push(Difference::TrashChanged { collection: collection(), had, has, found });
        }
        all.extend(self.tree());
        let kept = |of: &Collection| of.history.as_ref().map(|history| history.keep);
        if let (Some(was), Some(keep)) = (kept(self.before), kept(self.after))
            && was != keep
        {
            all.push(Difference::HistoryKept { collection: collection(), was, keep });
        }
        if self.before.key != self.after.key {
            all.push(Difference::KeyChanged { collection: collection(), from: self.before.key, to: self.after.key });
        }
        for after in declared(self.after) {
            match self.was(after.id) {
                None => self.added(after, all),
                Some(before) => self.field(before, after, all),
            }
        }
        for field in declared(self.before).filter(|field| self.became(field.id).is_none() && !self.is_narrowed(field)) {
            let stored = field.is_stored();
            all.push(Difference::FieldRemoved { collection: collection(), field: field.name.clone(), stored });
        }
        self.checks((&self.before.checks, &self.after.checks), None, all);
        self.links(all);
        self.indexes(all);
        if self.after.versions.is_some() {
            return;
        }
        self.exclusions(all);
        let old_names = |field: FieldId| self.became(field).map(|field| field.name.as_str());
        let new_names = |field: FieldId| self.was(field).map(|_| self.after.field(field).name.as_str());
        let before = CollectionBehaviour::shared((self.old, self.before), old_names, |field| self.old_order(field));
        let after = CollectionBehaviour::shared((self.new, self.after), new_names, |field| self.new_order(field));
        all.extend(behaviour_changed(&self.after.name, before.changed_in(&after)));
    }

    /// A tree that is new, follows another relation, or is gone.
    fn tree(&self) -> Option<Difference> {
        let collection = self.after.name.clone();
        let Some(tree) = self.after.tree else {
            return self.before.tree.map(|_| Difference::TreeRemoved { collection });
        };
        let parent = self.after.field(tree.parent).name.clone();
        let was = self.was(tree.parent).map(|was| was.id);
        let stays = |before: &Tree| was == Some(before.parent) && self.stays_reference(tree.parent);
        let had = self.before.tree.is_some();
        (!self.before.tree.as_ref().is_some_and(stays)).then_some(Difference::TreeAdded { collection, parent, had })
    }

    /// Whether a relation to one record leads where it led.
    fn stays_reference(&self, field: FieldId) -> bool {
        self.was(field).is_some_and(|was| self.change(was, self.after.field(field)).is_none())
    }

    /// The order of an old list, by the names that the fields have now.
    fn old_order(&self, field: &'a Field) -> Vec<(&'a str, bool)> {
        let Some(target) = field.kind.target() else { return Vec::new() };
        let name = |key: &OrderKey| {
            let after = self.pairing.successor(target);
            let after = after.and_then(|of| Some((of, self.pairing.field_successor(of, key.field)?)));
            let field = after.map_or_else(|| self.old.field(target, key.field), |(of, id)| self.new.field(of, id));
            (field.name.as_str(), key.descending)
        };
        field.order.iter().map(name).collect()
    }

    fn new_order(&self, field: &'a Field) -> Vec<(&'a str, bool)> {
        let Some(target) = field.kind.target() else { return Vec::new() };
        field.order.iter().map(|key| (self.new.field(target, key.field).name.as_str(), key.descending)).collect()
    }

    /// The checks of the type, or of a field, that are new and that are gone.
    fn checks(&self, (before, after): (&[Check], &[Check]), field: Option<&str>, all: &mut Vec<Difference>) {
        let (collection, field) = (|| self.after.name.clone(), || field.map(str::to_owned));
        let rule = |check: &Check| {
            let mut others = before.iter().chain(after).filter(|other| other.message == check.message);
            others.any(|other| other.rule.text != check.rule.text).then(|| check.rule.text.to_string())
        };
        for (at, check) in after.iter().enumerate() {
            if before.iter().all(|known| !self.same(known, check)) {
                let (message, rule) = (check.message.clone(), rule(check));
                all.push(Difference::CheckAdded { collection: collection(), field: field(), check: at, message, rule });
            }
        }
        for check in before.iter().filter(|check| after.iter().all(|known| !self.same(check, known))) {
            let (message, rule) = (check.message.clone(), rule(check));
            all.push(Difference::CheckRemoved { collection: collection(), field: field(), message, rule });
        }
    }

    /// Whether an old and a new check guard the same fields, under the names that these have now.
    fn same_guards(&self, before: &Check, after: &Check) -> bool {
        let now = |name: &str| {
            let field = self.before.field_named(name).and_then(|field| self.became(field.id));
            field.map_or_else(|| name.to_owned(), |field| field.name.clone())
        };
        let sorted = |guards: Option<Vec<String>>| {
            guards.map(|mut guards| {
                guards.sort_unstable();
                guards
            })
        };
        let old = before.guarded().map(|guards| guards.into_iter().map(now).collect());
        let new = after.guarded().map(|guards| guards.into_iter().map(str::to_owned).collect());
        sorted(old) == sorted(new)
    }

    /// Whether an old and a new check ask the same of the same changes at the same time, whatever their messages say.
    fn same(&self, before: &Check, after: &Check) -> bool {
        let same_rule = || match self.pairing.meaning(self.after.id, (&before.rule, &after.rule)) {
            Some(Meaning::Same | Meaning::ValuesRenamed) => true,
            Some(Meaning::Other) => false,
            None => self.same_text(&before.rule, &after.rule),
        };
        before.asked == after.asked && self.same_guards(before, after) && same_rule()
    }

    /// Whether an old and a new computed field, or stored sum, have the same value.
    fn same_value(&self, before: &Field, after: &Field) -> bool {
        let texts = match (&before.computed, &after.computed, &before.sum, &after.sum) {
            (Some(was), Some(is), ..) if was.rights == is.rights => Some((&was.is, &is.is)),
            (None, None, Some(was), Some(is)) => Some((&was.is, &is.is)),
            _ => None,
        };
        texts.is_some_and(|(was, is)| match self.pairing.field_meaning(self.after.id, after.id) {
            Some(Meaning::Same | Meaning::ValuesRenamed) => true,
            Some(Meaning::Other) => false,
            None => self.same_text(was, is),
        })
    }

    /// Whether two expressions mean the same as far as their texts tell.
    fn same_text(&self, before: &RuleText, after: &RuleText) -> bool {
        before.text == after.text && rules_in(self.old, before) == rules_in(self.new, after)
    }

    /// The old field that this one was.
    pub(super) fn was(&self, field: FieldId) -> Option<&'a Field> {
        self.pairing.field(self.after.id, field).map(|id| self.before.field(id))
    }

    /// What an old field has become.
    pub(super) fn became(&self, field: FieldId) -> Option<&'a Field> {
        self.pairing.field_successor(self.after.id, field).map(|id| self.after.field(id))
    }

    /// The reference to one type that a new reference to one of several was.
    fn plain_reference(&self, holder: &Field) -> Option<&'a Field> {
        let mut parts = self.after.members(Some(holder.id)).filter(|part| part.is_of_reference());
        parts.find_map(|part| self.was(part.id).filter(|was| !was.is_of_reference()))
    }

    /// Whether an old reference to one of several types has become one to records of one type.
    fn is_narrowed(&self, holder: &Field) -> bool {
        let mut parts = self.before.members(Some(holder.id)).filter(|part| part.is_of_reference());
        parts.any(|part| self.became(part.id).is_some_and(|is| !is.is_of_reference()))
    }

    fn filled(&self, field: &Field) -> Filled {
        if matches!(field.kind, FieldKind::ToOneOf { .. }) {
            return if field.required { Filled::Missing } else { Filled::Null };
        }
        if !field.is_stored() {
            Filled::NotStored
        } else if field.is_sum() {
            Filled::Sum
        } else if field.backfill.is_some() {
            Filled::Backfill
        } else if field.slug.is_some() {
            Filled::Slug
        } else if field.sequence.is_some() {
            Filled::Number
        } else if self.new.default_of(field).is_some() || self.is_filled_where_present(field) {
            Filled::Default
        } else if field.required || self.is_needed_where_present(field) {
            Filled::Missing
        } else {
            Filled::Null
        }
    }

    /// Whether records whose embedded value is there, and was before, need a value for this member of it.
    fn is_needed_where_present(&self, member: &Field) -> bool {
        let within = member.within.filter(|within| within.required && !within.always);
        within.is_some_and(|within| self.was_embedded(within.field))
    }

    fn is_filled_where_present(&self, member: &Field) -> bool {
        let within = member.within.filter(|within| !within.always && member.default.is_some());
        within.is_some_and(|within| self.was_embedded(within.field))
    }

    /// Whether a field held an embedded value before, so that the value can be there in stored records.
    fn was_embedded(&self, field: FieldId) -> bool {
        self.was(field).is_some_and(|was| matches!(was.kind, FieldKind::Embedded(_)))
    }

    fn added(&self, field: &Field, all: &mut Vec<Difference>) {
        if let Some(was) = self.plain_reference(field) {
            let tightened = field.required && !was.required;
            return self.referring((was, field), tightened, all);
        }
        let (collection, filled) = (self.after.name.clone(), self.filled(field));
        // Of a member of an embedded value that is new too, the value is demanded as a whole.
        let is_awaited = field.required || field.within.is_some_and(|within| self.was_embedded(within.field));
        let demanded = is_awaited && Writes::of(self.new, field).create == AtCreate::Demanded;
        all.push(Difference::FieldAdded { collection, field: field.name.clone(), filled, demanded });
    }

    /// A reference to records of one type that can now lead to several, or the other way round.
    fn referring(&self, (before, after): (&Field, &Field), tightened: bool, all: &mut Vec<Difference>) {
        let (collection, field) = (|| self.after.name.clone(), || after.name.clone());
        let (from, to) = (written(self.old, &before.kind), written(self.new, &after.kind));
        let change = TypeChange::Referring;
        all.push(Difference::TypeChanged { collection: collection(), field: field(), from, to, change });
        if tightened {
            let filled = Filled::Missing;
            all.push(Difference::RequiredTightened { collection: collection(), field: field(), filled });
        } else if before.required && !after.required {
            all.push(Difference::RequiredLoosened { collection: collection(), field: field() });
        }
    }

    fn field(&self, before: &Field, after: &Field, all: &mut Vec<Difference>) {
        let collection = || self.after.name.clone();
        let field = || after.name.clone();
        let is_referring = before.is_of_reference() != after.is_of_reference();
        if let Some(holder) = before.within.filter(|_| is_referring && before.is_of_reference()) {
            // References that led elsewhere are gone, so that a value can be missing wherever one is required.
            self.referring((self.before.field(holder.field), after), after.required, all);
        } else if before.name != after.name && !is_referring {
            let (from, to) = (before.name.clone(), field());
            // What has neither a column nor a link table has nothing to rename but itself.
            let elsewhere = before.kind.declared_by().is_some() || before.kind.has_members();
            let stored = !elsewhere && !before.is_computed();
            let kept = self.after.by_name.get(&from) == Some(&after.id);
            all.push(Difference::FieldRenamed { collection: collection(), from, to, stored, kept });
        }
        let change = self.change(before, after);
        let replaced = matches!(change, Some(TypeChange::Replaced(_) | TypeChange::Stored(_)));
        let is_same_type = change.is_none();
        if let Some(change) = change {
            let (from, to) = self.types_written(before, after);
            all.push(Difference::TypeChanged { collection: collection(), field: field(), from, to, change });
        }
        let demands =
            |one: &Field, other: &Field| one.required && !other.required || one.is_needed() && !other.is_needed();
        if is_referring {
            // `referring` has compared it.
        } else if demands(after, before) && !replaced {
            let filled = self.filled(after);
            all.push(Difference::RequiredTightened { collection: collection(), field: field(), filled });
        } else if demands(before, after) && after.kind.is_held() {
            all.push(Difference::RequiredLoosened { collection: collection(), field: field() });
        }
        let is_secret = |field: &Field| field.class == Some(Class::Secret);
        if is_secret(before) && !is_secret(after) && !replaced {
            all.push(Difference::SecretRevealed { collection: collection(), field: field() });
        }
        if before.is_computed() && after.is_computed() && is_same_type && !self.same_value(before, after) {
            all.push(Difference::ComputedChanged { collection: collection(), field: field() });
        }
        if before.is_sum() && after.is_sum() && is_same_type && !self.same_value(before, after) {
            all.push(Difference::SumChanged { collection: collection(), field: field() });
        }
        if let (Some(was), Some(is)) = (&before.sum, &after.sum)
            && was.upkeep != is.upkeep
        {
            all.push(Difference::UpkeepChanged { collection: collection(), field: field(), to: is.upkeep });
        }
        if before.sequence.is_none() && after.sequence.is_some() && !replaced {
            all.push(Difference::SequenceAdded { collection: collection(), field: field() });
        }
        if before.length != after.length {
            let stricter = Length::is_stricter(before.length, after.length);
            all.push(Difference::LengthChanged { collection: collection(), field: field(), stricter });
        }
        for (limit, stricter) in limits_changed(before, after) {
            all.push(Difference::LimitChanged { collection: collection(), field: field(), limit, stricter });
        }
        if let (FieldKind::ToOne { on_delete: a, .. }, FieldKind::ToOne { on_delete: b, target, .. }) =
            (&before.kind, &after.kind)
            && a != b
        {
            let target = self.new.collection(*target).name.clone();
            all.push(Difference::OnDeleteChanged {
                collection: collection(),
                field: field(),
                target,
                from: *a,
                to: *b,
            });
        }
        self.checks((&before.checks, &after.checks), Some(&after.name), all);
    }

    /// What another place of an amount's currency means for stored values; `None` if the kinds of the fields say all.
    fn shared(&self, before: &Field, after: &Field) -> Option<TypeChange> {
        let is_money = |field: &Field| field.kind == FieldKind::Scalar(Scalar::Money);
        match (&before.currency, &after.currency) {
            (Some(was), Some(is)) => (!self.same_way(was, is)).then_some(TypeChange::Shared),
            (None, Some(_)) if is_money(before) => Some(TypeChange::Shared),
            (Some(_), None) if is_money(after) && after.backfill.is_none() => Some(TypeChange::Shared),
            // A number can have more digits than its currency.
            (None, Some(_)) => Some(TypeChange::Replaced(self.filled(after))),
            (Some(_), None) if before.kind == after.kind => Some(TypeChange::Widened),
            (None | Some(_), None) => None,
        }
    }

    /// Whether two ways to a currency lead through the same fields.
    fn same_way(&self, before: &[FieldId], after: &[FieldId]) -> bool {
        let mut at = self.after;
        before.len() == after.len()
            && before.iter().zip(after).all(|(was, is)| {
                let is_same = self.pairing.field(at.id, *is) == Some(*was);
                at = at.field(*is).kind.target().map_or(at, |target| self.new.collection(target));
                is_same
            })
    }

    /// The types of a field as they are written in the models, told apart where they have the same name.
    fn types_written(&self, before: &Field, after: &Field) -> (String, String) {
        let from = field_written(self.old, self.before, before);
        let to = field_written(self.new, self.after, after);
        let (was, is) = (sort_of(&before.kind), sort_of(&after.kind));
        if from == to && was != is { (format!("the {was} {from}"), format!("the {is} {to}")) } else { (from, to) }
    }

    /// What another kind of a field means for stored values; none if it is the same.
    pub(super) fn change(&self, before: &Field, after: &Field) -> Option<TypeChange> {
        if after.is_sum() {
            let is_alike = before.is_sum() && before.shares_currency() == after.shares_currency();
            let is_same = is_alike && self.written_in_old(&after.kind) == Some(written(self.old, &before.kind));
            let replaces = before.is_stored() && !before.is_sum();
            return (!is_same).then_some(TypeChange::Summed { replaces });
        }
        match (before.is_computed(), after.is_computed()) {
            (false, true) if before.is_sum() => return Some(TypeChange::Derived),
            (false, false) => {}
            (true, true) if self.written_in_old(&after.kind) == Some(written(self.old, &before.kind)) => return None,
            (true, true) => return Some(TypeChange::NotStored),
            (false, true) => return Some(TypeChange::Computed),
            (true, false) => return Some(TypeChange::Stored(self.filled(after))),
        }
        if let Some(change) = self.shared(before, after) {
            return Some(change);
        }
        let same = |target| self.pairing.collection(target);
        Some(match (&before.kind, &after.kind) {
            (FieldKind::Scalar(from), FieldKind::Scalar(to)) if from == to => return None,
            (FieldKind::Enum(from), FieldKind::Enum(to)) if self.pairing.enumeration(*to) == Some(*from) => {
                return None;
            }
            (FieldKind::Document(from), FieldKind::Document(to)) => {
                match (Documents { old: self.old, new: self.new, pairing: self.pairing }.compare(*from, *to)) {
                    DocumentChange::Same => return None,
                    DocumentChange::Rewritten(Rewriting { lost, breaking }) => TypeChange::Rewritten { lost, breaking },
                    DocumentChange::Other => TypeChange::Replaced(self.filled(after)),
                }
            }
            (FieldKind::Scalar(Scalar::Json), FieldKind::Document(_)) => TypeChange::Converted,
            // What it is called is nowhere stored; its members are compared each for itself.
            (FieldKind::Embedded(_), FieldKind::Embedded(_))
            | (FieldKind::ToOneOf { .. }, FieldKind::ToOneOf { .. }) => {
                return None;
            }
            (FieldKind::List(from), FieldKind::List(to)) if self.same_element(*from, *to) => return None,
            (FieldKind::ToOne { target: from, .. }, FieldKind::ToOne { target: to, .. })
                if same(*to) == Some(*from) =>
            {
                return None;
            }
            (FieldKind::Scalar(from), FieldKind::Scalar(to)) if widens(*from, *to) => TypeChange::Widened,
            (FieldKind::Enum(_), FieldKind::Scalar(Scalar::String | Scalar::Text))
            | (FieldKind::Document(_), FieldKind::Scalar(Scalar::Json)) => TypeChange::Widened,
            (
                FieldKind::Scalar(_) | FieldKind::Enum(_),
                FieldKind::Scalar(_) | FieldKind::Enum(_) | FieldKind::List(_),
            )
            | (FieldKind::List(_), FieldKind::List(_))
                if after.backfill.is_none() && is_convertible(&before.kind) && is_convertible(&after.kind) =>
            {
                TypeChange::Converted
            }
            (FieldKind::ToOne { target: from, .. }, FieldKind::ManyToMany { target: to, link })
                if link.owner && same(*to) == Some(*from) =>
            {
                TypeChange::Linked
            }
            (before, after) if !before.is_stored() && !after.is_stored() => {
                let relation = |kind: &FieldKind| written(self.old, kind);
                let (from, to) = (relation(before), self.written_then(after));
                if Some(from) == to {
                    return None;
                }
                TypeChange::NotStored
            }
            _ => TypeChange::Replaced(self.filled(after)),
        })
    }

    fn same_element(&self, from: Element, to: Element) -> bool {
        match (from, to) {
            (Element::Scalar(from), Element::Scalar(to)) => from == to,
            (Element::Enum(from), Element::Enum(to)) => self.pairing.enumeration(to) == Some(from),
            (Element::Scalar(_), Element::Enum(_)) | (Element::Enum(_), Element::Scalar(_)) => false,
        }
    }

    /// A scalar or an enum of the new model as it would have been written in the old one, if it was there.
    fn written_in_old(&self, kind: &FieldKind) -> Option<String> {
        match kind {
            FieldKind::Enum(id) => Some(self.old.enumeration(self.pairing.enumeration(*id)?).name.clone()),
            kind => Some(written(self.new, kind)),
        }
    }

    /// A new relation to many as it would have been written in the old model, if its types and fields were there.
    fn written_then(&self, kind: &FieldKind) -> Option<String> {
        let target = kind.target()?;
        let name = &self.old.collection(self.pairing.collection(target)?).name;
        let name = if kind.is_to_many() { format!("[{name}]") } else { name.clone() };
        let Some((of, field)) = kind.declared_by() else { return Some(name) };
        let (of, field) = (self.pairing.collection(of)?, self.pairing.field(of, field)?);
        Some(format!("{name} @inverse(field: \"{}\")", self.old.field(of, field).name))
    }

    fn links(&self, all: &mut Vec<Difference>) {
        let collection = || self.after.name.clone();
        for (field, link) in self.after.links() {
            let source = self.pairing.link_source(self.old, self.new, (self.after.id, field.id));
            match source {
                LinkSource::New => {
                    let (field, table) = (field.name.clone(), link.table.clone());
                    all.push(Difference::LinkAdded { collection: collection(), field, table });
                }
                LinkSource::Same(of, was) => match (self.ordered_before(of, was), link.ordered) {
                    (false, true) => {
                        all.push(Difference::LinksOrdered { collection: collection(), field: field.name.clone() });
                    }
                    (true, false) => all.push(self.unordered(of, was)),
                    (false, false) | (true, true) => {}
                },
                // The places were those of the links of a record at the other end.
                LinkSource::Turned(of, was) if self.ordered_before(of, was) => all.push(self.unordered(of, was)),
                LinkSource::Turned(..) | LinkSource::One(..) => {}
            }
        }
        for (field, link) in self.before.links() {
            if !goes_on(self.old, self.new, self.pairing, (self.before, field)) {
                let (field, table) = (field.name.clone(), link.table.clone());
                all.push(Difference::LinkRemoved { collection: collection(), field, table });
            }
        }
    }

    /// Whether the links of an old relation had an order.
    fn ordered_before(&self, of: CollectionId, field: FieldId) -> bool {
        matches!(&self.old.field(of, field).kind, FieldKind::ManyToMany { link, .. } if link.ordered)
    }

    fn unordered(&self, of: CollectionId, field: FieldId) -> Difference {
        let collection = self.pairing.successor(of).map_or(self.old.collection(of), |id| self.new.collection(id));
        let (collection, field) = (collection.name.clone(), self.old.field(of, field).name.clone());
        Difference::LinksUnordered { collection, field }
    }

    fn indexes(&self, all: &mut Vec<Difference>) {
        let collection = || self.after.name.clone();
        let mut kept: Vec<&str> = Vec::new();
        for index in &self.after.indexes {
            if let Some(was) = self.index_before(index) {
                kept.push(&was.name);
                continue;
            }
            let condition = index.condition_text().map(str::to_owned);
            let (index, unique, nulls) = (index.name.clone(), index.unique, index.nulls);
            all.push(Difference::IndexAdded { collection: collection(), index, unique, nulls, condition });
        }
        for index in self.before.indexes.iter().filter(|index| !kept.contains(&index.name.as_str())) {
            let (index, unique) = (index.name.clone(), index.unique);
            all.push(Difference::IndexRemoved { collection: collection(), index, unique });
        }
    }

    fn exclusions(&self, all: &mut Vec<Difference>) {
        let names = |of: &Collection, exclusion: &Exclusion| {
            exclusion.all_fields().map(|field| of.field(field).name.clone()).collect::<Vec<String>>()
        };
        let condition = |exclusion: &Exclusion| exclusion.condition_text().map(str::to_owned);
        for added in self.after.exclusions.iter().filter(|of| self.exclusion_before(of).is_none()) {
            let (fields, condition) = (names(self.after, added), condition(added));
            all.push(Difference::ExclusionAdded { collection: self.after.name.clone(), fields, condition });
        }
        let kept: Vec<&Exclusion> = self.after.exclusions.iter().filter_map(|of| self.exclusion_before(of)).collect();
        for gone in self.before.exclusions.iter().filter(|of| !kept.contains(of)) {
            let (fields, condition) = (names(self.before, gone), condition(gone));
            all.push(Difference::ExclusionRemoved { collection: self.after.name.clone(), fields, condition });
        }
    }

    fn exclusion_before(&self, exclusion: &Exclusion) -> Option<&'a Exclusion> {
        let fields = exclusion.all_fields().map(|field| self.pairing.field(self.after.id, field));
        let fields = fields.collect::<Option<Vec<FieldId>>>()?;
        let mut same = self.before.exclusions.iter().filter(|known| known.all_fields().eq(fields.iter().copied()));
        same.find(|known| self.same_condition(known.condition.as_ref(), exclusion.condition.as_ref()))
    }

    fn index_before(&self, index: &Index) -> Option<&'a Index> {
        let fields = index.fields.iter().map(|field| self.pairing.field(self.after.id, *field));
        let fields = fields.collect::<Option<Vec<FieldId>>>()?;
        // Records in the trash are in no unique index.
        let kept_alike = !index.unique || self.before.trash.is_some() == self.after.trash.is_some();
        let mut same = self.before.indexes.iter().filter(|known| known.fields == fields && kept_alike);
        same.find(|known| {
            known.unique == index.unique
                && known.nulls == index.nulls
                && self.same_condition(known.condition.as_ref(), index.condition.as_ref())
        })
    }

    /// Whether an old and a new condition are true of the same records: a text means another thing once the rules and fields that
    /// it names are others.
    fn same_condition(&self, before: Option<&RuleText>, after: Option<&RuleText>) -> bool {
        let (before, after) = match (before, after) {
            (None, None) => return true,
            (Some(before), Some(after)) => (before, after),
            (None, Some(_)) | (Some(_), None) => return false,
        };
        match self.pairing.meaning(self.after.id, (before, after)) {
            Some(Meaning::Same) => return true,
            // The database has the condition with the names that the values had.
            Some(Meaning::ValuesRenamed | Meaning::Other) => return false,
            None => {}
        }
        let rules = rules_in(self.new, after);
        before.text.trim() == after.text.trim()
            && rules_in(self.old, before) == rules
            && rules.into_values().chain([&*after.text]).all(|text| self.names_same_fields(text))
    }

    /// Whether all names of fields in a text are those of the same fields in both models.
    fn names_same_fields(&self, text: &str) -> bool {
        let named = |name: &&String| is_named_in(text, name);
        let (old, new) = (&self.before.by_name, &self.after.by_name);
        old.keys().chain(new.keys()).filter(named).all(|name| match (old.get(name), new.get(name)) {
            (Some(was), Some(is)) => self.pairing.field(self.after.id, *is) == Some(*was),
            _ => false,
        })
    }
}

/// What another type of a field that both models have means for stored values; none if the type is the same.
pub fn type_change(
    (old, new): (&Model, &Model),
    pairing: &Pairing,
    (collection, field): (CollectionId, FieldId),
) -> Option<TypeChange> {
    let (before, after) = (old.collection(pairing.collection(collection)?), new.collection(collection));
    let was = before.field(pairing.field(collection, field)?);
    Pair { old, new, pairing, before, after }.change(was, after.field(field))
}

/// Whether a field that both models have is the same stored sum in both, as far as its text and the named rules in it tell,
/// and its values are as good as they have to be.
pub fn is_same_sum(
    (old, new): (&Model, &Model),
    pairing: &Pairing,
    (collection, field): (CollectionId, FieldId),
) -> bool {
    let Some((before, was)) = pairing.collection(collection).zip(pairing.field(collection, field)) else {
        return false;
    };
    let (before, after) = (old.collection(before), new.collection(collection));
    let pair = Pair { old, new, pairing, before, after };
    let (was, is) = (before.field(was), after.field(field));
    // What is kept soon may not have followed yet.
    let is_exact = !was.is_kept_soon() || is.is_kept_soon();
    was.is_sum() && is.is_sum() && is_exact && pair.same_value(was, is) && pair.change(was, is).is_none()
}

/// Whether a field that both models have is computed in the same way in both.
pub fn is_same_computed(
    (old, new): (&Model, &Model),
    pairing: &Pairing,
    (collection, field): (CollectionId, FieldId),
) -> bool {
    let Some((before, was)) = pairing.collection(collection).zip(pairing.field(collection, field)) else {
        return false;
    };
    let (before, after) = (old.collection(before), new.collection(collection));
    let (was, is) = (before.field(was), after.field(field));
    was.is_computed() && is.is_computed() && Pair { old, new, pairing, before, after }.same_value(was, is)
}

/// The old index that a new one was: over the same fields, in the same order, with a condition that means the same.
pub fn index_before<'m>(
    (old, new): (&'m Model, &'m Model),
    pairing: &'m Pairing,
    collection: CollectionId,
    index: &Index,
) -> Option<&'m Index> {
    let (before, after) = (old.collection(pairing.collection(collection)?), new.collection(collection));
    Pair { old, new, pairing, before, after }.index_before(index)
}

/// The old exclusion that a new one was: over the same fields, with a condition that means the same.
pub fn exclusion_before<'m>(
    (old, new): (&'m Model, &'m Model),
    pairing: &'m Pairing,
    collection: CollectionId,
    exclusion: &Exclusion,
) -> Option<&'m Exclusion> {
    let (before, after) = (old.collection(pairing.collection(collection)?), new.collection(collection));
    Pair { old, new, pairing, before, after }.exclusion_before(exclusion)
}

/// Whether the links of an old relation are those of a new one.
fn goes_on(old: &Model, new: &Model, pairing: &Pairing, (before, field): (&Collection, &Field)) -> bool {
    new.collections.iter().flat_map(|of| of.links().map(move |(field, _)| (of.id, field.id))).any(|at| {
        match pairing.link_source(old, new, at) {
            LinkSource::Same(of, id) | LinkSource::Turned(of, id) => (of, id) == (before.id, field.id),
            LinkSource::New | LinkSource::One(..) => false,
        }
    })
}

/// Fields but for the four that every record has, and those that come with a tree.
pub(super) fn declared(collection: &Collection) -> impl Iterator<Item = &Field> {
    collection.fields.iter().filter(|field| field.id > Collection::VERSION && !field.comes_with_tree())
}

/// Whether its values are written and read as one text or number each.
fn is_convertible(kind: &FieldKind) -> bool {
    match kind {
        FieldKind::Scalar(scalar) | FieldKind::List(Element::Scalar(scalar)) => {
            !matches!(scalar, Scalar::Id { .. } | Scalar::Money)
        }
        FieldKind::Enum(_) | FieldKind::List(Element::Enum(_)) => true,
        FieldKind::Embedded(_)
        | FieldKind::Document(_)
        | FieldKind::ToOne { .. }
        | FieldKind::ToOneOf { .. }
        | FieldKind::OneToMany { .. }
        | FieldKind::Lineage { .. }
        | FieldKind::OneToOne { .. }
        | FieldKind::ManyToMany { .. } => false,
    }
}

fn widens(from: Scalar, to: Scalar) -> bool {
    match (from, to) {
        (from, Scalar::Text) => from.storage() == Storage::Text,
        (from, Scalar::String) => {
            // A web address can be longer than a `String`.
            from.storage() == Storage::Text && !matches!(from, Scalar::Text | Scalar::Url)
        }
        (Scalar::Decimal { precision: p, scale: s }, Scalar::Decimal { precision: q, scale: t }) => s == t && p <= q,
        _ => false,
    }
}
