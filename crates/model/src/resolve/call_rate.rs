//! `@limit` of actions.

use apollo_compiler::schema::Directive;

use super::read;
use super::report::Report;
use crate::{CallRate, RatePer};

/// The longest time in which calls are counted: a day.
const MOST_SECONDS: u32 = 24 * 60 * 60;
const EXAMPLE: &str = "write a number of calls and a time, such as \"5/10m\", \"100/h\" or \"1/30s\"; at most a day";

/// What `@limit` says.
pub(super) fn read(report: &mut Report<'_>, directive: &Directive) -> Option<CallRate> {
    let Some((text, place)) = read::text(directive, "rate") else {
        report.error(directive.name.location(), "`@limit` has no `rate:`", "how often?", EXAMPLE);
        return None;
    };
    let per = match read::word(directive, "per") {
        Some("ADDRESS") => RatePer::Address,
        _ => RatePer::Caller,
    };
    let rate = rate(text);
    if rate.is_none() {
        report.error(place, format!("`{text}` is not a rate"), "how often?", EXAMPLE);
    }
    let (calls, seconds) = rate?;
    Some(CallRate { calls, seconds, per })
}

/// Calls, and seconds: `5/10m`.
fn rate(text: &str) -> Option<(u32, u32)> {
    let (calls, time) = text.split_once('/')?;
    let number =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u32>().ok()).flatten();
    let (count, unit) = time.split_at(time.len().checked_sub(1).filter(|end| time.is_char_boundary(*end))?);
    let count = if count.is_empty() { 1 } else { number(count)? };
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => MOST_SECONDS,
        _ => return None,
    };
    let seconds = count.checked_mul(unit).filter(|seconds| (1..=MOST_SECONDS).contains(seconds))?;
    Some((number(calls).filter(|calls| *calls > 0)?, seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_number_of_calls_and_a_time() {
        let check = |text: &str, expected: Option<(u32, u32)>| assert_eq!(rate(text), expected, "{text}");
        check("5/10m", Some((5, 600)));
        check("100/h", Some((100, 3600)));
        check("1/30s", Some((1, 30)));
        check("2/d", Some((2, 86_400)));
        check("2/24h", Some((2, 86_400)));
        for wrong in
            ["", "5", "5/", "/m", "0/m", "5/0m", "5/2d", "5/10", "5/10w", "+5/m", "5 / 10m", "5/10ü", "99999999999/m"]
        {
            check(wrong, None);
        }
    }
}
