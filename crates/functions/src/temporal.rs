//! What `Temporal` of functions takes from the host. Values cross the boundary as their texts.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, Unit, Zoned};
use rquickjs::{Ctx, Function};
use serde_json::{Value, json};

/// Why there is no value.
#[derive(Debug, thiserror::Error)]
enum Wrong {
    #[error(transparent)]
    Time(#[from] jiff::Error),
    #[error("`{0}` isn't a whole number")]
    Number(String),
    #[error("a part is missing")]
    Missing,
}

/// Gives the prelude this function.
pub(crate) fn provide<'js>(
    ctx: &Ctx<'js>,
    function: impl Fn(&str, Function<'js>) -> rquickjs::Result<()>,
) -> rquickjs::Result<()> {
    let compute = |what: String, texts: String| {
        let texts: Vec<String> = serde_json::from_str(&texts).unwrap_or_default();
        match computed(&what, &texts) {
            Ok(value) => json!({ "value": value }).to_string(),
            Err(wrong) => json!({ "error": wrong.to_string() }).to_string(),
        }
    };
    function("temporal", Function::new(ctx.clone(), compute)?)
}

/// What becomes of these texts.
fn computed(what: &str, texts: &[String]) -> Result<Value, Wrong> {
    let text = |index: usize| texts.get(index).map(String::as_str).ok_or(Wrong::Missing);
    let (kind, does) = what.split_once('.').ok_or(Wrong::Missing)?;
    match kind {
        "instant" => instant(does, text),
        "date" => date(does, text),
        "zoned" => zoned(does, text),
        _ => duration(does, texts),
    }
}

fn instant<'t>(does: &str, text: impl Fn(usize) -> Result<&'t str, Wrong>) -> Result<Value, Wrong> {
    let of = |index| Ok::<Timestamp, Wrong>(text(index)?.parse()?);
    Ok(match does {
        "of" => shown_instant(Timestamp::from_millisecond(number(text(0)?)?)?),
        "add" => shown_instant(of(0)?.checked_add(span(text(1)?)?)?),
        "subtract" => shown_instant(of(0)?.checked_sub(span(text(1)?)?)?),
        "until" => shown_span(of(0)?.until((largest(text(2)?, Unit::Second), of(1)?))?),
        "compare" => json!(of(0)?.cmp(&of(1)?) as i8),
        _ => shown_instant(of(0)?),
    })
}

fn date<'t>(does: &str, text: impl Fn(usize) -> Result<&'t str, Wrong>) -> Result<Value, Wrong> {
    let of = |index| Ok::<Date, Wrong>(text(index)?.parse()?);
    let part = |index| Ok::<i16, Wrong>(i16::try_from(number(text(index)?)?).unwrap_or(i16::MAX));
    let small = |index| Ok::<i8, Wrong>(i8::try_from(part(index)?).unwrap_or(i8::MAX));
    Ok(match does {
        "of" => shown_date(Date::new(part(0)?, small(1)?, small(2)?)?),
        "add" => shown_date(of(0)?.checked_add(span(text(1)?)?)?),
        "subtract" => shown_date(of(0)?.checked_sub(span(text(1)?)?)?),
        "until" => shown_span(of(0)?.until((largest(text(2)?, Unit::Day), of(1)?))?),
        "compare" => json!(of(0)?.cmp(&of(1)?) as i8),
        "zoned" => shown_zoned(&of(0)?.to_zoned(TimeZone::get(text(1)?)?)?),
        _ => shown_date(of(0)?),
    })
}

fn zoned<'t>(does: &str, text: impl Fn(usize) -> Result<&'t str, Wrong>) -> Result<Value, Wrong> {
    let of = |index| Ok::<Zoned, Wrong>(text(index)?.parse()?);
    Ok(match does {
        "of" => shown_zoned(&text(0)?.parse::<Timestamp>()?.in_tz(text(1)?)?),
        "add" => shown_zoned(&of(0)?.checked_add(span(text(1)?)?)?),
        "subtract" => shown_zoned(&of(0)?.checked_sub(span(text(1)?)?)?),
        "until" => shown_span(of(0)?.until((largest(text(2)?, Unit::Hour), &of(1)?))?),
        "compare" => json!(of(0)?.timestamp().cmp(&of(1)?.timestamp()) as i8),
        "day" => shown_zoned(&of(0)?.start_of_day()?),
        "instant" => shown_instant(of(0)?.timestamp()),
        "date" => shown_date(of(0)?.date()),
        _ => shown_zoned(&of(0)?),
    })
}

fn duration(does: &str, texts: &[String]) -> Result<Value, Wrong> {
    let first = texts.first().ok_or(Wrong::Missing)?;
    Ok(match does {
        "of" => json!(of_units(texts)?.to_string()),
        "negated" => shown_span(span(first)?.negate()),
        "abs" => shown_span(span(first)?.abs()),
        _ => shown_span(span(first)?),
    })
}

/// Sets a unit of a length of time.
type SetUnit = fn(Span, i64) -> Result<Span, jiff::Error>;

/// The largest units first.
fn of_units(texts: &[String]) -> Result<Span, Wrong> {
    const UNITS: [SetUnit; 10] = [
        |span, number| span.try_years(number),
        |span, number| span.try_months(number),
        |span, number| span.try_weeks(number),
        |span, number| span.try_days(number),
        |span, number| span.try_hours(number),
        |span, number| span.try_minutes(number),
        |span, number| span.try_seconds(number),
        |span, number| span.try_milliseconds(number),
        |span, number| span.try_microseconds(number),
        |span, number| span.try_nanoseconds(number),
    ];
    let mut made = Span::new();
    for (set, text) in UNITS.iter().zip(texts) {
        made = set(made, number(text)?)?;
    }
    Ok(made)
}

fn span(text: &str) -> Result<Span, Wrong> {
    Ok(text.parse()?)
}

fn number(text: &str) -> Result<i64, Wrong> {
    text.parse().map_err(|_| Wrong::Number(text.to_owned()))
}

fn largest(unit: &str, otherwise: Unit) -> Unit {
    match unit {
        "year" => Unit::Year,
        "month" => Unit::Month,
        "week" => Unit::Week,
        "day" => Unit::Day,
        "hour" => Unit::Hour,
        "minute" => Unit::Minute,
        "second" => Unit::Second,
        _ => otherwise,
    }
}

fn shown_instant(of: Timestamp) -> Value {
    json!({ "text": of.to_string(), "epochMilliseconds": of.as_millisecond() })
}

fn shown_date(of: Date) -> Value {
    json!({
        "text": of.to_string(), "year": of.year(), "month": of.month(), "day": of.day(),
        "dayOfWeek": of.weekday().to_monday_one_offset(), "dayOfYear": of.day_of_year(), "daysInMonth": of.days_in_month(),
        "inLeapYear": of.in_leap_year(),
    })
}

fn shown_zoned(of: &Zoned) -> Value {
    json!({
        "text": of.to_string(), "year": of.year(), "month": of.month(), "day": of.day(), "hour": of.hour(), "minute": of.minute(),
        "second": of.second(), "millisecond": of.millisecond(), "dayOfWeek": of.weekday().to_monday_one_offset(),
        "timeZoneId": of.time_zone().iana_name(), "offset": of.offset().to_string(),
        "epochMilliseconds": of.timestamp().as_millisecond(),
    })
}

fn shown_span(of: Span) -> Value {
    json!({
        "text": of.to_string(), "years": of.get_years(), "months": of.get_months(), "weeks": of.get_weeks(), "days": of.get_days(),
        "hours": of.get_hours(), "minutes": of.get_minutes(), "seconds": of.get_seconds(),
        "milliseconds": of.get_milliseconds(), "microseconds": of.get_microseconds(), "nanoseconds": of.get_nanoseconds(),
        "sign": of.signum(), "blank": of.is_zero(),
    })
}
