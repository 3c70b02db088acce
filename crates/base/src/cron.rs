use std::fmt;

use croner::parser::{CronParser, Seconds, Year};

use crate::{Timestamp, Zone, limits};

/// The times at which something happens again and again: a cron expression with five fields, or a name such as `@daily`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cron(croner::Cron);

/// Why a text is no cron expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CronProblem {
    /// It has more or fewer than five fields.
    #[error("a cron expression has 5 fields, and this one has {found}")]
    Fields {
        /// How many it has.
        found: usize,
    },
    /// It is a name, and not one that is known.
    #[error("there is no `{name}`")]
    Name {
        /// The name.
        name: String,
    },
    /// One of its fields can't be read.
    #[error("`{text}` isn't {field}")]
    Field {
        /// Which one.
        field: CronField,
        /// What it is.
        text: String,
    },
    /// No time is like this, such as the 31st of February.
    #[error("no day is ever like this")]
    Never,
    /// It is longer than `limits::CRON_BYTES`.
    #[error("a cron expression has at most {} bytes", limits::CRON_BYTES)]
    Length,
}

/// One of the five fields of a cron expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CronField {
    /// The first one.
    Minute,
    /// The second one.
    Hour,
    /// The third one.
    DayOfMonth,
    /// The fourth one.
    Month,
    /// The last one.
    DayOfWeek,
}

impl CronField {
    const ALL: [Self; 5] = [Self::Minute, Self::Hour, Self::DayOfMonth, Self::Month, Self::DayOfWeek];
}

impl fmt::Display for CronField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Minute => "a minute (0 to 59)",
            Self::Hour => "an hour (0 to 23)",
            Self::DayOfMonth => "a day of the month (1 to 31)",
            Self::Month => "a month (1 to 12, or JAN to DEC)",
            Self::DayOfWeek => "a day of the week (0 to 7, or SUN to SAT)",
        })
    }
}

const NAMES: [&str; 7] = ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];

impl Cron {
    /// The expression that a text is.
    pub fn parse(text: &str) -> Result<Self, CronProblem> {
        if text.len() > limits::CRON_BYTES {
            return Err(CronProblem::Length);
        }
        let fields: Vec<&str> = text.split_whitespace().collect();
        let cron = match fields.as_slice() {
            [name] if name.starts_with('@') => {
                let known = NAMES.iter().any(|known| known.eq_ignore_ascii_case(name));
                let cron = known.then(|| parse(name)).flatten();
                cron.ok_or_else(|| CronProblem::Name { name: (*name).to_owned() })?
            }
            fields if fields.len() == CronField::ALL.len() => {
                for (place, (field, text)) in CronField::ALL.into_iter().zip(fields).enumerate() {
                    let mut alone = ["*"; 5];
                    alone[place] = text;
                    // A name stands for a whole expression.
                    if text.contains('@') || parse(&alone.join(" ")).is_none() {
                        return Err(CronProblem::Field { field, text: (*text).to_owned() });
                    }
                }
                parse(text).ok_or(CronProblem::Never)?
            }
            fields => return Err(CronProblem::Fields { found: fields.len() }),
        };
        let cron = Self(cron);
        match cron.after(&Zone::utc(), Timestamp::EPOCH) {
            Some(_) => Ok(cron),
            None => Err(CronProblem::Never),
        }
    }

    /// The first of its times in a zone that comes after a moment. A time of day that a clock skips is the moment at which it is put
    /// forward; one that comes twice is the first of the two. Where the minutes or hours are `*` or a step, they are those that the
    /// clock shows: skipped ones are left out, and those that come twice are two.
    pub fn after(&self, zone: &Zone, moment: Timestamp) -> Option<Timestamp> {
        let next = self.0.find_next_occurrence(&zone.at(moment)?, false).ok()?;
        Timestamp::from_micros(next.timestamp().as_microsecond())
    }

    /// Whether a moment is one of its times in a zone.
    pub fn is_at(&self, zone: &Zone, moment: Timestamp) -> bool {
        let before = Timestamp::from_micros(moment.micros() - 1);
        before.and_then(|before| self.after(zone, before)) == Some(moment)
    }
}

fn parse(text: &str) -> Option<croner::Cron> {
    CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build().parse(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cron(text: &str) -> Cron {
        Cron::parse(text).expect("a cron expression")
    }

    #[test]
    fn expressions() {
        for text in ["* * * * *", "*/15 9-17 * * MON-FRI", "0 3 1,15 jan *", "30 2 L * *", "0 0 * * 5#2", "@daily"] {
            assert!(Cron::parse(text).is_ok(), "{text}");
        }
        let check = |text: &str, expected: &str| {
            let problem = Cron::parse(text).expect_err(text);
            assert_eq!(problem.to_string(), expected, "{text}");
        };
        check("", "a cron expression has 5 fields, and this one has 0");
        check("* * * *", "a cron expression has 5 fields, and this one has 4");
        check("0 * * * * *", "a cron expression has 5 fields, and this one has 6");
        check("@nightly", "there is no `@nightly`");
        check("60 * * * *", "`60` isn't a minute (0 to 59)");
        check("0 24 * * *", "`24` isn't an hour (0 to 23)");
        check("0 0 32 * *", "`32` isn't a day of the month (1 to 31)");
        check("0 0 1 FOO *", "`FOO` isn't a month (1 to 12, or JAN to DEC)");
        check("0 0 * * 8", "`8` isn't a day of the week (0 to 7, or SUN to SAT)");
        check("@daily 0 * * *", "`@daily` isn't a minute (0 to 59)");
        check("0 0 31 2 *", "no day is ever like this");
        check(&"* ".repeat(200), "a cron expression has at most 200 bytes");
    }

    #[test]
    fn times() {
        let check = |text: &str, zone: &str, from: &str, expected: &[&str]| {
            let zone = Zone::named(zone).expect("a zone");
            let mut moment = Timestamp::parse(from).expect("a moment");
            for expected in expected {
                let next = cron(text).after(&zone, moment).expect("a next one");
                assert_eq!(next.to_string().replace(".000000", ""), *expected, "{text} {from}");
                assert!(cron(text).is_at(&zone, next), "{text} {next}");
                moment = next;
            }
        };
        check("0 3 * * *", "UTC", "2026-01-31T03:00:00Z", &["2026-02-01T03:00:00Z"]);
        check("0 3 * * *", "UTC", "2026-01-31T02:59:59.999999Z", &["2026-01-31T03:00:00Z", "2026-02-01T03:00:00Z"]);
        check("0 3 * * *", "Europe/Zurich", "2026-07-01T00:00:00Z", &["2026-07-01T01:00:00Z"]);
        check("0 0 29 2 *", "UTC", "2026-01-01T00:00:00Z", &["2028-02-29T00:00:00Z"]);
        // At two o'clock, the clock is put forward to three.
        let before = "2026-03-29T00:00:00Z";
        check("30 2 * * *", "Europe/Zurich", before, &["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]);
        check("30 * * * *", "Europe/Zurich", before, &["2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z"]);
        check("*/30 2 * * *", "Europe/Zurich", before, &["2026-03-30T00:00:00Z", "2026-03-30T00:30:00Z"]);
        // At three o'clock, it is put back to two.
        let before = "2026-10-24T23:00:00Z";
        check("30 2 * * *", "Europe/Zurich", before, &["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]);
        let each = ["2026-10-24T23:30:00Z", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-25T02:30:00Z"];
        check("30 * * * *", "Europe/Zurich", before, &each);
    }

    #[test]
    fn moments_of_a_schedule() {
        let at = |text: &str| cron("0 3 * * *").is_at(&Zone::utc(), Timestamp::parse(text).expect("a moment"));
        assert!(at("2026-01-31T03:00:00Z"));
        assert!(!at("2026-01-31T03:00:00.000001Z"));
        assert!(!at("2026-01-31T04:00:00Z"));
    }
}
