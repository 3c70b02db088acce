use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use backstay_base::{Caller, RequestId, Timestamp, ViolationKind};
use backstay_engine::Context;
use http::request::Parts;
use http::{HeaderMap, HeaderName, Method};

use crate::Refusal;
use crate::site::Site;

/// `Request-Id`: names the exchange in answers and logs.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");

/// One request with what every door needs to know about it.
#[derive(Debug)]
pub(crate) struct Exchange<'r> {
    pub(crate) site: &'r Site,
    pub(crate) parts: &'r Parts,
    /// The address at the other end of the connection.
    pub(crate) peer: IpAddr,
    pub(crate) id: RequestId,
    pub(crate) now: Timestamp,
    /// Whether the body is being waited for, so that nothing can have been done yet.
    pub(crate) awaits_body: AtomicBool,
}

impl<'r> Exchange<'r> {
    pub(crate) fn begin(site: &'r Site, parts: &'r Parts, peer: IpAddr) -> Self {
        let peer = peer.to_canonical();
        let id = Self::given_id(site, parts, peer).unwrap_or_else(|| RequestId(site.engine.next_id()));
        Self { site, parts, peer, id, now: site.engine.ambient().clock.now(), awaits_body: AtomicBool::new(false) }
    }

    /// The id that a trusted proxy gave the request.
    fn given_id(site: &Site, parts: &Parts, peer: IpAddr) -> Option<RequestId> {
        if !site.settings.proxies.vouch_for(peer) {
            return None;
        }
        let text = parts.headers.get(REQUEST_ID)?.to_str().ok()?;
        text.parse().ok().map(RequestId)
    }

    /// The context in which the engine works for this caller.
    pub(crate) fn context(&self, caller: Arc<Caller>) -> Context {
        Context { caller, request: self.id, now: self.now }
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

    /// The one value of a header, in visible ASCII; giving it twice is an error.
    pub(crate) fn header(&self, name: &HeaderName) -> Result<Option<&'r str>, Refusal> {
        let mut values = self.parts.headers.get_all(name).iter();
        let Some(value) = values.next() else { return Ok(None) };
        if values.next().is_some() {
            return Err(Refusal::malformed(name.as_str(), ViolationKind::Duplicate));
        }
        let expected = || ViolationKind::Type { expected: "visible ASCII characters".to_owned() };
        value.to_str().map(Some).map_err(|_| Refusal::malformed(name.as_str(), expected()))
    }

    /// Where the request comes from.
    pub(crate) fn client(&self) -> IpAddr {
        self.site.settings.proxies.client(self.peer, self.headers())
    }

    /// Whether the client came over https, as far as is known.
    pub(crate) fn is_secure(&self) -> bool {
        self.site.settings.secure_cookies || self.site.settings.proxies.https(self.peer, self.headers())
    }
}
