//! A model and a few records, in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use backstay_base::{Caller, Date, RecordId, Timestamp};
use backstay_expr::{Account, Environment, Path, Start, Truth, Truths};
use backstay_model::{Collection, FieldId, FieldKind, Model, SourceFile, load};
use backstay_scalar::{Currency, Money, Value};

/// The model in `model.graphql`.
pub(crate) fn model() -> Model {
    let text = Arc::from(include_str!("model.graphql"));
    let file = SourceFile { name: "model.graphql".to_owned(), text, system: false };
    load(vec![file]).expect("a model").model
}

/// The record of this name.
pub(crate) fn id(name: &str) -> RecordId {
    let mut bytes = [0; 16];
    bytes[..name.len()].copy_from_slice(name.as_bytes());
    RecordId::from_bytes(bytes)
}

/// Who is called by this name: `ann` is an editor, `bob` a writer with a claim.
pub(crate) fn caller(name: &str) -> Caller {
    match name {
        "ann" => Caller::account(id("ann"), ["EDITOR"]),
        "bob" => {
            let claims = BTreeMap::from([("desk".to_owned(), "sport".to_owned())]);
            Caller { claims: Arc::new(claims), ..Caller::account(id("bob"), ["WRITER"]) }
        }
        _ => {
            assert_eq!(name, "nobody");
            Caller::anonymous()
        }
    }
}

/// The moment at which every expression is evaluated.
pub(crate) fn now() -> Timestamp {
    Timestamp::parse("2026-02-01T12:00:00Z").expect("a moment")
}

struct Record {
    id: RecordId,
    collection: &'static str,
    fields: Vec<(&'static str, Value)>,
}

/// The records, as one caller sees them.
pub(crate) struct World<'m> {
    pub(crate) model: &'m Model,
    pub(crate) caller: Caller,
    pub(crate) this: RecordId,
    pub(crate) new: RecordId,
    pub(crate) params: Vec<Value>,
    pub(crate) facts: Truths,
    records: Vec<Record>,
}

impl<'m> World<'m> {
    /// What a caller sees where rules name these fields of its own record.
    pub(crate) fn new(model: &'m Model, caller: Caller, account: &[FieldId]) -> Self {
        let account = own_record(model, &caller, account).map(Account::into_own_record);
        let caller = Caller { account, ..caller };
        let facts = backstay_expr::Facts::default().evaluate(&caller);
        let (this, new) = (id("p1"), id("p1"));
        Self { model, caller, this, new, params: Vec::new(), facts, records: records() }
    }

    fn record(&self, id: RecordId) -> Option<&Record> {
        self.records.iter().find(|record| record.id == id)
    }

    fn follow(&self, from: Start, steps: &[backstay_model::FieldId]) -> Option<Value> {
        let start = match from {
            Start::This | Start::Old => self.this,
            Start::New => self.new,
            Start::Account => Account::value(&self.caller, Collection::ID).as_id()?,
            Start::Record(id) => id,
        };
        let mut value = Value::Id(start);
        for step in steps {
            let record = self.record(value.as_id()?)?;
            let field = self.collection(record).field(*step);
            let given = record.fields.iter().find(|(name, _)| *name == field.name);
            value = given.map_or(Value::Null, |(_, value)| value.clone());
        }
        Some(value)
    }

    fn collection(&self, record: &Record) -> &'m Collection {
        self.model.collection_named(record.collection).expect("a collection of the model")
    }
}

impl Environment for World<'_> {
    fn caller(&self) -> &Caller {
        &self.caller
    }

    fn now(&self) -> Timestamp {
        now()
    }

    fn value(&self, from: Start, path: &Path) -> Value {
        self.follow(from, &path.steps).unwrap_or(Value::Null)
    }

    fn members(&self, from: Start, path: &Path) -> Option<Vec<RecordId>> {
        let (last, way) = path.steps.split_last()?;
        let from = self.follow(from, way)?.as_id()?;
        let collection = self.collection(self.record(from)?);
        let FieldKind::OneToMany { target, via } = collection.field(*last).kind else { return None };
        let target = self.model.collection(target);
        let via = target.field(via).name.as_str();
        let refers =
            |record: &&Record| record.collection == target.name && record.fields.contains(&(via, Value::Id(from)));
        Some(self.records.iter().filter(refers).map(|record| record.id).collect())
    }

    fn param(&self, index: u16) -> Value {
        self.params[usize::from(index)].clone()
    }

    fn fact(&self, index: u16) -> Truth {
        self.facts.get(index)
    }
}

/// These fields of the caller's own record.
fn own_record(model: &Model, caller: &Caller, fields: &[FieldId]) -> Option<Account> {
    let own = records().into_iter().find(|record| Some(record.id) == caller.id)?;
    let collection = model.collection_named(own.collection)?;
    let value = |field: FieldId| {
        let name = &collection.field(field).name;
        let given = own.fields.iter().find(|(known, _)| known == name);
        given.map_or(Value::Null, |(_, value)| value.clone())
    };
    Some(Account::new(fields.iter().map(|field| (*field, value(*field)))))
}

fn record(name: &str, collection: &'static str, fields: Vec<(&'static str, Value)>) -> Record {
    Record { id: id(name), collection, fields }
}

fn money(amount: &str, currency: &str) -> Value {
    let currency = Currency::parse(currency).expect("a currency");
    Value::Money(Money::new(amount.parse().expect("a decimal"), currency).expect("money"))
}

/// What p1 has in its JSON field.
const EXTRA: &str = r#"{"colour":"red","n":5.0,"half":0.5,"long":9223372036854775808,"vast":1e400,"on":true,"no":null,"state":"PUBLISHED","other":"GONE","at":"2026-01-31T12:00:00Z","day":"2026-01-31","id":"00000000-0000-0000-0000-000000000000","tags":["a",1,null,"b",2.50],"deep":{"a":[{"b":"c"}],"":{"a.b 'c'":"quoted"}},"\u0061b":"escaped","text":"12.5"}"#;

fn records() -> Vec<Record> {
    let of = |name: &str| Value::Id(id(name));
    let moment = |text: &str| Value::Timestamp(Timestamp::parse(text).expect("a moment"));
    vec![
        record(
            "ann",
            "User",
            vec![
                ("email", "ann@example.org".into()),
                ("name", "Ann".into()),
                ("born", Value::Date(Date::parse("1990-05-01").expect("a date"))),
            ],
        ),
        record(
            "bob",
            "User",
            vec![
                ("email", "bob@example.org".into()),
                ("name", "bob".into()),
                ("manager", of("ann")),
                ("address.city", "Ulm".into()),
            ],
        ),
        record("s1", "Section", vec![("name", "World".into())]),
        record("s2", "Section", vec![("name", "Empty".into())]),
        record("m1", "Member", vec![("section", of("s1")), ("user", of("bob")), ("active", true.into())]),
        record("m2", "Member", vec![("section", of("s1"))]),
        record(
            "p1",
            "Post",
            vec![
                ("title", "Ärger in Ulm".into()),
                ("body", "text".into()),
                ("state", "PUBLISHED".into()),
                ("author", of("ann")),
                ("editor", of("bob")),
                ("section", of("s1")),
                ("tags", Value::List(Arc::from([Value::from("a"), Value::from("b")]))),
                ("words", Value::Int(100)),
                ("rating", Value::Float(4.5)),
                ("price", Value::Decimal("12.50".parse().expect("a decimal"))),
                ("cost", money("12.50", "EUR")),
                ("pinned", true.into()),
                ("publishedAt", moment("2026-01-31T12:00:00Z")),
                ("extra", Value::Json(EXTRA.into())),
            ],
        ),
        record(
            "p2",
            "Post",
            vec![
                ("title", "b".into()),
                ("state", "DRAFT".into()),
                ("author", of("bob")),
                ("section", of("s2")),
                ("tags", Value::List(Arc::from([]))),
                ("words", Value::Int(i64::MAX)),
                ("rating", Value::Float(f64::MAX)),
                ("pinned", false.into()),
            ],
        ),
        record("p3", "Post", vec![("title", "".into()), ("state", "ARCHIVED".into()), ("author", of("ann"))]),
    ]
}
