use std::collections::BTreeSet;
use std::sync::Arc;

use backstay_base::{Error, RecordId, ViolationKind};
use backstay_engine::Engine;
use backstay_model::{Collection, CollectionId, FieldId};
use backstay_rest::{RelationReader, members, record, shorten};
use quick_cache::unsync::Cache;
use tokio::runtime::Handle;

/// References that are cached.
const REMEMBERED: usize = 100_000;

/// Finds the records that seed files refer to by an object with a value for each field of a unique index, such as
/// `{"email": "ada@newsroom.example"}`. Blocks the thread. The records must be committed.
pub(super) struct References {
    engine: Engine,
    runtime: Handle,
    known: Cache<(CollectionId, Arc<str>), RecordId>,
    failure: Option<Error>,
}

impl References {
    pub(super) fn new(engine: Engine, runtime: Handle) -> Self {
        Self { engine, runtime, known: Cache::new(REMEMBERED), failure: None }
    }

    /// The database error of a look-up, if there was one; it takes precedence over what `read` returned.
    pub(super) fn failure(&mut self) -> Option<Error> {
        self.failure.take()
    }

    fn find(&mut self, target: CollectionId, raw: &str) -> Result<RecordId, ViolationKind> {
        let engine = self.engine.clone();
        let collection = engine.model().collection(target);
        let input = members(raw.as_bytes()).and_then(|members| record(engine.model(), target, &members, self));
        let input = input.map_err(|error| match error {
            Error::Invalid(mut violations) if !violations.is_empty() => violations.swap_remove(0).kind,
            _ => ViolationKind::Type { expected: named_by(collection) },
        })?;
        let given: BTreeSet<FieldId> = input.fields().collect();
        if !unique(collection).any(|fields| fields == given) {
            return Err(ViolationKind::Type { expected: named_by(collection) });
        }
        let by: Vec<_> = given.iter().filter_map(|id| Some((*id, input.value(*id)?.clone()))).collect();
        match self.runtime.block_on(engine.peek_by(target, &by)) {
            Ok(Some(record)) => Ok(record.id()),
            Ok(None) => Err(ViolationKind::Reference {
                collection: collection.name.clone(),
                by: given.iter().map(|id| collection.field(*id).name.as_str()).collect::<Vec<_>>().join(" and "),
            }),
            Err(error) => {
                self.failure = Some(error);
                Err(ViolationKind::Required)
            }
        }
    }
}

impl RelationReader for References {
    fn read(&mut self, target: CollectionId, raw: &str) -> Result<RecordId, ViolationKind> {
        let key = (target, Arc::from(raw));
        if let Some(id) = self.known.get(&key) {
            return Ok(*id);
        }
        let id = self.find(target, raw)?;
        self.known.insert(key, id);
        Ok(id)
    }

    fn not_an_id(&self, target: CollectionId, raw: &str, problem: ViolationKind) -> ViolationKind {
        let collection = self.engine.model().collection(target);
        let alone = unique(collection).find_map(|fields| match fields.first() {
            Some(only) if fields.len() == 1 => Some(collection.field(*only).name.clone()),
            _ => None,
        });
        match alone.filter(|_| raw.starts_with('"')) {
            Some(field) => ViolationKind::Misused {
                problem: "expected an id".to_owned(),
                remedy: format!(
                    "to name a {} by its {field}, write {{\"{field}\": {}}}",
                    collection.name,
                    shorten(raw)
                ),
            },
            None => problem,
        }
    }
}

/// The sets of fields that identify a record.
fn unique(collection: &Collection) -> impl Iterator<Item = BTreeSet<FieldId>> {
    let declared = |field: &&backstay_model::Field| field.unique && field.id != Collection::ID;
    let fields = collection.fields.iter().filter(declared).map(|field| BTreeSet::from([field.id]));
    let indexes = collection.indexes.iter().filter(|index| index.is_key());
    fields.chain(indexes.map(|index| index.fields.iter().copied().collect()))
}

fn named_by(collection: &Collection) -> String {
    let names = unique(collection).next().map(|fields| {
        let named = fields.iter().map(|id| format!("\"{}\": …", collection.field(*id).name));
        named.collect::<Vec<_>>().join(", ")
    });
    match names {
        Some(names) => format!("an id or {{{names}}} of a {}", collection.name),
        None => format!("an id: no field of {} is unique", collection.name),
    }
}
