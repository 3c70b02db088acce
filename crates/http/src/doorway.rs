use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use backstay_base::{Ambient, Error, IdSource, Limit, RequestId};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Request, Response, header};
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};
use tokio::time::timeout;

use crate::answer::Answer;
use crate::budget::Budget;
use crate::door::Peer;
use crate::head::REQUEST_ID;
use crate::kinds::kind_of;
use crate::reply::{Interrupted, Reply, Rest, Unwritten};
use crate::{
    Door, HttpSettings, ModelProblems, NoModel, Proxies, Refusal, Services, developer, documents, local, problem,
};

/// Where requests come in. It leads to the door of what is served, which can be exchanged while the server runs: new
/// requests then wait for the next door. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Doorway(Arc<Inner>);

struct Inner {
    /// Each request reads it until it is answered; whoever exchanges the door writes.
    entrance: RwLock<Entrance>,
    /// What requests hold, whatever door they go through.
    budget: Arc<Budget>,
    /// The proxies that were trusted when the server started.
    proxies: Proxies,
    /// How long a request waits for the next door.
    wait: Duration,
    ids: IdSource,
    ambient: Ambient,
}

/// What a doorway leads to.
#[derive(Debug)]
enum Entrance {
    /// Requests are carried out.
    Open(Box<Door>),
    /// There is nothing to serve.
    Closed(Arc<ModelProblems>),
    /// The database has another model than this server.
    Outdated,
}

/// The time between two doors: no request is running, and new ones wait until this is dropped. Without a call of `open`
/// or `close`, everything stays as it was.
#[derive(Debug)]
pub struct Pause<'d> {
    entrance: RwLockWriteGuard<'d, Entrance>,
    budget: &'d Arc<Budget>,
}

impl Doorway {
    /// A doorway that leads nowhere yet. Memory is limited as the settings say, whatever is served later.
    pub fn closed(settings: &HttpSettings, ambient: Ambient, why: Arc<ModelProblems>) -> Self {
        Self::new(settings, ambient, |_| Entrance::Closed(why))
    }

    /// A doorway that leads to these services.
    pub fn open(services: Services) -> Self {
        let (settings, ambient) = (services.settings.clone(), services.engine.ambient().clone());
        Self::new(&settings, ambient, |budget| Entrance::Open(Box::new(Door::within(services, Arc::clone(budget)))))
    }

    fn new(settings: &HttpSettings, ambient: Ambient, entrance: impl FnOnce(&Arc<Budget>) -> Entrance) -> Self {
        let budget = Budget::new(settings);
        Self(Arc::new(Inner {
            entrance: RwLock::new(entrance(&budget)),
            budget,
            proxies: settings.proxies.clone(),
            wait: settings.request_time,
            ids: IdSource::default(),
            ambient,
        }))
    }

    /// Stops requests from being carried out as soon as none is running; `None` if one still runs after this time. New
    /// requests wait meanwhile.
    pub async fn pause(&self, patience: Duration) -> Option<Pause<'_>> {
        let entrance = timeout(patience, self.0.entrance.write()).await.ok()?;
        Some(Pause { entrance, budget: &self.0.budget })
    }

    /// The peer of a connection from this address.
    pub(crate) fn peer(&self, address: IpAddr) -> Peer {
        Peer::of(address, &self.0.budget)
    }

    /// The answer to a connection that is refused.
    pub(crate) fn refusal(&self, refusal: &Refusal) -> Answer {
        problem::answer(refusal, self.next_id())
    }

    /// Answers a request of this peer, whose body may still be arriving.
    pub(crate) async fn receive(&self, request: Request<Body>, peer: &Peer) -> Response<Reply> {
        let Some(entrance) = self.entrance().await else {
            return self.refused(&Error::from(Limit::Busy).into());
        };
        match &*entrance {
            Entrance::Open(door) => door.receive(request, peer).await,
            Entrance::Closed(problems) => self.unserved(&request.into_parts().0, peer, problems),
            // The process runs, and goes on by itself if the model is its own again.
            Entrance::Outdated if request.uri().path() == "/healthz" => response(documents::alive(), self.next_id()),
            Entrance::Outdated => self.refused(&Refusal::Outdated),
        }
    }

    /// Reads the next part of an answer, unless what is served has been exchanged since it began.
    pub(crate) async fn go_on(&self, rest: Rest) -> Result<Reply, Interrupted> {
        let (peer, path) = (self.peer(rest.peer), rest.parts.uri.path().to_owned());
        let part = match self.entrance().await.as_deref() {
            Some(Entrance::Open(door)) => door.go_on(rest, &peer).await,
            Some(Entrance::Closed(_) | Entrance::Outdated) | None => Err(Error::from(Limit::Busy).into()),
        };
        part.map_err(|refusal| {
            tracing::warn!(path, why = refusal.code(), "an export was interrupted");
            Interrupted
        })
    }

    /// What this leads to; `None` if it takes too long to be exchanged.
    async fn entrance(&self) -> Option<RwLockReadGuard<'_, Entrance>> {
        match self.0.entrance.try_read() {
            Ok(entrance) => Some(entrance),
            Err(_) => timeout(self.0.wait, self.0.entrance.read()).await.ok(),
        }
    }

    /// The answer while there is nothing to serve.
    fn unserved(&self, parts: &Parts, peer: &Peer, problems: &Arc<ModelProblems>) -> Response<Reply> {
        let is_here = local::is_here(&self.0.proxies, peer.address(), parts);
        let model = if is_here { NoModel::Explained(Arc::clone(problems)) } else { NoModel::Withheld };
        let mut headers = HeaderMap::new();
        model.mark(&mut headers);
        let refusal = Refusal::NoModel(model);
        let mut response = match parts.uri.path() {
            "/dev/model.txt" if is_here => {
                response(developer::plain(problems, kind_of(&refusal).status), self.next_id())
            }
            _ => self.refused(&refusal),
        };
        response.headers_mut().extend(headers);
        response
    }

    fn refused(&self, refusal: &Refusal) -> Response<Reply> {
        let id = self.next_id();
        response(problem::answer(refusal, id), id)
    }

    fn next_id(&self) -> RequestId {
        RequestId(self.0.ids.next(&self.0.ambient))
    }
}

/// An answer of no door.
fn response(answer: Answer, id: RequestId) -> Response<Reply> {
    let mut headers = HeaderMap::new();
    // An id is hexadecimal digits and hyphens.
    headers.extend(HeaderValue::from_str(&id.to_string()).ok().map(|id| (REQUEST_ID, id)));
    headers.insert(header::CACHE_CONTROL, answer.audience.cache_control());
    headers.insert(header::CONTENT_TYPE, answer.content_type);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.extend(answer.headers);
    let mut response = Response::new(Reply::whole(Unwritten::new(answer.body, None)));
    *response.status_mut() = answer.status;
    *response.headers_mut() = headers;
    response
}

impl Pause<'_> {
    /// Drops the door and with it every use of its services. Until the next door is there, nothing is served.
    pub fn close(&mut self, why: Arc<ModelProblems>) {
        *self.entrance = Entrance::Closed(why);
    }

    /// The same because the database has another model: other servers carry requests out.
    pub fn close_as_outdated(&mut self) {
        *self.entrance = Entrance::Outdated;
    }

    /// Goes on with these services.
    pub fn open(mut self, services: Services) {
        *self.entrance = Entrance::Open(Box::new(Door::within(services, Arc::clone(self.budget))));
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner").field("entrance", &self.entrance).finish_non_exhaustive()
    }
}
