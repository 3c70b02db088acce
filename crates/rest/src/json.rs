use std::fmt;

use backstay_base::{Error, Place, ViolationKind, limits};
use backstay_scalar::Members;
use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// The members of a JSON object in their order, names that occur twice included.
pub fn members(body: &[u8]) -> Result<Members<'_>, Error> {
    members_of(utf8(body)?)
}

/// A text or null.
pub fn text(raw: &RawValue, expected: &str) -> Result<Option<String>, ViolationKind> {
    let raw = raw.get();
    serde_json::from_str(raw).map_err(|_| match raw.starts_with('"') {
        // The members were read as JSON, so all that a string can still have wrong is an unpaired surrogate.
        true => ViolationKind::Range(
            "the text contains half of a surrogate pair (`\\ud800` to `\\udfff`); send both halves or the character"
                .to_owned(),
        ),
        false => ViolationKind::Type { expected: expected.to_owned() },
    })
}

/// The text of a body.
pub(crate) fn utf8(body: &[u8]) -> Result<&str, Error> {
    std::str::from_utf8(body).map_err(|error| {
        let (problem, remedy) = ("this is not UTF-8".to_owned(), Some("send the body in UTF-8".to_owned()));
        Error::malformed(Place::Whole, ViolationKind::Syntax { offset: error.valid_up_to(), problem, remedy })
    })
}

pub(crate) fn members_of(text: &str) -> Result<Members<'_>, Error> {
    backstay_scalar::members(text).map_err(|error| match error.is_data() {
        true => Error::malformed(Place::Whole, not_an_object()),
        false => syntax(text, &error),
    })
}

/// The items of a JSON array, as raw values.
pub(crate) fn items(raw: &str) -> Option<Vec<&RawValue>> {
    serde_json::from_str(raw).ok()
}

/// Refuses a list with more items than one may have.
pub(crate) fn within_list_limit(items: usize) -> Result<(), ViolationKind> {
    match items > limits::LIST_ITEMS {
        true => Err(ViolationKind::Range(format!("at most {} items", limits::LIST_ITEMS))),
        false => Ok(()),
    }
}

pub(crate) fn not_an_object() -> ViolationKind {
    ViolationKind::Type { expected: "a JSON object".to_owned() }
}

/// A text that is not JSON.
pub(crate) fn syntax(text: &str, error: &serde_json::Error) -> Error {
    let line_start: usize = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    let end = (line_start + error.column().saturating_sub(1)).min(text.len());
    let offset = text.as_bytes()[..end].iter().filter(|byte| !matches!(byte, 0x80..=0xBF)).count();
    // The message ends with a line and column, which the offset says in our words.
    let message = error.to_string();
    let problem = message.split_once(" at line ").map_or(message.as_str(), |(words, _)| words);
    let (problem, remedy) = if text.trim_ascii().is_empty() {
        ("there is nothing".to_owned(), Some("send JSON".to_owned()))
    } else if error.is_eof() {
        ("the JSON ends too early".to_owned(), Some("send all of it".to_owned()))
    } else {
        (format!("not JSON: {problem}"), None)
    };
    Error::malformed(Place::Whole, ViolationKind::Syntax { offset, problem, remedy })
}

/// The items of an array of at most `max`; of a longer one at least one more.
pub(crate) fn few_items(text: &str, max: usize) -> Result<Vec<&RawValue>, Error> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let items = serde::Deserializer::deserialize_seq(&mut deserializer, Items { max });
    let items = items.and_then(|items| deserializer.end().map(|()| items));
    items.map_err(|error| syntax(text, &error))
}

struct Items {
    max: usize,
}

impl<'de> Visitor<'de> for Items {
    type Value = Vec<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
            if items.len() > self.max {
                // The rest is only passed over, so that the refusal names the limit.
                while seq.next_element::<IgnoredAny>()?.is_some() {}
            }
        }
        Ok(items)
    }
}
