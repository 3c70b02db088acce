use backstay_base::limits;

use super::text::{Formatted, formatted, within};
use crate::{Problem, Schema};

/// `Url`: an absolute URL with the scheme `http` or `https`, read and kept as the URL Standard (WHATWG, sections 4.4 and
/// 4.5) parses and serializes it: scheme and host in lower case, default ports left out, an empty path as `/`.
pub(crate) struct Url;

const EXPECTED: &str = "an absolute web address, such as \"https://example.org/page\"";

impl Formatted for Url {
    const EXPECTED: &'static str = EXPECTED;

    fn normal(text: &str) -> Result<String, Problem> {
        within(text, limits::URL_CHARS)?;
        let parsed = ::url::Url::parse(text).map_err(|_| Problem::Expected(EXPECTED))?;
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err(Problem::Expected(EXPECTED));
        }
        let normal = String::from(parsed);
        within(&normal, limits::URL_CHARS)?;
        Ok(normal)
    }
}

formatted!(Url, "Url", Schema::Text { format: "uri", pattern: String::new(), max: Some(limits::URL_CHARS) });

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Scalar, Token, Value};

    #[test]
    fn addresses_have_the_form_of_the_standard() {
        let check = |text: &str, expected: Result<&str, Problem>| {
            assert_eq!(Scalar::Url.read(Token::Text(text)), expected.map(Value::text), "{text}");
        };
        check("https://example.org/a?b#c", Ok("https://example.org/a?b#c"));
        check("HTTPS://Example.ORG:443", Ok("https://example.org/"));
        check("http://bücher.example/é", Ok("http://xn--bcher-kva.example/%C3%A9"));
        check("http://[::1]:8080/", Ok("http://[::1]:8080/"));
        for bad in ["ftp://example.org", "javascript:alert(1)", "https://", "//x", "/x", "", "https://a b/"] {
            check(bad, Err(Problem::Expected(EXPECTED)));
        }
        let long = format!("https://example.org/{}", "a".repeat(limits::URL_CHARS));
        check(&long, Err(Problem::TooLong { max: limits::URL_CHARS }));
    }
}
