//! Slugs for stored records, made when their field is new or becomes required.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use backstay_base::limits;
use backstay_model::{Collection, CollectionId, Field, FieldId, Index};
use backstay_scalar::{Value, shortened, slug, write};
use backstay_sql::{Models, Origin, Slot, SlugRow, SlugSource, Succession, is_compared};

use crate::StoreError;
use crate::session::{OwnRow, SchemaSession};

/// Records that are read at a time.
const PAGE: i64 = 1000;

/// The fields whose stored records get slugs.
fn fields(models: Models<'_>, succession: &Succession<'_>) -> Vec<(CollectionId, FieldId, SlugSource)> {
    let fields = models.new.collections.iter().flat_map(|of| of.fields.iter().map(move |field| (of.id, field.id)));
    fields.filter_map(|(of, field)| succession.slugs(of, field).map(|source| (of, field, source))).collect()
}

/// Fills the temporary tables of the slugs that are made; those of everything that is made are there.
pub(super) async fn make(
    session: &mut dyn SchemaSession,
    (models, succession): (Models<'_>, &Succession<'_>),
) -> Result<(), StoreError> {
    for (of, field, source) in &fields(models, succession) {
        let mut slugs = Slugs::new(models.new.collection(*of), models.new.field(*of, *field), source);
        let mut making = Making { session, succession, at: (*of, *field), source };
        if !matches!(succession.origin(*of, *field), Origin::New) {
            making.stored(&mut slugs).await?;
        }
        making.missing(&mut slugs).await?;
    }
    Ok(())
}

struct Making<'s, 'm> {
    session: &'s mut dyn SchemaSession,
    succession: &'s Succession<'m>,
    at: (CollectionId, FieldId),
    source: &'s SlugSource,
}

impl Making<'_, '_> {
    /// Notes the slugs that records have.
    async fn stored(&mut self, slugs: &mut Slugs<'_>) -> Result<(), StoreError> {
        let mut after = None;
        loop {
            let page = self.page(after.as_ref()).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.id.clone());
            for row in &page {
                if let Value::Text(slug) = &row.slug {
                    slugs.take(row, slug);
                }
            }
        }
    }

    /// Makes those that records lack.
    async fn missing(&mut self, slugs: &mut Slugs<'_>) -> Result<(), StoreError> {
        let keep = self.succession.keep_made(self.at.0, self.at.1);
        let mut after = None;
        loop {
            let page = self.page(after.as_ref()).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.id.clone());
            for row in page.iter().filter(|row| row.slug.is_null()) {
                let made = Value::text(slugs.made(row));
                let statement = keep.bind(|slot| match slot {
                    Slot::Id => row.id.clone(),
                    _ => made.clone(),
                });
                self.session.execute(&statement).await?;
            }
        }
    }

    async fn page(&mut self, after: Option<&Value>) -> Result<Vec<SlugRow>, StoreError> {
        let Self { succession, at, source, .. } = *self;
        let statement = succession.slug_rows(at, source, (after, PAGE));
        let mut page = Vec::new();
        let visit = &mut |row: &dyn OwnRow| {
            page.push(succession.slug_row(at, source, row)?);
            Ok(())
        };
        self.session.query(&statement, visit).await?;
        Ok(page)
    }
}

/// The slugs of one field, as hashes: a number too much does no harm.
struct Slugs<'m> {
    /// The unique indexes that the field is in, each with the places of its other fields in `SlugRow::scope`.
    indexes: Vec<(&'m Index, Vec<usize>)>,
    most: usize,
    taken: HashSet<u64>,
    /// The last number that a slug was given.
    numbers: HashMap<u64, u64>,
}

impl<'m> Slugs<'m> {
    fn new(collection: &'m Collection, field: &Field, source: &SlugSource) -> Self {
        let indexes = collection.indexes.iter().filter(|index| index.unique && index.fields.contains(&field.id));
        let others = |index: &Index| {
            let places = source.scope.iter().enumerate().filter(|(_, of)| index.fields.contains(of));
            places.map(|(place, _)| place).collect()
        };
        let indexes = indexes.map(|index| (index, others(index))).collect();
        Self { indexes, most: field.most_slug_chars(), taken: HashSet::new(), numbers: HashMap::new() }
    }

    /// Notes a slug.
    fn take(&mut self, row: &SlugRow, slug: &str) {
        let keys: Vec<u64> = self.keys(row, slug).collect();
        self.taken.extend(keys);
    }

    /// A slug for a record.
    fn made(&mut self, row: &SlugRow) -> String {
        let whole = match &row.source {
            Value::Text(text) => slug(text, self.most),
            _ => String::new(),
        };
        let whole = if whole.is_empty() {
            row.id.as_id().map_or_else(String::new, |id| format!("{:08x}", id.ending()))
        } else {
            whole
        };
        let short = shortened(&whole, self.most - limits::SLUG_ENDING_CHARS).to_owned();
        let mut made = whole;
        while self.keys(row, &made).any(|key| self.taken.contains(&key)) {
            let key = hash(&[&short, &scope(row, 0..row.scope.len())]);
            let number = self.numbers.entry(key).or_insert(1);
            *number += 1;
            made = format!("{short}-{number}");
        }
        self.take(row, &made);
        made
    }

    /// What the unique indexes compare of a record with this slug.
    fn keys(&self, row: &SlugRow, slug: &str) -> impl Iterator<Item = u64> {
        let compared = self
            .indexes
            .iter()
            .filter(|(index, others)| is_compared(index, others.iter().any(|place| row.scope[*place].is_null())));
        compared.map(move |(index, others)| hash(&[&index.name, slug, &scope(row, others.iter().copied())]))
    }
}

/// The values of some other fields, as a text.
fn scope(row: &SlugRow, places: impl Iterator<Item = usize>) -> String {
    let mut text = Vec::new();
    for place in places {
        write(&mut text, &row.scope[place]);
        text.push(b',');
    }
    String::from_utf8_lossy(&text).into_owned()
}

fn hash(parts: &[&str]) -> u64 {
    let mut hasher = DefaultHasher::new();
    parts.hash(&mut hasher);
    hasher.finish()
}
