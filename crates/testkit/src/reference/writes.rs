//! Writes at random.

use super::requests::{some_record, some_type};
use super::write::{Body, Write};
use super::{Asker, Kind, Random, Value, World};

/// Records of an array.
const ARRAY: usize = 3;

impl Write {
    /// A write. Accounts come and go with a password, so that they are only changed.
    pub fn random(random: &mut Random, world: &World, asker: &Asker) -> Self {
        let of = some_type(asker, random, world);
        let id = some_record(asker, random, world, of);
        match random.below(10) {
            0..4 if of != 0 => {
                let array = random.chance(25);
                let count = if array { 1 + random.below(ARRAY) } else { 1 };
                Self::Create { of, bodies: (0..count).map(|_| create(random, world, of)).collect(), array }
            }
            4..6 if of != 0 => Self::Delete { of, id },
            _ => Self::Update { of, body: update(random, world, of, &id), id },
        }
    }
}

fn create(random: &mut Random, world: &World, of: usize) -> Body {
    let mut body = Vec::new();
    for (index, field) in world.schema.types[of].fields.iter().enumerate() {
        let wanted = match (field.access, field.required) {
            _ if index == 0 => false,
            (super::Access::ReadOnly, _) => random.chance(1),
            _ if world.schema.initial(&field.kind).is_some() => random.chance(20),
            (_, true) => random.chance(97),
            (_, false) => random.chance(50),
        };
        let value = if wanted { value(random, world, &field.kind) } else { None };
        body.extend(value.map(|value| (index, value)));
    }
    body
}

fn update(random: &mut Random, world: &World, of: usize, id: &str) -> Body {
    let fields = &world.schema.types[of].fields;
    let stored = world.find(of, id);
    let mut body: Body = Vec::new();
    for _ in 0..=random.below(3) {
        let index = if random.chance(3) { 3 } else { 4 + random.below(fields.len() - 4) };
        // The address of an account is changed with its password.
        let address = fields[index].kind == Kind::Email;
        if address || body.iter().any(|(known, _)| *known == index) {
            continue;
        }
        let same =
            stored.filter(|_| fields[index].is_stored() && random.chance(15)).map(|record| &record.values[index]);
        let value = match same {
            Some(same) => Some(same.clone()),
            None if fields[index].is_stored() && random.chance(8) => Some(Value::Null),
            None => value(random, world, &fields[index].kind),
        };
        body.extend(value.map(|value| (index, value)));
    }
    body
}

/// A value to send; nothing for what is written at its other end, or leads to a type without records.
fn value(random: &mut Random, world: &World, kind: &Kind) -> Option<Value> {
    Some(match kind {
        Kind::OneToMany { .. } | Kind::Inverse { .. } => return None,
        Kind::ToOne { target, .. } => {
            let known = random.record(world, *target).filter(|_| random.chance(97));
            Value::Id(known.unwrap_or_else(|| random.unused_id()))
        }
        Kind::ManyToMany { target } => {
            Value::List(random.records(world, *target, 3).into_iter().map(Value::Id).collect())
        }
        kind => random.value(&world.schema, kind),
    })
}
