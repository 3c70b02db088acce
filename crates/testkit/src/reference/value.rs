use std::cmp::Ordering;
use std::sync::Arc;

use serde_json::{Number, Value as Json, json};

use super::Kind;

/// One unit of `Value::Decimal` is a billionth.
pub const DECIMAL_UNIT: i128 = 1_000_000_000;
const MICROS_PER_DAY: i64 = 86_400_000_000;

/// A value of the reference.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// No value: unknown.
    Null,
    /// A truth.
    Bool(bool),
    /// 64 bits.
    Int(i64),
    /// A finite number.
    Float(f64),
    /// In billionths.
    Decimal(i128),
    /// A text, an address or the name of an enum's value.
    Text(Arc<str>),
    /// In microseconds since 1970.
    Moment(i64),
    /// In days since 1970.
    Date(i32),
    /// In microseconds.
    Length(i64),
    /// The id of a record, as text.
    Id(Arc<str>),
    /// None of them is null.
    List(Vec<Value>),
    /// A document.
    Json(Arc<Json>),
}

impl Value {
    /// A text.
    pub fn text(text: &str) -> Self {
        Self::Text(text.into())
    }

    /// Whether there is none.
    pub fn is_null(&self) -> bool {
        *self == Self::Null
    }

    /// The truth of a Boolean; `None` is unknown.
    pub fn truth(&self) -> Option<bool> {
        match self {
            Self::Bool(truth) => Some(*truth),
            _ => None,
        }
    }

    /// The text that it is.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The id that it is.
    pub fn id(&self) -> Option<&Arc<str>> {
        match self {
            Self::Id(id) => Some(id),
            _ => None,
        }
    }

    /// How two values of one type compare; unknown where one is null.
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Bool(left), Self::Bool(right)) => Some(left.cmp(right)),
            (Self::Int(left), Self::Int(right))
            | (Self::Moment(left), Self::Moment(right))
            | (Self::Length(left), Self::Length(right)) => Some(left.cmp(right)),
            (Self::Float(left), Self::Float(right)) => left.partial_cmp(right),
            (Self::Decimal(left), Self::Decimal(right)) => Some(left.cmp(right)),
            (Self::Text(left), Self::Text(right)) | (Self::Id(left), Self::Id(right)) => {
                Some(left.chars().cmp(right.chars()))
            }
            (Self::Date(left), Self::Date(right)) => Some(left.cmp(right)),
            _ => None,
        }
    }

    /// The order of a list: null is greater than every value.
    pub fn order(&self, other: &Self) -> Ordering {
        match (self.is_null(), other.is_null()) {
            (false, false) => self.compare(other).expect("values of one field compare"),
            (left, right) => left.cmp(&right),
        }
    }

    /// As it stands in a body.
    pub fn json(&self, kind: &Kind) -> Json {
        match (self, kind) {
            (Self::List(items), Kind::List(element)) => items.iter().map(|item| item.json(element)).collect(),
            (Self::List(items), _) => items.iter().map(|item| item.json(kind)).collect(),
            (Self::Decimal(number), Kind::Decimal { scale }) => Json::String(decimal(*number, *scale)),
            (Self::Decimal(number), _) => Json::String(decimal(*number, 9)),
            (Self::Null, _) => Json::Null,
            (Self::Json(document), _) => (**document).clone(),
            (Self::Bool(truth), _) => json!(truth),
            (Self::Int(number), _) => json!(number),
            (Self::Float(number), _) => Number::from_f64(*number).map_or(Json::Null, Json::Number),
            (Self::Text(text) | Self::Id(text), _) => json!(&**text),
            (Self::Moment(micros), _) => Json::String(moment(*micros)),
            (Self::Date(days), _) => Json::String(date(i64::from(*days))),
            (Self::Length(micros), _) => Json::String(length(*micros)),
        }
    }

    /// As a literal of the language.
    pub fn literal(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Bool(truth) => truth.to_string(),
            Self::Int(number) => number.to_string(),
            Self::Float(number) => format!("{number:?}"),
            Self::Decimal(number) => {
                let short = shortest(*number);
                if short.contains('.') { short } else { format!("{short}.0") }
            }
            Self::Text(text) | Self::Id(text) => quoted(text),
            Self::Moment(micros) => format!("timestamp('{}')", moment(*micros)),
            Self::Date(days) => format!("'{}'", date(i64::from(*days))),
            Self::Length(micros) => format!("duration('{}')", length(*micros)),
            Self::List(items) => {
                let items: Vec<String> = items.iter().map(Self::literal).collect();
                format!("[{}]", items.join(", "))
            }
            Self::Json(document) => document.to_string(),
        }
    }

    /// What `text()` makes of it; of no value nothing.
    #[must_use]
    pub fn written(&self) -> Self {
        match self {
            Self::Int(number) => Self::text(&number.to_string()),
            Self::Bool(truth) => Self::text(&truth.to_string()),
            Self::Decimal(number) => Self::text(&shortest(*number)),
            Self::Text(text) | Self::Id(text) => Self::Text(Arc::clone(text)),
            Self::Moment(micros) => Self::text(&moment(*micros)),
            Self::Date(days) => Self::text(&date(i64::from(*days))),
            Self::Null | Self::Float(_) | Self::Length(_) | Self::List(_) | Self::Json(_) => Self::Null,
        }
    }
}

/// Without zeros that say nothing.
fn shortest(number: i128) -> String {
    decimal(number, 9).trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The whole years between two days, as people count their ages; negative if the second is the earlier one.
pub(super) fn years(from: i32, to: i32) -> i64 {
    if to < from {
        return -years(to, from);
    }
    let parts = |days: i32| {
        let text = date(i64::from(days));
        let part = |range: std::ops::Range<usize>| text[range].parse::<i64>().expect("digits");
        (part(0..4), part(5..7), part(8..10))
    };
    let ((born, month, day), (year, this_month, this_day)) = (parts(from), parts(to));
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let birthday = if (month, day) == (2, 29) && !is_leap { (3, 1) } else { (month, day) };
    year - born - i64::from((this_month, this_day) < birthday)
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// With this many digits after the point.
fn decimal(number: i128, scale: u32) -> String {
    let cut = DECIMAL_UNIT / 10_i128.pow(scale);
    let (sign, number) = (if number < 0 { "-" } else { "" }, number.unsigned_abs() / cut.unsigned_abs());
    let one = 10_u128.pow(scale);
    let (whole, rest) = (number / one, number % one);
    let width = usize::try_from(scale).expect("few digits");
    if scale == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{rest:0width$}") }
}

/// The calendar date of a day since 1970 ("days from civil", Howard Hinnant).
fn date(days: i64) -> String {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

fn moment(micros: i64) -> String {
    let (days, rest) = (micros.div_euclid(MICROS_PER_DAY), micros.rem_euclid(MICROS_PER_DAY));
    let (seconds, fraction) = (rest / 1_000_000, rest % 1_000_000);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{}T{hours:02}:{minutes:02}:{seconds:02}.{fraction:06}Z", date(days))
}

fn length(micros: i64) -> String {
    let (sign, micros) = (if micros < 0 { "-" } else { "" }, micros.unsigned_abs());
    let (seconds, fraction) = (micros / 1_000_000, micros % 1_000_000);
    if fraction == 0 { format!("{sign}PT{seconds}S") } else { format!("{sign}PT{seconds}.{fraction:06}S") }
}
