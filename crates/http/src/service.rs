use std::convert::Infallible;
use std::error::Error as StdError;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::extract::ConnectInfo;
use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Request, Response, Uri, header};
use http_body_util::BodyExt;
use hyper::body::{Body as HttpBody, Frame, SizeHint};

use crate::Doorway;
use crate::outgoing::Outgoing;
use crate::reply::{Interrupted, Unwritten};

/// Where a request comes from, as an extension of it. Clients share memory and queues fairly by this address, attempts to sign
/// in are counted by it, and proxies are trusted by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

/// Answers HTTP requests as a `tower::Service`, as a part of another server. Cheap to clone.
///
/// That server says where each request comes from: by the extension [`ClientAddress`], or the one that axum's
/// `into_make_service_with_connect_info::<SocketAddr>()` adds. Without either, all requests count as those of one network.
/// Its connections, and how long clients may take to send a head or to read an answer, are its own matter.
#[derive(Debug, Clone)]
pub struct Service {
    doorway: Doorway,
    prefix: Arc<str>,
}

/// The body of an answer. It holds the memory of its request until its bytes are dropped.
#[derive(Debug)]
pub struct ServiceBody(Outgoing);

impl Service {
    /// Answers what comes in at this doorway.
    pub fn new(doorway: Doorway) -> Self {
        Self { doorway, prefix: Arc::from("") }
    }

    /// The same below a path such as `/backend`, which is taken off requests that have it, and put before the paths in
    /// `Location` and `Content-Location`.
    #[must_use]
    pub fn below(self, path: &str) -> Self {
        Self { prefix: Arc::from(path.trim_end_matches('/')), ..self }
    }

    /// Answers a request that this process makes, with the whole body.
    pub async fn answer_whole(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Interrupted> {
        let (parts, body) = self.clone().answer(request.map(Body::from)).await.into_parts();
        Ok(Response::from_parts(parts, body.collect().await?.to_bytes()))
    }

    async fn answer(self, mut request: Request<Body>) -> Response<ServiceBody> {
        self.take_prefix_off(&mut request);
        let peer = self.doorway.peer(address(request.extensions()).to_canonical());
        let mut response = self.doorway.receive(request, &peer).await;
        for name in [header::LOCATION, header::CONTENT_LOCATION] {
            self.put_prefix_before(response.headers_mut(), name);
        }
        Outgoing::of(response, &self.doorway).map(ServiceBody)
    }

    /// A router that nests the service may have done this already.
    fn take_prefix_off(&self, request: &mut Request<Body>) {
        let uri = request.uri();
        let Some(rest) = uri.path().strip_prefix(&*self.prefix).filter(|_| !self.prefix.is_empty()) else { return };
        if !rest.is_empty() && !rest.starts_with('/') {
            return;
        }
        let query = uri.query().map_or_else(String::new, |query| format!("?{query}"));
        let path = if rest.is_empty() { "/" } else { rest };
        let mut parts = uri.clone().into_parts();
        parts.path_and_query = PathAndQuery::try_from(format!("{path}{query}")).ok();
        // A part of a target is one, too.
        if let Ok(target) = Uri::from_parts(parts) {
            *request.uri_mut() = target;
        }
    }

    fn put_prefix_before(&self, headers: &mut HeaderMap, name: HeaderName) {
        let path = headers.get(&name).filter(|_| !self.prefix.is_empty()).and_then(|path| path.to_str().ok());
        let moved = path.filter(|path| path.starts_with('/')).map(|path| format!("{}{path}", self.prefix));
        if let Some(moved) = moved.and_then(|moved| HeaderValue::from_str(&moved).ok()) {
            headers.insert(name, moved);
        }
    }
}

/// An address that no client has stands for one that isn't known: nothing is allowed to it because of where it is.
fn address(extensions: &Extensions) -> IpAddr {
    let given = extensions.get::<ClientAddress>().map(|ClientAddress(address)| *address);
    let connected = || extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address.ip());
    given.or_else(connected).unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
}

impl<B> tower_service::Service<Request<B>> for Service
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    type Response = Response<ServiceBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<ServiceBody>, Infallible>> + Send>>;

    /// It is always ready: what is too much is refused with an answer.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let answer =
            self.clone().answer(request.map(|body| if body.is_end_stream() { Body::empty() } else { Body::new(body) }));
        Box::pin(async move { Ok(answer.await) })
    }
}

impl HttpBody for ServiceBody {
    type Data = Bytes;
    type Error = Interrupted;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Interrupted>>> {
        let frame = Pin::new(&mut self.get_mut().0).poll_frame(cx);
        frame.map_ok(|frame| frame.map_data(Unwritten::into_held_bytes))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}
