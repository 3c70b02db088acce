//! Records of a model, made, read and changed through the engine.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use backstay_base::{Caller, Error, RecordId};
use backstay_engine::{Engine, Request};
use backstay_testkit::TestClient;
use backstay_testkit::reference::Random;
use serde_json::{Map, Value, json};

use super::schema::{Field, Key, Kind, Schema, Type};
use super::values::value;
use crate::changed::Place;

/// All records, by type and id.
pub(super) struct World(pub(super) BTreeMap<Key, BTreeMap<String, Record>>);

#[derive(Debug)]
pub(super) struct Record {
    /// The fields that every record has.
    pub(super) system: Value,
    /// By the field's key; of relations the ids.
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
            Err(error) if ["invalid-values", "not-unique", "not-found", "still-referenced"].contains(&error.code()) => {
                Ok(None)
            }
            Err(error) => Err(format!("a write failed: {error:?}")),
        }
    }

    fn close(self) {
        drop(self.client);
        self.engine.close();
    }
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
        let is_left_out = matches!(field.kind, Kind::Inverse(..)) || schema.is_state(&field.kind) || is_made;
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
        kind => value(random, schema, kind),
    }
}

/// Whether the last version of each record says what the record does.
pub(super) async fn follows(place: &Place, (schema, model): (&Schema, &str)) -> Result<(), String> {
    let now = place.an_hour_later();
    for of in schema.types.iter().filter(|of| of.history) {
        let kept = of.fields.iter().filter(|field| !field.kind.is_to_many());
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
        let mut select = "id,version,createdAt,updatedAt".to_owned();
        for field in &of.fields {
            select.push(',');
            select.push_str(&field.name);
            select.push_str(if field.kind.is_relation() { "{id}" } else { "" });
        }
        let request = asked.client.list(&of.name, |words| {
            words.select = Some(select.into());
            words.limit = Some(100);
        });
        let page = asked.client.page(&asked.caller, request.map_err(|error| format!("{error:?}"))?).await;
        let page = page.map_err(|error| format!("{} can't be read: {error:?}", of.name))?;
        let page: Value = serde_json::from_slice(&page.body).expect("JSON");
        let items = page["items"].as_array().expect("a page");
        world.insert(of.key, items.iter().map(|item| record(of, item)).collect());
    }
    asked.close();
    Ok(World(world))
}

fn record(of: &Type, item: &Value) -> (String, Record) {
    let values = of.fields.iter().map(|field| (field.key, ids_of(&field.kind, &item[&field.name])));
    let system = json!([item["version"], item["createdAt"], item["updatedAt"]]);
    (item["id"].as_str().unwrap_or_default().to_owned(), Record { system, values: values.collect() })
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
    let mut ids: Ids = world.0.iter().map(|(of, records)| (*of, records.keys().cloned().collect())).collect();
    let asked = Asked::open(place, model, random.word());
    for of in &schema.types {
        for _ in 0..2 {
            create(&asked, random, (schema, of), &mut ids).await?;
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
