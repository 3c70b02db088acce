use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use axum::body::Body;
use backstay_base::{Error, Limit, Memory, Unauthenticated};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use tokio::time::timeout_at;

use crate::admission::{Admitted, admit};
use crate::answer::{Answer, Audience};
use crate::budget::{Budget, Share};
use crate::coding::Coding;
use crate::endpoint::{ACCEPT_PATCH, Handler, media_types};
use crate::head::{Head, REQUEST_ID};
use crate::outgoing::Unwritten;
use crate::state::State;
use crate::{
    Refusal, Services, accounts, collections, compression, credentials, developer, documents, explain, openapi,
    preconditions, problem, records, setup, transact,
};

/// Who is at the other end of a connection.
#[derive(Debug)]
pub(crate) struct Peer {
    address: IpAddr,
    /// What the network of this address holds.
    pub(crate) share: Share,
}

impl Peer {
    /// Its address.
    pub(crate) fn address(&self) -> IpAddr {
        self.address
    }

    /// The peer of a connection from this address.
    pub(crate) fn of(address: IpAddr, budget: &Arc<Budget>) -> Self {
        Self { address, share: budget.share(address) }
    }
}

/// The HTTP door. It has no router and no layers: what every request needs is done here, around its handler, and costs
/// nothing where it is not used.
#[derive(Debug)]
pub struct Door {
    state: State,
}

impl Door {
    /// A door to these services.
    pub fn new(services: Services) -> Self {
        let budget = Budget::new(&services.settings);
        Self::within(services, budget)
    }

    /// A door whose requests and answers hold memory of this budget.
    pub(crate) fn within(services: Services, budget: Arc<Budget>) -> Self {
        let openapi = openapi::describe(services.engine.model(), services.engine.sizes(), &services.settings).into();
        Self { state: State::new(services, openapi, budget) }
    }

    /// Answers a request with its whole body, sent from this address.
    pub async fn answer(&self, request: Request<Bytes>, peer: IpAddr) -> Response<Bytes> {
        let peer = Peer::of(peer.to_canonical(), &self.state.budget);
        self.receive(request.map(Body::from), &peer).await.map(Unwritten::into_bytes)
    }

    /// Answers a request of this peer, whose body may still be arriving.
    pub(crate) async fn receive(&self, request: Request<Body>, peer: &Peer) -> Response<Unwritten> {
        let started = Instant::now();
        let (parts, body) = request.into_parts();
        let forwarded = self.forwarded(peer, &parts.headers);
        let share = forwarded.as_ref().unwrap_or(&peer.share);
        let head = Head::new(&self.state, &parts, (peer.address, share), started);
        let (answer, memory) = match respond(&head, body).await {
            Ok((answer, memory)) => (answer, Some(memory)),
            Err(refusal) => (refuse(&head, &refusal), None),
        };
        let (id, status, time) = (head.id, answer.status.as_u16(), started.elapsed());
        let micros = time.as_secs() * 1_000_000 + u64::from(time.subsec_micros());
        tracing::debug!(
            request = %id, method = %parts.method, path = parts.uri.path(), status, micros, "answered"
        );
        encode(&head, answer, memory).await
    }

    /// What the network holds for which a trusted proxy sends a request.
    fn forwarded(&self, peer: &Peer, headers: &HeaderMap) -> Option<Share> {
        let proxies = &self.state.settings.proxies;
        proxies.trust(peer.address).then(|| self.state.budget.share(proxies.client(peer.address, headers)))
    }
}

/// Admits a request and carries it out, both within the time that a request may take, and finds out whether the client
/// already has the answer. Returns the memory of the request with it.
async fn respond(head: &Head<'_>, body: Body) -> Result<(Answer, Memory), Refusal> {
    let time = head.state.settings.request_time;
    let deadline = tokio::time::Instant::from_std(head.deadline);
    let may_change = AtomicBool::new(false);
    let mut work = pin!(async {
        let mut admitted = admit(head, body, deadline).await?;
        may_change.store(admitted.changes(), Ordering::Relaxed);
        let answer = handle(&mut admitted).await?;
        Ok::<_, Refusal>((answer, admitted.into_memory()))
    });
    let outcome = match timeout_at(deadline, work.as_mut()).await {
        Ok(outcome) => Some(outcome),
        // A write that hasn't begun to be committed learns from this that it never will be, and says so.
        Err(_) => match work.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(outcome) => Some(outcome),
            Poll::Pending => None,
        },
    };
    let (mut answer, memory) = match outcome {
        Some(outcome) => outcome?,
        None if may_change.load(Ordering::Relaxed) => {
            return Err(Refusal::WriteTime { seconds: time.as_secs() });
        }
        None => return Err(Refusal::Domain(Limit::Time { seconds: time.as_secs() }.into())),
    };
    let is_read = matches!(*head.method(), Method::GET | Method::HEAD);
    if let Some(tag) = answer.tag.as_ref().filter(|_| is_read)
        && preconditions::is_unchanged(head.headers(), tag)?
    {
        answer.status = StatusCode::NOT_MODIFIED;
    }
    // What the engine encoded counts already.
    match memory.keep_uncounted(answer.body.clone()) {
        Ok(body) => answer.body = body,
        Err(_) if may_change.load(Ordering::Relaxed) => answer = answer.without_body(),
        Err(limit) => return Err(limit.into()),
    }
    Ok((answer, memory))
}

/// Carries a request out. Handlers that are called seldom are boxed: each request would carry the state of the largest.
async fn handle(admitted: &mut Admitted<'_>) -> Result<Answer, Refusal> {
    match admitted.handler() {
        Handler::Record(kind) => records::answer(admitted, kind).await,
        Handler::Collections => collections::answer(admitted),
        Handler::SignUp => Box::pin(accounts::sign_up(admitted)).await,
        Handler::SignIn => Box::pin(accounts::sign_in(admitted)).await,
        Handler::SignOut => Box::pin(accounts::sign_out(admitted)).await,
        Handler::SignOutEverywhere => Box::pin(accounts::sign_out_everywhere(admitted)).await,
        Handler::ChangePassword => Box::pin(accounts::change_password(admitted)).await,
        Handler::ChangeEmail => Box::pin(accounts::change_email(admitted)).await,
        Handler::Me => Box::pin(accounts::me(admitted)).await,
        Handler::SetupForm => Box::pin(setup::page(admitted)).await,
        Handler::Setup => Box::pin(setup::submit(admitted)).await,
        Handler::SetupStyle => Ok(setup::style()),
        Handler::Explain => Box::pin(explain::answer(admitted)).await,
        Handler::Transact => Box::pin(transact::answer(admitted)).await,
        Handler::Options => documents::options(admitted),
        Handler::Root => documents::root(admitted),
        Handler::Alive => Ok(documents::alive()),
        Handler::Ready => Box::pin(documents::ready(admitted)).await,
        Handler::OpenApi => Ok(documents::openapi(admitted)),
        Handler::Problem => documents::problem(admitted),
        Handler::DeveloperSignIn => Box::pin(developer::sign_in(admitted)).await,
        Handler::ModelState => developer::model(admitted),
        Handler::ModelText => developer::model_text(admitted),
    }
}

fn refuse(head: &Head<'_>, refusal: &Refusal) -> Answer {
    let mut answer = problem::answer(refusal, head.id);
    if let (&Method::PATCH, Refusal::MediaType { taken }) = (head.method(), refusal) {
        answer.header(ACCEPT_PATCH, media_types(taken));
    }
    let stale =
        matches!(refusal, Refusal::Domain(Error::Unauthenticated(Unauthenticated::Token | Unauthenticated::Key)));
    if stale && !head.headers().contains_key(header::AUTHORIZATION) {
        match credentials::clear_cookie(head) {
            Ok(cookie) => answer.header(header::SET_COOKIE, cookie),
            Err(error) => return problem::answer(&error.into(), head.id),
        }
    }
    answer
}

/// Negotiates the coding of an answer and writes its headers. The answer has the memory of its request, unless it is a
/// problem.
async fn encode(head: &Head<'_>, answer: Answer, memory: Option<Memory>) -> Response<Unwritten> {
    const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
    let Answer { status, content_type, mut body, audience, tag, headers: extra } = answer;
    let mut coding = coding(head, status, audience, &body);
    if status == StatusCode::NOT_MODIFIED {
        body = Bytes::new();
    } else if coding != Coding::Identity {
        match encoded(coding, &body, memory.as_ref()).await {
            Some(encoded) => body = encoded,
            None => coding = Coding::Identity,
        }
    }

    let mut headers = HeaderMap::with_capacity(16);
    headers.insert(REQUEST_ID, request_id(head));
    headers.insert(header::CACHE_CONTROL, audience.cache_control());
    headers.insert(header::VARY, head.state.vary.clone());
    insert(&mut headers, header::ETAG, tag.and_then(|tag| preconditions::etag(&tag, coding)));
    if !body.is_empty() {
        headers.insert(header::CONTENT_TYPE, content_type);
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, NOSNIFF);
        insert(&mut headers, header::CONTENT_ENCODING, coding.header());
    }
    for (name, value) in extra {
        headers.append(name, value);
    }
    if let Some(development) = &head.state.settings.development {
        development.mark(&mut headers);
    }
    if let Some(cors) = &head.state.settings.cors {
        match headers.get(header::ALLOW).filter(|_| head.method() == Method::OPTIONS).cloned() {
            Some(methods) => cors.preflight(head.headers(), &mut headers, &methods),
            None => cors.apply(head.headers(), &mut headers),
        }
    }
    if head.method() == Method::HEAD && status != StatusCode::NOT_MODIFIED {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
        body = Bytes::new();
    }
    let mut response = Response::new(Unwritten::new(body, memory));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// The body in this coding, if that is smaller and there is memory for both. Problems are not encoded.
async fn encoded(coding: Coding, body: &Bytes, memory: Option<&Memory>) -> Option<Bytes> {
    let mut held = memory?.hold();
    held.resize(body.len()).ok()?;
    let encoded = compression::encode(coding, body).await?;
    drop(held);
    memory?.keep(encoded).ok()
}

/// The coding of a body that is worth compressing.
fn coding(head: &Head<'_>, status: StatusCode, audience: Audience, body: &Bytes) -> Coding {
    let large = head.state.settings.compress_from.is_some_and(|from| body.len() >= from);
    let fit = status.is_success() || status == StatusCode::NOT_MODIFIED;
    if large && fit && audience != Audience::Secret { Coding::preferred(head.headers()) } else { Coding::Identity }
}

fn request_id(head: &Head<'_>) -> HeaderValue {
    let mut buffer = [0; 36];
    let text = head.id.0.key().encode(&mut buffer);
    HeaderValue::from_str(text).expect("an id is hexadecimal digits and hyphens")
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: Option<HeaderValue>) {
    if let Some(value) = value {
        headers.insert(name, value);
    }
}
