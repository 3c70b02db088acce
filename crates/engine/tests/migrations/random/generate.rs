//! Models at random, and parts of them.

use backstay_testkit::reference::Random;

use super::edits::GROWTH;
use super::schema::{Backfill, Enum, Field, Key, Kind, Schema, Type};
use super::values::{expression, scalar, value};

/// Names of fields, among them those whose columns can meet: `a: T` and `aId`, `b: Money` and `bCurrency`.
const FIELDS: [&str; 12] =
    ["a", "aId", "b", "bCurrency", "c", "cId", "someField", "d", "e", "aFieldWithALongNameOfManyWords", "f", "g"];
const TYPES: [&str; 6] = ["Alpha", "DeltaWithALongNameOfManyWords", "Beta", "Gamma", "Epsilon", "Zeta"];
const ENUMS: [&str; 4] = ["Color", "Size", "Stage", "Mood"];
const VALUES: [&str; 6] = ["V1", "V2", "V3", "V4", "RED", "GREEN"];

impl Schema {
    /// Types that relate in every way.
    pub(super) fn random(random: &mut Random) -> Self {
        let mut schema = Self { types: Vec::new(), enums: Vec::new(), embedded: Vec::new(), last: 0 };
        for _ in 0..=random.below(2) {
            schema.add_enum(random);
        }
        for _ in 0..2 + random.below(2) {
            schema.add_type(random);
        }
        for _ in 0..6 + random.below(10) {
            if let Some(grown) = schema.edited(random, &schema, &GROWTH) {
                schema = grown;
            }
        }
        schema
    }

    pub(super) fn add_enum(&mut self, random: &mut Random) {
        let name = self.free_name(&ENUMS, |schema, name| schema.enums.iter().any(|of| of.name == name));
        let states = random.chance(25);
        let mut of = Enum { key: self.fresh(), name, values: Vec::new(), states };
        for name in &VALUES[..2 + random.below(2)] {
            of.values.push((self.fresh(), (*name).to_owned()));
        }
        self.enums.push(of);
    }

    pub(super) fn add_type(&mut self, random: &mut Random) {
        let name = self.free_name(&TYPES, |schema, name| schema.types.iter().any(|of| of.name == name));
        let (key, field) = (self.fresh(), self.fresh());
        let plain = Field::new(field, "n".to_owned(), Kind::Scalar(scalar(random)));
        let (history, trash) = (random.chance(30), random.chance(40));
        let (fields, indexes) = (vec![plain], Vec::new());
        self.types.push(Type { key, name, history, trash, tree: None, exclude: None, fields, indexes });
    }

    fn free_name(&mut self, names: &[&str], is_taken: impl Fn(&Self, &str) -> bool) -> String {
        let free = names.iter().find(|name| !is_taken(self, name));
        free.map_or_else(|| format!("More{}", self.fresh()), |name| (*name).to_owned())
    }

    /// A field without a relation.
    pub(super) fn random_field(&mut self, random: &mut Random, before: Option<&Type>) -> Field {
        let kind = self.random_kind(random);
        let mut field = Field::new(self.fresh(), random_name(random), kind);
        field.required = random.chance(30);
        field.unique = random.chance(8);
        self.fill(random, &mut field, before);
        field
    }

    /// Gives a field a default, a `@backfill`, both or nothing.
    pub(super) fn fill(&self, random: &mut Random, field: &mut Field, before: Option<&Type>) {
        let needs = if field.required { 60 } else { 25 };
        let has_default = random.chance(needs) && !field.kind.is_relation();
        field.default = has_default.then(|| value(random, self, &field.kind));
        field.backfill = if random.chance(needs / 2) { self.random_backfill(random, field, before) } else { None };
    }

    pub(super) fn random_backfill(
        &self,
        random: &mut Random,
        field: &Field,
        before: Option<&Type>,
    ) -> Option<Backfill> {
        let before = before?;
        let alike = before.fields.iter().filter(|other| other.kind == field.kind && !other.kind.is_to_many());
        let alike: Vec<Key> = alike.map(|other| other.key).collect();
        if !alike.is_empty() && random.chance(50) {
            return Some(Backfill::Field(*random.pick(&alike)));
        }
        let constant = value(random, self, &field.kind);
        expression(&field.kind, &constant).map(|_| Backfill::Value(constant))
    }

    pub(super) fn random_kind(&self, random: &mut Random) -> Kind {
        match random.below(10) {
            0..5 => Kind::Scalar(scalar(random)),
            5 => random_decimal(random),
            6 | 7 if !self.enums.is_empty() => Kind::Enum(random.pick(&self.enums).key),
            8 | 9 => Kind::List(Box::new(self.random_element(random))),
            _ => Kind::Scalar("Int"),
        }
    }

    fn random_element(&self, random: &mut Random) -> Kind {
        let enums: Vec<Key> = self.enums.iter().filter(|of| !of.states).map(|of| of.key).collect();
        match random.below(4) {
            0 if !enums.is_empty() => Kind::Enum(*random.pick(&enums)),
            1 => random_decimal(random),
            2 => Kind::Scalar("Int"),
            _ => Kind::Scalar("String"),
        }
    }
}

pub(super) fn random_name(random: &mut Random) -> String {
    (*random.pick(&FIELDS)).to_owned()
}

fn random_decimal(random: &mut Random) -> Kind {
    let (digits, scale) = *random.pick(&[(18, 4), (9, 2), (9, 0), (4, 2)]);
    Kind::Decimal { digits, scale }
}
