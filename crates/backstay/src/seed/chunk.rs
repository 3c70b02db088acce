use std::sync::Arc;

use backstay_base::{Conflict, Error, RecordId};
use backstay_engine::{Authority, Context, Draft, OpContext, Operation, decode_draft_with};
use backstay_identity::NewCredential;
use backstay_model::{CollectionId, Model};
use futures_util::future::BoxFuture;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::line::{self, Account};
use super::lines::{Lines, Position, Progress};
use super::progress::Meter;
use super::record::Schema;
use super::references::References;
use super::{SeedError, SeedFile, Seeder, unreadable};

/// Records that share a commit.
const RECORDS: usize = 8000;

/// Bytes of lines from which on a commit takes no more: its entry in the log is one value, which has a size.
const BYTES: u64 = 8 * 1024 * 1024;

/// Chunks that are decoded before they can be written.
const AHEAD: usize = 2;

/// Some lines of a file, decoded.
struct Chunk {
    from: Position,
    to: Progress,
    bytes: u64,
    entries: Vec<Entry>,
}

/// One record.
struct Entry {
    line: u64,
    offset: u64,
    draft: Draft,
    later: bool,
    account: Account,
}

impl Seeder {
    /// Makes the records of a file that are not made yet; answers how many.
    pub(super) async fn load_records(&self, file: &SeedFile, meter: &Meter) -> Result<u64, SeedError> {
        let mut made = 0;
        let from = self.progress(file).await?;
        meter.begin(&file.name, from.at.byte);
        let outcome = match self.load_from(file, from, RECORDS, &mut made, meter).await {
            // Some record of a chunk: one after the other, so that it is known which, and those before it are kept.
            Err(SeedError::Engine(error)) if is_about_a_record(&error) => {
                let from = self.progress(file).await?;
                self.load_from(file, from, 1, &mut made, meter).await
            }
            outcome => outcome,
        };
        outcome?;
        meter.end_of_file(&file.name, made);
        Ok(made)
    }

    async fn progress(&self, file: &SeedFile) -> Result<Progress, SeedError> {
        let record = self.record_of(file).await?;
        Ok(record.map(|record| self.schema.progress(&record)).unwrap_or_default())
    }

    async fn load_from(
        &self,
        file: &SeedFile,
        from: Progress,
        size: usize,
        made: &mut u64,
        meter: &Meter,
    ) -> Result<(), SeedError> {
        let (sender, mut chunks) = mpsc::channel(AHEAD);
        let references = References::new(self.engine.clone(), Handle::current());
        let mut decoder = Decoder { model: Arc::clone(self.engine.model()), file: file.clone(), references };
        let decoding = tokio::task::spawn_blocking(move || decoder.run(from, size, &sender));
        while let Some(chunk) = chunks.recv().await {
            let (records, bytes, line) = (chunk.entries.len() as u64, chunk.bytes, chunk.to.at.line);
            self.write(file, chunk).await.map_err(|error| match error {
                error if size == 1 && is_about_a_record(&error) => {
                    SeedError::Refused { file: file.name.clone(), line, source: error }
                }
                error => error.into(),
            })?;
            *made += records;
            meter.advance(bytes);
        }
        decoding.await.map_err(|_| SeedError::Reader)?
    }

    async fn write(&self, file: &SeedFile, chunk: Chunk) -> Result<(), Error> {
        let mut credentials = Vec::with_capacity(chunk.entries.len());
        let system = Context::system(&self.engine);
        let administration = self.identity.administration(&system)?;
        for entry in &chunk.entries {
            let Account { password, roles } = &entry.account;
            credentials.push(match (password, roles.as_slice()) {
                (None, []) => None,
                _ => Some(administration.new_credential(password.as_ref(), roles).await?),
            });
        }
        let write =
            Write { schema: self.schema, name: file.name.clone(), collection: file.collection, chunk, credentials };
        self.engine.run(&system, write).await
    }
}

/// Whether another record could have been made.
pub(super) fn is_about_a_record(error: &Error) -> bool {
    match error {
        Error::Invalid(_) | Error::Malformed(_) | Error::NotFound { .. } => true,
        // Somebody else was at work: the file is not at fault.
        Error::Conflict(conflict) => *conflict != Conflict::Concurrent,
        _ => false,
    }
}

/// Reads lines and decodes them, on a thread of its own, while others are written.
struct Decoder {
    model: Arc<Model>,
    file: SeedFile,
    references: References,
}

/// Why a chunk ends.
enum End {
    Full,
    File,
    Refused(SeedError),
}

impl Decoder {
    fn run(&mut self, from: Progress, size: usize, chunks: &mpsc::Sender<Chunk>) -> Result<(), SeedError> {
        let mut lines = Lines::open(&self.file.path).map_err(|source| unreadable(&self.file.path, source))?;
        let found = lines.skip(from.at).map_err(|source| unreadable(&self.file.path, source))?;
        if from.at != Position::default() && found != from.digest {
            return Err(SeedError::Changed { file: self.file.name.clone(), lines: from.at.line });
        }
        let mut from = from;
        loop {
            let (entries, end) = self.entries(&mut lines, size);
            let to = if matches!(end, End::Refused(_)) { lines.before() } else { lines.progress() };
            if to.at != from.at {
                let chunk = Chunk { bytes: to.at.byte - from.at.byte, from: from.at, to: to.clone(), entries };
                if chunks.blocking_send(chunk).is_err() {
                    return Ok(());
                }
            }
            from = to;
            match end {
                End::Full => (),
                End::File => return Ok(()),
                End::Refused(error) => return Err(error),
            }
        }
    }

    fn entries(&mut self, lines: &mut Lines, size: usize) -> (Vec<Entry>, End) {
        let mut entries = Vec::with_capacity(size);
        let start = lines.at().byte;
        while entries.len() < size && lines.at().byte - start < BYTES {
            match self.entry(lines) {
                Ok(Some(entry)) => entries.push(entry),
                Ok(None) => return (entries, End::File),
                Err(error) => return (entries, End::Refused(error)),
            }
        }
        (entries, End::Full)
    }

    fn entry(&mut self, lines: &mut Lines) -> Result<Option<Entry>, SeedError> {
        let Some(read) = lines.next().map_err(|source| unreadable(&self.file.path, source))? else {
            return Ok(None);
        };
        let (line, offset) = (read.number, read.offset);
        match self.decode(read.text) {
            Ok((draft, later, account)) => Ok(Some(Entry { line, offset, draft, later, account })),
            Err(error) => match self.references.failure() {
                Some(failure) => Err(failure.into()),
                None => Err(SeedError::Refused { file: self.file.name.clone(), line, source: error }),
            },
        }
    }

    /// What a line says: values for its record, whether there are relations that wait, and the record's account.
    fn decode(&mut self, text: &[u8]) -> Result<(Draft, bool, Account), Error> {
        let collection = self.model.collection(self.file.collection);
        let identity = self.model.identity == Some(collection.id);
        if !identity && self.file.later.is_empty() {
            let draft = decode_draft_with(&self.model, collection.id, text, &mut self.references)?;
            return Ok((draft, false, Account::default()));
        }
        let waits = |name: &str| collection.field_named(name).is_some_and(|field| self.file.later.contains(&field.id));
        let parts = line::take_apart(text, identity, waits)?;
        let draft = decode_draft_with(&self.model, collection.id, &parts.now, &mut self.references)?;
        Ok((draft, parts.later.is_some(), parts.account))
    }
}

/// Makes the records of a chunk and says how far the file is loaded, in one commit.
struct Write {
    schema: Schema,
    name: String,
    collection: CollectionId,
    chunk: Chunk,
    credentials: Vec<Option<NewCredential>>,
}

impl Operation for Write {
    type Answer = ();

    fn name(&self) -> &'static str {
        "seed"
    }

    fn run<'a>(&'a self, cx: &'a mut OpContext<'_, '_>) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let file = self.advance(cx).await?;
            for (entry, credential) in self.chunk.entries.iter().zip(&self.credentials) {
                let record = cx.create(Authority::System, self.collection, entry.draft.clone()).await?;
                if let Some(credential) = credential {
                    credential.create(cx, record.id()).await?;
                }
                if entry.later {
                    let draft = self.schema.later_draft(file, record.id(), entry.line, entry.offset);
                    cx.create(Authority::System, self.schema.later, draft).await?;
                }
            }
            Ok(())
        })
    }
}

impl Write {
    /// Moves the file's progress from the start of the chunk to its end; another load at the same time is a conflict.
    async fn advance(&self, cx: &mut OpContext<'_, '_>) -> Result<RecordId, Error> {
        let schema = &self.schema;
        let draft = schema.draft(&self.chunk.to);
        let known = cx.find(schema.files, &[(schema.name, self.name.as_str().into())]).await?;
        let at = known.as_ref().map_or_else(Position::default, |file| schema.progress(file).at);
        if at != self.chunk.from {
            return Err(Conflict::Concurrent.into());
        }
        let file = if let Some(file) = known {
            cx.update(Authority::System, schema.files, file.id(), draft, None).await?
        } else {
            let draft = draft.with(schema.name, self.name.as_str());
            cx.create(Authority::System, schema.files, draft).await?
        };
        Ok(file.id())
    }
}

#[cfg(test)]
mod tests {
    use backstay_base::ViolationKind;

    use super::*;

    #[test]
    fn what_another_load_has_done_is_not_the_fault_of_a_record() {
        let unique =
            Conflict::Unique { collection: "Book".to_owned(), fields: vec!["number".to_owned()], record: None };
        assert!(is_about_a_record(&unique.into()));
        assert!(is_about_a_record(&Error::invalid("/title", ViolationKind::Required)));
        assert!(!is_about_a_record(&Conflict::Concurrent.into()));
        assert!(!is_about_a_record(&Error::Unknown));
    }
}
