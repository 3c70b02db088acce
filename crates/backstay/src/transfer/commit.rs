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

/// Things with their places in a batch.
pub(super) type Placed<T> = Vec<(usize, T)>;

/// A batch, ready to be written.
pub(super) struct What {
    pub(super) schema: ImportSchema,
    pub(super) collection: CollectionId,
    /// The one record of a `@single` type, which a row changes.
    pub(super) single: Option<RecordId>,
    pub(super) keys: Vec<FieldId>,
    pub(super) batch: Batch,
    /// The rows that could be read, with their places in the batch.
    pub(super) rows: Placed<Row>,
}

/// One commit of an import: writes some rows of a batch, and how far the import is afterwards.
pub(super) struct Write {
    pub(super) what: Arc<What>,
    pub(super) range: Range<usize>,
    /// How many rows of the batch the import is past, and how many it is past afterwards.
    pub(super) from: usize,
    pub(super) end: usize,
    /// Why rows before that end are refused, in order.
    pub(super) refused: Vec<RefusedRow>,
    pub(super) written: Arc<Mutex<Imported>>,
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

    fn run<'a>(&'a self, cx: &'a mut TxContext<'_, '_>) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let mut imported = Imported::default();
            if !self.what.batch.dry_run {
                self.advance(cx).await?;
            }
            for (_, row) in &self.what.rows[self.range.clone()] {
                self.row(cx, row, &mut imported).await?;
            }
            if self.what.batch.dry_run {
                cx.rehearse().await?;
                *self.written.lock() = imported;
                return Err(Error::internal(Undone));
            }
            *self.written.lock() = imported;
            Ok(())
        })
    }
}

impl Write {
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

    /// Moves the import on.
    async fn advance(&self, cx: &mut TxContext<'_, '_>) -> Result<(), Error> {
        let What { schema, batch, .. } = &*self.what;
        let last = self.end.checked_sub(1).and_then(|last| batch.rows.get(last));
        let Some(BatchRow { digest, .. }) = last else { return Ok(()) };
        let done = Done {
            rows: batch.from + self.end as u64,
            digest: digest.clone(),
            refused: batch.refused + self.refused.len() as u64,
            unlisted: self.refused.clone(),
        };
        let is_here = |known: Option<&Record>| {
            let rows = known.map_or(Ok(0), |record| schema.rows_of(record))?;
            Ok(rows == batch.from + self.from as u64)
        };
        schema.journal.advance(cx, &batch.import, is_here, schema.input(&done)?).await.map(drop)
    }
}
