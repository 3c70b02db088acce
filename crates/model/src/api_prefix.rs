use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use backstay_base::limits;

use crate::{RESERVED_PATHS, RoutePart, RoutePath};

/// The path below which the records of all collections are: `/api`, or what the setting `server.api_prefix` says. It isn't kept
/// with a model, because nothing that is stored depends on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiPrefix {
    /// `/api/`, with the slash at its end.
    path: Arc<str>,
}

/// A path below which records can't be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ApiPrefixError {
    /// It isn't written as one.
    #[error(
        "expected a path without a slash at its end, such as `/records` or `/api/v2`: parts of letters, digits, `-`, `_` and `~`"
    )]
    Form,
    /// Backstay has something else there.
    #[error("paths below it are Backstay's own; begin with another word, such as `/records`")]
    Reserved,
}

impl Default for ApiPrefix {
    fn default() -> Self {
        Self { path: "/api/".into() }
    }
}

impl FromStr for ApiPrefix {
    type Err = ApiPrefixError;

    fn from_str(text: &str) -> Result<Self, ApiPrefixError> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_~".contains(&byte);
        let parts = text.strip_prefix('/').ok_or(ApiPrefixError::Form)?;
        let is_part = |part: &str| !part.is_empty() && part.bytes().all(is_plain);
        if text.len() > limits::ROUTE_BYTES || !parts.split('/').all(is_part) {
            return Err(ApiPrefixError::Form);
        }
        if parts.split('/').next().is_some_and(|first| RESERVED_PATHS.contains(&first)) {
            return Err(ApiPrefixError::Reserved);
        }
        Ok(Self { path: format!("{text}/").into() })
    }
}

/// Where among records a path of the team's own is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Beside<'p> {
    /// Below the prefix, with this next to it.
    Below(&'p RoutePart),
    /// The prefix itself.
    Same,
}

impl ApiPrefix {
    /// The path of records: `/api/posts` of `posts`.
    pub fn path_of(&self, path: &str) -> String {
        format!("{}{path}", self.path)
    }

    /// What a path names below the prefix: `posts/1` of `/api/posts/1`. `None` of every other path, and of the prefix itself.
    pub fn below<'p>(&self, path: &'p str) -> Option<&'p str> {
        path.strip_prefix(&*self.path).filter(|rest| !rest.is_empty())
    }

    /// Whether a path is the prefix itself, with or without a slash at its end.
    pub fn is_itself(&self, path: &str) -> bool {
        path == &*self.path || path == self.without_slash()
    }

    /// The prefix with the slash at its end: `/api/`.
    pub fn as_str(&self) -> &str {
        &self.path
    }

    /// As the setting says it: `/api`.
    pub fn without_slash(&self) -> &str {
        self.path.strip_suffix('/').unwrap_or(&self.path)
    }

    /// Where among records a path of the team's own is; `None` if it is elsewhere.
    pub(crate) fn beside<'p>(&self, own: &'p RoutePath) -> Option<Beside<'p>> {
        let mut parts = own.parts.iter();
        for prefix in self.without_slash().split('/').skip(1) {
            match parts.next() {
                Some(RoutePart::Literal(text)) if text == prefix => {}
                // Records are below what it stands for, too.
                Some(RoutePart::Parameter(_)) => {}
                Some(RoutePart::Literal(_)) | None => return None,
            }
        }
        Some(parts.next().map_or(Beside::Same, Beside::Below))
    }
}

impl fmt::Display for ApiPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.without_slash())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_a_plain_path_that_is_free() {
        let check = |text: &str, expected: Result<&str, ApiPrefixError>| {
            assert_eq!(text.parse::<ApiPrefix>().as_ref().map(ApiPrefix::as_str), expected.as_ref().copied(), "{text}");
        };
        check("/records", Ok("/records/"));
        check("/api", Ok("/api/"));
        check("/api/v2", Ok("/api/v2/"));
        for wrong in ["", "/", "records", "/records/", "/a//b", "/a b", "/ä", "/{id}", "/a.b"] {
            check(wrong, Err(ApiPrefixError::Form));
        }
        for reserved in ["/auth", "/do", "/admin/records", "/transact"] {
            check(reserved, Err(ApiPrefixError::Reserved));
        }
    }

    #[test]
    fn paths_are_below_it_or_are_not() {
        let prefix: ApiPrefix = "/rest/v1".parse().expect("a prefix");
        assert_eq!(prefix.path_of("posts"), "/rest/v1/posts");
        assert_eq!(prefix.below("/rest/v1/posts/1"), Some("posts/1"));
        for other in ["/rest/v1/", "/rest/v1", "/rest/v12/posts", "/api/posts", "/rest/posts"] {
            assert_eq!(prefix.below(other), None, "{other}");
        }
        assert!(prefix.is_itself("/rest/v1") && prefix.is_itself("/rest/v1/"));
        assert!(!prefix.is_itself("/rest") && !prefix.is_itself("/rest/v1/posts"));
        let beside = |text: &str| match prefix.beside(&RoutePath::of(text)) {
            None => "elsewhere",
            Some(Beside::Below(_)) => "below",
            Some(Beside::Same) => "same",
        };
        assert_eq!(
            ["/rest/v1/a", "/rest/{v}/a", "/rest/v1", "/rest/{v}"].map(beside),
            ["below", "below", "same", "same"]
        );
        assert_eq!(["/rest", "/rest/v2/a", "/api/a"].map(beside), ["elsewhere"; 3]);
    }
}
