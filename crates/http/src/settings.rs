use std::sync::Arc;
use std::time::Duration;

use backstay_base::limits;

use crate::{Cors, Development, Docs, InboxSecrets, Proxies};

/// How the door behaves, as configured.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// Other origins whose pages may call; none by default.
    pub cors: Option<Cors>,
    /// Trusted proxies in front of the server; none by default.
    pub proxies: Proxies,
    /// Whether clients connect by https even if no proxy says so: cookies are then sent over https only.
    pub secure_cookies: bool,
    /// Answers of at least this many bytes are compressed; `None` never compresses.
    pub compress_from: Option<usize>,
    /// The most bytes that the body of a request may have.
    pub body_bytes: usize,
    /// How long one request may take.
    pub request_time: Duration,
    /// How long the head of a request may take to arrive, from its first byte; on a new connection, from its start.
    pub header_time: Duration,
    /// How long a connection may stay open between requests.
    pub idle_time: Duration,
    /// How long the body of a request may take to arrive.
    pub body_time: Duration,
    /// How long running requests may take when the server is told to stop.
    pub drain_time: Duration,
    /// How long a client may take nothing of an answer before its connection is cut off.
    pub stall_time: Duration,
    /// The most connections that are open at one time.
    pub connections: usize,
    /// The most bytes that request bodies, and answers until they are written, may hold at one time.
    pub memory_bytes: usize,
    /// What one network may use of the connections and of that memory, in percent.
    pub network_percent: u8,
    /// Who may see the interactive documentation at `/docs`.
    pub docs: Docs,
    /// Words that may be before the token in `Authorization` instead of `Bearer`.
    pub token_schemes: Vec<String>,
    /// What events are signed with, by the names that inboxes of the model give.
    pub inbox_secrets: InboxSecrets,
    /// What the developer of the application is offered; `None` on a server that only serves it.
    pub development: Option<Arc<Development>>,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            cors: None,
            proxies: Proxies::default(),
            secure_cookies: false,
            compress_from: Some(limits::COMPRESS_BYTES),
            body_bytes: limits::BODY_BYTES,
            request_time: Duration::from_secs(limits::REQUEST_SECONDS),
            header_time: Duration::from_secs(limits::HEADER_SECONDS),
            idle_time: Duration::from_secs(limits::IDLE_SECONDS),
            body_time: Duration::from_secs(limits::BODY_SECONDS),
            drain_time: Duration::from_secs(limits::DRAIN_SECONDS),
            stall_time: Duration::from_secs(limits::STALL_SECONDS),
            connections: limits::CONNECTIONS,
            memory_bytes: limits::MEMORY_BYTES,
            network_percent: limits::NETWORK_PERCENT,
            docs: Docs::default(),
            token_schemes: Vec::new(),
            inbox_secrets: InboxSecrets::default(),
            development: None,
        }
    }
}

impl HttpSettings {
    /// Whether there is interactive documentation.
    pub(crate) fn has_docs(&self) -> bool {
        match self.docs {
            Docs::Always => true,
            Docs::InDevelopment => self.development.is_some(),
            Docs::Never => false,
        }
    }
}
