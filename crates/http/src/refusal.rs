use backstay_base::{Error, Limit, Place, ViolationKind, limits};

use crate::NoModel;

/// Why a request was refused: an error of the domain, or a fault of the request as HTTP.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Refusal {
    /// From the engine, or from recognizing the caller.
    #[error(transparent)]
    Domain(#[from] Error),
    /// One of several requests, for which none was carried out.
    #[error("{}", in_transaction(*request, error))]
    InTransaction {
        /// Its place among them, from 0.
        request: usize,
        /// Why.
        #[source]
        error: Error,
    },
    /// There is nothing at this path.
    #[error("there is nothing at this path{}", did_you_mean(hint.as_ref()))]
    NoSuchPath {
        /// The path that was probably meant.
        hint: Option<String>,
    },
    /// Planned, but not supported yet.
    #[error("{0}")]
    NotThereYet(&'static str),
    /// The path exists, but takes other methods.
    #[error("{detail}")]
    Method {
        /// The methods that it takes: the value of `Allow`.
        allow: String,
        /// What to do instead.
        detail: &'static str,
    },
    /// The body is of another media type.
    #[error("send the body as {}, and say so in `Content-Type`", taken.first().copied().unwrap_or_default())]
    MediaType {
        /// The media types that are taken; the first is the usual one.
        taken: &'static [&'static str],
    },
    /// The body is in another charset than UTF-8.
    #[error("`Content-Type` names a charset other than UTF-8; send the body in UTF-8 and leave out `charset`")]
    Charset,
    /// The body is in a content coding that is not supported, or in several.
    #[error(
        "`Content-Encoding` must be gzip, br or zstd; compress the body with one of them, or send it as it is, without \
         `Content-Encoding`"
    )]
    ContentCoding,
    /// The body is not what its content coding says.
    #[error("the body isn't valid {coding}, which is its `Content-Encoding`, or ends early")]
    BodyUndecodable {
        /// The coding.
        coding: &'static str,
    },
    /// `Accept` rules out the media type of the answer.
    #[error("the answer is {offered}, which `Accept` rules out")]
    NotAcceptable {
        /// The media type of the answer.
        offered: &'static str,
    },
    /// Path and query are too long.
    #[error("the path and query are longer than {max} bytes")]
    TargetTooLong {
        /// The limit.
        max: usize,
    },
    /// The headers are too large.
    #[error("the headers are larger than {max} bytes in total")]
    HeadersTooLarge {
        /// The limit.
        max: usize,
    },
    /// The body did not arrive in time.
    #[error("the body did not arrive within {seconds} seconds")]
    BodySlow {
        /// The limit.
        seconds: u64,
    },
    /// The body arrives too slowly, or stopped arriving.
    #[error(
        "nothing of the body arrived for {stall} seconds, or less than {} bytes per second on the whole",
        limits::PACE_BYTES_PER_SECOND
    )]
    BodyStalled {
        /// For how many seconds nothing may arrive.
        stall: u64,
    },
    /// The body is too large.
    #[error("the body is larger than {max} bytes")]
    BodyTooLarge {
        /// The limit.
        max: usize,
    },
    /// The body ended early or its framing is broken.
    #[error("the body ended early, or its chunks are malformed")]
    BodyBroken,
    /// `Authorization` is not of the form `Bearer TOKEN`.
    #[error("`Authorization` must be `Bearer` and one token")]
    Authorization,
    /// A page of another origin sent a request that it may not send.
    #[error("the request comes from a page of another origin, or does not say where it comes from")]
    CrossOrigin,
    /// A list is read whose `If-Match` names an earlier state of it.
    #[error("the list has changed since you read it")]
    ListChanged,
    /// `If-Match` names no tag that could match, whatever is stored.
    #[error("{mismatch}")]
    Tag {
        /// What is wrong with its tags.
        mismatch: TagMismatch,
        /// The version of the stored record, if it is one.
        version: Option<i64>,
    },
    /// There is no model that could be served yet.
    #[error("{0}")]
    NoModel(NoModel),
    /// Another server has changed the database's model.
    #[error("this server has an older model than the database, which another server has changed")]
    Outdated,
    /// A write took too long; it may still be stored.
    #[error("the request took longer than {seconds} seconds; the change may have been stored")]
    WriteTime {
        /// The limit.
        seconds: u64,
    },
}

/// Why no tag of `If-Match` could match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TagMismatch {
    /// It names the current version, but as a weak tag.
    #[error("`If-Match` holds a weak tag (`W/…`), which never matches (RFC 9110, section 13.1.1)")]
    Weak,
    /// It is not an `ETag` that this server sent for this.
    #[error("`If-Match` holds no `ETag` that this server sends for this resource")]
    Foreign,
}

/// The place of a violation names the request already.
fn in_transaction(request: usize, error: &Error) -> String {
    match error {
        Error::Malformed(_) | Error::Invalid(_) => error.to_string(),
        error => format!("/requests/{request}: {error}"),
    }
}

fn did_you_mean(hint: Option<&String>) -> String {
    match hint {
        Some(path) => format!("; did you mean {path}?"),
        None => String::new(),
    }
}

impl From<Limit> for Refusal {
    fn from(limit: Limit) -> Self {
        Self::Domain(limit.into())
    }
}

impl Refusal {
    /// One thing wrong with a part of the request that only HTTP has: a header, the path.
    pub(crate) fn malformed(part: &str, kind: ViolationKind) -> Self {
        Self::Domain(Error::malformed(Place::part(part), kind))
    }
}
