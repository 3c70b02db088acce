//! The data set: items `a` to `d`, in the order of the answers.

use std::collections::HashMap;
use std::sync::Arc;

use backstay_base::{Caller, Date, Place, RecordId};
use backstay_model::{Collection, CollectionId, FieldKind, Model, SourceFile};
use backstay_scalar::{Currency, Money, Value};
use rust_decimal::Decimal;

/// All records and links.
pub(crate) struct Data {
    /// Per record one value per field of its collection.
    pub(crate) records: Vec<(CollectionId, RecordId, Vec<Value>)>,
    /// Items and their tags.
    pub(crate) tagged: Vec<(RecordId, RecordId)>,
    /// The items in the order of the answers.
    pub(crate) items: Vec<RecordId>,
}

pub(crate) fn item(model: &Model) -> &Collection {
    model.collection_named("Item").expect("a collection")
}

pub(crate) fn caller(data: &Data) -> Caller {
    let mut caller = Caller::account(data.records[0].1, ["EDITOR"]);
    // Of a link, that the tables hold it makes no difference.
    caller.link = data.items.first().copied();
    caller.claims = Arc::new([("region".to_owned(), "eu".to_owned())].into());
    caller
}

pub(crate) fn param(name: &str) -> Value {
    match name {
        "n" => Value::Int(3),
        "text" => Value::text("Apple"),
        "part" => Value::text("pp"),
        "state" => Value::text("DONE"),
        "exact" => decimal("12.50"),
        "between" => decimal("12.505"),
        "amounts" => list([decimal("12.50"), decimal("3"), decimal("-0.050")]),
        "betweens" => list([decimal("12.505"), decimal("99999999.990")]),
        "nothing" => list([]),
        "ratio" => Value::Float(1.5),
        "sum" => money("5.00", "EUR"),
        "rate" => decimal("1.081"),
        "currency" => Value::text("EUR"),
        "truth" => Value::Bool(true),
        "moment" => moment("2026-01-31T12:00:00Z"),
        "day" => day("2026-01-31"),
        "length" => Value::Duration(backstay_base::Duration::from_micros(86_400_000_000)),
        "ann" => Value::Id(id(1)),
        "hall" => Value::Id(id(60)),
        "room" => Value::Id(id(61)),
        "board" => Value::Id(id(62)),
        "names" => Value::List(Arc::from([Value::text("Apple"), Value::text("Pear")])),
        "counts" => Value::List(Arc::from([Value::Int(3), Value::Int(-7)])),
        "none" => Value::Null,
        other => panic!("no parameter {other}"),
    }
}

fn id(number: u8) -> RecordId {
    let mut bytes = [0_u8; 16];
    bytes[6] = 0x70;
    bytes[8] = 0x80;
    bytes[15] = number;
    RecordId::from_bytes(bytes)
}

fn decimal(text: &str) -> Value {
    Value::Decimal(text.parse::<Decimal>().expect("a decimal"))
}

fn moment(text: &str) -> Value {
    Value::Timestamp(backstay_testkit::moment(text))
}

fn day(text: &str) -> Value {
    Value::Date(Date::parse(text).expect("a day"))
}

fn money(amount: &str, currency: &str) -> Value {
    let currency = Currency::parse(currency).expect("a currency");
    Value::Money(Money::new(amount.parse().expect("an amount"), currency).expect("money"))
}

fn list(values: impl IntoIterator<Item = Value>) -> Value {
    Value::List(values.into_iter().collect())
}

/// A document in the form in which a field of items holds it.
pub(crate) fn document(model: &Model, field: &str, text: &str) -> Value {
    let FieldKind::Document(document) = item(model).field_named(field).expect("a field").kind else {
        panic!("{field} holds no document");
    };
    model.read_document(document, text, Place::Whole).unwrap_or_else(|violations| panic!("{violations:?}"))
}

const LINES_OF_A: &str = r#"[
    {"sku": "x", "quantity": 3, "price": "12.50", "ratio": 1.5, "ok": true, "state": "OPEN",
     "at": "2026-01-31T12:00:00Z", "day": "2026-01-31", "wait": "PT1H", "cost": {"amount": "5.00", "currency": "EUR"},
     "key": "00000000-0000-7000-8000-000000000001", "labels": ["p", "q\"\\"], "prices": ["12.50", "3"],
     "moments": ["2026-01-31T12:00:00Z"], "keys": ["00000000-0000-7000-8000-000000000001"], "more": {"w": [2.5]}, "waits": ["PT1H", "PT0S"],
     "states": ["DONE"], "size": {"width": 4}, "parts": [{"name": "n", "weight": 1}, {"name": "m", "weight": 2}]},
    {"sku": "y", "more": {"w": [1]}, "quantity": 4, "price": "0.01", "ok": false, "state": "DONE", "day": "2025-12-31",
     "cost": {"amount": "2.00", "currency": "EUR"}}]"#;

/// As a JSON field holds it: without white space.
const DOC_OF_A: &str = r#"{"a":1,"colour":"Apple","n":3.0,"half":0.5,"long":9223372036854775808,"vast":1e400,"tiny":1e-400,"on":true,"no":null,"state":"OPEN","at":"2026-01-31T13:00:00.0000009+01:00","day":"2026-01-31","id":"00000000-0000-7000-8000-000000000001","tags":["p",3,null,"q",12.50,true,"2026-01-31T12:00:00Z"],"deep":{"a":[{"b":"c"}],"":{"a.b#'c'%\"\\":"quoted"}},"\u0061\u0062":"\u00e9scaped\n"}"#;

/// Every value is of another kind than in `DOC_OF_A`.
const DOC_OF_B: &str = r#"{"colour":5,"n":"3","half":[0.5],"long":1e28,"vast":-1e999,"tiny":{},"on":"true","no":0,"state":"GONE","at":"2026-02-30T12:00:00Z","day":"2026-1-1","id":"{00000000-0000-7000-8000-000000000001}","tags":{"0":"p"},"deep":["a"]}"#;

const DOC_OF_D: &str = r#"{"colour":"b","n":9223372036854775807,"half":1.7e308,"long":12345678901234567890.12345678,"vast":1e1000,"tiny":-0.0,"on":false,"state":"DONE","at":"9999-12-30T21:59:59.999999Z","day":"9999-12-31","id":"00000000-0000-7000-8000-000000000002","tags":[],"deep":{"a":"c"}}"#;

const LINES_OF_D: &str = r#"[
    {"sku": "z", "quantity": 9223372036854775807, "price": "9999999999999999.99", "ratio": 1.7976931348623157e308,
     "at": "1969-12-31T23:59:59.999999Z", "wait": "-PT0.25S", "labels": [], "prices": [], "parts": null},
    {"sku": "x", "quantity": 9007199254740993}]"#;

const BLOCKS_OF_A: &str = r#"[
    {"__typename": "Quote", "text": "Hello", "by": "Ann", "stars": 2},
    {"__typename": "Picture", "url": "https://example.org/moon.jpg", "lines": [{"name": "n", "weight": 7}],
     "shows": "00000000-0000-7000-8000-000000000001",
     "about": {"__typename": "Team", "id": "00000000-0000-7000-8000-00000000000a"}}]"#;

pub(crate) fn load() -> (Arc<Model>, Data) {
    let source = SourceFile::app("model.graphql", include_str!("model.graphql"));
    let loaded = backstay_model::load(vec![source]).unwrap_or_else(|errors| panic!("{errors:?}"));
    let model = Arc::new(loaded.model);
    let data = records(&model);
    (model, data)
}

/// A record with these fields; the others are null.
fn record(
    model: &Model,
    collection: &str,
    number: u8,
    fields: &[(&str, Value)],
) -> (CollectionId, RecordId, Vec<Value>) {
    let collection = model.collection_named(collection).expect("a collection");
    let made = moment("2026-01-01T00:00:00Z");
    let always =
        [("id", Value::Id(id(number))), ("createdAt", made.clone()), ("updatedAt", made), ("version", 1.into())];
    let mut given: HashMap<&str, Value> = always.into_iter().chain(fields.iter().cloned()).collect();
    let values =
        collection.fields.iter().map(|field| given.remove(field.name.as_str()).unwrap_or(Value::Null)).collect();
    assert!(given.is_empty(), "unknown fields: {given:?}");
    (collection.id, id(number), values)
}

#[expect(clippy::too_many_lines, reason = "one record after the other")]
fn records(model: &Model) -> Data {
    let person = |number, name: &str, age, team| {
        let email = Value::text(format!("{}@example.org", name.to_lowercase()));
        let home = if number == 1 { "Rome".into() } else { Value::Null };
        let known = [("name", name.into()), ("email", email), ("age", age), ("team", team), ("home.city", home)];
        record(model, "Person", number, &known)
    };
    let team = |number, name: &str, lead| record(model, "Team", number, &[("name", name.into()), ("lead", lead)]);
    let part = |number, item: u8, weight, ok, more: &[(&str, Value)]| {
        let known = [("item", Value::Id(id(item))), ("weight", weight), ("ok", ok)];
        record(model, "Part", number, &[&known, more].concat())
    };
    let tag = |number, name: &str| record(model, "Tag", number, &[("name", name.into())]);
    let (ann, red, blue) = (Value::Id(id(1)), Value::Id(id(10)), Value::Id(id(11)));
    let records = vec![
        person(1, "Ann", 30.into(), red.clone()),
        person(2, "Bob", Value::Null, Value::Null),
        team(10, "Red", ann),
        team(11, "Blue", Value::Null),
        item_a(model),
        item_b(model),
        record(model, "Item", 22, &[]),
        item_d(model),
        part(
            30,
            20,
            1.into(),
            true.into(),
            &[
                ("price", decimal("0.10")),
                ("ratio", Value::Float(0.5)),
                ("cost", money("1.00", "EUR")),
                ("state", "DONE".into()),
                ("day", day("2026-01-31")),
            ],
        ),
        part(
            31,
            20,
            5.into(),
            Value::Null,
            &[
                ("price", decimal("0.20")),
                ("cost", money("2.00", "USD")),
                ("state", "OPEN".into()),
                ("day", day("2026-02-01")),
            ],
        ),
        part(32, 21, Value::Null, false.into(), &[]),
        part(
            33,
            23,
            10.into(),
            true.into(),
            &[
                ("price", decimal("9999999999999999.99")),
                ("ratio", Value::Float(1e300)),
                ("cost", money("3.00", "EUR")),
                ("state", "OPEN".into()),
            ],
        ),
        record(
            model,
            "Note",
            50,
            &[("item", Value::Id(id(20))), ("text", "first".into()), ("author", Value::Id(id(1)))],
        ),
        record(model, "Note", 51, &[("item", Value::Id(id(21)))]),
        shelf(model, (60, "Hall"), &[]),
        shelf(model, (61, "Room"), &[60]),
        shelf(model, (62, "Board"), &[60, 61]),
        shelf(model, (63, "Other"), &[]),
        tag(40, "new"),
        tag(41, "old"),
    ];
    let _ = blue;
    let tagged = vec![(id(20), id(40)), (id(20), id(41)), (id(23), id(40))];
    Data { records, tagged, items: (20..24).map(id).collect() }
}

/// A shelf below others, the uppermost of them first; only rooms are not open.
fn shelf(model: &Model, (number, name): (u8, &str), above: &[u8]) -> (CollectionId, RecordId, Vec<Value>) {
    let path: Vec<u8> = above.iter().chain([&number]).flat_map(|number| id(*number).as_bytes().to_vec()).collect();
    let parent = above.last().map_or(Value::Null, |above| Value::Id(id(*above)));
    let path = Value::Bytes(path.into());
    let open = Value::Bool(name != "Room");
    record(model, "Shelf", number, &[("name", name.into()), ("open", open), ("above", parent), ("@path", path)])
}

fn item_a(model: &Model) -> (CollectionId, RecordId, Vec<Value>) {
    let fields = [
        ("title", "Apple".into()),
        ("number", 3.into()),
        ("ratio", Value::Float(1.5)),
        ("price", decimal("12.50")),
        ("fine", decimal("12.500001")),
        ("flag", true.into()),
        ("state", "OPEN".into()),
        ("at", moment("2026-01-31T12:00:00Z")),
        ("day", day("2026-01-31")),
        ("cost", money("5.00", "EUR")),
        ("currency", "EUR".into()),
        ("doc", Value::Json(DOC_OF_A.into())),
        ("labels", list(["p".into(), "q\"\\".into()])),
        ("numbers", list([1.into(), 3.into()])),
        ("prices", list([decimal("12.50"), decimal("3")])),
        ("moments", list([moment("2026-01-31T12:00:00Z")])),
        ("keys", list([Value::Id(id(1)), Value::Id(id(20))])),
        ("owner", Value::Id(id(1))),
        ("team", Value::Id(id(10))),
        ("place.city", "Rome".into()),
        ("place.level", 1.into()),
        ("place.keeper", Value::Id(id(1))),
        ("about.Person", Value::Id(id(1))),
        ("shelf", Value::Id(id(62))),
        ("lines", document(model, "lines", LINES_OF_A)),
        ("blocks", document(model, "blocks", BLOCKS_OF_A)),
        ("hero", document(model, "hero", r#"{"__typename": "Quote", "text": "Hello", "by": "Ann", "stars": 2}"#)),
    ];
    record(model, "Item", 20, &fields)
}

fn item_b(model: &Model) -> (CollectionId, RecordId, Vec<Value>) {
    let fields = [
        ("shelf", Value::Id(id(61))),
        ("title", "épée".into()),
        ("doc", Value::Json(DOC_OF_B.into())),
        ("number", (-7).into()),
        ("ratio", Value::Float(-0.5)),
        ("price", decimal("-0.05")),
        ("fine", decimal("-0.05")),
        ("flag", false.into()),
        ("state", "DONE".into()),
        ("at", moment("1969-12-31T23:59:59.999999Z")),
        ("day", day("1969-12-31")),
        ("cost", money("5.00", "USD")),
        ("currency", "JPY".into()),
        ("labels", list([])),
        ("numbers", list([])),
        ("prices", list([])),
        ("moments", list([])),
        ("keys", list([])),
        ("owner", Value::Id(id(2))),
        ("team", Value::Id(id(11))),
        ("place.level", 2.into()),
        ("about.Team", Value::Id(id(11))),
        ("lines", document(model, "lines", "[]")),
        ("blocks", document(model, "blocks", "[]")),
        (
            "hero",
            document(
                model,
                "hero",
                r#"{"__typename": "Picture", "url": "https://example.org", "by": "Bob", "lines": [{"weight": 7}],
                    "shows": "00000000-0000-7000-8000-000000000002",
                    "about": {"__typename": "Person", "id": "00000000-0000-7000-8000-000000000002"}}"#,
            ),
        ),
    ];
    record(model, "Item", 21, &fields)
}

fn item_d(model: &Model) -> (CollectionId, RecordId, Vec<Value>) {
    let fields = [
        ("shelf", Value::Id(id(63))),
        ("title", "%_a'".into()),
        ("doc", Value::Json(DOC_OF_D.into())),
        ("number", i64::MAX.into()),
        ("ratio", Value::Float(f64::MAX)),
        ("price", decimal("9999999999999999.99")),
        ("fine", decimal("999999999999.999999")),
        ("flag", true.into()),
        ("state", "OPEN".into()),
        ("at", moment("9999-12-30T21:59:59.999999Z")),
        ("day", day("9999-12-31")),
        ("cost", money("922337203685477.58", "EUR")),
        ("currency", "KWD".into()),
        ("place.city", "Bonn".into()),
        ("labels", list(["%".into()])),
        ("numbers", list([i64::MAX.into()])),
        ("prices", list([decimal("99999999.99")])),
        ("moments", list([moment("1969-12-31T23:59:59.999999Z")])),
        ("keys", list([Value::Id(id(2))])),
        ("owner", Value::Id(id(1))),
        ("team", Value::Id(id(10))),
        ("about.Team", Value::Id(id(10))),
        ("lines", document(model, "lines", LINES_OF_D)),
        (
            "blocks",
            document(model, "blocks", r#"[{"__typename": "Picture", "url": "https://example.org/", "by": "Bob"}]"#),
        ),
        ("hero", document(model, "hero", r#"{"__typename": "Quote", "text": "x"}"#)),
    ];
    record(model, "Item", 23, &fields)
}

/// The schema, then the records.
pub(crate) fn statements(setting: &crate::Setting, dialect: backstay_sql::Dialect) -> Vec<backstay_sql::Statement> {
    use backstay_model::FieldKind;
    use backstay_sql::{Dialect, Planner, Slot, schema};

    let model = &setting.model;
    let planner = Planner::new(Arc::clone(model), dialect);
    let mut statements = schema::create(model, dialect);
    if dialect == Dialect::Postgres {
        // People and teams refer to each other.
        let off = "SET session_replication_role = replica";
        statements.push(backstay_sql::Statement::raw(off, Vec::new(), &[]));
    }
    for (collection, _, values) in &setting.data.records {
        statements.push(planner.insert(*collection).bind(|slot| match slot {
            Slot::Proposed(column) => column.part.of(&values[usize::from(column.field.0)]),
            other => panic!("no value for {other:?}"),
        }));
    }
    let FieldKind::ManyToMany { link, .. } = &item(model).field_named("tags").expect("a field").kind else {
        panic!("tags are links");
    };
    for (near, far) in &setting.data.tagged {
        statements.push(planner.link_insert(link).bind(|slot| match slot {
            Slot::Id => Value::Id(*near),
            _ => Value::Id(*far),
        }));
    }
    statements
}
