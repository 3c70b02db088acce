//! Expressions at random about records at random: the reference, the evaluation in memory and both databases give the same
//! answers. `EXPRESSION_CASES` is how many are tried, and `EXPRESSION_SEED` where the choices start.

use std::collections::HashMap;
use std::sync::Arc;

use backstay_base::{Caller, Date, RecordId, Timestamp};
use backstay_expr::{Scope, Truth, compile};
use backstay_model::Model;
use backstay_scalar::Value;
use backstay_sql::Dialect;
use backstay_testkit::reference::{
    Allow, Asker, Caller as Asking, Comparison, Enum, Evaluation, Expr, Expressions, Field, Kind, Link, OnDelete, Path,
    Random, Record, Root, SYSTEM_FIELDS, Schema, Type, Value as Known, World, Writer,
};

use crate::data::{self, Data};
use crate::{Databases, HIDDEN, Setting, letters, memory, postgres, rights, run, sqlite};

/// Expressions in a run without settings.
const CASES: usize = 2000;
/// How many there are of each type.
const RECORDS: [(usize, usize); 7] = [(PERSON, 4), (TEAM, 3), (TAG, 3), (LINE, 12), (SHELF, 6), (ITEM, 10), (PART, 12)];
const PERSON: usize = 0;
const TEAM: usize = 1;
const ITEM: usize = 2;
const PART: usize = 3;
const TAG: usize = 4;
/// Not a type of records: to the reference, the items of a list are those of a relation.
const LINE: usize = 5;
const SHELF: usize = 6;
/// The field of shelves that leads to the one above.
const ABOVE: usize = 6;
/// Fields of items.
const TAGS: usize = 20;
const LINES: usize = 21;

pub(crate) fn setting(name: &str, usual: usize) -> usize {
    let text = std::env::var(name).unwrap_or_else(|_| usual.to_string());
    text.parse().unwrap_or_else(|_| panic!("{name} is a whole number"))
}

/// The fields of shelves, which form trees.
fn shelf() -> [(&'static str, Kind); 5] {
    let lineage = |is_up| Kind::Lineage { target: SHELF, parent: ABOVE, is_up };
    [
        ("name", Kind::Text),
        ("open", Kind::Bool),
        ("above", Kind::ToOne { target: SHELF, on_delete: OnDelete::SetNull }),
        ("ancestors", lineage(true)),
        ("descendants", lineage(false)),
    ]
}

/// The part of `model.graphql` that the reference has kinds for.
fn schema() -> Schema {
    let to_one = |target| Kind::ToOne { target, on_delete: OnDelete::SetNull };
    let list = |element| Kind::List(Box::new(element));
    let person = [("email", Kind::Email), ("name", Kind::Text), ("age", Kind::Int), ("team", to_one(TEAM))];
    let team = [
        ("name", Kind::Text),
        ("lead", to_one(PERSON)),
        ("members", Kind::OneToMany { target: PERSON, via: 7 }),
        ("items", Kind::OneToMany { target: ITEM, via: 18 }),
    ];
    let item = [
        ("title", Kind::Text),
        ("number", Kind::Int),
        ("ratio", Kind::Float),
        ("price", Kind::Decimal { scale: 2 }),
        ("fine", Kind::Decimal { scale: 6 }),
        ("flag", Kind::Bool),
        ("state", Kind::Enum(0)),
        ("at", Kind::Moment),
        ("day", Kind::Date),
        ("labels", list(Kind::Text)),
        ("numbers", list(Kind::Int)),
        ("prices", list(Kind::Decimal { scale: 2 })),
        ("moments", list(Kind::Moment)),
        ("owner", to_one(PERSON)),
        ("team", to_one(TEAM)),
        ("parts", Kind::OneToMany { target: PART, via: 4 }),
        ("tags", Kind::ManyToMany { target: TAG }),
        ("lines", Kind::ManyToMany { target: LINE }),
        ("doc", Kind::Json),
        ("shelf", to_one(SHELF)),
    ];
    let part = [("item", to_one(ITEM)), ("weight", Kind::Int), ("ok", Kind::Bool)];
    let tag = [("name", Kind::Text)];
    let line = [
        ("sku", Kind::Text),
        ("quantity", Kind::Int),
        ("price", Kind::Decimal { scale: 2 }),
        ("ratio", Kind::Float),
        ("ok", Kind::Bool),
        ("state", Kind::Enum(0)),
        ("at", Kind::Moment),
        ("day", Kind::Date),
        ("labels", list(Kind::Text)),
        ("prices", list(Kind::Decimal { scale: 2 })),
        ("moments", list(Kind::Moment)),
    ];
    let ty = |name: &str, fields: &[(&str, Kind)]| {
        let fields = fields.iter().map(|(name, kind)| Field::new(*name, kind.clone()));
        let allow = vec![Allow { read: Some(Expr::Literal(Known::Bool(true))), ..Allow::default() }];
        let fields = Field::system().into_iter().chain(fields).collect();
        Type { name: name.to_owned(), path: name.to_lowercase(), allow, fields }
    };
    let mut lines = ty("Line", &line);
    // Nobody can name the key by which the reference finds it.
    lines.fields.drain(1..SYSTEM_FIELDS.len());
    lines.fields[0].secret = true;
    Schema {
        types: vec![
            ty("Person", &person),
            ty("Team", &team),
            ty("Item", &item),
            ty("Part", &part),
            ty("Tag", &tag),
            lines,
            ty("Shelf", &shelf()),
        ],
        enums: vec![Enum { name: "State", values: ["OPEN", "DONE"].map(Into::into).to_vec(), transitions: None }],
        rules: Vec::new(),
        links: Vec::new(),
        roles: ["EDITOR", "WRITER"].map(Into::into).to_vec(),
    }
}

/// The rules of `HIDDEN`.
fn hide(schema: &mut Schema) {
    let is = |of: usize, name: &str| {
        let field = schema.types[of].fields.iter().position(|field| field.name == name).expect("a field");
        Expr::Path(Path { root: Root::This, of, steps: vec![field] })
    };
    let truth = || Box::new(Expr::Literal(Known::Bool(true)));
    let aged = Expr::IsNull(Box::new(is(PERSON, "age")), false);
    let good = Expr::Compare(Comparison::Equal, Box::new(is(PART, "ok")), truth());
    let flagged = Expr::Compare(Comparison::Equal, Box::new(is(ITEM, "flag")), truth());
    let open = Expr::Compare(Comparison::Equal, Box::new(is(SHELF, "open")), truth());
    let doc = schema.types[ITEM].fields.iter().position(|field| field.name == "doc").expect("a field");
    schema.types[ITEM].fields[doc].allow.read = Some(flagged.clone());
    schema.types[SHELF].allow[0].read = Some(open);
    schema.types[PERSON].allow[0].read = Some(aged);
    schema.types[PART].allow[0].read = Some(good);
    schema.types[ITEM].fields[5].allow.read = Some(flagged);
}

/// Records at random; some values are missing.
fn world(random: &mut Random) -> World {
    let mut world = World { schema: schema(), records: Vec::new(), links: Vec::new() };
    for (number, (of, count)) in RECORDS.into_iter().enumerate() {
        for index in 0..count {
            let id: Arc<str> = format!("01890a5d-ac96-774b-bcce-b30200{number:02x}{index:04x}").into();
            let fields = world.schema.types[of].fields.clone();
            let mut values = vec![Known::Id(Arc::clone(&id))];
            if of != LINE {
                values.extend([at(random), at(random), Known::Int(1)]);
            }
            for field in &fields[values.len()..] {
                let needed = matches!(
                    (of, field.name.as_str()),
                    (PERSON, "email") | (PART, "item") | (TAG, "name") | (LINE, "sku")
                );
                values.push(match &field.kind {
                    kind if kind.is_many() => Known::Null,
                    _ if !needed && random.chance(25) => Known::Null,
                    Kind::Int if random.chance(5) => Known::Int(i64::MIN),
                    Kind::Email => Known::text(&format!("p{index}@example.org")),
                    Kind::ToOne { target, .. } => random.record(&world, *target).map_or(Known::Null, Known::Id),
                    kind => random.value(&world.schema, kind),
                });
            }
            if of == ITEM {
                for (field, target) in [(TAGS, TAG), (LINES, LINE)] {
                    let members = random.records(&world, target, 3).into_iter();
                    let link = |far| Link { relation: (ITEM, field), near: Arc::clone(&id), far };
                    world.links.extend(members.map(link));
                }
            }
            world.records.push(Record { of, values });
        }
    }
    world
}

fn at(random: &mut Random) -> Known {
    random.value(&schema(), &Kind::Moment)
}

fn stored(value: &Known, kind: &Kind) -> Value {
    let text = || value.json(kind).as_str().map(str::to_owned).expect("a text");
    match value {
        Known::Null => Value::Null,
        Known::Bool(truth) => Value::Bool(*truth),
        Known::Int(number) => Value::Int(*number),
        Known::Float(number) => Value::Float(*number),
        Known::Decimal(_) => Value::Decimal(text().parse().expect("a decimal")),
        Known::Text(text) => Value::Text(Arc::clone(text)),
        Known::Moment(micros) => Value::Timestamp(Timestamp::from_micros_saturating(*micros)),
        Known::Date(_) => Value::Date(Date::parse(&text()).expect("a day")),
        Known::Length(micros) => Value::Duration(backstay_base::Duration::from_micros(*micros)),
        Known::Id(id) => Value::Id(record(id)),
        Known::Json(document) => Value::Json(document.to_string().into()),
        Known::List(items) => {
            let element = if let Kind::List(element) = kind { element } else { kind };
            Value::List(items.iter().map(|item| stored(item, element)).collect())
        }
    }
}

fn record(id: &str) -> RecordId {
    id.parse().expect("an id")
}

/// The list of an item, as a document.
fn lines(model: &Model, world: &World, item: &Record) -> Value {
    let own = world.links.iter().filter(|link| link.relation == (ITEM, LINES) && link.near == *item.id());
    let object = |link: &Link| {
        let line = world.find(LINE, &link.far).expect("a line");
        let members = world.schema.types[LINE].fields.iter().zip(&line.values).skip(1);
        let members = members.map(|(field, value)| format!("\"{}\":{}", field.name, value.json(&field.kind)));
        format!("{{{}}}", members.collect::<Vec<_>>().join(","))
    };
    let list: Vec<String> = own.map(object).collect();
    data::document(model, "lines", &format!("[{}]", list.join(",")))
}

/// The ids of the shelves down to this one.
fn path(world: &World, shelf: &Record) -> Value {
    let above = shelf.values[ABOVE].id().and_then(|above| world.find(SHELF, above));
    let mut octets = match above.map(|above| path(world, above)) {
        Some(Value::Bytes(before)) => before.to_vec(),
        _ => Vec::new(),
    };
    octets.extend(record(shelf.id()).as_bytes());
    Value::Bytes(octets.into())
}

/// The same records as the databases and the evaluation in memory take them.
fn data(model: &Model, world: &World) -> Data {
    let values = |one: &Record| {
        let ty = &world.schema.types[one.of];
        let collection = model.collection_named(&ty.name).expect("a collection");
        let value = |name: &str| ty.fields.iter().position(|field| field.name == name);
        let value = |name: &str| match value(name) {
            Some(LINES) if one.of == ITEM => lines(model, world, one),
            Some(at) => stored(&one.values[at], &ty.fields[at].kind),
            None if name == "@path" => path(world, one),
            None => Value::Null,
        };
        (collection.id, record(one.id()), collection.fields.iter().map(|field| value(&field.name)).collect())
    };
    Data {
        records: world.records.iter().filter(|one| one.of != LINE).map(values).collect(),
        tagged: world
            .links
            .iter()
            .filter(|link| link.relation == (ITEM, TAGS))
            .map(|link| (record(&link.near), record(&link.far)))
            .collect(),
        items: world.all(ITEM).map(|item| record(item.id())).collect(),
    }
}

fn truth(of: Option<bool>) -> Truth {
    of.map_or(Truth::Unknown, Truth::from)
}

/// One expression; what disagrees, if anything does.
fn case(random: &mut Random, (world, asker): (&World, &Asker), all: (&mut Setting, &mut Databases)) -> Option<String> {
    let (setting, databases) = all;
    let depth = random.below(5);
    let mut expressions = Expressions::filters(random, world, ITEM);
    let expr = expressions.condition(depth);
    let params = expressions.into_params();
    let text = Writer::filter(&world.schema).text(&expr);
    let named = params.iter().enumerate();
    setting.params =
        named.map(|(index, (value, kind))| (format!("p{index}"), stored(value, kind))).collect::<HashMap<_, _>>();
    let values: Vec<Known> = params.iter().map(|(value, _)| value.clone()).collect();
    let expected = letters(&setting.data.items, |id| {
        let this = world.find(ITEM, &id.to_string()).expect("an item").into();
        truth(Evaluation { asker, world, restricted: true, this, new: this, params: &values }.truth(&expr))
    });
    let scope = Scope::filter(&setting.model, data::item(&setting.model).id);
    let checked = match compile(&text, &scope) {
        Ok(checked) => checked,
        Err(errors) => return Some(format!("{text}\n  {errors:?}")),
    };
    let in_memory = letters(&setting.data.items, |id| memory::truth(setting, &checked, id));
    let (_, on_sqlite) = run(setting, &mut databases.sqlite, &checked, Dialect::Sqlite);
    let (_, on_postgres) = run(setting, &mut databases.postgres, &checked, Dialect::Postgres);
    let got = [("in memory", in_memory), ("on SQLite", on_sqlite), ("on PostgreSQL", on_postgres)];
    let wrong: Vec<String> =
        got.iter().filter(|(_, got)| *got != expected).map(|(place, got)| format!("{place}: {got}")).collect();
    let report = || {
        let items: Vec<String> = world.all(ITEM).map(|item| format!("{:?}", item.values)).collect();
        format!("{text}\n  {values:?}\n  expected: {expected}\n  {}\n{}", wrong.join("\n  "), items.join("\n"))
    };
    (!wrong.is_empty()).then(report)
}

#[test]
fn random_expressions_have_one_truth_everywhere() {
    let (cases, seed) = (setting("EXPRESSION_CASES", CASES), setting("EXPRESSION_SEED", 1));
    let mut random = Random::seeded(u64::try_from(seed).expect("a seed has at most 64 bits"));
    let mut open = world(&mut random);
    let mut setting = Setting::new("random");
    setting.data = data(&setting.model, &open);
    let id = open.records[0].id();
    // Of a link, that the tables hold it makes no difference.
    let link = Arc::clone(open.all(ITEM).next().expect("an item").id());
    let claims = [("region", "a".to_owned())];
    setting.caller = Caller::account(record(id), ["EDITOR"]);
    setting.caller.verified = true;
    setting.caller.link = Some(record(&link));
    setting.caller.claims = Arc::new(claims.iter().map(|(name, text)| ((*name).to_owned(), text.clone())).collect());
    let asking = Asking {
        kind: "ACCOUNT",
        id: Some(Arc::clone(id)),
        roles: vec!["EDITOR".into()],
        claims: claims.into(),
        verified: true,
        link: Some(Arc::clone(&link)),
        only: None,
    };
    let asker = Asker { caller: asking, now: setting.now.micros() };
    let mut databases =
        Databases { sqlite: sqlite::Sqlite::with(&setting), postgres: postgres::Postgres::with(&setting) };
    for number in 0..cases {
        // The second half looks with the rights of somebody from whom something is hidden.
        if number == cases / 2 {
            hide(&mut open.schema);
            setting.rights = rights(&setting.model, &HIDDEN);
        }
        if let Some(problem) = case(&mut random, (&open, &asker), (&mut setting, &mut databases)) {
            panic!("EXPRESSION_SEED={seed} EXPRESSION_CASES={cases}, case {number}: {problem}");
        }
    }
}
