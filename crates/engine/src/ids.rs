//! The ids of new records: what the server makes, what a client may give, and which version a record begins with whose id
//! another one had before.

use backstay_base::{DependencyKey, Error, KeyRef, Place, RecordId, Violation, ViolationKind, limits};
use backstay_model::{Collection, CollectionId, KeyKind};
use backstay_scalar::Value;
use backstay_store::{RecordKey, Series};

use crate::inner::Inner;
use crate::proposal::Proposal;
use crate::{Authority, Context, Input, TxContext, numbers};

/// Gives a new record the id that the server makes, unless one was given. Texts have to be given.
pub(crate) async fn make(cx: &mut TxContext<'_, '_>, proposal: &mut Proposal<'_>) -> Result<(), Error> {
    let collection = proposal.collection;
    let given = proposal.input.value(Collection::ID).and_then(Value::as_id);
    let made = match collection.key.kind {
        KeyKind::Uuid7 | KeyKind::Uuid4 => {
            proposal.input.reserved.as_deref().copied().unwrap_or_else(|| cx.new_id(collection))
        }
        KeyKind::Int if given.is_some() => return Ok(()),
        KeyKind::Int => match proposal.input.reserved.as_deref() {
            Some(reserved) => *reserved,
            None => id(cx.next_number(&series(cx.engine, collection)).await?)?,
        },
        KeyKind::Text => match given {
            Some(_) => return Ok(()),
            None => return Err(missing(collection)),
        },
    };
    if given.is_none() {
        proposal.set(Collection::ID, Value::Id(made));
    }
    Ok(())
}

impl TxContext<'_, '_> {
    /// A new id for a record whose key is a UUID; the same one in each run of a transaction that runs again for its hooks.
    fn new_id(&self, collection: &Collection) -> RecordId {
        let make = || self.engine.id_for(collection);
        self.before.as_ref().map_or_else(make, |session| session.id(collection.id, make))
    }
}

/// That a record has no id which only its creator could give.
fn missing(collection: &Collection) -> Error {
    let id = Place::field(&collection.field(Collection::ID).name);
    Error::Invalid(vec![Violation::new(id, ViolationKind::Required)])
}

/// The numbers of the collection's records: a series of its own, whose field is the id.
fn series(inner: &Inner, collection: &Collection) -> Series {
    let catalog = inner.store.catalog();
    let id = catalog.field_number(collection.id, Collection::ID);
    Series::new((catalog.type_number(collection.id), id), String::new())
}

fn id(number: i64) -> Result<RecordId, Error> {
    RecordId::from_number(number).ok_or_else(|| Error::internal(NoNumber))
}

/// Gives out ids for so many new records, whose keys are numbers, before these are written. Those that aren't used leave gaps.
pub(crate) async fn reserve(
    inner: &Inner,
    cx: &Context,
    (collection, count): (&Collection, usize),
) -> Result<Vec<RecordId>, Error> {
    let drawn = numbers::draw(inner, cx, &series(inner, collection), vec![1; count]).await?;
    drawn.into_iter().map(id).collect()
}

/// Makes the server's numbers go on after one that was given, once the write may be made.
pub(crate) async fn go_on(cx: &mut TxContext<'_, '_>, proposal: &Proposal<'_>) -> Result<(), Error> {
    let given = proposal.input.value(Collection::ID).and_then(Value::as_id);
    if let Some(KeyRef::Int(number)) = given.as_ref().map(RecordId::key) {
        let series = series(cx.engine, proposal.collection);
        let highest = cx.given_ids.highest(proposal.collection.id, number);
        cx.tx.raise_number(&series, highest, false).await.map_err(|error| cx.refused(error))?;
    }
    Ok(())
}

impl TxContext<'_, '_> {
    /// Finds out at once what has to be known of the ids of several new records of one type.
    pub async fn expect_ids<'i>(
        &mut self,
        collection: CollectionId,
        inputs: impl Iterator<Item = &'i Input>,
    ) -> Result<(), Error> {
        if !self.model().collection(collection).key.given {
            return Ok(());
        }
        let keys = self.engine.store.dependency_keys();
        let given: Vec<RecordId> =
            inputs.filter_map(|input| input.value(Collection::ID).and_then(Value::as_id)).collect();
        for id in given.iter().filter(|id| !is_too_high(**id)) {
            if let KeyRef::Int(number) = id.key() {
                self.given_ids.expect(collection, number);
            }
        }
        let records = given.into_iter().map(|id| keys.record(collection, &RecordKey::from(id)));
        self.look_up_versions(records).await
    }

    /// Finds out which of these records were deleted, unless that is known.
    async fn look_up_versions(&mut self, records: impl Iterator<Item = DependencyKey>) -> Result<(), Error> {
        let unknown = self.given_ids.unknown(records);
        if unknown.is_empty() {
            return Ok(());
        }
        let last = self.tx.last_versions(&unknown).await.map_err(|error| self.failed(error))?;
        self.given_ids.learn(unknown, &last);
        Ok(())
    }
}

/// A counter that isn't above zero.
#[derive(Debug, thiserror::Error)]
#[error("the numbers of a type's records have come to an end")]
struct NoNumber;

/// Whether no number that the server makes could follow this one.
fn is_too_high(id: RecordId) -> bool {
    matches!(id.key(), KeyRef::Int(number) if number >= limits::SEQUENCE_MOST)
}

/// Refuses an id that a new record can't have. Backstay itself, such as a seed file, gives any of the right form.
pub(crate) fn check(proposal: &mut Proposal<'_>) {
    let (collection, authority) = (proposal.collection, proposal.authority);
    let kind = collection.key.kind;
    let (problem, remedy) = match (proposal.input.value(Collection::ID), kind.version()) {
        (None, _) => return,
        (Some(Value::Id(id)), _) if is_too_high(*id) => {
            (format!("an id is below {}", limits::SEQUENCE_MOST), "give a lower one, or leave `id` out".to_owned())
        }
        (Some(Value::Id(id)), _) if authority == Authority::System || kind.fits(*id) => return,
        (Some(Value::Id(id)), Some(version)) => {
            let remedy = format!("make a UUID of version {version}, or leave `id` out: the server then makes one");
            match id.version() {
                Some(found) => (format!("expected a UUID of version {version}, found version {found}"), remedy),
                None => (format!("expected a UUID of version {version}"), remedy),
            }
        }
        (Some(_), Some(version)) => (
            "an id is never null".to_owned(),
            format!("make a UUID of version {version}, or leave `id` out: the server then makes one"),
        ),
        (Some(_), None) => {
            let remedy = match kind {
                KeyKind::Text => "give the record an id",
                KeyKind::Uuid7 | KeyKind::Uuid4 | KeyKind::Int => "leave `id` out: the server then makes one",
            };
            ("an id is never null".to_owned(), remedy.to_owned())
        }
    };
    let id = collection.field(Collection::ID);
    if !proposal.is_refused(id) {
        proposal.refuse(id, ViolationKind::Misused { problem, remedy });
    }
}

/// Lets a record whose id was given continue the versions of a deleted one that had it: a version, and a tag, that somebody
/// remembers is then never that of another record.
pub(crate) async fn continue_version(cx: &mut TxContext<'_, '_>, proposal: &mut Proposal<'_>) -> Result<(), Error> {
    let collection = proposal.collection;
    if !collection.key.given || proposal.input.value(Collection::ID).is_none() {
        return Ok(());
    }
    let key = cx.engine.store.dependency_keys().record(collection.id, &RecordKey::from(proposal.id()?));
    cx.look_up_versions(std::iter::once(key)).await?;
    let next = cx.given_ids.last_version(key).map_or(1, |last| last + 1);
    let carried = proposal.input.value(Collection::VERSION).and_then(Value::as_int).unwrap_or(1);
    proposal.set(Collection::VERSION, Value::Int(carried.max(next)));
    Ok(())
}
