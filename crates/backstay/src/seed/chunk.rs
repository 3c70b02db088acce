use std::sync::Arc;

use backstay_base::Error;
use backstay_engine::Input;
use backstay_model::Model;
use backstay_rest::record;
use tokio::sync::mpsc;

use super::line::{self, Account};
use super::{SeedError, SeedFile, unreadable};
use crate::records::References;
use crate::records::{Lines, Mark, Position, Progress};

/// Records per commit.
const RECORDS: usize = 8000;

/// Lines per commit, in bytes: its log entry is a single value, whose size is limited.
const BYTES: u64 = 8 * 1024 * 1024;

/// Some lines of a file, decoded.
pub(super) struct Chunk {
    pub(super) from: Position,
    pub(super) to: Mark,
    pub(super) entries: Vec<Entry>,
}

/// One record.
pub(super) struct Entry {
    /// Where its line begins.
    pub(super) before: Mark,
    pub(super) line: u64,
    pub(super) offset: u64,
    pub(super) input: Input,
    /// Whether relations of it are set when all records exist.
    pub(super) later: bool,
    pub(super) account: Account,
}

/// Reads and decodes lines on a thread of its own while others are written.
pub(super) struct Decoder {
    pub(super) model: Arc<Model>,
    pub(super) file: SeedFile,
    pub(super) references: References,
    /// Whether it may have no more lines: a `@single` type has one record.
    pub(super) full: bool,
}

/// Why a chunk ends.
enum End {
    Full,
    File,
    Refused(SeedError),
}

impl Decoder {
    /// Decodes the file from there on, until its end or until the receiver is gone.
    pub(super) fn run(&mut self, from: &Progress, chunks: &mpsc::Sender<Chunk>) -> Result<(), SeedError> {
        let mut lines = Lines::open(&self.file.path).map_err(|source| unreadable(&self.file.path, source))?;
        let found = lines.skip(from.at).map_err(|source| unreadable(&self.file.path, source))?;
        if from.at != Position::default() && found != from.digest {
            return Err(SeedError::Changed { file: self.file.name.clone(), lines: from.at.line });
        }
        let mut from = from.at;
        self.full = from != Position::default() && self.model.collection(self.file.collection).single;
        loop {
            let (entries, end) = self.entries(&mut lines);
            let to = if matches!(end, End::Refused(_)) { lines.before() } else { lines.mark() }.clone();
            let at = to.at;
            if at != from && chunks.blocking_send(Chunk { from, to, entries }).is_err() {
                return Ok(());
            }
            from = at;
            match end {
                End::Full => (),
                End::File => return Ok(()),
                End::Refused(error) => return Err(error),
            }
        }
    }

    fn entries(&mut self, lines: &mut Lines) -> (Vec<Entry>, End) {
        let mut entries = Vec::with_capacity(RECORDS);
        let start = lines.mark().at.byte;
        while entries.len() < RECORDS && lines.mark().at.byte - start < BYTES {
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
        if self.full {
            return Err(SeedError::SecondLine { file: self.file.name.clone(), line });
        }
        self.full = self.model.collection(self.file.collection).single;
        match self.decode(read.text) {
            Ok((input, later, account)) => {
                Ok(Some(Entry { before: lines.before().clone(), line, offset, input, later, account }))
            }
            Err(error) => match self.references.failure() {
                Some(failure) => Err(failure.into()),
                None => Err(SeedError::Refused { file: self.file.name.clone(), line, source: error }),
            },
        }
    }

    /// The values of a line's record, whether it has relations to set later, and its account.
    fn decode(&mut self, text: &[u8]) -> Result<(Input, bool, Account), Error> {
        let collection = self.model.collection(self.file.collection);
        let identity = self.model.identity == Some(collection.id);
        if !identity && self.file.later.is_empty() {
            let input = record(&self.model, collection.id, &line::record_on(text)?, &mut self.references)?;
            return Ok((input, false, Account::default()));
        }
        let parts = line::take_apart(text, identity, |name| self.file.sets_later(collection, name))?;
        let input = record(&self.model, collection.id, &parts.now, &mut self.references);
        let input = input.map_err(|error| if identity { line::of_account(error) } else { error })?;
        Ok((input, !parts.later.is_empty(), parts.account))
    }
}
