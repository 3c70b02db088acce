//! Values to choose from: few, so that they meet, and some at the edges of their types.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::{DECIMAL_UNIT, Kind, Random, Schema, Value, World};

/// The moment at which every request of a test is made: 2026-01-31T12:00:00Z, in microseconds since 1970.
pub const NOW: i64 = 1_769_860_800_000_000;
/// What the reference takes for the moment of a commit that it hasn't seen: later than all that it has.
pub const NEXT_COMMIT: i64 = NOW + 500_000;
const HOUR: i64 = 3_600_000_000;

/// Names of members in documents.
pub(super) const JSON_NAMES: [&str; 3] = ["a", "b c", "é"];
const TEXTS: [&str; 14] = ["", "true", "a", "b", "ab", "Ab", "aB", "é", "Éb", "%", "_", "'", "a'\\\"b", "zeta"];
/// A pattern, and what it means.
type Meant = (&'static str, fn(&str) -> bool);
pub(super) const PATTERNS: [Meant; 8] = [
    ("b", |text| text.contains('b')),
    ("^[a-z]+$", |text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase())),
    ("^.{2}$", |text| text.chars().count() == 2),
    ("[é%_]", |text| text.contains(['é', '%', '_'])),
    ("^a", |text| text.starts_with('a')),
    ("^$", str::is_empty),
    ("(A|z).*[a-b]$", |text| {
        let after = text.find(['A', 'z']).map(|at| &text[at + 1..]);
        after.is_some_and(|after| after.ends_with(['a', 'b']))
    }),
    ("^(\\w+|.)?$", |text| {
        text.chars().count() <= 1 || text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    }),
];
const INTS: [i64; 10] = [-7, -1, 0, 1, 2, 3, 7, 10, i64::MAX, i64::MIN + 1];
const FLOATS: [f64; 8] = [-2.5, -0.5, 0.0, 0.25, 1.0, 1.5, 1e300, -1e300];
const CENTS: [i128; 8] = [-1250, -5, 0, 1, 250, 1250, 1300, 9_999_999_999];
const DAYS: [i32; 5] = [-1, 0, 20_483, 20_484, 20_485];
const HOURS: [i64; 7] = [-48, -24, -1, 0, 1, 24, 48];
/// Hours of nine thousand years.
const AGES: i64 = 9000 * 365 * 24;

impl Random {
    /// A value that a field of this kind can hold; never null.
    pub fn value(&mut self, schema: &Schema, kind: &Kind) -> Value {
        match kind {
            Kind::Bool => Value::Bool(self.chance(50)),
            Kind::Int if self.chance(75) => Value::Int(*self.pick(&INTS[..8])),
            Kind::Int => Value::Int(*self.pick(&INTS)),
            Kind::Float if self.chance(90) => Value::Float(*self.pick(&FLOATS[..6])),
            Kind::Float => Value::Float(*self.pick(&FLOATS)),
            Kind::Decimal { .. } => Value::Decimal(*self.pick(&CENTS) * DECIMAL_UNIT / 100),
            Kind::Text => Value::text(self.pick::<&str>(&TEXTS)),
            Kind::Email => Value::Text(format!("{}@example.org", self.pick(&["ann", "ben", "cleo", "dan"])).into()),
            Kind::Moment => Value::Moment(NOW + HOUR * self.pick(&HOURS)),
            Kind::Date => Value::Date(*self.pick(&DAYS)),
            Kind::Enum(index) => Value::Text(Arc::clone(self.pick(&schema.enums[*index].values))),
            Kind::List(element) => {
                let length = self.below(4);
                Value::List((0..length).map(|_| self.value(schema, element)).collect())
            }
            Kind::Json => Value::Json(Arc::new(self.document(schema))),
            Kind::Link if !schema.links.is_empty() => Value::Id(Arc::clone(self.pick(&schema.links))),
            Kind::Key
            | Kind::Link
            | Kind::ToOne { .. }
            | Kind::OneToMany { .. }
            | Kind::Lineage { .. }
            | Kind::ManyToMany { .. }
            | Kind::Inverse { .. } => Value::Id(self.unused_id()),
        }
    }

    /// An object whose members are now of one kind and now of another.
    fn document(&mut self, schema: &Schema) -> Json {
        let mut members = serde_json::Map::new();
        for name in JSON_NAMES {
            let value = match self.below(8) {
                0 => continue,
                1 => Json::Null,
                2 => Json::Bool(self.chance(50)),
                3 => json!(self.pick(&INTS)),
                4 => json!(self.pick(&FLOATS[..6])),
                5 => json!([self.pick(&TEXTS), self.pick(&INTS[..8]), self.pick(&TEXTS)]),
                6 => json!({ JSON_NAMES[0]: self.pick(&TEXTS), JSON_NAMES[1]: self.pick(&INTS[..8]) }),
                _ => self.value(schema, &Kind::Text).json(&Kind::Text),
            };
            members.insert(name.to_owned(), value);
        }
        Json::Object(members)
    }

    /// A length of time, in whole hours.
    pub fn length(&mut self) -> Value {
        let hours = if self.chance(85) { *self.pick(&HOURS) } else { *self.pick(&[-AGES, AGES]) };
        Value::Length(HOUR * hours)
    }

    /// An id that no record has.
    pub fn unused_id(&mut self) -> Arc<str> {
        let digits = self.word() % 0xFFFF_FFFF;
        format!("01890a5d-ac96-774b-bcce-b302{digits:08x}").into()
    }

    /// The id of a record of a type, if there is one.
    pub fn record(&mut self, world: &World, of: usize) -> Option<Arc<str>> {
        let ids: Vec<&Arc<str>> = world.all(of).map(super::Record::id).collect();
        (!ids.is_empty()).then(|| Arc::clone(*self.pick::<&Arc<str>>(&ids)))
    }

    /// Ids of records of a type, each once.
    pub fn records(&mut self, world: &World, of: usize, most: usize) -> Vec<Arc<str>> {
        let mut ids: Vec<Arc<str>> = (0..self.below(most + 1)).filter_map(|_| self.record(world, of)).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }
}
