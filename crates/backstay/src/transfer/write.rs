use std::iter;
use std::ops::Range;
use std::sync::Arc;

use backstay_base::{Conflict, Error, Limit, Place, RecordId, Violation, ViolationKind};
use backstay_engine::{Authority, Context, Engine, Input, Transaction, TxContext};
use backstay_model::{Collection, CollectionId, FieldId};
use backstay_scalar::Value;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use tokio::runtime::Handle;

use super::batch::{Batch, Imported, Mode, RefusedRow};
use super::decode::{Decoder, Row};
use super::record::{Done, ImportSchema};
use crate::Failure;
use crate::records::{Absent, References, is_about_a_record, words};

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
    let (rows, mut refused) = accepted(&batch, decoded);
    let until = match refused.first() {
        Some((place, _)) if !batch.skip => *place,
        Some(_) | None => batch.rows.len(),
    };
    let what = What { schema, collection, single, keys, batch, rows };
    let mut writer = Writer { engine, what: Arc::new(what), at: 0, until, imported: Imported::default() };
    writer.all(&mut refused).await?;
    Ok(writer.imported)
}

/// Things with their places in a batch.
type Placed<T> = Vec<(usize, T)>;

/// The rows that could be read, each with its place, and why the others are refused.
fn accepted(batch: &Batch, decoded: Vec<Result<Row, Error>>) -> (Placed<Row>, Placed<RefusedRow>) {
    let (mut rows, mut refused) = (Vec::with_capacity(decoded.len()), Vec::new());
    for (place, read) in decoded.into_iter().enumerate() {
        match read {
            Ok(row) => rows.push((place, row)),
            Err(error) => {
                refused.push((place, RefusedRow { line: batch.rows[place].line, error: words(&error) }));
                if !batch.skip {
                    break;
                }
            }
        }
    }
    (rows, refused)
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

/// A batch, ready to be written.
struct What {
    schema: ImportSchema,
    collection: CollectionId,
    /// The one record of a `@single` type, which a row changes.
    single: Option<RecordId>,
    keys: Vec<FieldId>,
    batch: Batch,
    /// The rows that could be read, with their places in the batch.
    rows: Placed<Row>,
}

struct Writer<'e> {
    engine: &'e Engine,
    what: Arc<What>,
    /// Rows of the batch that the import is past.
    at: usize,
    /// Where it ends.
    until: usize,
    imported: Imported,
}

impl Writer<'_> {
    /// Writes all rows, and half of them where one is refused, and so on down to that row.
    async fn all(&mut self, refused: &mut Placed<RefusedRow>) -> Result<(), Failure> {
        let mut waiting: Vec<Range<usize>> =
            iter::once(0..self.what.rows.len()).filter(|all| !all.is_empty()).collect();
        while let Some(range) = waiting.pop() {
            // Rows that couldn't be read and stand between two that are written count as done with the second one.
            let end = self.what.rows.get(range.end).map_or(self.until, |(place, _)| *place);
            let Err(error) = self.write(range.clone(), end).await else { continue };
            if range.len() > 1 && (is_about_a_record(&error) || is_about_size(&error)) {
                let middle = range.start + range.len() / 2;
                waiting.extend([middle..range.end, range.start..middle]);
                continue;
            }
            if !is_about_a_record(&error) && !is_about_size(&error) {
                return Err(error.into());
            }
            let place = self.what.rows[range.start].0;
            refused.push((place, RefusedRow { line: self.what.batch.rows[place].line, error: words(&error) }));
            if !self.what.batch.skip {
                self.until = place;
                break;
            }
        }
        if self.at < self.until {
            // Nothing but rows that are refused is left.
            let end = self.what.rows.len();
            self.write(end..end, self.until).await?;
        }
        refused.sort_by_key(|(place, _)| *place);
        let first = if self.what.batch.skip { refused.len() } else { 1 };
        self.imported.refused.extend(refused.drain(..).take(first).map(|(_, refused)| refused));
        Ok(())
    }

    /// Writes some rows in one commit, after which the import is past this many of the batch.
    async fn write(&mut self, range: Range<usize>, end: usize) -> Result<(), Error> {
        let written = Arc::new(Mutex::new(Imported::default()));
        let (what, from) = (Arc::clone(&self.what), self.at);
        let write = Write { what, range, from, end, written: Arc::clone(&written) };
        match self.engine.run(&Context::system(self.engine), write).await {
            Err(Error::Internal(end)) if end.is::<Undone>() => {}
            outcome => outcome?,
        }
        self.at = end;
        self.imported.add(written.lock().clone());
        Ok(())
    }
}

/// Whether fewer records at a time can be written.
fn is_about_size(error: &Error) -> bool {
    matches!(error, Error::Limit(Limit::Size { .. } | Limit::WriteCost | Limit::Cost | Limit::Hold))
}

/// Writes some rows of a batch, and how far the import is.
struct Write {
    what: Arc<What>,
    range: Range<usize>,
    /// How many rows of the batch the import is past, and how many it is past afterwards.
    from: usize,
    end: usize,
    written: Arc<Mutex<Imported>>,
}

/// How a dry run ends: with an error, so that everything it wrote is undone.
#[derive(Debug, thiserror::Error)]
#[error("the import was a dry run and undone")]
struct Undone;

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

    /// Moves the import on. Fails with a conflict if another process has moved it.
    async fn advance(&self, cx: &mut TxContext<'_, '_>) -> Result<(), Error> {
        let What { schema, batch, .. } = &*self.what;
        let known = cx.find(schema.imports, &[(schema.name, batch.import.as_str().into())]).await?;
        let at = known.as_ref().map(|record| schema.done(record)).transpose()?.unwrap_or_default();
        if at.rows != batch.from + self.from as u64 {
            return Err(Conflict::Concurrent.into());
        }
        let digest = self.end.checked_sub(1).and_then(|last| batch.rows.get(last)).map(|row| row.digest.clone());
        let done = Done { rows: batch.from + self.end as u64, digest: digest.unwrap_or(at.digest) };
        let input = schema.input(&done)?;
        if let Some(record) = known {
            cx.update(Authority::System, (schema.imports, record.id()), input, None).await?;
        } else {
            let input = input.with(schema.name, batch.import.as_str());
            cx.create(Authority::System, schema.imports, input).await?;
        }
        Ok(())
    }
}
