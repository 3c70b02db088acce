use super::text::{Formatted, formatted};
use crate::{Problem, Schema};

/// `Phone`: an international number (ITU-T E.164): a plus sign, then 7 to 15 digits, the first of them not zero. The
/// separators of RFC 3966, section 5 (`-`, `.`, parentheses), spaces and a leading `tel:` are left out.
pub(crate) struct Phone;

const EXPECTED: &str = "an international phone number, such as \"+493012345678\"";

/// `+49 (0)30` is read by people, and dialled as `+4930`.
const WITHOUT_TRUNK_PREFIX: &str = "a phone number without the (0), which is not dialled after a country code";

impl Formatted for Phone {
    const EXPECTED: &'static str = EXPECTED;

    fn normal(text: &str) -> Result<String, Problem> {
        let text = text.trim();
        let number = text.strip_prefix("tel:").unwrap_or(text).strip_prefix('+').ok_or(Problem::Expected(EXPECTED))?;
        if number.contains("(0)") {
            return Err(Problem::Expected(WITHOUT_TRUNK_PREFIX));
        }
        let mut normal = String::from("+");
        for character in number.chars() {
            match character {
                '0'..='9' => normal.push(character),
                '-' | '.' | '(' | ')' | ' ' | '\u{a0}' => {}
                _ => return Err(Problem::Expected(EXPECTED)),
            }
        }
        let digits = normal.len() - 1;
        let sound = (7..=15).contains(&digits) && !normal.starts_with("+0");
        sound.then_some(normal).ok_or(Problem::Expected(EXPECTED))
    }
}

formatted!(Phone, "Phone", Schema::pattern(r"^\+[1-9][0-9]{6,14}$"));

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Scalar, Token, Value};

    #[test]
    fn numbers_are_international() {
        let check = |text: &str, expected: Result<&str, Problem>| {
            assert_eq!(Scalar::Phone.read(Token::Text(text)), expected.map(Value::text), "{text}");
        };
        check("+493012345678", Ok("+493012345678"));
        check(" +1 (415) 555-26.71 ", Ok("+14155552671"));
        check("tel:+44-20-7946-0958", Ok("+442079460958"));
        check("+6834000", Ok("+6834000"));
        check("+49 (0)30 123456", Err(Problem::Expected(WITHOUT_TRUNK_PREFIX)));
        for bad in ["030 12345678", "+0123456789", "+123456", "+1234567890123456", "+49 30 x", "", "+"] {
            check(bad, Err(Problem::Expected(EXPECTED)));
        }
    }
}
