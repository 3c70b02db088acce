use backstay_base::{Error, Place, Secret, ViolationKind};
use backstay_rest::members;
use backstay_scalar::Members;
use serde::Deserialize;
use serde_json::value::RawValue;

/// The parts of a line: what its record is created with, and what is done with the record afterwards.
#[derive(Debug, Default)]
pub(super) struct Parts<'l> {
    /// The members that the record is created with.
    pub(super) now: Members<'l>,
    /// The members that are set when all records exist.
    pub(super) later: Members<'l>,
    /// `$password` and `$roles`.
    pub(super) account: Account,
}

/// The account of a record of the identity type.
#[derive(Debug, Default)]
pub(super) struct Account {
    /// `$password`
    pub(super) password: Option<Secret>,
    /// `$roles`
    pub(super) roles: Vec<String>,
}

/// The members of the record on a line.
pub(super) fn record_on(line: &[u8]) -> Result<Members<'_>, Error> {
    members(line).map_err(|error| misread(line).unwrap_or(error))
}

/// What is wrong with a line of a file that holds records in another form than one object on each line.
fn misread(line: &[u8]) -> Option<Error> {
    let (problem, remedy) = match line {
        [b'[', ..] => (
            "expected one JSON object on each line, not an array",
            "remove `[`, `]` and the commas between the records, or convert the file with `jq -c '.[]'`",
        ),
        b"{" => {
            ("the record doesn't end on its line", "write each record on one line, or convert the file with `jq -c .`")
        }
        [b'{', .., b','] if members(&line[..line.len() - 1]).is_ok() => {
            ("a comma follows the record", "write one JSON object on each line, without commas between them")
        }
        _ => return None,
    };
    let kind = ViolationKind::Misused { problem: problem.to_owned(), remedy: remedy.to_owned() };
    Some(Error::malformed(Place::Whole, kind))
}

/// What somebody meant who writes these members of an account.
const MEANT: [(&str, &str); 5] =
    [("password", "$password"), ("passwd", "$password"), ("pwd", "$password"), ("role", "$roles"), ("roles", "$roles")];

/// The error of an account's record, which names the members that stand for its password and roles.
pub(super) fn of_account(error: Error) -> Error {
    let Error::Invalid(mut violations) = error else { return error };
    for violation in &mut violations {
        if let ViolationKind::Unknown { what: "field", name, suggestion } = &mut violation.kind
            && let Some((_, meant)) = MEANT.iter().find(|(written, _)| written == name)
        {
            *suggestion = Some((*meant).to_owned());
        }
    }
    Error::Invalid(violations)
}

/// What a record has of a member that waits until all records exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    /// Nothing.
    LeftOut,
    /// An empty list.
    Empty,
}

/// Takes a line apart. `later` says which members wait. `$password` and `$roles` belong to records of an identity type.
pub(super) fn take_apart(
    line: &[u8],
    identity: bool,
    later: impl Fn(&str) -> Option<Until>,
) -> Result<Parts<'_>, Error> {
    let mut parts = Parts::default();
    for (name, raw) in record_on(line)? {
        match name.as_ref() {
            "$password" if identity => parts.account.password = Some(Secret::new(typed(&name, raw, "a text")?)),
            "$roles" if identity => parts.account.roles = typed(&name, raw, "an array of names of roles")?,
            member => match later(member).filter(|_| raw.get() != "null") {
                Some(until) => {
                    if until == Until::Empty {
                        parts.now.push((name.clone(), empty_list()));
                    }
                    parts.later.push((name, raw));
                }
                None => parts.now.push((name, raw)),
            },
        }
    }
    Ok(parts)
}

/// `[]`
pub(crate) fn empty_list() -> &'static RawValue {
    serde_json::from_str("[]").expect("an empty list is JSON")
}

fn typed<'a, T: Deserialize<'a>>(name: &str, raw: &'a RawValue, expected: &str) -> Result<T, Error> {
    let wrong = |_| Error::invalid(Place::member(name), ViolationKind::Type { expected: expected.to_owned() });
    serde_json::from_str(raw.get()).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: &str) {
        let got = match take_apart(line.as_bytes(), true, |name| match name {
            "friends" => Some(Until::LeftOut),
            "links" => Some(Until::Empty),
            _ => None,
        }) {
            Ok(parts) => {
                let shown = |members: Members<'_>| {
                    let members = members.iter().map(|(name, raw)| format!("{name:?}:{raw}"));
                    members.collect::<Vec<_>>().join(",")
                };
                let password = parts.account.password.map(|secret| secret.expose().to_owned());
                format!(
                    "{} | {} | {} | {}",
                    shown(parts.now),
                    shown(parts.later),
                    password.unwrap_or_default(),
                    parts.account.roles.join(",")
                )
            }
            Err(error) => error.to_string(),
        };
        assert_eq!(got, expected);
    }

    #[test]
    fn a_line_is_taken_apart() {
        check("{}", " |  |  | ");
        check(r#"{"a": 1, "friends": [{"b": 2}]}"#, r#""a":1 | "friends":[{"b": 2}] |  | "#);
        check(r#"{"$password": "p", "a\n": null, "$roles": ["R"]}"#, r#""a\n":null |  | p | R"#);
        check(r#"{"friends": null}"#, r#""friends":null |  |  | "#);
        check(r#"{"a": 1, "a": 2}"#, r#""a":1,"a":2 |  |  | "#);
    }

    #[test]
    fn what_is_no_object_is_refused() {
        check(
            "[1]",
            "expected one JSON object on each line, not an array; remove `[`, `]` and the commas between the records, or convert \
             the file with `jq -c '.[]'`",
        );
        check(
            "{",
            "the record doesn't end on its line; write each record on one line, or convert the file with `jq -c .`",
        );
        check(
            r#"{"a": 1},"#,
            "a comma follows the record; write one JSON object on each line, without commas between them",
        );
        check("1", "expected a JSON object");
        check(r#"{"a": }"#, "not JSON: expected value (character 6)");
        check(r#"{"a": 1"#, "the JSON ends too early (character 6); send all of it");
        check(r#"{"$roles": "R"}"#, "/$roles: expected an array of names of roles");
    }
}
