//! The files in `mail/`: what their names say, and the line with the subject.

use backstay_scalar::{Scalar, Token, Value};

use crate::problem::Problem;

/// The directory of an application in which its templates are.
pub const DIRECTORY: &str = "mail";

/// In which form a template writes a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Form {
    Text,
    Html,
}

/// What the name of a file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FileName {
    /// `order-paid.en.txt`
    Template { name: String, language: String, form: Form },
    /// `_layout.html`, which other templates include.
    Part,
}

/// The text of a template without its subject.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Split<'t> {
    pub(crate) subject: &'t str,
    pub(crate) body: &'t str,
    /// How many lines are before the body.
    pub(crate) lines: usize,
}

const NAMES: &str =
    "name it like `order-paid.en.txt`, `order-paid.en.html` or, for what others include, `_layout.html`";

impl FileName {
    pub(crate) fn read(file: &str) -> Result<Self, Problem> {
        let wrong = |why: &str| Problem::of_file(&path(file), format!("{why}; {NAMES}"));
        let (rest, form) = match file.rsplit_once('.') {
            Some((rest, "txt")) => (rest, Form::Text),
            Some((rest, "html")) => (rest, Form::Html),
            _ => return Err(wrong("this is not a mail template")),
        };
        if let Some(part) = rest.strip_prefix('_') {
            return if is_name(part) { Ok(Self::Part) } else { Err(wrong("this name can't be used")) };
        }
        let Some((name, language)) = rest.split_once('.') else {
            return Err(wrong("the name of the file has no language"));
        };
        if !is_name(name) {
            return Err(wrong("names of templates have letters, digits, `-` and `_`"));
        }
        let Some(language) = normalized(language) else {
            return Err(wrong(&format!("`{language}` is not a language")));
        };
        Ok(Self::Template { name: name.to_owned(), language, form })
    }
}

/// The path of a file, as problems name it.
pub(crate) fn path(file: &str) -> String {
    format!("{DIRECTORY}/{file}")
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// Whether this is the name of a file with a template, such as `order-paid.en.txt`.
pub fn is_template(file: &str) -> bool {
    matches!(FileName::read(file), Ok(FileName::Template { .. }))
}

/// Whether a text is a language tag (BCP 47).
pub fn is_language(text: &str) -> bool {
    normalized(text).is_some()
}

/// A language tag in the case in which it is usually written.
pub(crate) fn normalized(language: &str) -> Option<String> {
    match Scalar::Locale.read(Token::Text(language)) {
        Ok(Value::Text(tag)) => Some(tag.to_string()),
        _ => None,
    }
}

/// Takes a `.txt` template apart.
pub(crate) fn split<'t>(file: &str, text: &'t str) -> Result<Split<'t>, Problem> {
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    let Some(subject) = first.strip_prefix("Subject:") else {
        let help = "begin the file with `Subject: …` and an empty line";
        return Err(Problem::at(&path(file), 1, format!("there is no subject; {help}")));
    };
    if subject.trim().is_empty() {
        return Err(Problem::at(&path(file), 1, "the subject is empty"));
    }
    let (second, body) = rest.split_once('\n').unwrap_or((rest, ""));
    if !second.trim().is_empty() {
        let message = "the line after the subject is not empty; a template has no other header than `Subject:`";
        return Err(Problem::at(&path(file), 2, message));
    }
    Ok(Split { subject: subject.trim(), body, lines: 2 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files() {
        let check = |file: &str, expected: &str| {
            let read = match FileName::read(file) {
                Ok(FileName::Template { name, language, form }) => format!("{name} {language} {form:?}"),
                Ok(FileName::Part) => "part".to_owned(),
                Err(problem) => problem.message.split(';').next().unwrap_or_default().to_owned(),
            };
            assert_eq!(read, expected, "{file}");
        };
        check("order-paid.en.txt", "order-paid en Text");
        check("order-paid.de-ch.html", "order-paid de-CH Html");
        check("_layout.html", "part");
        check("order-paid.txt", "the name of the file has no language");
        check("order-paid.english language.txt", "`english language` is not a language");
        check("order paid.en.txt", "names of templates have letters, digits, `-` and `_`");
        check("order-paid.en.md", "this is not a mail template");
        check("_.txt", "this name can't be used");
    }

    #[test]
    fn the_subject_is_the_first_line() {
        let check = |text: &str, expected: &str| {
            let read = match split("a.en.txt", text) {
                Ok(Split { subject, body, .. }) => format!("{subject}|{body}"),
                Err(problem) => problem.to_string(),
            };
            assert_eq!(read, expected);
        };
        check("Subject: Hello {{ name }}\n\nDear\nyou\n", "Hello {{ name }}|Dear\nyou\n");
        check("Subject: Hello", "Hello|");
        check("Subject: Hello\r\n\r\nDear", "Hello|Dear");
        let help = "begin the file with `Subject: …` and an empty line";
        check("Dear\n", &format!("mail/a.en.txt:1: there is no subject; {help}"));
        check("Subject:  \n\nDear\n", "mail/a.en.txt:1: the subject is empty");
        check(
            "Subject: a\nBcc: b@example.org\n\nDear\n",
            "mail/a.en.txt:2: the line after the subject is not empty; a template has no other header than `Subject:`",
        );
    }
}
