use std::borrow::Cow;

use backstay_base::{Error, Place, Violation, ViolationKind, limits};

use crate::words::shorten;

/// A name and its value, decoded.
pub type Pair<'a> = (Cow<'a, str>, Cow<'a, str>);

/// The pairs of a URL's query, which may be absent.
pub fn of_url(query: Option<&str>) -> Result<Vec<Pair<'_>>, Error> {
    query.map_or(Ok(Vec::new()), pairs)
}

/// The pairs of a query or a form (`application/x-www-form-urlencoded`, the URL standard, section 5.1), decoded
/// strictly: every `%` begins two hexadecimal digits, the result is UTF-8 without NUL, and no name occurs twice.
pub fn pairs(text: &str) -> Result<Vec<Pair<'_>>, Error> {
    if text.bytes().filter(|byte| *byte == b'&').count() >= limits::PARAMETERS {
        let range = format!("at most {} parameters", limits::PARAMETERS);
        return Err(Error::malformed(Place::part("query"), ViolationKind::Range(range)));
    }
    let (mut pairs, mut violations) = (Vec::<Pair<'_>>::new(), Vec::new());
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = match decode(name, true) {
            Ok(name) => name,
            Err(kind) => {
                violations.push(Violation::new(Place::part(shorten(name)), kind));
                continue;
            }
        };
        match decode(value, true) {
            Err(kind) => violations.push(Violation::new(Place::part(shorten(&name)), kind)),
            Ok(_) if pairs.iter().any(|(known, _)| *known == name) => {
                violations.push(Violation::new(Place::part(shorten(&name)), ViolationKind::Duplicate));
            }
            Ok(value) => pairs.push((name, value)),
        }
    }
    if violations.is_empty() { Ok(pairs) } else { Err(Error::Malformed(violations)) }
}

/// Undoes percent-encoding (RFC 3986, section 2.1); `plus` says whether `+` is a space.
pub fn decode(text: &str, plus: bool) -> Result<Cow<'_, str>, ViolationKind> {
    let encoded = |byte: &u8| *byte == b'%' || (plus && *byte == b'+') || *byte == 0;
    let Some(start) = text.as_bytes().iter().position(encoded) else { return Ok(Cow::Borrowed(text)) };
    let mut bytes = Vec::with_capacity(text.len());
    bytes.extend_from_slice(&text.as_bytes()[..start]);
    let mut rest = &text.as_bytes()[start..];
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'+' if plus => bytes.push(b' '),
            b'%' => {
                let digits = rest.split_at_checked(2).and_then(|(digits, after)| Some((hex(digits)?, after)));
                let Some((value, after)) = digits else {
                    let offset = text.len() - rest.len() - 1;
                    return Err(syntax(
                        offset,
                        "'%' needs two hexadecimal digits",
                        Some("write a percent sign as %25"),
                    ));
                };
                bytes.push(value);
                rest = after;
            }
            _ => bytes.push(*byte),
        }
    }
    if let Some(offset) = bytes.iter().position(|byte| *byte == 0) {
        return Err(syntax(offset, "NUL is not allowed", None));
    }
    String::from_utf8(bytes)
        .map(Cow::Owned)
        .map_err(|error| syntax(error.utf8_error().valid_up_to(), "not UTF-8", Some("encode the text as UTF-8")))
}

fn hex(digits: &[u8]) -> Option<u8> {
    let digit = |byte: u8| (byte as char).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(digits[0])? << 4 | digit(digits[1])?)
}

fn syntax(offset: usize, problem: &str, remedy: Option<&str>) -> ViolationKind {
    ViolationKind::Syntax { offset, problem: problem.to_owned(), remedy: remedy.map(str::to_owned) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_encoding_is_strict() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(decode(text, true).ok().as_deref(), expected, "{text}");
        };
        check("", Some(""));
        check("plain", Some("plain"));
        check("a+b%20c%2Bd", Some("a b c+d"));
        check("%C3%BC%F0%9F%8E%88", Some("ü🎈"));
        check("ü", Some("ü"));
        for bad in ["%", "%4", "%zz", "%+1", "a%C3", "%FF", "%C0%80", "%ED%A0%80", "%00", "a\0"] {
            check(bad, None);
        }
        assert_eq!(decode("a+b", false).ok().as_deref(), Some("a+b"));
    }

    #[test]
    fn a_name_occurs_once() {
        let check = |text: &str, expected: Result<Vec<(&str, &str)>, &str>| {
            let got = pairs(text).map_err(|error| match error {
                Error::Malformed(violations) => {
                    violations.into_iter().map(|violation| violation.at.to_string()).collect()
                }
                _ => String::new(),
            });
            let got = got.as_ref().map(|pairs| pairs.iter().map(|(name, value)| (&**name, &**value)).collect());
            assert_eq!(got.map_err(String::as_str), expected, "{text}");
        };
        check("", Ok(vec![]));
        check("a=1&b=&c&d=x=y", Ok(vec![("a", "1"), ("b", ""), ("c", ""), ("d", "x=y")]));
        check("&a=1&", Ok(vec![("a", "1")]));
        check(&"a&".repeat(300), Err("query"));
        check("a=1&%61=2", Err("a"));
        check("a=%zz", Err("a"));
    }
}
