//! Values that a request takes from the answers of earlier ones: `{"$ref": "w.id"}`, where an earlier request is named by
//! `"as": "w"`.

mod completion;
mod kind;
mod names;
mod rewrite;
mod scope;
mod source;
mod stand_in;
mod value;

use backstay_base::{ViolationKind, limits};
use serde_json::value::RawValue;

pub(super) use names::{Names, Unread};

use crate::json;
use crate::words::shorten;

/// The member of the only object that stands for a value of an answer.
const REFERENCE: &str = "$ref";

/// What a reference says: the name of a request, and the way to a value in its answer.
#[derive(Debug, Clone, Copy)]
struct Reference<'r> {
    text: &'r str,
    name: &'r str,
}

impl<'r> Reference<'r> {
    fn read(text: &'r str) -> Result<Self, ViolationKind> {
        let name = text.split('.').next().unwrap_or_default();
        let is_whole = text.len() <= limits::REFERENCE_BYTES && text.split('.').all(|part| !part.is_empty());
        match is_whole && is_name(name) && text.len() > name.len() {
            true => Ok(Self { text, name }),
            false => Err(malformed(text)),
        }
    }

    /// The members on the way to the value, from the outside in.
    fn path(self) -> Vec<&'r str> {
        self.text.split('.').skip(1).collect()
    }

    /// The same without the name of the request.
    fn member(self) -> &'r str {
        &self.text[self.name.len() + 1..]
    }
}

fn malformed(text: &str) -> ViolationKind {
    ViolationKind::Misused {
        problem: format!("`{}` doesn't say which value of which request", shorten(text)),
        remedy: "write the name of an earlier request and a field of its result, such as {\"$ref\": \"w.id\"}"
            .to_owned(),
    }
}

/// Whether an earlier request can have this name.
fn is_name(name: &str) -> bool {
    let first = name.bytes().next();
    name.len() <= limits::REFERENCE_NAME_BYTES
        && first.is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// What `as` calls a request.
fn name_in(raw: &RawValue) -> Result<String, ViolationKind> {
    let expected = "a name of letters, digits and `_`, such as \"w\"";
    let name = json::text(raw, expected)?.filter(|name| is_name(name));
    name.ok_or_else(|| ViolationKind::Type { expected: expected.to_owned() })
}

/// Why there is no value: the request that has it is refused.
fn refused(reference: Reference<'_>) -> ViolationKind {
    ViolationKind::Misused {
        problem: format!("`{}` was refused, and has no result", shorten(reference.name)),
        remedy: "correct that request first".to_owned(),
    }
}
