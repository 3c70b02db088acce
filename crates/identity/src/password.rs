use backstay_base::{Entropy, Error, Place, Secret, ViolationKind, limits};
use zeroize::Zeroizing;

/// Common passwords of at least 8 characters, in lower case.
const COMMON: [&str; 44] = [
    "12345678",
    "123456789",
    "1234567890",
    "0123456789",
    "0987654321",
    "1122334455",
    "1212121212",
    "1111111111",
    "00000000",
    "0000000000",
    "11111111",
    "88888888",
    "123123123",
    "123123123123",
    "12345678910",
    "123456789a",
    "1234567891",
    "abcd1234",
    "abc123456",
    "abcdefgh",
    "abcdefghij",
    "a123456789",
    "admin123",
    "administrator",
    "baseball",
    "changeme",
    "changeme123",
    "football",
    "iloveyou",
    "letmein123",
    "password",
    "password1",
    "password12",
    "password123",
    "passw0rd",
    "p@ssw0rd",
    "princess",
    "qwerty123",
    "qwertyui",
    "qwertyuiop",
    "1q2w3e4r",
    "1q2w3e4r5t",
    "1qaz2wsx3edc",
    "sunshine",
];

/// Why a new password is refused (NIST SP 800-63B, section 3.1.1.2). It may consist of any characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum Weakness {
    #[error("at least {0} characters")]
    TooShort(u8),
    #[error("at most {} characters", limits::PASSWORD_CHARS_MAX)]
    TooLong,
    #[error("this is one of the most common passwords; choose another one")]
    Common,
    #[error("the password must not be the email address; choose another one")]
    Address,
}

/// Refuses a new password that is easily guessed, for whoever signs in with this address. `at` is the place of the
/// violation.
pub(crate) fn check_new(at: Place, password: &Secret, email: &str, min: u8) -> Result<(), Error> {
    match weakness(password, email, min) {
        Some(weakness) => Err(Error::invalid(at, ViolationKind::Range(weakness.to_string()))),
        None => Ok(()),
    }
}

/// The letters of generated passwords: 32, none of which looks like another.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// Letters between two hyphens of a generated password.
const GROUP: usize = 5;
/// Groups that it has at least: 100 bits.
const GROUPS: usize = 4;

/// A password that nobody can guess, of at least this many characters, in a form that can be typed: `k3v9x-…`.
pub(crate) fn generate(entropy: &dyn Entropy, min: u8) -> Secret {
    let groups = usize::from(min).div_ceil(GROUP).max(GROUPS);
    let mut bytes = Zeroizing::new(vec![0_u8; groups * GROUP]);
    entropy.fill(&mut bytes);
    let letter = |byte: &u8| char::from(LETTERS[usize::from(byte % 32)]);
    let mut text = String::with_capacity(groups * (GROUP + 1));
    for group in bytes.chunks(GROUP) {
        if !text.is_empty() {
            text.push('-');
        }
        text.extend(group.iter().map(letter));
    }
    Secret::new(text)
}

fn weakness(password: &Secret, email: &str, min: u8) -> Option<Weakness> {
    let text = password.expose();
    if is_too_long(password) {
        return Some(Weakness::TooLong);
    }
    if text.chars().count() < usize::from(min) {
        return Some(Weakness::TooShort(min));
    }
    if COMMON.iter().any(|common| text.eq_ignore_ascii_case(common)) {
        return Some(Weakness::Common);
    }
    let local = email.rsplit_once('@').map_or(email, |(local, _)| local);
    let own = text.eq_ignore_ascii_case(email) || text.eq_ignore_ascii_case(local);
    own.then_some(Weakness::Address)
}

/// Whether it is longer than any password may be.
pub(crate) fn is_too_long(password: &Secret) -> bool {
    let text = password.expose();
    text.len() > limits::PASSWORD_CHARS_MAX && text.chars().count() > limits::PASSWORD_CHARS_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(password: &str, expected: Option<Weakness>) {
        let got = weakness(&Secret::new(password.to_owned()), "marguerite@example.org", 10);
        assert_eq!(got, expected, "{password}");
    }

    #[test]
    fn length_is_counted_in_characters() {
        check("ninechars", Some(Weakness::TooShort(10)));
        check("ééééééééé", Some(Weakness::TooShort(10)));
        check("ten chars!", None);
        check("éééééééééé", None);
        check(&"é".repeat(256), None);
        check(&"é".repeat(257), Some(Weakness::TooLong));
    }

    #[test]
    fn any_characters_are_allowed() {
        check("correct horse battery staple", None);
        check("zzzyxzzzyx", None);
    }

    #[test]
    fn what_attackers_try_first_is_refused() {
        check("Password123", Some(Weakness::Common));
        check("QWERTYUIOP", Some(Weakness::Common));
        check("Marguerite@Example.org", Some(Weakness::Address));
        check("marguerite", Some(Weakness::Address));
        let quoted = Secret::new("\"ada@home\"".to_owned());
        assert_eq!(weakness(&quoted, "\"ada@home\"@example.org", 10), Some(Weakness::Address));
    }
}
