use std::borrow::Cow;

use backstay_base::{Error, ViolationKind};
use serde_json::value::RawValue;

/// The members of a JSON object in their order, including names that occur twice.
pub(crate) fn members(body: &[u8]) -> Result<Vec<(Cow<'_, str>, &RawValue)>, Error> {
    backstay_engine::object_members(body)
}

/// A text or null.
pub(crate) fn text(raw: &RawValue, expected: &str) -> Result<Option<String>, ViolationKind> {
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
