use backstay_base::{Error, ViolationKind};
use backstay_engine::{IfMatch, Tag};
use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::Refusal;
use crate::compression::Coding;

/// One entity tag as a client sends it (RFC 9110, section 8.8.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct EntityTag<'a> {
    weak: bool,
    /// The bytes between the quotes.
    opaque: &'a [u8],
}

impl EntityTag<'_> {
    /// Whether it is this tag, in any coding.
    fn names(self, tag: &Tag) -> bool {
        let suffix = self.opaque.strip_prefix(tag.as_str().as_bytes());
        suffix.is_some_and(|suffix| Coding::ALL.iter().any(|coding| coding.tag_suffix().as_bytes() == suffix))
    }
}

/// `If-Match` or `If-None-Match`.
#[derive(Debug, PartialEq, Eq)]
enum Condition<'a> {
    Any,
    Tags(Vec<EntityTag<'a>>),
}

/// The field value of `ETag`: the tag with the suffix of the coding, so that each form has a strong tag of its own.
pub(crate) fn etag(tag: &Tag, coding: Coding) -> Option<HeaderValue> {
    HeaderValue::from_maybe_shared(bytes::Bytes::from(format!("\"{tag}{}\"", coding.tag_suffix()))).ok()
}

/// Whether the client has what the tag stands for, in any coding (RFC 9110, section 13.1.2: compared weakly).
pub(crate) fn is_unchanged(headers: &HeaderMap, tag: &Tag) -> Result<bool, Refusal> {
    Ok(match read(headers, &header::IF_NONE_MATCH)? {
        None => false,
        Some(Condition::Any) => true,
        Some(Condition::Tags(tags)) => tags.iter().any(|sent| sent.names(tag)),
    })
}

/// `If-Match` of a write: the versions that its tags name. A weak tag never matches (RFC 9110, section 13.1.1).
pub(crate) fn if_match(headers: &HeaderMap) -> Result<Option<IfMatch>, Refusal> {
    Ok(read(headers, &header::IF_MATCH)?.map(|condition| match condition {
        Condition::Any => IfMatch::Any,
        Condition::Tags(tags) => IfMatch::Versions(tags.into_iter().filter_map(version).collect()),
    }))
}

/// Refuses a read whose `If-Match` names no version that the record has.
pub(crate) fn require_version(headers: &HeaderMap, version: i64) -> Result<(), Refusal> {
    match if_match(headers)? {
        Some(IfMatch::Versions(versions)) if !versions.contains(&version) => {
            Err(Error::Precondition { version }.into())
        }
        _ => Ok(()),
    }
}

/// Refuses to read a list whose `If-Match` names other tags than it has (RFC 9110, section 13.1.1: compared strongly).
pub(crate) fn require_tag(headers: &HeaderMap, tag: &Tag) -> Result<(), Refusal> {
    match read(headers, &header::IF_MATCH)? {
        Some(Condition::Tags(tags)) if !tags.iter().any(|sent| !sent.weak && sent.names(tag)) => {
            Err(Refusal::ListChanged)
        }
        _ => Ok(()),
    }
}

/// Refuses a condition that a request of this kind cannot carry, rather than pass it over.
pub(crate) fn refuse(headers: &HeaderMap, name: &HeaderName) -> Result<(), Refusal> {
    if !headers.contains_key(name) {
        return Ok(());
    }
    Err(Refusal::malformed(name.as_str(), ViolationKind::Range("this request cannot carry this condition".to_owned())))
}

/// Refuses every condition.
pub(crate) fn refuse_all(headers: &HeaderMap) -> Result<(), Refusal> {
    refuse(headers, &header::IF_MATCH)?;
    refuse(headers, &header::IF_NONE_MATCH)
}

/// The version that a strong tag of a record names.
fn version(tag: EntityTag<'_>) -> Option<i64> {
    let text = std::str::from_utf8(tag.opaque).ok().filter(|_| !tag.weak)?;
    let (version, _hash) = text.split_once('.')?;
    version.parse().ok().filter(|_| version.bytes().all(|byte| byte.is_ascii_digit()))
}

fn read<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<Condition<'h>>, Refusal> {
    let mut tags = Vec::new();
    let mut lines = headers.get_all(name).iter().peekable();
    if lines.peek().is_none() {
        return Ok(None);
    }
    for line in lines {
        if line.as_bytes().trim_ascii() == b"*" {
            return Ok(Some(Condition::Any));
        }
        let expected = "entity tags in double quotes, such as \"3.Jw4…\", or *".to_owned();
        parse_list(line.as_bytes(), &mut tags)
            .ok_or_else(|| Refusal::malformed(name.as_str(), ViolationKind::Type { expected }))?;
    }
    Ok(Some(Condition::Tags(tags)))
}

/// Adds the tags of a comma-separated list; empty elements are allowed (RFC 9110, section 5.6.1).
fn parse_list<'a>(mut rest: &'a [u8], tags: &mut Vec<EntityTag<'a>>) -> Option<()> {
    loop {
        rest = rest.trim_ascii_start();
        while let Some(after) = rest.strip_prefix(b",") {
            rest = after.trim_ascii_start();
        }
        if rest.is_empty() {
            return Some(());
        }
        let (weak, quoted) = rest.strip_prefix(b"W/").map_or((false, rest), |quoted| (true, quoted));
        let inner = quoted.strip_prefix(b"\"")?;
        let end = inner.iter().position(|byte| *byte == b'"')?;
        let (opaque, after) = inner.split_at(end);
        if opaque.iter().any(|byte| *byte <= b' ' || *byte == 0x7F) {
            return None;
        }
        tags.push(EntityTag { weak, opaque });
        rest = after[1..].trim_ascii_start();
        if !rest.is_empty() && !rest.starts_with(b",") {
            return None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn if_match_names_versions() {
        let check = |lines: &[&str], expected: Result<Option<IfMatch>, ()>| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(header::IF_MATCH, line.parse().expect("a value"));
            }
            assert_eq!(if_match(&headers).map_err(|_| ()), expected, "{lines:?}");
        };
        let versions = |versions: &[i64]| Ok(Some(IfMatch::Versions(versions.to_vec())));
        check(&[], Ok(None));
        check(&["*"], Ok(Some(IfMatch::Any)));
        check(&[r#""3.abc""#], versions(&[3]));
        check(&[r#""3.abc-gzip""#], versions(&[3]));
        check(&[r#""3.abc", "4.def""#, r#""5.x""#], versions(&[3, 4, 5]));
        check(&[r#" , "3.abc" ,, "#], versions(&[3]));
        check(&[r#"W/"3.abc""#], versions(&[]));
        check(&[r#""abc""#, r#""-3.abc""#, r#""+3.abc""#, r#""99999999999999999999.abc""#], versions(&[]));
        for bad in ["3.abc", r#""3.abc"#, r#"w/"3.abc""#, r#""3.abc" "4.d""#, r#""3. abc""#, "W/", r#""a"*"#] {
            check(&[bad], Err(()));
        }
    }
}
