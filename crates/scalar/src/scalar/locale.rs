use oxilangtag::LanguageTag;

use super::text::{Formatted, formatted};
use crate::{Problem, Schema};

/// `Locale`: a well-formed language tag (BCP 47, RFC 5646, section 2.1), kept in the letter case that section 2.1.1
/// recommends: `de-CH`, `zh-Hans-CN`. An underscore is read as a hyphen.
pub(crate) struct Locale;

const EXPECTED: &str = "a language tag, such as \"de-CH\" (BCP 47)";
/// Characters of a tag (RFC 5646, section 4.4.1, recommends room for 35; extensions take more).
const CHARS: usize = 100;

impl Formatted for Locale {
    const EXPECTED: &'static str = EXPECTED;

    fn normal(text: &str) -> Result<String, Problem> {
        let text = text.trim().replace('_', "-");
        if text.len() > CHARS {
            return Err(Problem::TooLong { max: CHARS });
        }
        LanguageTag::parse_and_normalize(&text).map(LanguageTag::into_inner).map_err(|_| Problem::Expected(EXPECTED))
    }
}

formatted!(Locale, "Locale", Schema::up_to(CHARS));

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Scalar, Token, Value};

    #[test]
    fn tags_are_well_formed_and_have_one_case() {
        let check = |text: &str, expected: Result<&str, Problem>| {
            assert_eq!(Scalar::Locale.read(Token::Text(text)), expected.map(Value::text), "{text}");
        };
        check("de-ch", Ok("de-CH"));
        check("ZH_hans_cn", Ok("zh-Hans-CN"));
        check("sl-rozaj-biske", Ok("sl-rozaj-biske"));
        check("x-private", Ok("x-private"));
        for bad in ["", "d", "de-", "german-language-of-austria-toolongsubtag", "de CH"] {
            check(bad, Err(Problem::Expected(EXPECTED)));
        }
    }
}
