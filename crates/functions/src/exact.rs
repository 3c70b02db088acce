//! Integers that a number of JavaScript can't hold exactly.

/// `Number.MAX_SAFE_INTEGER`.
const MOST: u64 = (1 << 53) - 1;

/// The first integer in this JSON that would become another one. Numbers with a fraction or an exponent are floating-point numbers
/// anyway.
pub(crate) fn inexact(json: &str) -> Option<&str> {
    let bytes = json.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => at = end_of_text(bytes, at + 1),
            b'-' | b'0'..=b'9' => {
                let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
                let end = bytes[at..].iter().position(|byte| !is_part(byte)).map_or(bytes.len(), |length| at + length);
                let number = json.get(at..end).filter(|number| is_inexact(number));
                if number.is_some() {
                    return number;
                }
                at = end;
            }
            _ => at += 1,
        }
    }
    None
}

/// The place behind the text that begins here.
fn end_of_text(bytes: &[u8], mut at: usize) -> usize {
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    at
}

fn is_inexact(number: &str) -> bool {
    let digits = number.strip_prefix('-').unwrap_or(number);
    let is_integer = digits.bytes().all(|byte| byte.is_ascii_digit());
    is_integer && digits.len() > 15 && digits.parse::<u64>().map_or(true, |number| number > MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_beyond_53_bits_are_found() {
        let check = |json: &str, expected: Option<&str>| assert_eq!(inexact(json), expected, "{json}");
        check(r#"{"a":9007199254740991,"b":-9007199254740991}"#, None);
        check(r#"{"a":[1,9007199254740992]}"#, Some("9007199254740992"));
        check(r#"{"a":-9007199254740993}"#, Some("-9007199254740993"));
        check("123456789012345678901234567890", Some("123456789012345678901234567890"));
        check(r#"{"9007199254740993":"9007199254740993 \" 9007199254740993 \\"}"#, None);
        check(r#"{"a":1.7976931348623157e308,"b":1234567890123456789.5}"#, None);
        check(r#"{"a\\":9007199254740993}"#, Some("9007199254740993"));
        check("", None);
    }
}
