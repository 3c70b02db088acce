use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use axum::body::Body;
use backstay_base::{Error, Limit, Memory, RequestId, Unauthenticated};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use tokio::time::timeout_at;

use crate::admission::{Admitted, admit};
use crate::answer::{Answer, Audience, JSON, Remaining};
use crate::budget::{Budget, Share};
use crate::coding::Coding;
use crate::commit::BACKSTAY_COMMIT;
use crate::compression::Encoding;
use crate::endpoint::{ACCEPT_PATCH, Handler, RecordRequest, media_types};
use crate::head::{Head, REQUEST_ID};
use crate::problem::Cause;
use crate::reply::{Reply, Rest, Unwritten};
use crate::state::State;
use crate::{
    Refusal, Services, accounts, actions, changes, collections, compression, credentials, developer, docs, documents,
    explain, export, inbox, inspection, local, openapi, preconditions, problem, records, routes, setup, transact,
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
    /// Tells this door from others, for answers that go on later.
    mark: Arc<()>,
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
        Self { state: State::new(services, openapi, budget), mark: Arc::default() }
    }

    /// Answers a request with its whole body, sent from this address.
    pub async fn answer(&self, request: Request<Bytes>, peer: IpAddr) -> Response<Bytes> {
        let peer = Peer::of(peer.to_canonical(), &self.state.budget);
        let (head, Reply { part, mut rest }) = self.receive(request.map(Body::from), &peer).await.into_parts();
        let (mut bytes, mut parts) = (part.into_bytes(), Vec::new());
        while let Some(next) = rest {
            parts.push(bytes);
            match self.go_on(*next, &peer).await {
                Ok(reply) => (bytes, rest) = (reply.part.into_bytes(), reply.rest),
                Err(refusal) => {
                    let problem = problem::answer(&refusal, RequestId(self.state.engine.next_id()));
                    let mut response = Response::new(problem.body);
                    *response.status_mut() = problem.status;
                    return response;
                }
            }
        }
        if !parts.is_empty() {
            parts.push(bytes);
            bytes = parts.concat().into();
        }
        Response::from_parts(head, bytes)
    }

    /// Answers a request of this peer, whose body may still be arriving.
    pub(crate) async fn receive(&self, request: Request<Body>, peer: &Peer) -> Response<Reply> {
        let started = Instant::now();
        let (parts, body) = request.into_parts();
        let forwarded = self.forwarded(peer, &parts.headers);
        let share = forwarded.as_ref().unwrap_or(&peer.share);
        let head = Head::new(&self.state, &parts, (peer.address, share), started);
        let (answer, memory, refused) = match respond(&head, body).await {
            Ok((answer, memory)) => (answer, Some(memory), None),
            Err(refusal) => (refuse(&head, &refusal), None, Some(refusal)),
        };
        let (id, status, time) = (head.id, answer.status.as_u16(), started.elapsed());
        let micros = time.as_secs() * 1_000_000 + u64::from(time.subsec_micros());
        tracing::debug!(
            request = %id, method = %parts.method, path = parts.uri.path(), status, micros, "answered"
        );
        let (trace, began) = (&head.trace, head.trace.moment());
        let (response, begun) = encode(&head, answer, memory).await;
        trace.stage("encode", began);
        trace.end(Some(status), || refused.map(|refusal| problem::told(&refusal)));
        response.map(|part| {
            let rest = begun.map(|(export, encoding)| {
                let (peer, door) = (peer.address, Arc::clone(&self.mark));
                Box::new(Rest { parts, peer, door, export, encoding })
            });
            Reply { part, rest }
        })
    }

    /// Reads the next part of an answer. Its request is admitted anew, with the rights that its caller has now.
    pub(crate) async fn go_on(&self, rest: Rest, peer: &Peer) -> Result<Reply, Refusal> {
        let Rest { parts, peer: address, door, export, encoding } = rest;
        if !Arc::ptr_eq(&door, &self.mark) {
            return Err(Error::from(Limit::Busy).into());
        }
        let forwarded = self.forwarded(peer, &parts.headers);
        let share = forwarded.as_ref().unwrap_or(&peer.share);
        let head = Head::new(&self.state, &parts, (address, share), Instant::now());
        let deadline = tokio::time::Instant::from_std(head.deadline);
        let read = async {
            let admitted = admit(&head, Body::empty(), deadline).await?;
            let (bytes, export) = export::next(&admitted, *export).await?;
            Ok::<_, Refusal>((bytes, export, admitted.into_memory()))
        };
        let time = self.state.settings.request_time.as_secs();
        let late = |_| Refusal::Domain(Limit::Time { seconds: time }.into());
        let read = timeout_at(deadline, read).await.map_err(late);
        head.trace.end(None, || None);
        let (bytes, export, memory) = read??;
        let mut held = memory.hold();
        held.resize(bytes.len())?;
        let (bytes, encoding) = match export {
            Some(_) => encoding.part(bytes).await.map(|(bytes, encoding)| (bytes, Some(encoding))),
            None => encoding.end(bytes).await.map(|bytes| (bytes, None)),
        }
        .map_err(Error::internal)?;
        drop(held);
        let part = Unwritten::new(memory.keep_uncounted(bytes)?, Some(memory));
        let rest = export.zip(encoding);
        let door = Arc::clone(&self.mark);
        let rest = rest.map(|(export, encoding)| Box::new(Rest { parts, peer: address, door, export, encoding }));
        Ok(Reply { part, rest })
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
        let began = head.trace.moment();
        let admitted = admit(head, body, deadline).await;
        head.trace.stage("admit", began);
        let mut admitted = admitted?;
        may_change.store(admitted.changes(), Ordering::Relaxed);
        let began = head.trace.moment();
        let handled = handle(&mut admitted).await;
        head.trace.stage("handle", began);
        admitted.wrote();
        let mut answer = handled?;
        if let Some(token) = admitted.commit_token() {
            answer.header(BACKSTAY_COMMIT, HeaderValue::try_from(token).map_err(Error::internal)?);
        }
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
        Handler::Record(RecordRequest::Changes) => Box::pin(changes::answer(admitted)).await,
        Handler::Record(RecordRequest::Export) => Box::pin(export::answer(admitted)).await,
        Handler::Record(kind) => records::answer(admitted, kind).await,
        Handler::Collections => collections::answer(admitted),
        Handler::SignUp => Box::pin(accounts::sign_up(admitted)).await,
        Handler::SignIn => Box::pin(accounts::sign_in(admitted)).await,
        Handler::SignOut => Box::pin(accounts::sign_out(admitted)).await,
        Handler::SignOutEverywhere => Box::pin(accounts::sign_out_everywhere(admitted)).await,
        Handler::ChangePassword => Box::pin(accounts::change_password(admitted)).await,
        Handler::ChangeEmail => Box::pin(accounts::change_email(admitted)).await,
        Handler::Me => Box::pin(accounts::me(admitted)).await,
        Handler::MakeLink => Box::pin(accounts::make_link(admitted)).await,
        Handler::RevokeLink => Box::pin(accounts::revoke_link(admitted)).await,
        Handler::SetupForm => Box::pin(setup::page(admitted)).await,
        Handler::Setup => Box::pin(setup::submit(admitted)).await,
        Handler::SetupStyle => Ok(setup::style()),
        Handler::Explain => Box::pin(explain::answer(admitted)).await,
        Handler::Transact => Box::pin(transact::answer(admitted)).await,
        Handler::Act => Box::pin(actions::answer(admitted)).await,
        Handler::Route => Box::pin(routes::answer(admitted)).await,
        Handler::Receive => Box::pin(inbox::answer(admitted)).await,
        Handler::Options => documents::options(admitted),
        Handler::Root => documents::root(admitted),
        Handler::Alive => Ok(documents::alive()),
        Handler::Ready => Box::pin(documents::ready(admitted)).await,
        Handler::OpenApi => Ok(documents::openapi(admitted)),
        Handler::Problem => documents::problem(admitted),
        Handler::Docs(part) => Ok(docs::answer(admitted, part).await),
        Handler::DeveloperSignIn => Box::pin(developer::sign_in(admitted)).await,
        Handler::ModelState => developer::model(admitted),
        Handler::ModelText => developer::model_text(admitted),
        Handler::Inspection(part) => Ok(inspection::page(admitted, part)),
        Handler::Traces => inspection::traces(admitted),
    }
}

fn refuse(head: &Head<'_>, refusal: &Refusal) -> Answer {
    let settings = &head.state.settings;
    let is_developer = settings.development.is_some() && local::is_here(&settings.proxies, head.peer, head.parts);
    let told = if is_developer { Cause::Told } else { Cause::Logged };
    let mut answer = problem::explained(refusal, head.id, told);
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
/// problem. Returns with it what follows, if it is only a beginning.
async fn encode(
    head: &Head<'_>,
    answer: Answer,
    memory: Option<Memory>,
) -> (Response<Unwritten>, Option<(Box<Remaining>, Encoding)>) {
    const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
    let Answer { status, content_type, mut body, rest, audience, tag, headers: extra } = answer;
    let is_whole = rest.is_none();
    let mut coding = coding(head, (status, audience), (&body, is_whole));
    let mut begun = None;
    if let Some(export) = rest {
        let (part, encoding, used) = Encoding::begin(coding, body).await;
        (body, coding) = (part, used);
        begun = Some((export, encoding));
    } else if status == StatusCode::NOT_MODIFIED {
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
    // A file says what it is even if nothing is in it.
    if !body.is_empty() || content_type != JSON {
        headers.insert(header::CONTENT_TYPE, content_type);
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, NOSNIFF);
        insert(&mut headers, header::CONTENT_ENCODING, coding.header());
    }
    for (name, value) in extra {
        match name {
            // A route can say how long its answer is fresh.
            header::CACHE_CONTROL => drop(headers.insert(name, value)),
            name => drop(headers.append(name, value)),
        }
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
        if is_whole {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
        }
        body = Bytes::new();
        begun = None;
    }
    let mut response = Response::new(Unwritten::new(body, memory));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    (response, begun)
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
fn coding(head: &Head<'_>, (status, audience): (StatusCode, Audience), (body, is_whole): (&Bytes, bool)) -> Coding {
    let large = head.state.settings.compress_from.is_some_and(|from| !is_whole || body.len() >= from);
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
