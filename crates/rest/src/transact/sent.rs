//! A request of a transaction, taken apart: which kind it is, and what is written for each of its members.

use std::borrow::Cow;

use backstay_base::{Error, Place, RecordId, ViolationKind};
use backstay_engine::RequestKind;
use serde_json::value::RawValue;

use super::Member;
use super::misplaced::{not_taken, unknown_member};
use crate::json;
use crate::words::shorten;

/// The members of one request, each of which it takes.
#[derive(Debug)]
pub(super) struct Sent<'r> {
    pub(super) kind: RequestKind,
    /// The path of what it is about.
    pub(super) path: &'r RawValue,
    /// All of it, as it was sent.
    pub(super) whole: &'r RawValue,
    /// The account that sent it.
    pub(super) me: Option<RecordId>,
    given: Vec<(Member, Cow<'r, RawValue>)>,
}

impl<'r> Sent<'r> {
    /// Takes a request apart: one action with a path, and members that the action takes.
    pub(super) fn read(raw: &'r RawValue, me: Option<RecordId>) -> Result<Self, Error> {
        let (mut action, mut given) = (None, Vec::new());
        let members = json::members(raw.get().as_bytes())?;
        for &(ref name, value) in &members {
            let wrong = |kind| Err(Error::malformed(Place::member(shorten(name)), kind));
            let named = RequestKind::ALL.into_iter().find(|kind| kind.name() == &**name);
            let member = Member::ALL.into_iter().find(|member| member.name() == &**name);
            match (named, action, member) {
                (Some(kind), None, _) => action = Some((kind, value)),
                (Some(second), Some((first, _)), _) => return wrong(two_actions(first, second)),
                (None, _, Some(member)) if given.iter().any(|(known, _)| *known == member) => {
                    return wrong(ViolationKind::Duplicate);
                }
                (None, _, Some(member)) => given.push((member, Cow::Borrowed(value))),
                (None, _, None) => return wrong(unknown_member(&members, name)),
            }
        }
        let Some((kind, path)) = action else {
            let expected = "an action and a collection, such as {\"create\": \"posts\", \"body\": {…}}".to_owned();
            return Err(Error::malformed(Place::Whole, ViolationKind::Type { expected }));
        };
        match given.iter().find(|(member, _)| !Member::of(kind).contains(member)) {
            Some((member, _)) => Err(Error::malformed(Place::member(member.name()), not_taken(kind, member.name()))),
            None => Ok(Self { kind, path, whole: raw, me, given }),
        }
    }

    /// What is written for a member, if it is there.
    pub(super) fn member(&self, member: Member) -> Option<&RawValue> {
        self.members().find(|(known, _)| *known == member).map(|(_, raw)| raw)
    }

    /// What is written for each member that is there.
    pub(super) fn members(&self) -> impl Iterator<Item = (Member, &RawValue)> {
        self.given.iter().map(|(member, raw)| (*member, &**raw))
    }

    /// The same request with something else written for these members.
    pub(super) fn with(&self, others: Vec<(Member, Box<RawValue>)>) -> Self {
        let mut given = self.given.clone();
        for (member, other) in others {
            for (_, raw) in given.iter_mut().filter(|(known, _)| *known == member) {
                *raw = Cow::Owned(other.clone());
            }
        }
        Self { kind: self.kind, path: self.path, whole: self.whole, me: self.me, given }
    }

    /// Whether it says which record it is about.
    pub(super) fn names_record(&self) -> bool {
        self.member(Member::Id).is_some() || self.member(Member::By).is_some()
    }
}

fn two_actions(first: RequestKind, second: RequestKind) -> ViolationKind {
    let problem = format!("a request has one action, but this one has `{}` and `{}`", first.name(), second.name());
    ViolationKind::Misused { problem, remedy: "split it in two".to_owned() }
}
