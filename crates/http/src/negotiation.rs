use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::Refusal;
use crate::coding::weighed;

pub(crate) const PREFER: HeaderName = HeaderName::from_static("prefer");
pub(crate) const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// What a client prefers to get back from a write (RFC 7240, section 4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Returning {
    Minimal,
    Representation,
}

impl Returning {
    /// What `Prefer` asks for. Of two that contradict, the first counts (section 2).
    pub(crate) fn preferred(headers: &HeaderMap) -> Option<Self> {
        let lines = headers.get_all(PREFER).iter().filter_map(|line| line.to_str().ok());
        let (_, value) = lines
            .flat_map(|line| line.split(','))
            .filter_map(|preference| preference.split(';').next()?.split_once('='))
            .find(|(name, _)| name.trim().eq_ignore_ascii_case("return"))?;
        let value = value.trim().trim_matches('"');
        [Self::Minimal, Self::Representation].into_iter().find(|known| value.eq_ignore_ascii_case(known.word()))
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Minimal => "minimal",
            Self::Representation => "representation",
        }
    }

    /// `Preference-Applied` (section 3).
    pub(crate) fn applied(self) -> (HeaderName, HeaderValue) {
        let value = match self {
            Self::Minimal => "return=minimal",
            Self::Representation => "return=representation",
        };
        (PREFERENCE_APPLIED, HeaderValue::from_static(value))
    }
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
    fn what_a_write_returns_is_preferred_or_not() {
        let check = |prefer: &str, expected: Option<Returning>| {
            assert_eq!(Returning::preferred(&headers(PREFER, prefer)), expected, "{prefer}");
        };
        check("return=minimal", Some(Returning::Minimal));
        check("respond-async, Return = \"minimal\"; foo=bar", Some(Returning::Minimal));
        check("return=representation", Some(Returning::Representation));
        check("return=representation, return=minimal", Some(Returning::Representation));
        check("return=everything", None);
        check("return", None);
        check("", None);
    }
}
