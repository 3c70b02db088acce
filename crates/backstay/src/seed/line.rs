use backstay_base::{Error, Secret, ViolationKind};
use backstay_engine::object_members;
use serde::Deserialize;
use serde_json::value::RawValue;

/// The parts of a line: what its record is created with, and what is done with the record afterwards.
#[derive(Debug, Default)]
pub(super) struct Parts {
    /// The members that the record is created with, as a JSON object.
    pub(super) now: Vec<u8>,
    /// The members that are set when all records exist, as a JSON object; `None` if there are none.
    pub(super) later: Option<Vec<u8>>,
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

/// Takes a line apart. `later` says which members wait. `$password` and `$roles` belong to records of an identity type.
pub(super) fn take_apart(line: &[u8], identity: bool, later: impl Fn(&str) -> bool) -> Result<Parts, Error> {
    let (mut parts, mut now, mut waiting) = (Parts::default(), Object::default(), Object::default());
    for (name, raw) in object_members(line)? {
        match name.as_ref() {
            "$password" if identity => parts.account.password = Some(Secret::new(typed(&name, raw, "a text")?)),
            "$roles" if identity => parts.account.roles = typed(&name, raw, "an array of names of roles")?,
            name if later(name) && raw.get() != "null" => waiting.member(name, raw),
            name => now.member(name, raw),
        }
    }
    parts.now = now.end();
    parts.later = (!waiting.0.is_empty()).then(|| waiting.end());
    Ok(parts)
}

fn typed<'a, T: Deserialize<'a>>(name: &str, raw: &'a RawValue, expected: &str) -> Result<T, Error> {
    let wrong = |_| Error::invalid(format!("/{name}"), ViolationKind::Type { expected: expected.to_owned() });
    serde_json::from_str(raw.get()).map_err(wrong)
}

/// A JSON object under construction.
#[derive(Default)]
struct Object(Vec<u8>);

impl Object {
    fn member(&mut self, name: &str, raw: &RawValue) {
        self.0.push(if self.0.is_empty() { b'{' } else { b',' });
        self.0.extend_from_slice(serde_json::Value::from(name).to_string().as_bytes());
        self.0.push(b':');
        self.0.extend_from_slice(raw.get().as_bytes());
    }

    fn end(mut self) -> Vec<u8> {
        if self.0.is_empty() {
            self.0.push(b'{');
        }
        self.0.push(b'}');
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: &str) {
        let got = match take_apart(line.as_bytes(), true, |name| name == "friends") {
            Ok(parts) => {
                let later = parts.later.map(|later| String::from_utf8_lossy(&later).into_owned());
                let password = parts.account.password.map(|secret| secret.expose().to_owned());
                let now = String::from_utf8_lossy(&parts.now).into_owned();
                format!(
                    "{now} | {} | {} | {}",
                    later.unwrap_or_default(),
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
        check("{}", "{} |  |  | ");
        check(r#"{"a": 1, "friends": [{"b": 2}]}"#, r#"{"a":1} | {"friends":[{"b": 2}]} |  | "#);
        check(r#"{"$password": "p", "a\n": null, "$roles": ["R"]}"#, r#"{"a\n":null} |  | p | R"#);
        check(r#"{"friends": null}"#, r#"{"friends":null} |  |  | "#);
        check(r#"{"a": 1, "a": 2}"#, r#"{"a":1,"a":2} |  |  | "#);
    }

    #[test]
    fn what_is_no_object_is_refused() {
        check("[1]", "expected a JSON object");
        check(r#"{"a": }"#, "not JSON: expected value at character 6");
        check(r#"{"a": 1"#, "not JSON: EOF while parsing an object at character 6");
        check(r#"{"$roles": "R"}"#, "/$roles: expected an array of names of roles");
    }
}
