//! The functions of the expression language on SQLite. SQLite's own are either quadratic (`instr`) or can't be stopped
//! while they work on a long text (`lower`, `length`, `json_each`): a virtual-machine step has no bound on its length. These
//! are linear, and charge the bytes that they work on to the connection's step budget.

use std::sync::Arc;

use backstay_base::{CalendarField, Date, Duration, Period, Timestamp, Zone, limits};
use backstay_scalar::{Casing, Extent, Pattern, exact, replaced, trimmed};
use memchr::memmem;
use rusqlite::functions::{Aggregate, Context, FunctionFlags};
use rusqlite::types::{ToSql, ToSqlOutput, Type, ValueRef};
use rusqlite::{Connection, Error, ffi};
use rust_decimal::Decimal;

/// Adds the functions to a connection. Each call first passes the number of bytes that it will work on to `charge`, and
/// ends the statement if that returns true.
pub(crate) fn register<C>(db: &Connection, charge: C) -> Result<(), Error>
where
    C: Fn(usize) -> bool + Clone + Send + 'static,
{
    let test = |name: &str, of: fn(&[u8], &[u8]) -> bool| {
        let charge = charge.clone();
        scalar(db, name, 2, move |call: &Context<'_>| {
            let (Some(text), Some(part)) = (text(call, 0)?, text(call, 1)?) else { return Ok(None) };
            // No test looks at more of the part than the text is long.
            charged(&charge, text.len() + part.len().min(text.len()))?;
            Ok(Some(of(text, part)))
        })
    };
    test("contains", |text, part| memmem::find(text, part).is_some())?;
    test("starts_with", <[u8]>::starts_with)?;
    test("ends_with", <[u8]>::ends_with)?;

    let cased = |name: &str, of: fn(&[u8]) -> Vec<u8>| {
        let charge = charge.clone();
        scalar(db, name, 1, move |call: &Context<'_>| {
            let Some(text) = text(call, 0)? else { return Ok(None) };
            charged(&charge, text.len())?;
            Ok(Some(Text(of(text))))
        })
    };
    cased("ascii_lower", <[u8]>::to_ascii_lowercase)?;
    cased("ascii_upper", <[u8]>::to_ascii_uppercase)?;

    texts(db, &charge)?;
    let charge_size = charge.clone();
    scalar(db, "text_size", 1, move |call: &Context<'_>| {
        let Some(text) = text(call, 0)? else { return Ok(None) };
        charged(&charge_size, text.len())?;
        Ok(Some(characters(text)))
    })?;

    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_INNOCUOUS;
    db.create_aggregate_function("exact_sum", 1, flags, ExactSum)?;
    db.create_aggregate_function("decimal_sum", 1, flags, DecimalSum)?;
    exact_numbers(db, &charge)?;
    calendar(db, &charge)?;

    // What SQLite does next with the text takes as long as the text is: see `metered` of the planner.
    scalar(db, "metered", 1, move |call: &Context<'_>| {
        if let Some(text) = text(call, 0)? {
            charged(&charge, text.len())?;
        }
        Ok(call.get_arg(0))
    })
}

/// Bytes that compiling a pattern is charged as, once for each statement.
const PATTERN_BYTES: usize = 32 * 1024;
/// Bytes that a byte is charged as of a text that is compared with a pattern, or that isn't in ASCII and whose letters
/// change: looking a character up takes as long as searching through that many.
const WORK_PER_BYTE: usize = 32;

/// Functions that make texts of texts, and patterns; null where the text is too long.
fn texts<C>(db: &Connection, charge: &C) -> Result<(), Error>
where
    C: Fn(usize) -> bool + Clone + Send + 'static,
{
    for (name, casing) in [("text_lower", Casing::Lower), ("text_upper", Casing::Upper), ("text_fold", Casing::Fold)] {
        let charge = charge.clone();
        scalar(db, name, 1, move |call: &Context<'_>| {
            let Some(text) = characters_of(call, 0)?.filter(|text| text.len() <= limits::CHANGED_TEXT_BYTES) else {
                return Ok(None);
            };
            let work = match casing {
                Casing::Lower | Casing::Upper => WORK_PER_BYTE,
                Casing::Fold => 2 * WORK_PER_BYTE,
            };
            charged(&charge, if text.is_ascii() { text.len() } else { work * text.len() })?;
            Ok(Some(casing.of(text)))
        })?;
    }
    let pay = charge.clone();
    scalar(db, "text_trim", 1, move |call: &Context<'_>| {
        let Some(text) = characters_of(call, 0)? else { return Ok(None) };
        charged(&pay, text.len())?;
        Ok(Some(trimmed(text).to_owned()))
    })?;
    let pay = charge.clone();
    scalar(db, "text_replace", 3, move |call: &Context<'_>| {
        let texts = (characters_of(call, 0)?, characters_of(call, 1)?, characters_of(call, 2)?);
        let (Some(text), Some(part), Some(by)) = texts else { return Ok(None) };
        charged(&pay, text.len() + part.len() + by.len())?;
        let replaced = replaced(text, part, by, limits::CHANGED_TEXT_BYTES);
        charged(&pay, replaced.as_ref().map_or(0, String::len))?;
        Ok(replaced)
    })?;
    let pay = charge.clone();
    scalar(db, "text_matches", 2, move |call: &Context<'_>| {
        // SQLite keeps what was made of an argument that is the same in all rows.
        let pattern: Arc<Pattern> = call.get_or_create_aux(1, |pattern| -> Result<Pattern, PatternError> {
            charged(&pay, PATTERN_BYTES)?;
            Ok(Pattern::compile(pattern.as_str()?, Extent::Part)?)
        })?;
        let Some(text) = characters_of(call, 0)? else { return Ok(None) };
        charged(&pay, WORK_PER_BYTE * text.len().min(limits::MATCHED_BYTES))?;
        Ok(pattern.matches(text))
    })
}

type PatternError = Box<dyn std::error::Error + Send + Sync>;

/// An argument that is a text, as characters; `None` for null.
fn characters_of<'c>(call: &'c Context<'_>, argument: usize) -> Result<Option<&'c str>, Error> {
    let Some(text) = text(call, argument)? else { return Ok(None) };
    let read = std::str::from_utf8(text);
    read.map(Some).map_err(|_| Error::InvalidFunctionParameterType(argument, Type::Text))
}

/// Bytes that a function of the calendar is charged as: what is looked up of a time zone.
const CALENDAR_BYTES: usize = 128;

/// Days and periods; null where there is no such day or moment.
fn calendar<C>(db: &Connection, charge: &C) -> Result<(), Error>
where
    C: Fn(usize) -> bool + Clone + Send + 'static,
{
    let charge = || {
        let charge = charge.clone();
        move || charged(&charge, CALENDAR_BYTES)
    };
    let pay = charge();
    scalar(db, "date_in", 2, move |call: &Context<'_>| {
        pay()?;
        let (Some(moment), zone) = (moment(call, 0)?, zone(call, 1)?) else { return Ok(None) };
        Ok(zone.date(moment).map(|date| date.to_string()))
    })?;
    let pay = charge();
    scalar(db, "start_of", 3, move |call: &Context<'_>| {
        pay()?;
        let (Some(moment), zone) = (moment(call, 1)?, zone(call, 2)?) else { return Ok(None) };
        Ok(zone.start_of(named(call, Period::named)?, moment).map(Timestamp::micros))
    })?;
    let pay = charge();
    scalar(db, "calendar_field", 2, move |call: &Context<'_>| {
        pay()?;
        let field = named(call, CalendarField::named)?;
        Ok(date(call, 1)?.map(|date| field.of(date)))
    })?;
    let pay = charge();
    scalar(db, "date_add", 2, move |call: &Context<'_>| {
        pay()?;
        let (Some(date), Some(micros)) = (date(call, 0)?, micros(call, 1)?) else { return Ok(None) };
        Ok(date.checked_add(Duration::from_micros(micros)).map(|date| date.to_string()))
    })?;
    let pay = charge();
    scalar(db, "date_difference", 2, move |call: &Context<'_>| {
        pay()?;
        let (Some(one), Some(other)) = (date(call, 0)?, date(call, 1)?) else { return Ok(None) };
        Ok(Some(one.since(other).micros()))
    })
}

/// An argument that is a number of microseconds; `None` for null, and for a REAL, because 64 bits did not hold the number.
fn micros(call: &Context<'_>, argument: usize) -> Result<Option<i64>, Error> {
    match call.get_raw(argument) {
        ValueRef::Integer(micros) => Ok(Some(micros)),
        ValueRef::Null | ValueRef::Real(_) => Ok(None),
        other => Err(Error::InvalidFunctionParameterType(argument, other.data_type())),
    }
}

fn moment(call: &Context<'_>, argument: usize) -> Result<Option<Timestamp>, Error> {
    Ok(micros(call, argument)?.and_then(Timestamp::from_micros))
}

/// An argument that is a day; `None` for null.
fn date(call: &Context<'_>, argument: usize) -> Result<Option<Date>, Error> {
    let Some(date) = text(call, argument)? else { return Ok(None) };
    let read = std::str::from_utf8(date).ok().and_then(|date| Date::parse(date).ok());
    read.map(Some).ok_or(Error::InvalidFunctionParameterType(argument, Type::Text))
}

/// The part of the calendar that the first argument names.
fn named<T>(call: &Context<'_>, of: fn(&str) -> Option<T>) -> Result<T, Error> {
    let name = text(call, 0)?.and_then(|name| std::str::from_utf8(name).ok());
    name.and_then(of).ok_or(Error::InvalidFunctionParameterType(0, Type::Text))
}

/// An argument that names a time zone.
fn zone(call: &Context<'_>, argument: usize) -> Result<Zone, Error> {
    let name = text(call, argument)?.and_then(|name| std::str::from_utf8(name).ok());
    name.and_then(Zone::named).ok_or(Error::InvalidFunctionParameterType(argument, Type::Text))
}

/// Bytes that a computation with exact numbers is charged as: the keys of its operands and of its result.
const EXACT_BYTES: usize = 84;

/// Arithmetic on exact numbers, which go by their keys; null where the result is unknown.
fn exact_numbers<C>(db: &Connection, charge: &C) -> Result<(), Error>
where
    C: Fn(usize) -> bool + Clone + Send + 'static,
{
    let compute = |name: &str, arguments: i32, of: fn(&Context<'_>) -> Result<Option<Decimal>, Error>| {
        let charge = charge.clone();
        scalar(db, name, arguments, move |call: &Context<'_>| {
            charged(&charge, EXACT_BYTES)?;
            Ok(of(call)?.map(exact::to_key))
        })
    };
    compute("decimal", 2, scaled)?;
    compute("decimal_negate", 1, |call| Ok(number(call, 0)?.and_then(|of| exact::subtract(Decimal::ZERO, of))))?;
    compute("decimal_add", 2, |call| Ok(numbers(call)?.and_then(|(left, right)| exact::add(left, right))))?;
    compute("decimal_subtract", 2, |call| Ok(numbers(call)?.and_then(|(left, right)| exact::subtract(left, right))))?;
    compute("decimal_multiply", 2, |call| Ok(numbers(call)?.and_then(|(left, right)| exact::multiply(left, right))))?;
    compute("decimal_round", 2, |call| {
        let digits = digits(call, 1)?;
        Ok(number(call, 0)?.and_then(|of| exact::round(of, digits)))
    })?;
    compute("decimal_divide", 3, |call| {
        let digits = digits(call, 2)?;
        Ok(numbers(call)?.and_then(|(left, right)| exact::divide(left, right, digits)))
    })?;
    let charge_fitted = charge.clone();
    scalar(db, "decimal_fitted", 3, move |call: &Context<'_>| {
        charged(&charge_fitted, EXACT_BYTES)?;
        let (precision, scale) = (digits(call, 1)?, digits(call, 2)?);
        let fitted = number(call, 0)?.and_then(|of| exact::fitted(of, precision, scale));
        Ok(fitted.and_then(|number| i64::try_from(number.mantissa()).ok()))
    })?;
    let charge = charge.clone();
    scalar(db, "decimal_scaled", 2, move |call: &Context<'_>| {
        charged(&charge, EXACT_BYTES)?;
        let scale = digits(call, 1)?;
        let scaled = number(call, 0)?.and_then(|mut number| {
            number.rescale(scale.max(number.scale()));
            (number.scale() == scale).then(|| i64::try_from(number.mantissa()).ok())?
        });
        Ok(scaled)
    })
}

/// The number that the first argument is at the scale in the second.
fn scaled(call: &Context<'_>) -> Result<Option<Decimal>, Error> {
    match call.get_raw(0) {
        ValueRef::Integer(scaled) => Ok(Decimal::try_from_i128_with_scale(scaled.into(), digits(call, 1)?).ok()),
        // 64 bits did not hold the integer.
        ValueRef::Null | ValueRef::Real(_) => Ok(None),
        other => Err(Error::InvalidFunctionParameterType(0, other.data_type())),
    }
}

/// An argument that is the key of an exact number; `None` for null.
fn number(call: &Context<'_>, argument: usize) -> Result<Option<Decimal>, Error> {
    let raw = call.get_raw(argument);
    let read = match raw {
        ValueRef::Null => return Ok(None),
        ValueRef::Blob(key) => exact::from_key(key),
        ValueRef::Integer(_) | ValueRef::Real(_) | ValueRef::Text(_) => None,
    };
    read.map(Some).ok_or(Error::InvalidFunctionParameterType(argument, raw.data_type()))
}

/// The first two arguments, if both are known.
fn numbers(call: &Context<'_>) -> Result<Option<(Decimal, Decimal)>, Error> {
    Ok(number(call, 0)?.zip(number(call, 1)?))
}

/// An argument that is a number of digits.
fn digits(call: &Context<'_>, argument: usize) -> Result<u32, Error> {
    call.get(argument)
}

/// A deterministic function of this many arguments.
fn scalar<T>(
    db: &Connection,
    name: &str,
    arguments: i32,
    call: impl Fn(&Context<'_>) -> Result<T, Error> + Send + 'static,
) -> Result<(), Error>
where
    T: rusqlite::functions::SqlFnOutput,
{
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_INNOCUOUS;
    db.create_scalar_function(name, arguments, flags, move |context| call(context))
}

/// An argument that is a text, in UTF-8 as it is stored; `None` for null.
fn text<'c>(call: &'c Context<'_>, argument: usize) -> Result<Option<&'c [u8]>, Error> {
    match call.get_raw(argument) {
        ValueRef::Null => Ok(None),
        ValueRef::Text(text) => Ok(Some(text)),
        other => Err(Error::InvalidFunctionParameterType(argument, other.data_type())),
    }
}

/// Charges a call, or ends the statement as SQLite's progress handler does.
fn charged(charge: &impl Fn(usize) -> bool, bytes: usize) -> Result<(), Error> {
    match charge(bytes) {
        true => Err(Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_INTERRUPT), None)),
        false => Ok(()),
    }
}

/// Unicode characters: the bytes of UTF-8 that don't continue one. They are counted in pieces that a byte can count, which
/// lets the processor compare many at a time.
fn characters(text: &[u8]) -> i64 {
    let in_piece = |piece: &[u8]| piece.iter().map(|byte| u8::from(byte & 0xC0 != 0x80)).sum::<u8>();
    text.chunks(usize::from(u8::MAX)).map(|piece| i64::from(in_piece(piece))).sum()
}

/// The sum of integers: 0 of none, null if it doesn't fit 64 bits. SQLite's own `sum` ends the statement there.
struct ExactSum;

impl Aggregate<i128, Option<i64>> for ExactSum {
    fn init(&self, _: &mut Context<'_>) -> Result<i128, Error> {
        Ok(0)
    }

    fn step(&self, call: &mut Context<'_>, sum: &mut i128) -> Result<(), Error> {
        match call.get_raw(0) {
            ValueRef::Null => {}
            // No table holds enough rows to overflow 128 bits.
            ValueRef::Integer(number) => *sum += i128::from(number),
            other => return Err(Error::InvalidFunctionParameterType(0, other.data_type())),
        }
        Ok(())
    }

    fn finalize(&self, _: &mut Context<'_>, sum: Option<i128>) -> Result<Option<i64>, Error> {
        Ok(i64::try_from(sum.unwrap_or_default()).ok())
    }
}

/// The sum of exact numbers, which go by their keys: 0 of none, null if it has too many digits.
struct DecimalSum;

impl Aggregate<exact::Sum, Option<Vec<u8>>> for DecimalSum {
    fn init(&self, _: &mut Context<'_>) -> Result<exact::Sum, Error> {
        Ok(exact::Sum::default())
    }

    fn step(&self, call: &mut Context<'_>, sum: &mut exact::Sum) -> Result<(), Error> {
        if let Some(number) = number(call, 0)? {
            sum.add(number);
        }
        Ok(())
    }

    fn finalize(&self, _: &mut Context<'_>, sum: Option<exact::Sum>) -> Result<Option<Vec<u8>>, Error> {
        Ok(sum.unwrap_or_default().number().map(|number| exact::to_key(number).to_vec()))
    }
}

/// A text that a function made.
struct Text(Vec<u8>);

impl ToSql for Text {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>, Error> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Text(&self.0)))
    }
}
