use backstay_base::{Error, ViolationKind};
use backstay_engine::{IfMatch, Tag};
use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::coding::Coding;
use crate::endpoint::{Conditions, Effect, Endpoint};
use crate::{Refusal, TagMismatch};

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
        self.is_like(tag) && self.opaque.starts_with(tag.as_str().as_bytes())
    }

    /// Whether it has the length of this tag, in any coding: it could be an earlier tag of the same list.
    fn is_like(self, tag: &Tag) -> bool {
        let Some((_, suffix)) = self.opaque.split_at_checked(tag.as_str().len()) else { return false };
        Coding::ALL.iter().any(|coding| coding.tag_suffix().as_bytes() == suffix)
    }
}

/// `If-Match` or `If-None-Match`.
#[derive(Debug, PartialEq, Eq)]
enum Condition<'a> {
    Any,
    Tags(Vec<EntityTag<'a>>),
}

/// The value of `ETag`: the tag with a suffix for the coding, so that each form has its own strong tag.
pub(crate) fn etag(tag: &Tag, coding: Coding) -> Option<HeaderValue> {
    let (tag, suffix) = (tag.as_str(), coding.tag_suffix());
    let mut text = String::with_capacity(tag.len() + suffix.len() + 2);
    for part in ["\"", tag, suffix, "\""] {
        text.push_str(part);
    }
    HeaderValue::from_maybe_shared(bytes::Bytes::from(text)).ok()
}

/// Whether the client already has what the tag names, in any coding (RFC 9110, section 13.1.2: compared weakly).
pub(crate) fn is_unchanged(headers: &HeaderMap, tag: &Tag) -> Result<bool, Refusal> {
    Ok(match read(headers, &header::IF_NONE_MATCH)? {
        None => false,
        Some(Condition::Any) => true,
        Some(Condition::Tags(tags)) => tags.iter().any(|sent| sent.names(tag)),
    })
}

/// `If-Match` of a write: the versions that its tags name. A weak tag never matches (RFC 9110, section 13.1.1).
pub(crate) fn of_write(headers: &HeaderMap, taken: Conditions) -> Result<Option<IfMatch>, Refusal> {
    match taken {
        Conditions::None | Conditions::OfRead => Ok(None),
        Conditions::OfWrite => if_match(headers),
        Conditions::OfReplace => match if_match(headers)? {
            None => if_none_match(headers),
            Some(_) if headers.contains_key(header::IF_NONE_MATCH) => Err(Refusal::malformed(
                header::IF_NONE_MATCH.as_str(),
                ViolationKind::Range("send either `If-Match` or `If-None-Match: *`".to_owned()),
            )),
            wanted => Ok(wanted),
        },
    }
}

/// `If-None-Match: *` of a write: there must be no record.
fn if_none_match(headers: &HeaderMap) -> Result<Option<IfMatch>, Refusal> {
    match read(headers, &header::IF_NONE_MATCH)? {
        None => Ok(None),
        Some(Condition::Any) => Ok(Some(IfMatch::Absent)),
        Some(Condition::Tags(_)) => {
            let range = "only `*` is supported here, which creates the record only if there is none".to_owned();
            Err(Refusal::malformed(header::IF_NONE_MATCH.as_str(), ViolationKind::Range(range)))
        }
    }
}

fn if_match(headers: &HeaderMap) -> Result<Option<IfMatch>, Refusal> {
    Ok(read(headers, &header::IF_MATCH)?.map(|condition| match condition {
        Condition::Any => IfMatch::Any,
        Condition::Tags(tags) => {
            IfMatch::Versions(tags.into_iter().filter(|tag| !tag.weak).filter_map(version).collect())
        }
    }))
}

/// Refuses a read whose `If-Match` does not name the version of the record.
pub(crate) fn require_version(headers: &HeaderMap, version: i64) -> Result<(), Refusal> {
    match if_match(headers)? {
        Some(IfMatch::Versions(versions)) if !versions.contains(&version) => {
            Err(name_mismatch(headers, Error::Precondition { version }))
        }
        Some(IfMatch::Versions(_) | IfMatch::Any | IfMatch::Absent) | None => Ok(()),
    }
}

/// Refuses to read a list whose `If-Match` does not name its tag (RFC 9110, section 13.1.1: compared strongly).
pub(crate) fn require_tag(headers: &HeaderMap, tag: &Tag) -> Result<(), Refusal> {
    let Some(Condition::Tags(tags)) = read(headers, &header::IF_MATCH)? else { return Ok(()) };
    if tags.iter().any(|sent| !sent.weak && sent.names(tag)) {
        return Ok(());
    }
    let mismatch = if tags.iter().any(|sent| sent.names(tag)) {
        TagMismatch::Weak
    } else if tags.iter().any(|sent| sent.is_like(tag)) {
        return Err(Refusal::ListChanged);
    } else {
        TagMismatch::Foreign
    };
    Err(Refusal::Tag { mismatch, version: None })
}

/// Why `If-Match` does not hold: the record has changed, or no tag could ever match.
pub(crate) fn name_mismatch(headers: &HeaderMap, error: Error) -> Refusal {
    let Error::Precondition { version: stored } = error else { return error.into() };
    let mismatch = match read(headers, &header::IF_MATCH) {
        Ok(Some(Condition::Tags(tags))) if tags.iter().any(|tag| version(*tag) == Some(stored)) => TagMismatch::Weak,
        Ok(Some(Condition::Tags(tags))) if tags.iter().all(|tag| version(*tag).is_none()) => TagMismatch::Foreign,
        Ok(_) | Err(_) => return error.into(),
    };
    Refusal::Tag { mismatch, version: Some(stored) }
}

/// Refuses preconditions that the endpoint does not take, instead of ignoring them. On reads, dates are ignored: no
/// answer has a modification date (RFC 9110, sections 13.1.3 and 13.1.4).
pub(crate) fn require(headers: &HeaderMap, endpoint: &Endpoint) -> Result<(), Refusal> {
    match endpoint.conditions {
        Conditions::OfRead | Conditions::OfReplace => {}
        Conditions::OfWrite => refuse(headers, &header::IF_NONE_MATCH, OTHER)?,
        Conditions::None => {
            refuse(headers, &header::IF_MATCH, OTHER)?;
            refuse(headers, &header::IF_NONE_MATCH, OTHER)?;
        }
    }
    if endpoint.effect == Effect::Changes {
        refuse(headers, &header::IF_UNMODIFIED_SINCE, DATE)?;
        refuse(headers, &header::IF_MODIFIED_SINCE, DATE)?;
    }
    Ok(())
}

const OTHER: &str = "this request does not support this precondition";
const DATE: &str = "records have versions, not modification dates; send the record's `ETag` in `If-Match`";

fn refuse(headers: &HeaderMap, name: &HeaderName, why: &str) -> Result<(), Refusal> {
    if !headers.contains_key(name) {
        return Ok(());
    }
    Err(Refusal::malformed(name.as_str(), ViolationKind::Range(why.to_owned())))
}

/// The version that the tag of a record names.
fn version(tag: EntityTag<'_>) -> Option<i64> {
    Tag::version_in(std::str::from_utf8(tag.opaque).ok()?)
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
        let expected = "entity tags in double quotes, such as \"3.Jw4…\", or `*`".to_owned();
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
            assert_eq!(of_write(&headers, Conditions::OfWrite).map_err(|_| ()), expected, "{lines:?}");
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
