use std::fmt;
use std::net::IpAddr;
use std::sync::atomic::Ordering;
use std::time::Instant;

use axum::body::Body;
use backstay_base::{Error, Limit, Unauthenticated};
use backstay_engine::Engine;
use backstay_identity::Identity;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use serde_json::json;

use crate::answer::{Answer, Audience};
use crate::compression::Coding;
use crate::exchange::{Exchange, REQUEST_ID};
use crate::{
    HttpSettings, Refusal, api, auth, collections, credentials, explain, head, openapi, preconditions, problem, target,
};

/// What the doors open onto.
#[derive(Clone)]
pub struct Doors {
    /// Carries out what is asked.
    pub engine: Engine,
    /// Tells who asks.
    pub identity: Identity,
    /// How the doors behave.
    pub settings: HttpSettings,
}

impl fmt::Debug for Doors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Doors").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// All doors, and what their requests share. No router and no layers: what every request needs is done around the door,
/// and costs nothing where it is not used.
pub struct Site {
    pub(crate) engine: Engine,
    pub(crate) identity: Identity,
    pub(crate) settings: HttpSettings,
    openapi: Bytes,
    vary: HeaderValue,
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Site").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Site {
    /// Opens the doors.
    pub fn new(doors: Doors) -> Self {
        let Doors { engine, identity, settings } = doors;
        let openapi = openapi::describe(engine.model(), &settings).into();
        let vary = match settings.cors {
            None => "Authorization, Cookie, Accept-Encoding",
            Some(_) => "Authorization, Cookie, Accept-Encoding, Origin",
        };
        Self { engine, identity, settings, openapi, vary: HeaderValue::from_static(vary) }
    }

    /// Answers one request, whose body is there as a whole, that came from this address.
    pub async fn answer(&self, request: Request<Bytes>, peer: IpAddr) -> Response<Bytes> {
        self.receive(request.map(Body::from), peer).await
    }

    /// Answers one request that came from this address, and whose body may still be on its way.
    pub(crate) async fn receive(&self, request: Request<Body>, peer: IpAddr) -> Response<Bytes> {
        let started = Instant::now();
        let (parts, body) = request.into_parts();
        let door = Door::at(parts.uri.path());
        let exchange = Exchange::begin(self, &parts, peer);
        let answer = match admit(&exchange, door, body).await {
            Ok(answer) => answer,
            Err(refusal) => refuse(&exchange, &refusal),
        };
        let (id, status) = (exchange.id, answer.status.as_u16());
        let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        tracing::debug!(request = %id, method = %parts.method, path = parts.uri.path(), status, micros, "answered");
        encode(&exchange, door, answer).await
    }

    fn root(&self) -> Answer {
        let links = json!({
            "name": self.engine.model().name,
            "links": { "api": "/api/", "openapi": "/openapi.json", "signIn": "/auth/sign-in", "health": "/readyz" },
        });
        Answer::json(StatusCode::OK, Audience::Public, &links)
    }
}

/// Where a request comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Door {
    /// `*`: the server as a whole, of which only its methods can be asked (RFC 9110, section 9.3.7).
    Server,
    Root,
    Collections,
    Api,
    Auth,
    Explain,
    Alive,
    Ready,
    OpenApi,
    Problems,
    Nothing,
}

impl Door {
    /// What stands at a path.
    fn at(path: &str) -> Self {
        match path {
            "*" => Self::Server,
            "/" => Self::Root,
            "/api" | "/api/" => Self::Collections,
            "/explain" => Self::Explain,
            "/healthz" => Self::Alive,
            "/readyz" => Self::Ready,
            "/openapi.json" => Self::OpenApi,
            _ if path.starts_with("/api/") => Self::Api,
            _ if path.starts_with("/auth/") => Self::Auth,
            _ if path.starts_with("/problems/") => Self::Problems,
            _ => Self::Nothing,
        }
    }

    /// The methods that something of this path takes.
    fn allowed(self, path: &str) -> &'static str {
        match self {
            Self::Api => target::allowed(path.strip_prefix("/api/").unwrap_or_default()),
            Self::Auth => auth::allowed(path.strip_prefix("/auth/").unwrap_or_default()),
            Self::Explain => "POST, OPTIONS",
            Self::Server => "GET, HEAD, POST, PATCH, DELETE, OPTIONS",
            _ => READ,
        }
    }

    async fn open(self, exchange: &Exchange<'_>, body: Body) -> Result<Answer, Refusal> {
        let site = exchange.site;
        if exchange.method() == Method::OPTIONS && self != Self::Nothing {
            let mut answer = Answer::empty(StatusCode::NO_CONTENT, Audience::Secret);
            answer.header(header::ALLOW, HeaderValue::from_static(self.allowed(exchange.path())));
            return Ok(answer);
        }
        match self {
            Self::Api => return api::open(exchange, body).await,
            Self::Auth => return auth::open(exchange, body).await,
            Self::Explain => return explain::open(exchange, body).await,
            Self::Server | Self::Nothing => return Err(Refusal::NoSuchPath { hint: None }),
            _ => {}
        }
        if !matches!(*exchange.method(), Method::GET | Method::HEAD) {
            return Err(Refusal::Method { allow: READ, detail: "this can only be read" });
        }
        match self {
            Self::Ready => {
                site.engine.health().await?;
                Ok(well())
            }
            Self::OpenApi => Ok(Answer::ready(StatusCode::OK, Audience::Public, site.openapi.clone())),
            Self::Problems => problem::explained(exchange.path().trim_start_matches("/problems/")),
            Self::Root => Ok(site.root()),
            Self::Collections => collections::open(exchange, body).await,
            Self::Alive | Self::Api | Self::Auth | Self::Explain | Self::Server | Self::Nothing => Ok(well()),
        }
    }
}

const READ: &str = "GET, HEAD, OPTIONS";

fn well() -> Answer {
    Answer::ready(StatusCode::OK, Audience::Secret, Bytes::from_static(b"{\"status\":\"ok\"}"))
}

/// Checks the request's head, opens the door within the time a request may take, and tells whether the client has the
/// answer already.
async fn admit(exchange: &Exchange<'_>, door: Door, body: Body) -> Result<Answer, Refusal> {
    head::check(exchange.parts)?;
    let time = exchange.site.settings.request_time;
    let mut answer = match tokio::time::timeout(time, door.open(exchange, body)).await {
        Ok(outcome) => outcome?,
        Err(_) => return Err(overdue(exchange, time.as_secs())),
    };
    let is_read = matches!(*exchange.method(), Method::GET | Method::HEAD);
    if let Some(tag) = answer.tag.as_ref().filter(|_| is_read)
        && preconditions::is_unchanged(exchange.headers(), tag)?
    {
        answer.status = StatusCode::NOT_MODIFIED;
    }
    Ok(answer)
}

fn overdue(exchange: &Exchange<'_>, seconds: u64) -> Refusal {
    if exchange.awaits_body.load(Ordering::Relaxed) {
        return Refusal::BodySlow { seconds };
    }
    let only_reads = matches!(*exchange.method(), Method::GET | Method::HEAD) || exchange.path().ends_with(":query");
    if only_reads { Refusal::Domain(Limit::Time { seconds }.into()) } else { Refusal::WriteTime { seconds } }
}

fn refuse(exchange: &Exchange<'_>, refusal: &Refusal) -> Answer {
    let mut answer = problem::answer(refusal, exchange.id);
    let stale = matches!(refusal, Refusal::Domain(Error::Unauthenticated(Unauthenticated::Token)));
    if stale && !exchange.headers().contains_key(header::AUTHORIZATION) {
        answer.headers.extend(credentials::clear_cookie(exchange).map(|cookie| (header::SET_COOKIE, cookie)));
    }
    answer
}

/// Negotiates the form of an answer and writes its headers.
async fn encode(exchange: &Exchange<'_>, door: Door, answer: Answer) -> Response<Bytes> {
    const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
    let Answer { status, content_type, mut body, audience, tag, headers: extra } = answer;
    let mut coding = coding(exchange, status, audience, &body);
    if status == StatusCode::NOT_MODIFIED {
        body = Bytes::new();
    } else if coding != Coding::Identity {
        match coding.encode(&body).await {
            Some(encoded) => body = encoded,
            None => coding = Coding::Identity,
        }
    }

    let mut headers = HeaderMap::with_capacity(16);
    headers.insert(REQUEST_ID, request_id(exchange));
    headers.insert(header::CACHE_CONTROL, audience.cache_control());
    headers.insert(header::VARY, exchange.site.vary.clone());
    insert(&mut headers, header::ETAG, tag.and_then(|tag| preconditions::etag(&tag, coding)));
    if !body.is_empty() {
        headers.insert(header::CONTENT_TYPE, content_type);
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, NOSNIFF);
        insert(&mut headers, header::CONTENT_ENCODING, coding.header());
    }
    for (name, value) in extra {
        headers.append(name, value);
    }
    if let Some(cors) = &exchange.site.settings.cors {
        let preflight = (exchange.method() == Method::OPTIONS).then(|| door.allowed(exchange.path()));
        cors.apply(exchange.headers(), &mut headers, preflight);
    }
    if exchange.method() == Method::HEAD && status != StatusCode::NOT_MODIFIED {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
        body = Bytes::new();
    }
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// The coding for a body that is worth it.
fn coding(exchange: &Exchange<'_>, status: StatusCode, audience: Audience, body: &Bytes) -> Coding {
    let large = exchange.site.settings.compress_from.is_some_and(|from| body.len() >= from);
    let fit = status.is_success() || status == StatusCode::NOT_MODIFIED;
    if large && fit && audience != Audience::Secret { Coding::preferred(exchange.headers()) } else { Coding::Identity }
}

fn request_id(exchange: &Exchange<'_>) -> HeaderValue {
    let mut buffer = [0; 36];
    let text = exchange.id.0.encode(&mut buffer);
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("-"))
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: Option<HeaderValue>) {
    if let Some(value) = value {
        headers.insert(name, value);
    }
}
