use backstay_base::ViolationKind;

use crate::MoneyError;

/// Why a token or a value is not a value of a scalar. Never repeats what was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// A value of another type or form.
    #[error("expected {0}")]
    Expected(&'static str),
    /// Digits that do not fit an integer.
    #[error("must be a whole number from {} to {}", i64::MIN, i64::MAX)]
    IntRange,
    /// A number too large for 64 bits.
    #[error("must be a number that fits 64 bits, at most about 1.8e308 in size")]
    FloatRange,
    /// More digits than the field's precision has.
    #[error("must have at most {whole} digits before the point and {scale} after it")]
    Digits {
        /// Digits before the point.
        whole: u8,
        /// Digits after it.
        scale: u8,
    },
    /// More characters than the scalar takes.
    #[error("must have at most {max} characters")]
    TooLong {
        /// The limit.
        max: usize,
    },
    /// The character NUL, which no database column can hold.
    #[error("must not contain the character NUL (U+0000)")]
    Nul,
    /// Half of a UTF-16 surrogate pair, which isn't a character.
    #[error("contains half of a surrogate pair (\\uD800 to \\uDFFF); write the whole pair, or the character itself")]
    LoneSurrogate,
    /// A moment outside the years that are stored.
    #[error("must be between 0001-01-01T00:00:00Z and 9999-12-30T22:00:00.999999Z")]
    MomentRange,
    /// A length of time that does not fit 64 bits of microseconds.
    #[error("must be shorter than about 292,000 years")]
    DurationRange,
    /// Years or months, whose length depends on the calendar.
    #[error("must be in weeks, days, hours, minutes and seconds; years and months vary in length")]
    CalendarDuration,
    /// An amount that its currency does not have.
    #[error("{0}")]
    Money(#[from] MoneyError),
    /// Not a code of ISO 4217.
    #[error("must be a currency code of ISO 4217, such as \"EUR\"")]
    Currency,
    /// Arrays and objects nested too deeply.
    #[error("must have at most {max} levels of arrays and objects")]
    Depth {
        /// The limit.
        max: usize,
    },
    /// An object of a document that has a member twice.
    #[error("has a member twice in one object")]
    MemberTwice,
    /// A document that is not JSON.
    #[error("is not well-formed JSON")]
    Json,
}

impl From<Problem> for ViolationKind {
    fn from(problem: Problem) -> Self {
        match problem {
            Problem::Expected(expected) => Self::Type { expected: expected.to_owned() },
            // A violation carries the text for the client. Nothing decides by it, and `base` can't know the scalars.
            other => Self::Range(other.to_string()),
        }
    }
}
