//! Values within documents in normal form, such as the members of embedded values: where in the document one is, and how
//! it is read. Memory and SQLite read them with this; as a text, a lookup is the second argument of SQLite's function
//! `within`:
//!
//! | text | is |
//! |---|---|
//! | `address.street String` | a value of a scalar; of an enum, `Text` |
//! | `price Decimal.18.2` | a `Decimal` of 18 digits, 2 of them after the point |
//! | `order ID.int`, `country ID.text` | a key that is a number, or a text |
//! | `tags [String]` | a list of values |
//! | `address {}` | the JSON itself |
//! | `cost Money amount`, `cost Money currency` | a part of an amount of money |
//!
//! Without names before the space, the document itself is meant.

use std::fmt::{Display, Formatter};
use std::str::FromStr;
use std::sync::Arc;

use backstay_base::KeyForm;

use crate::{Part, Scalar, Storage, Token, Value, items, members};

/// A value within a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lookup {
    /// The names of the members that lead to it, from the outermost in. None: the document itself.
    pub names: Vec<Arc<str>>,
    /// What is there.
    pub held: Held,
    /// The part, if it is an amount of money of which a part is meant.
    pub part: Option<Part>,
}

/// What a document holds at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// A value.
    One(Scalar),
    /// A list of values.
    List(Scalar),
    /// JSON that is looked into, or of which only the presence matters.
    Json,
}

/// A text that is not a lookup.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` doesn't say what to look up")]
pub struct LookupError(String);

impl Lookup {
    /// The document itself.
    pub fn whole() -> Self {
        Self { names: Vec::new(), held: Held::Json, part: None }
    }

    /// A member of what is here.
    #[must_use]
    pub fn member(&self, name: &str, held: Held) -> Self {
        Self { names: self.names.iter().cloned().chain([name.into()]).collect(), held, part: None }
    }

    /// The value in this document; null if it isn't there, or isn't what is held there. The work is linear in the length of
    /// the document.
    pub fn value(&self, document: &str) -> Value {
        let mut at = document;
        for name in &self.names {
            let Ok(members) = members(at) else { return Value::Null };
            let Some((_, member)) = members.into_iter().find(|(known, _)| **known == **name) else {
                return Value::Null;
            };
            at = member.get();
        }
        let value = self.held.read(at);
        self.part.map_or_else(|| value.clone(), |part| part.of(&value))
    }
}

impl Held {
    /// What one element or the value itself is stored in by the database, if it is taken out of the document.
    pub fn storage(self) -> Storage {
        match self {
            Self::One(scalar) | Self::List(scalar) => scalar.storage(),
            Self::Json => Storage::Json,
        }
    }

    fn read(self, raw: &str) -> Value {
        if raw == "null" {
            return Value::Null;
        }
        match self {
            Self::One(scalar) => read(scalar, raw),
            Self::List(scalar) => items(raw).map_or(Value::Null, |items| {
                Value::List(items.into_iter().map(|item| read(scalar, item.get())).collect())
            }),
            Self::Json => Value::Json(raw.into()),
        }
    }
}

/// A value in normal form. Texts are taken as they are: what they must be was asked when they were written.
fn read(scalar: Scalar, raw: &str) -> Value {
    let scalar = if scalar.storage() == Storage::Text { Scalar::Text } else { scalar };
    scalar.read(Token::Json(raw)).unwrap_or(Value::Null)
}

impl Display for Lookup {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ", self.names.join("."))?;
        match self.held {
            Held::One(scalar) => write_scalar(f, scalar)?,
            Held::List(scalar) => {
                f.write_str("[")?;
                write_scalar(f, scalar)?;
                f.write_str("]")?;
            }
            Held::Json => f.write_str("{}")?,
        }
        match self.part {
            Some(Part::Main) => f.write_str(" amount"),
            Some(Part::Currency) => f.write_str(" currency"),
            None => Ok(()),
        }
    }
}

fn write_scalar(f: &mut Formatter<'_>, scalar: Scalar) -> std::fmt::Result {
    match scalar {
        Scalar::Decimal { precision, scale } => write!(f, "Decimal.{precision}.{scale}"),
        Scalar::Id { form: KeyForm::Int } => f.write_str("ID.int"),
        Scalar::Id { form: KeyForm::Text } => f.write_str("ID.text"),
        scalar => f.write_str(scalar.name()),
    }
}

impl FromStr for Lookup {
    type Err = LookupError;

    fn from_str(text: &str) -> Result<Self, LookupError> {
        let parsed = || {
            let mut words = text.split(' ');
            let (names, held) = (words.next()?, words.next()?);
            let part = match words.next() {
                None => None,
                Some("amount") => Some(Part::Main),
                Some("currency") => Some(Part::Currency),
                Some(_) => return None,
            };
            let names = names.split('.').filter(|name| !name.is_empty()).map(Arc::from).collect();
            let held = match held.strip_prefix('[').and_then(|held| held.strip_suffix(']')) {
                Some(element) => Held::List(scalar(element)?),
                None if held == "{}" => Held::Json,
                None => Held::One(scalar(held)?),
            };
            words.next().is_none().then_some(Self { names, held, part })
        };
        parsed().ok_or_else(|| LookupError(text.to_owned()))
    }
}

fn scalar(text: &str) -> Option<Scalar> {
    match text.strip_prefix("Decimal.") {
        Some(digits) => {
            let (precision, scale) = digits.split_once('.')?;
            Some(Scalar::Decimal { precision: precision.parse().ok()?, scale: scale.parse().ok()? })
        }
        None => match text {
            "ID.int" => Some(Scalar::Id { form: KeyForm::Int }),
            "ID.text" => Some(Scalar::Id { form: KeyForm::Text }),
            text => Scalar::named(text),
        },
    }
}

#[cfg(test)]
mod tests {
    use backstay_base::RecordId;

    use super::*;

    const DOCUMENT: &str = r#"{"a":{"b":"x"},"n":9007199254740993,"d":"12.50","t":["p","q\"\\"],"m":{"amount":"5.00","currency":"EUR"},"o":null}"#;

    #[test]
    fn a_value_is_read_as_its_scalar_writes_it() {
        let check = |text: &str, expected: Value| {
            let lookup: Lookup = text.parse().expect("a lookup");
            assert_eq!(lookup.to_string(), text);
            assert_eq!(lookup.value(DOCUMENT), expected, "{text}");
        };
        check("a.b String", "x".into());
        check("n Int", Value::Int(9_007_199_254_740_993));
        check("d Decimal.18.2", Value::Decimal("12.50".parse().expect("a number")));
        check("n ID.int", Value::Id(RecordId::from_number(9_007_199_254_740_993).expect("a key")));
        check("a.b ID.text", Value::Id(RecordId::from_text("x").expect("a key")));
        check("t [Text]", Value::List([Value::text("p"), Value::text("q\"\\")].into()));
        check("m Money currency", Value::text("EUR"));
        check("m Money amount", Value::Decimal("5.00".parse().expect("a number")));
        check("a {}", Value::Json(r#"{"b":"x"}"#.into()));
        for absent in ["o {}", "o Int", "a.c String", "x.y Int", "n.x Int", "d Int", "n [Int]"] {
            check(absent, Value::Null);
        }
    }

    #[test]
    fn the_document_itself_has_no_name() {
        let check = |document: &str, expected: Value| {
            let lookup: Lookup = " {}".parse().expect("a lookup");
            assert_eq!(lookup, Lookup::whole());
            assert_eq!(lookup.value(document), expected);
        };
        check("[1]", Value::Json("[1]".into()));
        check("null", Value::Null);
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "a", "a Nothing", "a Decimal.2", "a Int more", "a Money amount more", "a [Int"] {
            assert_eq!(text.parse::<Lookup>(), Err(LookupError(text.to_owned())));
        }
    }
}
