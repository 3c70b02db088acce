use backstay_base::{Error, Secret, ViolationKind, limits};

/// What attackers try first, of those that are long enough to be taken at all; lower case.
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

/// Refuses a new password that is too short, too long, among the most common ones, or the account's own name (NIST SP
/// 800-63B, section 3.1.1.2). Nothing is asked of its composition.
pub(crate) fn check_new(at: &str, password: &Secret, email: &str, min: u8) -> Result<(), Error> {
    let refuse = |why: String| Err(Error::invalid(at, ViolationKind::Range(why)));
    let text = password.expose();
    if is_too_long(password) {
        return refuse(format!("at most {} characters", limits::PASSWORD_CHARS_MAX));
    }
    if text.chars().count() < usize::from(min) {
        return refuse(format!("at least {min} characters"));
    }
    if COMMON.iter().any(|common| text.eq_ignore_ascii_case(common)) {
        return refuse("this is one of the passwords that are tried first; choose another".to_owned());
    }
    let local = email.split_once('@').map_or(email, |(local, _)| local);
    if text.eq_ignore_ascii_case(email) || text.eq_ignore_ascii_case(local) {
        return refuse("the password cannot be the e-mail address; choose another".to_owned());
    }
    Ok(())
}

/// Whether it is longer than any password that was ever taken.
pub(crate) fn is_too_long(password: &Secret) -> bool {
    let text = password.expose();
    text.len() > limits::PASSWORD_CHARS_MAX && text.chars().count() > limits::PASSWORD_CHARS_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(password: &str, expected: &str) {
        let got = check_new("/password", &Secret::new(password.to_owned()), "marguerite@example.org", 10);
        let text = got.map_or_else(|error| error.to_string(), |()| "taken".to_owned());
        assert_eq!(text, expected, "{password}");
    }

    #[test]
    fn length_is_counted_in_characters() {
        check("ninechars", "/password: at least 10 characters");
        check("ééééééééé", "/password: at least 10 characters");
        check("ten chars!", "taken");
        check("éééééééééé", "taken");
        check(&"é".repeat(256), "taken");
        check(&"é".repeat(257), "/password: at most 256 characters");
    }

    #[test]
    fn nothing_is_asked_of_the_composition() {
        check("correct horse battery staple", "taken");
        check("zzzyxzzzyx", "taken");
    }

    #[test]
    fn what_is_tried_first_is_refused() {
        let common = "/password: this is one of the passwords that are tried first; choose another";
        check("Password123", common);
        check("QWERTYUIOP", common);
        let own = "/password: the password cannot be the e-mail address; choose another";
        check("Marguerite@Example.org", own);
        check("marguerite", own);
    }
}
