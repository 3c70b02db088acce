use std::ops::Range;
use std::sync::Arc;

use backstay_base::{Error, RecordId, Violation, ViolationKind};
use backstay_engine::{Authority, Input, Record, Transaction, TxContext};
use backstay_model::{Collection, CollectionId, FieldId};
use backstay_scalar::Value;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;

use super::batch::{Batch, BatchRow, Imported, Mode, RefusedRow};
use super::decode::Row;
use super::record::{Done, ImportSchema};
use crate::records::is_about_a_record;

/// Rows whose statements are run together.
const STAGED_ROWS: usize = 200;

/// Things with their places in a batch.
pub(super) type Placed<T> = Vec<(usize, T)>;

/// A batch, ready to be written.
pub(super) struct What {
    pub(super) schema: ImportSchema,
    pub(super) collection: CollectionId,
    /// The one record of a `@single` type, which a row changes.
    pub(super) single: Option<RecordId>,
    pub(super) keys: Vec<FieldId>,
    pub(super) batch: Arc<Batch>,
    pub(super) past: Past,
    /// The rows that could be read, with their places in the batch.
    pub(super) rows: Placed<Row>,
}

/// How many rows an import is past before a batch, and how many of them were refused.
#[derive(Debug, Clone, Copy)]
pub(super) struct Past {
    pub(super) rows: u64,
    pub(super) refused: u64,
}

/// One commit of an import: writes some rows of a batch, and how far the import is afterwards.
pub(super) struct Write {
    pub(super) what: Arc<What>,
    pub(super) range: Range<usize>,
    /// How many rows of the batch the import is past, and how many it is past afterwards.
    pub(super) from: usize,
    pub(super) end: usize,
    /// Why rows of the batch are refused, as far as it is known, in their order.
    pub(super) refused: Placed<RefusedRow>,
    /// If it goes on after a row that is refused: where it ends.
    pub(super) sifts: Option<Until>,
    pub(super) written: Arc<Mutex<Written>>,
}

/// When a commit that goes on after rows that are refused ends all the same: so many rows of the batch are refused, or there are so
/// many bytes of what is wrong with them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Until {
    pub(super) rows: usize,
    pub(super) bytes: usize,
}

/// What a commit has written.
#[derive(Debug, Default, Clone)]
pub(super) struct Written {
    pub(super) imported: Imported,
    /// The rows that it refused.
    pub(super) refused: Placed<RefusedRow>,
    /// How many rows of the batch the import is past.
    pub(super) end: usize,
}

/// How a dry run ends: with an error, so that everything it wrote is undone.
#[derive(Debug, thiserror::Error)]
#[error("the import was a dry run and undone")]
pub(super) struct Undone;

impl Transaction for Write {
    type Answer = ();

    fn name(&self) -> &'static str {
        "import"
    }

    fn defers_checks(&self) -> bool {
        matches!(self.what.batch.mode, Mode::Carry(_) | Mode::Relate(_))
    }

    fn asks_hooks(&self) -> bool {
        matches!(self.what.batch.mode, Mode::Create | Mode::Update(_))
    }

    fn looks_first(&self) -> bool {
        self.sifts.is_some()
    }

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let dry_run = self.what.batch.dry_run;
            let mut written = Written { end: self.end, ..Written::default() };
            // Where another process loads the same rows, it is noticed before any of them is found to be there.
            if !dry_run && self.sifts.is_none() {
                self.advance(cx, &written).await?;
            }
            match self.sifts {
                Some(until) => self.sift(cx, until, &mut written).await?,
                None => {
                    for rows in self.what.rows[self.range.clone()].chunks(STAGED_ROWS) {
                        let inputs = rows.iter().filter_map(|(_, row)| row.input());
                        cx.expect_ids(self.what.collection, inputs).await?;
                        for (_, row) in rows {
                            match self.row(cx, row, &mut written.imported).await {
                                Err(_) if cx.awaits_hooks() => {}
                                outcome => outcome?,
                            }
                        }
                        // The statements of all rows would be long out of the processor's caches when they are run.
                        cx.settle().await?;
                    }
                }
            }
            if !dry_run && self.sifts.is_some() {
                self.advance(cx, &written).await?;
            }
            if dry_run {
                cx.rehearse().await?;
            }
            *self.written.lock() = written;
            if dry_run { Err(Error::internal(Undone)) } else { Ok(()) }
        })
    }
}

impl Write {
    /// Writes those rows that aren't refused.
    async fn sift(&self, cx: &mut TxContext<'_, '_>, until: Until, written: &mut Written) -> Result<(), Error> {
        let (mut known, mut rows, mut bytes) = (self.refused.iter().peekable(), 0, 0);
        for (place, row) in &self.what.rows[self.range.clone()] {
            while let Some((_, refused)) = known.next_if(|(known, _)| known < place) {
                rows += 1;
                bytes += refused.error.len();
            }
            let before = cx.mark();
            let error = match self.row(cx, row, &mut written.imported).await {
                Err(_) if cx.awaits_hooks() => continue,
                Err(error) if is_about_a_record(&error) && cx.mark().is_same(before) => error,
                outcome => {
                    outcome?;
                    continue;
                }
            };
            let refused = self.what.batch.rows[*place].refused(&error);
            rows += 1;
            bytes += refused.error.len();
            written.refused.push((*place, refused));
            if rows >= until.rows || bytes >= until.bytes {
                written.end = place + 1;
                break;
            }
        }
        Ok(())
    }

    async fn row(&self, cx: &mut TxContext<'_, '_>, row: &Row, imported: &mut Imported) -> Result<(), Error> {
        let collection = self.what.collection;
        let (input, there) = match row {
            Row::Nothing => return Ok(()),
            Row::Change(id, input) => (input, Some(*id)),
            Row::Write(input) => (input, self.there(cx, input).await?),
        };
        let Some(id) = there else {
            cx.create(Authority::System, collection, input.clone()).await?;
            imported.created += 1;
            return Ok(());
        };
        if let Row::Change(..) = row {
            // It was counted when it was created.
            return cx.update(Authority::System, (collection, id), input.clone(), None).await.map(drop);
        }
        let before = cx.get(collection, id).await?;
        let mut input = input.clone();
        match self.what.single {
            Some(_) => input.leave(Collection::ID),
            None => input = input.uncarried(),
        }
        let after = cx.update(Authority::System, (collection, id), input, None).await?;
        match before.is_some_and(|before| before.version() == after.version()) {
            true => imported.unchanged += 1,
            false => imported.updated += 1,
        }
        Ok(())
    }

    /// The record that a row is about, if it is there already.
    async fn there(&self, cx: &mut TxContext<'_, '_>, input: &Input) -> Result<Option<RecordId>, Error> {
        if self.what.single.is_some() || self.what.keys.is_empty() {
            return Ok(self.what.single);
        }
        let of = cx.model().collection(self.what.collection);
        let (mut by, mut lacking) = (Vec::new(), Vec::new());
        for field in &self.what.keys {
            match input.value(*field).filter(|value| !value.is_null()) {
                Some(value) => by.push((*field, Value::clone(value))),
                None => lacking.push(Violation::new(of.field(*field).place(), ViolationKind::Required)),
            }
        }
        if !lacking.is_empty() {
            return Err(Error::Invalid(lacking));
        }
        Ok(cx.find(self.what.collection, &by).await?.map(|record| record.id()))
    }

    /// Why rows before a place in the batch are refused, in order.
    fn refused_before(&self, end: usize, written: &Written) -> Vec<RefusedRow> {
        let mut all: Vec<_> = self.refused.iter().chain(&written.refused).filter(|(place, _)| *place < end).collect();
        all.sort_by_key(|(place, _)| *place);
        all.into_iter().map(|(_, refused)| refused.clone()).collect()
    }

    /// Moves the import on.
    async fn advance(&self, cx: &mut TxContext<'_, '_>, written: &Written) -> Result<(), Error> {
        let What { schema, batch, past, .. } = &*self.what;
        let refused = self.refused_before(written.end, written);
        let last = written.end.checked_sub(1).and_then(|last| batch.rows.get(last));
        let Some(BatchRow { digest, .. }) = last else { return Ok(()) };
        let done = Done {
            rows: past.rows + written.end as u64,
            digest: digest.clone(),
            refused: past.refused + refused.len() as u64,
            unlisted: refused,
        };
        let is_here = |known: Option<&Record>| {
            let rows = known.map_or(Ok(0), |record| schema.rows_of(record))?;
            Ok(rows == past.rows + self.from as u64)
        };
        schema.journal.advance(cx, &batch.import, is_here, schema.input(&done)?).await.map(drop)
    }
}
