use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use backstay_base::Error;
use backstay_engine::{Context, Engine};
use parking_lot::Mutex;
use tokio::runtime::Handle;

use super::TransferError;
use super::batch::{Batch, Imported, RefusedRow};
use super::commit::{Past, Placed, Undone, Until, What, Write, Written};
use super::decode::{Decoder, Row};
use super::import::known;
use super::keys::keys;
use super::record::ImportSchema;
use crate::Failure;
use crate::records::{Absent, Load, Overtaken, References, Sifted, load};

/// How many rows of one batch may be refused before the file of errors has to be written: until then, the import stores them
/// itself, with each commit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Most {
    /// Rows that can't be read, or are sifted out: they cost no commit.
    pub(super) unreadable: usize,
    /// Rows that the database refuses when they are written: what stands between two of them is a commit.
    refused: usize,
    /// Bytes of what is wrong with them.
    bytes: usize,
}

impl Most {
    const SKIPPED: Self = Self { unreadable: 4000, refused: 100, bytes: 256 * 1024 };
    const NONE: Self = Self { unreadable: 1, refused: 1, ..Self::SKIPPED };
    const TRIED: Self = Self { unreadable: usize::MAX, refused: usize::MAX, bytes: usize::MAX };
}

/// One row of so many is refused: if more are, it isn't worth it to find out that a batch has such rows by trying to write it.
const SELDOM: u64 = 200;

/// A batch, and what its rows say.
pub(super) struct Decoded {
    engine: Engine,
    pub(super) batch: Arc<Batch>,
    rows: Vec<Result<Row, Error>>,
    most: Most,
}

/// Writes the rows of a batch.
pub(crate) async fn write(engine: &Engine, batch: Batch) -> Result<Imported, Failure> {
    let past = Past { rows: batch.from, refused: batch.refused };
    let decoder = decoder(engine, &batch)?;
    decoded(decode(decoder, batch).await?.1, past).await
}

/// What decodes the rows of this batch and of others like it.
pub(super) fn decoder(engine: &Engine, of: &Batch) -> Result<Decoder, Failure> {
    let collection = super::collection_named(engine.model(), &of.collection)?.id;
    let references = References::new(engine.clone(), Handle::current(), Absent::RefusedBut(collection));
    Ok(Decoder { engine: engine.clone(), collection, references })
}

/// Decodes the rows of a batch. The decoder comes back: it knows the records to which they refer.
pub(super) async fn decode(mut decoder: Decoder, batch: Batch) -> Result<(Decoder, Decoded), Failure> {
    let most = match (batch.skip, batch.dry_run) {
        (true, true) => Most::TRIED,
        (true, false) => Most::SKIPPED,
        (false, _) => Most::NONE,
    };
    let decoding = tokio::task::spawn_blocking(move || {
        let rows = decoder.rows(&batch, most.unreadable)?;
        let decoded = Decoded { engine: decoder.engine.clone(), batch: Arc::new(batch), rows, most };
        Ok((decoder, decoded))
    });
    decoding.await.map_err(Error::internal)?
}

/// Writes the rows of a batch, in as few commits as their errors allow. How far the import is, is in the same commits.
pub(super) async fn decoded(of: Decoded, past: Past) -> Result<Imported, Failure> {
    let Decoded { engine, batch, rows, most } = of;
    let engine = &engine;
    let of = super::collection_named(engine.model(), &batch.collection)?;
    let collection = of.id;
    let schema = ImportSchema::of(engine.model())?;
    let keys = keys(of, &batch.mode)?;
    let single = engine.singles().get(collection);
    let (rows, refused, until) = accepted(&batch, rows, most);
    let what = Arc::new(What { schema, collection, single, keys, batch, past, rows });
    let mut writer = Writer { engine, what, at: 0, until, refused, rejected: 0, most, imported: Imported::default() };
    match writer.all().await {
        Err(Failure::Transfer(overtaken @ TransferError::Overtaken { .. })) => {
            writer.passed().await?.ok_or(overtaken.into())
        }
        ended => ended.map(|()| writer.imported),
    }
}

/// The rows that could be read, each with its place, why the others are refused, and where the batch ends: after the last
/// one that may be refused, or before the one that ends the import.
fn accepted(batch: &Batch, decoded: Vec<Result<Row, Error>>, most: Most) -> (Placed<Row>, Placed<RefusedRow>, usize) {
    let (mut rows, mut refused, mut bytes) = (Vec::with_capacity(decoded.len()), Vec::new(), 0);
    for (place, read) in decoded.into_iter().enumerate() {
        match read {
            Ok(row) => rows.push((place, row)),
            Err(error) => {
                let row = batch.rows[place].refused(&error);
                bytes += row.error.len();
                refused.push((place, row));
                if refused.len() >= most.unreadable || bytes >= most.bytes {
                    return (rows, refused, if batch.skip { place + 1 } else { place });
                }
            }
        }
    }
    (rows, refused, batch.rows.len())
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
    /// How many of them the database refused.
    rejected: usize,
    /// How many may be.
    most: Most,
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
            self.commit(end..end, self.until, None).await.map_err(|error| self.failure(error))?;
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

    /// Writes some rows in one commit, after which the import is past this many of the batch. If it sifts, rows that are refused
    /// don't end it.
    async fn commit(&mut self, range: Range<usize>, end: usize, sifts: Option<Until>) -> Result<(), Error> {
        let written = Arc::new(Mutex::new(Written::default()));
        self.refused.sort_by_key(|(place, _)| *place);
        let (what, from, refused) = (Arc::clone(&self.what), self.at, self.refused.clone());
        let write = Write { what, range, from, end, refused, sifts, written: Arc::clone(&written) };
        match self.engine.run(&Context::system(self.engine), write).await {
            Err(Error::Internal(end)) if end.is::<Undone>() => {}
            outcome => outcome?,
        }
        let Written { imported, refused, end: past } = std::mem::take(&mut *written.lock());
        self.imported.add(imported);
        self.refused.extend(refused);
        self.at = past;
        if past < end {
            self.until = past;
        }
        Ok(())
    }

    /// Where the rows before this one end in the batch. Rows that couldn't be read and stand between two that are written count as
    /// done with the second one.
    fn end_of(&self, row: usize) -> usize {
        self.what.rows.get(row).map_or(self.until, |(place, _)| *place)
    }
}

impl Writer<'_> {
    /// What the batch came to if another run of the import has written the same rows after this one began: one that was killed
    /// while the database carried out its last commit.
    async fn passed(&mut self) -> Result<Option<Imported>, Failure> {
        let What { schema, batch, past, .. } = &*self.what;
        let Some(done) = known(self.engine, *schema, &batch.import).await? else { return Ok(None) };
        let rows = done.rows.saturating_sub(past.rows);
        let last = usize::try_from(rows).ok().and_then(|rows| batch.rows.get(rows.checked_sub(1)?));
        if rows <= self.at as u64 || last.is_none_or(|last| last.digest != done.digest) {
            return Ok(None);
        }
        let first = batch.rows.first().map_or(0, |first| first.line);
        let refused = done.unlisted.into_iter().filter(|refused| refused.line >= first).collect();
        Ok(Some(Imported { rows, refused, ..self.imported.clone() }))
    }
}

impl Load for Writer<'_> {
    type Failure = Failure;

    async fn write(&mut self, rows: Range<usize>) -> Result<(), Error> {
        let end = self.end_of(rows.end);
        self.commit(rows, end, None).await
    }

    async fn sift(&mut self, rows: Range<usize>) -> Result<Sifted, Error> {
        if !self.what.batch.skip {
            return Ok(Sifted::Never);
        }
        let end = self.end_of(rows.end);
        let until = Until { rows: self.most.unreadable, bytes: self.most.bytes };
        self.commit(rows, end, Some(until)).await?;
        Ok(if self.at < end { Sifted::Ended } else { Sifted::All })
    }

    fn sifts_first(&self) -> bool {
        let What { batch, past, .. } = &*self.what;
        batch.skip && past.refused.saturating_mul(SELDOM) > past.rows
    }

    fn refuse(&mut self, row: usize, error: Error) -> Result<ControlFlow<()>, Failure> {
        let place = self.what.rows[row].0;
        self.refused.push((place, self.what.batch.rows[place].refused(&error)));
        self.rejected += 1;
        let bytes: usize = self.refused.iter().map(|(_, refused)| refused.error.len()).sum();
        if self.rejected < self.most.refused && bytes < self.most.bytes {
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
