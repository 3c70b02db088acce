use backstay_base::{Error, Violation, ViolationKind};

/// Why a request got no answer of the kind it asked for: an error of the domain, or a fault of the request as HTTP.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Refusal {
    /// The engine, or the identity of the caller.
    #[error(transparent)]
    Domain(#[from] Error),
    /// Nothing stands under this path.
    #[error("nothing is found under this path{}", hint.as_ref().map(|path| format!("; did you mean {path}?")).unwrap_or_default())]
    NoSuchPath {
        /// The path that was probably meant.
        hint: Option<String>,
    },
    /// Known by name, but this Backstay cannot do it.
    #[error("{0}")]
    NotThereYet(&'static str),
    /// The path exists, but takes other methods.
    #[error("{detail}")]
    Method {
        /// What it takes: the value of `Allow`.
        allow: &'static str,
        /// What to do instead.
        detail: &'static str,
    },
    /// The body is of another media type.
    #[error("the body must be {expected}; say so in Content-Type")]
    MediaType {
        /// What it must be.
        expected: &'static str,
    },
    /// The body is compressed.
    #[error("a compressed body is not taken; leave out Content-Encoding")]
    ContentCoding,
    /// `Accept` leaves out what is answered here.
    #[error("this answers {offered}; Accept leaves that out")]
    NotAcceptable {
        /// What is answered.
        offered: &'static str,
    },
    /// Path and query are too long.
    #[error("path and query are longer than {max} bytes")]
    TargetTooLong {
        /// The limit.
        max: usize,
    },
    /// The headers are too large.
    #[error("the headers are larger than {max} bytes")]
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
    /// The body ended early or its framing is broken.
    #[error("the body ended early or its chunks are malformed")]
    BodyBroken,
    /// `Authorization` is not of the form `Bearer TOKEN`.
    #[error("Authorization must be 'Bearer' and one token")]
    Authorization,
    /// A page of another origin sent a request that the cookie would have vouched for.
    #[error("the request comes from another origin, or does not say from where; a cookie does not vouch for it")]
    CrossOrigin,
    /// A list is read whose `If-Match` names another state of it.
    #[error("the list is no longer the one that If-Match names")]
    ListChanged,
    /// A write took too long; it may still be stored.
    #[error("the request took longer than {seconds} seconds; the change may be stored all the same")]
    WriteTime {
        /// The limit.
        seconds: u64,
    },
}

impl Refusal {
    /// One thing wrong with the form of the request.
    pub(crate) fn malformed(at: &str, kind: ViolationKind) -> Self {
        Self::Domain(Error::Malformed(vec![Violation::new(at, kind)]))
    }

    /// The stable name of the kind of problem: the last part of its `type`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Domain(error) => error.code(),
            Self::NoSuchPath { .. } => "no-such-path",
            Self::NotThereYet(_) => "not-there-yet",
            Self::Method { .. } => "method-not-allowed",
            Self::MediaType { .. } | Self::ContentCoding => "unsupported-media-type",
            Self::NotAcceptable { .. } => "not-acceptable",
            Self::TargetTooLong { .. } => "target-too-long",
            Self::HeadersTooLarge { .. } => "headers-too-large",
            Self::BodySlow { .. } => "body-timeout",
            Self::BodyBroken => "malformed-body",
            Self::Authorization => "malformed-authorization",
            Self::CrossOrigin => "cross-origin",
            Self::ListChanged => "list-changed",
            Self::WriteTime { .. } => "outcome-unknown",
        }
    }
}
