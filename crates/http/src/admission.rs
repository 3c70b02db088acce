use std::sync::Arc;

use axum::body::Body;
use backstay_base::{Caller, Held, Limit, Memory, limits};
use backstay_engine::{Commits, Context, Freshness};
use bytes::Bytes;
use http::Method;
use hyper::body::Body as _;
use tokio::time::Instant;

use crate::answer::Audience;
use crate::budget::Reservation;
use crate::credentials::Recognized;
use crate::endpoint::{BodyRule, Callers, Effect, Endpoint, Handler, Idempotency, Overload, Presence, Route, Verb};
use crate::head::Head;
use crate::negotiation::Returning;
use crate::state::State;
use crate::target::Target;
use crate::write_headers::WriteHeaders;
use crate::{
    Refusal, body, commit, credentials, csrf, endpoints, idempotency, local, negotiation, parameters, preconditions,
};

/// A request that has passed everything its endpoint demands. Only `admit` makes one, and handlers take nothing else.
#[derive(Debug)]
pub(crate) struct Admitted<'r> {
    head: &'r Head<'r>,
    endpoint: &'static Endpoint,
    target: Target<'r>,
    recognized: Recognized,
    parameter: Option<String>,
    body: Bytes,
    /// What the body holds, and what is read from it.
    _held: Held,
    memory: Memory,
    /// What it commits.
    commits: Commits,
    /// How old what it reads may be.
    freshness: Freshness,
}

/// Takes a request through all that the table demands: its path and method, who calls, which page sent it, what it
/// accepts, its preconditions, idempotency key and parameters, and its body, which must have arrived by the deadline.
pub(crate) async fn admit<'r>(head: &'r Head<'r>, body: Body, deadline: Instant) -> Result<Admitted<'r>, Refusal> {
    head.check()?;
    if *head.method() == Method::OPTIONS {
        return Ok(options(head));
    }
    let (route, target) = endpoints::find(head.state, head.path())?;
    let reservation = match reserve(head, route, &body) {
        Ok(reservation) => reservation,
        Err(limit) => {
            body::discard(head, body);
            return Err(limit.into());
        }
    };
    let memory = reservation.as_ref().map_or_else(Memory::uncounted, Reservation::memory);
    let since = match route.callers {
        Callers::Unread => None,
        Callers::Everyone | Callers::Developer | Callers::Operators | Callers::Inspectors => {
            commit::reach(head).await?
        }
    };
    let recognized = match route.callers {
        Callers::Unread => Recognized::anonymous(),
        Callers::Everyone => credentials::recognize(head).await?,
        Callers::Developer => local::recognize(head)?,
        Callers::Operators => credentials::recognize(head).await?.require_operator()?,
        Callers::Inspectors => match head.state.settings.development {
            Some(_) => local::recognize(head)?,
            None => credentials::recognize(head).await?.require_operator()?,
        },
    };
    require_visible(head, target, &recognized)?;
    let endpoint = endpoints::endpoint(head.state, (route, target), head.method())?;
    csrf::require(head, endpoint.pages, &recognized)?;
    if endpoint.negotiated {
        negotiation::require_json(head.headers())?;
    }
    preconditions::require(head.headers(), endpoint)?;
    if let Idempotency::Refused(why) = endpoint.idempotency {
        idempotency::refuse(head.headers(), why)?;
    }
    let parameter = parameters::single(head.query(), endpoint.parameters)?;
    let mut held = memory.hold();
    let body = match endpoint.body {
        None => body::refuse(&body)?,
        Some(BodyRule { presence: Presence::Optional, .. }) if body.is_end_stream() => Bytes::new(),
        Some(rule) => body::read(head, body, (rule, deadline), &mut held).await?,
    };
    if let Some(reservation) = reservation {
        reservation.raise(limits::REQUEST_MEMORY_BYTES)?;
    }
    let commits = match endpoint.effect {
        Effect::Reads => Commits::UNNOTED,
        Effect::Changes => Commits::noted(),
    };
    let freshness = match endpoint.handler.reads_replicas() {
        true => Freshness::Bounded { since },
        false => Freshness::Latest,
    };
    Ok(Admitted { head, endpoint, target, recognized, parameter, body, _held: held, memory, commits, freshness })
}

/// `OPTIONS` is answered for the shape of a path and without credentials, because browsers ask before they send any.
fn options<'r>(head: &'r Head<'r>) -> Admitted<'r> {
    let (endpoint, recognized) = (&endpoints::OPTIONS, Recognized::anonymous());
    let memory = Memory::uncounted();
    let (body, held) = (Bytes::new(), memory.hold());
    let (target, commits, freshness) = (Target::Fixed, Commits::UNNOTED, Freshness::Latest);
    Admitted { head, endpoint, target, recognized, parameter: None, body, _held: held, memory, commits, freshness }
}

/// The memory of the request, unless its network or the server has none left: little while its body arrives. Requests
/// that are always answered have small answers, and need none.
fn reserve(head: &Head<'_>, route: &Route, body: &Body) -> Result<Option<Arc<Reservation>>, Limit> {
    let least = if body.is_end_stream() { limits::REQUEST_MEMORY_BYTES } else { limits::MEMORY_STEP_BYTES };
    match route.overload {
        Overload::Refused => head.share.reserve(least).map(Some),
        Overload::Answered => Ok(None),
    }
}

/// A collection that isn't there for the caller is like one that isn't there at all.
fn require_visible(head: &Head<'_>, target: Target<'_>, recognized: &Recognized) -> Result<(), Refusal> {
    let Target::Records(records) = target else { return Ok(()) };
    let engine = &head.state.engine;
    let model = engine.model();
    let mut collections = records.collections(model).iter().map(|collection| model.collection(*collection));
    if collections.any(|collection| engine.exists_for(&recognized.caller, collection)) {
        Ok(())
    } else {
        Err(Refusal::NoSuchPath { hint: None })
    }
}

impl<'r> Admitted<'r> {
    pub(crate) fn head(&self) -> &'r Head<'r> {
        self.head
    }

    pub(crate) fn state(&self) -> &'r State {
        self.head.state
    }

    pub(crate) fn handler(&self) -> Handler {
        self.endpoint.handler
    }

    /// The method of the table.
    pub(crate) fn verb(&self) -> Verb {
        self.endpoint.verb
    }

    pub(crate) fn target(&self) -> Target<'r> {
        self.target
    }

    /// Whether it can change anything.
    pub(crate) fn changes(&self) -> bool {
        self.endpoint.effect == Effect::Changes
    }

    /// The context in which the engine works for the caller.
    pub(crate) fn context(&self) -> Context {
        self.context_of(self.recognized.caller.clone())
    }

    /// The same for another caller.
    pub(crate) fn context_of(&self, caller: Arc<Caller>) -> Context {
        self.head.context(caller, (self.memory.clone(), self.commits.clone()), self.freshness)
    }

    /// Notes that it has written something, if it can: its caller's next reads have to see that.
    pub(crate) fn wrote(&self) {
        if self.changes() {
            self.state().engine.wrote(&self.context());
        }
    }

    /// What shows the client's later requests what this one has changed.
    pub(crate) fn commit_token(&self) -> Option<String> {
        self.changes().then(|| self.state().engine.commit_token(&self.commits))
    }

    /// Whom an answer that depends on the caller may reach.
    pub(crate) fn audience(&self) -> Audience {
        self.recognized.audience()
    }

    /// The memory of the request.
    pub(crate) fn memory(&self) -> &Memory {
        &self.memory
    }

    /// Takes the value of the one query parameter that the endpoint takes.
    pub(crate) fn take_parameter(&mut self) -> Option<String> {
        self.parameter.take()
    }

    /// Takes the body.
    pub(crate) fn take_body(&mut self) -> Bytes {
        std::mem::take(&mut self.body)
    }

    /// The memory of the request, in which its body holds nothing any more.
    pub(crate) fn into_memory(self) -> Memory {
        self.memory
    }

    /// What the client prefers to get back, where the endpoint honors that.
    pub(crate) fn returning(&self) -> Option<Returning> {
        if self.endpoint.prefer { Returning::preferred(self.head.headers()) } else { None }
    }

    /// What a write carries in its headers.
    pub(crate) fn write_headers(&self) -> Result<WriteHeaders, Refusal> {
        let headers = self.head.headers();
        let takes_key = self.endpoint.idempotency == Idempotency::Taken;
        Ok(WriteHeaders {
            idempotency_key: if takes_key { idempotency::key(self.head, &self.recognized)? } else { None },
            if_match: preconditions::of_write(headers, self.endpoint.conditions)?,
            returning: self.returning(),
        })
    }
}
