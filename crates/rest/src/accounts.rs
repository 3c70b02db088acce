//! The bodies of requests under `/auth/`, and of the answers to them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use backstay_base::{CallerKind, Error, Place, RecordId, Secret, Violation, ViolationKind, nearest};
use backstay_engine::{Answer, Context, Engine, Get, Perspective, Request, Selection};
use backstay_identity::{Credentials, EmailChange, MadeLink, Me, NewAccount, PasswordChange, SignInAs, SignedIn};
use backstay_model::{CollectionId, Model};
use backstay_scalar::{Members, Scalar, Token};
use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::words::{shorten, unknown};
use crate::{JSON, json, record};

/// `{"email", "password"}`, `"invitation"` if there is one, and other fields of the account's type.
pub fn new_account(model: &Model, accounts: CollectionId, body: &[u8]) -> Result<NewAccount, Error> {
    let mut body = Body::parse(body)?;
    let (password, invitation) = (body.require("password")?, body.take("invitation")?);
    Ok(NewAccount {
        input: record(model, accounts, &body.0, &mut crate::relation_reader::InTransaction)?,
        password,
        invitation,
    })
}

/// `{"email", "password"}`; operators add `"as": "operator"`.
pub fn credentials(body: &[u8]) -> Result<Credentials, Error> {
    let mut body = Body::parse(body)?;
    body.check(&["email", "password"], &["as"])?;
    let (email, password) = (body.require("email")?, body.require("password")?);
    let role = match body.take("as")?.as_ref().map(Secret::expose) {
        Some("operator") => SignInAs::Operator,
        None | Some("account") => SignInAs::Account,
        Some(_) => {
            let expected = "\"account\" or \"operator\"".to_owned();
            return Err(Error::invalid(Place::member("as"), ViolationKind::Type { expected }));
        }
    };
    Ok(Credentials { email, password, role })
}

/// `{"current", "password"}`
pub fn password_change(body: &[u8]) -> Result<PasswordChange, Error> {
    let mut body = Body::parse(body)?;
    body.check(&["current", "password"], &[])?;
    let (current, new) = (body.require("current")?, body.require("password")?);
    Ok(PasswordChange { current, new })
}

/// `{"email", "password"}` with the current password.
pub fn email_change(body: &[u8]) -> Result<EmailChange, Error> {
    let mut body = Body::parse(body)?;
    body.check(&["email", "password"], &[])?;
    let (email, password) = (body.require("email")?, body.require("password")?);
    Ok(EmailChange { email, password })
}

/// `{"id", "token", "expiresAt"}`
pub fn link(link: &MadeLink) -> Result<Bytes, Error> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Shown<'a> {
        id: String,
        token: &'a str,
        expires_at: String,
    }
    let MadeLink { id, token, expires_at } = link;
    written(&Shown { id: id.to_string(), token: token.expose(), expires_at: expires_at.to_string() })
}

/// `{"id"}` of a link.
pub fn link_id(body: &[u8]) -> Result<RecordId, Error> {
    let mut body = Body::parse(body)?;
    body.check(&["id"], &[])?;
    let id = body.require("id")?;
    let id = Scalar::UUID.read(Token::Text(id.expose())).ok().and_then(|id| id.as_id());
    id.ok_or_else(|| Error::invalid(Place::member("id"), ViolationKind::Type { expected: "a UUID".to_owned() }))
}

/// `{"token", "account", "expiresAt"}`, in which `account` is the record of the account that signed in, as that account sees it.
pub async fn signed_in(engine: &Engine, cx: &Context, signed_in: &SignedIn) -> Result<Bytes, Error> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Shown<'a> {
        token: &'a str,
        account: &'a RawValue,
        expires_at: String,
    }
    let owner = cx.of(engine, Arc::clone(&signed_in.caller));
    let record = own_record(engine, &owner, signed_in.account).await?;
    let account = serde_json::from_slice(&record).map_err(Error::internal)?;
    written(&Shown { token: signed_in.token.expose(), account, expires_at: signed_in.expires_at.to_string() })
}

/// `kind`, `id`, `roles`, `claims` and `expiresAt`; of an account and an operator `account`, their record as they read it;
/// of an account `verified`;
/// of a key `name`, and `only`: what it is limited to, or null.
pub async fn me(engine: &Engine, cx: &Context, me: &Me) -> Result<Bytes, Error> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Shown<'a> {
        kind: &'static str,
        id: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<&'a str>,
        roles: Vec<&'a str>,
        claims: &'a BTreeMap<String, String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        verified: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        only: Option<Only<'a>>,
        expires_at: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        account: Option<&'a RawValue>,
    }
    /// What a key is limited to.
    #[derive(Serialize)]
    #[serde(untagged)]
    enum Only<'a> {
        Unlimited,
        Actions(&'a [String]),
    }
    let record = match me.account {
        Some(account) => Some(own_record(engine, cx, account).await?),
        None => None,
    };
    written(&Shown {
        kind: me.caller.kind.name(),
        id: me.id.to_string(),
        name: me.key.as_ref().map(|key| &*key.name),
        roles: me.caller.roles.iter().map(|role| &**role).collect(),
        claims: &me.caller.claims,
        verified: (me.caller.kind == CallerKind::Account).then_some(me.caller.verified),
        only: me.key.as_ref().map(|key| key.only.as_deref().map_or(Only::Unlimited, Only::Actions)),
        expires_at: me.expires_at.map(|moment| moment.to_string()),
        account: record.as_deref().map(serde_json::from_slice).transpose().map_err(Error::internal)?,
    })
}

/// A record, as the caller reads it: its `id` alone if the caller cannot read it.
async fn own_record(engine: &Engine, cx: &Context, (collection, id): (CollectionId, RecordId)) -> Result<Bytes, Error> {
    let (selection, params, perspective) = (Selection::Whole, Vec::new(), Perspective::Live);
    let get = Get { collection, which: id.into(), selection, params, perspective };
    match engine.answer(cx, Request::Get(get), JSON).await {
        Ok(Answer::Found(found)) => Ok(found.body),
        Ok(Answer::Page(_) | Answer::Written(_)) => Err(Error::internal(NotARecord)),
        Err(Error::NotFound { .. } | Error::Forbidden { .. }) => Ok(Bytes::from(format!("{{\"id\":\"{id}\"}}"))),
        Err(error) => Err(error),
    }
}

/// A get that was answered with something else.
#[derive(Debug, thiserror::Error)]
#[error("a get was not answered with a record")]
struct NotARecord;

fn written(body: &impl Serialize) -> Result<Bytes, Error> {
    serde_json::to_vec(body).map(Bytes::from).map_err(Error::internal)
}

/// What other APIs call these members.
const ELSEWHERE: &[(&[&str], &str)] = &[
    (&["username", "user", "login", "identity", "identifier", "mail"], "email"),
    (&["old", "oldPassword", "old_password", "currentPassword", "current_password"], "current"),
    (&["new", "newPassword", "new_password", "pass", "passwd", "passwordConfirm"], "password"),
];

/// The members of a JSON object, which are taken out one by one.
struct Body<'a>(Members<'a>);

impl<'a> Body<'a> {
    fn parse(body: &'a [u8]) -> Result<Self, Error> {
        json::members(body).map(Self)
    }

    /// Takes out a member, if it is there. It must be a text.
    fn take(&mut self, name: &'static str) -> Result<Option<Secret>, Error> {
        let Some(raw) = self.take_raw(name)? else { return Ok(None) };
        let expected = || ViolationKind::Type { expected: "a text in double quotes".to_owned() };
        let text = serde_json::from_str(raw.get()).map_err(|_| Error::invalid(Place::member(name), expected()))?;
        Ok(Some(Secret::new(text)))
    }

    /// Takes out a member, which must be there and be a text.
    fn require(&mut self, name: &'static str) -> Result<Secret, Error> {
        self.take(name)?.ok_or_else(|| Error::invalid(Place::member(name), ViolationKind::Required))
    }

    /// Refuses members that are none of these, and the lack of those that are needed, all at once.
    fn check(&self, needed: &[&'static str], other: &[&'static str]) -> Result<(), Error> {
        let known = |name: &str| needed.contains(&name) || other.contains(&name);
        let refused = |(name, _): &(Cow<'a, str>, &RawValue)| {
            let elsewhere = ELSEWHERE.iter().find(|(names, _)| names.contains(&&**name)).map(|(_, ours)| *ours);
            let near = || nearest(name, needed.iter().chain(other).copied());
            let meant = elsewhere.filter(|meant| known(meant)).or_else(near);
            Violation::new(Place::member(shorten(name)), unknown("member", name, meant))
        };
        let mut violations: Vec<Violation> = self.0.iter().filter(|(name, _)| !known(name)).map(refused).collect();
        let missing = needed.iter().filter(|name| !self.0.iter().any(|(member, _)| member == **name));
        violations.extend(missing.map(|name| Violation::new(Place::member(*name), ViolationKind::Required)));
        if violations.is_empty() { Ok(()) } else { Err(Error::Invalid(violations)) }
    }

    fn take_raw(&mut self, name: &'static str) -> Result<Option<&'a RawValue>, Error> {
        let mut taken = self.0.extract_if(.., |(member, _)| member == name).map(|(_, raw)| raw);
        let first = taken.next();
        match taken.next() {
            Some(_) => Err(Error::invalid(Place::member(name), ViolationKind::Duplicate)),
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
        let rest: Vec<(&str, &str)> = body.0.iter().map(|(name, raw)| (&**name, raw.get())).collect();
        assert_eq!(rest, [("email", "\"a@b.c\""), ("n", "[1, 2]"), ("odd\"~", "{}")]);
    }

    #[test]
    fn a_refusal_names_the_place_and_repeats_no_value() {
        let check = |text: &str, expected: Option<(Place, ViolationKind)>| {
            let read = || {
                let mut body = Body::parse(text.as_bytes())?;
                body.check(&["password"], &[])?;
                body.require("password").map(drop)
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
        let password = || Place::member("password");
        check(r#"{"password": "p"}"#, None);
        check("{}", Some((password(), ViolationKind::Required)));
        check(r#"{"password": "p", "password": "q"}"#, Some((password(), ViolationKind::Duplicate)));
        for text in [r#"{"password": 7}"#, r#"{"password": null}"#, r#"{"password": "\ud800"}"#] {
            check(text, Some((password(), expected("a text in double quotes"))));
        }
        let unknown = ViolationKind::Unknown { what: "member", name: "a/b".to_owned(), suggestion: None };
        check(r#"{"password": "p", "a/b": 1}"#, Some((Place::member("a/b"), unknown)));
        check("[]", Some((Place::Whole, expected("a JSON object"))));
    }
}
