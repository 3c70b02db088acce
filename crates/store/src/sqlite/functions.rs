//! The functions of the expression language on SQLite. SQLite's own are either quadratic (`instr`) or can't be stopped
//! while they work on a long text (`lower`, `length`, `json_each`): a virtual-machine step has no bound on its length. These
//! are linear, and charge the bytes that they work on to the connection's step budget.

use std::fmt::Write as _;
use std::sync::Arc;

use backstay_base::{CalendarField, Date, Duration, Period, RecordId, Timestamp, Zone, limits};
use backstay_scalar::formula::{Answer, Formula, FormulaError, Notation};
use backstay_scalar::{
    Casing, Extent, Pattern, Replacement, Scalar, Storage, Token, Value, exact, items, joined, plain_text, split,
    trimmed,
};
use backstay_sql::{Dialect, nested};
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
    decimal(db, &charge)?;
    calendar(db, &charge)?;

    let pay = charge.clone();
    scalar(db, "sortable", 1, move |call: &Context<'_>| {
        let value = call.get_raw(0);
        if let ValueRef::Text(octets) | ValueRef::Blob(octets) = value {
            charged(&pay, octets.len())?;
        }
        Ok(Some(sortable(value)))
    })?;

    // What SQLite does next with the text takes as long as the text is: see `metered` of the planner.
    scalar(db, "metered", 1, move |call: &Context<'_>| {
        if let Some(text) = text(call, 0)? {
            charged(&charge, text.len())?;
        }
        Ok(call.get_arg(0))
    })
}

/// A value as a text that sorts as it does among values of its type, null last, and that no other begins with.
fn sortable(value: ValueRef<'_>) -> String {
    const SIGN: u64 = 1 << 63;
    match value {
        ValueRef::Null => "z".to_owned(),
        ValueRef::Integer(number) => format!("n{:016x}", number.cast_unsigned() ^ SIGN),
        ValueRef::Real(number) => {
            let bits = number.to_bits();
            let in_order = if bits & SIGN == 0 { bits | SIGN } else { !bits };
            format!("n{in_order:016x}")
        }
        ValueRef::Text(octets) | ValueRef::Blob(octets) => {
            let mut text = String::with_capacity(2 * octets.len() + 2);
            text.push('t');
            for octet in octets {
                // Writing to a String cannot fail.
                let _ = write!(text, "{octet:02x}");
            }
            text.push(' ');
            text
        }
    }
}

/// Bytes that compiling a pattern is charged as, once for each statement, and those for each state of its program.
const PATTERN_BYTES: usize = 32 * 1024;
const PATTERN_STATE_BYTES: usize = 80;
/// Bytes that a byte is charged as of a text that isn't in ASCII and whose letters change: looking a character up takes as
/// long as searching through that many.
const WORK_PER_BYTE: usize = 32;
/// Bytes that finding and replacing one occurrence of a part is charged as: it takes as long as working on so many.
pub(super) const WORK_PER_OCCURRENCE: usize = 32;

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
        let replacement = Replacement::new(text, part, by);
        charged(&pay, WORK_PER_OCCURRENCE * replacement.occurrences())?;
        let result = replacement.result(limits::CHANGED_TEXT_BYTES);
        charged(&pay, result.as_ref().map_or(0, String::len))?;
        Ok(result)
    })?;
    joining(db, charge)?;
    let pay = charge.clone();
    scalar(db, "text_matches", 2, move |call: &Context<'_>| {
        // SQLite keeps what was made of an argument that is the same in all rows.
        let mut is_new = false;
        let pattern: Arc<Pattern> = call.get_or_create_aux(1, |pattern| -> Result<Pattern, PatternError> {
            is_new = true;
            Ok(Pattern::compile(pattern.as_str()?, Extent::Part)?)
        })?;
        // Not in there: an error of what makes the pattern wouldn't say that the statement was interrupted.
        if is_new {
            charged(&pay, PATTERN_BYTES + PATTERN_STATE_BYTES * pattern.states())?;
        }
        let Some(text) = characters_of(call, 0)? else { return Ok(None) };
        let mut ended = Ok(());
        let found = pattern.matches_unless(text, |work| {
            ended = charged(&pay, work);
            ended.is_err()
        });
        ended.map(|()| found)
    })
}

/// Functions that join and split texts, and that make texts of other values.
fn joining<C>(db: &Connection, charge: &C) -> Result<(), Error>
where
    C: Fn(usize) -> bool + Clone + Send + 'static,
{
    let pay = charge.clone();
    scalar(db, "text_concat", 2, move |call: &Context<'_>| {
        let (Some(one), Some(other)) = (characters_of(call, 0)?, characters_of(call, 1)?) else { return Ok(None) };
        charged(&pay, one.len() + other.len())?;
        Ok(joined([one, other], "", limits::CHANGED_TEXT_BYTES))
    })?;
    let pay = charge.clone();
    scalar(db, "text_split", 2, move |call: &Context<'_>| {
        let (Some(text), Some(separator)) = (characters_of(call, 0)?, characters_of(call, 1)?) else { return Ok(None) };
        charged(&pay, text.len().saturating_mul(2) + separator.len())?;
        if text.len() > limits::CHANGED_TEXT_BYTES {
            return Ok(None);
        }
        let Some(parts) = split(text, separator, limits::LIST_ITEMS) else { return Ok(None) };
        charged(&pay, WORK_PER_OCCURRENCE * parts.len())?;
        let parts: Vec<Value> = parts.into_iter().map(Value::text).collect();
        Ok(Some(nested::write_list(&parts, Storage::Text, Dialect::Sqlite)))
    })?;
    let pay = charge.clone();
    scalar(db, "text_join", 2, move |call: &Context<'_>| {
        let (Some(list), Some(separator)) = (characters_of(call, 0)?, characters_of(call, 1)?) else { return Ok(None) };
        charged(&pay, list.len().saturating_mul(2) + separator.len())?;
        let elements = nested::elements(list, Storage::Text).collect::<Result<Vec<_>, _>>();
        let elements = elements.map_err(|error| Error::FromSqlConversionFailure(0, Type::Text, error.into()))?;
        let Some(texts) = elements.iter().map(element_text).collect::<Option<Vec<&str>>>() else { return Ok(None) };
        let result = joined(texts, separator, limits::CHANGED_TEXT_BYTES);
        charged(&pay, result.as_ref().map_or(0, String::len))?;
        Ok(result)
    })?;
    let pay = charge.clone();
    scalar(db, "list_has", 3, move |call: &Context<'_>| {
        let Some(list) = characters_of(call, 0)? else { return Ok(None) };
        charged(&pay, list.len().saturating_mul(2))?;
        let refused = || Error::InvalidFunctionParameterType(0, Type::Text);
        let elements = items(list).map_err(|_| refused())?;
        charged(&pay, WORK_PER_OCCURRENCE * elements.len())?;
        let digits = micros(call, 2)?.and_then(|digits| u32::try_from(digits).ok()).ok_or_else(refused)?;
        let mut is_known = true;
        for element in elements {
            match is_element(call.get_raw(1), element.get(), digits) {
                Some(true) => return Ok(Some(true)),
                Some(false) => {}
                None => is_known = false,
            }
        }
        Ok(is_known.then_some(false))
    })?;
    scalar(db, "number_text", 1, |call: &Context<'_>| {
        let number = operand(call, 0, Notation::Key)?;
        Ok(number.and_then(|number| plain_text(&Value::Decimal(number))))
    })?;
    scalar(db, "id_text", 1, |call: &Context<'_>| {
        let raw = call.get_raw(0);
        let id = match raw {
            ValueRef::Null => return Ok(None),
            ValueRef::Blob(octets) => <[u8; 16]>::try_from(octets).ok().map(RecordId::from_bytes),
            ValueRef::Integer(_) | ValueRef::Real(_) | ValueRef::Text(_) => None,
        };
        id.map(|id| Some(id.to_string())).ok_or(Error::InvalidFunctionParameterType(0, raw.data_type()))
    })?;
    scalar(db, "moment_text", 1, |call: &Context<'_>| Ok(moment(call, 0)?.map(|moment| moment.to_string())))
}

/// Whether a value is this element of a stored list, whose integers have so many digits fewer after the point, or are
/// numbers with so many of them if the value is a key; none if one of the two is null.
pub(super) fn is_element(value: ValueRef<'_>, element: &str, digits: u32) -> Option<bool> {
    if element == "null" {
        return None;
    }
    let integer = || match element {
        "true" => Some(1),
        "false" => Some(0),
        number => number.parse::<i64>().ok(),
    };
    Some(match value {
        ValueRef::Null => return None,
        ValueRef::Text(text) => match element.strip_prefix('"').and_then(|element| element.strip_suffix('"')) {
            Some(plain) if !plain.contains('\\') => plain.as_bytes() == text,
            Some(_) => Scalar::Text
                .read(Token::Json(element))
                .is_ok_and(|element| element.as_text().is_some_and(|element| element.as_bytes() == text)),
            None => false,
        },
        ValueRef::Integer(value) => integer().is_some_and(|element| {
            10_i128.checked_pow(digits).is_some_and(|scale| i128::from(element) * scale == i128::from(value))
        }),
        ValueRef::Real(value) => element.parse() == Ok(value),
        ValueRef::Blob(key) => integer().is_some_and(|element| {
            Decimal::try_from_i128_with_scale(element.into(), digits).is_ok_and(|number| exact::to_key(number) == key)
        }),
    })
}

/// The text that an element of a list is.
fn element_text<'e>(element: &'e nested::Element<'_>) -> Option<&'e str> {
    match element.value() {
        backstay_scalar::ValueRef::Text(text) => Some(text),
        _ => None,
    }
}

type PatternError = Box<dyn std::error::Error + Send + Sync>;

/// An argument that is a text, as characters; `None` for null.
pub(super) fn characters_of<'c>(call: &'c Context<'_>, argument: usize) -> Result<Option<&'c str>, Error> {
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
    scalar(db, "years_between", 2, move |call: &Context<'_>| {
        pay()?;
        let (Some(from), Some(to)) = (date(call, 0)?, date(call, 1)?) else { return Ok(None) };
        Ok(Some(to.years_since(from)))
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

/// Bytes that each step of a formula is charged as: the numbers that it works on.
const EXACT_BYTES: usize = 84;

/// A formula that was read once for a statement.
struct Read {
    formula: Formula,
    /// Bytes that computing it is charged as.
    bytes: usize,
}

impl Read {
    /// The formula that the first argument is.
    fn of(call: &Context<'_>) -> Result<Self, Error> {
        let refused = |source: Box<_>| Error::FromSqlConversionFailure(0, Type::Text, source);
        let text = std::str::from_utf8(text(call, 0)?.unwrap_or_default()).map_err(|error| refused(error.into()))?;
        let formula: Formula = text.parse().map_err(|error: FormulaError| refused(error.into()))?;
        // The outcome takes a step as well.
        let bytes = (formula.term.steps() + 1) * EXACT_BYTES;
        Ok(Self { formula, bytes })
    }
}

/// Arithmetic on exact numbers: the first argument is a formula, the others are its operands; null where the result is
/// unknown.
fn decimal<C>(db: &Connection, charge: &C) -> Result<(), Error>
where
    C: Fn(usize) -> bool + Clone + Send + 'static,
{
    let charge = charge.clone();
    scalar(db, "decimal", ANY_NUMBER, move |call: &Context<'_>| {
        if call.is_empty() {
            return Err(Error::InvalidParameterCount(0, 1));
        }
        let read = match call.get_aux::<Read>(0)? {
            Some(read) => read,
            None => call.set_aux(0, Read::of(call)?)?,
        };
        let Formula { term, outcome } = &read.formula;
        charged(&charge, read.bytes)?;
        let number = term.number(&|index, notation| operand(call, index + 1, notation))?;
        Ok(number.and_then(|number| outcome.of(number)).map(Exact))
    })
}

/// The number that an argument is; `None` for null.
fn operand(call: &Context<'_>, argument: usize, notation: Notation) -> Result<Option<Decimal>, Error> {
    if argument >= call.len() {
        return Err(Error::InvalidParameterCount(call.len(), argument + 1));
    }
    let raw = call.get_raw(argument);
    let read = match (raw, notation) {
        // 64 bits did not hold the integer.
        (ValueRef::Null, _) | (ValueRef::Real(_), Notation::Scaled(_)) => return Ok(None),
        (ValueRef::Integer(scaled), Notation::Scaled(scale)) => {
            Decimal::try_from_i128_with_scale(scaled.into(), scale.into()).ok()
        }
        (ValueRef::Blob(key), Notation::Key) => exact::from_key(key),
        (ValueRef::Integer(_) | ValueRef::Real(_), Notation::Key)
        | (ValueRef::Blob(_), Notation::Scaled(_))
        | (ValueRef::Text(_), _) => None,
    };
    read.map(Some).ok_or(Error::InvalidFunctionParameterType(argument, raw.data_type()))
}

/// The number of arguments of a function that takes any.
const ANY_NUMBER: i32 = -1;

/// A deterministic function of this many arguments.
pub(super) fn scalar<T>(
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
pub(super) fn charged(charge: &impl Fn(usize) -> bool, bytes: usize) -> Result<(), Error> {
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
        let raw = call.get_raw(0);
        let added = match raw {
            ValueRef::Null => return Ok(()),
            ValueRef::Blob(key) => sum.add_key(key),
            ValueRef::Integer(_) | ValueRef::Real(_) | ValueRef::Text(_) => None,
        };
        added.ok_or(Error::InvalidFunctionParameterType(0, raw.data_type()))
    }

    fn finalize(&self, _: &mut Context<'_>, sum: Option<exact::Sum>) -> Result<Option<Vec<u8>>, Error> {
        Ok(sum.unwrap_or_default().number().map(|number| exact::to_key(number).to_vec()))
    }
}

/// What a formula answers.
struct Exact(Answer);

impl ToSql for Exact {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>, Error> {
        Ok(ToSqlOutput::Borrowed(match &self.0 {
            Answer::Key(key) => ValueRef::Blob(key),
            Answer::Scaled(number) => ValueRef::Integer(*number),
        }))
    }
}

/// A text that a function made.
struct Text(Vec<u8>);

impl ToSql for Text {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>, Error> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Text(&self.0)))
    }
}
