//! Records of a model, made, read and changed through the engine.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use backstay_base::{Caller, Error, RecordId};
use backstay_engine::{Context, Engine, Request};
use backstay_testkit::TestClient;
use backstay_testkit::reference::Random;
use serde_json::{Map, Value, json};

use super::schema::{Embedded, Field, Key, Kind, Schema, Type};
use super::values::value;
use crate::changed::Place;

/// All records, by type and id.
pub(super) struct World(pub(super) BTreeMap<Key, BTreeMap<String, Record>>);

#[derive(Debug)]
pub(super) struct Record {
    /// Since when it is in the trash.
    pub(super) trashed: Value,
    /// The ids of the records above it, from the root, if it is in a tree.
    pub(super) above: Value,
    /// The fields that every record has.
    pub(super) system: Value,
    /// By the field's key; of relations the ids, of documents the values by the keys of their members.
    pub(super) values: BTreeMap<Key, Value>,
}

impl fmt::Display for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (of, records) in &self.0 {
            for (id, record) in records {
                writeln!(f, "{of} {id}: {:?}", record.values)?;
            }
        }
        Ok(())
    }
}

/// What the model refuses.
const REFUSED: [&str; 8] = [
    "invalid-values",
    "not-unique",
    "not-found",
    "still-referenced",
    "overlaps",
    "related-conflict",
    "refers-to-trash",
    "in-trash",
];

/// An engine of a model that is applied already.
struct Asked {
    engine: Engine,
    client: TestClient,
    caller: Arc<Caller>,
}

impl Asked {
    fn open(place: &Place, model: &str, seed: u64) -> Self {
        let engine = place.serve(model, seed);
        Self { client: TestClient::new(&engine), engine, caller: Arc::new(Caller::anonymous()) }
    }

    /// Whether a write was made; what the model refuses, or a deletion took along, is not.
    async fn wrote(&self, request: Result<Request, Error>, of: &Type) -> Result<Option<Vec<RecordId>>, String> {
        let written = match request {
            Ok(request) => self.client.written(&self.caller, request).await,
            Err(error) => Err(error),
        };
        match written {
            Ok(written) => Ok(Some(written.ids)),
            // Numbers and slugs are made so that no other record has them.
            Err(error) if error.code() == "not-unique" && of.is_made_unique() => {
                Err(format!("a value was made twice: {error:?}"))
            }
            Err(error) if REFUSED.contains(&error.code()) => Ok(None),
            Err(error) => Err(format!("a write failed: {error:?}")),
        }
    }

    /// The records of a type in one version of the data.
    async fn records(
        &self,
        (schema, of): (&Schema, &Type),
        list: fn(&TestClient, &str, String) -> Result<Request, Error>,
    ) -> Result<BTreeMap<String, Record>, String> {
        let request = list(&self.client, &of.name, select(of)).map_err(|error| format!("{error:?}"))?;
        let page = self.client.page(&self.caller, request).await;
        let page = page.map_err(|error| format!("{} can't be read: {error:?}", of.name))?;
        let page: Value = serde_json::from_slice(&page.body).expect("JSON");
        let items = page["items"].as_array().expect("a page");
        Ok(items.iter().map(|item| record((schema, of), item)).collect())
    }

    /// The stored sums that aren't what their members come to.
    async fn differing_sums(&self) -> Vec<String> {
        let compared = self.engine.compare_sums(&Context::system(&self.engine)).await.expect("they are compared");
        let differing = compared.into_iter().filter(|sum| sum.differing > 0);
        differing.map(|sum| format!("{} of {:?}", sum.sum, sum.first)).collect()
    }

    fn close(self) {
        drop(self.client);
        self.engine.close();
    }
}

fn live(client: &TestClient, of: &str, select: String) -> Result<Request, Error> {
    client.list(of, |words| (words.select, words.limit) = (Some(select.into()), Some(100)))
}

fn in_trash(client: &TestClient, of: &str, select: String) -> Result<Request, Error> {
    client.trash(of, |words| (words.select, words.limit) = (Some(select.into()), Some(100)))
}

/// Ids by type.
type Ids = BTreeMap<Key, Vec<String>>;

/// Makes a few records of every type.
pub(super) async fn populate(
    place: &Place,
    random: &mut Random,
    (schema, model): (&Schema, &str),
) -> Result<(), String> {
    let asked = Asked::open(place, model, random.word());
    let mut ids = Ids::new();
    for _ in 0..2 {
        for of in &schema.types {
            for _ in 0..random.below(4) {
                create(&asked, random, (schema, of), &mut ids).await?;
            }
        }
    }
    for of in schema.types.iter().filter(|of| of.trash) {
        for id in ids.get(&of.key).into_iter().flatten().filter(|_| random.chance(25)).collect::<Vec<_>>() {
            asked.wrote(Ok(asked.client.delete(&of.name, id.parse().expect("an id"))), of).await?;
        }
    }
    asked.close();
    Ok(())
}

async fn create(
    asked: &Asked,
    random: &mut Random,
    (schema, of): (&Schema, &Type),
    ids: &mut Ids,
) -> Result<(), String> {
    let Some(body) = body(random, (schema, of), ids) else { return Ok(()) };
    let made = asked.wrote(asked.client.create(&of.name, &body.to_string()), of).await?;
    let made = made.into_iter().flatten().map(|id| id.to_string());
    ids.entry(of.key).or_default().extend(made);
    Ok(())
}

fn body(random: &mut Random, (schema, of): (&Schema, &Type), ids: &Ids) -> Option<Value> {
    let mut body = Map::new();
    for field in &of.fields {
        let is_made = field.made.is_some();
        let is_left_out = field.kind.is_followed() || schema.is_state(&field.kind) || is_made;
        if is_left_out || !field.required && random.chance(25) {
            continue;
        }
        let sent = sent(random, (schema, field), ids);
        if !sent.is_null() {
            body.insert(field.name.clone(), sent);
        } else if field.required {
            return None;
        }
    }
    Some(Value::Object(body))
}

fn sent(random: &mut Random, (schema, field): (&Schema, &Field), ids: &Ids) -> Value {
    let known = |target: &Key| ids.get(target).map_or(&[][..], Vec::as_slice);
    match &field.kind {
        Kind::ToOne(target) if !known(target).is_empty() => json!(random.pick(known(target))),
        Kind::ToOne(_) => Value::Null,
        Kind::Many(target) => known(target).iter().filter(|_| random.chance(50)).map(|id| json!(id)).collect(),
        Kind::Document(key) => {
            let Some(of) = schema.embedded(*key) else { return Value::Null };
            (0..random.below(3)).map(|_| embedded(random, of, known(&of.target))).collect()
        }
        kind => value(random, schema, kind),
    }
}

fn embedded(random: &mut Random, of: &Embedded, known: &[String]) -> Value {
    let mut members = Map::new();
    if !known.is_empty() && random.chance(80) {
        members.insert(of.to.name.clone(), json!(random.pick(known)));
    }
    if let Some(note) = of.note.as_ref().filter(|_| random.chance(60)) {
        members.insert(note.name.clone(), json!(random.pick(&["a", "b"])));
    }
    Value::Object(members)
}

/// Whether the last version of each record says what the record does.
pub(super) async fn follows(place: &Place, (schema, model): (&Schema, &str)) -> Result<(), String> {
    let now = place.an_hour_later();
    for of in schema.types.iter().filter(|of| of.history) {
        let is_kept = |field: &&Field| !field.kind.is_to_many() && !field.kind.is_followed();
        let kept = of.fields.iter().filter(is_kept);
        let names: Vec<&str> = kept.map(|field| field.name.as_str()).chain(["id"]).collect();
        let select = names.join(",");
        let stored = place.records(model, (&of.name, &select)).await;
        let kept = place.records_as_of(model, (&of.name, &select), &now).await;
        if stored != kept {
            return Err(format!("the last versions of {} aren't its records: {stored}\n{kept}", of.name));
        }
    }
    Ok(())
}

/// Reads all records.
pub(super) async fn read(place: &Place, (schema, model): (&Schema, &str)) -> Result<World, String> {
    let asked = Asked::open(place, model, 1);
    let mut world = BTreeMap::new();
    for of in &schema.types {
        let mut records = asked.records((schema, of), live).await?;
        if of.trash {
            records.extend(asked.records((schema, of), in_trash).await?);
        }
        world.insert(of.key, records);
    }
    let differing = asked.differing_sums().await;
    asked.close();
    if differing.is_empty() { Ok(World(world)) } else { Err(format!("stored sums differ: {}", differing.join(", "))) }
}

fn select(of: &Type) -> String {
    let mut select = "id,version,createdAt,updatedAt".to_owned();
    for field in &of.fields {
        select.push(',');
        select.push_str(&field.name);
        select.push_str(if field.kind.is_relation() { "{id}" } else { "" });
    }
    select.push_str(if of.trash { ",trashedAt" } else { "" });
    select.push_str(if of.tree.is_some() { ",ancestors{id}" } else { "" });
    select
}

fn record((schema, of): (&Schema, &Type), item: &Value) -> (String, Record) {
    let value = |field: &Field| match &field.kind {
        Kind::Document(key) => schema.embedded(*key).map_or(Value::Null, |of| by_key(of, &item[&field.name])),
        kind => ids_of(kind, &item[&field.name]),
    };
    let values = of.fields.iter().map(|field| (field.key, value(field))).collect();
    let system = json!([item["version"], item["createdAt"], item["updatedAt"]]);
    let above = match &item["ancestors"] {
        Value::Array(items) => items.iter().map(|item| item["id"].clone()).collect(),
        _ => Value::Null,
    };
    let trashed = item["trashedAt"].clone();
    (item["id"].as_str().unwrap_or_default().to_owned(), Record { trashed, above, system, values })
}

/// The values of a document by the keys of their members.
fn by_key(of: &Embedded, document: &Value) -> Value {
    let Value::Array(items) = document else { return Value::Null };
    let item = |item: &Value| -> Value {
        of.members().map(|member| (member.key.to_string(), item[&member.name].clone())).collect::<Map<_, _>>().into()
    };
    items.iter().map(item).collect()
}

/// The ids of a relation, sorted; other values as they are.
fn ids_of(kind: &Kind, value: &Value) -> Value {
    match value {
        Value::Object(members) if kind.is_relation() => members["id"].clone(),
        Value::Array(items) if kind.is_relation() => {
            let mut ids: Vec<String> = items.iter().map(|item| item["id"].to_string()).collect();
            ids.sort_unstable();
            ids.iter().map(|id| json!(id.trim_matches('"'))).collect()
        }
        other => other.clone(),
    }
}

/// Creates, changes and deletes records.
pub(super) async fn write_again(
    place: &Place,
    random: &mut Random,
    (schema, model): (&Schema, &str),
) -> Result<(), String> {
    let world = read(place, (schema, model)).await?;
    let live = |records: &BTreeMap<String, Record>| {
        records.iter().filter(|(_, record)| record.trashed.is_null()).map(|(id, _)| id.clone()).collect()
    };
    let mut ids: Ids = world.0.iter().map(|(of, records)| (*of, live(records))).collect();
    let asked = Asked::open(place, model, random.word());
    for of in &schema.types {
        for _ in 0..2 {
            create(&asked, random, (schema, of), &mut ids).await?;
        }
        for (id, _) in world.0[&of.key].iter().filter(|(_, record)| !record.trashed.is_null()) {
            asked.wrote(Ok(asked.client.restore(&of.name, id.parse().expect("an id"))), of).await?;
        }
        let Some(id) = ids.get(&of.key).and_then(|ids| ids.first()) else { continue };
        let id: RecordId = id.parse().expect("an id");
        if let Some(body) = body(random, (schema, of), &ids) {
            asked.wrote(asked.client.update(&of.name, id, &body.to_string()), of).await?;
        }
        if random.chance(20) {
            asked.wrote(Ok(asked.client.delete(&of.name, id)), of).await?;
        }
    }
    asked.close();
    Ok(())
}
