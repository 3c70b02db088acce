use std::borrow::Cow;

use backstay_base::{Error, Secret, Violation, ViolationKind};
use backstay_engine::object_members;
use serde_json::value::RawValue;

/// The members of a JSON object, which are taken out one by one.
#[derive(Debug)]
pub(crate) struct Body<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Body<'a> {
    pub(crate) fn parse(body: &'a [u8]) -> Result<Self, Error> {
        object_members(body).map(Self)
    }

    /// Takes out a member, if it is there. It must be a text.
    pub(crate) fn take(&mut self, name: &'static str) -> Result<Option<Secret>, Error> {
        let Some(raw) = self.take_raw(name)? else { return Ok(None) };
        let expected = || ViolationKind::Type { expected: "a text in double quotes".to_owned() };
        let text = serde_json::from_str(raw.get()).map_err(|_| Error::invalid(format!("/{name}"), expected()))?;
        Ok(Some(Secret::new(text)))
    }

    /// Takes out a member, which must be there and be a text.
    pub(crate) fn require(&mut self, name: &'static str) -> Result<Secret, Error> {
        self.take(name)?.ok_or_else(|| Error::invalid(format!("/{name}"), ViolationKind::Required))
    }

    /// Refuses members that were not taken out.
    pub(crate) fn finish(self) -> Result<(), Error> {
        let unknown = |(name, _): (Cow<'a, str>, &RawValue)| {
            let name: String = name.chars().take(40).collect();
            let at = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
            Violation::new(at, ViolationKind::Unknown { what: "member", name, suggestion: None })
        };
        let violations: Vec<Violation> = self.0.into_iter().map(unknown).collect();
        if violations.is_empty() { Ok(()) } else { Err(Error::Invalid(violations)) }
    }

    /// The members that were not taken out, as a JSON object.
    pub(crate) fn rest(self) -> Result<String, Error> {
        let mut text = String::from("{");
        for (index, (name, raw)) in self.0.into_iter().enumerate() {
            if index > 0 {
                text.push(',');
            }
            text.push_str(&serde_json::to_string(&name).map_err(Error::internal)?);
            text.push(':');
            text.push_str(raw.get());
        }
        text.push('}');
        Ok(text)
    }

    fn take_raw(&mut self, name: &'static str) -> Result<Option<&'a RawValue>, Error> {
        let mut taken = self.0.extract_if(.., |(member, _)| member == name).map(|(_, raw)| raw);
        let first = taken.next();
        match taken.next() {
            Some(_) => Err(Error::invalid(format!("/{name}"), ViolationKind::Duplicate)),
            None => Ok(first),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_taken_out_and_the_rest_is_kept() {
        let text = br#"{"email": "a@b.c", "password": "p\u00e9", "n": [1, 2], "odd\"~": {}}"#;
        let mut body = Body::parse(text).expect("parses");
        assert_eq!(body.require("password").expect("is there").expose(), "pé");
        assert_eq!(body.take("invitation").expect("may be absent"), None);
        assert_eq!(body.rest().expect("is an object"), r#"{"email":"a@b.c","n":[1, 2],"odd\"~":{}}"#);
    }

    #[test]
    fn a_refusal_names_the_place_and_repeats_no_value() {
        let check = |text: &str, expected: Option<(&str, ViolationKind)>| {
            let read = || {
                let mut body = Body::parse(text.as_bytes())?;
                body.require("password")?;
                body.finish()
            };
            let got: Vec<Violation> = match read() {
                Ok(()) => Vec::new(),
                Err(Error::Invalid(violations) | Error::Malformed(violations)) => violations,
                Err(other) => panic!("{other:?}"),
            };
            let expected = expected.map(|(at, kind)| Violation::new(at, kind));
            assert_eq!(got, expected.into_iter().collect::<Vec<_>>(), "{text}");
        };
        let expected = |what: &str| ViolationKind::Type { expected: what.to_owned() };
        check(r#"{"password": "p"}"#, None);
        check("{}", Some(("/password", ViolationKind::Required)));
        check(r#"{"password": "p", "password": "q"}"#, Some(("/password", ViolationKind::Duplicate)));
        for text in [r#"{"password": 7}"#, r#"{"password": null}"#, r#"{"password": "\ud800"}"#] {
            check(text, Some(("/password", expected("a text in double quotes"))));
        }
        let unknown = ViolationKind::Unknown { what: "member", name: "a/b".to_owned(), suggestion: None };
        check(r#"{"password": "p", "a/b": 1}"#, Some(("/a~1b", unknown)));
        check("[]", Some(("", expected("a JSON object"))));
    }
}
