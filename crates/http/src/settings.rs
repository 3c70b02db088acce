use std::time::Duration;

use backstay_base::limits;

use crate::{Cors, Proxies};

/// How the doors behave, as configured.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// Other origins whose pages may call; none by default.
    pub cors: Option<Cors>,
    /// Proxies in front whose word about the client is taken; none by default.
    pub proxies: Proxies,
    /// Whether clients come over https even where no proxy says so: cookies are then for https alone.
    pub secure_cookies: bool,
    /// Bytes from which an answer is compressed; `None` never compresses.
    pub compress_from: Option<usize>,
    /// Bytes of a request's body at most.
    pub body_bytes: usize,
    /// How long one request may take.
    pub request_time: Duration,
    /// How long the headers of a request may take to arrive, and how long a connection may be idle.
    pub header_time: Duration,
    /// How long the body of a request may take to arrive.
    pub body_time: Duration,
    /// How long requests under way may go on when the server is asked to stop.
    pub drain_time: Duration,
    /// Connections at one time.
    pub connections: usize,
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
            body_time: Duration::from_secs(limits::BODY_SECONDS),
            drain_time: Duration::from_secs(limits::DRAIN_SECONDS),
            connections: limits::CONNECTIONS,
        }
    }
}
