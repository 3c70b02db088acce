use backstay_base::limits;
use unicode_normalization::UnicodeNormalization as _;

use super::text::{Formatted, formatted, within};
use crate::{Letters, Problem, Schema};

/// `Email`: a mailbox as RFC 5321, section 4.1.2, writes it, with the characters that RFC 6531 adds: dot-atoms and quoted
/// strings, host names of one label or more, address literals. Kept in lower case, the local part in
/// Unicode's normal form C (RFC 6532, section 3.1) and an internationalized host name in its Unicode form, so that one
/// address is one text; characters that nobody sees are refused. White space around it is left out.
pub(crate) struct Email;

const EXPECTED: &str = "an email address, such as \"ada@example.org\"";

impl Formatted for Email {
    const EXPECTED: &'static str = EXPECTED;
    const LETTERS: Letters = Letters::Lower;

    fn normal(text: &str) -> Result<String, Problem> {
        let text = text.trim();
        within(text, limits::EMAIL_CHARS)?;
        let (local, domain) = text.rsplit_once('@').ok_or(Problem::Expected(EXPECTED))?;
        let local_is_sound = (1..=64).contains(&local.len()) && (is_dot_atom(local) || is_quoted(local));
        let domain = host(domain).filter(|_| local_is_sound).ok_or(Problem::Expected(EXPECTED))?;
        let local: String = local.nfc().collect::<String>().to_lowercase().nfc().collect();
        let normal = format!("{local}@{domain}");
        within(&normal, limits::EMAIL_CHARS)?;
        Ok(normal)
    }
}

formatted!(
    Email,
    "Email",
    Schema::Text { format: "idn-email", pattern: String::new(), max: Some(limits::EMAIL_CHARS) }
);

/// Dot-string (RFC 5321, section 4.1.2) of atoms (RFC 5322, section 3.2.3), or characters outside ASCII (RFC 6531).
fn is_dot_atom(text: &str) -> bool {
    let is_atom =
        |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) || (!c.is_ascii() && is_visible(c));
    text.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atom))
}

/// Quoted-string (RFC 5321, section 4.1.2).
fn is_quoted(text: &str) -> bool {
    let Some(inner) = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) else { return false };
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        let sound = match character {
            '"' => false,
            '\\' => characters.next().is_some_and(|escaped| escaped == ' ' || escaped.is_ascii_graphic()),
            ' ' => true,
            other => other.is_ascii_graphic() || (!other.is_ascii() && is_visible(other)),
        };
        if !sound {
            return false;
        }
    }
    true
}

/// Whether a person sees it. Marks that only direct how text is laid out make two addresses look like one.
fn is_visible(character: char) -> bool {
    let lays_out = matches!(
        character,
        '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    );
    !character.is_control() && !character.is_whitespace() && !lays_out
}

/// A host name or an address literal in normal form.
fn host(text: &str) -> Option<String> {
    if let Some(literal) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
        let v6 = literal.get(..5).filter(|tag| tag.eq_ignore_ascii_case("IPv6:")).map(|_| &literal[5..]);
        return match v6 {
            Some(v6) => v6.parse::<std::net::Ipv6Addr>().ok().map(|address| format!("[ipv6:{address}]")),
            None => literal.parse::<std::net::Ipv4Addr>().ok().map(|address| format!("[{address}]")),
        };
    }
    // Conversion to ASCII checks every label, its length and hyphens (UTS #46 with the rules for DNS).
    let ascii = idna::domain_to_ascii_strict(text).ok()?;
    let is_host = |label: &str| label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if ascii.is_empty() || ascii.ends_with('.') || !ascii.split('.').all(is_host) {
        return None;
    }
    let (unicode, checked) = idna::domain_to_unicode(&ascii);
    checked.ok().map(|()| unicode)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Scalar, Token, Value};

    #[test]
    fn addresses_are_what_the_standards_allow_and_have_one_form() {
        let check = |text: &str, expected: Result<&str, Problem>| {
            assert_eq!(Scalar::Email.read(Token::Bare(text)), expected.map(Value::text), "{text}");
        };
        check(" Ada@Example.ORG ", Ok("ada@example.org"));
        check("a@localhost", Ok("a@localhost"));
        check("Jose\u{301}@example.org", Ok("jos\u{e9}@example.org"));
        for unseen in ['\u{200b}', '\u{feff}', '\u{202e}', '\u{ad}'] {
            check(&format!("an{unseen}n@example.org"), Err(Problem::Expected(EXPECTED)));
        }
        check("o'hara+tag@example.co.uk", Ok("o'hara+tag@example.co.uk"));
        check("\"ada b\"@example.org", Ok("\"ada b\"@example.org"));
        check("JÖRG@Bücher.example", Ok("jörg@bücher.example"));
        check("a@XN--BCHER-KVA.example", Ok("a@bücher.example"));
        check("a@[192.0.2.1]", Ok("a@[192.0.2.1]"));
        check("a@[IPv6:2001:DB8::1]", Ok("a@[ipv6:2001:db8::1]"));
        for bad in [
            "ada",
            "@example.org",
            "ada@",
            "a b@example.org",
            "a@b@example.org.",
            "ada@exa mple.org",
            ".a@example.org",
            "a..b@example.org",
            "\"a\"b\"@example.org",
            "a@-x.org",
            "a@x_y.org",
            "a@[300.0.0.1]",
            "a\u{0}@example.org",
        ] {
            assert!(Scalar::Email.read(Token::Bare(bad)).is_err(), "{bad}");
        }
        let long = format!("{}@{}.org", "a".repeat(64), "b".repeat(63));
        assert!(Scalar::Email.read(Token::Bare(&long)).is_ok());
        assert_eq!(
            Scalar::Email.read(Token::Bare(&"a".repeat(300))),
            Err(Problem::TooLong { max: limits::EMAIL_CHARS })
        );
    }
}
