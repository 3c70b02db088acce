use backstay_base::limits;
use clap::Subcommand;

use super::Within;

#[derive(Debug, Subcommand)]
pub(crate) enum Inspect {
    /// Keep what requests and jobs do in the server's memory for a while
    #[command(after_help = ON)]
    On {
        /// For how long, such as 10m or 2h; at most 24h
        #[arg(long = "for", value_name = "TIME", value_parser = period, default_value = "10m")]
        period: Period,
        #[command(flatten)]
        within: Within,
    },
    /// Stop, and forget what was kept
    Off(Within),
    /// Show whether the inspector is on
    Show(Within),
}

/// A period in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Period(pub(crate) u32);

fn period(text: &str) -> Result<Period, &'static str> {
    const EXPECTED: &str = "expected minutes or hours, such as 10m or 2h, up to 24h";
    let minutes = match text.split_at_checked(text.len().saturating_sub(1)) {
        Some((minutes, "m")) => minutes.parse::<u32>().ok(),
        Some((hours, "h")) => hours.parse::<u32>().ok().and_then(|hours| hours.checked_mul(60)),
        _ => None,
    };
    let minutes = minutes.filter(|minutes| (1..=limits::INSPECTOR_MINUTES).contains(minutes));
    minutes.map(|minutes| Period(minutes * 60)).ok_or(EXPECTED)
}

const ON: &str = "\
Example:
  backstay inspect on --for 10m

Operators then see at /inspect what each request did. Each write evaluates its access rules twice while it is on. See docs/inspector.md.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods() {
        let check = |text: &str, expected| assert_eq!(period(text).ok().map(|period| period.0), expected, "{text}");
        check("10m", Some(600));
        check("1m", Some(60));
        check("24h", Some(86_400));
        for wrong in ["", "m", "0m", "25h", "1441m", "10", "10s", "1d", "-1m", "99999999999h", "ü"] {
            check(wrong, None);
        }
    }
}
