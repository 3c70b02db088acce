use std::iter;
use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use backstay_base::{Error, Place, ViolationKind};
use backstay_engine::{Context, Engine};
use backstay_model::{Collection, FieldId};
use parking_lot::Mutex;
use tokio::runtime::Handle;

use super::TransferError;
use super::batch::{Batch, Imported, Mode, RefusedRow};
use super::commit::{Placed, Undone, What, Write};
use super::decode::{Decoder, Row};
use super::record::ImportSchema;
use crate::Failure;
use crate::records::{Absent, Load, Overtaken, References, load, words};

/// Rows of one batch that may be refused before the file of errors has to be written: until then, the import stores them
/// itself, with each commit.
const UNLISTED: usize = 100;

/// Writes the rows of a batch, in as few commits as their errors allow. How far the import is, is in the same commits.
pub(crate) async fn write(engine: &Engine, batch: Batch) -> Result<Imported, Failure> {
    let of = super::collection_named(engine.model(), &batch.collection)?;
    let collection = of.id;
    let schema = ImportSchema::of(engine.model())?;
    let keys = keys(of, &batch.mode)?;
    let references = References::new(engine.clone(), Handle::current(), Absent::RefusedBut(collection));
    let mut decoder = Decoder { model: Arc::clone(engine.model()), collection, references };
    let decoded = tokio::task::spawn_blocking(move || decoder.rows(&batch).map(|rows| (batch, rows)));
    let (batch, decoded) = decoded.await.map_err(Error::internal)??;
    let single = engine.singles().get(collection);
    let most = match (batch.skip, batch.dry_run) {
        (true, true) => usize::MAX,
        (true, false) => UNLISTED,
        (false, _) => 1,
    };
    let (rows, refused, until) = accepted(&batch, decoded, most);
    let what = Arc::new(What { schema, collection, single, keys, batch, rows });
    let mut writer = Writer { engine, what, at: 0, until, refused, most, imported: Imported::default() };
    writer.all().await?;
    Ok(writer.imported)
}

/// The rows that could be read, each with its place, why the others are refused, and where the batch ends: after the last
/// one that may be refused, or before the one that ends the import.
fn accepted(batch: &Batch, decoded: Vec<Result<Row, Error>>, most: usize) -> (Placed<Row>, Placed<RefusedRow>, usize) {
    let (mut rows, mut refused) = (Vec::with_capacity(decoded.len()), Vec::new());
    for (place, read) in decoded.into_iter().enumerate() {
        match read {
            Ok(row) => rows.push((place, row)),
            Err(error) => {
                refused.push((place, RefusedRow { line: batch.rows[place].line, error: words(&error) }));
                if refused.len() >= most {
                    return (rows, refused, if batch.skip { place + 1 } else { place });
                }
            }
        }
    }
    (rows, refused, batch.rows.len())
}

/// The fields by which records are found that are there already.
pub(super) fn keys(of: &Collection, mode: &Mode) -> Result<Vec<FieldId>, Error> {
    let Mode::Update(names) = mode else { return Ok(Vec::new()) };
    let field = |name: &String| of.field_named(name).map(|field| field.id);
    let named: Option<Vec<FieldId>> = names.iter().map(field).collect();
    let is_key = |named: &Vec<FieldId>| {
        *named == [Collection::ID]
            || of.keys().iter().any(|key| key.len() == named.len() && key.iter().all(|field| named.contains(field)))
    };
    named.filter(is_key).ok_or_else(|| {
        let known = of.keys().into_iter().map(|key| {
            let names: Vec<&str> = key.iter().map(|field| of.field(*field).name.as_str()).collect();
            names.join(",")
        });
        let known: Vec<String> = iter::once("id".to_owned()).chain(known).collect();
        let problem = format!("{} is not a unique key of {}", names.join(","), of.name);
        let remedy = format!("use --update with {}", known.join(" or "));
        Error::invalid(Place::part("--update"), ViolationKind::Misused { problem, remedy })
    })
}

struct Writer<'e> {
    engine: &'e Engine,
    what: Arc<What>,
    /// Rows of the batch that the import is past.
    at: usize,
    /// Where it ends.
    until: usize,
    /// The rows that are refused so far, those before `until` that couldn't be read included.
    refused: Placed<RefusedRow>,
    /// How many may be.
    most: usize,
    imported: Imported,
}

impl Writer<'_> {
    /// Writes all rows up to the last one that may be refused.
    async fn all(&mut self) -> Result<(), Failure> {
        let what = Arc::clone(&self.what);
        load(self, what.rows.len()).await?;
        if self.at < self.until {
            // Nothing but rows that are refused is left.
            let end = what.rows.len();
            self.commit(end..end, self.until).await.map_err(|error| self.failure(error))?;
        }
        self.refused.sort_by_key(|(place, _)| *place);
        match what.batch.skip {
            true => self.refused.retain(|(place, _)| *place < self.until),
            // The first one ends the import.
            false => self.refused.truncate(1),
        }
        self.imported.rows = self.until as u64;
        self.imported.refused = self.refused.drain(..).map(|(_, refused)| refused).collect();
        Ok(())
    }

    /// Writes some rows in one commit, after which the import is past this many of the batch.
    async fn commit(&mut self, range: Range<usize>, end: usize) -> Result<(), Error> {
        let written = Arc::new(Mutex::new(Imported::default()));
        let mut refused: Placed<RefusedRow> = self.refused.iter().filter(|(place, _)| *place < end).cloned().collect();
        refused.sort_by_key(|(place, _)| *place);
        let refused = refused.into_iter().map(|(_, refused)| refused).collect();
        let (what, from) = (Arc::clone(&self.what), self.at);
        let write = Write { what, range, from, end, refused, written: Arc::clone(&written) };
        match self.engine.run(&Context::system(self.engine), write).await {
            Err(Error::Internal(end)) if end.is::<Undone>() => {}
            outcome => outcome?,
        }
        self.at = end;
        self.imported.add(written.lock().clone());
        Ok(())
    }
}

impl Load for Writer<'_> {
    type Failure = Failure;

    async fn write(&mut self, rows: Range<usize>) -> Result<(), Error> {
        // Rows that couldn't be read and stand between two that are written count as done with the second one.
        let end = self.what.rows.get(rows.end).map_or(self.until, |(place, _)| *place);
        self.commit(rows, end).await
    }

    fn refuse(&mut self, row: usize, error: Error) -> Result<ControlFlow<()>, Failure> {
        let place = self.what.rows[row].0;
        self.refused.push((place, RefusedRow { line: self.what.batch.rows[place].line, error: words(&error) }));
        let before = self.refused.iter().filter(|(at, _)| *at <= place).count();
        if before < self.most {
            return Ok(ControlFlow::Continue(()));
        }
        self.until = if self.what.batch.skip { place + 1 } else { place };
        Ok(ControlFlow::Break(()))
    }

    fn failure(&self, error: Error) -> Failure {
        match Overtaken::is(&error) {
            true => TransferError::Overtaken { collection: self.what.batch.collection.clone() }.into(),
            false => error.into(),
        }
    }
}
