//! Changes of models at random.

use backstay_testkit::reference::Random;
use serde_json::Value;

use super::carried::unified;
use super::generate::random_name;
use super::schema::{CURRENCY, Embedded, Field, Key, Kind, Made, Member, Schema, Type};
use super::text::text;
use super::values::scalar;
use crate::changed::is_valid;

/// A change; the last model is the one in which `@backfill` is evaluated. None if it doesn't fit the model.
pub(super) type Edit = fn(&mut Schema, &mut Random, &Schema) -> Option<()>;

/// Types that a model has at most.
const MOST_TYPES: usize = 6;

/// What a model is made of.
pub(super) const GROWTH: [Edit; 16] = [
    add_field,
    add_field,
    add_field,
    add_made,
    relate,
    relate,
    add_inverse,
    add_index,
    add_above,
    toggle_tree,
    add_range,
    add_total,
    add_total,
    add_document,
    add_document,
    add_amount,
];
/// What can become of it.
const EDITS: [Edit; 45] = [
    add_field,
    add_field,
    add_made,
    add_made,
    toggle_history,
    relate,
    add_inverse,
    add_index,
    drop_index,
    drop_field,
    rename_field,
    rename_field,
    swap_fields,
    change_kind,
    change_kind,
    rename_and_change_kind,
    toggle_required,
    toggle_required,
    change_default,
    toggle_unique,
    change_length,
    change_check,
    change_on_delete,
    add_type,
    drop_type,
    rename_type,
    swap_types,
    change_values,
    change_values,
    rename_enum,
    to_several,
    turn,
    lead_elsewhere,
    toggle_trash,
    toggle_trash,
    add_above,
    toggle_tree,
    add_range,
    drop_range,
    add_total,
    change_total,
    add_document,
    change_embedded,
    change_embedded,
    add_amount,
];

impl Schema {
    /// The model after a few changes.
    pub(super) fn changed(&self, random: &mut Random) -> Self {
        let mut next = self.clone();
        for field in next.types.iter_mut().flat_map(|of| &mut of.fields) {
            field.backfill = None;
        }
        for _ in 0..=random.below(6) {
            if let Some(edited) = next.edited(random, self, &EDITS) {
                next = edited;
            }
        }
        unified(self, next)
    }

    /// The model after one change, if that makes a model.
    pub(super) fn edited(&self, random: &mut Random, old: &Self, edits: &[Edit]) -> Option<Self> {
        let mut next = self.clone();
        random.pick(edits)(&mut next, random, old)?;
        let next = next.ordered().tidied();
        let is_same = std::ptr::eq(self, old);
        (is_valid(&text(&next, None)) && (is_same || is_valid(&text(&unified(old, next.clone()), Some(old)))))
            .then_some(next)
    }

    /// Leaves out directives that a field can't have.
    fn ordered(mut self) -> Self {
        let known = self.clone();
        for field in self.types.iter_mut().flat_map(|of| &mut of.fields) {
            let kind = &field.kind;
            if known.is_state(kind) {
                (field.required, field.default) = (true, None);
            }
            field.unique &= kind.can_be_indexed();
            field.made = match field.made {
                Some(Made::Number) if *kind == Kind::Scalar("Int") => field.made,
                Some(Made::Slug(source)) if *kind == Kind::Scalar("String") && known.is_text(source) => field.made,
                _ => None,
            };
            if kind.is_followed() {
                (field.required, field.unique, field.default, field.backfill) = (false, false, None, None);
            }
            if matches!(kind, Kind::Document(_) | Kind::Amount(_)) {
                (field.default, field.backfill) = (None, None);
            }
            if matches!(kind, Kind::Document(_)) {
                field.required = false;
            }
            if field.made.is_some() {
                (field.default, field.backfill, field.length, field.check) = (None, None, None, None);
            }
            if kind.is_relation() {
                field.default = None;
            }
            if kind.is_to_many() {
                (field.required, field.backfill) = (false, None);
            }
            if !kind.is_text() && !matches!(kind, Kind::List(_)) {
                field.length = None;
            }
            if *kind != Kind::Scalar("Int") {
                field.check = None;
            }
            if !matches!(kind, Kind::ToOne(_)) || field.required && field.on_delete == Some("SET_NULL") {
                field.on_delete = None;
            }
        }
        self
    }

    fn is_text(&self, field: Key) -> bool {
        let mut fields = self.types.iter().flat_map(|of| &of.fields);
        fields.any(|of| of.key == field && of.kind.is_text() && of.made.is_none())
    }

    fn some_type(&mut self, random: &mut Random) -> Option<&mut Type> {
        let count = self.types.len();
        if count == 0 { None } else { self.types.get_mut(random.below(count)) }
    }

    fn some_field(&mut self, random: &mut Random) -> Option<(Key, &mut Field)> {
        let of = self.some_type(random)?;
        let (key, count) = (of.key, of.fields.len());
        if count == 0 { None } else { of.fields.get_mut(random.below(count)).map(|field| (key, field)) }
    }

    /// A number of the members of a relation, or none.
    fn number_of(&self, random: &mut Random, (at, place): (usize, usize)) -> Option<Key> {
        let members = self.of(self.types[at].fields[place].kind.target()?)?;
        let numbers = members.fields.iter().filter(|field| field.kind == Kind::Scalar("Int")).map(|field| field.key);
        let numbers: Vec<Key> = numbers.collect();
        if numbers.is_empty() || random.chance(40) { None } else { Some(*random.pick(&numbers)) }
    }

    /// A field for which this is true.
    fn field_that(&self, random: &mut Random, is: impl Fn(&Field) -> bool) -> Option<(usize, usize)> {
        let places = self.types.iter().enumerate().flat_map(|(at, of)| {
            of.fields.iter().enumerate().filter(|(_, field)| is(field)).map(move |(field, _)| (at, field))
        });
        let places: Vec<(usize, usize)> = places.collect();
        if places.is_empty() { None } else { Some(*random.pick(&places)) }
    }
}

fn add_field(schema: &mut Schema, random: &mut Random, old: &Schema) -> Option<()> {
    let key = schema.some_type(random)?.key;
    let field = schema.random_field(random, old.of(key));
    schema.types.iter_mut().find(|of| of.key == key)?.fields.push(field);
    Some(())
}

/// A field that numbers the records, or holds slugs of theirs.
fn add_made(schema: &mut Schema, random: &mut Random, _: &Schema) -> Option<()> {
    let key = schema.fresh();
    let of = schema.some_type(random)?;
    let texts: Vec<Key> =
        of.fields.iter().filter(|of| of.kind.is_text() && of.made.is_none()).map(|of| of.key).collect();
    let (kind, made) = match texts.is_empty() || random.chance(50) {
        true => ("Int", Made::Number),
        false => ("String", Made::Slug(*random.pick(&texts))),
    };
    let mut field = Field::new(key, random_name(random), Kind::Scalar(kind));
    (field.required, field.made) = (random.chance(50), Some(made));
    of.fields.push(field);
    Some(())
}

fn toggle_trash(schema: &mut Schema, random: &mut Random, _: &Schema) -> Option<()> {
    let of = schema.some_type(random)?;
    of.trash = !of.trash;
    Some(())
}

/// A relation to a record of the same type.
fn add_above(schema: &mut Schema, random: &mut Random, _: &Schema) -> Option<()> {
    let key = schema.fresh();
    let of = schema.some_type(random)?;
    of.fields.push(Field::new(key, random_name(random), Kind::ToOne(of.key)));
    Some(())
}

fn toggle_tree(schema: &mut Schema, random: &mut Random, _: &Schema) -> Option<()> {
    let (at, place) = schema.field_that(random, |field| matches!(field.kind, Kind::ToOne(_)))?;
    let of = &mut schema.types[at];
    let field = &of.fields[place];
    if field.kind != Kind::ToOne(of.key) {
        return None;
    }
    of.tree = if of.tree == Some(field.key) { None } else { Some(field.key) };
    Some(())
}

/// Ranges that may not overlap.
fn add_range(schema: &mut Schema, random: &mut Random, _: &Schema) -> Option<()> {
    let fresh = [schema.fresh(), schema.fresh()];
    let of = schema.some_type(random)?;
    let is_end = |field: &&Field| field.kind == Kind::Scalar("Int") && field.made.is_none();
    let known: Vec<Key> = of.fields.iter().filter(is_end).map(|field| field.key).collect();
    let ends = if let [first, .., last] = known.as_slice() {
        [*first, *last]
    } else {
        let names = ["from", "until"].into_iter().map(str::to_owned);
        of.fields.extend(fresh.into_iter().zip(names).map(|(key, name)| Field::new(key, name, Kind::Scalar("Int"))));
        fresh
    };
    of.exclude = Some(if random.chance(50) { (ends[0], ends[1]) } else { (ends[1], ends[0]) });
    Some(())
}

fn drop_range(schema: &mut Schema, random: &mut Random, _: &Schema) -> Option<()> {
    schema.some_type(random)?.exclude.take().map(|_| ())
}

/// How many members a relation has, or a stored sum of theirs.
fn add_total(schema: &mut Schema, random: &mut Random, old: &Schema) -> Option<()> {
    let key = schema.fresh();
    let is_end = |field: &Field| matches!(field.kind, Kind::Inverse(..));
    let is_of_one = |schema: &Schema, kind: &Kind| {
        schema.declared_by(kind).is_some_and(|declared| matches!(declared.kind, Kind::ToOne(_)))
    };
    if !schema.types.iter().flat_map(|of| &of.fields).any(|field| is_of_one(schema, &field.kind)) {
        relate(schema, random, old)?;
        add_inverse(schema, random, old)?;
    }
    let (at, place) = schema.field_that(random, is_end)?;
    let relation = schema.types[at].fields[place].key;
    let kind = Kind::Total { of: relation, what: schema.number_of(random, (at, place)) };
    schema.types[at].fields.push(Field::new(key, random_name(random), kind));
    Some(())
}

fn change_total(schema: &mut Schema, random: &mut Random, _: &Schema) -> Option<()> {
    let (at, place) = schema.field_that(random, |field| matches!(field.kind, Kind::Total { .. }))?;
    let Kind::Total { of, .. } = schema.types[at].fields[place].kind else { return None };
    let relation = schema.types[at].fields.iter().position(|field| field.key == of)?;
    let what = schema.number_of(random, (at, relation));
    schema.types[at].fields[place].kind = Kind::Total { of, what };
    Some(())
}

/// A list of values that refer to records.
fn add_document(schema: &mut Schema, random: &mut Random, _: &Schema) -> Option<()> {
    if schema.embedded.is_empty() || random.chance(30) {
        let target = schema.some_type(random)?.key;
        let key = schema.fresh();
        let to = Member { key: schema.fresh(), name: "to".to_owned() };
        let on_delete = *random.pick(&[None, Some("RESTRICT"), Some("SET_NULL")]);
        schema.embedded.push(Embedded { key, name: format!("Block{key}"), to, target, on_delete, note: None });
    }
    let (key, of) = (schema.fresh(), random.pick(&schema.embedded).key);
    schema.some_type(random)?.fields.push(Field::new(key, random_name(random), Kind::Document(of)));
    Some(())
}

/// Adds, removes or renames members of an embedded type, or changes what becomes of its references.
fn change_embedded(schema: &mut Schema, random: &mut Random, _: &Schema) -> Option<()> {
    let (key, count) = (schema.fresh(), schema.embedded.len());
    let of = schema.embedded.get_mut(random.below(count.max(1)))?;
    match random.below(5) {
        0 => of.name = format!("Other{key}"),
        1 => of.to.name = format!("to{key}"),
        2 => of.on_delete = *random.pick(&[None, Some("RESTRICT"), Some("SET_NULL")]),
        3 if of.note.is_some() => of.note = None,
        _ => of.note = Some(Member { key, name: "note".to_owned() }),
    }
    Some(())
}

/// An amount that shares the currency of its record.
fn add_amount(schema: &mut Schema, random: &mut Random, _: &Schema) -> Option<()> {
    let (currency, amount) = (schema.fresh(), schema.fresh());
    let of = schema.some_type(random)?;
    let known = of.fields.iter().find(|field| field.kind == CURRENCY && field.required).map(|field| field.key);
    let currency = known.unwrap_or_else(|| {
        let mut field = Field::new(currency, "currency".to_owned(), CURRENCY);
        (field.required, field.default) = (true, Some(Value::from("EUR")));
        of.fields.push(field);
        currency
    });
    of.fields.push(Field::new(amount, random_name(random), Kind::Amount(currency)));
    Some(())
}

fn toggle_history(schema: &mut Schema, random: &mut Random, _: &Schema) -> Option<()> {
    let of = schema.some_type(random)?;
    of.history = !of.history;
    Some(())
}

fn relate(schema: &mut Schema, random: &mut Random, old: &Schema) -> Option<()> {
    let (at, to) = (random.below(schema.types.len()), random.below(schema.types.len()));
    let target = schema.types.get(to)?.key;
    let kind = if random.chance(60) { Kind::ToOne(target) } else { Kind::Many(target) };
    let mut field = Field::new(schema.fresh(), random_name(random), kind);
    field.required = to < at && random.chance(25);
    field.unique = random.chance(5);
    field.on_delete = *random.pick(&[None, Some("RESTRICT"), Some("CASCADE"), Some("SET_NULL")]);
    if random.chance(20) {
        field.backfill = schema.random_backfill(random, &field, old.of(schema.types[at].key));
    }
    schema.types[at].fields.push(field);
    Some(())
}

fn add_inverse(schema: &mut Schema, random: &mut Random, _: &Schema) -> Option<()> {
    let is_declared = |field: &Field| matches!(field.kind, Kind::ToOne(_) | Kind::Many(_));
    let (at, field) = schema.field_that(random, is_declared)?;
    let (of, field) = (schema.types[at].key, &schema.types[at].fields[field]);
    let (target, kind) = (field.kind.target()?, Kind::Inverse(of, field.key));
    let end = Field::new(schema.fresh(), random_name(random), kind);
    schema.types.iter_mut().find(|of| of.key == target)?.fields.push(end);
    Some(())
}

fn add_index(schema: &mut Schema, random: &mut Random, _: &Schema) -> Option<()> {
    let unique = random.chance(20);
    let of = schema.some_type(random)?;
    let keys: Vec<Key> = of.fields.iter().filter(|field| field.kind.can_be_indexed()).map(|field| field.key).collect();
    let mut fields: Vec<Key> = Vec::new();
    for _ in 0..=random.below(2) {
        let key = if keys.is_empty() { return None } else { *random.pick(&keys) };
        if !fields.contains(&key) {
            fields.push(key);
        }
    }
    of.indexes.push((fields, unique));
    Some(())
}

fn drop_index(schema: &mut Schema, random: &mut Random, _: &Schema) -> Option<()> {
    schema.some_type(random)?.indexes.pop().map(|_| ())
}

fn drop_field(schema: &mut Schema, random: &mut Random, _: &Schema) -> Option<()> {
    let of = schema.some_type(random)?;
    let at = random.below(of.fields.len());
    of.fields.remove(at);
    Some(())
}

fn rename_field(schema: &mut Schema, random: &mut Random, _: &Schema) -> Option<()> {
    schema.some_field(random)?.1.name = random_name(random);
    Some(())
}

fn swap_fields(schema: &mut Schema, random: &mut Random, _: &Schema) -> Option<()> {
    let of = schema.some_type(random)?;
    let (one, other) = (random.below(of.fields.len()), random.below(of.fields.len()));
    let name = of.fields[one].name.clone();
    of.fields[one].name = std::mem::replace(&mut of.fields[other].name, name);
    Some(())
}

fn change_kind(schema: &mut Schema, random: &mut Random, old: &Schema) -> Option<()> {
    let kind = if random.chance(50) { Kind::Scalar(scalar(random)) } else { schema.random_kind(random) };
    let (at, place) = schema.field_that(random, |field| !field.kind.is_to_many())?;
    let known = schema.clone();
    let of = &mut schema.types[at];
    let before = old.of(of.key);
    let field = &mut of.fields[place];
    field.kind = match &field.kind {
        same if random.chance(15) && !same.is_relation() => Kind::List(Box::new(same.clone())),
        _ => kind,
    };
    known.fill(random, field, before);
    Some(())
}

fn rename_and_change_kind(schema: &mut Schema, random: &mut Random, old: &Schema) -> Option<()> {
    let (at, place) = schema.field_that(random, |field| !field.kind.is_to_many())?;
    schema.types[at].fields[place].name = random_name(random);
    let kind = schema.random_kind(random);
    let (known, before) = (schema.clone(), old.of(schema.types[at].key));
    let field = &mut schema.types[at].fields[place];
    field.kind = kind;
    known.fill(random, field, before);
    Some(())
}

fn toggle_required(schema: &mut Schema, random: &mut Random, old: &Schema) -> Option<()> {
    let known = schema.clone();
    let (of, field) = schema.some_field(random)?;
    field.required = !field.required;
    if field.required && random.chance(70) {
        known.fill(random, field, old.of(of));
    }
    Some(())
}

fn change_default(schema: &mut Schema, random: &mut Random, old: &Schema) -> Option<()> {
    let known = schema.clone();
    let (of, field) = schema.some_field(random)?;
    known.fill(random, field, old.of(of));
    Some(())
}

fn toggle_unique(schema: &mut Schema, random: &mut Random, _: &Schema) -> Option<()> {
    let field = schema.some_field(random)?.1;
    field.unique = !field.unique;
    Some(())
}

fn change_length(schema: &mut Schema, random: &mut Random, _: &Schema) -> Option<()> {
    let length = *random.pick(&[None, Some((0, 2)), Some((1, 100)), Some((0, 1000))]);
    let (at, field) = schema.field_that(random, |field| field.kind.is_text() || matches!(field.kind, Kind::List(_)))?;
    schema.types[at].fields[field].length = length;
    Some(())
}

fn change_check(schema: &mut Schema, random: &mut Random, _: &Schema) -> Option<()> {
    let check = *random.pick(&[None, Some(3), Some(300)]);
    let (at, field) = schema.field_that(random, |field| field.kind == Kind::Scalar("Int"))?;
    schema.types[at].fields[field].check = check;
    Some(())
}

fn change_on_delete(schema: &mut Schema, random: &mut Random, _: &Schema) -> Option<()> {
    let on_delete = *random.pick(&[None, Some("RESTRICT"), Some("CASCADE"), Some("SET_NULL")]);
    let (at, field) = schema.field_that(random, |field| matches!(field.kind, Kind::ToOne(_)))?;
    schema.types[at].fields[field].on_delete = on_delete;
    Some(())
}

fn add_type(schema: &mut Schema, random: &mut Random, _: &Schema) -> Option<()> {
    (schema.types.len() < MOST_TYPES).then(|| schema.add_type(random))
}

fn drop_type(schema: &mut Schema, random: &mut Random, _: &Schema) -> Option<()> {
    let at = random.below(schema.types.len());
    (schema.types.len() > 1).then(|| _ = schema.types.remove(at))
}

fn rename_type(schema: &mut Schema, random: &mut Random, _: &Schema) -> Option<()> {
    let name = random.pick(&["Alpha", "Beta", "Eta", "ThetaWithALongNameToo", "Iota"]);
    schema.some_type(random)?.name = (*name).to_owned();
    Some(())
}

fn swap_types(schema: &mut Schema, random: &mut Random, _: &Schema) -> Option<()> {
    let (one, other) = (random.below(schema.types.len()), random.below(schema.types.len()));
    let name = schema.types.get(one)?.name.clone();
    schema.types[one].name = std::mem::replace(&mut schema.types[other].name, name);
    Some(())
}

/// Adds, removes, renames or exchanges values of an enum.
fn change_values(schema: &mut Schema, random: &mut Random, _: &Schema) -> Option<()> {
    let (key, count) = (schema.fresh(), schema.enums.len());
    let of = schema.enums.get_mut(random.below(count.max(1)))?;
    let before = of.values.clone();
    let at = random.below(of.values.len());
    match random.below(4) {
        0 => of.values.push((key, format!("MORE{key}"))),
        1 => _ = of.values.remove(at),
        2 => of.values[at].1 = format!("OTHER{key}"),
        _ => {
            let other = random.below(of.values.len());
            let name = of.values[at].1.clone();
            of.values[at].1 = std::mem::replace(&mut of.values[other].1, name);
        }
    }
    let of = of.clone();
    let became = |name: &str| {
        let key = before.iter().find(|(_, known)| known == name).map(|(key, _)| *key)?;
        of.values.iter().find(|(known, _)| *known == key).map(|(_, name)| Value::from(name.clone()))
    };
    for field in schema.types.iter_mut().flat_map(|of| &mut of.fields) {
        field.default = match (&field.kind, &field.default) {
            (Kind::Enum(key), Some(Value::String(name))) if *key == of.key => became(name),
            (Kind::List(element), Some(Value::Array(items))) if **element == Kind::Enum(of.key) => {
                items.iter().map(|item| became(item.as_str()?)).collect::<Option<Value>>()
            }
            (_, default) => default.clone(),
        };
        if matches!(field.kind, Kind::Enum(key) if key == of.key) {
            field.backfill = None;
        }
    }
    Some(())
}

fn rename_enum(schema: &mut Schema, random: &mut Random, _: &Schema) -> Option<()> {
    let count = schema.enums.len();
    let name = *random.pick(&["Color", "Hue", "Tone"]);
    name.clone_into(&mut schema.enums.get_mut(random.below(count.max(1)))?.name);
    Some(())
}

fn to_several(schema: &mut Schema, random: &mut Random, _: &Schema) -> Option<()> {
    let (at, field) = schema.field_that(random, |field| matches!(field.kind, Kind::ToOne(_)))?;
    let field = &mut schema.types[at].fields[field];
    field.kind = Kind::Many(field.kind.target()?);
    if random.chance(30) {
        field.name = random_name(random);
    }
    Some(())
}

/// A many-to-many relation is declared at its other end.
fn turn(schema: &mut Schema, random: &mut Random, _: &Schema) -> Option<()> {
    let known = schema.clone();
    let is_many = |field: &Field| matches!(known.declared_by(&field.kind), Some(Field { kind: Kind::Many(_), .. }));
    let (at, place) = schema.field_that(random, is_many)?;
    let here = (schema.types[at].key, schema.types[at].fields[place].key);
    let Kind::Inverse(of, there) = schema.types[at].fields[place].kind else { return None };
    schema.types[at].fields[place].kind = Kind::Many(of);
    let other = schema.types.iter_mut().find(|known| known.key == of)?;
    other.fields.iter_mut().find(|field| field.key == there)?.kind = Kind::Inverse(here.0, here.1);
    Some(())
}

fn lead_elsewhere(schema: &mut Schema, random: &mut Random, _: &Schema) -> Option<()> {
    let target = schema.some_type(random)?.key;
    let (at, field) = schema.field_that(random, |field| matches!(field.kind, Kind::ToOne(_) | Kind::Many(_)))?;
    let field = &mut schema.types[at].fields[field];
    field.kind = if matches!(field.kind, Kind::ToOne(_)) { Kind::ToOne(target) } else { Kind::Many(target) };
    Some(())
}
