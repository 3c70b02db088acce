//! The versions that a request wants of its record.

use backstay_base::{Error, Place, ViolationKind};
use backstay_engine::{IfMatch, Tag};

use super::Member;
use super::sent::Sent;

impl Sent<'_> {
    /// `ifMatch` or `ifNoneMatch`.
    pub(super) fn wanted_version(&self) -> Result<Option<IfMatch>, Error> {
        match (self.version()?, self.absent()?) {
            (Some(_), Some(_)) => {
                let problem = "`ifMatch` wants a record, and `ifNoneMatch` wants none".to_owned();
                let misused = ViolationKind::Misused { problem, remedy: "leave one of them out".to_owned() };
                Err(Error::malformed(Place::member(Member::IfNoneMatch.name()), misused))
            }
            (wanted, absent) => Ok(wanted.or(absent)),
        }
    }

    /// `ifNoneMatch`: `*` for no record, or null.
    fn absent(&self) -> Result<Option<IfMatch>, Error> {
        let Some(raw) = self.member(Member::IfNoneMatch).filter(|raw| raw.get() != "null") else { return Ok(None) };
        match serde_json::from_str::<String>(raw.get()) {
            Ok(text) if text == "*" => Ok(Some(IfMatch::Absent)),
            Ok(_) | Err(_) => {
                let range = "only `\"*\"` is supported, which creates the record only if there is none".to_owned();
                Err(Error::malformed(Place::member(Member::IfNoneMatch.name()), ViolationKind::Range(range)))
            }
        }
    }

    /// `ifMatch`: the version of the record, its `ETag`, `*` for any version, or null.
    fn version(&self) -> Result<Option<IfMatch>, Error> {
        let Some(raw) = self.member(Member::IfMatch).filter(|raw| raw.get() != "null") else { return Ok(None) };
        let wrong = |kind| Error::malformed(Place::member(Member::IfMatch.name()), kind);
        Ok(Some(match serde_json::from_str::<String>(raw.get()) {
            Ok(text) if text == "*" => IfMatch::Any,
            Ok(text) if text.starts_with("W/") => {
                let range = "a weak tag (`W/…`) never matches; send it without `W/`".to_owned();
                return Err(wrong(ViolationKind::Range(range)));
            }
            Ok(text) => {
                let tag = text.strip_prefix('"').map_or(Some(&*text), |rest| rest.strip_suffix('"'));
                let version = tag.and_then(Tag::version_in).ok_or_else(|| wrong(version_expected()))?;
                IfMatch::Versions(vec![version])
            }
            Err(_) => {
                let version = raw.get().parse().ok().filter(|version: &i64| *version >= 0);
                IfMatch::Versions(vec![version.ok_or_else(|| wrong(version_expected()))?])
            }
        }))
    }
}

fn version_expected() -> ViolationKind {
    ViolationKind::Type { expected: "the record's version, such as 3, or its ETag".to_owned() }
}
