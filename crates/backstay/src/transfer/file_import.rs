use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::mpsc;

use super::ahead::{Ahead, Next, NextRows, Rows};
use super::commit::Past;
use super::report::Report;
use super::source::{Reading, Source};
use super::write;
use super::{Batch, BatchRow, Content, Done, Format, ImportStart, Imported, Mode, RefusedRow, TransferError};
use crate::answer::Count;
use crate::channel::Channel;
use crate::{Answer, Command, Failure};

/// A file to import.
#[derive(Debug, Clone)]
pub(crate) struct FileImport {
    pub(crate) path: PathBuf,
    /// The type of its records.
    pub(crate) collection: String,
    pub(crate) mode: Mode,
    pub(crate) reading: Reading,
    /// Columns, and the fields that they are.
    pub(crate) map: Vec<(String, String)>,
    /// Whether rows that are refused are skipped.
    pub(crate) skip: bool,
    /// The file of errors.
    pub(crate) errors: PathBuf,
    pub(crate) dry_run: bool,
    /// Whether it begins anew where an earlier import didn't end.
    pub(crate) restart: bool,
}

/// What an import did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// The name by which the database knows it.
    pub(crate) import: String,
    /// How many records were written.
    pub(crate) imported: Imported,
    /// How many rows were refused.
    pub(crate) refused: u64,
    /// The file that says which.
    pub(crate) errors: PathBuf,
    pub(crate) dry_run: bool,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Imported { created, updated, unchanged, .. } = self.imported;
        write!(f, "{}", Count(created, "record"))?;
        write!(f, "{}", if self.dry_run { " would be created" } else { " created" })?;
        for (count, word) in [(updated, "updated"), (unchanged, "unchanged")] {
            if count > 0 {
                write!(f, ", {count} {word}")?;
            }
        }
        if self.refused > 0 {
            write!(f, ", {} refused ({})", self.refused, self.errors.display())?;
        }
        writeln!(f)
    }
}

/// The most that one batch has, of rows and of bytes: a server also has others to serve.
const SERVED: (usize, usize) = (500, 512 * 1024);
/// The same where nobody else uses the database. Each commit writes all pages that it has changed, and rows change pages all over
/// the indexes: with a quarter of the rows, an import would write nearly four times as many.
const ALONE: (usize, usize) = (16_000, 4 * 1024 * 1024);
/// Batches that may wait to be written.
const AHEAD: usize = 1;

/// Imports a file, from where an earlier import of it ended.
pub(crate) async fn import(channel: &Channel<'_>, of: &FileImport) -> Result<Outcome, Failure> {
    let (path, reading) = (of.path.clone(), of.reading.clone());
    let opened = tokio::task::spawn_blocking(move || Source::open(&path, &reading));
    let mut source = opened.await.map_err(std::io::Error::from)??;
    if source.format != Format::Csv && !of.map.is_empty() {
        let (path, format) = (of.path.clone(), source.format.name());
        return Err(TransferError::OnlyCsv { option: "--map", path, format }.into());
    }
    source.header = mapped(of, &source.header)?;
    let start = start(of, &source.header)?;
    let bytes = fs::metadata(&of.path).map_or(0, |metadata| metadata.len());
    let mut report = Report::new(&of.path, &of.errors, bytes);
    report.tell(&source.found);
    let Answer::ImportBegun { done } = channel.ask(Command::BeginImport { import: start.clone() }).await? else {
        return Err(TransferError::Answer.into());
    };
    let done = done.filter(|_| !of.dry_run);
    report.open(of.skip, done.as_ref())?;
    let written = rows_of(channel, of, (source, &start, done), &mut report).await;
    let refused = report.end();
    Ok(Outcome { import: start.import, imported: written?, refused, errors: of.errors.clone(), dry_run: of.dry_run })
}

/// Writes the rows of a file after those that are done.
async fn rows_of(
    channel: &Channel<'_>,
    of: &FileImport,
    (source, start, done): (Source, &ImportStart, Option<Done>),
    report: &mut Report,
) -> Result<Imported, Failure> {
    let most = if matches!(channel, Channel::Server(_)) { SERVED } else { ALONE };
    let (sender, batches) = mpsc::channel(AHEAD);
    let batch = Batch {
        import: start.import.clone(),
        collection: start.collection.clone(),
        from: done.as_ref().map_or(0, |done| done.rows),
        refused: done.as_ref().map_or(0, |done| done.refused),
        mode: of.mode.clone(),
        columns: source.header.clone(),
        rows: Vec::new(),
        skip: of.skip,
        dry_run: of.dry_run,
    };
    let file = of.path.clone();
    let reading = tokio::task::spawn_blocking(move || read(source, (&file, done), most, &sender));
    let mut ahead = Ahead::begin(channel, &batch, batches)?;
    let written = write_all(channel, of, (batch, &mut ahead), report).await;
    ahead.end().await?;
    let all = written?;
    reading.await.map_err(std::io::Error::from)??;
    Ok(all)
}

/// Writes all batches, in their order.
async fn write_all(
    channel: &Channel<'_>,
    of: &FileImport,
    (mut batch, ahead): (Batch, &mut Ahead),
    report: &mut Report,
) -> Result<Imported, Failure> {
    let mut all = Imported::default();
    let before = batch.from - batch.refused;
    while let Some(Next { consumed, rows }) = ahead.next().await? {
        let mut next = Some(rows);
        while let Some(rows) = next {
            let (imported, left) = write_one(channel, &batch, rows).await?;
            let refused = all.add(imported);
            if let Some(RefusedRow { line, error }) = refused.first().filter(|_| !of.skip).cloned() {
                let (path, dry_run) = (of.path.clone(), of.dry_run);
                let rows = before + all.created + all.updated + all.unchanged;
                return Err(TransferError::Refused { path, line, error, rows, dry_run }.into());
            }
            report.refused(&refused)?;
            batch.from += all.rows;
            batch.refused += refused.len() as u64;
            next = (!left.is_empty()).then_some(NextRows::Read(left));
        }
        report.advance(consumed, batch.from);
    }
    Ok(all)
}

/// Writes rows in a batch like this one. Returns what came of them, and those that the import isn't past yet.
async fn write_one(channel: &Channel<'_>, of: &Batch, rows: NextRows) -> Result<(Imported, Vec<BatchRow>), Failure> {
    match rows {
        NextRows::Decoded(decoded) => {
            let batch = Arc::clone(&decoded.batch);
            // How far the import is was unknown when they were decoded.
            let imported = write::decoded(decoded, Past { rows: of.from, refused: of.refused }).await?;
            let left = left(&batch.rows, &imported).to_vec();
            Ok((imported, left))
        }
        NextRows::Read(mut rows) => {
            let batch = Batch { rows: rows.clone(), ..of.clone() };
            let Answer::Imported { imported } = channel.ask(Command::Import { batch }).await? else {
                return Err(TransferError::Answer.into());
            };
            rows.drain(..rows.len() - left(&rows, &imported).len());
            Ok((imported, rows))
        }
    }
}

/// The rows of a batch that the import isn't past yet.
fn left<'r>(rows: &'r [BatchRow], imported: &Imported) -> &'r [BatchRow] {
    usize::try_from(imported.rows).ok().and_then(|past| rows.get(past..)).unwrap_or_default()
}

/// Reads rows after those that are done, and hands them on in batches.
fn read(
    mut source: Source,
    (path, done): (&Path, Option<Done>),
    (most_rows, most_bytes): (usize, usize),
    batches: &mpsc::Sender<Rows>,
) -> Result<(), TransferError> {
    if let Some(Done { rows, digest, .. }) = done {
        let mut last = None;
        for _ in 0..rows {
            last = source.next()?.map(|row| row.digest);
        }
        if last != Some(digest) {
            return Err(TransferError::Changed { path: path.to_owned(), rows });
        }
    }
    let (mut rows, mut bytes) = (Vec::new(), 0);
    let mut ended = Ok(());
    loop {
        let next = source.next();
        let is_over = !matches!(next, Ok(Some(_)));
        match next {
            Ok(Some(row)) => {
                bytes += size(&row.content);
                rows.push(row);
            }
            Ok(None) => {}
            // What stands before it is written.
            Err(error) => ended = Err(error),
        }
        if is_over || rows.len() >= most_rows || bytes >= most_bytes {
            let batch = std::mem::take(&mut rows);
            bytes = 0;
            if !batch.is_empty() && batches.blocking_send((batch, source.consumed())).is_err() {
                return Ok(());
            }
        }
        if is_over {
            return ended;
        }
    }
}

fn size(content: &Content) -> usize {
    match content {
        Content::Record(text) | Content::Broken(text) => text.len(),
        Content::Cells(cells) => cells.iter().map(|cell| cell.as_ref().map_or(0, String::len) + 8).sum(),
    }
}

/// How the import of a file with these columns begins.
pub(super) fn start(of: &FileImport, columns: &[String]) -> Result<ImportStart, TransferError> {
    let path = of.path.canonicalize().map_err(|source| TransferError::Read { path: of.path.clone(), source })?;
    let part = match of.mode {
        Mode::Create | Mode::Update(_) | Mode::Carry(_) => "",
        Mode::Relate(_) => " (relations)",
    };
    Ok(ImportStart {
        import: format!("{}{part} {}", of.collection, path.display()),
        file: of.path.clone(),
        collection: of.collection.clone(),
        columns: columns.to_vec(),
        mode: of.mode.clone(),
        anew: of.restart && !of.dry_run,
    })
}

/// The columns by the names of their fields.
fn mapped(of: &FileImport, header: &[String]) -> Result<Vec<String>, TransferError> {
    let mut names = header.to_vec();
    let unnamed = header.iter().position(String::is_empty);
    let are_left_out = of.reading.columns.is_some() || of.map.iter().any(|(column, _)| column.is_empty());
    if let Some(place) = unnamed.filter(|_| !are_left_out) {
        return Err(TransferError::Unnamed { path: of.path.clone(), column: place + 1 });
    }
    for (column, field) in &of.map {
        let Some(place) = header.iter().position(|name| name == column) else {
            let (path, column, known) = (of.path.clone(), column.clone(), header.to_vec());
            return Err(TransferError::Map { path, column, known });
        };
        names[place].clone_from(field);
    }
    Ok(names)
}
