use std::collections::HashSet;

use super::behaviour::{ApplicationBehaviour, CollectionBehaviour};
use super::{Difference, Filled, TypeChange};
use crate::{Collection, Element, Field, FieldId, FieldKind, Index, Length, Link, Model};
use backstay_scalar::{Scalar, Storage};

/// What is different in `new`, in an order in which it can be applied: what is added, what changes, what goes.
/// Collections, fields and enums are the same where their names are.
pub fn diff(old: &Model, new: &Model) -> Vec<Difference> {
    let mut all = Vec::new();
    enum_values(old, new, &mut all);
    if ApplicationBehaviour::of(old) != ApplicationBehaviour::of(new) {
        all.push(Difference::ApplicationChanged);
    }
    for collection in &new.collections {
        match old.collection_named(&collection.name) {
            None => all.push(Difference::CollectionAdded { collection: collection.name.clone() }),
            Some(before) => Pair { old, new, before, after: collection }.compare(&mut all),
        }
    }
    for collection in old.collections.iter().filter(|before| new.collection_named(&before.name).is_none()) {
        all.push(Difference::CollectionRemoved { collection: collection.name.clone() });
    }
    all.sort_by_key(rank);
    all
}

/// The place of a difference in the order of application; within a rank the order of the models stays.
fn rank(difference: &Difference) -> u8 {
    match difference {
        Difference::EnumValuesAdded { .. } => 0,
        Difference::CollectionAdded { .. } => 1,
        Difference::FieldAdded { .. } => 2,
        Difference::LinkAdded { .. } => 3,
        Difference::TypeChanged { .. }
        | Difference::RequiredTightened { .. }
        | Difference::RequiredLoosened { .. }
        | Difference::OnDeleteChanged { .. } => 4,
        Difference::IndexRemoved { .. } => 5,
        Difference::IndexAdded { .. } => 6,
        Difference::LinkRemoved { .. } => 7,
        Difference::FieldRemoved { .. } => 8,
        Difference::CollectionRemoved { .. } => 9,
        Difference::EnumValuesRemoved { .. } => 10,
        Difference::PathChanged { .. }
        | Difference::LengthChanged { .. }
        | Difference::BehaviourChanged { .. }
        | Difference::ApplicationChanged => 11,
    }
}

fn enum_values(old: &Model, new: &Model, all: &mut Vec<Difference>) {
    for after in &new.enums {
        let Some(before) = old.enums.iter().find(|before| before.name == after.name) else { continue };
        let lacking = |of: &crate::Enum, among: &crate::Enum| -> Vec<String> {
            let names = of.values.iter().map(|value| value.name.to_string());
            names.filter(|name| among.value(name).is_none()).collect()
        };
        let (added, removed) = (lacking(after, before), lacking(before, after));
        if !added.is_empty() {
            all.push(Difference::EnumValuesAdded { name: after.name.clone(), values: added });
        }
        if !removed.is_empty() {
            all.push(Difference::EnumValuesRemoved { name: after.name.clone(), values: removed });
        }
    }
}

/// A collection that is in both models.
struct Pair<'a> {
    old: &'a Model,
    new: &'a Model,
    before: &'a Collection,
    after: &'a Collection,
}

impl Pair<'_> {
    fn compare(&self, all: &mut Vec<Difference>) {
        let collection = || self.after.name.clone();
        if self.before.path != self.after.path {
            let (from, to) = (self.before.path.clone(), self.after.path.clone());
            all.push(Difference::PathChanged { collection: collection(), from, to });
        }
        for after in declared(self.after) {
            match self.before.field_named(&after.name) {
                None => self.added(after, all),
                Some(before) => self.field(before, after, all),
            }
        }
        for field in declared(self.before).filter(|field| self.after.field_named(&field.name).is_none()) {
            let stored = field.kind.is_stored();
            all.push(Difference::FieldRemoved { collection: collection(), field: field.name.clone(), stored });
        }
        self.links(all);
        self.indexes(all);
        let (before, after) = (self.before, self.after);
        if CollectionBehaviour::shared(before, after) != CollectionBehaviour::shared(after, before) {
            all.push(Difference::BehaviourChanged { collection: collection() });
        }
    }

    fn added(&self, field: &Field, all: &mut Vec<Difference>) {
        let filled = if !field.kind.is_stored() {
            Filled::NotStored
        } else if self.new.default_of(field).is_some() {
            Filled::Default
        } else if field.required {
            Filled::Missing
        } else {
            Filled::Null
        };
        let (collection, field) = (self.after.name.clone(), field.name.clone());
        all.push(Difference::FieldAdded { collection, field, filled });
    }

    fn field(&self, before: &Field, after: &Field, all: &mut Vec<Difference>) {
        let collection = || self.after.name.clone();
        let field = || after.name.clone();
        let (from, to) = (written(self.old, &before.kind), written(self.new, &after.kind));
        if from != to {
            let change = change(&before.kind, &after.kind);
            all.push(Difference::TypeChanged { collection: collection(), field: field(), from, to, change });
        }
        if before.kind.is_stored() && after.kind.is_stored() {
            match (before.required, after.required) {
                (false, true) => {
                    all.push(Difference::RequiredTightened { collection: collection(), field: field() });
                }
                (true, false) => {
                    all.push(Difference::RequiredLoosened { collection: collection(), field: field() });
                }
                _ => {}
            }
        }
        if before.length != after.length {
            let stricter = is_stricter(before.length, after.length);
            all.push(Difference::LengthChanged { collection: collection(), field: field(), stricter });
        }
        if let (FieldKind::ToOne { on_delete: a, .. }, FieldKind::ToOne { on_delete: b, .. }) =
            (&before.kind, &after.kind)
            && a != b
        {
            all.push(Difference::OnDeleteChanged { collection: collection(), field: field() });
        }
    }

    fn links(&self, all: &mut Vec<Difference>) {
        let owned = |model: &Model, of: &Collection| -> Vec<(String, String, String)> {
            let links = of.fields.iter().filter_map(|field| owned_link(field).map(|link| (field, link)));
            let parts = links.map(|(field, link)| {
                // The columns follow from the two collections, which `written` names with the other end.
                let Link { table, near: _, far: _, owner: _, inverse: _ } = link;
                (field.name.clone(), table.clone(), written(model, &field.kind))
            });
            parts.collect()
        };
        let (before, after) = (owned(self.old, self.before), owned(self.new, self.after));
        // A link table to another collection is another table, even under the same name.
        for (field, table, _) in after.iter().filter(|link| !before.contains(link)) {
            let (collection, field, table) = (self.after.name.clone(), field.clone(), table.clone());
            all.push(Difference::LinkAdded { collection, field, table });
        }
        for (field, table, _) in before.iter().filter(|link| !after.contains(link)) {
            let (collection, field, table) = (self.after.name.clone(), field.clone(), table.clone());
            all.push(Difference::LinkRemoved { collection, field, table });
        }
    }

    fn indexes(&self, all: &mut Vec<Difference>) {
        let key = |of: &Collection, index: &Index| {
            let Index { name, fields, unique } = index;
            let columns = fields.iter().flat_map(|id| &of.field(*id).columns).map(|column| column.name.clone());
            (name.clone(), columns.collect::<Vec<_>>(), *unique)
        };
        let before: HashSet<_> = self.before.indexes.iter().map(|index| key(self.before, index)).collect();
        let after: HashSet<_> = self.after.indexes.iter().map(|index| key(self.after, index)).collect();
        let collection = || self.after.name.clone();
        for index in self.after.indexes.iter().filter(|index| !before.contains(&key(self.after, index))) {
            let (index, unique) = (index.name.clone(), index.unique);
            all.push(Difference::IndexAdded { collection: collection(), index, unique });
        }
        for index in self.before.indexes.iter().filter(|index| !after.contains(&key(self.before, index))) {
            let (index, unique) = (index.name.clone(), index.unique);
            all.push(Difference::IndexRemoved { collection: collection(), index, unique });
        }
    }
}

/// Fields but for the four that every record has.
fn declared(collection: &Collection) -> impl Iterator<Item = &Field> {
    collection.fields.iter().filter(|field| field.id > Collection::VERSION)
}

fn owned_link(field: &Field) -> Option<&Link> {
    match &field.kind {
        FieldKind::ManyToMany { link, .. } if link.owner => Some(link),
        _ => None,
    }
}

/// A field's type as it is written in a model, without `!`.
fn written(model: &Model, kind: &FieldKind) -> String {
    let name = |id| model.collection(id).name.as_str();
    let field = |of, id: FieldId| model.field(of, id).name.as_str();
    match kind {
        FieldKind::Scalar(scalar) => scalar_written(*scalar),
        FieldKind::Enum(id) => model.enumeration(*id).name.clone(),
        FieldKind::List(Element::Scalar(scalar)) => format!("[{}]", scalar_written(*scalar)),
        FieldKind::List(Element::Enum(id)) => format!("[{}]", model.enumeration(*id).name),
        // What happens on deletion is a difference of its own.
        FieldKind::ToOne { target, on_delete: _ } => name(*target).to_owned(),
        FieldKind::OneToMany { target, via } => format!("[{}] @inverse({})", name(*target), field(*target, *via)),
        FieldKind::ManyToMany { target, link } => match link.inverse.filter(|_| !link.owner) {
            Some(inverse) => format!("[{}] @inverse({})", name(*target), field(*target, inverse)),
            None => format!("[{}]", name(*target)),
        },
    }
}

fn scalar_written(scalar: Scalar) -> String {
    match scalar {
        Scalar::Decimal { precision, scale } => format!("Decimal({precision}, {scale})"),
        other => other.name().to_owned(),
    }
}

fn change(before: &FieldKind, after: &FieldKind) -> TypeChange {
    match (before, after) {
        (FieldKind::Scalar(from), FieldKind::Scalar(to)) if widens(*from, *to) => TypeChange::Widened,
        (before, after) if !before.is_stored() && !after.is_stored() => TypeChange::NotStored,
        _ => TypeChange::Converted,
    }
}

/// Whether a value can be as long as the first says, and not as the second does.
fn is_stricter(before: Option<Length>, after: Option<Length>) -> bool {
    let bounds = |length: Option<Length>| {
        let Length { min, max } = length.unwrap_or(Length { min: 0, max: None });
        (min, max.unwrap_or(usize::MAX))
    };
    let ((least, most), (min, max)) = (bounds(before), bounds(after));
    min > least || max < most
}

fn widens(from: Scalar, to: Scalar) -> bool {
    match (from, to) {
        (from, Scalar::Text) => from.storage() == Storage::Text,
        (from, Scalar::String) => from.storage() == Storage::Text && from != Scalar::Text,
        (Scalar::Decimal { precision: p, scale: s }, Scalar::Decimal { precision: q, scale: t }) => s == t && p <= q,
        _ => false,
    }
}
