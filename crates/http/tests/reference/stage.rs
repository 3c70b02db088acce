//! An application with a model at random, and its records and callers, of which the reference knows.

use std::collections::BTreeMap;
use std::sync::Arc;

use backstay_base::RecordId;
use backstay_engine::{Authority, Context, Error, Input, Record as Stored, Transaction, TxContext};
use backstay_identity::{AccountRef, NewKey};
use backstay_model::{Collection, CollectionId};
use backstay_scalar::Value as Scalar;
use backstay_testkit::reference::{
    Asker, CLAIMS, Caller, DECIMAL_UNIT, Kind, Link, NEXT_COMMIT, NOW, Random, Record, Schema, Subject, Value, World,
};
use backstay_testkit::{TestApp, TestClock, controlled};
use futures_util::future::BoxFuture;
use serde_json::{Map, Value as Json};

/// What tests say at the moment of `NOW`.
const MOMENT: &str = "2026-01-31T12:00:00Z";
const PEOPLE: [&str; 3] = ["ann", "ben", "cleo"];
const LINKS: usize = 2;
/// Records of a type, but for accounts.
const RECORDS: usize = 7;

/// Somebody who asks, and what is sent to show it.
pub(crate) struct Actor {
    pub(crate) asker: Asker,
    pub(crate) token: Option<String>,
    /// The token of a secret link.
    pub(crate) link: Option<String>,
}

/// An application, and what the reference knows of it.
pub(crate) struct Stage {
    pub(crate) app: TestApp,
    pub(crate) world: World,
    pub(crate) actors: Vec<Actor>,
    /// How often each kind of request had each outcome.
    pub(crate) tally: BTreeMap<String, usize>,
}

/// What a transaction of Backstay itself does with a record.
#[derive(Clone)]
enum Write {
    Create(Input),
    Change(RecordId, Input),
    Read(RecordId),
}

struct ByItself {
    collection: CollectionId,
    write: Write,
}

impl Transaction for ByItself {
    type Answer = Option<Stored>;

    fn name(&self) -> &'static str {
        "stage"
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<Self::Answer, Error>> {
        let of = self.collection;
        Box::pin(async move {
            match &self.write {
                Write::Create(input) => cx.create(Authority::System, of, input.clone()).await.map(Some),
                Write::Change(id, input) => {
                    cx.update(Authority::System, (of, *id), input.clone(), None).await.map(Some)
                }
                Write::Read(id) => cx.get(of, *id).await,
            }
        })
    }
}

/// All records with these ids.
struct Snapshot(Vec<(CollectionId, Vec<RecordId>)>);

impl Transaction for Snapshot {
    type Answer = Vec<Vec<Stored>>;

    fn name(&self) -> &'static str {
        "snapshot"
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<Self::Answer, Error>> {
        Box::pin(async move {
            let mut found = Vec::new();
            for (of, ids) in &self.0 {
                let mut records = Vec::new();
                for id in ids {
                    records.extend(cx.get(*of, *id).await?);
                }
                found.push(records);
            }
            Ok(found)
        })
    }
}

impl Stage {
    /// Everything that is stored, whoever may see it.
    pub(crate) async fn stored(&self) -> World {
        let engine = &self.app.services.engine;
        let system = Context::system(engine);
        let client = self.app.application().client();
        let (mut wanted, mut links) = (Vec::new(), Vec::new());
        for (of, ty) in self.world.schema.types.iter().enumerate() {
            let relations = ty.fields.iter().enumerate();
            let relations: Vec<_> =
                relations.filter(|(_, field)| matches!(field.kind, Kind::ManyToMany { .. })).collect();
            let select = relations.iter().fold("id".to_owned(), |all, (_, field)| format!("{all},{}", field.name));
            let request = client.list(&ty.name, |words| (words.select, words.limit) = (Some(select.into()), Some(500)));
            let answer = engine.answer(&system, request.expect("a list"), backstay_rest::JSON).await.expect("a page");
            let page: Json = serde_json::from_slice(answer.body().expect("a page")).expect("JSON");
            let mut ids = Vec::new();
            for item in page["items"].as_array().expect("items") {
                let near: Arc<str> = item["id"].as_str().expect("an id").into();
                ids.push(near.parse().expect("an id"));
                for (field, about) in &relations {
                    for member in item[&about.name].as_array().expect("members") {
                        let far = member["id"].as_str().expect("an id").into();
                        links.push(Link { relation: (of, *field), near: Arc::clone(&near), far });
                    }
                }
            }
            wanted.push((self.collection(of).id, ids));
        }
        let found = engine.run(&system, Snapshot(wanted)).await.expect("a read");
        let records = found.iter().enumerate();
        let records = records.flat_map(|(of, records)| records.iter().map(move |record| self.known(of, record)));
        World { schema: self.world.schema.clone(), records: records.collect(), links }
    }

    /// Makes a model, and an application of it with records and callers.
    pub(crate) async fn set(random: &mut Random) -> Result<Self, String> {
        let schema = Schema::random(random);
        let app = TestApp::controlled(&schema.to_string(), controlled(&TestClock::at(MOMENT), 7));
        let world = World { schema, records: Vec::new(), links: Vec::new() };
        let mut stage = Self { app, world, actors: vec![anyone(Caller::anonymous(), None)], tally: BTreeMap::new() };
        stage.make_links().await;
        for person in PEOPLE {
            stage.sign_up(random, person).await;
        }
        for of in 1..stage.world.schema.types.len() {
            for _ in 0..2 + random.below(RECORDS) {
                stage.seed(random, of).await?;
            }
        }
        stage.relate_accounts(random).await?;
        stage.issue_keys(random).await;
        stage.show_links();
        Ok(stage)
    }

    /// Makes secret links, and guests who show them, if a rule asks for them.
    async fn make_links(&mut self) {
        for _ in 0..LINKS {
            let made = self.app.call("POST /auth/links", &[]).await;
            if made.status == 403 {
                return;
            }
            let made = made.json();
            let id: Arc<str> = made["id"].as_str().expect("an id").into();
            let caller = Caller { link: Some(Arc::clone(&id)), ..Caller::anonymous() };
            let link = made["token"].as_str().map(str::to_owned);
            self.actors.push(Actor { link, ..anyone(caller, None) });
            self.world.schema.links.push(id);
        }
    }

    /// Has somebody who is signed in show a guest's link too.
    fn show_links(&mut self) {
        let shown = self.actors.iter().find(|actor| actor.link.is_some());
        let Some((id, link)) = shown.map(|actor| (actor.asker.caller.link.clone(), actor.link.clone())) else { return };
        let signed_in = self.actors.iter_mut().filter(|actor| actor.token.is_some());
        for actor in signed_in.step_by(2) {
            actor.asker.caller.link.clone_from(&id);
            actor.link.clone_from(&link);
        }
    }

    fn collection(&self, of: usize) -> &Collection {
        let name = &self.world.schema.types[of].name;
        self.app.services.engine.model().collection_named(name).expect("a type of the model")
    }

    async fn by_itself(&self, of: usize, write: Write) -> Result<Option<Stored>, Error> {
        let engine = &self.app.services.engine;
        let transaction = ByItself { collection: self.collection(of).id, write };
        engine.run(&Context::system(engine), transaction).await
    }

    fn input(&self, of: usize, values: &[(usize, Value)]) -> Input {
        let body = Json::Object(body(&self.world.schema, of, values)).to_string();
        let model = self.app.services.engine.model();
        backstay_rest::input(model, self.collection(of).id, body.as_bytes()).expect("values of their types")
    }

    async fn sign_up(&mut self, random: &mut Random, person: &str) {
        let email = format!("{person}@example.org");
        let token = self.app.account(&email).await;
        let account = AccountRef::Email(email);
        let system = Context::system(&self.app.services.engine);
        let administration = self.app.services.identity.administration(&system).expect("Backstay itself may");
        let mut caller = Caller { kind: "ACCOUNT", ..some(random, &self.world.schema) };
        for role in &caller.roles {
            administration.grant_role(&account, role).await.expect("the role can be given");
        }
        for (name, text) in &caller.claims {
            administration.set_claim(&account, name, text).await.expect("the claim can be set");
        }
        let known = administration.account(&account).await.expect("the account");
        let stored = self.by_itself(0, Write::Read(known.id)).await.expect("a read").expect("the account");
        self.world.records.push(self.known(0, &stored));
        caller.id = Some(known.id.to_string().into());
        self.actors.push(anyone(caller, Some(token)));
    }

    async fn issue_keys(&mut self, random: &mut Random) {
        for name in ["free", "limited"] {
            let mut caller = Caller { kind: "SERVICE", ..some(random, &self.world.schema) };
            let mut only = Vec::new();
            for of in 0..self.world.schema.types.len() {
                for action in ["get", "search", "create", "update", "delete", "refer"] {
                    if random.chance(45) {
                        only.push((of, action));
                    }
                }
            }
            caller.only = (name == "limited" && !only.is_empty()).then_some(only);
            let path = |(of, action): &(usize, &str)| format!("{}:{action}", self.world.schema.types[*of].path);
            let key = NewKey {
                name: name.to_owned(),
                roles: caller.roles.iter().map(ToString::to_string).collect(),
                claims: caller.claims.iter().map(|(name, text)| ((*name).to_owned(), text.clone())).collect(),
                only: caller.only.as_ref().map(|only| only.iter().map(path).collect()),
                expires_at: None,
            };
            let system = Context::system(&self.app.services.engine);
            let administration = self.app.services.identity.administration(&system).expect("Backstay itself may");
            let issued = administration.issue_key(key).await.expect("a key can be issued");
            caller.id = Some(issued.id.to_string().into());
            self.actors.push(anyone(caller, Some(format!("Bearer {}", issued.secret.expose()))));
        }
    }

    /// Makes a record of a type in the name of Backstay itself: only checks can refuse it.
    async fn seed(&mut self, random: &mut Random, of: usize) -> Result<(), String> {
        let mut given = Vec::new();
        for (index, field) in self.world.schema.types[of].fields.iter().enumerate().skip(4) {
            let value = match &field.kind {
                Kind::OneToMany { .. } | Kind::Inverse { .. } => continue,
                Kind::ToOne { target, .. } => random.record(&self.world, *target).map_or(Value::Null, Value::Id),
                Kind::ManyToMany { target } => {
                    Value::List(random.records(&self.world, *target, 3).into_iter().map(Value::Id).collect())
                }
                kind => random.value(&self.world.schema, kind),
            };
            if value.is_null() || (!field.required && random.chance(25)) {
                continue;
            }
            given.push((index, value));
        }
        let input = self.input(of, &given);
        let stored = self.by_itself(of, Write::Create(input)).await;
        let expected = self.may_be_seeded(of, &given);
        match (stored, expected) {
            (Ok(Some(stored)), true) => {
                let record = self.known(of, &stored);
                for (field, value) in &given {
                    if let (Kind::ManyToMany { .. }, Value::List(ids)) =
                        (&self.world.schema.field(of, *field).kind, value)
                    {
                        let link = |far: &Value| Link {
                            relation: (of, *field),
                            near: Arc::clone(record.id()),
                            far: Arc::clone(far.id().expect("an id")),
                        };
                        self.world.links.extend(ids.iter().map(link));
                    }
                }
                self.world.records.push(record);
                Ok(())
            }
            (Err(_), false) => Ok(()),
            (stored, expected) => Err(format!(
                "a seed of {}: {:?}\nexpected: {expected}\ngot: {stored:?}\n{}",
                self.world.schema.types[of].name,
                body(&self.world.schema, of, &given),
                self.world.schema
            )),
        }
    }

    /// Whether required fields have values and no check is false.
    fn may_be_seeded(&self, of: usize, given: &[(usize, Value)]) -> bool {
        let fields = &self.world.schema.types[of].fields;
        let mut sent = Vec::new();
        let mut values: Vec<Value> = fields.iter().map(|field| field.default.clone().unwrap_or(Value::Null)).collect();
        for (field, value) in given {
            match (&fields[*field].kind, value) {
                (Kind::ManyToMany { .. }, Value::List(ids)) => {
                    sent.push((*field, ids.iter().filter_map(Value::id).cloned().collect()));
                }
                _ => values[*field] = value.clone(),
            }
        }
        let system = [
            Value::Id("00000000-0000-7000-8000-000000000000".into()),
            Value::Moment(NEXT_COMMIT),
            Value::Moment(NEXT_COMMIT),
        ];
        values[..3].clone_from_slice(&system);
        values[3] = Value::Int(1);
        for (field, value) in fields.iter().zip(&mut values) {
            if let (Some(initial), Value::Null) = (self.world.schema.initial(&field.kind), &*value) {
                *value = Value::Text(Arc::clone(initial));
            }
        }
        // A record is made at the moment that it is marked with.
        let asker = Asker { caller: Caller { kind: "SYSTEM", ..Caller::anonymous() }, now: NEXT_COMMIT };
        let this = Subject { of, values: &values, sent: &sent };
        let complete = fields.iter().zip(&values).all(|(field, value)| !field.required || !value.is_null());
        complete
            && fields
                .iter()
                .flat_map(|field| &field.checks)
                .all(|check| asker.truth(&self.world, check, (this, this)) != Some(false))
    }

    /// Gives accounts values in the fields that a sign-up leaves empty.
    async fn relate_accounts(&mut self, random: &mut Random) -> Result<(), String> {
        for index in 0..PEOPLE.len() {
            let mut given = Vec::new();
            for (field, of) in self.world.schema.types[0].fields.iter().enumerate().skip(6) {
                let value = match &of.kind {
                    Kind::ToOne { target, .. } => random.record(&self.world, *target).map_or(Value::Null, Value::Id),
                    kind if kind.is_many() => continue,
                    kind => random.value(&self.world.schema, kind),
                };
                if random.chance(75) {
                    given.push((field, value));
                }
            }
            let id = self.world.records[index].id().parse().expect("an id");
            let stored = self.by_itself(0, Write::Change(id, self.input(0, &given))).await;
            let stored = stored.map_err(|error| format!("an account can be changed: {error:?}"))?;
            self.world.records[index] = self.known(0, &stored.expect("the account"));
        }
        Ok(())
    }

    /// A stored record as the reference knows it.
    fn known(&self, of: usize, stored: &Stored) -> Record {
        let collection = self.collection(of);
        let value = |field: &backstay_testkit::reference::Field| {
            let named = collection.field_named(&field.name).expect("a field of the model");
            known(stored.value(named.id))
        };
        Record { of, values: self.world.schema.types[of].fields.iter().map(value).collect() }
    }
}

fn anyone(caller: Caller, token: Option<String>) -> Actor {
    Actor { asker: Asker { caller, now: NOW }, token, link: None }
}

/// Some roles and claims.
fn some(random: &mut Random, schema: &Schema) -> Caller {
    let roles = schema.roles.iter().filter(|_| random.chance(45)).cloned().collect();
    let claims = CLAIMS.into_iter().filter(|_| random.chance(50)).map(|name| (name, "a".to_owned())).collect();
    Caller { roles, claims, ..Caller::anonymous() }
}

/// The members of a body.
pub(crate) fn body(schema: &Schema, of: usize, values: &[(usize, Value)]) -> Map<String, Json> {
    let member = |(field, value): &(usize, Value)| {
        let field = schema.field(of, *field);
        (field.name.clone(), value.json(&field.kind))
    };
    values.iter().map(member).collect()
}

fn known(value: &Scalar) -> Value {
    match value {
        Scalar::Null => Value::Null,
        Scalar::Bool(truth) => Value::Bool(*truth),
        Scalar::Int(number) => Value::Int(*number),
        Scalar::Float(number) => Value::Float(*number),
        Scalar::Decimal(number) => Value::Decimal(number.mantissa() * DECIMAL_UNIT / 10_i128.pow(number.scale())),
        Scalar::Text(text) => Value::text(text),
        Scalar::Id(id) => Value::Id(id.to_string().into()),
        Scalar::Timestamp(moment) => Value::Moment(moment.micros()),
        Scalar::Date(date) => Value::Date(date.days()),
        Scalar::Duration(length) => Value::Length(length.micros()),
        Scalar::List(items) => Value::List(items.iter().map(known).collect()),
        Scalar::Json(_) | Scalar::Bytes(_) | Scalar::Money(_) => {
            unreachable!("no field of the reference holds {value:?}")
        }
    }
}
