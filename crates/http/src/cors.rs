mod allowed;

use allowed::Allowed;
use http::{HeaderMap, HeaderName, HeaderValue, header};

/// Headers that the API itself reads.
const OWN_HEADERS: &[&str] = &[
    "Authorization",
    "Backstay-Commit",
    "Backstay-Link",
    "Content-Encoding",
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "If-None-Match",
    "Prefer",
];
/// Headers of answers that a page may read.
const OWN_EXPOSED: &[&str] = &[
    "Accept-Patch",
    "Allow",
    "Backstay-Commit",
    "Content-Location",
    "ETag",
    "Idempotency-Replayed",
    "Location",
    "Preference-Applied",
    "Request-Id",
    "Retry-After",
    "WWW-Authenticate",
];

/// Which pages of other origins may call (the Fetch standard, section 3.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cors {
    origins: Origins,
    credentials: bool,
    max_age: u32,
    allowed_headers: HeaderValue,
    exposed_headers: HeaderValue,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Origins {
    All,
    Listed(Vec<Allowed>),
}

/// Why a CORS configuration is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CorsError {
    /// `*` with credentials would let every page act for its visitor.
    #[error("`*` cannot be combined with credentials; list the origins")]
    WildcardWithCredentials,
    /// `*` beside origins.
    #[error("`*` allows every origin; remove it or the other origins")]
    WildcardAmongOthers,
    /// Not an origin.
    #[error("{}", allowed::not_an_origin(.0))]
    Origin(String),
    /// A wildcard that is not the first label of a domain with TLS.
    #[error(
        "`{0}` is not a wildcard that Backstay supports; `*` can only replace the first label of a domain, with https: \
         https://*.preview.example.org"
    )]
    Wildcard(String),
    /// `null`, which every page can send from a sandboxed frame.
    #[error("`null` cannot be allowed, because every page can send it; serve the page from an origin of its own")]
    Null,
    /// A scheme whose pages send no origin.
    #[error(
        "`{origin}` cannot be allowed, because pages with the scheme `{scheme}` have no origin; serve them by https"
    )]
    WithoutOrigin {
        /// What was written.
        origin: String,
        /// Its scheme.
        scheme: String,
    },
    /// Probably a misspelled `https`.
    #[error("`{origin}` has the scheme `{scheme}`; did you mean `{meant}`?")]
    Scheme {
        /// What was written.
        origin: String,
        /// Its scheme.
        scheme: String,
        /// The scheme that was probably meant.
        meant: &'static str,
    },
    /// Not the name of a header.
    #[error("`{0}` is not the name of a header; list names, such as X-Requested-With")]
    Header(String),
}

impl Cors {
    /// Request headers that pages may send by default, besides those that the API reads: what tracing libraries, HTTP
    /// clients and caches add on their own.
    pub const DEFAULT_HEADERS: &[&str] =
        &["Baggage", "Cache-Control", "Sentry-Trace", "Traceparent", "Tracestate", "X-Requested-With"];

    /// Checks a configuration: origins, or `*` alone; whether their pages may use the cookie; for how many seconds
    /// browsers may remember the answer to a preflight. Origins are normalized as browsers do it. Their scheme can be that
    /// of an app (`capacitor://localhost`), and the first label of a host with TLS can be `*`, which stands for one or
    /// more labels.
    pub fn new(origins: &[String], credentials: bool, max_age: u32) -> Result<Self, CorsError> {
        let origins = match origins {
            [one] if one == "*" && credentials => return Err(CorsError::WildcardWithCredentials),
            [one] if one == "*" => Origins::All,
            _ if origins.iter().any(|origin| origin == "*") => return Err(CorsError::WildcardAmongOthers),
            _ => Origins::Listed(origins.iter().map(|text| Allowed::parse(text)).collect::<Result<_, _>>()?),
        };
        let allowed_headers = list(OWN_HEADERS, Self::DEFAULT_HEADERS)?;
        Ok(Self { origins, credentials, max_age, allowed_headers, exposed_headers: list(OWN_EXPOSED, &[] as &[&str])? })
    }

    /// The same with these request headers instead of `DEFAULT_HEADERS`, and these headers of answers in addition to
    /// those that the API sets.
    pub fn with_headers(self, allowed: &[String], exposed: &[String]) -> Result<Self, CorsError> {
        let (allowed_headers, exposed_headers) = (list(OWN_HEADERS, allowed)?, list(OWN_EXPOSED, exposed)?);
        Ok(Self { allowed_headers, exposed_headers, ..self })
    }

    /// The origin that a text lacks a part of, or has more than; `None` if it is one, or too little is known.
    pub fn meant_origin(text: &str) -> Option<String> {
        allowed::meant(text)
    }

    fn lists(&self, origin: &HeaderValue) -> bool {
        let Origins::Listed(origins) = &self.origins else { return false };
        origins.iter().any(|allowed| allowed.includes(origin.as_bytes()))
    }

    /// Whether pages of this origin may call.
    pub(crate) fn allows(&self, origin: &HeaderValue) -> bool {
        matches!(self.origins, Origins::All) || self.lists(origin)
    }

    /// Whether pages of this origin may use the cookie.
    pub(crate) fn shares_cookie(&self, origin: &HeaderValue) -> bool {
        self.credentials && self.lists(origin)
    }

    /// Adds what lets a page read the answer.
    pub(crate) fn apply(&self, asked: &HeaderMap, answer: &mut HeaderMap) {
        if self.admit(asked, answer) {
            answer.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, self.exposed_headers.clone());
        }
    }

    /// Adds what lets a page send a request with one of these methods, if this is its preflight.
    pub(crate) fn preflight(&self, asked: &HeaderMap, answer: &mut HeaderMap, methods: &HeaderValue) {
        if !asked.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD) {
            return self.apply(asked, answer);
        }
        if self.admit(asked, answer) {
            answer.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods.clone());
            answer.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, self.allowed_headers.clone());
            answer.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from(self.max_age));
        }
    }

    fn admit(&self, asked: &HeaderMap, answer: &mut HeaderMap) -> bool {
        let Some(origin) = asked.get(header::ORIGIN).filter(|origin| self.allows(origin)) else { return false };
        let allowed = match self.origins {
            Origins::All => HeaderValue::from_static("*"),
            Origins::Listed(_) => origin.clone(),
        };
        answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
        if self.credentials {
            answer.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
        true
    }
}

/// A list of header names, each once.
fn list(own: &[&str], others: &[impl AsRef<str>]) -> Result<HeaderValue, CorsError> {
    let mut names: Vec<&str> = own.to_vec();
    for name in others.iter().map(AsRef::as_ref) {
        if HeaderName::from_bytes(name.as_bytes()).is_err() || name == "*" {
            return Err(CorsError::Header(name.to_owned()));
        }
        if !names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            names.push(name);
        }
    }
    let text = names.join(", ");
    HeaderValue::from_str(&text).map_err(|_| CorsError::Header(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(texts: &[&str]) -> Vec<String> {
        texts.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn configurations_are_checked() {
        let check = |origins: &[&str], credentials: bool, expected: Result<(), CorsError>| {
            assert_eq!(Cors::new(&owned(origins), credentials, 600).map(|_| ()), expected);
        };
        check(&[], true, Ok(()));
        check(&["*"], false, Ok(()));
        check(&["*"], true, Err(CorsError::WildcardWithCredentials));
        check(&["*", "https://a.example"], false, Err(CorsError::WildcardAmongOthers));
        check(&["https://a.example/", "http://localhost:3000"], true, Ok(()));
        check(&["https://*.a.example", "capacitor://localhost"], true, Ok(()));
        check(&["https://b.example", "a.example"], false, Err(CorsError::Origin("a.example".to_owned())));
        check(&["https://*"], false, Err(CorsError::Wildcard("https://*".to_owned())));
    }

    #[test]
    fn errors_say_what_to_write() {
        let check = |origin: &str, expected: &str| {
            let error = Cors::new(&owned(&[origin]), false, 0).expect_err("a bad configuration");
            assert_eq!(error.to_string(), expected);
        };
        check(
            "here",
            "`here` is not an origin; write its scheme and host, and a port if it has one, such as \
             https://app.example.org",
        );
        check("app.example", "`app.example` is not an origin; write `https://app.example`");
        check("//app.example/a?b", "`//app.example/a?b` is not an origin; write `https://app.example`");
        check("localhost:3000", "`localhost:3000` is not an origin; write `http://localhost:3000`");
        check("127.0.0.1:3000/", "`127.0.0.1:3000/` is not an origin; write `http://127.0.0.1:3000`");
        check("*.example.org", "`*.example.org` is not an origin; write `https://*.example.org`");
        check("https://app.example/path", "`https://app.example/path` is not an origin; remove `/path`");
        check("https://a.example:8443?q#f", "`https://a.example:8443?q#f` is not an origin; remove `?q#f`");
        check("capacitor://localhost/x", "`capacitor://localhost/x` is not an origin; remove `/x`");
        check(
            "http://*.a.example",
            "`http://*.a.example` is not a wildcard that Backstay supports; `*` can only replace the first label of a \
             domain, with https: https://*.preview.example.org",
        );
        check(
            "null",
            "`null` cannot be allowed, because every page can send it; serve the page from an origin of its own",
        );
        check(
            "file:///a.html",
            "`file:///a.html` cannot be allowed, because pages with the scheme `file` have no origin; serve them by https",
        );
        check("htps://a.example", "`htps://a.example` has the scheme `htps`; did you mean `https`?");
    }

    #[test]
    fn headers_are_names() {
        let cors = Cors::new(&owned(&["*"]), false, 600).expect("it is good");
        let check = |names: &[&str], expected: Result<&str, CorsError>| {
            let with = cors.clone().with_headers(&owned(names), &[]);
            let got = with.map(|cors| cors.allowed_headers.to_str().expect("it is ASCII").to_owned());
            assert_eq!(got.as_deref(), expected.as_deref(), "{names:?}");
        };
        let own = OWN_HEADERS.join(", ");
        check(&[], Ok(&own));
        check(&["X-One", "prefer", "x-one"], Ok(&format!("{own}, X-One")));
        for bad in ["", "X One", "X:", "*", "\u{fc}"] {
            check(&[bad], Err(CorsError::Header(bad.to_owned())));
        }
    }
}
