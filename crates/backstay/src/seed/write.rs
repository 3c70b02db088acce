use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use backstay_base::{Conflict, Error, RecordId};
use backstay_engine::{Authority, Context, Record, Transaction, TxContext};
use backstay_identity::NewCredential;
use backstay_model::CollectionId;
use futures_util::future::BoxFuture;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::chunk::{Chunk, Decoder, Entry};
use super::line::Account;
use super::progress::Meter;
use super::record::Schema;
use super::{SeedError, SeedFile, Seeder, Skipped};
use crate::records::{
    Absent, Journal, Load, Mark, Overtaken, Position, Progress, References, Sifted, is_about_a_record, load,
};

/// Chunks that may wait to be written.
const AHEAD: usize = 2;

/// What a load made of one file.
#[derive(Debug, Default)]
pub(super) struct Loaded {
    /// Records that were created.
    pub(super) records: u64,
    /// Lines whose records already exist.
    pub(super) skipped: Option<Skipped>,
}

impl Loaded {
    fn skip(&mut self, file: &SeedFile, line: u64, why: &Error) {
        let first = || Skipped { file: file.name.clone(), lines: 0, first: line, why: why.to_string() };
        self.skipped.get_or_insert_with(first).lines += 1;
    }
}

impl Seeder {
    /// Creates the records of a file that are not loaded yet.
    pub(super) async fn load_records(&self, file: &SeedFile, meter: &Meter) -> Result<Loaded, SeedError> {
        let from = match self.record_of(file).await? {
            Some(record) => self.schema.progress(&record)?,
            None => Progress::default(),
        };
        meter.begin(&file.name, from.at.byte);
        let mut loaded = Loaded::default();
        let (sender, mut chunks) = mpsc::channel(AHEAD);
        let references = References::new(self.engine.clone(), Handle::current(), Absent::Refused);
        let mut decoder =
            Decoder { model: Arc::clone(self.engine.model()), file: file.clone(), references, full: false };
        let decoding = tokio::task::spawn_blocking(move || decoder.run(&from, &sender));
        while let Some(chunk) = chunks.recv().await {
            let bytes = chunk.to.at.byte - chunk.from.byte;
            self.write_chunk(file, chunk, &mut loaded).await?;
            meter.advance(bytes);
        }
        decoding.await.map_err(|_| SeedError::Reader)??;
        meter.end_of_file(&file.name, loaded.records);
        Ok(loaded)
    }

    /// Creates the records of a chunk, up to the first whose credential is refused. A record that is refused is skipped if it
    /// already exists, else it ends the load.
    async fn write_chunk(&self, file: &SeedFile, chunk: Chunk, loaded: &mut Loaded) -> Result<(), SeedError> {
        let (credentials, refused) = self.credentials(file, &chunk.entries).await?;
        let Chunk { from, to, entries: mut list } = chunk;
        // The lines before the refused one are loaded.
        let to = list.get(credentials.len()).map_or(to, |refused| refused.before.clone());
        list.truncate(credentials.len());
        if to.at != from {
            self.write_entries(file, from, Arc::new(Entries { list, credentials, to }), loaded).await?;
        }
        refused.map_or(Ok(()), Err)
    }

    async fn write_entries(
        &self,
        file: &SeedFile,
        from: Position,
        entries: Arc<Entries>,
        loaded: &mut Loaded,
    ) -> Result<(), SeedError> {
        let count = entries.list.len();
        let mut writer = Writer { seeder: self, file, entries, from, loaded };
        load(&mut writer, count).await?;
        if writer.from == writer.entries.to.at {
            return Ok(());
        }
        // The last lines were skipped.
        writer.write(count..count).await.map_err(|error| writer.failure(error))
    }

    /// The credentials of new accounts, up to the first that is refused, and why it is. Hashing a password takes long, so
    /// it is done once.
    async fn credentials(
        &self,
        file: &SeedFile,
        entries: &[Entry],
    ) -> Result<(Vec<Option<NewCredential>>, Option<SeedError>), Error> {
        let system = Context::system(&self.engine);
        let administration = self.identity.administration(&system)?;
        let mut credentials = Vec::with_capacity(entries.len());
        for entry in entries {
            let Account { password, roles } = &entry.account;
            if let (None, []) = (password, roles.as_slice()) {
                credentials.push(None);
                continue;
            }
            match administration.new_credential(password.as_ref(), roles).await {
                Ok(credential) => credentials.push(Some(credential)),
                Err(source) if is_about_a_record(&source) => {
                    let refused = SeedError::Refused { file: file.name.clone(), line: entry.line, source };
                    return Ok((credentials, Some(refused)));
                }
                Err(error) => return Err(error),
            }
        }
        Ok((credentials, None))
    }
}

/// Writes the records of a chunk.
struct Writer<'l> {
    seeder: &'l Seeder,
    file: &'l SeedFile,
    entries: Arc<Entries>,
    /// Where the file was left.
    from: Position,
    loaded: &'l mut Loaded,
}

impl Load for Writer<'_> {
    type Failure = SeedError;

    async fn write(&mut self, range: Range<usize>) -> Result<(), Error> {
        let (Seeder { engine, schema, .. }, file) = (self.seeder, self.file);
        let (entries, name) = (Arc::clone(&self.entries), file.name.clone());
        let single = engine.singles().get(file.collection);
        let (records, to) = (range.len() as u64, entries.mark(range.end).at);
        let write =
            Write { schema: *schema, name, collection: file.collection, single, from: self.from, entries, range };
        engine.run(&Context::system(engine), write).await?;
        self.loaded.records += records;
        self.from = to;
        Ok(())
    }

    async fn sift(&mut self, _: Range<usize>) -> Result<Sifted, Error> {
        Ok(Sifted::Never)
    }

    fn sifts_first(&self) -> bool {
        false
    }

    fn refuse(&mut self, row: usize, error: Error) -> Result<ControlFlow<()>, SeedError> {
        let (file, line) = (self.file, self.entries.list[row].line);
        if !exists(&error, self.seeder.engine.model().collection(file.collection).name.as_str()) {
            return Err(SeedError::Refused { file: file.name.clone(), line, source: error });
        }
        self.loaded.skip(file, line, &error);
        Ok(ControlFlow::Continue(()))
    }

    fn failure(&self, error: Error) -> SeedError {
        match Overtaken::is(&error) {
            true => SeedError::Overtaken { file: self.file.name.clone() },
            false => error.into(),
        }
    }
}

/// Whether the record already exists: another one of the collection has a value that must be unique.
fn exists(error: &Error, name: &str) -> bool {
    match error {
        Error::Conflict(Conflict::Unique { collection, .. } | Conflict::UniqueUnseen { collection }) => {
            collection == name
        }
        _ => false,
    }
}

/// The records of a chunk, with their credentials.
struct Entries {
    list: Vec<Entry>,
    credentials: Vec<Option<NewCredential>>,
    /// After the last line.
    to: Mark,
}

impl Entries {
    /// Before the line of this entry, or after the last line.
    fn mark(&self, index: usize) -> &Mark {
        self.list.get(index).map_or(&self.to, |entry| &entry.before)
    }
}

/// Creates some records of a chunk, or changes the one record of a `@single` type, and stores how far the file is loaded, in one commit.
struct Write {
    schema: Schema,
    name: String,
    collection: CollectionId,
    /// The one record of a `@single` type, which a line changes.
    single: Option<RecordId>,
    /// Where the file was left: lines between there and the first entry are skipped.
    from: Position,
    entries: Arc<Entries>,
    range: Range<usize>,
}

impl Transaction for Write {
    type Answer = ();

    fn name(&self) -> &'static str {
        "seed"
    }

    fn defers_checks(&self) -> bool {
        true
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let file = self.advance(cx).await?;
            let Entries { list, credentials, .. } = self.entries.as_ref();
            for (entry, credential) in list[self.range.clone()].iter().zip(&credentials[self.range.clone()]) {
                let written = match self.single {
                    None => cx.create(Authority::System, self.collection, entry.input.clone()).await,
                    Some(id) => cx.update(Authority::System, (self.collection, id), entry.input.clone(), None).await,
                };
                let record = match written {
                    Err(_) if cx.awaits_hooks() => continue,
                    written => written?,
                };
                if let Some(credential) = credential {
                    credential.create(cx, record.id()).await?;
                }
                if entry.later {
                    let input = self.schema.later_input(file, record.id(), entry.line, entry.offset);
                    cx.create(Authority::System, self.schema.later, input).await?;
                }
            }
            Ok(())
        })
    }
}

impl Write {
    /// Moves the file's progress past these records.
    async fn advance(&self, cx: &mut TxContext<'_, '_>) -> Result<RecordId, Error> {
        let schema = &self.schema;
        let input = schema.input(&self.entries.mark(self.range.end).progress());
        let is_here = |known: Option<&Record>| {
            let at = known.map(|file| schema.progress(file)).transpose()?.map_or_else(Position::default, |at| at.at);
            Ok(at == self.from)
        };
        let journal = Journal { collection: schema.files, name: schema.name };
        Ok(journal.advance(cx, &self.name, is_here, input).await?.id())
    }
}
