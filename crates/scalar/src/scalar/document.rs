use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use backstay_base::limits;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::definition::Definition;
use crate::{Problem, Schema, Storage, Token, Value};

/// `JSON`: a document (RFC 8259) without NUL, of at most `limits::JSON_DEPTH` levels, whose objects have no member
/// twice. Numbers keep their digits and objects the order of their members; white space is left out.
pub(crate) struct Json;

const EXPECTED: &str = "a JSON value";

impl Definition for Json {
    fn name(&self) -> &'static str {
        "JSON"
    }

    fn expected(&self) -> &'static str {
        EXPECTED
    }

    fn read(&self, token: Token<'_>) -> Result<Value, Problem> {
        let raw = token.json().ok_or(Problem::Expected(EXPECTED))?;
        compact(&raw).map(Value::Json)
    }

    fn fit(&self, value: Value) -> Result<Value, Problem> {
        match value {
            Value::Json(text) => compact(&text).map(Value::Json),
            _ => Err(Problem::Expected(EXPECTED)),
        }
    }

    fn storage(&self) -> Storage {
        Storage::Json
    }

    fn is_sortable(&self) -> bool {
        false
    }

    fn is_equatable(&self) -> bool {
        false
    }

    fn is_listable(&self) -> bool {
        false
    }

    fn schema(&self) -> Schema {
        Schema::Any
    }
}

/// The document without white space, once its depth, its members' names and its texts are checked.
fn compact(raw: &str) -> Result<Arc<str>, Problem> {
    let raw = serde_json::from_str::<&RawValue>(raw).map_err(|_| Problem::Json)?.get();
    let mut compact = String::with_capacity(raw.len());
    // For each array or object around, the members of the object so far.
    let mut around: Vec<HashSet<Cow<'_, str>>> = Vec::new();
    let mut rest = raw;
    while let Some(byte) = rest.bytes().next() {
        let length = match byte {
            b'"' => {
                let (quoted, text) = string(rest)?;
                let is_name = rest[quoted..].trim_ascii_start().starts_with(':');
                if is_name && around.last_mut().is_some_and(|members| !members.insert(text)) {
                    return Err(Problem::MemberTwice);
                }
                quoted
            }
            b'[' | b'{' if around.len() == limits::JSON_DEPTH => {
                return Err(Problem::Depth { max: limits::JSON_DEPTH });
            }
            b'[' | b'{' => {
                around.push(HashSet::new());
                1
            }
            b']' | b'}' => {
                around.pop();
                1
            }
            b' ' | b'\t' | b'\n' | b'\r' => {
                rest = rest.trim_ascii_start();
                continue;
            }
            // A number or a word: ASCII, since the document is well-formed.
            _ => 1,
        };
        compact.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    Ok(compact.into())
}

/// The length of the string that a well-formed text begins with, quotes included, and its characters.
fn string(text: &str) -> Result<(usize, Cow<'_, str>), Problem> {
    let bytes = text.as_bytes();
    let (mut at, mut escaped) = (1, false);
    while bytes.get(at).is_some_and(|byte| *byte != b'"') {
        escaped |= bytes[at] == b'\\';
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    let quoted = text.get(..=at).ok_or(Problem::Json)?;
    if !escaped {
        return Ok((quoted.len(), Cow::Borrowed(&quoted[1..at])));
    }
    let characters: String = serde_json::from_str(quoted).map_err(|_| Problem::LoneSurrogate)?;
    if characters.contains('\0') { Err(Problem::Nul) } else { Ok((quoted.len(), Cow::Owned(characters))) }
}

/// The items of a JSON array.
pub fn items(text: &str) -> Result<Vec<&RawValue>, serde_json::Error> {
    serde_json::from_str(text)
}

/// The members of a JSON object in their order, those that occur twice included.
pub fn members(text: &str) -> Result<Members<'_>, serde_json::Error> {
    struct Read<'a>(Members<'a>);
    impl<'de> Deserialize<'de> for Read<'de> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Object;
            impl<'de> Visitor<'de> for Object {
                type Value = Members<'de>;

                fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str("a JSON object")
                }

                fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                    let mut members = Vec::new();
                    while let Some(Name(name)) = map.next_key()? {
                        members.push((name, map.next_value()?));
                    }
                    Ok(members)
                }
            }
            deserializer.deserialize_map(Object).map(Self)
        }
    }
    serde_json::from_str(text).map(|Read(members)| members)
}

/// Names and values of a JSON object, the values as they are written.
pub type Members<'a> = Vec<(Cow<'a, str>, &'a RawValue)>;

#[derive(serde::Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scalar;

    #[test]
    fn documents_are_compact_and_bounded() {
        let check = |raw: &str, expected: Result<&str, Problem>| {
            let expected = expected.map(|text| Value::Json(text.into()));
            assert_eq!(Scalar::Json.read(Token::Json(raw)), expected, "{raw}");
        };
        check("{ \"a\" : [ 1.10 , \"b \\\" c\" ] }", Ok(r#"{"a":[1.10,"b \" c"]}"#));
        check(r#"{"z":1e400,"a":-0}"#, Ok(r#"{"z":1e400,"a":-0}"#));
        check(r#"{"a":1,"a":2}"#, Err(Problem::MemberTwice));
        check(r#""\u0000""#, Err(Problem::Nul));
        check(r#"["\ud800"]"#, Err(Problem::LoneSurrogate));
        check("[1", Err(Problem::Json));
        let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        check(&deep(33), Err(Problem::Depth { max: 32 }));
        check(&deep(20_000), Err(Problem::Depth { max: 32 }));
        assert_eq!(Scalar::Json.read(Token::Text("a\"")), Ok(Value::Json(r#""a\"""#.into())));
        assert_eq!(Scalar::Json.read(Token::Number("1.0")), Ok(Value::Json("1.0".into())));
    }
}
