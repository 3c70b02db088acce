//! The text of values whose types have no `Display` of their own. Reading it back is the matter of their scalars.

use std::fmt::Write as _;

use backstay_base::Duration;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Base64 in the standard alphabet, with padding (RFC 4648, section 4).
pub(crate) fn base64(octets: &[u8]) -> String {
    STANDARD.encode(octets)
}

/// ISO 8601 in hours, minutes and seconds: `PT1H30M`, `-PT0.25S`, `PT0S`.
pub(crate) fn duration(length: Duration) -> String {
    let (micros, sign) = (length.micros().unsigned_abs(), if length.micros() < 0 { "-" } else { "" });
    let (seconds, fraction) = (micros / 1_000_000, micros % 1_000_000);
    let mut text = format!("{sign}PT");
    // Writing to a String cannot fail.
    let _ = match seconds / 3600 {
        0 => Ok(()),
        hours => write!(text, "{hours}H"),
    };
    let _ = match seconds / 60 % 60 {
        0 => Ok(()),
        minutes => write!(text, "{minutes}M"),
    };
    match (seconds % 60, fraction) {
        (0, 0) if micros == 0 => text.push_str("0S"),
        (0, 0) => {}
        (seconds, 0) => {
            let _ = write!(text, "{seconds}S");
        }
        (seconds, fraction) => {
            let _ = write!(text, "{seconds}.{}S", format!("{fraction:06}").trim_end_matches('0'));
        }
    }
    text
}
