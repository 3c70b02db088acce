use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::value::RawValue;

use crate::decode;
use crate::encode::quoted;

/// The document after a merge patch (RFC 7396, section 2). Both are texts without white space; what is neither named
/// nor changed keeps its text, so that no number loses a digit.
pub(crate) fn merged(target: Option<&str>, patch: &str) -> String {
    let mut out = Vec::with_capacity(target.map_or(0, str::len) + patch.len());
    merge(target, patch, &mut out);
    String::from_utf8(out).unwrap_or_default()
}

type Members<'a> = Vec<(Cow<'a, str>, &'a RawValue)>;

fn members(text: &str) -> Option<Members<'_>> {
    if text.starts_with('{') { decode::members(text).ok() } else { None }
}

fn merge(target: Option<&str>, patch: &str, out: &mut Vec<u8>) {
    let Some(patch) = members(patch) else { return out.extend_from_slice(patch.as_bytes()) };
    let mut left: HashMap<&str, &RawValue> = patch.iter().map(|(name, value)| (&**name, *value)).collect();
    let before = target.and_then(members).unwrap_or_default();
    out.push(b'{');
    let start = out.len();
    for (name, value) in &before {
        match left.remove(&**name) {
            Some(patch) if patch.get() == "null" => {}
            Some(patch) => {
                begin(out, start, name);
                merge(Some(value.get()), patch.get(), out);
            }
            None => {
                begin(out, start, name);
                out.extend_from_slice(value.get().as_bytes());
            }
        }
    }
    for (name, value) in &patch {
        if left.contains_key(&**name) && value.get() != "null" {
            begin(out, start, name);
            merge(None, value.get(), out);
        }
    }
    out.push(b'}');
}

/// Begins a member of an object whose members begin at `start`.
fn begin(out: &mut Vec<u8>, start: usize, name: &str) {
    if out.len() > start {
        out.push(b',');
    }
    quoted(out, name);
    out.push(b':');
}

#[cfg(test)]
mod tests {
    use super::merged;

    /// The cases of RFC 7396, appendix A, whose patch is an object.
    #[test]
    fn documents_are_merged_as_the_standard_says() {
        let check = |target: &str, patch: &str, expected: &str| {
            assert_eq!(merged(Some(target), patch), expected, "{target} {patch}");
        };
        check(r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#);
        check(r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#);
        check(r#"{"a":"b"}"#, r#"{"a":null}"#, "{}");
        check(r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#);
        check(r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#);
        check(r#"{"a":"c"}"#, r#"{"a":["b"]}"#, r#"{"a":["b"]}"#);
        check(r#"{"a":{"b":"c"}}"#, r#"{"a":{"b":"d","c":null}}"#, r#"{"a":{"b":"d"}}"#);
        check(r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#);
        check(r#"{"e":null}"#, r#"{"a":1}"#, r#"{"e":null,"a":1}"#);
        check("[1,2]", r#"{"a":"b","c":null}"#, r#"{"a":"b"}"#);
        check("{}", r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#);
    }

    #[test]
    fn what_is_not_named_keeps_its_text() {
        let target = r#"{"n":12345678901234567890.10,"\u0061":"\"x","e":1e400}"#;
        let expected = r#"{"n":12345678901234567890.10,"a":"\"x","e":1e400,"b":1.0}"#;
        assert_eq!(merged(Some(target), r#"{"b":1.0}"#), expected);
        assert_eq!(merged(None, r#"{"b":{"c":null}}"#), r#"{"b":{}}"#);
    }
}
