//! Functions that look into documents on SQLite, and what SQLite keeps of them: a document that `json_each` takes apart, or a
//! long value that is taken out of one, stays in memory until its statement ends, once for each place in the statement's text
//! where that is done. All of these together have a bound, `limits::DOCUMENT_MEMORY_BYTES`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use backstay_base::{KeyRef, limits};
use backstay_scalar::{Lookup, Reading, Storage, Value, exact, items};
use backstay_sql::{Dialect, nested};
use rusqlite::functions::Context;
use rusqlite::types::{ToSql, ToSqlOutput, Value as Raw, ValueRef};
use rusqlite::{Connection, Error};
use rust_decimal::Decimal;

use super::functions::{WORK_PER_OCCURRENCE, characters_of, charged, is_element, scalar};

/// Adds the functions to a connection. As those of `functions`, they charge what they do; a statement that keeps too much
/// ends as one whose steps are used up.
pub(crate) fn register<C>(db: &Connection, charge: C) -> Result<(), Error>
where
    C: Fn(usize) -> bool + Clone + Send + 'static,
{
    let memory = Arc::new(Memory::default());
    kept(db, &charge, &memory)?;
    within(db, &charge, &memory)?;
    within_has(db, charge)
}

/// Bytes that are kept for the statement that a connection runs.
#[derive(Debug, Default)]
struct Memory(AtomicUsize);

/// What is kept for one place in the text of a statement: only the last value, and that until the statement ends.
#[derive(Debug)]
struct Kept {
    memory: Arc<Memory>,
    bytes: AtomicUsize,
}

/// Bytes that take longer to work on than any statement may run.
const TOO_MANY_BYTES: usize = 1 << 40;
/// Copies of a value that are kept: what a function returned, and what SQLite made of that.
const COPIES: usize = 2;

impl Kept {
    fn nothing(memory: &Arc<Memory>) -> Self {
        Self { memory: Arc::clone(memory), bytes: AtomicUsize::new(0) }
    }

    /// Now so many bytes are kept for this place. Ends the statement if that is too much for all of its places.
    fn keep(&self, bytes: usize, charge: &impl Fn(usize) -> bool) -> Result<(), Error> {
        // Only the thread that uses the connection counts.
        let Memory(all) = &*self.memory;
        let total = all.load(Ordering::Relaxed) - self.bytes.swap(bytes, Ordering::Relaxed) + bytes;
        all.store(total, Ordering::Relaxed);
        if total > limits::DOCUMENT_MEMORY_BYTES { charged(charge, TOO_MANY_BYTES) } else { Ok(()) }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.memory.0.fetch_sub(self.bytes.load(Ordering::Relaxed), Ordering::Relaxed);
    }
}

/// The first argument, of which SQLite keeps as many copies as the second one says.
fn kept<C>(db: &Connection, charge: &C, memory: &Arc<Memory>) -> Result<(), Error>
where
    C: Fn(usize) -> bool + Clone + Send + 'static,
{
    let (charge, memory) = (charge.clone(), Arc::clone(memory));
    scalar(db, "kept", 2, move |call: &Context<'_>| {
        // SQLite has one of these for each place, because the argument is the same in all rows.
        let kept = match call.get_aux::<Kept>(1)? {
            Some(kept) => kept,
            None => call.set_aux(1, Kept::nothing(&memory))?,
        };
        let bytes = characters_of(call, 0)?.map_or(0, str::len);
        charged(&charge, bytes)?;
        kept.keep(bytes * usize::from(call.get::<u8>(1)?), &charge)?;
        Ok(call.get_arg(0))
    })
}

/// What is looked up at one place in the text of a statement.
struct Looking {
    lookup: Lookup,
    kept: Kept,
}

impl Looking {
    /// What the second argument says, which is the same in all rows.
    fn of(call: &Context<'_>, memory: &Arc<Memory>) -> Result<Arc<Self>, Error> {
        call.get_or_create_aux(1, |text| -> Result<Self, LookupFailure> {
            Ok(Self { lookup: text.as_str()?.parse()?, kept: Kept::nothing(memory) })
        })
    }
}

type LookupFailure = Box<dyn std::error::Error + Send + Sync>;

/// A value within a document, which is the first argument; the second says which, and the result is what a column would
/// hold of it.
fn within<C>(db: &Connection, charge: &C, memory: &Arc<Memory>) -> Result<(), Error>
where
    C: Fn(usize) -> bool + Clone + Send + 'static,
{
    let (charge, memory) = (charge.clone(), Arc::clone(memory));
    scalar(db, "within", 2, move |call: &Context<'_>| {
        let looking = Looking::of(call, &memory)?;
        let Looking { lookup, kept } = &*looking;
        let Some(document) = characters_of(call, 0)? else { return Ok(None) };
        let Some(found) = lookup.find(document, |bytes| charged(&charge, bytes))? else {
            kept.keep(0, &charge)?;
            return Ok(None);
        };
        let value = lookup.read(found);
        if let Value::List(values) = &value {
            charged(&charge, WORK_PER_OCCURRENCE * values.len())?;
        }
        let held = Held::of(keyed(value, lookup.held), lookup.held.storage());
        kept.keep(COPIES * held.size(), &charge)?;
        Ok(Some(held))
    })
}

/// Whether the list within a document has a value, which is the third argument, as `list_has` would say of the list.
fn within_has<C>(db: &Connection, charge: C) -> Result<(), Error>
where
    C: Fn(usize) -> bool + Clone + Send + 'static,
{
    scalar(db, "within_has", 4, move |call: &Context<'_>| {
        let lookup: Arc<Lookup> =
            call.get_or_create_aux(1, |text| -> Result<Lookup, LookupFailure> { Ok(text.as_str()?.parse()?) })?;
        let Some(document) = characters_of(call, 0)? else { return Ok(None) };
        let found = lookup.find(document, |bytes| charged(&charge, bytes))?;
        let Some(Ok(elements)) = found.map(items) else { return Ok(None) };
        charged(&charge, WORK_PER_OCCURRENCE * elements.len())?;
        let (wanted, digits) = (call.get_raw(2), call.get(3)?);
        let number = if let ValueRef::Blob(key) = wanted { exact::from_key(key) } else { None };
        let (mut text, mut is_known) = (String::new(), true);
        for element in elements.into_iter().filter_map(|element| lookup.held.element(element.get())) {
            let is_wanted = if let (Value::Decimal(element), true) = (&element, lookup.held.is_free()) {
                number.map(|number| number == *element)
            } else {
                text.clear();
                nested::write_element(&mut text, &element, lookup.held.storage(), Dialect::Sqlite);
                is_element(wanted, &text, digits)
            };
            match is_wanted {
                Some(true) => return Ok(Some(true)),
                Some(false) => {}
                None => is_known = false,
            }
        }
        Ok(is_known.then_some(false))
    })
}

/// A value that is looked up, in which numbers of any digits are keys. Of a list of anything, only the size is asked for.
fn keyed(value: Value, held: backstay_scalar::Held) -> Value {
    let of_element = |value: &Value| match value {
        Value::Decimal(number) => Value::Bytes(exact::to_key(*number).as_slice().into()),
        _ => Value::Null,
    };
    match (value, held) {
        (Value::Decimal(number), backstay_scalar::Held::Free(_)) => of_element(&Value::Decimal(number)),
        (Value::List(values), backstay_scalar::Held::FreeList(Reading::Number | Reading::Json)) => {
            Value::List(values.iter().map(of_element).collect())
        }
        (value, _) => value,
    }
}

/// A value as a column of its class holds it.
struct Held(Value, Storage);

impl Held {
    fn of(value: Value, storage: Storage) -> Self {
        let value = match value {
            Value::List(values) => Value::text(nested::write_list(&values, storage, Dialect::Sqlite)),
            value => value,
        };
        Self(value, storage)
    }

    /// Bytes that it takes, if it can be long.
    fn size(&self) -> usize {
        if let Value::Text(text) | Value::Json(text) = &self.0 { text.len() } else { 0 }
    }
}

impl ToSql for Held {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>, Error> {
        let Self(value, storage) = self;
        let owned = |raw: Raw| Ok(ToSqlOutput::Owned(raw));
        let text = |text: String| owned(Raw::Text(text));
        match value {
            Value::Null => owned(Raw::Null),
            Value::Bool(truth) => owned(Raw::Integer((*truth).into())),
            Value::Int(number) => owned(Raw::Integer(*number)),
            Value::Float(number) => owned(Raw::Real(*number)),
            Value::Decimal(number) => owned(scaled(*number, *storage).map_or(Raw::Null, Raw::Integer)),
            Value::Money(money) => owned(scaled(money.amount(), *storage).map_or(Raw::Null, Raw::Integer)),
            Value::Text(text) | Value::Json(text) => Ok(ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes()))),
            Value::Id(id) => match id.key() {
                KeyRef::Uuid(uuid) => owned(Raw::Blob(uuid.to_vec())),
                KeyRef::Int(number) => owned(Raw::Integer(number)),
                KeyRef::Text(key) => text(key.to_owned()),
            },
            Value::Timestamp(moment) => owned(Raw::Integer(moment.micros())),
            Value::Duration(length) => owned(Raw::Integer(length.micros())),
            Value::Date(date) => text(date.to_string()),
            Value::Bytes(octets) => Ok(ToSqlOutput::Borrowed(ValueRef::Blob(octets))),
            Value::List(values) => text(nested::write_list(values, *storage, Dialect::Sqlite)),
        }
    }
}

/// The integer that a column of decimal numbers holds of one.
fn scaled(number: Decimal, storage: Storage) -> Option<i64> {
    let Storage::Decimal { scale } = storage else { return None };
    let more = u32::from(scale).checked_sub(number.scale())?;
    i64::try_from(number.mantissa().checked_mul(10_i128.checked_pow(more)?)?).ok()
}
