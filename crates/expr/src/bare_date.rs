//! Dates, with or without a time, that stand in an expression without quotes.

use std::ops::Range;

use backstay_scalar::{Scalar, Token};

/// Bytes of a date such as `2026-02-05`.
const DATE: usize = 10;

/// The date, with the time after it, that stands around this byte of the text.
pub(crate) fn around(text: &str, at: usize) -> Option<Range<usize>> {
    (at.saturating_sub(DATE + 1)..=at).find_map(|start| {
        let rest = text.get(start..)?;
        rest.get(..DATE).filter(|date| Scalar::Date.read(Token::Text(date)).is_ok())?;
        let end = start + DATE + time_length(&rest[DATE..]);
        let goes_on = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let is_whole = !text[..start].ends_with(goes_on) && !text[end..].starts_with(goes_on);
        (is_whole && at < end).then_some(start..end)
    })
}

/// Bytes of the time that follows a date.
fn time_length(text: &str) -> usize {
    let is_time = text.strip_prefix(['T', 't', ' ']).is_some_and(|time| time.starts_with(|c: char| c.is_ascii_digit()));
    if !is_time {
        return 0;
    }
    let of_time = |c: char| c.is_ascii_digit() || matches!(c, ':' | '.' | '+' | '-' | 'Z' | 'z');
    let end = text[1..].find(|c| !of_time(c)).map_or(text.len(), |length| length + 1);
    text[..end].trim_end_matches([':', '.', '+', '-']).len()
}

/// The date and time that is meant: where it has no time, midnight; where it has no offset, that of UTC.
pub(crate) fn date_and_time(written: &str) -> String {
    let meant = written.to_uppercase().replace(' ', "T");
    let date = written.get(..DATE).unwrap_or(written);
    let forms = [meant.clone(), format!("{meant}Z"), format!("{meant}:00Z")];
    let valid = forms.into_iter().find(|form| Scalar::DateTime.read(Token::Text(form)).is_ok());
    valid.unwrap_or_else(|| format!("{date}T00:00:00Z"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_found_around_a_byte() {
        let check = |text: &str, at: usize, expected: Option<&str>| {
            assert_eq!(around(text, at).map(|span| &text[span]), expected, "{text}");
        };
        check("a > 2026-02-05T00:00:00Z", 12, Some("2026-02-05T00:00:00Z"));
        check("a > 2026-02-05 10:30 && b", 15, Some("2026-02-05 10:30"));
        check("(2026-02-05T10:30:00-05:00)", 9, Some("2026-02-05T10:30:00-05:00"));
        check("a > 2026-02-05 b", 15, None);
        check("a > 2026-02-05x", 12, None);
        check("a > 2026-02-31T00:00:00Z", 12, None);
        check("ä", 0, None);
    }

    #[test]
    fn a_date_becomes_a_date_and_time() {
        let check = |written: &str, expected: &str| assert_eq!(date_and_time(written), expected, "{written}");
        check("2026-02-05", "2026-02-05T00:00:00Z");
        check("2026-02-05T10:30:00+01:00", "2026-02-05T10:30:00+01:00");
        check("2026-02-05 10:30:00", "2026-02-05T10:30:00Z");
        check("2026-02-05T10:30", "2026-02-05T10:30:00Z");
        check("2026-02-05T99:00", "2026-02-05T00:00:00Z");
    }
}
