use std::fmt;
use std::sync::Arc;

use backstay_engine::{Engine, Inspecting};
use backstay_identity::Identity;
use backstay_rest::Reader;
use bytes::Bytes;
use http::HeaderValue;

use crate::HttpSettings;
use crate::budget::Budget;
use crate::lingering::Lingering;
use crate::own_paths::OwnPaths;

/// What the door needs to answer requests.
#[derive(Clone)]
pub struct Services {
    /// Carries requests out.
    pub engine: Engine,
    /// Recognizes callers.
    pub identity: Identity,
    /// How the door behaves.
    pub settings: HttpSettings,
}

impl fmt::Debug for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Services").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// What all requests share: the services, and what is computed from them once.
pub(crate) struct State {
    pub(crate) engine: Engine,
    pub(crate) identity: Identity,
    /// What requests and answers may hold.
    pub(crate) budget: Arc<Budget>,
    /// Clients whose bodies are refused and that are still getting their response.
    pub(crate) lingering: Lingering,
    /// Reads the texts in requests.
    pub(crate) reader: Arc<Reader>,
    pub(crate) settings: HttpSettings,
    /// Paths of the team's own.
    pub(crate) own_paths: OwnPaths,
    /// The `OpenAPI` document.
    pub(crate) openapi: Bytes,
    /// `Vary` of every answer.
    pub(crate) vary: HeaderValue,
}

impl State {
    /// Whether the inspector is on.
    pub(crate) fn is_inspected(&self) -> bool {
        self.engine.inspector().state(self.engine.ambient().clock.now()) != Inspecting::Off
    }

    pub(crate) fn new(services: Services, openapi: Bytes, budget: Arc<Budget>) -> Self {
        let Services { engine, identity, settings } = services;
        let vary = match settings.cors {
            None => "Authorization, Cookie, Backstay-Link, Accept-Encoding",
            Some(_) => "Authorization, Cookie, Backstay-Link, Accept-Encoding, Origin",
        };
        let own_paths = OwnPaths::of(engine.model());
        let reader = Arc::new(Reader::new(&engine));
        Self {
            engine,
            identity,
            budget,
            lingering: Lingering::new(),
            reader,
            settings,
            own_paths,
            openapi,
            vary: HeaderValue::from_static(vary),
        }
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").field("settings", &self.settings).finish_non_exhaustive()
    }
}
