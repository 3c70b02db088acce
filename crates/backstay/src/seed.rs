mod chunk;
mod error;
mod later;
mod line;
mod order;
mod path;
mod progress;
mod record;
mod write;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use backstay_base::{Error, KeyForm, Timestamp};
use backstay_engine::{Authority, BrokenCheck, Context, Engine, Input, Record, Transaction, TxContext};
use backstay_identity::Identity;
use backstay_model::{Collection, CollectionId, Field, FieldId, Model};
use backstay_scalar::Value;
use futures_util::future::BoxFuture;
use tokio::sync::Mutex;

pub use error::SeedError;
pub(crate) use error::placed;
use line::Until;
pub(crate) use line::empty_list;
pub(crate) use order::{Place as SeedOrder, may_be_empty, order as seed_order};
pub(crate) use path::{PACKS, SEED, SeedPath};
pub(crate) use record::system_model;

use crate::records::{Lines, Progress};
use progress::Meter;
use record::Schema;

/// Loads an application's seed files, each of them once.
#[derive(Debug, Clone)]
pub(crate) struct Seeder {
    engine: Engine,
    identity: Identity,
    schema: Schema,
    /// Held by the load that is under way: a server can be asked to load while it is still loading.
    turn: Arc<Mutex<()>>,
}

/// One seed file.
#[derive(Debug, Clone)]
struct SeedFile {
    name: String,
    path: PathBuf,
    collection: CollectionId,
    later: Vec<FieldId>,
}

impl SeedFile {
    /// What becomes of a member of a line that is set when all records exist, until then; `None` if it isn't. It is a relation
    /// that has to wait, or an embedded value, as a whole, that contains one.
    fn sets_later(&self, collection: &Collection, name: &str) -> Option<Until> {
        // A note of what is late holds a UUID.
        let notes = collection.key.form() == KeyForm::Uuid;
        let is_late = |field: &Field| notes && self.later.contains(&field.id);
        let field = collection.member_named(None, name)?;
        if is_late(field) && order::may_be_empty(collection, field) {
            return Some(Until::Empty);
        }
        (is_late(field) || collection.parts(field.id).any(is_late)).then_some(Until::LeftOut)
    }
}

/// What a load did.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Seeded {
    /// Records that were created.
    pub records: u64,
    /// Lines that were skipped because their records already exist, by file.
    pub skipped: Vec<Skipped>,
    /// Files that had been loaded before.
    pub known: Vec<String>,
    /// Files that had been loaded before and have changed since; the changes were not loaded.
    pub changed: Vec<String>,
}

/// Lines of one file that were skipped because their records already exist.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Skipped {
    /// The file.
    pub file: String,
    /// How many.
    pub lines: u64,
    /// The first of them, from 1.
    pub first: u64,
    /// How it is known that its record exists.
    pub why: String,
}

/// How far a file is loaded.
enum State {
    /// Not at all, or not completely.
    Open,
    /// Completely, and it has not changed.
    Known,
    /// Completely, and it has changed since.
    Changed,
}

impl Seeder {
    pub(crate) fn new(engine: Engine, identity: Identity) -> Result<Self, SeedError> {
        let schema = Schema::of(engine.model())?;
        Ok(Self { engine, identity, schema, turn: Arc::default() })
    }

    /// Loads what is not loaded yet, after any load that is under way. With `show`, reports progress on standard error.
    pub(crate) async fn load(&self, files: Vec<SeedPath>, show: bool) -> Result<Seeded, SeedError> {
        let files = place(self.engine.model(), files)?;
        let _turn = self.turn.lock().await;
        let (mut seeded, mut open) = (Seeded::default(), Vec::new());
        for file in files {
            match self.state(&file).await? {
                State::Open => open.push(file),
                State::Known => seeded.known.push(file.name),
                State::Changed => seeded.changed.push(file.name),
            }
        }
        let meter = Meter::new(show, &open);
        for file in &open {
            let loaded = self.load_records(file, &meter).await?;
            seeded.records += loaded.records;
            seeded.skipped.extend(loaded.skipped);
        }
        for file in &open {
            self.set_relations(file, &meter).await?;
        }
        self.check(&open).await?;
        for file in &open {
            self.finish(file).await?;
        }
        meter.end(seeded.records);
        Ok(seeded)
    }

    /// Asks the checks at commit: what belongs together stands in several files, which are loaded one after the other. What
    /// was there before isn't asked.
    async fn check(&self, files: &[SeedFile]) -> Result<(), SeedError> {
        let (mut collections, mut since) = (Vec::new(), Timestamp::LATEST);
        for file in files {
            // That of an empty file comes when it is finished.
            let Some(record) = self.record_of(file).await? else { continue };
            collections.push(file.collection);
            // It was stored with the first record of the file, perhaps by a load that ended early.
            if let Value::Timestamp(begun) = record.value(Collection::CREATED_AT) {
                since = since.min(*begun);
            }
        }
        let broken = self.engine.broken_checks(&Context::system(&self.engine), (&collections, since)).await?;
        match broken.into_iter().next() {
            Some(BrokenCheck { collection, message, first }) => {
                Err(SeedError::Broken { collection, message, records: first })
            }
            None => Ok(()),
        }
    }

    async fn record_of(&self, file: &SeedFile) -> Result<Option<Record>, Error> {
        self.engine.peek_by(self.schema.files, &[(self.schema.name, file.name.as_str().into())]).await
    }

    async fn state(&self, file: &SeedFile) -> Result<State, SeedError> {
        let Some(record) =
            self.record_of(file).await?.filter(|record| !record.value(self.schema.finished_at).is_null())
        else {
            return Ok(State::Open);
        };
        let (size, modified) = stamp(&file.path)?;
        let progress = self.schema.progress(&record)?;
        if size != progress.at.byte {
            return Ok(State::Changed);
        }
        if modified.is_some() && record.value(self.schema.modified).as_int() == modified {
            return Ok(State::Known);
        }
        let path = file.path.clone();
        let digest = tokio::task::spawn_blocking(move || Lines::open(&path)?.skip(progress.at));
        let digest = digest.await.map_err(|_| SeedError::Reader)?.map_err(|source| unreadable(&file.path, source))?;
        Ok(if digest == progress.digest { State::Known } else { State::Changed })
    }

    /// Marks a file as completely loaded.
    async fn finish(&self, file: &SeedFile) -> Result<(), SeedError> {
        let (_, modified) = stamp(&file.path)?;
        let finish = Finish { schema: self.schema, name: file.name.clone(), modified };
        Ok(self.engine.run(&Context::system(&self.engine), finish).await?)
    }
}

/// Finds the type of each file and the order to load them in: those of packs, as the application includes these, then its own.
fn place(model: &Model, files: Vec<SeedPath>) -> Result<Vec<SeedFile>, SeedError> {
    let mut named: Vec<(CollectionId, SeedPath)> = Vec::new();
    for file in files {
        if let Some(collection) = file.collection(model)? {
            named.push((collection, file));
        }
    }
    let packs = model.packs.iter().map(|pack| Some(pack.name.as_str()));
    let mut placed = Vec::new();
    for pack in packs.chain([None]) {
        let own: Vec<(CollectionId, SeedPath)> =
            named.extract_if(.., |(_, file)| file.pack.as_deref() == pack).collect();
        placed.extend(ordered(model, own));
    }
    Ok(placed)
}

/// The files of one owner in the order to load them in.
fn ordered(model: &Model, mut named: Vec<(CollectionId, SeedPath)>) -> Vec<SeedFile> {
    let collections: Vec<CollectionId> = named.iter().map(|(collection, ..)| *collection).collect();
    let places = order::order(model, &collections).into_iter().filter_map(|place| {
        let index = named.iter().position(|(collection, ..)| *collection == place.collection)?;
        let (collection, file) = named.swap_remove(index);
        Some(SeedFile { name: file.name(), path: file.path, collection, later: place.later })
    });
    places.collect()
}

/// Size of a file, and when it was last changed, in microseconds since 1970, if the file system says.
fn stamp(path: &Path) -> Result<(u64, Option<i64>), SeedError> {
    let metadata = fs::metadata(path).map_err(|source| unreadable(path, source))?;
    let since = metadata.modified().ok().and_then(|moment| moment.duration_since(UNIX_EPOCH).ok());
    Ok((metadata.len(), since.and_then(|since| i64::try_from(since.as_micros()).ok())))
}

fn unreadable(path: &Path, source: std::io::Error) -> SeedError {
    SeedError::Read { path: path.to_owned(), source }
}

/// Marks a file as completely loaded.
struct Finish {
    schema: Schema,
    name: String,
    modified: Option<i64>,
}

impl Transaction for Finish {
    type Answer = ();

    fn name(&self) -> &'static str {
        "seed-finish"
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let schema = &self.schema;
            let end = |input: Input, now: Timestamp| {
                let input = input.with(schema.finished_at, now);
                match self.modified {
                    Some(modified) => input.with(schema.modified, modified),
                    None => input,
                }
            };
            let now = cx.now();
            let known = cx.find(schema.files, &[(schema.name, self.name.as_str().into())]).await?;
            if let Some(file) = known {
                cx.update(Authority::System, (schema.files, file.id()), end(Input::new(), now), None).await?;
            } else {
                // The file is empty.
                let input = schema.input(&Progress::default()).with(schema.name, self.name.as_str());
                cx.create(Authority::System, schema.files, end(input, now)).await?;
            }
            Ok(())
        })
    }
}
