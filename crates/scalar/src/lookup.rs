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
//! | `meta.colour ?Text`, `meta.tags ?[Text]` | what a [`Reading`] makes of a value that clients choose, and of an array of them |
//!
//! Before the space are names of members, and places in arrays as `#0`. In a name, `%`, `.`, `#` and the space are written as
//! `%` and two hexadecimal digits, and a name without characters as `%`. Without any, the document itself is meant.

use std::convert::Infallible;
use std::fmt::{Display, Formatter};
use std::str::FromStr;
use std::sync::Arc;

use backstay_base::KeyForm;

use crate::{Part, Reading, Scalar, Storage, Token, Value, items, members};

/// A value within a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lookup {
    /// What leads to it, from the outermost in. None: the document itself.
    pub steps: Vec<Step>,
    /// What is there.
    pub held: Held,
    /// The part, if it is an amount of money of which a part is meant.
    pub part: Option<Part>,
}

/// A step from a value to one within it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// To the member of an object that has this name.
    Member(Arc<str>),
    /// To the element of an array that has this place, from 0.
    Element(u16),
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
    /// A value that clients choose, read as this.
    Free(Reading),
    /// An array that clients choose: those of its elements that are read as this.
    FreeList(Reading),
}

/// A text that is not a lookup.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` doesn't say what to look up")]
pub struct LookupError(String);

impl Lookup {
    /// The document itself.
    pub fn whole() -> Self {
        Self { steps: Vec::new(), held: Held::Json, part: None }
    }

    /// A member of what is here.
    #[must_use]
    pub fn member(&self, name: &str, held: Held) -> Self {
        self.then(Step::Member(name.into()), held)
    }

    /// What a step from here leads to.
    #[must_use]
    pub fn then(&self, step: Step, held: Held) -> Self {
        Self { steps: self.steps.iter().cloned().chain([step]).collect(), held, part: None }
    }

    /// The value in this document; null if it isn't there, or isn't what is held there. The work is linear in the length of
    /// the document, for each step.
    pub fn value(&self, document: &str) -> Value {
        let Ok(found) = self.find(document, |_| Ok::<(), Infallible>(()));
        found.map_or(Value::Null, |found| self.read(found))
    }

    /// What of the document is meant, as it is written there; nothing if it isn't there. Each step first tells `looked` how
    /// many bytes it looks through.
    pub fn find<'d, E>(
        &self,
        document: &'d str,
        looked: impl Fn(usize) -> Result<(), E>,
    ) -> Result<Option<&'d str>, E> {
        let mut at = document;
        for step in &self.steps {
            looked(at.len())?;
            let Some(found) = step.from(at) else { return Ok(None) };
            at = found;
        }
        looked(at.len())?;
        Ok(Some(at))
    }

    /// The value that `find` has found.
    pub fn read(&self, found: &str) -> Value {
        let value = self.held.read(found);
        self.part.map_or_else(|| value.clone(), |part| part.of(&value))
    }
}

impl Held {
    /// An element of a list that is held, as it is written in the document; `None` if it doesn't count.
    pub fn element(self, raw: &str) -> Option<Value> {
        match self {
            Self::List(scalar) => Some(read(scalar, raw)),
            Self::FreeList(reading) => {
                Some(reading.value(raw)).filter(|value| reading == Reading::Json || !value.is_null())
            }
            Self::One(_) | Self::Json | Self::Free(_) => None,
        }
    }
}

impl Step {
    fn from<'d>(&self, value: &'d str) -> Option<&'d str> {
        match self {
            Self::Member(name) => {
                let (_, member) = members(value).ok()?.into_iter().find(|(known, _)| **known == **name)?;
                Some(member.get())
            }
            Self::Element(place) => items(value).ok()?.get(usize::from(*place)).map(|element| element.get()),
        }
    }
}

impl Held {
    /// Whether clients choose what is there.
    pub fn is_free(self) -> bool {
        match self {
            Self::Free(_) | Self::FreeList(_) => true,
            Self::One(_) | Self::List(_) | Self::Json => false,
        }
    }

    /// What one element or the value itself is stored in by the database, if it is taken out of the document.
    pub fn storage(self) -> Storage {
        match self {
            Self::One(scalar) | Self::List(scalar) => scalar.storage(),
            Self::Json => Storage::Json,
            Self::Free(reading) | Self::FreeList(reading) => reading.storage(),
        }
    }

    fn read(self, raw: &str) -> Value {
        if raw == "null" {
            return Value::Null;
        }
        match self {
            Self::One(scalar) => read(scalar, raw),
            Self::Json => Value::Json(raw.into()),
            Self::Free(reading) => reading.value(raw),
            Self::List(_) | Self::FreeList(_) => items(raw).map_or(Value::Null, |items| {
                Value::List(items.into_iter().filter_map(|item| self.element(item.get())).collect())
            }),
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
        for (index, step) in self.steps.iter().enumerate() {
            write!(f, "{}{step}", if index > 0 { "." } else { "" })?;
        }
        f.write_str(" ")?;
        match self.held {
            Held::One(scalar) => write_scalar(f, scalar)?,
            Held::List(scalar) => {
                f.write_str("[")?;
                write_scalar(f, scalar)?;
                f.write_str("]")?;
            }
            Held::Json => f.write_str("{}")?,
            Held::Free(reading) => write!(f, "?{}", reading.name())?,
            Held::FreeList(reading) => write!(f, "?[{}]", reading.name())?,
        }
        match self.part {
            Some(Part::Main) => f.write_str(" amount"),
            Some(Part::Currency) => f.write_str(" currency"),
            None => Ok(()),
        }
    }
}

/// Characters of names that mean something in a lookup.
const ESCAPED: [char; 4] = ['%', '.', '#', ' '];

impl Display for Step {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Member(name) if name.is_empty() => f.write_str("%"),
            Self::Member(name) => name.chars().try_for_each(|character| match character {
                escaped if ESCAPED.contains(&escaped) => write!(f, "%{:02X}", u32::from(escaped)),
                plain => write!(f, "{plain}"),
            }),
            Self::Element(place) => write!(f, "#{place}"),
        }
    }
}

impl Step {
    fn parse(text: &str) -> Option<Self> {
        if let Some(place) = text.strip_prefix('#') {
            return place.parse().ok().map(Self::Element);
        }
        let mut parts = text.split('%');
        let mut name = parts.next()?.to_owned();
        for part in parts.filter(|_| text != "%") {
            let (code, rest) = part.split_at_checked(2)?;
            name.push(u8::from_str_radix(code, 16).ok()?.into());
            name.push_str(rest);
        }
        Some(Self::Member(name.into()))
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
            let (steps, held) = (words.next()?, words.next()?);
            let part = match words.next() {
                None => None,
                Some("amount") => Some(Part::Main),
                Some("currency") => Some(Part::Currency),
                Some(_) => return None,
            };
            let steps =
                steps.split('.').filter(|step| !step.is_empty()).map(Step::parse).collect::<Option<Vec<_>>>()?;
            let (held, is_free) = held.strip_prefix('?').map_or((held, false), |free| (free, true));
            let held = match held.strip_prefix('[').and_then(|held| held.strip_suffix(']')) {
                Some(element) if is_free => Held::FreeList(Reading::named(element)?),
                None if is_free => Held::Free(Reading::named(held)?),
                Some(element) => Held::List(scalar(element)?),
                None if held == "{}" => Held::Json,
                None => Held::One(scalar(held)?),
            };
            words.next().is_none().then_some(Self { steps, held, part })
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
    fn a_value_that_clients_choose_is_found_by_any_name() {
        let document = r##"{"a b":{"":[{"%.#":"x"},2.50,null,"y"]},"a\u0022'":true,"#0":1}"##;
        let check = |steps: &[Step], held: Held, text: &str, expected: Value| {
            let lookup = Lookup { steps: steps.to_vec(), held, part: None };
            assert_eq!(lookup.to_string(), text);
            assert_eq!(text.parse(), Ok(lookup.clone()));
            assert_eq!(lookup.value(document), expected, "{text}");
        };
        let member = |name: &str| Step::Member(name.into());
        let (outer, inner) = (member("a b"), member(""));
        let named = [outer.clone(), inner.clone(), Step::Element(0), member("%.#")];
        check(&named, Held::Free(Reading::Text), "a%20b.%.#0.%25%2E%23 ?Text", Value::text("x"));
        let number = [outer.clone(), inner.clone(), Step::Element(1)];
        let exact = Value::Decimal("2.50".parse().expect("a number"));
        check(&number, Held::Free(Reading::Number), "a%20b.%.#1 ?Number", exact);
        check(
            &[outer.clone(), inner.clone(), Step::Element(4)],
            Held::Free(Reading::Json),
            "a%20b.%.#4 ?JSON",
            Value::Null,
        );
        check(&[member("a\"'")], Held::Free(Reading::Boolean), "a\"' ?Boolean", Value::Bool(true));
        check(&[member("#0")], Held::Free(Reading::Int), "%230 ?Int", Value::Int(1));
        check(&[member("0")], Held::Free(Reading::Json), "0 ?JSON", Value::Null);
        let list = [outer, inner];
        check(&list, Held::FreeList(Reading::Text), "a%20b.% ?[Text]", Value::List([Value::text("y")].into()));
        check(&[member("#0")], Held::FreeList(Reading::Text), "%230 ?[Text]", Value::Null);
        let all: Lookup = "a%20b.% ?[JSON]".parse().expect("a lookup");
        assert!(matches!(all.value(document), Value::List(all) if all.len() == 4));
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
        for text in [
            "",
            "a",
            "a Nothing",
            "a Decimal.2",
            "a Int more",
            "a Money amount more",
            "a [Int",
            "a ?Nothing",
            "a ?[Int",
            "#x ?Text",
            "a%2 ?Text",
        ] {
            assert_eq!(text.parse::<Lookup>(), Err(LookupError(text.to_owned())));
        }
    }
}
