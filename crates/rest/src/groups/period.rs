//! Periods by which records are grouped: `createdAt.month(Europe/Berlin)`.

use backstay_engine::name_of_path;

use super::items::is_path;
use super::problem::Problem;
use crate::words::shorten;

/// A period of the calendar in a time zone, as its first day; an hour, as the moment with which it begins.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Period {
    /// The expression that gives that.
    pub(super) term: String,
    /// The name that it has where it is given none.
    pub(super) name: Option<String>,
}

/// Periods, and how each is written.
const PERIODS: [(&str, Start); 6] = [
    ("year", Start::Day("startOfYear")),
    ("quarter", Start::Day("startOfQuarter")),
    ("month", Start::Day("startOfMonth")),
    ("week", Start::Day("startOfWeek")),
    ("day", Start::Today),
    ("hour", Start::Moment("startOfHour")),
];

/// Periods of other systems.
const ELSEWHERE: [&str; 3] = ["minute", "second", "decade"];

/// What stands for a period.
#[derive(Clone, Copy)]
enum Start {
    /// The day of the moment that a function gives.
    Day(&'static str),
    /// The day itself.
    Today,
    /// The moment that a function gives.
    Moment(&'static str),
}

impl Start {
    fn term(self, moment: &str, zone: &str) -> String {
        match self {
            Self::Day(function) => format!("date({function}({moment}, '{zone}'), '{zone}')"),
            Self::Today => format!("date({moment}, '{zone}')"),
            Self::Moment(function) => format!("{function}({moment}, '{zone}')"),
        }
    }
}

impl Period {
    /// The period that a key of groups names; `None`: it is something else.
    pub(super) fn read(text: &str, offset: usize) -> Result<Option<Self>, Problem> {
        let Some((path, zone)) = text.strip_suffix(')').and_then(|text| text.split_once('(')) else { return Ok(None) };
        let Some((moment, unit)) = path.rsplit_once('.').filter(|_| is_path(path)) else { return Ok(None) };
        let zone = unquoted(zone.trim());
        let Some((unit, start)) = PERIODS.into_iter().find(|(name, _)| *name == unit) else {
            if !ELSEWHERE.contains(&unit) || !is_zone(zone) {
                return Ok(None);
            }
            let problem = format!("records can't be grouped by {unit}");
            return Err(Problem::at(offset, problem, "the periods are year, quarter, month, week, day and hour"));
        };
        if zone.is_empty() {
            let problem = format!("a {unit} has no time zone");
            let remedy = format!("name one, as in {}.{unit}(Europe/Berlin), or UTC", shorten(moment));
            return Err(Problem::at(offset, problem, remedy));
        }
        if !is_zone(zone) {
            return Ok(None);
        }
        Ok(Some(Self { term: start.term(moment, zone), name: name_of_path(&[moment, unit]) }))
    }
}

fn unquoted(zone: &str) -> &str {
    let within = |quote: char| zone.strip_prefix(quote).and_then(|zone| zone.strip_suffix(quote));
    within('\'').or_else(|| within('"')).unwrap_or(zone)
}

/// Whether a text has only the characters of names of zones.
fn is_zone(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/_+-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_its_first_day() {
        let check = |text: &str, expected: Option<(&str, &str)>| {
            let period = Period::read(text, 0).expect("no problem");
            let found = period.as_ref().map(|period| (&*period.term, period.name.as_deref().unwrap_or_default()));
            assert_eq!(found, expected, "{text}");
        };
        let month = ("date(startOfMonth(createdAt, 'Europe/Berlin'), 'Europe/Berlin')", "createdAtMonth");
        check("createdAt.month(Europe/Berlin)", Some(month));
        check("createdAt.month('Europe/Berlin')", Some(month));
        check("createdAt.month( \"Europe/Berlin\" )", Some(month));
        check("order.placed.day(UTC)", Some(("date(order.placed, 'UTC')", "orderPlacedDay")));
        check("at.week(Etc/GMT+3)", Some(("date(startOfWeek(at, 'Etc/GMT+3'), 'Etc/GMT+3')", "atWeek")));
        check("at.quarter(UTC)", Some(("date(startOfQuarter(at, 'UTC'), 'UTC')", "atQuarter")));
        check("at.hour(Asia/Kolkata)", Some(("startOfHour(at, 'Asia/Kolkata')", "atHour")));
        check("at.year(UTC)", Some(("date(startOfYear(at, 'UTC'), 'UTC')", "atYear")));
        for other in [
            "at",
            "at.month",
            "month(at)",
            "at.month(UTC) + 1",
            "items.count(x, x.a)",
            "a.month(b, c)",
            "(a).month(UTC)",
        ] {
            check(other, None);
        }
    }

    #[test]
    fn a_period_has_a_zone() {
        for wrong in ["at.month()", "at.day('')", "at.hour()", "at.minute(UTC)"] {
            assert!(Period::read(wrong, 0).is_err(), "{wrong}");
        }
    }
}
