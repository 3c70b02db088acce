use crate::Date;

/// A part of the calendar. All but hours begin at midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Period {
    Hour,
    Day,
    /// From Monday (ISO 8601).
    Week,
    Month,
    /// From January, April, July or October.
    Quarter,
    Year,
}

impl Period {
    const ALL: [Self; 6] = [Self::Hour, Self::Day, Self::Week, Self::Month, Self::Quarter, Self::Year];

    /// The name, in lower case, as statements have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Quarter => "quarter",
            Self::Year => "year",
        }
    }

    /// The period with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|period| period.name() == name)
    }
}

/// A part of a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum CalendarField {
    Year,
    Month,
    Day,
}

impl CalendarField {
    const ALL: [Self; 3] = [Self::Year, Self::Month, Self::Day];

    /// The name, in lower case: that of the function of the expression language, and as statements have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Year => "year",
            Self::Month => "month",
            Self::Day => "day",
        }
    }

    /// The part with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.name() == name)
    }

    /// This part of a date.
    pub fn of(self, date: Date) -> i64 {
        let (year, month, day) = date.calendar();
        match self {
            Self::Year => year,
            Self::Month => month,
            Self::Day => day,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_the_calendar_go_by_their_names() {
        for name in ["hour", "day", "week", "month", "quarter", "year"] {
            assert_eq!(Period::named(name).map(Period::name), Some(name));
        }
        for name in ["year", "month", "day"] {
            assert_eq!(CalendarField::named(name).map(CalendarField::name), Some(name));
        }
        assert_eq!((Period::named("Day"), CalendarField::named("week")), (None, None));
        let date = Date::parse("2026-01-31").expect("a date");
        assert_eq!(CalendarField::ALL.map(|field| field.of(date)), [2026, 1, 31]);
    }
}
