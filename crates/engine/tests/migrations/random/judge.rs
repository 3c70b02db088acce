//! What becomes of stored records, worked out naively.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::schema::{Backfill, Field, Key, Kind, Schema, Type};
use super::world::{Record, World};
use crate::changed::Catalogued;

/// What both models can hold is what it was, and new fields hold what the new model says.
pub(super) fn judge_world((old, new): (&Schema, &Schema), (before, after): (&World, &World)) -> Result<(), String> {
    let judge = Judge { old, new };
    for of in &new.types {
        let Some(was) = old.of(of.key) else { continue };
        let (records, now) = (&before.0[&of.key], &after.0[&of.key]);
        let ids = |of: &BTreeMap<String, Record>| of.keys().cloned().collect::<BTreeSet<_>>();
        if ids(records) != ids(now) {
            return Err(format!("records of {} are others: {records:?} → {now:?}", of.name));
        }
        for (id, record) in records {
            let found = &now[id];
            if of.trash && record.trashed != found.trashed {
                return Err(format!("{} {id} was in the trash: {} → {}", of.name, record.trashed, found.trashed));
            }
            if record.system != found.system {
                return Err(format!("{} {id} is another: {} → {}", of.name, record.system, found.system));
            }
            for field in &of.fields {
                let value = &found.values[&field.key];
                if let Some(expected) = judge.expected((was, field), record).filter(|expected| expected != value) {
                    return Err(format!("{}.{} of {id} should be {expected}, and is {value}", of.name, field.name));
                }
            }
        }
    }
    Ok(())
}

/// What follows from the records is as they say: who is above whom, ranges that don't overlap, and the tables of references in
/// documents, which are pairs of ids by type and field.
pub(super) fn judge_consequences(
    schema: &Schema,
    world: &World,
    references: &BTreeMap<(String, String), BTreeSet<(String, String)>>,
) -> Result<(), String> {
    for of in &schema.types {
        let records = &world.0[&of.key];
        let live = || records.iter().filter(|(_, record)| record.trashed.is_null());
        for (id, record) in live().filter(|_| of.tree.is_some()) {
            let mut above: Vec<&str> = Vec::new();
            let mut next = of.tree.and_then(|parent| record.values[&parent].as_str());
            while let Some(id) = next.filter(|id| !above.contains(id)) {
                above.insert(0, id);
                next = of.tree.and_then(|parent| records.get(id)?.values[&parent].as_str());
            }
            if record.above != json!(above) {
                return Err(format!("{above:?} are above {id}, and its path says {}", record.above));
            }
        }
        if let Some((from, to)) = of.exclude {
            let ends =
                |record: &Record| (record.values[&from].as_i64(), record.values[&to].as_i64().unwrap_or(i64::MAX));
            let ranges = live().filter_map(|(_, record)| Some((ends(record).0?, ends(record).1)));
            let mut ranges: Vec<(i64, i64)> = ranges.collect();
            ranges.sort_unstable();
            if ranges.windows(2).any(|two| two[1].0 < two[0].1) {
                return Err(format!("ranges of {} overlap: {ranges:?}", of.name));
            }
        }
        for field in &of.fields {
            let Kind::Document(key) = field.kind else { continue };
            let Some(embedded) = schema.embedded(key) else { continue };
            let at = embedded.to.key.to_string();
            let mut expected = BTreeSet::new();
            for (id, record) in records {
                let items = record.values[&field.key].as_array().into_iter().flatten();
                expected.extend(items.filter_map(|item| Some((id.clone(), item[&at].as_str()?.to_owned()))));
            }
            let found = references.get(&(of.name.clone(), field.name.clone())).cloned().unwrap_or_default();
            if found != expected {
                return Err(format!("the references of {}.{} are {found:?}, not {expected:?}", of.name, field.name));
            }
        }
    }
    Ok(())
}

/// Numbers stay with what they are of; what is new has a number that nothing had.
pub(super) fn judge_numbers((old, new): (&Schema, &Schema), all: (&[Catalogued], &[Catalogued])) -> Result<(), String> {
    let number_of =
        |all: &[Catalogued], of: &str| all.iter().find(|number| number.of == of).map(|number| number.type_number);
    let field_of = |all: &[Catalogued], of: &str, field: &str| {
        all.iter().find(|number| number.of == of && number.field == field).map(|number| number.field_number)
    };
    let (before, after) = all;
    for of in &new.types {
        let number = number_of(after, &of.name).ok_or_else(|| format!("{} has no number", of.name))?;
        let Some(was) = old.of(of.key) else {
            if before.iter().any(|known| known.type_number == number) {
                return Err(format!("{} is new, but has the number of another: {number}", of.name));
            }
            continue;
        };
        if number_of(before, &was.name) != Some(number) {
            return Err(format!("{} had another number than {number}", of.name));
        }
        for field in &of.fields {
            let at = field_of(after, &of.name, &field.name);
            let had = was.field(field.key).map(|was_field| field_of(before, &was.name, &was_field.name));
            let is_right = match had {
                Some(had) => at.is_some() && at == had,
                None => !before.iter().any(|known| known.type_number == number && Some(known.field_number) == at),
            };
            if !is_right {
                return Err(format!("{}.{} has the number {at:?}, and had {had:?}", of.name, field.name));
            }
        }
    }
    Ok(())
}

struct Judge<'j> {
    old: &'j Schema,
    new: &'j Schema,
}

impl Judge<'_> {
    /// The value of a field after a migration, if that is certain.
    fn expected(&self, (was, field): (&Type, &Field), record: &Record) -> Option<Value> {
        let Some(before) = was.field(field.key) else { return self.fresh(field, record) };
        let value = &record.values[&field.key];
        if value.is_null() && field.made.is_some() {
            return None;
        }
        if before.kind != field.kind && field.backfill.is_some() {
            return None;
        }
        let carried = self.carried(&before.kind, &field.kind, value)?;
        if carried.is_null() && field.required { self.fresh(field, record) } else { Some(carried) }
    }

    /// What a field holds that has no value.
    fn fresh(&self, field: &Field, record: &Record) -> Option<Value> {
        if field.kind.is_followed() || field.made.is_some() {
            return None;
        }
        match &field.backfill {
            Some(Backfill::Value(value)) => return self.carried(&field.kind, &field.kind, value),
            Some(Backfill::Field(key)) => return self.carried(&field.kind, &field.kind, &record.values[key]),
            None => {}
        }
        if self.new.is_state(&field.kind) {
            let Kind::Enum(key) = field.kind else { return None };
            return Some(Value::from(self.new.enumeration(key)?.values.first()?.1.clone()));
        }
        if matches!(field.kind, Kind::Many(_)) {
            // Links of a relation that was declared at its other end may have stayed.
            return None;
        }
        Some(field.default.clone().unwrap_or(Value::Null))
    }

    fn carried(&self, from: &Kind, to: &Kind, value: &Value) -> Option<Value> {
        if value.is_null() {
            return (from == to).then_some(Value::Null);
        }
        match (from, to) {
            (Kind::Enum(of), Kind::Enum(same)) if of == same => self.renamed(*of, value),
            (Kind::List(from), Kind::List(to)) => {
                value.as_array()?.iter().map(|item| self.carried(from, to, item)).collect()
            }
            (Kind::Inverse(..), Kind::Inverse(..)) | (Kind::Total { .. }, _) | (_, Kind::Total { .. }) => None,
            (Kind::Document(of), Kind::Document(same)) if of == same => self.document(*of, value),
            (Kind::Inverse(_, declared), Kind::Many(_)) => {
                let turned = self.old.declared_by(from).is_some_and(|field| matches!(field.kind, Kind::Many(_)));
                let other = self.new.types.iter().flat_map(|of| &of.fields).find(|field| field.key == *declared);
                let is_end = other.is_some_and(|field| matches!(field.kind, Kind::Inverse(..)));
                (turned && is_end && from.target() == to.target()).then(|| value.clone())
            }
            (from, to) if from == to => Some(value.clone()),
            (Kind::Decimal { scale: from, .. }, Kind::Decimal { scale: to, .. }) => rescaled(value, *from, *to),
            (Kind::Scalar("Int"), Kind::Decimal { scale, .. }) => {
                let zeros = if *scale == 0 { String::new() } else { format!(".{}", "0".repeat(*scale)) };
                Some(json!(format!("{value}{zeros}")))
            }
            (Kind::Scalar("Int" | "Boolean"), Kind::Scalar("String" | "Text")) => Some(json!(value.to_string())),
            (Kind::Scalar("JSON" | "Money" | "Float") | Kind::Amount(_) | Kind::Document(_), _) => None,
            (Kind::Scalar(_) | Kind::Decimal { .. } | Kind::Enum(_), Kind::Scalar("String" | "Text")) => {
                value.is_string().then(|| value.clone())
            }
            (from, Kind::List(to)) if *from == **to => self.carried(from, to, value).map(|value| json!([value])),
            (Kind::ToOne(from), Kind::Many(to)) if from == to => Some(json!([value])),
            _ => None,
        }
    }

    /// A document, in which members that both models have keep their values.
    fn document(&self, of: Key, value: &Value) -> Option<Value> {
        let (was, now) = (self.old.embedded(of)?, self.new.embedded(of)?);
        let is_elsewhere = was.to.key != now.to.key || was.target != now.target;
        if is_elsewhere {
            return None;
        }
        let item = |item: &Value| -> Value {
            now.members()
                .map(|member| (member.key.to_string(), item[member.key.to_string()].clone()))
                .collect::<Map<_, _>>()
                .into()
        };
        Some(value.as_array()?.iter().map(item).collect())
    }

    /// A value of an enum under its new name; the literal of a `@backfill` can be a new one.
    fn renamed(&self, of: Key, value: &Value) -> Option<Value> {
        let name = value.as_str()?;
        let before = self.old.enumeration(of).and_then(|of| of.values.iter().find(|(_, known)| known == name));
        let Some((key, _)) = before else { return Some(value.clone()) };
        let after = self.new.enumeration(of)?.values.iter().find(|(known, _)| known == key);
        after.map(|(_, name)| Value::from(name.clone()))
    }
}

fn rescaled(value: &Value, from: usize, to: usize) -> Option<Value> {
    let text = value.as_str()?;
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    assert_eq!(part.len(), from, "a decimal has all its digits");
    let part: String = part.chars().chain("0".repeat(to).chars()).take(to).collect();
    Some(json!(if part.is_empty() { whole.to_owned() } else { format!("{whole}.{part}") }))
}
