use backstay_base::{Error, RecordId};
use backstay_engine::{Authority, Context, Input, Record, Transaction, TxContext};
use backstay_model::CollectionId;
use futures_util::future::BoxFuture;
use tokio::runtime::Handle;

use super::line;
use super::progress::Meter;
use super::{SeedError, SeedFile, Seeder, unreadable};
use crate::records::is_about_a_record;
use crate::records::line_at;
use crate::records::{Absent, References};

/// Records per commit.
const RECORDS: u32 = 200;

/// The relations that a record gets now that all records exist.
#[derive(Clone)]
struct Patch {
    note: RecordId,
    line: u64,
    record: RecordId,
    input: Input,
}

impl Seeder {
    /// Sets the relations that had to wait until all records exist.
    pub(super) async fn set_relations(&self, file: &SeedFile, meter: &Meter) -> Result<(), SeedError> {
        let Some(known) = self.record_of(file).await? else {
            return Ok(());
        };
        loop {
            let schema = &self.schema;
            let notes = self.engine.peek_all(schema.later, schema.later_file, known.id(), RECORDS).await?;
            if notes.is_empty() {
                return Ok(());
            }
            meter.relations(&file.name);
            let (seeder, file_read) = (self.clone(), file.clone());
            let mut references = References::new(self.engine.clone(), Handle::current(), Absent::Refused);
            let decode = move || {
                let patches = notes.iter().map(|note| seeder.patch_of(&file_read, note, &mut references));
                patches.collect::<Result<Vec<Patch>, SeedError>>()
            };
            let patches = tokio::task::spawn_blocking(decode).await.map_err(|_| SeedError::Reader)??;
            self.patch(file, patches).await?;
        }
    }

    /// Reads the relations that had to wait from the record's line.
    fn patch_of(&self, file: &SeedFile, note: &Record, references: &mut References) -> Result<Patch, SeedError> {
        let (record, line, offset) = self.schema.note(note)?;
        let model = self.engine.model();
        let collection = model.collection(file.collection);
        let waits = |name: &str| file.sets_later(collection, name);
        let text = line_at(&file.path, offset).map_err(|source| unreadable(&file.path, source))?;
        let input = line::take_apart(&text, model.identity == Some(collection.id), waits)
            .and_then(|parts| backstay_rest::record(model, collection.id, &parts.later, references));
        match input {
            Ok(input) => Ok(Patch { note: note.id(), line, record, input }),
            Err(source) => match references.failure() {
                Some(failure) => Err(failure.into()),
                None => Err(SeedError::Refused { file: file.name.clone(), line, source }),
            },
        }
    }

    /// Applies patches in one commit. If one is refused, applies them one by one to find out which.
    async fn patch(&self, file: &SeedFile, patches: Vec<Patch>) -> Result<(), SeedError> {
        let apply = |patches| Apply { later: self.schema.later, collection: file.collection, patches };
        match self.engine.run(&Context::system(&self.engine), apply(patches.clone())).await {
            Err(error) if is_about_a_record(&error) => (),
            outcome => return Ok(outcome?),
        }
        for patch in patches {
            let line = patch.line;
            let outcome = self.engine.run(&Context::system(&self.engine), apply(vec![patch])).await;
            outcome.map_err(|error| match is_about_a_record(&error) {
                true => SeedError::Refused { file: file.name.clone(), line, source: error },
                false => error.into(),
            })?;
        }
        Ok(())
    }
}

/// Sets relations, and deletes the notes about them.
struct Apply {
    later: CollectionId,
    collection: CollectionId,
    patches: Vec<Patch>,
}

impl Transaction for Apply {
    type Answer = ();

    fn name(&self) -> &'static str {
        "seed-relations"
    }

    fn defers_checks(&self) -> bool {
        true
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            for patch in &self.patches {
                if !patch.input.is_empty() {
                    cx.update(Authority::System, (self.collection, patch.record), patch.input.clone(), None).await?;
                }
                cx.delete(Authority::System, (self.later, patch.note), None).await?;
            }
            Ok(())
        })
    }
}
