use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use backstay_base::{Caller, Memory, RequestId, Timestamp, ViolationKind, limits};
use backstay_engine::{Arrival, Commits, Context, Freshness, Trace};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Version, header};

use crate::budget::Share;
use crate::state::State;
use crate::{Refusal, traced};

/// `Request-Id`: names the request in answers and logs.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");

/// The head of one request, and where and when it arrived.
#[derive(Debug)]
pub(crate) struct Head<'r> {
    pub(crate) state: &'r State,
    pub(crate) parts: &'r Parts,
    /// The address at the other end of the connection.
    pub(crate) peer: IpAddr,
    /// What the client's network holds.
    pub(crate) share: &'r Share,
    pub(crate) id: RequestId,
    pub(crate) now: Timestamp,
    /// When its time is up.
    pub(crate) deadline: Instant,
    /// The request's trace.
    pub(crate) trace: Trace,
}

impl<'r> Head<'r> {
    pub(crate) fn new(
        state: &'r State,
        parts: &'r Parts,
        (peer, share): (IpAddr, &'r Share),
        started: Instant,
    ) -> Self {
        let id = given_id(state, parts, peer).unwrap_or_else(|| RequestId(state.engine.next_id()));
        let (now, deadline) = (state.engine.ambient().clock.now(), started + state.settings.request_time);
        let trace = traced::begin(state, parts, (id, now));
        Self { state, parts, peer, share, id, now, deadline, trace }
    }

    /// The context in which the engine works for this caller, with the memory that the request may use.
    pub(crate) fn context(
        &self,
        caller: Arc<Caller>,
        (memory, commits): (Memory, Commits),
        freshness: Freshness,
    ) -> Context {
        let (request, now, deadline, trace) = (self.id, self.now, Some(self.deadline), self.trace.clone());
        let arrival =
            Arrival { request, now, client: Some(self.share.network()), deadline, memory, commits, freshness, trace };
        Context::begun(&self.state.engine, caller, arrival)
    }

    pub(crate) fn headers(&self) -> &'r HeaderMap {
        &self.parts.headers
    }

    pub(crate) fn method(&self) -> &'r Method {
        &self.parts.method
    }

    pub(crate) fn path(&self) -> &'r str {
        self.parts.uri.path()
    }

    pub(crate) fn query(&self) -> Option<&'r str> {
        self.parts.uri.query()
    }

    /// The value of a header that occurs at most once, in visible ASCII.
    pub(crate) fn header(&self, name: &HeaderName) -> Result<Option<&'r str>, Refusal> {
        let mut values = self.parts.headers.get_all(name).iter();
        let Some(value) = values.next() else { return Ok(None) };
        if values.next().is_some() {
            return Err(Refusal::malformed(name.as_str(), ViolationKind::Duplicate));
        }
        let expected = || ViolationKind::Type { expected: "visible ASCII characters".to_owned() };
        value.to_str().map(Some).map_err(|_| Refusal::malformed(name.as_str(), expected()))
    }

    /// The address of the client.
    pub(crate) fn client(&self) -> IpAddr {
        self.state.settings.proxies.client(self.peer, self.headers())
    }

    /// Whether the client connected by https, as far as the server knows.
    pub(crate) fn is_secure(&self) -> bool {
        self.state.settings.secure_cookies || self.state.settings.proxies.https(self.peer, self.headers())
    }

    /// Refuses a head that is too large, or that another HTTP implementation on the way could read differently.
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        let target = self.parts.uri.path_and_query().map_or(0, |target| target.as_str().len());
        if target > limits::TARGET_BYTES {
            return Err(Refusal::TargetTooLong { max: limits::TARGET_BYTES });
        }
        let size: usize = self.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        if size > limits::HEADER_BYTES {
            return Err(Refusal::HeadersTooLarge { max: limits::HEADER_BYTES });
        }
        check_host(self.parts)?;
        check_coding(self.headers())
    }
}

/// The id that a trusted proxy gave the request.
fn given_id(state: &State, parts: &Parts, peer: IpAddr) -> Option<RequestId> {
    if !state.settings.proxies.trust(peer) {
        return None;
    }
    let text = parts.headers.get(REQUEST_ID)?.to_str().ok()?;
    text.parse().ok().map(RequestId)
}

/// A request names its host exactly once (RFC 9112, section 3.2).
fn check_host(parts: &Parts) -> Result<(), Refusal> {
    let mut hosts = parts.headers.get_all(header::HOST).iter();
    let kind = match (hosts.next(), hosts.next()) {
        (Some(host), None) if is_host(host) => return Ok(()),
        (None, _) if parts.version < Version::HTTP_11 => return Ok(()),
        (None, _) => ViolationKind::Required,
        (Some(_), Some(_)) => ViolationKind::Duplicate,
        (Some(_), None) => ViolationKind::Type { expected: "a host, with or without a port".to_owned() },
    };
    Err(Refusal::malformed(header::HOST.as_str(), kind))
}

/// Whether these are the characters of a host and a port (RFC 3986, section 3.2). Empty is allowed: some request
/// targets have no authority.
fn is_host(host: &HeaderValue) -> bool {
    host.as_bytes().iter().all(|byte| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+;=:[]".contains(byte))
}

/// Only the chunked transfer coding is supported (RFC 9112, section 6.1). If there is a `Content-Length` beside it,
/// hyper ignores that and closes the connection after the answer.
fn check_coding(headers: &HeaderMap) -> Result<(), Refusal> {
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => Ok(()),
        (Some(coding), None) if coding.as_bytes().eq_ignore_ascii_case(b"chunked") => Ok(()),
        _ => {
            let why = "only `chunked` is supported, and only once".to_owned();
            Err(Refusal::malformed(header::TRANSFER_ENCODING.as_str(), ViolationKind::Range(why)))
        }
    }
}
