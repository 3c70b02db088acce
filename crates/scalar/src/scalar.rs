mod boolean;
mod bytes;
mod country;
mod decimal;
mod document;
mod duration;
mod email;
mod id;
mod locale;
mod merge;
mod money;
mod number;
mod phone;
mod text;
mod time;
mod url;

use boolean::Boolean;
use bytes::Bytes;
use country::Country;
use decimal::Decimal;
use document::Json;
use duration::Duration;
use email::Email;
use id::Id;
use locale::Locale;
use money::{CurrencyCode, MoneyAmount};
use number::{Float, Int};
use phone::Phone;
use text::{Text, Word};
use time::{Date, DateTime, Time};
use url::Url;

pub use decimal::read_exact;
pub use document::{Members, items, members};
pub use id::read_id;
pub use merge::{MergeError, OPERATIONS, has_operations, merged};
pub(crate) use number::Exact;

use backstay_base::KeyForm;

use crate::definition::{Definition, Letters, Writer};
use crate::{Part, Problem, Schema, Storage, Token, Value, ValueRef};

/// Declares the scalars that fields can have, each with its definition and a default for each of its parameters. One list
/// makes the enum, `ALL` and `define`, so that none of them can forget a scalar.
macro_rules! scalars {
    ($(
        $(#[$doc:meta])*
        $variant:ident $({ $($(#[$parameter_doc:meta])* $parameter:ident: $ty:ty = $default:expr,)* })?
            => $definition:expr;
    )*) => {
        /// A scalar type.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Scalar {
            $($(#[$doc])* $variant $({ $($(#[$parameter_doc])* $parameter: $ty),* })?,)*
        }

        impl Scalar {
            const COUNT: usize = [$(stringify!($variant)),*].len();

            /// The scalars that fields can have, by their names in model files; `Decimal` with its default precision.
            pub const ALL: [Self; Self::COUNT] = [$(Self::$variant $({ $($parameter: $default),* })?),*];

            fn define<R>(self, with: impl FnOnce(&dyn Definition) -> R) -> R {
                match self {
                    $(Self::$variant $({ $($parameter),* })? => with(&$definition),)*
                }
            }
        }
    };
}

scalars! {
    /// `ID`: the key of a record.
    Id {
        /// What keys the type of the record has. A field that refers to no type holds a UUID.
        form: KeyForm = KeyForm::Uuid,
    } => Id { form };
    /// `String`: at most `limits::STRING_CHARS` characters.
    String => Word;
    /// `Text`: a text without a limit of its own.
    Text => Text;
    /// `Int`: 64 bits, signed.
    Int => Int;
    /// `Float`: finite, 64 bits.
    Float => Float;
    /// `Decimal`: exact, at most 18 digits, `scale` of them after the point.
    Decimal {
        /// All digits, 1 to 18.
        precision: u8 = 18,
        /// Digits after the point, 0 to `precision`.
        scale: u8 = 4,
    } => Decimal { precision, scale };
    /// `Boolean`.
    Boolean => Boolean;
    /// `DateTime`: RFC 3339, kept to the microsecond in UTC.
    DateTime => DateTime;
    /// `Date`: RFC 3339, full-date.
    Date => Date;
    /// `Time`: a time of day without a date, RFC 3339, partial-time.
    Time => Time;
    /// `Duration`: ISO 8601, kept in microseconds.
    Duration => Duration;
    /// `Bytes`: base64, RFC 4648.
    Bytes => Bytes;
    /// `JSON`: RFC 8259.
    Json => Json;
    /// `Email`: RFC 5321 and 6531, kept in lower case.
    Email => Email;
    /// `Url`: absolute, `http` or `https`, as the URL Standard serializes it.
    Url => Url;
    /// `Phone`: E.164.
    Phone => Phone;
    /// `Country`: ISO 3166-1, two letters.
    Country => Country;
    /// `Locale`: BCP 47.
    Locale => Locale;
    /// `Money`: an amount with its currency.
    Money => MoneyAmount;
    /// `Currency`: ISO 4217, three letters.
    Currency => CurrencyCode;
}

impl Scalar {
    /// The key of a record of most types, and of accounts.
    pub const UUID: Self = Self::Id { form: KeyForm::Uuid };

    /// The scalar of this name in model files; `Decimal` with its default precision.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scalar| scalar.name() == name)
    }

    /// The name in model files.
    pub fn name(self) -> &'static str {
        self.define(|scalar| scalar.name())
    }

    /// What is expected of a value, with an example, as the end of a sentence.
    pub fn expected(self) -> &'static str {
        self.define(|scalar| scalar.expected())
    }

    /// The value that a token stands for, in normal form.
    pub fn read(self, token: Token<'_>) -> Result<Value, Problem> {
        self.define(|scalar| scalar.read(token))
    }

    /// A typed value in this scalar's normal form; null stays null. `fit(fit(v)) == fit(v)`.
    pub fn fit(self, value: Value) -> Result<Value, Problem> {
        if value.is_null() { Ok(value) } else { self.define(|scalar| scalar.fit(value)) }
    }

    /// What the column of one value holds; of several columns the first.
    pub fn storage(self) -> Storage {
        self.define(|scalar| scalar.storage())
    }

    /// The columns that a field of this scalar takes, in order.
    pub fn columns(self) -> Vec<(Part, Storage)> {
        self.define(|scalar| scalar.columns())
    }

    /// The value that these columns hold, in their order; none where the database holds something else.
    pub fn load(self, columns: &[ValueRef<'_>]) -> Option<Value> {
        if columns.first().is_none_or(|first| *first == ValueRef::Null) {
            return Some(Value::Null);
        }
        self.define(|scalar| scalar.load(columns))
    }

    /// How the first column's value is written as JSON.
    pub fn writer(self) -> Writer {
        self.define(|scalar| scalar.writer())
    }

    /// In which case the letters of its texts are.
    pub fn letters(self) -> Letters {
        self.define(|scalar| scalar.letters())
    }

    /// The most characters that a text of it can have, where a model can ask for fewer; `None` where the characters of a
    /// value are not what its length is.
    pub fn max_chars(self) -> Option<usize> {
        self.define(|scalar| scalar.max_chars())
    }

    /// Whether lists can be sorted by it and indexes hold it: its values are short and have an order.
    pub fn is_sortable(self) -> bool {
        self.define(|scalar| scalar.is_sortable())
    }

    /// Whether a list is narrowed to one value of it by `field=value`.
    pub fn is_equatable(self) -> bool {
        self.define(|scalar| scalar.is_equatable())
    }

    /// Whether a list field can hold it.
    pub fn is_listable(self) -> bool {
        self.define(|scalar| scalar.is_listable())
    }

    /// What an OpenAPI document says of it.
    pub fn schema(self) -> Schema {
        self.define(|scalar| scalar.schema())
    }
}
