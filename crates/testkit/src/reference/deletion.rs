use std::sync::Arc;

use serde_json::Value as Json;

use super::schema::OnDelete;
use super::write::{NOT_FOUND, Refusal, raised};
use super::{Asker, Expr, Kind, Value, World};

const REFERENCED: Refusal = 409;

/// Deletes a record and what `@onDelete` says goes with it.
pub(super) fn delete(
    asker: &Asker,
    world: &mut World,
    (of, rule): (usize, &Expr),
    id: &str,
    moment: i64,
) -> Result<(u16, Json), Refusal> {
    let record = world.find(of, id).filter(|record| asker.reads(world, (*record).into())).ok_or(NOT_FOUND)?;
    if !asker.holds(world, rule, record.into()) {
        return Err(asker.forbidden());
    }
    let mut going = vec![Arc::clone(record.id())];
    let mut next = 0;
    while let Some(to) = going.get(next).cloned() {
        for (record, _) in referring(world, OnDelete::Cascade, &to) {
            if !going.contains(&record) {
                going.push(record);
            }
        }
        next += 1;
    }
    let stays = |(record, _): &(Arc<str>, usize)| !going.contains(record);
    if going.iter().any(|to| referring(world, OnDelete::Restrict, to).iter().any(stays)) {
        return Err(REFERENCED);
    }
    let mut released = Vec::new();
    for to in &going {
        released.extend(referring(world, OnDelete::SetNull, to).into_iter().filter(stays));
    }
    for record in &mut world.records {
        let fields = released.iter().filter(|(id, _)| id == record.id()).map(|(_, field)| *field);
        let fields: Vec<usize> = fields.collect();
        for field in &fields {
            record.values[*field] = Value::Null;
        }
        if !fields.is_empty() {
            record.values[2] = Value::Moment(moment);
            record.values[3] = raised(&record.values[3]);
        }
    }
    world.records.retain(|record| !going.contains(record.id()));
    world.links.retain(|link| !going.contains(&link.near) && !going.contains(&link.far));
    Ok((204, Json::Null))
}

/// The records that refer to this one with a field of this kind, and the field.
fn referring(world: &World, wanted: OnDelete, to: &str) -> Vec<(Arc<str>, usize)> {
    let mut found = Vec::new();
    for record in &world.records {
        for (field, about) in world.schema.types[record.of].fields.iter().enumerate() {
            let refers = matches!(about.kind, Kind::ToOne { on_delete, .. } if on_delete == wanted);
            if refers && record.values[field].id().is_some_and(|id| **id == *to) {
                found.push((Arc::clone(record.id()), field));
            }
        }
    }
    found
}
