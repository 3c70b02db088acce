/// What JSON Schema (draft 2020-12) says of a scalar's values.
#[derive(Debug, Clone, PartialEq)]
pub enum Schema {
    /// A string.
    Text {
        /// `format`: one of JSON Schema's or OpenAPI's, empty if none fits.
        format: &'static str,
        /// `pattern`, empty if there is none.
        pattern: String,
        /// `maxLength` in characters.
        max: Option<usize>,
    },
    /// A whole number of 64 bits.
    Integer,
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// An amount with its currency.
    Money,
    /// Any JSON value.
    Any,
}

impl Schema {
    /// A string of this format.
    pub(crate) fn format(format: &'static str) -> Self {
        Self::Text { format, pattern: String::new(), max: None }
    }

    /// A string that matches this pattern (ECMA-262).
    pub(crate) fn pattern(pattern: &str) -> Self {
        Self::Text { format: "", pattern: pattern.to_owned(), max: None }
    }

    /// A string of at most this many characters.
    pub(crate) fn up_to(max: usize) -> Self {
        Self::Text { format: "", pattern: String::new(), max: Some(max) }
    }
}
