//! Models at random.

use super::expressions::Expressions;
use super::schema::{Access, Allow, Enum, Field, OnDelete, Transition, Type};
use super::{Auth, Expr, Kind, Random, Schema, Value};

/// Types beside that of accounts.
const TYPES: [&str; 3] = ["Alpha", "Beta", "Gamma"];

impl Schema {
    /// A model: accounts and a few types that relate in every way.
    pub fn random(random: &mut Random) -> Self {
        let roles = ["EDITOR", "WRITER"].map(Into::into).to_vec();
        let is_editor = Expr::In(Box::new(Expr::Literal(Value::text("EDITOR"))), Box::new(Expr::Auth(Auth::Roles)));
        let enums = vec![
            Enum { name: "Color", values: ["RED", "GREEN", "BLUE"].map(Into::into).to_vec(), transitions: None },
            Enum {
                name: "Stage",
                values: ["OPEN", "HELD", "DONE"].map(Into::into).to_vec(),
                transitions: Some(vec![]),
            },
        ];
        let shows_link = Expr::IsNull(Box::new(Expr::Auth(Auth::Link)), false);
        let rules = vec![("staff", is_editor), ("guest", shows_link)];
        let mut schema = Self { types: vec![accounts()], enums, rules, roles, links: Vec::new() };
        for name in TYPES {
            let path = format!("{}s", name.to_lowercase());
            let fields = Field::system();
            schema.types.push(Type { name: name.to_owned(), path, allow: Vec::new(), fields });
        }
        for of in 1..schema.types.len() {
            let mut fields = scalars(random, &schema);
            schema.types[of].fields.append(&mut fields);
            if random.chance(60) {
                schema.types[of].fields.push(Field::new("link", Kind::Link));
            }
        }
        relate(random, &mut schema);
        states(random, &mut schema);
        for of in 0..schema.types.len() {
            protect(random, &mut schema, of);
        }
        schema
    }
}

fn accounts() -> Type {
    let mut fields = Field::system();
    fields.push(Field { required: true, ..Field::new("email", Kind::Email) });
    fields.push(Field { required: true, ..Field::new("name", Kind::Text) });
    fields.push(Field::new("age", Kind::Int));
    Type { name: "User".to_owned(), path: "users".to_owned(), allow: Vec::new(), fields }
}

fn scalars(random: &mut Random, schema: &Schema) -> Vec<Field> {
    let kinds = [
        Kind::Bool,
        Kind::Int,
        Kind::Int,
        Kind::Float,
        Kind::Decimal { scale: 2 },
        Kind::Decimal { scale: 4 },
        Kind::Text,
        Kind::Text,
        Kind::Moment,
        Kind::Date,
        Kind::Enum(0),
        Kind::List(Box::new(Kind::Text)),
        Kind::List(Box::new(Kind::Int)),
    ];
    let count = 3 + random.below(4);
    let field = |index: usize| {
        let kind = random.pick(&kinds).clone();
        let required = random.chance(20);
        let default = (random.chance(20) && !matches!(kind, Kind::List(_))).then(|| random.value(schema, &kind));
        let access = match random.below(10) {
            0 => Access::Immutable,
            1 if !required || default.is_some() => Access::ReadOnly,
            _ => Access::Writable,
        };
        let secret = random.chance(6);
        Field { required, secret, access, default, ..Field::new(format!("f{index}"), kind) }
    };
    (0..count).map(field).collect()
}

/// Relations of every kind, and their other ends.
fn relate(random: &mut Random, schema: &mut Schema) {
    let count = schema.types.len();
    schema.types[0]
        .fields
        .push(Field::new("home", Kind::ToOne { target: 1 + random.below(count - 1), on_delete: OnDelete::SetNull }));
    for of in 1..count {
        for index in 0..=random.below(2) {
            // The first leads to accounts, so that rules can compare it with the caller.
            let target = if index == 0 && random.chance(70) { 0 } else { random.below(count) };
            let required = target < of && random.chance(20);
            let on_delete = match random.below(3) {
                0 => OnDelete::Restrict,
                1 => OnDelete::Cascade,
                _ if required => OnDelete::Restrict,
                _ => OnDelete::SetNull,
            };
            let field = Field { required, ..Field::new(format!("to{index}"), Kind::ToOne { target, on_delete }) };
            schema.types[of].fields.push(field);
        }
        if random.chance(60) {
            let target = random.below(count);
            schema.types[of].fields.push(Field::new("many", Kind::ManyToMany { target }));
        }
    }
    let mut ends = Vec::new();
    for (of, ty) in schema.types.iter().enumerate() {
        for (via, field) in ty.fields.iter().enumerate() {
            match field.kind {
                Kind::ToOne { target, .. } => ends.push((target, Kind::OneToMany { target: of, via })),
                Kind::ManyToMany { target } => ends.push((target, Kind::Inverse { target: of, via })),
                _ => {}
            }
        }
    }
    for (index, (of, kind)) in ends.into_iter().enumerate() {
        if random.chance(65) {
            schema.types[of].fields.push(Field::new(format!("back{index}"), kind));
        }
    }
}

/// A state machine on one of the types, so that its guards can be about that type.
fn states(random: &mut Random, schema: &mut Schema) {
    let of = 1 + random.below(schema.types.len() - 1);
    schema.types[of].fields.push(Field { required: true, ..Field::new("stage", Kind::Enum(1)) });
    let mut transitions = Vec::new();
    for (from, to) in [(0, 1), (1, 0), (1, 2), (0, 2)] {
        if random.chance(75) {
            let guarded = random.chance(50);
            let when = guarded.then(|| Expressions::rules(random, schema, of, true).condition(1));
            let by = random.chance(40).then(|| Expressions::rules(random, schema, of, false).condition(1));
            let is_given = |(index, field): &(usize, &Field)| {
                *index >= 4 && field.access == Access::Writable && field.is_stored() && field.name != "stage"
            };
            let fields = schema.types[of].fields.iter().enumerate().filter(is_given).map(|(index, _)| index);
            let with = fields.filter(|_| by.is_some() && random.chance(30)).collect();
            transitions.push(Transition { from, to, by, with, when });
        }
    }
    if transitions.is_empty() {
        transitions.push(Transition { from: 0, to: 1, by: None, with: Vec::new(), when: None });
    }
    schema.enums[1].transitions = Some(transitions);
}

/// Rules of a type and of its fields, and checks.
fn protect(random: &mut Random, schema: &mut Schema, of: usize) {
    let rule = |random: &mut Random, names_new: bool| match random.below(20) {
        0 => None,
        1..7 => Some(Expr::Literal(Value::Bool(true))),
        choice => {
            let depth = 1 + random.below(2);
            let mut rules = Expressions::rules(random, schema, of, names_new);
            // A random condition is seldom true: two of them are so more often.
            Some(match choice {
                7..15 => Expr::Or(Box::new(rules.condition(depth)), Box::new(rules.condition(1))),
                _ => rules.condition(depth),
            })
        }
    };
    let mut allow = Vec::new();
    for _ in 0..=random.below(3) {
        let mut clause = Allow { read: rule(random, false), update: rule(random, false), ..Allow::default() };
        // Accounts come and go with a password.
        if of != 0 {
            clause.create = rule(random, false);
            clause.delete = rule(random, false);
        }
        if random.chance(20) {
            clause.refer = rule(random, false);
        }
        if clause.update.is_some() && random.chance(40) {
            clause.after = rule(random, true);
        }
        let is_changeable = |(index, field): &(usize, &Field)| {
            *index >= 4
                && field.access == Access::Writable
                && (field.is_stored() || matches!(field.kind, Kind::ManyToMany { .. }))
        };
        let fields = schema.types[of].fields.iter().enumerate().filter(is_changeable);
        let only: Vec<usize> = fields.map(|(index, _)| index).filter(|_| random.chance(60)).collect();
        if clause.update.is_some() && !only.is_empty() && random.chance(40) {
            clause.only = Some(only);
        }
        let is_empty = [&clause.read, &clause.refer, &clause.create, &clause.update, &clause.delete]
            .into_iter()
            .all(Option::is_none);
        if !is_empty {
            allow.push(clause);
        }
    }
    let mut fields = schema.types[of].fields.clone();
    for (index, field) in fields.iter_mut().enumerate().skip(4) {
        let mut sometimes = |percent: usize, names_new: bool| {
            let is = random.chance(percent);
            is.then(|| Expressions::rules(random, schema, of, names_new).condition(1))
        };
        field.allow.read = sometimes(25, false);
        if of == 0 && index < 6 {
            continue;
        }
        if field.is_stored() || matches!(field.kind, Kind::ManyToMany { .. }) {
            field.allow.create = sometimes(10, false);
            field.allow.update = sometimes(25, false);
            if field.allow.update.is_some() {
                field.allow.after = sometimes(40, true);
            }
        }
        if field.is_stored() && of != 0 {
            field.checks.extend(sometimes(8, false));
        }
    }
    schema.types[of].allow = allow;
    schema.types[of].fields = fields;
}
