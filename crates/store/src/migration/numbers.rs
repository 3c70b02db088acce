//! Numbers for stored records, made when their field is new or numbers them from now on; and the counters that follow.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use backstay_base::{FieldNumber, TypeNumber};
use backstay_model::{Collection, CollectionId, FieldId, KeyKind, Model, Sequence};
use backstay_scalar::{Storage, Value, items};
use backstay_sql::{Models, NumberedRow, Origin, Param, Planner, RenamedSeries, Slot, Succession};

use crate::catalog::Numbers;
use crate::own::{int, own, text};
use crate::sequence::{Series, stored_key};
use crate::session::{OwnRow, SchemaSession};
use crate::{Catalog, StoreError};

/// Records that are read at a time.
const PAGE: i64 = 20_000;

type Place = (CollectionId, FieldId);

/// The fields of a model that number records.
fn sequences(model: &Model) -> impl Iterator<Item = (Place, &Sequence)> {
    let fields = model.collections.iter().flat_map(|of| of.fields.iter().map(move |field| (of.id, field)));
    fields.filter_map(|(of, field)| field.sequence.as_ref().map(|sequence| ((of, field.id), sequence)))
}

/// Fills the temporary tables of the numbers that are made, each series after the highest number that it has or ever gave,
/// in the order in which the records were created. The temporary tables of everything that is made are there.
pub(super) async fn make(
    session: &mut dyn SchemaSession,
    (models, succession): (Models<'_>, &Succession<'_>),
) -> Result<(), StoreError> {
    let made = sequences(models.new).filter(|((of, field), _)| succession.numbers(*of, *field).is_some());
    for (at, sequence) in made {
        let last = counters(session, (models, succession), (at, sequence)).await?;
        let mut making = Making { session, succession, at, sequence, last };
        if !matches!(succession.origin(at.0, at.1), Origin::New) {
            making.stored().await?;
        }
        making.missing().await?;
    }
    Ok(())
}

/// Where the series stand that go on with their counters, by the keys that they have then.
async fn counters(
    session: &mut dyn SchemaSession,
    (models, succession): (Models<'_>, &Succession<'_>),
    ((of, field), sequence): (Place, &Sequence),
) -> Result<HashMap<String, i64>, StoreError> {
    let renamed = succession.renamed_series(of, sequence);
    let before = models.pairing.collection(of).zip(models.pairing.field(of, field));
    let Some((of, field)) = before.filter(|_| !succession.recounts(of, field)) else { return Ok(HashMap::new()) };
    let catalog = Numbers::stored(session).await?.catalog(models.old)?;
    let last = last_numbers(session, (catalog.type_number(of), catalog.field_number(of, field))).await?;
    Ok(under_new_keys(last, &renamed))
}

/// The same by the keys that the series have now. What is stored as a digest stays: where it stands is counted from what
/// is stored.
fn under_new_keys(last: HashMap<String, i64>, renamed: &RenamedSeries) -> HashMap<String, i64> {
    let mut found = HashMap::new();
    for (key, number) in last {
        let key = renamed_key(&key, renamed).unwrap_or(key);
        let last = found.entry(key).or_insert(number);
        *last = number.max(*last);
    }
    found
}

/// The key of a series in which values of enums have the names that they have now.
fn renamed_key(key: &str, renamed: &RenamedSeries) -> Option<String> {
    let values = items(key).ok()?;
    let values = values.iter().zip(renamed).map(|(value, renamed)| {
        let value = value.get();
        let to = renamed.iter().find(|(from, _)| value == format!("\"{from}\"")).and_then(|(_, to)| to.as_ref());
        to.map_or_else(|| value.to_owned(), |to| format!("\"{to}\""))
    });
    Some(stored_key(format!("[{}]", values.collect::<Vec<_>>().join(","))))
}

struct Making<'s, 'm> {
    session: &'s mut dyn SchemaSession,
    succession: &'s Succession<'m>,
    at: Place,
    sequence: &'s Sequence,
    /// The last number of each series, by its stored key.
    last: HashMap<String, i64>,
}

impl Making<'_, '_> {
    /// Notes the numbers that records have.
    async fn stored(&mut self) -> Result<(), StoreError> {
        let mut page = self.page(None).await?;
        while let Some(last) = page.last().cloned() {
            for row in &page {
                note(self.sequence, &mut self.last, row);
            }
            page = self.page(Some(&last)).await?;
        }
        Ok(())
    }

    /// Makes those that records lack.
    async fn missing(&mut self) -> Result<(), StoreError> {
        let keep = self.succession.keep_made(self.at.0, self.at.1);
        let mut page = self.page(None).await?;
        while let Some(last) = page.last().cloned() {
            for row in page.iter().filter(|row| row.is_due && row.number.is_null()) {
                let Some(series) = series(self.sequence, row) else { continue };
                let number = self.last.entry(series).or_insert(0);
                *number += 1;
                let made = self.sequence.value(*number, |field| row.counted_by(self.sequence, field));
                let statement = keep.bind(|slot| match slot {
                    Slot::Id => row.id.clone(),
                    _ => made.clone(),
                });
                self.session.execute(&statement).await?;
            }
            page = self.page(Some(&last)).await?;
        }
        Ok(())
    }

    async fn page(&mut self, after: Option<&NumberedRow>) -> Result<Vec<NumberedRow>, StoreError> {
        let Self { succession, at, sequence, .. } = *self;
        let after = after.map(|row| (&row.created_at, &row.id));
        let statement = succession.number_rows(at, sequence, (after, PAGE));
        let mut page = Vec::new();
        let visit = &mut |row: &dyn OwnRow| {
            page.push(succession.number_row(at, sequence, row)?);
            Ok(())
        };
        self.session.query(&statement, visit).await?;
        Ok(page)
    }
}

/// The stored key of a record's series.
fn series(sequence: &Sequence, row: &NumberedRow) -> Option<String> {
    sequence.series(|field| row.counted_by(sequence, field)).map(stored_key)
}

/// Notes the number of a record, if it is higher than those before it.
fn note(sequence: &Sequence, last: &mut HashMap<String, i64>, row: &NumberedRow) {
    let number = sequence.number(&row.number, |field| row.counted_by(sequence, field));
    if let Some((number, series)) = number.zip(series(sequence, row)) {
        let last = last.entry(series).or_insert(0);
        *last = number.max(*last);
    }
}

/// Brings the counters to what a model says, once its tables are there: those of fields that number nothing any more go,
/// those of new series begin with the highest number that is stored, and the others are at least as high as that.
pub(crate) async fn recount(
    session: &mut dyn SchemaSession,
    (model, succession): (&Model, &Succession<'_>),
    catalog: &Catalog,
) -> Result<(), StoreError> {
    let number = |(of, field): Place| (catalog.type_number(of), catalog.field_number(of, field));
    let ids = model.collections.iter().filter(|of| of.key.kind == KeyKind::Int).map(|of| (of.id, Collection::ID));
    let kept: HashSet<_> = sequences(model).map(|(at, _)| at).chain(ids).map(number).collect();
    for gone in counted(session).await?.into_iter().filter(|of| !kept.contains(of)) {
        forget(session, gone).await?;
    }
    let is_behind = |(of, field): Place| succession.recounts(of, field) || succession.numbers_others(of, field);
    let behind: Vec<(Place, &Sequence)> = sequences(model).filter(|(at, _)| is_behind(*at)).collect();
    if behind.is_empty() {
        return Ok(());
    }
    let planner = Planner::new(Arc::new(model.clone()), session.dialect());
    for (at, sequence) in behind {
        let renamed = succession.renamed_series(at.0, sequence);
        let stood = match succession.recounts(at.0, at.1) {
            true => HashMap::new(),
            false => under_new_keys(last_numbers(session, number(at)).await?, &renamed),
        };
        forget(session, number(at)).await?;
        for (key, last) in stood.into_iter().chain(highest(session, &planner, (at, sequence)).await?) {
            let raise = Series::new(number(at), key).raise(last);
            session.query(&raise, &mut |_| Ok(())).await?;
        }
    }
    Ok(())
}

/// Where the series of a field stand, by their stored keys.
async fn last_numbers(
    session: &mut dyn SchemaSession,
    (of, field): (TypeNumber, FieldNumber),
) -> Result<HashMap<String, i64>, StoreError> {
    const COUNTERS: &str = "SELECT series, last FROM backstay_sequence WHERE type = $1 AND field = $2";
    let params = vec![Param::Int(of.0.into()), Param::Int(field.0.into())];
    let mut found = HashMap::new();
    let visit = &mut |row: &dyn OwnRow| {
        found.insert(text(row, 0)?.to_owned(), int(row, 1)?);
        Ok(())
    };
    session.query(&own(COUNTERS, params, &[Storage::Text, Storage::Int]), visit).await?;
    Ok(found)
}

/// The fields that have counters.
async fn counted(session: &mut dyn SchemaSession) -> Result<Vec<(TypeNumber, FieldNumber)>, StoreError> {
    const COUNTED: &str = "SELECT DISTINCT type, field FROM backstay_sequence";
    let mut found = Vec::new();
    let visit = &mut |row: &dyn OwnRow| {
        let number = |column| u32::try_from(int(row, column)?).map_err(|_| StoreError::Catalog("backstay_sequence"));
        found.push((TypeNumber(number(0)?), FieldNumber(number(1)?)));
        Ok(())
    };
    session.query(&own(COUNTED, vec![], &[Storage::Int, Storage::Int]), visit).await?;
    Ok(found)
}

async fn forget(session: &mut dyn SchemaSession, of: (TypeNumber, FieldNumber)) -> Result<(), StoreError> {
    const FORGET: &str = "DELETE FROM backstay_sequence WHERE type = $1 AND field = $2";
    let params = vec![Param::Int(of.0.0.into()), Param::Int(of.1.0.into())];
    session.execute(&own(FORGET, params, &[])).await.map(|_| ())
}

/// The highest number of each series that is stored.
async fn highest(
    session: &mut dyn SchemaSession,
    planner: &Planner,
    (at, sequence): (Place, &Sequence),
) -> Result<HashMap<String, i64>, StoreError> {
    let mut highest = HashMap::new();
    let mut after: Option<Value> = None;
    loop {
        let statement = planner.numbered_rows(at, sequence, (after.as_ref(), PAGE));
        let mut page = Vec::new();
        let visit = &mut |row: &dyn OwnRow| {
            page.push(planner.numbered_row(at, sequence, row)?);
            Ok(())
        };
        session.query(&statement, visit).await?;
        let Some(last) = page.last() else { return Ok(highest) };
        after = Some(last.id.clone());
        for row in &page {
            note(sequence, &mut highest, row);
        }
    }
}
