/// A scalar type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scalar {
    /// `ID`.
    Id,
    /// `String`: at most `limits::STRING_CHARS` characters.
    String,
    /// `Text`: limited by the body alone.
    Text,
    /// `Int`: 64 bits, signed.
    Int,
    /// `Float`: finite, 64 bits.
    Float,
    /// `Decimal`: exact, at most 18 digits of which `scale` stand after the point.
    Decimal {
        /// All digits, 1 to 18.
        precision: u8,
        /// Digits after the point, 0 to `precision`.
        scale: u8,
    },
    /// `Boolean`.
    Boolean,
    /// `DateTime`: RFC 3339, kept to the microsecond in UTC.
    DateTime,
    /// `Date`.
    Date,
    /// `JSON`.
    Json,
    /// `Email`: kept in lower case.
    Email,
    /// `Url`: absolute, `http` or `https`.
    Url,
    /// `Money`: two columns, `{column}` and `{column}_currency`.
    Money,
}

impl Scalar {
    /// The name in model files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Id => "ID",
            Self::String => "String",
            Self::Text => "Text",
            Self::Int => "Int",
            Self::Float => "Float",
            Self::Decimal { .. } => "Decimal",
            Self::Boolean => "Boolean",
            Self::DateTime => "DateTime",
            Self::Date => "Date",
            Self::Json => "JSON",
            Self::Email => "Email",
            Self::Url => "Url",
            Self::Money => "Money",
        }
    }
}
