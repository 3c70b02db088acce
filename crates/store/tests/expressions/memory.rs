//! The data set as the evaluation in memory sees it.

use backstay_base::{Action, Caller, RecordId, Timestamp};
use backstay_expr::{Checked, Environment, Path, Rule, Start, Truth};
use backstay_model::{Collection, CollectionId, FieldId, FieldKind, Toward};
use backstay_scalar::Value;

use crate::Setting;

/// The truth of an expression for an item.
pub(crate) fn truth(setting: &Setting, checked: &Checked, item: RecordId) -> Truth {
    backstay_expr::truth(&checked.expr, &View { setting, checked: Some(checked), item, all: false })
}

struct View<'s> {
    setting: &'s Setting,
    checked: Option<&'s Checked>,
    item: RecordId,
    /// Whether nothing is hidden, as in a rule.
    all: bool,
}

impl View<'_> {
    fn stored(&self, collection: CollectionId, id: RecordId) -> Option<&[Value]> {
        let records = &self.setting.data.records;
        records.iter().find(|record| record.0 == collection && record.1 == id).map(|record| record.2.as_slice())
    }

    fn holds(&self, rule: &Rule, id: RecordId) -> bool {
        let view = View { setting: self.setting, checked: None, item: id, all: true };
        self.all || backstay_expr::truth(rule.expr(), &view).is_true()
    }

    fn sees_record(&self, collection: CollectionId, id: RecordId) -> bool {
        self.holds(self.setting.rights.rule(collection, Action::Read), id)
    }

    fn field(&self, collection: CollectionId, id: RecordId, field: FieldId) -> Value {
        if !self.holds(self.setting.rights.field(collection, field, Action::Read), id) {
            return Value::Null;
        }
        if let FieldKind::OneToOne { target, via, .. } = self.setting.model.field(collection, field).kind {
            let refers = |record: &&(CollectionId, RecordId, Vec<Value>)| {
                record.0 == target && record.2[usize::from(via.0)].as_id() == Some(id)
            };
            let other = self.setting.data.records.iter().find(refers).map(|record| record.1);
            let declared = self.setting.rights.field(target, via, Action::Read);
            let seen = other.filter(|other| self.sees_record(target, *other) && self.holds(declared, *other));
            return seen.map_or(Value::Null, Value::Id);
        }
        self.stored(collection, id).map_or(Value::Null, |values| values[usize::from(field.0)].clone())
    }

    fn start(&self, from: Start) -> Option<RecordId> {
        match from {
            Start::This | Start::New | Start::Old => Some(self.item),
            Start::Account => self.setting.account(self.checked?, Collection::ID).as_id(),
            Start::Record(id) => Some(id),
        }
    }

    /// The record at the end of these to-one relations.
    fn walk(&self, from: Start, path: &Path, steps: &[FieldId]) -> Option<(CollectionId, RecordId)> {
        let mut at = (path.collection, self.start(from)?);
        for step in steps {
            let id = self.field(at.0, at.1, *step).as_id()?;
            let target = self.setting.model.field(at.0, *step).kind.target()?;
            at = (target, id);
            if !self.sees_record(target, id) {
                return None;
            }
        }
        Some(at)
    }
}

impl Environment for View<'_> {
    fn caller(&self) -> &Caller {
        &self.setting.caller
    }

    fn now(&self) -> Timestamp {
        self.setting.now
    }

    fn value(&self, from: Start, path: &Path) -> Value {
        let Some((last, steps)) = path.steps.split_last() else {
            return self.start(from).map_or(Value::Null, Value::Id);
        };
        if let (Start::Account, [], Some(checked)) = (from, steps, self.checked) {
            return self.setting.account(checked, *last);
        }
        self.walk(from, path, steps).map_or(Value::Null, |(collection, id)| self.field(collection, id, *last))
    }

    fn refers(&self, target: CollectionId, id: &RecordId) -> Option<bool> {
        Some(self.stored(target, *id).is_some() && self.sees_record(target, *id))
    }

    fn members(&self, from: Start, path: &Path) -> Option<Vec<RecordId>> {
        let (last, steps) = path.steps.split_last()?;
        let (collection, owner) = self.walk(from, path, steps)?;
        let records = &self.setting.data.records;
        let members: Vec<RecordId> = match &self.setting.model.field(collection, *last).kind {
            FieldKind::OneToMany { target, via } => {
                let refers = |values: &[Value]| values[usize::from(via.0)].as_id() == Some(owner);
                records
                    .iter()
                    .filter(|record| record.0 == *target && refers(&record.2))
                    .map(|record| record.1)
                    .collect()
            }
            FieldKind::Lineage { target, toward } => {
                let parent = self.setting.model.collection(*target).tree.expect("a tree").parent;
                let above = |id: RecordId| {
                    let record = records.iter().find(|record| record.0 == *target && record.1 == id);
                    record.and_then(|record| record.2[usize::from(parent.0)].as_id())
                };
                let all_above = |id: RecordId| std::iter::successors(above(id), |id| above(*id)).collect::<Vec<_>>();
                match toward {
                    Toward::Root => all_above(owner),
                    Toward::Leaves => {
                        let of_type = records.iter().filter(|record| record.0 == *target).map(|record| record.1);
                        of_type.filter(|id| all_above(*id).contains(&owner)).collect()
                    }
                }
            }
            _ => self.setting.data.tagged.iter().filter(|link| link.0 == owner).map(|link| link.1).collect(),
        };
        let target = self.setting.model.field(collection, *last).kind.target()?;
        Some(members.into_iter().filter(|id| self.sees_record(target, *id)).collect())
    }

    fn param(&self, index: u16) -> Value {
        self.checked.map_or(Value::Null, |checked| self.setting.param(&checked.params[usize::from(index)].name))
    }
}
