//! Reads at random.

use std::sync::Arc;

use super::expressions::Expressions;
use super::{Asker, Get, Kind, List, Outlook, Part, Random, Selection, SortKey, World};

/// Fields of a `sort`.
const SORTS: usize = 3;
/// Bytes of a nested filter: as many as there can be in one selection fit together.
const FILTER_BYTES: usize = 60;
/// Attempts at a request that names only what its caller may see.
const ATTEMPTS: usize = 10;

impl List {
    /// A list for this caller. Most name only what the caller may see.
    pub fn random(random: &mut Random, world: &World, asker: &Asker) -> Self {
        let of = some_type(asker, random, world);
        let wild = random.chance(8);
        let mut list = Self {
            of,
            filter: None,
            equal: Vec::new(),
            sort: sort(random, world, of),
            select: select(random, world, of, 0),
            limit: *random.pick(&[1, 2, 3, 5, 100]),
            count: random.chance(40),
        };
        if random.chance(75) {
            let depth = random.below(4);
            let mut expressions = Expressions::filters(random, world, of);
            let filter = expressions.condition(depth);
            list.filter = Some((filter, expressions.into_params()));
        }
        if random.chance(15) {
            list.equal.extend(equal(random, world, of));
        }
        for attempt in 0..ATTEMPTS {
            if wild || asker.may_ask(world, &list) == Outlook::Open {
                break;
            }
            match attempt % 3 {
                0 => list.select = select(random, world, of, 0),
                1 => list.sort = sort(random, world, of),
                _ => {
                    let mut expressions = Expressions::filters(random, world, of);
                    let filter = expressions.condition(1);
                    list.filter = Some((filter, expressions.into_params()));
                    list.equal.clear();
                }
            }
        }
        list
    }
}

impl Get {
    /// A get for this caller.
    pub fn random(random: &mut Random, world: &World, asker: &Asker) -> Self {
        let of = some_type(asker, random, world);
        let id = some_record(asker, random, world, of);
        let mut get = Self { of, id, select: Selection::Whole };
        for _ in 0..ATTEMPTS {
            get.select = select(random, world, of, 0);
            if asker.may_select(world, of, &get.select) == Outlook::Open {
                break;
            }
        }
        get
    }
}

/// A type, mostly one of which the caller can read some records.
pub(super) fn some_type(asker: &Asker, random: &mut Random, world: &World) -> usize {
    let types = world.schema.types.len();
    let readable: Vec<usize> =
        (0..types).filter(|of| world.all(*of).any(|one| asker.reads(world, one.into()))).collect();
    if readable.is_empty() || random.chance(20) { random.below(types) } else { *random.pick(&readable) }
}

/// The id of a record, mostly of one that the caller can read; sometimes one that no record has.
pub(super) fn some_record(asker: &Asker, random: &mut Random, world: &World, of: usize) -> Arc<str> {
    let readable: Vec<&Arc<str>> =
        world.all(of).filter(|record| asker.reads(world, (*record).into())).map(super::Record::id).collect();
    if !readable.is_empty() && random.chance(80) {
        return Arc::clone(*random.pick::<&Arc<str>>(&readable));
    }
    let known = random.record(world, of).filter(|_| random.chance(85));
    known.unwrap_or_else(|| random.unused_id())
}

fn equal(random: &mut Random, world: &World, of: usize) -> Option<(usize, super::Value)> {
    let fields = &world.schema.types[of].fields;
    let fit = |field: &usize| {
        let kind = &fields[*field].kind;
        !kind.is_many() && !matches!(kind, Kind::List(_)) && !fields[*field].secret
    };
    let fields: Vec<usize> = (0..fields.len()).filter(fit).collect();
    let field = *random.pick(&fields);
    let stored: Vec<_> = world.all(of).map(|record| &record.values[field]).filter(|value| !value.is_null()).collect();
    let value = if stored.is_empty() { None } else { Some((*random.pick(&stored)).clone()) };
    Some((field, value?))
}

fn sort(random: &mut Random, world: &World, of: usize) -> Vec<SortKey> {
    let fields = &world.schema.types[of].fields;
    let fit: Vec<usize> =
        (0..fields.len()).filter(|field| fields[*field].kind.is_sortable() && !fields[*field].secret).collect();
    let mut keys: Vec<SortKey> = Vec::new();
    for _ in 0..random.below(SORTS + 1) {
        let key = match random.chance(25) {
            true => sort_through(random, world, of),
            false => Some((None, *random.pick(&fit))),
        };
        let Some((through, field)) = key else { continue };
        if keys.iter().all(|key| (key.through, key.field) != (through, field)) {
            keys.push(SortKey { field, through, descending: random.chance(50) });
        }
    }
    keys
}

/// A field by which a record can be sorted to which another one refers, and how it does.
fn sort_through(random: &mut Random, world: &World, of: usize) -> Option<(Option<usize>, usize)> {
    let fields = &world.schema.types[of].fields;
    let fit = |field: &usize| matches!(fields[*field].kind, Kind::ToOne { .. }) && !fields[*field].secret;
    let relations: Vec<usize> = (0..fields.len()).filter(fit).collect();
    if relations.is_empty() {
        return None;
    }
    let relation = *random.pick(&relations);
    let related = &world.schema.types[fields[relation].kind.target()?].fields;
    let fit = |field: &usize| related[*field].kind.is_sortable() && !related[*field].secret;
    let fit: Vec<usize> = (0..related.len()).filter(fit).collect();
    Some((Some(relation), *random.pick(&fit)))
}

/// A filter without parameters that is short.
fn nested_filter(random: &mut Random, world: &World, of: usize) -> Option<super::Expr> {
    for _ in 0..ATTEMPTS {
        let depth = random.below(3);
        let mut expressions = Expressions::filters(random, world, of);
        let filter = expressions.condition(depth);
        let is_plain = expressions.into_params().is_empty();
        if is_plain && super::Writer::filter(&world.schema).text(&filter).len() <= FILTER_BYTES {
            return Some(filter);
        }
    }
    None
}

fn select(random: &mut Random, world: &World, of: usize, level: usize) -> Selection {
    if random.chance(if level == 0 { 25 } else { 10 }) {
        return Selection::Whole;
    }
    let fields = &world.schema.types[of].fields;
    let mut parts: Vec<Part> = Vec::new();
    for _ in 0..=random.below(3) {
        let field = random.below(fields.len());
        let kind = &fields[field].kind;
        let again = parts.iter().any(|part| part.field == field);
        if fields[field].secret || (again && !kind.is_many()) {
            continue;
        }
        let mut part = Part::of(field);
        if again || random.chance(15) {
            part.alias = Some(format!("x{}", parts.len()));
        }
        if let Some(target) = kind.target() {
            if level < 2 && random.chance(75) {
                part.inner = Some(select(random, world, target, level + 1));
            }
            if kind.is_many() {
                part.sort = if random.chance(50) { sort(random, world, target) } else { Vec::new() };
                part.limit = random.chance(40).then(|| 1 + random.below(3));
                part.filter = if level < 2 && random.chance(40) { nested_filter(random, world, target) } else { None };
                if level < 2 && random.chance(20) {
                    let alias = part.alias.take().unwrap_or_else(|| format!("x{}", parts.len()));
                    part = Part { alias: Some(alias), counted: true, filter: part.filter, ..Part::of(field) };
                }
            }
        }
        parts.push(part);
    }
    if parts.is_empty() {
        parts.push(Part::of(0));
    }
    Selection::Parts(parts)
}
