use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::Refusal;
use crate::coding::weighed;

pub(crate) const PREFER: HeaderName = HeaderName::from_static("prefer");
pub(crate) const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// Whether `Prefer` contains `return=minimal` (RFC 7240, section 4.2). Of two that contradict, the first counts.
pub(crate) fn wants_minimal(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(PREFER).iter().filter_map(|line| line.to_str().ok());
    lines
        .flat_map(|line| line.split(','))
        .filter_map(|preference| preference.split(';').next()?.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("return"))
        .is_some_and(|(_, value)| value.trim().trim_matches('"').eq_ignore_ascii_case("minimal"))
}

/// `Preference-Applied: return=minimal`.
pub(crate) fn minimal_applied() -> (HeaderName, HeaderValue) {
    (PREFERENCE_APPLIED, HeaderValue::from_static("return=minimal"))
}

/// Refuses a request whose `Accept` rules JSON out (RFC 9110, section 12.5.1).
pub(crate) fn require_json(headers: &HeaderMap) -> Result<(), Refusal> {
    let mut lines = headers.get_all(header::ACCEPT).iter().filter_map(|line| line.to_str().ok()).peekable();
    if lines.peek().is_none() {
        return Ok(());
    }
    let (mut best, mut weight) = (0, 0);
    for (range, quality) in lines.flat_map(|line| line.split(',')).map(weighed) {
        let precision = match range.to_ascii_lowercase().as_str() {
            "application/json" => 3,
            "application/*" => 2,
            "*/*" => 1,
            _ => continue,
        };
        if precision > best {
            (best, weight) = (precision, quality);
        }
    }
    if weight > 0 { Ok(()) } else { Err(Refusal::NotAcceptable { offered: "application/json" }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().expect("a value"))])
    }

    #[test]
    fn accept_takes_json_or_not() {
        let check = |accept: &str, expected: bool| {
            assert_eq!(require_json(&headers(header::ACCEPT, accept)).is_ok(), expected, "{accept}");
        };
        check("*/*", true);
        check("application/json", true);
        check("text/html, Application/*;q=0.1", true);
        check("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", true);
        check("text/html", false);
        check("application/json;q=0, */*", false);
        check("*/*;q=0", false);
        check("application/problem+json", false);
        assert!(require_json(&HeaderMap::new()).is_ok());
    }

    #[test]
    fn a_minimal_answer_is_preferred_or_not() {
        let check = |prefer: &str, expected: bool| {
            assert_eq!(wants_minimal(&headers(PREFER, prefer)), expected, "{prefer}");
        };
        check("return=minimal", true);
        check("respond-async, Return = \"minimal\"; foo=bar", true);
        check("return=representation", false);
        check("return=representation, return=minimal", false);
        check("return", false);
        check("", false);
    }
}
